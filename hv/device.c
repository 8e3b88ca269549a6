/* SPDX-License-Identifier: GPL-2.0-only */
/* device.c - see device.h. */
#include <hv/agent.h>
#include <hv/exits.h>
#include <hv/fimce_tables.h>
#include <hv/hypercall.h>
#include <hv/iommu.h>
#include <hv/percpu.h>
#include <ravelin/pci.h>

#define UART_PORTS 8u
#define PORTS 0x10000u
#define PCI_PORTS 8u /* from PCI_ADDRESS */
#define BITMAP_PORTS 0x8000u
#define NO_SOURCE 0xffffffffu
/* Message to an interrupt entry, VT-d 5.1.2.2: handle in 19:5 and 2, remappable format. Its data is 0. */
#define MSI_ADDRESS(index) (0xfee00010u | ((index)&0x7fff) << 5 | ((index) >> 15) << 2)
#define MSI_RANGE 0xfee00000ull /* the local APIC's registers, too */
#define MSI_RANGE_BYTES 0x100000ull

static bool overlaps(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

static struct device *device_find(uint32_t source_id)
{
	for (uint32_t i = 0; i < VTD_MAX_DEVICES; i++) {
		if (hv.device[i].fimce != 0 && hv.device[i].source_id == source_id)
			return &hv.device[i];
	}
	return NULL;
}

/* The FIMCE's next device after this one, or its first after NULL. */
static struct device *device_next(const struct fimce *f, struct device *d)
{
	for (d = d == NULL ? hv.device : d + 1; d < hv.device + VTD_MAX_DEVICES; d++) {
		if (d->fimce == f->id)
			return d;
	}
	return NULL;
}

/* --- ports ----------------------------------------------------------------------------------------------------------- */

static struct port_range *port_find(uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < DEVICE_PORT_RANGES; i++) {
		if (hv.port[i].fimce != 0 && overlaps(first, count, hv.port[i].first, hv.port[i].count))
			return &hv.port[i];
	}
	return NULL;
}

static void ports_mark(uint8_t *map, uint32_t base, uint32_t first, uint32_t count, bool exits)
{
	for (uint32_t i = first < base ? base : first; i < first + count && i < base + BITMAP_PORTS; i++) {
		uint32_t bit = 1u << i % 8;

		map[(i - base) / 8] = (uint8_t)(exits ? map[(i - base) / 8] | bit : map[(i - base) / 8] & ~bit);
	}
}

void device_fill_bitmap(uint8_t map[RV_PAGE_SIZE], enum vmcs_field which, const struct fimce *f)
{
	uint32_t base = which == VMCS_IO_BITMAP_B ? BITMAP_PORTS : 0;

	if (f != NULL)
		memset(map, 0xff, RV_PAGE_SIZE);
	if (f == &hv.agent)
		ports_mark(map, base, PCI_ADDRESS, PCI_PORTS, false);
	for (uint32_t i = 0; f == NULL && i < VTD_MAX_DEVICES; i++) {
		if (hv.device[i].fimce != 0)
			ports_mark(map, base, PCI_ADDRESS, PCI_PORTS, true);
	}
	for (uint32_t i = 0; i < DEVICE_PORT_RANGES; i++) {
		const struct port_range *r = &hv.port[i];

		if (f == NULL ? r->fimce != 0 : r->fimce == f->id && f->sealed)
			ports_mark(map, base, r->first, r->count, f == NULL);
	}
}

static void fimce_bitmaps_fill(struct fimce *f)
{
	device_fill_bitmap(pa_pointer(f->io_bitmaps), VMCS_IO_BITMAP_A, f);
	device_fill_bitmap(pa_pointer(pa_add(f->io_bitmaps, RV_PAGE_SIZE)), VMCS_IO_BITMAP_B, f);
}

