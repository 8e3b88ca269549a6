/* SPDX-License-Identifier: GPL-2.0-only */
/* cpuid.h - CPUID with known values in all other registers, on Ravelin's short and long way. */
#ifndef BARE_CPUID_H
#define BARE_CPUID_H

#include <stdint.h>

struct cpuid_regs {
	uint64_t rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t flags;
};

/** Loads the registers, executes CPUID, stores them. If the leaf can go the short way, it does. */
void cpuid_run(struct cpuid_regs *r);

/** The same in the shadow of a MOV SS: always the long way. */
void cpuid_run_shadow(struct cpuid_regs *r);

#endif
