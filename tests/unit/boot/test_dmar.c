/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_dmar.c - the DMAR parser: good tables, every malformation, and every byte of good tables changed.
 */
#include "boot_test.h"

#include "dmar_tables.h"

static struct dmar dmar;
static struct dmar_error error;
static struct dmar_builder table;

/* Parses a copy of exactly the table's size. */
static bool parse(const struct dmar_builder *b)
{
	uint8_t *copy = exact_copy(b->bytes, b->size);
	bool ok;

	memset(&dmar, 0xaa, sizeof(dmar));
	memset(&error, 0xaa, sizeof(error));
	ok = dmar_parse(copy, b->size, &dmar_table_pci, &dmar, &error);
	free(copy);
	return ok;
}

static void assert_good(const char *broken)
{
	if (broken)
		fail_msg("%s", broken);
}

static void check_scope(uint32_t index, uint8_t type, uint8_t id, bool resolved, uint16_t source_id)
{
	const struct dmar_scope *scope = &dmar.scope[index];

	assert_int_equal(scope->type, type);
	assert_int_equal(scope->id, id);
	assert_int_equal(scope->resolved, resolved);
	assert_int_equal(scope->source_id, source_id);
}

static void qemu_machine(void **state)
{
	(void)state;
	dmar_table_make(&table, DMAR_TABLE_QEMU);
	assert_true(parse(&table));
	assert_int_equal(error.id, DMAR_ERROR_NONE);
	assert_int_equal(dmar.address_bits, 39);
	assert_int_equal(dmar.flags, RV_LAUNCH_VTD_INTR_REMAP);
	assert_int_equal(dmar.unit_count, 1);
	assert_int_equal(dmar.unit[0].base, 0xfed90000);
	assert_int_equal(dmar.unit[0].bytes, 4096);
	assert_int_equal(dmar.unit[0].segment, 0);
	assert_int_equal(dmar.unit[0].offset, 48);
	assert_int_equal(dmar.unit[0].all, 0);
	assert_int_equal(dmar.unit[0].scope_count, 6);
	assert_int_equal(dmar.rmrr_count, 0);
	check_scope(0, DMAR_SCOPE_IOAPIC, 0, true, 0xff00);
	check_scope(1, DMAR_SCOPE_ENDPOINT, 0, true, 0);
	check_scope(5, DMAR_SCOPE_ENDPOINT, 0, true, 0x00fb);
	assert_false(dmar_covers_all(&dmar, 0));
}

static void laptop(void **state)
{
	(void)state;
	dmar_table_make(&table, DMAR_TABLE_LAPTOP);
	assert_true(parse(&table));
	assert_int_equal(dmar.unit_count, 2);
	assert_int_equal(dmar.unit[0].all, 0);
	assert_int_equal(dmar.unit[0].scope_first, 0);
	assert_int_equal(dmar.unit[0].scope_count, 1);
	assert_int_equal(dmar.unit[1].base, 0xfed91000);
	assert_int_equal(dmar.unit[1].all, 1);
	assert_int_equal(dmar.unit[1].scope_first, 1);
	assert_int_equal(dmar.unit[1].scope_count, 10);
	check_scope(0, DMAR_SCOPE_ENDPOINT, 0, true, 0x0010);
	check_scope(1, DMAR_SCOPE_IOAPIC, 2, true, 0xf0f8);
	check_scope(9, DMAR_SCOPE_HPET, 0, true, 0xf07f);
	check_scope(10, DMAR_SCOPE_NAMESPACE, 1, true, 0xf1a8);
	assert_int_equal(dmar.rmrr_count, 2);
	assert_int_equal(dmar.rmrr[1].base, 0x7d800000);
	assert_int_equal(dmar.rmrr[1].limit, 0x7fffffff);
	assert_int_equal(dmar.rmrr[1].scope_count, 1);
	check_scope(dmar.rmrr[1].scope_first, DMAR_SCOPE_ENDPOINT, 0, true, 0x0010);
	assert_int_equal(dmar.skipped, 1);
	assert_int_equal(dmar.unknown, 0);
	assert_true(dmar_covers_all(&dmar, 0));
	assert_false(dmar_covers_all(&dmar, 1));
}

