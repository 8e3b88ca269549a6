/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_text.c - formatted text, refusal sentences, the hypervisor image's header, TSC frequency from CPUID.
 */
#include "boot_test.h"

#include <ravelin/reason.h>

#include "hvimage.h"
#include "reason.h"
#include "tsc.h"

static void formats(void **state)
{
	char buffer[64];

	(void)state;
	assert_int_equal(text_format(buffer, sizeof(buffer), "%s|%.*s|%c|%%", "abc", 2, "xyz", '!'), 10);
	assert_string_equal(buffer, "abc|xy|!|%");
	text_format(buffer, sizeof(buffer), "%d %d %u", -5, INT32_MIN, UINT32_MAX);
	assert_string_equal(buffer, "-5 -2147483648 4294967295");
	text_format(buffer, sizeof(buffer), "0x%016llx %lx %4u|%02u", 0xabcull, 0x10ul, 7u, 5u);
	assert_string_equal(buffer, "0x0000000000000abc 10    7|05");
	text_format(buffer, sizeof(buffer), "%llu %u", UINT64_MAX + 0ull, 0u);
	assert_string_equal(buffer, "18446744073709551615 0");
}

static void long_text_is_cut(void **state)
{
	char *buffer = malloc(8);

	(void)state;
	assert_non_null(buffer);
	assert_int_equal(text_format(buffer, 8, "%s", "0123456789"), 7);
	assert_string_equal(buffer, "0123456");
	assert_int_equal(text_format(buffer, 1, "%u", 12345u), 0);
	assert_string_equal(buffer, "");
	free(buffer);
}

static void every_reason_has_its_sentence(void **state)
{
	static const uint32_t id[] = {
#define REASON_ID(number, name, text) RV_REASON_##name,
	    RV_REASONS(REASON_ID)
#undef REASON_ID
	};
	char buffer[320];

	(void)state;
	for (size_t i = 0; i < sizeof(id) / sizeof(id[0]); i++) {
		reason_format(buffer, sizeof(buffer), id[i], 0x1234, 0x5678);
		assert_true(buffer[0]);
		assert_null(strchr(buffer, '$'));
	}
	reason_format(buffer, sizeof(buffer), RV_REASON_AP_TIMEOUT, 0x1f, 0);
	assert_string_equal(buffer, "CPU with APIC id 0x1f did not start within the time limit");
	reason_format(buffer, sizeof(buffer), RV_REASON_VMX_CONTROL, 0x48b, 0x82);
	assert_says(buffer, "MSR 0x48b, missing bits 0x82");
	/* No launch reason has more than two values. */
	reason_format(buffer, sizeof(buffer), RV_REASON_MSR_REFUSED, 1, 2);
	assert_says(buffer, "(not given)");
	reason_format(buffer, sizeof(buffer), RV_REASON_DRIVER_HOTPLUG, 31, 0);
	assert_says(buffer, "CPU 31 offline");
	reason_expand(buffer, sizeof(buffer), "$0 #0 $1 #4 $5 #", 31, 17);
	assert_string_equal(buffer, "0x1f 31 0x11 (not given) $5 #");
	reason_format(buffer, sizeof(buffer), 99999, 0, 0);
	assert_says(buffer, "unknown reason");
}

static void reason_sentences_are_cut(void **state)
{
	(void)state;
	for (size_t size = 1; size < 100; size++) {
		char *buffer = malloc(size);

		assert_non_null(buffer);
		reason_format(buffer, size, RV_REASON_VMX_LOCKED, UINT64_MAX, 0);
		assert_true(strlen(buffer) < size);
		free(buffer);
	}
}

static void hypervisor_image(void **state)
{
	static const struct rv_hv_header good = {.magic = RV_HV_MAGIC,
						 .abi_version = RV_ABI_VERSION,
						 .image_bytes = 0x2000,
						 .memory_bytes = 0x200000,
						 .entry = RV_HV_BASE + 0x100,
						 .text_bytes = 0x1000,
						 .constant_bytes = 0x2000};
	uint8_t *image = calloc(1, 0x2000);
	struct rv_hv_header h;
	struct rv_hv_header out;
	struct boot_error error;

	(void)state;
	assert_non_null(image);
	memcpy(image, &good, sizeof(good));
	assert_true(hvimage_read(image, 0x2000, 0x800000, &out, &error));
	assert_memory_equal(&out, &good, sizeof(good));
	assert_false(hvimage_read(image, 0x1fff, 0x800000, &out, &error));
	assert_false(hvimage_read(image, 39, 0x800000, &out, &error));
	assert_says(error.text, "only 39 bytes");
	assert_false(hvimage_read(image, 0x2000, 0x1ff000, &out, &error));
	assert_says(error.text, "the pool is too small");

#define BAD_HEADER(field, value, sentence)                                                                             \
	do {                                                                                                           \
		h = good;                                                                                              \
		h.field = (value);                                                                                     \
		memcpy(image, &h, sizeof(h));                                                                          \
		assert_false(hvimage_read(image, 0x2000, 0x800000, &out, &error));                                     \
		assert_says(error.text, sentence);                                                                     \
	} while (0)
	BAD_HEADER(magic, 0, "no Ravelin header");
	BAD_HEADER(abi_version, RV_ABI_VERSION + 1, "ABI version 4, the boot stub 3");
	BAD_HEADER(image_bytes, 0, "bad sizes");
	BAD_HEADER(image_bytes, UINT32_MAX, "bad sizes");
	BAD_HEADER(memory_bytes, 0x1000, "bad sizes");
	BAD_HEADER(text_bytes, 0x3000, "bad sizes");
	BAD_HEADER(text_bytes, 0x800, "bad sizes");
	BAD_HEADER(constant_bytes, 0x3000, "bad sizes");
	BAD_HEADER(memory_bytes, 0x200001, "bad sizes");
	BAD_HEADER(memory_bytes, UINT64_MAX - 0xfff, "bad sizes");
	BAD_HEADER(entry, 0, "entry outside itself");
	BAD_HEADER(entry, RV_HV_BASE + 0x2000, "entry outside itself");
	BAD_HEADER(entry, UINT64_MAX, "entry outside itself");
	free(image);
}

static void tsc_from_cpuid(void **state)
{
	(void)state;
	assert_int_equal(tsc_khz_from_cpuid(2, 176, 24000000), 2112000);
	assert_int_equal(tsc_khz_from_cpuid(1, UINT32_MAX, UINT32_MAX), 18446744065119617ull);
	assert_int_equal(tsc_khz_from_cpuid(0, 176, 24000000), 0);
	assert_int_equal(tsc_khz_from_cpuid(2, 0, 24000000), 0);
	assert_int_equal(tsc_khz_from_cpuid(2, 176, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(formats),
	    cmocka_unit_test(long_text_is_cut),
	    cmocka_unit_test(every_reason_has_its_sentence),
	    cmocka_unit_test(reason_sentences_are_cut),
	    cmocka_unit_test(hypervisor_image),
	    cmocka_unit_test(tsc_from_cpuid),
	};

	return cmocka_run_group_tests_name("boot text", tests, NULL, NULL);
}
