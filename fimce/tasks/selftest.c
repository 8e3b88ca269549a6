/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * selftest.c - sample task: known answers of every pillar, computed inside the FIMCE. It shows that the pillars do their
 * work there: with no more than SSE2, without CPUID, on the FIMCE's stack; and the manager's interrupt entry. Result: 0, or the number of the check that
 * failed. Logs one line with the number of checks. Needs no argument, gives no output.
 *
 * The vectors are those of FIPS 180-4 (SHA-256), RFC 6979 A.2.5 (ES256), RFC 5903 8.1 (ECDH), RFC 5869 A.3 (HKDF) and
 * test case 4 of the GCM specification.
 */
#include <cbor/cbor.h>
#include <crypto/crypto.h>
#include <interrupt/interrupt.h>
#include <log/log.h>
#include <task.h>

#include <stdio.h>
#include <string.h>

#define SELFTEST_MAX 80u

/** Decodes hexadecimal digits. */
static size_t selftest_decode(uint8_t *to, const char *hex)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++)
		to[i] =
		    (uint8_t)((strchr(digits, hex[2 * i]) - digits) << 4 | (strchr(digits, hex[2 * i + 1]) - digits));
	return n;
}

static bool selftest_is(const uint8_t *bytes, const char *hex)
{
	uint8_t expected[SELFTEST_MAX];
	size_t n = selftest_decode(expected, hex);

	return memcmp(bytes, expected, n) == 0;
}

