/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hvimage.h - checks the embedded hypervisor image before it is started.
 */
#ifndef BOOT_HVIMAGE_H
#define BOOT_HVIMAGE_H

#include <ravelin/launch.h>

#include "text.h"

/**
 * Reads the header of the hypervisor image of @bytes bytes at @image, and checks it against a pool of @pool_bytes.
 * Fails with a sentence in @error.
 */
bool hvimage_read(const void *image, uint64_t bytes, uint64_t pool_bytes, struct rv_hv_header *header,
		  struct boot_error *error);

#endif
