/* SPDX-License-Identifier: GPL-2.0-only */
/* call.c - see call.h. */
#include "call.h"

#include <ravelin/image.h>

#include "cpu.h"
#include "report.h"

struct call_result call(uint64_t number, uint64_t a, uint64_t b, uint64_t c)
{
	return call_4(number, a, b, c, 0);
}

struct call_result call_4(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	struct call_result r;
	register uint64_t r8 __asm__("r8") = d;

	__asm__ volatile("vmcall" : "=a"(r.value), "+d"(c), "+r"(r8) : "a"(number), "D"(a), "S"(b) : "memory", "cc");
	r.second = c;
	r.refused = r8;
	return r;
}

struct call_buffer buffer_make(uint32_t pages)
{
	struct call_buffer b = {.frames = memory_pages(1), .data = memory_pages(pages), .pages = pages};

	for (uint32_t i = 0; i < pages; i++)
		b.frames->frame[i] = (uint64_t)b.data + 4096ull * i;
	b.frames->count = pages;
	buffer_size(&b, pages * 4096);
	return b;
}

void buffer_size(struct call_buffer *b, uint32_t bytes)
{
	b->frames->bytes = bytes;
}

static struct call_buffer *scratch(void)
{
	static struct call_buffer buffer[CPU_MAX];
	struct call_buffer *b = &buffer[cpu_self()->index];

	if (b->frames == NULL)
		*b = buffer_make(16);
	return b;
}

const struct rv_info *info_get(void)
{
	static struct rv_info infos[CPU_MAX];
	struct rv_info *info = &infos[cpu_self()->index];
	struct call_buffer *b = scratch();
	struct call_result r = call(RV_HC_GET_INFO, (uint64_t)b->frames, 0, 0);

	memset(info, 0, sizeof(*info));
	if (r.value == sizeof(*info))
		memcpy(info, b->data, sizeof(*info));
	return info;
}

uint64_t pool_free(void)
{
	return info_get()->pool_free_bytes;
}

bool audit_clean(const char *when)
{
	struct call_buffer *b = scratch();
	struct call_result r = call(RV_HC_AUDIT, (uint64_t)b->frames, 0, 0);
	const struct rv_audit *a = (const void *)b->data;

	if (r.value != 0)
		report_line("audit: %ld, reason %u, bad %lu table 0x%lx address 0x%lx entry 0x%lx", r.value,
			    call_reason(r), a->bad, a->bad_table, a->bad_address, a->bad_entry);
	return report(r.value == 0 && a->bad == 0 && a->ept_leaves != 0 && a->vmcs != 0, "audit is clean %s", when);
}

/* Calls back for each record newer than since. */
static uint64_t log_walk(uint64_t since, void (*each)(const struct rv_log_record *, void *), void *context)
{
	struct call_buffer *b = scratch();
	int64_t n;

	do {
		const struct rv_log_record *record = (const void *)b->data;

		n = call(RV_HC_GET_LOG, (uint64_t)b->frames, since + 1, 0).value;
		for (int64_t i = 0; i < n; i++) {
			since = record[i].sequence;
			each(&record[i], context);
		}
	} while (n > 0);
	return since;
}

struct log_counter {
	uint32_t reason, count;
	struct rv_log_record *last;
};

static void log_counter_add(const struct rv_log_record *record, void *context)
{
	struct log_counter *c = context;

	if (record->reason != c->reason)
		return;
	c->count++;
	if (c->last != NULL)
		*c->last = *record;
}

uint32_t log_count(uint32_t reason, uint64_t *since, struct rv_log_record *last)
{
	struct log_counter c = {reason, 0, last};

	*since = log_walk(*since, log_counter_add, &c);
	return c.count;
}

static void log_print_one(const struct rv_log_record *r, void *context)
{
	(void)context;
	report_line("log %lu: CPU %u reason %u: %lx %lx %lx %lx %lx", r->sequence, r->cpu, r->reason, r->value[0],
		    r->value[1], r->value[2], r->value[3], r->value[4]);
}

