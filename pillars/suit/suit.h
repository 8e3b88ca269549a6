/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * suit.h - verifies the SUIT envelopes that carry updates.
 *
 * The profile of draft-ietf-suit-manifest that is accepted here is docs/update-format.md: one fixed shape, deterministic
 * CBOR, one ES256 signature. All else is refused with a reason. Every byte of an envelope is covered: by the signature,
 * by a digest that the signature covers, by the trust anchor (the key), or because the profile allows one value only.
 *
 * The functions allocate nothing, keep no state outside their arguments and do not recurse; they may be called in any
 * state of a FIMCE, and on a host. The memory of the envelope must not change while they run, and as long as the slices
 * of the result are used: inside a FIMCE the input is its own private copy. suit_verify needs up to 10 KiB of stack.
 */
#ifndef PILLARS_SUIT_H
#define PILLARS_SUIT_H

#include <cbor/cbor.h>
#include <crypto/crypto.h>
#include <ravelin/abi.h>
#include <ravelin/reason.h>
#include <ravelin/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SUIT_NAME_MAX 63u /* bytes of a target's name, as in struct rv_image_header without the NUL */
#define SUIT_BUILD_ID_SIZE 20u
#define SUIT_UUID_SIZE 16u
#define SUIT_PAYLOAD_KEY "#update" /* key of the integrated payload, and its URI in the manifest */
#define SUIT_PADDING_MAX 15u /* zero bytes that may follow an envelope: input is padded to a multiple of 16 */

/** What an envelope says. Slices point into it. */
struct suit_manifest {
	size_t envelope_size; /* bytes, without padding */
	uint64_t sequence;
	struct rv_cbor_slice payload; /* the FIMCE image; its size and digest are those of the manifest */
	struct rv_cbor_slice component; /* encoded identifier of the target: array of name and build-id */
	uint8_t component_digest[RV_DIGEST_SIZE]; /* SHA-256 of component */
	struct rv_cbor_slice name; /* of the target, 1..SUIT_NAME_MAX bytes of printable ASCII, no '/' and no NUL */
	struct rv_cbor_slice build_id; /* of the target, SUIT_BUILD_ID_SIZE bytes */
	uint8_t payload_digest[RV_DIGEST_SIZE]; /* SHA-256 of payload, computed */
	uint8_t before[RV_DIGEST_SIZE]; /* of the target's patched ranges, docs/update-format.md; not compared here */
	uint8_t after[RV_DIGEST_SIZE];
	uint64_t target_bytes; /* size of what before and after were computed over */
	uint8_t key[RV_P256_POINT_SIZE]; /* public key that came with the signature */
	uint8_t signer[RV_DIGEST_SIZE]; /* SHA-256 of key, computed */
	uint8_t signature[RV_ES256_SIGNATURE_SIZE];
	uint8_t manifest_digest[RV_DIGEST_SIZE]; /* SHA-256 of the manifest's byte string with its head, computed */
};

/** Why not. */
struct suit_error {
	uint32_t reason; /* RV_REASON_SUIT_* */
	uint64_t value; /* for $0 of the reason's sentence; a negative key or algorithm as two's complement */
};

/**
 * Verifies an envelope against the trust anchor.
 *
 * @param envelope  the envelope, at its start
 * @param size      bytes up to the end of the input; up to SUIT_PADDING_MAX zero bytes may follow the envelope
 * @param anchor    SHA-256 of the trusted public key (uncompressed point, 65 bytes); all zero: there is none
 * @param out       filled on success only
 * @param err       filled on failure only
 * @return 0, or with err->reason
 *	-RV_EBADMSG       SUIT_CBOR (value = offset), SUIT_UNKNOWN, SUIT_MISSING (value = key, command or tag),
 *			  SUIT_VERSION, SUIT_ALGORITHM (value), SUIT_VENDOR, SUIT_COMPONENT, SUIT_DIGEST, SUIT_PAYLOAD
 *	-RV_EKEYREJECTED  SUIT_NO_ANCHOR, SUIT_KEY, SUIT_SIGNATURE
 */
int suit_verify(const uint8_t *envelope, size_t size, const uint8_t anchor[RV_DIGEST_SIZE], struct suit_manifest *out,
		struct suit_error *err);

/**
 * As suit_verify, but believes any key and does not check the signature: for tools that show or re-sign an envelope.
 * Digests of manifest and payload are checked.
 */
int suit_parse(const uint8_t *envelope, size_t size, struct suit_manifest *out, struct suit_error *err);

/**
 * True if the manifest's component identifier names the target of an image.
 *
 * @param name      target_name of struct rv_image_header, NUL-terminated within 64 bytes
 * @param build_id  target_build_id of struct rv_image_header
 */
bool suit_names_target(const struct suit_manifest *m, const char name[SUIT_NAME_MAX + 1],
		       const uint8_t build_id[SUIT_BUILD_ID_SIZE]);

/**
 * Digest of what an ES256 signature of an envelope is computed over: the COSE Sig_structure (RFC 9052, 4.4) with the
 * detached payload that draft-ietf-suit-manifest prescribes, the SUIT_Digest of the manifest.
 *
 * @param manifest_digest  as in struct suit_manifest
 * @param digest           receives SHA-256 of the encoded Sig_structure
 */
void suit_signed_digest(const uint8_t manifest_digest[RV_DIGEST_SIZE], uint8_t digest[RV_DIGEST_SIZE]);

/** Identifiers of the profile, RFC 9562 version 5: docs/update-format.md says how they are made. */
extern const uint8_t suit_vendor_id[SUIT_UUID_SIZE];
extern const uint8_t suit_class_id[SUIT_UUID_SIZE];

#endif
