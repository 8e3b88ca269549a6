/* SPDX-License-Identifier: GPL-2.0-only */
/* test_check.c - what is refused before the hypervisor is called. */
#include "boot_test.h"

#include "../x86/state.h"
#include <ravelin/reason.h>
#include <ravelin/x86.h>

#define SIZE_2M (2ull << 20)
#define SIZE_1G (1ull << 30)
#define POOL 0x8000000ull
#define RAM (1ull << 32)

static struct rv_launch launch;

static int setup(void **state)
{
	(void)state;
	launch = (struct rv_launch){.magic = RV_LAUNCH_MAGIC,
				    .abi_version = RV_ABI_VERSION,
				    .size = sizeof(launch),
				    .pool_base = POOL,
				    .pool_bytes = RV_POOL_MIN,
				    .table_bytes = (RV_LAUNCH_TABLES + 4) * RV_PAGE_SIZE,
				    .tsc_khz = 1000000,
				    .cpu_count = 1,
				    .trampoline = 0x8000,
				    .ram_count = 2};
	launch.ram[0].bytes = 0xa0000;
	launch.ram[1] = (struct rv_launch_ram){0x100000, RAM - 0x100000};
	return 0;
}

static void expect_refusal(int64_t error, uint32_t reason)
{
	struct rv_launch copy = launch;

	copy.reason_value2 = 99;
	assert_int_equal(launch_check(&copy), error);
	assert_int_equal(copy.reason, reason);
	assert_int_equal(copy.reason_value2, 0);
	assert_true(memcmp(&launch, &copy, offsetof(struct rv_launch, reason)) == 0);
}

