/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_uih.c - the update task on a target that lies in ordinary memory.
 */
#include <uih/uih_task.h>

#include <crypto/crypto.h>
#include <vmcall.h>

#include "../../../tools/mkupdate/envelope.h"

#include <openssl/ec.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define PAGE ((uint64_t)4096)

/* The target in its ELF file's terms: four pages of code, two of data, a hole, two fresh RX, one fresh RW. */
#define TEXT 0x10000u
#define TEXT_PAGES 4
#define DATA (TEXT + TEXT_PAGES * PAGE)
#define DATA_PAGES 2
#define FRESH_RX 0x20000u
#define FRESH_RX_PAGES 2
#define FRESH_RW (FRESH_RX + FRESH_RX_PAGES * PAGE)
#define END (FRESH_RW + PAGE)
#define OLD_RX 0x40000u /* code of an earlier update; no page of it is here */
#define PAGES (TEXT_PAGES + DATA_PAGES + FRESH_RX_PAGES + 1)

#define PATCH_A (TEXT + 0x123u)
#define PATCH_A_BYTES 77u
#define PATCH_B (TEXT + 2 * PAGE - 100) /* crosses into the next page */
#define PATCH_B_BYTES 300u

static uint8_t old_a[PATCH_A_BYTES];
static uint8_t old_b[PATCH_B_BYTES];
static const uint8_t new_a[5] = {0xe9, 1, 2, 3, 4};
static const uint8_t new_b[9] = {0xf3, 0x0f, 0x1e, 0xfa, 0xe9, 5, 6, 7, 8};
static uint8_t rx_content[PAGE + 50];
static uint8_t rw_content[24];
static const uint64_t rx_fixup[] = {8, 100, PAGE - 4, PAGE + 42};
static const uint64_t rw_fixup[] = {16};
static const struct uih_span old_code[] = {{OLD_RX, PAGE}};

static struct uih_patch patches[] = {{PATCH_A, PATCH_A_BYTES, sizeof(new_a), old_a, new_a},
				     {PATCH_B, PATCH_B_BYTES, sizeof(new_b), old_b, new_b}};
static struct uih_region regions[] = {
    {FRESH_RX, FRESH_RX_PAGES *PAGE, rx_content, sizeof(rx_content), rx_fixup, 4, 1},
    {FRESH_RW, PAGE, rw_content, sizeof(rw_content), rw_fixup, 1, 0},
};
const struct uih_description uih_description = {.magic = UIH_DESCRIPTION_MAGIC,
						.patch = patches,
						.patch_count = 2,
						.region_count = 2,
						.region = regions,
						.old_code = old_code,
						.old_code_count = 1};

/** The world of one test. */
struct world {
	uint8_t *memory; /* ELF address a is at memory + (a - TEXT) */
	uint8_t copy[END - TEXT]; /* of memory, as it was */
	struct rv_target_page page[PAGES];
	struct rv_threads threads;
	struct uih uih;
	struct uih_expected expected;
};

/** What the hooks do, and what they have seen. */
static struct {
	int result[4];
	unsigned int calls[4];
	void (*apply)(const struct uih *uih);
	bool fresh_was_filled;
	bool code_was_old;
	bool code_was_new;
} hook;

enum {
	PREPARE,
	APPLY,
	CHECK,
	REVERT
};

int update_prepare(const struct uih *uih)
{
	(void)uih;
	hook.calls[PREPARE]++;
	return hook.result[PREPARE];
}

int update_apply(const struct uih *uih)
{
	hook.calls[APPLY]++;
	hook.fresh_was_filled = memcmp(uih_pointer(uih, FRESH_RX), rx_content, 8) == 0;
	hook.code_was_old = memcmp(uih_pointer(uih, PATCH_A), old_a, sizeof(old_a)) == 0;
	if (hook.apply)
		hook.apply(uih);
	return hook.result[APPLY];
}

