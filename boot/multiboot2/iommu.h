/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iommu.h - what the ACPI tables say about DMA remapping, interrupts and PCI, for the hypervisor.
 */
#ifndef BOOT_IOMMU_H
#define BOOT_IOMMU_H

#include "../acpi/dmar.h"
#include "acpi.h"
#include "cmdline.h"
#include "memory.h"

/** What the tables are and how to read them. */
struct iommu_source {
	const struct acpi_memory *memory;
	const uint8_t *rsdp; /* checked by acpi_rsdp_check(), which returned rsdp_bytes */
	uint32_t rsdp_bytes;
	const struct dmar_pci *pci; /* called only after launch->ecam is filled */
	const struct memory_map *map; /* the firmware's */
	uint32_t (*ioapic_version)(
	    uint64_t base); /* reads the version register of the IOAPIC there; keeps what it has selected */
	enum cmdline_iommu mode;
};

/**
 * Fills the fields of @launch from vtd_flags to ecam: IOAPICs always, the rest unless the mode is CMDLINE_IOMMU_OFF.
 * @dmar: work space; holds the table afterwards, all zero if there is none.
 * @note: set to a sentence for the user if DMA is not guarded, or perhaps not that of all devices; otherwise "".
 * Fails, with a sentence in @error, if a table is malformed, if a unit's registers overlap RAM or what other tables name, or if the
 * mode is CMDLINE_IOMMU_REQUIRE and there is no unit.
 */
bool iommu_read(const struct iommu_source *source, struct dmar *dmar, struct rv_launch *launch, struct boot_error *note,
		struct boot_error *error);

/** Takes what the devices of the RMRRs use out of the RAM in @map. Returns false if the map is full. */
bool iommu_reserve(const struct rv_launch *launch, struct memory_map *map);

#endif
