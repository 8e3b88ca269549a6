/* SPDX-License-Identifier: GPL-2.0-only */
/* cpu.c - see cpu.h. */
#include "cpu.h"

#include "offsets.h"
#include "report.h"

#define APIC_BASE 0xfee00000ull
#define APIC_ENABLE 0x1ff
#define SPURIOUS_VECTOR 0xff

_Static_assert(offsetof(struct cpu, recovery) == CPU_RECOVERY, "offsets.h");
_Static_assert(offsetof(struct cpu, user_rsp) == CPU_USER_RSP, "offsets.h");
_Static_assert(offsetof(struct cpu, stack_top) == CPU_STACK_TOP, "offsets.h");

struct __attribute__((packed)) table_pointer {
	uint16_t limit;
	uint64_t base;
};

struct gate {
	uint16_t low, selector, flags, middle;
	uint32_t high, zero;
};

extern uint8_t trap_stubs[], user_done[], ap_code[], ap_code_end[], ap_cr3[];
extern struct cpu *ap_argument;
void bare_segments_load(const struct table_pointer *gdt);
void user_run(void (*code)(void), uint64_t stack_top);
void trap_handle(struct trap_frame *f);
void smp_main(struct cpu *cpu);

struct cpu cpus[CPU_MAX];
uint32_t cpu_count;
uint64_t cpu_tsc_khz = 1000000;
static struct gate idt[256];
static uint8_t user_stack[4096] __attribute__((aligned(16)));
static uint64_t start_page;

void trap_handle(struct trap_frame *f)
{
	struct cpu *cpu = cpu_self();

	if (cpu->hook != NULL && cpu->hook(f))
		return;
	if (f->vector == VECTOR_NMI) {
		cpu->nmis++;
		return;
	}
	if (f->vector >= 32 && f->vector != VECTOR_USER_END) {
		cpu->irqs[f->vector]++;
		if (f->vector != SPURIOUS_VECTOR)
			apic_eoi();
		return;
	}
	cpu->trap_vector = (uint32_t)f->vector;
	cpu->trap_error = f->error;
	cpu->trap_rip = f->rip;
	cpu->trap_cr2 = read_cr2();
	if (f->cs & 3) {
		f->rip = (uint64_t)user_done;
		f->cs = 0x08;
		f->ss = 0x10;
		f->rsp = cpu->user_rsp;
		f->rflags = 2;
	} else if (cpu->recovery != 0) {
		f->rip = cpu->recovery;
		cpu->recovery = 0;
	} else {
		report_line("FAIL no unexpected trap: CPU %u vector %lu error 0x%lx RIP 0x%lx CR2 0x%lx RSP 0x%lx",
			    cpu->index, f->vector, f->error, f->rip, cpu->trap_cr2, f->rsp);
		report(false, "the test runs to its end");
		report_end();
	}
}

void cpu_trap_clear(void)
{
	cpu_self()->trap_vector = CPU_NO_TRAP;
}

uint32_t cpu_trapped(void)
{
	return *(volatile uint32_t *)&cpu_self()->trap_vector;
}

static void idt_fill(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint64_t at = (uint64_t)(trap_stubs + 16ull * i);

		idt[i] = (struct gate){.low = (uint16_t)at,
				       .selector = 0x08,
				       .flags = i == VECTOR_USER_END ? 0xee00 : 0x8e00,
				       .middle = (uint16_t)(at >> 16),
				       .high = (uint32_t)(at >> 32)};
	}
}

void cpu_init(struct cpu *cpu)
{
	uint64_t tss = (uint64_t)cpu->tss, stack = (uint64_t)(cpu->trap_stack + CPU_STACK_BYTES);
	struct table_pointer gdt = {sizeof(cpu->gdt) - 1, (uint64_t)cpu->gdt}, idtr = {sizeof(idt) - 1, (uint64_t)idt};

	if (idt[0].selector == 0)
		idt_fill();
	cpu->self = cpu;
	cpu->gdt[1] = 0x00af9b000000ffff;
	cpu->gdt[2] = 0x00cf93000000ffff;
	cpu->gdt[3] = 0x00cf9b000000ffff; /* 0x18: 32-bit code, see modes.S */
	cpu->gdt[4] = 0x00cff3000000ffff; /* 0x23: user data */
	cpu->gdt[5] = 0x00affb000000ffff; /* 0x2b: user code */
	cpu->gdt[6] = 103 | (tss & 0xffffff) << 16 | 0x89ull << 40 | (tss >> 24 & 0xff) << 56;
	cpu->gdt[7] = tss >> 32;
	cpu->tss[1] = (uint32_t)stack;
	cpu->tss[2] = (uint32_t)(stack >> 32);
	cpu->tss[25] = sizeof(cpu->tss) << 16; /* no I/O permission map */
	bare_segments_load(&gdt);
	wrmsr(MSR_GS_BASE, (uint64_t)cpu);
	__asm__ volatile("lidt %0\n\tltr %w1" : : "m"(idtr), "r"(0x30));
}

