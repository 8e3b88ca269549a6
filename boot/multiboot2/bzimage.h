/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bzimage.h - checks a Linux kernel image by the x86 boot protocol (Linux Documentation/arch/x86/boot.rst).
 */
#ifndef BOOT_BZIMAGE_H
#define BOOT_BZIMAGE_H

#include "text.h"

#define BZIMAGE_HEADER 0x1f1u /* the setup header begins here, in the image and in the zero page */
#define BZIMAGE_HEADER_LIMIT 0x290u /* it ends here at the latest */

struct bzimage {
	const uint8_t *image;
	uint32_t header_end; /* offset behind the setup header, BZIMAGE_HEADER_LIMIT at most */
	uint64_t kernel_offset; /* of the protected-mode kernel in the image */
	uint64_t kernel_bytes;
	uint64_t run_bytes; /* memory it needs from its load address on */
	uint64_t align; /* of the load address, power of two */
	uint64_t preferred; /* load address */
	bool relocatable; /* may be loaded at another aligned address above the preferred one */
	uint64_t initrd_limit; /* the initrd ends here or below */
	uint32_t command_line_limit; /* characters, NUL not counted */
};

/**
 * Checks that the @bytes at @image are a bzImage that can be entered in 64-bit mode, and finds its pieces.
 * Fails with a sentence in @error that says what is wrong.
 */
bool bzimage_read(const void *image, uint64_t bytes, struct bzimage *kernel, struct boot_error *error);

#endif
