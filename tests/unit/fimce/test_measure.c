/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_measure.c - what the manager makes of its input, and the journal's hash chain. The SUIT verifier is played by this
 * test, so that each of its answers can be tried; the real one has tests of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sample_image.h"

#include "journal.h"
#include "measure.h"

#include <crypto/crypto.h>
#include <suit/suit.h>

#include <stdlib.h>

static struct sample_image image;
static struct rv_fimce_param param;
static struct rv_target_page targets[SAMPLE_TARGETS];

/** What the played verifier answers. */
static struct {
	int error;
	struct suit_error why;
	bool names_target;
	bool is_task; /* the image updates nothing */
	const uint8_t *envelope;
	size_t size;
	uint8_t anchor[RV_DIGEST_SIZE];
	unsigned int calls;
} suit;

int suit_verify(const uint8_t *envelope, size_t size, const uint8_t anchor[RV_DIGEST_SIZE], struct suit_manifest *out,
		struct suit_error *err)
{
	suit.calls++;
	suit.envelope = envelope;
	suit.size = size;
	memcpy(suit.anchor, anchor, sizeof(suit.anchor));
	if (suit.error) {
		*err = suit.why;
		return suit.error;
	}
	memset(out, 0, sizeof(*out));
	out->sequence = 42;
	out->payload.data = (const uint8_t *)&image;
	out->payload.size = SAMPLE_BYTES;
	rv_sha256_digest(&image, SAMPLE_BYTES, out->payload_digest);
	memset(out->signer, 0x51, sizeof(out->signer));
	memset(out->component_digest, 0xc0, sizeof(out->component_digest));
	return 0;
}

bool suit_names_target(const struct suit_manifest *m, const char name[SUIT_NAME_MAX + 1],
		       const uint8_t build_id[SUIT_BUILD_ID_SIZE])
{
	assert_int_equal(m->sequence, 42);
	assert_string_equal(name, suit.is_task ? "sample" : "kvd");
	for (size_t i = 0; i < SUIT_BUILD_ID_SIZE; i++)
		assert_int_equal(build_id[i], suit.is_task ? 0 : 0xbb);
	return suit.names_target;
}

static int setup(void **state)
{
	(void)state;
	memset(&suit, 0, sizeof(suit));
	suit.names_target = true;
	sample_image_make(&image);
	sample_param_make(&param);
	sample_targets_make(targets);
	return 0;
}

static void test_raw_image(void **state)
{
	static const uint8_t zero[RV_DIGEST_SIZE];
	struct measured_image m;
	struct refusal why;
	uint8_t digest[RV_DIGEST_SIZE];

	(void)state;
	assert_int_equal(measure_input(&param, (const uint8_t *)&image, NULL, &m, &why), 0);
	assert_int_equal(suit.calls, 0);
	assert_ptr_equal(m.image, &image);
	assert_memory_equal(&m.header, &image.h, sizeof(m.header));
	rv_sha256_digest(&image, SAMPLE_BYTES, digest);
	assert_memory_equal(m.measured.image_digest, digest, sizeof(digest));
	assert_int_equal(m.measured.size, sizeof(struct rv_measured));
	assert_int_equal(m.measured.flags, 0);
	assert_int_equal(m.measured.sequence, 0);
	assert_int_equal(m.measured.capabilities, 0);
	assert_memory_equal(m.measured.signer, zero, sizeof(zero));
	assert_memory_equal(m.measured.component, zero, sizeof(zero));
	assert_string_equal(m.measured.name, "sample");
	assert_int_equal(m.measured.segment_count, 3);
	assert_int_equal(m.measured.segment[0].first_page, 0);
	assert_int_equal(m.measured.segment[0].pages, 1);
	assert_int_equal(m.measured.segment[0].perm, RV_PERM_R | RV_PERM_X);
	assert_int_equal(m.measured.segment[1].first_page, 1);
	assert_int_equal(m.measured.segment[1].pages, 2);
	assert_int_equal(m.measured.segment[1].perm, RV_PERM_R);
	assert_int_equal(m.measured.segment[2].first_page, 3);
	assert_int_equal(m.measured.segment[2].pages, 2);
	assert_int_equal(m.measured.segment[2].perm, RV_PERM_R | RV_PERM_W);
}

