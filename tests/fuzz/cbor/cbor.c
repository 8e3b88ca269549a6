/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cbor.c - fuzz target: the CBOR decoder. Beside memory faults it looks for broken promises of cbor.h.
 */
#include <cbor/cbor.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

/** Writes the shortest head, independently of the decoder. */
static size_t encode_head(uint8_t *to, unsigned int type, uint64_t value)
{
	static const unsigned int sizes[] = {1, 2, 4, 8};

	if (value < 24) {
		to[0] = (uint8_t)(type << 5 | value);
		return 1;
	}
	for (unsigned int i = 0; i < 4; i++) {
		if (sizes[i] < 8 && value >> (8 * sizes[i]) != 0)
			continue;
		to[0] = (uint8_t)(type << 5 | (24 + i));
		for (unsigned int j = 0; j < sizes[i]; j++)
			to[1 + j] = (uint8_t)(value >> (8 * (sizes[i] - 1 - j)));
		return 1 + sizes[i];
	}
	abort();
}

/** Reads the next head or scalar with the typed functions and requires that its encoding is what was read. */
static bool read_one(struct rv_cbor *c)
{
	struct rv_cbor before = *c;
	enum rv_cbor_type type = rv_cbor_peek(c);
	struct rv_cbor_slice s = {NULL, 0};
	uint8_t head[9];
	uint64_t value = 0;
	int64_t number = 0;
	size_t count = 0;
	size_t head_size;
	bool truth;
	bool ok = false;

	switch (type) {
	case RV_CBOR_UINT:
		ok = rv_cbor_read_uint(c, &value);
		break;
	case RV_CBOR_NEGINT:
		ok = rv_cbor_read_int(c, &number);
		require(!ok || number < 0);
		value = (uint64_t)(-1 - number);
		break;
	case RV_CBOR_BYTES:
		ok = rv_cbor_read_bytes(c, &s);
		value = s.size;
		break;
	case RV_CBOR_TEXT:
		ok = rv_cbor_read_text(c, &s);
		value = s.size;
		break;
	case RV_CBOR_ARRAY:
		ok = rv_cbor_read_array(c, &count);
		value = count;
		break;
	case RV_CBOR_MAP:
		ok = rv_cbor_read_map(c, &count);
		value = count;
		break;
	case RV_CBOR_TAG:
		ok = rv_cbor_read_tag(c, &value);
		break;
	case RV_CBOR_SIMPLE:
		ok = c->data[c->at] == 0xf6 ? rv_cbor_read_null(c) : rv_cbor_read_bool(c, &truth);
		value = ok ? before.data[before.at] & 31u : 0;
		break;
	case RV_CBOR_END:
		break;
	}
	if (!ok) {
		require(type == RV_CBOR_END || c->error != RV_CBOR_OK);
		require(c->at == before.at);
		return false;
	}
	require(c->error == RV_CBOR_OK);
	head_size = encode_head(head, (unsigned int)type, value);
	require(c->at == before.at + head_size + s.size && c->at <= c->size);
	require(memcmp(head, before.data + before.at, head_size) == 0);
	if (s.size > 0)
		require(s.data == before.data + before.at + head_size);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rv_cbor c;
	struct rv_cbor_slice item;
	size_t fault = 0;
	bool whole = rv_cbor_check(data, size, &fault);

	require(whole || fault <= size);
	rv_cbor_open(&c, data, size);
	if (rv_cbor_skip(&c, &item)) {
		require(item.data == data && item.size == c.at && c.at <= size && c.at > 0);
		require(whole == (c.at == size));
		require(rv_cbor_check(item.data, item.size, NULL));
	} else {
		require(!whole && c.at == 0 && c.fault <= size && c.error != RV_CBOR_OK);
	}
	/* Typed reads accept all that was accepted as a whole, but for numbers beyond int64_t. */
	rv_cbor_open(&c, data, size);
	while (read_one(&c))
		;
	require(!whole || c.at == size || c.error == RV_CBOR_RANGE);
	return 0;
}
