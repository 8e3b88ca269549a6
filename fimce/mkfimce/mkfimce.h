/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mkfimce.h - the parts of mkfimce, the host tool that makes FIMCE images (docs/image-format.md).
 */
#ifndef MKFIMCE_H
#define MKFIMCE_H

#include <ravelin/image.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/** Room for one message. */
struct mkfimce_error {
	char text[512]; /* a sentence that names the file and what is wrong, without newline */
};

/** Formats the message and returns false, so that a check can end with `return mkfimce_fail(...)`. */
bool mkfimce_fail(struct mkfimce_error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** A symbol of a segment, for the map. */
struct mkfimce_symbol {
	uint64_t address;
	uint64_t bytes;
	char *name;
};

/** An image under construction. Begin with mkfimce_image_begin, end with mkfimce_image_free. */
struct mkfimce_image {
	struct rv_image_header header;
	uint8_t *file; /* the finished image, header.image_bytes long */
	struct mkfimce_symbol *symbol; /* ascending by address */
	size_t symbol_count;
};

/** Sets the defaults: stack 32 KiB, no output, budget 1 s, no capabilities, no name. */
void mkfimce_image_begin(struct mkfimce_image *image);
void mkfimce_image_free(struct mkfimce_image *image);

/**
 * Applies one line "key=value" of a description. Keys:
 *
 *     name=TEXT           1 to 31 printable characters
 *     stack=BYTES         decimal or 0x hexadecimal, K or M behind it; rounded up to pages
 *     output=BYTES
 *     budget=TIME         with us, ms or s behind it
 *     capabilities=LIST   of target, revert, separated by commas
 *     range=KIND [ADDRESS BYTES]   KIND: text, data, heap (without numbers), fresh-rx, fresh-rw, old-rx; may be repeated
 *     pci=VENDOR:DEVICE [interrupt] [cleaned]   a PCI function, ids of four hexadecimal digits; may be repeated
 *     ports=FIRST[+COUNT] I/O ports; may be repeated
 *     gsi=NUMBER          an interrupt line of an IOAPIC; may be repeated
 *     target-name=TEXT    base name of the executable
 *     target-build-id=HEX 40 digits
 *
 * @return false with *e filled (without a place: the caller knows file and line)
 */
bool mkfimce_describe(struct mkfimce_image *image, const char *line, struct mkfimce_error *e);

/** Applies a whole description file. Empty lines and lines that begin with # are skipped. */
bool mkfimce_describe_file(struct mkfimce_image *image, const char *path, struct mkfimce_error *e);

/**
 * Reads an ELF executable that was linked with task.ld: fills segments, entry, load_bytes and, if a map is wanted, the
 * symbols; makes image->file. Everything that the description says must have been applied before. The result has passed
 * the manager's own checks. The same input gives the same bytes.
 */
bool mkfimce_read_elf(struct mkfimce_image *image, const char *path, bool want_symbols, struct mkfimce_error *e);

/** Reads and checks an image file. */
bool mkfimce_read_image(struct mkfimce_image *image, const char *path, struct mkfimce_error *e);

/** Writes the image to path, through a new file that replaces it at the end. */
bool mkfimce_write(const struct mkfimce_image *image, const char *path, struct mkfimce_error *e);

/** Prints all that the header says, and symbols under their segment if there are any. */
void mkfimce_print_map(const struct mkfimce_image *image, FILE *out);

/** SHA-256 of the image as 64 hexadecimal digits. */
void mkfimce_print_digest(const struct mkfimce_image *image, FILE *out);

/**
 * Links objects and the pillars with ld: task.ld and libpillars.a are taken from lib_dir, or if that is NULL from the
 * directory of this program or ../lib/ravelin beside it.
 *
 * @param output   path of the ELF file to be made
 * @param objects  count paths, handed to ld in this order, before the pillars
 */
bool mkfimce_link(const char *output, char *const *objects, size_t count, const char *lib_dir, struct mkfimce_error *e);

#endif
