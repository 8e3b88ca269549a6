/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * suit.c - verifies the SUIT envelopes that carry updates: see suit.h and docs/update-format.md.
 *
 * The profile allows one shape only, so this is a recogniser and no interpreter: it walks along the one permitted order
 * of keys and commands. Section numbers are those of draft-ietf-suit-manifest-37.
 */
#include <suit/suit.h>

#include <string.h>

#define TAG_SUIT_ENVELOPE 107u
#define TAG_COSE_SIGN1 18u

#define ALGORITHM_SHA256 (-16)
#define ALGORITHM_ES256 (-7)

/* Keys, by the map that they are in. */
#define ENVELOPE_AUTHENTICATION 2
#define ENVELOPE_MANIFEST 3
#define MANIFEST_VERSION 1
#define MANIFEST_SEQUENCE 2
#define MANIFEST_COMMON 3
#define MANIFEST_VALIDATE 7
#define MANIFEST_INSTALL 20
#define COMMON_COMPONENTS 2
#define COMMON_SHARED 4
#define PARAMETER_VENDOR 1
#define PARAMETER_CLASS 2
#define PARAMETER_DIGEST 3
#define PARAMETER_SIZE 14
#define PARAMETER_URI 21
#define HEADER_ALGORITHM 1
#define HEADER_KCCS 14 /* RFC 9528: a CWT Claims Set that holds the key */
#define CLAIM_CNF 8 /* RFC 8747, 3.1 */
#define CNF_COSE_KEY 1
#define KEY_TYPE 1
#define KEY_CURVE (-1)
#define KEY_X (-2)
#define KEY_Y (-3)

#define KEY_TYPE_EC2 2
#define CURVE_P256 1

#define CONDITION_VENDOR 1u
#define CONDITION_CLASS 2u
#define CONDITION_IMAGE_MATCH 3u
#define SET_COMPONENT_INDEX 12u
#define OVERRIDE_PARAMETERS 20u
#define FETCH 21u
#define INVOKE 23u

/* The only reporting policies (8.4.7): a condition reports all it can, a directive what failed. */
#define POLICY_CONDITION 15u
#define POLICY_DIRECTIVE 2u

#define COMPONENT_TARGET 0u
#define COMPONENT_UPDATE 1u

const uint8_t suit_vendor_id[SUIT_UUID_SIZE] = {0x35, 0xf5, 0xa9, 0x9d, 0xaf, 0xe0, 0x5c, 0x8e,
						0xa0, 0x42, 0xb6, 0x60, 0xd6, 0x2b, 0xa1, 0x6d};
const uint8_t suit_class_id[SUIT_UUID_SIZE] = {0x68, 0x3f, 0x01, 0xd7, 0x36, 0x6e, 0x52, 0xcf,
					       0x92, 0xd4, 0xee, 0x65, 0x40, 0x71, 0x7f, 0xd3};

/** A map whose keys are known and come in one order; the rest of them must not be there. */
struct map {
	struct rv_cbor *c;
	struct suit_error *err;
	const int64_t *keys; /* in the order of their encodings */
	size_t key_count;
	size_t next;
	size_t pairs; /* still to come */
};

/** A command sequence (8.4): an array in which commands and their arguments alternate. */
struct sequence {
	struct rv_cbor c;
	struct suit_error *err;
	size_t left; /* items still to come */
};

static bool suit_refuse(struct suit_error *err, uint32_t reason, uint64_t value)
{
	/* The first refusal is the cause; those of the callers on the way out are not. */
	if (err->reason == RV_REASON_NONE) {
		err->reason = reason;
		err->value = value;
	}
	return false;
}

static bool suit_refuse_cbor(struct suit_error *err, const struct rv_cbor *c)
{
	return suit_refuse(err, RV_REASON_SUIT_CBOR, c->fault);
}

/** Reads a byte string that holds one CBOR item, checks that item completely, and opens it. */
static bool suit_open_wrapped(struct rv_cbor *outer, struct rv_cbor *inner, struct suit_error *err)
{
	struct rv_cbor_slice content;
	struct rv_cbor check;

	if (!rv_cbor_read_bytes(outer, &content))
		return suit_refuse_cbor(err, outer);
	rv_cbor_open_inner(inner, outer, content);
	check = *inner;
	if (!rv_cbor_skip(&check, NULL) || !rv_cbor_close(&check))
		return suit_refuse_cbor(err, &check);
	return true;
}

