/* SPDX-License-Identifier: GPL-2.0-only */
/* fake_vtd_case.c - see fake_vtd_case.h. */
#include "fake_vtd_case.h"

struct vtd *v;

void units_add(uint32_t count)
{
	vtd_init(v, &hv.partition, 1000000);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(vtd_unit_add(v, pa_make(FAKE_UNIT(i)), FAKE_UNIT_BYTES, 0), 0);
}

/* As the launch does it: the EPT is built for what the units can do. */
void units_build(void)
{
	assert_int_equal(vtd_probe(v), 0);
	hv.ept.large_1g = v->large_1g;
	hv.ept.small_pages = !v->large_2m;
	hv.ept.vtd = v;
	assert_int_equal(ept_build(&hv.ept, v->large_2m ? 4 * SIZE_1G : FAKE_RAM), 0);
	assert_int_equal(vtd_build(v, hv.ept.root, ENTRIES), 0);
}

int fake_units_setup(void **state)
{
	(void)state;
	fake_machine();
	fake_units_reset();
	fake_tick = 1000; /* a microsecond at each look at the clock */
	v = &hv.vtd;
	units_add(FAKE_UNITS);
	return 0;
}

int fake_units_setup_started(void **state)
{
	fake_units_setup(state);
	units_build();
	assert_int_equal(vtd_start(v), 0);
	return 0;
}

int fault_next(const struct vtd_unit *u, struct vtd_fault *f)
{
	if (vtd_faults_find(u, f, 1) == 0)
		return 0;
	vtd_fault_clear(u, f->record);
	return 1;
}

void expect_failure(int error, int wanted, uint32_t reason, uint32_t unit, uint64_t value)
{
	assert_int_equal(error, wanted);
	assert_int_equal(v->failure.reason, reason);
	assert_int_equal(v->failure.value[1], FAKE_UNIT(unit));
	assert_int_equal(v->failure.value[0], value);
}

void expect_rows(uint64_t first, uint64_t end)
{
	for (uint64_t page = first; page < end; page += RV_PAGE_SIZE) {
		const struct row *row = partition_find(&hv.partition, pa_make(page));
		uint8_t perm = row->owner == OWNER_GUEST ? row->perm : PERM_NONE;
		uint32_t unit = (uint32_t)(page >> 12) % v->unit_count;

		assert_int_equal(fake_dma(unit, (uint16_t)(page >> 12), page | 8, false),
				 perm & PERM_R ? page | 8 : ~0ull);
		assert_int_equal(fake_dma(unit, (uint16_t)(page >> 11), page, true), perm & PERM_W ? page : ~0ull);
	}
}
