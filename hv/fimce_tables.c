/* SPDX-License-Identifier: GPL-2.0-only */
/* fimce_tables.c - see fimce_tables.h. Intel SDM vol. 3, 4.5. */
#include <hv/fimce_tables.h>
#include <hv/hv.h>

#define TABLE_FLAGS 3ull
#define PTE_ADDRESS 0x000ffffffffff000ull
/* Top, and for the upper 2 GiB: one of level 3, one of level 2, level 1 for manager, stack, input and output. */
#define FIXED_TABLES 7u
/* For devices: top, level 3, level 2, level 1 for input and output. */
#define DMA_TABLES 5u
#define DIRECT_MAP_INDEX (RV_HV_DIRECT_MAP >> 39 & 511) /* the image is in the last one */

uint32_t fimce_tables_count(const struct fimce *f, uint32_t load_pages)
{
	const struct rv_target_page *list = f->target_list_pages ? pa_pointer(f->target_list) : NULL;
	uint32_t entries = f->target_list_pages * RV_PAGE_SIZE / (uint32_t)sizeof(*list);
	uint32_t load = (load_pages + 511) / 512, count = FIXED_TABLES + load;
	uint64_t last = 0;

	/* The list is in order of address, zeros behind its end: count each new region of 512 GiB, 1 GiB and 2 MiB. */
	for (uint32_t i = 0; i < entries && list[i].va != 0; i++) {
		for (uint32_t shift = 21; shift <= 39; shift += 9)
			count += last == 0 || list[i].va >> shift != last >> shift;
		last = list[i].va;
	}
	if (f->grant_count != 0)
		count += DMA_TABLES + load + (f->bar_bytes + (uint32_t)SIZE_2M - 1) / (uint32_t)SIZE_2M;
	return count;
}

static pa_t table_new(struct fimce *f)
{
	return pa_add(f->tables, (uint64_t)f->tables_used++ * RV_PAGE_SIZE);
}

static uint64_t *next_table(struct fimce *f, uint64_t *entry)
{
	if (*entry == 0)
		*entry = table_new(f).v | TABLE_FLAGS;
	return pa_pointer(pa_make(*entry & PTE_ADDRESS));
}

static void tree_map(struct fimce *f, pa_t top, uint32_t top_shift, uint64_t va, pa_t pa, uint32_t pages,
		     uint64_t flags)
{
	while (pages > 0) {
		uint64_t *table = pa_pointer(top), *entry, value = flags == FIMCE_PTE_NONE ? 0 : pa.v | flags;
		uint64_t step = flags == FIMCE_PTE_NONE ? 0 : RV_PAGE_SIZE;
		uint32_t index = va >> RV_PAGE_SHIFT & 511, count = pages < 512 - index ? pages : 512 - index;

		for (uint32_t shift = top_shift; shift > 12; shift -= 9)
			table = next_table(f, &table[va >> shift & 511]);
		/* One walk for all pages of a table: a FIMCE's start must not cost a walk per page. */
		for (entry = &table[index]; entry < &table[index + count]; entry++, value += step)
			*entry = value;
		pa.v += (uint64_t)count << RV_PAGE_SHIFT;
		va += (uint64_t)count << RV_PAGE_SHIFT;
		pages -= count;
	}
}

void fimce_tables_map(struct fimce *f, uint64_t va, pa_t pa, uint32_t pages, uint64_t flags)
{
	if (f->tables_used == 0)
		f->tables_used = 1;
	tree_map(f, f->tables, 39, va, pa, pages, flags);
}

void fimce_tables_map_dma(struct fimce *f, uint64_t va, pa_t pa, uint32_t pages, uint64_t flags)
{
	if (f->dma.v == 0)
		f->dma = table_new(f);
	tree_map(f, f->dma, hv.vtd.levels == 4 ? 39 : 30, RV_FIMCE_DMA(va), pa, pages, flags);
}

uint64_t fimce_tables_view_entry(int level)
{
	const uint64_t *top = pa_pointer(hv.page_tables), *last = pa_pointer(pa_make(top[511] & PTE_ADDRESS));

	return level == 4 ? (top[DIRECT_MAP_INDEX] & ~PTE_W) | PTE_NX : last[511] & ~PTE_W;
}

void fimce_tables_view(struct fimce *f)
{
	uint64_t *top = pa_pointer(f->tables);

	top[DIRECT_MAP_INDEX] = fimce_tables_view_entry(4);
	next_table(f, &top[511])[511] = fimce_tables_view_entry(3);
}
