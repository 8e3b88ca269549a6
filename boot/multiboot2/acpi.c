/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * acpi.c - finds the usable CPUs in the ACPI tables.
 */
#include "acpi.h"

#define TABLE_HEADER_BYTES 36u
#define TABLE_MAX_BYTES (1u << 20)
#define MADT_FIXED_BYTES 44u
#define MADT_LOCAL_APIC 0
#define MADT_LOCAL_X2APIC 9
#define MADT_ENABLED 1u

static uint8_t sum_bytes(const uint8_t *at, uint64_t bytes)
{
	uint8_t sum = 0;

	while (bytes--)
		sum = (uint8_t)(sum + *at++);
	return sum;
}

static const uint8_t *memory_at(const struct acpi_memory *memory, uint64_t address, uint64_t bytes)
{
	if (address < memory->first || address - memory->first > memory->bytes ||
	    bytes > memory->bytes - (address - memory->first))
		return NULL;
	return memory->view + (address - memory->first);
}

uint32_t acpi_rsdp_check(const uint8_t *rsdp, uint64_t bytes)
{
	if (bytes < ACPI_RSDP_OLD_BYTES || memcmp(rsdp, "RSD PTR ", 8) || sum_bytes(rsdp, ACPI_RSDP_OLD_BYTES))
		return 0;
	/* Revision 0 is ACPI 1.0; later ones have an XSDT address, a length, and a second checksum. */
	if (rsdp[15] < 2)
		return ACPI_RSDP_OLD_BYTES;
	if (bytes < ACPI_RSDP_BYTES || le32(rsdp + 20) < ACPI_RSDP_BYTES || le32(rsdp + 20) > bytes ||
	    sum_bytes(rsdp, le32(rsdp + 20)))
		return 0;
	return ACPI_RSDP_BYTES;
}

uint64_t acpi_rsdp_scan(const struct acpi_memory *memory, uint64_t address, uint64_t bytes)
{
	const uint8_t *start = memory_at(memory, address, bytes);

	if (!start)
		return 0;
	for (uint64_t offset = 0; offset < bytes; offset += 16) {
		if (acpi_rsdp_check(start + offset, bytes - offset))
			return address + offset;
	}
	return 0;
}

/* A whole table with a good checksum, or NULL. @signature: four characters. */
static const uint8_t *table_at(const struct acpi_memory *memory, uint64_t address, const char *signature,
			       struct boot_error *error)
{
	const uint8_t *table = memory_at(memory, address, TABLE_HEADER_BYTES);
	uint32_t bytes;

	if (!table) {
		text_fail(error, "the ACPI table %s at 0x%llx is out of reach", signature, (unsigned long long)address);
		return NULL;
	}
	bytes = le32(table + 4);
	if (memcmp(table, signature, 4)) {
		text_fail(error, "there is no ACPI table %s at 0x%llx", signature, (unsigned long long)address);
		return NULL;
	}
	if (bytes < TABLE_HEADER_BYTES || bytes > TABLE_MAX_BYTES || !memory_at(memory, address, bytes)) {
		text_fail(error, "the ACPI table %s at 0x%llx has a bad length: %u", signature,
			  (unsigned long long)address, bytes);
		return NULL;
	}
	if (sum_bytes(table, bytes)) {
		text_fail(error, "the ACPI table %s at 0x%llx has a bad checksum", signature,
			  (unsigned long long)address);
		return NULL;
	}
	return table;
}

static const uint8_t *madt_find(const struct acpi_memory *memory, const uint8_t *rsdp, uint32_t rsdp_bytes,
				struct boot_error *error)
{
	bool wide = rsdp_bytes >= ACPI_RSDP_BYTES && le64(rsdp + 24);
	uint64_t address = wide ? le64(rsdp + 24) : le32(rsdp + 16);
	const char *name = wide ? "XSDT" : "RSDT";
	uint32_t entry_bytes = wide ? 8 : 4;
	const uint8_t *root = table_at(memory, address, name, error);
	uint32_t count;

	if (!root)
		return NULL;
	count = (le32(root + 4) - TABLE_HEADER_BYTES) / entry_bytes;
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *entry = root + TABLE_HEADER_BYTES + (size_t)i * entry_bytes;
		uint64_t at = wide ? le64(entry) : le32(entry);
		const uint8_t *signature = memory_at(memory, at, 4);

		if (signature && !memcmp(signature, "APIC", 4))
			return table_at(memory, at, "APIC", error);
	}
	text_fail(error, "the ACPI %s names no MADT (APIC): the CPUs cannot be found", name);
	return NULL;
}

static void cpu_add(struct acpi_cpus *cpus, uint32_t apic_id)
{
	for (uint32_t i = 0; i < cpus->count; i++) {
		if (cpus->apic_id[i] == apic_id)
			return;
	}
	cpus->enabled++;
	if (cpus->count < RV_MAX_CPUS)
		cpus->apic_id[cpus->count++] = apic_id;
}

bool acpi_cpus_read(const struct acpi_memory *memory, const uint8_t *rsdp, uint32_t rsdp_bytes, uint32_t boot_apic_id,
		    struct acpi_cpus *cpus, struct boot_error *error)
{
	const uint8_t *madt = madt_find(memory, rsdp, rsdp_bytes, error);
	bool boot_seen = false;
	uint32_t bytes;
	uint32_t offset = MADT_FIXED_BYTES;

	memset(cpus, 0, sizeof(*cpus));
	if (!madt)
		return false;
	bytes = le32(madt + 4);
	if (bytes < MADT_FIXED_BYTES)
		return text_fail(error, "the ACPI table MADT is too short: %u bytes", bytes);
	/* The boot CPU comes first even when the table lists it later, and when it lists too many before it. */
	cpu_add(cpus, boot_apic_id);
	while (bytes - offset >= 2) {
		const uint8_t *entry = madt + offset;
		uint32_t size = entry[1];

		if (size < 2 || size > bytes - offset)
			return text_fail(error, "the ACPI table MADT has an entry of %u bytes at offset %u", size,
					 offset);
		if (entry[0] == MADT_LOCAL_APIC && size >= 8 && (le32(entry + 4) & MADT_ENABLED)) {
			boot_seen = boot_seen || entry[3] == boot_apic_id;
			cpu_add(cpus, entry[3]);
		} else if (entry[0] == MADT_LOCAL_X2APIC && size >= 16 && (le32(entry + 8) & MADT_ENABLED)) {
			boot_seen = boot_seen || le32(entry + 4) == boot_apic_id;
			cpu_add(cpus, le32(entry + 4));
		}
		offset += size;
	}
	if (!boot_seen)
		return text_fail(error, "the ACPI table MADT does not list the boot CPU (APIC id 0x%x) as enabled",
				 boot_apic_id);
	return true;
}
