/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz.c - bare guest: hypercalls with random numbers and arguments, on all CPUs at once. Options on the command line: calls=N for
 * each CPU, seed=N. Pages that Ravelin may fill are taken from an arena, so that a call that works does not break the test.
 */
#include "lib/call.h"
#include "lib/cpu.h"
#include "lib/report.h"

#include <ravelin/image.h>
#include <ravelin/reason.h>

#define ARENA_PAGES 64u
#define AUDIT_EVERY 10000u
#define RECENT 4u

struct fuzz {
	uint64_t random; /* state of the generator */
	uint8_t *arena;
	uint64_t pool;
	uint64_t good[RV_HC_COUNT]; /* calls that worked */
	uint64_t calls, odd;
	struct call_result first_odd;
	uint64_t first_odd_number;
	const uint8_t *image;
	uint32_t image_bytes;
	uint64_t last_id, recent[RECENT];
	struct rv_frames *good_frames;
};
static struct fuzz fuzz[CPU_MAX];

static uint64_t random_next(struct fuzz *f)
{
	f->random ^= f->random << 13;
	f->random ^= f->random >> 7;
	f->random ^= f->random << 17;
	return f->random * 0x2545f4914f6cdd1dull;
}

static uint64_t random_below(struct fuzz *f, uint64_t n)
{
	return (random_next(f) >> 11) % n;
}

static uint64_t arena_page(struct fuzz *f)
{
	return (uint64_t)f->arena + 4096 * random_below(f, ARENA_PAGES);
}

static uint64_t random_address(struct fuzz *f)
{
	switch (random_below(f, 12)) {
	case 0:
		return f->pool + (random_below(f, 64ull << 20) & ~0xfffull);
	case 1:
		return random_next(f) & ~0xfffull;
	case 2:
		return 0xfee00000;
	case 3:
		return arena_page(f) + random_below(f, 4096);
	case 4:
		return random_next(f) & 0x3ffffffff000ull;
	default:
		return arena_page(f);
	}
}

static void arena_fill(struct fuzz *f)
{
	struct rv_frames *page = (void *)arena_page(f);
	const uint32_t counts[] = {0, 1, 1, 2, 3, 511, 512, (uint32_t)random_next(f)};

	page->count = counts[random_below(f, 8)];
	page->bytes =
	    random_below(f, 4) ? page->count * 4096 - (uint32_t)random_below(f, 100) : (uint32_t)random_next(f);
	for (uint32_t i = 0; i < 8; i++)
		page->frame[i] = random_address(f);
	if (random_below(f, 8) == 0) {
		for (uint32_t i = 8; i < 511; i++)
			page->frame[i] = arena_page(f);
	}
}

static uint32_t random_size(struct fuzz *f, uint32_t max)
{
	switch (random_below(f, 8)) {
	case 0:
		return (uint32_t)random_next(f);
	case 1:
		return random_below(f, 50) ? 0 : max & ~4095u;
	case 2:
		return (uint32_t)random_below(f, 65536);
	default:
		return 4096 * (uint32_t)random_below(f, 5);
	}
}

static void create_fill(struct fuzz *f, struct rv_fimce_create *c)
{
	c->size = random_below(f, 20) ? sizeof(*c) : (uint32_t)random_next(f);
	c->flags = random_below(f, 20) ? 0 : (uint32_t)random_next(f);
	c->input = random_address(f);
	c->argument_offset = 16 * (uint32_t)random_below(f, 300);
	c->load_bytes = random_size(f, RV_FIMCE_MAX_LOAD);
	c->output_bytes = random_size(f, RV_FIMCE_MAX_OUTPUT);
	c->stack_bytes = random_size(f, RV_FIMCE_MAX_STACK);
	c->budget_us = random_below(f, 10) ? 1 + random_below(f, 2000) : random_next(f);
	c->targets = random_below(f, 3) ? 0 : random_address(f);
	c->target_count = c->targets ? (uint32_t)random_below(f, 100) : 0;
	c->target_bias_valid = (uint32_t)random_next(f);
	c->target_bias = random_next(f);
}

/* An id that may be in use: of this CPU's last ones, or of any. */
static uint64_t random_id(struct fuzz *f)
{
	switch (random_below(f, 12)) {
	case 0:
		return random_next(f);
	case 1:
		return random_below(f, 40);
	case 2:
		return f->last_id - random_below(f, 18);
	case 3:
		return info_get()->fimce_id[random_below(f, RV_MAX_FIMCES)];
	default:
		return f->recent[random_below(f, RECENT)];
	}
}

/* A frame list that is good, and stays so. */
static uint64_t frames_good(struct fuzz *f)
{
	f->good_frames->bytes = random_below(f, 8) ? 8192 : (uint32_t)random_below(f, 8193);
	return (uint64_t)f->good_frames;
}

static uint64_t random_argument(struct fuzz *f)
{
	switch (random_below(f, 6)) {
	case 0:
		return random_next(f);
	case 1:
		return ~0ull - random_below(f, 4);
	case 2:
		return random_below(f, 20);
	case 3:
		return random_id(f);
	default:
		return random_address(f);
	}
}

static struct call_result create_good(struct fuzz *f)
{
	/* Too little for some to be measured, enough for others to run; sha256 of nothing comes to an end. */
	struct fimce_wish wish = {.budget_us = 1 + random_below(f, 40000)};

	return fimce_create_image(f->image, f->image_bytes, &wish);
}

static struct call_result one_call(struct fuzz *f, uint64_t number)
{
	uint64_t a = random_argument(f), b = random_argument(f), c = random_argument(f);
	bool good = random_below(f, 3) != 0; /* arguments of the right kind */

