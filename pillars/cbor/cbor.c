/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cbor.c - a strict decoder for deterministic CBOR: see cbor.h.
 */
#include <cbor/cbor.h>

#include <string.h>

#define SIMPLE_FALSE 20u
#define SIMPLE_TRUE 21u
#define SIMPLE_NULL 22u

/** The head of one item: RFC 8949, section 3. */
struct head {
	enum rv_cbor_type type;
	uint64_t value; /* the argument */
	size_t size; /* bytes of the head */
};

static bool cbor_fail_at(struct rv_cbor *c, enum rv_cbor_error error, size_t at)
{
	if (c->error == RV_CBOR_OK) {
		c->error = error;
		c->fault = c->base + at;
	}
	return false;
}

/** Reads the head at `at` without moving the cursor. */
static bool cbor_read_head(struct rv_cbor *c, size_t at, struct head *h)
{
	unsigned int info;
	unsigned int following;

	if (c->error != RV_CBOR_OK)
		return false;
	if (at >= c->size)
		return cbor_fail_at(c, RV_CBOR_TRUNCATED, at);
	h->type = (enum rv_cbor_type)(c->data[at] >> 5);
	info = c->data[at] & 31u;
	if (info < 24) {
		h->value = info;
		h->size = 1;
	} else if (info == 31) {
		return cbor_fail_at(c, RV_CBOR_INDEFINITE, at);
	} else if (info >= 28) {
		return cbor_fail_at(c, RV_CBOR_RESERVED, at);
	} else {
		following = 1u << (info - 24);
		if (h->type == RV_CBOR_SIMPLE)
			return cbor_fail_at(c, RV_CBOR_UNSUPPORTED, at);
		if (c->size - at - 1 < following)
			return cbor_fail_at(c, RV_CBOR_TRUNCATED, at);
		h->value = 0;
		for (unsigned int i = 0; i < following; i++)
			h->value = h->value << 8 | c->data[at + 1 + i];
		/* Each longer form begins where the next shorter one ends: 24, 2^8, 2^16, 2^32. */
		if (h->value < (following == 1 ? 24u : (uint64_t)1 << (following * 4)))
			return cbor_fail_at(c, RV_CBOR_NOT_SHORTEST, at);
		h->size = 1 + following;
	}
	if (h->type == RV_CBOR_SIMPLE && (h->value < SIMPLE_FALSE || h->value > SIMPLE_NULL))
		return cbor_fail_at(c, RV_CBOR_UNSUPPORTED, at);
	return true;
}

/** Reads the next head, which must be of the type given. */
static bool cbor_expect(struct rv_cbor *c, enum rv_cbor_type type, struct head *h)
{
	if (!cbor_read_head(c, c->at, h))
		return false;
	if (h->type != type)
		return cbor_fail_at(c, RV_CBOR_TYPE, c->at);
	return true;
}

/** True if the bytes are UTF-8 as Unicode table 3-7 has it: no overlong forms, surrogates, or values above U+10FFFF. */
static bool cbor_is_utf8(const uint8_t *s, size_t size)
{
	size_t i = 0;

	while (i < size) {
		uint8_t low = 0x80;
		uint8_t high = 0xbf;
		size_t more;

		if (s[i] < 0x80) {
			i++;
			continue;
		}
		if (s[i] >= 0xc2 && s[i] <= 0xdf)
			more = 1;
		else if ((s[i] & 0xf0) == 0xe0)
			more = 2;
		else if (s[i] >= 0xf0 && s[i] <= 0xf4)
			more = 3;
		else
			return false;
		if (s[i] == 0xe0)
			low = 0xa0;
		else if (s[i] == 0xed)
			high = 0x9f;
		else if (s[i] == 0xf0)
			low = 0x90;
		else if (s[i] == 0xf4)
			high = 0x8f;
		if (size - i - 1 < more)
			return false;
		for (i++; more > 0; more--, i++) {
			if (s[i] < low || s[i] > high)
				return false;
			low = 0x80;
			high = 0xbf;
		}
	}
	return true;
}

/** Checks the content of a string whose head h is at `at`. */
static bool cbor_check_string(struct rv_cbor *c, size_t at, const struct head *h)
{
	if (h->value > c->size - at - h->size)
		return cbor_fail_at(c, RV_CBOR_TRUNCATED, at);
	if (h->type == RV_CBOR_TEXT && !cbor_is_utf8(c->data + at + h->size, (size_t)h->value))
		return cbor_fail_at(c, RV_CBOR_UTF8, at);
	return true;
}

