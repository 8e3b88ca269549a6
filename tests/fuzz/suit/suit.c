/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * suit.c - libFuzzer target for the SUIT pillar.
 *
 * The first byte, modulo 3, chooses what the rest is: 0: an envelope; 1: the content of a manifest; 2: the content of an
 * authentication block (COSE_Sign1). For 1 and 2 the rest of the envelope is right, digests included, because no fuzzer
 * gets past a SHA-256 by itself. No signature is right, so suit_verify must never accept anything.
 */
#include <suit/suit.h>

#include <stdlib.h>
#include <string.h>

#define ROOM 16384
/* The payload of the unit tests, which the seeds are made of: a whole envelope can be right then. */
#define PAYLOAD "what stands for a FIMCE image here"

static const uint8_t anchor[RV_DIGEST_SIZE] = {1};

/* A block with a right shape, key and signature all zero. */
static const uint8_t block_begin[] = {0xd2, 0x84, 0x43, 0xa1, 0x01, 0x26, 0xa1, 0x0e, 0xa1, 0x08,
				      0xa1, 0x01, 0xa4, 0x01, 0x02, 0x20, 0x01, 0x21, 0x58, 0x20};

struct out {
	uint8_t data[ROOM];
	size_t size;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int condition)
{
	if (!condition)
		abort();
}

static void put(struct out *o, const void *data, size_t size)
{
	check(size <= ROOM - o->size);
	memcpy(o->data + o->size, data, size);
	o->size += size;
}

static void put_bytes(struct out *o, unsigned int major, const void *data, size_t size)
{
	uint8_t head[3] = {(uint8_t)(major << 5), (uint8_t)(size >> 8), (uint8_t)size};

	if (size < 24) {
		head[0] |= (uint8_t)size;
		put(o, head, 1);
	} else if (size < 256) {
		head[0] |= 24;
		head[1] = (uint8_t)size;
		put(o, head, 2);
	} else {
		head[0] |= 25;
		put(o, head, 3);
	}
	put(o, data, size);
}

static void put_default_block(struct out *o)
{
	static const uint8_t zeros[64];
	static const uint8_t y[] = {0x22, 0x58, 0x20};
	static const uint8_t payload = 0xf6;

	put(o, block_begin, sizeof(block_begin));
	put(o, zeros, 32);
	put(o, y, sizeof(y));
	put(o, zeros, 32);
	put(o, &payload, 1);
	put_bytes(o, 2, zeros, 64);
}

/** Puts manifest and block into an envelope whose digests are right. */
static void make_envelope(struct out *o, const void *manifest, size_t manifest_size, const void *block,
			  size_t block_size)
{
	static struct out wrapped;
	static struct out wrapper;
	uint8_t digest[4 + RV_DIGEST_SIZE] = {0x82, 0x2f, 0x58, 0x20};
	const uint8_t head[] = {0xd8, 0x6b, 0xa3, 0x02};
	const uint8_t two = 0x82;
	const uint8_t three = 0x03;

	wrapped.size = 0;
	put_bytes(&wrapped, 2, manifest, manifest_size);
	rv_sha256_digest(wrapped.data, wrapped.size, digest + 4);
	wrapper.size = 0;
	put(&wrapper, &two, 1);
	put_bytes(&wrapper, 2, digest, sizeof(digest));
	put_bytes(&wrapper, 2, block, block_size);
	o->size = 0;
	put(o, head, sizeof(head));
	put_bytes(o, 2, wrapper.data, wrapper.size);
	put(o, &three, 1);
	put(o, wrapped.data, wrapped.size);
	put_bytes(o, 3, SUIT_PAYLOAD_KEY, strlen(SUIT_PAYLOAD_KEY));
	put_bytes(o, 2, PAYLOAD, strlen(PAYLOAD));
}

static void check_slice(struct rv_cbor_slice s, const uint8_t *envelope, size_t size)
{
	check(s.data >= envelope && s.data <= envelope + size && s.size <= (size_t)(envelope + size - s.data));
}

static void check_envelope(const uint8_t *envelope, size_t size)
{
	struct suit_manifest m;
	struct suit_error err = {0, 0};
	int result = suit_verify(envelope, size, anchor, &m, &err);

	check(result == -RV_EBADMSG || result == -RV_EKEYREJECTED);
	check(err.reason >= RV_REASON_SUIT_CBOR && err.reason <= RV_REASON_SUIT_ALGORITHM);
	result = suit_parse(envelope, size, &m, &err);
	if (result != 0) {
		check(result == -RV_EBADMSG);
		check(err.reason >= RV_REASON_SUIT_CBOR && err.reason <= RV_REASON_SUIT_ALGORITHM);
		check(err.reason != RV_REASON_SUIT_CBOR || err.value <= size);
		return;
	}
	check(m.envelope_size <= size && size - m.envelope_size <= SUIT_PADDING_MAX);
	check_slice(m.payload, envelope, m.envelope_size);
	check_slice(m.component, envelope, m.envelope_size);
	check_slice(m.name, envelope, m.envelope_size);
	check_slice(m.build_id, envelope, m.envelope_size);
	check(m.name.size >= 1 && m.name.size <= SUIT_NAME_MAX && m.build_id.size == SUIT_BUILD_ID_SIZE);
}

/** A copy of exactly the right size, so that the sanitizer sees every read beyond it. */
static void check_copy(const struct out *o)
{
	uint8_t *copy = malloc(o->size);

	check(copy != NULL);
	memcpy(copy, o->data, o->size);
	check_envelope(copy, o->size);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A manifest of the profile is needed for mode 2 only to have one: its content comes after the block's. */
	static const uint8_t manifest[] = {0xa0};
	static struct out block;
	static struct out envelope;

	if (size < 1 || size > ROOM / 4)
		return 0;
	if (data[0] % 3 == 0) {
		check_envelope(data + 1, size - 1);
		return 0;
	}
	if (data[0] % 3 == 1) {
		block.size = 0;
		put_default_block(&block);
		make_envelope(&envelope, data + 1, size - 1, block.data, block.size);
	} else {
		make_envelope(&envelope, manifest, sizeof(manifest), data + 1, size - 1);
	}
	check_copy(&envelope);
	return 0;
}