static bool map_open(struct map *m, struct rv_cbor *c, const int64_t *keys, size_t key_count, struct suit_error *err)
{
	m->c = c;
	m->err = err;
	m->keys = keys;
	m->key_count = key_count;
	m->next = 0;
	if (!rv_cbor_read_map(c, &m->pairs))
		return suit_refuse_cbor(err, c);
	return true;
}

/** Reads the next key of the list; the cursor stands on its value then. */
static bool map_next(struct map *m)
{
	int64_t wanted = m->keys[m->next];
	int64_t key;

	/* A text key comes behind all integer ones: the payload's. */
	if (m->pairs == 0 || rv_cbor_peek(m->c) == RV_CBOR_TEXT)
		return suit_refuse(m->err, RV_REASON_SUIT_MISSING, (uint64_t)wanted);
	if (!rv_cbor_read_int(m->c, &key))
		return suit_refuse_cbor(m->err, m->c);
	if (key != wanted) {
		for (size_t i = m->next + 1; i < m->key_count; i++)
			if (key == m->keys[i])
				return suit_refuse(m->err, RV_REASON_SUIT_MISSING, (uint64_t)wanted);
		return suit_refuse(m->err, RV_REASON_SUIT_UNKNOWN, (uint64_t)key);
	}
	m->next++;
	m->pairs--;
	return true;
}

/** Makes sure that no key follows those of the list. */
static bool map_close(struct map *m)
{
	int64_t key;

	if (m->pairs == 0)
		return true;
	if (!rv_cbor_read_int(m->c, &key))
		return suit_refuse_cbor(m->err, m->c);
	return suit_refuse(m->err, RV_REASON_SUIT_UNKNOWN, (uint64_t)key);
}

/** Reads a byte string of exactly size bytes. */
static bool suit_read_fixed(struct rv_cbor *c, uint8_t *to, size_t size, struct suit_error *err)
{
	struct rv_cbor_slice s;
	struct rv_cbor before = *c;

	if (!rv_cbor_read_bytes(c, &s))
		return suit_refuse_cbor(err, c);
	if (s.size != size) {
		rv_cbor_fail(&before, RV_CBOR_RANGE);
		return suit_refuse_cbor(err, &before);
	}
	memcpy(to, s.data, size);
	return true;
}

/** Reads an algorithm identifier, key type or curve, of which one value only is allowed. */
static bool suit_expect_algorithm(struct rv_cbor *c, int64_t wanted, struct suit_error *err)
{
	int64_t value;

	if (!rv_cbor_read_int(c, &value))
		return suit_refuse_cbor(err, c);
	if (value != wanted)
		return suit_refuse(err, RV_REASON_SUIT_ALGORITHM, (uint64_t)value);
	return true;
}

/** Reads an array head with exactly count items. `name` stands for the array in the refusal. */
static bool suit_expect_array(struct rv_cbor *c, size_t count, uint64_t name, struct suit_error *err)
{
	size_t items;

	if (!rv_cbor_read_array(c, &items))
		return suit_refuse_cbor(err, c);
	if (items != count)
		return suit_refuse(err, items < count ? RV_REASON_SUIT_MISSING : RV_REASON_SUIT_UNKNOWN, name);
	return true;
}

static bool suit_expect_tag(struct rv_cbor *c, uint64_t wanted, struct suit_error *err)
{
	uint64_t tag;

	if (!rv_cbor_read_tag(c, &tag))
		return suit_refuse_cbor(err, c);
	if (tag != wanted)
		return suit_refuse(err, RV_REASON_SUIT_UNKNOWN, tag);
	return true;
}

/** Reads a byte string that holds a SUIT_Digest (chapter 10). `name`: the key that it belongs to. */
static bool suit_read_digest(struct rv_cbor *c, uint8_t digest[RV_DIGEST_SIZE], uint64_t name, struct suit_error *err)
{
	struct rv_cbor inner;

	return suit_open_wrapped(c, &inner, err) && suit_expect_array(&inner, 2, name, err) &&
	       suit_expect_algorithm(&inner, ALGORITHM_SHA256, err) &&
	       suit_read_fixed(&inner, digest, RV_DIGEST_SIZE, err);
}

