/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * envelope.c - writes SUIT envelopes: see envelope.h. pillars/suit/suit.c reads them; section numbers are those of
 * draft-ietf-suit-manifest-37.
 */
#include "envelope.h"

#include "key.h"

#include <suit/suit.h>

#include <cbor.h>
#include <stdlib.h>
#include <string.h>

/* Reporting policies (8.4.7): a condition reports all it can, a directive what failed. */
#define POLICY_CONDITION 15
#define POLICY_DIRECTIVE 2

static cbor_item_t *checked(cbor_item_t *item)
{
	if (!item)
		fail(EXIT_SYSTEM, "out of memory");
	return item;
}

/** A number in its shortest form, which is the deterministic one. */
static cbor_item_t *number(int64_t value)
{
	uint64_t n = value < 0 ? (uint64_t)(-1 - value) : (uint64_t)value;
	cbor_item_t *item;

	if (n <= UINT8_MAX)
		item = cbor_build_uint8((uint8_t)n);
	else if (n <= UINT16_MAX)
		item = cbor_build_uint16((uint16_t)n);
	else if (n <= UINT32_MAX)
		item = cbor_build_uint32((uint32_t)n);
	else
		item = cbor_build_uint64(n);
	checked(item);
	if (value < 0)
		cbor_mark_negint(item);
	return item;
}

static cbor_item_t *bytes(const void *data, size_t size)
{
	return checked(cbor_build_bytestring(data, size));
}

static cbor_item_t *map(size_t pairs)
{
	return checked(cbor_new_definite_map(pairs));
}

static cbor_item_t *array(size_t items)
{
	return checked(cbor_new_definite_array(items));
}

/** Adds key and value and keeps no reference to them. */
static void put_item(cbor_item_t *to, cbor_item_t *key, cbor_item_t *value)
{
	if (!cbor_map_add(to, (struct cbor_pair){.key = cbor_move(key), .value = cbor_move(value)}))
		fail(EXIT_SYSTEM, "out of memory");
}

static void put(cbor_item_t *to, int64_t key, cbor_item_t *value)
{
	put_item(to, number(key), value);
}

static void add(cbor_item_t *to, cbor_item_t *item)
{
	if (!cbor_array_push(to, cbor_move(item)))
		fail(EXIT_SYSTEM, "out of memory");
}

/** Adds a command and its argument to a sequence. */
static void command(cbor_item_t *to, int64_t name, cbor_item_t *argument)
{
	add(to, number(name));
	add(to, argument);
}

/** Encodes an item and frees it. */
static struct buffer encode(cbor_item_t *item)
{
	struct buffer b = {0};

	b.size = cbor_serialize_alloc(item, &b.data, &b.capacity);
	if (b.size == 0)
		fail(EXIT_SYSTEM, "out of memory");
	cbor_decref(&item);
	return b;
}

/** A byte string that holds the encoding of an item. */
static cbor_item_t *wrap(cbor_item_t *item)
{
	struct buffer b = encode(item);
	cbor_item_t *wrapped = bytes(b.data, b.size);

	buffer_free(&b);
	return wrapped;
}

static cbor_item_t *suit_digest(const uint8_t digest[RV_DIGEST_SIZE])
{
	cbor_item_t *d = array(2);

	add(d, number(-16));
	add(d, bytes(digest, RV_DIGEST_SIZE));
	return d;
}

/** Components and shared sequence (8.4.5). */
static cbor_item_t *common(const struct envelope *e)
{
	cbor_item_t *item = map(2);
	cbor_item_t *components = array(2);
	cbor_item_t *target = array(2);
	cbor_item_t *place = array(1);
	cbor_item_t *shared = array(8);
	cbor_item_t *parameters = map(2);

	add(target, bytes(e->name, strlen(e->name)));
	add(target, bytes(e->build_id, SUIT_BUILD_ID_SIZE));
	add(place, bytes("update", 6));
	add(components, target);
	add(components, place);
	put(parameters, 1, bytes(suit_vendor_id, SUIT_UUID_SIZE));
	put(parameters, 2, bytes(suit_class_id, SUIT_UUID_SIZE));
	command(shared, 12, number(0)); /* component: the target */
	command(shared, 20, parameters);
	command(shared, 1, number(POLICY_CONDITION)); /* vendor */
	command(shared, 2, number(POLICY_CONDITION)); /* class */
	put(item, 2, components);
	put(item, 4, wrap(shared));
	return item;
}

