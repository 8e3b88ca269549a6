/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cbor.h - a strict decoder for deterministic CBOR (RFC 8949, section 4.2.1).
 *
 * Accepted: unsigned and negative integers, byte and text strings, arrays, maps, tags, false, true, null. Everything
 * has a definite length and the shortest possible head; text is valid UTF-8. Refused: indefinite lengths, longer heads
 * than needed, reserved heads, floats, undefined and other simple values.
 *
 * The decoder allocates nothing. It is a cursor over memory that must stay unchanged while it is read; strings come
 * back as slices of that memory. A cursor that has failed stays failed: every further read returns false and changes
 * nothing, so that a caller may read a whole group and look at the outcome once. cbor.error says why it failed,
 * cbor.fault is the offset of the item at fault from the start of the outermost memory.
 *
 * The functions use no state but their arguments and may be called in any state of a FIMCE, and on a host.
 */
#ifndef PILLARS_CBOR_H
#define PILLARS_CBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** How deep arrays, maps and tags may be nested in one item (byte strings that hold CBOR start again from 0). */
#define RV_CBOR_MAX_DEPTH 16u

/** Major types of RFC 8949, section 3.1; RV_CBOR_END: nothing is left, or the cursor has failed. */
enum rv_cbor_type {
	RV_CBOR_UINT = 0,
	RV_CBOR_NEGINT = 1,
	RV_CBOR_BYTES = 2,
	RV_CBOR_TEXT = 3,
	RV_CBOR_ARRAY = 4,
	RV_CBOR_MAP = 5,
	RV_CBOR_TAG = 6,
	RV_CBOR_SIMPLE = 7,
	RV_CBOR_END = 8
};

enum rv_cbor_error {
	RV_CBOR_OK = 0,
	RV_CBOR_TRUNCATED, /* the item goes beyond the end of the memory, or an array or map counts more items than fit */
	RV_CBOR_NOT_SHORTEST, /* a shorter head would do */
	RV_CBOR_INDEFINITE, /* indefinite length, or "break" */
	RV_CBOR_RESERVED, /* additional information 28 to 30 */
	RV_CBOR_UNSUPPORTED, /* float, undefined, or a simple value other than false, true, null */
	RV_CBOR_TYPE, /* another type than asked for */
	RV_CBOR_RANGE, /* the number does not fit in the type asked for */
	RV_CBOR_UTF8, /* text that is not UTF-8 */
	RV_CBOR_DEPTH, /* nested deeper than RV_CBOR_MAX_DEPTH */
	RV_CBOR_ORDER, /* map keys not in ascending order of their encoding, or one key twice */
	RV_CBOR_TRAILING /* bytes behind the last item */
};

/** A part of the memory that a cursor reads. */
struct rv_cbor_slice {
	const uint8_t *data;
	size_t size; /* bytes */
};

/** The cursor. Fields are for reading only. */
struct rv_cbor {
	const uint8_t *data;
	size_t size; /* bytes */
	size_t at; /* offset of the next item in data */
	size_t base; /* offset of data in the outermost memory */
	enum rv_cbor_error error;
	size_t fault; /* with error: offset in the outermost memory */
};

/** Begins at the first of size bytes at data (data may be NULL if size is 0). */
void rv_cbor_open(struct rv_cbor *c, const void *data, size_t size);

/**
 * Begins at the content of a byte string that `outer` has returned, so that faults count from the start of the
 * outermost memory. Opens a cursor that has failed with RV_CBOR_TRUNCATED if content is not a part of outer.
 */
void rv_cbor_open_inner(struct rv_cbor *c, const struct rv_cbor *outer, struct rv_cbor_slice content);

/** Type of the next item by its first byte; moves nothing and finds no errors but those that came before. */
enum rv_cbor_type rv_cbor_peek(const struct rv_cbor *c);

/** True if nothing is left and no error occurred. */
bool rv_cbor_at_end(const struct rv_cbor *c);

/*
 * Each of these reads one item (of an array, map or tag: its head only) and moves the cursor behind it. On failure they
 * return false, set error and fault, leave *value as it was and the cursor where it was. Possible errors: those of the
 * head (TRUNCATED, NOT_SHORTEST, INDEFINITE, RESERVED), UNSUPPORTED, TYPE, and what is named.
 */
bool rv_cbor_read_uint(struct rv_cbor *c, uint64_t *value);
/** Unsigned or negative. RANGE: outside int64_t. */
bool rv_cbor_read_int(struct rv_cbor *c, int64_t *value);
bool rv_cbor_read_bytes(struct rv_cbor *c, struct rv_cbor_slice *value);
/** UTF8. The slice has no terminating NUL. */
bool rv_cbor_read_text(struct rv_cbor *c, struct rv_cbor_slice *value);
/** Number of items that follow. TRUNCATED: more than there are bytes left. */
bool rv_cbor_read_array(struct rv_cbor *c, size_t *count);
/** Number of pairs (key, value) that follow. TRUNCATED: more than there are pairs of bytes left. */
bool rv_cbor_read_map(struct rv_cbor *c, size_t *pairs);
/** The tagged item follows. */
bool rv_cbor_read_tag(struct rv_cbor *c, uint64_t *tag);
bool rv_cbor_read_bool(struct rv_cbor *c, bool *value);
bool rv_cbor_read_null(struct rv_cbor *c);

/**
 * Moves behind one whole item with all that is nested in it and checks every byte of it: heads, UTF-8, depth, and that
 * the keys of each map ascend (bytewise order of their encodings, RFC 8949, 4.2.1), which also excludes duplicates.
 * If item is not NULL it becomes the item's encoding. Content of byte strings is not looked at.
 */
bool rv_cbor_skip(struct rv_cbor *c, struct rv_cbor_slice *item);

/** Ends reading: false with TRAILING if bytes are left, false if the cursor has failed before, true otherwise. */
bool rv_cbor_close(struct rv_cbor *c);

/**
 * Lets a caller fail the cursor for a reason of its own: sets error and fault (absolute offset of the next item) unless
 * the cursor has failed before. Returns false.
 */
bool rv_cbor_fail(struct rv_cbor *c, enum rv_cbor_error error);

/** True if the size bytes at data are exactly one well-formed item as rv_cbor_skip checks it. *fault (may be NULL): where not. */
bool rv_cbor_check(const void *data, size_t size, size_t *fault);

/** True if the slice holds exactly the characters of text (NUL-terminated). */
bool rv_cbor_slice_is(struct rv_cbor_slice slice, const char *text);

#endif
