/* SPDX-License-Identifier: GPL-2.0-only */
/* test_launch.c - what the launch refuses before it touches anything, and the state after a SIPI. */
#include "fake.h"

#include <string.h>

static struct rv_launch launch;

static int setup(void **state)
{
	(void)state;
	fake_reset();
	launch = (struct rv_launch){.magic = RV_LAUNCH_MAGIC,
				    .abi_version = RV_ABI_VERSION,
				    .size = sizeof(launch),
				    .pool_base = FAKE_POOL,
				    .pool_bytes = RV_POOL_MIN,
				    .table_bytes = (RV_LAUNCH_TABLES + 512) * RV_PAGE_SIZE,
				    .tsc_khz = 1000000,
				    .cpu_count = 1,
				    .trampoline = 0x8000,
				    .ram_count = 2};
	launch.ram[0].bytes = 0xa0000;
	launch.ram[1] = (struct rv_launch_ram){0x100000, FAKE_RAM - 0x100000};
	return 0;
}

/* The launch goes on only to write CR3 if nothing is wrong: on the host that is a stop, and the proof that all was accepted. */
static void expect_refusal(int64_t error, uint32_t reason)
{
	struct rv_launch copy = launch;
	uint32_t writes = fake_msr_writes;

	memset(&hv, 0, sizeof(hv));
	assert_int_equal(launch_main(&copy), error);
	assert_int_equal(copy.reason, reason);
	assert_int_equal(fake_msr_writes, writes);
	assert_true(memcmp(&launch, &copy, offsetof(struct rv_launch, reason)) == 0);
}