/* No CPU may be in the guest while a bitmap changes (SDM 25.11.4); none goes on with what it was about to do without exit. */
static void guest_bitmaps_fill(struct percpu *cpu)
{
	percpu_hold_begin(cpu);
	exits_fill_bitmap(pa_pointer(hv.io_bitmap_a), VMCS_IO_BITMAP_A);
	exits_fill_bitmap(pa_pointer(hv.io_bitmap_b), VMCS_IO_BITMAP_B);
	percpu_hold_end();
	hv.device_touch = 0;
}

static int64_t ports_take(struct percpu *cpu, const struct fimce *f, uint64_t first, uint64_t count, uint32_t source_id)
{
	struct port_range *free = NULL;

	for (uint32_t i = 0; i < DEVICE_PORT_RANGES; i++) {
		if (hv.port[i].fimce == 0)
			free = &hv.port[i];
	}
	if (count == 0 || first >= PORTS || count > PORTS - first || free == NULL)
		return hypercall_refuse(cpu, -RV_EINVAL, RV_REASON_DEVICE_PORTS, first);
	if (port_find((uint32_t)first, (uint32_t)count) != NULL || overlaps(first, count, RV_DOORBELL_PORT, 1) ||
	    overlaps(first, count, PCI_ADDRESS, PCI_PORTS) ||
	    (hv.launch.serial_port != 0 && overlaps(first, count, hv.launch.serial_port, UART_PORTS)))
		return hypercall_refuse(cpu, -RV_EBUSY, RV_REASON_DEVICE_PORTS, first);
	*free = (struct port_range){f->id, (uint32_t)first, (uint32_t)count, source_id};
	return 0;
}

/* Whether a guest's access meets something that it does not have, and whose that is. */
static bool access_meets(uint32_t port, uint32_t bytes, uint32_t *source_id)
{
	const struct port_range *r = port_find(port, bytes);
	uint32_t address = inl(PCI_ADDRESS);

	*source_id = r != NULL ? r->source_id : address >> 8 & 0xffff;
	return r != NULL ||
	       (overlaps(port, bytes, PCI_DATA, 4) && (address & PCI_ENABLE) && device_find(*source_id) != NULL);
}

static uint32_t port_access(uint16_t port, uint32_t bytes, bool in, uint64_t value)
{
	if (in)
		return bytes == 1 ? inb(port) : bytes == 2 ? inw(port) : inl(port);
	if (bytes == 1)
		outb(port, (uint8_t)value);
	else if (bytes == 2)
		outw(port, (uint16_t)value);
	else
		outl(port, (uint32_t)value);
	return 0;
}

void device_io(struct percpu *cpu, uint32_t port, uint32_t bytes, bool in)
{
	uint64_t *rax = &cpu->regs.gpr[RAX], written = bytes == 4 ? ~0ull : (1ull << 8 * bytes) - 1;
	uint32_t value = ~0u, source_id;

	lock_acquire(&hv.lock);
	if (!access_meets(port, bytes, &source_id)) {
		value = port_access((uint16_t)port, bytes, in, *rax);
	} else if (hv.device_touch != ((uint64_t)source_id << 32 | port)) {
		hv.device_touch = (uint64_t)source_id << 32 | port;
		log3(cpu, RV_REASON_DEVICE_CONFIG, port, source_id, vmcs_read(VMCS_GUEST_RIP));
	}
	lock_release(&hv.lock);
	if (in)
		*rax = (*rax & ~written) | (value & written);
}

/* --- memory ---------------------------------------------------------------------------------------------------------- */

static void extent_show(uint64_t base, uint64_t bytes, uint8_t perm)
{
	for (uint64_t at = base; at < base + bytes; at += RV_PAGE_SIZE)
		ept_set(&hv.ept, gpa_make(at), perm);
}