int update_self_check(const struct uih *uih)
{
	hook.calls[CHECK]++;
	hook.code_was_new = memcmp(uih_pointer(uih, PATCH_A), new_a, sizeof(new_a)) == 0;
	return hook.result[CHECK];
}

int update_revert(const struct uih *uih)
{
	hook.calls[REVERT]++;
	hook.code_was_new = memcmp(uih_pointer(uih, PATCH_A), new_a, sizeof(new_a)) == 0;
	return hook.result[REVERT];
}

static uint8_t *at(struct world *w, uint64_t elf_address)
{
	return w->memory + (elf_address - TEXT);
}

static void add_pages(struct world *w, uint64_t address, uint32_t count, uint32_t kind)
{
	for (uint32_t i = 0; i < count; i++)
		w->page[w->uih.page_count++] = (struct rv_target_page){
		    .va = (uint64_t)(uintptr_t)at(w, address + i * PAGE), .kind = kind, .gpa = 0};
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	memset(&hook, 0, sizeof(hook));
	w->memory = mmap(NULL, END - TEXT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (w->memory == MAP_FAILED) {
		free(w);
		return -1;
	}
	for (uint32_t i = 0; i < (TEXT_PAGES + DATA_PAGES) * PAGE; i++)
		w->memory[i] = (uint8_t)(i * 7 + i / 251);
	memcpy(old_a, at(w, PATCH_A), sizeof(old_a));
	memcpy(old_b, at(w, PATCH_B), sizeof(old_b));
	for (uint32_t i = 0; i < sizeof(rx_content); i++)
		rx_content[i] = (uint8_t)(i * 13 + 1);
	for (uint32_t i = 0; i < sizeof(rw_content); i++)
		rw_content[i] = (uint8_t)(0xc0 + i);
	memcpy(w->copy, w->memory, sizeof(w->copy));
	add_pages(w, TEXT, TEXT_PAGES, RV_TARGET_TEXT);
	add_pages(w, DATA, DATA_PAGES, RV_TARGET_DATA);
	add_pages(w, FRESH_RX, FRESH_RX_PAGES + 1, RV_TARGET_FRESH);
	w->uih.description = &uih_description;
	w->uih.page = w->page;
	/* One thread, where it is in nobody's way. */
	w->threads.count = 1;
	w->threads.thread[0].rip = 0x7fff00001234;
	w->uih.threads = &w->threads;
	w->uih.bias = (uint64_t)(uintptr_t)w->memory - TEXT;
	w->expected.bytes = uih_digest(&w->uih, false, w->expected.before);
	(void)uih_digest(&w->uih, true, w->expected.after);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	munmap(w->memory, END - TEXT);
	free(w);
	return 0;
}

static uint64_t runtime(const struct world *w, uint64_t elf_address)
{
	return elf_address + w->uih.bias;
}

static void assert_refused(bool ok, const struct uih_failure *why, int64_t status, uint32_t reason, uint64_t value)
{
	assert_false(ok);
	assert_int_equal(why->status, status);
	assert_int_equal(why->reason, reason);
	assert_int_equal(why->value, value);
}

static void prepare_accepts_the_target_and_changes_nothing(void **state)
{
	struct world *w = *state;
	struct uih_failure why;

	assert_true(uih_step_prepare(&w->uih, &w->expected, &why));
	assert_memory_equal(w->memory, w->copy, sizeof(w->copy));
	assert_int_equal(hook.calls[PREPARE], 1);
	assert_int_equal(hook.calls[APPLY] + hook.calls[CHECK] + hook.calls[REVERT], 0);
}

static void digest_covers_addresses_sizes_and_content(void **state)
{
	struct world *w = *state;
	struct rv_sha256 s;
	uint8_t digest[RV_DIGEST_SIZE];
	const uint64_t heads[3][2] = {
	    {PATCH_A, PATCH_A_BYTES}, {PATCH_B, PATCH_B_BYTES}, {FRESH_RX, FRESH_RX_PAGES * PAGE}};

	rv_sha256_begin(&s);
	for (int i = 0; i < 3; i++) {
		rv_sha256_add(&s, heads[i], 16); /* this host is little endian, as the format is */
		rv_sha256_add(&s, at(w, heads[i][0]), heads[i][1]);
	}
	rv_sha256_end(&s, digest);
	assert_memory_equal(digest, w->expected.before, sizeof(digest));
	assert_int_equal(w->expected.bytes, 3 * 16 + PATCH_A_BYTES + PATCH_B_BYTES + FRESH_RX_PAGES * PAGE);
}

static void prepare_refuses_a_missing_page(void **state)
{
	struct world *w = *state;
	struct uih_failure why;

	/* The second page of patch B. */
	memmove(&w->page[2], &w->page[3], (PAGES - 3) * sizeof(w->page[0]));
	w->uih.page_count--;
	assert_refused(uih_step_prepare(&w->uih, &w->expected, &why), &why, -RV_EFAULT, RV_REASON_UPDATE_MAPPING,
		       runtime(w, TEXT + 2 * PAGE));
	w->uih.page_count = 0;
	assert_refused(uih_step_prepare(&w->uih, &w->expected, &why), &why, -RV_EFAULT, RV_REASON_UPDATE_MAPPING,
		       runtime(w, TEXT));
}

static void prepare_refuses_a_missing_fresh_page(void **state)
{
	struct world *w = *state;
	struct uih_failure why;

	w->uih.page_count--;
	assert_refused(uih_step_prepare(&w->uih, &w->expected, &why), &why, -RV_EFAULT, RV_REASON_UPDATE_MAPPING,
		       runtime(w, FRESH_RW));
}

static void prepare_refuses_a_page_of_the_wrong_kind(void **state)
{
	struct world *w = *state;
	struct uih_failure why;

	w->page[0].kind = RV_TARGET_DATA;
	assert_refused(uih_step_prepare(&w->uih, &w->expected, &why), &why, -RV_EFAULT, RV_REASON_UPDATE_MAPPING,
		       runtime(w, TEXT));
	w->page[0].kind = RV_TARGET_TEXT;
	w->page[PAGES - 2].kind = RV_TARGET_TEXT;
	assert_refused(uih_step_prepare(&w->uih, &w->expected, &why), &why, -RV_EFAULT, RV_REASON_UPDATE_MAPPING,
		       runtime(w, FRESH_RX + PAGE));
}

static void prepare_refuses_other_code(void **state)
{
	static const uint64_t places[] = {PATCH_A, PATCH_A + PATCH_A_BYTES - 1, PATCH_B, PATCH_B + 8,
					  PATCH_B + PATCH_B_BYTES - 1};
	struct world *w = *state;
	struct uih_failure why;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		*at(w, places[i]) ^= 1;
		assert_refused(uih_step_prepare(&w->uih, &w->expected, &why), &why, -RV_EBADMSG,
			       RV_REASON_UPDATE_OLD_CONTENT, runtime(w, places[i]));
		*at(w, places[i]) ^= 1;
	}
	*at(w, PATCH_A - 1) ^= 1; /* not ours */
	assert_true(uih_step_prepare(&w->uih, &w->expected, &why));
}

