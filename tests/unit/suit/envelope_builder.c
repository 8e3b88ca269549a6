/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * envelope_builder.c - writes SUIT envelopes with at most one fault: see envelope_builder.h.
 */
#include "envelope_builder.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/sha.h>

#define ROOM 4096

const uint8_t builder_build_id[20] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
const uint8_t builder_before[32] = {0xbe, 0xf0};
const uint8_t builder_after[32] = {0xaf, 0x7e};

static const uint8_t vendor[16] = {0x35, 0xf5, 0xa9, 0x9d, 0xaf, 0xe0, 0x5c, 0x8e,
				   0xa0, 0x42, 0xb6, 0x60, 0xd6, 0x2b, 0xa1, 0x6d};
static const uint8_t class[16] = {0x68, 0x3f, 0x01, 0xd7, 0x36, 0x6e, 0x52, 0xcf,
				  0x92, 0xd4, 0xee, 0x65, 0x40, 0x71, 0x7f, 0xd3};

struct out {
	uint8_t data[ROOM];
	size_t size;
};

static void put(struct out *o, const void *data, size_t size)
{
	if (size > ROOM - o->size)
		abort();
	memcpy(o->data + o->size, data, size);
	o->size += size;
}

static void put_byte(struct out *o, unsigned int byte)
{
	uint8_t b = (uint8_t)byte;

	put(o, &b, 1);
}

static void head(struct out *o, unsigned int major, uint64_t value)
{
	unsigned int bytes = value < 24 ? 0 : value <= 0xff ? 1 : value <= 0xffff ? 2 : value <= 0xffffffff ? 4 : 8;
	unsigned int info[9] = {(unsigned int)value, 24, 25, 0, 26, 0, 0, 0, 27};

	put_byte(o, major << 5 | info[bytes]);
	while (bytes-- > 0)
		put_byte(o, (unsigned int)(value >> (8 * bytes)) & 0xff);
}

static void number(struct out *o, int64_t n)
{
	if (n < 0)
		head(o, 1, (uint64_t)(-1 - n));
	else
		head(o, 0, (uint64_t)n);
}

static void bytes(struct out *o, const void *data, size_t size)
{
	head(o, 2, size);
	put(o, data, size);
}

static void text(struct out *o, const char *s)
{
	head(o, 3, strlen(s));
	put(o, s, strlen(s));
}

static void array(struct out *o, size_t count)
{
	head(o, 4, count);
}

static void map(struct out *o, size_t pairs)
{
	head(o, 5, pairs);
}

static void wrap(struct out *o, const struct out *inner)
{
	bytes(o, inner->data, inner->size);
}

static void digest(struct out *o, int64_t algorithm, const uint8_t *value, size_t size)
{
	struct out d = {.size = 0};

	array(&d, 2);
	number(&d, algorithm);
	bytes(&d, value, size);
	wrap(o, &d);
}

static void command(struct out *o, int64_t name, int64_t argument)
{
	number(o, name);
	number(o, argument);
}

static void put_components(enum fault f, struct out *o)
{
	char name[64];

	array(o, f == FAULT_COMPONENT_ONE ? 1 : f == FAULT_COMPONENT_THREE ? 3 : 2);
	array(o, 2);
	switch ((unsigned int)f) {
	case FAULT_COMPONENT_TEXT:
		text(o, BUILDER_NAME);
		break;
	case FAULT_NAME_EMPTY:
		bytes(o, "", 0);
		break;
	case FAULT_NAME_LONG:
		memset(name, 'n', sizeof(name));
		bytes(o, name, sizeof(name));
		break;
	case FAULT_NAME_SLASH:
		bytes(o, "../kvd", 6);
		break;
	case FAULT_NAME_CONTROL:
		bytes(o, "kv\0", 3);
		break;
	default:
		bytes(o, BUILDER_NAME, strlen(BUILDER_NAME));
		break;
	}
	bytes(o, builder_build_id, f == FAULT_BUILD_ID_SHORT ? 16 : sizeof(builder_build_id));
	if (f == FAULT_COMPONENT_ONE)
		return;
	array(o, 1);
	bytes(o, f == FAULT_PLACE_OTHER ? "upgrade" : "update", f == FAULT_PLACE_OTHER ? 7 : 6);
	if (f == FAULT_COMPONENT_THREE) {
		array(o, 1);
		bytes(o, "other", 5);
	}
}