static bool sequence_open(struct sequence *s, struct rv_cbor *outer, struct suit_error *err)
{
	s->err = err;
	if (!suit_open_wrapped(outer, &s->c, err))
		return false;
	if (!rv_cbor_read_array(&s->c, &s->left))
		return suit_refuse_cbor(err, &s->c);
	return true;
}

/** Reads the next command, which must be the one given and have an argument; the cursor stands on that then. */
static bool sequence_expect(struct sequence *s, uint64_t wanted)
{
	static const uint64_t known[] = {CONDITION_VENDOR,
					 CONDITION_CLASS,
					 CONDITION_IMAGE_MATCH,
					 SET_COMPONENT_INDEX,
					 OVERRIDE_PARAMETERS,
					 FETCH,
					 INVOKE};
	int64_t command;

	if (s->left == 0)
		return suit_refuse(s->err, RV_REASON_SUIT_MISSING, wanted);
	if (!rv_cbor_read_int(&s->c, &command))
		return suit_refuse_cbor(s->err, &s->c);
	if (command < 0 || (uint64_t)command != wanted) {
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (command >= 0 && known[i] == (uint64_t)command)
				return suit_refuse(s->err, RV_REASON_SUIT_MISSING, wanted);
		return suit_refuse(s->err, RV_REASON_SUIT_UNKNOWN, (uint64_t)command);
	}
	if (s->left < 2)
		return suit_refuse(s->err, RV_REASON_SUIT_MISSING, wanted);
	s->left -= 2;
	return true;
}

/** Reads the next command and its argument, a number that has one permitted value. */
static bool sequence_expect_with(struct sequence *s, uint64_t wanted, uint64_t argument)
{
	uint64_t value;

	if (!sequence_expect(s, wanted))
		return false;
	if (!rv_cbor_read_uint(&s->c, &value))
		return suit_refuse_cbor(s->err, &s->c);
	if (value != argument)
		return suit_refuse(s->err, RV_REASON_SUIT_UNKNOWN, value);
	return true;
}

static bool sequence_close(struct sequence *s)
{
	int64_t command;

	if (s->left == 0)
		return true;
	if (!rv_cbor_read_int(&s->c, &command))
		return suit_refuse_cbor(s->err, &s->c);
	return suit_refuse(s->err, RV_REASON_SUIT_UNKNOWN, (uint64_t)command);
}

/** Reads the COSE_Key (RFC 9053, 7.1.1) in the unprotected header into out->key, as an uncompressed point. */
static bool suit_read_key(struct rv_cbor *c, struct suit_manifest *out, struct suit_error *err)
{
	static const int64_t header_keys[] = {HEADER_KCCS};
	static const int64_t claim_keys[] = {CLAIM_CNF};
	static const int64_t cnf_keys[] = {CNF_COSE_KEY};
	static const int64_t key_keys[] = {KEY_TYPE, KEY_CURVE, KEY_X, KEY_Y};
	struct map header;
	struct map claims;
	struct map cnf;
	struct map key;

	out->key[0] = 0x04;
	return map_open(&header, c, header_keys, 1, err) && map_next(&header) &&
	       map_open(&claims, c, claim_keys, 1, err) && map_next(&claims) && map_open(&cnf, c, cnf_keys, 1, err) &&
	       map_next(&cnf) && map_open(&key, c, key_keys, 4, err) && map_next(&key) &&
	       suit_expect_algorithm(c, KEY_TYPE_EC2, err) && map_next(&key) &&
	       suit_expect_algorithm(c, CURVE_P256, err) && map_next(&key) &&
	       suit_read_fixed(c, out->key + 1, 32, err) && map_next(&key) &&
	       suit_read_fixed(c, out->key + 33, 32, err) && map_close(&key) && map_close(&cnf) && map_close(&claims) &&
	       map_close(&header);
}