#define REFUSED(change, error, code)                                                                                   \
	do {                                                                                                           \
		struct rv_launch good = launch;                                                                        \
		change;                                                                                                \
		expect_refusal(error, RV_REASON_##code);                                                               \
		launch = good;                                                                                         \
	} while (0)

static void test_good(void **state)
{
	(void)state;
	assert_int_equal(launch_check(&launch), 0);
}

static void test_arguments(void **state)
{
	(void)state;
	REFUSED(launch.magic++, -RV_EINVAL, LAUNCH_ARGUMENT);
	REFUSED(launch.abi_version++, -RV_EINVAL, LAUNCH_ARGUMENT);
	REFUSED(launch.size--, -RV_EINVAL, LAUNCH_ARGUMENT);
	REFUSED(launch.cpu_count = 0, -RV_EINVAL, LAUNCH_ARGUMENT);
	REFUSED(launch.cpu_count = RV_MAX_CPUS + 1, -RV_EINVAL, LAUNCH_ARGUMENT);
	REFUSED(launch.ram_count = RV_LAUNCH_MAX_RAM + 1, -RV_EINVAL, LAUNCH_ARGUMENT);
	REFUSED(launch.vtd_count = RV_LAUNCH_MAX_VTD + 1, -RV_EINVAL, LAUNCH_ARGUMENT);
	REFUSED(launch.rmrr_count = RV_LAUNCH_MAX_RMRR + 1, -RV_EINVAL, LAUNCH_ARGUMENT);
	REFUSED(launch.ioapic_count = RV_LAUNCH_MAX_IOAPIC + 1, -RV_EINVAL, LAUNCH_ARGUMENT);
	REFUSED(launch.ecam_count = RV_LAUNCH_MAX_ECAM + 1, -RV_EINVAL, LAUNCH_ARGUMENT);
	REFUSED(launch.trampoline = 0, -RV_EINVAL, LAUNCH_ARGUMENT);
	REFUSED(launch.trampoline = 0x8010, -RV_EINVAL, LAUNCH_ARGUMENT);
	REFUSED(launch.trampoline = 0xa0000, -RV_EINVAL, LAUNCH_ARGUMENT);
	REFUSED(launch.tsc_khz = 0, -RV_EINVAL, LAUNCH_ARGUMENT);
	REFUSED(launch.table_bytes = 0, -RV_EINVAL, LAUNCH_ARGUMENT);
	REFUSED(launch.ram[1].bytes += RV_PAGE_SIZE, -RV_EINVAL, LAUNCH_ARGUMENT);
}

/* A list that EPT entries can't be made from. */
static void test_types(void **state)
{
	struct rv_launch_type *range = launch.types.range;

	(void)state;
	launch.types.count = 2;
	launch.types.default_type = MTRR_WB;
	range[0] = (struct rv_launch_type){.base = 0xa0000, .bytes = 0x20000, .type = MTRR_UC};
	range[1] = (struct rv_launch_type){.base = 0xc0000, .bytes = 0x40000, .type = MTRR_WP};
	for (uint32_t type = 0; type < 256; type++) {
		if (type == MTRR_UC || type == MTRR_WC || type == MTRR_WT || type == MTRR_WP || type == MTRR_WB)
			continue;
		REFUSED(launch.types.default_type = type, -RV_EINVAL, LAUNCH_ARGUMENT);
		REFUSED(range[1].type = type, -RV_EINVAL, LAUNCH_ARGUMENT);
	}
	REFUSED(launch.types.count = RV_LAUNCH_MAX_TYPES + 1, -RV_EINVAL, LAUNCH_ARGUMENT);
	REFUSED(range[0].base += 0x800, -RV_EINVAL, LAUNCH_ARGUMENT);
	REFUSED(range[1].bytes += 0x800, -RV_EINVAL, LAUNCH_ARGUMENT);
	REFUSED(range[1].bytes = 0, -RV_EINVAL, LAUNCH_ARGUMENT);
	REFUSED(range[0].bytes += 0x1000, -RV_EINVAL, LAUNCH_ARGUMENT);
	REFUSED(range[0].base = 0x200000, -RV_EINVAL, LAUNCH_ARGUMENT);
	REFUSED(range[1].bytes = 0ull - 0xc0000, -RV_EINVAL, LAUNCH_ARGUMENT);
	REFUSED(range[1].bytes = 0ull - 0x1000, -RV_EINVAL, LAUNCH_ARGUMENT);
	/* And this one is fine: it is the pool that is refused then. */
	REFUSED(launch.pool_base += 0x1000, -RV_EINVAL, POOL_ALIGN);
}

static void test_pool(void **state)
{
	(void)state;
	REFUSED(launch.pool_base += 0x1000, -RV_EINVAL, POOL_ALIGN);
	REFUSED(launch.pool_bytes += 0x1000, -RV_EINVAL, POOL_ALIGN);
	REFUSED(launch.pool_base = 0xa0000, -RV_EINVAL, POOL_ALIGN);
	REFUSED(launch.pool_base = RAM - SIZE_2M, -RV_EINVAL, POOL_ALIGN);
	REFUSED(launch.pool_base = 0ull - SIZE_2M, -RV_EINVAL, POOL_ALIGN);
	REFUSED(launch.pool_bytes = 0ull - SIZE_2M, -RV_EINVAL, POOL_ALIGN);
	REFUSED((launch.ram[1].bytes = 64 * SIZE_1G, launch.pool_base = 4 * SIZE_1G), -RV_EINVAL, POOL_ALIGN);
	REFUSED((launch.ram[1].bytes = 64 * SIZE_1G, launch.pool_bytes = RV_POOL_MAX + SIZE_2M), -RV_EINVAL,
		POOL_ALIGN);
	REFUSED(launch.pool_bytes = RV_POOL_MIN - SIZE_2M, -RV_ENOMEM, POOL_SMALL);
	REFUSED(launch.ram_count = 0, -RV_EINVAL, POOL_ALIGN);
}

static void test_too_much_ram(void **state)
{
	(void)state;
	launch.ram_count = 3;
	launch.ram[2] = (struct rv_launch_ram){512 * SIZE_1G - SIZE_2M, 2 * SIZE_2M};
	expect_refusal(-RV_EINVAL, RV_REASON_LAUNCH_ARGUMENT);
	launch.ram[2] = (struct rv_launch_ram){~0ull - SIZE_2M, SIZE_2M + SIZE_1G};
	expect_refusal(-RV_EINVAL, RV_REASON_LAUNCH_ARGUMENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_good, setup),         cmocka_unit_test_setup(test_arguments, setup),
	    cmocka_unit_test_setup(test_types, setup),        cmocka_unit_test_setup(test_pool, setup),
	    cmocka_unit_test_setup(test_too_much_ram, setup),
	};

	return cmocka_run_group_tests_name("boot check", tests, NULL, NULL);
}
