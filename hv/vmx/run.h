/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * run.h - the loop between root and non-root mode (entry.S): prepare, enter, exit, step, enter, ...
 *
 * One loop serves guest and FIMCE: the registers of root mode are saved once, when it begins, not at each exit.
 */
#ifndef HV_VMX_RUN_H
#define HV_VMX_RUN_H

#include <stdint.h>

struct percpu;

/** What VM exits do not save. The general registers are in the order of their encoding, so that exit qualifications index
 * them; that of RSP is in the VMCS. */
struct regs {
	uint64_t gpr[16];
};
enum {
	RAX,
	RCX,
	RDX,
	RBX,
	RSP,
	RBP,
	RSI,
	RDI,
	R8,
	R12 = 12
};

/** Values of vmx_prepare and vmx_step, and what vmx_run returns. */
enum vmx_verdict {
	VMX_ENTER, /* never returned by vmx_run */
	VMX_LEAVE, /* the FIMCE ended, or the VM entry was refused with an exit reason */
	VMX_FAILED /* VMfail: see the VM-instruction error */
};

/** Runs the current VMCS with these registers until vmx_prepare or vmx_step say VMX_LEAVE, or a VM entry fails. */
uint32_t vmx_run(struct percpu *cpu, struct regs *r);

/** Called by vmx_run before the first entry, and again when an NMI in root mode has made it give an entry up. */
uint32_t vmx_prepare(struct percpu *cpu);

/** Called by vmx_run after each VM exit that it does not handle itself: does that and prepares the next entry. reason: the exit
 * reason as it stands in the VMCS. */
uint32_t vmx_step(struct percpu *cpu, uint64_t reason);

#endif
