/* SPDX-License-Identifier: GPL-2.0-only */
/* tables.c - see tables.h. */
#include <hv/x86/tables.h>

extern const uint8_t exception_stubs[], nmi_entry[];

void tables_load(struct percpu *cpu)
{
	struct host_tables *t = &cpu->tables;
	uint64_t tss = (uint64_t)t->tss;

	t->gdt[1] = 0x00af9b000000ffffull;
	t->gdt[2] = 0x00cf93000000ffffull;
	t->gdt[3] = 0x67 | (tss & 0xffffff) << 16 | 0x89ull << 40 | (tss >> 24 & 0xff) << 56;
	t->gdt[4] = tss >> 32;
	for (uint64_t i = 0; i < 32; i++) {
		uint64_t handler = i == VECTOR_NMI ? (uint64_t)nmi_entry : (uint64_t)exception_stubs + 16 * i;

		t->idt[2 * i] =
		    (handler & 0xffff) | (uint64_t)HOST_CS << 16 | 0x8e00ull << 32 | (handler >> 16 & 0xffff) << 48;
		t->idt[2 * i + 1] = handler >> 32;
	}
	struct descriptor_pointer gdtr = {sizeof(t->gdt) - 1, (uint64_t)t->gdt};
	struct descriptor_pointer idtr = {sizeof(t->idt) - 1, (uint64_t)t->idt};

	__asm__ volatile("lgdt %0\n\t"
			 "push %1\n\t"
			 "lea 1f(%%rip), %%rax\n\t"
			 "push %%rax\n\t"
			 "lretq\n"
			 "1:\tmov %2, %%ds\n\t"
			 "mov %2, %%es\n\t"
			 "mov %2, %%ss\n\t"
			 "mov %3, %%fs\n\t"
			 "mov %3, %%gs\n\t"
			 "ltr %w4"
			 :
			 : "m"(gdtr), "i"(HOST_CS), "r"(HOST_DS), "r"(0), "r"(HOST_TSS)
			 : "rax", "memory");
	/* The stubs find this CPU's state by GS. */
	wrmsr(MSR_GS_BASE, (uint64_t)cpu);
	__asm__ volatile("lidt %0" : : "m"(idtr));
}
