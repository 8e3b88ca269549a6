/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * code.c - compiles and links new code: see code.h.
 *
 * The new code is linked as a position-independent program of its own that has the old executable inside, as an empty
 * section at the old addresses with the old symbols in it. So every reference to old code and data, new or old, is a
 * distance that stays right wherever the target was loaded, and what is left are relative relocations: words that the load
 * bias must be added to.
 */
#include "code.h"

#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096u

/** Names that the inputs need and do not define. */
struct names {
	char **name;
	size_t count;
};

static const char *const compile_options[] = {
    "-O2",
    "-g0",
    "-fpie",
    "-mcmodel=small",
    "-ffunction-sections",
    "-fno-stack-protector",
    "-fno-asynchronous-unwind-tables",
    "-fcf-protection=none",
    "-fno-common",
    "-fno-semantic-interposition",
    "-Wall",
};

/* FRESH and OLD are defined on the command line. */
static const char linker_script[] = "OUTPUT_FORMAT(elf64-x86-64)\n"
				    "PHDRS { all PT_LOAD FLAGS(7); dynamic PT_DYNAMIC; }\n"
				    "SECTIONS {\n"
				    "	.ravelin.old OLD (NOLOAD) : { *(.ravelin.old) } :NONE\n"
				    "	. = FRESH;\n"
				    "	.ravelin.rx : { *(.text .text.*) . = ALIGN(64); *(.rodata .rodata.*)\n"
				    "		*(.data.rel.ro .data.rel.ro.*) *(.got .got.plt) } :all\n"
				    "	. = ALIGN(4096);\n"
				    "	.ravelin.rw : { *(.data .data.*) *(.bss .bss.* COMMON) } :all\n"
				    "	. = ALIGN(4096);\n"
				    "	.dynamic : { *(.dynamic) } :all :dynamic\n"
				    "	.rela.dyn : { *(.rela.*) } :all\n"
				    "	.dynsym : { *(.dynsym) } .dynstr : { *(.dynstr) }\n"
				    "	.gnu.hash : { *(.gnu.hash) } .hash : { *(.hash) }\n"
				    "	/DISCARD/ : { *(.comment) *(.note .note.*) *(.eh_frame) *(.interp) }\n"
				    "}\n";

bool code_is_identifier(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

	return *name && !(*name >= '0' && *name <= '9') && strspn(name, letters) == strlen(name);
}

static bool has_suffix(const char *path, const char *suffix)
{
	size_t length = strlen(path);
	size_t size = strlen(suffix);

	return length > size && strcmp(path + length - size, suffix) == 0;
}

/** Compiles one input if it is source; returns the path of its object. */
static char *code_compile(const struct code_request *r, const char *input, size_t index)
{
	struct arguments a = {0};
	char *name;
	char *object;

	if (has_suffix(input, ".o"))
		return must_copy(input);
	if (!has_suffix(input, ".c") && !has_suffix(input, ".S"))
		fail(EXIT_USAGE, "--new %s: only .c, .S and .o files are known", input);
	name = must_print("new%zu.o", index);
	object = scratch_path(name);
	free(name);
	arguments_add(&a, r->compiler);
	for (size_t i = 0; i < sizeof(compile_options) / sizeof(compile_options[0]); i++)
		arguments_add(&a, compile_options[i]);
	for (size_t i = 0; i < r->options->count; i++)
		arguments_add(&a, r->options->word[i]);
	arguments_add(&a, "-c");
	arguments_add(&a, input);
	arguments_add(&a, "-o");
	arguments_add(&a, object);
	run_program(&a, EXIT_CODE, "cannot compile the new code");
	return object;
}

static Elf *code_open(const struct buffer *file, const char *path)
{
	GElf_Ehdr header;
	Elf *elf;

	if (elf_version(EV_CURRENT) == EV_NONE)
		fail(EXIT_SYSTEM, "libelf is too old");
	elf = elf_memory((char *)file->data, file->size);
	if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header) || header.e_machine != EM_X86_64)
		fail(EXIT_CODE, "%s is not an x86-64 object file", path);
	return elf;
}

/** Finds a section by type; its header is filled. */
static Elf_Scn *code_find_section(Elf *elf, uint32_t type, GElf_Shdr *header)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, header) && header->sh_type == type)
			return scn;
	return NULL;
}