static void put_shared(enum fault f, struct out *o)
{
	struct out s = {.size = 0};
	uint8_t other[16] = {0};

	if (f == FAULT_SHARED_EMPTY) {
		array(&s, 0);
		wrap(o, &s);
		return;
	}
	array(&s, f == FAULT_CLASS_UNCHECKED ? 6 : f == FAULT_SHARED_TRY_EACH || f == FAULT_SHARED_DEVICE_ID ? 10 : 8);
	command(&s, 12, 0);
	number(&s, 20);
	map(&s, 2);
	number(&s, 1);
	bytes(&s, f == FAULT_VENDOR_OTHER ? other : vendor, f == FAULT_VENDOR_SHORT ? 15 : 16);
	number(&s, 2);
	bytes(&s, f == FAULT_CLASS_OTHER ? other : class, 16);
	command(&s, 1, f == FAULT_POLICY_OTHER ? 0 : 15);
	if (f != FAULT_CLASS_UNCHECKED)
		command(&s, 2, 15);
	if (f == FAULT_SHARED_TRY_EACH) {
		number(&s, 15);
		array(&s, 0);
	}
	if (f == FAULT_SHARED_DEVICE_ID)
		command(&s, 24, 15);
	wrap(o, &s);
}

static void put_common(enum fault f, struct out *o)
{
	struct out c = {.size = 0};

	map(&c, f == FAULT_SHARED_MISSING ? 1 : 2);
	number(&c, 2);
	put_components(f, &c);
	if (f != FAULT_SHARED_MISSING) {
		number(&c, 4);
		put_shared(f, &c);
	}
	wrap(o, &c);
}

static void put_update_parameters(enum fault f, struct out *s)
{
	uint8_t payload_digest[32];

	SHA256((const uint8_t *)BUILDER_PAYLOAD, strlen(BUILDER_PAYLOAD), payload_digest);
	payload_digest[31] ^= f == FAULT_PAYLOAD_DIGEST_OTHER;
	map(s, f == FAULT_PARAMETER_EXTRA || f == FAULT_PARAMETER_CUSTOM ? 4 : 3);
	number(s, 3);
	digest(s, -16, payload_digest, 32);
	number(s, 14);
	number(s, (int64_t)strlen(BUILDER_PAYLOAD) + (f == FAULT_PAYLOAD_SIZE_OTHER));
	number(s, 21);
	text(s, f == FAULT_URI_OTHER ? "#other" : f == FAULT_URI_REMOTE ? "coaps://example.org/u" : "#update");
	if (f == FAULT_PARAMETER_EXTRA) {
		number(s, 24);
		bytes(s, vendor, 16);
	}
	if (f == FAULT_PARAMETER_CUSTOM)
		command(s, -1, 0);
}

static void put_install(enum fault f, struct out *o)
{
	struct out s = {.size = 0};
	size_t items = 18;

	if (f == FAULT_INSTALL_COPY || f == FAULT_INSTALL_CUSTOM || f == FAULT_INSTALL_TWICE)
		items += 2;
	if (f == FAULT_INSTALL_UNCHECKED_PAYLOAD || f == FAULT_INSTALL_UNCHECKED_TARGET)
		items -= 2;
	if (f == FAULT_INSTALL_ODD)
		items--;
	array(&s, items);
	number(&s, 12);
	if (f == FAULT_COMPONENT_INDEX_TRUE)
		put_byte(&s, 0xf5);
	else
		number(&s, f == FAULT_COMPONENT_INDEX_2 ? 2 : 1);
	number(&s, 20);
	put_update_parameters(f, &s);
	if (f == FAULT_INSTALL_COPY)
		command(&s, 22, 2);
	command(&s, 21, 2);
	if (f != FAULT_INSTALL_UNCHECKED_PAYLOAD)
		command(&s, 3, 15);
	command(&s, 12, 0);
	number(&s, 20);
	map(&s, 2);
	number(&s, 3);
	digest(&s, -16, builder_before, 32);
	number(&s, 14);
	number(&s, BUILDER_TARGET_BYTES);
	if (f != FAULT_INSTALL_UNCHECKED_TARGET)
		command(&s, 3, 15);
	command(&s, 12, 1);
	if (f == FAULT_INSTALL_CUSTOM)
		command(&s, -1, 0);
	number(&s, 23);
	if (f != FAULT_INSTALL_ODD)
		number(&s, 2);
	if (f == FAULT_INSTALL_TWICE)
		command(&s, 23, 2);
	wrap(o, &s);
}

