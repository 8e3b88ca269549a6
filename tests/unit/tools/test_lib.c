// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_lib.c - libravelin: sentences, images and envelopes, journal, machine check.
 */
#include "fake_device.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- sentences ---- */

static void sentence_replaces_values(void **state)
{
	const uint64_t value[] = {0x10, 200};
	char text[200];

	(void)state;
	assert_string_equal(ravelin_sentence(RV_REASON_VMCS_FAILED, value, 2, text, sizeof(text)),
			    "writing VMCS field 0x10 failed, VM-instruction error 0xc8");
	assert_string_equal(ravelin_sentence(RV_REASON_DRIVER_NOT_FROZEN, &value[1], 1, text, sizeof(text)),
			    "thread 200 of the target is not frozen");
	/* A place without a value stays visible, and a # that is no place stays a #. */
	assert_string_equal(ravelin_sentence(RV_REASON_VMCS_FAILED, value, 1, text, sizeof(text)),
			    "writing VMCS field 0x10 failed, VM-instruction error ...");
	assert_non_null(strstr(ravelin_sentence(RV_REASON_HIDDEN_TOUCH, value, 2, text, sizeof(text)), "got #GP"));
}

static void expect_sentence(uint32_t reason, uint64_t value, const char *expected)
{
	char text[200];

	assert_string_equal(ravelin_sentence(reason, &value, 1, text, sizeof(text)), expected);
}

/* Nobody knows numbers of errors, causes and states by heart. */
static void sentences_have_names(void **state)
{
	struct rv_log_record r = {.reason = RV_REASON_FIMCE_DONE, .value = {3, (uint64_t)-RV_EBADMSG, 4096}};
	char text[200];

	(void)state;
	expect_sentence(RV_REASON_UPDATE_SELF_CHECK, 0xffffffffffffffb6,
			"the update's own self-check failed with -EBADMSG; every byte is as before");
	expect_sentence(RV_REASON_UPDATE_SELF_CHECK, 7,
			"the update's own self-check failed with 7; every byte is as before");
	expect_sentence(RV_REASON_UPDATE_CODE, (uint64_t)-4000, "the update code refused with -4000");
	expect_sentence(RV_REASON_UPDATE_CODE, 1ull << 63, "the update code refused with -9223372036854775808");
	expect_sentence(RV_REASON_UPDATE_DIED, RV_CAUSE_WATCHDOG,
			"the update task died while it held the target, cause watchdog; every byte is as before");
	expect_sentence(RV_REASON_UPDATE_STATE, RV_UPDATE_ROLLED_BACK,
			"the update is in state rolled back, which does not allow this call");
	expect_sentence(RV_REASON_FIMCE_STATE, RV_FIMCE_YIELDED,
			"the FIMCE is in state yielded, which does not allow this call");
	expect_sentence(RV_REASON_FIMCE_STATE, 1ull << 32,
			"the FIMCE is in state unknown, which does not allow this call");
	assert_string_equal(ravelin_log_sentence(&r, text, sizeof(text)),
			    "FIMCE 3 is done: result -EBADMSG, output bytes 4096");
	r = (struct rv_log_record){.reason = RV_REASON_FIMCE_DIED, .value = {3, RV_CAUSE_BREACH, 30, 5, 0x1000}};
	assert_string_equal(ravelin_log_sentence(&r, text, sizeof(text)),
			    "FIMCE 3 died: cause breach, detail 0x1e, value 0x5, RIP 0x1000");
}

static void sentence_is_cut_and_terminated(void **state)
{
	const uint64_t value = 1;
	char text[200];

	(void)state;
	for (size_t size = 1; size < sizeof(text); size++) {
		memset(text, 'x', sizeof(text));
		ravelin_sentence(RV_REASON_DRIVER_STACK, &value, 1, text, size);
		assert_true(strlen(text) < size);
		if (size < sizeof(text))
			assert_int_equal(text[size], 'x');
	}
	ravelin_sentence(12345, &value, 1, text, sizeof(text));
	assert_string_equal(text, "reason 12345 (0x1)");
	assert_string_equal(ravelin_reason_name(12345), "unknown");
}

