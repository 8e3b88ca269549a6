/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * target.c - reads the executable that is to be updated: see target.h.
 */
#include "target.h"

#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096u

static uint64_t round_up(uint64_t n)
{
	return (n + PAGE - 1) / PAGE * PAGE;
}

static void target_add_symbol(struct target *t, const char *name, const GElf_Sym *sym)
{
	struct target_symbol *s;
	unsigned int type = GELF_ST_TYPE(sym->st_info);

	t->symbol = must_grow(t->symbol, t->symbol_count + 1, sizeof(*t->symbol));
	s = &t->symbol[t->symbol_count++];
	s->name = must_copy(name);
	s->address = sym->st_value;
	s->size = sym->st_size;
	s->kind = type == STT_FUNC ? SYMBOL_FUNCTION : type == STT_OBJECT ? SYMBOL_OBJECT : SYMBOL_OTHER;
	s->is_global = GELF_ST_BIND(sym->st_info) != STB_LOCAL;
	s->is_update = false;
}

static void target_read_symbols(struct target *t, Elf *elf, Elf_Scn *scn, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t count = header->sh_entsize ? header->sh_size / header->sh_entsize : 0;

	for (size_t i = 1; data && i < count; i++) {
		GElf_Sym sym;
		const char *name;
		unsigned int type;

		if (!gelf_getsym(data, (int)i, &sym))
			continue;
		name = elf_strptr(elf, header->sh_link, sym.st_name);
		type = GELF_ST_TYPE(sym.st_info);
		if (!name || !*name || sym.st_shndx == SHN_UNDEF || sym.st_shndx == SHN_ABS)
			continue;
		/* A thread-local symbol has no address; section and file symbols have no use. */
		if (type != STT_FUNC && type != STT_OBJECT && type != STT_NOTYPE)
			continue;
		target_add_symbol(t, name, &sym);
	}
}

/** Finds the slots of R_X86_64_JUMP_SLOT and R_X86_64_GLOB_DAT relocations. */
static void target_read_imports(struct target *t, Elf *elf, Elf_Scn *scn, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	Elf_Scn *symbols = elf_getscn(elf, header->sh_link);
	Elf_Data *symbol_data = symbols ? elf_getdata(symbols, NULL) : NULL;
	size_t count = header->sh_entsize ? header->sh_size / header->sh_entsize : 0;
	GElf_Shdr symbol_header;

	if (!data || !symbol_data || !gelf_getshdr(symbols, &symbol_header))
		return;
	for (size_t i = 0; i < count; i++) {
		GElf_Rela rela;
		GElf_Sym sym;
		const char *name;
		unsigned int type;

		if (!gelf_getrela(data, (int)i, &rela))
			continue;
		type = (unsigned int)GELF_R_TYPE(rela.r_info);
		if ((type != R_X86_64_JUMP_SLOT && type != R_X86_64_GLOB_DAT) ||
		    !gelf_getsym(symbol_data, (int)GELF_R_SYM(rela.r_info), &sym))
			continue;
		name = elf_strptr(elf, symbol_header.sh_link, sym.st_name);
		/* A slot for one of the executable's own symbols is of no interest: that has an address. */
		if (!name || !*name || sym.st_shndx != SHN_UNDEF || GELF_ST_TYPE(sym.st_info) == STT_OBJECT ||
		    target_find_import(t, name))
			continue;
		t->import = must_grow(t->import, t->import_count + 1, sizeof(*t->import));
		t->import[t->import_count++] = (struct target_import){must_copy(name), rela.r_offset};
	}
}

static void target_read_dynamic(const struct target *t, Elf_Scn *scn, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t count = header->sh_entsize ? header->sh_size / header->sh_entsize : 0;

	for (size_t i = 0; data && i < count; i++) {
		GElf_Dyn dyn;

		if (!gelf_getdyn(data, (int)i, &dyn))
			continue;
		if (dyn.d_tag == DT_TEXTREL || (dyn.d_tag == DT_FLAGS && dyn.d_un.d_val & DF_TEXTREL))
			fail(EXIT_TARGET, "%s has relocations in its code: what runs is not what is in the file",
			     t->path);
	}
}

