/* SPDX-License-Identifier: GPL-2.0-only */
/* test_vtd_start.c - remapping units are probed, taken over with our tables, and given back; over fake units. */
#include "fake_vtd_case.h"

#include <string.h>

/* --- probe ----------------------------------------------------------------------------------------------------------- */

static void test_probe(void **state)
{
	(void)state;
	assert_int_equal(vtd_probe(v), 0);
	assert_true(v->large_2m && v->large_1g && v->coherent && v->eim);
	assert_int_equal(v->levels, 4);
	/* What one lacks, all lack. */
	fake_unit[1].cap &= ~(CAP_SLLPS_1G | CAP_SAGAW_48);
	fake_unit[2].ecap &= ~(ECAP_C | ECAP_EIM);
	assert_int_equal(vtd_probe(v), 0);
	assert_true(v->large_2m && !v->large_1g && !v->coherent && !v->eim);
	assert_int_equal(v->levels, 3);
	fake_unit[0].cap &= ~CAP_SLLPS_2M;
	assert_int_equal(vtd_probe(v), 0);
	assert_false(v->large_2m);
}

static void test_probe_refuses(void **state)
{
	(void)state;
	fake_unit[1].ver = 0;
	expect_failure(vtd_probe(v), -RV_ENODEV, RV_REASON_VTD_ABSENT, 1, 0);
	fake_unit[1].ver = ~0u;
	expect_failure(vtd_probe(v), -RV_ENODEV, RV_REASON_VTD_ABSENT, 1, ~0u);
	fake_unit[1].ver = 0x10;
	v->unit[2].register_bytes = 0x220 + 16 * FAKE_RECORDS - 1;
	expect_failure(vtd_probe(v), -RV_ENODEV, RV_REASON_VTD_ABSENT, 2, 0x220 + 16 * FAKE_RECORDS - 1);
	v->unit[2].register_bytes = 0x220 + 16 * FAKE_RECORDS;
	assert_int_equal(vtd_probe(v), 0);
	fake_unit[0].ecap = FAKE_ECAP & ~ECAP_QI;
	expect_failure(vtd_probe(v), -RV_ENODEV, RV_REASON_VTD_NO_INTERRUPTS, 0, fake_unit[0].ecap);
	fake_unit[0].ecap = FAKE_ECAP & ~ECAP_IR;
	expect_failure(vtd_probe(v), -RV_ENODEV, RV_REASON_VTD_NO_INTERRUPTS, 0, fake_unit[0].ecap);
	fake_unit[0].ecap = FAKE_ECAP;
	fake_unit[1].cap |= CAP_RWBF;
	expect_failure(vtd_probe(v), -RV_ENODEV, RV_REASON_VTD_WRITE_BUFFER, 1, fake_unit[1].cap);
	fake_unit[1].cap = FAKE_CAP;
	/* Each has a width, but not the same one. */
	fake_unit[0].cap &= ~CAP_SAGAW_39;
	fake_unit[2].cap &= ~CAP_SAGAW_48;
	expect_failure(vtd_probe(v), -RV_ENODEV, RV_REASON_VTD_WIDTH, 2, fake_unit[2].cap);
	fake_unit[2].cap = FAKE_CAP;
	fake_unit[2].rtaddr = 1 << 10;
	assert_int_equal(vtd_probe(v), 0);
	fake_unit[2].gsts = GCMD_TE;
	expect_failure(vtd_probe(v), -RV_ENODEV, RV_REASON_VTD_SCALABLE, 2, 1 << 10);
}

static void test_no_units(void **state)
{
	struct vtd_audit a;

	(void)state;
	units_add(0);
	assert_int_equal(vtd_probe(v), 0);
	assert_int_equal(vtd_build(v, hv.ept.root, ENTRIES), 0);
	assert_int_equal(vtd_start(v), 0);
	assert_int_equal(vtd_stop(v), 0);
	assert_int_equal(vtd_flush_dma(v, VTD_DOMAIN_GUEST), 0);
	assert_int_equal(vtd_flush_interrupts(v), 0);
	assert_int_equal(vtd_audit(v, &a), 0);
	for (uint32_t i = 0; i < VTD_MAX_UNITS; i++)
		assert_int_equal(vtd_unit_add(v, pa_make(FAKE_UNIT(i)), FAKE_UNIT_BYTES, 0), 0);
	assert_int_equal(vtd_unit_add(v, pa_make(0), FAKE_UNIT_BYTES, 0), -RV_ENOSPC);
}

/* --- bring-up -------------------------------------------------------------------------------------------------------- */