static void test_raw_image_with_argument(void **state)
{
	size_t padded = (SAMPLE_BYTES + 15) & ~(size_t)15;
	uint8_t *input = calloc(1, padded + 32);
	struct measured_image m;
	struct refusal why;

	(void)state;
	assert_non_null(input);
	assert_true(padded > SAMPLE_BYTES);
	memcpy(input, &image, SAMPLE_BYTES);
	memset(input + padded, 0x77, 32);
	param.argument_offset = (uint32_t)padded;
	param.input_bytes = (uint32_t)padded + 32;
	assert_int_equal(measure_input(&param, input, NULL, &m, &why), 0);
	/* What stands between image and argument is not measured: nothing may be there. */
	input[SAMPLE_BYTES] = 1;
	assert_int_equal(measure_input(&param, input, NULL, &m, &why), -RV_EBADMSG);
	assert_int_equal(why.reason, RV_REASON_IMAGE_FIELD);
	assert_int_equal(why.value, offsetof(struct rv_image_header, image_bytes));
	/* An argument offset beyond the input counts as the input's end. */
	input[SAMPLE_BYTES] = 0;
	param.input_bytes = SAMPLE_BYTES;
	param.argument_offset = UINT32_MAX;
	assert_int_equal(measure_input(&param, input, NULL, &m, &why), 0);
	free(input);
}

static void test_raw_image_gets_no_target(void **state)
{
	struct measured_image m;
	struct refusal why;

	(void)state;
	sample_image_add_target(&image);
	sample_param_add_targets(&param);
	assert_int_equal(measure_input(&param, (const uint8_t *)&image, targets, &m, &why), -RV_EACCES);
	assert_int_equal(why.reason, RV_REASON_FIMCE_CAPABILITY);
}

static void test_neither(void **state)
{
	static const uint8_t text[16] = "#!/bin/sh";
	struct measured_image m;
	struct refusal why;

	(void)state;
	param.input_bytes = param.argument_offset = sizeof(text);
	assert_int_equal(measure_input(&param, text, NULL, &m, &why), -RV_EBADMSG);
	assert_int_equal(why.reason, RV_REASON_IMAGE_SHORT);
	param.input_bytes = param.argument_offset = 0;
	assert_int_equal(measure_input(&param, text, NULL, &m, &why), -RV_EBADMSG);
	assert_int_equal(why.reason, RV_REASON_IMAGE_SHORT);
	assert_int_equal(suit.calls, 0);
}

static const uint8_t envelope[4] = {0xd8, 0x6b, 0xa0, 0x00};

static int setup_envelope(void **state)
{
	(void)setup(state);
	sample_image_add_target(&image);
	sample_param_add_targets(&param);
	param.input_bytes = param.argument_offset = sizeof(envelope);
	memset(param.trust_anchor, 0xa7, sizeof(param.trust_anchor));
	return 0;
}

static void test_envelope(void **state)
{
	struct measured_image m;
	struct refusal why;
	uint8_t bytes[RV_DIGEST_SIZE];

	(void)state;
	assert_int_equal(measure_input(&param, envelope, targets, &m, &why), 0);
	assert_int_equal(suit.calls, 1);
	assert_ptr_equal(suit.envelope, envelope);
	assert_int_equal(suit.size, sizeof(envelope));
	memset(bytes, 0xa7, sizeof(bytes));
	assert_memory_equal(suit.anchor, bytes, sizeof(bytes));
	assert_ptr_equal(m.image, &image);
	assert_int_equal(m.measured.flags, RV_MEASURED_SIGNED);
	assert_int_equal(m.measured.capabilities, RV_CAP_TARGET);
	assert_int_equal(m.measured.sequence, 42);
	rv_sha256_digest(&image, SAMPLE_BYTES, bytes);
	assert_memory_equal(m.measured.image_digest, bytes, sizeof(bytes));
	memset(bytes, 0x51, sizeof(bytes));
	assert_memory_equal(m.measured.signer, bytes, sizeof(bytes));
	memset(bytes, 0xc0, sizeof(bytes));
	assert_memory_equal(m.measured.component, bytes, sizeof(bytes));

	/* The wish to be reverted goes on as a flag. */
	image.h.capabilities |= RV_CAP_REVERT;
	assert_int_equal(measure_input(&param, envelope, targets, &m, &why), 0);
	assert_int_equal(m.measured.flags, RV_MEASURED_SIGNED | RV_MEASURED_HAS_REVERT);
	assert_int_equal(m.measured.capabilities, RV_CAP_TARGET);
}