static int64_t extent_take(struct percpu *cpu, uint32_t owner, uint64_t base, uint64_t bytes)
{
	struct transition t;
	int error = partition_prepare(&hv.partition, &t, pa_make(base), bytes, OWNER_GUEST);

	if (error)
		return hypercall_refuse(cpu, error,
					error == -RV_ENOSPC ? RV_REASON_PARTITION_FULL : RV_REASON_DEVICE_BAR, base);
	for (uint64_t at = base; !error && at < base + bytes; at += RV_PAGE_SIZE)
		error = ept_prepare(&hv.ept, gpa_make(at));
	if (error) {
		partition_cancel(&hv.partition, &t);
		iommu_rejoin(cpu, base, bytes);
		return hypercall_refuse(cpu, error, RV_REASON_TABLE_PAGES, base);
	}
	partition_commit(&hv.partition, &t, &(struct row){.owner = owner, .perm = PERM_R | PERM_W});
	extent_show(base, bytes, PERM_NONE);
	return 0;
}

int64_t device_page_take(struct percpu *cpu, struct shown *s, uint64_t at, uint8_t perm, int fill)
{
	int64_t error;

	if (partition_allocate(&hv.partition, 1, OWNER_HYPERVISOR, &s->page) != 0)
		return hypercall_refuse(cpu, -RV_ENOMEM, RV_REASON_POOL_EMPTY, 1);
	error = extent_take(cpu, OWNER_HYPERVISOR, at, RV_PAGE_SIZE);
	if (error) {
		partition_release(&hv.partition, s->page, RV_PAGE_SIZE);
		return error;
	}
	s->at = at;
	/* A row of its own already: this can't fail. */
	partition_change(&hv.partition, s->page,
			 &(struct row){.owner = OWNER_HYPERVISOR, .shared = SHARED_GUEST, .perm = perm, .logical = at});
	memset(pa_pointer(s->page), fill, RV_PAGE_SIZE);
	ept_alias(&hv.ept, gpa_make(at), s->page, PERM_R);
	return 0;
}

/* @return whether nobody uses what was shown there before. */
static bool extent_put(struct percpu *cpu, uint64_t base, uint64_t bytes)
{
	bool flushed;

	partition_change(&hv.partition, pa_make(base), &(struct row){.owner = OWNER_GUEST, .perm = PERM_RWX});
	extent_show(base, bytes, PERM_RWX);
	flushed = iommu_flush_guest(cpu) == 0;
	partition_merge(&hv.partition);
	iommu_rejoin(cpu, base, bytes);
	return flushed;
}

void device_page_put(struct percpu *cpu, struct shown *s)
{
	if (s->at != 0 && extent_put(cpu, s->at, RV_PAGE_SIZE))
		partition_release(&hv.partition, s->page, RV_PAGE_SIZE);
	*s = (struct shown){0};
}

static bool is_device_memory(uint64_t base, uint64_t bytes)
{
	const struct rv_launch *l = &hv.launch;
	bool bad = overlaps(base, bytes, MSI_RANGE, MSI_RANGE_BYTES);

	for (uint32_t i = 0; i < l->ram_count; i++)
		bad |= overlaps(base, bytes, l->ram[i].base, l->ram[i].bytes);
	for (uint32_t i = 0; i < l->ioapic_count; i++)
		bad |= overlaps(base, bytes, l->ioapic[i].base & PAGE_MASK, RV_PAGE_SIZE);
	for (uint32_t i = 0; i < l->ecam_count; i++)
		bad |= overlaps(base, bytes, l->ecam[i].base + ((uint64_t)l->ecam[i].first_bus << 20),
				(l->ecam[i].last_bus - l->ecam[i].first_bus + 1ull) << 20);
	return !bad;
}

/* Something with the function's configuration space. What it is about is in the mailbox then. */
static int64_t pci_do(struct percpu *cpu, enum agent_command command, const struct device *d)
{
	struct agent_pci *m = &agent_mail()->pci;
	int64_t error;

	memset(m, 0, sizeof(*m));
	error = agent_call(cpu, command, (uint64_t)d);
	if (error > 0)
		return -RV_EIO;
	return error && m->reason != 0 ? hypercall_refuse(cpu, error, m->reason, m->value) : error;
}