static void put_validate(enum fault f, struct out *o)
{
	struct out s = {.size = 0};

	array(&s, f == FAULT_VALIDATE_EXTRA ? 8 : 6);
	command(&s, 12, 0);
	number(&s, 20);
	map(&s, 1);
	number(&s, 3);
	digest(&s, f == FAULT_VALIDATE_SHA384 ? -43 : -16, builder_after, f == FAULT_VALIDATE_DIGEST_SHORT ? 31 : 32);
	command(&s, 3, 15);
	if (f == FAULT_VALIDATE_EXTRA)
		command(&s, 23, 2);
	wrap(o, &s);
}

static void put_manifest_head(enum fault f, struct out *m)
{
	static const enum fault fewer[] = {FAULT_VERSION_MISSING, FAULT_SEQUENCE_MISSING, FAULT_COMMON_MISSING,
					   FAULT_VALIDATE_MISSING, FAULT_INSTALL_MISSING};
	static const enum fault more[] = {FAULT_REFERENCE_URI,         FAULT_PAYLOAD_FETCH,      FAULT_TEXT,
					  FAULT_MANIFEST_NEGATIVE_KEY, FAULT_MANIFEST_KEY_TWICE, FAULT_MANIFEST_DEEP};
	size_t pairs = 5;

	for (size_t i = 0; i < sizeof(fewer) / sizeof(fewer[0]); i++)
		pairs -= f == fewer[i];
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		pairs += f == more[i];
	if (f == FAULT_MANIFEST_INDEFINITE)
		put_byte(m, 0xbf);
	else
		map(m, pairs);
}

static void put_manifest(enum fault f, struct out *m)
{
	put_manifest_head(f, m);
	if (f != FAULT_VERSION_MISSING)
		command(m, 1, f == FAULT_VERSION_2 ? 2 : 1);
	if (f != FAULT_SEQUENCE_MISSING)
		command(m, 2, f == FAULT_SEQUENCE_NEGATIVE ? -1 : BUILDER_SEQUENCE);
	if (f == FAULT_MANIFEST_KEY_TWICE)
		command(m, 2, BUILDER_SEQUENCE + 1);
	if (f != FAULT_COMMON_MISSING) {
		number(m, 3);
		put_common(f, m);
	}
	if (f == FAULT_REFERENCE_URI) {
		number(m, 4);
		text(m, "https://example.org/");
	}
	if (f != FAULT_VALIDATE_MISSING) {
		number(m, 7);
		put_validate(f, m);
	}
	if (f == FAULT_PAYLOAD_FETCH) {
		number(m, 16);
		put_validate(FAULT_NONE, m);
	}
	if (f != FAULT_INSTALL_MISSING) {
		number(m, 20);
		put_install(f, m);
	}
	if (f == FAULT_TEXT) {
		number(m, 23);
		bytes(m, "\xa0", 1);
	}
	if (f == FAULT_MANIFEST_DEEP) {
		number(m, 23);
		for (int i = 0; i < 1000; i++)
			array(m, 1);
		number(m, 0);
	}
	if (f == FAULT_MANIFEST_NEGATIVE_KEY)
		command(m, -1, 0);
	if (f == FAULT_MANIFEST_INDEFINITE)
		put_byte(m, 0xff);
	if (f == FAULT_MANIFEST_TRAILING)
		number(m, 0);
}

void builder_point(EVP_PKEY *key, uint8_t point[65])
{
	BIGNUM *x = NULL;
	BIGNUM *y = NULL;

	if (!EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &x) ||
	    !EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y))
		abort();
	point[0] = 4;
	BN_bn2binpad(x, point + 1, 32);
	BN_bn2binpad(y, point + 33, 32);
	BN_free(x);
	BN_free(y);
}

