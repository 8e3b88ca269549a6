/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * crypto.c - thin wrappers over BearSSL: see crypto.h.
 *
 * Chosen are the implementations that take constant time and need no special CPU: the *_get() functions of BearSSL that
 * look for AES-NI or PCLMULQDQ execute CPUID, which ends a FIMCE.
 */
#include <crypto/crypto.h>
#include <ravelin/abi.h>

#include <bearssl.h>
#include <string.h>

_Static_assert(sizeof(br_sha256_context) <= sizeof(struct rv_sha256), "struct rv_sha256 is too small");
_Static_assert(_Alignof(br_sha256_context) <= _Alignof(struct rv_sha256), "struct rv_sha256 is not aligned enough");

void rv_sha256_begin(struct rv_sha256 *s)
{
	br_sha256_init((br_sha256_context *)(void *)s);
}

void rv_sha256_add(struct rv_sha256 *s, const void *data, size_t size)
{
	if (size > 0)
		br_sha256_update((br_sha256_context *)(void *)s, data, size);
}

void rv_sha256_end(const struct rv_sha256 *s, uint8_t digest[RV_DIGEST_SIZE])
{
	br_sha256_out((const br_sha256_context *)(const void *)s, digest);
}

void rv_sha256_digest(const void *data, size_t size, uint8_t digest[RV_DIGEST_SIZE])
{
	struct rv_sha256 s;

	rv_sha256_begin(&s);
	rv_sha256_add(&s, data, size);
	rv_sha256_end(&s, digest);
}

int rv_es256_verify(const uint8_t key[RV_P256_POINT_SIZE], const uint8_t digest[RV_DIGEST_SIZE],
		    const uint8_t signature[RV_ES256_SIGNATURE_SIZE])
{
	uint8_t point[RV_P256_POINT_SIZE];
	br_ec_public_key pk = {.curve = BR_EC_secp256r1, .q = point, .qlen = sizeof(point)};

	/* BearSSL wants a writable point. */
	memcpy(point, key, sizeof(point));
	if (br_ecdsa_i31_vrfy_raw(&br_ec_p256_m31, digest, RV_DIGEST_SIZE, &pk, signature, RV_ES256_SIGNATURE_SIZE) !=
	    1)
		return -RV_EKEYREJECTED;
	return 0;
}

static int crypto_start_gcm(br_aes_ct64_ctr_keys *aes, br_gcm_context *gcm, const uint8_t *key, size_t key_size,
			    const uint8_t *nonce, const void *aad, size_t aad_size)
{
	if (key_size != 16 && key_size != 32)
		return -RV_EINVAL;
	br_aes_ct64_ctr_init(aes, key, key_size);
	br_gcm_init(gcm, &aes->vtable, br_ghash_ctmul64);
	br_gcm_reset(gcm, nonce, RV_AESGCM_NONCE_SIZE);
	if (aad_size > 0)
		br_gcm_aad_inject(gcm, aad, aad_size);
	br_gcm_flip(gcm);
	return 0;
}

int rv_aesgcm_seal(const uint8_t *key, size_t key_size, const uint8_t nonce[RV_AESGCM_NONCE_SIZE], const void *aad,
		   size_t aad_size, void *data, size_t size, uint8_t tag[RV_AESGCM_TAG_SIZE])
{
	br_aes_ct64_ctr_keys aes;
	br_gcm_context gcm;
	int error = crypto_start_gcm(&aes, &gcm, key, key_size, nonce, aad, aad_size);

	if (error)
		return error;
	if (size > 0)
		br_gcm_run(&gcm, 1, data, size);
	br_gcm_get_tag(&gcm, tag);
	rv_crypto_wipe(&aes, sizeof(aes));
	rv_crypto_wipe(&gcm, sizeof(gcm));
	return 0;
}

int rv_aesgcm_open(const uint8_t *key, size_t key_size, const uint8_t nonce[RV_AESGCM_NONCE_SIZE], const void *aad,
		   size_t aad_size, void *data, size_t size, const uint8_t tag[RV_AESGCM_TAG_SIZE])
{
	br_aes_ct64_ctr_keys aes;
	br_gcm_context gcm;
	int error = crypto_start_gcm(&aes, &gcm, key, key_size, nonce, aad, aad_size);

	if (error)
		return error;
	if (size > 0)
		br_gcm_run(&gcm, 0, data, size);
	if (br_gcm_check_tag(&gcm, tag) != 1) {
		rv_crypto_wipe(data, size);
		error = -RV_EBADMSG;
	}
	rv_crypto_wipe(&aes, sizeof(aes));
	rv_crypto_wipe(&gcm, sizeof(gcm));
	return error;
}