static void server(void **state)
{
	(void)state;
	dmar_table_make(&table, DMAR_TABLE_SERVER);
	assert_true(parse(&table));
	assert_int_equal(dmar.flags, 7);
	assert_int_equal(dmar.unit_count, DMAR_MAX_UNITS);
	assert_int_equal(dmar.unit[0].all, 1);
	assert_int_equal(dmar.unit[2].base, 0x203ffff00000);
	assert_int_equal(dmar.unit[2].bytes, 16384);
	assert_int_equal(dmar.unit[2].segment, 1);
	check_scope(0, DMAR_SCOPE_IOAPIC, 8, true, 0xf0ff);
	check_scope(1, DMAR_SCOPE_IOAPIC, 9, true, 0x0301); /* behind two bridges */
	check_scope(2, DMAR_SCOPE_BRIDGE, 0, true, 0x0208); /* behind one */
	check_scope(3, DMAR_SCOPE_ENDPOINT, 0, false, 0); /* behind a bridge without a bus number */
	check_scope(4, DMAR_SCOPE_ENDPOINT, 0, false, 0); /* behind one that leads back */
	check_scope(5, DMAR_SCOPE_ENDPOINT, 0, false, 0); /* behind what is no bridge */
	check_scope(6, DMAR_SCOPE_IOAPIC, 10, false, 0); /* behind nothing */
	check_scope(7, DMAR_SCOPE_ENDPOINT, 0, true, 0x9019); /* in another segment */
	assert_int_equal(dmar.scope[7].segment, 1);
	assert_int_equal(dmar.unit[1].scope_count, 5);
	assert_int_equal(dmar.skipped, 4);
	assert_int_equal(dmar.unknown, 3);
	assert_true(dmar_covers_all(&dmar, 0));
	assert_true(dmar_covers_all(&dmar, 1));
	assert_int_equal(dmar.rmrr_count, 1);
	assert_int_equal(dmar.rmrr[0].scope_count, 0);
}

static void launch_structure(void **state)
{
	struct rv_launch launch;

	(void)state;
	for (int i = 0; i < DMAR_TABLE_COUNT; i++) {
		memset(&launch, 0xaa, sizeof(launch));
		launch.ioapic_count = 0;
		dmar_table_make(&table, (enum dmar_table)i);
		assert_true(parse(&table));
		assert_good(dmar_rule_broken(&dmar, table.size));
		assert_true(dmar_launch_fill(&dmar, &launch, &error));
		assert_good(dmar_launch_rule_broken(&dmar, &launch));
	}
	dmar_table_make(&table, DMAR_TABLE_SERVER);
	assert_true(parse(&table));
	launch.ioapic_count = 4;
	launch.ioapic[0].id = 9;
	launch.ioapic[1].id = 10; /* named, but behind a bridge that is not there */
	launch.ioapic[2].id = 8;
	launch.ioapic[3].id = 0;
	assert_true(dmar_launch_fill(&dmar, &launch, &error));
	assert_int_equal(launch.vtd_flags, 7);
	assert_int_equal(launch.vtd_address_bits, 46);
	assert_int_equal(launch.vtd_count, DMAR_MAX_UNITS);
	assert_int_equal(launch.vtd[0].base, 0xc7ffc000);
	assert_int_equal(launch.vtd[0].register_bytes, 4096);
	assert_int_equal(launch.vtd[0].flags, RV_LAUNCH_VTD_ALL);
	assert_int_equal(launch.vtd[1].flags, 0);
	assert_int_equal(launch.vtd[2].segment, 1);
	assert_int_equal(launch.vtd[2].register_bytes, 16384);
	assert_int_equal(launch.vtd[2].reserved, 0);
	assert_int_equal(launch.rmrr_count, 1);
	assert_int_equal(launch.rmrr[0].base, 0x6d000);
	assert_int_equal(launch.rmrr[0].bytes, 0x1000);
	assert_int_equal(launch.ioapic[0].source_id, 0x0301);
	assert_int_equal(launch.ioapic[1].source_id, RV_LAUNCH_NO_SOURCE);
	assert_int_equal(launch.ioapic[2].source_id, 0xf0ff);
	assert_int_equal(launch.ioapic[3].source_id, RV_LAUNCH_NO_SOURCE);
	/* 64 regions become eight, each of eight pages. */
	dmar_table_make(&table, DMAR_TABLE_RMRRS);
	assert_true(parse(&table));
	assert_true(dmar_launch_fill(&dmar, &launch, &error));
	assert_int_equal(launch.rmrr_count, 8);
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(launch.rmrr[i].bytes, 0x8000);
	/* Nothing without a unit. */
	dmar_builder_open(&table, 39, 7);
	dmar_builder_rmrr(&table, 0, 0x1000, 0x1fff);
	assert_true(parse(&table));
	assert_true(dmar_launch_fill(&dmar, &launch, &error));
	assert_good(dmar_launch_rule_broken(&dmar, &launch));
	/* One region too many that touches no other. */
	dmar_builder_unit(&table, 1, 0, 0xfed90000);
	for (uint32_t i = 1; i < RV_LAUNCH_MAX_RMRR; i++)
		dmar_builder_rmrr(&table, 0, 0x1000 + i * 0x2000, 0x1fff + i * 0x2000);
	assert_true(parse(&table));
	assert_true(dmar_launch_fill(&dmar, &launch, &error));
	assert_int_equal(launch.rmrr_count, RV_LAUNCH_MAX_RMRR);
	dmar_builder_rmrr(&table, 0, 0x100000, 0x100fff);
	assert_true(parse(&table));
	assert_false(dmar_launch_fill(&dmar, &launch, &error));
	assert_int_equal(error.id, DMAR_ERROR_RMRRS_MANY);
	assert_int_equal(error.offset, table.structure);
}

