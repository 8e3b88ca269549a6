/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bzimage.c - checks a Linux kernel image. Offsets are those of the setup header in Documentation/arch/x86/boot.rst.
 */
#include "bzimage.h"

#define SETUP_SECTS 0x1f1
#define BOOT_FLAG 0x1fe
#define JUMP_OFFSET 0x201
#define HEADER_MAGIC 0x202
#define VERSION 0x206
#define LOADFLAGS 0x211
#define INITRD_ADDR_MAX 0x22c
#define KERNEL_ALIGNMENT 0x230
#define RELOCATABLE_KERNEL 0x234
#define XLOADFLAGS 0x236
#define CMDLINE_SIZE 0x238
#define PAYLOAD_OFFSET 0x248
#define PAYLOAD_LENGTH 0x24c
#define PREF_ADDRESS 0x258
#define INIT_SIZE 0x260
#define HEADER_NEEDED 0x264 /* what version 2.12 has */

#define MAGIC_HDRS 0x53726448u
#define VERSION_NEEDED 0x020c
#define LOADED_HIGH 1u
#define XLF_KERNEL_64 1u
#define ENTRY_64 0x200u /* from the start of the protected-mode kernel */
#define MAX_RUN_BYTES (1ull << 31)

bool bzimage_read(const void *image, uint64_t bytes, struct bzimage *kernel, struct boot_error *error)
{
	const uint8_t *h = image;
	uint32_t sectors;
	uint64_t payload_end;

	memset(kernel, 0, sizeof(*kernel));
	kernel->image = image;
	if (bytes < HEADER_NEEDED)
		return text_fail(error, "the kernel module is no Linux kernel: only %llu bytes",
				 (unsigned long long)bytes);
	if (le16(h + BOOT_FLAG) != 0xaa55 || le32(h + HEADER_MAGIC) != MAGIC_HDRS)
		return text_fail(error, "the kernel module is no Linux bzImage: its setup header is missing");
	if (le16(h + VERSION) < VERSION_NEEDED)
		return text_fail(error, "the kernel has boot protocol %u.%02u; 2.12 or later is needed",
				 (unsigned int)h[VERSION + 1], (unsigned int)h[VERSION]);
	if (!(h[LOADFLAGS] & LOADED_HIGH))
		return text_fail(error, "the kernel is a zImage, which loads low; a bzImage is needed");
	if (!(le16(h + XLOADFLAGS) & XLF_KERNEL_64))
		return text_fail(error, "the kernel has no 64-bit entry (xloadflags 0x%x)",
				 (unsigned int)le16(h + XLOADFLAGS));

	kernel->header_end = HEADER_MAGIC + h[JUMP_OFFSET];
	if (kernel->header_end > BZIMAGE_HEADER_LIMIT)
		kernel->header_end = BZIMAGE_HEADER_LIMIT;
	if (kernel->header_end < HEADER_NEEDED || kernel->header_end > bytes)
		return text_fail(error, "the kernel's setup header has a bad length: it ends at 0x%x",
				 kernel->header_end);

	sectors = h[SETUP_SECTS] ? h[SETUP_SECTS] : 4;
	kernel->kernel_offset = ((uint64_t)sectors + 1) * 512;
	if (kernel->kernel_offset + ENTRY_64 >= bytes)
		return text_fail(error, "the kernel is cut off: %u setup sectors, but only %llu bytes", sectors,
				 (unsigned long long)bytes);
	kernel->kernel_bytes = bytes - kernel->kernel_offset;
	payload_end = (uint64_t)le32(h + PAYLOAD_OFFSET) + le32(h + PAYLOAD_LENGTH);
	if (payload_end > kernel->kernel_bytes)
		return text_fail(error,
				 "the kernel is cut off: its payload ends at %llu, but only %llu bytes are there",
				 (unsigned long long)payload_end, (unsigned long long)kernel->kernel_bytes);

	kernel->run_bytes = le32(h + INIT_SIZE);
	if (kernel->run_bytes < kernel->kernel_bytes)
		kernel->run_bytes = kernel->kernel_bytes;
	if (kernel->run_bytes > MAX_RUN_BYTES)
		return text_fail(error, "the kernel is too big: it needs %llu bytes",
				 (unsigned long long)kernel->run_bytes);
	kernel->align = le32(h + KERNEL_ALIGNMENT);
	kernel->preferred = le64(h + PREF_ADDRESS);
	kernel->relocatable = h[RELOCATABLE_KERNEL] != 0;
	if (kernel->align < 4096 || (kernel->align & (kernel->align - 1)))
		return text_fail(error, "the kernel has a bad alignment: 0x%llx", (unsigned long long)kernel->align);
	if (kernel->preferred & (kernel->align - 1))
		return text_fail(error, "the kernel's preferred address 0x%llx is not aligned",
				 (unsigned long long)kernel->preferred);
	kernel->initrd_limit = (uint64_t)le32(h + INITRD_ADDR_MAX) + 1;
	kernel->command_line_limit = le32(h + CMDLINE_SIZE);
	return true;
}
