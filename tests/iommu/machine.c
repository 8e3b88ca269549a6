/* SPDX-License-Identifier: GPL-2.0-only */
/* machine.c - see machine.h. */
#include "machine.h"

#include "../lib/edu.h"
#include "../vmx/lib/report.h"

#include <hv/util.h>
#include <hv/x86/regs.h>
#include <ravelin/pci.h>

#define PCI_COMMAND_ON 0x06u /* memory, bus master */
#define APIC 0xfee00000u
#define APIC_TPR 0x80u
#define AP_PAGE 0x8000u
#define SECOND 1000000000ull /* ticks of the emulator's clock */
#define MULTIBOOT_CMDLINE 16

struct gate {
	uint64_t low, high;
};

extern const uint8_t trap_stubs[], ap_code[], ap_code_end[];

static struct gate idt[256];
static uint64_t gdt[3] = {0, 0x00af9b000000ffff, 0x00cf93000000ffff};
static volatile uint32_t count[MACHINE_CPUS][256];
static uint32_t apic_ids[MACHINE_CPUS];
static volatile uint32_t cpus_up;
static const char *command_line = "";

static volatile uint32_t *apic(uint32_t offset)
{
	return pa_pointer(pa_make(APIC + offset));
}

/* --- PCI and edu ----------------------------------------------------------------------------------------------------- */

static uint32_t pci_read(uint32_t source_id, uint32_t offset)
{
	outl(PCI_ADDRESS, PCI_ENABLE | source_id << 8 | (offset & ~3u));
	return inl(PCI_DATA);
}

static void pci_write(uint32_t source_id, uint32_t offset, uint32_t value)
{
	outl(PCI_ADDRESS, PCI_ENABLE | source_id << 8 | offset);
	outl(PCI_DATA, value);
}

bool edu_find(struct edu *e, uint32_t n)
{
	for (uint32_t id = 0; id < 0x100; id += 8) {
		uint32_t at;

		if (pci_read(id, 0) != EDU_IDS || n-- != 0)
			continue;
		pci_write(id, PCI_COMMAND, pci_read(id, PCI_COMMAND) | PCI_COMMAND_ON);
		e->source_id = (uint16_t)id;
		e->bar = pa_pointer(pa_make(pci_read(id, 0x10) & ~0xfu));
		at = pci_read(id, PCI_CAPABILITIES) & 0xff;
		while (at != 0 && (pci_read(id, at) & 0xff) != PCI_CAPABILITY_MSI)
			at = pci_read(id, at) >> 8 & 0xff;
		e->msi = (uint8_t)at;
		return at != 0;
	}
	return false;
}

static volatile uint32_t *edu32(const struct edu *e, uint32_t offset)
{
	return (volatile uint32_t *)(e->bar + offset);
}

static void edu_dma(const struct edu *e, uint64_t source, uint64_t target, uint32_t bytes, uint32_t command)
{
	uint64_t begin = rdtsc();

	*(volatile uint64_t *)(e->bar + EDU_DMA_SOURCE) = source;
	*(volatile uint64_t *)(e->bar + EDU_DMA_TARGET) = target;
	*(volatile uint64_t *)(e->bar + EDU_DMA_COUNT) = bytes;
	*(volatile uint64_t *)(e->bar + EDU_DMA_COMMAND) = command | EDU_DMA_RUN;
	while (*edu32(e, EDU_DMA_COMMAND) & EDU_DMA_RUN) {
		if (rdtsc() - begin > 10 * SECOND) {
			report(false, "the device ends its DMA");
			report_end();
		}
		cpu_pause();
	}
}

void edu_read(const struct edu *e, uint64_t address, uint32_t bytes)
{
	edu_dma(e, address, EDU_BUFFER, bytes, 0);
}

void edu_write(const struct edu *e, uint64_t address, uint32_t bytes)
{
	edu_dma(e, EDU_BUFFER, address, bytes, EDU_DMA_TO_MEMORY);
}

void edu_msi_set(const struct edu *e, uint64_t address, uint32_t data)
{
	uint32_t head = pci_read(e->source_id, e->msi);
	bool wide = (head & 1u << 23) != 0;

	pci_write(e->source_id, e->msi, head & ~(1u << 16));
	pci_write(e->source_id, e->msi + 4u, (uint32_t)address);
	if (wide)
		pci_write(e->source_id, e->msi + 8u, (uint32_t)(address >> 32));
	pci_write(e->source_id, e->msi + (wide ? 12u : 8u), data);
	pci_write(e->source_id, e->msi, head | 1u << 16);
}