static void refused(enum dmar_error_id id, uint32_t offset, uint64_t value)
{
	dmar_builder_close(&table);
	assert_false(parse(&table));
	if (error.id != id || error.offset != offset || error.value != value)
		fail_msg("\"%s\" at %u, value 0x%llx, instead of \"%s\" at %u, value 0x%llx",
			 dmar_error_sentence(error.id), error.offset, (unsigned long long)error.value,
			 dmar_error_sentence(id), offset, (unsigned long long)value);
}

static void bad_header(void **state)
{
	(void)state;
	dmar_table_make(&table, DMAR_TABLE_QEMU);
	for (uint32_t size = 0; size < 48; size++) {
		table.size = size;
		assert_false(parse(&table));
		assert_int_equal(error.id, DMAR_ERROR_HEADER);
		assert_int_equal(error.value, size);
	}
	/* The length in the header is not that of the table. */
	dmar_table_make(&table, DMAR_TABLE_QEMU);
	table.size--;
	assert_false(parse(&table));
	assert_int_equal(error.id, DMAR_ERROR_HEADER);
	for (uint32_t i = 0; i < 4; i++) {
		dmar_table_make(&table, DMAR_TABLE_QEMU);
		table.bytes[i] ^= 0x20;
		refused(DMAR_ERROR_HEADER, 0, table.size);
	}
	for (uint32_t width = 0; width < 256; width++) {
		dmar_table_make(&table, DMAR_TABLE_EMPTY);
		table.bytes[36] = (uint8_t)width;
		if (width >= 31 && width <= 51)
			assert_true(parse(&table));
		else
			refused(DMAR_ERROR_WIDTH, 36, width + 1);
	}
}

static void bad_structures(void **state)
{
	static const uint8_t smallest[] = {16, 24, 8, 20, 8, 8, 8, 4, 4};

	(void)state;
	for (uint32_t type = 0; type < sizeof(smallest); type++) {
		for (uint16_t bytes = 0; bytes < smallest[type]; bytes++) {
			dmar_builder_open(&table, 39, 0);
			dmar_builder_structure(&table, (uint16_t)type, 32);
			put16(table.bytes + 50, bytes);
			refused(DMAR_ERROR_STRUCTURE_SHORT, 48, bytes);
		}
		for (uint32_t bytes = 33; bytes < 0x10000; bytes += 997) {
			dmar_builder_open(&table, 39, 0);
			dmar_builder_structure(&table, (uint16_t)type, 32);
			put16(table.bytes + 50, (uint16_t)bytes);
			refused(DMAR_ERROR_STRUCTURE_LONG, 48, bytes);
		}
	}
	for (uint32_t rest = 1; rest < 4; rest++) {
		dmar_table_make(&table, DMAR_TABLE_LAPTOP);
		table.size += rest;
		refused(DMAR_ERROR_STRUCTURE_CUT, table.size - rest, 0);
	}
}

