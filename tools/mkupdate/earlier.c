/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * earlier.c - reads an update that the target already has: see earlier.h.
 *
 * An envelope's payload holds the description that the update task works by (struct uih_description). It is looked for by its
 * magic number and believed only if it gives both digests of the manifest: what was there before is what we take the target
 * for, and what it makes of it is what the update task has seen in the running process.
 */
#include "earlier.h"

#include "plan.h"
#include "show.h"

#include <ravelin/fimce.h>
#include <suit/suit.h>
#include <uih/uih.h>

#include <stdlib.h>
#include <string.h>

/** An image, as the update task sees it. */
struct image {
	const char *path;
	const uint8_t *data;
	struct rv_image_header header;
};

__attribute__((noreturn)) static void earlier_refuse(const char *path, const char *why)
{
	fail(EXIT_TARGET, "--after %s: %s", path, why);
}

/** Content at an address of the task; NULL if not all of it comes from the image. */
static const uint8_t *image_at(const struct image *image, uint64_t address, uint64_t bytes)
{
	for (uint32_t i = 0; i < image->header.segment_count; i++) {
		const struct rv_image_segment *s = &image->header.segment[i];
		uint64_t offset = address - (RV_FIMCE_LOAD + s->load_offset);

		if (offset <= s->file_bytes && bytes <= s->file_bytes - offset)
			return image->data + s->file_offset + offset;
	}
	return NULL;
}

