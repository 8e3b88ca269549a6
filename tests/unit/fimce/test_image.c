/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_image.c - the manager's checks of an image header: one good image, and every way to spoil it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sample_image.h"

#include "image_check.h"

#include <stdlib.h>

#define PAGE ((uint64_t)RV_PAGE_SIZE)
#define FIELD(name) offsetof(struct rv_image_header, name)
#define SEGMENT(index, name)                                                                                           \
	(FIELD(segment) + (index) * sizeof(struct rv_image_segment) + offsetof(struct rv_image_segment, name))
#define RANGE(index, name)                                                                                             \
	(FIELD(range) + (index) * sizeof(struct rv_image_range) + offsetof(struct rv_image_range, name))

#define GRANT(index, name) (FIELD(grant) + (index) * sizeof(struct rv_grant) + offsetof(struct rv_grant, name))

static struct sample_image image;
static struct rv_fimce_param param;
static struct rv_target_page targets[SAMPLE_TARGETS];

static int setup(void **state)
{
	(void)state;
	sample_image_make(&image);
	sample_param_make(&param);
	sample_targets_make(targets);
	return 0;
}

static int setup_target(void **state)
{
	(void)setup(state);
	sample_image_add_target(&image);
	sample_param_add_targets(&param);
	return 0;
}

/** Runs the check over an exact copy of the bytes, so that ASan sees a read behind them. */
static int check(size_t bytes, bool exact, bool is_signed, struct rv_image_header *h, struct refusal *why)
{
	uint8_t *copy = malloc(bytes > 0 ? bytes : 1);
	int error;

	assert_non_null(copy);
	memcpy(copy, &image, bytes);
	memset(why, 0, sizeof(*why));
	error = image_check(copy, bytes, exact, is_signed, &param, h, why);
	free(copy);
	return error;
}

static void assert_good(bool is_signed)
{
	struct rv_image_header h;
	struct refusal why;

	if (check(SAMPLE_BYTES, true, is_signed, &h, &why) != 0)
		fail_msg("refused: reason %u, value %#llx", why.reason, (unsigned long long)why.value);
	assert_memory_equal(&h, &image.h, sizeof(h));
}

static void assert_refused(bool is_signed, int error, enum rv_reason reason, uint64_t value)
{
	struct rv_image_header h;
	struct rv_image_header untouched;
	struct refusal why;

	memset(&h, 0x5a, sizeof(h));
	memset(&untouched, 0x5a, sizeof(untouched));
	if (check(SAMPLE_BYTES, true, is_signed, &h, &why) != error || why.error != error || why.reason != reason ||
	    why.value != value)
		fail_msg("error %d, reason %u, value %#llx; expected %d, %u, %#llx", why.error, why.reason,
			 (unsigned long long)why.value, error, reason, (unsigned long long)value);
	assert_memory_equal(&h, &untouched, sizeof(h));
}

/** Each row: put value (4 or 8 bytes) at offset of the good image. */
struct spoil {
	size_t offset;
	size_t size;
	uint64_t value;
	enum rv_reason reason;
	uint64_t refused;
};

static void assert_spoils(const struct spoil *rows, size_t count, void (*again)(void), bool is_signed)
{
	for (size_t i = 0; i < count; i++) {
		again();
		memcpy((uint8_t *)&image + rows[i].offset, &rows[i].value, rows[i].size);
		assert_refused(is_signed, -RV_EBADMSG, rows[i].reason, rows[i].refused);
	}
}

static void again_plain(void)
{
	(void)setup(NULL);
}

static void again_target(void)
{
	(void)setup_target(NULL);
}

static void test_good(void **state)
{
	(void)state;
	assert_good(false);
	assert_good(true);
	/* An image at the limits of its FIMCE. */
	image.h.budget_us = RV_FIMCE_MAX_BUDGET_US;
	image.h.output_bytes = 0;
	assert_good(false);
	memset(image.h.name, 'n', 31);
	assert_good(false);
	param.load_bytes = RV_FIMCE_MAX_LOAD;
	param.stack_bytes = RV_FIMCE_MAX_STACK;
	assert_good(false);
}

