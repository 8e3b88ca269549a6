/* SPDX-License-Identifier: GPL-2.0-only */
/* test_vtd.c - DMA and interrupt remapping over fake units that run: invalidation, devices, faults, policy, audit. */
#include "fake_vtd_case.h"

#include <string.h>

#define OTHER 0x0318u
#define SLOT_DOMAIN VTD_DOMAIN_FIMCE(2)
#define IRTE_RH (1ull << 3)
#define IRTE_LEVEL (1ull << 4)
#define IRTE_POSTED (1ull << 15)

/* --- invalidation ---------------------------------------------------------------------------------------------------- */

static void test_flush(void **state)
{
	(void)state;
	assert_int_equal(vtd_flush_dma(v, 0x17), 0);
	for (uint32_t i = 0; i < FAKE_UNITS; i++) {
		assert_int_equal(fake_unit[i].last[DESCRIPTOR_IOTLB],
				 DESCRIPTOR_IOTLB | INVALIDATE_DOMAIN | INVALIDATE_DRAIN | 0x17 << 16);
	}
	/* Around the end of the queue several times. */
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(vtd_flush_interrupts(v), 0);
	assert_int_equal(fake_unit[2].done[DESCRIPTOR_INTERRUPT], 1001);
}

static void test_flush_fails(void **state)
{
	(void)state;
	fake_unit[1].queue_fails = 1;
	expect_failure(vtd_flush_dma(v, 1), -RV_EIO, RV_REASON_VTD_QUEUE, 1, FSTS_IQE);
	assert_int_equal(fake_unit[1].fsts, 0);
	assert_int_equal(vtd_flush_dma(v, 1), 0);
	/* The others were not kept from theirs. */
	assert_int_equal(fake_unit[2].done[DESCRIPTOR_IOTLB], 3);
	assert_int_equal(fake_unit[1].done[DESCRIPTOR_IOTLB], 2);
	fake_unit[0].queue_stuck = true;
	assert_int_equal(vtd_flush_dma(v, 1), -RV_ETIME);
	fake_unit[0].fsts = FSTS_QUEUE;
	expect_failure(vtd_flush_dma(v, 1), -RV_EIO, RV_REASON_VTD_QUEUE, 0, FSTS_QUEUE);
}

/* A unit that does not look into caches: whatever was written last in a table was written back. */
static void test_incoherent(void **state)
{
	uint64_t size;

	(void)state;
	fake_flushed_lines = 0;
	assert_int_equal(ept_prepare(&hv.ept, gpa_make(0x612000)), 0);
	ept_set(&hv.ept, gpa_make(0x612000), PERM_NONE);
	assert_int_equal(fake_flushed_lines, 0);
	v->coherent = false;
	assert_int_equal(ept_prepare(&hv.ept, gpa_make(0x812000)), 0);
	assert_true(fake_flushed_lines >= 2 * RV_PAGE_SIZE / 64 + 1); /* cleared, filled, and put in its place */
	fake_flushed_lines = 0;
	ept_set(&hv.ept, gpa_make(0x812000), PERM_NONE);
	assert_int_equal(fake_flushed_lines, 1);
	/* The line with the entries of 0x810000 to 0x817000. */
	assert_int_equal(((const uint64_t *)fake_flushed_last)[1], ept_leaf(&hv.ept, gpa_make(0x811000), &size));
	assert_int_equal(((const uint64_t *)fake_flushed_last)[2], 0);
	vtd_entry_write(v, &v->unit[1], 5, (struct vtd_pair){FIXED(0x40, 1), IRTE_HIGH_ID | DEVICE});
	assert_ptr_equal(fake_flushed_last, (uint8_t *)pa_pointer(v->unit[1].interrupts) + 64);
	assert_int_equal(vtd_device_prepare(v, DEVICE), 0);
	assert_ptr_equal(fake_flushed_last, (uint8_t *)pa_pointer(v->root) + (DEVICE >> 8) * 16 / 64 * 64);
	assert_int_equal(vtd_device_set(v, DEVICE, pa_make(0x5000), SLOT_DOMAIN), 0);
	assert_int_equal((uint64_t)fake_flushed_last & (RV_PAGE_SIZE - 1), (DEVICE & 0xff) * 16 / 64 * 64);
}

