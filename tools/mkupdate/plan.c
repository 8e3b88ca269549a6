/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * plan.c - which bytes of the target an update replaces, and which of its memory it needs: see plan.h.
 */
#include "plan.h"

#include <crypto/crypto.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096u
#define JUMP_SIZE 5u /* jmp rel32 */
#define JUMP_CODE 0xe9u

/* What a function begins with when it was compiled for indirect branch tracking; it stays in place. */
static const uint8_t endbr64[4] = {0xf3, 0x0f, 0x1e, 0xfa};

/** Tells about copies of the function that the jump will not reach. */
static void plan_warn_clones(const struct target *t, const struct target_symbol *old)
{
	size_t length = strlen(old->name);

	for (size_t i = 0; i < t->symbol_count; i++) {
		const struct target_symbol *s = &t->symbol[i];

		if (s->kind != SYMBOL_FUNCTION || s == old)
			continue;
		if (strncmp(s->name, old->name, length) == 0 && s->name[length] == '.' &&
		    strncmp(s->name + length, ".cold", 5) != 0)
			fprintf(stderr,
				"mkupdate: note: the compiler made a copy %s of %s; what calls the copy keeps its old "
				"code\n",
				s->name, old->name);
		else if (s->address == old->address && strcmp(s->name, old->name) != 0)
			fprintf(stderr, "mkupdate: note: %s has the same code as %s and is replaced, too\n", s->name,
				old->name);
	}
}

void plan_replace(struct plan *p, const struct target *t, const struct code *code, const char *old_name,
		  const char *new_name)
{
	const struct target_symbol *old = target_find(t, old_name);
	const struct code_symbol *new = code_find(code, new_name);
	struct plan_patch *patch;
	uint64_t least = JUMP_SIZE;
	int64_t distance;

	if (!old)
		fail(EXIT_TARGET, "%s has no symbol %s%s", t->path, old_name,
		     target_find_import(t, old_name) ? ": it is a function of a shared library" : "");
	if (old->kind != SYMBOL_FUNCTION)
		fail(EXIT_TARGET, "%s in %s is not a function", old_name, t->path);
	if (!new)
		fail(EXIT_CODE, "the new code defines no global symbol %s", new_name);
	p->patch = must_grow(p->patch, p->patch_count + 1, sizeof(*p->patch));
	patch = &p->patch[p->patch_count++];
	*patch = (struct plan_patch){.old_name = old_name, .address = old->address, .bytes = old->size};
	patch->old_content = target_content(t, old->address, old->size, true);
	if (!patch->old_content)
		fail(EXIT_TARGET, "%s (0x%llx, %llu bytes) is not inside the code of %s", old_name,
		     (unsigned long long)old->address, (unsigned long long)old->size, t->path);
	if (old->size >= sizeof(endbr64) && memcmp(patch->old_content, endbr64, sizeof(endbr64)) == 0) {
		memcpy(patch->new_content, endbr64, sizeof(endbr64));
		patch->new_bytes = sizeof(endbr64);
		least += sizeof(endbr64);
	}
	if (old->size < least)
		fail(EXIT_TARGET, "%s is only %llu bytes long; a jump needs %llu", old_name,
		     (unsigned long long)old->size, (unsigned long long)least);
	distance = (int64_t)(new->address - (old->address + patch->new_bytes + JUMP_SIZE));
	if (distance < INT32_MIN || distance > INT32_MAX)
		fail(EXIT_TARGET, "the new code is more than 2 GiB away from %s; give a smaller --fresh-offset",
		     old_name);
	patch->new_content[patch->new_bytes++] = JUMP_CODE;
	for (unsigned int i = 0; i < 4; i++)
		patch->new_content[patch->new_bytes++] = (uint8_t)((uint64_t)distance >> (8 * i));
	plan_warn_clones(t, old);
}

static void plan_add_range(struct plan *p, uint32_t kind, uint64_t address, uint64_t bytes)
{
	if (p->range_count == RV_IMAGE_MAX_RANGES)
		fail(EXIT_TARGET,
		     "the update needs more than %u separate pieces of memory; use --all-data, or replace fewer "
		     "functions at once",
		     RV_IMAGE_MAX_RANGES);
	p->range[p->range_count++] = (struct rv_image_range){.kind = kind, .address = address, .bytes = bytes};
}

/** Adds data, as one range with what shares or touches its pages. */
static void plan_add_data(struct plan *p, uint64_t address, uint64_t bytes)
{
	uint64_t end = address + bytes;

	for (size_t i = 0; i < p->range_count;) {
		struct rv_image_range *r = &p->range[i];
		uint64_t r_end = r->address + r->bytes;

		if (r->kind != RV_RANGE_DATA || address / PAGE > (r_end - 1) / PAGE + 1 ||
		    r->address / PAGE > (end - 1) / PAGE + 1) {
			i++;
			continue;
		}
		address = r->address < address ? r->address : address;
		end = r_end > end ? r_end : end;
		*r = p->range[--p->range_count];
		i = 0; /* the larger range may touch one that was passed already */
	}
	plan_add_range(p, RV_RANGE_DATA, address, end - address);
}