/** Looks for a build-id among notes. */
static bool target_read_note(const char *path, Elf_Data *data, uint8_t build_id[TARGET_BUILD_ID_SIZE])
{
	size_t offset = 0;
	size_t name;
	size_t content;
	GElf_Nhdr note;

	while (data && (offset = gelf_getnote(data, offset, &note, &name, &content)) > 0) {
		if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != 4 ||
		    memcmp((const uint8_t *)data->d_buf + name, "GNU", 4) != 0)
			continue;
		if (note.n_descsz != TARGET_BUILD_ID_SIZE)
			fail(EXIT_TARGET, "%s has a build-id of %u bytes; only those of %d (SHA-1) can be used", path,
			     note.n_descsz, TARGET_BUILD_ID_SIZE);
		memcpy(build_id, (const uint8_t *)data->d_buf + content, TARGET_BUILD_ID_SIZE);
		return true;
	}
	return false;
}

static void target_add_segment(struct target *t, const GElf_Phdr *p)
{
	if (p->p_offset > t->file.size || p->p_filesz > t->file.size - p->p_offset || p->p_filesz > p->p_memsz ||
	    p->p_vaddr + p->p_memsz < p->p_vaddr)
		fail(EXIT_TARGET, "%s is damaged: a segment lies outside of the file", t->path);
	t->segment = must_grow(t->segment, t->segment_count + 1, sizeof(*t->segment));
	t->segment[t->segment_count++] = (struct target_segment){.address = p->p_vaddr,
								 .file_bytes = p->p_filesz,
								 .memory_bytes = p->p_memsz,
								 .file_offset = p->p_offset,
								 .can_write = (p->p_flags & PF_W) != 0,
								 .can_execute = (p->p_flags & PF_X) != 0};
	if (t->segment_count == 1 || p->p_vaddr < t->base)
		t->base = p->p_vaddr / PAGE * PAGE;
	if (round_up(p->p_vaddr + p->p_memsz) > t->end)
		t->end = round_up(p->p_vaddr + p->p_memsz);
}

/** Finds the build-id in the note sections or, where there are no sections, in the note segments. */
static bool target_read_build_id(const char *path, Elf *elf, uint8_t build_id[TARGET_BUILD_ID_SIZE])
{
	Elf_Scn *scn = NULL;
	size_t count;

	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr h;

		if (gelf_getshdr(scn, &h) && h.sh_type == SHT_NOTE &&
		    target_read_note(path, elf_getdata(scn, NULL), build_id))
			return true;
	}
	if (elf_getphdrnum(elf, &count) != 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr p;

		if (gelf_getphdr(elf, (int)i, &p) && p.p_type == PT_NOTE &&
		    target_read_note(path,
				     elf_getdata_rawchunk(elf, (int64_t)p.p_offset, p.p_filesz,
							  p.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR),
				     build_id))
			return true;
	}
	return false;
}

static void target_read_segments(struct target *t, Elf *elf)
{
	size_t count;

	if (elf_getphdrnum(elf, &count) != 0)
		fail(EXIT_TARGET, "%s is damaged: %s", t->path, elf_errmsg(-1));
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr p;

		if (!gelf_getphdr(elf, (int)i, &p))
			fail(EXIT_TARGET, "%s is damaged: %s", t->path, elf_errmsg(-1));
		if (p.p_type == PT_LOAD)
			target_add_segment(t, &p);
		if (p.p_type == PT_GNU_RELRO)
			t->relro_end = round_up(p.p_vaddr + p.p_memsz);
	}
	if (t->segment_count == 0)
		fail(EXIT_TARGET, "%s has nothing that is loaded", t->path);
	if (!target_read_build_id(t->path, elf, t->build_id))
		fail(EXIT_TARGET,
		     "%s has no build-id, so an update could not be tied to it; link it with -Wl,--build-id", t->path);
}

