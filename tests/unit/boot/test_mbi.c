/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_mbi.c - the Multiboot2 boot information: a good one, cut at every byte, with every tag size wrong, and with random
 * changes.
 */
#include "boot_test.h"

#include "mbi.h"

#define INFO_MAX 2048u

struct info {
	uint8_t bytes[INFO_MAX];
	uint32_t used;
};

/* Adds a tag of @size bytes, header included; returns it for its content. */
static uint8_t *tag_add(struct info *info, uint32_t type, uint32_t size)
{
	uint8_t *tag = info->bytes + info->used;

	assert_true(info->used + size + 8 <= INFO_MAX);
	put32(tag, type);
	put32(tag + 4, size);
	info->used += (size + 7u) & ~7u;
	return tag;
}

static void info_begin(struct info *info)
{
	memset(info, 0, sizeof(*info));
	info->used = 8;
}

static void info_end(struct info *info)
{
	tag_add(info, 0, 8);
	put32(info->bytes, info->used);
}

static void string_tag_add(struct info *info, uint32_t type, uint32_t skip, const char *string)
{
	memcpy(tag_add(info, type, skip + (uint32_t)strlen(string) + 1) + skip, string, strlen(string));
}

static void module_add(struct info *info, uint32_t start, uint32_t end, const char *string)
{
	uint8_t *tag = info->bytes + info->used;

	string_tag_add(info, 3, 16, string);
	put32(tag + 8, start);
	put32(tag + 12, end);
}

static void info_good(struct info *info)
{
	uint8_t *tag;

	info_begin(info);
	string_tag_add(info, 1, 8, "pool=64M console=ttyS0");
	string_tag_add(info, 2, 8, "some loader");
	module_add(info, 0x200000, 0x300000, "kernel console=ttyS0");
	module_add(info, 0x300000, 0x300000, "initrd");
	tag = tag_add(info, 6, 16 + 2 * 24);
	put32(tag + 8, 24);
	put64(tag + 16 + 8, 0x9fc00);
	put32(tag + 16 + 16, 1);
	put64(tag + 40, 0x100000);
	put64(tag + 40 + 8, 0x1ff00000);
	put32(tag + 40 + 16, 1);
	tag = tag_add(info, 8, 38);
	put64(tag + 8, 0x180000000ull);
	put32(tag + 16, 4096);
	put32(tag + 20, 1024);
	put32(tag + 24, 768);
	tag[28] = 32;
	tag[29] = 1;
	tag[32] = 16;
	tag[33] = 8;
	tag[34] = 8;
	tag[35] = 8;
	tag[36] = 0;
	tag[37] = 8;
	memcpy(tag_add(info, 14, 8 + 20) + 8, "RSD PTR old", 11);
	memcpy(tag_add(info, 15, 8 + 36) + 8, "RSD PTR new", 11);
	tag_add(info, 12, 16);
	tag_add(info, 4711, 9);
	info_end(info);
}

/* Parses a copy of exactly the given size. What it found lies in the copy: the caller must not look at pointers. */
static bool parse_exact(const struct info *info, size_t bytes, struct mbi *mbi, struct boot_error *error)
{
	uint8_t *copy = exact_copy(info->bytes, bytes);
	bool ok;

	memset(error, 0, sizeof(*error));
	ok = mbi_parse(copy, bytes, mbi, error);
	/* Every byte that the result names must be readable. */
	if (ok) {
		uint32_t sum = 0;

		for (size_t i = 0; i < mbi->command_line_length; i++)
			sum += (uint8_t)mbi->command_line[i];
		for (uint32_t m = 0; m < mbi->module_count; m++) {
			assert_true(mbi->module[m].start <= mbi->module[m].end);
			for (size_t i = 0; i < mbi->module[m].length; i++)
				sum += (uint8_t)mbi->module[m].string[i];
		}
		for (uint32_t i = 0; i < mbi->map_count; i++)
			sum += mbi_map_get(mbi, i).type;
		for (uint32_t i = 0; i < mbi->rsdp_bytes; i++)
			sum += mbi->rsdp[i];
		assert_true(sum != UINT32_MAX);
	}
	free(copy);
	return ok;
}

static void good(void **state)
{
	struct info info;
	struct mbi mbi;
	struct boot_error error;

	(void)state;
	info_good(&info);
	assert_true(mbi_parse(info.bytes, sizeof(info.bytes), &mbi, &error));
	assert_int_equal(mbi.bytes, info.used);
	assert_true(text_equals(mbi.command_line, mbi.command_line_length, "pool=64M console=ttyS0"));
	assert_int_equal(mbi.module_count, 2);
	assert_int_equal(mbi.module[0].start, 0x200000);
	assert_int_equal(mbi.module[0].end, 0x300000);
	assert_true(text_equals(mbi.module[0].string, mbi.module[0].length, "kernel console=ttyS0"));
	assert_true(text_equals(mbi.module[1].string, mbi.module[1].length, "initrd"));
	assert_int_equal(mbi.map_count, 2);
	assert_int_equal(mbi_map_get(&mbi, 1).base, 0x100000);
	assert_int_equal(mbi_map_get(&mbi, 1).bytes, 0x1ff00000);
	assert_int_equal(mbi_map_get(&mbi, 1).type, 1);
	assert_memory_equal(mbi.rsdp, "RSD PTR new", 11);
	assert_int_equal(mbi.rsdp_bytes, 36);
	assert_true(mbi.efi);
	assert_true(mbi.framebuffer.present);
	assert_int_equal(mbi.framebuffer.address, 0x180000000ull);
	assert_int_equal(mbi.framebuffer.red_position, 16);
	assert_int_equal(mbi.framebuffer.blue_size, 8);
}