/* A signed task that updates nothing: its component is its own name. */
static void test_envelope_of_a_task(void **state)
{
	static const struct rv_grant none[RV_MAX_GRANTS];
	struct measured_image m;
	struct refusal why;

	(void)setup(state);
	param.input_bytes = param.argument_offset = sizeof(envelope);
	suit.is_task = true;
	assert_int_equal(measure_input(&param, envelope, NULL, &m, &why), 0);
	assert_int_equal(m.measured.flags, RV_MEASURED_SIGNED);
	assert_int_equal(m.measured.capabilities, 0);
	assert_int_equal(m.measured.grant_count, 0);
	assert_memory_equal(m.measured.grant, none, sizeof(none));

	sample_image_add_devices(&image);
	assert_int_equal(measure_input(&param, envelope, NULL, &m, &why), 0);
	assert_int_equal(m.measured.capabilities, RV_CAP_DEVICE);
	assert_int_equal(m.measured.grant_count, image.h.grant_count);
	assert_memory_equal(m.measured.grant, image.h.grant, sizeof(image.h.grant));

	suit.names_target = false;
	assert_int_equal(measure_input(&param, envelope, NULL, &m, &why), -RV_EBADMSG);
	assert_int_equal(why.reason, RV_REASON_SUIT_COMPONENT);

	/* Not without a signature. */
	param.input_bytes = param.argument_offset = SAMPLE_BYTES;
	assert_int_equal(measure_input(&param, (const uint8_t *)&image, NULL, &m, &why), -RV_EACCES);
	assert_int_equal(why.reason, RV_REASON_FIMCE_CAPABILITY);
	assert_int_equal(why.value, RV_CAP_DEVICE);
}

static void test_envelope_refused(void **state)
{
	struct measured_image m;
	struct refusal why;

	(void)state;
	suit.error = -RV_EKEYREJECTED;
	suit.why.reason = RV_REASON_SUIT_KEY;
	suit.why.value = 9;
	assert_int_equal(measure_input(&param, envelope, targets, &m, &why), -RV_EKEYREJECTED);
	assert_int_equal(why.error, -RV_EKEYREJECTED);
	assert_int_equal(why.reason, RV_REASON_SUIT_KEY);
	assert_int_equal(why.value, 9);
	/* A map without tag takes the same way. */
	assert_int_equal(measure_input(&param, envelope + 2, targets, &m, &why), -RV_EKEYREJECTED);
	assert_int_equal(suit.calls, 2);

	(void)setup_envelope(NULL);
	suit.names_target = false;
	assert_int_equal(measure_input(&param, envelope, targets, &m, &why), -RV_EBADMSG);
	assert_int_equal(why.reason, RV_REASON_SUIT_COMPONENT);

	(void)setup_envelope(NULL);
	image.h.image_bytes--;
	assert_int_equal(measure_input(&param, envelope, targets, &m, &why), -RV_EBADMSG);
	assert_int_equal(why.reason, RV_REASON_IMAGE_FIELD);

	(void)setup_envelope(NULL);
	param.target_count = 0;
	assert_int_equal(measure_input(&param, envelope, targets, &m, &why), -RV_EINVAL);
	assert_int_equal(why.reason, RV_REASON_UPDATE_TARGET);

	(void)setup_envelope(NULL);
	targets[0].kind = RV_TARGET_DATA;
	assert_int_equal(measure_input(&param, envelope, targets, &m, &why), -RV_EINVAL);
	assert_int_equal(why.reason, RV_REASON_UPDATE_MAPPING);
}

