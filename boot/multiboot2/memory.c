/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * memory.c - the map of physical memory.
 */
#include "memory.h"

/* Puts an extent at @index and moves the others up. The caller has checked that there is room. */
static void extent_insert(struct memory_map *map, uint32_t index, uint64_t base, uint64_t end, uint32_t type)
{
	memmove(&map->extent[index + 1], &map->extent[index], (map->count - index) * sizeof(map->extent[0]));
	map->extent[index].base = base;
	map->extent[index].end = end;
	map->extent[index].type = type;
	map->count++;
}

static void extent_remove(struct memory_map *map, uint32_t index)
{
	map->count--;
	memmove(&map->extent[index], &map->extent[index + 1], (map->count - index) * sizeof(map->extent[0]));
}

/* Takes [base, end) out of all extents. */
static void range_clear(struct memory_map *map, uint64_t base, uint64_t end)
{
	for (uint32_t i = 0; i < map->count;) {
		struct memory_extent *e = &map->extent[i];

		if (e->end <= base || e->base >= end) {
			i++;
		} else if (e->base >= base && e->end <= end) {
			extent_remove(map, i);
		} else if (e->base < base && e->end > end) {
			uint64_t rest_end = e->end;

			e->end = base;
			extent_insert(map, i + 1, end, rest_end, e->type);
			return;
		} else if (e->base < base) {
			e->end = base;
			i++;
		} else {
			e->base = end;
			i++;
		}
	}
}

bool memory_set(struct memory_map *map, uint64_t base, uint64_t end, uint32_t type)
{
	uint32_t i = 0;

	if (base >= end)
		return true;
	/* At worst one extent is split and one is added. */
	if (map->count + 2 > MEMORY_MAX_EXTENTS)
		return false;
	range_clear(map, base, end);
	while (i < map->count && map->extent[i].base < base)
		i++;
	extent_insert(map, i, base, end, type);
	if (i + 1 < map->count && map->extent[i + 1].base == end && map->extent[i + 1].type == type) {
		map->extent[i].end = map->extent[i + 1].end;
		extent_remove(map, i + 1);
	}
	if (i && map->extent[i - 1].end == base && map->extent[i - 1].type == type) {
		map->extent[i - 1].end = map->extent[i].end;
		extent_remove(map, i);
	}
	return true;
}

bool memory_take(struct memory_map *map, uint64_t base, uint64_t end, uint32_t type)
{
	if (base >= end)
		return true;
	for (uint32_t i = 0; i < map->count; i++) {
		const struct memory_extent e = map->extent[i];

		if (e.type != MEMORY_RAM || e.end <= base || e.base >= end)
			continue;
		if (!memory_set(map, e.base > base ? e.base : base, e.end < end ? e.end : end, type))
			return false;
		/* The map has changed under the loop; what is taken is no longer RAM, so this ends. */
		i = UINT32_MAX;
	}
	return true;
}

/* Firmware has more types than e820 does; what Linux need not know is reserved for it. */
static uint32_t type_for_linux(uint32_t type)
{
	switch (type) {
	case MEMORY_RAM:
	case MEMORY_ACPI:
	case MEMORY_ACPI_NVS:
	case MEMORY_BAD:
	case MEMORY_PERSISTENT:
		return type;
	default:
		return MEMORY_RESERVED;
	}
}

/* Adds the map's entries of one type: all later calls win over earlier ones. */
static bool entries_add(const struct mbi *mbi, uint32_t type, struct memory_map *map)
{
	for (uint32_t i = 0; i < mbi->map_count; i++) {
		struct mbi_map_entry entry = mbi_map_get(mbi, i);
		uint64_t end = entry.base + entry.bytes;

		if (type_for_linux(entry.type) != type)
			continue;
		if (end < entry.base)
			end = UINT64_MAX;
		if (!memory_set(map, entry.base, end, type))
			return false;
	}
	return true;
}

bool memory_read(const struct mbi *mbi, struct memory_map *map, struct boot_error *error)
{
	uint64_t done = 0; /* all types up to this one are in the map */
	bool ram = false;

	map->count = 0;
	if (!mbi->map)
		return text_fail(error, "the boot loader gave no memory map");
	for (;;) {
		uint64_t next = UINT64_MAX;

		for (uint32_t i = 0; i < mbi->map_count; i++) {
			uint32_t type = type_for_linux(mbi_map_get(mbi, i).type);

			if (type > done && type < next)
				next = type;
		}
		if (next == UINT64_MAX)
			break;
		if (!entries_add(mbi, (uint32_t)next, map))
			return text_fail(error, "the memory map has more than %u extents", MEMORY_MAX_EXTENTS - 2);
		done = next;
	}
	for (uint32_t i = 0; i < map->count; i++)
		ram = ram || map->extent[i].type == MEMORY_RAM;
	if (!ram)
		return text_fail(error, "the boot loader's memory map has no RAM");
	return true;
}

static uint64_t align_down(uint64_t value, uint64_t align)
{
	return value & ~(align - 1);
}

/* Narrows an extent to whole units of @align inside the bounds; false if nothing is left. */
static bool extent_usable(const struct memory_extent *e, uint64_t align, uint64_t lowest, uint64_t limit,
			  uint64_t *base, uint64_t *end)
{
	uint64_t b = e->base > lowest ? e->base : lowest;
	uint64_t l = e->end < limit ? e->end : limit;

	if (e->type != MEMORY_RAM || b > UINT64_MAX - align)
		return false;
	*base = align_down(b + align - 1, align);
	*end = l;
	return *base < *end;
}

bool memory_find_high(const struct memory_map *map, const struct memory_request *request, uint64_t *base)
{
	for (uint32_t i = map->count; i-- > 0;) {
		uint64_t b;
		uint64_t end;

		if (extent_usable(&map->extent[i], request->align, request->lowest, request->limit, &b, &end) &&
		    end - b >= request->bytes) {
			*base = align_down(end - request->bytes, request->align);
			return true;
		}
	}
	return false;
}

bool memory_find_low(const struct memory_map *map, const struct memory_request *request, uint64_t *base)
{
	for (uint32_t i = 0; i < map->count; i++) {
		uint64_t b;
		uint64_t end;

		if (extent_usable(&map->extent[i], request->align, request->lowest, request->limit, &b, &end) &&
		    end - b >= request->bytes) {
			*base = b;
			return true;
		}
	}
	return false;
}

uint64_t memory_largest(const struct memory_map *map, uint64_t align, uint64_t lowest, uint64_t limit)
{
	uint64_t largest = 0;

	for (uint32_t i = 0; i < map->count; i++) {
		uint64_t b;
		uint64_t end;

		if (extent_usable(&map->extent[i], align, lowest, limit, &b, &end) && end - b > largest)
			largest = end - b;
	}
	return align_down(largest, align);
}

bool memory_is_ram(const struct memory_map *map, uint64_t base, uint64_t end)
{
	for (uint32_t i = 0; i < map->count; i++) {
		const struct memory_extent *e = &map->extent[i];

		if (e->base <= base && e->end >= end)
			return e->type == MEMORY_RAM && base <= end;
	}
	return false;
}