static uint64_t address_of(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

/** Element `index` of an array in the image, copied because the image is not aligned. */
static void image_read(const struct image *image, const void *array, uint64_t index, void *to, size_t size)
{
	const uint8_t *at = image_at(image, address_of(array) + index * size, size);

	if (!at)
		earlier_refuse(image->path, "the description in the update is damaged");
	memcpy(to, at, size);
}

static void image_open(struct image *image, const struct suit_manifest *m)
{
	struct rv_image_header *h = &image->header;

	image->data = m->payload.data;
	if (m->payload.size < sizeof(*h))
		earlier_refuse(image->path, "this is not an update of a program");
	memcpy(h, image->data, sizeof(*h));
	if (h->magic != RV_IMAGE_MAGIC || h->version != RV_IMAGE_VERSION || h->segment_count > RV_IMAGE_MAX_SEGMENTS)
		earlier_refuse(image->path, "this is not an update of a program");
	for (uint32_t i = 0; i < h->segment_count; i++)
		if (h->segment[i].file_offset > m->payload.size ||
		    h->segment[i].file_bytes > m->payload.size - h->segment[i].file_offset)
			earlier_refuse(image->path, "a segment of the image lies outside of it");
}

/** Finds the description, which is aligned in its segment. */
static void image_find_description(const struct image *image, struct uih_description *d)
{
	for (uint32_t i = 0; i < image->header.segment_count; i++) {
		const struct rv_image_segment *s = &image->header.segment[i];

		for (uint32_t at = 0; at + sizeof(*d) <= s->file_bytes; at += sizeof(uint64_t)) {
			memcpy(d, image->data + s->file_offset + at, sizeof(*d));
			if (d->magic == UIH_DESCRIPTION_MAGIC)
				return;
		}
	}
	earlier_refuse(image->path, "it holds no description of an update; it was made by another version of mkupdate");
}

/** Reads the jumps, with the target's code as their old content. */
static void earlier_read_patches(const struct target *t, const struct image *image, const struct uih_description *d,
				 struct plan *plan)
{
	plan->patch = must_alloc(d->patch_count + 1, sizeof(*plan->patch));
	plan->patch_count = d->patch_count;
	for (uint32_t i = 0; i < d->patch_count; i++) {
		struct plan_patch *p = &plan->patch[i];
		struct uih_patch patch;

		image_read(image, d->patch, i, &patch, sizeof(patch));
		p->address = patch.address;
		p->bytes = patch.bytes;
		p->new_bytes = patch.new_bytes;
		p->old_content = target_content(t, p->address, p->bytes, true);
		if (!p->old_content || p->new_bytes > sizeof(p->new_content) || p->new_bytes > p->bytes)
			earlier_refuse(image->path, "it replaces what is not code of the target");
		image_read(image, patch.new_content, 0, p->new_content, p->new_bytes);
	}
}

/** Reads the new memory; returns the content of the code among it. */
static void earlier_read_regions(struct target *t, const struct image *image, const struct uih_description *d,
				 struct code *code)
{
	for (uint32_t i = 0; i < d->region_count; i++) {
		const struct target_region *other;
		struct uih_region r;
		const uint8_t *content;

		image_read(image, d->region, i, &r, sizeof(r));
		content = image_at(image, address_of(r.content), r.content_bytes);
		if (!content || r.content_bytes > r.bytes || r.bytes > UINT32_MAX || r.address > INT64_MAX ||
		    (r.is_code && code->rx.bytes > 0))
			earlier_refuse(image->path, "the description in the update is damaged");
		other = target_find_region(t, r.address, r.bytes);
		if (other)
			fail(EXIT_TARGET, "--after %s: its new memory lies in that of %s", image->path, other->path);
		target_add_update_region(t, image->path, r.address, r.bytes, r.is_code);
		if (!r.is_code)
			continue;
		code->rx.address = r.address;
		code->rx.bytes = r.bytes;
		buffer_add(&code->rx.content, content, r.content_bytes);
	}
}

static void earlier_read_symbols(struct target *t, const struct image *image, const struct uih_description *d)
{
	for (uint64_t i = 0; i < d->symbol_count; i++) {
		char name[256];
		struct uih_symbol s;

		image_read(image, d->symbol, i, &s, sizeof(s));
		for (size_t length = 0;; length++) {
			if (length == sizeof(name))
				earlier_refuse(image->path, "the description in the update is damaged");
			image_read(image, s.name, length, &name[length], 1);
			if (name[length] == '\0')
				break;
		}
		target_add_update_symbol(t, name, s.address, s.bytes, s.is_function != 0);
	}
}

/** Refuses an envelope that is not for this target, or out of order. */
static void earlier_check_manifest(const struct target *t, const char *path, const struct suit_manifest *m)
{
	if (m->build_id.size != sizeof(t->build_id) ||
	    memcmp(m->build_id.data, t->build_id, sizeof(t->build_id)) != 0 || m->name.size != strlen(t->name) ||
	    memcmp(m->name.data, t->name, m->name.size) != 0)
		fail(EXIT_TARGET, "--after %s: this update is not for this build of %s", path, t->name);
	if (m->sequence <= t->sequence)
		fail(EXIT_TARGET,
		     "--after %s: its sequence number %llu is not above %llu; give the updates in the order in which "
		     "the process got them",
		     path, (unsigned long long)m->sequence, (unsigned long long)t->sequence);
}

void earlier_add(struct target *t, const char *path)
{
	struct buffer file = file_read(path, EXIT_TARGET);
	struct image image = {.path = path};
	struct plan plan = {0};
	struct code code = {0};
	struct uih_description d;
	struct suit_manifest m;
	struct suit_error err;
	uint8_t before[RV_DIGEST_SIZE];
	uint8_t after[RV_DIGEST_SIZE];

	if (suit_parse(file.data, file.size, &m, &err) != 0)
		earlier_refuse(path, show_reason(&err));
	earlier_check_manifest(t, path, &m);
	image_open(&image, &m);
	image_find_description(&image, &d);
	earlier_read_patches(t, &image, &d, &plan);
	earlier_read_regions(t, &image, &d, &code);
	if (plan_digest(&plan, &code, before, after) != m.target_bytes || memcmp(before, m.before, RV_DIGEST_SIZE) != 0)
		earlier_refuse(path, "it was made for other code than this target has; give every update that the "
				     "process got, in order, and none that was rolled back");
	if (memcmp(after, m.after, RV_DIGEST_SIZE) != 0)
		earlier_refuse(path, "the description in the update is damaged");
	for (size_t i = 0; i < plan.patch_count; i++)
		(void)target_patch(t, plan.patch[i].address, plan.patch[i].new_content, plan.patch[i].new_bytes);
	earlier_read_symbols(t, &image, &d);
	t->sequence = m.sequence;
	free(plan.patch);
	buffer_free(&code.rx.content);
	buffer_free(&file);
}
