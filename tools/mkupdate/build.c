/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * build.c - mkupdate build: see build.h.
 */
#include "build.h"

#include "code.h"
#include "earlier.h"
#include "envelope.h"
#include "key.h"
#include "plan.h"
#include "target.h"

#include <ravelin/abi.h>

#include <gelf.h>
#include <libelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE 4096u

/* The flags of FIMCE code, as the task's pillars are compiled. */
static const char *const fimce_options[] = {
    "-std=c11",
    "-O2",
    "-g0",
    "-Wall",
    "-Wextra",
    "-ffreestanding",
    "-fno-pic",
    "-mcmodel=kernel",
    "-mno-red-zone",
    "-fno-stack-protector",
    "-fno-asynchronous-unwind-tables",
    "-fcf-protection=none",
    "-m64",
    "-march=x86-64",
    "-ffunction-sections",
    "-fdata-sections",
};

/** What the update's own code defines. */
struct hooks {
	bool any;
	bool has_apply;
	bool has_revert;
};

/** Where mkfimce and the headers are: beside this program, or as installed. */
struct sdk {
	char *mkfimce;
	char *library; /* directory of task.ld and libpillars.a */
	char *include;
};

static bool sdk_try(struct sdk *s, const char *programs, const char *library)
{
	s->mkfimce = must_print("%s/mkfimce", programs);
	s->library = must_copy(library);
	s->include = must_print("%s/include", library);
	if (access(s->mkfimce, X_OK) == 0) {
		char *probe = must_print("%s/uih/uih.h", s->include);
		bool found = access(probe, R_OK) == 0;

		free(probe);
		if (found)
			return true;
	}
	free(s->mkfimce);
	free(s->library);
	free(s->include);
	return false;
}

static void sdk_find(struct sdk *s, const char *given)
{
	char self[PATH_MAX];
	ssize_t length;
	char *installed;

	if (given) {
		if (!sdk_try(s, given, given))
			fail(EXIT_SYSTEM, "--sdk %s: mkfimce and include/uih/uih.h are not both there", given);
		return;
	}
	length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (length <= 0)
		fail(EXIT_SYSTEM, "cannot tell where this program is; give --sdk");
	self[length] = '\0';
	*strrchr(self, '/') = '\0';
	installed = must_print("%s/../lib/ravelin", self);
	if (!sdk_try(s, self, self) && !sdk_try(s, self, installed))
		fail(EXIT_SYSTEM, "mkfimce and the update headers are neither in %s nor in %s; give --sdk", self,
		     installed);
	free(installed);
}

/** Compiles the update's own code, or the generated description. */
static char *build_compile(const struct build_request *r, const struct sdk *sdk, const char *source, const char *name)
{
	struct arguments a = {0};
	char *object = scratch_path(name);

	arguments_add(&a, r->compiler);
	for (size_t i = 0; i < sizeof(fimce_options) / sizeof(fimce_options[0]); i++)
		arguments_add(&a, fimce_options[i]);
	arguments_print(&a, "-I%s", sdk->include);
	for (size_t i = 0; i < r->options.count; i++)
		arguments_add(&a, r->options.word[i]);
	arguments_add(&a, "-c");
	arguments_add(&a, source);
	arguments_add(&a, "-o");
	arguments_add(&a, object);
	run_program(&a, EXIT_CODE, "cannot compile the update code");
	return object;
}

/** Looks which hooks an object defines. */
static struct hooks build_find_hooks(const char *object)
{
	static const char *const known[] = {"update_prepare", "update_apply", "update_self_check", "update_revert"};
	struct hooks hooks = {false, false, false};
	struct buffer file = file_read(object, EXIT_CODE);
	Elf_Scn *scn = NULL;
	Elf *elf;

	elf = elf_memory((char *)file.data, file.size);
	if (!elf || elf_kind(elf) != ELF_K_ELF)
		fail(EXIT_CODE, "%s is not an object file", object);
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr h;
		Elf_Data *data;

		if (!gelf_getshdr(scn, &h) || h.sh_type != SHT_SYMTAB || !(data = elf_getdata(scn, NULL)))
			continue;
		for (size_t i = 1; h.sh_entsize && i < h.sh_size / h.sh_entsize; i++) {
			GElf_Sym sym;
			const char *name;

			if (!gelf_getsym(data, (int)i, &sym) || sym.st_shndx == SHN_UNDEF ||
			    GELF_ST_BIND(sym.st_info) == STB_LOCAL || !(name = elf_strptr(elf, h.sh_link, sym.st_name)))
				continue;
			for (size_t j = 0; j < sizeof(known) / sizeof(known[0]); j++)
				hooks.any |= strcmp(name, known[j]) == 0;
			hooks.has_apply |= strcmp(name, "update_apply") == 0;
			hooks.has_revert |= strcmp(name, "update_revert") == 0;
		}
	}
	elf_end(elf);
	buffer_free(&file);
	if (!hooks.any)
		fail(EXIT_CODE,
		     "the update code defines none of update_prepare, update_apply, update_self_check, update_revert");
	return hooks;
}

