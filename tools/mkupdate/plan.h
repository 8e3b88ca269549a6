/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * plan.h - which bytes of the target an update replaces, and which of its memory it needs.
 */
#ifndef MKUPDATE_PLAN_H
#define MKUPDATE_PLAN_H

#include "code.h"
#include "target.h"

#include <ravelin/image.h>

/** One replaced function: see struct uih_patch. */
struct plan_patch {
	const char *old_name;
	uint64_t address;
	uint64_t bytes;
	const uint8_t *old_content;
	uint8_t new_content[16];
	size_t new_bytes;
};

struct plan {
	struct plan_patch *patch; /* ascending by address */
	size_t patch_count;
	struct rv_image_range range[RV_IMAGE_MAX_RANGES];
	size_t range_count;
};

/** Adds a jump from the target's function `old_name` to the new code's `new_name`. */
void plan_replace(struct plan *p, const struct target *t, const struct code *code, const char *old_name,
		  const char *new_name);

/** Adds the memory of a variable of the target. */
void plan_add_object(struct plan *p, const struct target *t, const char *name);

/** Adds all writable memory of the target's executable. */
void plan_add_all_data(struct plan *p, const struct target *t);

/** Adds all anonymous memory. */
void plan_add_heap(struct plan *p);

/**
 * After all of the above: sorts, refuses overlaps, adds the ranges of patches, of fresh memory, and of the code of earlier updates
 * that the replaced functions lead to now.
 */
void plan_finish(struct plan *p, const struct target *t, const struct code *code);

/** Digests over patches and code region, as uih_digest makes them. Returns the bytes hashed for each. */
uint64_t plan_digest(const struct plan *p, const struct code *code, uint8_t before[RV_DIGEST_SIZE],
		     uint8_t after[RV_DIGEST_SIZE]);

#endif