/* --- devices --------------------------------------------------------------------------------------------------------- */

/* One page at 1 GiB that means another one. */
static pa_t table_make(uint64_t page)
{
	pa_t table[4];

	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(vtd_pages(v, 1, &table[i]), 0);
		if (i > 0)
			((uint64_t *)pa_pointer(table[i - 1]))[i == 2 ? 1 : 0] = table[i].v | 3;
	}
	*(uint64_t *)pa_pointer(table[3]) = page | 3;
	return table[4 - v->levels];
}

static void test_device(void **state)
{
	pa_t table = table_make(0x700000);
	uint32_t contexts;
	uint64_t free_bytes = partition_bytes(&hv.partition, OWNER_POOL_FREE);

	(void)state;
	assert_int_equal(vtd_device_prepare(v, DEVICE), 0);
	assert_int_equal(partition_bytes(&hv.partition, OWNER_POOL_FREE), free_bytes - RV_PAGE_SIZE);
	assert_int_equal(fake_dma(0, DEVICE, 0x5000, true), 0x5000);
	assert_int_equal(vtd_flush_dma(v, VTD_DOMAIN_GUEST), 0);
	contexts = fake_unit[2].done[DESCRIPTOR_CONTEXT];
	assert_int_equal(vtd_device_set(v, DEVICE, table, SLOT_DOMAIN), 0);
	assert_int_equal(fake_unit[2].done[DESCRIPTOR_CONTEXT], contexts + 2); /* without the old, with the new one */
	for (uint32_t i = 0; i < FAKE_UNITS; i++) {
		assert_int_equal(fake_dma(i, DEVICE, SIZE_1G + 4, true), 0x700004);
		assert_int_equal(fake_dma(i, DEVICE, 0x5000, true), ~0ull);
		assert_int_equal(fake_dma(i, OTHER, 0x5000, true), 0x5000);
		assert_int_equal(fake_dma(i, OTHER, SIZE_1G, true), SIZE_1G);
		assert_int_equal(fake_dma(i, DEVICE ^ 0x100, 0x5000, true), 0x5000);
		assert_int_equal(fake_unit[i].last[DESCRIPTOR_IOTLB] & (3 << 4), INVALIDATE_GLOBAL);
	}
	/* A second one of the same bus needs no memory. */
	assert_int_equal(vtd_device_prepare(v, OTHER), 0);
	assert_int_equal(partition_bytes(&hv.partition, OWNER_POOL_FREE), free_bytes - RV_PAGE_SIZE);
	assert_int_equal(vtd_device_set(v, DEVICE, v->guest_table, VTD_DOMAIN_GUEST), 0);
	assert_int_equal(fake_dma(1, DEVICE, 0x5000, true), 0x5000);
	expect_rows(FAKE_POOL - SIZE_2M, FAKE_POOL + SIZE_2M);
	assert_int_equal(v->device[0].domain, 0);
	fake_unit[2].queue_stuck = true;
	assert_int_equal(vtd_device_set(v, DEVICE, table, SLOT_DOMAIN), -RV_ETIME);
	assert_int_equal(fake_dma(0, DEVICE, 0x5000, true), ~0ull);
}

static void test_device_refused(void **state)
{
	pa_t table = table_make(0x700000), all;

	(void)state;
	v->unit[1].segment = 1;
	expect_failure(vtd_device_prepare(v, DEVICE), -RV_ENODEV, RV_REASON_VTD_SEGMENTS, 1, 1);
	v->unit[1].segment = 0;
	for (uint16_t i = 0; i < VTD_MAX_DEVICES; i++) {
		assert_int_equal(vtd_device_prepare(v, DEVICE + i), 0);
		assert_int_equal(vtd_device_set(v, DEVICE + i, table, 3), 0);
	}
	expect_failure(vtd_device_prepare(v, 8), -RV_ENOSPC, RV_REASON_VTD_DEVICES, 0, VTD_MAX_DEVICES);
	assert_int_equal(vtd_device_prepare(v, DEVICE), 0); /* one that has a slot may change */
	assert_int_equal(vtd_device_set(v, DEVICE, v->guest_table, VTD_DOMAIN_GUEST), 0);
	for (uint32_t pages = FAKE_POOL_BYTES / RV_PAGE_SIZE; pages != 0;) {
		if (partition_allocate(&hv.partition, pages, OWNER_FIMCE(1), &all) != 0)
			pages--;
	}
	assert_int_equal(vtd_device_prepare(v, 8), -RV_ENOMEM);
}

