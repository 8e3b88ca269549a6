/* SPDX-License-Identifier: GPL-2.0-only */
/* test_mtrr.c - memory types: fixed and variable registers, overlaps, ranges of more than one type; against the SDM's rules. */
#include "fake.h"

static struct mtrr m;

static int setup(void **state)
{
	(void)state;
	fake_reset();
	mtrr_read(&m, FAKE_PHYSICAL_BITS);
	return 0;
}

/* Vol. 3, 12.11.4.1, for one page, written down once more in another way. */
static int model_type(uint64_t address)
{
	bool hit[8] = {false};
	int hits = 0, last = 0;

	if (!m.enabled)
		return MTRR_UC;
	if (m.fixed_enabled && address < 0x100000) {
		if (address < 0x80000)
			return m.fixed[address / 0x10000];
		if (address < 0xc0000)
			return m.fixed[8 + (address - 0x80000) / 0x4000];
		return m.fixed[24 + (address - 0xc0000) / 0x1000];
	}
	for (uint32_t i = 0; i < m.variable_count; i++) {
		uint64_t mask = m.variable[i].mask & m.address_mask;

		if ((m.variable[i].mask & 0x800) && (address & mask) == (m.variable[i].base & mask)) {
			last = (int)(m.variable[i].base & 7);
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

static void test_read(void **state)
{
	(void)state;
	assert_true(m.enabled && m.fixed_enabled);
	assert_int_equal(m.variable_count, 2);
	assert_int_equal(m.default_type, MTRR_WB);
	assert_int_equal(m.address_mask, (1ull << FAKE_PHYSICAL_BITS) - RV_PAGE_SIZE);
	assert_int_equal(mtrr_type(&m, pa_make(0), RV_PAGE_SIZE), MTRR_WB);
	assert_int_equal(mtrr_type(&m, pa_make(0xa0000), RV_PAGE_SIZE), MTRR_UC);
	assert_int_equal(mtrr_type(&m, pa_make(0xc0000), RV_PAGE_SIZE), MTRR_WP);
	assert_int_equal(mtrr_type(&m, pa_make(0xfee00000), RV_PAGE_SIZE), MTRR_UC);
	assert_int_equal(mtrr_type(&m, pa_make(3 * SIZE_1G), SIZE_1G), MTRR_UC);
	assert_int_equal(mtrr_type(&m, pa_make(SIZE_1G), SIZE_1G), MTRR_WB);
	assert_int_equal(mtrr_type(&m, pa_make(0), SIZE_2M), -1);
	assert_int_equal(mtrr_type(&m, pa_make(0), SIZE_1G), -1);
}

static void test_switched_off(void **state)
{
	(void)state;
	fake_msr_set(MSR_MTRR_DEF_TYPE, 6);
	mtrr_read(&m, FAKE_PHYSICAL_BITS);
	assert_int_equal(mtrr_type(&m, pa_make(SIZE_1G), SIZE_1G), MTRR_UC);
	/* Fixed ranges off: the variable ones rule the first MiB, too. */
	fake_msr_set(MSR_MTRR_DEF_TYPE, 0x806);
	mtrr_read(&m, FAKE_PHYSICAL_BITS);
	assert_int_equal(mtrr_type(&m, pa_make(0xa0000), RV_PAGE_SIZE), MTRR_WB);
	assert_int_equal(mtrr_type(&m, pa_make(0), SIZE_2M), MTRR_WB);
	fake_msr_set(MSR_MTRR_DEF_TYPE, 0xc06);
	fake_msr_set(MSR_MTRRCAP, 2);
	mtrr_read(&m, FAKE_PHYSICAL_BITS);
	assert_false(m.fixed_enabled);
}

static void random_ranges(void)
{
	const uint8_t type[] = {MTRR_UC, MTRR_WC, MTRR_WT, MTRR_WP, MTRR_WB};

	m.default_type = type[fake_random(5)];
	m.variable_count = 1 + fake_random(4);
	for (uint32_t i = 0; i < m.variable_count; i++) {
		uint64_t size = 1ull << (12 + fake_random(21));
		uint64_t base = (uint64_t)fake_random(1 << 20) << 12 & ~(size - 1);

		m.variable[i].base = base | type[fake_random(5)];
		m.variable[i].mask = (~(size - 1) & m.address_mask) | (fake_random(8) ? 0x800 : 0);
	}
}

/* A large page has a type only if each page in it has that type; "mixed" may be said too often, but not of what is plain. */
static void test_random(void **state)
{
	uint32_t plain = 0;

	(void)state;
	for (uint32_t round = 0; round < 300; round++) {
		random_ranges();
		for (uint32_t i = 0; i < 20; i++) {
			uint64_t page = (uint64_t)fake_random(1 << 20) << 12, large = page & ~(SIZE_2M - 1);
			int type = mtrr_type(&m, pa_make(large), SIZE_2M);

			assert_int_equal(mtrr_type(&m, pa_make(page), RV_PAGE_SIZE), model_type(page));
			for (uint64_t at = large; type >= 0 && at < large + SIZE_2M; at += RV_PAGE_SIZE)
				assert_int_equal(type, model_type(at));
			plain += type >= 0;
			type = mtrr_type(&m, pa_make(large & ~(SIZE_1G - 1)), SIZE_1G);
			if (type >= 0)
				assert_int_equal(type, model_type(page));
		}
	}
	assert_true(plain > 1000);
}

static void test_names(void **state)
{
	uint32_t n = 0;

	(void)state;
	for (uint32_t msr = 0; msr < 0x400; msr++)
		n += mtrr_is_msr(msr);
	assert_int_equal(n, 2 * MTRR_MAX_VARIABLE + 11 + 1);
	assert_false(mtrr_is_msr(MSR_PAT));
	assert_false(mtrr_is_msr(MSR_MTRRCAP));
	assert_true(mtrr_exists(&m, MSR_MTRR_PHYSBASE0 + 3));
	assert_false(mtrr_exists(&m, MSR_MTRR_PHYSBASE0 + 4));
	assert_true(mtrr_exists(&m, MSR_MTRR_FIX4K + 7));
	assert_true(mtrr_exists(&m, MSR_MTRR_DEF_TYPE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_read, setup),
	    cmocka_unit_test_setup(test_switched_off, setup),
	    cmocka_unit_test_setup(test_random, setup),
	    cmocka_unit_test_setup(test_names, setup),
	};

	return cmocka_run_group_tests_name("hv mtrr", tests, NULL, NULL);
}