static void test_fields(void **state)
{
	static const struct spoil rows[] = {
	    {FIELD(magic), 8, 0, RV_REASON_IMAGE_MAGIC, 0},
	    {FIELD(magic), 8, 0x1234, RV_REASON_IMAGE_MAGIC, 0x1234},
	    {FIELD(version), 4, 0, RV_REASON_IMAGE_VERSION, 0},
	    {FIELD(version), 4, 1, RV_REASON_IMAGE_VERSION, 1},
	    {FIELD(header_bytes), 4, 0, RV_REASON_IMAGE_FIELD, FIELD(header_bytes)},
	    {FIELD(header_bytes), 4, sizeof(struct rv_image_header) + 8, RV_REASON_IMAGE_FIELD, FIELD(header_bytes)},
	    {FIELD(image_bytes), 4, 0, RV_REASON_IMAGE_FIELD, FIELD(image_bytes)},
	    {FIELD(image_bytes), 4, SAMPLE_BYTES - 1, RV_REASON_IMAGE_FIELD, FIELD(image_bytes)},
	    {FIELD(image_bytes), 4, SAMPLE_BYTES + 1, RV_REASON_IMAGE_SHORT, SAMPLE_BYTES},
	    {FIELD(image_bytes), 4, UINT32_MAX, RV_REASON_IMAGE_SHORT, SAMPLE_BYTES},
	    {FIELD(load_bytes), 4, 0, RV_REASON_IMAGE_FIELD, FIELD(load_bytes)},
	    {FIELD(load_bytes), 4, 5 * PAGE - 1, RV_REASON_IMAGE_FIELD, FIELD(load_bytes)},
	    {FIELD(load_bytes), 4, RV_FIMCE_MAX_LOAD + 4096, RV_REASON_IMAGE_FIELD, FIELD(load_bytes)},
	    {FIELD(load_bytes), 4, 4 * PAGE, RV_REASON_IMAGE_SEGMENT, 2},
	    {FIELD(stack_bytes), 4, 0, RV_REASON_IMAGE_FIELD, FIELD(stack_bytes)},
	    {FIELD(stack_bytes), 4, 100, RV_REASON_IMAGE_FIELD, FIELD(stack_bytes)},
	    {FIELD(stack_bytes), 4, RV_FIMCE_MAX_STACK + 4096, RV_REASON_IMAGE_FIELD, FIELD(stack_bytes)},
	    {FIELD(output_bytes), 4, 1, RV_REASON_IMAGE_FIELD, FIELD(output_bytes)},
	    {FIELD(output_bytes), 4, 0xfffff000, RV_REASON_IMAGE_FIELD, FIELD(output_bytes)},
	    {FIELD(budget_us), 8, 0, RV_REASON_IMAGE_FIELD, FIELD(budget_us)},
	    {FIELD(budget_us), 8, RV_FIMCE_MAX_BUDGET_US + 1, RV_REASON_IMAGE_FIELD, FIELD(budget_us)},
	    {FIELD(capabilities), 4, 8, RV_REASON_IMAGE_FIELD, FIELD(capabilities)},
	    {FIELD(capabilities), 4, 0x80000000, RV_REASON_IMAGE_FIELD, FIELD(capabilities)},
	    {FIELD(capabilities), 4, RV_CAP_REVERT, RV_REASON_IMAGE_FIELD, FIELD(capabilities)},
	    {FIELD(segment_count), 4, 0, RV_REASON_IMAGE_FIELD, FIELD(segment_count)},
	    {FIELD(segment_count), 4, 9, RV_REASON_IMAGE_FIELD, FIELD(segment_count)},
	    {FIELD(segment_count), 4, UINT32_MAX, RV_REASON_IMAGE_FIELD, FIELD(segment_count)},
	    {FIELD(name), 1, 0, RV_REASON_IMAGE_FIELD, FIELD(name)},
	    {FIELD(name), 1, 0x1b, RV_REASON_IMAGE_FIELD, FIELD(name)},
	    {FIELD(name) + 1, 1, 0xc3, RV_REASON_IMAGE_FIELD, FIELD(name)},
	    {FIELD(name) + 31, 1, 'x', RV_REASON_IMAGE_FIELD, FIELD(name)},
	    {FIELD(name) + 10, 1, 'x', RV_REASON_IMAGE_FIELD, FIELD(name)},
	    {FIELD(reserved), 4, 1, RV_REASON_IMAGE_FIELD, FIELD(reserved)},
	    /* what goes with devices only */
	    {FIELD(grant_count), 4, 1, RV_REASON_IMAGE_FIELD, FIELD(grant_count)},
	    {FIELD(capabilities), 4, RV_CAP_DEVICE, RV_REASON_IMAGE_FIELD, FIELD(grant_count)},
	    {GRANT(0, kind), 2, RV_GRANT_PCI, RV_REASON_DEVICE_GRANT, 0},
	    {GRANT(7, source_id), 4, 1, RV_REASON_DEVICE_GRANT, 7},
	    /* what goes with a target only */
	    {FIELD(range_count), 4, 1, RV_REASON_IMAGE_FIELD, FIELD(range_count)},
	    {RANGE(0, kind), 4, 1, RV_REASON_IMAGE_FIELD, RANGE(0, kind)},
	    {RANGE(15, bytes), 8, 1, RV_REASON_IMAGE_FIELD, RANGE(15, kind)},
	    {FIELD(target_name), 1, 'x', RV_REASON_IMAGE_FIELD, FIELD(target_name)},
	    {FIELD(target_build_id) + 19, 1, 1, RV_REASON_IMAGE_FIELD, FIELD(target_build_id)},
	    /* entry */
	    {FIELD(entry), 8, 0, RV_REASON_IMAGE_ENTRY, 0},
	    {FIELD(entry), 8, RV_FIMCE_LOAD - 1, RV_REASON_IMAGE_ENTRY, RV_FIMCE_LOAD - 1},
	    {FIELD(entry), 8, RV_FIMCE_LOAD + SAMPLE_TEXT_BYTES, RV_REASON_IMAGE_ENTRY,
	     RV_FIMCE_LOAD + SAMPLE_TEXT_BYTES},
	    {FIELD(entry), 8, RV_FIMCE_LOAD + 4096, RV_REASON_IMAGE_ENTRY, RV_FIMCE_LOAD + 4096},
	    {FIELD(entry), 8, RV_FIMCE_MANAGER + 0x100, RV_REASON_IMAGE_ENTRY, RV_FIMCE_MANAGER + 0x100},
	};

	(void)state;
	assert_spoils(rows, sizeof(rows) / sizeof(rows[0]), again_plain, false);
}

