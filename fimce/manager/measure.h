/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * measure.h - what is in the input of this FIMCE, and may it run? A pure function over memory.
 */
#ifndef MANAGER_MEASURE_H
#define MANAGER_MEASURE_H

#include "image_check.h"

/** An image that may run. */
struct measured_image {
	const uint8_t *image; /* in the input */
	struct rv_image_header header; /* copy, all fields checked */
	struct rv_measured measured; /* for the hypervisor */
};

/**
 * Measures and verifies the input: a raw image, or a SUIT envelope with an image as its payload.
 *
 * @param param    of this FIMCE
 * @param input    param->input_bytes bytes; image or envelope and zero bytes up to param->argument_offset
 * @param targets  param->target_count target pages
 * @param out      filled on success; after a failure to be given to measure_refused
 * @param why      filled on failure
 * @return 0, or a negative errno with the reasons of image_check, image_check_targets and suit_verify; moreover
 *	-RV_EBADMSG IMAGE_FIELD (offset of image_bytes) if bytes other than zero follow a raw image
 */
int measure_input(const struct rv_fimce_param *param, const uint8_t *input, const struct rv_target_page *targets,
		  struct measured_image *out, struct refusal *why);

/**
 * Says what measure_input refused.
 *
 * @param refused  out of that measure_input: its component and sequence if a trusted signature was found
 * @param out      filled
 */
void measure_refused(const struct rv_fimce_param *param, const uint8_t *input, const struct measured_image *refused,
		     struct rv_refused *out);

#endif