static void the_newer_rsdp_wins_in_either_order(void **state)
{
	struct info info;
	struct mbi mbi;
	struct boot_error error;

	(void)state;
	info_begin(&info);
	memcpy(tag_add(&info, 15, 8 + 36) + 8, "new", 3);
	memcpy(tag_add(&info, 14, 8 + 20) + 8, "old", 3);
	info_end(&info);
	assert_true(mbi_parse(info.bytes, info.used, &mbi, &error));
	assert_memory_equal(mbi.rsdp, "new", 3);
	assert_int_equal(mbi.rsdp_bytes, 36);
}

static void nothing_but_an_end(void **state)
{
	struct info info;
	struct mbi mbi;
	struct boot_error error;

	(void)state;
	info_begin(&info);
	info_end(&info);
	assert_true(mbi_parse(info.bytes, info.used, &mbi, &error));
	assert_int_equal(mbi.command_line_length, 0);
	assert_int_equal(mbi.module_count, 0);
	assert_null(mbi.map);
	assert_null(mbi.rsdp);
	assert_false(mbi.efi);
}

static void cut_at_every_byte(void **state)
{
	struct info info;
	struct mbi mbi;
	struct boot_error error;

	(void)state;
	info_good(&info);
	for (uint32_t bytes = 0; bytes < info.used; bytes++) {
		/* The size field is as it was ... */
		assert_false(parse_exact(&info, bytes, &mbi, &error));
		/* ... and again with a size field that fits. */
		if (bytes >= 4) {
			struct info cut = info;

			put32(cut.bytes, bytes);
			assert_false(parse_exact(&cut, bytes, &mbi, &error));
			assert_true(error.text[0]);
		}
	}
	assert_true(parse_exact(&info, info.used, &mbi, &error));
}

static void bad_tags(void **state)
{
	struct info info;
	struct mbi mbi;
	struct boot_error error;
	uint8_t *tag;

	(void)state;
	info_begin(&info);
	put32(tag_add(&info, 1, 8) + 4, 7);
	info_end(&info);
	assert_false(parse_exact(&info, info.used, &mbi, &error));
	assert_says(error.text, "a tag of 7 bytes at offset 8");

	info_begin(&info);
	put32(tag_add(&info, 1, 8) + 4, UINT32_MAX);
	info_end(&info);
	assert_false(parse_exact(&info, info.used, &mbi, &error));

	info_begin(&info);
	module_add(&info, 0x2000, 0x1000, "kernel");
	info_end(&info);
	assert_false(parse_exact(&info, info.used, &mbi, &error));
	assert_says(error.text, "module 1 ends before it begins");

	info_begin(&info);
	tag_add(&info, 3, 15);
	info_end(&info);
	assert_false(parse_exact(&info, info.used, &mbi, &error));
	assert_says(error.text, "module tag is too short");

	info_begin(&info);
	for (uint32_t i = 0; i <= MBI_MAX_MODULES; i++)
		module_add(&info, 0, 0, "initrd");
	info_end(&info);
	assert_false(parse_exact(&info, info.used, &mbi, &error));
	assert_says(error.text, "more than 16 modules");

	info_begin(&info);
	tag_add(&info, 6, 15);
	info_end(&info);
	assert_false(parse_exact(&info, info.used, &mbi, &error));
	assert_says(error.text, "memory map is too short");

	for (uint32_t entry = 0; entry < 24; entry++) {
		info_begin(&info);
		tag = tag_add(&info, 6, 64);
		put32(tag + 8, entry);
		info_end(&info);
		assert_false(parse_exact(&info, info.used, &mbi, &error));
		assert_says(error.text, "memory map has entries of");
	}

	/* Strings without a NUL end with their tag. */
	info_begin(&info);
	memset(tag_add(&info, 1, 12) + 8, 'x', 4);
	memset(tag_add(&info, 3, 20) + 16, 'y', 4);
	info_end(&info);
	assert_true(parse_exact(&info, info.used, &mbi, &error));
	assert_int_equal(mbi.command_line_length, 4);
	assert_int_equal(mbi.module[0].length, 4);
}

static void random_changes(void **state)
{
	uint32_t seed = 7;

	(void)state;
	for (int round = 0; round < 50000; round++) {
		struct info info;
		struct mbi mbi;
		struct boot_error error;

		info_good(&info);
		for (uint32_t n = random_next(&seed) % 6; n; n--)
			info.bytes[random_next(&seed) % info.used] = (uint8_t)random_next(&seed);
		if (!parse_exact(&info, info.used, &mbi, &error))
			assert_true(error.text[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good),
	    cmocka_unit_test(the_newer_rsdp_wins_in_either_order),
	    cmocka_unit_test(nothing_but_an_end),
	    cmocka_unit_test(cut_at_every_byte),
	    cmocka_unit_test(bad_tags),
	    cmocka_unit_test(random_changes),
	};

	return cmocka_run_group_tests_name("boot mbi", tests, NULL, NULL);
}
