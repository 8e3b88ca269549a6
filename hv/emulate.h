/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * emulate.h - the few instructions that VMX makes exit, or that isolation needs to see.
 * Each takes the exit at hand of the guest on this CPU and leaves it ready to go on.
 */
#ifndef HV_EMULATE_H
#define HV_EMULATE_H

#include <hv/address.h>

struct percpu;

/** True if msr is an MTRR of this CPU, or an MSR that would be one if the CPU had fixed ranges. Writes to it have no effect. */
bool emulate_is_mtrr(uint32_t msr);

void emulate_cpuid(struct percpu *cpu);
void emulate_cr_access(struct percpu *cpu);
void emulate_rdmsr(struct percpu *cpu);
void emulate_wrmsr(struct percpu *cpu);
void emulate_xsetbv(struct percpu *cpu);
void emulate_io(struct percpu *cpu);

#endif
