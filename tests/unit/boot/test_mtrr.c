/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_mtrr.c - memory types: fixed and variable registers, overlaps, masks with holes; against the SDM's rules, page by page.
 */
#include "boot_test.h"

#include "../x86/mtrr.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)
#define BITS 39u

static struct mtrr m;
static struct rv_launch_types types;
static uint64_t msrs[0x300];
static uint32_t seed;

static uint64_t msr_read(uint32_t msr)
{
	assert_true(msr < sizeof(msrs) / sizeof(msrs[0]));
	assert_int_not_equal(msrs[msr], ~0ull); /* not there: #GP */
	return msrs[msr];
}

/* Write-back, the last GiB below 4 GiB uncached, the usual types below 1 MiB; two variable registers. */
static int setup(void **state)
{
	(void)state;
	memset(msrs, 0xff, sizeof(msrs));
	msrs[MSR_MTRRCAP] = 0x102;
	msrs[MSR_MTRR_DEF_TYPE] = 0xc06;
	msrs[MSR_MTRR_PHYSBASE0] = 3 * GIB;
	msrs[MSR_MTRR_PHYSBASE0 + 1] = 0x7fc0000800ull;
	msrs[MSR_MTRR_PHYSBASE0 + 2] = msrs[MSR_MTRR_PHYSBASE0 + 3] = 0;
	msrs[MSR_MTRR_FIX64K] = msrs[MSR_MTRR_FIX16K] = 0x0606060606060606ull;
	msrs[MSR_MTRR_FIX16K + 1] = 0;
	for (uint32_t i = 0; i < 8; i++)
		msrs[MSR_MTRR_FIX4K + i] = 0x0505050505050505ull;
	mtrr_read(&m, msr_read, BITS);
	seed = 12345;
	return 0;
}

static uint32_t random_below(uint32_t n)
{
	return random_next(&seed) % n;
}

/* Vol. 3, 12.11.4.1, for one page, written down once more in another way. */
static uint32_t model_type(uint64_t address)
{
	bool hit[8] = {false};
	int hits = 0;
	uint32_t last = 0;

	if (!m.enabled)
		return MTRR_UC;
	if (m.fixed_enabled && address < MIB) {
		if (address < 0x80000)
			return m.fixed[address / 0x10000];
		if (address < 0xc0000)
			return m.fixed[8 + (address - 0x80000) / 0x4000];
		return m.fixed[24 + (address - 0xc0000) / 0x1000];
	}
	for (uint32_t i = 0; i < m.variable_count; i++) {
		uint64_t mask = m.variable[i].mask & ((1ull << BITS) - RV_PAGE_SIZE);

		if ((m.variable[i].mask & 0x800) && (address & mask) == (m.variable[i].base & mask)) {
			last = m.variable[i].base & 7;
			hits += !hit[last];
			hit[last] = true;
		}
	}
	if (hits == 0)
		return m.default_type;
	if (hit[MTRR_UC])
		return MTRR_UC;
	if (hits == 2 && hit[MTRR_WT] && hit[MTRR_WB])
		return MTRR_WT;
	return hits == 1 ? last : MTRR_UC;
}

static uint32_t listed_type(uint64_t address)
{
	for (uint32_t i = 0; i < types.count; i++) {
		if (address >= types.range[i].base && address - types.range[i].base < types.range[i].bytes)
			return types.range[i].type;
	}
	return types.default_type;
}

/* What the contract of struct rv_launch_types says. */
static void expect_order(void)
{
	uint64_t end = 0;

	assert_true(types.count <= RV_LAUNCH_MAX_TYPES);
	for (uint32_t i = 0; i < types.count; i++) {
		const struct rv_launch_type *r = &types.range[i];

		assert_true(r->base >= end && r->bytes > 0 && (r->base | r->bytes) % RV_PAGE_SIZE == 0);
		assert_int_not_equal(r->type, types.default_type);
		assert_int_equal(r->reserved, 0);
		if (i > 0 && r->base == end)
			assert_int_not_equal(r->type, types.range[i - 1].type);
		end = r->base + r->bytes;
	}
	assert_true(end <= 1ull << BITS);
}

static void expect_range(uint32_t i, uint64_t base, uint64_t bytes, uint32_t type)
{
	assert_true(i < types.count);
	assert_int_equal(types.range[i].base, base);
	assert_int_equal(types.range[i].bytes, bytes);
	assert_int_equal(types.range[i].type, type);
}

static void test_pc(void **state)
{
	(void)state;
	assert_int_equal(m.variable_count, 2);
	memset(&types, 0xaa, sizeof(types));
	assert_true(mtrr_types_fill(&m, &types));
	assert_int_equal(types.default_type, MTRR_WB);
	assert_int_equal(types.count, 3);
	expect_range(0, 0xa0000, 0x20000, MTRR_UC);
	expect_range(1, 0xc0000, 0x40000, MTRR_WP);
	expect_range(2, 3 * GIB, GIB, MTRR_UC);
	expect_order();
}

