/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dmar_tables.h - DMAR tables for the unit tests and as seeds of the fuzz target, and a small PCI machine for their paths.
 */
#ifndef TEST_DMAR_TABLES_H
#define TEST_DMAR_TABLES_H

#include "../../../boot/acpi/dmar.h"

#include <stddef.h>

#define DMAR_TABLE_MAX 16384u

/** A table that is being built. It is whole, with length and checksum, after each call. */
struct dmar_builder {
	uint32_t size;
	uint32_t structure; /* offset of the last structure */
	uint8_t bytes[DMAR_TABLE_MAX];
};

/** Begins a table. @flags: as in the table. */
void dmar_builder_open(struct dmar_builder *b, unsigned int address_bits, uint8_t flags);

/** Adds a structure of any type with @bytes bytes, zero behind its header. */
void dmar_builder_structure(struct dmar_builder *b, uint16_t type, uint16_t bytes);

void dmar_builder_unit(struct dmar_builder *b, uint8_t flags, uint16_t segment, uint64_t base);

void dmar_builder_rmrr(struct dmar_builder *b, uint16_t segment, uint64_t base, uint64_t limit);

/** Adds a scope to the last structure. @path: @path_bytes bytes, device and function in turns. Returns its offset. */
uint32_t dmar_builder_scope(struct dmar_builder *b, uint8_t type, uint8_t id, uint8_t bus, const uint8_t *path,
			    uint8_t path_bytes);

/** Sets length and checksum once more, after the test has changed @size or bytes. */
void dmar_builder_close(struct dmar_builder *b);

enum dmar_table {
	DMAR_TABLE_QEMU, /* bytes as QEMU 7.2 makes them for -device intel-iommu,intremap=on */
	DMAR_TABLE_LAPTOP, /* graphics and the rest, RMRRs, an ACPI device */
	DMAR_TABLE_SERVER, /* DMAR_MAX_UNITS units, two segments, paths through bridges, all types of structures */
	DMAR_TABLE_RMRRS, /* DMAR_MAX_RMRRS regions, most of which touch another */
	DMAR_TABLE_EMPTY, /* no structure */
	DMAR_TABLE_COUNT
};

/** Makes one of the good tables. */
void dmar_table_make(struct dmar_builder *b, enum dmar_table table);

/*
 * The machine behind them: bridges 00:1c.0 -> bus 2, 02:01.0 -> bus 3, 0001:80:02.0 -> bus 0x90; 00:1c.5 has no number yet,
 * 00:1c.6 leads back to bus 0, 00:1f.0 is no bridge; all else is absent.
 */
extern const struct dmar_pci dmar_table_pci;

/** Says what a parsed table must not be, or NULL if all is well. @table_bytes: length of the table. */
const char *dmar_rule_broken(const struct dmar *dmar, uint32_t table_bytes);

/** The same for what dmar_launch_fill() made of it. */
const char *dmar_launch_rule_broken(const struct dmar *dmar, const struct rv_launch *launch);

#endif