static int64_t bars_take(struct percpu *cpu, struct fimce *f, struct device *d)
{
	int64_t error = pci_do(cpu, AGENT_PCI_SIZE, d);

	for (uint32_t i = 0; !error && i < PCI_BARS; i++) {
		const struct agent_bar *bar = &agent_mail()->pci.bar[i];
		uint64_t base = bar->base, bytes = bar->bytes;

		if (bytes == 0)
			continue;
		d->shown.bar[i] = (struct rv_fimce_bar){base, (uint32_t)bytes, bar->is_port};
		if (bar->is_port) {
			error = ports_take(cpu, f, base, bytes, d->source_id);
			continue;
		}
		if (((base | bytes) & ~PAGE_MASK) != 0 || bytes > RV_FIMCE_MAX_BARS - f->bar_bytes ||
		    !is_device_memory(base, bytes))
			return hypercall_refuse(cpu, -RV_EINVAL, RV_REASON_DEVICE_BAR, base);
		d->shown.bar[i].address = RV_FIMCE_BARS + f->bar_bytes;
		f->bar_bytes += (uint32_t)bytes;
		error = extent_take(cpu, OWNER_FIMCE(d->fimce), base, bytes);
		d->extent[i].base = base;
		d->extent[i].bytes = error ? 0 : bytes;
	}
	return error;
}

/* Its page of memory-mapped configuration space: in its place the guest reads ones. */
static int64_t config_take(struct percpu *cpu, struct device *d)
{
	for (uint32_t i = 0; i < hv.launch.ecam_count; i++) {
		const struct rv_launch_ecam *e = &hv.launch.ecam[i];
		uint64_t at = e->base + ((uint64_t)d->source_id << RV_PAGE_SHIFT);

		if (e->segment == 0 && d->source_id >> 8 >= e->first_bus && d->source_id >> 8 <= e->last_bus)
			return device_page_take(cpu, &d->config, at, PERM_R, 0xff);
	}
	return 0;
}

/* --- taking and returning -------------------------------------------------------------------------------------------- */

static int64_t unit_refuse(struct percpu *cpu, int error)
{
	return hypercall_refuse(cpu, error, error == -RV_ENOMEM ? RV_REASON_POOL_EMPTY : hv.vtd.failure.reason,
				hv.vtd.failure.value[0]);
}

/* Its DMA goes through this table; v = 0: it is blocked. */
static int dma_set(const struct fimce *f, const struct device *d, pa_t table)
{
	return vtd_device_set(&hv.vtd, d->source_id, table, VTD_DOMAIN_FIMCE((uint16_t)(f - hv.fimce)));
}

static int64_t grant_check(struct percpu *cpu, const struct rv_grant *g, uint32_t index)
{
	bool pci =
	    g->kind == RV_GRANT_PCI && (g->flags & ~(RV_GRANT_INTERRUPT | RV_GRANT_CLEANED)) == 0 && g->count == 1;
	bool plain = g->kind == RV_GRANT_PORTS || (g->kind == RV_GRANT_GSI && g->count == 1);

	if ((pci && g->source_id <= 0xffff) || (plain && g->flags == 0 && g->source_id == 0))
		return 0;
	return hypercall_refuse(cpu, -RV_EINVAL, RV_REASON_DEVICE_GRANT, index);
}