static void build_print_bytes(struct buffer *b, const char *name, size_t index, const uint8_t *data, size_t size)
{
	static const uint8_t none[1];

	buffer_print(b, "static const uint8_t %s%zu[] = {\n", name, index);
	buffer_add_c_bytes(b, size > 0 ? data : none, size > 0 ? size : 1);
	buffer_print(b, "};\n");
}

static void build_print_region_data(struct buffer *b, size_t index, const struct code_region *region)
{
	build_print_bytes(b, "content", index, region->content.data, region->content.size);
	buffer_print(b, "static const uint64_t fixup%zu[] = {\n", index);
	for (size_t i = 0; i < region->fixup_count; i++)
		buffer_print(b, "0x%llxu,\n", (unsigned long long)region->fixup[i]);
	buffer_print(b, "0};\n");
}

static void build_print_region(struct buffer *b, size_t index, const struct code_region *region, bool is_code)
{
	buffer_print(b, "{0x%llxu, 0x%llxu, content%zu, %zu, fixup%zu, %zu, %d},\n",
		     (unsigned long long)region->address, (unsigned long long)region->bytes, index,
		     region->content.size, index, region->fixup_count, is_code);
}

/** Writes what the next update of the same process needs to know of this one's new code. */
static void build_print_symbols(struct buffer *b, const struct code *code)
{
	buffer_print(b, "static const struct uih_symbol symbol[] = {\n");
	for (size_t i = 0; i < code->symbol_count; i++)
		if (code_is_identifier(code->symbol[i].name))
			buffer_print(b, "{0x%llxu, %llu, \"%s\", %d},\n", (unsigned long long)code->symbol[i].address,
				     (unsigned long long)code->symbol[i].bytes, code->symbol[i].name,
				     code->symbol[i].is_function);
	buffer_print(b, "{0}};\n");
}

/** Writes where code of earlier updates lies that no thread may be in. */
static size_t build_print_old_code(struct buffer *b, const struct plan *p)
{
	size_t count = 0;

	buffer_print(b, "static const struct uih_span old_code[] = {\n");
	for (size_t i = 0; i < p->range_count; i++) {
		if (p->range[i].kind != RV_RANGE_OLD_RX)
			continue;
		buffer_print(b, "{0x%llxu, 0x%llxu},\n", (unsigned long long)p->range[i].address,
			     (unsigned long long)p->range[i].bytes);
		count++;
	}
	buffer_print(b, "{0}};\n");
	return count;
}

/** Makes an address known to the update code as uih_address_NAME, once. */
static void build_print_address(struct buffer *b, struct words *seen, const char *name, uint64_t address)
{
	if (!code_is_identifier(name))
		return;
	for (size_t i = 0; i < seen->count; i++)
		if (strcmp(seen->word[i], name) == 0)
			return;
	seen->word = must_grow(seen->word, seen->count + 1, sizeof(*seen->word));
	seen->word[seen->count++] = must_copy(name);
	buffer_print(b, "const uint64_t uih_address_%s = 0x%llxu;\n", name, (unsigned long long)address);
}