void edu_raise(const struct edu *e)
{
	*edu32(e, EDU_RAISE) = 1;
	*edu32(e, EDU_ACKNOWLEDGE) = *edu32(e, EDU_STATUS);
}

/* --- CPUs ------------------------------------------------------------------------------------------------------------ */

static uint32_t cpu_index(void)
{
	uint32_t id = *apic(APIC_ID) >> 24;

	return id == apic_ids[0] ? 0 : 1;
}

void machine_trap(const struct trap_frame *frame)
{
	uint64_t vector = frame->vector, error = frame->error, rip = frame->rip;

	if (vector < 32) {
		report(false, "no exception: vector %llu, error %llx, RIP %llx", (unsigned long long)vector,
		       (unsigned long long)error, (unsigned long long)rip);
		report_end();
	}
	__atomic_add_fetch(&count[cpu_index()][vector], 1, __ATOMIC_SEQ_CST);
	*apic(APIC_EOI) = 0;
}

uint32_t interrupts_take(uint32_t cpu, uint32_t vector)
{
	return __atomic_exchange_n(&count[cpu][vector], 0, __ATOMIC_SEQ_CST);
}

uint32_t interrupts_wait(uint32_t cpu, uint32_t vector)
{
	uint64_t begin = rdtsc();

	while (count[cpu][vector] == 0 && rdtsc() - begin < SECOND)
		cpu_pause();
	return interrupts_take(cpu, vector);
}

uint32_t machine_apic_id(uint32_t cpu)
{
	return apic_ids[cpu];
}

static void cpu_init(uint32_t cpu)
{
	struct descriptor_pointer gdtr = {sizeof(gdt) - 1, (uint64_t)gdt}, idtr = {sizeof(idt) - 1, (uint64_t)idt};

	__asm__ volatile("lgdt %0; lidt %1" : : "m"(gdtr), "m"(idtr));
	apic_ids[cpu] = *apic(APIC_ID) >> 24;
	*apic(APIC_TPR) = 0;
	*apic(APIC_SPURIOUS) = 0x1ff;
	__asm__ volatile("sti");
	__atomic_add_fetch(&cpus_up, 1, __ATOMIC_SEQ_CST);
}

void machine_start_ap(void)
{
	cpu_init(1);
	for (;;)
		__asm__ volatile("hlt");
}

uint64_t option_number(const char *name, uint64_t or_else)
{
	size_t n = 0;

	while (name[n])
		n++;
	for (const char *s = command_line; *s; s++) {
		uint64_t v = 0;
		size_t same = 0;

		while (same < n && s[same] == name[same])
			same++;
		if (same < n || s[n] != '=')
			continue;
		for (s += n + 1; *s >= '0' && *s <= '9'; s++)
			v = v * 10 + (uint64_t)(*s - '0');
		return v;
	}
	return or_else;
}

void machine_start(uint32_t multiboot_info)
{
	uint64_t begin;

	command_line = pa_pointer(pa_make(*(uint32_t *)pa_pointer(pa_make(multiboot_info + MULTIBOOT_CMDLINE))));
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
	for (uint32_t i = 0; i < 256; i++) {
		uint64_t at = (uint64_t)trap_stubs + 16 * i;

		idt[i] =
		    (struct gate){(at & 0xffff) | 8ull << 16 | 0x8eull << 40 | (at >> 16 & 0xffff) << 48, at >> 32};
	}
	report_begin();
	cpu_init(0);
	memcpy(pa_pointer(pa_make(AP_PAGE)), ap_code, (size_t)(ap_code_end - ap_code));
	*apic(APIC_ICR_LOW) = APIC_INIT | APIC_ALL_OTHERS;
	begin = rdtsc();
	while (rdtsc() - begin < SECOND / 100)
		cpu_pause();
	*apic(APIC_ICR_LOW) = APIC_SIPI | APIC_ALL_OTHERS | AP_PAGE >> 12;
	while (cpus_up < MACHINE_CPUS && rdtsc() - begin < 5 * SECOND)
		cpu_pause();
	if (!report(cpus_up == MACHINE_CPUS, "two CPUs"))
		report_end();
	iommu_main();
}