static void every_reason_has_a_sentence_and_one_name(void **state)
{
#define ID(id, name, text) (id),
	static const uint32_t ids[] = {RV_REASONS(ID)};
#undef ID
	const uint64_t value[5] = {1, 2, 3, 4, 5};
	char text[400];

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		ravelin_sentence(ids[i], value, 5, text, sizeof(text));
		assert_true(strlen(text) > 3);
		for (const char *mark = RV_REASON_MARKS; *mark; mark++) {
			const char place[] = {*mark, '\0'};
			const char *at = strstr(text, place);

			assert_false(at && at[1] >= '0' && at[1] <= '4');
		}
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(ids[i], ids[k]);
	}
}

static void text_of_a_task_cannot_reach_the_terminal(void **state)
{
	struct rv_log_record r = {.reason = RV_REASON_FIMCE_TEXT};
	char text[200];

	(void)state;
	memcpy(r.value, "hello\033[2Jworld", 15);
	assert_string_equal(ravelin_log_sentence(&r, text, sizeof(text)), "FIMCE: hello?[2Jworld");
	memset(r.value, 'a', sizeof(r.value));
	assert_int_equal(strlen(ravelin_log_sentence(&r, text, sizeof(text))), strlen("FIMCE: ") + 40);
}

static void causes_are_told(void **state)
{
	struct rv_fimce_status s = {.state = RV_FIMCE_DEAD, .cause = RV_CAUSE_EXCEPTION, .detail = 14, .rip = 0x1234};
	char text[300];

	(void)state;
	assert_non_null(strstr(ravelin_cause_sentence(&s, text, sizeof(text)), "#PF"));
	assert_non_null(strstr(text, "0x1234"));
	s.cause = RV_CAUSE_REFUSED;
	s.detail = RV_REASON_SUIT_SIGNATURE;
	assert_string_equal(ravelin_cause_sentence(&s, text, sizeof(text)), "the signature of the manifest is wrong");
	s.cause = RV_CAUSE_BREACH;
	s.detail = 28;
	assert_non_null(strstr(ravelin_cause_sentence(&s, text, sizeof(text)), "control-register access"));
	s.cause = 99;
	assert_non_null(strstr(ravelin_cause_sentence(&s, text, sizeof(text)), "cause 99"));
	s.state = RV_FIMCE_DONE;
	assert_string_equal(ravelin_cause_sentence(&s, text, sizeof(text)), "");
	assert_string_equal(ravelin_fimce_state_name(1000), "unknown");
	assert_string_equal(ravelin_update_state_name(RV_JOURNAL_REFUSED), "refused");
	assert_string_equal(ravelin_update_state_name(RV_UPDATE_ABANDONED), "abandoned");
	assert_string_equal(ravelin_update_state_name(RV_JOURNAL_WITHDRAWN), "withdrawn");
	assert_string_equal(ravelin_exit_reason_name(35), "unknown");
}

/* ---- images and envelopes ---- */

static int find(const void *file, size_t bytes, struct rv_failure *failure, size_t *offset)
{
	/* On the heap and of exact size, so that reading beyond it is caught. */
	struct rv_image_header image;
	uint8_t *copy = malloc(bytes ? bytes : 1);
	int error;

	assert_non_null(copy);
	memcpy(copy, file, bytes);
	error = ravelin_image_find(copy, bytes, &image, offset, failure);
	free(copy);
	return error;
}

static void image_is_found(void **state)
{
	struct rv_image_header h = fake_image(false);
	struct rv_failure failure;
	size_t offset = 1;

	(void)state;
	assert_int_equal(find(&h, sizeof(h), &failure, &offset), 0);
	assert_int_equal(offset, 0);
}