static int target_compare(const void *a, const void *b)
{
	const struct target_symbol *x = a;
	const struct target_symbol *y = b;
	int order = strcmp(x->name, y->name);

	if (order != 0)
		return order;
	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	/* Of two that are the same, the one that says more comes first. */
	if (x->is_global != y->is_global)
		return x->is_global ? -1 : 1;
	return x->size != y->size ? (x->size > y->size ? -1 : 1) : 0;
}

static void target_sort_symbols(struct target *t)
{
	size_t kept = 0;

	if (t->symbol_count == 0)
		return;
	qsort(t->symbol, t->symbol_count, sizeof(*t->symbol), target_compare);
	for (size_t i = 0; i < t->symbol_count; i++) {
		if (kept > 0 && strcmp(t->symbol[kept - 1].name, t->symbol[i].name) == 0 &&
		    t->symbol[kept - 1].address == t->symbol[i].address)
			free(t->symbol[i].name);
		else
			t->symbol[kept++] = t->symbol[i];
	}
	t->symbol_count = kept;
}

static void target_read_sections(struct target *t, Elf *elf)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr header;

		if (!gelf_getshdr(scn, &header))
			continue;
		if (header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM)
			target_read_symbols(t, elf, scn, &header);
		else if (header.sh_type == SHT_RELA && header.sh_flags & SHF_ALLOC)
			target_read_imports(t, elf, scn, &header);
		else if (header.sh_type == SHT_DYNAMIC)
			target_read_dynamic(t, scn, &header);
	}
}

/** Adds the symbols of a second file, after making sure that it is of the same build. */
static void target_read_symbol_file(struct target *t, const char *path)
{
	uint8_t build_id[TARGET_BUILD_ID_SIZE];
	struct buffer file = file_read(path, EXIT_TARGET);
	Elf *elf = elf_memory((char *)file.data, file.size);
	Elf_Scn *scn = NULL;

	if (!elf || elf_kind(elf) != ELF_K_ELF)
		fail(EXIT_TARGET, "--symbols %s: this is not an ELF file", path);
	if (!target_read_build_id(path, elf, build_id) || memcmp(build_id, t->build_id, sizeof(build_id)) != 0)
		fail(EXIT_TARGET, "--symbols %s: this file is not of the same build as %s", path, t->path);
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr header;

		if (gelf_getshdr(scn, &header) && header.sh_type == SHT_SYMTAB)
			target_read_symbols(t, elf, scn, &header);
	}
	elf_end(elf);
	buffer_free(&file);
}

/** The name that the running process will have: that of the file behind symbolic links. */
static void target_set_name(struct target *t)
{
	char *real = realpath(t->path, NULL);
	const char *base = real ? strrchr(real, '/') : NULL;

	base = base ? base + 1 : t->path;
	if (strlen(base) >= sizeof(t->name))
		fail(EXIT_TARGET, "the name %s is longer than %zu characters; give --target-name", base,
		     sizeof(t->name) - 1);
	memcpy(t->name, base, strlen(base) + 1);
	free(real);
}

void target_open(struct target *t, const char *path, const char *symbols)
{
	GElf_Ehdr header;
	Elf *elf;

	*t = (struct target){.path = path};
	t->file = file_read(path, EXIT_TARGET);
	target_set_name(t);
	if (elf_version(EV_CURRENT) == EV_NONE)
		fail(EXIT_SYSTEM, "libelf is too old");
	elf = elf_memory((char *)t->file.data, t->file.size);
	if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header))
		fail(EXIT_TARGET, "%s is not an ELF file", path);
	if (header.e_machine != EM_X86_64 || gelf_getclass(elf) != ELFCLASS64)
		fail(EXIT_TARGET, "%s is not an x86-64 program", path);
	if (header.e_type != ET_EXEC && header.e_type != ET_DYN)
		fail(EXIT_TARGET, "%s is not an executable", path);
	t->is_pie = header.e_type == ET_DYN;
	target_read_segments(t, elf);
	target_read_sections(t, elf);
	elf_end(elf);
	if (symbols)
		target_read_symbol_file(t, symbols);
	target_sort_symbols(t);
	if (t->symbol_count == 0)
		fail(EXIT_TARGET, "%s is stripped and has no dynamic symbols; give a file that has them with --symbols",
		     path);
}

