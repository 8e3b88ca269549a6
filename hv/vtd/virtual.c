/* SPDX-License-Identifier: GPL-2.0-only */
/* virtual.c - the guest's remapping units; see virtual.h. */
#include <hv/hypercall.h>
#include <hv/util.h>
#include <hv/vtd/virtual.h>

#define VERSION 0x10u
#define NO_COMMAND 1u /* a reserved bit: every store of a command shows, 0 included */
#define IOTLB_AT 0x10ull /* IRO, in 16 bytes: registers that the guest has no use for */
#define FAULTS_AT 0x22ull /* FRO, in 16 bytes: one record, never used */
#define QUEUE_SIZE 7u /* QS: 2^QS pages */
#define QUEUE_WIDE (1ull << 11) /* DW: descriptors of 256 bits */
/* Registers of four bytes that keep what is written: events (never sent) from FECTL and IECTL, IQT, IQA, IRTA. */
#define KEPT (0xfull << VTD_FECTL / 4 | 0xfull << VTD_IECTL / 4 | 0xfull << VTD_IQT / 4 | 3ull << VTD_IRTA / 4)
#define HANDLE_MASK_MAX 15ull
#define RANGE_MAX 16u /* larger ranges: the whole table */

static uint32_t *reg32(struct vtd_virtual *g, uint32_t offset)
{
	return (uint32_t *)g->file + offset / 4;
}

static uint64_t *reg64(struct vtd_virtual *g, uint32_t offset)
{
	return &g->file[offset / 8];
}

/* The guest's memory at this address, up to the end of the page; NULL if it is not the guest's RAM. */
static volatile void *guest_at(uint64_t gpa)
{
	if (!hypercall_is_guest_ram(gpa & PAGE_MASK))
		return NULL;
	return pa_pointer(pa_make(gpa));
}

/* Reads entries of the guest, once; they are absent where it has no table. @return true if the live table changed. */
static bool shadow(struct vtd *v, struct vtd_virtual *g, uint32_t first, uint32_t count)
{
	uint32_t size = g->table != 0 ? 2u << (g->table & IRTA_SIZE) : 0, why;
	const volatile struct vtd_pair *page = NULL;
	bool changed = false;

	for (uint32_t i = first; i < first + count && i < VTD_MAX_ENTRIES; i++) {
		struct vtd_pair wanted = {0, 0}, entry, old;

		if (i == first || i % VTD_PAIRS_PER_PAGE == 0)
			page = guest_at((g->table & ENTRY_ADDRESS) + i / VTD_PAIRS_PER_PAGE * RV_PAGE_SIZE);
		if (page != NULL && i < size)
			wanted = (struct vtd_pair){page[i % VTD_PAIRS_PER_PAGE].low, page[i % VTD_PAIRS_PER_PAGE].high};
		why = vtd_entry_check(v, g->unit, i, wanted, &entry);
		if (why != RV_REASON_NONE)
			g->refusal = (struct vtd_refusal){why, {i, wanted.low, wanted.high}};
		if (i >= v->entries - VTD_RESERVED_ENTRIES)
			continue;
		old = *vtd_pair_at(g->unit->interrupts, i);
		if (old.low == entry.low && old.high == entry.high)
			continue;
		vtd_entry_write(v, g->unit, i, entry);
		changed = true;
	}
	return changed;
}

bool vtd_virtual_sync(struct vtd *v, struct vtd_virtual *g)
{
	return shadow(v, g, 0, v->entries - VTD_RESERVED_ENTRIES);
}

/* Work of one run of the queue. */
struct run {
	bool all; /* the whole table was looked at: it holds all that was asked for before this exit */
	bool changed; /* and the real unit does not know yet */
};

static int run_flush(struct vtd *v, struct run *r)
{
	int error = r->changed ? vtd_flush_interrupts(v) : 0;

	r->changed = false;
	return error;
}

static void invalidate(struct vtd *v, struct vtd_virtual *g, struct run *r, uint64_t low)
{
	uint32_t count = 1u << (low >> INTERRUPT_MASK_SHIFT & 31), first = (uint32_t)(low >> INTERRUPT_INDEX_SHIFT);

	if (r->all)
		return;
	r->all = !(low & INTERRUPT_INDEXED) || count > RANGE_MAX;
	if (r->all)
		r->changed |= vtd_virtual_sync(v, g);
	else
		r->changed |= shadow(v, g, first & 0xffff & ~(count - 1), count);
}

/* @return false if the unit has to stop at this descriptor. */
static bool descriptor_run(struct vtd *v, struct vtd_virtual *g, struct run *r, struct vtd_pair d, int *error)
{
	uint32_t type = DESCRIPTOR_TYPE(d.low);
	volatile uint32_t *status;

	if (type == DESCRIPTOR_INTERRUPT)
		invalidate(v, g, r, d.low);
	/* Context cache, IOTLB, device TLB: of tables that this unit does not have. */
	if (type != DESCRIPTOR_WAIT)
		return type >= DESCRIPTOR_CONTEXT && type <= DESCRIPTOR_INTERRUPT;
	/* All before it holds when the guest sees the answer. */
	*error = run_flush(v, r);
	if (*error || !(d.low & WAIT_STATUS))
		return true;
	status = guest_at(d.high & ~3ull);
	if (status != NULL)
		*status = (uint32_t)(d.low >> WAIT_STATUS_SHIFT);
	return status != NULL;
}

