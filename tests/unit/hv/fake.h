/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fake.h - a machine for unit tests of root mode: MSRs, CPUID and VMCSs are tables, memory is an array, time is a counter.
 *
 * What would stop the hypervisor (hv_stop, a #GP in root mode, an access outside memory) fails the test, unless it says by
 * FAKE_STOPS that it waits for it. A VM entry is checked as the CPU does it (Intel SDM vol. 3, 27.2 and 27.3), as far as
 * what a guest can bring about, and then handed to the test.
 */
#ifndef TESTS_UNIT_HV_FAKE_H
#define TESTS_UNIT_HV_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <agent/agent.h>
#include <hv/audit.h>
#include <hv/dim.h>
#include <hv/emulate.h>
#include <hv/exits.h>
#include <hv/fimce_tables.h>
#include <hv/hv.h>
#include <hv/hypercall.h>
#include <hv/journal.h>
#include <hv/launch.h>
#include <hv/percpu.h>
#include <hv/reset.h>

#include "bits.h"

/* The fake machine: 64 MiB of RAM; the pool is cut out of it. */
#define FAKE_RAM (64u << 20)
#define FAKE_POOL (32u << 20)
#define FAKE_POOL_BYTES (24u << 20)
#define FAKE_LIMIT (1ull << 39)
#define FAKE_PHYSICAL_BITS 39u
#define FAKE_ROWS 8192u

#define FAKE_CPUS 3u

/** Forgets everything: no MSR but those of a CPU that has all that Ravelin needs, no VMCS, memory zero. */
void fake_reset(void);

/** fake_reset, then a machine as the launch leaves it: pool, EPT, journal, FAKE_CPUS CPUs of which [0] is "this" one. */
struct percpu *fake_machine(void);

/** Makes this CPU's guest VMCS, which becomes current, and the bitmaps that it names what the launch makes them, for the audit. */
void fake_vmcs_as_launched(struct percpu *cpu);

/** What the agent does instead of its own work; NULL: that. A step as of fake_task. */
extern uint32_t (*fake_agent)(struct regs *r);

/** Frees what fake_machine made. */
int fake_teardown(void **state);

/** The leaf entry that maps gpa and the size it covers; 0 if absent. */
uint64_t ept_leaf(const struct ept *ept, gpa_t gpa, uint64_t *size);

/* Registers. */
void fake_msr_set(uint32_t msr, uint64_t value);
void fake_msr_remove(uint32_t msr);
uint64_t fake_msr_get(uint32_t msr);
void fake_cpuid_set(uint32_t leaf, uint32_t subleaf, struct cpuid value);
extern uint64_t fake_time; /* TSC; each read adds fake_tick */
extern uint64_t fake_tick;
extern uint64_t fake_xcr0;
extern uint64_t fake_vpid_flushes, fake_ept_flushes;
extern uint32_t fake_msr_writes; /* WRMSRs of root mode */
extern uint32_t fake_flushed_lines; /* CLFLUSH */
extern const void *fake_flushed_last;
extern uint16_t fake_port; /* last port written, and its value */
extern uint8_t fake_port_value;

/* Vector registers, as far as the fake XSAVE and XRSTOR know them. */
extern uint64_t fake_x87, fake_sse;

/** Called for each NMI, INIT and SIPI that root mode sends; by default an NMI makes the CPU leave its guest. */
extern void (*fake_ipi)(uint32_t apic_id, uint32_t command);
extern uint32_t fake_nmis;

/** Another CPU in root mode offers its help with a reset (hv/reset.h). */
extern bool fake_helper;
/** Called by VMXOFF; NULL by default. */
extern void (*fake_vmx_off)(void);
extern uint32_t fake_vmx_offs;

/* The current VMCS. */
void fake_vmcs_set(uint64_t field, uint64_t value); /* read-only fields, too */
bool fake_vmcs_was_written(uint64_t field);
pa_t fake_vmcs_current(void);

/** Puts 64-bit kernel state into the current VMCS. */
void fake_guest_64(void);
/** Puts real mode state into the current VMCS. */
void fake_guest_real(void);

/** NULL if VM entry would succeed with the current VMCS, or which rule it breaks. */
const char *fake_entry_refused(void);

/** Called by vmx_run after the entry checks; returns the basic exit reason. r: the registers as loaded, to be changed. */
extern uint32_t (*fake_guest)(struct regs *r);

/** The statement has to end in hv_stop or a fault of root mode. */
extern jmp_buf fake_stop_jump;
extern bool fake_stop_expected;
#define FAKE_STOPS(statement)                                                                                          \
	do {                                                                                                           \
		fake_stop_expected = true;                                                                             \
		if (setjmp(fake_stop_jump) == 0) {                                                                     \
			statement;                                                                                     \
			fail_msg("root mode goes on");                                                                 \
		}                                                                                                      \
		fake_stop_expected = false;                                                                            \
	} while (0)

/** Makes a VMCALL on a CPU; returns RAX. The other registers are in cpu->regs. */
int64_t fake_vmcall(struct percpu *cpu, uint64_t number, uint64_t rdi, uint64_t rsi, uint64_t rdx);
/** What R8 is then; fake_create makes it FAKE_THREAD_LIST. */
extern uint64_t fake_r8;

/** Runs the guest on this CPU up to a VM exit with this reason and up to the next VM entry, whose checks it has then passed. */
void fake_exit(struct percpu *cpu, uint32_t reason, uint64_t qualification);
/** Called by fake_exit in the moment of the exit, to put further state into registers and VMCS. NULL by default. */
extern void (*fake_exit_state)(struct regs *r);

/** A frame list at guest-physical page list over count frames from first on, one after the other. */
void fake_frames(uint64_t list, uint64_t first, uint32_t count, uint32_t bytes);

/* --- a FIMCE and what runs in it --------------------------------------------------------------------------------- */

/* Guest memory that the following use. */
#define FAKE_CREATE 0x400000u /* struct rv_fimce_create */
#define FAKE_LIST 0x401000u /* a frame list for results: one page at FAKE_BUFFER */
#define FAKE_BUFFER 0x402000u
#define FAKE_INPUT_LIST 0x403000u
#define FAKE_INPUT 0x404000u /* one page of input */
#define FAKE_TARGET_LIST 0x405000u
#define FAKE_TARGETS 0x406000u /* struct rv_target_page[]: up to 16 pages */
#define FAKE_THREAD_LIST 0x416000u /* frame list of a struct rv_threads at FAKE_THREADS: R8 of every VMCALL */
#define FAKE_THREADS 0x417000u /* 20 pages */
#define FAKE_TARGET 0x800000u /* the target's own pages */
#define FAKE_TARGET_VA 0x555555554000ull

/** Fills the create page and what it points to: 64 KiB load, one page of output, 2 pages of stack, count targets. */
struct rv_fimce_create *fake_create(uint32_t targets);

/** One thing that the code in the FIMCE does: a VMCALL, or, with call == FAKE_EXIT, a VM exit with reason rdi. */
struct fake_step {
	uint64_t call, rdi, rsi, rdx;
	void (*before)(struct fimce *f); /* called first; NULL = nothing */
};
#define FAKE_EXIT (~0ull)

/** What the FIMCE does from now on; the array ends with call == 0. fake_fimce is the FIMCE that it is in. */
void fake_task(struct fimce *f, const struct fake_step *steps);
/** What RAX was after the last VMCALL of the task, and RDX. */
extern uint64_t fake_task_rax, fake_task_rdx;

/** Before RV_FC_MEASURED: one segment RX of 4 pages, one RW of 4 pages; unsigned, no capabilities. */
void fake_measured(struct fimce *f);
/** The same, signed, for an update with this sequence number. */
void fake_measured_update(struct fimce *f);
extern uint64_t fake_sequence;
extern uint32_t fake_measured_flags;

/** The log record that was written last. */
const struct rv_log_record *fake_log_last(void);
/** Number of log records with this reason. */
uint32_t fake_log_count(uint32_t reason);

/** Pages of the free pool that are not zero. */
uint32_t fake_pool_dirty(void);

/** A pseudo-random number below n; the sequence begins anew at fake_reset. */
uint32_t fake_random(uint32_t n);

#endif