#define REFUSED(change, error, code)                                                                                   \
	do {                                                                                                           \
		struct rv_launch good = launch;                                                                        \
		change;                                                                                                \
		expect_refusal(error, RV_REASON_##code);                                                               \
		launch = good;                                                                                         \
	} while (0)

static void test_arguments(void **state)
{
	(void)state;
	REFUSED(launch.magic++, -RV_EINVAL, LAUNCH_ARGUMENT);
	REFUSED(launch.abi_version++, -RV_EINVAL, LAUNCH_ARGUMENT);
	REFUSED(launch.size--, -RV_EINVAL, LAUNCH_ARGUMENT);
}

static void test_cpu(void **state)
{
	(void)state;
	write_cr4(read_cr4() | CR4_VMXE);
	expect_refusal(-RV_EBUSY, RV_REASON_VMX_IN_USE);
	write_cr4(read_cr4() & ~CR4_VMXE);
	fake_msr_set(MSR_FEATURE_CONTROL, FEATURE_CONTROL_LOCK);
	expect_refusal(-RV_EPERM, RV_REASON_VMX_LOCKED);
	fake_cpuid_set(1, 0, (struct cpuid){0});
	expect_refusal(-RV_ENODEV, RV_REASON_NO_VMX);
}

/* All that is known goes to the front end: MSR and bits. */
static void test_both_values(void **state)
{
	struct rv_launch copy = launch;

	(void)state;
	fake_msr_set(RV_MSR_VMX_PROCBASED_CTLS2, fake_msr_get(RV_MSR_VMX_PROCBASED_CTLS2) &
						     ~((uint64_t)(SECONDARY_EPT | SECONDARY_UNRESTRICTED) << 32));
	copy.reason_value2 = 99;
	assert_int_equal(launch_main(&copy), -RV_ENODEV);
	assert_int_equal(copy.reason, RV_REASON_VMX_CONTROL);
	assert_int_equal(copy.reason_value, RV_MSR_VMX_PROCBASED_CTLS2);
	assert_int_equal(copy.reason_value2, SECONDARY_EPT | SECONDARY_UNRESTRICTED);
	/* One with a single value leaves nothing of an older one. */
	copy = launch;
	copy.reason_value2 = 99;
	copy.size = 0;
	assert_int_equal(launch_main(&copy), -RV_EINVAL);
	assert_int_equal(copy.reason_value2, 0);
}

/* An AP comes up: it does what the trampoline would lead it to, on a CPU that lacks something. */
static void (*ap_lacks)(void);
static void ap_starts(uint32_t apic_id, uint32_t command)
{
	uint64_t cr0 = read_cr0(), cr4 = read_cr4();
	uint64_t controls = fake_msr_get(RV_MSR_VMX_PINBASED_CTLS), feature = fake_msr_get(MSR_FEATURE_CONTROL);

	if ((command & 0xff00) != APIC_SIPI)
		return;
	for (uint32_t i = 1; i < hv.cpu_count; i++) {
		struct percpu *cpu = hv.cpu[i];

		if (cpu->apic_id != apic_id || cpu->stage != STAGE_NONE)
			continue;
		if (ap_lacks != NULL && i == 2)
			ap_lacks();
		cpu->stage = launch_ap_prepare(cpu) ? STAGE_READY : STAGE_FAILED;
		write_cr0(cr0);
		write_cr4(cr4);
	}
	fake_msr_set(RV_MSR_VMX_PINBASED_CTLS, controls);
	fake_msr_set(MSR_FEATURE_CONTROL, feature);
}

static void ap_is_locked(void)
{
	fake_msr_set(MSR_FEATURE_CONTROL, FEATURE_CONTROL_LOCK);
}

static void ap_lacks_control(void)
{
	fake_msr_set(RV_MSR_VMX_PINBASED_CTLS,
		     fake_msr_get(RV_MSR_VMX_PINBASED_CTLS) & ~((uint64_t)PIN_VIRTUAL_NMIS << 32));
}

static void ap_lacks_vmxon(void)
{
	hv.cpu[2]->vmxon_region = pa_make(1); /* not aligned */
}

static void ap_lacks_vmcs(void)
{
	hv.cpu[2]->guest_vmcs = pa_make(1);
}

static void test_ap_says_why(void **state)
{
	static const struct {
		void (*lacks)(void);
		uint32_t reason;
		uint64_t value, value2;
	} cases[] = {
	    {NULL, 0, 0, 0},
	    {ap_is_locked, RV_REASON_VMX_LOCKED, FEATURE_CONTROL_LOCK, 0},
	    {ap_lacks_control, RV_REASON_VMX_CONTROL, RV_MSR_VMX_PINBASED_CTLS, PIN_VIRTUAL_NMIS},
	    {ap_lacks_vmxon, RV_REASON_VMXON_FAILED, 4, 0},
	    {ap_lacks_vmcs, RV_REASON_VMCS_FAILED, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake_machine();
		for (uint32_t n = 0; n < hv.cpu_count; n++)
			assert_int_equal(
			    partition_allocate(&hv.partition, 1, OWNER_HYPERVISOR, &hv.cpu[n]->vmxon_region), 0);
		fake_ipi = ap_starts;
		ap_lacks = cases[i].lacks;
		hv.launch.ap_timeout_us = 1000;
		assert_int_equal(launch_aps_start(&launch), cases[i].lacks != NULL ? -RV_ENODEV : 0);
		if (cases[i].lacks != NULL) {
			assert_int_equal(launch.reason, cases[i].reason);
			assert_int_equal(launch.reason_cpu, 2);
			assert_int_equal(launch.reason_value, cases[i].value);
			assert_int_equal(launch.reason_value2, cases[i].value2);
			/* In VMX operation it could not be reset. */
			assert_int_equal(fake_vmx_offs, cases[i].reason == RV_REASON_VMCS_FAILED);
		}
		fake_teardown(NULL);
	}
}

static void ap_is_silent(uint32_t apic_id, uint32_t command)
{
	(void)apic_id;
	(void)command;
}

static void test_ap_that_never_starts(void **state)
{
	(void)state;
	fake_machine();
	fake_ipi = ap_is_silent;
	hv.launch.ap_timeout_us = 100;
	assert_int_equal(launch_aps_start(&launch), -RV_ETIME);
	assert_int_equal(launch.reason, RV_REASON_AP_TIMEOUT);
	assert_int_equal(launch.reason_cpu, 1);
	assert_int_equal(launch.reason_value, hv.cpu[1]->apic_id);
	fake_teardown(NULL);
}

/* RAM that root mode's direct map cannot reach would be a fault in root mode as soon as the guest names it. */
static void test_real_mode(void **state)
{
	struct percpu *cpu = fake_machine();

	(void)state;
	vmcs_load(cpu->guest_vmcs);
	launch_real_mode(cpu, 0x9a);
	assert_null(fake_entry_refused());
	assert_int_equal(vmcs_read(VMCS_GUEST_BASE + 2 * SEG_CS), 0x9a000);
	assert_int_equal(vmcs_read(VMCS_GUEST_RFLAGS), RFLAGS_FIXED);
	assert_int_equal(vmcs_read(VMCS_GUEST_CR0) & (CR0_PE | CR0_PG), 0);
	for (uint32_t s = 0; s < SEG_LDTR; s++)
		assert_int_equal(vmcs_read(VMCS_GUEST_LIMIT + 2 * s), 0xffff);
	fake_teardown(NULL);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {T(test_arguments),

					   T(test_cpu),         T(test_both_values),
					   T(test_ap_says_why), T(test_ap_that_never_starts),

					   T(test_real_mode)};

	return cmocka_run_group_tests_name("hv launch", tests, NULL, NULL);
}
