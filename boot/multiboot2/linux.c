/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux.c - places Linux in memory and fills its zero page.
 */
#include "linux.h"

#include "cmdline.h"

#define PAGE 4096u

/* Offsets in the zero page: Documentation/arch/x86/zero-page.rst; those from 0x1f1 on are the setup header's. */
#define ACPI_RSDP_ADDR 0x070
#define EXT_RAMDISK_IMAGE 0x0c0
#define EXT_RAMDISK_SIZE 0x0c4
#define EXT_CMD_LINE_PTR 0x0c8
#define E820_ENTRIES 0x1e8
#define VID_MODE 0x1fa
#define TYPE_OF_LOADER 0x210
#define LOADFLAGS 0x211
#define CODE32_START 0x214
#define RAMDISK_IMAGE 0x218
#define RAMDISK_SIZE 0x21c
#define HEAP_END_PTR 0x224
#define CMD_LINE_PTR 0x228
#define E820_TABLE 0x2d0
#define E820_MAX_ENTRIES 128u
#define E820_ENTRY_BYTES 20u

#define LOADER_UNDEFINED 0xff
#define LOADFLAG_QUIET 0x20
#define LOADFLAG_KEEP_SEGMENTS 0x40
#define LOADFLAG_CAN_USE_HEAP 0x80
#define VID_MODE_NORMAL 0xffff

/* Offsets in struct screen_info, which begins the zero page (include/uapi/linux/screen_info.h). */
#define SCREEN_VIDEO_MODE 0x06
#define SCREEN_COLUMNS 0x07
#define SCREEN_LINES 0x0e
#define SCREEN_IS_VGA 0x0f
#define SCREEN_POINTS 0x10
#define SCREEN_LFB_WIDTH 0x12
#define SCREEN_LFB_HEIGHT 0x14
#define SCREEN_LFB_DEPTH 0x16
#define SCREEN_LFB_BASE 0x18
#define SCREEN_LFB_SIZE 0x1c
#define SCREEN_LFB_LINELENGTH 0x24
#define SCREEN_RED_SIZE 0x26
#define SCREEN_CAPABILITIES 0x36
#define SCREEN_EXT_LFB_BASE 0x3a

#define VIDEO_TYPE_VGA_COLOUR 0x22
#define VIDEO_TYPE_VESA_LINEAR 0x23 /* size in units of 64 KiB */
#define VIDEO_TYPE_EFI 0x70 /* size in bytes */
#define VIDEO_CAPABILITY_64BIT_BASE 2u

static void put16(uint8_t *at, uint64_t value)
{
	uint16_t v = (uint16_t)value;

	memcpy(at, &v, sizeof(v));
}

static void put32(uint8_t *at, uint64_t value)
{
	uint32_t v = (uint32_t)value;

	memcpy(at, &v, sizeof(v));
}

static void put64(uint8_t *at, uint64_t value)
{
	memcpy(at, &value, sizeof(value));
}

static uint64_t round_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) & ~(align - 1);
}

bool linux_modules_read(const struct mbi *mbi, struct linux_modules *modules, struct boot_error *error)
{
	memset(modules, 0, sizeof(*modules));
	for (uint32_t i = 0; i < mbi->module_count; i++) {
		const struct mbi_module *module = &mbi->module[i];
		const char *rest = module->string;
		size_t length = module->length;
		const char *word;
		size_t word_length;

		cmdline_word_next(&rest, &length, &word, &word_length);
		if (text_equals(word, word_length, "kernel")) {
			if (modules->kernel)
				return text_fail(error, "module %u is a second kernel; exactly one is needed", i + 1);
			modules->kernel = module;
			/* One blank ends the word; the rest is the command line as it is. */
			modules->command_line = length ? rest + 1 : rest;
			modules->command_line_length = length ? length - 1 : 0;
		} else if (text_equals(word, word_length, "initrd")) {
			modules->initrd[modules->initrd_count++] = module;
			modules->initrd_bytes += round_up(module->end - module->start, 4);
		} else {
			return text_fail(error,
					 "module %u: its string begins with \"%.*s\" instead of kernel or initrd",
					 i + 1, (int)word_length, word);
		}
	}
	if (!modules->kernel)
		return text_fail(error, "no kernel: no module's string begins with the word kernel, as in module2 "
					"/boot/vmlinuz kernel console=ttyS0");
	return true;
}