static bool names_have(const struct names *n, const char *name)
{
	for (size_t i = 0; i < n->count; i++)
		if (strcmp(n->name[i], name) == 0)
			return true;
	return false;
}

static void names_add(struct names *n, const char *name)
{
	if (names_have(n, name))
		return;
	n->name = must_grow(n->name, n->count + 1, sizeof(*n->name));
	n->name[n->count++] = must_copy(name);
}

/** Refuses sections that would need run-time support that the target will not give. */
static void code_check_sections(Elf *elf, const char *path)
{
	size_t strings;
	Elf_Scn *scn = NULL;

	if (elf_getshdrstrndx(elf, &strings) != 0)
		fail(EXIT_CODE, "%s is damaged: %s", path, elf_errmsg(-1));
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr h;
		const char *name;

		if (!gelf_getshdr(scn, &h) || !(name = elf_strptr(elf, strings, h.sh_name)) || h.sh_size == 0 ||
		    !(h.sh_flags & SHF_ALLOC))
			continue;
		if (h.sh_flags & SHF_TLS)
			fail(EXIT_CODE, "%s has thread-local variables, which new code cannot have", path);
		if (h.sh_type == SHT_INIT_ARRAY || h.sh_type == SHT_FINI_ARRAY || strncmp(name, ".ctors", 6) == 0)
			fail(EXIT_CODE, "%s has constructors or destructors, which nobody would call", path);
	}
}

/** Collects what an object defines and what it needs. */
static void code_read_object(const char *path, struct names *defined, struct names *needed)
{
	struct buffer file = file_read(path, EXIT_CODE);
	Elf *elf = code_open(&file, path);
	GElf_Shdr header;
	Elf_Scn *scn = code_find_section(elf, SHT_SYMTAB, &header);
	Elf_Data *data = scn ? elf_getdata(scn, NULL) : NULL;

	if (!data)
		fail(EXIT_CODE, "%s has no symbols", path);
	code_check_sections(elf, path);
	for (size_t i = 1; i < header.sh_size / header.sh_entsize; i++) {
		GElf_Sym sym;
		const char *name;

		if (!gelf_getsym(data, (int)i, &sym) || !(name = elf_strptr(elf, header.sh_link, sym.st_name)) ||
		    !*name || GELF_ST_BIND(sym.st_info) == STB_LOCAL)
			continue;
		if (sym.st_shndx != SHN_UNDEF)
			names_add(defined, name);
		else if (GELF_ST_TYPE(sym.st_info) == STT_TLS)
			fail(EXIT_CODE, "%s uses the thread-local variable %s, which new code cannot reach", path,
			     name);
		else if (strcmp(name, "_GLOBAL_OFFSET_TABLE_") != 0)
			names_add(needed, name);
	}
	elf_end(elf);
	buffer_free(&file);
}

/**
 * Writes the assembler file that stands for the old executable: its symbols at their addresses, and for each function
 * that it imports a jump through its own global offset table.
 */
static char *code_write_old(const struct code_request *r, const struct names *defined, const struct names *needed)
{
	const struct target *t = r->target;
	struct buffer b = {0};
	char *source = scratch_path("old.S");
	char *object = scratch_path("old.o");
	struct arguments a = {0};

	buffer_print(&b, ".section .ravelin.old,\"aw\",@nobits\nravelin_old: .space 0x%llx\n",
		     (unsigned long long)(t->end - t->base));
	for (size_t i = 0; i < needed->count; i++) {
		const char *name = needed->name[i];
		const struct target_symbol *s;
		const struct target_import *import;

		if (names_have(defined, name))
			continue;
		s = target_find(t, name);
		import = target_find_import(t, name);
		if (s)
			buffer_print(&b,
				     ".globl \"%s\"\n.hidden \"%s\"\n.set \"%s\", ravelin_old + 0x%llx\n"
				     ".type \"%s\", %s\n",
				     name, name, name, (unsigned long long)(s->address - t->base), name,
				     s->kind == SYMBOL_FUNCTION ? "@function" : "@object");
		else if (import)
			buffer_print(&b,
				     ".section .text.import,\"ax\",@progbits\n.globl \"%s\"\n.hidden \"%s\"\n"
				     ".type \"%s\", @function\n"
				     "\"%s\": jmp *(ravelin_old + 0x%llx)(%%rip)\n"
				     ".section .ravelin.old\n",
				     name, name, name, name, (unsigned long long)(import->slot - t->base));
		else
			fail(EXIT_CODE,
			     "the new code needs %s, which is neither in the new code, nor a symbol of %s, nor a "
			     "function "
			     "that it imports",
			     name, t->path);
	}
	buffer_print(&b, ".section .note.GNU-stack,\"\",@progbits\n");
	file_write(source, b.data, b.size, 0600);
	buffer_free(&b);
	arguments_add(&a, r->compiler);
	arguments_add(&a, "-c");
	arguments_add(&a, source);
	arguments_add(&a, "-o");
	arguments_add(&a, object);
	run_program(&a, EXIT_CODE, "cannot assemble the old symbols");
	return object;
}

