/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bytes.h - memory functions and little-endian reads for the boot stub; the same code compiles on the host.
 */
#ifndef BOOT_BYTES_H
#define BOOT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As the C library has them; GCC may call them, so the stub brings its own (bytes.c). */
void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);

/* Little-endian reads at any alignment. The caller has checked the bounds. */
static inline uint16_t le16(const void *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static inline uint32_t le32(const void *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static inline uint64_t le64(const void *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

#endif
