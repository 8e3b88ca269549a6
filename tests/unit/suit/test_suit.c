/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_suit.c - the SUIT pillar: accepts what the profile allows, refuses everything else with the reason.
 */
#include "envelope_builder.h"

#include <suit/suit.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROOM 4096

static EVP_PKEY *key;
static uint8_t anchor[RV_DIGEST_SIZE];
static uint8_t good[ROOM];
static size_t good_size;

static int set_up(void **state)
{
	uint8_t point[RV_P256_POINT_SIZE];

	(void)state;
	key = EVP_EC_gen("P-256");
	if (!key)
		return -1;
	builder_point(key, point);
	rv_sha256_digest(point, sizeof(point), anchor);
	good_size = builder_write(FAULT_NONE, key, good, sizeof(good));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	return 0;
}

/** Verifies a copy that has exactly the size given, so that the sanitizer sees every byte read beyond it. */
static int verify(const uint8_t *envelope, size_t size, struct suit_manifest *m, struct suit_error *err)
{
	uint8_t *copy = malloc(size ? size : 1);
	int result;

	assert_non_null(copy);
	memcpy(copy, envelope, size);
	result = suit_verify(copy, size, anchor, m, err);
	free(copy);
	return result;
}

static void accepts_a_valid_envelope(void **state)
{
	struct suit_manifest m;
	struct suit_error err = {12345, 678};
	uint8_t digest[RV_DIGEST_SIZE];

	(void)state;
	assert_int_equal(suit_verify(good, good_size, anchor, &m, &err), 0);
	assert_int_equal(err.reason, 12345);
	assert_int_equal(m.envelope_size, good_size);
	assert_int_equal(m.sequence, BUILDER_SEQUENCE);
	assert_int_equal(m.payload.size, strlen(BUILDER_PAYLOAD));
	assert_memory_equal(m.payload.data, BUILDER_PAYLOAD, m.payload.size);
	rv_sha256_digest(m.payload.data, m.payload.size, digest);
	assert_memory_equal(m.payload_digest, digest, sizeof(digest));
	assert_true(rv_cbor_slice_is(m.name, BUILDER_NAME));
	assert_int_equal(m.build_id.size, sizeof(builder_build_id));
	assert_memory_equal(m.build_id.data, builder_build_id, sizeof(builder_build_id));
	/* Array of two byte strings: 82 43 'kvd' 54 ... */
	assert_int_equal(m.component.size, 1 + 4 + 21);
	assert_int_equal(m.component.data[0], 0x82);
	rv_sha256_digest(m.component.data, m.component.size, digest);
	assert_memory_equal(m.component_digest, digest, sizeof(digest));
	assert_memory_equal(m.before, builder_before, RV_DIGEST_SIZE);
	assert_memory_equal(m.after, builder_after, RV_DIGEST_SIZE);
	assert_int_equal(m.target_bytes, BUILDER_TARGET_BYTES);
	assert_memory_equal(m.signer, anchor, RV_DIGEST_SIZE);
}

static void refuses_each_fault_with_its_reason(void **state)
{
	static const struct {
		enum fault fault;
		const char *name;
		uint32_t reason;
		uint64_t value;
	} faults[] = {
#define FAULT_ROW(id, why, value) {FAULT_##id, #id, RV_REASON_##why, value},
	    FAULTS(FAULT_ROW)
#undef FAULT_ROW
	};

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		uint8_t envelope[ROOM];
		size_t size = builder_write(faults[i].fault, key, envelope, sizeof(envelope));
		struct suit_manifest m;
		struct suit_manifest untouched;
		struct suit_error err = {0, 0};
		int result;

		memset(&m, 0xa5, sizeof(m));
		memset(&untouched, 0xa5, sizeof(untouched));
		result = verify(envelope, size, &m, &err);
		if (result >= 0 || err.reason != faults[i].reason ||
		    (faults[i].value != ANY && err.value != faults[i].value))
			fail_msg("%s: result %d, reason %u (expected %u), value %#llx (expected %#llx)", faults[i].name,
				 result, err.reason, faults[i].reason, (unsigned long long)err.value,
				 (unsigned long long)faults[i].value);
		assert_int_equal(result, err.reason == RV_REASON_SUIT_SIGNATURE ? -RV_EKEYREJECTED : -RV_EBADMSG);
		assert_memory_equal(&m, &untouched, sizeof(m));
	}
}

static void refuses_every_changed_byte(void **state)
{
	static const uint8_t change[] = {0x01, 0x20, 0x80, 0xff};
	uint8_t envelope[ROOM];

	(void)state;
	memcpy(envelope, good, good_size);
	for (size_t i = 0; i < good_size; i++)
		for (size_t j = 0; j < sizeof(change); j++) {
			struct suit_manifest m;
			struct suit_error err = {0, 0};

			envelope[i] ^= change[j];
			if (suit_verify(envelope, good_size, anchor, &m, &err) == 0 || err.reason == RV_REASON_NONE)
				fail_msg("byte %zu changed by %#x was accepted", i, change[j]);
			envelope[i] ^= change[j];
		}
}