/** True if scalar is in 1..order-1, in constant time: 0 - scalar and scalar - order must both borrow. */
static bool crypto_is_scalar(const uint8_t scalar[RV_P256_SCALAR_SIZE])
{
	size_t size;
	const unsigned char *order = br_ec_p256_m31.order(BR_EC_secp256r1, &size);
	unsigned int below = 0;
	unsigned int nonzero = 0;

	for (size_t i = RV_P256_SCALAR_SIZE; i > 0; i--) {
		below = ((unsigned int)scalar[i - 1] - order[i - 1] - below) >> 31;
		nonzero |= scalar[i - 1];
	}
	return below && nonzero;
}

int rv_ecdh_p256(uint8_t shared[RV_P256_SCALAR_SIZE], const uint8_t scalar[RV_P256_SCALAR_SIZE],
		 const uint8_t peer[RV_P256_POINT_SIZE])
{
	uint8_t point[RV_P256_POINT_SIZE];
	bool ok = crypto_is_scalar(scalar);

	memcpy(point, peer, sizeof(point));
	ok &= br_ec_p256_m31.mul(point, sizeof(point), scalar, RV_P256_SCALAR_SIZE, BR_EC_secp256r1) == 1;
	if (ok)
		memcpy(shared, point + 1, RV_P256_SCALAR_SIZE);
	else
		memset(shared, 0, RV_P256_SCALAR_SIZE);
	rv_crypto_wipe(point, sizeof(point));
	return ok ? 0 : -RV_EKEYREJECTED;
}

int rv_p256_public(uint8_t point[RV_P256_POINT_SIZE], const uint8_t scalar[RV_P256_SCALAR_SIZE])
{
	if (!crypto_is_scalar(scalar) ||
	    br_ec_p256_m31.mulgen(point, scalar, RV_P256_SCALAR_SIZE, BR_EC_secp256r1) != RV_P256_POINT_SIZE) {
		memset(point, 0, RV_P256_POINT_SIZE);
		return -RV_EKEYREJECTED;
	}
	return 0;
}

int rv_hkdf_sha256(void *out, size_t out_size, const void *salt, size_t salt_size, const void *secret,
		   size_t secret_size, const void *info, size_t info_size)
{
	static const uint8_t none[1];
	br_hkdf_context hkdf;

	if (out_size > RV_HKDF_MAX_OUTPUT)
		return -RV_EINVAL;
	/* RFC 5869, 2.2: no salt is a salt of zeros, which HMAC makes of an empty key. */
	br_hkdf_init(&hkdf, &br_sha256_vtable, salt_size > 0 ? salt : none, salt_size);
	if (secret_size > 0)
		br_hkdf_inject(&hkdf, secret, secret_size);
	br_hkdf_flip(&hkdf);
	br_hkdf_produce(&hkdf, info_size > 0 ? info : none, info_size, out, out_size);
	rv_crypto_wipe(&hkdf, sizeof(hkdf));
	return 0;
}

int rv_pbkdf2_sha256(uint8_t *out, size_t out_size, const void *password, size_t password_size, const void *salt,
		     size_t salt_size, uint32_t iterations)
{
	static const uint8_t first[4] = {0, 0, 0, 1};
	uint8_t u[RV_DIGEST_SIZE];
	uint8_t sum[RV_DIGEST_SIZE];
	br_hmac_key_context key;
	br_hmac_context hmac;

	if (iterations == 0 || out_size > sizeof(sum))
		return -RV_EINVAL;
	br_hmac_key_init(&key, &br_sha256_vtable, password, password_size);
	/* One block of output is enough: U_1 is made of the salt and the number of the block, each other of the one before. */
	br_hmac_init(&hmac, &key, 0);
	br_hmac_update(&hmac, salt, salt_size);
	br_hmac_update(&hmac, first, sizeof(first));
	br_hmac_out(&hmac, u);
	memcpy(sum, u, sizeof(sum));
	for (uint32_t i = 1; i < iterations; i++) {
		br_hmac_init(&hmac, &key, 0);
		br_hmac_update(&hmac, u, sizeof(u));
		br_hmac_out(&hmac, u);
		for (size_t j = 0; j < sizeof(sum); j++)
			sum[j] ^= u[j];
	}
	memcpy(out, sum, out_size);
	rv_crypto_wipe(&key, sizeof(key));
	rv_crypto_wipe(&hmac, sizeof(hmac));
	rv_crypto_wipe(u, sizeof(u));
	rv_crypto_wipe(sum, sizeof(sum));
	return 0;
}

bool rv_crypto_equal(const void *a, const void *b, size_t size)
{
	const volatile uint8_t *x = a;
	const volatile uint8_t *y = b;
	uint8_t difference = 0;

	for (size_t i = 0; i < size; i++)
		difference |= x[i] ^ y[i];
	return difference == 0;
}

void rv_crypto_wipe(void *data, size_t size)
{
	if (size > 0)
		memset(data, 0, size);
	/* The compiler must assume that this reads the zeros. */
	__asm__ volatile("" : : "r"(data) : "memory");
}
