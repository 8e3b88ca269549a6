/* SPDX-License-Identifier: GPL-2.0-only */
/* test_capability.c - which CPUs are refused and why, and that the control words are what was asked for. */
#include "fake.h"

static struct vmx_caps caps;
static struct refusal why;

static int setup(void **state)
{
	(void)state;
	fake_reset();
	return 0;
}

static void test_capable(void **state)
{
	const uint32_t cr3 = PRIMARY_CR3_LOAD_EXITING | PRIMARY_CR3_STORE_EXITING;

	(void)state;
	assert_int_equal(vmx_check(&caps, &why), 0);
	assert_int_equal(why.reason, 0);
	assert_int_equal(caps.revision, 0x12);
	assert_int_equal(caps.timer_shift, 5);
	/* Interrupts, HLT, CR3, MSRs and ports of the guest are its own. */
	assert_int_equal(caps.guest.pin & 1, 0);
	assert_int_equal(caps.guest.primary & (PRIMARY_HLT_EXITING | PRIMARY_IO_EXITING | cr3), 0);
	assert_true(caps.guest.primary & PRIMARY_MSR_BITMAPS);
	assert_true(caps.guest.secondary & SECONDARY_EPT);
	assert_int_equal(caps.guest.entry & ENTRY_IA32E, 0); /* follows the guest */
	/* Those of a FIMCE are not; no EPT, no bitmaps. */
	assert_int_equal(caps.fimce.primary & cr3, cr3);
	assert_int_equal(caps.fimce.primary & (PRIMARY_MSR_BITMAPS | PRIMARY_IO_BITMAPS), 0);
	assert_int_equal(caps.fimce.secondary & (SECONDARY_EPT | SECONDARY_UNRESTRICTED), 0);
	assert_int_equal(caps.fimce.secondary & (SECONDARY_RDTSCP | SECONDARY_INVPCID | SECONDARY_XSAVES), 0);
	assert_true(caps.fimce.primary & PRIMARY_IO_EXITING);
	assert_true(caps.fimce.secondary & SECONDARY_DESCRIPTOR_EXITING);
	assert_true(caps.fimce.entry & ENTRY_IA32E);
}

/* Each control taken away alone: refused if it is needed, with the MSR and the bit; else left out. */
static void check_word(uint32_t msr, uint32_t guest, uint32_t fimce)
{
	uint64_t full = fake_msr_get(msr);

	for (uint32_t bit = 0; bit < 32; bit++) {
		uint32_t mask = 1u << bit;
		int error;

		fake_msr_set(msr, full & ~((uint64_t)mask << 32) & ~(uint64_t)mask);
		error = vmx_check(&caps, &why);
		if ((guest | fimce) & mask) {
			assert_int_equal(error, -RV_ENODEV);
			assert_int_equal(why.reason, RV_REASON_VMX_CONTROL);
			assert_int_equal(why.value[0], msr);
			assert_int_equal(why.value[1], mask);
		} else {
			assert_int_equal(error, 0);
		}
	}
	fake_msr_set(msr, full);
}

static void test_each_missing_control(void **state)
{
	const uint32_t exit = EXIT_SAVE_DEBUG | EXIT_HOST_64 | EXIT_SAVE_PAT | EXIT_LOAD_PAT | EXIT_SAVE_EFER |
			      EXIT_LOAD_EFER | EXIT_SAVE_TIMER;

	(void)state;
	check_word(RV_MSR_VMX_PINBASED_CTLS, PIN_NMI_EXITING | PIN_VIRTUAL_NMIS | PIN_PREEMPTION_TIMER, 0);
	check_word(RV_MSR_VMX_PROCBASED_CTLS, PRIMARY_IO_BITMAPS | PRIMARY_MSR_BITMAPS | PRIMARY_SECONDARY,
		   PRIMARY_HLT_EXITING | PRIMARY_INVLPG_EXITING | PRIMARY_MWAIT_EXITING | PRIMARY_RDPMC_EXITING |
		       PRIMARY_CR3_LOAD_EXITING | PRIMARY_CR3_STORE_EXITING | PRIMARY_CR8_LOAD_EXITING |
		       PRIMARY_CR8_STORE_EXITING | PRIMARY_MOV_DR_EXITING | PRIMARY_IO_EXITING |
		       PRIMARY_MONITOR_EXITING);
	check_word(RV_MSR_VMX_PROCBASED_CTLS2, SECONDARY_EPT | SECONDARY_VPID | SECONDARY_UNRESTRICTED,
		   SECONDARY_DESCRIPTOR_EXITING | SECONDARY_WBINVD_EXITING);
	check_word(RV_MSR_VMX_EXIT_CTLS, exit, exit);
	check_word(RV_MSR_VMX_ENTRY_CTLS, ENTRY_LOAD_DEBUG | ENTRY_LOAD_PAT | ENTRY_LOAD_EFER, ENTRY_IA32E);
}