static void refuses_every_truncation(void **state)
{
	(void)state;
	for (size_t size = 0; size < good_size; size++) {
		struct suit_manifest m;
		struct suit_error err = {0, 0};

		assert_int_equal(verify(good, size, &m, &err), -RV_EBADMSG);
		assert_int_equal(err.reason, RV_REASON_SUIT_CBOR);
		assert_true(err.value <= size);
	}
}

static void allows_zero_padding_to_16_only(void **state)
{
	uint8_t envelope[ROOM] = {0};
	struct suit_manifest m;
	struct suit_error err;

	(void)state;
	memcpy(envelope, good, good_size);
	for (size_t padding = 1; padding <= SUIT_PADDING_MAX; padding++) {
		assert_int_equal(verify(envelope, good_size + padding, &m, &err), 0);
		assert_int_equal(m.envelope_size, good_size);
		envelope[good_size + padding - 1] = 1;
		assert_int_equal(verify(envelope, good_size + padding, &m, &err), -RV_EBADMSG);
		assert_int_equal(err.reason, RV_REASON_SUIT_CBOR);
		assert_int_equal(err.value, good_size + padding - 1);
		envelope[good_size + padding - 1] = 0;
	}
	assert_int_equal(verify(envelope, good_size + SUIT_PADDING_MAX + 1, &m, &err), -RV_EBADMSG);
}

static void refuses_another_key(void **state)
{
	EVP_PKEY *other = EVP_EC_gen("P-256");
	uint8_t envelope[ROOM];
	size_t size = builder_write(FAULT_NONE, other, envelope, sizeof(envelope));
	struct suit_manifest m;
	struct suit_error err;

	(void)state;
	EVP_PKEY_free(other);
	assert_int_equal(suit_verify(envelope, size, anchor, &m, &err), -RV_EKEYREJECTED);
	assert_int_equal(err.reason, RV_REASON_SUIT_KEY);
	/* Tools may look at it. */
	assert_int_equal(suit_parse(envelope, size, &m, &err), 0);
	assert_memory_not_equal(m.signer, anchor, RV_DIGEST_SIZE);
}

static void refuses_the_trusted_key_with_a_foreign_signature(void **state)
{
	EVP_PKEY *other = EVP_EC_gen("P-256");
	uint8_t envelope[ROOM];
	size_t size = builder_write(FAULT_NONE, other, envelope, sizeof(envelope));
	uint8_t theirs[RV_P256_POINT_SIZE];
	uint8_t ours[RV_P256_POINT_SIZE];
	struct suit_manifest m;
	struct suit_error err;
	size_t swapped = 0;

	(void)state;
	builder_point(other, theirs);
	builder_point(key, ours);
	EVP_PKEY_free(other);
	for (size_t i = 0; i + 32 <= size; i++)
		for (size_t half = 0; half < 2; half++)
			if (memcmp(envelope + i, theirs + 1 + 32 * half, 32) == 0) {
				memcpy(envelope + i, ours + 1 + 32 * half, 32);
				swapped++;
			}
	assert_int_equal(swapped, 2);
	assert_int_equal(suit_verify(envelope, size, anchor, &m, &err), -RV_EKEYREJECTED);
	assert_int_equal(err.reason, RV_REASON_SUIT_SIGNATURE);
}

static void refuses_all_without_an_anchor(void **state)
{
	static const uint8_t none[RV_DIGEST_SIZE];
	struct suit_manifest m;
	struct suit_error err;

	(void)state;
	assert_int_equal(suit_verify(good, good_size, none, &m, &err), -RV_EKEYREJECTED);
	assert_int_equal(err.reason, RV_REASON_SUIT_NO_ANCHOR);
}

static void refuses_input_that_is_no_envelope(void **state)
{
	uint8_t zeros[4096] = {0};
	struct suit_manifest m;
	struct suit_error err;

	(void)state;
	assert_int_equal(verify(zeros, 0, &m, &err), -RV_EBADMSG);
	assert_int_equal(verify(zeros, sizeof(zeros), &m, &err), -RV_EBADMSG);
	memset(zeros, 0xff, sizeof(zeros));
	assert_int_equal(verify(zeros, sizeof(zeros), &m, &err), -RV_EBADMSG);
	memset(zeros, 0x81, sizeof(zeros)); /* arrays in arrays */
	assert_int_equal(verify(zeros, sizeof(zeros), &m, &err), -RV_EBADMSG);
	memcpy(zeros, "RVLNIMG1", 8);
	assert_int_equal(verify(zeros, sizeof(zeros), &m, &err), -RV_EBADMSG);
	assert_int_equal(err.reason, RV_REASON_SUIT_CBOR);
}

