/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_cmdline.c - Ravelin's command line: defaults, every option, every way to get one wrong.
 */
#include "boot_test.h"

#include "cmdline.h"

static const char digest[] = "00112233445566778899aabbccddeeff0123456789ABCDEFfedcba9876543210";

static bool parse(const char *text, struct cmdline *options, struct boot_error *error)
{
	size_t length = strlen(text);
	char *copy = exact_copy(text, length);
	bool ok;

	memset(error, 0, sizeof(*error));
	ok = cmdline_parse(copy, length, options, error);
	free(copy);
	return ok;
}

static void defaults(void **state)
{
	struct cmdline options;
	struct boot_error error;
	static const char *const empty[] = {"", " ", " \t  "};

	(void)state;
	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
		assert_true(parse(empty[i], &options, &error));
		assert_int_equal(options.pool_bytes, 64 << 20);
		assert_int_equal(options.serial_port, 0x3f8);
		assert_int_equal(options.baud, 115200);
		assert_false(options.fallback);
		assert_false(options.trusted);
	}
}

static void pool_sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {{"pool=8M", 8 << 20},      {"pool=1G", 1 << 30},      {"pool=128m", 128 << 20},
		    {"pool=65536K", 64 << 20}, {"pool=65536k", 64 << 20}, {"pool=67108864", 64 << 20}};
	static const struct {
		const char *text;
		const char *says;
	} bad[] = {{"pool=", "option pool=: not a number"},
		   {"pool", "option pool: needs a value"},
		   {"pool=M", "option pool=M: not a number"},
		   {"pool=-8M", "option pool=-8M: not a number"},
		   {"pool=64X", "option pool=64X: the unit must be K, M or G"},
		   {"pool=64MB", "option pool=64MB: the unit"},
		   {"pool=0", "option pool=0: must be from 8M to 1024M"},
		   {"pool=7M", "must be from 8M"},
		   {"pool=2G", "must be from 8M to 1024M"},
		   {"pool=4294967295G", "must be from"},
		   {"pool=4294967296", "not a number"},
		   {"pool=99999999999999999999999999", "not a number"},
		   {"pool=9M", "option pool=9M: must be a multiple of 2M"},
		   {"pool=64M pool=64M", "option pool= is given twice"}};
	struct cmdline options;
	struct boot_error error;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(parse(good[i].text, &options, &error));
		assert_int_equal(options.pool_bytes, good[i].bytes);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(parse(bad[i].text, &options, &error));
		assert_says(error.text, bad[i].says);
		assert_int_equal(options.pool_bytes, 64 << 20);
	}
}

static void consoles(void **state)
{
	static const char *const bad[] = {
	    "console=",        "console=ttyS1",        "console=tty0",         "console=ttyS0,",
	    "console=ttyS0,0", "console=ttyS0,115201", "console=ttyS0,abc",    "console=ttyS0,1e3",
	    "console=ttyS0,1", "console=ttyS0115200",  "console=ttyS0,9600e7", "console=ttyS"};
	struct cmdline options;
	struct boot_error error;

	(void)state;
	assert_true(parse("console=none", &options, &error));
	assert_int_equal(options.serial_port, 0);
	assert_true(parse("console=ttyS0", &options, &error));
	assert_int_equal(options.baud, 115200);
	assert_true(parse("console=ttyS0,9600", &options, &error));
	assert_int_equal(options.baud, 9600);
	assert_int_equal(options.serial_port, 0x3f8);
	assert_true(parse("console=ttyS0,115200n8", &options, &error));
	assert_int_equal(options.baud, 115200);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(parse(bad[i], &options, &error));
		assert_says(error.text, bad[i]);
		assert_int_equal(options.serial_port, 0x3f8);
		assert_int_equal(options.baud, 115200);
	}
}

static void trust(void **state)
{
	static const uint8_t expected[RV_DIGEST_SIZE] = {
	    0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
	    0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10};
	static const uint8_t zero[RV_DIGEST_SIZE];
	char text[128];
	struct cmdline options;
	struct boot_error error;

	(void)state;
	snprintf(text, sizeof(text), "trust=sha256:%s", digest);
	assert_true(parse(text, &options, &error));
	assert_true(options.trusted);
	assert_memory_equal(options.trust_anchor, expected, sizeof(expected));

	text[strlen(text) - 1] = 'g';
	assert_false(parse(text, &options, &error));
	assert_says(error.text, "digit 64 is not hexadecimal");
	assert_memory_equal(options.trust_anchor, zero, sizeof(zero));
	text[strlen(text) - 1] = 0;
	assert_false(parse(text, &options, &error));
	assert_says(error.text, "64 hexadecimal digits");
	snprintf(text, sizeof(text), "trust=sha256:%s0", digest);
	assert_false(parse(text, &options, &error));
	snprintf(text, sizeof(text), "trust=sha512:%s", digest);
	assert_false(parse(text, &options, &error));
	assert_false(parse("trust=", &options, &error));
	assert_false(options.trusted);
}

