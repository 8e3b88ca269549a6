/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * exits.h - the guest's run loop and its VM exits.
 */
#ifndef HV_EXITS_H
#define HV_EXITS_H

#include <hv/hv.h>

/** 0 = VM exit, 1 = VM entry failed, 2 = not entered because an NMI came (entry.S). */
int vmx_run(struct regs *r, uint64_t launched);

/** Runs the guest on this CPU for ever. */
_Noreturn void exits_run(struct percpu *cpu);

/** As exits_run, but returns if the very first VM entry fails; *error gets the VM-instruction error or exit reason. */
void exits_run_first(struct percpu *cpu, uint64_t *error);

/** Says which MSRs and ports exit: 1 bits. */
void exits_fill_bitmaps(uint8_t msr[RV_PAGE_SIZE], uint8_t io_a[RV_PAGE_SIZE]);

/** Injects an exception into the guest at the next entry. error: its error code, or -1 for none. */
void guest_inject(uint32_t vector, int64_t error);

/** Moves the guest's RIP behind the instruction that exited. */
void guest_skip(void);

/** Privilege level of the interrupted guest code. */
uint32_t guest_cpl(void);

/** True if the guest runs 64-bit code. */
bool guest_is_64(void);

/** Puts this CPU's guest into wait-for-SIPI. */
void guest_park(struct percpu *cpu);

/** Takes note of an NMI that came while a FIMCE ran: a kick, or one for the guest. @return true if it was a kick. */
bool nmi_account(struct percpu *cpu);

#endif
