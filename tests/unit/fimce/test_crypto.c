/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_crypto.c - the crypto pillar against published vectors: FIPS 180-4, RFC 6979, RFC 5903, RFC 5869, and the GCM
 * specification that NIST SP 800-38D refers to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hex.h"

#include <crypto/crypto.h>
#include <ravelin/abi.h>

static void assert_hex(const void *bytes, const char *hex)
{
	size_t size;
	uint8_t *expected = hex_decode(hex, &size);

	assert_memory_equal(bytes, expected, size);
	free(expected);
}

static void test_sha256(void **state)
{
	static const struct {
		const char *message;
		const char *digest;
	} vectors[] = {
	    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	};
	char many[1000];
	struct rv_sha256 s;
	uint8_t digest[RV_DIGEST_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		rv_sha256_digest(vectors[i].message, strlen(vectors[i].message), digest);
		assert_hex(digest, vectors[i].digest);
	}
	rv_sha256_digest(NULL, 0, digest);
	assert_hex(digest, vectors[0].digest);
	memset(many, 'a', sizeof(many));
	rv_sha256_begin(&s);
	for (int i = 0; i < 1000; i++)
		rv_sha256_add(&s, many, sizeof(many));
	rv_sha256_end(&s, digest);
	assert_hex(digest, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void test_sha256_goes_on(void **state)
{
	struct rv_sha256 s;
	uint8_t digest[RV_DIGEST_SIZE];

	(void)state;
	rv_sha256_begin(&s);
	rv_sha256_add(&s, NULL, 0);
	rv_sha256_end(&s, digest);
	assert_hex(digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	rv_sha256_add(&s, "a", 1);
	rv_sha256_add(&s, "bc", 2);
	rv_sha256_end(&s, digest);
	assert_hex(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* RFC 6979, A.2.5. */
static const char es256_scalar[] = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
static const char es256_key[] = "04"
				"60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
				"7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
static const char es256_sample[] = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
				   "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
static const char es256_test[] = "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
				 "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083";
static const char p256_order[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

static void test_es256(void **state)
{
	uint8_t key[RV_P256_POINT_SIZE];
	uint8_t signature[RV_ES256_SIGNATURE_SIZE];
	uint8_t good[RV_ES256_SIGNATURE_SIZE];
	uint8_t digest[RV_DIGEST_SIZE];

	(void)state;
	hex_into(key, es256_key);
	hex_into(good, es256_test);
	rv_sha256_digest("test", 4, digest);
	assert_int_equal(rv_es256_verify(key, digest, good), 0);
	hex_into(good, es256_sample);
	assert_int_equal(rv_es256_verify(key, digest, good), -RV_EKEYREJECTED);
	rv_sha256_digest("sample", 6, digest);
	assert_int_equal(rv_es256_verify(key, digest, good), 0);

	/* Any single changed bit. */
	for (size_t bit = 0; bit < 8 * sizeof(good); bit += 7) {
		memcpy(signature, good, sizeof(good));
		signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(rv_es256_verify(key, digest, signature), -RV_EKEYREJECTED);
	}
	for (size_t bit = 0; bit < 8 * sizeof(digest); bit += 11) {
		uint8_t other[RV_DIGEST_SIZE];

		memcpy(other, digest, sizeof(digest));
		other[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(rv_es256_verify(key, other, good), -RV_EKEYREJECTED);
	}
	for (size_t bit = 0; bit < 8 * sizeof(key); bit += 13) {
		uint8_t other[RV_P256_POINT_SIZE];

		memcpy(other, key, sizeof(key));
		other[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(rv_es256_verify(other, digest, good), -RV_EKEYREJECTED);
	}
}

static void test_es256_range(void **state)
{
	uint8_t key[RV_P256_POINT_SIZE];
	uint8_t signature[RV_ES256_SIGNATURE_SIZE];
	uint8_t digest[RV_DIGEST_SIZE];

	(void)state;
	hex_into(key, es256_key);
	rv_sha256_digest("sample", 6, digest);
	memset(signature, 0, sizeof(signature));
	assert_int_equal(rv_es256_verify(key, digest, signature), -RV_EKEYREJECTED);
	memset(signature, 0xff, sizeof(signature));
	assert_int_equal(rv_es256_verify(key, digest, signature), -RV_EKEYREJECTED);
	hex_into(signature, es256_sample);
	memset(signature, 0, 32);
	assert_int_equal(rv_es256_verify(key, digest, signature), -RV_EKEYREJECTED);
	hex_into(signature, es256_sample);
	memset(signature + 32, 0, 32);
	assert_int_equal(rv_es256_verify(key, digest, signature), -RV_EKEYREJECTED);
	hex_into(signature, es256_sample);
	hex_into(signature + 32, p256_order);
	assert_int_equal(rv_es256_verify(key, digest, signature), -RV_EKEYREJECTED);
	/* A key that is no point. */
	hex_into(signature, es256_sample);
	memset(key, 0, sizeof(key));
	assert_int_equal(rv_es256_verify(key, digest, signature), -RV_EKEYREJECTED);
}

static void test_p256(void **state)
{
	/* RFC 5903, 8.1. */
	static const char i_scalar[] = "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433";
	static const char i_point[] = "04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
				      "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3";
	static const char r_scalar[] = "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53";
	static const char r_point[] = "04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
				      "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab";
	static const char shared[] = "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de";
	static const uint8_t zero[RV_P256_POINT_SIZE];
	uint8_t scalar[RV_P256_SCALAR_SIZE];
	uint8_t point[RV_P256_POINT_SIZE];
	uint8_t out[RV_P256_SCALAR_SIZE];

	(void)state;
	hex_into(scalar, i_scalar);
	hex_into(point, r_point);
	assert_int_equal(rv_ecdh_p256(out, scalar, point), 0);
	assert_hex(out, shared);
	hex_into(scalar, r_scalar);
	hex_into(point, i_point);
	assert_int_equal(rv_ecdh_p256(out, scalar, point), 0);
	assert_hex(out, shared);
	assert_int_equal(rv_p256_public(point, scalar), 0);
	assert_hex(point, r_point);
	hex_into(scalar, es256_scalar);
	assert_int_equal(rv_p256_public(point, scalar), 0);
	assert_hex(point, es256_key);

	/* Not on the curve: the classic way to steal a scalar. */
	point[64] ^= 1;
	assert_int_equal(rv_ecdh_p256(out, scalar, point), -RV_EKEYREJECTED);
	assert_memory_equal(out, zero, sizeof(out));
	hex_into(point, i_point);
	point[0] = 2;
	assert_int_equal(rv_ecdh_p256(out, scalar, point), -RV_EKEYREJECTED);
	/* Scalars out of range. */
	hex_into(point, i_point);
	hex_into(scalar, p256_order);
	assert_int_equal(rv_ecdh_p256(out, scalar, point), -RV_EKEYREJECTED);
	assert_memory_equal(out, zero, sizeof(out));
	assert_int_equal(rv_p256_public(point, scalar), -RV_EKEYREJECTED);
	assert_memory_equal(point, zero, sizeof(point));
	scalar[31] ^= 1; /* the order less one is fine */
	assert_int_equal(rv_p256_public(point, scalar), 0);
	memset(scalar, 0, sizeof(scalar));
	assert_int_equal(rv_p256_public(point, scalar), -RV_EKEYREJECTED);
	hex_into(point, i_point);
	assert_int_equal(rv_ecdh_p256(out, scalar, point), -RV_EKEYREJECTED);
	memset(scalar, 0xff, sizeof(scalar));
	assert_int_equal(rv_ecdh_p256(out, scalar, point), -RV_EKEYREJECTED);
}

static void test_aesgcm(void **state)
{
	static const struct {
		const char *key, *nonce, *aad, *plain, *cipher, *tag;
	} vectors[] = {
	    {"00000000000000000000000000000000", "000000000000000000000000", "", "", "",
	     "58e2fccefa7e3061367f1d57a4e7455a"},
	    {"00000000000000000000000000000000", "000000000000000000000000", "", "00000000000000000000000000000000",
	     "0388dace60b6a392f328c2b971b2fe78", "ab6e47d42cec13bdf53a67b21257bddf"},
	    {"feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
	     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
	     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
	     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
	     "5bc94fbc3221a5db94fae95ae7121a47"},
	    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
	     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
	     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
	     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
	     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
	     "76fc6ece0f4e1768cddf8853bb2d551b"},
	};
	static const uint8_t zero[64];

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		uint8_t nonce[RV_AESGCM_NONCE_SIZE];
		uint8_t tag[RV_AESGCM_TAG_SIZE];
		size_t key_size, aad_size, size;
		uint8_t *key = hex_decode(vectors[i].key, &key_size);
		uint8_t *aad = hex_decode(vectors[i].aad, &aad_size);
		uint8_t *data = hex_decode(vectors[i].plain, &size);

		hex_into(nonce, vectors[i].nonce);
		assert_int_equal(rv_aesgcm_seal(key, key_size, nonce, aad, aad_size, data, size, tag), 0);
		assert_hex(data, vectors[i].cipher);
		assert_hex(tag, vectors[i].tag);
		assert_int_equal(rv_aesgcm_open(key, key_size, nonce, aad, aad_size, data, size, tag), 0);
		assert_hex(data, vectors[i].plain);

		/* Each part changed: refused, and nothing of the plain text comes out. */
		hex_into(data, vectors[i].cipher);
		tag[15] ^= 1;
		assert_int_equal(rv_aesgcm_open(key, key_size, nonce, aad, aad_size, data, size, tag), -RV_EBADMSG);
		assert_memory_equal(data, zero, size);
		tag[15] ^= 1;
		hex_into(data, vectors[i].cipher);
		nonce[0] ^= 1;
		assert_int_equal(rv_aesgcm_open(key, key_size, nonce, aad, aad_size, data, size, tag), -RV_EBADMSG);
		nonce[0] ^= 1;
		if (size > 0) {
			hex_into(data, vectors[i].cipher);
			data[size - 1] ^= 0x80;
			assert_int_equal(rv_aesgcm_open(key, key_size, nonce, aad, aad_size, data, size, tag),
					 -RV_EBADMSG);
			assert_memory_equal(data, zero, size);
		}
		if (aad_size > 0) {
			hex_into(data, vectors[i].cipher);
			aad[0] ^= 1;
			assert_int_equal(rv_aesgcm_open(key, key_size, nonce, aad, aad_size, data, size, tag),
					 -RV_EBADMSG);
		}
		assert_int_equal(rv_aesgcm_seal(key, 24, nonce, NULL, 0, data, size, tag), -RV_EINVAL);
		assert_int_equal(rv_aesgcm_open(key, 0, nonce, NULL, 0, data, size, tag), -RV_EINVAL);
		free(key);
		free(aad);
		free(data);
	}
}

static void test_hkdf(void **state)
{
	uint8_t secret[22];
	uint8_t salt[13];
	uint8_t info[10];
	uint8_t out[42];
	static uint8_t much[RV_HKDF_MAX_OUTPUT + 1];

	(void)state;
	memset(secret, 0x0b, sizeof(secret));
	hex_into(salt, "000102030405060708090a0b0c");
	hex_into(info, "f0f1f2f3f4f5f6f7f8f9");
	assert_int_equal(
	    rv_hkdf_sha256(out, sizeof(out), salt, sizeof(salt), secret, sizeof(secret), info, sizeof(info)), 0);
	assert_hex(out, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
	assert_int_equal(rv_hkdf_sha256(out, sizeof(out), NULL, 0, secret, sizeof(secret), NULL, 0), 0);
	assert_hex(out, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
	assert_int_equal(rv_hkdf_sha256(much, RV_HKDF_MAX_OUTPUT, NULL, 0, secret, sizeof(secret), NULL, 0), 0);
	assert_memory_equal(much, out, sizeof(out));
	assert_int_equal(rv_hkdf_sha256(much, sizeof(much), NULL, 0, secret, sizeof(secret), NULL, 0), -RV_EINVAL);
}

/* The first is of RFC 7914, 11, cut to one block; the others are from Python's hashlib, the last with a key longer than a block of SHA-256. */
static void test_pbkdf2(void **state)
{
	char longer[100];
	uint8_t out[RV_DIGEST_SIZE];

	(void)state;
	assert_int_equal(rv_pbkdf2_sha256(out, sizeof(out), "passwd", 6, "salt", 4, 1), 0);
	assert_hex(out, "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
	assert_int_equal(rv_pbkdf2_sha256(out, sizeof(out), "password", 8, "salt", 4, 4096), 0);
	assert_hex(out, "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a");
	memset(longer, 'k', sizeof(longer));
	assert_int_equal(rv_pbkdf2_sha256(out, sizeof(out), longer, sizeof(longer), "", 0, 2), 0);
	assert_hex(out, "c6240d6034800799638db95e360a5c988b1c16459b6ba73e6e7bcae79870d44d");
	assert_int_equal(rv_pbkdf2_sha256(out, 0, "", 0, "", 0, 1), 0);
	assert_int_equal(rv_pbkdf2_sha256(out, sizeof(out), "", 0, "", 0, 0), -RV_EINVAL);
	assert_int_equal(rv_pbkdf2_sha256(out, sizeof(out) + 1, "", 0, "", 0, 1), -RV_EINVAL);
}

static void test_equal_and_wipe(void **state)
{
	uint8_t a[5] = {1, 2, 3, 4, 5};
	uint8_t b[5] = {1, 2, 3, 4, 5};
	static const uint8_t wiped[5] = {0, 0, 0, 0, 5};

	(void)state;
	assert_true(rv_crypto_equal(a, b, sizeof(a)));
	assert_true(rv_crypto_equal(NULL, NULL, 0));
	b[0] ^= 0x80;
	assert_false(rv_crypto_equal(a, b, sizeof(a)));
	b[0] = 1;
	b[4] = 4;
	assert_false(rv_crypto_equal(a, b, sizeof(a)));
	assert_true(rv_crypto_equal(a, b, 4));
	rv_crypto_wipe(a, 4);
	assert_memory_equal(a, wiped, sizeof(a));
	rv_crypto_wipe(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sha256),         cmocka_unit_test(test_sha256_goes_on),
	    cmocka_unit_test(test_es256),          cmocka_unit_test(test_es256_range),
	    cmocka_unit_test(test_p256),           cmocka_unit_test(test_aesgcm),
	    cmocka_unit_test(test_hkdf),           cmocka_unit_test(test_pbkdf2),
	    cmocka_unit_test(test_equal_and_wipe),
	};

	return cmocka_run_group_tests_name("fimce/crypto", tests, NULL, NULL);
}
