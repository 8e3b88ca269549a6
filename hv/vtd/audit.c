/* SPDX-License-Identifier: GPL-2.0-only */
/* audit.c - reads back what the units use, not what the code believes to have written; see vtd.h. */
#include <hv/vtd/vtd.h>

#define SOURCE_IDS 0x10000u
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
	const struct {
		uint32_t at;
		uint64_t value, wanted;
	} check[] = {
	    {VTD_GSTS, vtd_read32(u->base, VTD_GSTS) & GCMD_LASTING, GCMD_TE | GCMD_QIE | GCMD_IRE},
	    {VTD_RTADDR, vtd_read64(u->base, VTD_RTADDR), v->root.v},
	    {VTD_IQA, vtd_read64(u->base, VTD_IQA), u->queue.v},
	    {VTD_IRTA, vtd_read64(u->base, VTD_IRTA), vtd_irta(v, u)},
	};

	a->units++;
	for (uint32_t i = 0; i < sizeof(check) / sizeof(check[0]); i++) {
		if (check[i].value != check[i].wanted)
			bad(a, u->base.v, check[i].at, check[i].value);
	}
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

static void interrupts_check(const struct vtd *v, const struct vtd_unit *u, struct vtd_audit *a)
{
	for (uint32_t i = 0; i < v->entries; i++) {
		struct vtd_pair e = vtd_entry_read(u, i), to;
		uint32_t why;
		bool ok;

		if (!(e.low & IRTE_P))
			continue;
		a->entries++;
		if (i < v->entries - VTD_RESERVED_ENTRIES)
			ok = vtd_entry_check(v, u, i, e, &to, &why) == 0 && to.low == e.low && to.high == e.high;
		else
			ok = reserved_entry_ok(v, e);
		if (!ok)
			bad(a, u->base.v, AT_ENTRY + i, e.low);
	}
}

int vtd_audit(const struct vtd *v, struct vtd_audit *a)
{
	*a = (struct vtd_audit){0};
	for (uint32_t i = 0; i < v->unit_count; i++) {
		unit_check(v, &v->unit[i], a);
		interrupts_check(v, &v->unit[i], a);
	}
	for (uint32_t id = 0; id < SOURCE_IDS && v->unit_count != 0; id++) {
		const struct vtd_pair *root = (const struct vtd_pair *)pa_pointer(v->root) + (id >> 8), *context;
		struct vtd_pair wanted = vtd_context(v, (uint16_t)id);
		uint64_t table = root->low & ENTRY_ADDRESS;

		if (root->high != 0 || root->low != (table | ENTRY_P) || !table_is_ours(v, table)) {
			bad(a, 0, id, root->low);
			id |= 0xff;
			continue;
		}
		context = (const struct vtd_pair *)pa_pointer(pa_make(table)) + (id & 0xff);
		a->contexts++;
		if (context->low != wanted.low || context->high != wanted.high)
			bad(a, 0, id, context->low != wanted.low ? context->low : context->high);
	}
	return a->bad == 0 ? 0 : -RV_EFAULT;
}