static void prepare_refuses_fresh_memory_that_is_not_zero(void **state)
{
	static const uint64_t places[] = {FRESH_RX, FRESH_RX + 2 * PAGE - 1, FRESH_RW + 300, FRESH_RW + PAGE - 1};
	struct world *w = *state;
	struct uih_failure why;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		*at(w, places[i]) = 1;
		assert_refused(uih_step_prepare(&w->uih, &w->expected, &why), &why, -RV_EBADMSG,
			       RV_REASON_UPDATE_OLD_CONTENT, runtime(w, places[i]));
		*at(w, places[i]) = 0;
	}
}

static void prepare_refuses_what_the_manifest_does_not_name(void **state)
{
	struct world *w = *state;
	struct uih_failure why;

	w->expected.before[31] ^= 1;
	assert_refused(uih_step_prepare(&w->uih, &w->expected, &why), &why, -RV_EBADMSG, RV_REASON_UPDATE_OLD_CONTENT,
		       0);
	w->expected.before[31] ^= 1;
	w->expected.after[0] ^= 1;
	assert_refused(uih_step_prepare(&w->uih, &w->expected, &why), &why, -RV_EBADMSG, RV_REASON_UPDATE_AFTER, 4);
	w->expected.after[0] ^= 1;
	w->expected.bytes++;
	assert_refused(uih_step_prepare(&w->uih, &w->expected, &why), &why, -RV_EBADMSG, RV_REASON_UPDATE_OLD_CONTENT,
		       0);
	assert_int_equal(hook.calls[PREPARE], 0);
}