/* --- faults ---------------------------------------------------------------------------------------------------------- */

static void test_faults(void **state)
{
	struct vtd_fault f;

	(void)state;
	assert_int_equal(fault_next(&v->unit[1], &f), 0);
	fake_dma(1, DEVICE, FAKE_POOL + 0x123, true);
	fake_dma(1, OTHER, FAKE_POOL + 0x2123, false);
	assert_int_equal(fake_interrupt(1, DEVICE, 700), 0);
	assert_int_equal(fault_next(&v->unit[0], &f), 0);
	assert_int_equal(fault_next(&v->unit[1], &f), 1);
	assert_true(f.reason == 5 && f.source_id == DEVICE && !f.interrupt && !f.read);
	assert_true(f.address == FAKE_POOL && f.unit == FAKE_UNIT(1));
	assert_int_equal(fault_next(&v->unit[1], &f), 1);
	assert_true(f.reason == 6 && f.source_id == OTHER && f.read && f.address == FAKE_POOL + 0x2000);
	assert_int_equal(fault_next(&v->unit[1], &f), 1);
	assert_true(f.reason == 0x22 && f.source_id == DEVICE && f.interrupt && !f.read && f.address == 700);
	assert_int_equal(fault_next(&v->unit[1], &f), 0);
}

/* The ring of records begins anywhere, is full, and has overflown: all are read, in order, the unit records again. */
static void test_fault_overflow(void **state)
{
	struct vtd_fault f;

	(void)state;
	for (uint32_t start = 0; start < FAKE_RECORDS; start++) {
		for (uint32_t i = 0; i < FAKE_RECORDS + 2; i++)
			fake_fault(0, (uint16_t)(100 + i), (uint64_t)i << 12, 5, false);
		assert_true(fake_unit[0].fsts & FSTS_PFO);
		for (uint32_t i = 0; i < FAKE_RECORDS; i++) {
			assert_int_equal(fault_next(&v->unit[0], &f), 1);
			assert_true(f.source_id == 100 + i && f.address == (uint64_t)i << 12);
		}
		assert_int_equal(fault_next(&v->unit[0], &f), 1);
		assert_true(f.reason == 0 && f.unit == FAKE_UNIT(0));
		assert_int_equal(fault_next(&v->unit[0], &f), 0);
		assert_int_equal(fake_unit[0].fsts & (FSTS_PFO | FSTS_PPF), 0);
		/* The next round begins one record later. */
		fake_fault(0, 1, 0, 6, true);
		assert_int_equal(fault_next(&v->unit[0], &f), 1);
		assert_true(f.source_id == 1 && f.read);
	}
}

/* --- interrupts ------------------------------------------------------------------------------------------------------ */

static uint32_t refused(uint32_t index, uint64_t low, uint64_t high)
{
	struct vtd_pair to;
	uint32_t why = vtd_entry_check(v, &v->unit[0], index, (struct vtd_pair){low, high}, &to);

	if (why != RV_REASON_NONE) {
		assert_true(to.low == 0 && to.high == 0);
	} else {
		assert_int_equal(to.low, low & IRTE_P ? low & ~(IRTE_FPD | IRTE_AVAILABLE) : 0);
		assert_int_equal(to.high, low & IRTE_P ? high : 0);
	}
	return why;
}

