/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * task.c - mkupdate task: see task.h, and docs/update-format.md for what the envelope of a task holds.
 */
#include "task.h"

#include "envelope.h"
#include "key.h"

#include <ravelin/image.h>
#include <suit/suit.h>

#include <stdio.h>
#include <string.h>

/* What is left of RV_FIMCE_MAX_INPUT for the manifest. */
#define MANIFEST_ROOM RV_PAGE_SIZE

/** What the envelope needs to know of an image; mkfimce has checked the rest, and the manager does. */
static void task_check_image(const char *path, const struct buffer *image, struct rv_image_header *h)
{
	if (image->size < sizeof(*h))
		fail(EXIT_CODE, "%s is no FIMCE image: it has %zu bytes", path, image->size);
	memcpy(h, image->data, sizeof(*h));
	if (h->magic != RV_IMAGE_MAGIC || h->version != RV_IMAGE_VERSION)
		fail(EXIT_CODE, "%s is no FIMCE image of version %u", path, RV_IMAGE_VERSION);
	if (h->image_bytes != image->size)
		fail(EXIT_CODE, "%s has %zu bytes, and its header says %u", path, image->size, h->image_bytes);
	if (image->size > RV_FIMCE_MAX_INPUT - MANIFEST_ROOM)
		fail(EXIT_CODE, "%s has %zu bytes; with its manifest it may have %u", path, image->size,
		     RV_FIMCE_MAX_INPUT);
	if (h->capabilities & RV_CAP_TARGET)
		fail(EXIT_CODE, "%s is an update of %.63s: mkupdate build makes and signs those", path, h->target_name);
	if (h->name[0] == '\0' || memchr(h->name, 0, sizeof(h->name)) == NULL)
		fail(EXIT_CODE, "%s has no name", path);
	for (const char *c = h->name; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~' || *c == '/')
			fail(EXIT_CODE,
			     "%s: only printable ASCII without space and slash may be in the name of a signed image",
			     path);
}

void task_run(const struct task_request *r)
{
	static const uint8_t no_build_id[SUIT_BUILD_ID_SIZE];
	struct buffer image = file_read(r->image, EXIT_SYSTEM);
	EVP_PKEY *key = key_read_private(r->key);
	char digest[2 * RV_DIGEST_SIZE + 1];
	struct envelope e = {.build_id = no_build_id, .sequence = r->sequence};
	struct rv_image_header h;
	struct buffer manifest;
	struct buffer envelope;

	task_check_image(r->image, &image, &h);
	e.name = h.name;
	e.payload = image.data;
	e.payload_size = image.size;
	/* Nothing is changed: before and after are no bytes. */
	rv_sha256_digest(NULL, 0, e.before);
	rv_sha256_digest(NULL, 0, e.after);
	manifest = envelope_manifest(&e);
	envelope = envelope_sign(manifest.data, manifest.size, image.data, image.size, key);
	file_write(r->output, envelope.data, envelope.size, 0644);

	rv_sha256_digest(image.data, image.size, e.before);
	printf("image     sha256:%s\n", hex_print(digest, e.before, RV_DIGEST_SIZE));
	printf("envelope  %s, %zu bytes, sequence %llu\n", r->output, envelope.size, (unsigned long long)r->sequence);
	buffer_free(&envelope);
	buffer_free(&manifest);
	buffer_free(&image);
	EVP_PKEY_free(key);
}
