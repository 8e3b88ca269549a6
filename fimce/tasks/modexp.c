/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * modexp.c - sample task: base ^ exponent mod modulus for numbers of up to 4096 bits.
 *
 * Argument: three 32-bit little-endian sizes in bytes (base, exponent, modulus), then the three numbers, big endian, in
 * that order. Output: the result, big endian, as many bytes as the modulus. Result: 0, or -EINVAL for an argument that
 * does not fit or a modulus below 2.
 *
 * An odd modulus takes Montgomery multiplication; an even one, which no cryptosystem uses, the slow way by doubling.
 * Time depends on the exponent's bits: the sample shows computing in isolation, not protection from side channels.
 */
#include <task.h>

#include <stdbool.h>
#include <string.h>

#define MAX_BYTES 512u
#define MAX_LIMBS (MAX_BYTES / 8u)

__extension__ typedef unsigned __int128 wide;

/** A number: n limbs of 64 bits, lowest first. */
struct modulus {
	size_t n;
	uint64_t m[MAX_LIMBS];
	uint64_t inverse; /* -m^-1 mod 2^64; odd modulus only */
};

static void modexp_decode(uint64_t *limbs, size_t n, const uint8_t *bytes, size_t size)
{
	memset(limbs, 0, n * sizeof(*limbs));
	for (size_t i = 0; i < size; i++)
		limbs[i / 8] |= (uint64_t)bytes[size - 1 - i] << (i % 8 * 8);
}

static void modexp_encode(uint8_t *bytes, size_t size, const uint64_t *limbs)
{
	for (size_t i = 0; i < size; i++)
		bytes[size - 1 - i] = (uint8_t)(limbs[i / 8] >> (i % 8 * 8));
}

static bool modexp_is_below(const uint64_t *a, const uint64_t *b, size_t n)
{
	for (size_t i = n; i > 0; i--) {
		if (a[i - 1] != b[i - 1])
			return a[i - 1] < b[i - 1];
	}
	return false;
}

static void modexp_subtract(uint64_t *a, const uint64_t *b, size_t n)
{
	uint64_t borrow = 0;

	for (size_t i = 0; i < n; i++) {
		wide difference = (wide)a[i] - b[i] - borrow;

		a[i] = (uint64_t)difference;
		borrow = (uint64_t)(difference >> 64) & 1;
	}
}

/** a = (2 * a + bit) mod m, for a < m. */
static void modexp_double(const struct modulus *q, uint64_t *a, uint64_t bit)
{
	for (size_t i = 0; i < q->n; i++) {
		uint64_t out = a[i] >> 63;

		a[i] = a[i] << 1 | bit;
		bit = out;
	}
	if (bit || !modexp_is_below(a, q->m, q->n))
		modexp_subtract(a, q->m, q->n);
}

/** a = (a + b) mod m, for a, b < m. */
static void modexp_add(const struct modulus *q, uint64_t *a, const uint64_t *b)
{
	uint64_t carry = 0;

	for (size_t i = 0; i < q->n; i++) {
		wide sum = (wide)a[i] + b[i] + carry;

		a[i] = (uint64_t)sum;
		carry = (uint64_t)(sum >> 64);
	}
	if (carry || !modexp_is_below(a, q->m, q->n))
		modexp_subtract(a, q->m, q->n);
}

/** a = a * b mod m by doubling and adding. */
static void modexp_multiply_slow(const struct modulus *q, uint64_t *a, const uint64_t *b)
{
	uint64_t sum[MAX_LIMBS] = {0};

	for (size_t i = 64 * q->n; i > 0; i--) {
		modexp_double(q, sum, 0);
		if (b[(i - 1) / 64] >> ((i - 1) % 64) & 1)
			modexp_add(q, sum, a);
	}
	memcpy(a, sum, q->n * sizeof(*a));
}