static char *code_link(const struct code_request *r, char *const *object, size_t object_count, const char *old)
{
	char *script = scratch_path("new.ld");
	char *output = scratch_path("new.elf");
	struct arguments a = {0};

	file_write(script, linker_script, sizeof(linker_script) - 1, 0600);
	arguments_add(&a, "ld");
	arguments_add(&a, "-m");
	arguments_add(&a, "elf_x86_64");
	arguments_add(&a, "-pie");
	arguments_add(&a, "--no-dynamic-linker");
	arguments_add(&a, "-Bsymbolic");
	arguments_add(&a, "-z");
	arguments_add(&a, "norelro");
	arguments_add(&a, "-z");
	arguments_add(&a, "noexecstack");
	arguments_add(&a, "-z");
	arguments_add(&a, "text");
	arguments_add(&a, "-z");
	arguments_add(&a, "max-page-size=4096");
	arguments_add(&a, "--no-warn-rwx-segments");
	arguments_add(&a, "--build-id=none");
	arguments_add(&a, "--fatal-warnings");
	arguments_add(&a, "-e");
	arguments_add(&a, "0");
	arguments_print(&a, "--defsym=OLD=0x%llx", (unsigned long long)r->target->base);
	arguments_print(&a, "--defsym=FRESH=0x%llx", (unsigned long long)r->address);
	arguments_add(&a, "-T");
	arguments_add(&a, script);
	arguments_add(&a, "-o");
	arguments_add(&a, output);
	for (size_t i = 0; i < object_count; i++)
		arguments_add(&a, object[i]);
	arguments_add(&a, old);
	run_program(&a, EXIT_CODE, "cannot link the new code");
	return output;
}

/** Takes the content of an output section. */
static void code_read_region(Elf *elf, const char *wanted, struct code_region *region)
{
	size_t strings;
	Elf_Scn *scn = NULL;

	if (elf_getshdrstrndx(elf, &strings) != 0)
		fail(EXIT_CODE, "the linker's output is damaged: %s", elf_errmsg(-1));
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr h;
		Elf_Data *data;
		const char *name;

		if (!gelf_getshdr(scn, &h) || !(name = elf_strptr(elf, strings, h.sh_name)) ||
		    strcmp(name, wanted) != 0 || h.sh_size == 0)
			continue;
		region->address = h.sh_addr;
		region->bytes = (h.sh_size + PAGE - 1) / PAGE * PAGE;
		data = elf_getdata(scn, NULL);
		if (h.sh_type != SHT_NOBITS && data && data->d_buf)
			buffer_add(&region->content, data->d_buf, data->d_size);
	}
}

static bool code_add_fixup(struct code_region *region, uint64_t address, uint64_t value)
{
	uint64_t offset = address - region->address;
	static const uint8_t zeros[8];

	if (region->bytes == 0 || address < region->address || offset > region->bytes - 8)
		return false;
	while (region->content.size < offset + 8)
		buffer_add(&region->content, zeros, 1);
	for (unsigned int i = 0; i < 8; i++)
		region->content.data[offset + i] = (uint8_t)(value >> (8 * i));
	region->fixup = must_grow(region->fixup, region->fixup_count + 1, sizeof(*region->fixup));
	region->fixup[region->fixup_count++] = offset;
	return true;
}