/** Reads the authentication wrapper (8.3): digest of the manifest, and one COSE_Sign1 (RFC 9052, 4.2). */
static bool suit_read_authentication(struct rv_cbor *c, struct suit_manifest *out, uint8_t digest[RV_DIGEST_SIZE],
				     struct suit_error *err)
{
	static const int64_t protected_keys[] = {HEADER_ALGORITHM};
	struct rv_cbor wrapper;
	struct rv_cbor block;
	struct rv_cbor header;
	struct map map;

	if (!suit_open_wrapped(c, &wrapper, err) || !suit_expect_array(&wrapper, 2, TAG_COSE_SIGN1, err) ||
	    !suit_read_digest(&wrapper, digest, ENVELOPE_AUTHENTICATION, err) ||
	    !suit_open_wrapped(&wrapper, &block, err) || !suit_expect_tag(&block, TAG_COSE_SIGN1, err) ||
	    !suit_expect_array(&block, 4, TAG_COSE_SIGN1, err) || !suit_open_wrapped(&block, &header, err) ||
	    !map_open(&map, &header, protected_keys, 1, err) || !map_next(&map) ||
	    !suit_expect_algorithm(&header, ALGORITHM_ES256, err) || !map_close(&map) ||
	    !suit_read_key(&block, out, err))
		return false;
	if (!rv_cbor_read_null(&block))
		return suit_refuse_cbor(err, &block);
	rv_sha256_digest(out->key, sizeof(out->key), out->signer);
	return suit_read_fixed(&block, out->signature, sizeof(out->signature), err);
}

/** Reads the identifier of component 0: what the target is called, and which build of it is meant. */
static bool suit_read_target(struct rv_cbor *c, struct suit_manifest *out, struct suit_error *err)
{
	struct rv_cbor item = *c;

	if (!rv_cbor_skip(&item, &out->component))
		return suit_refuse_cbor(err, &item);
	if (!suit_expect_array(c, 2, COMMON_COMPONENTS, err))
		return false;
	if (!rv_cbor_read_bytes(c, &out->name) || !rv_cbor_read_bytes(c, &out->build_id))
		return suit_refuse_cbor(err, c);
	if (out->name.size == 0 || out->name.size > SUIT_NAME_MAX || out->build_id.size != SUIT_BUILD_ID_SIZE)
		return suit_refuse(err, RV_REASON_SUIT_COMPONENT, 0);
	for (size_t i = 0; i < out->name.size; i++)
		if (out->name.data[i] <= ' ' || out->name.data[i] > '~' || out->name.data[i] == '/')
			return suit_refuse(err, RV_REASON_SUIT_COMPONENT, 0);
	rv_sha256_digest(out->component.data, out->component.size, out->component_digest);
	return true;
}

/** Reads the identifier of component 1, the place of the update image, which is the same in every manifest. */
static bool suit_read_place(struct rv_cbor *c, struct suit_error *err)
{
	struct rv_cbor_slice name;

	if (!suit_expect_array(c, 1, COMMON_COMPONENTS, err))
		return false;
	if (!rv_cbor_read_bytes(c, &name))
		return suit_refuse_cbor(err, c);
	if (!rv_cbor_slice_is(name, "update"))
		return suit_refuse(err, RV_REASON_SUIT_COMPONENT, 1);
	return true;
}

/** Common (8.4.5): the components; the shared sequence, which says who this update is for. */
static bool suit_read_common(struct rv_cbor *c, struct suit_manifest *out, struct suit_error *err)
{
	static const int64_t keys[] = {COMMON_COMPONENTS, COMMON_SHARED};
	static const int64_t parameter_keys[] = {PARAMETER_VENDOR, PARAMETER_CLASS};
	struct rv_cbor common;
	struct map map;
	struct map parameters;
	struct sequence s;
	uint8_t vendor[SUIT_UUID_SIZE];
	uint8_t class[SUIT_UUID_SIZE];

	if (!suit_open_wrapped(c, &common, err) || !map_open(&map, &common, keys, 2, err) || !map_next(&map) ||
	    !suit_expect_array(&common, 2, COMMON_COMPONENTS, err) || !suit_read_target(&common, out, err) ||
	    !suit_read_place(&common, err) || !map_next(&map) || !sequence_open(&s, &common, err) || !map_close(&map))
		return false;
	if (!sequence_expect_with(&s, SET_COMPONENT_INDEX, COMPONENT_TARGET) ||
	    !sequence_expect(&s, OVERRIDE_PARAMETERS) || !map_open(&parameters, &s.c, parameter_keys, 2, err) ||
	    !map_next(&parameters) || !suit_read_fixed(&s.c, vendor, sizeof(vendor), err) || !map_next(&parameters) ||
	    !suit_read_fixed(&s.c, class, sizeof(class), err) || !map_close(&parameters) ||
	    !sequence_expect_with(&s, CONDITION_VENDOR, POLICY_CONDITION) ||
	    !sequence_expect_with(&s, CONDITION_CLASS, POLICY_CONDITION) || !sequence_close(&s))
		return false;
	if (memcmp(vendor, suit_vendor_id, sizeof(vendor)) != 0 || memcmp(class, suit_class_id, sizeof(class)) != 0)
		return suit_refuse(err, RV_REASON_SUIT_VENDOR, 0);
	return true;
}

