/* SPDX-License-Identifier: GPL-2.0-only */
/* capability.c - see capability.h. */
#include <hv/util.h>
#include <hv/vmx/capability.h>
#include <hv/x86/regs.h>
#include <ravelin/vmx.h>

#define CPUID_1_ECX_VMX (1u << 5)
#define CPUID_1_ECX_XSAVE (1u << 26)
#define CPUID_80000001_EDX_NX (1u << 20)
#define TRUE_CONTROLS (1ull << 55) /* IA32_VMX_BASIC: the TRUE_ capability MSRs exist */
#define TRUE_PROCBASED_CTLS 0x48eu

/* Those that follow the CPU. */
static const uint32_t guest_optional_secondary =
    SECONDARY_RDTSCP | SECONDARY_INVPCID | SECONDARY_XSAVES | SECONDARY_USER_WAIT;

/* Controls that must be 1 in a kind of VMCS: one list for us and for `ravelin check`. */
static uint32_t required_bits(uint32_t word, uint32_t user)
{
#define NEED(in, bit, users, name, flag, purpose) | ((in) == word && ((users)&user) != 0 ? 1u << (bit) : 0)
	return 0 RV_VMX_CONTROLS(NEED);
#undef NEED
}

/* Low half of a capability MSR: bits that must be 1; high half: bits that may be 1. Notes the first missing control. */
static uint32_t control_word(uint32_t word, uint32_t user, uint32_t optional, struct refusal *why)
{
	static const uint32_t msrs[RV_VMX_WORDS] = RV_VMX_WORD_MSRS;
	uint64_t cap = rdmsr(msrs[word]);
	uint32_t allowed = (uint32_t)(cap >> 32), forced = (uint32_t)cap, required = required_bits(word, user);

	if ((required & ~allowed) != 0 && why->reason == 0)
		*why = (struct refusal){RV_REASON_VMX_CONTROL, {msrs[word], required & ~allowed}};
	return (required | optional | forced) & allowed;
}

static void controls_compute(struct vmx_controls *c, uint32_t user, uint32_t optional_secondary, struct refusal *why)
{
	c->pin = control_word(RV_VMX_PIN, user, 0, why);
	c->primary = control_word(RV_VMX_PRIMARY, user, 0, why);
	c->secondary = control_word(RV_VMX_SECONDARY, user, optional_secondary, why);
	c->exit = control_word(RV_VMX_EXIT, user, 0, why);
	c->entry = control_word(RV_VMX_ENTRY, user, 0, why);
	/* The old MSRs force the default1 bits, CR3 exiting among them; only the TRUE ones tell that it may be off. The rest
	 * of the default1 bits stays on. */
	if (rdmsr(MSR_VMX_BASIC) & TRUE_CONTROLS) {
		uint32_t cr3 = PRIMARY_CR3_LOAD_EXITING | PRIMARY_CR3_STORE_EXITING;

		c->primary &= ~(cr3 & ~required_bits(RV_VMX_PRIMARY, user) & ~(uint32_t)rdmsr(TRUE_PROCBASED_CTLS));
	}
}

static int refuse(struct refusal *why, int error, uint32_t reason, uint64_t value)
{
	*why = (struct refusal){reason, {value}};
	return error;
}

int vmx_check(struct vmx_caps *caps, struct refusal *why)
{
#define EPT_NEED(bit, name, purpose) | 1ull << (bit)
	const uint64_t ept_needed = 0 RV_VMX_EPT_NEEDS(EPT_NEED);
#undef EPT_NEED

	uint64_t feature, misc;

	*why = (struct refusal){0};
	if (!(cpuid(1, 0).ecx & CPUID_1_ECX_VMX))
		return refuse(why, -RV_ENODEV, RV_REASON_NO_VMX, 0);
	if (!(cpuid(1, 0).ecx & CPUID_1_ECX_XSAVE))
		return refuse(why, -RV_ENODEV, RV_REASON_NO_XSAVE, 0);
	if (!(cpuid(0x80000001, 0).edx & CPUID_80000001_EDX_NX))
		return refuse(why, -RV_ENODEV, RV_REASON_NO_NX, 0);
	feature = rdmsr(MSR_FEATURE_CONTROL);
	if ((feature & FEATURE_CONTROL_LOCK) && !(feature & FEATURE_CONTROL_VMX))
		return refuse(why, -RV_EPERM, RV_REASON_VMX_LOCKED, feature);
	controls_compute(&caps->guest, RV_VMX_GUEST, guest_optional_secondary, why);
	controls_compute(&caps->fimce, RV_VMX_FIMCE, 0, why);
	if (why->reason != 0)
		return -RV_ENODEV;
	caps->ept_vpid = rdmsr(RV_MSR_VMX_EPT_VPID_CAP);
	if ((caps->ept_vpid & ept_needed) != ept_needed)
		return refuse(why, -RV_ENODEV, RV_REASON_EPT_MISSING, caps->ept_vpid);
	/* The state that an INIT leads to, and in which all CPUs but the first begin (25.4.2, A.6). */
	misc = rdmsr(RV_MSR_VMX_MISC);
	if (!(misc & RV_VMX_MISC_WAIT_FOR_SIPI))
		return refuse(why, -RV_ENODEV, RV_REASON_NO_WAIT_FOR_SIPI, misc);
	caps->revision = (uint32_t)rdmsr(MSR_VMX_BASIC) & 0x7fffffff;
	caps->timer_shift = misc & 31;
	caps->cr0_fixed0 = rdmsr(MSR_VMX_CR0_FIXED0);
	caps->cr0_fixed1 = rdmsr(MSR_VMX_CR0_FIXED1);
	caps->cr4_fixed0 = rdmsr(MSR_VMX_CR4_FIXED0);
	caps->cr4_fixed1 = rdmsr(MSR_VMX_CR4_FIXED1);
	return 0;
}
