/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iommu.c - what the ACPI tables say about DMA remapping, interrupts and PCI.
 */
#include "iommu.h"

#include "reason.h"

#define IOAPIC_BYTES 4096u
#define IOAPIC_LINES_MAX 120u /* an index has 8 bits; two registers each, from 0x10 on */
#define IOAPIC_LAST_SHIFT 16 /* number of the last line in the version register (Intel 82093AA, 3.2.2) */
#define ECAM_BUS_BYTES (1ull << 20)
#define LOCAL_APIC_BASE 0xfee00000u /* writes of devices to this MiB are interrupts (SDM vol. 3, 11.11.1) */
#define LOCAL_APIC_BYTES (1u << 20)

static bool dmar_fail(const struct dmar_error *dmar_error, struct boot_error *error)
{
	char sentence[BOOT_SENTENCE_MAX];

	reason_expand(sentence, sizeof(sentence), dmar_error_sentence(dmar_error->id), dmar_error->value, 0);
	return text_fail(error, "the ACPI table DMAR is malformed at offset %u: %s (iommu=off: start without it)",
			 dmar_error->offset, sentence);
}

/* Registers of a remapping unit that are somewhere else, too, would be given away with that. */
static bool units_check(const struct iommu_source *source, const struct dmar *dmar, const struct rv_launch *launch,
			struct dmar_error *error)
{
	for (uint32_t i = 0; i < source->map->count; i++) {
		const struct memory_extent *e = &source->map->extent[i];

		if (e->type != MEMORY_RESERVED && !dmar_check_apart(dmar, e->base, e->end - e->base, error))
			return false;
	}
	for (uint32_t i = 0; i < launch->ioapic_count; i++) {
		if (!dmar_check_apart(dmar, launch->ioapic[i].base, IOAPIC_BYTES, error))
			return false;
	}
	for (uint32_t i = 0; i < launch->ecam_count; i++) {
		const struct rv_launch_ecam *ecam = &launch->ecam[i];

		if (!dmar_check_apart(dmar, ecam->base + ecam->first_bus * ECAM_BUS_BYTES,
				      (ecam->last_bus - ecam->first_bus + 1u) * ECAM_BUS_BYTES, error))
			return false;
	}
	return dmar_check_apart(dmar, LOCAL_APIC_BASE, LOCAL_APIC_BYTES, error);
}

/* A segment without a unit for all remaining devices is covered device by device, or in part. */
static void cover_note(const struct dmar *dmar, const struct rv_launch *launch, struct boot_error *note)
{
	uint16_t segment = 0;
	bool covered = dmar_covers_all(dmar, segment);

	for (uint32_t i = 0; i < launch->ecam_count && covered; i++) {
		segment = launch->ecam[i].segment;
		covered = dmar_covers_all(dmar, segment);
	}
	if (!covered)
		text_fail(
		    note,
		    "the DMAR table names the devices of PCI segment %u one by one: any other there is not guarded",
		    segment);
}

static bool dmar_read(const struct iommu_source *source, const uint8_t *table, uint32_t bytes, struct dmar *dmar,
		      struct rv_launch *launch, struct boot_error *error)
{
	struct dmar_error dmar_error = {0};

	if (dmar_parse(table, bytes, source->pci, dmar, &dmar_error) &&
	    units_check(source, dmar, launch, &dmar_error) && dmar_launch_fill(dmar, launch, &dmar_error))
		return true;
	return dmar_fail(&dmar_error, error);
}

/* Which interrupt lines can leave the guest: its IOAPIC is alone in its page then, and a unit has to know who sends. */
static void lines_read(const struct iommu_source *source, struct rv_launch *launch)
{
	for (uint32_t i = 0; i < launch->ioapic_count; i++) {
		struct rv_launch_ioapic *ioapic = &launch->ioapic[i];
		bool ok = ioapic->base % RV_PAGE_SIZE == 0 &&
			  (!launch->vtd_count || ioapic->source_id != RV_LAUNCH_NO_SOURCE);

		for (uint32_t j = 0; j < launch->ioapic_count; j++)
			ok = ok && (j == i || launch->ioapic[j].base / RV_PAGE_SIZE != ioapic->base / RV_PAGE_SIZE);
		ioapic->line_count = ok ? (source->ioapic_version(ioapic->base) >> IOAPIC_LAST_SHIFT & 0xff) + 1 : 0;
		if (ioapic->line_count > IOAPIC_LINES_MAX)
			ioapic->line_count = IOAPIC_LINES_MAX;
	}
}

static bool tables_read(const struct iommu_source *source, struct dmar *dmar, struct rv_launch *launch,
			struct boot_error *note, struct boot_error *error)
{
	const uint8_t *table;
	uint32_t bytes;

	memset(dmar, 0, sizeof(*dmar));
	note->text[0] = 0;
	launch->vtd_flags = 0;
	launch->vtd_count = 0;
	launch->vtd_address_bits = 0;
	launch->rmrr_count = 0;
	launch->ecam_count = 0;
	if (!acpi_ioapics_read(source->memory, source->rsdp, source->rsdp_bytes, launch, error))
		return false;
	if (source->mode == CMDLINE_IOMMU_OFF) {
		text_fail(note, "iommu=off: devices can reach isolated memory");
		return true;
	}
	if (!acpi_ecam_read(source->memory, source->rsdp, source->rsdp_bytes, launch, error) ||
	    !acpi_table_find(source->memory, source->rsdp, source->rsdp_bytes, "DMAR", &table, &bytes, error))
		return false;
	if (table && !dmar_read(source, table, bytes, dmar, launch, error))
		return false;
	if (launch->vtd_count) {
		cover_note(dmar, launch, note);
		return true;
	}
	if (source->mode == CMDLINE_IOMMU_REQUIRE)
		return text_fail(error, "iommu=require: %s; switch VT-d on in the firmware setup",
				 table ? "the DMAR table has no DMA remapping unit" : "there is no DMAR table");
	text_fail(note, "%s: devices can reach isolated memory",
		  table ? "no DMA remapping unit in the DMAR table" : "no DMAR table");
	return true;
}

bool iommu_read(const struct iommu_source *source, struct dmar *dmar, struct rv_launch *launch, struct boot_error *note,
		struct boot_error *error)
{
	if (!tables_read(source, dmar, launch, note, error))
		return false;
	lines_read(source, launch);
	return true;
}

bool iommu_reserve(const struct rv_launch *launch, struct memory_map *map)
{
	bool ok = true;

	for (uint32_t i = 0; i < launch->rmrr_count; i++)
		ok = ok &&
		     memory_take(map, launch->rmrr[i].base, launch->rmrr[i].base + launch->rmrr[i].bytes, MEMORY_BUSY);
	return ok;
}