static void expect_running(void)
{
	for (uint32_t i = 0; i < v->unit_count; i++) {
		const struct fake_unit *u = &fake_unit[i];

		assert_int_equal(u->gsts & GCMD_LASTING, GCMD_TE | GCMD_QIE | GCMD_IRE);
		assert_int_equal(u->root, v->root.v);
		assert_int_equal(u->interrupts & PAGE_MASK, v->unit[i].interrupts.v);
		assert_int_equal(2u << (u->interrupts & 15), ENTRIES);
		assert_int_equal((u->interrupts & IRTA_EIME) != 0, v->unit[i].eime);
		assert_false(u->context_stale || u->iotlb_stale || u->interrupts_stale);
		assert_int_equal(u->pmen, 0);
		assert_true(u->fectl & u->iectl & EVENT_MASK);
		assert_int_equal(u->fsts, 0);
	}
}

static void test_start(void **state)
{
	struct vtd_fault f;

	(void)state;
	units_build();
	assert_int_equal(vtd_start(v), 0);
	expect_running();
	expect_rows(0, FAKE_RAM + SIZE_2M);
	/* Faults are kept until somebody reads them. */
	for (uint32_t i = 0; i < FAKE_UNITS; i++) {
		while (fault_next(&v->unit[i], &f))
			;
	}
	/* Again, and with another kind of destinations. */
	v->unit[1].eime = true;
	assert_int_equal(vtd_start(v), 0);
	expect_running();
	assert_int_equal(fake_unit[1].iqt, 6 * sizeof(struct vtd_pair)); /* the queue began anew */
	vtd_entry_write(v, &v->unit[1], 3, (struct vtd_pair){WIDE(0x40, 2), IRTE_HIGH_ID | DEVICE});
	assert_int_equal(vtd_unit_set_eime(v, &v->unit[1], false), 0);
	expect_running();
	assert_int_equal(fake_interrupt(1, DEVICE, 3), 0);
}

static void test_start_old_units(void **state)
{
	uint64_t size;

	(void)state;
	for (uint32_t i = 0; i < FAKE_UNITS; i++)
		fake_unit[i].cap = FAKE_CAP & ~(CAP_SAGAW_48 | CAP_SLLPS_1G | CAP_SLLPS_2M | CAP_PROTECTED);
	fake_unit[0].pmen = 0;
	fake_unit[1].pmen = 0;
	fake_unit[2].pmen = 0;
	units_build();
	ept_leaf(&hv.ept, gpa_make(0x400000), &size);
	assert_int_equal(size, RV_PAGE_SIZE);
	assert_int_equal(vtd_start(v), 0);
	expect_running();
	expect_rows(0, FAKE_RAM);
	/* Above three levels there is nothing. */
	assert_int_equal(fake_dma(0, 0, 1ull << 39, false), ~0ull);
	assert_int_equal(vtd_flush_dma(v, VTD_DOMAIN_GUEST), 0);
}

/* Firmware left everything on; its queue still has work. The fake unit fails the test when translation goes off. */
static void test_start_leftovers(void **state)
{
	struct vtd_pair *queue = pa_pointer(pa_make(0x3000));
	struct fake_unit *u = &fake_unit[1];

	(void)state;
	for (uint32_t i = 0; i < 4; i++)
		queue[i] = (struct vtd_pair){DESCRIPTOR_INTERRUPT, 0};
	u->gsts = GCMD_TE | GCMD_QIE | GCMD_IRE | GCMD_CFI;
	u->iqa = 0x3000;
	u->iqt = 64;
	u->iqh = 64;
	fake_unit[2].gsts = GCMD_QIE;
	fake_unit[2].fsts = FSTS_IQE;
	fake_unit[2].iqt = 32;
	units_build();
	assert_int_equal(vtd_start(v), 0);
	expect_running();
	expect_rows(FAKE_POOL - SIZE_2M, FAKE_POOL + SIZE_2M);
}

static void test_start_timeouts(void **state)
{
	static const uint32_t bits[] = {GCMD_QIE, GCMD_SRTP, GCMD_TE, GCMD_SIRTP, GCMD_IRE};
	uint64_t begin;

	(void)state;
	units_build();
	for (uint32_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		fake_units_reset();
		fake_unit[1].deaf = bits[i];
		begin = fake_time;
		assert_int_equal(vtd_start(v), -RV_ETIME);
		assert_int_equal(v->failure.reason, RV_REASON_VTD_TIMEOUT);
		assert_int_equal(v->failure.value[1], FAKE_UNIT(1));
		assert_int_equal(v->failure.value[0], (uint64_t)VTD_GSTS << 32 | fake_unit[1].gsts);
		assert_true(fake_time - begin < 2 * VTD_TIMEOUT_US * 1000);
	}
	fake_units_reset();
	fake_unit[0].queue_stuck = true;
	expect_failure(vtd_start(v), -RV_ETIME, RV_REASON_VTD_TIMEOUT, 0, (uint64_t)VTD_IQT << 32 | 2);
	/* Firmware's queue does not come to its end. */
	fake_units_reset();
	fake_unit[2].gsts = GCMD_QIE;
	fake_unit[2].iqt = 32;
	fake_unit[2].queue_stuck = true;
	expect_failure(vtd_start(v), -RV_ETIME, RV_REASON_VTD_TIMEOUT, 2, (uint64_t)VTD_IQH << 32);
}