static void wrong_image_fields_are_named(void **state)
{
	static const struct {
		size_t offset;
		uint32_t value;
		uint32_t reason;
	} cases[] = {
	    {offsetof(struct rv_image_header, version), 1, RV_REASON_IMAGE_VERSION},
	    {offsetof(struct rv_image_header, header_bytes), 8, RV_REASON_IMAGE_FIELD},
	    {offsetof(struct rv_image_header, image_bytes), 8, RV_REASON_IMAGE_FIELD},
	    {offsetof(struct rv_image_header, load_bytes), 8, RV_REASON_IMAGE_FIELD},
	    {offsetof(struct rv_image_header, load_bytes), RV_FIMCE_MAX_LOAD + 4096, RV_REASON_IMAGE_FIELD},
	    {offsetof(struct rv_image_header, stack_bytes), 0, RV_REASON_IMAGE_FIELD},
	    {offsetof(struct rv_image_header, output_bytes), 1, RV_REASON_IMAGE_FIELD},
	    {offsetof(struct rv_image_header, budget_us), 0, RV_REASON_IMAGE_FIELD},
	    {offsetof(struct rv_image_header, segment_count), 9, RV_REASON_IMAGE_FIELD},
	    {offsetof(struct rv_image_header, range_count), 17, RV_REASON_IMAGE_FIELD},
	    {offsetof(struct rv_image_header, grant_count), 9, RV_REASON_IMAGE_FIELD},
	};
	struct rv_failure failure;
	size_t offset;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rv_image_header h = fake_image(false);

		memcpy((uint8_t *)&h + cases[i].offset, &cases[i].value, sizeof(uint32_t));
		assert_int_equal(find(&h, sizeof(h), &failure, &offset), -EBADMSG);
		assert_int_equal(failure.reason, cases[i].reason);
		if (failure.reason == RV_REASON_IMAGE_FIELD)
			assert_int_equal(failure.value, cases[i].offset);
	}
}

static void names_without_end_are_refused(void **state)
{
	struct rv_image_header h = fake_image(true);
	struct rv_failure failure;
	size_t offset;

	(void)state;
	memset(h.target_name, 'a', sizeof(h.target_name));
	assert_int_equal(find(&h, sizeof(h), &failure, &offset), -EBADMSG);
	assert_int_equal(failure.value, offsetof(struct rv_image_header, target_name));
}

/** Envelope {2: h'0102', 3: [1, {4: -5}], "x": 1, "#update": image}, with or without tag 107. @return bytes */
static size_t envelope_make(uint8_t *to, bool tag)
{
	static const uint8_t head[] = {0xa4, 0x02, 0x42, 1,   2,   0x03, 0x82, 1,   0xa1, 4,   0x24, 0x61,
				       'x',  1,    0x67, '#', 'u', 'p',  'd',  'a', 't',  'e', 0x59};
	struct rv_image_header h = fake_image(true);
	size_t n = 0;

	if (tag) {
		to[n++] = 0xd8;
		to[n++] = 107;
	}
	memcpy(to + n, head, sizeof(head));
	n += sizeof(head);
	to[n++] = (uint8_t)(sizeof(h) >> 8);
	to[n++] = (uint8_t)sizeof(h);
	memcpy(to + n, &h, sizeof(h));
	return n + sizeof(h);
}

static void payload_of_an_envelope_is_found(void **state)
{
	uint8_t envelope[4096];
	struct rv_failure failure;
	size_t bytes, offset;

	(void)state;
	for (int tag = 0; tag < 2; tag++) {
		bytes = envelope_make(envelope, tag);
		assert_int_equal(find(envelope, bytes, &failure, &offset), 0);
		assert_int_equal(offset, bytes - sizeof(struct rv_image_header));
	}
}

static void cut_envelopes_are_refused(void **state)
{
	uint8_t envelope[4096];
	struct rv_failure failure;
	size_t bytes = envelope_make(envelope, true), offset;

	(void)state;
	for (size_t cut = 0; cut < bytes; cut++) {
		assert_int_equal(find(envelope, cut, &failure, &offset), -EBADMSG);
		assert_int_not_equal(failure.reason, 0);
	}
}

