/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_tables.c - root mode's page tables, walked as the CPU walks them.
 */
#include "boot_test.h"

#include <ravelin/x86.h>

#include "../x86/tables.h"

#define GIB (1ull << 30)
#define POOL 0x7c000000ull
#define TRAMPOLINE 0x9a000u
#define ADDRESS 0x000ffffffffff000ull

static struct rv_launch launch;
static struct rv_hv_header header;
static uint64_t *tables;
static uint64_t bytes;

static int setup(void **state)
{
	(void)state;
	memset(&launch, 0, sizeof(launch));
	launch.pool_base = POOL;
	launch.trampoline = TRAMPOLINE;
	launch.ram_count = 2;
	launch.ram[0].bytes = 0xa0000;
	launch.ram[1] = (struct rv_launch_ram){0x100000, 0x7ff00000};
	header = (struct rv_hv_header){.memory_bytes = 0x60000, .text_bytes = 0x13000, .constant_bytes = 0x28000};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(tables);
	tables = NULL;
	return 0;
}

/* In memory of just the right size, so that the sanitizer sees what goes beyond. */
static bool build(void)
{
	free(tables);
	bytes = tables_bytes(&launch);
	tables = calloc(1, bytes);
	assert_non_null(tables);
	return tables_build(&launch, &header, tables);
}

/* The entry that maps va, and the physical address; 0 if there is none. Writing, and not executing, holds only if all levels say so. */
static uint64_t walk(uint64_t va, uint64_t *pa)
{
	uint64_t table = POOL + header.memory_bytes, rights = PTE_W, entry, mask;

	for (int shift = 39;; shift -= 9) {
		assert_true(table >= POOL + header.memory_bytes && table - POOL - header.memory_bytes < bytes);
		entry = tables[(table - POOL - header.memory_bytes) / 8 + (va >> shift & 511)];
		mask = (1ull << shift) - 1;
		if (!(entry & PTE_P)) {
			assert_int_equal(entry, 0);
			return 0;
		}
		rights &= entry;
		if (shift == 12 || (entry & 1 << 7))
			break;
		assert_int_equal(entry & PTE_NX, 0);
		table = entry & ADDRESS;
	}
	assert_int_equal(entry & ADDRESS & mask, 0);
	assert_int_equal(entry & 4, 0); /* nobody runs in ring 3 */
	*pa = (entry & ADDRESS) | (va & mask);
	return PTE_P | rights | (entry & PTE_NX);
}

static void test_image(void **state)
{
	uint64_t pa = 0;

	(void)state;
	assert_true(build());
	for (uint64_t at = 0; at < header.memory_bytes; at += RV_PAGE_SIZE) {
		uint64_t want = PTE_P | PTE_W | PTE_NX;

		if (at < header.text_bytes)
			want = PTE_P;
		else if (at < header.constant_bytes)
			want = PTE_P | PTE_NX;
		assert_int_equal(walk(RV_HV_BASE + at, &pa), want);
		assert_int_equal(pa, POOL + at);
	}
	assert_int_equal(walk(RV_HV_BASE + header.memory_bytes, &pa), 0);
	assert_int_equal(walk(RV_HV_BASE - 1, &pa), 0);
}

static void test_direct_map(void **state)
{
	const uint64_t ends[] = {2 * GIB, 4 * GIB, 4 * GIB + 1, 9 * GIB, 512 * GIB - RV_PAGE_SIZE, 512 * GIB};
	uint64_t pa = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		uint64_t mapped = ends[i] < 4 * GIB ? 4 * GIB : (ends[i] + GIB - 1) / GIB * GIB;

		launch.ram[1].bytes = ends[i] - launch.ram[1].base;
		assert_true(build());
		assert_int_equal(bytes, (RV_LAUNCH_TABLES + mapped / GIB) * RV_PAGE_SIZE);
		for (uint64_t at = 0; at < mapped; at += 2 << 20) {
			assert_int_equal(walk(RV_HV_DIRECT_MAP + at + 0x12345, &pa), PTE_P | PTE_W | PTE_NX);
			assert_int_equal(pa, at + 0x12345);
		}
		assert_int_equal(walk(RV_HV_DIRECT_MAP - 1, &pa), 0);
		if (mapped < 512 * GIB)
			assert_int_equal(walk(RV_HV_DIRECT_MAP + mapped, &pa), 0);
	}
}

/* One page below 1 MiB, to read and execute, and nothing else in the lower half. */
static void test_trampoline(void **state)
{
	uint64_t pa = 0;

	(void)state;
	assert_true(build());
	for (uint64_t at = 0; at < GIB; at += RV_PAGE_SIZE)
		assert_int_equal(walk(at, &pa), at == TRAMPOLINE ? PTE_P : 0);
	assert_int_equal(walk(TRAMPOLINE, &pa), PTE_P);
	assert_int_equal(pa, TRAMPOLINE);
	for (uint64_t at = 0; at < 1ull << 47; at += 512 * GIB)
		assert_int_equal(walk(at + GIB, &pa), 0);
}

static void test_refusals(void **state)
{
	(void)state;
	header.memory_bytes = 512 * RV_PAGE_SIZE;
	assert_true(build());
	header.memory_bytes += RV_PAGE_SIZE;
	assert_false(build());
	setup(state);
	launch.ram[1].bytes = 512 * GIB;
	assert_false(build());
	assert_int_equal(bytes, (RV_LAUNCH_TABLES + 512) * RV_PAGE_SIZE);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_image),
	    T(test_direct_map),
	    T(test_trampoline),
	    T(test_refusals),
	};

	return cmocka_run_group_tests_name("boot tables", tests, NULL, NULL);
}