uint32_t cpu_user_call(void (*code)(void))
{
	cpu_trap_clear();
	user_run(code, (uint64_t)(user_stack + sizeof(user_stack)));
	return cpu_trapped();
}

void cpu_delay_us(uint64_t us)
{
	uint64_t end = rdtsc() + us * cpu_tsc_khz / 1000;

	while (rdtsc() < end)
		cpu_pause();
}

uint32_t apic_read(uint32_t offset)
{
	return *(volatile uint32_t *)(APIC_BASE + offset);
}

void apic_write(uint32_t offset, uint32_t value)
{
	*(volatile uint32_t *)(APIC_BASE + offset) = value;
}

void apic_enable(void)
{
	apic_write(APIC_SPURIOUS, APIC_ENABLE);
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

uint32_t apic_this_id(void)
{
	return apic_read(APIC_ID) >> 24;
}

void apic_send(uint32_t apic_id, uint32_t command)
{
	while (apic_read(APIC_ICR_LOW) & APIC_ICR_BUSY)
		cpu_pause();
	apic_write(APIC_ICR_HIGH, apic_id << 24);
	apic_write(APIC_ICR_LOW, command);
	while (apic_read(APIC_ICR_LOW) & APIC_ICR_BUSY)
		cpu_pause();
}

void smp_init(uint64_t page)
{
	start_page = page;
	memcpy((void *)page, ap_code, (size_t)(ap_code_end - ap_code));
	*(uint32_t *)(page + (uint64_t)(ap_cr3 - ap_code)) = (uint32_t)read_cr3();
}

uint32_t smp_vector(void)
{
	return (uint32_t)(start_page >> 12);
}

/* Where the others arrive, on their own stack. */
void smp_main(struct cpu *cpu)
{
	cpu_init(cpu);
	apic_enable();
	cpu->work = NULL;
	__atomic_store_n(&cpu->starts, cpu->starts + 1, __ATOMIC_SEQ_CST);
	for (;;) {
		void (*work)(void *) = __atomic_load_n(&cpu->work, __ATOMIC_SEQ_CST);

		if (work != NULL) {
			work(cpu->work_argument);
			__atomic_store_n(&cpu->work, NULL, __ATOMIC_SEQ_CST);
		}
		cpu_pause();
	}
}

bool smp_start(struct cpu *cpu)
{
	uint64_t before = cpu->starts;

	ap_argument = cpu;
	cpu->stack_top = (uint64_t)(cpu->stack + CPU_STACK_BYTES);
	apic_send(cpu->apic_id, APIC_INIT);
	cpu_delay_us(100);
	for (int i = 0; i < 2; i++) {
		uint64_t end = rdtsc() + 500 * cpu_tsc_khz;

		apic_send(cpu->apic_id, APIC_SIPI | smp_vector());
		while (rdtsc() < end) {
			if (__atomic_load_n(&cpu->starts, __ATOMIC_SEQ_CST) != before)
				return true;
			cpu_pause();
		}
	}
	return false;
}

void smp_run(struct cpu *cpu, void (*work)(void *), void *argument)
{
	cpu->work_argument = argument;
	__atomic_store_n(&cpu->work, work, __ATOMIC_SEQ_CST);
}

bool smp_wait(struct cpu *cpu, uint64_t timeout_us)
{
	uint64_t end = rdtsc() + timeout_us * cpu_tsc_khz / 1000;

	while (__atomic_load_n(&cpu->work, __ATOMIC_SEQ_CST) != NULL) {
		if (rdtsc() >= end)
			return false;
		cpu_pause();
	}
	return true;
}
