/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * acpi.c - finds ACPI tables, and what is in the MADT and the MCFG.
 */
#include "acpi.h"

#define TABLE_HEADER_BYTES 36u
#define TABLE_MAX_BYTES (1u << 20)
#define MADT_FIXED_BYTES 44u
#define MADT_LOCAL_APIC 0
#define MADT_IOAPIC 1
#define MADT_LOCAL_X2APIC 9
#define MADT_ENABLED 1u
#define MCFG_FIXED_BYTES 44u
#define MCFG_ENTRY_BYTES 16u
#define ECAM_BUS_BYTES (1ull << 20)
#define ECAM_HIGHEST (1ull << 52)

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

/* The root table, and how to read it. */
struct root {
	const uint8_t *table;
	const char *name;
	uint32_t count; /* entries */
	bool wide; /* XSDT: entries of 8 bytes, otherwise 4 */
};

static bool root_open(const struct acpi_memory *memory, const uint8_t *rsdp, uint32_t rsdp_bytes, struct root *root,
		      struct boot_error *error)
{
	root->wide = rsdp_bytes >= ACPI_RSDP_BYTES && le64(rsdp + 24);
	root->name = root->wide ? "XSDT" : "RSDT";
	root->table = table_at(memory, root->wide ? le64(rsdp + 24) : le32(rsdp + 16), root->name, error);
	if (!root->table)
		return false;
	root->count = (le32(root->table + 4) - TABLE_HEADER_BYTES) / (root->wide ? 8 : 4);
	return true;
}

/* Finds the next table with the signature, from entry @index on, which is moved behind it. Returns 0 if there is none. */
static uint64_t root_next(const struct acpi_memory *memory, const struct root *root, const char *signature,
			  uint32_t *index)
{
	while (*index < root->count) {
		const uint8_t *entry = root->table + TABLE_HEADER_BYTES + (size_t)*index * (root->wide ? 8 : 4);
		uint64_t at = root->wide ? le64(entry) : le32(entry);
		const uint8_t *found = memory_at(memory, at, 4);

		++*index;
		if (found && !memcmp(found, signature, 4))
			return at;
	}
	return 0;
}

bool acpi_table_find(const struct acpi_memory *memory, const uint8_t *rsdp, uint32_t rsdp_bytes, const char *signature,
		     const uint8_t **table, uint32_t *bytes, struct boot_error *error)
{
	struct root root;
	uint32_t index = 0;
	uint64_t at;
	uint64_t other;

	*table = NULL;
	*bytes = 0;
	if (!root_open(memory, rsdp, rsdp_bytes, &root, error))
		return false;
	at = root_next(memory, &root, signature, &index);
	if (!at)
		return true;
	/* Firmware may list one table twice; two tables are another thing. */
	while ((other = root_next(memory, &root, signature, &index)) != 0) {
		if (other != at)
			return text_fail(error, "there are two ACPI tables %s, at 0x%llx and 0x%llx", signature,
					 (unsigned long long)at, (unsigned long long)other);
	}
	*table = table_at(memory, at, signature, error);
	if (!*table)
		return false;
	*bytes = le32(*table + 4);
	return true;
}

/* The first MADT, as Linux takes it, and its length, which is at least that of the fixed part. */
static const uint8_t *madt_find(const struct acpi_memory *memory, const uint8_t *rsdp, uint32_t rsdp_bytes,
				uint32_t *bytes, struct boot_error *error)
{
	struct root root;
	const uint8_t *madt;
	uint32_t index = 0;
	uint64_t at;

	if (!root_open(memory, rsdp, rsdp_bytes, &root, error))
		return NULL;
	at = root_next(memory, &root, "APIC", &index);
	if (!at) {
		text_fail(error, "the ACPI %s names no MADT (APIC): the CPUs cannot be found", root.name);
		return NULL;
	}
	madt = table_at(memory, at, "APIC", error);
	if (!madt)
		return NULL;
	*bytes = le32(madt + 4);
	if (*bytes < MADT_FIXED_BYTES) {
		text_fail(error, "the ACPI table MADT is too short: %u bytes", *bytes);
		return NULL;
	}
	return madt;
}