static void test_policy(void **state)
{
	const uint64_t id = IRTE_HIGH_ID | DEVICE;

	(void)state;
	assert_int_equal(refused(0, FIXED(0x30, 1), id), 0);
	assert_int_equal(refused(0, 0, 0), 0);
	assert_int_equal(refused(0, ~IRTE_P, ~0ull), 0); /* not present: nothing of it matters */
	assert_int_equal(
	    refused(GUEST_ENTRIES - 1, FIXED(16, 1) | IRTE_LEVEL | IRTE_RH | IRTE_FPD | IRTE_AVAILABLE, id), 0);
	assert_int_equal(refused(GUEST_ENTRIES, FIXED(0x30, 1), id), RV_REASON_VTD_ENTRY_INDEX);
	assert_int_equal(refused(0, FIXED(0xff, 1) | 1 << 5 | IRTE_LOGICAL, id), 0); /* lowest priority */
	for (uint64_t mode = 2; mode < 8; mode++)
		assert_int_equal(refused(0, FIXED(0x30, 1) | mode << 5, id), RV_REASON_VTD_ENTRY_DELIVERY);
	assert_int_equal(refused(0, FIXED(15, 1), id), RV_REASON_VTD_ENTRY_DELIVERY);
	assert_int_equal(refused(0, FIXED(0x30, 1) | IRTE_POSTED, id), RV_REASON_VTD_ENTRY_FORMAT);
	for (uint32_t bit = 12; bit < 64; bit++) {
		bool known = (bit >= 16 && bit < 24) || (bit >= 40 && bit < 48);

		if (!known)
			assert_int_equal(refused(0, FIXED(0x30, 1) | 1ull << bit, id), RV_REASON_VTD_ENTRY_FORMAT);
	}
	for (uint32_t bit = 20; bit < 64; bit++)
		assert_int_equal(refused(0, FIXED(0x30, 1), id | 1ull << bit), RV_REASON_VTD_ENTRY_FORMAT);
	assert_int_equal(refused(0, FIXED(0x30, 1), DEVICE), RV_REASON_VTD_ENTRY_SOURCE);
	assert_int_equal(refused(0, FIXED(0x30, 1), 3 << 18 | DEVICE), RV_REASON_VTD_ENTRY_SOURCE);
	assert_int_equal(refused(0, FIXED(0x30, 1), SVT_BUS << 18 | 0x0002), 0);
	v->unit[0].eime = true;
	assert_int_equal(refused(0, WIDE(0x30, 0x12345678), id), 0);
}

static void test_policy_devices(void **state)
{
	(void)state;
	v->device[0] = (struct vtd_device){0x8000, 3, pa_make(0x1000)};
	v->device[7] = (struct vtd_device){DEVICE, 4, pa_make(0x2000)};
	assert_int_equal(refused(0, FIXED(0x30, 1), IRTE_HIGH_ID | OTHER), 0);
	assert_int_equal(refused(0, FIXED(0x30, 1), IRTE_HIGH_ID | DEVICE), RV_REASON_VTD_ENTRY_SOURCE);
	/* SQ leaves bits of the function out. */
	for (uint64_t function = 0; function < 8; function++) {
		static const uint64_t left_out[4] = {0, 4, 6, 7};

		for (uint64_t sq = 0; sq < 4; sq++)
			assert_int_equal(refused(0, FIXED(0x30, 1), IRTE_HIGH_ID | sq << 16 | DEVICE | function),
					 function & ~left_out[sq] ? 0 : RV_REASON_VTD_ENTRY_SOURCE);
	}
	/* A range of buses. */
	assert_int_equal(refused(0, FIXED(0x30, 1), SVT_BUS << 18 | 0x0002), 0);
	assert_int_equal(refused(0, FIXED(0x30, 1), SVT_BUS << 18 | 0x0003), RV_REASON_VTD_ENTRY_SOURCE);
	assert_int_equal(refused(0, FIXED(0x30, 1), SVT_BUS << 18 | 0x0304), RV_REASON_VTD_ENTRY_SOURCE);
	assert_int_equal(refused(0, FIXED(0x30, 1), SVT_BUS << 18 | 0x047f), 0);
}

static bool targets(uint64_t low)
{
	uint32_t why = refused(0, low, IRTE_HIGH_ID | DEVICE);

	assert_true(why == 0 || why == RV_REASON_VTD_ENTRY_TARGET);
	return why != 0;
}

