/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * target.h - what mkupdate knows about the executable that is to be updated.
 */
#ifndef MKUPDATE_TARGET_H
#define MKUPDATE_TARGET_H

#include "util.h"

#include <stdbool.h>
#include <stdint.h>

#define TARGET_BUILD_ID_SIZE 20

enum symbol_kind {
	SYMBOL_FUNCTION,
	SYMBOL_OBJECT,
	SYMBOL_OTHER
};

/** A defined symbol of .symtab or .dynsym. */
struct target_symbol {
	char *name;
	uint64_t address; /* in the ELF file's terms, as are all addresses here */
	uint64_t size;
	enum symbol_kind kind;
	bool is_global;
	bool is_update; /* of an earlier update's new code, not of the executable */
};

/** A slot of the global offset table that the dynamic linker fills with the address of another object's symbol. */
struct target_import {
	char *name;
	uint64_t slot;
};

/** A loaded segment. */
struct target_segment {
	uint64_t address;
	uint64_t file_bytes;
	uint64_t memory_bytes;
	uint64_t file_offset;
	bool can_write;
	bool can_execute;
};

/** New memory that an earlier update has brought. */
struct target_region {
	const char *path; /* of that update */
	uint64_t address;
	uint64_t bytes;
	bool is_code;
};

struct target {
	const char *path;
	char name[64]; /* base name of the file that path leads to */
	struct buffer file;
	uint8_t build_id[TARGET_BUILD_ID_SIZE];
	bool is_pie;
	uint64_t base; /* of the lowest segment, rounded down to a page */
	uint64_t end; /* of the highest segment, rounded up to a page */
	uint64_t relro_end; /* end of what the dynamic linker write-protects, 0 = nothing */
	struct target_segment *segment;
	size_t segment_count;
	struct target_symbol *symbol; /* ascending by name, then by address; no two with both equal */
	size_t symbol_count;
	struct target_import *import;
	size_t import_count;
	struct target_region *region; /* see earlier.h */
	size_t region_count;
	uint64_t sequence; /* of the last earlier update, 0 = none */
};

/**
 * Reads the ELF file. Ends the program with EXIT_TARGET if it is not one that can be updated.
 *
 * @param symbols  another ELF file of the same build that has the symbols, such as a distribution's debug file, or NULL
 */
void target_open(struct target *t, const char *path, const char *symbols);

/**
 * The symbol of that name: a global one, otherwise the only local one. NULL: there is none. Ends the program if several
 * local symbols have the name.
 */
const struct target_symbol *target_find(const struct target *t, const char *name);

/**
 * Adds a symbol of an earlier update's new code. A function of the executable keeps its name: going there leads to the newest
 * code. In all other cases the name means the new symbol from now on.
 */
void target_add_update_symbol(struct target *t, const char *name, uint64_t address, uint64_t size, bool is_function);

/** Adds new memory of an earlier update; if it is not code, its variables count as the target's. */
void target_add_update_region(struct target *t, const char *path, uint64_t address, uint64_t bytes, bool is_code);

/** The earlier update's memory that has a byte of [address, address + bytes), or NULL. */
const struct target_region *target_find_region(const struct target *t, uint64_t address, uint64_t bytes);

/** Writes to the program's code as an earlier update does. False if not all of it is code from the file. */
bool target_patch(struct target *t, uint64_t address, const uint8_t *content, size_t bytes);

/** The import of that name, or NULL. */
const struct target_import *target_find_import(const struct target *t, const char *name);

/** Content of [address, address + bytes) if all of it comes from the file, otherwise NULL. */
const uint8_t *target_content(const struct target *t, uint64_t address, uint64_t bytes, bool must_execute);

#endif
