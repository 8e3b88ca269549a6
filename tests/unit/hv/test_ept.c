/* SPDX-License-Identifier: GPL-2.0-only */
/* test_ept.c - the guest's extended page tables, walked as the CPU walks them and compared page by page with the rows. */
#include "fake.h"

#include <string.h>

#define LIMIT (128u << 20) /* what is compared */

static int setup(void **state)
{
	(void)state;
	fake_machine();
	return 0;
}

/* The CPU's walk: rights, type and address for one page. Independent of ept.c's own walk. */
static uint64_t walk(uint64_t gpa, uint64_t *pa)
{
	uint64_t table = hv.ept.eptp & EPT_ADDRESS;

	for (int shift = 39;; shift -= 9) {
		uint64_t entry = ((uint64_t *)pa_pointer(pa_make(table)))[gpa >> shift & 511],
			 mask = (1ull << shift) - 1;

		if ((entry & EPT_RWX) == 0) {
			assert_int_equal(entry, 0); /* absent entries hold no address (pitfall 29) */
			return 0;
		}
		assert_true((entry & EPT_RWX) != EPT_W && (entry & EPT_RWX) != (EPT_W | EPT_X)); /* misconfigurations */
		if (shift == 12 || (entry & EPT_LARGE)) {
			assert_true(shift <= 30 && (entry & EPT_ADDRESS & mask) == 0);
			*pa = (entry & EPT_ADDRESS & ~mask) | (gpa & mask);
			return entry;
		}
		assert_int_equal(entry & 0xff8, 0); /* reserved in entries that point to tables */
		table = entry & EPT_ADDRESS;
		/* Tables themselves are out of the guest's reach. */
		assert_int_equal(partition_find(&hv.partition, pa_make(table))->owner, OWNER_HYPERVISOR);
	}
}

static uint32_t model_type(uint64_t gpa)
{
	const struct rv_launch_types *t = &hv.launch.types;

	for (uint32_t i = 0; i < t->count; i++) {
		if (gpa >= t->range[i].base && gpa - t->range[i].base < t->range[i].bytes)
			return t->range[i].type;
	}
	return t->default_type;
}

static void compare(uint64_t first, uint64_t end)
{
	for (uint64_t gpa = first; gpa < end; gpa += RV_PAGE_SIZE) {
		const struct row *row = partition_find(&hv.partition, pa_make(gpa));
		uint64_t pa = 0, entry = walk(gpa, &pa);

		if (row->owner != OWNER_GUEST || row->perm == PERM_NONE) {
			assert_int_equal(entry, 0);
			continue;
		}
		assert_int_equal(pa, gpa);
		assert_int_equal(entry & EPT_RWX, row->perm);
		assert_int_equal(entry >> EPT_TYPE_SHIFT & 7, model_type(gpa));
	}
}

static void take(uint64_t base, uint64_t bytes, const struct row *to)
{
	struct transition t;

	if (partition_prepare(&hv.partition, &t, pa_make(base), bytes, OWNER_GUEST) == 0)
		partition_commit(&hv.partition, &t, to);
}

static void test_first_build(void **state)
{
	uint64_t size;

	(void)state;
	compare(0, LIMIT);
	compare(4 * SIZE_1G - LIMIT, 4 * SIZE_1G);
	ept_leaf(&hv.ept, gpa_make(2 * SIZE_1G), &size);
	assert_int_equal(size, SIZE_1G);
	ept_leaf(&hv.ept, gpa_make(0x200000), &size);
	assert_int_equal(size, SIZE_2M);
	ept_leaf(&hv.ept, gpa_make(0xa0000), &size);
	assert_int_equal(size, RV_PAGE_SIZE);
	assert_int_equal(hv.ept.eptp & 0xfff, 3 << 3 | 6);
}

static void test_no_1g_pages(void **state)
{
	uint64_t size;

	(void)state;
	hv.ept.large_1g = false;
	assert_int_equal(ept_build(&hv.ept, 4 * SIZE_1G), 0);
	compare(0, LIMIT);
	assert_true(ept_leaf(&hv.ept, gpa_make(2 * SIZE_1G), &size) & EPT_LARGE);
	assert_int_equal(size, SIZE_2M);
}

static void test_random_layouts(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 12; round++) {
		const struct row hidden = {.owner = OWNER_HYPERVISOR, .perm = PERM_R | PERM_W};
		const struct row lent = {.owner = OWNER_GUEST, .shared = 1, .perm = PERM_R | PERM_X};
		uint64_t size = (uint64_t)(1 + fake_random(600)) << 12;

		/* Holes and lent pages outside the pool, at random. */
		take(FAKE_RAM + ((uint64_t)fake_random(1 << 13) << 12), size, &hidden);
		take(((uint64_t)fake_random(1 << 12) << 12) + 0x200000, RV_PAGE_SIZE, &lent);
		/* Two ranges next to each other that end anywhere. */
		hv.launch.types.count = 4;
		hv.launch.types.range[2] = (struct rv_launch_type){
		    .base = (1ull + fake_random(64)) << 21, .bytes = (1ull + fake_random(2000)) << 12, .type = MTRR_WC};
		hv.launch.types.range[3] =
		    (struct rv_launch_type){.base = hv.launch.types.range[2].base + hv.launch.types.range[2].bytes,
					    .bytes = (1ull + fake_random(2000)) << 12,
					    .type = MTRR_WT};
		assert_int_equal(ept_build(&hv.ept, 4 * SIZE_1G), 0);
		compare(0, LIMIT);
	}
}