static void test_segments(void **state)
{
	static const struct spoil rows[] = {
	    {SEGMENT(0, file_offset), 4, 0, RV_REASON_IMAGE_SEGMENT, 0},
	    {SEGMENT(0, file_offset), 4, sizeof(struct rv_image_header) - 1, RV_REASON_IMAGE_SEGMENT, 0},
	    {SEGMENT(2, file_offset), 4, SAMPLE_BYTES - SAMPLE_DATA_BYTES + 1, RV_REASON_IMAGE_SEGMENT, 2},
	    {SEGMENT(0, file_offset), 4, UINT32_MAX, RV_REASON_IMAGE_SEGMENT, 0},
	    {SEGMENT(0, file_offset), 4, UINT32_MAX - SAMPLE_TEXT_BYTES + 1, RV_REASON_IMAGE_SEGMENT, 0},
	    {SEGMENT(0, file_bytes), 4, SAMPLE_TEXT_BYTES + 1, RV_REASON_IMAGE_SEGMENT, 0},
	    {SEGMENT(0, file_bytes), 4, UINT32_MAX, RV_REASON_IMAGE_SEGMENT, 0},
	    {SEGMENT(1, load_offset), 4, 4097, RV_REASON_IMAGE_SEGMENT, 1},
	    {SEGMENT(1, load_offset), 4, 0, RV_REASON_IMAGE_SEGMENT, 1},
	    {SEGMENT(2, load_offset), 4, 2 * PAGE, RV_REASON_IMAGE_SEGMENT, 2},
	    {SEGMENT(2, load_offset), 4, 4 * PAGE, RV_REASON_IMAGE_SEGMENT, 2},
	    {SEGMENT(2, load_offset), 4, 0xfffff000, RV_REASON_IMAGE_SEGMENT, 2},
	    {SEGMENT(2, load_bytes), 4, 0, RV_REASON_IMAGE_SEGMENT, 2},
	    {SEGMENT(2, load_bytes), 4, SAMPLE_DATA_BYTES - 1, RV_REASON_IMAGE_SEGMENT, 2},
	    {SEGMENT(2, load_bytes), 4, 2 * PAGE + 1, RV_REASON_IMAGE_SEGMENT, 2},
	    {SEGMENT(2, load_bytes), 4, UINT32_MAX, RV_REASON_IMAGE_SEGMENT, 2},
	    {SEGMENT(1, load_bytes), 4, 2 * PAGE + 1, RV_REASON_IMAGE_SEGMENT, 2},
	    {SEGMENT(0, perm), 4, 0, RV_REASON_IMAGE_SEGMENT, 0},
	    {SEGMENT(0, perm), 4, RV_PERM_X, RV_REASON_IMAGE_SEGMENT, 0},
	    {SEGMENT(0, perm), 4, RV_PERM_R | RV_PERM_W | RV_PERM_X, RV_REASON_IMAGE_SEGMENT, 0},
	    {SEGMENT(0, perm), 4, RV_PERM_W | RV_PERM_X, RV_REASON_IMAGE_SEGMENT, 0},
	    {SEGMENT(0, perm), 4, 8 | RV_PERM_R, RV_REASON_IMAGE_SEGMENT, 0},
	    {SEGMENT(1, reserved), 4, 1, RV_REASON_IMAGE_SEGMENT, 1},
	    {SEGMENT(3, perm), 4, RV_PERM_R, RV_REASON_IMAGE_SEGMENT, 3},
	    {SEGMENT(7, reserved), 4, 1, RV_REASON_IMAGE_SEGMENT, 7},
	    /* no executable segment at all */
	    {SEGMENT(0, perm), 4, RV_PERM_R, RV_REASON_IMAGE_ENTRY, RV_FIMCE_LOAD + 16},
	};

	(void)state;
	assert_spoils(rows, sizeof(rows) / sizeof(rows[0]), again_plain, false);
}

