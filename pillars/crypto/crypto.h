/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * crypto.h - the cryptography of a FIMCE: thin wrappers over BearSSL's constant-time code.
 *
 * None of these functions allocates, calls CPUID, uses instructions beyond SSE2, or keeps state outside its arguments;
 * they may be called in any state of a FIMCE, and on a host. Buffers may be NULL if their size is 0. Sizes are bytes.
 * The deepest stack use is that of rv_es256_verify and rv_ecdh_p256: below 8 KiB.
 */
#ifndef PILLARS_CRYPTO_H
#define PILLARS_CRYPTO_H

#include <ravelin/types.h>

#include <stdbool.h>
#include <stddef.h>

#define RV_P256_POINT_SIZE 65u /* uncompressed: 0x04, x, y, both big endian (SEC 1, 2.3.3) */
#define RV_P256_SCALAR_SIZE 32u /* big endian */
#define RV_ES256_SIGNATURE_SIZE 64u /* r, s, both 32 bytes big endian (RFC 9053, 2.1) */
#define RV_AESGCM_NONCE_SIZE 12u
#define RV_AESGCM_TAG_SIZE 16u
#define RV_HKDF_MAX_OUTPUT 8160u /* 255 digests: RFC 5869, 2.3 */

/** A running SHA-256 (FIPS 180-4). The content is BearSSL's. May be copied to hash several continuations. */
struct rv_sha256 {
	uint64_t opaque[16];
};

void rv_sha256_begin(struct rv_sha256 *s);
void rv_sha256_add(struct rv_sha256 *s, const void *data, size_t size);
/** The digest of all that was added so far; s may go on. */
void rv_sha256_end(const struct rv_sha256 *s, uint8_t digest[RV_DIGEST_SIZE]);
/** The digest of one buffer. */
void rv_sha256_digest(const void *data, size_t size, uint8_t digest[RV_DIGEST_SIZE]);

/**
 * Verifies an ECDSA signature on P-256.
 *
 * @param key        public key, uncompressed point
 * @param digest     SHA-256 of the message
 * @param signature  r, s
 * @return 0; -RV_EKEYREJECTED if the signature is wrong, r or s is out of range, or key is no point of the curve
 */
int rv_es256_verify(const uint8_t key[RV_P256_POINT_SIZE], const uint8_t digest[RV_DIGEST_SIZE],
		    const uint8_t signature[RV_ES256_SIGNATURE_SIZE]);

/**
 * Encrypts size bytes at data in place with AES-GCM (NIST SP 800-38D).
 *
 * @param key        AES key of key_size 16 or 32 bytes
 * @param nonce      never used twice with one key
 * @param aad        authenticated, not encrypted
 * @param tag        receives the tag
 * @return 0; -RV_EINVAL: key_size
 */
int rv_aesgcm_seal(const uint8_t *key, size_t key_size, const uint8_t nonce[RV_AESGCM_NONCE_SIZE], const void *aad,
		   size_t aad_size, void *data, size_t size, uint8_t tag[RV_AESGCM_TAG_SIZE]);

/**
 * Decrypts in place what rv_aesgcm_seal made.
 *
 * @return 0; -RV_EINVAL: key_size; -RV_EBADMSG: key, nonce, aad, data or tag is wrong, data is now all zero
 */
int rv_aesgcm_open(const uint8_t *key, size_t key_size, const uint8_t nonce[RV_AESGCM_NONCE_SIZE], const void *aad,
		   size_t aad_size, void *data, size_t size, const uint8_t tag[RV_AESGCM_TAG_SIZE]);

/**
 * ECDH on P-256 (RFC 9053, 6.3): shared = x coordinate of scalar * peer.
 *
 * @return 0; -RV_EKEYREJECTED: peer is no point of the curve, or scalar is 0 or not below the order; shared is zero then
 */
int rv_ecdh_p256(uint8_t shared[RV_P256_SCALAR_SIZE], const uint8_t scalar[RV_P256_SCALAR_SIZE],
		 const uint8_t peer[RV_P256_POINT_SIZE]);

/**
 * The public key of a scalar.
 *
 * @return 0; -RV_EKEYREJECTED: scalar is 0 or not below the order; point is zero then
 */
int rv_p256_public(uint8_t point[RV_P256_POINT_SIZE], const uint8_t scalar[RV_P256_SCALAR_SIZE]);

/**
 * HKDF with SHA-256 (RFC 5869), extract and expand.
 *
 * @param salt       may be NULL with salt_size 0: as 32 zero bytes
 * @return 0; -RV_EINVAL: out_size is above RV_HKDF_MAX_OUTPUT
 */
int rv_hkdf_sha256(void *out, size_t out_size, const void *salt, size_t salt_size, const void *secret,
		   size_t secret_size, const void *info, size_t info_size);

/**
 * PBKDF2 with HMAC-SHA256 (RFC 8018, 5.2): what to compare a password by.
 *
 * @param iterations  at least 1; each costs two blocks of SHA-256
 * @return 0; -RV_EINVAL: no iterations, or out_size is above 32 bytes
 */
int rv_pbkdf2_sha256(uint8_t *out, size_t out_size, const void *password, size_t password_size, const void *salt,
		     size_t salt_size, uint32_t iterations);

/** True if the buffers are equal; takes the same time wherever they differ. */
bool rv_crypto_equal(const void *a, const void *b, size_t size);

/** Sets size bytes to zero in a way that the compiler does not leave out. */
void rv_crypto_wipe(void *data, size_t size);

#endif
