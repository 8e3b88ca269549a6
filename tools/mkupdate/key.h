/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * key.h - the signing keys of mkupdate: ECDSA on P-256, in PEM files.
 */
#ifndef MKUPDATE_KEY_H
#define MKUPDATE_KEY_H

#include <crypto/crypto.h>

#include <openssl/evp.h>

#include <stdint.h>

/** Makes a new private key and writes it to a file that must not exist yet (mode 0600). */
EVP_PKEY *key_generate(const char *path);

/** Reads a private key. Ends the program if the file holds none, or one of another kind. */
EVP_PKEY *key_read_private(const char *path);

/** Reads the public half of a private or public key. */
EVP_PKEY *key_read_public(const char *path);

/** The public key as an uncompressed point. */
void key_point(const EVP_PKEY *key, uint8_t point[RV_P256_POINT_SIZE]);

/** The trust anchor of a key: SHA-256 of its point. */
void key_anchor(const EVP_PKEY *key, uint8_t anchor[RV_DIGEST_SIZE]);

/** Signs a SHA-256 digest: r and s. Deterministic (RFC 6979) from OpenSSL 3.2 on, with a random nonce before. */
void key_sign(EVP_PKEY *key, const uint8_t digest[RV_DIGEST_SIZE], uint8_t signature[RV_ES256_SIGNATURE_SIZE]);

#endif
