/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * envelope.h - writes SUIT envelopes of the profile in docs/update-format.md.
 */
#ifndef MKUPDATE_ENVELOPE_H
#define MKUPDATE_ENVELOPE_H

#include "util.h"

#include <ravelin/types.h>

#include <openssl/evp.h>

/** What goes into an envelope. */
struct envelope {
	const char *name; /* of the target */
	const uint8_t *build_id; /* 20 bytes */
	uint64_t sequence;
	const uint8_t *payload;
	size_t payload_size;
	uint8_t before[RV_DIGEST_SIZE];
	uint8_t after[RV_DIGEST_SIZE];
	uint64_t target_bytes; /* hashed for before, and for after */
};

/** The manifest, as the byte string with its head that goes into the envelope. */
struct buffer envelope_manifest(const struct envelope *e);

/** Signs a manifest (as envelope_manifest returns it) and puts it together with its payload. */
struct buffer envelope_sign(const uint8_t *manifest, size_t manifest_size, const uint8_t *payload, size_t payload_size,
			    EVP_PKEY *key);

#endif