/** Digest, signature and public key of example 0 in draft-ietf-suit-manifest-37, appendix B. */
static void agrees_with_the_draft_on_what_is_signed(void **state)
{
	static const uint8_t manifest_digest[RV_DIGEST_SIZE] = {
	    0x66, 0x58, 0xea, 0x56, 0x02, 0x62, 0x69, 0x6d, 0xd1, 0xf1, 0x3b, 0x78, 0x22, 0x39, 0xa0, 0x64,
	    0xda, 0x7c, 0x6c, 0x5c, 0xba, 0xf5, 0x2f, 0xde, 0xd4, 0x28, 0xa6, 0xfc, 0x83, 0xc7, 0xe5, 0xaf};
	static const uint8_t point[RV_P256_POINT_SIZE] = {
	    0x04, 0x84, 0x96, 0x81, 0x1a, 0xae, 0x0b, 0xaa, 0xab, 0xd2, 0x61, 0x57, 0x18, 0x9e, 0xec, 0xda, 0x26,
	    0xbe, 0xaa, 0x8b, 0xf1, 0x1b, 0x6f, 0x3f, 0xe6, 0xe2, 0xb5, 0x65, 0x9c, 0x85, 0xdb, 0xc0, 0xad, 0x3b,
	    0x1f, 0x2a, 0x4b, 0x6c, 0x09, 0x81, 0x31, 0xc0, 0xa3, 0x6d, 0xac, 0xd1, 0xd7, 0x8b, 0xd3, 0x81, 0xdc,
	    0xdf, 0xb0, 0x9c, 0x05, 0x2d, 0xb3, 0x39, 0x91, 0xdb, 0x73, 0x38, 0xb4, 0xa8, 0x96};
	static const uint8_t signature[RV_ES256_SIGNATURE_SIZE] = {
	    0x40, 0x8d, 0x08, 0x16, 0xf9, 0xb5, 0x10, 0x74, 0x9b, 0xf6, 0xa5, 0x1b, 0x06, 0x69, 0x51, 0xe0,
	    0x8a, 0x44, 0x38, 0xf8, 0x49, 0xeb, 0x09, 0x2a, 0x1a, 0xc7, 0x68, 0xee, 0xd9, 0xde, 0x69, 0x6c,
	    0x1b, 0x1d, 0xd3, 0x5d, 0x82, 0xef, 0x14, 0x9e, 0x6a, 0x73, 0xa6, 0x19, 0x76, 0xad, 0x2c, 0xfe,
	    0x78, 0x44, 0x4b, 0x80, 0x64, 0x29, 0x33, 0x50, 0xa1, 0x22, 0xf3, 0x32, 0xcb, 0x49, 0xf0, 0xda};
	uint8_t digest[RV_DIGEST_SIZE];

	(void)state;
	suit_signed_digest(manifest_digest, digest);
	assert_int_equal(rv_es256_verify(point, digest, signature), 0);
	digest[0] ^= 1;
	assert_int_equal(rv_es256_verify(point, digest, signature), -RV_EKEYREJECTED);
}

static void compares_the_component_with_the_image(void **state)
{
	char name[SUIT_NAME_MAX + 1] = BUILDER_NAME;
	uint8_t build_id[SUIT_BUILD_ID_SIZE];
	struct suit_manifest m;
	struct suit_error err;

	(void)state;
	memcpy(build_id, builder_build_id, sizeof(build_id));
	assert_int_equal(suit_verify(good, good_size, anchor, &m, &err), 0);
	assert_true(suit_names_target(&m, name, build_id));
	build_id[19] ^= 1;
	assert_false(suit_names_target(&m, name, build_id));
	build_id[19] ^= 1;
	name[3] = 'x';
	assert_false(suit_names_target(&m, name, build_id));
	name[2] = '\0';
	assert_false(suit_names_target(&m, name, build_id));
	memset(name, 'k', sizeof(name)); /* no NUL at all */
	assert_false(suit_names_target(&m, name, build_id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(accepts_a_valid_envelope),
	    cmocka_unit_test(refuses_each_fault_with_its_reason),
	    cmocka_unit_test(refuses_every_changed_byte),
	    cmocka_unit_test(refuses_every_truncation),
	    cmocka_unit_test(allows_zero_padding_to_16_only),
	    cmocka_unit_test(refuses_another_key),
	    cmocka_unit_test(refuses_the_trusted_key_with_a_foreign_signature),
	    cmocka_unit_test(refuses_all_without_an_anchor),
	    cmocka_unit_test(refuses_input_that_is_no_envelope),
	    cmocka_unit_test(agrees_with_the_draft_on_what_is_signed),
	    cmocka_unit_test(compares_the_component_with_the_image),
	};

	return cmocka_run_group_tests_name("suit", tests, set_up, tear_down);
}