static void prepare_passes_on_the_refusal_of_its_hook(void **state)
{
	struct world *w = *state;
	struct uih_failure why;

	hook.result[PREPARE] = -RV_ENOENT;
	assert_refused(uih_step_prepare(&w->uih, &w->expected, &why), &why, -RV_ENOENT, RV_REASON_UPDATE_CODE,
		       (uint64_t)-RV_ENOENT);
}

static void apply_writes_exactly_what_the_update_says(void **state)
{
	struct world *w = *state;
	uint8_t *expected = w->copy;
	struct uih_failure why;

	assert_true(uih_step_apply(&w->uih, &why));
	assert_int_equal(hook.calls[APPLY], 1);
	assert_int_equal(hook.calls[CHECK], 1);
	assert_true(hook.fresh_was_filled);
	assert_true(hook.code_was_old);
	assert_true(hook.code_was_new);

	memcpy(expected + (PATCH_A - TEXT), new_a, sizeof(new_a));
	memcpy(expected + (PATCH_B - TEXT), new_b, sizeof(new_b));
	memcpy(expected + (FRESH_RX - TEXT), rx_content, sizeof(rx_content));
	memcpy(expected + (FRESH_RW - TEXT), rw_content, sizeof(rw_content));
	for (size_t i = 0; i < 5; i++) {
		uint8_t *place =
		    i < 4 ? expected + (FRESH_RX - TEXT) + rx_fixup[i] : expected + (FRESH_RW - TEXT) + rw_fixup[0];
		uint64_t word;

		memcpy(&word, place, sizeof(word));
		word += w->uih.bias;
		memcpy(place, &word, sizeof(word));
	}
	assert_memory_equal(w->memory, expected, sizeof(w->copy));
}

static void apply_refuses_code_that_changed_since_prepare(void **state)
{
	struct world *w = *state;
	struct uih_failure why;

	assert_true(uih_step_prepare(&w->uih, &w->expected, &why));
	*at(w, PATCH_B + 200) ^= 0x80;
	assert_refused(uih_step_apply(&w->uih, &why), &why, -RV_EBADMSG, RV_REASON_UPDATE_OLD_CONTENT,
		       runtime(w, PATCH_B + 200));
	assert_int_equal(hook.calls[APPLY], 0);
	*at(w, PATCH_B + 200) ^= 0x80;
	assert_memory_equal(w->memory, w->copy, sizeof(w->copy));
}

/** What the driver should have seen before. Nothing is changed then. */
static void apply_refuses_a_thread_inside_old_code(void **state)
{
	static const uint64_t inside[] = {PATCH_A + 1, PATCH_A + PATCH_A_BYTES - 1, PATCH_B + 4, OLD_RX,
					  OLD_RX + PAGE - 1};
	static const uint64_t outside[] = {PATCH_A,    PATCH_A + PATCH_A_BYTES, PATCH_B,
					   OLD_RX - 1, OLD_RX + PAGE,           FRESH_RX};
	struct world *w = *state;
	struct rv_thread *last = &w->threads.thread[RV_UPDATE_MAX_THREADS - 1];
	struct uih_failure why;

	w->threads.count = RV_UPDATE_MAX_THREADS;
	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
		last->rip = runtime(w, inside[i]);
		assert_refused(uih_step_apply(&w->uih, &why), &why, -RV_EAGAIN, RV_REASON_UPDATE_THREAD, last->rip);
	}
	assert_memory_equal(w->memory, w->copy, sizeof(w->copy));
	assert_int_equal(hook.calls[APPLY], 0);
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		last->rip = runtime(w, outside[i]);
		assert_true(uih_step_apply(&w->uih, &why));
		memcpy(w->memory, w->copy, sizeof(w->copy)); /* as the snapshot would */
	}
	/* What is behind the last thread is not looked at. */
	last->rip = runtime(w, PATCH_A + 1);
	w->threads.count--;
	assert_true(uih_step_apply(&w->uih, &why));
}

