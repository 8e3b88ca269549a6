/* SPDX-License-Identifier: GPL-2.0-only */
/* test_device_check.c - devices that can't leave the guest: each refusal changes nothing. */
#include "fake_device.h"

#include <string.h>

/* --- checks ---------------------------------------------------------------------------------------------------------- */

static void expect_refused(int64_t error, uint32_t reason)
{
	remember();
	assert_int_equal(CREATE(), error);
	assert_int_equal(REASON(), reason);
	assert_int_equal(edu->resets, 0);
	expect_returned();
}

static void test_grants_are_checked(void **state)
{
	const struct rv_grant pci = {RV_GRANT_PCI, 0, ID, 1, SOURCE}, ports = {RV_GRANT_PORTS, 0, 0x2f8, 8, 0};
	struct rv_grant bad[9] = {pci, pci, pci, pci, ports, ports, pci, pci, pci};
	struct rv_fimce_create *c;

	(void)state;
	bad[0].kind = 0;
	bad[1].flags = 4;
	bad[2].count = 2;
	bad[3].source_id = 0x10000;
	bad[4].flags = RV_GRANT_INTERRUPT;
	bad[5].source_id = 1;
	bad[6] = (struct rv_grant){RV_GRANT_GSI, 0, 3, 2, 0};
	bad[7].kind = 99;
	bad[8].count = 0;
	for (uint32_t i = 0; i < 9; i++) {
		c = create_pci(0);
		c->grant[1] = bad[i];
		c->grant_count = 2;
		expect_refused(-RV_EINVAL, RV_REASON_DEVICE_GRANT);
		assert_int_equal(first_cpu->regs.gpr[R8], 1);
	}
	assert_int_equal(fake_pci_accesses, 0);
	create_pci(0)->grant_count = RV_MAX_GRANTS + 1;
	expect_refused(-RV_EINVAL, RV_REASON_DEVICE_GRANT);
	create_pci(0)->reserved = 1;
	expect_refused(-RV_EINVAL, RV_REASON_FIMCE_SIZE);
	c = fake_create(2);
	c->grant_count = 1;
	c->grant[0] = pci;
	expect_refused(-RV_EINVAL, RV_REASON_DEVICE_GRANT);
	/* Twice the same. */
	c = create_pci(0);
	c->grant_count = 2;
	c->grant[1] = c->grant[0];
	expect_refused(-RV_EBUSY, RV_REASON_DEVICE_ID);
}

static void test_no_unit(void **state)
{
	(void)state;
	create_pci(0);
	expect_refused(-RV_ENODEV, RV_REASON_DEVICE_NO_UNIT);
	assert_int_equal(fake_pci_accesses, 0);
	assert_int_equal(HYPERCALL_FEATURES & RV_FEATURE_DEVICES, 0);
}