static void test_switched_off(void **state)
{
	(void)state;
	msrs[MSR_MTRR_DEF_TYPE] = 6;
	mtrr_read(&m, msr_read, BITS);
	assert_true(mtrr_types_fill(&m, &types));
	assert_int_equal(types.count, 0);
	assert_int_equal(types.default_type, MTRR_UC);
	/* Fixed ranges off, or none in this CPU: the variable ones rule the first MiB, too. */
	msrs[MSR_MTRR_DEF_TYPE] = 0x806;
	mtrr_read(&m, msr_read, BITS);
	assert_true(mtrr_types_fill(&m, &types));
	assert_int_equal(types.count, 1);
	expect_range(0, 3 * GIB, GIB, MTRR_UC);
	msrs[MSR_MTRR_DEF_TYPE] = 0xc06;
	msrs[MSR_MTRRCAP] = 2;
	mtrr_read(&m, msr_read, BITS);
	assert_true(mtrr_types_fill(&m, &types));
	assert_int_equal(types.count, 1);
}

/* More registers than any CPU has are not read: they would be other MSRs. */
static void test_too_many_registers(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 2 * MTRR_MAX_VARIABLE; i++)
		msrs[MSR_MTRR_PHYSBASE0 + i] = 0;
	msrs[MSR_MTRRCAP] = 0x1ff;
	mtrr_read(&m, msr_read, BITS);
	assert_int_equal(m.variable_count, MTRR_MAX_VARIABLE);
}

static void test_holes(void **state)
{
	(void)state;
	m.variable[1].base = MTRR_WC;
	m.variable[1].mask = ((1ull << BITS) - 1) & ~(32 * MIB - 1);
	m.variable[1].mask &= ~(GIB);
	assert_true(mtrr_types_fill(&m, &types)); /* not valid */
	m.variable[1].mask |= 0x800;
	assert_false(mtrr_types_fill(&m, &types));
	m.variable[1].mask = RV_PAGE_SIZE | 0x800;
	assert_false(mtrr_types_fill(&m, &types));
	/* Bits that the CPU does not have are no holes. */
	m.variable[1].mask = (~(32 * MIB - 1) & ((1ull << BITS) - 1)) | 1ull << 50 | 0x800;
	assert_true(mtrr_types_fill(&m, &types));
	m.variable[1].mask = 0x800; /* everything */
	assert_true(mtrr_types_fill(&m, &types));
	assert_int_equal(listed_type(128 * GIB), MTRR_WC);
	assert_int_equal(listed_type(3 * GIB), MTRR_UC);
	expect_order();
}

static void random_ranges(void)
{
	const uint8_t type[] = {MTRR_UC, MTRR_WC, MTRR_WT, MTRR_WP, MTRR_WB};

	m.default_type = type[random_below(5)];
	m.variable_count = 1 + random_below(random_below(8) ? 4 : MTRR_MAX_VARIABLE);
	for (uint32_t i = 0; i < MTRR_FIXED; i++)
		m.fixed[i] = type[random_below(5)];
	for (uint32_t i = 0; i < m.variable_count; i++) {
		uint64_t size = 1ull << (12 + random_below(21));
		uint64_t base = (uint64_t)random_below(1 << 20) << 12 & ~(size - 1);

		m.variable[i].base = base | type[random_below(5)];
		m.variable[i].mask = (~(size - 1) & ((1ull << BITS) - 1)) | (random_below(8) ? 0x800 : 0);
	}
}

static void expect_page(uint64_t page)
{
	page &= (1ull << BITS) - RV_PAGE_SIZE;
	assert_int_equal(listed_type(page), model_type(page));
}

static void test_random(void **state)
{
	uint32_t most = 0;

	(void)state;
	for (uint32_t round = 0; round < 2000; round++) {
		random_ranges();
		assert_true(mtrr_types_fill(&m, &types));
		expect_order();
		most = types.count > most ? types.count : most;
		for (uint64_t page = 0; page < MIB; page += RV_PAGE_SIZE)
			expect_page(page);
		for (uint32_t i = 0; i < 20; i++)
			expect_page((uint64_t)random_below(1 << 20) << 12);
		/* Both sides of both ends of each register's range. */
		for (uint32_t i = 0; i < m.variable_count; i++) {
			uint64_t base = m.variable[i].base & ~0xfffull;
			uint64_t bytes = (~m.variable[i].mask & ((1ull << BITS) - 1) & ~0xfffull) + RV_PAGE_SIZE;

			expect_page(base);
			expect_page(base - RV_PAGE_SIZE);
			expect_page(base + bytes);
			expect_page(base + bytes - RV_PAGE_SIZE);
		}
	}
	assert_true(most > 80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_pc, setup),     cmocka_unit_test_setup(test_switched_off, setup),
	    cmocka_unit_test_setup(test_holes, setup),  cmocka_unit_test_setup(test_too_many_registers, setup),
	    cmocka_unit_test_setup(test_random, setup),
	};

	return cmocka_run_group_tests_name("boot mtrr", tests, NULL, NULL);
}