static void test_every_prefix(void **state)
{
	struct rv_image_header h;
	struct refusal why;

	(void)state;
	for (size_t bytes = 0; bytes < SAMPLE_BYTES; bytes++) {
		assert_int_equal(check(bytes, false, false, &h, &why), -RV_EBADMSG);
		assert_int_equal(why.reason, RV_REASON_IMAGE_SHORT);
		assert_int_equal(why.value, bytes);
	}
}

static void test_longer_than_image(void **state)
{
	struct rv_image_header h;
	struct refusal why;

	(void)state;
	image.h.image_bytes = SAMPLE_BYTES - SAMPLE_DATA_BYTES;
	image.h.segment[2].file_bytes = 0;
	image.h.segment[2].file_offset = image.h.image_bytes;
	assert_int_equal(check(SAMPLE_BYTES, false, false, &h, &why), 0);
	assert_int_equal(check(SAMPLE_BYTES, true, false, &h, &why), -RV_EBADMSG);
	assert_int_equal(why.value, FIELD(image_bytes));
}

static void test_memory(void **state)
{
	(void)state;
	param.load_bytes = 4 * 4096;
	assert_refused(false, -RV_EINVAL, RV_REASON_IMAGE_MEMORY, FIELD(load_bytes));
	(void)setup(NULL);
	param.stack_bytes = 4096;
	assert_refused(false, -RV_EINVAL, RV_REASON_IMAGE_MEMORY, FIELD(stack_bytes));
	(void)setup(NULL);
	param.output_bytes = 0;
	assert_refused(false, -RV_EINVAL, RV_REASON_IMAGE_MEMORY, FIELD(output_bytes));
}

/* A signed image runs no longer than its signer wants; what an unsigned one says is nobody's word. */
static void test_budget_of_a_signed_image(void **state)
{
	(void)state;
	assert_int_equal(param.budget_us, image.h.budget_us);
	assert_good(true);
	param.budget_us--;
	assert_good(true);
	param.budget_us += 2;
	assert_refused(true, -RV_EINVAL, RV_REASON_IMAGE_BUDGET, image.h.budget_us + 1);
	(void)setup(NULL);
	param.budget_us = RV_FIMCE_MAX_BUDGET_US;
	assert_good(false);
}

