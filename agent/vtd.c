/* SPDX-License-Identifier: GPL-2.0-only */
/* vtd.c - reads back what the remapping units use, not what the code believes to have written; see agent.h. */
#include <agent/agent.h>
#include <ravelin/reason.h>

#define SOURCE_IDS 0x10000u
#define AT_ENTRY 0x10000u

static int bad(struct vtd_audit *a, uint64_t unit, uint64_t at, uint64_t value)
{
	a->bad_unit = unit;
	a->bad_at = at;
	a->bad_value = value;
	return -RV_EFAULT;
}

static int unit_check(const struct vtd *v, const struct vtd_unit *u, struct vtd_audit *a)
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

	for (uint32_t i = 0; i < sizeof(check) / sizeof(check[0]); i++) {
		if (check[i].value != check[i].wanted)
			return bad(a, u->base.v, check[i].at, check[i].value);
	}
	return 0;
}

static int interrupts_check(const struct vtd *v, const struct vtd_unit *u, struct vtd_audit *a)
{
	for (uint32_t i = 0; i < v->entries; i++) {
		const struct vtd_pair *e = vtd_pair_at(u->interrupts, i);
		struct vtd_pair to;

		if (!(e->low & IRTE_P))
			continue;
		a->entries++;
		/* A refused one is to be absent. */
		if (i >= v->entries - VTD_RESERVED_ENTRIES)
			to = vtd_reserved_entry(v, u, i);
		else
			(void)vtd_entry_check(v, u, i, *e, &to);
		if (to.low != e->low || to.high != e->high)
			return bad(a, u->base.v, AT_ENTRY + i, e->low);
	}
	return 0;
}

int vtd_audit(const struct vtd *v, struct vtd_audit *a)
{
	int error = 0;

	*a = (struct vtd_audit){0};
	for (uint32_t i = 0; !error && i < v->unit_count; i++) {
		error = unit_check(v, &v->unit[i], a);
		error = error ? error : interrupts_check(v, &v->unit[i], a);
	}
	for (uint32_t id = 0; !error && id < SOURCE_IDS && v->unit_count != 0; id++) {
		const struct vtd_pair *root = vtd_pair_at(v->root, id >> 8), *context;
		struct vtd_pair wanted = vtd_context(v, (uint16_t)id);
		const struct row *row = partition_find(v->partition, pa_make(root->low & ENTRY_ADDRESS));

		if (root->high != 0 || (root->low & ~ENTRY_ADDRESS) != ENTRY_P || row == NULL ||
		    row->owner != OWNER_HYPERVISOR || row->shared != 0)
			return bad(a, 0, id, root->low);
		context = vtd_pair_at(pa_make(root->low & ENTRY_ADDRESS), id & 0xff);
		a->contexts++;
		if (context->low != wanted.low || context->high != wanted.high)
			return bad(a, 0, id, context->low != wanted.low ? context->low : context->high);
	}
	return error;
}