static void test_functions_are_checked(void **state)
{
	struct rv_fimce_create *c = create_pci(0);
	uint8_t good[256];

	(void)state;
	assert_true(HYPERCALL_FEATURES & RV_FEATURE_DEVICES);
	memcpy(good, edu->config, sizeof(good));
	c->grant[0].first++;
	expect_refused(-RV_ENODEV, RV_REASON_DEVICE_ID);
	create_pci(0)->grant[0].source_id = SOURCE + 8;
	expect_refused(-RV_ENODEV, RV_REASON_DEVICE_ID);
	c->grant[0].first = ~0u;
	expect_refused(-RV_ENODEV, RV_REASON_DEVICE_ID);
	create_pci(0);
	edu->config[0x0e] = 0x80; /* one of several */
	expect_refused(-RV_EINVAL, RV_REASON_DEVICE_KIND);
	edu->config[0x0e] = 1; /* a bridge */
	expect_refused(-RV_EINVAL, RV_REASON_DEVICE_KIND);
	edu->config[0x0e] = 0;
	edu->config[FAKE_EXPRESS + 2] = 0x72; /* from PCI to PCI Express */
	expect_refused(-RV_EINVAL, RV_REASON_DEVICE_KIND);
	/* Behind a bridge what is no PCI Express function has the bridge's id. */
	edu->source_id = 0x0300;
	c->grant[0].source_id = 0x0300;
	edu->config[FAKE_EXPRESS] = 9;
	expect_refused(-RV_EINVAL, RV_REASON_DEVICE_KIND);
	edu->source_id = SOURCE + 1;
	c->grant[0].source_id = SOURCE + 1;
	memcpy(edu->config, good, sizeof(good));
	expect_refused(-RV_EINVAL, RV_REASON_DEVICE_KIND);
	edu->source_id = SOURCE;
	create_pci(RV_GRANT_INTERRUPT);
	edu->config[FAKE_MSI] = 9;
	expect_refused(-RV_EINVAL, RV_REASON_DEVICE_INTERRUPT);
	create_pci(0);
	edu->config[FAKE_EXPRESS + 7] = 0;
	expect_refused(-RV_EINVAL, RV_REASON_DEVICE_RESET);
	/* Capabilities that lead in a circle end. */
	edu->config[FAKE_EXPRESS + 1] = FAKE_MSI;
	expect_refused(-RV_EINVAL, RV_REASON_DEVICE_RESET);
}

/* There is no room for more of them. */
static void test_no_slot(void **state)
{
	(void)state;
	create_pci(0);
	for (uint32_t i = 0; i < VTD_MAX_DEVICES; i++)
		hv.device[i] = (struct device){.fimce = DEVICE_KEPT, .source_id = (uint16_t)(0x100 + 8 * i)};
	assert_int_equal(CREATE(), -RV_ENOSPC);
	assert_int_equal(REASON(), RV_REASON_VTD_DEVICES);
	assert_int_equal(fake_pci_accesses, 0);
	for (uint32_t i = 0; i < VTD_MAX_DEVICES; i++)
		assert_int_equal(hv.device[i].fimce, DEVICE_KEPT);
}

static void test_bars_are_checked(void **state)
{
	const struct {
		uint64_t base, bytes;
		uint32_t type;
	} bad[] = {
	    {0xe0000000, 2048, 0}, /* less than a page */
	    {0x1000000, 0x1000, 0}, /* RAM */
	    {FAKE_POOL + 0x800000, 0x1000, 0},
	    {0x0, 0x1000, 0}, /* never set */
	    {FAKE_UNIT(1), 0x1000, 0},
	    {FAKE_IOAPIC(0), 0x1000, 0},
	    {0xfee00000, 0x1000, 0},
	    {0xfe000000, 0x1000000, 0}, /* local APIC inside */
	    {ECAM + 0x200000, 0x1000, 0},
	    {0x40000000, 0x8000000, 0}, /* 128 MiB */
	    {1ull << 45, 0x1000, 4}, /* beyond the machine */
	    {0xfffffffffffff000, 0x1000, 4},
	};

	(void)state;
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&edu->config[0x10], 0, 24);
		memset(edu->bar_mask, 0, sizeof(edu->bar_mask));
		fake_function_bar(edu, 0, 0xe0000000, 0x1000, 0);
		fake_function_bar(edu, 1, bad[i].base, bad[i].bytes, bad[i].type);
		create_pci(0);
		remember();
		assert_true(CREATE() < 0);
		if (REASON() != RV_REASON_DEVICE_BAR)
			fail_msg("case %u: reason %u", i, REASON());
		expect_returned();
	}
	/* The upper half of a 64-bit BAR would be the next register. */
	memset(&edu->config[0x10], 0, 24);
	memset(edu->bar_mask, 0, sizeof(edu->bar_mask));
	fake_config_set(edu, 0x24, 0xe0000004);
	edu->bar_mask[5] = 0xfffff000;
	create_pci(0);
	expect_refused(-RV_EINVAL, RV_REASON_DEVICE_BAR);
}