static void test_policy_targets(void **state)
{
	(void)state;
	v->core_count = 2;
	v->core[0] = 5;
	v->core[1] = 3;
	for (uint64_t d = 0; d < 256; d++) {
		assert_int_equal(targets(FIXED(0x30, d)), d == 5 || d == 3 || d == 0xff);
		assert_int_equal(targets(FIXED(0x30, d) | IRTE_LOGICAL), d == 0xff); /* LDR is 0: only "all" */
	}
	v->core_count = 1;

	/* x2APIC: the logical id follows from the id. */
	v->unit[0].eime = true;
	v->core[0] = 0x1234;
	assert_true(targets(WIDE(0x30, 0x1234)));
	assert_true(targets(WIDE(0x30, 0xffffffffull)));
	assert_true(targets(WIDE(0x30, 0xffffffffull) | IRTE_LOGICAL));
	assert_false(targets(WIDE(0x30, 0x34)));
	assert_false(targets(WIDE(0x30, 0xff)));
	assert_false(targets(WIDE(0x30, 0xffff1234ull)));
	assert_true(targets(WIDE(0x30, 0x01230010) | IRTE_LOGICAL));
	assert_true(targets(WIDE(0x30, 0x0123ffff) | IRTE_LOGICAL));
	assert_false(targets(WIDE(0x30, 0x0123ffef) | IRTE_LOGICAL));
	assert_false(targets(WIDE(0x30, 0x0122ffff) | IRTE_LOGICAL));
}

static void test_entries(void **state)
{
	const struct vtd_pair a = {FIXED(0x40, 2), IRTE_HIGH_ID | DEVICE}, b = {FIXED(0x41, 3), IRTE_HIGH_ID | OTHER};

	(void)state;
	vtd_entry_write(v, &v->unit[1], 7, a);
	assert_int_equal(fake_interrupt(1, DEVICE, 7), a.low);
	assert_int_equal(fake_interrupt(1, OTHER, 7), 0);
	assert_int_equal(fake_interrupt(0, DEVICE, 7), 0); /* each unit has its own */
	vtd_entry_write(v, &v->unit[1], 7, (struct vtd_pair){FIXED(0x40, 4), a.high});
	assert_int_equal(fake_interrupt(1, DEVICE, 7), FIXED(0x40, 4));
	vtd_entry_write(v, &v->unit[1], 7, b);
	assert_int_equal(fake_interrupt(1, OTHER, 7), b.low);
	assert_int_equal(fake_interrupt(1, DEVICE, 7), 0);
	assert_int_equal(fake_interrupt(1, DEVICE, ENTRIES), 0);
}

#define MESSAGE(source, vector, apic_id) ((struct vtd_message){source, vector, apic_id})