static void test_forced_bits_are_set(void **state)
{
	(void)state;
	fake_msr_set(RV_MSR_VMX_PINBASED_CTLS, 0xffffffffull << 32 | 0x16 | 1u << 20);
	assert_int_equal(vmx_check(&caps, &why), 0);
	assert_true(caps.guest.pin & 1u << 20);
	assert_true(caps.fimce.pin & 1u << 20);
}

static void test_ept(void **state)
{
	const uint64_t full = fake_msr_get(RV_MSR_VMX_EPT_VPID_CAP);

	(void)state;
	for (uint32_t bit = 0; bit < 64; bit++) {
		int error;

		if (!(full >> bit & 1))
			continue;
		fake_msr_set(RV_MSR_VMX_EPT_VPID_CAP, full & ~(1ull << bit));
		error = vmx_check(&caps, &why);
		if (1ull << bit == EPT_CAP_1G) {
			assert_int_equal(error, 0); /* done without */
			continue;
		}
		assert_int_equal(error, -RV_ENODEV);
		assert_int_equal(why.reason, RV_REASON_EPT_MISSING);
		assert_int_equal(why.value[0], full & ~(1ull << bit));
	}
}

/* APs start in that state, and INIT leads to it. */
static void test_no_wait_for_sipi(void **state)
{
	(void)state;
	fake_msr_set(RV_MSR_VMX_MISC, 7u << 6 & ~(1u << 8));
	assert_int_equal(vmx_check(&caps, &why), -RV_ENODEV);
	assert_int_equal(why.reason, RV_REASON_NO_WAIT_FOR_SIPI);
	assert_int_equal(why.value[0], 3u << 6);
}

static void test_no_vmx_at_all(void **state)
{
	(void)state;
	/* Such a CPU has none of the MSRs: reading one would be a #GP. */
	fake_cpuid_set(1, 0, (struct cpuid){.ecx = ~(1u << 5)});
	for (uint32_t msr = MSR_VMX_BASIC; msr <= MSR_VMX_LAST; msr++)
		fake_msr_remove(msr);
	fake_msr_remove(MSR_FEATURE_CONTROL);
	assert_int_equal(vmx_check(&caps, &why), -RV_ENODEV);
	assert_int_equal(why.reason, RV_REASON_NO_VMX);
}

/* Root mode switches vector registers with XSAVE. */
static void test_no_xsave(void **state)
{
	(void)state;
	fake_cpuid_set(1, 0, (struct cpuid){.ecx = ~(1u << 26)});
	assert_int_equal(vmx_check(&caps, &why), -RV_ENODEV);
	assert_int_equal(why.reason, RV_REASON_NO_XSAVE);
}

/* Root mode's page tables have NX bits: with EFER.NXE not to be had they could not even be switched on. */
static void test_no_nx(void **state)
{
	(void)state;
	fake_cpuid_set(0x80000001, 0, (struct cpuid){.edx = ~(1u << 20)});
	assert_int_equal(vmx_check(&caps, &why), -RV_ENODEV);
	assert_int_equal(why.reason, RV_REASON_NO_NX);
}

static void test_feature_control(void **state)
{
	(void)state;
	fake_msr_set(MSR_FEATURE_CONTROL, FEATURE_CONTROL_LOCK | 2);
	assert_int_equal(vmx_check(&caps, &why), -RV_EPERM);
	assert_int_equal(why.reason, RV_REASON_VMX_LOCKED);
	assert_int_equal(why.value[0], FEATURE_CONTROL_LOCK | 2);
	fake_msr_set(MSR_FEATURE_CONTROL, 0); /* not locked: the launch sets it */
	assert_int_equal(vmx_check(&caps, &why), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
	    T(test_capable),
	    T(test_each_missing_control),
	    T(test_forced_bits_are_set),
	    T(test_ept),
	    T(test_no_wait_for_sipi),
	    T(test_no_vmx_at_all),
	    T(test_no_xsave),
	    T(test_no_nx),
	    T(test_feature_control),
	};

	return cmocka_run_group_tests_name("hv capability", tests, NULL, NULL);
}