static void apply_refuses_an_impossible_list_of_threads(void **state)
{
	struct world *w = *state;
	struct uih_failure why;

	w->threads.count = 0;
	assert_refused(uih_step_apply(&w->uih, &why), &why, -RV_EINVAL, RV_REASON_UPDATE_THREADS, 0);
	w->threads.count = RV_UPDATE_MAX_THREADS + 1;
	assert_refused(uih_step_apply(&w->uih, &why), &why, -RV_EINVAL, RV_REASON_UPDATE_THREADS,
		       RV_UPDATE_MAX_THREADS + 1);
	assert_memory_equal(w->memory, w->copy, sizeof(w->copy));
}

static void apply_passes_on_the_refusal_of_its_hooks(void **state)
{
	struct world *w = *state;
	struct uih_failure why;

	hook.result[APPLY] = -RV_ENOMEM;
	assert_refused(uih_step_apply(&w->uih, &why), &why, -RV_ENOMEM, RV_REASON_UPDATE_CODE, (uint64_t)-RV_ENOMEM);
	assert_int_equal(hook.calls[CHECK], 0);
	memcpy(w->memory, w->copy, sizeof(w->copy)); /* as the snapshot would */
	hook.result[APPLY] = 1;
	assert_refused(uih_step_apply(&w->uih, &why), &why, -RV_EINVAL, RV_REASON_UPDATE_CODE, 1);
	memcpy(w->memory, w->copy, sizeof(w->copy));
	hook.result[APPLY] = 0;
	hook.result[CHECK] = -RV_EIO;
	assert_refused(uih_step_apply(&w->uih, &why), &why, -RV_EIO, RV_REASON_UPDATE_SELF_CHECK, (uint64_t)-RV_EIO);
}

static void spoil_patch(const struct uih *uih)
{
	*(uint8_t *)uih_pointer(uih, PATCH_B + 9) ^= 1;
}

static void spoil_region_end(const struct uih *uih)
{
	*(uint8_t *)uih_pointer(uih, FRESH_RX + 2 * PAGE - 1) = 1;
}

static void spoil_fixup(const struct uih *uih)
{
	*(uint8_t *)uih_pointer(uih, FRESH_RX + PAGE + 42) ^= 1;
}

static void spoil_between_fixups(const struct uih *uih)
{
	*(uint8_t *)uih_pointer(uih, FRESH_RX + 99) ^= 1;
}

static void change_variables(const struct uih *uih)
{
	memset(uih_pointer(uih, FRESH_RW), 0x55, PAGE);
	memset(uih_pointer(uih, DATA), 0x55, PAGE);
}

static void apply_notices_code_that_a_hook_has_spoiled(void **state)
{
	static void (*const spoil[])(const struct uih *) = {spoil_patch, spoil_region_end, spoil_fixup,
							    spoil_between_fixups};
	struct world *w = *state;
	struct uih_failure why;

	for (size_t i = 0; i < sizeof(spoil) / sizeof(spoil[0]); i++) {
		hook.apply = spoil[i];
		assert_refused(uih_step_apply(&w->uih, &why), &why, -RV_EBADMSG, RV_REASON_UPDATE_AFTER,
			       i == 0 ? 1 : 2);
		memcpy(w->memory, w->copy, sizeof(w->copy));
	}
	assert_int_equal(hook.calls[CHECK], 0);
	/* Variables are for the hooks. */
	hook.apply = change_variables;
	assert_true(uih_step_apply(&w->uih, &why));
}

