/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reset.h - a quirk of some emulators (Bochs 2.7): an INIT that caused a VM exit stays pending and exits again for ever.
 *
 * Only a reset outside VMX operation clears it. So all other CPUs are held in root mode (a SIPI of the guest in that moment
 * would start the CPU outside VMX), the CPU leaves VMX, the pending INIT resets it, and a held CPU starts it again through
 * the trampoline. Hardware and KVM take an INIT back with its VM exit; a guest that sends some in a row brings them here once:
 * no reset follows, the CPU enters VMX again, and hv.init_quirk says that this need not be tried again.
 */
#ifndef HV_RESET_H
#define HV_RESET_H

#include <hv/hv.h>

/** INIT exits in a row without progress after which the quirk is assumed. */
#define RESET_STORM 3u

/**
 * Clears a pending INIT of this CPU by a reset, if one is pending. Both VMCSs keep their guest state. fimce_vmcs:
 * the FIMCE's VMCS if that is current, or v = 0. Without another CPU in root mode within a bounded time nothing is done:
 * nobody could start this one again. Stops the machine if the CPU does not come back.
 */
void reset_clear_init(struct percpu *cpu, pa_t fimce_vmcs);

/** Called by launch_ap when the CPU has been here before. ok: it is back in VMX operation. */
_Noreturn void reset_return(struct percpu *cpu, bool ok);

/** Called by CPUs that are held: restarts a CPU that waits for it. */
void reset_help(void);

#endif