/** Checks that an array or map whose head h is at `at` can be complete: no item is shorter than one byte. */
static bool cbor_check_count(struct rv_cbor *c, size_t at, const struct head *h)
{
	size_t left = c->size - at - h->size;

	if (h->value > (h->type == RV_CBOR_MAP ? left / 2 : left))
		return cbor_fail_at(c, RV_CBOR_TRUNCATED, at);
	return true;
}

void rv_cbor_open(struct rv_cbor *c, const void *data, size_t size)
{
	c->data = data;
	c->size = size;
	c->at = 0;
	c->base = 0;
	c->error = RV_CBOR_OK;
	c->fault = 0;
}

void rv_cbor_open_inner(struct rv_cbor *c, const struct rv_cbor *outer, struct rv_cbor_slice content)
{
	uintptr_t begin = (uintptr_t)outer->data;
	uintptr_t inner = (uintptr_t)content.data;

	rv_cbor_open(c, content.data, content.size);
	if (inner < begin || inner - begin > outer->size || content.size > outer->size - (inner - begin)) {
		c->size = 0;
		c->base = outer->base;
		cbor_fail_at(c, RV_CBOR_TRUNCATED, 0);
		return;
	}
	c->base = outer->base + (inner - begin);
}

enum rv_cbor_type rv_cbor_peek(const struct rv_cbor *c)
{
	if (c->error != RV_CBOR_OK || c->at >= c->size)
		return RV_CBOR_END;
	return (enum rv_cbor_type)(c->data[c->at] >> 5);
}

bool rv_cbor_at_end(const struct rv_cbor *c)
{
	return c->error == RV_CBOR_OK && c->at == c->size;
}

bool rv_cbor_read_uint(struct rv_cbor *c, uint64_t *value)
{
	struct head h;

	if (!cbor_expect(c, RV_CBOR_UINT, &h))
		return false;
	*value = h.value;
	c->at += h.size;
	return true;
}

bool rv_cbor_read_int(struct rv_cbor *c, int64_t *value)
{
	struct head h;

	if (!cbor_read_head(c, c->at, &h))
		return false;
	if (h.type != RV_CBOR_UINT && h.type != RV_CBOR_NEGINT)
		return cbor_fail_at(c, RV_CBOR_TYPE, c->at);
	if (h.value > INT64_MAX)
		return cbor_fail_at(c, RV_CBOR_RANGE, c->at);
	*value = h.type == RV_CBOR_UINT ? (int64_t)h.value : -1 - (int64_t)h.value;
	c->at += h.size;
	return true;
}

static bool cbor_read_string(struct rv_cbor *c, enum rv_cbor_type type, struct rv_cbor_slice *value)
{
	struct head h;

	if (!cbor_expect(c, type, &h) || !cbor_check_string(c, c->at, &h))
		return false;
	value->data = c->data + c->at + h.size;
	value->size = (size_t)h.value;
	c->at += h.size + (size_t)h.value;
	return true;
}

bool rv_cbor_read_bytes(struct rv_cbor *c, struct rv_cbor_slice *value)
{
	return cbor_read_string(c, RV_CBOR_BYTES, value);
}

bool rv_cbor_read_text(struct rv_cbor *c, struct rv_cbor_slice *value)
{
	return cbor_read_string(c, RV_CBOR_TEXT, value);
}

static bool cbor_read_count(struct rv_cbor *c, enum rv_cbor_type type, size_t *count)
{
	struct head h;

	if (!cbor_expect(c, type, &h) || !cbor_check_count(c, c->at, &h))
		return false;
	*count = (size_t)h.value;
	c->at += h.size;
	return true;
}

bool rv_cbor_read_array(struct rv_cbor *c, size_t *count)
{
	return cbor_read_count(c, RV_CBOR_ARRAY, count);
}

bool rv_cbor_read_map(struct rv_cbor *c, size_t *pairs)
{
	return cbor_read_count(c, RV_CBOR_MAP, pairs);
}

bool rv_cbor_read_tag(struct rv_cbor *c, uint64_t *tag)
{
	struct head h;

	if (!cbor_expect(c, RV_CBOR_TAG, &h))
		return false;
	*tag = h.value;
	c->at += h.size;
	return true;
}

bool rv_cbor_read_bool(struct rv_cbor *c, bool *value)
{
	struct head h;

	if (!cbor_expect(c, RV_CBOR_SIMPLE, &h))
		return false;
	if (h.value == SIMPLE_NULL)
		return cbor_fail_at(c, RV_CBOR_TYPE, c->at);
	*value = h.value == SIMPLE_TRUE;
	c->at += h.size;
	return true;
}

