/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * memory.h - the map of physical memory: sorted extents that do not overlap, and searches for free places in it.
 */
#ifndef BOOT_MEMORY_H
#define BOOT_MEMORY_H

#include "mbi.h"

#define MEMORY_MAX_EXTENTS 256u
#define MEMORY_4G (1ull << 32)

/* Types as in an e820 map. Gaps between extents are unknown: most likely devices. */
enum memory_type {
	MEMORY_RAM = 1,
	MEMORY_RESERVED = 2,
	MEMORY_ACPI = 3, /* tables that the guest may reclaim after it has read them */
	MEMORY_ACPI_NVS = 4,
	MEMORY_BAD = 5,
	MEMORY_PERSISTENT = 7,
	MEMORY_BUSY = 0x100 /* used in plans only: RAM that is taken */
};

struct memory_extent {
	uint64_t base;
	uint64_t end; /* behind the last byte, > base */
	uint32_t type;
};

/** Sorted by base; neighbours of one type are merged. */
struct memory_map {
	uint32_t count;
	struct memory_extent extent[MEMORY_MAX_EXTENTS];
};

/** What memory_find_high() and memory_find_low() look for. */
struct memory_request {
	uint64_t bytes; /* > 0 */
	uint64_t align; /* power of two */
	uint64_t lowest; /* the place begins here or above */
	uint64_t limit; /* it ends here or below */
};

/**
 * Builds the map from the boot information. Where entries overlap, what is not RAM wins over RAM, and of two others the
 * higher type. Types that Linux does not know become MEMORY_RESERVED. Fails if there is no memory map, if it is too long,
 * or if it has no RAM.
 */
bool memory_read(const struct mbi *mbi, struct memory_map *map, struct boot_error *error);

/** Gives [base, end) the type @type, whatever was there. Returns false and changes nothing if the map is full. */
bool memory_set(struct memory_map *map, uint64_t base, uint64_t end, uint32_t type);

/**
 * As memory_set(), but only for what is RAM now; @type must be another one than MEMORY_RAM. Returns false if the map is
 * full; some of the range may have been taken then.
 */
bool memory_take(struct memory_map *map, uint64_t base, uint64_t end, uint32_t type);

/** Finds the highest place in RAM for @request and puts its address into @base. Returns false if there is none. */
bool memory_find_high(const struct memory_map *map, const struct memory_request *request, uint64_t *base);

/** As memory_find_high(), but the lowest place. */
bool memory_find_low(const struct memory_map *map, const struct memory_request *request, uint64_t *base);

/** Size of the largest place that a request with this alignment and these bounds could get; multiple of @align. */
uint64_t memory_largest(const struct memory_map *map, uint64_t align, uint64_t lowest, uint64_t limit);

/** True if all of [base, end) is RAM. */
bool memory_is_ram(const struct memory_map *map, uint64_t base, uint64_t end);

#endif
