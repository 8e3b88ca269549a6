/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * harness.c - plays the hypervisor for the manager and for tasks on a plain emulator: see harness.h.
 *
 * Modules: manager.bin, then the bundle of cases that run.py makes. Prints one line per case on COM1:
 *
 *     CASE name STATE a b c rip stack ends output...
 *
 * STATE is done (a = result, b = output bytes), refused (a = errno, b = reason, c = value), exception (a = vector,
 * b = error code, c = CR2), watchdog, or protocol (a = call). rip is where, stack the bytes of stack used, ends the number of RV_FC_EOI,
 * output hex.
 */
#include "harness.h"

#include <ravelin/fimce.h>
#include <ravelin/image.h>
#include <ravelin/x86.h>

#include <stdbool.h>
#include <stddef.h>

#define COM1 0x3f8
#define DEBUG_EXIT 0xf4
#define PIC_BASE 0x30 /* IRQ 0 becomes this vector */
#define POOL_BASE 0x4000000ull
#define POOL_END 0x10000000ull
#define PTE_UNCACHED 0x18ull
#define APIC 0xfee00000ull
#define APIC_VIRTUAL 0xffff900000000000ull
#define IOAPIC 0xfec00000ull
#define IOAPIC_VIRTUAL (APIC_VIRTUAL + 0x1000)
#define IOAPIC_DATA 0x10u
#define IOAPIC_ENTRY(line) (0x10u + 2 * (line))
#define ENTRY_MASKED (1u << 16)
#define COM2_LINE 3u

enum outcome {
	OUTCOME_RUNNING,
	OUTCOME_DONE,
	OUTCOME_REFUSED,
	OUTCOME_EXCEPTION,
	OUTCOME_WATCHDOG,
	OUTCOME_PROTOCOL
};

struct gate {
	uint64_t low, high;
};

struct __attribute__((packed)) table_register {
	uint16_t limit;
	uint64_t base;
};

/** The case that runs. */
static struct {
	const struct harness_case *c;
	uint64_t pml4;
	uint64_t pool; /* next free physical page */
	uint64_t load, output, stack, mailbox; /* physical */
	bool measured;
	uint32_t ticks;
	uint32_t ends_of_interrupts;
	enum outcome outcome;
	uint64_t a, b, c_value, rip;
} run;

extern uint64_t harness_pml4[512];
static struct gate idt[256];
static uint8_t trap_stack[HARNESS_STACK_BYTES] __attribute__((aligned(16)));
static uint64_t gdt[5] = {0, 0x00af9b000000ffff, 0x00cf93000000ffff};
static uint32_t tss[26];

static void *at(uint64_t physical)
{
	return (void *)(HARNESS_VIRTUAL + physical);
}