static void test_reserved_entries(void **state)
{
	const uint32_t index = VTD_RESERVED_INDEX(v, 3),
		       other = VTD_RESERVED_INDEX(v, VTD_MAX_DEVICES + VTD_MAX_LINES - 1);

	(void)state;
	assert_int_equal(vtd_device_prepare(v, DEVICE), 0);
	assert_int_equal(vtd_device_set(v, DEVICE, pa_make(0), SLOT_DOMAIN), 0);
	/* No table at all: everything is blocked. */
	assert_int_equal(fake_dma(0, DEVICE, 0x1000, false), ~0ull);
	v->unit[2].eime = true;
	assert_int_equal(vtd_interrupt_set(v, 3, MESSAGE(DEVICE, 0xf3, 0x105)), -RV_ERANGE);
	assert_int_equal(v->failure.reason, RV_REASON_DEVICE_INTERRUPT);
	assert_int_equal(v->failure.value[0], 0x105);
	assert_int_equal(vtd_interrupt_set(v, 3, MESSAGE(DEVICE, 0xf3, 5)), 0);
	assert_true(index >= GUEST_ENTRIES && other < ENTRIES);
	assert_int_equal(fake_interrupt(0, DEVICE, index), FIXED(0xf3, 5));
	assert_int_equal(fake_interrupt(1, DEVICE, index), FIXED(0xf3, 5));
	assert_int_equal(fake_interrupt(2, DEVICE, index), IRTE_P | 0xf3u << 16 | 5ull << 32);
	assert_int_equal(fake_interrupt(0, OTHER, index), 0);
	/* A line, level triggered. */
	assert_int_equal(vtd_interrupt_set(v, VTD_MAX_DEVICES + VTD_MAX_LINES - 1, MESSAGE(OTHER, 0x80f3, 5)), 0);
	assert_int_equal(fake_interrupt(0, OTHER, other), FIXED(0xf3, 5) | IRTE_LEVEL);
	/* Another table of the device changes nothing about it; it stays until it is taken away. */
	assert_int_equal(vtd_device_set(v, DEVICE, table_make(0x700000), SLOT_DOMAIN), 0);
	assert_int_equal(fake_interrupt(0, DEVICE, index), FIXED(0xf3, 5));
	assert_int_equal(vtd_interrupt_set(v, 3, MESSAGE(0, 0, 0)), 0);
	assert_int_equal(fake_interrupt(0, DEVICE, index), 0);
	assert_int_equal(fake_interrupt(0, OTHER, other), FIXED(0xf3, 5) | IRTE_LEVEL);
	fake_unit[0].queue_stuck = true;
	assert_int_equal(vtd_interrupt_set(v, VTD_MAX_DEVICES + VTD_MAX_LINES - 1, MESSAGE(0, 0, 0)), -RV_ETIME);
}

/* --- audit ----------------------------------------------------------------------------------------------------------- */

static void expect_bad(uint64_t unit, uint64_t at, uint64_t value)
{
	struct vtd_audit a;

	assert_int_equal(vtd_audit(v, &a), -RV_EFAULT);
	assert_int_equal(a.bad_unit, unit);
	assert_int_equal(a.bad_at, at);
	assert_int_equal(a.bad_value, value);
}

static void expect_good(uint64_t entries)
{
	struct vtd_audit a;

	assert_int_equal(vtd_audit(v, &a), 0);
	assert_int_equal(a.contexts, 65536);
	assert_int_equal(a.entries, entries);
}

#define EXPECT_BAD(place, bad_value, unit, at)                                                                         \
	do {                                                                                                           \
		__typeof__(place) saved = (place);                                                                     \
		(place) = (bad_value);                                                                                 \
		expect_bad(unit, at, (place));                                                                         \
		(place) = saved;                                                                                       \
		expect_good(4);                                                                                        \
	} while (0)

