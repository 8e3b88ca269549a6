/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * owner.c - a part of a boot stub for tests: before Ravelin starts, the remapping unit gets an owner, as it would have under a firmware or a
 * Linux that uses it: DMA goes through tables of its own (one to one), interrupts through entries of its own, by a queue of its own.
 *
 * The stub is linked with this in the place of iommu_read, which is called from here first.
 */
#include "../../../boot/multiboot2/cpu.h"
#include "../../../boot/multiboot2/iommu.h"
#include "../../lib/edu.h"
#include "owned.h"

#include <ravelin/pci.h>
#include <ravelin/vtd.h>

/* Intel VT-d specification: 9.1 (root entry), 9.3 (context entry: pass-through, 39 bits), 6.5.2 (descriptors). */
#define PRESENT 1ull
#define CONTEXT_PASS_THROUGH (2ull << 2)
#define CONTEXT_39_BITS 1ull
#define CONTEXT_DOMAIN (1ull << 8)
#define DEVICES 256u
#define DESCRIPTOR_CONTEXT 1u
#define DESCRIPTOR_IOTLB 2u
#define GLOBAL (1ull << 4)
#define DELIVERY_NMI (4ull << 5)
#define PATIENCE 100000000u

bool owner_iommu_read(const struct iommu_source *source, struct dmar *dmar, struct rv_launch *launch,
		      struct boot_error *note, struct boot_error *error);

static volatile uint32_t *unit;

static void unit_write(uint32_t at, uint32_t value)
{
	unit[at / 4] = value;
}

static void unit_write_address(uint32_t at, uint64_t value)
{
	unit_write(at, (uint32_t)value);
	unit_write(at + 4, (uint32_t)(value >> 32));
}

/* One command at a time, and what lasts stays on. */
static bool unit_command(uint32_t command)
{
	static uint32_t lasting;

	unit_write(VTD_GCMD, lasting | command);
	lasting |= command & (GCMD_TE | GCMD_QIE | GCMD_IRE);
	for (uint32_t i = 0; i < PATIENCE; i++) {
		if (unit[VTD_GSTS / 4] & command)
			return true;
	}
	return false;
}

static bool unit_invalidate(void)
{
	volatile struct vtd_pair *queue = (volatile struct vtd_pair *)OWNED_QUEUE;
	volatile uint32_t *status = (volatile uint32_t *)OWNED_STATUS;

	queue[0].low = DESCRIPTOR_CONTEXT | GLOBAL;
	queue[1].low = DESCRIPTOR_IOTLB | GLOBAL;
	queue[2].low = DESCRIPTOR_INTERRUPT;
	queue[3].low = DESCRIPTOR_WAIT | WAIT_STATUS | 1ull << WAIT_STATUS_SHIFT;
	queue[3].high = OWNED_STATUS;
	unit_write(VTD_IQT, 4 * sizeof(*queue));
	for (uint32_t i = 0; i < PATIENCE; i++) {
		if (*status == 1)
			return true;
	}
	return false;
}

/* On bus 0. @return its source id; 0: there is none */
static uint32_t edu_find(void)
{
	for (uint32_t id = 0; id < DEVICES; id += 8) {
		cpu_out32(PCI_ADDRESS, PCI_ENABLE | id << 8);
		if (cpu_in32(PCI_DATA) == EDU_IDS)
			return id;
	}
	return 0;
}

static void entry_set(uint32_t index, uint64_t vector_and_delivery, uint32_t apic_id, uint32_t source_id)
{
	volatile struct vtd_pair *entry = (volatile struct vtd_pair *)OWNED_TABLE + index;

	entry->high = IRTE_HIGH_ID | source_id;
	entry->low = IRTE_P | vector_and_delivery | (uint64_t)apic_id << IRTE_XAPIC_SHIFT;
}

static bool own(const struct rv_launch *launch)
{
	volatile struct vtd_pair *root = (volatile struct vtd_pair *)OWNED_ROOT;
	volatile struct vtd_pair *context = (volatile struct vtd_pair *)OWNED_CONTEXT;
	uint32_t edu = edu_find(), apic_id = launch->apic_id[0];

	memset((void *)OWNED_ROOT, 0, OWNED_STATUS + RV_PAGE_SIZE - OWNED_ROOT);
	root[0].low = OWNED_CONTEXT | PRESENT;
	for (uint32_t i = 0; i < DEVICES; i++) {
		context[i].high = CONTEXT_39_BITS | CONTEXT_DOMAIN;
		context[i].low = PRESENT | CONTEXT_PASS_THROUGH;
	}
	entry_set(OWNED_EDU, (uint64_t)OWNED_EDU_VECTOR << 16, apic_id, edu);
	entry_set(OWNED_TIMER, (uint64_t)OWNED_TIMER_VECTOR << 16, apic_id, launch->ioapic[0].source_id);
	entry_set(OWNED_NMI, DELIVERY_NMI, apic_id, edu);

	unit = (volatile uint32_t *)launch->vtd[0].base;
	unit_write_address(VTD_RTADDR, OWNED_ROOT);
	unit_write_address(VTD_IQA, OWNED_QUEUE);
	unit_write_address(VTD_IRTA, OWNED_TABLE | OWNED_ENTRIES_SHIFT);
	unit_write(VTD_IQT, 0);
	return edu != 0 && unit_command(GCMD_SRTP) && unit_command(GCMD_QIE) && unit_command(GCMD_SIRTP) &&
	       unit_invalidate() && unit_command(GCMD_IRE) && unit_command(GCMD_TE);
}

bool owner_iommu_read(const struct iommu_source *source, struct dmar *dmar, struct rv_launch *launch,
		      struct boot_error *note, struct boot_error *error)
{
	if (!iommu_read(source, dmar, launch, note, error))
		return false;
	if (launch->vtd_count != 1)
		return text_fail(error, "this test is for one remapping unit, not %u", launch->vtd_count);
	return own(launch) || text_fail(error, "the remapping unit does not follow its former owner");
}