static int64_t function_take(struct percpu *cpu, struct fimce *f, uint32_t index)
{
	const struct rv_grant *g = &f->grant[index];
	struct device *d = hv.device;
	int64_t error;
	int failed;

	if (hv.vtd.unit_count == 0)
		return hypercall_refuse(cpu, -RV_ENODEV, RV_REASON_DEVICE_NO_UNIT, index);
	if (device_find(g->source_id) != NULL)
		return hypercall_refuse(cpu, -RV_EBUSY, RV_REASON_DEVICE_ID, ~0u);
	while (d < hv.device + VTD_MAX_DEVICES && d->fimce != 0)
		d++;
	if (d == hv.device + VTD_MAX_DEVICES)
		return hypercall_refuse(cpu, -RV_ENOSPC, RV_REASON_VTD_DEVICES, VTD_MAX_DEVICES);
	*d = (struct device){.fimce = f->id,
			     .source_id = (uint16_t)g->source_id,
			     .id = g->first,
			     .cleaned = (g->flags & RV_GRANT_CLEANED) != 0,
			     .interrupt = (g->flags & RV_GRANT_INTERRUPT) != 0,
			     .shown = {.grant = index, .source_id = g->source_id}};
	/* From here on configuration space is root mode's, by either way: nothing that is looked at can change. */
	guest_bitmaps_fill(cpu);
	error = config_take(cpu, d);
	error = error ? error : iommu_flush_guest(cpu);
	if (error)
		return error;
	error = pci_do(cpu, AGENT_PCI_LOOK, d);
	if (error)
		return error;
	memcpy(d->shown.config, agent_mail()->pci.config, PCI_CONFIG_BYTES);
	d->can_reset = agent_mail()->pci.can_reset;
	failed = vtd_device_prepare(&hv.vtd, d->source_id);
	if (failed)
		return unit_refuse(cpu, failed);
	d->quiet = true;
	error = bars_take(cpu, f, d);
	if (error)
		return error;
	failed = dma_set(f, d, pa_make(0));
	f->has_interrupt |= d->interrupt;
	return failed ? unit_refuse(cpu, failed) : 0;
}

static void function_put(struct percpu *cpu, struct device *d)
{
	/* One that was only looked at may have no context entry of its own. */
	if (d->quiet) {
		if (vtd_device_set(&hv.vtd, d->source_id, hv.vtd.guest_table, VTD_DOMAIN_GUEST) != 0)
			log3(cpu, hv.vtd.failure.reason, hv.vtd.failure.value[0], hv.vtd.failure.value[1], 0);
		(void)pci_do(cpu, AGENT_PCI_GIVE_BACK, d);
	}
	for (uint32_t i = 0; i < PCI_BARS; i++) {
		if (d->extent[i].bytes != 0)
			(void)extent_put(cpu, d->extent[i].base, d->extent[i].bytes);
	}
	device_page_put(cpu, &d->config);
	d->fimce = 0;
}

/* Gives all back but functions that may still hold what their task did. */
static void devices_put(struct percpu *cpu, struct fimce *f)
{
	bool functions = device_next(f, NULL) != NULL;

	for (struct device *d = NULL; (d = device_next(f, d)) != NULL;) {
		bool dirty = !d->can_reset && (f->state != RV_FIMCE_DONE || !d->cleaned);
		bool kept = f->sealed && (dirty || d->failed);

		if (f->state != RV_FIMCE_EMPTY)
			log3(cpu, kept ? RV_REASON_DEVICE_KEPT : RV_REASON_DEVICE_RETURNED, d->source_id, f->id, 0);
		if (kept) {
			for (uint32_t i = 0; i < PCI_BARS; i++) {
				if (d->extent[i].bytes != 0)
					partition_change(
					    &hv.partition, pa_make(d->extent[i].base),
					    &(struct row){.owner = OWNER_HYPERVISOR, .perm = PERM_R | PERM_W});
			}
			d->fimce = DEVICE_KEPT;
		} else {
			function_put(cpu, d);
		}
	}
	/* The ports of its BARs stay with a function that is kept. */
	for (uint32_t i = 0; i < DEVICE_PORT_RANGES; i++) {
		if (hv.port[i].fimce == f->id)
			hv.port[i].fimce = device_find(hv.port[i].source_id) != NULL ? DEVICE_KEPT : 0;
	}
	ioapic_return(cpu, f);
	guest_bitmaps_fill(cpu);
	if (functions)
		iommu_restore(cpu);
	f->grant_count = 0;
}