/* Length of the MADT's entry at @offset, or 0 if it is malformed. At least two bytes are left. */
static uint32_t madt_entry_bytes(const uint8_t *madt, uint32_t bytes, uint32_t offset, struct boot_error *error)
{
	uint32_t size = madt[offset + 1];

	if (size >= 2 && size <= bytes - offset)
		return size;
	text_fail(error, "the ACPI table MADT has an entry of %u bytes at offset %u", size, offset);
	return 0;
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
	uint32_t bytes = 0;
	const uint8_t *madt = madt_find(memory, rsdp, rsdp_bytes, &bytes, error);
	bool boot_seen = false;
	uint32_t size;

	memset(cpus, 0, sizeof(*cpus));
	if (!madt)
		return false;
	/* The boot CPU comes first even when the table lists it later, and when it lists too many before it. */
	cpu_add(cpus, boot_apic_id);
	for (uint32_t offset = MADT_FIXED_BYTES; bytes - offset >= 2; offset += size) {
		const uint8_t *entry = madt + offset;

		size = madt_entry_bytes(madt, bytes, offset, error);
		if (!size)
			return false;
		if (entry[0] == MADT_LOCAL_APIC && size >= 8 && (le32(entry + 4) & MADT_ENABLED)) {
			boot_seen = boot_seen || entry[3] == boot_apic_id;
			cpu_add(cpus, entry[3]);
		} else if (entry[0] == MADT_LOCAL_X2APIC && size >= 16 && (le32(entry + 8) & MADT_ENABLED)) {
			boot_seen = boot_seen || le32(entry + 4) == boot_apic_id;
			cpu_add(cpus, le32(entry + 4));
		}
	}
	if (!boot_seen)
		return text_fail(error, "the ACPI table MADT does not list the boot CPU (APIC id 0x%x) as enabled",
				 boot_apic_id);
	return true;
}

bool acpi_ioapics_read(const struct acpi_memory *memory, const uint8_t *rsdp, uint32_t rsdp_bytes,
		       struct rv_launch *launch, struct boot_error *error)
{
	uint32_t bytes = 0;
	const uint8_t *madt = madt_find(memory, rsdp, rsdp_bytes, &bytes, error);
	uint32_t size;

	launch->ioapic_count = 0;
	if (!madt)
		return false;
	for (uint32_t offset = MADT_FIXED_BYTES; bytes - offset >= 2; offset += size) {
		const uint8_t *entry = madt + offset;
		struct rv_launch_ioapic *ioapic = &launch->ioapic[launch->ioapic_count];

		size = madt_entry_bytes(madt, bytes, offset, error);
		if (!size)
			return false;
		if (entry[0] != MADT_IOAPIC || size < 12)
			continue;
		if (launch->ioapic_count == RV_LAUNCH_MAX_IOAPIC)
			return text_fail(error, "the ACPI table MADT lists more than %u IOAPICs", RV_LAUNCH_MAX_IOAPIC);
		ioapic->base = le32(entry + 4);
		ioapic->id = entry[2];
		ioapic->gsi_base = le32(entry + 8);
		ioapic->line_count = 0;
		ioapic->source_id = RV_LAUNCH_NO_SOURCE;
		launch->ioapic_count++;
	}
	return true;
}

bool acpi_ecam_read(const struct acpi_memory *memory, const uint8_t *rsdp, uint32_t rsdp_bytes,
		    struct rv_launch *launch, struct boot_error *error)
{
	const uint8_t *mcfg;
	uint32_t bytes;

	launch->ecam_count = 0;
	if (!acpi_table_find(memory, rsdp, rsdp_bytes, "MCFG", &mcfg, &bytes, error))
		return false;
	if (!mcfg)
		return true;
	if (bytes < MCFG_FIXED_BYTES || (bytes - MCFG_FIXED_BYTES) % MCFG_ENTRY_BYTES)
		return text_fail(error, "the ACPI table MCFG has a bad length: %u", bytes);
	for (uint32_t offset = MCFG_FIXED_BYTES; offset < bytes; offset += MCFG_ENTRY_BYTES) {
		const uint8_t *entry = mcfg + offset;
		struct rv_launch_ecam *ecam = &launch->ecam[launch->ecam_count];
		uint64_t base = le64(entry);

		if (!base || base % ECAM_BUS_BYTES || base >= ECAM_HIGHEST || entry[10] > entry[11])
			return text_fail(
			    error, "the ACPI table MCFG has a bad entry at offset %u: base 0x%llx, buses %u to %u",
			    offset, (unsigned long long)base, entry[10], entry[11]);
		if (launch->ecam_count == RV_LAUNCH_MAX_ECAM)
			return text_fail(error, "the ACPI table MCFG has more than %u regions", RV_LAUNCH_MAX_ECAM);
		ecam->base = base;
		ecam->segment = le16(entry + 8);
		ecam->first_bus = entry[10];
		ecam->last_bus = entry[11];
		ecam->reserved = 0;
		launch->ecam_count++;
	}
	return true;
}