/** Signs the message itself, so that OpenSSL does the hashing, too. */
static void sign(EVP_PKEY *key, const struct out *message, uint8_t signature[64])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t der[128];
	const uint8_t *at = der;
	size_t size = sizeof(der);
	ECDSA_SIG *sig;

	if (EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) != 1 ||
	    EVP_DigestSign(context, der, &size, message->data, message->size) != 1)
		abort();
	EVP_MD_CTX_free(context);
	sig = d2i_ECDSA_SIG(NULL, &at, (long)size);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), signature, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), signature + 32, 32);
	ECDSA_SIG_free(sig);
}

static void put_key(enum fault f, struct out *o, const uint8_t point[65])
{
	map(o, f == FAULT_UNPROTECTED_EMPTY ? 0 : f == FAULT_UNPROTECTED_EXTRA ? 2 : 1);
	if (f == FAULT_UNPROTECTED_EMPTY)
		return;
	if (f == FAULT_UNPROTECTED_EXTRA) {
		number(o, 4);
		bytes(o, "kid", 3);
	}
	number(o, 14);
	map(o, 1);
	number(o, 8);
	map(o, 1);
	number(o, 1);
	map(o, f == FAULT_KEY_WITHOUT_Y ? 3 : f == FAULT_KEY_PRIVATE ? 5 : 4);
	command(o, 1, f == FAULT_KEY_OKP ? 1 : 2);
	command(o, -1, f == FAULT_KEY_P384 ? 2 : 1);
	number(o, -2);
	bytes(o, point + 1, 32);
	if (f != FAULT_KEY_WITHOUT_Y) {
		number(o, -3);
		bytes(o, point + 33, 32);
	}
	if (f == FAULT_KEY_PRIVATE) {
		number(o, -4);
		bytes(o, point, 32);
	}
}

static void put_sign1(enum fault f, struct out *o, const struct out *protected, const uint8_t point[65],
		      const uint8_t signature[64])
{
	struct out s = {.size = 0};

	head(&s, 6, f == FAULT_SIGNATURE_MAC0 ? 17 : 18);
	array(&s, 4);
	wrap(&s, protected);
	put_key(f, &s, point);
	if (f == FAULT_PAYLOAD_ATTACHED)
		bytes(&s, "payload", 7);
	else
		put_byte(&s, 0xf6);
	bytes(&s, signature, f == FAULT_SIGNATURE_SHORT ? 63 : 64);
	wrap(o, &s);
}

static void put_authentication(enum fault f, struct out *o, const struct out *wrapped, size_t content, EVP_PKEY *key)
{
	struct out a = {.size = 0};
	struct out protected = {.size = 0};
	struct out signed_digest = {.size = 0};
	struct out message = {.size = 0};
	uint8_t manifest_digest[64] = {0};
	uint8_t signature[64];
	uint8_t point[65];
	size_t skip = f == FAULT_DIGEST_WITHOUT_HEAD ? wrapped->size - content : 0;

	SHA256(wrapped->data + skip, wrapped->size - skip, manifest_digest);
	manifest_digest[0] ^= f == FAULT_DIGEST_WRONG;
	map(&protected, f == FAULT_PROTECTED_EMPTY ? 0 : f == FAULT_PROTECTED_EXTRA ? 2 : 1);
	if (f != FAULT_PROTECTED_EMPTY)
		command(&protected, 1, f == FAULT_ALGORITHM_ES384 ? -35 : f == FAULT_ALGORITHM_EDDSA ? -8 : -7);
	if (f == FAULT_PROTECTED_EXTRA) {
		number(&protected, 4);
		bytes(&protected, "kid", 3);
	}
	/* RFC 9052, 4.4. */
	array(&signed_digest, 2);
	number(&signed_digest, f == FAULT_DIGEST_SHA512 ? -44 : -16);
	bytes(&signed_digest, manifest_digest, f == FAULT_DIGEST_SHA512 ? 64 : 32);
	array(&message, 4);
	text(&message, "Signature1");
	wrap(&message, &protected);
	bytes(&message, "", 0);
	if (f == FAULT_SIGNATURE_OTHER_DIGEST)
		signed_digest.data[10] ^= 1;
	wrap(&message, &signed_digest);
	sign(key, &message, signature);
	builder_point(key, point);

	array(&a, f == FAULT_SIGNATURE_MISSING ? 1 : f == FAULT_SIGNATURE_TWICE ? 3 : 2);
	digest(&a, f == FAULT_DIGEST_SHA512 ? -44 : -16, manifest_digest, f == FAULT_DIGEST_SHA512 ? 64 : 32);
	if (f != FAULT_SIGNATURE_MISSING)
		put_sign1(f, &a, &protected, point, signature);
	if (f == FAULT_SIGNATURE_TWICE)
		put_sign1(f, &a, &protected, point, signature);
	wrap(o, &a);
}