int64_t device_take(struct percpu *cpu, struct fimce *f, const struct rv_fimce_create *c)
{
	int64_t error = 0;

	if (c->grant_count == 0)
		return 0;
	if (c->grant_count > RV_MAX_GRANTS || c->target_count != 0)
		return hypercall_refuse(cpu, -RV_EINVAL, RV_REASON_DEVICE_GRANT, c->grant_count);
	f->grant_count = c->grant_count;
	memcpy(f->grant, c->grant, sizeof(f->grant));
	for (uint32_t i = 0; !error && i < f->grant_count; i++)
		error = grant_check(cpu, &f->grant[i], i);
	for (uint32_t i = 0; !error && i < f->grant_count; i++) {
		const struct rv_grant *g = &f->grant[i];

		error = g->kind == RV_GRANT_PCI   ? function_take(cpu, f, i)
			: g->kind == RV_GRANT_GSI ? ioapic_take(cpu, f, g->first)
						  : ports_take(cpu, f, g->first, g->count, NO_SOURCE);
	}
	if (!error) {
		guest_bitmaps_fill(cpu);
		iommu_revoke(cpu);
		error = iommu_flush_guest(cpu);
	}
	if (error)
		devices_put(cpu, f);
	return error;
}

void device_reset(struct percpu *cpu, struct fimce *f)
{
	for (struct device *d = NULL; (d = device_next(f, d)) != NULL;) {
		if (f->state == RV_FIMCE_BUILT)
			log3(cpu, RV_REASON_DEVICE_TAKEN, d->source_id, f->id, 0);
		if (!d->can_reset)
			continue;
		d->failed |= pci_do(cpu, AGENT_PCI_RESET, d) != 0;
		f->reset_tsc = rdtsc() + DEVICE_RESET_MS * hv.launch.tsc_khz;
	}
}

int64_t device_return(struct percpu *cpu, struct fimce *f)
{
	if (f->grant_count == 0)
		return 0;
	if (rdtsc() < f->reset_tsc)
		return hypercall_refuse(cpu, -RV_EAGAIN, RV_REASON_FIMCE_STATE, fimce_state(f));
	devices_put(cpu, f);
	return 0;
}

/* --- the FIMCE's side ------------------------------------------------------------------------------------------------ */

void device_build(struct fimce *f)
{
	struct rv_fimce_devices *to;

	if (f->io_bitmaps.v == 0)
		return;
	to = pa_pointer(f->devices);
	for (struct device *d = NULL; (d = device_next(f, d)) != NULL;)
		to->device[to->count++] = d->shown;
	fimce_bitmaps_fill(f);
}

int64_t device_check(struct percpu *cpu, const struct fimce *f, const struct rv_measured *m)
{
	bool wants = (m->capabilities & RV_CAP_DEVICE) != 0;

	if (m->grant_count != f->grant_count || wants != (f->grant_count != 0))
		return hypercall_refuse(cpu, -RV_EACCES, RV_REASON_DEVICE_GRANTS, 0);
	for (uint32_t i = 0; i < f->grant_count; i++) {
		const struct rv_grant *a = &f->grant[i], *b = &m->grant[i];

		if (a->kind != b->kind || a->flags != b->flags || a->first != b->first || a->count != b->count)
			return hypercall_refuse(cpu, -RV_EACCES, RV_REASON_DEVICE_GRANTS, i);
	}
	return 0;
}