static int queue_run(struct vtd *v, struct vtd_virtual *g)
{
	uint64_t bytes = (uint64_t)RV_PAGE_SIZE << (g->queue & QUEUE_SIZE), *head = reg64(g, VTD_IQH);
	uint64_t tail = *reg64(g, VTD_IQT) & (bytes - sizeof(struct vtd_pair));
	struct run r = {false, false};
	int error = 0, last;

	while (!error && *head != tail && (*reg32(g, VTD_GSTS) & GCMD_QIE) && !(*reg32(g, VTD_FSTS) & FSTS_IQE)) {
		const volatile struct vtd_pair *d = guest_at((g->queue & ENTRY_ADDRESS) + *head);

		if (d == NULL || !descriptor_run(v, g, &r, (struct vtd_pair){d->low, d->high}, &error)) {
			g->refusal = (struct vtd_refusal){RV_REASON_VTD_VIRTUAL, {VTD_IQH, *head, 0}};
			*reg32(g, VTD_FSTS) |= FSTS_IQE;
			break;
		}
		*head = (*head + sizeof(struct vtd_pair)) & (bytes - 1);
	}
	last = run_flush(v, &r);
	return error ? error : last;
}

/* GCMD: 11.4.4. Commands for what this unit does not have (DMA translation) get no answer. */
static int command(struct vtd *v, struct vtd_virtual *g, uint32_t value)
{
	uint32_t *gsts = reg32(g, VTD_GSTS), lasting = *gsts & (GCMD_QIE | GCMD_IRE);
	int error = 0;

	if (value & (GCMD_TE | GCMD_SRTP | GCMD_CFI))
		g->refusal = (struct vtd_refusal){RV_REASON_VTD_VIRTUAL, {VTD_GCMD, value, 0}};
	if (value & ~lasting & GCMD_QIE) {
		g->queue = *reg64(g, VTD_IQA);
		if ((g->queue & QUEUE_WIDE) || 1u << (g->queue & QUEUE_SIZE) > VTD_VIRTUAL_QUEUE_PAGES) {
			g->refusal = (struct vtd_refusal){RV_REASON_VTD_VIRTUAL, {VTD_IQA, g->queue, 0}};
			value &= ~GCMD_QIE;
		}
	}
	if ((value ^ lasting) & GCMD_QIE)
		*reg64(g, VTD_IQH) = 0;
	if (value & GCMD_SIRTP) {
		bool eime = (*reg64(g, VTD_IRTA) & IRTA_EIME) != 0 && v->eim;

		g->table = *reg64(g, VTD_IRTA);
		if (eime != g->unit->eime)
			error = vtd_unit_set_eime(v, g->unit, eime);
		if (!error && vtd_virtual_sync(v, g))
			error = vtd_flush_interrupts(v);
	}
	*gsts = (*gsts & GCMD_SIRTP) | (value & (GCMD_QIE | GCMD_IRE | GCMD_SIRTP));
	return error ? error : queue_run(v, g);
}

static int write_32(struct vtd *v, struct vtd_virtual *g, uint32_t offset, uint32_t value)
{
	if (offset == VTD_GCMD)
		return command(v, g, value);
	if (offset == VTD_FSTS)
		*reg32(g, VTD_FSTS) &= ~(value & FSTS_QUEUE);
	else if (KEPT >> (offset / 4) & 1)
		*reg32(g, offset) = value;
	return offset == VTD_FSTS || offset == VTD_IQT ? queue_run(v, g) : 0;
}

int vtd_virtual_stored(struct vtd *v, struct vtd_virtual *g, uint32_t offset)
{
	uint32_t seen[VTD_REGISTERS_MIN / 4];
	int error = 0;

	memcpy(seen, pa_pointer(g->page), sizeof(seen));
	/* Downwards: addresses and sizes before what makes the unit use them. */
	for (uint32_t i = VTD_REGISTERS_MIN / 4; i-- > 0 && !error;) {
		if (i == offset / 4 || seen[i] != *reg32(g, i * 4))
			error = write_32(v, g, i * 4, seen[i]);
	}
	memcpy(pa_pointer(g->page), g->file, sizeof(g->file));
	return error;
}

int vtd_virtual_init(struct vtd *v, struct vtd_virtual *g, struct vtd_unit *unit)
{
	uint32_t real = vtd_read32(unit->base, VTD_GSTS);
	int error = vtd_pages(v, 1, &g->page);

	if (error)
		return error;
	g->unit = unit;
	*reg32(g, VTD_VER) = VERSION;
	*reg64(g, VTD_CAP) = CAP_CM | FAULTS_AT << 24 | (unit->cap & CAP_ND);
	*reg64(g, VTD_ECAP) =
	    ECAP_C | ECAP_QI | ECAP_IR | (v->eim ? ECAP_EIM : 0) | IOTLB_AT << 8 | HANDLE_MASK_MAX << 20;
	*reg32(g, VTD_GCMD) = NO_COMMAND;
	*reg32(g, VTD_FECTL) = EVENT_MASK;
	*reg32(g, VTD_IECTL) = EVENT_MASK;
	/* What the guest did with the real unit before the launch. */
	*reg64(g, VTD_IQA) = g->queue = vtd_read64(unit->base, VTD_IQA);
	*reg64(g, VTD_IRTA) = vtd_read64(unit->base, VTD_IRTA);
	*reg64(g, VTD_IQT) = vtd_read32(unit->base, VTD_IQT);
	*reg64(g, VTD_IQH) = *reg64(g, VTD_IQT); /* vtd_start has the real unit finish what is in the queue */
	*reg32(g, VTD_GSTS) = real & (GCMD_QIE | GCMD_IRE | GCMD_SIRTP);
	g->table = real & GCMD_SIRTP ? *reg64(g, VTD_IRTA) : 0;
	unit->eime = v->eim && (g->table & IRTA_EIME);
	memcpy(pa_pointer(g->page), g->file, sizeof(g->file));
	return 0;
}
