/* SPDX-License-Identifier: GPL-2.0-only */
/* ioapic.c - interrupt lines; see device.h. Registers: Intel 82093AA, 3.1 and 3.2; the end of interrupt register is that of later ones. */
#include <hv/hypercall.h>
#include <hv/percpu.h>

#define SELECT 0x00u
#define DATA 0x10u
#define EOI 0x40u
#define ENTRIES 0x10u /* behind select and data: two registers for each line */
#define ENTRY_STATUS (1u << 12 | 1u << 14) /* what the IOAPIC itself writes */
#define ENTRY_TRIGGER (1u << 13 | 1u << 15) /* active low, level */
#define ENTRY_MASKED (1u << 16)
#define DESTINATION_SHIFT 24
/* VT-d 5.1.5.1: handle in 63:49 and 11, remappable format. */
#define REMAPPED_HIGH(index) ((index) << 17 | 1u << 16)
#define REMAPPED_LOW(index) (((index) >> 15 & 1) << 11)

/* The accesses to registers of units serve for all registers in memory. */
static uint32_t register_read(const struct shown *s, uint32_t at)
{
	vtd_write32(pa_make(s->at), SELECT, at);
	return vtd_read32(pa_make(s->at), DATA);
}

static void register_write(const struct shown *s, uint32_t at, uint32_t value)
{
	vtd_write32(pa_make(s->at), SELECT, at);
	vtd_write32(pa_make(s->at), DATA, value);
}

/* It is masked, so the IOAPIC does not use it before both halves are there. */
static void entry_write(const struct line *l, uint32_t low, uint32_t high)
{
	register_write(l->ioapic, l->at + 1, high);
	register_write(l->ioapic, l->at, low);
}

/* The word that the guest has in the place of this register; NULL: it has the register. */
static uint32_t *word_find(const struct shown *s, uint32_t at)
{
	for (struct line *l = hv.line; l < hv.line + VTD_MAX_LINES; l++) {
		if (l->ioapic == s && l->at == (at & ~1u))
			return &l->entry[at & 1];
	}
	return NULL;
}

void ioapic_stored(const struct shown *s, uint32_t offset)
{
	/* Another CPU of the guest may store there, too: each word is read once. */
	volatile uint32_t *page = pa_pointer(s->page);
	uint32_t at = page[SELECT / 4] & 0xff, value = page[offset / 4], *word = word_find(s, at);

	if (offset == DATA && word != NULL)
		*word = value;
	else if (offset == DATA)
		register_write(s, at, value);
	else if (offset == EOI && (value & 0xff) != RV_FIMCE_VECTOR)
		vtd_write32(pa_make(s->at), EOI, value);
	page[DATA / 4] = word != NULL ? *word : register_read(s, at);
}

int64_t ioapic_take(struct percpu *cpu, struct fimce *f, uint32_t gsi)
{
	const struct rv_launch_ioapic *io = hv.launch.ioapic, *end = io + hv.launch.ioapic_count;
	struct shown *s = &hv.shown[VTD_MAX_UNITS];
	struct line *l = hv.line;
	int64_t error = 0;
	uint32_t at;

	for (; io < end && gsi - io->gsi_base >= io->line_count; io++)
		s++;
	if (io == end)
		return hypercall_refuse(cpu, -RV_ENODEV, RV_REASON_DEVICE_INTERRUPT, gsi);
	at = ENTRIES + 2 * (gsi - io->gsi_base);
	if (word_find(s, at) != NULL)
		return hypercall_refuse(cpu, -RV_EBUSY, RV_REASON_DEVICE_INTERRUPT, gsi);
	if (s->at == 0) {
		/* No CPU of the guest may meet less than an IOAPIC. */
		percpu_hold_begin(cpu);
		error = device_page_take(cpu, s, io->base, PERM_R | PERM_W, 0);
		if (!error) {
			*(uint32_t *)pa_pointer(s->page) = vtd_read32(pa_make(s->at), SELECT);
			ioapic_stored(s, SELECT);
		}
		percpu_hold_end();
	}
	if (error)
		return error;
	/* There is one for every grant. */
	while (l->ioapic != NULL)
		l++;
	*l = (struct line){s, f->id, (uint16_t)io->source_id, at, {register_read(s, at), register_read(s, at + 1)}};
	l->entry[0] &= ~ENTRY_STATUS;
	register_write(s, at, l->entry[0] | ENTRY_MASKED);
	f->has_interrupt = true;
	return 0;
}

int64_t ioapic_set(struct percpu *cpu, const struct fimce *f, bool on)
{
	int64_t failed = 0;

	for (uint32_t i = 0; i < VTD_MAX_LINES; i++) {
		const struct line *l = &hv.line[i];
		uint32_t low = RV_FIMCE_VECTOR | (l->entry[0] & ENTRY_TRIGGER);
		uint32_t index = VTD_RESERVED_INDEX(&hv.vtd, VTD_MAX_DEVICES + i);
		int error;

		if (l->ioapic == NULL || l->fimce != f->id)
			continue;
		/* The vector stays: by it the end of what is in service finds a level line. */
		register_write(l->ioapic, l->at, register_read(l->ioapic, l->at) | ENTRY_MASKED);
		error = vtd_interrupt_set(&hv.vtd, VTD_MAX_DEVICES + i,
					  (struct vtd_message){l->source_id, on ? low : 0, on ? cpu->apic_id : 0});
		if (error)
			failed = hypercall_refuse(cpu, error, hv.vtd.failure.reason, hv.vtd.failure.value[0]);
		else if (on && hv.vtd.unit_count != 0)
			entry_write(l, low | REMAPPED_LOW(index), REMAPPED_HIGH(index));
		else if (on)
			entry_write(l, low, cpu->apic_id << DESTINATION_SHIFT);
	}
	return failed;
}

void ioapic_return(struct percpu *cpu, const struct fimce *f)
{
	for (struct shown *s = hv.shown + VTD_MAX_UNITS; s < hv.shown + SHOWN_MAX; s++) {
		bool away = false;

		if (s->at == 0)
			continue;
		percpu_hold_begin(cpu);
		/* A store whose single step waits for the lock; one that is still to come will be one to the IOAPIC. */
		for (uint32_t i = 0; i < hv.cpu_count; i++) {
			if (hv.cpu[i]->store_to == s)
				ioapic_stored(s, hv.cpu[i]->store_offset);
		}
		for (struct line *l = hv.line; l < hv.line + VTD_MAX_LINES; l++) {
			if (l->ioapic == s && l->fimce == f->id) {
				entry_write(l, l->entry[0], l->entry[1]);
				l->ioapic = NULL;
			}
			away |= l->ioapic == s;
		}
		vtd_write32(pa_make(s->at), SELECT, *(uint32_t *)pa_pointer(s->page));
		if (!away)
			device_page_put(cpu, s);
		percpu_hold_end();
	}
}