	if (!good && number != RV_HC_CORE_TAKE && number != RV_HC_FIMCE_RUN)
		return call(number, a, b, c);
	switch (number) {
	case RV_HC_FIMCE_CREATE:
		if (random_below(f, 4) == 0)
			return create_good(f);
		a = arena_page(f);
		create_fill(f, (void *)a);
		break;
	case RV_HC_FIMCE_RUN:
		/* Only on this CPU, or on one that is not there: the others fuzz. */
		a = random_id(f);
		b = random_below(f, 4) ? RV_RUN_BORROWED : cpu_count + random_below(f, 100);
		break;
	case RV_HC_FIMCE_STATUS:
	case RV_HC_FIMCE_OUTPUT:
		a = random_id(f);
		b = random_below(f, 3) ? frames_good(f) : random_address(f);
		c = random_below(f, 2) ? 0 : c;
		break;
	case RV_HC_GET_STAT:
		a = frames_good(f);
		b = random_below(f, cpu_count + 1);
		break;
	case RV_HC_FIMCE_DESTROY:
	case RV_HC_UPDATE:
		a = random_id(f);
		break;
	case RV_HC_CORE_TAKE:
		a = random_below(f, 3) ? cpu_count + random_below(f, 100) : cpu_self()->index;
		break;
	default:
		a = random_address(f);
	}
	if (number == RV_HC_UPDATE)
		b = random_below(f, 5);
	return call(number, a, b, c);
}

static void fuzz_run(void *argument)
{
	struct fuzz *f = argument;
	uint64_t calls = option_number("calls", 100000);

	while (f->calls < calls) {
		uint64_t number = random_below(f, 10) ? random_below(f, RV_HC_COUNT + 1) : random_next(f);
		struct call_result r;

		if (random_below(f, 3) == 0)
			arena_fill(f);
		/* Slots must become free again, or every create is refused for that alone. */
		if (random_below(f, 12) == 0)
			number = RV_HC_FIMCE_DESTROY;
		r = one_call(f, number);
		f->calls++;
		if (r.value >= 0 && number < RV_HC_COUNT)
			f->good[number]++;
		if (number == RV_HC_FIMCE_CREATE && r.value > 0)
			f->recent[(f->last_id = (uint64_t)r.value) % RECENT] = (uint64_t)r.value;
		/* A failure has an errno and a reason; an unknown number does not work. */
		if ((r.value < 0 && (r.value < -4095 || call_reason(r) == 0 || call_reason(r) > 200 ||
				     r.second >> 32 != cpu_self()->index)) ||
		    (r.value >= 0 && number >= RV_HC_COUNT)) {
			if (f->odd++ == 0) {
				f->first_odd = r;
				f->first_odd_number = number;
			}
		}
		if (f->calls % AUDIT_EVERY == 0 && cpu_self()->index == 0)
			audit_clean("after another 10000 calls");
	}
}

static void destroy_all(void)
{
	uint32_t ids[RV_MAX_FIMCES];

	memcpy(ids, info_get()->fimce_id, sizeof(ids));
	for (uint32_t i = 0; i < RV_MAX_FIMCES; i++) {
		if (ids[i] != 0)
			fimce_destroy(ids[i]);
	}
}

void test_main(void)
{
	struct rv_log_record launch = {0};
	uint64_t since = 0, before = pool_free(), good = 0;

	log_count(RV_REASON_LAUNCH_OK, &since, &launch);
	for (uint32_t i = 0; i < cpu_count; i++) {
		struct fuzz *f = &fuzz[i];

		f->random = (option_number("seed", 1) + i) * 0x9e3779b97f4a7c15ull | 1;
		f->arena = memory_pages(ARENA_PAGES);
		f->good_frames = buffer_make(2).frames;
		f->pool = launch.value[1];
		f->image = archive_need(i % 2 ? "spin.img" : "sha256.img", &f->image_bytes);
	}
	for (uint32_t i = 1; i < cpu_count; i++) {
		report(smp_start(&cpus[i]), "CPU %u starts", i);
		smp_run(&cpus[i], fuzz_run, &fuzz[i]);
	}
	fuzz_run(&fuzz[0]);
	for (uint32_t i = 0; i < cpu_count; i++) {
		const struct fuzz *f = &fuzz[i];

		if (i > 0)
			report(smp_wait(&cpus[i], 600000000), "CPU %u ends", i);
		report_equal(f->calls, option_number("calls", 100000), "CPU %u made its calls", i);
		if (!report(f->odd == 0, "every answer on CPU %u is one that the ABI knows", i))
			report_line("%lu odd ones, the first: call 0x%lx returned %ld, RDX 0x%lx", f->odd,
				    f->first_odd_number, f->first_odd.value, f->first_odd.second);
		for (uint32_t n = 0; n < RV_HC_COUNT; n++) {
			report_line("# CPU %u call %u worked %lu times", i, n, f->good[n]);
			good += f->good[n];
		}
		report(f->good[RV_HC_FIMCE_CREATE] > 100 && f->good[RV_HC_FIMCE_RUN] > 50 &&
			   f->good[RV_HC_FIMCE_STATUS] > 20 && f->good[RV_HC_GET_INFO] > 100 &&
			   f->good[RV_HC_GET_LOG] > 100,
		       "enough calls worked on CPU %u for this to be a test", i);
	}
	destroy_all();
	report_equal(info_get()->fimce_count, 0, "no FIMCE is left");
	report_equal(pool_free(), before, "the pool is as before");
	audit_clean("after all");
}