static void put_payload(enum fault f, struct out *o)
{
	if (f == FAULT_PAYLOAD_MISSING)
		return;
	text(o, f == FAULT_PAYLOAD_OTHER_NAME ? "#upgrade" : "#update");
	if (f == FAULT_PAYLOAD_INDEFINITE) {
		put_byte(o, 0x5f);
		bytes(o, BUILDER_PAYLOAD, strlen(BUILDER_PAYLOAD));
		put_byte(o, 0xff);
	} else if (f == FAULT_PAYLOAD_LONG_HEAD) {
		put_byte(o, 0x59);
		put_byte(o, 0);
		put_byte(o, (unsigned int)strlen(BUILDER_PAYLOAD));
		put(o, BUILDER_PAYLOAD, strlen(BUILDER_PAYLOAD));
	} else {
		bytes(o, BUILDER_PAYLOAD, strlen(BUILDER_PAYLOAD));
	}
	if (f == FAULT_PAYLOAD_TWICE || f == FAULT_PAYLOAD_SECOND) {
		text(o, f == FAULT_PAYLOAD_TWICE ? "#update" : "#updatf");
		bytes(o, "second", 6);
	}
}

size_t builder_write(enum fault f, EVP_PKEY *key, uint8_t *to, size_t room)
{
	struct out e = {.size = 0};
	struct out manifest = {.size = 0};
	struct out wrapped = {.size = 0};
	struct out authentication = {.size = 0};
	size_t pairs = 3;

	put_manifest(f, &manifest);
	wrap(&wrapped, &manifest);
	put_authentication(f, &authentication, &wrapped, manifest.size, key);

	pairs -= f == FAULT_AUTHENTICATION_MISSING || f == FAULT_MANIFEST_MISSING || f == FAULT_PAYLOAD_MISSING;
	pairs += f == FAULT_SEVERED_INSTALL || f == FAULT_PAYLOAD_TWICE || f == FAULT_PAYLOAD_SECOND ||
		 f == FAULT_ENVELOPE_KEY_TWICE;
	if (f != FAULT_NO_TAG)
		head(&e, 6, f == FAULT_WRONG_TAG ? 108 : 107);
	if (f == FAULT_ENVELOPE_INDEFINITE)
		put_byte(&e, 0xbf);
	else
		map(&e, pairs);
	if (f == FAULT_ENVELOPE_KEY_ORDER) {
		number(&e, 3);
		put(&e, wrapped.data, wrapped.size);
	}
	if (f != FAULT_AUTHENTICATION_MISSING) {
		number(&e, 2);
		put(&e, authentication.data, authentication.size);
	}
	if (f == FAULT_ENVELOPE_KEY_TWICE) {
		number(&e, 2);
		put(&e, authentication.data, authentication.size);
	}
	if (f != FAULT_MANIFEST_MISSING && f != FAULT_ENVELOPE_KEY_ORDER) {
		number(&e, 3);
		put(&e, wrapped.data, wrapped.size);
	}
	if (f == FAULT_SEVERED_INSTALL) {
		number(&e, 20);
		put_install(FAULT_NONE, &e);
	}
	put_payload(f, &e);
	if (f == FAULT_ENVELOPE_INDEFINITE)
		put_byte(&e, 0xff);
	if (e.size > room)
		abort();
	memcpy(to, e.data, e.size);
	return e.size;
}