/* prepare changes no right; set changes one page; merge brings the large entry back, once all is alike again. */
static void test_prepare_set_merge(void **state)
{
	const uint64_t page = 0x812000;
	uint64_t size, free_bytes = partition_bytes(&hv.partition, OWNER_POOL_FREE);
	struct transition t;
	pa_t table;

	(void)state;
	assert_int_equal(ept_prepare(&hv.ept, gpa_make(page)), 0);
	compare(0x600000, 0xc00000);
	assert_int_equal(ept_prepare(&hv.ept, gpa_make(page)), 0); /* nothing left to do */
	assert_int_equal(partition_bytes(&hv.partition, OWNER_POOL_FREE), free_bytes - RV_PAGE_SIZE);
	for (uint8_t perm = 0; perm < 8; perm++) {
		if (perm == PERM_W || perm == (PERM_W | PERM_X))
			continue;
		assert_int_equal(partition_prepare(&hv.partition, &t, pa_make(page), RV_PAGE_SIZE, OWNER_GUEST), 0);
		partition_commit(&hv.partition, &t, &(struct row){.owner = OWNER_GUEST, .perm = perm});
		ept_set(&hv.ept, gpa_make(page), perm);
		compare(0x600000, 0xc00000);
	}
	partition_merge(&hv.partition);
	ept_merge(&hv.ept, gpa_make(page), &table);
	assert_true(table.v != 0);
	ept_leaf(&hv.ept, gpa_make(page), &size);
	assert_int_equal(size, SIZE_2M);
	compare(0x600000, 0xc00000);
	ept_merge(&hv.ept, gpa_make(page), &table);
	assert_int_equal(table.v, 0);
}

/* Another page in the place of a device's registers; with the type of that page. */
static void test_alias(void **state)
{
	uint64_t pa = 0;

	(void)state;
	assert_int_equal(ept_prepare(&hv.ept, gpa_make(0xfed90000)), 0);
	assert_int_equal(walk(0xfed90000, &pa) >> EPT_TYPE_SHIFT & 7, MTRR_UC);
	ept_alias(&hv.ept, gpa_make(0xfed90000), pa_make(0x812000), PERM_R);
	assert_int_equal(walk(0xfed90008, &pa) & (EPT_RWX | 7 << EPT_TYPE_SHIFT), EPT_R | MTRR_WB << EPT_TYPE_SHIFT);
	assert_int_equal(pa, 0x812008);
	compare(0xfed80000, 0xfed90000);
	compare(0xfed91000, 0xfeda0000);
	ept_set(&hv.ept, gpa_make(0xfed90000), PERM_RWX);
	compare(0xfed80000, 0xfeda0000);
}

static void test_merge_refuses(void **state)
{
	struct transition t;
	pa_t table;

	(void)state;
	assert_int_equal(ept_prepare(&hv.ept, gpa_make(0x812000)), 0);
	assert_int_equal(partition_prepare(&hv.partition, &t, pa_make(0x812000), RV_PAGE_SIZE, OWNER_GUEST), 0);
	partition_commit(&hv.partition, &t, &(struct row){.owner = OWNER_GUEST, .shared = 1, .perm = PERM_RWX});
	ept_merge(&hv.ept, gpa_make(0x812000), &table);
	assert_int_equal(table.v, 0);
	/* Of one owner, but with two memory types. */
	ept_merge(&hv.ept, gpa_make(0xa0000), &table);
	assert_int_equal(table.v, 0);
	compare(0, 0xc00000);
}

static void test_split_of_1g(void **state)
{
	(void)state;
	assert_int_equal(ept_prepare(&hv.ept, gpa_make(2 * SIZE_1G + 0x5000)), 0);
	compare(2 * SIZE_1G, 2 * SIZE_1G + LIMIT);
	compare(3 * SIZE_1G - LIMIT, 3 * SIZE_1G);
}

static void test_pool_without_pages(void **state)
{
	pa_t all;
	uint64_t size;

	(void)state;
	for (uint32_t pages = FAKE_POOL_BYTES / RV_PAGE_SIZE; pages != 0;) {
		if (partition_allocate(&hv.partition, pages, OWNER_FIMCE(1), &all) != 0)
			pages--;
	}
	assert_int_equal(ept_prepare(&hv.ept, gpa_make(0x812000)), -RV_ENOMEM);
	assert_int_equal(ept_fill(&hv.ept, gpa_make(600ull << 30 & (FAKE_LIMIT - 1))),
			 0); /* a 1 GiB entry takes no table */
	compare(0x600000, 0xc00000);
	ept_leaf(&hv.ept, gpa_make(0x812000), &size);
	assert_int_equal(size, SIZE_2M);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, fake_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_first_build), T(test_no_1g_pages),   T(test_random_layouts), T(test_prepare_set_merge),
	    T(test_alias),       T(test_merge_refuses), T(test_split_of_1g),    T(test_pool_without_pages),
	};

	return cmocka_run_group_tests_name("hv ept", tests, NULL, NULL);
}
