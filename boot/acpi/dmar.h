/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dmar.h - reads the ACPI table DMAR (VT-d specification, chapter 8): DMA remapping units, reserved memory, and which device
 * belongs to which unit. For all front ends: pure functions over bytes; PCI configuration space is read only through a
 * function of the caller.
 *
 * The table comes from firmware and is not trusted: nothing is read outside of it, and everything that makes it ambiguous is
 * an error. What is tolerated: structures and scopes of unknown types are skipped by their length (8.2: software must); the unit
 * with INCLUDE_PCI_ALL may stand anywhere, and structures in any order, though firmware should sort them; a unit or RMRR
 * without scopes; a path through a bridge that is not there (the device is not there then either).
 */
#ifndef BOOT_DMAR_H
#define BOOT_DMAR_H

#include <ravelin/launch.h>

#ifndef __KERNEL__
#include <stdbool.h>
#include <stddef.h>
#endif

#define DMAR_MAX_UNITS RV_LAUNCH_MAX_VTD
#define DMAR_MAX_RMRRS 64u
#define DMAR_MAX_SCOPES 512u

/* clang-format off */
/** X(NAME, "sentence"): $0 is the value in hexadecimal, #0 the same in decimal. */
#define DMAR_ERRORS(X) \
	X(NONE, "no error") \
	X(HEADER, "the table has #0 bytes, and its header is cut off or is that of another table") \
	X(WIDTH, "the host address width is #0 bits; only 32 to 52 are possible") \
	X(STRUCTURE_CUT, "the table ends inside of the header of a structure") \
	X(STRUCTURE_SHORT, "a structure has only #0 bytes, which is too short for its type") \
	X(STRUCTURE_LONG, "a structure of #0 bytes goes beyond the end of the table") \
	X(UNITS_MANY, "there are more than #0 DMA remapping units") \
	X(UNIT_BASE, "the register base $0 of a DMA remapping unit is no address") \
	X(UNIT_ALIGN, "the register base $0 of a DMA remapping unit is not page aligned") \
	X(UNIT_OVERLAP, "the registers at $0 overlap those of another DMA remapping unit") \
	X(UNIT_TAKEN, "the registers of a DMA remapping unit overlap what is at $0: RAM or another device") \
	X(ALL_TWICE, "a second DMA remapping unit claims all remaining devices of PCI segment #0") \
	X(SCOPE_CUT, "the structure ends inside of the header of a device scope") \
	X(SCOPE_SHORT, "a device scope has only #0 bytes") \
	X(SCOPE_LONG, "a device scope of #0 bytes goes beyond the end of its structure") \
	X(SCOPES_MANY, "there are more than #0 device scopes") \
	X(PATH_EMPTY, "the path of a device scope is empty") \
	X(PATH_ODD, "the path of a device scope ends in the middle: it has #0 bytes") \
	X(PATH_NUMBER, "the path of a device scope names device or function #0, which PCI does not have") \
	X(DEVICE_TWICE, "a second DMA remapping unit claims the device with source id $0") \
	X(IOAPIC_TWICE, "the IOAPIC with id #0 is named a second time, by another unit or as another device") \
	X(RMRRS_MANY, "there are more than #0 reserved memory regions") \
	X(RMRR_ALIGN, "a reserved memory region does not begin and end with a page: $0") \
	X(RMRR_ORDER, "a reserved memory region ends before it begins, at $0") \
	X(RMRR_RANGE, "a reserved memory region ends at $0, beyond the host address width")
/* clang-format on */

enum dmar_error_id {
#define DMAR_ERROR_ENUM(name, text) DMAR_ERROR_##name,
	DMAR_ERRORS(DMAR_ERROR_ENUM)
#undef DMAR_ERROR_ENUM
};

struct dmar_error {
	uint32_t id; /* enum dmar_error_id */
	uint32_t offset; /* in the table, of what is wrong */
	uint64_t value; /* for the sentence */
};