static cbor_item_t *install(const struct envelope *e)
{
	uint8_t digest[RV_DIGEST_SIZE];
	cbor_item_t *sequence = array(18);
	cbor_item_t *image = map(3);
	cbor_item_t *before = map(2);

	rv_sha256_digest(e->payload, e->payload_size, digest);
	put(image, 3, wrap(suit_digest(digest)));
	put(image, 14, number((int64_t)e->payload_size));
	put(image, 21, checked(cbor_build_string(SUIT_PAYLOAD_KEY)));
	put(before, 3, wrap(suit_digest(e->before)));
	put(before, 14, number((int64_t)e->target_bytes));
	command(sequence, 12, number(1)); /* component: the update image */
	command(sequence, 20, image);
	command(sequence, 21, number(POLICY_DIRECTIVE)); /* fetch */
	command(sequence, 3, number(POLICY_CONDITION)); /* image match */
	command(sequence, 12, number(0));
	command(sequence, 20, before);
	command(sequence, 3, number(POLICY_CONDITION));
	command(sequence, 12, number(1));
	command(sequence, 23, number(POLICY_DIRECTIVE)); /* invoke */
	return sequence;
}

static cbor_item_t *validate(const struct envelope *e)
{
	cbor_item_t *sequence = array(6);
	cbor_item_t *after = map(1);

	put(after, 3, wrap(suit_digest(e->after)));
	command(sequence, 12, number(0));
	command(sequence, 20, after);
	command(sequence, 3, number(POLICY_CONDITION));
	return sequence;
}

struct buffer envelope_manifest(const struct envelope *e)
{
	cbor_item_t *manifest = map(5);

	put(manifest, 1, number(1));
	put(manifest, 2, number((int64_t)e->sequence));
	put(manifest, 3, wrap(common(e)));
	put(manifest, 7, wrap(validate(e)));
	put(manifest, 20, wrap(install(e)));
	return encode(wrap(manifest));
}

/** The COSE_Key of a point, in a CWT Claims Set (header parameter kccs, RFC 9528). */
static cbor_item_t *unprotected(const uint8_t point[RV_P256_POINT_SIZE])
{
	cbor_item_t *header = map(1);
	cbor_item_t *claims = map(1);
	cbor_item_t *confirmation = map(1);
	cbor_item_t *key = map(4);

	put(key, 1, number(2)); /* kty: EC2 */
	put(key, -1, number(1)); /* crv: P-256 */
	put(key, -2, bytes(point + 1, 32));
	put(key, -3, bytes(point + 33, 32));
	put(confirmation, 1, key);
	put(claims, 8, confirmation);
	put(header, 14, claims);
	return header;
}

struct buffer envelope_sign(const uint8_t *manifest, size_t manifest_size, const uint8_t *payload, size_t payload_size,
			    EVP_PKEY *key)
{
	uint8_t manifest_digest[RV_DIGEST_SIZE];
	uint8_t digest[RV_DIGEST_SIZE];
	uint8_t signature[RV_ES256_SIGNATURE_SIZE];
	uint8_t point[RV_P256_POINT_SIZE];
	struct cbor_load_result result;
	cbor_item_t *protected = map(1);
	cbor_item_t *sign1 = array(4);
	cbor_item_t *wrapper = array(2);
	cbor_item_t *envelope = map(3);

	rv_sha256_digest(manifest, manifest_size, manifest_digest);
	suit_signed_digest(manifest_digest, digest);
	key_sign(key, digest, signature);
	key_point(key, point);

	put(protected, 1, number(-7)); /* ES256 */
	add(sign1, wrap(protected));
	add(sign1, unprotected(point));
	add(sign1, checked(cbor_new_null()));
	add(sign1, bytes(signature, sizeof(signature)));
	add(wrapper, wrap(suit_digest(manifest_digest)));
	add(wrapper, wrap(checked(cbor_build_tag(18, cbor_move(sign1)))));
	put(envelope, 2, wrap(wrapper));
	put(envelope, 3, checked(cbor_load(manifest, manifest_size, &result)));
	put_item(envelope, checked(cbor_build_string(SUIT_PAYLOAD_KEY)), bytes(payload, payload_size));
	return encode(checked(cbor_build_tag(107, cbor_move(envelope))));
}
