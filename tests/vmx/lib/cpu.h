/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cpu.h - one CPU of a bare guest: descriptor tables, traps and their recovery, ring 3; and starting the other CPUs.
 *
 * Trap recovery: an instruction between TRAP_TRY and TRAP_END in one asm statement (clobbers r11) may trap; execution then
 * goes on at TRAP_END. cpu_trapped tells which vector it was:
 *
 *	cpu_trap_clear();
 *	__asm__ volatile(TRAP_TRY "vmxon (%0)" TRAP_END : : "r"(p) : "r11", "memory");
 *	report_equal(cpu_trapped(), VECTOR_UD, "VMXON");
 *
 * A trap without recovery is reported as a failed check and ends the test. The local APIC's interrupts and NMIs are counted.
 */
#ifndef BARE_CPU_H
#define BARE_CPU_H

#include "x86.h"

#define CPU_MAX 8u
#define CPU_STACK_BYTES 16384u
#define CPU_NO_TRAP 0xffffu

#define TRAP_TRY "leaq 77f(%%rip), %%r11\n\tmovq %%r11, %%gs:8\n\t"
#define TRAP_END "\n77:\tmovq $0, %%gs:8"

#define VECTOR_USER_END 0x81 /* INT 0x81 in ring 3 ends user_run */

/** What a trap pushes; RIP, RFLAGS and the registers may be changed by a hook. */
struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

struct cpu {
	struct cpu *self; /* these four: offsets.h */
	uint64_t recovery;
	uint64_t user_rsp;
	uint64_t stack_top;
	uint32_t index; /* as Ravelin counts */
	uint32_t apic_id;
	/* The last trap. */
	uint32_t trap_vector;
	uint64_t trap_error, trap_rip, trap_cr2;
	/* Counters, written by the CPU itself. */
	volatile uint64_t nmis;
	volatile uint64_t irqs[256];
	volatile uint64_t starts; /* how often it came up */
	/* Called first for every trap; true = dealt with. NULL = none. */
	bool (*volatile hook)(struct trap_frame *f);
	/* Work for another CPU, see smp_run. */
	void (*volatile work)(void *);
	void *volatile work_argument;
	uint64_t gdt[8];
	uint32_t tss[26];
	uint8_t stack[CPU_STACK_BYTES] __attribute__((aligned(16)));
	uint8_t trap_stack[CPU_STACK_BYTES] __attribute__((aligned(16))); /* for traps from ring 3 */
};

extern struct cpu cpus[CPU_MAX];
extern uint32_t cpu_count;

static inline struct cpu *cpu_self(void)
{
	struct cpu *self;

	__asm__ volatile("movq %%gs:0, %0" : "=r"(self));
	return self;
}

void cpu_trap_clear(void);
/** Vector of the trap since cpu_trap_clear, CPU_NO_TRAP = none. */
uint32_t cpu_trapped(void);

/** Loads tables for this CPU; all CPUs share one IDT. */
void cpu_init(struct cpu *cpu);

/** Runs code in ring 3, interrupts off, until it executes INT VECTOR_USER_END or traps. @return the vector. */
uint32_t cpu_user_call(void (*code)(void));

/** Busy-waits. */
void cpu_delay_us(uint64_t us);
/** TSC ticks per millisecond, as Ravelin measured; set by bare_start. */
extern uint64_t cpu_tsc_khz;

/* --- local APIC (xAPIC) */

void apic_enable(void);
uint32_t apic_read(uint32_t offset);
void apic_write(uint32_t offset, uint32_t value);
/** Sends an IPI and waits until the APIC has sent it. */
void apic_send(uint32_t apic_id, uint32_t command);
void apic_eoi(void);
uint32_t apic_this_id(void);

/* --- other CPUs */
/** Prepares the start page. page: physical address below 1 MiB in guest RAM. */
void smp_init(uint64_t page);
/** The SIPI vector of the start page. */
uint32_t smp_vector(void);
/** INIT, SIPI, SIPI. @return true if the CPU came up within a second. */
bool smp_start(struct cpu *cpu);
/** Makes a started CPU call work(argument). Only when it is idle. */
void smp_run(struct cpu *cpu, void (*work)(void *), void *argument);
/** Waits until the CPU is idle. @return false after timeout_us. */
bool smp_wait(struct cpu *cpu, uint64_t timeout_us);

#endif
