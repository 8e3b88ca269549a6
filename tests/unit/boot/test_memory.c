/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_memory.c - the memory map: overlaps, splits, merges, searches; and against a byte-per-page model at random.
 */
#include "boot_test.h"

#include "memory.h"

#define MODEL_PAGES 512u

struct entry {
	uint64_t base, bytes, type;
};

/* Builds boot information that has only a memory map. The map lies on the heap, to be freed by the caller. */
static uint8_t *map_make(const struct entry *entries, uint32_t count, struct mbi *mbi)
{
	uint8_t *map = calloc(count, 24);

	assert_non_null(map);
	for (uint32_t i = 0; i < count; i++) {
		uint8_t *entry = map + (size_t)i * 24;

		put64(entry, entries[i].base);
		put64(entry + 8, entries[i].bytes);
		put32(entry + 16, (uint32_t)entries[i].type);
	}
	memset(mbi, 0, sizeof(*mbi));
	mbi->map = map;
	mbi->map_entry_bytes = 24;
	mbi->map_count = count;
	return map;
}

static bool map_read(const struct entry *entries, uint32_t count, struct memory_map *map, struct boot_error *error)
{
	struct mbi mbi;
	uint8_t *bytes = map_make(entries, count, &mbi);
	bool ok = memory_read(&mbi, map, error);

	free(bytes);
	return ok;
}

static void invariants(const struct memory_map *map)
{
	assert_true(map->count <= MEMORY_MAX_EXTENTS);
	for (uint32_t i = 0; i < map->count; i++) {
		assert_true(map->extent[i].base < map->extent[i].end);
		if (i) {
			assert_true(map->extent[i - 1].end <= map->extent[i].base);
			if (map->extent[i - 1].end == map->extent[i].base)
				assert_int_not_equal(map->extent[i - 1].type, map->extent[i].type);
		}
	}
}

static void a_pc(void **state)
{
	static const struct entry pc[] = {{0xf0000, 0x10000, 2},    {0, 0x9fc00, 1},
					  {0x9fc00, 0x400, 2},      {0x100000, 0x1fee0000, 1},
					  {0x1ffe0000, 0x20000, 3}, {0xfffc0000, 0x40000, 2}};
	struct memory_map map;
	struct boot_error error;
	uint64_t base;
	struct memory_request pool = {.bytes = 64 << 20, .align = 2 << 20, .lowest = 1 << 20, .limit = MEMORY_4G};

	(void)state;
	assert_true(map_read(pc, 6, &map, &error));
	invariants(&map);
	assert_int_equal(map.count, 6);
	assert_int_equal(map.extent[0].end, 0x9fc00);
	assert_int_equal(map.extent[3].type, MEMORY_RAM);
	assert_true(memory_find_high(&map, &pool, &base));
	assert_int_equal(base, 0x1be00000);
	assert_true(memory_find_low(&map, &pool, &base));
	assert_int_equal(base, 0x200000);
	assert_int_equal(memory_largest(&map, 2 << 20, 1 << 20, MEMORY_4G), 0x1fc00000);
	assert_true(memory_is_ram(&map, 0x100000, 0x1ffe0000));
	assert_false(memory_is_ram(&map, 0x100000, 0x1ffe0001));
	assert_false(memory_is_ram(&map, 0xff000, 0x101000));
	assert_false(memory_is_ram(&map, 0x200000, 0x100000));
	/* An empty range inside RAM, such as an empty module, changes nothing. */
	assert_true(memory_take(&map, 0x200000, 0x200000, MEMORY_BUSY));
	assert_int_equal(map.count, 6);
	pool.bytes = 0x1fe00000;
	assert_false(memory_find_high(&map, &pool, &base));
}

static void overlaps(void **state)
{
	static const struct entry entries[] = {
	    {0x3000, 0x2000, 3}, {0x1000, 0x9000, 1}, {0x4000, 0x2000, 2}, {0x8000, 0x1000, 20}, {0x8000, 0x800, 4}};
	struct memory_map map;
	struct boot_error error;

	(void)state;
	assert_true(map_read(entries, 5, &map, &error));
	invariants(&map);
	assert_int_equal(map.count, 7);
	assert_int_equal(map.extent[1].base, 0x3000);
	assert_int_equal(map.extent[1].end, 0x5000);
	assert_int_equal(map.extent[1].type, MEMORY_ACPI);
	assert_int_equal(map.extent[2].end, 0x6000);
	assert_int_equal(map.extent[2].type, MEMORY_RESERVED);
	assert_int_equal(map.extent[4].type, MEMORY_ACPI_NVS);
	/* Type 20 is none of Linux's. */
	assert_int_equal(map.extent[5].base, 0x8800);
	assert_int_equal(map.extent[5].type, MEMORY_RESERVED);
}

