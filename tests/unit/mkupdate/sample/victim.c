/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * victim.c - a program that is updated while it runs, by code that mkupdate has made for it.
 *
 *     victim            prints what its functions return
 *     victim (UPDATE.so OUT.suit)...
 *                       runs the update task of each update on itself, as a FIMCE would on its pages: prints what its
 *                       functions return before, after apply and, for the last one, after revert
 *
 * UPDATE.so is the update's description and hooks with the uih pillar, compiled for the host. This program plays the driver
 * (it maps fresh memory and lists pages) and the hypervisor (it answers rv_fimce_call).
 */
#include "victim.h"

#include <uih/uih_task.h>
#include <vmcall.h>

#include <dlfcn.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096u

/* Below 512, so that a 4 KiB page of pointers is never needed; the description of a test is small. */
#define MAX_PAGES 64u

struct table *table;
struct table first_table = {3, {10, 20, 30, 0}};
const int table_version = 1;
static unsigned int yields; /* of this update */
static int is_last; /* no other update follows */
static int64_t status; /* what the task has yielded */
static jmp_buf end; /* where the task ends: it never returns */

/* GNU extension noipa: no caller may assume anything about these functions. */

__attribute__((noipa)) int scale(int x)
{
	return x * 100;
}

/* The bug: the index is not checked. */
__attribute__((noipa)) int lookup(int index)
{
	return scale(table->value[index]);
}

__attribute__((noipa)) int describe(char *to, unsigned long size)
{
	return snprintf(to, size, "version 1, %d entries", table->count);
}

__attribute__((noipa)) void tiny(void)
{
}

static void report(const char *when)
{
	char text[64];

	describe(text, sizeof(text));
	printf("%s: %d %d %s\n", when, lookup(0), lookup(2), text);
	fflush(stdout);
}

static void must(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

struct rv_fimce_answer rv_fimce_call(enum rv_fimce_call number, uint64_t a, uint64_t b, uint64_t c)
{
	static const char *const when[] = {"before", "after", "reverted"};
	const enum rv_fimce_command next[] = {RV_CMD_APPLY, RV_CMD_REVERT};

	must(number == RV_FC_YIELD && yields < 3, "unexpected call");
	status = (int64_t)a;
	if (a != 0) {
		printf("refused: %lld reason %llu value %llx\n", (long long)a, (unsigned long long)b,
		       (unsigned long long)c);
		longjmp(end, 1);
	}
	report(when[yields]);
	if (yields == (is_last ? 2u : 1u))
		longjmp(end, 1);
	return (struct rv_fimce_answer){.value = (int64_t)next[yields++], .second = 0};
}

static struct rv_target_page pages[MAX_PAGES];
static uint32_t page_count;

/** Lists the pages of a range once, in order. */
static void add_pages(uint64_t va, uint64_t bytes, uint32_t kind)
{
	for (uint64_t page = va / PAGE * PAGE; page < va + bytes; page += PAGE) {
		uint32_t at = page_count;

		while (at > 0 && pages[at - 1].va >= page)
			at--;
		if (at < page_count && pages[at].va == page)
			continue;
		must(page_count < MAX_PAGES, "too many pages");
		memmove(&pages[at + 1], &pages[at], (page_count - at) * sizeof(pages[0]));
		pages[at] = (struct rv_target_page){.va = page, .kind = kind};
		page_count++;
	}
}

static uint8_t *read_file(const char *path, uint32_t *size)
{
	static uint8_t content[1 << 20];
	FILE *f = fopen(path, "rb");

	must(f != NULL, path);
	*size = (uint32_t)fread(content, 1, sizeof(content), f);
	must(fclose(f) == 0, path);
	return content;
}

/** What the Linux side of an update does, to this process itself. */
static void make_pages(const struct uih_description *d, uint64_t bias)
{
	/* What an earlier update has brought is data like any other. */
	for (uint32_t i = 0; i < page_count; i++)
		if (pages[i].kind == RV_TARGET_FRESH)
			pages[i].kind = RV_TARGET_DATA;
	for (uint32_t i = 0; i < d->patch_count; i++) {
		uint64_t va = d->patch[i].address + bias;
		uint64_t page = va / PAGE * PAGE;

		must(mprotect((void *)page, va + d->patch[i].bytes - page, PROT_READ | PROT_WRITE | PROT_EXEC) == 0,
		     "mprotect");
		add_pages(va, d->patch[i].bytes, RV_TARGET_TEXT);
	}
	for (uint32_t i = 0; i < d->region_count; i++) {
		const struct uih_region *r = &d->region[i];
		void *va = (void *)(r->address + bias);

		must(mmap(va, r->bytes, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == va,
		     "mmap");
		add_pages(r->address + bias, r->bytes, RV_TARGET_FRESH);
	}
	add_pages((uint64_t)&table, sizeof(void *), RV_TARGET_DATA);
	add_pages((uint64_t)&first_table, sizeof(first_table), RV_TARGET_DATA);
}

/** Set by the link: this program's own ELF header, at its load bias if it is position-independent. */
extern const char __executable_start[];

static int64_t run_update(const char *library, const char *envelope)
{
	struct rv_fimce_param param = {.mode = RV_MODE_IMAGE, .target_bias_valid = 1};
	/* One thread, in the C library at most. */
	static const struct rv_threads threads = {.count = 1};
	void (*run)(const struct rv_fimce_param *, const struct rv_target_page *, const struct rv_threads *,
		    const uint8_t *);
	void *update = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	const struct uih_description *d;

	if (!update) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	d = dlsym(update, "uih_description");
	run = (void (*)(const struct rv_fimce_param *, const struct rv_target_page *, const struct rv_threads *,
			const uint8_t *))(uintptr_t)dlsym(update, "uih_run");
	must(d && run, "dlsym");
#ifdef __PIE__
	param.target_bias = (uint64_t)(uintptr_t)__executable_start;
#endif
	make_pages(d, param.target_bias);
	param.target_count = page_count;
	yields = 0;
	if (setjmp(end) == 0)
		run(&param, pages, &threads, read_file(envelope, &param.argument_offset));
	return status;
}

int main(int argc, char **argv)
{
	table = &first_table;
	if (argc < 3)
		report("alone");
	for (int i = 1; i + 1 < argc; i += 2) {
		is_last = i + 2 >= argc;
		printf("result: %lld\n", (long long)run_update(argv[i], argv[i + 1]));
	}
	return 0;
}