/* The hypervisor hears which file it was, and of the manifest what a trusted signature vouches for. */
static void test_what_was_refused(void **state)
{
	static const uint8_t zero[RV_DIGEST_SIZE];
	uint8_t digest[RV_DIGEST_SIZE];
	uint8_t component[RV_DIGEST_SIZE];
	uint8_t input[sizeof(envelope) + 16];
	struct measured_image m;
	struct rv_refused r;
	struct refusal why;

	(void)state;
	memset(input, 0x77, sizeof(input));
	memcpy(input, envelope, sizeof(envelope));
	param.input_bytes = sizeof(input);
	rv_sha256_digest(envelope, sizeof(envelope), digest);
	suit.error = -RV_EKEYREJECTED;
	memset(&m, 0xee, sizeof(m));
	assert_int_equal(measure_input(&param, input, targets, &m, &why), -RV_EKEYREJECTED);
	measure_refused(&param, input, &m, &r);
	assert_int_equal(r.size, sizeof(r));
	assert_memory_equal(r.input_digest, digest, sizeof(digest));
	assert_memory_equal(r.component, zero, sizeof(zero));
	assert_int_equal(r.sequence, 0);

	suit.error = 0;
	suit.names_target = false;
	assert_int_equal(measure_input(&param, input, targets, &m, &why), -RV_EBADMSG);
	measure_refused(&param, input, &m, &r);
	assert_memory_equal(r.input_digest, digest, sizeof(digest));
	memset(component, 0xc0, sizeof(component));
	assert_memory_equal(r.component, component, sizeof(component));
	assert_int_equal(r.sequence, 42);
}

static void test_journal(void **state)
{
	static const uint8_t zero[RV_DIGEST_SIZE];
	struct rv_journal_record r[4];
	struct rv_journal_head all;
	struct rv_journal_head part;
	struct refusal why;
	uint8_t expected[RV_DIGEST_SIZE] = {0};
	uint8_t buffer[RV_DIGEST_SIZE + sizeof(r[0])];

	(void)state;
	assert_int_equal(sizeof(r[0]), 128);
	memset(r, 0x3c, sizeof(r));
	for (uint64_t i = 0; i < 4; i++) {
		r[i].index = i;
		r[i].tsc = i * 1000;
		memcpy(buffer, expected, sizeof(expected));
		memcpy(buffer + sizeof(expected), &r[i], sizeof(r[i]));
		rv_sha256_digest(buffer, sizeof(buffer), expected);
	}
	assert_int_equal(journal_fold(zero, (const uint8_t *)r, sizeof(r), &all, &why), 0);
	assert_int_equal(all.count, 4);
	assert_memory_equal(all.head, expected, sizeof(expected));
	/* In two steps. */
	assert_int_equal(journal_fold(zero, (const uint8_t *)r, sizeof(r[0]), &part, &why), 0);
	assert_int_equal(part.count, 1);
	assert_int_equal(journal_fold(part.head, (const uint8_t *)(r + 1), 3 * sizeof(r[0]), &part, &why), 0);
	assert_int_equal(part.count, 4);
	assert_memory_equal(part.head, expected, sizeof(expected));

	assert_int_equal(journal_fold(zero, (const uint8_t *)r, 0, &part, &why), -RV_EINVAL);
	assert_int_equal(journal_fold(zero, (const uint8_t *)r, 127, &part, &why), -RV_EINVAL);
	assert_int_equal(why.value, 127);
	r[2].index = 7;
	assert_int_equal(journal_fold(zero, (const uint8_t *)r, sizeof(r), &part, &why), -RV_EINVAL);
	assert_int_equal(why.reason, RV_REASON_HC_ARGUMENT);
	assert_int_equal(why.value, 7);
	assert_int_equal(part.count, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_raw_image, setup),
	    cmocka_unit_test_setup(test_raw_image_with_argument, setup),
	    cmocka_unit_test_setup(test_raw_image_gets_no_target, setup),
	    cmocka_unit_test_setup(test_neither, setup),
	    cmocka_unit_test_setup(test_envelope, setup_envelope),
	    cmocka_unit_test_setup(test_envelope_of_a_task, setup),
	    cmocka_unit_test_setup(test_envelope_refused, setup_envelope),
	    cmocka_unit_test_setup(test_what_was_refused, setup_envelope),
	    cmocka_unit_test_setup(test_journal, setup),
	};

	return cmocka_run_group_tests_name("fimce/measure", tests, NULL, NULL);
}