static void test_ports_are_checked(void **state)
{
	const struct {
		uint32_t first, count;
	} bad[] = {{0xb0, 8},  {0xcf0, 9}, {0xcff, 1},       {0xcf8, 4}, {0x10000, 1},    {0xfff8, 9},
		   {0x2f8, 0}, {0x3f8, 1}, {0x2f8, 0x10000}, {0x3ff, 2}, {0, 0xffffffff}, {0x2f8, 0xffffffff}};
	struct rv_fimce_create *c;

	(void)state;
	hv.launch.serial_port = 0x3f8;
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		c = create_pci(0);
		c->grant_count = 2;
		c->grant[1] = (struct rv_grant){RV_GRANT_PORTS, 0, bad[i].first, bad[i].count, 0};
		remember();
		assert_true(CREATE() < 0);
		assert_int_equal(REASON(), RV_REASON_DEVICE_PORTS);
		expect_returned();
	}
	/* What another one has, by grant or by BAR. */
	c->grant[1] = (struct rv_grant){RV_GRANT_PORTS, 0, BAR4 + 31, 2, 0};
	expect_refused(-RV_EBUSY, RV_REASON_DEVICE_PORTS);
	hv.launch.serial_port = 0;
}

static struct {
	pa_t base;
	uint64_t bytes;
} hog[256];

/* Leaves so many pages in the pool, in one run. @return the hogs that have all others. */
static uint32_t pool_leave(uint32_t pages)
{
	uint32_t n = 0;
	pa_t left;

	assert_int_equal(partition_allocate(&hv.partition, pages, OWNER_SNAPSHOT(9), &left), 0);
	for (uint32_t size = 4096; size > 0; size /= 2) {
		while (partition_allocate(&hv.partition, size, OWNER_SNAPSHOT(9), &hog[n].base) == 0)
			hog[n++].bytes = (uint64_t)size * RV_PAGE_SIZE;
	}
	partition_release(&hv.partition, left, (uint64_t)pages * RV_PAGE_SIZE);
	return n;
}

/* Each allocation and each row fails once: nothing is changed. */
static void test_every_failure_undoes_all(void **state)
{
	uint32_t failures = 0, capacity = hv.partition.capacity;

	(void)state;
	create_pci(0);
	remember();
	for (uint32_t room = 0;; room++) {
		hv.partition.capacity = hv.partition.count + room;
		int64_t id = CREATE();

		hv.partition.capacity = capacity;
		if (id > 0) {
			fake_time += 100 * hv.launch.tsc_khz;
			assert_int_equal(DESTROY(fimce_find((uint32_t)id)), 0);
			expect_returned();
			break;
		}
		failures++;
		expect_returned();
	}
	assert_true(failures > 5);
	failures = 0;
	for (uint32_t pages = 1, done = 0; !done; pages++) {
		uint32_t hogs = pool_leave(pages);
		int64_t id = CREATE();

		done = id > 0;
		if (done) {
			fake_time += 100 * hv.launch.tsc_khz;
			assert_int_equal(DESTROY(fimce_find((uint32_t)id)), 0);
		} else {
			assert_true(REASON() == RV_REASON_POOL_EMPTY || REASON() == RV_REASON_TABLE_PAGES);
			failures++;
		}
		assert_int_equal(partition_bytes(&hv.partition, OWNER_POOL_FREE), (uint64_t)pages * RV_PAGE_SIZE);
		while (hogs-- > 0)
			partition_release(&hv.partition, hog[hogs].base, hog[hogs].bytes);
		expect_returned();
	}
	assert_true(failures > 30);
}

static void test_unit_does_not_answer(void **state)
{
	(void)state;
	create_pci(0);
	remember();
	fake_tick = 100000;
	fake_unit[1].queue_fails = 1;
	assert_int_equal(CREATE(), -RV_EIO);
	assert_int_equal(REASON(), RV_REASON_VTD_QUEUE);
	fake_tick = 100;
	expect_returned();
}

