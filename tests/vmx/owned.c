/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * owned.c - bare guest that has used the remapping unit before Ravelin was started: tests/vmx/owned/owner.c has set it up. Its interrupts still
 * come by its own entries, it changes them as before, its DMA goes on; what it must not have is refused.
 */
#include "../lib/edu.h"
#include "lib/call.h"
#include "lib/cpu.h"
#include "lib/report.h"
#include "owned/owned.h"

#include <ravelin/pci.h>
#include <ravelin/reason.h>
#include <ravelin/vtd.h>

#define UNIT 0xfed90000ull /* QEMU has no other place for it */
#define IOAPIC 0xfec00000ull
#define IOAPIC_DATA 0x10u
#define TIMER_PIN 2u
#define RTE_REMAPPED (1u << 16) /* of the upper half: VT-d specification, 5.1.2.1 */
#define RTE_MASKED (1u << 16) /* of the lower half */
#define RTE_INDEX_SHIFT 17
#define MSI_ADDRESS(index) (0xfee00010u | (index) << 5) /* 5.1.2.2 */
#define MSI_ENABLE (1u << 16)
#define MSI_WIDE (1u << 23)
#define COMMAND_ON 6u
#define PATIENCE_US 500000u
#define SETTLE_US 50000u
#define DMA_BYTES 64u
#define CHANGED_VECTOR 0x63u

static uint32_t edu; /* source id */
static volatile uint8_t *bar;