enum dmar_scope_type {
	DMAR_SCOPE_ENDPOINT = 1, /* one PCI function */
	DMAR_SCOPE_BRIDGE = 2, /* a PCI bridge and all below it */
	DMAR_SCOPE_IOAPIC = 3, /* id: as in the MADT */
	DMAR_SCOPE_HPET = 4, /* id: number of the timer block */
	DMAR_SCOPE_NAMESPACE = 5 /* id: ACPI device number, as in an ANDD structure */
};

/** One device of a unit or RMRR. Its segment is that of the unit or RMRR. */
struct dmar_scope {
	uint8_t type; /* enum dmar_scope_type */
	uint8_t id; /* what firmware calls it, by type */
	uint8_t resolved; /* 0: a bridge on the path is not there; source_id is then without meaning */
	uint8_t reserved;
	uint16_t source_id; /* bus << 8 | device << 3 | function */
	uint16_t segment;
};

/** One DMA remapping unit (DRHD structure). */
struct dmar_unit {
	uint64_t base; /* physical address of the registers, page aligned */
	uint32_t bytes; /* size of the register set as the table has it, 4096 << n */
	uint32_t offset; /* of the structure in the table */
	uint16_t segment;
	uint16_t all; /* 1: INCLUDE_PCI_ALL */
	uint32_t scope_first; /* its scopes in dmar.scope */
	uint32_t scope_count;
};

/** One reserved memory region (RMRR structure). */
struct dmar_rmrr {
	uint64_t base; /* page aligned */
	uint64_t limit; /* last byte, > base */
	uint32_t offset; /* of the structure in the table */
	uint32_t segment;
	uint32_t scope_first; /* its scopes in dmar.scope */
	uint32_t scope_count;
};

/** The whole table. */
struct dmar {
	uint32_t address_bits; /* host address width: 32 to 52 */
	uint32_t flags; /* RV_LAUNCH_VTD_INTR_REMAP, ... */
	uint32_t unit_count;
	uint32_t rmrr_count;
	uint32_t scope_count;
	uint32_t skipped; /* structures that matter to nobody here: ATSR, RHSA, ANDD, SATC, SIDP */
	uint32_t unknown; /* structures and scopes of unknown types */
	struct dmar_unit unit[DMAR_MAX_UNITS];
	struct dmar_rmrr rmrr[DMAR_MAX_RMRRS];
	struct dmar_scope scope[DMAR_MAX_SCOPES];
};

/** PCI configuration space of the machine, read to follow paths through bridges. */
struct dmar_pci {
	/* One byte at @offset (below 64) of a function; 0xff if the function is not there or cannot be reached. */
	uint8_t (*read8)(void *context, uint16_t segment, uint16_t source_id, uint8_t offset);
	void *context;
};

/**
 * Reads a whole table.
 * @table:  @bytes bytes may be read; the checksum is the caller's business.
 * @dmar:   overwritten; of use only after success.
 * Returns true, or false with the first error in @error: any of enum dmar_error_id but NONE and UNIT_TAKEN.
 */
bool dmar_parse(const uint8_t *table, size_t bytes, const struct dmar_pci *pci, struct dmar *dmar,
		struct dmar_error *error);

/**
 * Checks that no unit's registers overlap [@base, @base + @bytes), where something else is known to be.
 * Returns false with UNIT_TAKEN in @error otherwise. A range that goes beyond 2^64 ends there.
 */
bool dmar_check_apart(const struct dmar *dmar, uint64_t base, uint64_t bytes, struct dmar_error *error);

/** True if some unit of PCI segment @segment has all devices that no other unit claims. */
bool dmar_covers_all(const struct dmar *dmar, uint16_t segment);

/**
 * Puts the table into the launch structure: all fields vtd_ and rmrr_, and source_id of the IOAPICs that are in it already.
 * Reserved regions that touch or overlap are joined. A table without units gives what no table would: all of it is 0.
 * Returns false with RMRRS_MANY in @error if more than RV_LAUNCH_MAX_RMRR regions are left.
 */
bool dmar_launch_fill(const struct dmar *dmar, struct rv_launch *launch, struct dmar_error *error);

/** The sentence of error @id, with $0 or #0 for the value. */
const char *dmar_error_sentence(uint32_t id);

#endif