static void bad_units(void **state)
{
	static const uint64_t nowhere[] = {0, UINT64_MAX, 1ull << 52, (1ull << 52) - 0x800, 0xfff0000000000000};
	static const uint64_t unaligned[] = {1, 0xfed90800, 0xfed90fff};

	(void)state;
	for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
		dmar_builder_open(&table, 39, 0);
		dmar_builder_unit(&table, 1, 0, nowhere[i]);
		refused(DMAR_ERROR_UNIT_BASE, 56, nowhere[i]);
	}
	for (size_t i = 0; i < sizeof(unaligned) / sizeof(unaligned[0]); i++) {
		dmar_builder_open(&table, 39, 0);
		dmar_builder_unit(&table, 1, 0, unaligned[i]);
		refused(DMAR_ERROR_UNIT_ALIGN, 56, unaligned[i]);
	}
	/* The last page that there can be is one, but no register set of two pages begins there. */
	dmar_builder_open(&table, 39, 0);
	dmar_builder_unit(&table, 1, 0, (1ull << 52) - 0x1000);
	assert_true(parse(&table));
	table.bytes[53] = 1;
	refused(DMAR_ERROR_UNIT_BASE, 56, (1ull << 52) - 0x1000);

	/* The same unit twice, also in another segment; then one inside of the other's larger register set, on both sides. */
	for (uint16_t segment = 0; segment < 2; segment++) {
		dmar_builder_open(&table, 39, 0);
		dmar_builder_unit(&table, 1, 0, 0xfed90000);
		dmar_builder_unit(&table, 0, segment, 0xfed90000);
		refused(DMAR_ERROR_UNIT_OVERLAP, 72, 0xfed90000);
	}
	dmar_builder_open(&table, 39, 0);
	dmar_builder_unit(&table, 1, 0, 0xfed90000);
	dmar_builder_unit(&table, 0, 0, 0xfed93000);
	assert_true(parse(&table));
	table.bytes[53] = 1; /* 8 KiB */
	assert_true(parse(&table));
	table.bytes[53] = 2; /* 16 KiB */
	refused(DMAR_ERROR_UNIT_OVERLAP, 72, 0xfed93000);
	dmar_builder_open(&table, 39, 0);
	dmar_builder_unit(&table, 1, 0, 0xfed93000);
	dmar_builder_unit(&table, 0, 0, 0xfed90000);
	table.bytes[69] = 2;
	refused(DMAR_ERROR_UNIT_OVERLAP, 72, 0xfed90000);

	dmar_builder_open(&table, 39, 0);
	dmar_builder_unit(&table, 1, 0, 0xfed90000);
	dmar_builder_unit(&table, 1, 3, 0xfed91000);
	assert_true(parse(&table));
	dmar_builder_unit(&table, 1, 3, 0xfed92000);
	refused(DMAR_ERROR_ALL_TWICE, 80, 3);

	dmar_builder_open(&table, 39, 0);
	for (uint32_t i = 0; i < DMAR_MAX_UNITS; i++)
		dmar_builder_unit(&table, 0, 0, 0xfed90000 + 0x1000 * i);
	assert_true(parse(&table));
	dmar_builder_unit(&table, 1, 0, 0xfee90000);
	refused(DMAR_ERROR_UNITS_MANY, 48 + 16 * DMAR_MAX_UNITS, DMAR_MAX_UNITS);
}