/* Input, output and writable segments, in a table of its own. The unit sees it only when a function is given it. */
static void dma_map(struct fimce *f, const struct rv_measured *m)
{
	const struct rv_fimce_param *p = &f->values;

	fimce_tables_map_dma(f, RV_FIMCE_INPUT, f->input, (uint32_t)(page_align_up(p->input_bytes) >> RV_PAGE_SHIFT),
			     FIMCE_PTE_R);
	fimce_tables_map_dma(f, RV_FIMCE_OUTPUT, f->output, p->output_bytes >> RV_PAGE_SHIFT, FIMCE_PTE_RW);
	for (uint32_t i = 0; i < m->segment_count; i++) {
		uint64_t offset = (uint64_t)m->segment[i].first_page << RV_PAGE_SHIFT;

		if (m->segment[i].perm & RV_PERM_W)
			fimce_tables_map_dma(f, RV_FIMCE_LOAD + offset, pa_add(f->load, offset), m->segment[i].pages,
					     FIMCE_PTE_RW);
	}
	vtd_table_written(&hv.vtd, pa_pointer(f->tables), (size_t)f->tables_total * RV_PAGE_SIZE);
}

static int64_t function_open_dma(struct percpu *cpu, const struct fimce *f, const struct device *d)
{
	int error = dma_set(f, d, f->dma);

	if (error)
		return unit_refuse(cpu, error);
	return pci_do(cpu, AGENT_PCI_MASTER, d);
}

static int64_t function_seal(struct percpu *cpu, struct fimce *f, struct device *d, struct rv_fimce_device *shown)
{
	uint32_t slot = (uint32_t)(d - hv.device);
	int64_t refused;
	int error = 0;

	if (d->failed)
		return hypercall_refuse(cpu, -RV_EIO, RV_REASON_AGENT_DIED, 0);
	for (uint32_t i = 0; i < PCI_BARS; i++)
		fimce_tables_map(f, d->shown.bar[i].address, pa_make(d->extent[i].base),
				 (uint32_t)(d->extent[i].bytes >> RV_PAGE_SHIFT), FIMCE_PTE_DEVICE);
	if (d->interrupt) {
		error =
		    vtd_interrupt_set(&hv.vtd, slot, (struct vtd_message){d->source_id, RV_FIMCE_VECTOR, cpu->apic_id});
		shown->msi_address = d->shown.msi_address = MSI_ADDRESS(VTD_RESERVED_INDEX(&hv.vtd, slot));
	}
	if (error)
		return unit_refuse(cpu, error);
	refused = pci_do(cpu, AGENT_PCI_START, d);
	return !refused && d->can_reset ? function_open_dma(cpu, f, d) : refused;
}

int64_t device_open_dma(struct percpu *cpu, struct fimce *f)
{
	for (struct device *d = NULL; (d = device_next(f, d)) != NULL;) {
		int64_t error = d->can_reset ? 0 : function_open_dma(cpu, f, d);

		if (error)
			return error;
	}
	return 0;
}

int64_t device_seal(struct percpu *cpu, struct fimce *f, const struct rv_measured *m)
{
	struct rv_fimce_device *shown;
	int64_t error = 0;

	if (f->grant_count == 0)
		return 0;
	shown = ((struct rv_fimce_devices *)pa_pointer(f->devices))->device;
	if (device_next(f, NULL) != NULL)
		dma_map(f, m);
	for (struct device *d = NULL; !error && (d = device_next(f, d)) != NULL;)
		error = function_seal(cpu, f, d, shown++);
	error = error ? error : ioapic_set(cpu, f, true);
	f->sealed = !error;
	fimce_bitmaps_fill(f);
	return error;
}

void device_stop(struct percpu *cpu, struct fimce *f)
{
	bool failed = ioapic_set(cpu, f, false) != 0;

	for (struct device *d = NULL; (d = device_next(f, d)) != NULL;) {
		d->failed |= pci_do(cpu, AGENT_PCI_QUIET, d) != 0;
		failed |= vtd_interrupt_set(&hv.vtd, (uint32_t)(d - hv.device), (struct vtd_message){0}) != 0;
		failed |= dma_set(f, d, pa_make(0)) != 0;
	}
	if (failed)
		log3(cpu, hv.vtd.failure.reason, hv.vtd.failure.value[0], hv.vtd.failure.value[1], 0);
	device_reset(cpu, f);
}
