/* SPDX-License-Identifier: GPL-2.0-only */
/* audit.c - see audit.h. Walks what the hardware walks, not what the code believes to have written. */
#include <hv/audit.h>
#include <hv/exits.h>
#include <hv/fimce_tables.h>
#include <hv/hypercall.h>
#include <hv/percpu.h>
#include <hv/x86/regs.h>

#define PTE_LARGE (1ull << 7)
#define TABLE_ADDRESS 0x000ffffffffff000ull
#define AUDIT_TABLE_VMCS (~0ull)
#define AUDIT_TABLE_VTD (~1ull)

/** A walk over one tree of four levels. */
struct walk {
	struct rv_audit *audit;
	uint32_t fimce; /* 0 = EPT */
};

static void found(struct rv_audit *a, uint64_t table, uint64_t address, uint64_t entry)
{
	if (a->bad++ == 0) {
		a->bad_table = table;
		a->bad_address = address;
		a->bad_entry = entry;
	}
}

static bool row_allows_guest(const struct row *row, uint64_t address, uint64_t entry)
{
	bool shown = row->owner == OWNER_HYPERVISOR && row->shared == SHARED_GUEST && row->logical == address;

	return (row->owner == OWNER_GUEST || shown) && (entry & EPT_RWX & ~(uint64_t)row->perm) == 0;
}

static bool row_allows_fimce(const struct row *row, uint32_t id, uint64_t entry)
{
	bool writable = (entry & PTE_W) != 0, executable = (entry & PTE_NX) == 0;

	if (writable && executable)
		return false;
	if (row->owner == OWNER_FIMCE(id))
		return !row->isolated || !executable;
	if (row->shared == SHARED_ALL)
		return !writable;
	return row->shared == id && row->owner == OWNER_GUEST && !executable;
}

static void leaf_check(struct walk *w, uint64_t address, uint64_t entry, uint64_t size)
{
	uint64_t pa = entry & TABLE_ADDRESS & ~(size - 1);

	if (w->fimce == 0) {
		w->audit->ept_leaves++;
		/* One to one, or the rows mean nothing; but for the copies of unit registers. */
		const struct row *first = partition_find(&hv.partition, pa_make(pa));

		if (pa != address && (first == NULL || first->shared != SHARED_GUEST))
			found(w->audit, w->fimce, address, entry);
	} else {
		w->audit->fimce_leaves++;
	}
	for (uint64_t at = pa; at < pa + size;) {
		const struct row *row = partition_find(&hv.partition, pa_make(at));
		bool ok = row != NULL && (w->fimce == 0 ? row_allows_guest(row, address + (at - pa), entry)
							: row_allows_fimce(row, w->fimce, entry));

		if (!ok) {
			found(w->audit, w->fimce, address, entry);
			return;
		}
		at = row->base + row->size;
	}
}

/* A table has to be root mode's alone: who can write it can grant himself everything. */
static bool table_is_ours(pa_t table)
{
	const struct row *row = partition_find(&hv.partition, table);

	return row != NULL && row->owner == OWNER_HYPERVISOR && row->shared == 0;
}

/* Four levels bound the recursion. */
static void table_walk(struct walk *w, pa_t table, int level, uint64_t base)
{
	const uint64_t *entry = pa_pointer(table);
	uint64_t size = 1ull << (RV_PAGE_SHIFT + 9 * (level - 1)), present = w->fimce == 0 ? EPT_RWX : PTE_P;

	for (uint64_t i = 0; i < 512; i++) {
		uint64_t address = base + i * size;

		if (!(entry[i] & present))
			continue;
		if (w->fimce != 0 && level == 4 && i >= 256)
			address |= 0xffff000000000000ull;
		if (level == 1 || (entry[i] & PTE_LARGE))
			leaf_check(w, address, entry[i], size);
		else if (table_is_ours(pa_make(entry[i] & TABLE_ADDRESS)))
			table_walk(w, pa_make(entry[i] & TABLE_ADDRESS), level - 1, address);
		else
			found(w->audit, w->fimce, address, entry[i]);
	}
}

/* The fields of this CPU's guest VMCS, which is current, on which isolation rests. */
void audit_own_vmcs(struct percpu *cpu)
{
	const struct {
		uint64_t field, value, mask;
	} want[] = {
	    {VMCS_EPTP, hv.ept.eptp, ~0ull},
	    {VMCS_VPID, 1, ~0ull},
	    {VMCS_SECONDARY_CONTROLS, hv.caps.guest.secondary, ~0ull},
	    {VMCS_PRIMARY_CONTROLS, hv.caps.guest.primary, ~(uint64_t)PRIMARY_NMI_WINDOW_EXITING},
	    {VMCS_PIN_CONTROLS, hv.caps.guest.pin, ~(uint64_t)PIN_PREEMPTION_TIMER},
	    {VMCS_MSR_BITMAP, hv.msr_bitmap.v, ~0ull},
	    {VMCS_IO_BITMAP_A, hv.io_bitmap_a.v, ~0ull},
	    {VMCS_IO_BITMAP_B, hv.io_bitmap_b.v, ~0ull},
	    {VMCS_CR4_MASK, CR4_VMXE, ~0ull},
	    {VMCS_HOST_CR3, hv.page_tables.v, ~0ull},
	};

	cpu->audit_bad_fields = 0;
	for (uint32_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		uint64_t value = vmcs_read(want[i].field);

		if ((value & want[i].mask) == (want[i].value & want[i].mask))
			continue;
		if (cpu->audit_bad_fields++ == 0) {
			cpu->audit_field = want[i].field;
			cpu->audit_value = value;
		}
	}
	__atomic_store_n(&cpu->audited, hv.audit_number, __ATOMIC_SEQ_CST);
}

