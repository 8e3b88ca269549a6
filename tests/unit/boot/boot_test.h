/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * boot_test.h - what the unit tests of the boot stub share.
 */
#ifndef BOOT_TEST_H
#define BOOT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/** A copy of exactly @bytes bytes on the heap, so that the address sanitizer sees every read behind its end. */
static inline void *exact_copy(const void *from, size_t bytes)
{
	void *copy = malloc(bytes ? bytes : 1);

	assert_non_null(copy);
	memcpy(copy, from, bytes);
	return copy;
}

/** Pseudo-random numbers that are the same in every run (xorshift). */
static inline uint32_t random_next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/** Little-endian writes. */
static inline void put16(uint8_t *at, uint16_t value)
{
	memcpy(at, &value, sizeof(value));
}

static inline void put32(uint8_t *at, uint32_t value)
{
	memcpy(at, &value, sizeof(value));
}

static inline void put64(uint8_t *at, uint64_t value)
{
	memcpy(at, &value, sizeof(value));
}

/** Checks that a sentence holds @part; prints the sentence if not. */
static inline void assert_says(const char *sentence, const char *part)
{
	if (!strstr(sentence, part))
		fail_msg("\"%s\" does not say \"%s\"", sentence, part);
}

#endif
