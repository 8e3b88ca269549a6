/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * acpi.h - finds tables: RSDP -> XSDT or RSDT -> table (ACPI Specification 6.4, 5.2.5 to 5.2.8), and reads CPUs and IOAPICs
 * out of the MADT (5.2.12) and the regions of PCI configuration space out of the MCFG (PCI Firmware Specification 3.0, 4.1.2).
 */
#ifndef BOOT_ACPI_H
#define BOOT_ACPI_H

#include <ravelin/launch.h>

#include "text.h"

#define ACPI_RSDP_OLD_BYTES 20u
#define ACPI_RSDP_BYTES 36u

/** The physical memory that may be read: address @first is at @view, and @bytes of it are there. */
struct acpi_memory {
	const uint8_t *view;
	uint64_t first;
	uint64_t bytes;
};

/** The enabled CPUs by APIC id, in the order of the MADT. */
struct acpi_cpus {
	uint32_t count; /* entries of apic_id */
	uint32_t enabled; /* enabled CPUs in the MADT, may be more than RV_MAX_CPUS */
	uint32_t apic_id[RV_MAX_CPUS];
};

/**
 * Checks an RSDP: signature, length, and checksums.
 * @bytes may be read at @rsdp. Returns the length that counts (20 or 36), or 0 if it is not a good one.
 */
uint32_t acpi_rsdp_check(const uint8_t *rsdp, uint64_t bytes);

/**
 * Looks for a good RSDP on the 16-byte boundaries of [@address, @address + @bytes).
 * Returns its physical address, or 0.
 */
uint64_t acpi_rsdp_scan(const struct acpi_memory *memory, uint64_t address, uint64_t bytes);

/**
 * Reads the list of enabled CPUs, the one with APIC id @boot_apic_id first.
 * @rsdp: checked by acpi_rsdp_check(), @rsdp_bytes is what that returned.
 * Fails, with a sentence in @error, if a table is out of reach or malformed, or if it does not list the boot CPU.
 */
bool acpi_cpus_read(const struct acpi_memory *memory, const uint8_t *rsdp, uint32_t rsdp_bytes, uint32_t boot_apic_id,
		    struct acpi_cpus *cpus, struct boot_error *error);

/**
 * Reads the IOAPICs of the MADT into launch->ioapic; no unit names them yet.
 * Fails as acpi_cpus_read(), and if there are more than RV_LAUNCH_MAX_IOAPIC.
 */
bool acpi_ioapics_read(const struct acpi_memory *memory, const uint8_t *rsdp, uint32_t rsdp_bytes,
		       struct rv_launch *launch, struct boot_error *error);

/**
 * Reads the regions of memory-mapped PCI configuration space into launch->ecam: none if there is no MCFG.
 * Fails, with a sentence in @error, if a table is malformed, or if there are more than RV_LAUNCH_MAX_ECAM regions.
 */
bool acpi_ecam_read(const struct acpi_memory *memory, const uint8_t *rsdp, uint32_t rsdp_bytes,
		    struct rv_launch *launch, struct boot_error *error);

/**
 * Finds a table of which there must not be two.
 * @signature: four characters. @table and @bytes: the whole table, its checksum good; NULL if there is none.
 * Fails, with a sentence in @error, if the root table or the table itself is malformed, or if there is a second one.
 */
bool acpi_table_find(const struct acpi_memory *memory, const uint8_t *rsdp, uint32_t rsdp_bytes, const char *signature,
		     const uint8_t **table, uint32_t *bytes, struct boot_error *error);

#endif
