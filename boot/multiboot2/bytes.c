/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bytes.c - memory functions for the boot stub. The string instructions copy downwards overlapping memory as well.
 */
#include "bytes.h"

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
	void *start = to;

	size_t words = bytes / 8, rest = bytes % 8;

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(rest) : : "memory");
	return start;
}

void *memmove(void *to, const void *from, size_t bytes)
{
	uint8_t *t = to;
	const uint8_t *f = from;

	if ((uintptr_t)t - (uintptr_t)f >= bytes)
		return memcpy(to, from, bytes);
	t += bytes - 1;
	f += bytes - 1;
	__asm__ volatile("std; rep movsb; cld" : "+D"(t), "+S"(f), "+c"(bytes) : : "memory", "cc");
	return to;
}

void *memset(void *to, int value, size_t bytes)
{
	void *start = to;
	uint64_t pattern = 0x0101010101010101ull * (uint8_t)value;
	size_t words = bytes / 8, rest = bytes % 8;

	/* The pool is tens of megabytes: words, for the CPUs whose string instructions take a step per element. */
	__asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(rest) : "a"(pattern) : "memory");
	return start;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
	const uint8_t *x = a;
	const uint8_t *y = b;

	for (size_t i = 0; i < bytes; i++) {
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	}
	return 0;
}