/** a = a * b * 2^(-64 n) mod m: Montgomery multiplication, operand scanning. */
static void modexp_multiply_montgomery(const struct modulus *q, uint64_t *a, const uint64_t *b)
{
	uint64_t t[MAX_LIMBS + 2] = {0};
	size_t n = q->n;

	for (size_t i = 0; i < n; i++) {
		uint64_t carry = 0;
		uint64_t factor;
		wide sum;

		for (size_t j = 0; j < n; j++) {
			sum = (wide)a[j] * b[i] + t[j] + carry;
			t[j] = (uint64_t)sum;
			carry = (uint64_t)(sum >> 64);
		}
		sum = (wide)t[n] + carry;
		t[n] = (uint64_t)sum;
		t[n + 1] = (uint64_t)(sum >> 64);

		factor = t[0] * q->inverse;
		sum = (wide)factor * q->m[0] + t[0];
		carry = (uint64_t)(sum >> 64);
		for (size_t j = 1; j < n; j++) {
			sum = (wide)factor * q->m[j] + t[j] + carry;
			t[j - 1] = (uint64_t)sum;
			carry = (uint64_t)(sum >> 64);
		}
		sum = (wide)t[n] + carry;
		t[n - 1] = (uint64_t)sum;
		t[n] = t[n + 1] + (uint64_t)(sum >> 64);
	}
	if (t[n] || !modexp_is_below(t, q->m, n))
		modexp_subtract(t, q->m, n);
	memcpy(a, t, n * sizeof(*a));
}

static void modexp_multiply(const struct modulus *q, uint64_t *a, const uint64_t *b)
{
	if (q->m[0] & 1)
		modexp_multiply_montgomery(q, a, b);
	else
		modexp_multiply_slow(q, a, b);
}

/** power = base ^ exponent mod m. */
static void modexp_power(const struct modulus *q, uint64_t *power, const uint64_t *base, const uint8_t *exponent,
			 size_t exponent_size)
{
	uint64_t factor[MAX_LIMBS];
	uint64_t one[MAX_LIMBS] = {1};

	memcpy(factor, base, q->n * sizeof(*factor));
	memset(power, 0, q->n * sizeof(*power));
	power[0] = 1;
	if (q->m[0] & 1) {
		/* Montgomery form: times 2^(64 n). */
		for (size_t i = 0; i < 64 * q->n; i++) {
			modexp_double(q, factor, 0);
			modexp_double(q, power, 0);
		}
	}
	for (size_t i = 0; i < 8 * exponent_size; i++) {
		uint64_t square[MAX_LIMBS];

		memcpy(square, power, q->n * sizeof(*square));
		modexp_multiply(q, power, square);
		if (exponent[i / 8] >> (7 - i % 8) & 1)
			modexp_multiply(q, power, factor);
	}
	if (q->m[0] & 1)
		modexp_multiply(q, power, one);
}

/** Makes the modulus ready; false if it is below 2. */
static bool modexp_set_modulus(struct modulus *q, const uint8_t *bytes, size_t size)
{
	uint64_t above = 0;

	q->n = (size + 7) / 8;
	modexp_decode(q->m, q->n, bytes, size);
	for (size_t i = 1; i < q->n; i++)
		above |= q->m[i];
	/* Newton's iteration doubles the number of right bits: 3, 6, 12, 24, 48, 96. */
	q->inverse = q->m[0];
	for (int i = 0; i < 5; i++)
		q->inverse *= 2 - q->m[0] * q->inverse;
	q->inverse = 0 - q->inverse;
	return above != 0 || q->m[0] > 1;
}

int64_t task_main(const struct rv_fimce_param *param)
{
	size_t size;
	size_t capacity;
	const uint8_t *argument = rv_task_argument(&size);
	uint8_t *output = rv_task_output(&capacity);
	uint32_t bytes[3];
	struct modulus q;
	uint64_t base[MAX_LIMBS] = {0};
	uint64_t power[MAX_LIMBS];

	(void)param;
	if (size < sizeof(bytes))
		return -RV_EINVAL;
	memcpy(bytes, argument, sizeof(bytes));
	argument += sizeof(bytes);
	size -= sizeof(bytes);
	if (bytes[0] > MAX_BYTES || bytes[1] > MAX_BYTES || bytes[2] > MAX_BYTES || bytes[2] == 0 ||
	    bytes[2] > capacity || bytes[0] + bytes[1] + bytes[2] > size)
		return -RV_EINVAL;
	if (!modexp_set_modulus(&q, argument + bytes[0] + bytes[1], bytes[2]))
		return -RV_EINVAL;
	/* The base may be longer than the modulus: take it in bit by bit. */
	for (size_t i = 0; i < 8 * (size_t)bytes[0]; i++)
		modexp_double(&q, base, argument[i / 8] >> (7 - i % 8) & 1);
	modexp_power(&q, power, base, argument + bytes[0], bytes[1]);
	modexp_encode(output, bytes[2], power);
	rv_task_set_output_bytes(bytes[2]);
	return 0;
}