static void revert_restores_every_byte(void **state)
{
	struct world *w = *state;
	struct uih_failure why;

	assert_true(uih_step_apply(&w->uih, &why));
	hook.code_was_new = false;
	assert_true(uih_step_revert(&w->uih, &why));
	assert_true(hook.code_was_new);
	assert_memory_equal(w->memory, w->copy, sizeof(w->copy));

	assert_true(uih_step_apply(&w->uih, &why));
	hook.result[REVERT] = -RV_EBUSY;
	assert_refused(uih_step_revert(&w->uih, &why), &why, -RV_EBUSY, RV_REASON_UPDATE_CODE, (uint64_t)-RV_EBUSY);
}

static void range_check_knows_the_mapped_pages(void **state)
{
	struct world *w = *state;
	const struct uih *u = &w->uih;
	uint8_t *text = uih_pointer(u, TEXT);
	uint8_t *rx = uih_pointer(u, FRESH_RX);

	assert_true(uih_range_check(u, text, 1));
	assert_true(uih_range_check(u, text, (TEXT_PAGES + DATA_PAGES) * PAGE));
	assert_false(uih_range_check(u, text, (TEXT_PAGES + DATA_PAGES) * PAGE + 1));
	assert_true(uih_range_check(u, text + 4095, 2));
	assert_false(uih_range_check(u, text - 1, 1));
	assert_false(uih_range_check(u, text - 1, 2));
	assert_false(uih_range_check(u, rx - 1, 2));
	assert_true(uih_range_check(u, rx, 3 * PAGE));
	assert_false(uih_range_check(u, rx + 3 * PAGE, 1));
	assert_false(uih_range_check(u, rx, UINT64_MAX));
	assert_false(uih_range_check(u, (void *)(uintptr_t)(UINT64_MAX - 4), 100));
	assert_false(uih_range_check(u, NULL, 1));
	assert_true(uih_range_check(u, NULL, 0));
	assert_ptr_equal(uih_object(u, FRESH_RX, 16), rx);
	assert_null(uih_object(u, FRESH_RX - 8, 16));
}

static void copies_go_to_mapped_pages_only(void **state)
{
	struct world *w = *state;
	uint8_t *data = uih_pointer(&w->uih, DATA + 2 * PAGE - 8);
	uint8_t bytes[16] = "0123456789abcdef";

	assert_int_equal(uih_write(&w->uih, data, bytes, 8), 0);
	assert_memory_equal(data, "01234567", 8);
	assert_int_equal(uih_write(&w->uih, data, bytes + 8, 9), -RV_EFAULT);
	assert_memory_equal(data, "01234567", 8);
	assert_int_equal(uih_read(&w->uih, bytes + 8, data, 8), 0);
	assert_memory_equal(bytes, "0123456701234567", 16);
	assert_int_equal(uih_read(&w->uih, bytes, data, 9), -RV_EFAULT);
}

/** The hypervisor's side of a run: commands to give, and what came back. */
static struct {
	enum rv_fimce_command command[8];
	size_t count;
	size_t next;
	struct uih_failure yielded[8];
	jmp_buf end;
} script;

struct rv_fimce_answer rv_fimce_call(enum rv_fimce_call number, uint64_t a, uint64_t b, uint64_t c)
{
	assert_int_equal(number, RV_FC_YIELD);
	assert_true(script.next < 8);
	script.yielded[script.next] = (struct uih_failure){(int64_t)a, (uint32_t)b, c};
	if (script.next == script.count)
		longjmp(script.end, 1);
	return (struct rv_fimce_answer){.value = (int64_t)script.command[script.next++], .second = 0};
}

static EVP_PKEY *key;

