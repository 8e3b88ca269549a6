/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hex.h - test vectors as hexadecimal text.
 */
#ifndef TEST_HEX_H
#define TEST_HEX_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Decodes hex into memory of exactly its size, so that ASan sees every byte read behind it. The caller frees it. */
static inline uint8_t *hex_decode(const char *hex, size_t *size)
{
	uint8_t *out;

	*size = strlen(hex) / 2;
	out = malloc(*size > 0 ? *size : 1);
	if (!out)
		abort();
	for (size_t i = 0; i < *size; i++) {
		unsigned int byte;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			abort();
		out[i] = (uint8_t)byte;
	}
	return out;
}

/** Decodes into a buffer of the caller, which has room for all of it. */
static inline size_t hex_into(void *to, const char *hex)
{
	size_t size;
	uint8_t *bytes = hex_decode(hex, &size);

	memcpy(to, bytes, size);
	free(bytes);
	return size;
}

#endif
