/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trap.c - exceptions in the boot stub.
 */
#include "trap.h"

#include "console.h"
#include "cpu.h"

#define VECTORS 32u
#define CODE_SELECTOR 0x10
#define GATE_INTERRUPT 0x8e /* present, DPL 0, 64-bit interrupt gate: SDM vol. 3, 6.14.1 */
#define GATE_STACK 1 /* IST 1: a dump must come out even when the stack is bad */

struct gate {
	uint16_t offset_low;
	uint16_t selector;
	uint8_t stack;
	uint8_t type;
	uint16_t offset_middle;
	uint32_t offset_high;
	uint32_t reserved;
};

/* Entry points of entry.S, one every trap_entry_bytes. */
extern const uint8_t trap_entries[];
extern const uint8_t trap_entries_end[];

static struct gate idt[VECTORS];

void trap_init(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) descriptor = {sizeof(idt) - 1, (uintptr_t)idt};
	uintptr_t step = (uintptr_t)(trap_entries_end - trap_entries) / VECTORS;

	for (uint32_t i = 0; i < VECTORS; i++) {
		uintptr_t entry = (uintptr_t)trap_entries + i * step;

		idt[i].offset_low = (uint16_t)entry;
		idt[i].offset_middle = (uint16_t)(entry >> 16);
		idt[i].offset_high = (uint32_t)(entry >> 32);
		idt[i].selector = CODE_SELECTOR;
		idt[i].stack = GATE_STACK;
		idt[i].type = GATE_INTERRUPT;
	}
	__asm__ volatile("lidt %0" : : "m"(descriptor));
}

void trap_report(const struct trap_frame *f)
{
	static const char name[15][4] = {"rax", "rcx", "rdx", "rbx", "rbp", "rsi", "rdi", "r8",
					 "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

	console_say("the boot stub failed: exception %llu, error code 0x%llx, rip 0x%llx, rflags 0x%llx",
		    (unsigned long long)f->vector, (unsigned long long)f->error, (unsigned long long)f->rip,
		    (unsigned long long)f->rflags);
	console_say("  rsp 0x%llx cs 0x%llx ss 0x%llx cr2 0x%llx", (unsigned long long)f->rsp,
		    (unsigned long long)f->cs, (unsigned long long)f->ss, (unsigned long long)cpu_cr2());
	for (unsigned int i = 0; i < 15; i += 3)
		console_say("  %s 0x%016llx  %s 0x%016llx  %s 0x%016llx", name[i], (unsigned long long)f->gpr[i],
			    name[i + 1], (unsigned long long)f->gpr[i + 1], name[i + 2],
			    (unsigned long long)f->gpr[i + 2]);
	console_say("stopped; switch the machine off or reset it");
	cpu_stop();
}
