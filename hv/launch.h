/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * launch.h - the only way in: the state that the front end hands over becomes the guest's, and the guest begins.
 */
#ifndef HV_LAUNCH_H
#define HV_LAUNCH_H

#include <hv/hv.h>

/**
 * Called by entry.S on the hypervisor's first stack, with the caller's page tables, descriptor tables and control registers
 * in force. Returns only on failure, with page tables and control registers as they were and VMX off on all CPUs.
 */
int64_t launch_main(struct rv_launch *l);

/** Called by the trampoline on the AP's own stack, with root mode's page tables. */
_Noreturn void launch_ap(struct percpu *cpu);

/**
 * What an AP does before it reports: VMX on, and a VMCS in which it waits for the guest's SIPI.
 * @return false: not possible, cpu->refusal says why, and VMX is off
 */
bool launch_ap_prepare(struct percpu *cpu);

/**
 * The last steps, with the guest's VMCS current and complete: remapping units on, and into the guest. Comes back only if one of
 * them fails: the units are then as before. One that can't be brought back stops the machine, as it walks tables in the pool.
 * @return as vtd_start, or -RV_EIO, with the reason in l
 */
int launch_enter(struct rv_launch *l, struct percpu *cpu);

/** Starts all CPUs but the first. Called by that one. @return 0; or -RV_ETIME or -RV_ENODEV with the reason in l */
int launch_aps_start(struct rv_launch *l);

/** VMXON on this CPU with its control registers as root mode needs them. @return false if VMXON fails. */
bool launch_vmx_enable(struct percpu *cpu);

/** Writes host state and controls of the guest's VMCS into the current VMCS. */
void launch_vmcs_controls(struct percpu *cpu, const struct vmx_controls *c, struct vmcs_writer *w);

/** Writes those guest fields of the current VMCS that no kind of guest starts with another value than that after a reset. */
void launch_vmcs_guest(struct vmcs_writer *w);

/** Writes a segment register of the guest in the current VMCS. s: enum segment. */
void launch_vmcs_segment(struct vmcs_writer *w, uint64_t s, uint16_t selector, uint64_t base, uint32_t limit,
			 uint32_t access);

/** Writes the state after a start-up IPI with this vector into the current VMCS (Intel SDM vol. 3, 9.1.1). */
void launch_real_mode(struct percpu *cpu, uint8_t vector);

#endif