/** Reads the parameters digest and size of one image. */
static bool suit_read_image(struct sequence *s, struct map *map, uint8_t digest[RV_DIGEST_SIZE], uint64_t *size)
{
	if (!map_next(map) || !suit_read_digest(&s->c, digest, PARAMETER_DIGEST, s->err) || !map_next(map))
		return false;
	if (!rv_cbor_read_uint(&s->c, size))
		return suit_refuse_cbor(s->err, &s->c);
	return true;
}

/** Install (8.4.6): obtain the update image, check it, check the target's old content, run the update image. */
static bool suit_read_install(struct rv_cbor *c, struct suit_manifest *out, uint8_t payload_digest[RV_DIGEST_SIZE],
			      uint64_t *payload_size, struct suit_error *err)
{
	static const int64_t update_keys[] = {PARAMETER_DIGEST, PARAMETER_SIZE, PARAMETER_URI};
	static const int64_t target_keys[] = {PARAMETER_DIGEST, PARAMETER_SIZE};
	struct rv_cbor_slice uri;
	struct sequence s;
	struct map map;

	if (!sequence_open(&s, c, err) || !sequence_expect_with(&s, SET_COMPONENT_INDEX, COMPONENT_UPDATE) ||
	    !sequence_expect(&s, OVERRIDE_PARAMETERS) || !map_open(&map, &s.c, update_keys, 3, err) ||
	    !suit_read_image(&s, &map, payload_digest, payload_size) || !map_next(&map))
		return false;
	if (!rv_cbor_read_text(&s.c, &uri))
		return suit_refuse_cbor(err, &s.c);
	if (!rv_cbor_slice_is(uri, SUIT_PAYLOAD_KEY))
		return suit_refuse(err, RV_REASON_SUIT_UNKNOWN, PARAMETER_URI);
	return map_close(&map) && sequence_expect_with(&s, FETCH, POLICY_DIRECTIVE) &&
	       sequence_expect_with(&s, CONDITION_IMAGE_MATCH, POLICY_CONDITION) &&
	       sequence_expect_with(&s, SET_COMPONENT_INDEX, COMPONENT_TARGET) &&
	       sequence_expect(&s, OVERRIDE_PARAMETERS) && map_open(&map, &s.c, target_keys, 2, err) &&
	       suit_read_image(&s, &map, out->before, &out->target_bytes) && map_close(&map) &&
	       sequence_expect_with(&s, CONDITION_IMAGE_MATCH, POLICY_CONDITION) &&
	       sequence_expect_with(&s, SET_COMPONENT_INDEX, COMPONENT_UPDATE) &&
	       sequence_expect_with(&s, INVOKE, POLICY_DIRECTIVE) && sequence_close(&s);
}

/** Validate (8.4.6): check the target's new content. */
static bool suit_read_validate(struct rv_cbor *c, struct suit_manifest *out, struct suit_error *err)
{
	static const int64_t keys[] = {PARAMETER_DIGEST};
	struct sequence s;
	struct map map;

	return sequence_open(&s, c, err) && sequence_expect_with(&s, SET_COMPONENT_INDEX, COMPONENT_TARGET) &&
	       sequence_expect(&s, OVERRIDE_PARAMETERS) && map_open(&map, &s.c, keys, 1, err) && map_next(&map) &&
	       suit_read_digest(&s.c, out->after, PARAMETER_DIGEST, err) && map_close(&map) &&
	       sequence_expect_with(&s, CONDITION_IMAGE_MATCH, POLICY_CONDITION) && sequence_close(&s);
}