/* Each CPU in the guest looks at its own VMCS, because no other can. One in root mode, in a FIMCE or waiting for SIPI does so
 * before its guest goes on, and is not counted. */
static void vmcs_check(struct percpu *cpu, struct rv_audit *a)
{
	hv.audit_number++;
	audit_own_vmcs(cpu);
	percpu_flush_ept(cpu);
	for (uint32_t i = 0; i < hv.cpu_count; i++) {
		const struct percpu *other = hv.cpu[i];

		if (__atomic_load_n(&other->audited, __ATOMIC_SEQ_CST) != hv.audit_number)
			continue;
		a->vmcs++;
		if (other->audit_bad_fields == 0)
			continue;
		found(a, AUDIT_TABLE_VMCS, other->audit_field, other->audit_value);
		a->bad += other->audit_bad_fields - 1;
	}
}

static void bitmap_check(struct percpu *cpu, struct rv_audit *a, enum vmcs_field which, pa_t map)
{
	const uint8_t *live = pa_pointer(map);

	for (uint32_t at = 0; at < RV_PAGE_SIZE; at++) {
		if (live[at] != cpu->scratch[at])
			found(a, AUDIT_TABLE_VMCS, which, at);
	}
}

/* What the bitmaps say that all VMCSs point at. */
static void bitmaps_check(struct percpu *cpu, struct rv_audit *a)
{
	const struct {
		enum vmcs_field which;
		pa_t map;
	} bitmap[] = {
	    {VMCS_MSR_BITMAP, hv.msr_bitmap}, {VMCS_IO_BITMAP_A, hv.io_bitmap_a}, {VMCS_IO_BITMAP_B, hv.io_bitmap_b}};

	for (uint32_t i = 0; i < sizeof(bitmap) / sizeof(bitmap[0]); i++) {
		exits_fill_bitmap(cpu->scratch, bitmap[i].which);
		bitmap_check(cpu, a, bitmap[i].which, bitmap[i].map);
	}
	for (uint32_t i = 0; i < RV_MAX_FIMCES; i++) {
		const struct fimce *f = &hv.fimce[i];

		for (uint32_t part = 0; f->id != 0 && f->io_bitmaps.v != 0 && part < 2; part++) {
			enum vmcs_field which = part == 0 ? VMCS_IO_BITMAP_A : VMCS_IO_BITMAP_B;

			device_fill_bitmap(cpu->scratch, which, f);
			bitmap_check(cpu, a, which, pa_add(f->io_bitmaps, (uint64_t)part * RV_PAGE_SIZE));
		}
	}
}

/* @return the unit that a fault in them concerns. */
static uint64_t units_check(struct rv_audit *a)
{
	struct vtd_audit units;

	if (vtd_audit(&hv.vtd, &units) != 0)
		found(a, AUDIT_TABLE_VTD, units.bad_at, units.bad_value);
	a->vtd_units = hv.vtd.unit_count;
	a->vtd_contexts = units.contexts;
	a->vtd_entries = units.entries;
	return units.bad_unit;
}

int64_t audit_run(struct percpu *cpu, struct rv_audit *a)
{
	struct walk w = {a, 0};
	uint32_t reason = RV_REASON_AUDIT_FIMCE;
	uint64_t unit, whose;

	*a = (struct rv_audit){.rows = hv.partition.count};
	table_walk(&w, hv.ept.root, 4, 0);
	for (uint32_t i = 0; i < RV_MAX_FIMCES; i++) {
		const struct fimce *f = &hv.fimce[i];

		if (f->id == 0)
			continue;
		w.fimce = f->id;
		table_walk(&w, fimce_tables_root(f), 4, 0);
		/* What its devices reach: bits and rules are the same. */
		if (f->dma.v != 0)
			table_walk(&w, f->dma, (int)hv.vtd.levels, 0);
	}
	unit = units_check(a);
	vmcs_check(cpu, a);
	bitmaps_check(cpu, a);
	if (a->bad == 0)
		return 0;
	if (a->bad_table == 0 || a->bad_table == AUDIT_TABLE_VMCS) {
		reason = a->bad_table == 0 ? RV_REASON_AUDIT_EPT : RV_REASON_AUDIT_VMCS;
		log3(cpu, reason, a->bad_address, a->bad_entry, 0);
		return hypercall_refuse(cpu, -RV_EFAULT, reason, a->bad_address);
	}
	whose = a->bad_table;
	if (a->bad_table == AUDIT_TABLE_VTD) {
		reason = RV_REASON_AUDIT_VTD;
		whose = unit;
	}
	log3(cpu, reason, whose, a->bad_address, a->bad_entry);
	return hypercall_refuse(cpu, -RV_EFAULT, reason, whose);
}