/** Writes the C file that describes the update to the update task. */
static char *build_write_description(const struct build_request *r, const struct target *t, const struct plan *p,
				     const struct code *code)
{
	struct buffer b = {0};
	struct words seen = {0};
	char *path = scratch_path("description.c");
	size_t regions = 0;
	size_t old_codes;

	buffer_print(&b, "#include <uih/uih.h>\n");
	for (size_t i = 0; i < p->patch_count; i++) {
		build_print_bytes(&b, "old", i, p->patch[i].old_content, p->patch[i].bytes);
		build_print_bytes(&b, "new", i, p->patch[i].new_content, p->patch[i].new_bytes);
	}
	if (code->rx.bytes > 0)
		build_print_region_data(&b, 0, &code->rx);
	if (code->rw.bytes > 0)
		build_print_region_data(&b, 1, &code->rw);
	buffer_print(&b, "static const struct uih_patch patch[] = {\n");
	for (size_t i = 0; i < p->patch_count; i++)
		buffer_print(&b, "{0x%llxu, %llu, %zu, old%zu, new%zu},\n", (unsigned long long)p->patch[i].address,
			     (unsigned long long)p->patch[i].bytes, p->patch[i].new_bytes, i, i);
	buffer_print(&b, "{0}};\nstatic const struct uih_region region[] = {\n");
	if (code->rx.bytes > 0) {
		build_print_region(&b, 0, &code->rx, true);
		regions++;
	}
	if (code->rw.bytes > 0) {
		build_print_region(&b, 1, &code->rw, false);
		regions++;
	}
	buffer_print(&b, "{0}};\n");
	build_print_symbols(&b, code);
	old_codes = build_print_old_code(&b, p);
	buffer_print(&b,
		     "const struct uih_description uih_description = {\n"
		     ".magic = UIH_DESCRIPTION_MAGIC, .patch = patch, .patch_count = %zu, .region_count = %zu,\n"
		     ".region = region, .symbol = symbol, .symbol_count = sizeof(symbol) / sizeof(symbol[0]) - 1,\n"
		     ".old_code = old_code, .old_code_count = %zu};\n",
		     p->patch_count, regions, old_codes);
	/* Own symbols first: where a function keeps its name, update code that stores its address means the new one. */
	for (size_t i = 0; i < code->symbol_count; i++)
		build_print_address(&b, &seen, code->symbol[i].name, code->symbol[i].address);
	for (size_t i = 0; i < p->patch_count; i++)
		build_print_address(&b, &seen, p->patch[i].old_name, p->patch[i].address);
	for (size_t i = 0; i < r->data.count; i++)
		build_print_address(&b, &seen, r->data.word[i], target_find(t, r->data.word[i])->address);
	file_write(path, b.data, b.size, 0600);
	buffer_free(&b);
	return path;
}

/** Makes the FIMCE image and returns its content. */
static struct buffer build_image(const struct build_request *r, const struct target *t, const struct plan *p,
				 const struct sdk *sdk, char *const *object, bool has_revert)
{
	static const char *const kind[] = {
	    [RV_RANGE_TEXT] = "text",         [RV_RANGE_DATA] = "data",         [RV_RANGE_HEAP] = "heap",
	    [RV_RANGE_FRESH_RX] = "fresh-rx", [RV_RANGE_FRESH_RW] = "fresh-rw", [RV_RANGE_OLD_RX] = "old-rx",
	};
	char *image = scratch_path("update.img");
	char *description = scratch_path("update.fimce");
	char build_id[2 * TARGET_BUILD_ID_SIZE + 1];
	struct arguments a = {0};
	struct buffer b = {0};

	buffer_print(&b, "name=%s\nstack=%s\nbudget=%s\ncapabilities=target%s\ntarget-name=%s\ntarget-build-id=%s\n",
		     r->name, r->stack, r->budget, has_revert ? ",revert" : "", t->name,
		     hex_print(build_id, t->build_id, sizeof(t->build_id)));
	for (size_t i = 0; i < p->range_count; i++) {
		const struct rv_image_range *range = &p->range[i];

		if (range->kind == RV_RANGE_HEAP)
			buffer_print(&b, "range=heap\n");
		else
			buffer_print(&b, "range=%s 0x%llx %llu\n", kind[range->kind],
				     (unsigned long long)range->address, (unsigned long long)range->bytes);
	}
	file_write(description, b.data, b.size, 0600);
	buffer_free(&b);
	arguments_add(&a, sdk->mkfimce);
	arguments_add(&a, "--link");
	arguments_add(&a, "--lib-dir");
	arguments_add(&a, sdk->library);
	arguments_add(&a, "-d");
	arguments_add(&a, description);
	arguments_add(&a, "-o");
	arguments_add(&a, image);
	for (size_t i = 0; object[i]; i++)
		arguments_add(&a, object[i]);
	run_program(&a, EXIT_CODE, "cannot make the FIMCE image");
	return file_read(image, EXIT_SYSTEM);
}

/** Splits each OLD=NEW and plans the jump. */
static void build_plan_replacements(const struct build_request *r, const struct target *t, const struct code *code,
				    struct plan *p)
{
	for (size_t i = 0; i < r->replace.count; i++) {
		char *old_name = must_copy(r->replace.word[i]);
		char *new_name = strchr(old_name, '=');

		if (new_name)
			*new_name++ = '\0';
		else
			new_name = old_name;
		if (!*old_name || !*new_name)
			fail(EXIT_USAGE, "--replace %s: OLD=NEW or NAME is wanted", r->replace.word[i]);
		plan_replace(p, t, code, old_name, new_name);
	}
}

