/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * image_check.h - is this a FIMCE image that may be loaded? A pure function over memory: the manager runs it inside the
 * FIMCE, unit tests and the fuzzer run it on a host.
 */
#ifndef MANAGER_IMAGE_CHECK_H
#define MANAGER_IMAGE_CHECK_H

#include "refusal.h"

#include <ravelin/fimce.h>
#include <ravelin/image.h>

#include <stdbool.h>
#include <stddef.h>

/**
 * Checks every field of an image's header: against the format (docs/image-format.md), against the memory that this
 * FIMCE has, and against what an image may ask for.
 *
 * @param image      start of the image, any alignment
 * @param bytes      bytes that can be read there
 * @param exact      the image must have exactly this many bytes (a signed payload); otherwise it may be shorter
 * @param is_signed  a verified signature covers the image
 * @param param      memory sizes and number of target pages of this FIMCE
 * @param header     receives a copy of the header on success
 * @param why        filled on failure
 * @return 0, or with why->reason
 *	-RV_EBADMSG   IMAGE_SHORT, IMAGE_MAGIC, IMAGE_VERSION, IMAGE_FIELD, IMAGE_SEGMENT, IMAGE_ENTRY, DEVICE_GRANT
 *	-RV_EINVAL    IMAGE_MEMORY, UPDATE_TARGET
 *	-RV_EACCES    FIMCE_CAPABILITY
 */
int image_check(const uint8_t *image, size_t bytes, bool exact, bool is_signed, const struct rv_fimce_param *param,
		struct rv_image_header *header, struct refusal *why);

/**
 * Checks that every page of the target that the image names is in the list of target pages, as the kind that it names.
 *
 * @param header   of an image that image_check accepted
 * @param param    number of target pages and load bias
 * @param targets  param->target_count entries, ascending by address
 * @param why      filled on failure
 * @return 0, or -RV_EINVAL with UPDATE_MAPPING (value = run-time address of the page) or UPDATE_TARGET (there is no
 *	load bias)
 */
int image_check_targets(const struct rv_image_header *header, const struct rv_fimce_param *param,
			const struct rv_target_page *targets, struct refusal *why);

/** Copies the segments of an image that image_check accepted to the load area; the rest of each last page becomes zero. */
void image_load(const uint8_t *image, const struct rv_image_header *header, uint8_t *load);

/** Number of pages that a segment takes. */
uint32_t image_segment_pages(const struct rv_image_segment *s);

#endif
