/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mbi.c - reads the Multiboot2 boot information.
 */
#include "mbi.h"

/* Multiboot2 Specification 2.0, 3.6.1: every tag begins with its type and its size, and with 8-byte alignment. */
#define TAG_HEADER_BYTES 8u

enum mbi_tag {
	TAG_END = 0,
	TAG_COMMAND_LINE = 1,
	TAG_MODULE = 3,
	TAG_MEMORY_MAP = 6,
	TAG_FRAMEBUFFER = 8,
	TAG_EFI32_TABLE = 11,
	TAG_EFI64_TABLE = 12,
	TAG_ACPI_OLD = 14,
	TAG_ACPI_NEW = 15,
	TAG_EFI_MEMORY_MAP = 17
};

static bool mbi_module_add(struct mbi *mbi, const uint8_t *tag, uint32_t size, struct boot_error *error)
{
	struct mbi_module *module;

	if (size < 16)
		return text_fail(error, "the boot loader's module tag is too short: %u bytes", size);
	if (mbi->module_count == MBI_MAX_MODULES)
		return text_fail(error, "there are more than %u modules", MBI_MAX_MODULES);
	module = &mbi->module[mbi->module_count];
	module->start = le32(tag + 8);
	module->end = le32(tag + 12);
	module->string = (const char *)tag + 16;
	module->length = text_length(module->string, size - 16);
	if (module->end < module->start)
		return text_fail(error, "module %u ends before it begins: 0x%x to 0x%x", mbi->module_count + 1,
				 module->start, module->end);
	mbi->module_count++;
	return true;
}

static bool mbi_map_set(struct mbi *mbi, const uint8_t *tag, uint32_t size, struct boot_error *error)
{
	uint32_t entry_bytes;

	if (size < 16)
		return text_fail(error, "the boot loader's memory map is too short: %u bytes", size);
	entry_bytes = le32(tag + 8);
	if (entry_bytes < 24 || entry_bytes % 8)
		return text_fail(error, "the boot loader's memory map has entries of %u bytes", entry_bytes);
	mbi->map = tag + 16;
	mbi->map_entry_bytes = entry_bytes;
	mbi->map_count = (size - 16) / entry_bytes;
	return true;
}

static void mbi_framebuffer_set(struct mbi_framebuffer *framebuffer, const uint8_t *tag, uint32_t size)
{
	if (size < 31)
		return;
	framebuffer->address = le64(tag + 8);
	framebuffer->pitch = le32(tag + 16);
	framebuffer->width = le32(tag + 20);
	framebuffer->height = le32(tag + 24);
	framebuffer->bits_per_pixel = tag[28];
	framebuffer->type = tag[29];
	if (framebuffer->type == MBI_FRAMEBUFFER_RGB) {
		/* The colour fields begin after two reserved bytes. */
		if (size < 38)
			return;
		framebuffer->red_position = tag[32];
		framebuffer->red_size = tag[33];
		framebuffer->green_position = tag[34];
		framebuffer->green_size = tag[35];
		framebuffer->blue_position = tag[36];
		framebuffer->blue_size = tag[37];
	}
	framebuffer->present = true;
}

static bool mbi_tag_read(struct mbi *mbi, const uint8_t *tag, uint32_t size, struct boot_error *error)
{
	switch (le32(tag)) {
	case TAG_COMMAND_LINE:
		mbi->command_line = (const char *)tag + TAG_HEADER_BYTES;
		mbi->command_line_length = text_length(mbi->command_line, size - TAG_HEADER_BYTES);
		return true;
	case TAG_MODULE:
		return mbi_module_add(mbi, tag, size, error);
	case TAG_MEMORY_MAP:
		return mbi_map_set(mbi, tag, size, error);
	case TAG_FRAMEBUFFER:
		mbi_framebuffer_set(&mbi->framebuffer, tag, size);
		return true;
	case TAG_ACPI_OLD:
		if (mbi->rsdp)
			return true;
		/* fall through - without a newer one the old one will do */
	case TAG_ACPI_NEW:
		mbi->rsdp = tag + TAG_HEADER_BYTES;
		mbi->rsdp_bytes = size - TAG_HEADER_BYTES;
		return true;
	case TAG_EFI32_TABLE:
	case TAG_EFI64_TABLE:
	case TAG_EFI_MEMORY_MAP:
		mbi->efi = true;
		return true;
	default:
		return true;
	}
}

bool mbi_parse(const void *info, size_t limit, struct mbi *mbi, struct boot_error *error)
{
	const uint8_t *base = info;
	uint32_t offset = TAG_HEADER_BYTES;

	memset(mbi, 0, sizeof(*mbi));
	mbi->command_line = "";
	if (limit < TAG_HEADER_BYTES || le32(base) > limit || le32(base) < 2 * TAG_HEADER_BYTES)
		return text_fail(error, "the boot loader's information has a bad size");
	mbi->bytes = le32(base);
	while (mbi->bytes - offset >= TAG_HEADER_BYTES) {
		uint32_t size = le32(base + offset + 4);

		if (size < TAG_HEADER_BYTES || size > mbi->bytes - offset)
			return text_fail(error, "the boot loader's information has a tag of %u bytes at offset %u",
					 size, offset);
		if (le32(base + offset) == TAG_END)
			return true;
		if (!mbi_tag_read(mbi, base + offset, size, error))
			return false;
		size = (size + 7u) & ~7u;
		if (size > mbi->bytes - offset)
			break;
		offset += size;
	}
	return text_fail(error, "the boot loader's information has no end tag");
}

struct mbi_map_entry mbi_map_get(const struct mbi *mbi, uint32_t index)
{
	const uint8_t *entry = mbi->map + (size_t)index * mbi->map_entry_bytes;
	struct mbi_map_entry result = {.base = le64(entry), .bytes = le64(entry + 8), .type = le32(entry + 16)};

	return result;
}