static void bad_scopes(void **state)
{
	static const uint8_t path[256];
	uint8_t bad[4];
	uint32_t at;

	(void)state;
	/* In a unit and in an RMRR alike. */
	for (int rmrr = 0; rmrr < 2; rmrr++) {
		dmar_builder_open(&table, 39, 0);
		if (rmrr)
			dmar_builder_rmrr(&table, 0, 0x1000, 0x1fff);
		else
			dmar_builder_unit(&table, 0, 0, 0xfed90000);
		at = dmar_builder_scope(&table, 1, 0, 0, path, 2);
		for (uint32_t bytes = 0; bytes < 256; bytes++) {
			table.bytes[at + 1] = (uint8_t)bytes;
			dmar_builder_close(&table);
			if (bytes < 6)
				refused(DMAR_ERROR_SCOPE_SHORT, at, bytes);
			else if (bytes > 8)
				refused(DMAR_ERROR_SCOPE_LONG, at, bytes);
			else if (bytes == 6)
				refused(DMAR_ERROR_PATH_EMPTY, at, 0);
			else if (bytes == 7)
				refused(DMAR_ERROR_PATH_ODD, at, 1);
			else
				assert_true(parse(&table));
		}
		/* One byte behind the scope is no scope, and belongs to no other structure. */
		table.bytes[at + 1] = 8;
		table.bytes[table.size++] = 1;
		put16(table.bytes + 50, (uint16_t)(table.size - 48));
		refused(DMAR_ERROR_SCOPE_CUT, at + 8, 0);
	}
	/* Types that are not known have any content, but a length. */
	dmar_builder_open(&table, 39, 0);
	dmar_builder_unit(&table, 0, 0, 0xfed90000);
	at = dmar_builder_scope(&table, 6, 0, 0, path, 3);
	dmar_builder_scope(&table, 0, 0, 0, path, 0);
	assert_true(parse(&table));
	assert_int_equal(dmar.unknown, 2);
	table.bytes[at + 1] = 5;
	refused(DMAR_ERROR_SCOPE_SHORT, at, 5);

	for (uint32_t i = 0; i < 4; i++) {
		memset(bad, 0, sizeof(bad));
		bad[i] = i % 2 ? 8 : 32;
		dmar_builder_open(&table, 39, 0);
		dmar_builder_unit(&table, 0, 0, 0xfed90000);
		at = dmar_builder_scope(&table, 1, 0, 0, bad, sizeof(bad));
		refused(DMAR_ERROR_PATH_NUMBER, at + 6 + i, bad[i]);
	}
	dmar_builder_open(&table, 39, 0);
	dmar_builder_unit(&table, 0, 0, 0xfed90000);
	for (uint32_t i = 0; i < DMAR_MAX_SCOPES; i++)
		dmar_builder_scope(&table, 1, 0, 0, path, 2);
	assert_true(parse(&table));
	at = dmar_builder_scope(&table, 1, 0, 0, path, 2);
	refused(DMAR_ERROR_SCOPES_MANY, at, DMAR_MAX_SCOPES);
	/* The longest path that there can be. */
	dmar_builder_open(&table, 39, 0);
	dmar_builder_unit(&table, 0, 0, 0xfed90000);
	dmar_builder_scope(&table, 1, 0, 0, path, 248);
	assert_true(parse(&table));
	assert_int_equal(dmar.scope[0].resolved, 0);
}

