/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bench.c - bare guest: figures for the bench table. With one emulated CPU a tick of the TSC is an instruction, and each
 * repetition of a string instruction counts as one. With two CPUs only what needs two is measured.
 */
#include "lib/call.h"
#include "lib/cpu.h"
#include "lib/process.h"
#include "lib/report.h"

#include <ravelin/image.h>
#include <ravelin/reason.h>

#define LOOPS 1000u
#define IMAGE_BYTES (1u << 20)
#define WORD_BYTES 8u /* of one repetition of the copy in root mode */
#define RUN_VMCALLS 2u /* RV_FC_MEASURED and RV_FC_EXIT */

static uint64_t loop_empty(void)
{
	uint64_t begin = rdtsc(), n = LOOPS;

	__asm__ volatile("1:\tmov $15, %%eax\n\txor %%ecx, %%ecx\n\tnop\n\tdec %0\n\tjnz 1b"
			 : "+r"(n)
			 :
			 : "rax", "rcx", "cc");
	return rdtsc() - begin;
}

static uint64_t loop_null(void)
{
	uint64_t begin = rdtsc(), n = LOOPS;

	__asm__ volatile("1:\tmov $15, %%eax\n\txor %%ecx, %%ecx\n\tvmcall\n\tdec %0\n\tjnz 1b"
			 : "+r"(n)
			 :
			 : "rax", "rcx", "rdx", "r8", "cc", "memory");
	return rdtsc() - begin;
}

static uint64_t loop_cpuid(void)
{
	uint64_t begin = rdtsc(), n = LOOPS;

	__asm__ volatile("1:\tmov $4, %%eax\n\txor %%ecx, %%ecx\n\tcpuid\n\tdec %0\n\tjnz 1b"
			 : "+r"(n)
			 :
			 : "rax", "rbx", "rcx", "rdx", "cc", "memory");
	return rdtsc() - begin;
}

static void bench_exits(void)
{
	uint64_t empty = loop_empty();

	report_bench("null hypercall, exit to resume", (loop_null() - empty) / LOOPS, 100, "instructions");
	report_bench("CPUID of leaf 2 or 4, exit to resume", (loop_cpuid() - empty) / LOOPS, 40, "instructions");
}

/* What root mode leaves to the agent costs the way there and back. */
static void bench_agent(void)
{
	struct call_buffer b = buffer_make(1);
	uint64_t begin = rdtsc(), middle, end;
	bool ok = call(RV_HC_GET_STAT, (uint64_t)b.frames, 0, 0).value == sizeof(struct rv_stat);

	middle = rdtsc();
	ok = ok && call(RV_HC_AUDIT, (uint64_t)b.frames, 0, 0).value == 0;
	end = rdtsc();
	if (!report(ok, "the agent answers"))
		return;
	report_bench("a question that the agent answers (GET_STAT)", middle - begin, 10000, "instructions");
	report_bench("audit of all tables, in the agent", end - middle, REPORT_NO_BAR, "instructions");
}

struct run {
	uint64_t create, run; /* ticks of the two calls */
	struct rv_fimce_status status;
};

/* CREATE and RUN; the image is padded to input_bytes by an argument, and gets load_more bytes more than it needs. */
static struct run run_image(const uint8_t *image, uint32_t bytes, uint32_t input_bytes, uint32_t load_more,
			    uint64_t budget_us)
{
	static const uint8_t zeros[IMAGE_BYTES];
	uint32_t front = (bytes + 15) & ~15u;
	struct fimce_wish wish = {.argument = zeros, .argument_bytes = input_bytes > front ? input_bytes - front : 0};
	uint64_t page = fimce_create_page(image, bytes, &wish), id;
	struct rv_fimce_create *c = (void *)page;
	struct run r;

	c->load_bytes += load_more;
	if (budget_us != 0)
		c->budget_us = budget_us;
	r.create = rdtsc();
	id = (uint64_t)call(RV_HC_FIMCE_CREATE, page, 0, 0).value;
	r.create = rdtsc() - r.create;
	r.run = rdtsc();
	call(RV_HC_FIMCE_RUN, id, RV_RUN_BORROWED, 0);
	r.run = rdtsc() - r.run;
	r.status = *fimce_status(id);
	fimce_destroy(id);
	return r;
}

/*
 * What root mode does to start a FIMCE with 1 MiB of input: CREATE without the repetitions of the copy; RUN with a time budget of
 * 1 us, so that nearly all of it is root mode; sealing, as the difference of two runs whose load
 * areas differ by 1 MiB.
 */
