/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * capability.h - what this CPU's VMX can do, and the control words that follow from it (Intel SDM vol. 3, appendix A).
 */
#ifndef HV_VMX_CAPABILITY_H
#define HV_VMX_CAPABILITY_H

#include <hv/util.h>
#include <hv/vmx/vmcs.h>

/** Control words of one kind of VMCS. */
struct vmx_controls {
	uint32_t pin;
	uint32_t primary;
	uint32_t secondary;
	uint32_t exit;
	uint32_t entry; /* without "IA-32e mode guest", which follows the guest */
};

struct vmx_caps {
	struct vmx_controls guest;
	struct vmx_controls fimce;
	uint32_t revision; /* VMCS revision identifier */
	uint32_t timer_shift; /* the preemption timer counts TSC >> shift */
	uint64_t cr0_fixed0, cr0_fixed1;
	uint64_t cr4_fixed0, cr4_fixed1;
	uint64_t ept_vpid; /* IA32_VMX_EPT_VPID_CAP */
};

/**
 * Checks the CPU it runs on and computes the control words. Changes nothing in the CPU.
 * @return 0, or a negative errno with *why filled:
 *   -RV_ENODEV NO_VMX, NO_XSAVE, NO_NX, VMX_CONTROL, EPT_MISSING, NO_WAIT_FOR_SIPI; -RV_EPERM VMX_LOCKED
 */
int vmx_check(struct vmx_caps *caps, struct refusal *why);

#endif