static void test_audit(void **state)
{
	struct vtd_pair *root = pa_pointer(v->root), *context, *entries = pa_pointer(v->unit[1].interrupts);
	pa_t table = table_make(0x700000);
	const uint32_t reserved = VTD_RESERVED_INDEX(v, 5);

	(void)state;
	expect_good(0);
	assert_int_equal(vtd_device_prepare(v, DEVICE), 0);
	assert_int_equal(vtd_device_set(v, DEVICE, table, SLOT_DOMAIN), 0);
	vtd_entry_write(v, &v->unit[1], 9, (struct vtd_pair){FIXED(0x40, 2), IRTE_HIGH_ID | OTHER});
	assert_int_equal(vtd_interrupt_set(v, 5, MESSAGE(DEVICE, 0x41, 3)), 0);
	/* An entry in each of the three units. */
	expect_good(4);

	EXPECT_BAD(fake_unit[1].rtaddr, 0x1000, FAKE_UNIT(1), VTD_RTADDR);
	EXPECT_BAD(fake_unit[1].rtaddr, v->root.v | 1 << 10, FAKE_UNIT(1), VTD_RTADDR);
	EXPECT_BAD(fake_unit[0].iqa, 0x1000, FAKE_UNIT(0), VTD_IQA);
	EXPECT_BAD(fake_unit[2].irta, 0x1000, FAKE_UNIT(2), VTD_IRTA);
	EXPECT_BAD(fake_unit[2].irta, fake_unit[2].irta + 1, FAKE_UNIT(2), VTD_IRTA);
	EXPECT_BAD(fake_unit[2].irta, fake_unit[2].irta | IRTA_EIME, FAKE_UNIT(2), VTD_IRTA);
	for (uint32_t bit = 23; bit < 32; bit++) {
		if (!(GCMD_LASTING & 1u << bit))
			continue;
		uint32_t gsts = fake_unit[0].gsts;

		fake_unit[0].gsts ^= 1u << bit;
		expect_bad(FAKE_UNIT(0), VTD_GSTS, fake_unit[0].gsts & GCMD_LASTING);
		fake_unit[0].gsts = gsts;
	}

	EXPECT_BAD(root[4].low, 0x3000 | 1, 0, 0x400); /* the guest's memory as a context table */
	EXPECT_BAD(root[4].low, root[4].low | 2, 0, 0x400);
	root[4].high = 1;
	expect_bad(0, 0x400, root[4].low);
	root[4].high = 0;
	context = pa_pointer(pa_make(root[DEVICE >> 8].low & PAGE_MASK));
	EXPECT_BAD(context[0].low, 0x3001, 0, DEVICE & 0xff00);
	EXPECT_BAD(context[1].low, context[1].low | 2 << 2, 0, (DEVICE & 0xff00) + 1); /* pass-through */
	EXPECT_BAD(context[1].high, context[1].high + 0x100, 0, (DEVICE & 0xff00) + 1);
	EXPECT_BAD(context[OTHER & 0xff].low, table.v | 1, 0, OTHER); /* another device in a FIMCE's memory */
	EXPECT_BAD(context[DEVICE & 0xff].low, v->guest_table.v | 1, 0, DEVICE);
	EXPECT_BAD(context[DEVICE & 0xff].high, context[0].high, 0, DEVICE);

	EXPECT_BAD(entries[9].low, entries[9].low | 4 << 5, FAKE_UNIT(1), 0x10000 + 9); /* NMI */
	EXPECT_BAD(entries[9].low, entries[9].low | IRTE_FPD, FAKE_UNIT(1), 0x10000 + 9); /* would hide faults */
	entries[9].high = OTHER;
	expect_bad(FAKE_UNIT(1), 0x10000 + 9, entries[9].low);
	entries[9].high = IRTE_HIGH_ID | DEVICE;
	expect_bad(FAKE_UNIT(1), 0x10000 + 9, entries[9].low);
	entries[9].high = IRTE_HIGH_ID | OTHER;
	/* The one entry of a device that has left the guest: all of it counts. */
	expect_good(4);
	EXPECT_BAD(entries[reserved].low, FIXED(0x42, 3), FAKE_UNIT(1), 0x10000 + reserved);
	EXPECT_BAD(entries[reserved].low, FIXED(0x41, 2), FAKE_UNIT(1), 0x10000 + reserved);
	entries[reserved].high = IRTE_HIGH_ID | OTHER;
	expect_bad(FAKE_UNIT(1), 0x10000 + reserved, entries[reserved].low);
	entries[reserved].high = IRTE_HIGH_ID | DEVICE;
	EXPECT_BAD(entries[GUEST_ENTRIES].low, entries[reserved].low, FAKE_UNIT(1), 0x10000 + GUEST_ENTRIES);
	expect_good(4);
	/* One that was taken away, and is there. */
	v->reserved[5].vector = 0;
	expect_bad(FAKE_UNIT(0), 0x10000 + reserved, entries[reserved].low);
}

int main(void)
{
#define S(f) cmocka_unit_test_setup_teardown(f, fake_units_setup_started, fake_teardown)
	const struct CMUnitTest tests[] = {
	    S(test_flush),
	    S(test_flush_fails),
	    S(test_incoherent),
	    S(test_device),
	    S(test_device_refused),
	    S(test_faults),
	    S(test_fault_overflow),
	    S(test_policy),
	    S(test_policy_devices),
	    S(test_policy_targets),
	    S(test_entries),
	    S(test_audit),
	    S(test_reserved_entries),
	};

	return cmocka_run_group_tests_name("hv vtd", tests, NULL, NULL);
}