static void outb(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t inb(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

void harness_out32(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

uint32_t harness_in32(uint16_t port)
{
	uint32_t value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static void put(char c)
{
	while (!(inb(COM1 + 5) & 0x20))
		;
	outb(COM1, (uint8_t)c);
}

static void put_text(const char *s)
{
	for (; *s; s++)
		put(*s);
}

static void put_hex(uint64_t value)
{
	int shift = 60;

	while (shift > 0 && value >> shift == 0)
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		put("0123456789abcdef"[value >> shift & 15]);
}

static void copy(void *to, const void *from, size_t size)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
}

static void clear(void *to, size_t size)
{
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(0) : "memory");
}

static _Noreturn void stop(uint8_t code)
{
	outb(DEBUG_EXIT, code);
	for (;;)
		__asm__ volatile("cli; hlt");
}

/** Takes zeroed pages from the pool. */
static uint64_t take(uint64_t bytes)
{
	uint64_t physical = run.pool;

	bytes = (bytes + 4095) & ~4095ull;
	if (bytes > POOL_END - run.pool) {
		put_text("ERROR pool is empty\n");
		stop(2);
	}
	run.pool += bytes;
	clear(at(physical), bytes);
	return physical;
}

static uint64_t *next_table(uint64_t *entry)
{
	if (!(*entry & PTE_P))
		*entry = take(4096) | PTE_P | PTE_W;
	return at(*entry & 0x000ffffffffff000ull);
}

static void map(uint64_t va, uint64_t physical, uint64_t bytes, uint64_t flags)
{
	for (uint64_t i = 0; i < bytes; i += 4096) {
		uint64_t a = va + i;
		uint64_t *table = at(run.pml4);

		for (int shift = 39; shift > 12; shift -= 9)
			table = next_table(&table[a >> shift & 511]);
		table[a >> 12 & 511] = flags ? (physical + i) | flags : 0;
	}
}

static void end(enum outcome outcome, uint64_t a, uint64_t b, uint64_t c, uint64_t rip)
{
	run.outcome = outcome;
	run.a = a;
	run.b = b;
	run.c_value = c;
	run.rip = rip;
	harness_leave();
}

static void measured(struct trap_frame *f)
{
	struct rv_measured *m = at(run.mailbox);

	if (run.measured)
		end(OUTCOME_PROTOCOL, RV_FC_MEASURED, 0, 0, f->rip);
	run.measured = true;
	map(RV_FIMCE_LOAD, 0, run.c->load_bytes, 0);
	for (uint32_t i = 0; i < m->segment_count; i++) {
		uint64_t offset = (uint64_t)m->segment[i].first_page * 4096;
		uint64_t flags = PTE_P;

		flags |= m->segment[i].perm & RV_PERM_W ? PTE_W : 0;
		flags |= m->segment[i].perm & RV_PERM_X ? 0 : PTE_NX;
		map(RV_FIMCE_LOAD + offset, run.load + offset, (uint64_t)m->segment[i].pages * 4096, flags);
	}
	put_text("MEASURED ");
	put_text(m->name);
	put(' ');
	for (size_t i = 0; i < sizeof(m->image_digest); i++) {
		put("0123456789abcdef"[m->image_digest[i] >> 4]);
		put("0123456789abcdef"[m->image_digest[i] & 15]);
	}
	put('\n');
	/* Drop the old translations. */
	__asm__ volatile("mov %0, %%cr3" : : "r"(run.pml4) : "memory");
	f->rax = 0;
}

/* Edge triggered, to the CPU with APIC id 0. */
static void line_set(uint32_t low)
{
	volatile uint32_t *ioapic = (volatile uint32_t *)IOAPIC_VIRTUAL;

	ioapic[0] = IOAPIC_ENTRY(COM2_LINE) + 1;
	ioapic[IOAPIC_DATA / 4] = 0;
	ioapic[0] = IOAPIC_ENTRY(COM2_LINE);
	ioapic[IOAPIC_DATA / 4] = low;
}

static void call(struct trap_frame *f)
{
	switch (f->rax) {
	case RV_FC_MEASURED:
		measured(f);
		if (run.c->devices & HARNESS_LINE)
			line_set(RV_FIMCE_VECTOR);
		break;
	case RV_FC_EXIT:
		if (run.c->devices & HARNESS_LINE)
			line_set(ENTRY_MASKED);
		end(OUTCOME_DONE, f->rdi, f->rsi, 0, f->rip);
		break;
	case RV_FC_REFUSE:
		end(OUTCOME_REFUSED, f->rdi, f->rsi, f->rdx, f->rip);
		break;
	case RV_FC_LOG:
		put_text("LOG ");
		for (uint64_t i = 0; i < f->rdi && i < 40; i++)
			put(((char *)at(run.mailbox))[i]);
		put('\n');
		f->rax = 0;
		break;
	case RV_FC_EOI:
		if (!run.c->devices)
			end(OUTCOME_PROTOCOL, f->rax, 0, 0, f->rip);
		*(volatile uint32_t *)(APIC_VIRTUAL + APIC_EOI) = 0;
		run.ends_of_interrupts++;
		f->rax = 0;
		break;
	case RV_FC_DMA:
		if (!run.c->devices)
			end(OUTCOME_PROTOCOL, f->rax, 0, 0, f->rip);
		f->rax = 0;
		break;
	default:
		end(OUTCOME_PROTOCOL, f->rax, 0, 0, f->rip);
	}
	f->rip += 3;
}

void harness_trap(struct trap_frame *f)
{
	static const uint8_t vmcall[3] = {0x0f, 0x01, 0xc1};
	uint64_t cr2;

	if (f->vector >= 32) {
		outb(0x20, 0x20);
		if (++run.ticks > run.c->ticks)
			end(OUTCOME_WATCHDOG, 0, 0, 0, f->rip);
		return;
	}
	if (f->vector == 6 && f->rip >= RV_FIMCE_BASE) {
		const uint8_t *code = (const uint8_t *)f->rip;

		if (code[0] == vmcall[0] && code[1] == vmcall[1] && code[2] == vmcall[2]) {
			call(f);
			return;
		}
	}
	__asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
	if (f->rip < RV_FIMCE_BASE && f->rip >= HARNESS_VIRTUAL && f->rip < HARNESS_VIRTUAL + POOL_BASE) {
		put_text("ERROR harness fault: vector ");
		put_hex(f->vector);
		put_text(" rip ");
		put_hex(f->rip);
		put_text(" cr2 ");
		put_hex(cr2);
		put('\n');
		stop(3);
	}
	end(OUTCOME_EXCEPTION, f->vector, f->error, f->vector == 14 ? cr2 : 0, f->rip);
}

static void set_gate(int vector, uint64_t handler, uint64_t ist)
{
	idt[vector].low = (handler & 0xffff) | 8ull << 16 | ist << 32 | 0x8eull << 40 | (handler >> 16 & 0xffff) << 48;
	idt[vector].high = handler >> 32;
}

/** The CPU's tables: our own handlers, but for the vectors of foreign interrupts those of the manager. */
static void set_tables(const struct rv_manager_header *h, const uint8_t *manager)
{
	struct table_register r;
	uint64_t base = (uint64_t)(uintptr_t)tss;
	const struct gate *theirs = (const struct gate *)(const void *)(manager + (h->idt - RV_FIMCE_MANAGER));
	uint64_t ist2 = (uint64_t)(uintptr_t)trap_stack + sizeof(trap_stack);

	for (int i = 0; i < 256; i++) {
		if (i >= 32 && i != PIC_BASE)
			idt[i] = theirs[i];
		else
			set_gate(i, (uint64_t)(uintptr_t)harness_vectors + 16 * (uint64_t)i, 2);
	}
	copy(tss, manager + (h->tss - RV_FIMCE_MANAGER), sizeof(tss));
	tss[11] = (uint32_t)ist2;
	tss[12] = (uint32_t)(ist2 >> 32);
	gdt[3] = 103 | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
	gdt[4] = base >> 32;
	r.limit = sizeof(gdt) - 1;
	r.base = (uint64_t)(uintptr_t)gdt;
	__asm__ volatile("lgdt %0" : : "m"(r));
	r.limit = sizeof(idt) - 1;
	r.base = (uint64_t)(uintptr_t)idt;
	__asm__ volatile("lidt %0" : : "m"(r));
	__asm__ volatile("ltr %w0" : : "r"(0x18));
}

/**
 * Memory that the device reaches at RV_FIMCE_DMA: there is no remapping unit here, so it lies at just that physical address, and the pool
 * begins behind it.
 */
static uint64_t take_for_dma(uint64_t va, uint64_t bytes)
{
	clear(at(RV_FIMCE_DMA(va)), bytes);
	if (RV_FIMCE_DMA(va) + bytes > run.pool)
		run.pool = RV_FIMCE_DMA(va) + bytes;
	return RV_FIMCE_DMA(va);
}

/** Gives the case its devices: registers, description, interrupts. */
static void build_devices(void)
{
	uint64_t page = take(sizeof(struct rv_fimce_devices));
	uint64_t registers = run.c->devices & HARNESS_EDU ? harness_edu_open(at(page)) : 0;

	if (!registers && (run.c->devices & HARNESS_EDU)) {
		put_text("ERROR there is no edu\n");
		stop(2);
	}
	map(RV_FIMCE_DEVICES, page, sizeof(struct rv_fimce_devices), PTE_P | PTE_NX);
	if (registers)
		map(RV_FIMCE_BARS, registers, HARNESS_EDU_BYTES, PTE_P | PTE_W | PTE_NX | PTE_UNCACHED);
	map(APIC_VIRTUAL, APIC, 4096, PTE_P | PTE_W | PTE_NX | PTE_UNCACHED);
	map(IOAPIC_VIRTUAL, IOAPIC, 4096, PTE_P | PTE_W | PTE_NX | PTE_UNCACHED);
}

static void build(const struct harness_case *c, const uint8_t *manager)
{
	const struct rv_manager_header *h = (const struct rv_manager_header *)(const void *)manager;
	uint64_t ro_bytes = ((uint64_t)h->text_pages + h->rodata_pages) * 4096;
	uint64_t text_bytes = (uint64_t)h->text_pages * 4096;
	uint64_t data_bytes = (uint64_t)h->data_pages * 4096;
	uint64_t text;
	uint64_t data;
	uint64_t param_page;
	uint64_t input = 0;
	struct rv_fimce_param *p;

	run.c = c;
	run.pool = POOL_BASE;
	if (c->devices) {
		input = take_for_dma(RV_FIMCE_INPUT, c->input_bytes);
		run.output = take_for_dma(RV_FIMCE_OUTPUT, c->output_bytes);
		run.load = take_for_dma(RV_FIMCE_LOAD, c->load_bytes);
		run.pool = (run.pool + 4095) & ~4095ull;
	}
	run.measured = false;
	run.ticks = 0;
	run.ends_of_interrupts = 0;
	run.outcome = OUTCOME_RUNNING;
	run.pml4 = take(4096);
	((uint64_t *)at(run.pml4))[256] = harness_pml4[256];
	text = take(ro_bytes);
	copy(at(text), manager, ro_bytes);
	data = take(data_bytes);
	copy(at(data), manager + ro_bytes, h->data_file_bytes);
	param_page = take(4096);
	run.mailbox = take(4096);
	run.stack = take(c->stack_bytes);
	if (!c->devices) {
		input = take(c->input_bytes);
		run.output = take(c->output_bytes);
		run.load = take(c->load_bytes);
	}
	copy(at(input), c + 1, c->input_bytes);
	p = at(param_page);
	p->abi_version = RV_ABI_VERSION;
	p->mode = c->mode;
	p->id = 1;
	p->input_bytes = c->input_bytes;
	p->argument_offset = c->argument_offset;
	p->load_bytes = c->load_bytes;
	p->output_bytes = c->output_bytes;
	p->stack_bytes = c->stack_bytes;
	copy(p->trust_anchor, c->trust_anchor, 32);
	copy(p->journal_head, c->journal_head, 32);
	map(RV_FIMCE_MANAGER, text, text_bytes, PTE_P);
	map(RV_FIMCE_MANAGER + text_bytes, text + text_bytes, ro_bytes - text_bytes, PTE_P | PTE_NX);
	map(RV_FIMCE_MANAGER + ro_bytes, data, data_bytes, PTE_P | PTE_W | PTE_NX);
	map(RV_FIMCE_PARAM, param_page, 4096, PTE_P | PTE_NX);
	map(RV_FIMCE_MAILBOX, run.mailbox, 4096, PTE_P | PTE_W | PTE_NX);
	map(RV_FIMCE_STACK_TOP - c->stack_bytes, run.stack, c->stack_bytes, PTE_P | PTE_W | PTE_NX);
	map(RV_FIMCE_INPUT, input, c->input_bytes, PTE_P | PTE_NX);
	map(RV_FIMCE_OUTPUT, run.output, c->output_bytes, PTE_P | PTE_W | PTE_NX);
	map(RV_FIMCE_LOAD, run.load, c->load_bytes, PTE_P | PTE_W | PTE_NX);
	if (c->devices)
		build_devices();
	__asm__ volatile("wrmsr" : : "c"(MSR_FS_BASE), "a"((uint32_t)h->canary), "d"((uint32_t)(h->canary >> 32)));
}

static void report(void)
{
	static const char *const names[] = {"running", "done", "refused", "exception", "watchdog", "protocol"};
	const uint8_t *stack = at(run.stack);
	const uint8_t *output = run.c->mode == RV_MODE_JOURNAL ? at(run.mailbox) : at(run.output);
	uint64_t bytes = run.c->mode == RV_MODE_JOURNAL ? sizeof(struct rv_journal_head) : run.b;
	uint32_t unused = 0;

	while (unused < run.c->stack_bytes && stack[unused] == 0)
		unused++;
	put_text("CASE ");
	put_text(run.c->name);
	put(' ');
	put_text(names[run.outcome]);
	put(' ');
	put_hex(run.a);
	put(' ');
	put_hex(run.b);
	put(' ');
	put_hex(run.c_value);
	put(' ');
	put_hex(run.rip);
	put(' ');
	put_hex(run.c->stack_bytes - unused);
	put(' ');
	put_hex(run.ends_of_interrupts);
	put(' ');
	if (run.outcome == OUTCOME_DONE) {
		for (uint64_t i = 0; i < bytes && i < 1024; i++) {
			put("0123456789abcdef"[output[i] >> 4]);
			put("0123456789abcdef"[output[i] & 15]);
		}
	}
	put('\n');
}

void harness_main(uint32_t multiboot_info)
{
	const uint32_t *info = at(multiboot_info);
	const uint32_t *module = at(info[6]);
	const uint8_t *manager = at(module[0]);
	const struct harness_case *c = at(module[4]);
	const struct rv_manager_header *h = (const struct rv_manager_header *)(const void *)manager;

	/* What QEMU has loaded must not lie where a device's DMA goes. */
	if (info[5] != 2 || module[5] > RV_FIMCE_DMA(RV_FIMCE_INPUT) || h->magic != RV_MANAGER_MAGIC) {
		put_text("ERROR modules\n");
		stop(2);
	}
	set_tables(h, manager);
	/* Interrupt controller: IRQ 0 only, at PIC_BASE; timer: 100 Hz. */
	outb(0x20, 0x11);
	outb(0x21, PIC_BASE);
	outb(0x21, 4);
	outb(0x21, 1);
	outb(0x21, 0xfe);
	outb(0xa1, 0xff);
	outb(0x43, 0x34);
	outb(0x40, 11932 & 0xff);
	outb(0x40, 11932 >> 8);
	for (; c->magic == HARNESS_CASE;
	     c = (const struct harness_case *)(const void *)((const uint8_t *)(c + 1) +
							     ((c->input_bytes + 15u) & ~15u))) {
		build(c, manager);
		harness_enter(run.pml4, h->entry, RV_FIMCE_STACK_TOP, RV_FIMCE_PARAM);
		report();
	}
	put_text("END\n");
	stop(0);
}
