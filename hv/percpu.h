/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * percpu.h - making other CPUs leave the guest: kick, EPT flush, hold; and starting CPUs.
 *
 * A CPU sets in_guest = 1, fences, and only then looks at everything that others may want of it; it clears in_guest right
 * after each VM exit. Who wants something of all changes it, raises hv.generation, and kicks (NMI) the CPUs that are in_guest;
 * who wants something of one CPU sets a flag in its attention word, and kicks it. So a CPU in root
 * mode never needs a kick and can wait for the lock without blocking anyone. A CPU that waits for SIPI is not in_guest: NMIs
 * do not reach it, and it looks before it enters again.
 */
#ifndef HV_PERCPU_H
#define HV_PERCPU_H

#include <hv/hv.h>

/** Writes the local APIC's ICR; keeps the guest's destination register (pitfall: an exit between the guest's two writes). */
void apic_send(uint32_t apic_id, uint32_t command);
/** Takes this CPU out of all logical destinations but "all", until the guest starts it again. In x2APIC mode the logical id
 * follows from the APIC id, and the entry check knows it. */
void apic_forget_logical_id(void);
/** Lets this CPU's local APIC take interrupts, which Linux switches off when it gives a CPU up. @return what apic_unlisten wants */
uint32_t apic_listen(void);
/** Ends what is in service of the class of RV_FIMCE_VECTOR, and puts the APIC back. */
void apic_unlisten(uint32_t before);
/** End of interrupt. */
void apic_eoi(void);

/** Makes a CPU that is in its guest or in a FIMCE exit by an NMI, and look at what is wanted of it. */
void percpu_kick(struct percpu *other);

/** After EPT rights were taken away: returns when no CPU can use the old ones any more. */
void percpu_flush_ept(struct percpu *cpu);

/** Keeps all other CPUs out of the guest until percpu_hold_end. Not nested. Do not take hv.lock inside. */
void percpu_hold_begin(struct percpu *cpu);
void percpu_hold_end(void);

/** Sends a SIPI with the trampoline's page to a CPU that waits for one, so often and each time waiting so long, until its stage
 * changes. stack_top: for launch_ap. @return 0, or -RV_ETIME. */
int percpu_sipi(struct percpu *cpu, uint8_t *stack_top, uint32_t tries, uint64_t us);

/** Starts an AP by INIT, SIPI, SIPI at the trampoline and waits for its stage to change.
 * @return 0, or -RV_ETIME. */
int percpu_start(struct percpu *cpu, uint32_t timeout_us);

/** Busy-waits. */
void delay_us(uint64_t us);

/** Executes an IRET, which ends blocking by NMI. */
void root_iret(void);

#endif
