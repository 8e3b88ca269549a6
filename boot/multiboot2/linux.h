/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux.h - places Linux in memory and fills its zero page (Linux Documentation/arch/x86/boot.rst and zero-page.rst).
 */
#ifndef BOOT_LINUX_H
#define BOOT_LINUX_H

#include "bzimage.h"
#include "memory.h"

#define LINUX_COMMAND_LINE_MAX 4096u
#define LINUX_BOOT_PARAMS_BYTES 4096u

/** What is to be booted, from the modules. */
struct linux_modules {
	const struct mbi_module *kernel;
	const char *command_line; /* not NUL-terminated */
	size_t command_line_length;
	uint32_t initrd_count;
	const struct mbi_module *initrd[MBI_MAX_MODULES];
	uint64_t initrd_bytes; /* all together, each padded to 4 bytes */
};

/** Where everything goes. */
struct linux_plan {
	uint64_t kernel; /* load address */
	uint64_t initrd; /* load address, 0 if there is none */
	bool initrd_stays; /* it lies there already */
};

/** What the zero page needs to know. */
struct linux_start {
	const struct bzimage *kernel;
	const struct linux_plan *plan;
	uint64_t initrd_bytes;
	uint64_t command_line; /* physical address */
	uint64_t rsdp; /* physical address, 0 if there is none */
	const struct mbi_framebuffer *framebuffer;
	bool efi; /* the framebuffer is one of UEFI firmware */
	const struct memory_map *map; /* as the guest is to see it */
};

/**
 * Sorts the modules by the first word of their strings.
 * Fails if there is no kernel, if there are two, or if a string begins with an unknown word.
 */
bool linux_modules_read(const struct mbi *mbi, struct linux_modules *modules, struct boot_error *error);

/**
 * Finds places for the kernel and the initrd.
 * @map: memory; what must not be overwritten is not RAM in it, but the modules still are.
 * @scratch: a second map, for the search.
 * The kernel may be placed over modules: the caller moves the initrd first, then the kernel.
 * Fails if the kernel or the initrd does not fit, with the sizes in @error.
 */
bool linux_plan_make(const struct memory_map *map, const struct bzimage *kernel, const struct linux_modules *modules,
		     struct memory_map *scratch, struct linux_plan *plan, struct boot_error *error);

/**
 * Fills the zero page.
 * @boot_params: LINUX_BOOT_PARAMS_BYTES bytes.
 * Fails if the memory map has more entries than it can hold.
 */
bool linux_boot_params_fill(const struct linux_start *start, void *boot_params, struct boot_error *error);

#endif