/** Turns the relocations that are left into fixups. */
static void code_read_relocations(Elf *elf, struct code *code)
{
	GElf_Shdr h;
	Elf_Scn *scn = code_find_section(elf, SHT_RELA, &h);
	Elf_Data *data = scn ? elf_getdata(scn, NULL) : NULL;

	for (size_t i = 0; data && h.sh_entsize && i < h.sh_size / h.sh_entsize; i++) {
		GElf_Rela rela;

		if (!gelf_getrela(data, (int)i, &rela))
			fail(EXIT_CODE, "the linker's output is damaged: %s", elf_errmsg(-1));
		if (GELF_R_TYPE(rela.r_info) == R_X86_64_NONE)
			continue;
		if (GELF_R_TYPE(rela.r_info) != R_X86_64_RELATIVE)
			fail(EXIT_CODE,
			     "the new code needs a relocation of type %u, which cannot be done in a running program",
			     (unsigned int)GELF_R_TYPE(rela.r_info));
		if (!code_add_fixup(&code->rx, rela.r_offset, (uint64_t)rela.r_addend) &&
		    !code_add_fixup(&code->rw, rela.r_offset, (uint64_t)rela.r_addend))
			fail(EXIT_CODE, "the linker left a relocation outside of the new code, at 0x%llx",
			     (unsigned long long)rela.r_offset);
	}
}

static int code_compare_offsets(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void code_finish_region(struct code_region *region)
{
	if (region->fixup_count > 0)
		qsort(region->fixup, region->fixup_count, sizeof(*region->fixup), code_compare_offsets);
	for (size_t i = 1; i < region->fixup_count; i++)
		if (region->fixup[i] - region->fixup[i - 1] < 8)
			fail(EXIT_CODE, "the linker's relocations overlap at 0x%llx",
			     (unsigned long long)region->address + region->fixup[i]);
	while (region->content.size > 0 && region->content.data[region->content.size - 1] == 0 &&
	       (region->fixup_count == 0 || region->content.size > region->fixup[region->fixup_count - 1] + 8))
		region->content.size--;
}

static void code_read_symbols(Elf *elf, const struct names *defined, struct code *code)
{
	GElf_Shdr h;
	Elf_Scn *scn = code_find_section(elf, SHT_SYMTAB, &h);
	Elf_Data *data = scn ? elf_getdata(scn, NULL) : NULL;

	for (size_t i = 1; data && i < h.sh_size / h.sh_entsize; i++) {
		GElf_Sym sym;
		const char *name;

		if (!gelf_getsym(data, (int)i, &sym) || sym.st_shndx == SHN_UNDEF ||
		    !(name = elf_strptr(elf, h.sh_link, sym.st_name)) || !names_have(defined, name) ||
		    code_find(code, name))
			continue;
		code->symbol = must_grow(code->symbol, code->symbol_count + 1, sizeof(*code->symbol));
		code->symbol[code->symbol_count++] = (struct code_symbol){must_copy(name), sym.st_value, sym.st_size,
									  GELF_ST_TYPE(sym.st_info) == STT_FUNC};
	}
}

const struct code_symbol *code_find(const struct code *code, const char *name)
{
	for (size_t i = 0; i < code->symbol_count; i++)
		if (strcmp(code->symbol[i].name, name) == 0)
			return &code->symbol[i];
	return NULL;
}

void code_build(const struct code_request *r, struct code *code)
{
	struct names defined = {0};
	struct names needed = {0};
	char **object = must_alloc(r->input_count, sizeof(*object));
	struct buffer file;
	char *linked;
	Elf *elf;

	*code = (struct code){0};
	for (size_t i = 0; i < r->input_count; i++) {
		object[i] = code_compile(r, r->input[i], i);
		code_read_object(object[i], &defined, &needed);
	}
	linked = code_link(r, object, r->input_count, code_write_old(r, &defined, &needed));
	file = file_read(linked, EXIT_CODE);
	elf = code_open(&file, linked);
	code_read_region(elf, ".ravelin.rx", &code->rx);
	code_read_region(elf, ".ravelin.rw", &code->rw);
	if (r->rw_bytes > 0 && code->rw.bytes < r->rw_bytes) {
		if (code->rw.bytes == 0)
			code->rw.address = r->address + code->rx.bytes;
		code->rw.bytes = (r->rw_bytes + PAGE - 1) / PAGE * PAGE;
	}
	code_read_relocations(elf, code);
	code_finish_region(&code->rx);
	code_finish_region(&code->rw);
	code_read_symbols(elf, &defined, code);
	elf_end(elf);
	buffer_free(&file);
}
