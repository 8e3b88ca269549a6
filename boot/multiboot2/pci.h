/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pci.h - reads PCI configuration space.
 */
#ifndef BOOT_PCI_H
#define BOOT_PCI_H

#include <ravelin/launch.h>

#include "acpi.h"

/** How to reach configuration space. */
struct pci {
	const struct acpi_memory *memory;
	const struct rv_launch *launch; /* for launch->ecam */
};

/**
 * Reads one byte at @offset (below 64) of the function @source_id (bus << 8 | device << 3 | function).
 * Segment 0 is read through I/O ports, which every PC has, others through memory.
 * @pci: a struct pci. Returns 0xff if the function is not there or cannot be reached.
 */
uint8_t pci_read8(void *pci, uint16_t segment, uint16_t source_id, uint8_t offset);

#endif