void log_print(uint64_t since)
{
	log_walk(since, log_print_one, NULL);
}

#define INPUT_PAGES 400u

uint64_t fimce_create_page(const uint8_t *image, uint32_t bytes, const struct fimce_wish *wish)
{
	static struct {
		struct call_buffer input, targets;
		struct rv_fimce_create *create;
	} pages[CPU_MAX];
	struct call_buffer *input = &pages[cpu_self()->index].input, *targets = &pages[cpu_self()->index].targets;
	struct rv_fimce_create *c = pages[cpu_self()->index].create;
	const struct rv_image_header *h = (const void *)image;
	const void *front = wish->envelope ? wish->envelope : image;
	uint32_t front_bytes = wish->envelope ? wish->envelope_bytes : bytes, offset = front_bytes;

	if (c == NULL) {
		c = pages[cpu_self()->index].create = memory_pages(1);
		*input = buffer_make(INPUT_PAGES);
		*targets = buffer_make(RV_FIMCE_MAX_TARGETS * sizeof(struct rv_target_page) / 4096 + 1);
	}
	memset(c, 0, sizeof(*c));
	memcpy(input->data, front, front_bytes);
	if (wish->argument_bytes != 0) {
		offset = (offset + 15) & ~15u;
		memset(input->data + front_bytes, 0, offset - front_bytes);
		memcpy(input->data + offset, wish->argument, wish->argument_bytes);
	}
	buffer_size(input, offset + wish->argument_bytes);
	input->frames->count = (input->frames->bytes + 4095) / 4096;
	c->size = sizeof(*c);
	c->input = (uint64_t)input->frames;
	c->argument_offset = offset;
	c->load_bytes = h->load_bytes;
	c->output_bytes = h->output_bytes;
	c->stack_bytes = h->stack_bytes;
	c->budget_us = wish->budget_us ? wish->budget_us : h->budget_us;
	if (wish->target_count != 0) {
		memcpy(targets->data, wish->target, wish->target_count * sizeof(struct rv_target_page));
		buffer_size(targets, wish->target_count * (uint32_t)sizeof(struct rv_target_page));
		c->targets = (uint64_t)targets->frames;
		c->target_count = wish->target_count;
		c->target_bias_valid = 1;
	}
	c->grant_count = wish->grant_count;
	memcpy(c->grant, wish->grant, wish->grant_count * sizeof(struct rv_grant));
	return (uint64_t)c;
}

struct call_result fimce_create_image(const uint8_t *image, uint32_t bytes, const struct fimce_wish *wish)
{
	return call(RV_HC_FIMCE_CREATE, fimce_create_page(image, bytes, wish), 0, 0);
}

const struct rv_fimce_status *fimce_status(uint64_t id)
{
	static struct rv_fimce_status all[CPU_MAX];
	struct rv_fimce_status *status = &all[cpu_self()->index];
	struct call_buffer *b = scratch();
	struct call_result r = call(RV_HC_FIMCE_STATUS, id, (uint64_t)b->frames, 0);

	memset(status, 0, sizeof(*status));
	if (r.value == sizeof(*status))
		memcpy(status, b->data, sizeof(*status));
	return status;
}

int64_t fimce_output(uint64_t id, const uint8_t **data)
{
	struct call_buffer *b = scratch();

	*data = b->data;
	memset(b->data, 0xa5, b->pages * 4096);
	return call(RV_HC_FIMCE_OUTPUT, id, (uint64_t)b->frames, 0).value;
}

struct call_result fimce_destroy(uint64_t id)
{
	uint64_t end = rdtsc() + 1000 * cpu_tsc_khz;
	struct call_result r;

	do {
		r = call(RV_HC_FIMCE_DESTROY, id, 0, 0);
	} while (r.value == -RV_EAGAIN && rdtsc() < end);
	return r;
}
