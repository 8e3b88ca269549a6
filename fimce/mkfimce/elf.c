/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * elf.c - makes an image of an ELF executable: see mkfimce.h.
 */
#include "mkfimce.h"

#include "../manager/image_check.h"

#include <ravelin/fimce.h>

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** What the manager would say to this image in a FIMCE that has what it asks for, and a valid signature. */
static bool elf_check(const struct mkfimce_image *image, const char *path, struct mkfimce_error *e)
{
	struct rv_fimce_param param = {
	    .abi_version = RV_ABI_VERSION,
	    .load_bytes = image->header.load_bytes,
	    .stack_bytes = image->header.stack_bytes,
	    .output_bytes = image->header.output_bytes,
	    .target_count = image->header.capabilities & RV_CAP_TARGET ? 1 : 0,
	};
	struct rv_image_header h;
	struct refusal why;

	if (image_check(image->file, image->header.image_bytes, true, true, &param, &h, &why) == 0)
		return true;
	switch (why.reason) {
	case RV_REASON_IMAGE_SEGMENT:
		return mkfimce_fail(e, "%s: segment %llu is malformed or overlaps another", path,
				    (unsigned long long)why.value);
	case RV_REASON_IMAGE_ENTRY:
		return mkfimce_fail(e, "%s: the entry point 0x%llx is not in an executable segment", path,
				    (unsigned long long)why.value);
	default:
		break;
	}
	if (why.reason == RV_REASON_IMAGE_FIELD && why.value == offsetof(struct rv_image_header, name))
		return mkfimce_fail(e, "%s: the image has no name: give --name", path);
	if (why.reason == RV_REASON_DEVICE_GRANT)
		return mkfimce_fail(e, "%s: device %llu is malformed or overlaps another", path,
				    (unsigned long long)why.value);
	if (why.reason == RV_REASON_IMAGE_FIELD && why.value == offsetof(struct rv_image_header, capabilities) &&
	    image->header.capabilities & RV_CAP_DEVICE)
		return mkfimce_fail(e, "%s: an image has devices, or the capability target, but never both", path);
	if (why.reason == RV_REASON_IMAGE_FIELD && why.value == offsetof(struct rv_image_header, capabilities))
		return mkfimce_fail(e, "%s: the capability revert needs the capability target", path);
	if (why.reason == RV_REASON_IMAGE_FIELD && why.value >= offsetof(struct rv_image_header, range_count))
		return mkfimce_fail(
		    e,
		    "%s: ranges, target-name or target-build-id do not fit: they go with the capability "
		    "target, which needs a target-name, and addresses end below 2^47",
		    path);
	return mkfimce_fail(e, "%s: the manager would refuse this image: reason %u, value 0x%llx", path, why.reason,
			    (unsigned long long)why.value);
}

/** Adds one loadable segment of the ELF file to the header. */
static bool elf_add_segment(struct mkfimce_image *image, const GElf_Phdr *p, size_t elf_bytes, const char *path,
			    struct mkfimce_error *e)
{
	struct rv_image_header *h = &image->header;
	struct rv_image_segment *s = &h->segment[h->segment_count];
	uint64_t end;

