/* SPDX-License-Identifier: GPL-2.0-only */
/* process.c - see process.h. */
#include "process.h"

#include "cpu.h"
#include "report.h"

#define MAX_PAGES 128u
#define PT_LOAD 1u
#define PAGE 4096ull
#define DAMAGE_FROM_START 500u

/** Of the ELF header and a program header what is needed, by offset. */
#define ELF_PHOFF 0x20
#define ELF_PHNUM 0x38
#define PH_BYTES 56u
#define PH_OFFSET 8
#define PH_VADDR 16
#define PH_FILESZ 32
#define PH_MEMSZ 40

struct page {
	uint64_t va;
	uint8_t *at;
	uint8_t *saved;
	bool fresh;
};
static struct page pages[MAX_PAGES]; /* in no order */
static uint32_t page_count;
static uint64_t function_va, state_va;
static struct rv_target_page targets[MAX_PAGES];
static uint32_t target_count;
static uint64_t last_page; /* create page of the update that was filled last */

static uint64_t word(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Maps one page, ring 0, all rights, below the top-level entry that only the process uses. */
static void map(uint64_t va, const void *to)
{
	uint64_t *table = (uint64_t *)read_cr3();

	for (int shift = 39; shift > 12; shift -= 9) {
		uint64_t *entry = &table[va >> shift & 511];

		if (*entry == 0)
			*entry = (uint64_t)memory_pages(1) | 3;
		table = (uint64_t *)(*entry & ~0xfffull);
	}
	table[va >> 12 & 511] = (uint64_t)to | 3;
}

static struct page *page_find(uint64_t va)
{
	for (uint32_t i = 0; i < page_count; i++) {
		if (pages[i].va == (va & ~(PAGE - 1)))
			return &pages[i];
	}
	return NULL;
}

static struct page *page_get(uint64_t va, bool fresh)
{
	struct page *p = page_find(va);

	if (p != NULL)
		return p;
	if (page_count == MAX_PAGES) {
		report(false, "the process has at most %u pages", MAX_PAGES);
		report_end();
	}
	p = &pages[page_count++];
	*p = (struct page){.va = va & ~(PAGE - 1), .at = memory_pages(1), .saved = memory_pages(1), .fresh = fresh};
	map(p->va, p->at);
	return p;
}

static const struct rv_image_header *image_find(const uint8_t *file, uint32_t bytes)
{
	for (uint32_t i = 0; i + sizeof(struct rv_image_header) <= bytes; i++) {
		if (word(file + i) == RV_IMAGE_MAGIC)
			return (const void *)(file + i);
	}
	report(false, "the update carries an image");
	report_end();
}

/* Where the function and the variable are, from what the updates ask for. */
static void symbols_find(void)
{
	uint32_t bytes;
	const uint8_t *file = archive_need("migrate.suit", &bytes);
	const struct rv_image_header *h = image_find(file, bytes);

	for (uint32_t i = 0; i < h->range_count; i++) {
		if (h->range[i].kind == RV_RANGE_TEXT)
			function_va = PROCESS_BIAS + h->range[i].address;
		if (h->range[i].kind == RV_RANGE_DATA)
			state_va = PROCESS_BIAS + h->range[i].address;
	}
}

void process_load(void)
{
	uint32_t bytes;
	const uint8_t *elf = archive_need("target", &bytes);
	const uint8_t *ph = elf + word(elf + ELF_PHOFF);
	uint32_t count = elf[ELF_PHNUM];

	for (uint32_t i = 0; i < page_count; i++)
		memset(pages[i].at, 0, PAGE);
	for (uint32_t i = 0; i < count; i++, ph += PH_BYTES) {
		uint64_t va = PROCESS_BIAS + word(ph + PH_VADDR), file = word(ph + PH_FILESZ),
			 memory = word(ph + PH_MEMSZ);
		const uint8_t *from = elf + word(ph + PH_OFFSET);

		if ((uint32_t)word(ph) != PT_LOAD)
			continue;
		for (uint64_t at = va & ~(PAGE - 1); at < va + memory; at += PAGE)
			page_get(at, false);
		memcpy((void *)va, from, file);
	}
	symbols_find();
}

uint64_t process_call(uint64_t x)
{
	return ((uint64_t(*)(uint64_t))function_va)(x);
}

volatile uint64_t *process_state(void)
{
	return (volatile uint64_t *)state_va;
}

volatile uint8_t *process_function(void)
{
	return (volatile uint8_t *)function_va;
}

uint64_t process_text_page(void)
{
	return function_va & ~(PAGE - 1);
}

uint64_t process_gpa(uint64_t va)
{
	const struct page *p = page_find(va);

	return p != NULL ? (uint64_t)p->at : 0;
}

void process_save(void)
{
	for (uint32_t i = 0; i < page_count; i++)
		memcpy(pages[i].saved, pages[i].at, PAGE);
}

static bool same(bool with_fresh)
{
	for (uint32_t i = 0; i < page_count; i++) {
		if ((with_fresh || !pages[i].fresh) && memcmp(pages[i].at, pages[i].saved, PAGE) != 0) {
			report_line("page 0x%lx differs", pages[i].va);
			return false;
		}
	}
	return true;
}

bool process_same(void)
{
	return same(true);
}

bool process_same_text(void)
{
	return same(false);
}

/* Adds the pages of one range, in order of address; a page that two ranges share is listed once, as code if either is. */
static void target_add(uint64_t va, uint32_t kind)
{
	uint32_t i = target_count;

	for (uint32_t j = 0; j < target_count; j++) {
		if (targets[j].va == va) {
			targets[j].kind = kind < targets[j].kind ? kind : targets[j].kind;
			return;
		}
	}
	while (i > 0 && targets[i - 1].va > va) {
		targets[i] = targets[i - 1];
		i--;
	}
	targets[i] =
	    (struct rv_target_page){.va = va, .gpa = (uint64_t)page_get(va, kind == RV_TARGET_FRESH)->at, .kind = kind};
	target_count++;
}

static void targets_fill(const struct rv_image_header *h)
{
	target_count = 0;
	for (uint32_t i = 0; i < h->range_count; i++) {
		const struct rv_image_range *r = &h->range[i];
		uint64_t first = PROCESS_BIAS + r->address, end = first + r->bytes;
		uint32_t kind = r->kind == RV_RANGE_TEXT   ? RV_TARGET_TEXT
				: r->kind == RV_RANGE_DATA ? RV_TARGET_DATA
							   : RV_TARGET_FRESH;

		for (uint64_t at = first & ~(PAGE - 1); at < end; at += PAGE) {
			target_add(at, kind);
			if (kind == RV_TARGET_FRESH)
				memset(page_get(at, true)->at, 0, PAGE);
		}
	}
}

uint64_t update_create_fill(const char *file)
{
	static uint8_t *copy;
	uint32_t bytes;
	const uint8_t *data = archive_need(file, &bytes);
	const struct rv_image_header *h = image_find(data, bytes);
	struct fimce_wish wish = {.envelope = data, .envelope_bytes = bytes};
	uint64_t page;

	/* The header in the envelope is not aligned. */
	if (copy == NULL)
		copy = memory_pages(1);
	memcpy(copy, h, sizeof(*h));
	h = (const void *)copy;
	targets_fill(h);
	wish.target = targets;
	wish.target_count = target_count;
	page = fimce_create_page(copy, bytes, &wish);
	((struct rv_fimce_create *)page)->target_bias = PROCESS_BIAS;
	last_page = page;
	return page;
}

static struct rv_frames *input_frames(uint64_t page)
{
	return (void *)((struct rv_fimce_create *)page)->input;
}

volatile uint8_t *update_input_byte(uint32_t offset)
{
	return (volatile uint8_t *)(input_frames(last_page)->frame[offset / 4096] + offset % 4096);
}

uint32_t update_new_code_offset(void)
{
	return input_frames(last_page)->bytes - 200;
}

uint32_t update_pages(void)
{
	return target_count;
}

uint64_t update_create_damaged(const char *file, uint32_t damage)
{
	uint64_t page = update_create_fill(file);
	uint32_t bytes = input_frames(page)->bytes;
	struct call_result r;

	if (damage != 0)
		*update_input_byte(damage < DAMAGE_FROM_START ? damage : bytes - damage) ^= 1;
	r = call(RV_HC_FIMCE_CREATE, page, 0, 0);
	if (r.value <= 0)
		report_line("CREATE of %s returned %ld, reason %u, value 0x%lx", file, r.value, call_reason(r),
			    r.refused);
	return r.value > 0 ? (uint64_t)r.value : 0;
}

uint64_t update_prepare_run(const char *file)
{
	uint64_t id = update_create_damaged(file, 0);

	if (id != 0)
		call(RV_HC_FIMCE_RUN, id, RV_RUN_BORROWED, 0);
	return id;
}

struct call_result update_apply_at(uint64_t id, uint64_t deadline_us, uint64_t rip)
{
	static struct call_buffer buffer[CPU_MAX];
	struct call_buffer *b = &buffer[cpu_self()->index];
	struct rv_threads *list;

	if (b->frames == NULL) {
		*b = buffer_make(1);
		buffer_size(b, sizeof(uint64_t) + sizeof(struct rv_thread));
	}
	list = (void *)b->data;
	list->count = 1;
	list->thread[0].tid = 1;
	list->thread[0].rip = rip;
	return call_4(RV_HC_UPDATE, id, RV_UPDATE_APPLY, deadline_us, (uint64_t)b->frames);
}

struct call_result update_apply(uint64_t id, uint64_t deadline_us)
{
	return update_apply_at(id, deadline_us, 0x1000);
}