/** Where fresh memory begins: if nothing else is asked for, at the first place from that of the sequence number that is free. */
static uint64_t build_fresh_address(const struct build_request *r, const struct target *t)
{
	uint64_t address = t->end + r->fresh_offset;

	for (uint64_t i = 0; !r->fresh_offset && i < BUILD_FRESH_PLACES; i++) {
		address = t->end + BUILD_FRESH_OFFSET + (r->sequence + i) % BUILD_FRESH_PLACES * BUILD_FRESH_SPACING;
		if (!target_find_region(t, address, BUILD_FRESH_SPACING))
			break;
	}

	if (address % PAGE != 0 || address < t->end || address - t->base > INT32_MAX)
		fail(EXIT_USAGE,
		     "--fresh-offset: fresh memory would begin at 0x%llx; it must be on a page, above the target "
		     "and within 2 GiB of it",
		     (unsigned long long)address);
	return address;
}

/** Puts the earlier updates into effect on the target. */
static void build_add_earlier(const struct build_request *r, struct target *t)
{
	for (size_t i = 0; i < r->after.count; i++)
		earlier_add(t, r->after.word[i]);
	if (r->sequence <= t->sequence)
		fail(EXIT_USAGE,
		     "--sequence %llu: an update that is applied after another needs a higher number than %llu",
		     (unsigned long long)r->sequence, (unsigned long long)t->sequence);
}

void build_run(const struct build_request *r)
{
	struct target t;
	struct code code;
	struct plan plan = {0};
	struct sdk sdk;
	struct hooks hooks = {false, false, false};
	struct envelope e = {0};
	struct buffer image;
	struct buffer manifest;
	struct buffer envelope;
	char *object[3] = {NULL};
	size_t objects = 0;
	char digest[2 * RV_DIGEST_SIZE + 1];
	EVP_PKEY *key = key_read_private(r->key);

	sdk_find(&sdk, r->sdk);
	target_open(&t, r->target, r->symbols);
	if (r->target_name)
		snprintf(t.name, sizeof(t.name), "%s", r->target_name); /* main has checked its length */
	build_add_earlier(r, &t);
	code_build(&(struct code_request){.target = &t,
					  .input = r->new_code.word,
					  .input_count = r->new_code.count,
					  .compiler = r->compiler,
					  .options = &r->options,
					  .address = build_fresh_address(r, &t),
					  .rw_bytes = r->fresh_rw},
		   &code);
	build_plan_replacements(r, &t, &code, &plan);
	for (size_t i = 0; i < r->data.count; i++)
		plan_add_object(&plan, &t, r->data.word[i]);
	if (r->all_data)
		plan_add_all_data(&plan, &t);
	if (r->heap)
		plan_add_heap(&plan);
	plan_finish(&plan, &t, &code);

	object[objects++] = build_compile(r, &sdk, build_write_description(r, &t, &plan, &code), "description.o");
	if (r->update_code) {
		size_t length = strlen(r->update_code);
		bool is_object = length > 2 && strcmp(r->update_code + length - 2, ".o") == 0;

		object[objects] =
		    is_object ? must_copy(r->update_code) : build_compile(r, &sdk, r->update_code, "update.o");
		hooks = build_find_hooks(object[objects]);
	}
	if (hooks.has_apply && !hooks.has_revert && (r->data.count > 0 || r->all_data || r->heap))
		fputs("mkupdate: note: update_apply changes data, and there is no update_revert: a rollback will put "
		      "back the old "
		      "code only\n",
		      stderr);
	image = build_image(r, &t, &plan, &sdk, object, hooks.has_revert);
	if (image.size > RV_FIMCE_MAX_INPUT - PAGE)
		fail(EXIT_CODE, "the update image has %zu bytes; with its manifest it may have %u", image.size,
		     RV_FIMCE_MAX_INPUT);

	e.name = t.name;
	e.build_id = t.build_id;
	e.sequence = r->sequence;
	e.payload = image.data;
	e.payload_size = image.size;
	e.target_bytes = plan_digest(&plan, &code, e.before, e.after);
	manifest = envelope_manifest(&e);
	envelope = envelope_sign(manifest.data, manifest.size, image.data, image.size, key);
	file_write(r->output, envelope.data, envelope.size, 0644);

	for (size_t i = 0; i < plan.patch_count; i++)
		printf("replaces  %s at 0x%llx, %llu bytes\n", plan.patch[i].old_name,
		       (unsigned long long)plan.patch[i].address, (unsigned long long)plan.patch[i].bytes);
	printf("new code  0x%llx, %llu bytes RX, %llu bytes RW\n", (unsigned long long)code.rx.address,
	       (unsigned long long)code.rx.bytes, (unsigned long long)code.rw.bytes);
	rv_sha256_digest(image.data, image.size, e.before);
	printf("image     sha256:%s\n", hex_print(digest, e.before, RV_DIGEST_SIZE));
	printf("envelope  %s, %zu bytes, sequence %llu\n", r->output, envelope.size, (unsigned long long)r->sequence);
	EVP_PKEY_free(key);
}