/** Reads the manifest (8.4), compares the payload with it. */
static bool suit_read_manifest(struct rv_cbor *manifest, struct suit_manifest *out, struct suit_error *err)
{
	static const int64_t keys[] = {MANIFEST_VERSION, MANIFEST_SEQUENCE, MANIFEST_COMMON, MANIFEST_VALIDATE,
				       MANIFEST_INSTALL};
	uint8_t payload_digest[RV_DIGEST_SIZE];
	uint64_t payload_size;
	uint64_t version;
	struct map map;

	if (!map_open(&map, manifest, keys, 5, err) || !map_next(&map))
		return false;
	if (!rv_cbor_read_uint(manifest, &version))
		return suit_refuse_cbor(err, manifest);
	if (version != 1)
		return suit_refuse(err, RV_REASON_SUIT_VERSION, version);
	if (!map_next(&map))
		return false;
	if (!rv_cbor_read_uint(manifest, &out->sequence))
		return suit_refuse_cbor(err, manifest);
	if (!map_next(&map) || !suit_read_common(manifest, out, err) || !map_next(&map) ||
	    !suit_read_validate(manifest, out, err) || !map_next(&map) ||
	    !suit_read_install(manifest, out, payload_digest, &payload_size, err) || !map_close(&map))
		return false;
	rv_sha256_digest(out->payload.data, out->payload.size, out->payload_digest);
	if (payload_size != out->payload.size || memcmp(payload_digest, out->payload_digest, RV_DIGEST_SIZE) != 0)
		return suit_refuse(err, RV_REASON_SUIT_PAYLOAD, 0);
	return true;
}

/**
 * Reads the outer layer (8.2): authentication wrapper, manifest, payload, padding. The content of the manifest is not
 * looked at before the signature is.
 */
static bool suit_read_envelope(const uint8_t *envelope, size_t size, struct suit_manifest *out,
			       struct rv_cbor *manifest, struct suit_error *err)
{
	static const int64_t keys[] = {ENVELOPE_AUTHENTICATION, ENVELOPE_MANIFEST};
	uint8_t digest[RV_DIGEST_SIZE];
	struct rv_cbor_slice name;
	struct rv_cbor c;
	struct rv_cbor check;
	struct map map;
	size_t head;

	rv_cbor_open(&c, envelope, size);
	check = c;
	if (!rv_cbor_skip(&check, NULL))
		return suit_refuse_cbor(err, &check);
	out->envelope_size = check.at;
	if (size - check.at > SUIT_PADDING_MAX)
		return suit_refuse(err, RV_REASON_SUIT_CBOR, check.at);
	for (size_t i = check.at; i < size; i++)
		if (envelope[i] != 0)
			return suit_refuse(err, RV_REASON_SUIT_CBOR, i);

	if (!suit_expect_tag(&c, TAG_SUIT_ENVELOPE, err) || !map_open(&map, &c, keys, 2, err) || !map_next(&map) ||
	    !suit_read_authentication(&c, out, digest, err) || !map_next(&map))
		return false;
	head = c.at;
	if (!suit_open_wrapped(&c, manifest, err))
		return false;
	/* 8.3: the digest covers the byte string with its head. */
	rv_sha256_digest(envelope + head, c.at - head, out->manifest_digest);
	if (memcmp(digest, out->manifest_digest, RV_DIGEST_SIZE) != 0)
		return suit_refuse(err, RV_REASON_SUIT_DIGEST, 0);

	if (map.pairs == 0)
		return suit_refuse(err, RV_REASON_SUIT_MISSING, PARAMETER_URI);
	if (rv_cbor_peek(&c) != RV_CBOR_TEXT)
		return map_close(&map);
	check = c;
	if (!rv_cbor_read_text(&c, &name))
		return suit_refuse_cbor(err, &c);
	if (!rv_cbor_slice_is(name, SUIT_PAYLOAD_KEY)) {
		rv_cbor_fail(&check, RV_CBOR_TYPE);
		return suit_refuse(err, RV_REASON_SUIT_UNKNOWN, check.fault);
	}
	if (!rv_cbor_read_bytes(&c, &out->payload))
		return suit_refuse_cbor(err, &c);
	if (map.pairs > 1)
		return suit_refuse(err, RV_REASON_SUIT_UNKNOWN, c.at);
	return true;
}