	if (p->p_vaddr < RV_FIMCE_LOAD || p->p_vaddr - RV_FIMCE_LOAD >= RV_FIMCE_MAX_LOAD ||
	    p->p_memsz > RV_FIMCE_MAX_LOAD - (p->p_vaddr - RV_FIMCE_LOAD))
		return mkfimce_fail(e,
				    "%s: the segment at 0x%llx (0x%llx bytes) is not inside the load area 0x%llx to "
				    "0x%llx; link with task.ld",
				    path, (unsigned long long)p->p_vaddr, (unsigned long long)p->p_memsz,
				    (unsigned long long)RV_FIMCE_LOAD,
				    (unsigned long long)RV_FIMCE_LOAD + RV_FIMCE_MAX_LOAD);
	if (p->p_vaddr % RV_PAGE_SIZE != 0)
		return mkfimce_fail(e, "%s: the segment at 0x%llx does not begin at a page", path,
				    (unsigned long long)p->p_vaddr);
	if (p->p_flags & PF_W && p->p_flags & PF_X)
		return mkfimce_fail(e, "%s: the segment at 0x%llx is both writable and executable", path,
				    (unsigned long long)p->p_vaddr);
	if (p->p_filesz > p->p_memsz || p->p_offset > elf_bytes || p->p_filesz > elf_bytes - p->p_offset)
		return mkfimce_fail(e, "%s: the segment at 0x%llx goes beyond the end of the file", path,
				    (unsigned long long)p->p_vaddr);
	if (h->segment_count == RV_IMAGE_MAX_SEGMENTS)
		return mkfimce_fail(e, "%s: it has more than %u segments", path, RV_IMAGE_MAX_SEGMENTS);
	s->file_offset = h->image_bytes;
	s->file_bytes = (uint32_t)p->p_filesz;
	s->load_offset = (uint32_t)(p->p_vaddr - RV_FIMCE_LOAD);
	s->load_bytes = (uint32_t)p->p_memsz;
	s->perm = RV_PERM_R;
	if (p->p_flags & PF_W)
		s->perm |= RV_PERM_W;
	if (p->p_flags & PF_X)
		s->perm |= RV_PERM_X;
	end = s->load_offset + (uint64_t)image_segment_pages(s) * RV_PAGE_SIZE;
	if (end > h->load_bytes)
		h->load_bytes = (uint32_t)end;
	h->image_bytes += s->file_bytes;
	h->segment_count++;
	return true;
}

/** Walks the program headers; where[i] becomes the file offset of segment i. */
static bool elf_add_segments(struct mkfimce_image *image, Elf *elf, size_t elf_bytes, size_t *where, const char *path,
			     struct mkfimce_error *e)
{
	size_t count;

	if (elf_getphdrnum(elf, &count) != 0)
		return mkfimce_fail(e, "%s: %s", path, elf_errmsg(-1));
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr p;

		if (!gelf_getphdr(elf, (int)i, &p))
			return mkfimce_fail(e, "%s: %s", path, elf_errmsg(-1));
		switch (p.p_type) {
		case PT_LOAD:
			if (p.p_memsz == 0)
				break;
			if (!elf_add_segment(image, &p, elf_bytes, path, e))
				return false;
			where[image->header.segment_count - 1] = p.p_offset;
			break;
		case PT_DYNAMIC:
		case PT_INTERP:
			return mkfimce_fail(e, "%s: it is dynamically linked; link with -static and task.ld", path);
		case PT_TLS:
			return mkfimce_fail(
			    e, "%s: it has thread-local data; a FIMCE has one thread and no place for it", path);
		default:
			break;
		}
	}
	if (image->header.segment_count == 0)
		return mkfimce_fail(e, "%s: it has nothing to load", path);
	return true;
}

static int elf_compare_symbols(const void *a, const void *b)
{
	const struct mkfimce_symbol *x = a;
	const struct mkfimce_symbol *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return strcmp(x->name, y->name);
}

static bool elf_add_symbol(struct mkfimce_image *image, const GElf_Sym *s, const char *name, struct mkfimce_error *e)
{
	struct mkfimce_symbol *more;

	more = reallocarray(image->symbol, image->symbol_count + 1, sizeof(*more));
	if (!more)
		return mkfimce_fail(e, "out of memory");
	image->symbol = more;
	more += image->symbol_count;
	more->address = s->st_value;
	more->bytes = s->st_size;
	more->name = strdup(name);
	if (!more->name)
		return mkfimce_fail(e, "out of memory");
	image->symbol_count++;
	return true;
}

static bool elf_read_symbols(struct mkfimce_image *image, Elf *elf, struct mkfimce_error *e)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(elf, section)) != NULL) {
		GElf_Shdr header;
		Elf_Data *data;

		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_SYMTAB || header.sh_entsize == 0)
			continue;
		data = elf_getdata(section, NULL);
		for (size_t i = 0; data && i < header.sh_size / header.sh_entsize; i++) {
			GElf_Sym s;
			const char *name;

			if (!gelf_getsym(data, (int)i, &s) || s.st_size == 0)
				continue;
			name = elf_strptr(elf, header.sh_link, s.st_name);
			if (name && !elf_add_symbol(image, &s, name, e))
				return false;
		}
	}
	if (image->symbol_count > 0)
		qsort(image->symbol, image->symbol_count, sizeof(image->symbol[0]), elf_compare_symbols);
	return true;
}

