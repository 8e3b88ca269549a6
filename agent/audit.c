/* SPDX-License-Identifier: GPL-2.0-only */
/* audit.c - walks what the hardware walks, not what the code believes to have written; see agent.h. */
#include <agent/agent.h>
#include <hv/audit.h>
#include <hv/exits.h>
#include <hv/fimce_tables.h>
#include <hv/x86/regs.h>

#define PTE_LARGE (1ull << 7)
#define TABLE_ADDRESS 0x000ffffffffff000ull

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
		/* One to one, or the rows mean nothing; but for what the guest sees in the place of registers. */
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

/* By these two the agent sees root mode, and this code all that it looks at. */
static bool is_view(const struct walk *w, int level, uint64_t address, uint64_t entry)
{
	bool there = level == 4 ? address == RV_HV_DIRECT_MAP : level == 3 && address == (RV_HV_BASE & ~(SIZE_1G - 1));

	return w->fimce != 0 && w->fimce == hv.agent.id && there && entry == fimce_tables_view_entry(level);
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
		if (is_view(w, level, address, entry[i]))
			continue;
		if (level == 1 || (entry[i] & PTE_LARGE))
			leaf_check(w, address, entry[i], size);
		else if (table_is_ours(pa_make(entry[i] & TABLE_ADDRESS)))
			table_walk(w, pa_make(entry[i] & TABLE_ADDRESS), level - 1, address);
		else
			found(w->audit, w->fimce, address, entry[i]);
	}
}

static void bitmap_check(struct rv_audit *a, enum vmcs_field which, pa_t map, const uint8_t wanted[RV_PAGE_SIZE])
{
	const uint8_t *live = pa_pointer(map);

	for (uint32_t at = 0; at < RV_PAGE_SIZE; at++) {
		if (live[at] != wanted[at])
			found(a, AUDIT_TABLE_VMCS, which, at);
	}
}

/* What the bitmaps say that all VMCSs point at. */
static void bitmaps_check(struct rv_audit *a)
{
	uint8_t wanted[RV_PAGE_SIZE];
	const struct {
		enum vmcs_field which;
		pa_t map;
	} bitmap[] = {
	    {VMCS_MSR_BITMAP, hv.msr_bitmap}, {VMCS_IO_BITMAP_A, hv.io_bitmap_a}, {VMCS_IO_BITMAP_B, hv.io_bitmap_b}};

	for (uint32_t i = 0; i < sizeof(bitmap) / sizeof(bitmap[0]); i++) {
		exits_fill_bitmap(wanted, bitmap[i].which);
		bitmap_check(a, bitmap[i].which, bitmap[i].map, wanted);
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

/* The tables that the units are to walk are those that are looked at here: the EPT, and each FIMCE's for its own devices. */
static void domains_check(struct rv_audit *a)
{
	uint64_t first = *(const uint64_t *)pa_pointer(hv.ept.root) & TABLE_ADDRESS;

	if (hv.vtd.unit_count == 0)
		return;
	if (hv.vtd.guest_table.v != (hv.vtd.levels == 4 ? hv.ept.root.v : first))
		found(a, AUDIT_TABLE_VTD, 0, hv.vtd.guest_table.v);
	for (uint32_t i = 0; i < VTD_MAX_DEVICES; i++) {
		const struct vtd_device *d = &hv.vtd.device[i];
		uint32_t slot = d->domain - VTD_DOMAIN_FIMCE(0u);

		if (d->domain != 0 && d->table.v != 0 &&
		    (slot >= RV_MAX_FIMCES || hv.fimce[slot].id == 0 || hv.fimce[slot].dma.v != d->table.v))
			found(a, AUDIT_TABLE_VTD, d->source_id, d->table.v);
	}
}

static void fimce_check(struct rv_audit *a, const struct fimce *f)
{
	struct walk w = {a, f->id};
	uint8_t wanted[RV_PAGE_SIZE];

	if (f->id == 0)
		return;
	table_walk(&w, f->tables, 4, 0);
	/* What its devices reach: bits and rules are the same. */
	if (f->dma.v != 0)
		table_walk(&w, f->dma, (int)hv.vtd.levels, 0);
	for (uint32_t part = 0; f->io_bitmaps.v != 0 && part < 2; part++) {
		enum vmcs_field which = part == 0 ? VMCS_IO_BITMAP_A : VMCS_IO_BITMAP_B;

		device_fill_bitmap(wanted, which, f);
		bitmap_check(a, which, pa_add(f->io_bitmaps, (uint64_t)part * RV_PAGE_SIZE), wanted);
	}
}

/* The sentence that tells of the first fault. unit: the one that a fault in VT-d concerns. */
static void sentence_make(union agent_mail *m, uint64_t unit)
{
	const struct rv_audit *a = &m->audit.result;
	uint64_t whose = a->bad_table == AUDIT_TABLE_VTD ? unit : a->bad_table;
	bool no_table = a->bad_table == 0 || a->bad_table == AUDIT_TABLE_VMCS;

	m->audit.reason = a->bad_table == 0                  ? RV_REASON_AUDIT_EPT
			  : a->bad_table == AUDIT_TABLE_VMCS ? RV_REASON_AUDIT_VMCS
			  : a->bad_table == AUDIT_TABLE_VTD  ? RV_REASON_AUDIT_VTD
							     : RV_REASON_AUDIT_FIMCE;
	if (!no_table)
		m->audit.value[0] = whose;
	m->audit.value[no_table ? 0 : 1] = a->bad_address;
	m->audit.value[no_table ? 1 : 2] = a->bad_entry;
}

void audit_tables(union agent_mail *m)
{
	struct rv_audit *a = &m->audit.result;
	struct walk ept = {a, 0};
	uint64_t unit;

	a->rows = hv.partition.count;
	table_walk(&ept, hv.ept.root, 4, 0);
	for (uint32_t i = 0; i < RV_MAX_FIMCES; i++)
		fimce_check(a, &hv.fimce[i]);
	fimce_check(a, &hv.agent);
	unit = units_check(a);
	domains_check(a);
	bitmaps_check(a);
	if (a->bad != 0)
		sentence_make(m, unit);
}
