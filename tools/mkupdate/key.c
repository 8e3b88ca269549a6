/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * key.c - the signing keys of mkupdate: see key.h.
 */
#include "key.h"

#include "util.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/** The parameter of OpenSSL 3.2 that makes ECDSA deterministic; older versions ignore what they do not know. */
#define PARAMETER_NONCE_TYPE "nonce-type"

static const char *key_openssl_error(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	return text ? text : "unknown error";
}

/** Makes sure that a key is one for ES256. */
static EVP_PKEY *key_check(EVP_PKEY *key, const char *path)
{
	char group[64] = "";
	size_t length;

	if (!EVP_PKEY_is_a(key, "EC"))
		fail(EXIT_KEY, "%s is not an elliptic curve key; make one with mkupdate keygen", path);
	if (!EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), &length) ||
	    (strcmp(group, "prime256v1") != 0 && strcmp(group, "P-256") != 0))
		fail(EXIT_KEY, "%s is a key on curve %s; only P-256 is allowed", path, group);
	return key;
}

EVP_PKEY *key_generate(const char *path)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	FILE *f;
	int fd;

	if (!key)
		fail(EXIT_KEY, "cannot make a key: %s", key_openssl_error());
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		fail(EXIT_KEY, "%s exists already; a key is never overwritten", path);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f)
		fail(EXIT_SYSTEM, "cannot write %s: %s", path, strerror(errno));
	if (!PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) || fclose(f) != 0) {
		unlink(path);
		fail(EXIT_SYSTEM, "cannot write %s: %s", path, strerror(errno));
	}
	return key;
}

EVP_PKEY *key_read_private(const char *path)
{
	FILE *f = fopen(path, "r");
	EVP_PKEY *key;

	if (!f)
		fail(EXIT_KEY, "cannot open the key %s: %s", path, strerror(errno));
	key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	if (!key)
		fail(EXIT_KEY, "%s holds no private key in PEM form, or its passphrase is wrong", path);
	return key_check(key, path);
}

EVP_PKEY *key_read_public(const char *path)
{
	FILE *f = fopen(path, "r");
	EVP_PKEY *key;

	if (!f)
		fail(EXIT_KEY, "cannot open the key %s: %s", path, strerror(errno));
	key = PEM_read_PUBKEY(f, NULL, NULL, NULL);
	fclose(f);
	return key ? key_check(key, path) : key_read_private(path);
}

void key_point(const EVP_PKEY *key, uint8_t point[RV_P256_POINT_SIZE])
{
	static const char *const name[2] = {OSSL_PKEY_PARAM_EC_PUB_X, OSSL_PKEY_PARAM_EC_PUB_Y};

	point[0] = 0x04;
	for (size_t i = 0; i < 2; i++) {
		BIGNUM *n = NULL;

		if (!EVP_PKEY_get_bn_param(key, name[i], &n) || BN_bn2binpad(n, point + 1 + 32 * i, 32) != 32)
			fail(EXIT_KEY, "cannot take the public point out of the key: %s", key_openssl_error());
		BN_free(n);
	}
}

void key_anchor(const EVP_PKEY *key, uint8_t anchor[RV_DIGEST_SIZE])
{
	uint8_t point[RV_P256_POINT_SIZE];

	key_point(key, point);
	rv_sha256_digest(point, sizeof(point), anchor);
}

void key_sign(EVP_PKEY *key, const uint8_t digest[RV_DIGEST_SIZE], uint8_t signature[RV_ES256_SIGNATURE_SIZE])
{
	unsigned int deterministic = 1;
	OSSL_PARAM parameters[] = {OSSL_PARAM_construct_uint(PARAMETER_NONCE_TYPE, &deterministic),
				   OSSL_PARAM_construct_end()};
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
	uint8_t der[256];
	const uint8_t *at = der;
	size_t size = sizeof(der);
	ECDSA_SIG *sig;

	if (!context || EVP_PKEY_sign_init(context) <= 0 || EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) <= 0 ||
	    EVP_PKEY_CTX_set_params(context, parameters) <= 0 ||
	    EVP_PKEY_sign(context, der, &size, digest, RV_DIGEST_SIZE) <= 0)
		fail(EXIT_KEY, "cannot sign: %s", key_openssl_error());
	EVP_PKEY_CTX_free(context);
	sig = d2i_ECDSA_SIG(NULL, &at, (long)size);
	if (!sig || BN_bn2binpad(ECDSA_SIG_get0_r(sig), signature, 32) != 32 ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), signature + 32, 32) != 32)
		fail(EXIT_KEY, "cannot sign: %s", key_openssl_error());
	ECDSA_SIG_free(sig);
}
