/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bytes.h - memory functions and little-endian reads for the boot stub; the same code compiles on the host.
 */
#ifndef BOOT_BYTES_H
#define BOOT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
/* Only for memcpy, memmove, memset and memcmp, which GCC may call as well; the stub brings its own (bytes.c). */
#include <string.h>

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