static void test_capabilities_need_signature(void **state)
{
	(void)state;
	assert_good(true);
	assert_refused(false, -RV_EACCES, RV_REASON_FIMCE_CAPABILITY, RV_CAP_TARGET);
	image.h.capabilities |= RV_CAP_REVERT;
	assert_good(true);
	assert_refused(false, -RV_EACCES, RV_REASON_FIMCE_CAPABILITY, RV_CAP_TARGET | RV_CAP_REVERT);
}

static void test_targets_go_with_capability(void **state)
{
	(void)state;
	param.target_count = 0;
	assert_refused(true, -RV_EINVAL, RV_REASON_UPDATE_TARGET, 0);
	(void)setup(NULL);
	param.target_count = 3;
	assert_refused(true, -RV_EINVAL, RV_REASON_UPDATE_TARGET, 3);
	assert_refused(false, -RV_EINVAL, RV_REASON_UPDATE_TARGET, 3);
}

static void test_target_fields(void **state)
{
	static const struct spoil rows[] = {
	    {FIELD(range_count), 4, 17, RV_REASON_IMAGE_FIELD, FIELD(range_count)},
	    {FIELD(range_count), 4, UINT32_MAX, RV_REASON_IMAGE_FIELD, FIELD(range_count)},
	    {FIELD(range_count), 4, 5, RV_REASON_IMAGE_FIELD, RANGE(5, kind)},
	    {FIELD(range_count), 4, 7, RV_REASON_IMAGE_FIELD, RANGE(6, kind)},
	    {RANGE(0, kind), 4, 0, RV_REASON_IMAGE_FIELD, RANGE(0, kind)},
	    {RANGE(0, kind), 4, 7, RV_REASON_IMAGE_FIELD, RANGE(0, kind)},
	    {RANGE(1, reserved), 4, 1, RV_REASON_IMAGE_FIELD, RANGE(1, kind)},
	    {RANGE(1, bytes), 8, 0, RV_REASON_IMAGE_FIELD, RANGE(1, kind)},
	    {RANGE(1, bytes), 8, UINT64_MAX, RV_REASON_IMAGE_FIELD, RANGE(1, kind)},
	    {RANGE(1, address), 8, UINT64_MAX, RV_REASON_IMAGE_FIELD, RANGE(1, kind)},
	    {RANGE(1, address), 8, (1ull << 47) - 0xfff, RV_REASON_IMAGE_FIELD, RANGE(1, kind)},
	    {RANGE(2, address), 8, 1, RV_REASON_IMAGE_FIELD, RANGE(2, kind)},
	    {RANGE(2, bytes), 8, 1, RV_REASON_IMAGE_FIELD, RANGE(2, kind)},
	    {FIELD(target_name), 1, 0, RV_REASON_IMAGE_FIELD, FIELD(target_name)},
	    {FIELD(target_name), 1, 7, RV_REASON_IMAGE_FIELD, FIELD(target_name)},
	    {FIELD(target_name) + 63, 1, 'x', RV_REASON_IMAGE_FIELD, FIELD(target_name)},
	};

	(void)state;
	assert_spoils(rows, sizeof(rows) / sizeof(rows[0]), again_target, true);
}

static int setup_devices(void **state)
{
	(void)setup(state);
	sample_image_add_devices(&image);
	return 0;
}

static void again_devices(void)
{
	(void)setup_devices(NULL);
}