void plan_add_object(struct plan *p, const struct target *t, const char *name)
{
	const struct target_symbol *s = target_find(t, name);

	if (!s)
		fail(EXIT_TARGET, "--data %s: %s has no such symbol", name, t->path);
	if (s->kind != SYMBOL_OBJECT || s->size == 0)
		fail(EXIT_TARGET, "--data %s: this is not a variable with a size", name);
	for (size_t i = 0; i < t->segment_count; i++) {
		const struct target_segment *g = &t->segment[i];

		if (g->can_write && s->address >= g->address && s->address - g->address < g->memory_bytes &&
		    s->size <= g->memory_bytes - (s->address - g->address)) {
			plan_add_data(p, s->address, s->size);
			return;
		}
	}
	fail(EXIT_TARGET, "--data %s: this variable is not in writable memory", name);
}

void plan_add_all_data(struct plan *p, const struct target *t)
{
	for (size_t i = 0; i < t->segment_count; i++) {
		const struct target_segment *g = &t->segment[i];
		uint64_t begin = g->address;
		uint64_t end = g->address + g->memory_bytes;

		if (!g->can_write)
			continue;
		if (t->relro_end > begin && t->relro_end <= end)
			begin = t->relro_end;
		if (begin < end)
			plan_add_data(p, begin, end - begin);
	}
}

void plan_add_heap(struct plan *p)
{
	plan_add_range(p, RV_RANGE_HEAP, 0, 0);
}

static int plan_compare_patches(const void *a, const void *b)
{
	const struct plan_patch *x = a;
	const struct plan_patch *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

/** Adds the code of an earlier update if a function begins with a jump there, once. */
static void plan_add_old_code(struct plan *p, const struct target *t, const struct plan_patch *patch)
{
	uint64_t at = memcmp(patch->old_content, endbr64, sizeof(endbr64)) == 0 ? sizeof(endbr64) : 0;
	const struct target_region *region;
	uint32_t distance = 0;

	if (patch->old_content[at] != JUMP_CODE)
		return;
	for (unsigned int i = 0; i < 4; i++)
		distance |= (uint32_t)patch->old_content[at + 1 + i] << (8 * i);
	region = target_find_region(t, patch->address + at + JUMP_SIZE + (uint64_t)(int64_t)(int32_t)distance, 1);
	if (!region || !region->is_code)
		return;
	for (size_t i = 0; i < p->range_count; i++)
		if (p->range[i].kind == RV_RANGE_OLD_RX && p->range[i].address == region->address)
			return;
	plan_add_range(p, RV_RANGE_OLD_RX, region->address, region->bytes);
}

static void plan_check_fresh(const struct target *t, const struct code_region *r)
{
	const struct target_region *other = target_find_region(t, r->address, r->bytes);

	if (other && r->bytes > 0)
		fail(EXIT_USAGE, "the new memory would lie in that of %s; give another --fresh-offset", other->path);
}

void plan_finish(struct plan *p, const struct target *t, const struct code *code)
{
	qsort(p->patch, p->patch_count, sizeof(*p->patch), plan_compare_patches);
	for (size_t i = 0; i < p->patch_count; i++) {
		const struct plan_patch *patch = &p->patch[i];

		if (i > 0 && patch[-1].address + patch[-1].bytes > patch->address)
			fail(EXIT_TARGET, "%s and %s are the same code or overlap", patch[-1].old_name,
			     patch->old_name);
		plan_add_range(p, RV_RANGE_TEXT, patch->address, patch->bytes);
		plan_add_old_code(p, t, patch);
	}
	plan_check_fresh(t, &code->rx);
	plan_check_fresh(t, &code->rw);
	if (code->rx.bytes > 0)
		plan_add_range(p, RV_RANGE_FRESH_RX, code->rx.address, code->rx.bytes);
	if (code->rw.bytes > 0)
		plan_add_range(p, RV_RANGE_FRESH_RW, code->rw.address, code->rw.bytes);
}

static void hash_number(struct rv_sha256 *s, uint64_t number)
{
	uint8_t bytes[8];

	for (unsigned int i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(number >> (8 * i));
	rv_sha256_add(s, bytes, sizeof(bytes));
}

uint64_t plan_digest(const struct plan *p, const struct code *code, uint8_t before[RV_DIGEST_SIZE],
		     uint8_t after[RV_DIGEST_SIZE])
{
	struct rv_sha256 s[2];
	uint8_t *to[2] = {before, after};
	uint8_t *region = must_alloc(code->rx.bytes, 1);
	uint64_t hashed = 0;

	for (int i = 0; i < 2; i++) {
		rv_sha256_begin(&s[i]);
		hashed = 0;
		for (size_t j = 0; j < p->patch_count; j++) {
			const struct plan_patch *patch = &p->patch[j];
			size_t new_bytes = i == 0 ? 0 : patch->new_bytes;

			hash_number(&s[i], patch->address);
			hash_number(&s[i], patch->bytes);
			rv_sha256_add(&s[i], patch->new_content, new_bytes);
			rv_sha256_add(&s[i], patch->old_content + new_bytes, patch->bytes - new_bytes);
			hashed += 16 + patch->bytes;
		}
		if (code->rx.bytes > 0) {
			if (i == 1 && code->rx.content.size > 0)
				memcpy(region, code->rx.content.data, code->rx.content.size);
			hash_number(&s[i], code->rx.address);
			hash_number(&s[i], code->rx.bytes);
			rv_sha256_add(&s[i], region, code->rx.bytes);
			hashed += 16 + code->rx.bytes;
		}
		rv_sha256_end(&s[i], to[i]);
	}
	free(region);
	return hashed;
}