static void out32(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static uint32_t in32(uint16_t port)
{
	uint32_t value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static uint32_t config_read(uint32_t at)
{
	out32(PCI_ADDRESS, PCI_ENABLE | edu << 8 | at);
	return in32(PCI_DATA);
}

static void config_write(uint32_t at, uint32_t value)
{
	out32(PCI_ADDRESS, PCI_ENABLE | edu << 8 | at);
	out32(PCI_DATA, value);
}

static bool edu_open(void)
{
	for (edu = 0; edu < 0x100; edu += 8) {
		if (config_read(0) != EDU_IDS)
			continue;
		config_write(PCI_COMMAND, COMMAND_ON);
		bar = (volatile uint8_t *)(uint64_t)(config_read(PCI_BAR) & ~15u);
		return true;
	}
	return false;
}

/* Its interrupt goes to this entry from now on. */
static void edu_message(uint32_t index)
{
	uint32_t at = config_read(PCI_CAPABILITIES) & 0xfc;

	while (at != 0 && (config_read(at) & 0xff) != PCI_CAPABILITY_MSI)
		at = config_read(at) >> 8 & 0xfc;
	config_write(at + 4, MSI_ADDRESS(index));
	config_write(at + 8, 0);
	if (config_read(at) & MSI_WIDE)
		config_write(at + 12, 0);
	config_write(at, config_read(at) | MSI_ENABLE);
}

static uint32_t edu_read32(uint32_t at)
{
	return *(volatile uint32_t *)(bar + at);
}

static void edu_raise(void)
{
	*(volatile uint32_t *)(bar + EDU_RAISE) = 1;
	*(volatile uint32_t *)(bar + EDU_ACKNOWLEDGE) = edu_read32(EDU_STATUS);
}

static bool edu_dma(uint64_t source, uint64_t target, uint64_t command)
{
	*(volatile uint64_t *)(bar + EDU_DMA_SOURCE) = source;
	*(volatile uint64_t *)(bar + EDU_DMA_TARGET) = target;
	*(volatile uint64_t *)(bar + EDU_DMA_COUNT) = DMA_BYTES;
	*(volatile uint64_t *)(bar + EDU_DMA_COMMAND) = command | EDU_DMA_RUN;
	for (uint32_t i = 0; i < PATIENCE_US / 1000; i++) {
		if (!(edu_read32(EDU_DMA_COMMAND) & EDU_DMA_RUN))
			return true;
		cpu_delay_us(1000);
	}
	return false;
}

/* Interrupts with this vector within this time, at most until there is one. */
static uint64_t interrupts(uint32_t vector, uint64_t us)
{
	volatile uint64_t *count = &cpu_self()->irqs[vector];
	uint64_t before = *count;

	cpu_irq_enable();
	for (uint64_t waited = 0; waited < us && *count == before; waited += 1000)
		cpu_delay_us(1000);
	cpu_irq_disable();
	return *count - before;
}

static uint64_t raised(uint32_t vector, uint64_t us)
{
	edu_raise();
	return interrupts(vector, us);
}

static uint32_t unit_read(uint32_t at)
{
	return *(volatile uint32_t *)(UNIT + at);
}

static void ioapic_write(uint32_t which, uint32_t value)
{
	*(volatile uint32_t *)IOAPIC = which;
	*(volatile uint32_t *)(IOAPIC + IOAPIC_DATA) = value;
}

static void test_found(void)
{
	report_group("what it finds");
	report_equal(unit_read(VTD_GSTS) & (GCMD_QIE | GCMD_IRE | GCMD_SIRTP), GCMD_QIE | GCMD_IRE | GCMD_SIRTP,
		     "queue and interrupt remapping are on, as it had them");
	report_equal(unit_read(VTD_IRTA), OWNED_TABLE | OWNED_ENTRIES_SHIFT, "its interrupt table is its own");
	report_equal(unit_read(VTD_IQA), OWNED_QUEUE, "its queue is its own");
	report_equal(unit_read(VTD_IQH), unit_read(VTD_IQT), "which has been worked off");
	audit_clean("after the launch");
}

static void test_interrupts(void)
{
	uint64_t nmis = cpu_self()->nmis;

	report_group("interrupts");
	edu_message(OWNED_EDU);
	report_equal(raised(OWNED_EDU_VECTOR, PATIENCE_US), 1, "a device's comes by the entry that it had");
	ioapic_write(IOAPIC_DATA + 2 * TIMER_PIN + 1, RTE_REMAPPED | OWNED_TIMER << RTE_INDEX_SHIFT);
	ioapic_write(IOAPIC_DATA + 2 * TIMER_PIN, OWNED_TIMER_VECTOR);
	report(interrupts(OWNED_TIMER_VECTOR, PATIENCE_US) >= 1, "that of the timer comes by the IOAPIC");
	ioapic_write(IOAPIC_DATA + 2 * TIMER_PIN, OWNED_TIMER_VECTOR | RTE_MASKED);

	edu_message(OWNED_NMI);
	report_equal(raised(OWNED_EDU_VECTOR, SETTLE_US), 0, "nothing comes by an entry that was an NMI");
	report_equal(cpu_self()->nmis, nmis, "and no NMI");
	audit_clean("after interrupts");
}

/* As before: its table, then a command that says so. */
static void test_change(void)
{
	volatile struct vtd_pair *entry = (volatile struct vtd_pair *)OWNED_TABLE + OWNED_EDU;
	volatile struct vtd_pair *queue = (volatile struct vtd_pair *)OWNED_QUEUE;
	volatile uint32_t *status = (volatile uint32_t *)OWNED_STATUS;
	uint32_t slot = unit_read(VTD_IQT) / (uint32_t)sizeof(*queue);
	struct rv_log_record record = {0};
	uint64_t since = 0;

	report_group("a change");
	edu_message(OWNED_EDU);
	*status = 0;
	entry->low = (entry->low & ~0xff0000ull) | (uint64_t)CHANGED_VECTOR << 16;
	queue[slot].low = DESCRIPTOR_INTERRUPT | INTERRUPT_INDEXED | (uint64_t)OWNED_EDU << INTERRUPT_INDEX_SHIFT;
	queue[slot].high = 0;
	queue[slot + 1].low = DESCRIPTOR_WAIT | WAIT_STATUS | 2ull << WAIT_STATUS_SHIFT;
	queue[slot + 1].high = OWNED_STATUS;
	*(volatile uint32_t *)(UNIT + VTD_IQT) = (slot + 2) * (uint32_t)sizeof(*queue);
	report_equal(*status, 2, "its unit has done it");
	report_equal(raised(CHANGED_VECTOR, PATIENCE_US), 1, "the interrupt comes with the new vector");
	report_equal(cpu_self()->irqs[OWNED_EDU_VECTOR], 1, "and no more with the old one");
	/* What was refused at the launch is written down with the guest's next command. */
	report(log_count(RV_REASON_VTD_ENTRY_DELIVERY, &since, &record) == 1 && record.value[0] == OWNED_NMI,
	       "the log has the entry that was refused at the launch, and no other");
	audit_clean("after a change");
}

static void test_dma(void)
{
	uint8_t *from = memory_pages(1), *to = memory_pages(1);
	uint64_t since = 0;
	bool same = true;

	report_group("DMA");
	for (uint32_t i = 0; i < DMA_BYTES; i++)
		from[i] = (uint8_t)(i * 7 + 1);
	report(edu_dma((uint64_t)from, EDU_BUFFER, 0) && edu_dma(EDU_BUFFER, (uint64_t)to, EDU_DMA_TO_MEMORY),
	       "a device reads and writes");
	for (uint32_t i = 0; i < DMA_BYTES; i++)
		same = same && ((volatile uint8_t *)to)[i] == from[i];
	report(same, "the guest's memory, one to one");
	report_equal(log_count(RV_REASON_DMA_READ_FAULT, &since, NULL), 0, "without a fault");
}

void test_main(void)
{
	/* Interrupts of the old controllers would be taken for exceptions. */
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
	apic_enable();
	if (!edu_open()) {
		report(false, "the machine has an edu");
		return;
	}
	test_found();
	test_interrupts();
	test_change();
	test_dma();
}
