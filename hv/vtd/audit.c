/* SPDX-License-Identifier: GPL-2.0-only */
/* audit.c - reads back what the units use, not what the code believes to have written; see vtd.h. */
#include <hv/vtd/vtd.h>

#define BUSES 256u
#define FUNCTIONS 256u
#define AT_ENTRY 0x10000u

static void bad(struct vtd_audit *a, uint64_t unit, uint64_t at, uint64_t value)
{
	if (a->bad++ == 0) {
		a->bad_unit = unit;
		a->bad_at = at;
		a->bad_value = value;
	}
}

static bool table_is_ours(const struct vtd *v, uint64_t table)
{
	const struct row *row = partition_find(v->partition, pa_make(table));

	return row != NULL && row->owner == OWNER_HYPERVISOR && row->shared == 0;
}

static void unit_check(const struct vtd *v, const struct vtd_unit *u, struct vtd_audit *a)
{
	uint32_t lasting = vtd_read32(u->base, VTD_GSTS) & GCMD_LASTING;
	uint64_t root = vtd_read64(u->base, VTD_RTADDR), irta = vtd_read64(u->base, VTD_IRTA);
	uint64_t queue = vtd_read64(u->base, VTD_IQA);

	a->units++;
	if (lasting != (GCMD_TE | GCMD_QIE | GCMD_IRE))
		bad(a, u->base.v, VTD_GSTS, lasting);
	if (root != v->root.v)
		bad(a, u->base.v, VTD_RTADDR, root);
	if (queue != u->queue.v)
		bad(a, u->base.v, VTD_IQA, queue);
	if ((irta & PAGE_MASK) != v->interrupts.v || ((irta & IRTA_EIME) != 0) != v->eime ||
	    2ull << (irta & IRTA_SIZE) != v->entries)
		bad(a, u->base.v, VTD_IRTA, irta);
}

static void context_check(const struct vtd *v, uint16_t source_id, const struct vtd_pair *e, struct vtd_audit *a)
{
	uint64_t table = v->guest_table.v, domain = VTD_DOMAIN_GUEST;

	a->contexts++;
	if (!(e->low & ENTRY_P))
		return;
	for (uint32_t i = 0; i < VTD_MAX_DEVICES; i++) {
		if (v->device[i].domain != 0 && v->device[i].source_id == source_id) {
			table = v->device[i].table.v;
			domain = v->device[i].domain;
		}
	}
	if (e->low != (table | ENTRY_P))
		bad(a, 0, source_id, e->low);
	else if (e->high != (domain << CONTEXT_DID_SHIFT | (v->levels == 4 ? CONTEXT_LEVELS_4 : CONTEXT_LEVELS_3)))
		bad(a, 0, source_id, e->high);
}

/* Entries that are not the guest's belong to a device that is not the guest's, and to no other. */
static bool reserved_entry_ok(const struct vtd *v, struct vtd_pair e)
{
	for (uint32_t i = 0; i < VTD_MAX_DEVICES; i++) {
		if (v->device[i].domain != 0 && e.high == (IRTE_HIGH_ID | v->device[i].source_id))
			return true;
	}
	return false;
}

int vtd_audit(const struct vtd *v, const struct vtd_policy *p, struct vtd_audit *a)
{
	*a = (struct vtd_audit){0};
	for (uint32_t i = 0; i < v->unit_count; i++)
		unit_check(v, &v->unit[i], a);
	for (uint32_t bus = 0; bus < BUSES && v->unit_count != 0; bus++) {
		const struct vtd_pair *root = (const struct vtd_pair *)pa_pointer(v->root) + bus;
		uint64_t table = root->low & ENTRY_ADDRESS;

		if (!(root->low & ENTRY_P))
			continue;
		if (root->high != 0 || root->low != (table | ENTRY_P) || !table_is_ours(v, table)) {
			bad(a, 0, bus << 8, root->low);
			continue;
		}
		for (uint32_t function = 0; function < FUNCTIONS; function++)
			context_check(v, (uint16_t)(bus << 8 | function),
				      (const struct vtd_pair *)pa_pointer(pa_make(table)) + function, a);
	}
	for (uint32_t i = 0; i < v->entries && v->unit_count != 0; i++) {
		struct vtd_pair e = vtd_entry_read(v, i), to;
		uint32_t why;
		bool ok;

		if (!(e.low & IRTE_P))
			continue;
		a->entries++;
		if (i < p->entries)
			ok = vtd_entry_check(p, i, e, &to, &why) == 0 && to.low == e.low && to.high == e.high;
		else
			ok = reserved_entry_ok(v, e);
		if (!ok)
			bad(a, 0, AT_ENTRY + i, e.low);
	}
	return a->bad == 0 ? 0 : -RV_EFAULT;
}
