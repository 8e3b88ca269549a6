/* SPDX-License-Identifier: GPL-2.0-only */
/* state.c - see state.h. */
#include "state.h"

#include "msr.h"

#include <ravelin/x86.h>

enum {
	ES,
	CS,
	SS,
	DS,
	FS,
	GS,
	LDTR,
	TR
};

#define UNUSABLE 0x10000u
#define BUSY_TSS 0x8bu
#define TSS_LIMIT 0x67u
#define SELECTOR_INDEX 0xfff8u

struct __attribute__((packed)) table_pointer {
	uint16_t limit;
	uint64_t base;
};

static uint64_t *descriptor_at(const struct rv_launch_state *c, uint16_t selector)
{
	return (uint64_t *)(c->gdt_base + (selector & SELECTOR_INDEX));
}

/* Attributes come from LAR and LSL. */
static void segment_capture(struct rv_launch_state *c, uint32_t i)
{
	struct rv_launch_segment *s = &c->segment[i];
	uint64_t access, limit;

	if ((s->selector & SELECTOR_INDEX) == 0) {
		/* VM entry wants a usable TSS even if the caller has none. */
		s->limit = i == TR ? TSS_LIMIT : 0;
		s->access = i == TR ? BUSY_TSS : UNUSABLE;
		return;
	}
	__asm__ volatile("lar %1, %0" : "=r"(access) : "r"((uint64_t)s->selector) : "cc");
	__asm__ volatile("lsl %1, %0" : "=r"(limit) : "r"((uint64_t)s->selector) : "cc");
	s->limit = (uint32_t)limit;
	s->access = (uint32_t)(access >> 8) & 0xf0ff;
	if (i == LDTR || i == TR) {
		const uint64_t *d = descriptor_at(c, s->selector);

		s->base = (d[0] >> 16 & 0xffffff) | (d[0] >> 56 & 0xff) << 24 | d[1] << 32;
	}
	if (i == TR)
		s->access |= 2; /* busy */
}

void state_capture(struct rv_launch *l, uint64_t rip, uint64_t rsp)
{
	struct rv_launch_state *c = &l->state;
	struct rv_launch_segment *s = c->segment;
	struct table_pointer gdt, idt;

	*c = (struct rv_launch_state){.efer = msr_read(MSR_EFER), .rip = rip, .rsp = rsp};
	__asm__ volatile("mov %%cr0, %0" : "=r"(c->cr0));
	__asm__ volatile("mov %%cr3, %0" : "=r"(c->cr3));
	__asm__ volatile("mov %%cr4, %0" : "=r"(c->cr4));
	__asm__ volatile("sgdt %0; sidt %1" : "=m"(gdt), "=m"(idt));
	c->gdt_base = gdt.base;
	c->gdt_limit = gdt.limit;
	c->idt_base = idt.base;
	c->idt_limit = idt.limit;
	__asm__ volatile(
	    "mov %%es, %0; mov %%cs, %1; mov %%ss, %2; mov %%ds, %3; mov %%fs, %4; mov %%gs, %5; sldt %6; str %7"
	    : "=m"(s[ES].selector), "=m"(s[CS].selector), "=m"(s[SS].selector), "=m"(s[DS].selector),
	      "=m"(s[FS].selector), "=m"(s[GS].selector), "=m"(s[LDTR].selector), "=m"(s[TR].selector));
	s[FS].base = msr_read(MSR_FS_BASE);
	s[GS].base = msr_read(MSR_GS_BASE);
	for (uint32_t i = 0; i < RV_LAUNCH_SEGMENTS; i++)
		segment_capture(c, i);
}

void state_restore(const struct rv_launch *l)
{
	const struct rv_launch_state *c = &l->state;
	const struct rv_launch_segment *s = c->segment;
	struct table_pointer gdt = {(uint16_t)c->gdt_limit, c->gdt_base}, idt = {(uint16_t)c->idt_limit, c->idt_base};

	__asm__ volatile("lgdt %0; lidt %1" : : "m"(gdt), "m"(idt));
	__asm__ volatile("push %0\n\t"
			 "lea 1f(%%rip), %%rax\n\t"
			 "push %%rax\n\t"
			 "lretq\n"
			 "1:"
			 :
			 : "r"((uint64_t)s[CS].selector)
			 : "rax", "memory");
	__asm__ volatile("mov %0, %%es; mov %1, %%ss; mov %2, %%ds; mov %3, %%fs; mov %4, %%gs; lldt %5"
			 :
			 : "r"(s[ES].selector), "r"(s[SS].selector), "r"(s[DS].selector), "r"(s[FS].selector),
			   "r"(s[GS].selector), "r"(s[LDTR].selector));
	if (s[TR].selector & SELECTOR_INDEX) {
		*descriptor_at(c, s[TR].selector) &= ~(2ull << 40); /* LTR wants an available TSS, not a busy one */
		__asm__ volatile("ltr %0" : : "r"(s[TR].selector) : "memory");
	}
	msr_write(MSR_FS_BASE, s[FS].base);
	msr_write(MSR_GS_BASE, s[GS].base);
}