static struct buffer make_envelope(const struct world *w)
{
	static const uint8_t build_id[20] = {1};
	struct envelope e = {.name = "target",
			     .build_id = build_id,
			     .sequence = 1,
			     .payload = (const uint8_t *)"image",
			     .payload_size = 5,
			     .target_bytes = w->expected.bytes};
	struct buffer manifest;
	struct buffer envelope;

	memcpy(e.before, w->expected.before, sizeof(e.before));
	memcpy(e.after, w->expected.after, sizeof(e.after));
	manifest = envelope_manifest(&e);
	envelope = envelope_sign(manifest.data, manifest.size, e.payload, e.payload_size, key);
	buffer_free(&manifest);
	return envelope;
}

/** Runs the task with the commands given, and ends it when it wants another. @return what it has yielded last */
static int64_t run(struct world *w, const struct buffer *envelope, bool bias_valid, size_t count,
		   const enum rv_fimce_command *commands)
{
	struct rv_fimce_param param = {.abi_version = RV_ABI_VERSION,
				       .mode = RV_MODE_IMAGE,
				       .argument_offset = (uint32_t)envelope->size,
				       .target_count = w->uih.page_count,
				       .target_bias_valid = bias_valid,
				       .target_bias = w->uih.bias};

	memset(&script, 0, sizeof(script));
	if (count > 0)
		memcpy(script.command, commands, count * sizeof(*commands));
	script.count = count;
	if (setjmp(script.end) == 0)
		uih_run(&param, w->page, &w->threads, envelope->data);
	return script.yielded[count].status;
}

#define RUN(w, envelope, ...)                                                                                          \
	run(w, envelope, true, sizeof((enum rv_fimce_command[]){__VA_ARGS__}) / sizeof(enum rv_fimce_command),         \
	    (enum rv_fimce_command[]){__VA_ARGS__})

static void task_applies(void **state)
{
	struct world *w = *state;
	struct buffer envelope = make_envelope(w);

	assert_int_equal(RUN(w, &envelope, RV_CMD_APPLY), 0);
	assert_int_equal(script.yielded[0].status, 0);
	assert_int_equal(script.yielded[1].status, 0);
	assert_memory_equal(at(w, PATCH_A), new_a, sizeof(new_a));
	buffer_free(&envelope);
}

static void task_reverts(void **state)
{
	struct world *w = *state;
	struct buffer envelope = make_envelope(w);

	assert_int_equal(RUN(w, &envelope, RV_CMD_APPLY, RV_CMD_REVERT), 0);
	assert_int_equal(script.yielded[2].status, 0);
	assert_memory_equal(w->memory, w->copy, sizeof(w->copy));
	buffer_free(&envelope);
}

static void task_refuses_commands_out_of_turn(void **state)
{
	struct world *w = *state;
	struct buffer envelope = make_envelope(w);

	assert_int_equal(RUN(w, &envelope, RV_CMD_REVERT), -RV_EINVAL);
	assert_int_equal(script.yielded[1].reason, RV_REASON_UPDATE_STATE);
	assert_int_equal(script.yielded[1].value, RV_UPDATE_PREPARED);
	assert_memory_equal(w->memory, w->copy, sizeof(w->copy));
	assert_int_equal(RUN(w, &envelope, (enum rv_fimce_command)99, RV_CMD_APPLY), -RV_EINVAL);
	assert_int_equal(script.yielded[2].status, -RV_EINVAL);
	assert_memory_equal(w->memory, w->copy, sizeof(w->copy));
	assert_int_equal(RUN(w, &envelope, RV_CMD_APPLY, RV_CMD_REVERT, RV_CMD_APPLY), -RV_EINVAL);
	assert_int_equal(script.yielded[3].reason, RV_REASON_UPDATE_STATE);
	assert_int_equal(script.yielded[3].value, RV_UPDATE_ROLLED_BACK);
	assert_memory_equal(w->memory, w->copy, sizeof(w->copy));
	buffer_free(&envelope);
}

