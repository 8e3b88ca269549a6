/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tables.c - root mode's page tables; see tables.h. Intel SDM vol. 3, 4.5.
 */
#include "tables.h"

#include <ravelin/x86.h>

#define ENTRIES 512u
#define PTE_LARGE (1ull << 7)
#define LARGE_BYTES (1ull << 21)
#define GIB (1ull << 30)
#define GIB_MIN 4u
#define GIB_MAX (RV_LAUNCH_RAM_END / GIB)

_Static_assert(RV_LAUNCH_TABLES == 8, "the tables below, before DIRECT_LEVEL_2");

/* Which page is which table. */
enum table {
	TOP,
	DIRECT_LEVEL_3,
	IMAGE_LEVEL_3,
	IMAGE_LEVEL_2,
	IMAGE_LEVEL_1,
	LOW_LEVEL_3,
	LOW_LEVEL_2,
	LOW_LEVEL_1,
	DIRECT_LEVEL_2 /* one for each GiB, to the end */
};

static uint64_t gibs(const struct rv_launch *l)
{
	uint64_t count = GIB_MIN;

	for (uint32_t i = 0; i < l->ram_count; i++) {
		uint64_t end = l->ram[i].base + l->ram[i].bytes;

		if ((end + GIB - 1) / GIB > count)
			count = (end + GIB - 1) / GIB;
	}
	return count < GIB_MAX ? count : GIB_MAX;
}

uint64_t tables_bytes(const struct rv_launch *launch)
{
	return (DIRECT_LEVEL_2 + gibs(launch)) * RV_PAGE_SIZE;
}

static uint64_t *entry_at(uint64_t *tables, uint64_t table, uint64_t va, uint32_t level)
{
	return &tables[table * ENTRIES + (va >> (RV_PAGE_SHIFT + 9 * (level - 1))) % ENTRIES];
}

bool tables_build(const struct rv_launch *launch, const struct rv_hv_header *header, uint64_t *tables)
{
	uint64_t base = launch->pool_base + header->memory_bytes, low = launch->trampoline;
	/* Table, address, level; table that it leads to. */
	const struct {
		enum table from;
		uint32_t level;
		uint64_t va;
		enum table to;
	} link[] = {
	    {TOP, 4, RV_HV_DIRECT_MAP, DIRECT_LEVEL_3},
	    {TOP, 4, RV_HV_BASE, IMAGE_LEVEL_3},
	    {TOP, 4, low, LOW_LEVEL_3},
	    {IMAGE_LEVEL_3, 3, RV_HV_BASE, IMAGE_LEVEL_2},
	    {LOW_LEVEL_3, 3, low, LOW_LEVEL_2},
	    {IMAGE_LEVEL_2, 2, RV_HV_BASE, IMAGE_LEVEL_1},
	    {LOW_LEVEL_2, 2, low, LOW_LEVEL_1},
	};

	if (header->memory_bytes > ENTRIES * RV_PAGE_SIZE)
		return false;
	for (uint32_t i = 0; i < launch->ram_count; i++) {
		if (launch->ram[i].base + launch->ram[i].bytes > RV_LAUNCH_RAM_END)
			return false;
	}
	for (uint32_t i = 0; i < sizeof(link) / sizeof(link[0]); i++)
		*entry_at(tables, link[i].from, link[i].va, link[i].level) =
		    (base + link[i].to * RV_PAGE_SIZE) | PTE_P | PTE_W;
	for (uint64_t at = 0; at < header->memory_bytes; at += RV_PAGE_SIZE) {
		uint64_t flags = at < header->text_bytes       ? PTE_P
				 : at < header->constant_bytes ? PTE_P | PTE_NX
							       : PTE_P | PTE_W | PTE_NX;

		*entry_at(tables, IMAGE_LEVEL_1, RV_HV_BASE + at, 1) = (launch->pool_base + at) | flags;
	}
	*entry_at(tables, LOW_LEVEL_1, low, 1) = low | PTE_P;
	for (uint64_t gib = 0; gib < gibs(launch); gib++) {
		tables[DIRECT_LEVEL_3 * ENTRIES + gib] = (base + (DIRECT_LEVEL_2 + gib) * RV_PAGE_SIZE) | PTE_P | PTE_W;
		for (uint64_t i = 0; i < ENTRIES; i++)
			tables[(DIRECT_LEVEL_2 + gib) * ENTRIES + i] =
			    (gib * GIB + i * LARGE_BYTES) | PTE_P | PTE_W | PTE_NX | PTE_LARGE;
	}
	return true;
}
