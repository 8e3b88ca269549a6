/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * seeds.c - writes the first inputs of the fuzz target suit: every envelope of the unit tests, right ones and faulty ones, whole and
 * in parts.
 *
 *     seeds DIRECTORY
 */
#include "../../unit/suit/envelope_builder.h"

#include <cbor/cbor.h>

#include <stdio.h>
#include <stdlib.h>

static void write_seed(const char *directory, int number, int mode, const void *data, size_t size)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/seed-%03d-%d", directory, number, mode);
	f = fopen(path, "wb");
	if (!f || fputc(mode, f) == EOF || fwrite(data, 1, size, f) != size || fclose(f) != 0) {
		perror(path);
		exit(1);
	}
}

/** Finds the manifest and the authentication block of an envelope; false if it is too faulty for that. */
static int find_parts(const uint8_t *envelope, size_t size, struct rv_cbor_slice *manifest, struct rv_cbor_slice *block)
{
	struct rv_cbor_slice wrapper;
	struct rv_cbor_slice digest;
	struct rv_cbor c;
	struct rv_cbor inner;
	uint64_t number;
	size_t count;

	rv_cbor_open(&c, envelope, size);
	if (!rv_cbor_read_tag(&c, &number) || !rv_cbor_read_map(&c, &count) || !rv_cbor_read_uint(&c, &number) ||
	    !rv_cbor_read_bytes(&c, &wrapper))
		return 0;
	rv_cbor_open(&inner, wrapper.data, wrapper.size);
	return rv_cbor_read_array(&inner, &count) && rv_cbor_read_bytes(&inner, &digest) &&
	       rv_cbor_read_bytes(&inner, block) && rv_cbor_read_uint(&c, &number) && rv_cbor_read_bytes(&c, manifest);
}

int main(int argc, char **argv)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	enum {
#define NAME_FAULT(id, reason, value) SEED_##id,
		FAULTS(NAME_FAULT)
#undef NAME_FAULT
		LAST
	};

	if (argc != 2 || !key)
		return 2;
	for (int i = 0; i <= LAST; i++) {
		uint8_t envelope[4096];
		size_t size = builder_write((enum fault)i, key, envelope, sizeof(envelope));
		struct rv_cbor_slice manifest;
		struct rv_cbor_slice block;

		write_seed(argv[1], i, 0, envelope, size);
		if (!find_parts(envelope, size, &manifest, &block))
			continue;
		write_seed(argv[1], i, 1, manifest.data, manifest.size);
		write_seed(argv[1], i, 2, block.data, block.size);
	}
	EVP_PKEY_free(key);
	return 0;
}