static void task_does_not_touch_a_target_that_it_refused(void **state)
{
	struct world *w = *state;
	struct buffer envelope = make_envelope(w);

	*at(w, PATCH_A) ^= 1;
	memcpy(w->copy, w->memory, sizeof(w->copy));
	assert_int_equal(RUN(w, &envelope, RV_CMD_APPLY, RV_CMD_REVERT), -RV_EBADMSG);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(script.yielded[i].status, -RV_EBADMSG);
		assert_int_equal(script.yielded[i].reason, RV_REASON_UPDATE_OLD_CONTENT);
		assert_int_equal(script.yielded[i].value, runtime(w, PATCH_A));
	}
	assert_memory_equal(w->memory, w->copy, sizeof(w->copy));
	buffer_free(&envelope);
}

static void task_refuses_a_failed_apply_from_then_on(void **state)
{
	struct world *w = *state;
	struct buffer envelope = make_envelope(w);

	hook.result[CHECK] = -RV_EIO;
	assert_int_equal(RUN(w, &envelope, RV_CMD_APPLY, RV_CMD_REVERT), -RV_EIO);
	assert_int_equal(script.yielded[1].reason, RV_REASON_UPDATE_SELF_CHECK);
	assert_int_equal(script.yielded[2].reason, RV_REASON_UPDATE_SELF_CHECK);
	assert_int_equal(hook.calls[REVERT], 0);
	buffer_free(&envelope);
}

static void task_needs_a_target_and_its_manifest(void **state)
{
	struct world *w = *state;
	struct buffer envelope = make_envelope(w);

	assert_int_equal(run(w, &envelope, false, 0, NULL), -RV_EINVAL);
	assert_int_equal(script.yielded[0].reason, RV_REASON_UPDATE_TARGET);
	envelope.data[envelope.size - 1] ^= 1;
	assert_int_equal(run(w, &envelope, true, 0, NULL), -RV_EBADMSG);
	assert_int_equal(script.yielded[0].reason, RV_REASON_SUIT_PAYLOAD);
	envelope.data[envelope.size - 1] ^= 1;
	w->uih.page_count = 0;
	assert_int_equal(run(w, &envelope, true, 0, NULL), -RV_EINVAL);
	buffer_free(&envelope);
}

static int make_key(void **state)
{
	(void)state;
	key = EVP_EC_gen("P-256");
	return key ? 0 : -1;
}

static int free_key(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(prepare_accepts_the_target_and_changes_nothing),
	    TEST(digest_covers_addresses_sizes_and_content),
	    TEST(prepare_refuses_a_missing_page),
	    TEST(prepare_refuses_a_missing_fresh_page),
	    TEST(prepare_refuses_a_page_of_the_wrong_kind),
	    TEST(prepare_refuses_other_code),
	    TEST(prepare_refuses_fresh_memory_that_is_not_zero),
	    TEST(prepare_refuses_what_the_manifest_does_not_name),
	    TEST(prepare_passes_on_the_refusal_of_its_hook),
	    TEST(apply_writes_exactly_what_the_update_says),
	    TEST(apply_refuses_code_that_changed_since_prepare),
	    TEST(apply_refuses_a_thread_inside_old_code),
	    TEST(apply_refuses_an_impossible_list_of_threads),
	    TEST(apply_passes_on_the_refusal_of_its_hooks),
	    TEST(apply_notices_code_that_a_hook_has_spoiled),
	    TEST(revert_restores_every_byte),
	    TEST(range_check_knows_the_mapped_pages),
	    TEST(copies_go_to_mapped_pages_only),
	    TEST(task_applies),
	    TEST(task_reverts),
	    TEST(task_refuses_commands_out_of_turn),
	    TEST(task_does_not_touch_a_target_that_it_refused),
	    TEST(task_refuses_a_failed_apply_from_then_on),
	    TEST(task_needs_a_target_and_its_manifest),
	};

	return cmocka_run_group_tests_name("uih", tests, make_key, free_key);
}
