/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dmar.c - fuzz target: the DMAR parser. The input is: one byte that makes the PCI machine, then the table; its length field is
 * set right if the byte's lowest bit is 0. Beside memory faults it looks for results that break the rules of the unit test.
 */
#include "../../unit/boot/dmar_tables.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* Some functions are bridges, of which some lead forward; which ones depends on the input's first byte. */
static uint8_t machine_read8(void *context, uint16_t segment, uint16_t source_id, uint8_t offset)
{
	uint32_t mix = (source_id + segment * 31u + *(const uint8_t *)context) * 2654435761u;

	if (mix >> 30 == 0)
		return 0xff;
	if (offset == 0x0e)
		return mix >> 30 == 1 ? 0x80 : 0x81;
	require(offset == 0x19);
	return (uint8_t)((source_id >> 8) + (mix >> 16) % 5);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dmar dmar;
	static struct rv_launch launch;
	struct dmar_error error;
	struct dmar_pci pci = {machine_read8, NULL};
	uint8_t machine;
	uint8_t *table;

	if (size < 1 || size > DMAR_TABLE_MAX)
		return 0;
	machine = data[0];
	size--;
	/* Memory of exactly the table's size. */
	table = malloc(size > 0 ? size : 1);
	if (!table)
		return 0;
	memcpy(table, data + 1, size);
	if (size >= 8 && !(machine & 1))
		memcpy(table + 4, &(uint32_t){(uint32_t)size}, 4);
	pci.context = &machine;

	if (!dmar_parse(table, size, &pci, &dmar, &error)) {
		require(error.id > DMAR_ERROR_NONE && error.id <= DMAR_ERROR_RMRR_RANGE &&
			error.id != DMAR_ERROR_UNIT_TAKEN && error.offset <= size);
		free(table);
		return 0;
	}
	require(!dmar_rule_broken(&dmar, (uint32_t)size));
	for (uint32_t i = 0; i < dmar.unit_count; i++) {
		const struct dmar_unit *unit = &dmar.unit[i];

		require(!dmar_check_apart(&dmar, unit->base + unit->bytes - 1, 1, &error));
		require(!dmar_check_apart(&dmar, 0, unit->base + 1, &error) && error.id == DMAR_ERROR_UNIT_TAKEN);
		require(dmar_check_apart(&dmar, unit->base, 0, &error));
		require(!unit->all || dmar_covers_all(&dmar, unit->segment));
	}
	launch.ioapic_count = RV_LAUNCH_MAX_IOAPIC;
	for (uint32_t i = 0; i < RV_LAUNCH_MAX_IOAPIC; i++)
		launch.ioapic[i].id = i;
	if (dmar_launch_fill(&dmar, &launch, &error))
		require(!dmar_launch_rule_broken(&dmar, &launch));
	else
		require(error.id == DMAR_ERROR_RMRRS_MANY && error.offset < size);
	free(table);
	return 0;
}