bool rv_cbor_read_null(struct rv_cbor *c)
{
	struct head h;

	if (!cbor_expect(c, RV_CBOR_SIMPLE, &h))
		return false;
	if (h.value != SIMPLE_NULL)
		return cbor_fail_at(c, RV_CBOR_TYPE, c->at);
	c->at += h.size;
	return true;
}

/** One open array, map or tag while an item is walked. */
struct level {
	uint64_t left; /* items still to come; of a map keys and values */
	bool is_map;
	size_t item; /* where the current key or value began */
	size_t key; /* map: the last complete key; size 0: none yet */
	size_t key_size;
};

/** True if the key of size bytes at `at` may follow the previous one of this level. */
static bool cbor_is_ascending(const struct rv_cbor *c, const struct level *l, size_t at, size_t size)
{
	size_t common = size < l->key_size ? size : l->key_size;
	int order;

	if (l->key_size == 0)
		return true;
	order = memcmp(c->data + l->key, c->data + at, common);
	return order < 0 || (order == 0 && l->key_size < size);
}

/** Counts an item that ends at `at` in the innermost open level; closes every level that it completes. */
static bool cbor_end_item(struct rv_cbor *c, struct level *open, size_t *depth, size_t at)
{
	while (*depth > 0) {
		struct level *l = &open[*depth - 1];

		/* In a map an even number of items left means that this one was a key. */
		if (l->is_map && l->left % 2 == 0) {
			if (!cbor_is_ascending(c, l, l->item, at - l->item))
				return cbor_fail_at(c, RV_CBOR_ORDER, l->item);
			l->key = l->item;
			l->key_size = at - l->item;
		}
		l->item = at;
		if (--l->left > 0)
			return true;
		(*depth)--;
	}
	return true;
}

bool rv_cbor_skip(struct rv_cbor *c, struct rv_cbor_slice *item)
{
	struct level open[RV_CBOR_MAX_DEPTH];
	size_t depth = 0;
	size_t at = c->at;

	do {
		struct head h;
		uint64_t count = 0;

		if (!cbor_read_head(c, at, &h))
			return false;
		switch (h.type) {
		case RV_CBOR_BYTES:
		case RV_CBOR_TEXT:
			if (!cbor_check_string(c, at, &h))
				return false;
			at += h.size + (size_t)h.value;
			break;
		case RV_CBOR_ARRAY:
		case RV_CBOR_MAP:
			if (!cbor_check_count(c, at, &h))
				return false;
			count = h.type == RV_CBOR_MAP ? 2 * h.value : h.value;
			at += h.size;
			break;
		case RV_CBOR_TAG:
			count = 1;
			at += h.size;
			break;
		case RV_CBOR_UINT:
		case RV_CBOR_NEGINT:
		case RV_CBOR_SIMPLE:
		case RV_CBOR_END:
			at += h.size;
			break;
		}
		if (count > 0) {
			if (depth == RV_CBOR_MAX_DEPTH)
				return cbor_fail_at(c, RV_CBOR_DEPTH, at - h.size);
			open[depth].left = count;
			open[depth].is_map = h.type == RV_CBOR_MAP;
			open[depth].item = at;
			open[depth].key = 0;
			open[depth].key_size = 0;
			depth++;
		} else if (!cbor_end_item(c, open, &depth, at)) {
			return false;
		}
	} while (depth > 0);
	if (item) {
		item->data = c->data + c->at;
		item->size = at - c->at;
	}
	c->at = at;
	return true;
}

bool rv_cbor_close(struct rv_cbor *c)
{
	if (c->error != RV_CBOR_OK)
		return false;
	if (c->at != c->size)
		return cbor_fail_at(c, RV_CBOR_TRAILING, c->at);
	return true;
}

bool rv_cbor_fail(struct rv_cbor *c, enum rv_cbor_error error)
{
	return cbor_fail_at(c, error, c->at);
}

bool rv_cbor_check(const void *data, size_t size, size_t *fault)
{
	struct rv_cbor c;
	bool ok;

	rv_cbor_open(&c, data, size);
	ok = rv_cbor_skip(&c, NULL) && rv_cbor_close(&c);
	if (!ok && fault)
		*fault = c.fault;
	return ok;
}

bool rv_cbor_slice_is(struct rv_cbor_slice slice, const char *text)
{
	return slice.size == strlen(text) && (slice.size == 0 || memcmp(slice.data, text, slice.size) == 0);
}