static void hostile_cbor_ends(void **state)
{
	static const uint8_t nested[] = {0xa2, 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	static const uint8_t huge[] = {0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x01};
	static const uint8_t endless[] = {0xbf, 0x01, 0x02, 0xff};
	static const uint8_t long_text[] = {0xa1, 0x7b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, '#'};
	static const uint8_t no_payload[] = {0xa1, 0x01, 0x02};
	struct rv_failure failure;
	uint8_t deep[1000];
	size_t offset;

	(void)state;
	assert_int_equal(find(nested, sizeof(nested), &failure, &offset), -EBADMSG);
	assert_int_equal(find(huge, sizeof(huge), &failure, &offset), -EBADMSG);
	assert_int_equal(find(endless, sizeof(endless), &failure, &offset), -EBADMSG);
	assert_int_equal(find(long_text, sizeof(long_text), &failure, &offset), -EBADMSG);
	assert_int_equal(find(no_payload, sizeof(no_payload), &failure, &offset), -EBADMSG);
	assert_int_equal(failure.reason, RV_REASON_SUIT_MISSING);
	memset(deep, 0x81, sizeof(deep));
	deep[0] = 0xa1;
	assert_int_equal(find(deep, sizeof(deep), &failure, &offset), -EBADMSG);
	assert_int_equal(find("#!/bin/sh\necho no image\n", 24, &failure, &offset), -EBADMSG);
	assert_int_equal(failure.reason, RV_REASON_IMAGE_MAGIC);
	assert_int_equal(find("", 0, &failure, &offset), -EBADMSG);
}

/* ---- device ---- */

static void open_says_why_not(void **state)
{
	struct ravelin *h;
	char text[300];

	(void)state;
	fake_reset();
	fake.open_error = ENOENT;
	assert_int_equal(ravelin_open(&h), -ENOENT);
	assert_null(h);
	assert_non_null(strstr(ravelin_explain(NULL, -ENOENT, text, sizeof(text)), "modprobe ravelin"));
	assert_non_null(strstr(ravelin_explain(NULL, -EACCES, text, sizeof(text)), "root"));
}

static void failure_is_kept_until_the_next_call(void **state)
{
	struct rv_info info;
	struct ravelin *h;
	char text[300];

	(void)state;
	fake_reset();
	fake.failure[0] = (struct fake_failure){RV_IOCTL_INFO, 1, EINVAL, RV_REASON_HC_BUFFER_SMALL, 0x40};
	assert_int_equal(ravelin_open(&h), 0);
	assert_int_equal(ravelin_info(h, &info, NULL), -EINVAL);
	assert_int_equal(ravelin_failure(h).reason, RV_REASON_HC_BUFFER_SMALL);
	assert_string_equal(ravelin_explain(h, -EINVAL, text, sizeof(text)),
			    "the buffer is too small: 64 bytes are needed");
	assert_int_equal(ravelin_info(h, &info, NULL), 0);
	assert_int_equal(ravelin_failure(h).reason, 0);
	ravelin_close(h);
	assert_int_equal(fake.closed, 1);
	assert_int_equal(fake.bad_heads, 0);
}

static void interrupted_calls_go_on(void **state)
{
	struct rv_info info;
	struct ravelin *h;

	(void)state;
	fake_reset();
	fake.failure[0] = (struct fake_failure){RV_IOCTL_INFO, 3, EINTR, 0, 0};
	assert_int_equal(ravelin_open(&h), 0);
	assert_int_equal(ravelin_info(h, &info, NULL), 0);
	assert_int_equal(fake.calls[0], 4);
	ravelin_close(h);
}

static void create_takes_sizes_from_the_image(void **state)
{
	struct rv_image_header image = fake_image(false);
	struct ravelin *h;
	uint32_t id = 0;

	(void)state;
	fake_reset();
	assert_int_equal(ravelin_open(&h), 0);
	assert_int_equal(ravelin_fimce_create(h, &image, sizeof(image), "argument", 8, &id), 0);
	assert_int_equal(id, 5);
	assert_int_equal(fake.create.sizes.load_bytes, image.load_bytes);
	assert_int_equal(fake.create.sizes.budget_us, image.budget_us);
	assert_int_equal(fake.create.sizes.argument_offset % 16, 0);
	assert_int_equal(fake.create.sizes.input_bytes, fake.create.sizes.argument_offset + 8);
	assert_memory_equal(fake.input, &image, sizeof(image));
	assert_memory_equal(fake.input + fake.create.sizes.argument_offset, "argument", 8);
	assert_int_equal(ravelin_fimce_create(h, "nonsense", 8, NULL, 0, &id), -EBADMSG);
	assert_int_equal(ravelin_failure(h).reason, RV_REASON_IMAGE_MAGIC);
	assert_int_equal(ravelin_fimce_create(h, &image, sizeof(image), "x", RV_FIMCE_MAX_INPUT, &id), -EFBIG);
	ravelin_close(h);
}

static void ticks_convert_without_overflow(void **state)
{
	(void)state;
	assert_int_equal(ravelin_ticks_to_us(2500000, 1000000), 2500);
	assert_int_equal(ravelin_ticks_to_us(UINT64_MAX, 1000), UINT64_MAX);
	assert_int_equal(ravelin_ticks_to_us(1, 0), 0);
}

/* ---- journal ---- */

static void journal_chain_holds(void **state)
{
	struct rv_journal_record *record;
	struct rv_journal_head head;
	struct ravelin *h;
	uint64_t count;

	(void)state;
	fake_reset();
	assert_int_equal(ravelin_open(&h), 0);
	assert_int_equal(ravelin_journal_get(h, &record, &count, &head), 0);
	assert_int_equal(count, 3);
	assert_int_equal(ravelin_journal_verify(record, count, &head), 0);
	free(record);
	ravelin_close(h);
}

static void every_changed_byte_is_noticed(void **state)
{
	uint8_t *bytes = (uint8_t *)fake.journal;

	(void)state;
	fake_reset();
	for (size_t i = 0; i < 3 * sizeof(fake.journal[0]); i++) {
		bytes[i] ^= 1;
		assert_int_equal(ravelin_journal_verify(fake.journal, 3, &fake.head), -EBADMSG);
		bytes[i] ^= 1;
	}
	fake.head.head[31] ^= 0x80;
	assert_int_equal(ravelin_journal_verify(fake.journal, 3, &fake.head), -EBADMSG);
}

static void lost_and_swapped_records_are_noticed(void **state)
{
	struct rv_journal_record first;

	(void)state;
	fake_reset();
	assert_int_equal(ravelin_journal_verify(fake.journal, 2, &fake.head), -ESTALE);
	first = fake.journal[0];
	fake.journal[0] = fake.journal[1];
	fake.journal[1] = first;
	assert_int_equal(ravelin_journal_verify(fake.journal, 3, &fake.head), -EBADMSG);
	memset(&fake.head, 0, sizeof(fake.head));
	assert_int_equal(ravelin_journal_verify(NULL, 0, &fake.head), 0);
}

/* ---- check ---- */

static const struct ravelin_check_row *row_of(const struct ravelin_check_row *row, unsigned int rows, const char *name)
{
	for (unsigned int i = 0; i < rows; i++) {
		if (strcmp(row[i].name, name) == 0)
			return &row[i];
	}
	fail_msg("there is no row %s", name);
	return row;
}

static struct ravelin_machine good_machine(void)
{
	struct ravelin_machine m = {.intel = true,
				    .vmx = true,
				    .xsave = true,
				    .nx = true,
				    .long_mode = true,
				    .msrs = true,
				    .feature_control = 5,
				    .cpus = 4,
				    .memory_bytes = 1ull << 30,
				    .dmar = true,
				    .tpm = 2};

	m.msr[0] = 1ull << 55;
	for (unsigned int i = 1; i < 18; i++)
		m.msr[i] = UINT64_MAX;
	return m;
}

static void good_machine_is_ready(void **state)
{
	struct ravelin_check_row row[RAVELIN_CHECK_ROWS];
	struct ravelin_machine m = good_machine();
	unsigned int rows;
	bool ready = false;

	(void)state;
	rows = ravelin_check_judge(&m, row, &ready);
	assert_true(ready);
	assert_true(rows < RAVELIN_CHECK_ROWS);
	for (unsigned int i = 0; i < rows; i++)
		assert_int_not_equal(row[i].result, RAVELIN_CHECK_MISSING);
}

static void what_is_missing_is_named(void **state)
{
	struct ravelin_check_row row[RAVELIN_CHECK_ROWS];
	struct ravelin_machine m = good_machine();
	unsigned int rows;
	bool ready = true;

	(void)state;
	m.feature_control = 1;
	m.msr[11] &= ~(1ull << 33); /* EPT */
	m.dmar = false;
	m.nx = false;
	rows = ravelin_check_judge(&m, row, &ready);
	assert_false(ready);
	assert_int_equal(row_of(row, rows, "NX")->result, RAVELIN_CHECK_MISSING);
	assert_non_null(strstr(row_of(row, rows, "NX")->why, "firmware"));
	assert_int_equal(row_of(row, rows, "VMX enabled")->result, RAVELIN_CHECK_MISSING);
	assert_non_null(strstr(row_of(row, rows, "VMX enabled")->why, "firmware"));
	assert_int_equal(row_of(row, rows, "EPT")->result, RAVELIN_CHECK_MISSING);
	assert_int_equal(row_of(row, rows, "VPID")->result, RAVELIN_CHECK_OK);
	assert_int_equal(row_of(row, rows, "VT-d")->result, RAVELIN_CHECK_OPTIONAL);
}

static void without_msrs_cpuinfo_helps(void **state)
{
	struct ravelin_check_row row[RAVELIN_CHECK_ROWS];
	struct ravelin_machine m = good_machine();
	unsigned int rows;
	bool ready;

	(void)state;
	m.msrs = false;
	strcpy(m.vmx_flags, " vnmi preemption_timer ept unrestricted_guest ");
	rows = ravelin_check_judge(&m, row, &ready);
	assert_false(ready);
	assert_int_equal(row_of(row, rows, "EPT")->result, RAVELIN_CHECK_OK);
	assert_int_equal(row_of(row, rows, "VPID")->result, RAVELIN_CHECK_MISSING);
	assert_int_equal(row_of(row, rows, "other VMX controls")->result, RAVELIN_CHECK_UNKNOWN);
	assert_non_null(strstr(row_of(row, rows, "other VMX controls")->why, "modprobe msr"));
	assert_int_equal(row_of(row, rows, "VMX enabled")->result, RAVELIN_CHECK_UNKNOWN);
}

static void under_ravelin_vmx_may_be_hidden(void **state)
{
	struct ravelin_check_row row[RAVELIN_CHECK_ROWS];
	struct ravelin_machine m = good_machine();
	bool ready;

	(void)state;
	m.vmx = false;
	ravelin_check_judge(&m, row, &ready);
	assert_false(ready);
	m.ravelin_runs = true;
	ravelin_check_judge(&m, row, &ready);
	assert_true(ready);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sentence_replaces_values),
	    cmocka_unit_test(sentences_have_names),
	    cmocka_unit_test(sentence_is_cut_and_terminated),
	    cmocka_unit_test(every_reason_has_a_sentence_and_one_name),
	    cmocka_unit_test(text_of_a_task_cannot_reach_the_terminal),
	    cmocka_unit_test(causes_are_told),
	    cmocka_unit_test(image_is_found),
	    cmocka_unit_test(wrong_image_fields_are_named),
	    cmocka_unit_test(names_without_end_are_refused),
	    cmocka_unit_test(payload_of_an_envelope_is_found),
	    cmocka_unit_test(cut_envelopes_are_refused),
	    cmocka_unit_test(hostile_cbor_ends),
	    cmocka_unit_test(open_says_why_not),
	    cmocka_unit_test(failure_is_kept_until_the_next_call),
	    cmocka_unit_test(interrupted_calls_go_on),
	    cmocka_unit_test(create_takes_sizes_from_the_image),
	    cmocka_unit_test(ticks_convert_without_overflow),
	    cmocka_unit_test(journal_chain_holds),
	    cmocka_unit_test(every_changed_byte_is_noticed),
	    cmocka_unit_test(lost_and_swapped_records_are_noticed),
	    cmocka_unit_test(good_machine_is_ready),
	    cmocka_unit_test(what_is_missing_is_named),
	    cmocka_unit_test(without_msrs_cpuinfo_helps),
	    cmocka_unit_test(under_ravelin_vmx_may_be_hidden),
	};

	return cmocka_run_group_tests_name("libravelin", tests, NULL, NULL);
}
