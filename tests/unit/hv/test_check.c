/* SPDX-License-Identifier: GPL-2.0-only */
/* test_check.c - `ravelin check` and the launch say the same of every CPU: one set of registers, two verdicts. */
#include "fake.h"

#include <libravelin/ravelin.h>
#include <string.h>

#define CPUID_1_VMX (1u << 5)
#define CPUID_1_XSAVE (1u << 26)
#define CPUID_80000001_NX (1u << 20)

static struct ravelin_check_row rows[RAVELIN_CHECK_ROWS];
static unsigned int row_count;
static uint32_t cpuid_1, cpuid_80000001;

static int setup(void **state)
{
	(void)state;
	fake_reset();
	cpuid_1 = cpuid_80000001 = ~0u;
	/* MSRs that the fake machine of the other tests has no use for. */
	for (uint32_t msr = 0x48d; msr <= MSR_VMX_LAST; msr++)
		fake_msr_set(msr, msr == 0x48e ? fake_msr_get(msr) : ~0ull);
	fake_msr_set(0x48a, 0);
	return 0;
}

/* The machine as the tool would have read it from /dev/cpu/0/msr and CPUID. */
static bool tool_says_ready(void)
{
	struct ravelin_machine m = {.intel = true,
				    .long_mode = true,
				    .msrs = true,
				    .cpus = 2,
				    .memory_bytes = 1ull << 30,
				    .vmx = (cpuid_1 & CPUID_1_VMX) != 0,
				    .xsave = (cpuid_1 & CPUID_1_XSAVE) != 0,
				    .nx = (cpuid_80000001 & CPUID_80000001_NX) != 0};
	bool ready;

	m.feature_control = fake_msr_get(MSR_FEATURE_CONTROL);
	for (uint32_t i = 0; i <= MSR_VMX_LAST - MSR_VMX_BASIC; i++)
		m.msr[i] = fake_msr_get(MSR_VMX_BASIC + i);
	row_count = ravelin_check_judge(&m, rows, &ready);
	assert_true(row_count < RAVELIN_CHECK_ROWS);
	return ready;
}

static unsigned int rows_missing(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < row_count; i++)
		n += rows[i].result == RAVELIN_CHECK_MISSING;
	return n;
}

/* @return true if both accept */
static bool verdicts_agree(const char *what, uint32_t msr, uint32_t bit)
{
	struct refusal why;
	struct vmx_caps caps;
	bool launch, tool;

	fake_cpuid_set(1, 0, (struct cpuid){.ecx = cpuid_1});
	fake_cpuid_set(0x80000001, 0, (struct cpuid){.edx = cpuid_80000001});
	launch = vmx_check(&caps, &why) == 0;
	tool = tool_says_ready();
	if (launch != tool)
		fail_msg("%s: MSR 0x%x, bit %u: the launch %s, the tool says %s", what, msr, bit,
			 launch ? "starts" : "refuses", tool ? "ready" : "not ready");
	return launch;
}

static void test_capable(void **state)
{
	(void)state;
	assert_true(verdicts_agree("all there", 0, 0));
	assert_int_equal(rows_missing(), 0);
}

/* Each bit of each capability MSR is turned over alone. */
static void test_each_bit(void **state)
{
	unsigned int refused = 0;

	(void)state;
	for (uint32_t msr = MSR_VMX_BASIC; msr <= MSR_VMX_LAST; msr++) {
		uint64_t full = fake_msr_get(msr);

		for (uint32_t bit = 0; bit < 64; bit++) {
			fake_msr_set(msr, full ^ 1ull << bit);
			if (!verdicts_agree("one bit turned over", msr, bit)) {
				refused++;
				assert_int_equal(rows_missing(), 1); /* the one, by its name */
			}
		}
		fake_msr_set(msr, full);
	}
	/* 33 controls, 7 abilities of EPT and VPID, the state in which CPUs start. */
	assert_int_equal(refused, 33 + 7 + 1);
}

static void test_random_cpus(void **state)
{
	static const uint32_t msrs[] = {RV_MSR_VMX_PINBASED_CTLS, RV_MSR_VMX_PROCBASED_CTLS,  RV_MSR_VMX_EXIT_CTLS,
					RV_MSR_VMX_ENTRY_CTLS,    RV_MSR_VMX_PROCBASED_CTLS2, RV_MSR_VMX_EPT_VPID_CAP,
					RV_MSR_VMX_MISC};
	unsigned int good = 0;

	(void)state;
	for (unsigned int n = 0; n < 2000; n++) {
		uint32_t msr = msrs[fake_random(sizeof(msrs) / sizeof(msrs[0]))];
		uint64_t full = fake_msr_get(msr), one = 1ull << fake_random(64), two = 1ull << fake_random(64);

		fake_msr_set(msr, full & ~(one | two));
		good += verdicts_agree("two bits cleared", msr, 0);
		fake_msr_set(msr, full);
	}
	assert_in_range(good, 100, 1900);
}

static void test_feature_control_and_cpuid(void **state)
{
	(void)state;
	for (uint64_t feature = 0; feature < 8; feature++) {
		fake_msr_set(MSR_FEATURE_CONTROL, feature);
		assert_int_equal(verdicts_agree("IA32_FEATURE_CONTROL", MSR_FEATURE_CONTROL, (uint32_t)feature),
				 (feature & 5) != 1);
	}
	fake_msr_set(MSR_FEATURE_CONTROL, 5);
	cpuid_80000001 = ~CPUID_80000001_NX;
	assert_false(verdicts_agree("no NX", 0, 0));
	assert_int_equal(rows_missing(), 1);
	cpuid_80000001 = ~0u;
	cpuid_1 = ~CPUID_1_XSAVE;
	assert_false(verdicts_agree("no XSAVE", 0, 0));
	cpuid_1 = ~CPUID_1_VMX;
	assert_false(verdicts_agree("no VMX", 0, 0));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
	    T(test_capable),
	    T(test_each_bit),
	    T(test_random_cpus),
	    T(test_feature_control_and_cpuid),
	};

	return cmocka_run_group_tests_name("ravelin check and the launch", tests, NULL, NULL);
}