/* --- the way back ---------------------------------------------------------------------------------------------------- */

static struct fake_unit before[FAKE_UNITS];

/* Power-on; everything of a former owner on; only interrupts of one. */
static void former_owners(void)
{
	struct fake_unit *u = fake_unit;

	fake_units_reset();
	u[1].gsts = GCMD_TE | GCMD_QIE | GCMD_IRE | GCMD_CFI;
	u[2].gsts = GCMD_QIE | GCMD_IRE;
	for (uint32_t i = 1; i < FAKE_UNITS; i++) {
		u[i].rtaddr = u[i].root = 0x100000 * i;
		u[i].irta = u[i].interrupts = 0x200000 * i + 7;
		u[i].iqa = 0x3000 * i;
		u[i].iqh = u[i].iqt = 64;
		u[i].context_stale = u[i].iotlb_stale = u[i].interrupts_stale = false;
	}
	/* Only what was open may be open again. */
	u[0].may_open = u[2].may_open = true;
	memcpy(before, fake_unit, sizeof(before));
}

static void expect_former(uint32_t unit)
{
	const struct fake_unit *u = &fake_unit[unit], *b = &before[unit];

	assert_int_equal(u->gsts & GCMD_LASTING, b->gsts & GCMD_LASTING);
	assert_true(u->rtaddr == b->rtaddr && u->irta == b->irta && u->iqa == b->iqa);
	if (b->gsts & GCMD_TE)
		assert_true(u->root == b->root && !u->context_stale && !u->iotlb_stale);
	if (b->gsts & GCMD_IRE)
		assert_true(u->interrupts == b->interrupts && !u->interrupts_stale);
	/* A queue that is on has nothing to do until its owner says so. */
	assert_int_equal(u->iqh, u->iqt);
}

static void test_stop(void **state)
{
	(void)state;
	former_owners();
	units_build();
	for (uint32_t round = 0; round < 2; round++) {
		assert_int_equal(vtd_start(v), 0);
		expect_running();
		assert_int_equal(vtd_stop(v), 0);
		for (uint32_t i = 0; i < FAKE_UNITS; i++)
			expect_former(i);
	}
	assert_int_equal(fake_dma(0, DEVICE, FAKE_POOL, true), FAKE_POOL);
}

/* A launch that ends in the middle of vtd_start: the rest of the units has not been touched, and is not now. */
static void test_stop_half_way(void **state)
{
	static const uint32_t bits[] = {GCMD_QIE, GCMD_SRTP, GCMD_TE, GCMD_SIRTP, GCMD_IRE};

	(void)state;
	former_owners();
	units_build();
	for (uint32_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		former_owners();
		fake_unit[0].deaf = bits[i];
		assert_int_equal(vtd_start(v), -RV_ETIME);
		assert_int_equal(vtd_stop(v), 0);
		for (uint32_t u = 0; u < FAKE_UNITS; u++)
			expect_former(u);
		assert_int_equal(fake_unit[1].done[DESCRIPTOR_WAIT] | fake_unit[2].done[DESCRIPTOR_WAIT], 0);
	}
}

/* A unit that stays with our tables is told of, in bounded time, and does not keep the others from theirs. */
static void test_stop_fails(void **state)
{
	static const uint32_t bits[] = {GCMD_TE, GCMD_SIRTP, GCMD_QIE, 0};
	uint64_t begin;

	(void)state;
	former_owners();
	units_build();
	for (uint32_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		former_owners();
		assert_int_equal(vtd_start(v), 0);
		fake_unit[2].deaf = bits[i];
		fake_unit[2].queue_stuck = bits[i] == 0;
		begin = fake_time;
		assert_int_equal(vtd_stop(v), -RV_ETIME);
		assert_int_equal(v->failure.value[1], FAKE_UNIT(2));
		assert_true(fake_time - begin < 2 * VTD_TIMEOUT_US * 1000);
		expect_former(0);
		expect_former(1);
	}
}

static void test_build_without_memory(void **state)
{
	pa_t all;

	(void)state;
	assert_int_equal(vtd_probe(v), 0);
	for (uint32_t pages = FAKE_POOL_BYTES / RV_PAGE_SIZE; pages != 0;) {
		if (partition_allocate(&hv.partition, pages, OWNER_FIMCE(1), &all) != 0)
			pages--;
	}
	assert_int_equal(vtd_build(v, hv.ept.root, ENTRIES), -RV_ENOMEM);
}

int main(void)
{
#define P(f) cmocka_unit_test_setup_teardown(f, fake_units_setup, fake_teardown)
	const struct CMUnitTest tests[] = {
	    P(test_probe),          P(test_probe_refuses),        P(test_no_units),
	    P(test_start),          P(test_start_old_units),      P(test_start_leftovers),
	    P(test_start_timeouts), P(test_build_without_memory), P(test_stop),
	    P(test_stop_half_way),  P(test_stop_fails),
	};

	return cmocka_run_group_tests_name("hv vtd, start", tests, NULL, NULL);
}
