/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dedicated.c - bare guest: a CPU is taken, runs FIMCEs while the guest attacks it, and is given back; again and again. Option on
 * the command line: cycles=N.
 */
#include "lib/call.h"
#include "lib/cpu.h"
#include "lib/report.h"

#include <ravelin/image.h>
#include <ravelin/reason.h>

#define PATIENCE_US 2000000u
#define STORM_RUNS 10u

static const uint8_t digest_abc[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
				       0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
				       0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
static const uint8_t *sha256_image, *spin_image;
static uint32_t sha256_bytes, spin_bytes;
static volatile uint64_t counter;

static void refused(struct call_result r, int64_t error, uint32_t reason, const char *what)
{
	if (!report(r.value == -error && call_reason(r) == reason, "%s is refused", what))
		report_line("it returned %ld, reason %u, value 0x%lx", r.value, call_reason(r), r.refused);
}

static void work_count(void *argument)
{
	(void)argument;
	for (;;)
		counter++;
}

static void work_halt(void *argument)
{
	(void)argument;
	counter++;
	for (;;)
		__asm__ volatile("cli\n\thlt");
}

static uint32_t cpu_state(uint32_t index)
{
	static struct call_buffer b;

	if (b.frames == NULL)
		b = buffer_make(1);
	call(RV_HC_GET_STAT, (uint64_t)b.frames, index, 0);
	return ((const struct rv_stat *)(const void *)b.data)->state;
}

/* Waits for the end of a FIMCE that runs on a taken CPU, and disturbs it if asked for. */
static const struct rv_fimce_status *wait_end(uint64_t id, void (*disturb)(uint32_t round))
{
	uint64_t end = rdtsc() + PATIENCE_US * cpu_tsc_khz / 1000;
	const struct rv_fimce_status *s;
	uint32_t round = 0;

	do {
		if (disturb != NULL)
			disturb(round++);
		s = fimce_status(id);
		cpu_pause();
	} while ((s->state == RV_FIMCE_BUILT || s->state == RV_FIMCE_RUNNING) && rdtsc() < end);
	return s;
}

/* @return true if sha256 ran on CPU 1 and gave the right result. */
static bool run_sha256(void (*disturb)(uint32_t round))
{
	struct fimce_wish wish = {.argument = "abc", .argument_bytes = 3};
	struct call_result r = fimce_create_image(sha256_image, sha256_bytes, &wish);
	const struct rv_fimce_status *s;
	uint64_t id = (uint64_t)r.value;
	const uint8_t *output;
	bool ok;

	if (r.value <= 0)
		return false;
	r = call(RV_HC_FIMCE_RUN, id, 1, 0);
	if (r.value != RV_FIMCE_RUNNING)
		report_line("RUN returned %ld, reason %u", r.value, call_reason(r));
	s = wait_end(id, disturb);
	ok = r.value == RV_FIMCE_RUNNING && s->state == RV_FIMCE_DONE && s->cpu == 1;
	if (!ok)
		report_line("state %u cause %u detail %u value 0x%lx rip 0x%lx CPU %u", s->state, s->cause, s->detail,
			    s->value, s->rip, s->cpu);
	ok = ok && fimce_output(id, &output) == 32 && memcmp(output, digest_abc, 32) == 0;
	fimce_destroy(id);
	return ok;
}

static void test_refusals(void)
{
	struct fimce_wish wish = {0};
	uint64_t id;

	report_group("refusals");
	refused(call(RV_HC_CORE_TAKE, 0, 0, 0), RV_EBUSY, RV_REASON_HC_CPU, "taking the calling CPU");
	refused(call(RV_HC_CORE_TAKE, cpu_count, 0, 0), RV_EBUSY, RV_REASON_HC_CPU, "taking a CPU that is not there");
	refused(call(RV_HC_CORE_GIVE, cpu_count, 0, 0), RV_ENOENT, RV_REASON_HC_CPU, "giving a CPU that is not there");
	refused(call(RV_HC_CORE_GIVE, 1, 0, 0), RV_EBUSY, RV_REASON_CORE_BUSY, "giving a CPU that was not taken");
	id = (uint64_t)fimce_create_image(spin_image, spin_bytes, &wish).value;
	refused(call(RV_HC_FIMCE_RUN, id, 1, 0), RV_EBUSY, RV_REASON_CORE_BUSY, "a run on a CPU of the guest");
	refused(call(RV_HC_FIMCE_RUN, id, 0, 0), RV_EBUSY, RV_REASON_CORE_BUSY,
		"a run on the calling CPU by its index");
	refused(call(RV_HC_FIMCE_RUN, id, cpu_count, 0), RV_EBUSY, RV_REASON_CORE_BUSY,
		"a run on a CPU that is not there");
	fimce_destroy(id);
}

static void test_take(const char *how)
{
	uint64_t now, starts = cpus[1].starts;

	report_equal((uint64_t)call(RV_HC_CORE_TAKE, 1, 0, 0).value, 0, "a CPU that %s is taken", how);
	report_equal(cpu_state(1), RV_CPU_TAKEN, "its state is TAKEN");
	now = counter;
	cpu_delay_us(1000);
	report_equal(counter, now, "it runs no code of the guest");
	refused(call(RV_HC_CORE_TAKE, 1, 0, 0), RV_EBUSY, RV_REASON_HC_CPU, "taking it again");
	apic_send(cpus[1].apic_id, APIC_INIT);
	cpu_delay_us(200);
	apic_send(cpus[1].apic_id, APIC_SIPI | smp_vector());
	apic_send(cpus[1].apic_id, APIC_NMI);
	cpu_delay_us(2000);
	report(cpus[1].starts == starts && counter == now, "INIT, SIPI and NMI do not bring it back");
	report(run_sha256(NULL), "a FIMCE runs on it");
	report_equal((uint64_t)call(RV_HC_CORE_GIVE, 1, 0, 0).value, 0, "it is given back");
	refused(call(RV_HC_CORE_GIVE, 1, 0, 0), RV_EBUSY, RV_REASON_CORE_BUSY, "giving it twice");
	report_equal(cpu_state(1), RV_CPU_GUEST, "its state is GUEST");
	report(smp_start(&cpus[1]), "the guest starts it again");
}

static void test_takes(void)
{
	report_group("take");
	smp_run(&cpus[1], work_count, NULL);
	cpu_delay_us(1000);
	test_take("counts");
	smp_run(&cpus[1], work_halt, NULL);
	cpu_delay_us(1000);
	test_take("halts");
	apic_send(cpus[1].apic_id, APIC_INIT);
	cpu_delay_us(1000);
	test_take("waits for SIPI");
	audit_clean("after taking and giving");
}

static uint64_t spin_start(uint64_t budget_us)
{
	struct fimce_wish wish = {.budget_us = budget_us};
	uint64_t id = (uint64_t)fimce_create_image(spin_image, spin_bytes, &wish).value;

	if (call(RV_HC_FIMCE_RUN, id, 1, 0).value != RV_FIMCE_RUNNING)
		report(false, "spin starts on CPU 1");
	return id;
}

static void test_kill(void)
{
	uint64_t before = pool_free(), id, other;
	struct fimce_wish wish = {0};
	struct call_result r;

	report_group("kill");
	report_equal((uint64_t)call(RV_HC_CORE_TAKE, 1, 0, 0).value, 0, "CPU 1 is taken");
	id = spin_start(RV_FIMCE_MAX_BUDGET_US);
	cpu_delay_us(3000);
	report_equal(fimce_status(id)->state, RV_FIMCE_RUNNING, "spin is RUNNING");
	report_equal(cpu_state(1), RV_CPU_FIMCE, "CPU 1 is in state FIMCE");
	refused(call(RV_HC_CORE_GIVE, 1, 0, 0), RV_EBUSY, RV_REASON_CORE_BUSY, "giving a CPU on which a FIMCE runs");
	other = (uint64_t)fimce_create_image(spin_image, spin_bytes, &wish).value;
	refused(call(RV_HC_FIMCE_RUN, other, 1, 0), RV_EBUSY, RV_REASON_CORE_BUSY, "a second FIMCE there");
	refused(call(RV_HC_FIMCE_RUN, id, RV_RUN_BORROWED, 0), RV_EBUSY, RV_REASON_FIMCE_STATE,
		"a second run of the first");
	fimce_destroy(other);
	report(audit_clean("while it spins"), "hypercalls of others work while it spins");
	r = call(RV_HC_FIMCE_DESTROY, id, 0, 0);
	report(r.value == -RV_EAGAIN || r.value == 0, "DESTROY kills it");
	report_equal((uint64_t)fimce_destroy(id).value, 0, "and then frees it");
	report_equal(pool_free(), before, "the pool is as before");
	report(run_sha256(NULL), "the next FIMCE runs there");
	id = spin_start(5000);
	report_equal(wait_end(id, NULL)->cause, RV_CAUSE_WATCHDOG, "the watchdog works on a taken CPU");
	fimce_destroy(id);
}

static void storm(uint32_t round)
{
	const uint32_t command[] = {
	    APIC_NMI, APIC_INIT, APIC_SIPI | 0x99, APIC_FIXED | 0x55, APIC_SIPI | smp_vector(),
	    APIC_NMI, APIC_NMI,  APIC_INIT,        APIC_FIXED | 0xfe, 0x4100 | 0x56 /* lowest priority */};

	apic_send(cpus[1].apic_id, command[round % 10]);
	if (round % 3 == 0)
		apic_send(0, APIC_ALL_OTHERS | (round % 2 ? APIC_NMI : APIC_FIXED | 0x57));
}

static void test_storm(void)
{
	uint32_t good = 0;
	uint64_t before = pool_free(), starts = cpus[1].starts, id;
	const struct rv_fimce_status *s;

	report_group("storm");
	for (uint32_t i = 0; i < STORM_RUNS; i++)
		good += run_sha256(storm);
	report_equal(good, STORM_RUNS, "FIMCEs give right results in a storm of INIT, SIPI, NMI and IPIs");
	id = spin_start(20000);
	s = wait_end(id, storm);
	report_equal(s->cause, RV_CAUSE_WATCHDOG, "one that spins ends by its watchdog and nothing else");
	report_line("# exits in it: %lu", s->exits);
	fimce_destroy(id);
	report_equal(cpus[1].starts, starts, "no code of the guest ran on that CPU");
	report_equal(pool_free(), before, "the pool is as before");
	audit_clean("after the storm");
	report_equal((uint64_t)call(RV_HC_CORE_GIVE, 1, 0, 0).value, 0, "CPU 1 is given back");
	report(smp_start(&cpus[1]), "and starts");
}

static void test_cycles(void)
{
	uint64_t cycles = option_number("cycles", 1000), before = pool_free(), begin = rdtsc();
	uint32_t good = 0;

	report_group("cycles");
	while (good < cycles) {
		if (good % 2)
			smp_run(&cpus[1], good % 4 == 1 ? work_count : work_halt, NULL);
		else
			apic_send(cpus[1].apic_id, APIC_INIT);
		cpu_delay_us(50);
		if (call(RV_HC_CORE_TAKE, 1, 0, 0).value != 0 || !run_sha256(NULL) ||
		    call(RV_HC_CORE_GIVE, 1, 0, 0).value != 0 || !smp_start(&cpus[1]))
			break;
		good++;
	}
	report_equal(good, cycles, "%lu times taken, used, given back, started", cycles);
	report_equal(pool_free(), before, "the pool is as before");
	report_line("# %lu ms", (rdtsc() - begin) / cpu_tsc_khz);
}

void test_main(void)
{
	sha256_image = archive_need("sha256.img", &sha256_bytes);
	spin_image = archive_need("spin.img", &spin_bytes);
	if (!report(cpu_count >= 2 && smp_start(&cpus[1]), "there are two CPUs"))
		return;
	test_refusals();
	test_takes();
	test_kill();
	test_storm();
	test_cycles();
	report_group("");
	audit_clean("after all");
}