static void duplicates(void **state)
{
	static const uint8_t far[] = {28, 0, 1, 0}; /* 00:1c.0, 02:01.0 */
	static const uint8_t near[] = {1, 0};
	static const uint8_t empty[] = {28, 5, 0, 0};

	(void)state;
	/* 02:01.0 by two ways. */
	for (uint16_t segment = 0; segment < 2; segment++) {
		dmar_builder_open(&table, 39, 0);
		dmar_builder_unit(&table, 0, 0, 0xfed90000);
		dmar_builder_scope(&table, DMAR_SCOPE_ENDPOINT, 0, 2, near, sizeof(near));
		dmar_builder_scope(&table, DMAR_SCOPE_ENDPOINT, 0, 0, far, sizeof(far)); /* one unit may say it twice */
		dmar_builder_unit(&table, 0, segment, 0xfed91000);
		dmar_builder_scope(&table, DMAR_SCOPE_BRIDGE, 0, 2, near, sizeof(near));
		if (segment)
			assert_true(parse(&table));
		else
			refused(DMAR_ERROR_DEVICE_TWICE, table.structure, 0x0208);
	}
	/* What is not there has no unit, and an ACPI device may share a function's source id. */
	dmar_builder_open(&table, 39, 0);
	dmar_builder_unit(&table, 0, 0, 0xfed90000);
	dmar_builder_scope(&table, DMAR_SCOPE_ENDPOINT, 0, 0, empty, sizeof(empty));
	dmar_builder_scope(&table, DMAR_SCOPE_ENDPOINT, 0, 0, near, sizeof(near));
	dmar_builder_unit(&table, 0, 0, 0xfed91000);
	dmar_builder_scope(&table, DMAR_SCOPE_ENDPOINT, 0, 0, empty, sizeof(empty));
	dmar_builder_scope(&table, DMAR_SCOPE_NAMESPACE, 0, 0, near, sizeof(near));
	dmar_builder_scope(&table, DMAR_SCOPE_HPET, 0, 0, near, sizeof(near));
	assert_true(parse(&table));

	/* An IOAPIC: twice the same in one unit, then another source id, then another unit. */
	dmar_builder_open(&table, 39, 0);
	dmar_builder_unit(&table, 0, 0, 0xfed90000);
	dmar_builder_scope(&table, DMAR_SCOPE_IOAPIC, 5, 2, near, sizeof(near));
	dmar_builder_scope(&table, DMAR_SCOPE_IOAPIC, 5, 0, far, sizeof(far));
	dmar_builder_scope(&table, DMAR_SCOPE_IOAPIC, 6, 4, near, sizeof(near));
	assert_true(parse(&table));
	dmar_builder_scope(&table, DMAR_SCOPE_IOAPIC, 5, 5, near, sizeof(near));
	refused(DMAR_ERROR_IOAPIC_TWICE, 48, 5);
	dmar_builder_open(&table, 39, 0);
	dmar_builder_unit(&table, 0, 0, 0xfed90000);
	dmar_builder_scope(&table, DMAR_SCOPE_IOAPIC, 5, 2, near, sizeof(near));
	dmar_builder_unit(&table, 0, 0, 0xfed91000);
	dmar_builder_scope(&table, DMAR_SCOPE_IOAPIC, 5, 2, near, sizeof(near));
	refused(DMAR_ERROR_IOAPIC_TWICE, table.structure, 5);
}

static void bad_rmrrs(void **state)
{
	static const struct {
		uint64_t base;
		uint64_t limit;
		enum dmar_error_id id;
	} bad[] = {{0x1001, 0x1fff, DMAR_ERROR_RMRR_ALIGN},
		   {0x1800, 0x2fff, DMAR_ERROR_RMRR_ALIGN},
		   {0x1000, 0x1ffe, DMAR_ERROR_RMRR_ALIGN},
		   {0x1000, 0x2000, DMAR_ERROR_RMRR_ALIGN},
		   {0, 0, DMAR_ERROR_RMRR_ALIGN},
		   {0x2000, 0x1fff, DMAR_ERROR_RMRR_ORDER},
		   {0xfffffffffffff000, 0xfff, DMAR_ERROR_RMRR_ORDER},
		   {0x1000, UINT64_MAX, DMAR_ERROR_RMRR_RANGE},
		   {1ull << 39, (1ull << 39) + 0xfff, DMAR_ERROR_RMRR_RANGE},
		   {0x1000, (1ull << 39) + 0xfff, DMAR_ERROR_RMRR_RANGE}};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		bool base = bad[i].base % 4096 != 0;

		dmar_builder_open(&table, 39, 0);
		dmar_builder_rmrr(&table, 0, bad[i].base, bad[i].limit);
		refused(bad[i].id, base ? 56 : 64, base ? bad[i].base : bad[i].limit);
	}
	dmar_builder_open(&table, 39, 0);
	dmar_builder_rmrr(&table, 0, 0, (1ull << 39) - 1);
	assert_true(parse(&table));
	dmar_table_make(&table, DMAR_TABLE_RMRRS);
	dmar_builder_rmrr(&table, 0, 0x1000, 0x1fff);
	refused(DMAR_ERROR_RMRRS_MANY, table.structure, DMAR_MAX_RMRRS);
}