static bool kernel_place(const struct memory_map *map, const struct bzimage *kernel, uint64_t *address,
			 struct boot_error *error)
{
	struct memory_request request = {
	    .bytes = kernel->run_bytes, .align = kernel->align, .lowest = kernel->preferred, .limit = MEMORY_4G};

	if (memory_is_ram(map, kernel->preferred, kernel->preferred + kernel->run_bytes)) {
		*address = kernel->preferred;
		return true;
	}
	if (!kernel->relocatable)
		return text_fail(error,
				 "the kernel is not relocatable and its place, %llu KiB at 0x%llx, is not free RAM",
				 (unsigned long long)kernel->run_bytes >> 10, (unsigned long long)kernel->preferred);
	if (!memory_find_low(map, &request, address))
		return text_fail(error,
				 "too little memory for the kernel: it needs %llu KiB above 0x%llx, the largest free "
				 "place has %llu KiB",
				 (unsigned long long)kernel->run_bytes >> 10, (unsigned long long)kernel->preferred,
				 (unsigned long long)memory_largest(map, kernel->align, kernel->preferred, MEMORY_4G) >>
				     10);
	return true;
}

/* A single initrd may stay where the boot loader put it, if that is a place that Linux accepts. */
static bool initrd_can_stay(const struct memory_map *map, const struct bzimage *kernel,
			    const struct linux_modules *modules, uint64_t kernel_address)
{
	const struct mbi_module *module = modules->initrd[0];
	uint64_t end = round_up(module->end, PAGE);

	return modules->initrd_count == 1 && module->start % PAGE == 0 && end <= kernel->initrd_limit &&
	       memory_is_ram(map, module->start, end) &&
	       (end <= kernel_address || module->start >= kernel_address + kernel->run_bytes);
}

bool linux_plan_make(const struct memory_map *map, const struct bzimage *kernel, const struct linux_modules *modules,
		     struct memory_map *scratch, struct linux_plan *plan, struct boot_error *error)
{
	struct memory_request request = {.bytes = modules->initrd_bytes, .align = PAGE, .lowest = 0x100000};
	bool ok;

	memset(plan, 0, sizeof(*plan));
	if (!kernel_place(map, kernel, &plan->kernel, error))
		return false;
	if (!modules->initrd_bytes)
		return true;
	if (initrd_can_stay(map, kernel, modules, plan->kernel)) {
		plan->initrd = modules->initrd[0]->start;
		plan->initrd_stays = true;
		return true;
	}
	/* It is moved before the kernel is: it must hit neither the kernel's module nor another initrd's. */
	*scratch = *map;
	ok = memory_take(scratch, plan->kernel, plan->kernel + kernel->run_bytes, MEMORY_BUSY) &&
	     memory_take(scratch, modules->kernel->start, modules->kernel->end, MEMORY_BUSY);
	for (uint32_t i = 0; i < modules->initrd_count; i++)
		ok = ok && memory_take(scratch, modules->initrd[i]->start, modules->initrd[i]->end, MEMORY_BUSY);
	if (!ok)
		return text_fail(error, "the memory map has more than %u extents", MEMORY_MAX_EXTENTS - 2);
	request.limit = kernel->initrd_limit;
	if (!memory_find_high(scratch, &request, &plan->initrd))
		return text_fail(
		    error, "too little memory for the initrd: it needs %llu KiB, the largest free place has %llu KiB",
		    (unsigned long long)request.bytes >> 10,
		    (unsigned long long)memory_largest(scratch, PAGE, request.lowest, request.limit) >> 10);
	return true;
}

