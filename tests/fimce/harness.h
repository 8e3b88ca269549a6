/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * harness.h - plays the hypervisor for the manager and for tasks on a plain emulator without VMX: what its parts share.
 *
 * The harness is a small ring-0 program. It builds the page tables that a FIMCE has, jumps to the manager, and plays the
 * hypervisor when a VMCALL raises #UD. It shows that manager, pillars and tasks do their work in the world that fimce.h
 * describes; it can not show isolation (nothing stops a task from writing CR3 here).
 */
#ifndef TESTS_FIMCE_HARNESS_H
#define TESTS_FIMCE_HARNESS_H

#include <stdint.h>

#define HARNESS_VIRTUAL 0xffff800000000000ull /* all of the first GiB of memory appears here */
#define HARNESS_STACK_BYTES 16384

/** Registers as the assembler saves them at an exception or interrupt (tests/lib/entry.inc). */
struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

#define HARNESS_EDU 1u /* it gets QEMU's edu */
#define HARNESS_LINE 2u /* it gets the interrupt line of the second serial port */

/** One case in the bundle; its input follows, padded to 16 bytes. */
struct harness_case {
	uint64_t magic; /* HARNESS_CASE, or 0 at the end */
	char name[40];
	uint32_t mode;
	uint32_t input_bytes;
	uint32_t argument_offset;
	uint32_t load_bytes;
	uint32_t output_bytes;
	uint32_t stack_bytes;
	uint32_t ticks; /* watchdog, 10 ms each */
	uint32_t devices; /* HARNESS_* */
	uint8_t trust_anchor[32];
	uint8_t journal_head[32];
};
#define HARNESS_CASE 0x4553414356524852ull

/* ---- harness_edu.c: the one PCI function that a case can have ---- */

struct rv_fimce_devices;

/**
 * Finds the edu on bus 0, tells it to interrupt this CPU with the FIMCE's vector, lets it do DMA, and describes it.
 *
 * @param page  the page at RV_FIMCE_DEVICES
 * @return physical address of its registers, HARNESS_EDU_BYTES of them; 0: there is none
 */
uint64_t harness_edu_open(struct rv_fimce_devices *page);
#define HARNESS_EDU_BYTES 0x100000u

/** Ports, for all parts. */
void harness_out32(uint16_t port, uint32_t value);
uint32_t harness_in32(uint16_t port);

/** Enters FIMCE code; returns when harness_leave is called. */
void harness_enter(uint64_t cr3, uint64_t entry, uint64_t stack, uint64_t param);
_Noreturn void harness_leave(void);
void harness_trap(struct trap_frame *f);
void harness_main(uint32_t multiboot_info);

extern char harness_vectors[]; /* 256 entries of 16 bytes each */

#endif
