/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * string.c - memory and string functions inside a FIMCE, as C11, 7.24, defines them.
 *
 * Compiled with -fno-tree-loop-distribute-patterns: otherwise the compiler would turn a loop in here into a call of the
 * function that it implements. Copy and fill use the string instructions: compact, and fast on every CPU that has VMX.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	void *d = to;
	size_t words = size / 8;
	size_t rest = size % 8;

	__asm__ volatile("rep movsq" : "+D"(d), "+S"(from), "+c"(words) : : "memory");
	__asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(rest) : : "memory");
	return to;
}

void *memmove(void *to, const void *from, size_t size)
{
	unsigned char *d = to;
	const unsigned char *s = from;

	/* Only if the target begins inside the source must the copy run backwards. */
	if ((uintptr_t)d - (uintptr_t)s >= size)
		return memcpy(to, from, size);
	while (size >= 8) {
		uint64_t word;

		size -= 8;
		__builtin_memcpy(&word, s + size, 8);
		__builtin_memcpy(d + size, &word, 8);
	}
	while (size > 0) {
		size--;
		d[size] = s[size];
	}
	return to;
}

void *memset(void *to, int byte, size_t size)
{
	void *d = to;
	size_t words = size / 8;
	size_t rest = size % 8;
	uint64_t fill = 0x0101010101010101u * (uint8_t)byte;

	__asm__ volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(fill) : "memory");
	__asm__ volatile("rep stosb" : "+D"(d), "+c"(rest) : "a"(fill) : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const unsigned char *x = a;
	const unsigned char *y = b;

	for (size_t i = 0; i < size; i++) {
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	}
	return 0;
}

void *memchr(const void *in, int byte, size_t size)
{
	const unsigned char *s = in;

	for (size_t i = 0; i < size; i++) {
		if (s[i] == (unsigned char)byte)
			return (void *)(uintptr_t)(s + i);
	}
	return NULL;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n] != '\0')
		n++;
	return n;
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n] != '\0')
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t max)
{
	for (size_t i = 0; i < max; i++) {
		unsigned char x = (unsigned char)a[i];
		unsigned char y = (unsigned char)b[i];

		if (x != y)
			return x < y ? -1 : 1;
		if (x == '\0')
			break;
	}
	return 0;
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)(uintptr_t)s;
		if (*s == '\0')
			return NULL;
	}
}

char *strrchr(const char *s, int c)
{
	const char *found = NULL;

	for (;; s++) {
		if (*s == (char)c)
			found = s;
		if (*s == '\0')
			return (char *)(uintptr_t)found;
	}
}

char *strncpy(char *restrict to, const char *restrict from, size_t size)
{
	size_t n = strnlen(from, size);

	memcpy(to, from, n);
	memset(to + n, 0, size - n);
	return to;
}

char *strstr(const char *in, const char *what)
{
	size_t size = strlen(what);

	for (;; in++) {
		if (strncmp(in, what, size) == 0)
			return (char *)(uintptr_t)in;
		if (*in == '\0')
			return NULL;
	}
}