static void apart(void **state)
{
	(void)state;
	dmar_table_make(&table, DMAR_TABLE_SERVER);
	assert_true(parse(&table));
	/* The unit of 16 KiB. */
	assert_true(dmar_check_apart(&dmar, 0x100000, 0x80000000, &error));
	assert_true(dmar_check_apart(&dmar, 0x203fffe00000, 0x100000, &error));
	assert_true(dmar_check_apart(&dmar, 0x203ffff04000, UINT64_MAX, &error));
	assert_true(dmar_check_apart(&dmar, 0x203ffff00000, 0, &error));
	assert_false(dmar_check_apart(&dmar, 0x203ffff03fff, 1, &error));
	assert_int_equal(error.id, DMAR_ERROR_UNIT_TAKEN);
	assert_int_equal(error.offset, dmar.unit[2].offset + 8);
	assert_int_equal(error.value, 0x203ffff03fff);
	assert_false(dmar_check_apart(&dmar, 0x203fffe00000, 0x100001, &error));
	assert_false(dmar_check_apart(&dmar, 0x100000000, UINT64_MAX, &error));
	assert_false(dmar_check_apart(&dmar, 0, UINT64_MAX, &error));
}

/* Whatever the bytes are: the parser ends, and what it accepts keeps the rules. */
static void check_any(const struct dmar_builder *b)
{
	struct rv_launch launch;

	if (!parse(b)) {
		assert_in_range(error.id, DMAR_ERROR_HEADER, DMAR_ERROR_RMRR_RANGE);
		assert_true(error.offset <= b->size);
		return;
	}
	assert_good(dmar_rule_broken(&dmar, b->size));
	launch.ioapic_count = 0;
	if (dmar_launch_fill(&dmar, &launch, &error))
		assert_good(dmar_launch_rule_broken(&dmar, &launch));
}

static void every_byte(void **state)
{
	static const uint8_t change[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff, 0x7f};

	(void)state;
	for (int i = 0; i < DMAR_TABLE_COUNT; i++) {
		dmar_table_make(&table, (enum dmar_table)i);
		for (uint32_t at = 0; at < table.size; at++) {
			for (size_t c = 0; c < sizeof(change); c++) {
				table.bytes[at] ^= change[c];
				check_any(&table);
				table.bytes[at] ^= change[c];
			}
		}
	}
}

static void every_length(void **state)
{
	uint32_t size;

	(void)state;
	for (int i = 0; i < DMAR_TABLE_COUNT; i++) {
		dmar_table_make(&table, (enum dmar_table)i);
		size = table.size;
		for (table.size = 0; table.size < size; table.size++) {
			assert_false(parse(&table));
			assert_int_equal(error.id, DMAR_ERROR_HEADER);
		}
		for (table.size = 48; table.size < size; table.size++) {
			put32(table.bytes + 4, table.size);
			check_any(&table);
		}
	}
}

static void random_changes(void **state)
{
	uint32_t seed = 7;

	(void)state;
	for (int round = 0; round < 30000; round++) {
		dmar_table_make(&table, (enum dmar_table)(random_next(&seed) % DMAR_TABLE_EMPTY));
		for (uint32_t n = random_next(&seed) % 6; n; n--)
			table.bytes[36 + random_next(&seed) % (table.size - 36)] = (uint8_t)random_next(&seed);
		check_any(&table);
	}
}

static void sentences(void **state)
{
	(void)state;
	for (uint32_t id = 0; id <= DMAR_ERROR_RMRR_RANGE; id++) {
		assert_non_null(dmar_error_sentence(id));
		for (uint32_t other = 0; other < id; other++)
			assert_string_not_equal(dmar_error_sentence(id), dmar_error_sentence(other));
	}
	assert_string_equal(dmar_error_sentence(DMAR_ERROR_RMRR_RANGE + 1), "unknown error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(qemu_machine), cmocka_unit_test(laptop),         cmocka_unit_test(server),
	    cmocka_unit_test(bad_header),   cmocka_unit_test(bad_structures), cmocka_unit_test(bad_units),
	    cmocka_unit_test(bad_scopes),   cmocka_unit_test(duplicates),     cmocka_unit_test(bad_rmrrs),
	    cmocka_unit_test(apart),        cmocka_unit_test(every_byte),     cmocka_unit_test(every_length),
	    cmocka_unit_test(sentences),    cmocka_unit_test(random_changes), cmocka_unit_test(launch_structure),
	};

	return cmocka_run_group_tests_name("boot dmar", tests, NULL, NULL);
}