static void hostile_maps(void **state)
{
	static const struct entry none[] = {{0x1000, 0x1000, 2}};
	static const struct entry wrap[] = {{0x1000, UINT64_MAX, 1}, {UINT64_MAX, 1, 2}, {5, 0, 1}, {7, 3, 0}};
	static struct entry many[2000];
	struct memory_map map;
	struct mbi mbi;
	struct boot_error error;
	struct memory_request request = {.bytes = 4096, .align = 4096, .lowest = UINT64_MAX - 10, .limit = UINT64_MAX};
	uint64_t base;

	(void)state;
	memset(&mbi, 0, sizeof(mbi));
	assert_false(memory_read(&mbi, &map, &error));
	assert_says(error.text, "no memory map");
	assert_false(map_read(none, 1, &map, &error));
	assert_says(error.text, "no RAM");
	assert_true(map_read(wrap, 4, &map, &error));
	invariants(&map);
	assert_false(memory_find_high(&map, &request, &base));
	assert_false(memory_find_low(&map, &request, &base));
	for (uint32_t i = 0; i < 2000; i++) {
		many[i].base = (uint64_t)i * 0x2000;
		many[i].bytes = 0x1000;
		many[i].type = 1;
	}
	assert_false(map_read(many, 2000, &map, &error));
	assert_says(error.text, "more than 254 extents");
	invariants(&map);
}

static void types_up_to(const struct memory_map *map, uint32_t *type)
{
	memset(type, 0, MODEL_PAGES * sizeof(*type));
	for (uint32_t i = 0; i < map->count; i++) {
		for (uint64_t page = map->extent[i].base; page < map->extent[i].end; page++)
			type[page] = map->extent[i].type;
	}
}

/* One unit of the map is one page of the model here. */
static void random_against_a_model(void **state)
{
	uint32_t seed = 99;

	(void)state;
	for (int round = 0; round < 300; round++) {
		static struct memory_map map;
		static uint32_t model[MODEL_PAGES];
		static uint32_t actual[MODEL_PAGES];

		map.count = 0;
		memset(model, 0, sizeof(model));
		for (int step = 0; step < 60; step++) {
			uint32_t base = random_next(&seed) % MODEL_PAGES;
			uint32_t end = base + random_next(&seed) % (MODEL_PAGES - base + 1);
			uint32_t type = 1 + random_next(&seed) % 3;
			bool only_ram = random_next(&seed) % 2;

			if (only_ram)
				assert_true(memory_take(&map, base, end, type == 1 ? 2 : type));
			else
				assert_true(memory_set(&map, base, end, type));
			for (uint32_t page = base; page < end; page++) {
				if (!only_ram)
					model[page] = type;
				else if (model[page] == 1)
					model[page] = type == 1 ? 2 : type;
			}
			invariants(&map);
			types_up_to(&map, actual);
			assert_memory_equal(actual, model, sizeof(model));
		}
		for (int step = 0; step < 20; step++) {
			struct memory_request request = {.bytes = 1 + random_next(&seed) % 40,
							 .align = 1ull << random_next(&seed) % 5,
							 .lowest = random_next(&seed) % MODEL_PAGES,
							 .limit = random_next(&seed) % (MODEL_PAGES + 100)};
			uint64_t low = UINT64_MAX;
			uint64_t high = UINT64_MAX;
			uint64_t base;

			for (uint64_t b = 0; b < MODEL_PAGES; b += request.align) {
				bool fits = b >= request.lowest && b + request.bytes <= request.limit &&
					    b + request.bytes <= MODEL_PAGES;

				for (uint64_t p = b; fits && p < b + request.bytes; p++)
					fits = model[p] == 1;
				if (fits) {
					low = low == UINT64_MAX ? b : low;
					high = b;
				}
			}
			assert_int_equal(memory_find_low(&map, &request, &base), low != UINT64_MAX);
			if (low != UINT64_MAX)
				assert_int_equal(base, low);
			assert_int_equal(memory_find_high(&map, &request, &base), high != UINT64_MAX);
			if (high != UINT64_MAX)
				assert_int_equal(base, high);
		}
	}
}

static void a_full_map_stays_as_it_is(void **state)
{
	static struct memory_map map;
	static struct memory_map before;
	uint64_t base = 0;

	(void)state;
	map.count = 0;
	while (memory_set(&map, base, base + 1, 1))
		base += 2;
	assert_true(map.count >= MEMORY_MAX_EXTENTS - 2);
	before = map;
	assert_false(memory_set(&map, 0, 1, 2));
	assert_false(memory_take(&map, 0, base, 2));
	assert_memory_equal(&map, &before, sizeof(map));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_pc),
	    cmocka_unit_test(overlaps),
	    cmocka_unit_test(hostile_maps),
	    cmocka_unit_test(random_against_a_model),
	    cmocka_unit_test(a_full_map_stays_as_it_is),
	};

	return cmocka_run_group_tests_name("boot memory", tests, NULL, NULL);
}