static void bench_start(void)
{
	uint32_t bytes;
	const uint8_t *image = archive_need("nothing.img", &bytes);
	struct run small = run_image(image, bytes, 0, 0, 0), large = run_image(image, bytes, IMAGE_BYTES, 0, 0);
	struct run more = run_image(image, bytes, 0, IMAGE_BYTES, 0),
		   ended = run_image(image, bytes, IMAGE_BYTES, 0, 1);
	uint64_t create = large.create - IMAGE_BYTES / WORD_BYTES, seal = more.run - small.run;

	report(small.status.state == RV_FIMCE_DONE && large.status.state == RV_FIMCE_DONE &&
		   more.status.state == RV_FIMCE_DONE && ended.status.cause == RV_CAUSE_WATCHDOG,
	       "the measured FIMCEs end as they should");
	report_line(
	    "# CREATE small %lu; CREATE 1 MiB %lu, of that copy %u; RUN ended after 1 us %lu; seal of 256 pages "
	    "%lu; RUN of a "
	    "small image %lu",
	    small.create, large.create, IMAGE_BYTES / WORD_BYTES, ended.run, seal, small.run);
	report_bench("FIMCE start, 1 MiB, root mode without the copy's repetitions", create + ended.run + seal, 20000,
		     "instructions");
	report_bench("exits inside a FIMCE, but for its start and end", small.status.exits - RUN_VMCALLS, 0, "exits");
	report_equal(small.status.exits, RUN_VMCALLS, "a FIMCE exits only for MEASURED and EXIT");
}

/* What two ports cost that leave the guest for a FIMCE, as the difference to one without. It is never run. */
static void bench_ports(void)
{
	const struct rv_grant grant = {RV_GRANT_PORTS, 0, 0x2f8, 8, 0};
	uint64_t create[2], destroy[2];
	uint32_t bytes;
	const uint8_t *image = archive_need("nothing.img", &bytes);

	for (uint32_t n = 0; n < 2; n++) {
		const struct fimce_wish wish = {.grant = &grant, .grant_count = n};
		uint64_t page = fimce_create_page(image, bytes, &wish), id;

		create[n] = rdtsc();
		id = (uint64_t)call(RV_HC_FIMCE_CREATE, page, 0, 0).value;
		create[n] = rdtsc() - create[n];
		destroy[n] = rdtsc();
		report_equal((uint64_t)call(RV_HC_FIMCE_DESTROY, id, 0, 0).value, 0, "a FIMCE with %u grants", n);
		destroy[n] = rdtsc() - destroy[n];
	}
	report_bench("a range of ports leaves the guest for a FIMCE", create[1] - create[0], REPORT_NO_BAR,
		     "instructions");
	report_bench("a range of ports comes back", destroy[1] - destroy[0], REPORT_NO_BAR, "instructions");
}

static void bench_pause(const char *file, const char *what)
{
	uint64_t id, ticks, begin;
	const struct rv_fimce_status *s;
	struct call_result r;

	process_load();
	id = update_prepare_run(file);
	if (!report(id != 0 && fimce_status(id)->update == RV_UPDATE_PREPARED, "%s is prepared", file))
		return;
	begin = rdtsc();
	r = update_apply(id, 0);
	ticks = rdtsc() - begin;
	report_equal((uint64_t)r.value, RV_UPDATE_APPLIED, "%s is applied", file);
	s = fimce_status(id);
	report_line("# %s: %u pages; isolate %lu, snapshot %lu, apply %lu, give back %lu, rest %lu", file,
		    update_pages(), s->phase_tsc[0] - begin, s->phase_tsc[1] - s->phase_tsc[0],
		    s->phase_tsc[2] - s->phase_tsc[1], s->phase_tsc[3] - s->phase_tsc[2],
		    begin + ticks - s->phase_tsc[3]);
	report_bench(what, ticks, REPORT_NO_BAR, "instructions");
	call(RV_HC_UPDATE, id, RV_UPDATE_ROLLBACK, 0);
	fimce_destroy(id);
}

/* Exits of the guest on CPU 0 while a FIMCE runs on CPU 1. */
static void bench_guest_exits(void)
{
	uint32_t bytes;
	const uint8_t *image = archive_need("spin.img", &bytes);
	struct fimce_wish wish = {.budget_us = 20000};
	struct call_buffer b = buffer_make(1);
	const struct rv_stat *stat = (const void *)b.data;
	uint64_t id, before, end;

	if (!report(smp_start(&cpus[1]) && call(RV_HC_CORE_TAKE, 1, 0, 0).value == 0, "CPU 1 is taken"))
		return;
	id = (uint64_t)fimce_create_image(image, bytes, &wish).value;
	report_equal((uint64_t)call(RV_HC_FIMCE_RUN, id, 1, 0).value, RV_FIMCE_RUNNING, "a FIMCE runs there");
	call(RV_HC_GET_STAT, (uint64_t)b.frames, 0, 0);
	before = stat->exits;
	end = rdtsc() + 10 * cpu_tsc_khz;
	while (rdtsc() < end)
		cpu_pause();
	call(RV_HC_GET_STAT, (uint64_t)b.frames, 0, 0);
	report_equal(fimce_status(id)->state, RV_FIMCE_RUNNING, "it still runs 10 ms later");
	/* The second GET_STAT itself is one. */
	report_bench("exits of the guest while a FIMCE runs on another core, 10 ms", stat->exits - before - 1, 0,
		     "exits");
	report_equal(stat->exits - before - 1, 0, "a running FIMCE causes no exit of the guest");
	fimce_destroy(id);
}

void test_main(void)
{
	if (cpu_count > 1) {
		bench_guest_exits();
		return;
	}
	bench_exits();
	bench_agent();
	bench_start();
	bench_ports();
	/* The bar is for the whole pause: tests/bench/linux-pause. */
	bench_pause("code.suit", "Ravelin's part of a pause, 4 KiB patch (APPLY call)");
	bench_pause("big.suit", "Ravelin's part of a pause, 64 KiB of data (APPLY call)");
}