static bool elf_build(struct mkfimce_image *image, Elf *elf, const char *path, bool want_symbols,
		      struct mkfimce_error *e)
{
	struct rv_image_header *h = &image->header;
	size_t where[RV_IMAGE_MAX_SEGMENTS] = {0};
	size_t elf_bytes;
	const char *raw;
	GElf_Ehdr header;

	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header))
		return mkfimce_fail(e, "%s: it is not an ELF file", path);
	if (gelf_getclass(elf) != ELFCLASS64 || header.e_machine != EM_X86_64)
		return mkfimce_fail(e, "%s: it is not for x86-64", path);
	if (header.e_type == ET_REL)
		return mkfimce_fail(e, "%s: it is an object file; use --link to link it with the pillars", path);
	if (header.e_type != ET_EXEC)
		return mkfimce_fail(e, "%s: it is no executable with fixed addresses; link with -static and task.ld",
				    path);
	raw = elf_rawfile(elf, &elf_bytes);
	if (!raw)
		return mkfimce_fail(e, "%s: %s", path, elf_errmsg(-1));
	h->image_bytes = sizeof(*h);
	h->entry = header.e_entry;
	if (!elf_add_segments(image, elf, elf_bytes, where, path, e))
		return false;
	image->file = calloc(1, h->image_bytes);
	if (!image->file)
		return mkfimce_fail(e, "out of memory");
	memcpy(image->file, h, sizeof(*h));
	for (uint32_t i = 0; i < h->segment_count; i++)
		memcpy(image->file + h->segment[i].file_offset, raw + where[i], h->segment[i].file_bytes);
	if (want_symbols && !elf_read_symbols(image, elf, e))
		return false;
	return elf_check(image, path, e);
}

bool mkfimce_read_elf(struct mkfimce_image *image, const char *path, bool want_symbols, struct mkfimce_error *e)
{
	Elf *elf;
	bool ok;
	int fd;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return mkfimce_fail(e, "libelf: %s", elf_errmsg(-1));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return mkfimce_fail(e, "%s: %s", path, strerror(errno));
	elf = elf_begin(fd, ELF_C_READ, NULL);
	ok = elf ? elf_build(image, elf, path, want_symbols, e) : mkfimce_fail(e, "%s: %s", path, elf_errmsg(-1));
	(void)elf_end(elf);
	(void)close(fd);
	return ok;
}

bool mkfimce_read_image(struct mkfimce_image *image, const char *path, struct mkfimce_error *e)
{
	FILE *f = fopen(path, "rb");
	struct rv_image_header *h = &image->header;
	struct stat st;
	bool ok = false;

	if (!f)
		return mkfimce_fail(e, "%s: %s", path, strerror(errno));
	if (fstat(fileno(f), &st) != 0)
		mkfimce_fail(e, "%s: %s", path, strerror(errno));
	else if (st.st_size < (off_t)sizeof(*h) || st.st_size > (off_t)RV_FIMCE_MAX_INPUT)
		mkfimce_fail(e, "%s: it is too small or too large for an image: %lld bytes", path,
			     (long long)st.st_size);
	else if (!(image->file = malloc((size_t)st.st_size)))
		mkfimce_fail(e, "out of memory");
	else if (fread(image->file, (size_t)st.st_size, 1, f) != 1)
		mkfimce_fail(e, "%s: cannot be read", path);
	else
		ok = true;
	(void)fclose(f);
	if (!ok)
		return false;
	memcpy(h, image->file, sizeof(*h));
	if (h->magic != RV_IMAGE_MAGIC)
		return mkfimce_fail(e, "%s: it is not a FIMCE image", path);
	if (h->image_bytes != (uint64_t)st.st_size)
		return mkfimce_fail(e, "%s: it has %lld bytes, its header says %u", path, (long long)st.st_size,
				    h->image_bytes);
	return elf_check(image, path, e);
}