static bool selftest_sha256(void)
{
	uint8_t digest[RV_DIGEST_SIZE];

	rv_sha256_digest("abc", 3, digest);
	return selftest_is(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static bool selftest_es256(void)
{
	uint8_t key[RV_P256_POINT_SIZE];
	uint8_t signature[RV_ES256_SIGNATURE_SIZE];
	uint8_t digest[RV_DIGEST_SIZE];

	selftest_decode(key, "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
			     "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
	selftest_decode(signature, "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
				   "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
	rv_sha256_digest("sample", 6, digest);
	if (rv_es256_verify(key, digest, signature) != 0)
		return false;
	signature[63] ^= 1;
	return rv_es256_verify(key, digest, signature) == -RV_EKEYREJECTED;
}

static bool selftest_aesgcm(void)
{
	static const char plain[] = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
				    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
	uint8_t key[16];
	uint8_t nonce[RV_AESGCM_NONCE_SIZE];
	uint8_t tag[RV_AESGCM_TAG_SIZE];
	uint8_t aad[20];
	uint8_t data[SELFTEST_MAX];
	size_t size = selftest_decode(data, plain);

	selftest_decode(key, "feffe9928665731c6d6a8f9467308308");
	selftest_decode(nonce, "cafebabefacedbaddecaf888");
	selftest_decode(aad, "feedfacedeadbeeffeedfacedeadbeefabaddad2");
	if (rv_aesgcm_seal(key, sizeof(key), nonce, aad, sizeof(aad), data, size, tag) != 0 ||
	    !selftest_is(tag, "5bc94fbc3221a5db94fae95ae7121a47") ||
	    rv_aesgcm_open(key, sizeof(key), nonce, aad, sizeof(aad), data, size, tag) != 0 ||
	    !selftest_is(data, plain))
		return false;
	tag[0] ^= 1;
	return rv_aesgcm_open(key, sizeof(key), nonce, aad, sizeof(aad), data, size, tag) == -RV_EBADMSG;
}

static bool selftest_ecdh(void)
{
	uint8_t scalar[RV_P256_SCALAR_SIZE];
	uint8_t point[RV_P256_POINT_SIZE];
	uint8_t shared[RV_P256_SCALAR_SIZE];

	selftest_decode(scalar, "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433");
	selftest_decode(point, "04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
			       "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab");
	return rv_ecdh_p256(shared, scalar, point) == 0 &&
	       selftest_is(shared, "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de") &&
	       rv_p256_public(point, scalar) == 0 &&
	       selftest_is(point, "04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
				  "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3");
}

static bool selftest_hkdf(void)
{
	uint8_t secret[22];
	uint8_t out[42];

	memset(secret, 0x0b, sizeof(secret));
	return rv_hkdf_sha256(out, sizeof(out), NULL, 0, secret, sizeof(secret), NULL, 0) == 0 &&
	       selftest_is(out, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
				"9d201395faa4b61a96c8");
}

static bool selftest_cbor(void)
{
	/* {1: [2, h'03'], "a": null} */
	static const uint8_t good[] = {0xa2, 0x01, 0x82, 0x02, 0x41, 0x03, 0x61, 0x61, 0xf6};
	static const uint8_t bad[] = {0xa2, 0x61, 0x61, 0xf6, 0x01, 0x02};
	size_t fault = 0;

	return rv_cbor_check(good, sizeof(good), NULL) && !rv_cbor_check(bad, sizeof(bad), &fault) && fault == 4;
}

static bool selftest_libc(void)
{
	char text[32];

	return snprintf(text, sizeof(text), "%s %5d %#x|%-4u|", "text", -42, 0xbeefu, 7u) == 23 &&
	       strcmp(text, "text   -42 0xbeef|7   |") == 0 && memmove(text + 1, text, 4) == text + 1 &&
	       memcmp(text, "ttext", 5) == 0;
}

static unsigned int selftest_interrupts;

/** Spoils all that a C function may change. */
static void selftest_handler(void)
{
	selftest_interrupts++;
	__asm__ volatile("xorl %%eax, %%eax\n\tmovl $1, %%ecx\n\tmovl $2, %%edx\n\tmovl $3, %%esi\n\tmovl $4, %%edi\n\t"
			 "xorl %%r8d, %%r8d\n\txorl %%r9d, %%r9d\n\txorl %%r10d, %%r10d\n\txorl %%r11d, %%r11d\n\t"
			 "pxor %%xmm0, %%xmm0\n\tpxor %%xmm7, %%xmm7\n\tpxor %%xmm15, %%xmm15\n\tstd\n\tcld"
			 :
			 :
			 : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm0", "xmm7", "xmm15", "cc");
}

/** An interrupt of the devices' class in the middle of something: the handler is called, and nothing is changed. */
#define SELFTEST_INTERRUPT(vector, sum)                                                                                \
	__asm__ volatile(                                                                                              \
	    "movl $11, %%eax\n\tmovl $12, %%ecx\n\tmovl $13, %%edx\n\tmovl $14, %%esi\n\tmovl $15, %%edi\n\t"          \
	    "movl $16, %%r8d\n\tmovl $17, %%r9d\n\tmovl $18, %%r10d\n\tmovl $19, %%r11d\n\t"                           \
	    "movq %%rax, %%xmm0\n\tmovq %%rcx, %%xmm7\n\tmovq %%rdx, %%xmm15\n\tint %1\n\t"                            \
	    "addq %%rcx, %%rax\n\taddq %%rdx, %%rax\n\taddq %%rsi, %%rax\n\taddq %%rdi, %%rax\n\t"                     \
	    "addq %%r8, %%rax\n\taddq %%r9, %%rax\n\taddq %%r10, %%rax\n\taddq %%r11, %%rax\n\t"                       \
	    "paddq %%xmm7, %%xmm0\n\tpaddq %%xmm15, %%xmm0\n\tmovq %%xmm0, %%rcx\n\taddq %%rcx, %%rax"                 \
	    : "=a"(sum)                                                                                                \
	    : "i"(vector)                                                                                              \
	    : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm0", "xmm7", "xmm15", "cc", "memory")

static bool selftest_interrupt(void)
{
	const uint64_t expected = 11 + 12 + 13 + 14 + 15 + 16 + 17 + 18 + 19 + 11 + 12 + 13;
	uint64_t sum[3];

	/* This image has no device: nothing has to be said to the local APIC. */
	interrupt_enable(selftest_handler);
	SELFTEST_INTERRUPT(RV_FIMCE_VECTOR, sum[0]);
	SELFTEST_INTERRUPT(RV_FIMCE_VECTOR + 1, sum[1]);
	interrupt_disable();
	SELFTEST_INTERRUPT(RV_FIMCE_VECTOR, sum[2]);
	return selftest_interrupts == 1 && sum[0] == expected && sum[1] == expected && sum[2] == expected;
}

int64_t task_main(const struct rv_fimce_param *param)
{
	(void)param;
	if (!selftest_sha256())
		return 1;
	if (!selftest_es256())
		return 2;
	if (!selftest_aesgcm())
		return 3;
	if (!selftest_ecdh())
		return 4;
	if (!selftest_hkdf())
		return 5;
	if (!selftest_cbor())
		return 6;
	if (!selftest_libc())
		return 7;
	if (!selftest_interrupt())
		return 8;
	rv_log("selftest: %d checks passed", 8);
	return 0;
}