static void test_devices(void **state)
{
	(void)state;
	assert_good(true);
	assert_refused(false, -RV_EACCES, RV_REASON_FIMCE_CAPABILITY, RV_CAP_DEVICE);
	/* Two functions of one kind, and as many devices as there can be. */
	image.h.grant[2] = image.h.grant[0];
	image.h.grant_count = RV_MAX_GRANTS;
	for (uint32_t i = 4; i < RV_MAX_GRANTS; i++)
		image.h.grant[i] = (struct rv_grant){RV_GRANT_PORTS, 0, 0x1000 + i, 1, 0};
	assert_good(true);
	/* All ports. */
	(void)setup_devices(NULL);
	image.h.grant_count = 1;
	image.h.grant[0] = (struct rv_grant){RV_GRANT_PORTS, 0, 0, 0x10000, 0};
	memset(&image.h.grant[1], 0, 3 * sizeof(image.h.grant[1]));
	assert_good(true);
	/* One line twice. */
	(void)setup_devices(NULL);
	image.h.grant[2] = image.h.grant[3];
	assert_refused(true, -RV_EBADMSG, RV_REASON_DEVICE_GRANT, 3);
	/* A FIMCE with a target has no devices. */
	(void)setup_target(NULL);
	sample_image_add_devices(&image);
	assert_refused(true, -RV_EBADMSG, RV_REASON_IMAGE_FIELD, FIELD(capabilities));
	(void)setup_devices(NULL);
	param.target_count = 1;
	assert_refused(true, -RV_EINVAL, RV_REASON_UPDATE_TARGET, 1);
}

static void test_device_fields(void **state)
{
	static const struct spoil rows[] = {
	    {FIELD(capabilities), 4, 0, RV_REASON_IMAGE_FIELD, FIELD(grant_count)},
	    {FIELD(capabilities), 4, RV_CAP_DEVICE | RV_CAP_REVERT, RV_REASON_IMAGE_FIELD, FIELD(capabilities)},
	    {FIELD(grant_count), 4, 0, RV_REASON_IMAGE_FIELD, FIELD(grant_count)},
	    {FIELD(grant_count), 4, 9, RV_REASON_IMAGE_FIELD, FIELD(grant_count)},
	    {FIELD(grant_count), 4, UINT32_MAX, RV_REASON_IMAGE_FIELD, FIELD(grant_count)},
	    {FIELD(grant_count), 4, 3, RV_REASON_DEVICE_GRANT, 3},
	    {FIELD(grant_count), 4, 5, RV_REASON_DEVICE_GRANT, 4},
	    {GRANT(0, kind), 2, 0, RV_REASON_DEVICE_GRANT, 0},
	    {GRANT(0, kind), 2, 4, RV_REASON_DEVICE_GRANT, 0},
	    {GRANT(0, flags), 2, 4, RV_REASON_DEVICE_GRANT, 0},
	    {GRANT(0, first), 4, 0x1234ffff, RV_REASON_DEVICE_GRANT, 0},
	    {GRANT(0, count), 4, 0, RV_REASON_DEVICE_GRANT, 0},
	    {GRANT(0, count), 4, 2, RV_REASON_DEVICE_GRANT, 0},
	    {GRANT(0, source_id), 4, 8, RV_REASON_DEVICE_GRANT, 0},
	    {GRANT(1, flags), 2, RV_GRANT_INTERRUPT, RV_REASON_DEVICE_GRANT, 1},
	    {GRANT(1, count), 4, 0, RV_REASON_DEVICE_GRANT, 1},
	    {GRANT(1, first), 4, 0x10000, RV_REASON_DEVICE_GRANT, 1},
	    {GRANT(1, first), 4, 0xfff9, RV_REASON_DEVICE_GRANT, 1},
	    {GRANT(1, count), 4, UINT32_MAX, RV_REASON_DEVICE_GRANT, 1},
	    {GRANT(1, source_id), 4, 1, RV_REASON_DEVICE_GRANT, 1},
	    {GRANT(3, flags), 2, RV_GRANT_CLEANED, RV_REASON_DEVICE_GRANT, 3},
	    {GRANT(3, count), 4, 2, RV_REASON_DEVICE_GRANT, 3},
	    /* overlaps: grant 1 are the ports 0x2f8 to 0x2ff */
	    {GRANT(2, first), 4, 0x2ff, RV_REASON_DEVICE_GRANT, 2},
	    {GRANT(2, first), 4, 0x2f8, RV_REASON_DEVICE_GRANT, 2},
	    {GRANT(1, count), 4, 0xfd00, RV_REASON_DEVICE_GRANT, 2},
	};

	(void)state;
	assert_spoils(rows, sizeof(rows) / sizeof(rows[0]), again_devices, true);
}

static void assert_mapping(int error, enum rv_reason reason, uint64_t value)
{
	struct refusal why = {0};

	assert_int_equal(image_check_targets(&image.h, &param, targets, &why), error);
	assert_int_equal(why.error, error);
	assert_int_equal(why.reason, reason);
	assert_int_equal(why.value, value);
}

