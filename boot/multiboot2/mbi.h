/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mbi.h - the Multiboot2 boot information (Multiboot2 Specification 2.0, section 3.6): found pieces, all bounds-checked.
 */
#ifndef BOOT_MBI_H
#define BOOT_MBI_H

#include "text.h"

#define MBI_MAGIC 0x36d76289u /* in EAX at the entry */
#define MBI_MAX_BYTES (4u << 20)
#define MBI_MAX_MODULES 16u

/** One module; its string is not NUL-terminated. */
struct mbi_module {
	uint32_t start; /* physical address of the first byte */
	uint32_t end; /* ... behind the last byte, >= start */
	const char *string;
	size_t length;
};

enum mbi_framebuffer_type {
	MBI_FRAMEBUFFER_RGB = 1,
	MBI_FRAMEBUFFER_TEXT = 2
};

struct mbi_framebuffer {
	bool present;
	uint64_t address;
	uint32_t pitch; /* bytes per line */
	uint32_t width; /* pixels, or characters */
	uint32_t height;
	uint8_t bits_per_pixel;
	uint8_t type; /* enum mbi_framebuffer_type, or another one, which nobody here can use */
	uint8_t red_position, red_size, green_position, green_size, blue_position, blue_size;
};

/** What the boot loader told us. All pointers point into the boot information. */
struct mbi {
	uint32_t bytes; /* size of the whole boot information */
	const char *command_line; /* "" if there is none; not NUL-terminated */
	size_t command_line_length;
	uint32_t module_count;
	struct mbi_module module[MBI_MAX_MODULES];
	const uint8_t *map; /* memory map: map_count entries of map_entry_bytes each; NULL if there is none */
	uint32_t map_entry_bytes; /* at least 24 */
	uint32_t map_count;
	const uint8_t *rsdp; /* copy of the ACPI RSDP, the newer one if both are there; NULL if there is none */
	uint32_t rsdp_bytes;
	struct mbi_framebuffer framebuffer;
	bool efi; /* booted by UEFI firmware */
};

/** One entry of the memory map. */
struct mbi_map_entry {
	uint64_t base;
	uint64_t bytes;
	uint32_t type; /* 1 = RAM; numbers as in an e820 map */
};

/**
 * Reads the boot information.
 * @info:  its first byte; @limit bytes may be read from there.
 * Fails, with a sentence in @error, if the information is not well-formed. What was found before stays in @mbi.
 */
bool mbi_parse(const void *info, size_t limit, struct mbi *mbi, struct boot_error *error);

/** Entry @index (below mbi->map_count) of the memory map. */
struct mbi_map_entry mbi_map_get(const struct mbi *mbi, uint32_t index);

#endif
