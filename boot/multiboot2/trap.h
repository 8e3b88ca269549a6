/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trap.h - exceptions in the boot stub: a dump on the console, then stop.
 */
#ifndef BOOT_TRAP_H
#define BOOT_TRAP_H

#include <stdint.h>

/** Registers as the entry code in entry.S pushes them. */
struct trap_frame {
	uint64_t gpr[15]; /* rax rcx rdx rbx rbp rsi rdi r8...r15 */
	uint64_t vector;
	uint64_t error;
	uint64_t rip, cs, rflags, rsp, ss;
};

/** Loads an interrupt descriptor table that sends every exception to trap_report(). */
void trap_init(void);

/** Prints the dump and stops the CPU. Called by the entry code only. */
__attribute__((noreturn)) void trap_report(const struct trap_frame *frame);

#endif