static void test_mapping(void **state)
{
	static const uint32_t needed[] = {0, 1, 2, 4, 5, 6};

	(void)state;
	assert_mapping(0, RV_REASON_NONE, 0);
	/* Without any one of the pages, or with it as another kind. */
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		uint32_t n = needed[i];
		uint64_t va = targets[n].va;

		memmove(targets + n, targets + n + 1, (SAMPLE_TARGETS - 1 - n) * sizeof(targets[0]));
		param.target_count--;
		assert_mapping(-RV_EINVAL, RV_REASON_UPDATE_MAPPING, va);
		(void)setup_target(NULL);
		targets[n].kind = n < 2 ? RV_TARGET_DATA : RV_TARGET_TEXT;
		assert_mapping(-RV_EINVAL, RV_REASON_UPDATE_MAPPING, va);
		(void)setup_target(NULL);
	}
	/* Fresh writable memory may be listed as data; fresh code may not. */
	targets[5].kind = RV_TARGET_DATA;
	assert_mapping(0, RV_REASON_NONE, 0);
	targets[4].kind = RV_TARGET_DATA;
	assert_mapping(-RV_EINVAL, RV_REASON_UPDATE_MAPPING, targets[4].va);
}

static void test_mapping_bias(void **state)
{
	(void)state;
	param.target_bias += RV_PAGE_SIZE;
	assert_mapping(-RV_EINVAL, RV_REASON_UPDATE_MAPPING, SAMPLE_BIAS + 0x3000);
	param.target_bias = 0 - (uint64_t)0x2000;
	assert_mapping(-RV_EINVAL, RV_REASON_UPDATE_MAPPING, 0xfffffffffffff000);
	param.target_bias_valid = 0;
	assert_mapping(-RV_EINVAL, RV_REASON_UPDATE_TARGET, SAMPLE_TARGETS);
	/* Heap needs no bias. */
	memset(image.h.range, 0, sizeof(image.h.range));
	image.h.range[0].kind = RV_RANGE_HEAP;
	image.h.range_count = 1;
	assert_mapping(0, RV_REASON_NONE, 0);
}

static void test_load(void **state)
{
	uint8_t *load = malloc(5 * PAGE);
	size_t at = 0;

	(void)state;
	assert_non_null(load);
	memset(load, 0xee, 5 * PAGE);
	image_load((const uint8_t *)&image, &image.h, load);
	for (uint32_t i = 0; i < 3; i++) {
		const struct rv_image_segment *s = &image.h.segment[i];
		size_t end = s->load_offset + (size_t)image_segment_pages(s) * RV_PAGE_SIZE;

		assert_int_equal(s->load_offset, at);
		assert_memory_equal(load + at, (const uint8_t *)&image + s->file_offset, s->file_bytes);
		for (size_t j = at + s->file_bytes; j < end; j++)
			assert_int_equal(load[j], 0);
		at = end;
	}
	assert_int_equal(at, 5 * RV_PAGE_SIZE);
	free(load);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_good, setup),
	    cmocka_unit_test_setup(test_fields, setup),
	    cmocka_unit_test_setup(test_segments, setup),
	    cmocka_unit_test_setup(test_every_prefix, setup),
	    cmocka_unit_test_setup(test_longer_than_image, setup),
	    cmocka_unit_test_setup(test_memory, setup),
	    cmocka_unit_test_setup(test_budget_of_a_signed_image, setup_target),
	    cmocka_unit_test_setup(test_capabilities_need_signature, setup_target),
	    cmocka_unit_test_setup(test_targets_go_with_capability, setup_target),
	    cmocka_unit_test_setup(test_target_fields, setup_target),
	    cmocka_unit_test_setup(test_devices, setup_devices),
	    cmocka_unit_test_setup(test_device_fields, setup_devices),
	    cmocka_unit_test_setup(test_mapping, setup_target),
	    cmocka_unit_test_setup(test_mapping_bias, setup_target),
	    cmocka_unit_test_setup(test_load, setup),
	};

	return cmocka_run_group_tests_name("fimce/image", tests, NULL, NULL);
}