static void fallback_counts_behind_a_bad_option(void **state)
{
	struct cmdline options;
	struct boot_error error;

	(void)state;
	assert_true(parse("fallback=no", &options, &error));
	assert_false(options.fallback);
	assert_true(parse("fallback=yes", &options, &error));
	assert_true(options.fallback);
	assert_false(parse("pool=1 hv=off fallback=yes console=none", &options, &error));
	assert_true(options.fallback);
	assert_int_equal(options.serial_port, 0);
	assert_says(error.text, "pool=1");
	assert_false(parse("fallback=maybe", &options, &error));
	assert_says(error.text, "option fallback=maybe: must be yes or no");
	assert_false(options.fallback);
}

static void iommu(void **state)
{
	static const char *const bad[] = {"iommu=", "iommu=on", "iommu=Require", "iommu=off,", "iommu=autos", "iommu"};
	struct cmdline options;
	struct boot_error error;

	(void)state;
	assert_true(parse("", &options, &error));
	assert_int_equal(options.iommu, CMDLINE_IOMMU_AUTO);
	assert_true(parse("iommu=require", &options, &error));
	assert_int_equal(options.iommu, CMDLINE_IOMMU_REQUIRE);
	assert_true(parse("iommu=off", &options, &error));
	assert_int_equal(options.iommu, CMDLINE_IOMMU_OFF);
	assert_true(parse("iommu=auto", &options, &error));
	assert_int_equal(options.iommu, CMDLINE_IOMMU_AUTO);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(parse(bad[i], &options, &error));
		assert_says(error.text, bad[i]);
		assert_int_equal(options.iommu, CMDLINE_IOMMU_AUTO);
	}
	assert_false(parse("iommu=off iommu=off", &options, &error));
	assert_says(error.text, "option iommu= is given twice");
}

static void unknown_options(void **state)
{
	static const char *const bad[] = {"hv=off", "Pool=64M", "pools=64M", "poo=64M",
					  "=",      "=64M",     "quiet",     "fallback"};
	struct cmdline options;
	struct boot_error error;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(parse(bad[i], &options, &error));
		assert_says(error.text, bad[i]);
	}
}

static void control_characters_do_not_reach_the_console(void **state)
{
	struct cmdline options;
	struct boot_error error;

	(void)state;
	assert_false(parse("evil\x1b[2J\xff", &options, &error));
	assert_says(error.text, "evil?[2J?");
}

static void random_text(void **state)
{
	static const char *const part[] = {"pool", "=",    "console", "trust", "fallback", "iommu",   "off",
					   "yes",  "no",   "ttyS0",   ",",     "64M",      "sha256:", " ",
					   "\t",   "none", "9",       "G",     "\x80"};
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct cmdline options;
		struct boot_error error;
		char text[256] = "";
		size_t used = 0;

		for (uint32_t n = random_next(&seed) % 12; n; n--)
			used += text_format(text + used, sizeof(text) - used, "%s",
					    part[random_next(&seed) % (sizeof(part) / sizeof(part[0]))]);
		if (!parse(text, &options, &error))
			assert_true(error.text[0]);
		assert_true(options.pool_bytes >= RV_POOL_MIN && options.pool_bytes <= RV_POOL_MAX);
		assert_int_equal(115200 % options.baud, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(defaults),
	    cmocka_unit_test(pool_sizes),
	    cmocka_unit_test(consoles),
	    cmocka_unit_test(trust),
	    cmocka_unit_test(fallback_counts_behind_a_bad_option),
	    cmocka_unit_test(iommu),
	    cmocka_unit_test(unknown_options),
	    cmocka_unit_test(control_characters_do_not_reach_the_console),
	    cmocka_unit_test(random_text),
	};

	return cmocka_run_group_tests_name("boot cmdline", tests, NULL, NULL);
}
