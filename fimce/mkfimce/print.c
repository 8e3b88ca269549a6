/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * print.c - writes an image and says what is in it: see mkfimce.h.
 */
#include "mkfimce.h"

#include <crypto/crypto.h>
#include <ravelin/fimce.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool mkfimce_write(const struct mkfimce_image *image, const char *path, struct mkfimce_error *e)
{
	size_t room = strlen(path) + sizeof(".XXXXXX");
	char *temporary = malloc(room);
	bool ok = false;
	mode_t mask;
	int fd;

	if (!temporary)
		return mkfimce_fail(e, "out of memory");
	(void)snprintf(temporary, room, "%s.XXXXXX", path);
	fd = mkstemp(temporary);
	if (fd < 0) {
		mkfimce_fail(e, "%s: %s", path, strerror(errno));
		free(temporary);
		return false;
	}
	/* mkstemp makes a private file; an image is not secret. */
	mask = umask(0);
	(void)umask(mask);
	if (write(fd, image->file, image->header.image_bytes) == (ssize_t)image->header.image_bytes &&
	    fchmod(fd, 0666 & ~mask) == 0)
		ok = true;
	if (close(fd) != 0)
		ok = false;
	if (ok && rename(temporary, path) != 0)
		ok = false;
	if (!ok) {
		mkfimce_fail(e, "%s: %s", path, strerror(errno));
		(void)unlink(temporary);
	}
	free(temporary);
	return ok;
}

void mkfimce_print_digest(const struct mkfimce_image *image, FILE *out)
{
	uint8_t digest[RV_DIGEST_SIZE];

	rv_sha256_digest(image->file, image->header.image_bytes, digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		(void)fprintf(out, "%02x", digest[i]);
}

static void print_symbols(const struct mkfimce_image *image, uint64_t begin, uint64_t end, FILE *out)
{
	for (size_t i = 0; i < image->symbol_count; i++) {
		const struct mkfimce_symbol *s = &image->symbol[i];

		if (s->address >= begin && s->address < end)
			(void)fprintf(out, "    0x%016llx %8llu %s\n", (unsigned long long)s->address,
				      (unsigned long long)s->bytes, s->name);
	}
}

static void print_segments(const struct mkfimce_image *image, FILE *out)
{
	const struct rv_image_header *h = &image->header;

	(void)fprintf(out, "segment perm address            file bytes memory bytes symbol bytes\n");
	for (uint32_t i = 0; i < h->segment_count; i++) {
		const struct rv_image_segment *s = &h->segment[i];
		uint64_t begin = RV_FIMCE_LOAD + s->load_offset;
		uint64_t end = begin + s->load_bytes;
		uint64_t named = 0;

		for (size_t j = 0; j < image->symbol_count; j++) {
			if (image->symbol[j].address >= begin && image->symbol[j].address < end)
				named += image->symbol[j].bytes;
		}
		(void)fprintf(out, "%7u %c%c%c  0x%016llx %10u %12u %12llu\n", i, s->perm & RV_PERM_R ? 'r' : '-',
			      s->perm & RV_PERM_W ? 'w' : '-', s->perm & RV_PERM_X ? 'x' : '-',
			      (unsigned long long)begin, s->file_bytes, s->load_bytes, (unsigned long long)named);
		print_symbols(image, begin, end, out);
	}
}

static void print_grants(const struct rv_image_header *h, FILE *out)
{
	for (uint32_t i = 0; i < h->grant_count; i++) {
		const struct rv_grant *g = &h->grant[i];

		if (g->kind == RV_GRANT_PCI)
			(void)fprintf(out, "pci          %04x:%04x%s%s\n", g->first & 0xffff, g->first >> 16,
				      g->flags & RV_GRANT_INTERRUPT ? " interrupt" : "",
				      g->flags & RV_GRANT_CLEANED ? " cleaned" : "");
		else if (g->kind == RV_GRANT_PORTS)
			(void)fprintf(out, "ports        0x%x+%u\n", g->first, g->count);
		else
			(void)fprintf(out, "gsi          %u\n", g->first);
	}
}

void mkfimce_print_map(const struct mkfimce_image *image, FILE *out)
{
	static const char *const kinds[] = {"?", "text", "data", "heap", "fresh-rx", "fresh-rw", "old-rx"};
	const struct rv_image_header *h = &image->header;

	(void)fprintf(out, "digest       ");
	mkfimce_print_digest(image, out);
	(void)fprintf(out, "\nname         %s\nimage bytes  %u\nload bytes   %u\nstack bytes  %u\noutput bytes %u\n",
		      h->name, h->image_bytes, h->load_bytes, h->stack_bytes, h->output_bytes);
	(void)fprintf(out, "budget       %llu us\nentry        0x%016llx\ncapabilities%s%s%s%s\n",
		      (unsigned long long)h->budget_us, (unsigned long long)h->entry,
		      h->capabilities & RV_CAP_TARGET ? " target" : "",
		      h->capabilities & RV_CAP_REVERT ? " revert" : "",
		      h->capabilities & RV_CAP_DEVICE ? " device" : "", h->capabilities == 0 ? " none" : "");
	if (h->capabilities & RV_CAP_TARGET) {
		(void)fprintf(out, "target       %s build-id ", h->target_name);
		for (size_t i = 0; i < sizeof(h->target_build_id); i++)
			(void)fprintf(out, "%02x", h->target_build_id[i]);
		(void)fprintf(out, "\n");
	}
	for (uint32_t i = 0; i < h->range_count; i++)
		(void)fprintf(out, "range        %s 0x%llx %llu\n", kinds[h->range[i].kind],
			      (unsigned long long)h->range[i].address, (unsigned long long)h->range[i].bytes);
	print_grants(h, out);
	print_segments(image, out);
}