void suit_signed_digest(const uint8_t manifest_digest[RV_DIGEST_SIZE], uint8_t digest[RV_DIGEST_SIZE])
{
	/* Array of "Signature1", the protected header {1: -7}, no external data, and the payload [-16, digest]. */
	static const uint8_t head[] = {0x84, 0x6a, 'S',  'i',  'g',  'n',  'a',  't',  'u',  'r',  'e', '1',
				       0x43, 0xa1, 0x01, 0x26, 0x40, 0x58, 0x24, 0x82, 0x2f, 0x58, 0x20};
	struct rv_sha256 s;

	rv_sha256_begin(&s);
	rv_sha256_add(&s, head, sizeof(head));
	rv_sha256_add(&s, manifest_digest, RV_DIGEST_SIZE);
	rv_sha256_end(&s, digest);
}

/** The checks of suit_verify that need the trust anchor. */
static bool suit_check_signature(const struct suit_manifest *m, const uint8_t anchor[RV_DIGEST_SIZE],
				 struct suit_error *err)
{
	static const uint8_t none[RV_DIGEST_SIZE];
	uint8_t digest[RV_DIGEST_SIZE];

	if (rv_crypto_equal(anchor, none, RV_DIGEST_SIZE))
		return suit_refuse(err, RV_REASON_SUIT_NO_ANCHOR, 0);
	if (!rv_crypto_equal(m->signer, anchor, RV_DIGEST_SIZE))
		return suit_refuse(err, RV_REASON_SUIT_KEY, 0);
	suit_signed_digest(m->manifest_digest, digest);
	if (rv_es256_verify(m->key, digest, m->signature) != 0)
		return suit_refuse(err, RV_REASON_SUIT_SIGNATURE, 0);
	return true;
}

/** Says why an envelope was refused. */
static int suit_result(const struct suit_error *why, struct suit_error *err)
{
	*err = *why;
	switch (why->reason) {
	case RV_REASON_SUIT_NO_ANCHOR:
	case RV_REASON_SUIT_KEY:
	case RV_REASON_SUIT_SIGNATURE:
		return -RV_EKEYREJECTED;
	default:
		return -RV_EBADMSG;
	}
}

int suit_verify(const uint8_t *envelope, size_t size, const uint8_t anchor[RV_DIGEST_SIZE], struct suit_manifest *out,
		struct suit_error *err)
{
	struct suit_error why = {RV_REASON_NONE, 0};
	struct suit_manifest m = {0};
	struct rv_cbor manifest;

	if (!suit_read_envelope(envelope, size, &m, &manifest, &why) || !suit_check_signature(&m, anchor, &why) ||
	    !suit_read_manifest(&manifest, &m, &why))
		return suit_result(&why, err);
	*out = m;
	return 0;
}

/* Apart from suit_verify, so that what only parses is linked without the signature code. */
int suit_parse(const uint8_t *envelope, size_t size, struct suit_manifest *out, struct suit_error *err)
{
	struct suit_error why = {RV_REASON_NONE, 0};
	struct suit_manifest m = {0};
	struct rv_cbor manifest;

	if (!suit_read_envelope(envelope, size, &m, &manifest, &why) || !suit_read_manifest(&manifest, &m, &why))
		return suit_result(&why, err);
	*out = m;
	return 0;
}

bool suit_names_target(const struct suit_manifest *m, const char name[SUIT_NAME_MAX + 1],
		       const uint8_t build_id[SUIT_BUILD_ID_SIZE])
{
	size_t length = 0;

	while (length < SUIT_NAME_MAX + 1 && name[length] != '\0')
		length++;
	return length == m->name.size && memcmp(name, m->name.data, length) == 0 &&
	       memcmp(build_id, m->build_id.data, SUIT_BUILD_ID_SIZE) == 0;
}