static struct rv_grant other_grant;
static uint32_t other_capabilities, other_flags, other_count;

static void measured_otherwise(struct fimce *f)
{
	struct rv_measured *m = pa_pointer(f->mailbox);

	measured(f);
	m->grant[0] = other_grant;
	m->grant_count = other_count;
	m->capabilities = other_capabilities;
	m->flags = other_flags;
}

static void test_image_has_to_ask(void **state)
{
	static const struct fake_step steps[] = {
	    {.call = RV_FC_MEASURED, .before = measured_otherwise},
	    {.call = RV_FC_REFUSE, .rdi = (uint64_t)-RV_EACCES, .rsi = RV_REASON_DEVICE_GRANTS},
	    {0}};
	const struct rv_grant good = {RV_GRANT_PCI, RV_GRANT_CLEANED, ID, 1, 0};

	(void)state;
	without_reset();
	create_pci(RV_GRANT_CLEANED);
	for (uint32_t i = 0; i < 7; i++) {
		struct fimce *f = created();

		other_grant = good;
		other_count = 1;
		other_flags = RV_MEASURED_SIGNED;
		other_capabilities = RV_CAP_DEVICE;
		if (i == 0)
			other_grant.kind = RV_GRANT_PORTS;
		else if (i == 1)
			other_grant.flags = 0;
		else if (i == 2)
			other_grant.first++;
		else if (i == 3)
			other_grant.count++;
		else if (i == 4)
			other_count = 2;
		else if (i == 5)
			other_capabilities = 0;
		else
			other_flags = 0;
		fake_task(f, steps);
		assert_int_equal(fake_vmcall(first_cpu, RV_HC_FIMCE_RUN, f->id, RV_RUN_BORROWED, 0), RV_FIMCE_DEAD);
		assert_int_equal(fake_task_rax, -RV_EACCES);
		assert_int_equal(fake_task_rdx, i == 6 ? RV_REASON_FIMCE_CAPABILITY : RV_REASON_DEVICE_GRANTS);
		expect_blocked();
		/* It was never the FIMCE's: back it goes, though nobody cleaned it. */
		assert_int_equal(DESTROY(f), 0);
		expect_returned();
	}
}

/* An image that asks, and a caller that gives nothing. */
static void test_nothing_given(void **state)
{
	static const struct fake_step steps[] = {
	    {.call = RV_FC_MEASURED, .before = measured_otherwise}, {.call = RV_FC_EOI}, {0}};
	struct fimce *f;

	(void)state;
	remember();
	fake_create(0);
	f = created();
	other_grant = (struct rv_grant){RV_GRANT_PCI, RV_GRANT_CLEANED, ID, 1, 0};
	other_count = 1;
	other_flags = RV_MEASURED_SIGNED;
	other_capabilities = RV_CAP_DEVICE;
	fake_task(f, steps);
	assert_int_equal(fake_vmcall(first_cpu, RV_HC_FIMCE_RUN, f->id, RV_RUN_BORROWED, 0), RV_FIMCE_DEAD);
	assert_int_equal(fake_task_rdx, RV_REASON_DEVICE_GRANTS);
	assert_int_equal(f->status.cause, RV_CAUSE_PROTOCOL); /* RV_FC_EOI */
	assert_int_equal(DESTROY(f), 0);
	expect_returned();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_device_setup, fake_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_grants_are_checked),
	    cmocka_unit_test_setup_teardown(test_no_unit, fake_device_setup_without_units, fake_teardown),
	    TEST(test_functions_are_checked),
	    TEST(test_no_slot),
	    TEST(test_bars_are_checked),
	    TEST(test_ports_are_checked),
	    TEST(test_every_failure_undoes_all),
	    TEST(test_unit_does_not_answer),
	    TEST(test_image_has_to_ask),
	    TEST(test_nothing_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
