/* SPDX-License-Identifier: GPL-2.0-only */
/* check.c - whether what a front end hands over makes sense; see state.h. */
#include "state.h"
#include "tables.h"

#include <ravelin/reason.h>
#include <ravelin/x86.h>

#ifndef __KERNEL__
#include <stdbool.h>
#include <stddef.h>
#endif

#define LOW_END 0xa0000u
#define ALIGN_2M ((2ull << 20) - 1)
#define PAGE_OFFSET_MASK ((uint64_t)RV_PAGE_SIZE - 1)
#define POOL_END (4ull << 30)

static int64_t fail(struct rv_launch *l, int64_t error, uint32_t reason, uint64_t value)
{
	l->reason = reason;
	l->reason_cpu = 0;
	l->reason_value = value;
	l->reason_value2 = 0;
	return error;
}

/* Types that EPT entries can have (29.3.7) for ranges in order: UC, WC, WT, WP, WB. */
static bool types_ok(const struct rv_launch_types *t)
{
	const uint32_t valid = 1u << MTRR_UC | 1u << MTRR_WC | 1u << MTRR_WT | 1u << MTRR_WP | 1u << MTRR_WB;
	bool ok = t->count <= RV_LAUNCH_MAX_TYPES && t->default_type < 8 && (valid >> t->default_type & 1);
	uint64_t end = 0;

	for (uint32_t i = 0; ok && i < t->count; i++) {
		const struct rv_launch_type *r = &t->range[i];

		ok = r->base >= end && r->base + r->bytes > r->base && ((r->base | r->bytes) & PAGE_OFFSET_MASK) == 0 &&
		     r->type < 8 && (valid >> r->type & 1);
		end = r->base + r->bytes;
	}
	return ok;
}

int64_t launch_check(struct rv_launch *l)
{
	const struct {
		bool bad;
		size_t field;
	} scalar[] = {
	    {l->magic != RV_LAUNCH_MAGIC || l->abi_version != RV_ABI_VERSION || l->size != sizeof(*l),
	     offsetof(struct rv_launch, magic)},
	    {l->cpu_count == 0 || l->cpu_count > RV_MAX_CPUS, offsetof(struct rv_launch, cpu_count)},
	    {l->ram_count > RV_LAUNCH_MAX_RAM, offsetof(struct rv_launch, ram_count)},
	    {l->vtd_count > RV_LAUNCH_MAX_VTD || l->rmrr_count > RV_LAUNCH_MAX_RMRR ||
		 l->ioapic_count > RV_LAUNCH_MAX_IOAPIC || l->ecam_count > RV_LAUNCH_MAX_ECAM,
	     offsetof(struct rv_launch, vtd_count)},
	    {l->trampoline == 0 || l->trampoline >= LOW_END || (l->trampoline & PAGE_OFFSET_MASK) != 0,
	     offsetof(struct rv_launch, trampoline)},
	    {l->tsc_khz == 0, offsetof(struct rv_launch, tsc_khz)},
	    {!types_ok(&l->types), offsetof(struct rv_launch, types)},
	};
	bool in_ram = false;

	for (uint32_t i = 0; i < sizeof(scalar) / sizeof(scalar[0]); i++) {
		if (scalar[i].bad)
			return fail(l, -RV_EINVAL, RV_REASON_LAUNCH_ARGUMENT, scalar[i].field);
	}
	for (uint32_t i = 0; i < l->ram_count; i++) {
		const struct rv_launch_ram *r = &l->ram[i];

		if (r->base > RV_LAUNCH_RAM_END || r->bytes > RV_LAUNCH_RAM_END - r->base)
			return fail(l, -RV_EINVAL, RV_REASON_LAUNCH_ARGUMENT, offsetof(struct rv_launch, ram));
		in_ram |= l->pool_base >= r->base && l->pool_base - r->base <= r->bytes &&
			  l->pool_bytes <= r->bytes - (l->pool_base - r->base);
	}
	if (!in_ram || ((l->pool_base | l->pool_bytes) & ALIGN_2M) != 0 || l->pool_bytes > RV_POOL_MAX ||
	    l->pool_base + l->pool_bytes > POOL_END)
		return fail(l, -RV_EINVAL, RV_REASON_POOL_ALIGN, l->pool_base);
	if (l->pool_bytes < RV_POOL_MIN)
		return fail(l, -RV_ENOMEM, RV_REASON_POOL_SMALL, RV_POOL_MIN);
	if (l->table_bytes != tables_bytes(l))
		return fail(l, -RV_EINVAL, RV_REASON_LAUNCH_ARGUMENT, offsetof(struct rv_launch, table_bytes));
	return 0;
}
