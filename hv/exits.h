/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * exits.h - the guest's run loop and its VM exits.
 */
#ifndef HV_EXITS_H
#define HV_EXITS_H

#include <hv/hv.h>

/**
 * Runs the guest on this CPU for ever. It comes back only if its guest has not been proved to run (percpu.proved) and the
 * VM entry fails.
 * @return VM-instruction error, or exit reason of a refused VM entry.
 */
uint64_t exits_run(struct percpu *cpu);

/** Says which MSRs or ports exit: 1 bits. which: the VMCS field that will point at the bitmap. */
void exits_fill_bitmap(uint8_t map[RV_PAGE_SIZE], enum vmcs_field which);

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

/** Takes note of an NMI that came while a FIMCE ran: a kick, or one for the guest. */
void nmi_account(struct percpu *cpu);
/** The same for one that root mode has taken, if it has. */
void nmi_account_seen(struct percpu *cpu);

#endif