static void screen_fill(const struct mbi_framebuffer *fb, bool efi, uint8_t *bp)
{
	if (!fb->present)
		return;
	if (fb->type == MBI_FRAMEBUFFER_TEXT) {
		bp[SCREEN_VIDEO_MODE] = 3;
		bp[SCREEN_COLUMNS] = (uint8_t)fb->width;
		bp[SCREEN_LINES] = (uint8_t)fb->height;
		bp[SCREEN_IS_VGA] = VIDEO_TYPE_VGA_COLOUR;
		put16(bp + SCREEN_POINTS, 16);
	} else if (fb->type == MBI_FRAMEBUFFER_RGB && fb->width <= UINT16_MAX && fb->height <= UINT16_MAX &&
		   fb->pitch <= UINT16_MAX) {
		uint64_t bytes = (uint64_t)fb->pitch * fb->height;
		unsigned int used = (unsigned int)fb->red_size + fb->green_size + fb->blue_size;

		/* Linux has different drivers for the two, and a kernel need not have both. */
		bp[SCREEN_IS_VGA] = efi ? VIDEO_TYPE_EFI : VIDEO_TYPE_VESA_LINEAR;
		put16(bp + SCREEN_LFB_WIDTH, fb->width);
		put16(bp + SCREEN_LFB_HEIGHT, fb->height);
		put16(bp + SCREEN_LFB_DEPTH, fb->bits_per_pixel);
		put32(bp + SCREEN_LFB_BASE, fb->address);
		put32(bp + SCREEN_LFB_SIZE, efi ? bytes : round_up(bytes, 65536) >> 16);
		put16(bp + SCREEN_LFB_LINELENGTH, fb->pitch);
		bp[SCREEN_RED_SIZE] = fb->red_size;
		bp[SCREEN_RED_SIZE + 1] = fb->red_position;
		bp[SCREEN_RED_SIZE + 2] = fb->green_size;
		bp[SCREEN_RED_SIZE + 3] = fb->green_position;
		bp[SCREEN_RED_SIZE + 4] = fb->blue_size;
		bp[SCREEN_RED_SIZE + 5] = fb->blue_position;
		if (fb->bits_per_pixel > used) {
			/* What is left of a pixel is its unused part; it lies above the colours. */
			bp[SCREEN_RED_SIZE + 6] = (uint8_t)(fb->bits_per_pixel - used);
			bp[SCREEN_RED_SIZE + 7] = (uint8_t)used;
		}
		if (fb->address >> 32) {
			put32(bp + SCREEN_CAPABILITIES, VIDEO_CAPABILITY_64BIT_BASE);
			put32(bp + SCREEN_EXT_LFB_BASE, fb->address >> 32);
		}
	}
}

bool linux_boot_params_fill(const struct linux_start *start, void *boot_params, struct boot_error *error)
{
	uint8_t *bp = boot_params;
	const struct bzimage *kernel = start->kernel;
	const struct linux_plan *plan = start->plan;

	if (start->map->count > E820_MAX_ENTRIES)
		return text_fail(error, "the memory map has %u extents, Linux can take %u", start->map->count,
				 E820_MAX_ENTRIES);
	memset(bp, 0, LINUX_BOOT_PARAMS_BYTES);
	memcpy(bp + BZIMAGE_HEADER, kernel->image + BZIMAGE_HEADER, kernel->header_end - BZIMAGE_HEADER);
	bp[TYPE_OF_LOADER] = LOADER_UNDEFINED;
	bp[LOADFLAGS] &= (uint8_t) ~(LOADFLAG_QUIET | LOADFLAG_KEEP_SEGMENTS | LOADFLAG_CAN_USE_HEAP);
	put16(bp + HEAP_END_PTR, 0);
	put16(bp + VID_MODE, VID_MODE_NORMAL);
	put32(bp + CODE32_START, plan->kernel);
	put32(bp + CMD_LINE_PTR, start->command_line);
	put32(bp + EXT_CMD_LINE_PTR, start->command_line >> 32);
	put32(bp + RAMDISK_IMAGE, plan->initrd);
	put32(bp + EXT_RAMDISK_IMAGE, plan->initrd >> 32);
	put32(bp + RAMDISK_SIZE, start->initrd_bytes);
	put32(bp + EXT_RAMDISK_SIZE, start->initrd_bytes >> 32);
	put64(bp + ACPI_RSDP_ADDR, start->rsdp);
	screen_fill(start->framebuffer, start->efi, bp);
	for (uint32_t i = 0; i < start->map->count; i++) {
		uint8_t *entry = bp + E820_TABLE + (size_t)i * E820_ENTRY_BYTES;
		const struct memory_extent *e = &start->map->extent[i];

		put64(entry, e->base);
		put64(entry + 8, e->end - e->base);
		put32(entry + 16, e->type);
	}
	bp[E820_ENTRIES] = (uint8_t)start->map->count;
	return true;
}
