/* SPDX-License-Identifier: GPL-2.0-only */
/* capability.c - see capability.h. */
#include <hv/util.h>
#include <hv/vmx/capability.h>
#include <hv/x86/regs.h>

#define CPUID_1_ECX_VMX (1u << 5)
#define CPUID_1_ECX_XSAVE (1u << 26)
#define TRUE_CONTROLS (1ull << 55) /* IA32_VMX_BASIC: the TRUE_ capability MSRs exist */
#define TRUE_PROCBASED_CTLS 0x48eu

/* Controls that must be 1 in each kind of VMCS, and those that follow the CPU. */
static const struct vmx_controls guest_required = {
    .pin = PIN_NMI_EXITING | PIN_VIRTUAL_NMIS | PIN_PREEMPTION_TIMER,
    .primary = PRIMARY_IO_BITMAPS | PRIMARY_MSR_BITMAPS | PRIMARY_SECONDARY,
    .secondary = SECONDARY_EPT | SECONDARY_VPID | SECONDARY_UNRESTRICTED,
    .exit = EXIT_SAVE_DEBUG | EXIT_HOST_64 | EXIT_SAVE_PAT | EXIT_LOAD_PAT | EXIT_SAVE_EFER | EXIT_LOAD_EFER |
	    EXIT_SAVE_TIMER,
    .entry = ENTRY_LOAD_DEBUG | ENTRY_LOAD_PAT | ENTRY_LOAD_EFER,
};
static const uint32_t guest_optional_secondary =
    SECONDARY_RDTSCP | SECONDARY_INVPCID | SECONDARY_XSAVES | SECONDARY_USER_WAIT;

static const struct vmx_controls fimce_required = {
    .pin = PIN_NMI_EXITING | PIN_VIRTUAL_NMIS | PIN_PREEMPTION_TIMER,
    .primary = PRIMARY_HLT_EXITING | PRIMARY_INVLPG_EXITING | PRIMARY_MWAIT_EXITING | PRIMARY_RDPMC_EXITING |
	       PRIMARY_CR3_LOAD_EXITING | PRIMARY_CR3_STORE_EXITING | PRIMARY_CR8_LOAD_EXITING |
	       PRIMARY_CR8_STORE_EXITING | PRIMARY_MOV_DR_EXITING | PRIMARY_IO_EXITING | PRIMARY_MONITOR_EXITING |
	       PRIMARY_SECONDARY,
    .secondary = SECONDARY_VPID | SECONDARY_DESCRIPTOR_EXITING | SECONDARY_WBINVD_EXITING,
    .exit = EXIT_SAVE_DEBUG | EXIT_HOST_64 | EXIT_SAVE_PAT | EXIT_LOAD_PAT | EXIT_SAVE_EFER | EXIT_LOAD_EFER |
	    EXIT_SAVE_TIMER,
    .entry = ENTRY_LOAD_DEBUG | ENTRY_LOAD_PAT | ENTRY_LOAD_EFER | ENTRY_IA32E,
};

/* Low half of a capability MSR: bits that must be 1; high half: bits that may be 1. Notes the first missing control. */
static uint32_t control_word(uint32_t msr, uint32_t required, uint32_t optional, struct vmx_refusal *why)
{
	uint64_t cap = rdmsr(msr);
	uint32_t allowed = (uint32_t)(cap >> 32), forced = (uint32_t)cap;

	if ((required & ~allowed) != 0 && why->reason == 0)
		*why = (struct vmx_refusal){RV_REASON_VMX_CONTROL, {msr, required & ~allowed}};
	return (required | optional | forced) & allowed;
}

static void controls_compute(struct vmx_controls *c, const struct vmx_controls *required, uint32_t optional_secondary,
			     struct vmx_refusal *why)
{
	c->pin = control_word(MSR_VMX_PINBASED_CTLS, required->pin, 0, why);
	c->primary = control_word(MSR_VMX_PROCBASED_CTLS, required->primary, 0, why);
	c->secondary = control_word(MSR_VMX_PROCBASED_CTLS2, required->secondary, optional_secondary, why);
	c->exit = control_word(MSR_VMX_EXIT_CTLS, required->exit, 0, why);
	c->entry = control_word(MSR_VMX_ENTRY_CTLS, required->entry, 0, why);
	/* The old MSRs force the default1 bits, CR3 exiting among them; only the TRUE ones tell that it may be off. The rest
	 * of the default1 bits stays on. */
	if (rdmsr(MSR_VMX_BASIC) & TRUE_CONTROLS) {
		uint32_t cr3 = PRIMARY_CR3_LOAD_EXITING | PRIMARY_CR3_STORE_EXITING;

		c->primary &= ~(cr3 & ~required->primary & ~(uint32_t)rdmsr(TRUE_PROCBASED_CTLS));
	}
}

int vmx_check(struct vmx_caps *caps, struct vmx_refusal *why)
{
	const uint64_t ept_needed = EPT_CAP_WALK_4 | EPT_CAP_WB | EPT_CAP_2M | EPT_CAP_INVEPT | EPT_CAP_INVEPT_SINGLE |
				    EPT_CAP_INVVPID | EPT_CAP_INVVPID_SINGLE;

	*why = (struct vmx_refusal){0};
	if (!(cpuid(1, 0).ecx & CPUID_1_ECX_VMX)) {
		why->reason = RV_REASON_NO_VMX;
		return -RV_ENODEV;
	}
	if (!(cpuid(1, 0).ecx & CPUID_1_ECX_XSAVE)) {
		why->reason = RV_REASON_NO_XSAVE;
		return -RV_ENODEV;
	}
	uint64_t feature = rdmsr(MSR_FEATURE_CONTROL);

	if ((feature & FEATURE_CONTROL_LOCK) && !(feature & FEATURE_CONTROL_VMX)) {
		*why = (struct vmx_refusal){RV_REASON_VMX_LOCKED, {feature}};
		return -RV_EPERM;
	}
	controls_compute(&caps->guest, &guest_required, guest_optional_secondary, why);
	controls_compute(&caps->fimce, &fimce_required, 0, why);
	if (why->reason != 0)
		return -RV_ENODEV;
	caps->ept_vpid = rdmsr(MSR_VMX_EPT_VPID_CAP);
	if ((caps->ept_vpid & ept_needed) != ept_needed) {
		*why = (struct vmx_refusal){RV_REASON_EPT_MISSING, {caps->ept_vpid}};
		return -RV_ENODEV;
	}
	caps->revision = (uint32_t)rdmsr(MSR_VMX_BASIC) & 0x7fffffff;
	caps->timer_shift = rdmsr(MSR_VMX_MISC) & 31;
	caps->cr0_fixed0 = rdmsr(MSR_VMX_CR0_FIXED0);
	caps->cr0_fixed1 = rdmsr(MSR_VMX_CR0_FIXED1);
	caps->cr4_fixed0 = rdmsr(MSR_VMX_CR4_FIXED0);
	caps->cr4_fixed1 = rdmsr(MSR_VMX_CR4_FIXED1);
	return 0;
}
