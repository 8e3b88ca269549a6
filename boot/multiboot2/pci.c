/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pci.c - reads PCI configuration space (PCI Local Bus Specification 3.0, 3.2.2.3.2; PCI Express Base Specification, 7.2.2).
 */
#include "pci.h"

#include "cpu.h"

#include <ravelin/pci.h>

static uint8_t memory_read8(const struct pci *pci, uint16_t segment, uint16_t source_id, uint8_t offset)
{
	for (uint32_t i = 0; i < pci->launch->ecam_count; i++) {
		const struct rv_launch_ecam *ecam = &pci->launch->ecam[i];
		uint64_t address = ecam->base + ((uint64_t)source_id << 12) + offset;

		if (ecam->segment != segment || source_id >> 8 < ecam->first_bus || source_id >> 8 > ecam->last_bus)
			continue;
		if (address < pci->memory->first || address - pci->memory->first >= pci->memory->bytes)
			return 0xff;
		return *(const volatile uint8_t *)(pci->memory->view + (address - pci->memory->first));
	}
	return 0xff;
}

uint8_t pci_read8(void *pci, uint16_t segment, uint16_t source_id, uint8_t offset)
{
	if (segment)
		return memory_read8(pci, segment, source_id, offset);
	cpu_out32(PCI_ADDRESS, PCI_ENABLE | (uint32_t)source_id << 8 | (offset & 0xfcu));
	return (uint8_t)(cpu_in32(PCI_DATA) >> offset % 4 * 8);
}