const struct target_symbol *target_find(const struct target *t, const char *name)
{
	const struct target_symbol *local = NULL;
	size_t low = 0;
	size_t high = t->symbol_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(t->symbol[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = low; i < t->symbol_count && strcmp(t->symbol[i].name, name) == 0; i++)
		if (t->symbol[i].is_global)
			return &t->symbol[i];
	for (size_t i = low; i < t->symbol_count && strcmp(t->symbol[i].name, name) == 0; i++) {
		if (local)
			fail(EXIT_TARGET,
			     "%s has several local symbols %s (at 0x%llx and 0x%llx): the name is ambiguous", t->path,
			     name, (unsigned long long)local->address, (unsigned long long)t->symbol[i].address);
		local = &t->symbol[i];
	}
	return local;
}

const struct target_import *target_find_import(const struct target *t, const char *name)
{
	for (size_t i = 0; i < t->import_count; i++)
		if (strcmp(t->import[i].name, name) == 0)
			return &t->import[i];
	return NULL;
}

void target_add_update_symbol(struct target *t, const char *name, uint64_t address, uint64_t size, bool is_function)
{
	struct target_symbol *s = NULL;

	/* Not target_find: several local symbols of that name are nobody's fault here. */
	for (size_t i = 0; i < t->symbol_count; i++) {
		if (strcmp(t->symbol[i].name, name) != 0)
			continue;
		if (t->symbol[i].kind == SYMBOL_FUNCTION && !t->symbol[i].is_update)
			return;
		s = &t->symbol[i];
	}
	if (!s) {
		t->symbol = must_grow(t->symbol, t->symbol_count + 1, sizeof(*t->symbol));
		s = &t->symbol[t->symbol_count++];
		s->name = must_copy(name);
	}
	s->address = address;
	s->size = size;
	s->kind = is_function ? SYMBOL_FUNCTION : SYMBOL_OBJECT;
	s->is_global = true;
	s->is_update = true;
	target_sort_symbols(t);
}

void target_add_update_region(struct target *t, const char *path, uint64_t address, uint64_t bytes, bool is_code)
{
	t->region = must_grow(t->region, t->region_count + 1, sizeof(*t->region));
	t->region[t->region_count++] =
	    (struct target_region){.path = path, .address = address, .bytes = bytes, .is_code = is_code};
	if (is_code)
		return;
	t->segment = must_grow(t->segment, t->segment_count + 1, sizeof(*t->segment));
	t->segment[t->segment_count++] =
	    (struct target_segment){.address = address, .memory_bytes = bytes, .can_write = true};
}

const struct target_region *target_find_region(const struct target *t, uint64_t address, uint64_t bytes)
{
	for (size_t i = 0; i < t->region_count; i++)
		if (address < t->region[i].address + t->region[i].bytes && t->region[i].address < address + bytes)
			return &t->region[i];
	return NULL;
}

bool target_patch(struct target *t, uint64_t address, const uint8_t *content, size_t bytes)
{
	const uint8_t *at = target_content(t, address, bytes, true);

	if (!at)
		return false;
	memcpy(t->file.data + (at - t->file.data), content, bytes);
	return true;
}

const uint8_t *target_content(const struct target *t, uint64_t address, uint64_t bytes, bool must_execute)
{
	for (size_t i = 0; i < t->segment_count; i++) {
		const struct target_segment *s = &t->segment[i];

		if (address >= s->address && address - s->address <= s->file_bytes &&
		    bytes <= s->file_bytes - (address - s->address) && (s->can_execute || !must_execute))
			return t->file.data + s->file_offset + (address - s->address);
	}
	return NULL;
}
