/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * line.c - bare guest: an interrupt line that leaves it for a FIMCE on a core of its own, and comes back. The line is that of the real-time
 * clock; the task is tests/vmx/task/clock.c. Meanwhile the guest's own line, the timer's, goes on, and the guest attacks.
 */
#include "lib/call.h"
#include "lib/cpu.h"
#include "lib/report.h"
#include "task/clock.h"

#include <ravelin/fimce.h>
#include <ravelin/image.h>
#include <ravelin/reason.h>

#define IOAPIC 0xfec00000ull
#define IOAPIC_SELECT 0x00u
#define IOAPIC_DATA 0x10u
#define IOAPIC_EOI 0x40u
#define IOAPIC_VERSION 1u
#define ENTRY(line) (0x10u + 2 * (line))
#define ENTRY_MASKED (1u << 16)
#define TIMER_LINE 2u /* where a PC has the interval timer */
#define TIMER_VECTOR 0x50u
#define CLOCK_VECTOR 0x48u
#define ATTACK_VECTOR 0x49u /* of an entry that must not become one */
#define TICKS 100u
#define PATIENCE_US 5000000u

static const uint8_t *image, *envelope;
static uint32_t image_bytes, envelope_bytes;
static const struct rv_grant grants[] = {{RV_GRANT_PORTS, 0, CLOCK_INDEX, CLOCK_PORTS, 0},
					 {RV_GRANT_GSI, 0, CLOCK_LINE, 1, 0}};

static uint32_t ioapic_read(uint32_t at)
{
	*(volatile uint32_t *)(IOAPIC + IOAPIC_SELECT) = at;
	return *(volatile uint32_t *)(IOAPIC + IOAPIC_DATA);
}

static void ioapic_write(uint32_t at, uint32_t value)
{
	*(volatile uint32_t *)(IOAPIC + IOAPIC_SELECT) = at;
	*(volatile uint32_t *)(IOAPIC + IOAPIC_DATA) = value;
}

static void entry_write(uint32_t line, uint32_t low, uint32_t apic_id)
{
	ioapic_write(ENTRY(line), ENTRY_MASKED);
	ioapic_write(ENTRY(line) + 1, apic_id << 24);
	ioapic_write(ENTRY(line), low);
}

static uint8_t clock_read(uint8_t at)
{
	outb(CLOCK_INDEX, at);
	return inb(CLOCK_DATA);
}

static void clock_set(bool on)
{
	outb(CLOCK_INDEX, CLOCK_RATE);
	outb(CLOCK_DATA, CLOCK_1024_HZ);
	outb(CLOCK_INDEX, CLOCK_CONTROL);
	outb(CLOCK_DATA, CLOCK_24_HOURS | (on ? CLOCK_PERIODIC : 0));
	(void)clock_read(CLOCK_CAUSE);
}

static bool clock_hook(struct trap_frame *f)
{
	if (f->vector == CLOCK_VECTOR || f->vector == ATTACK_VECTOR)
		(void)clock_read(CLOCK_CAUSE);
	return false;
}

/* The count of interrupts with this vector rises by so many. */
static bool interrupts_come(uint32_t vector, uint64_t count)
{
	uint64_t before = cpus[0].irqs[vector], end = rdtsc() + PATIENCE_US / 5 * cpu_tsc_khz / 1000;

	while (cpus[0].irqs[vector] < before + count && rdtsc() < end)
		cpu_pause();
	return cpus[0].irqs[vector] >= before + count;
}

static struct call_result create(const struct rv_grant *grant, uint32_t count, uint32_t ticks)
{
	const struct fimce_wish wish = {.envelope = envelope,
					.envelope_bytes = envelope_bytes,
					.grant = grant,
					.grant_count = count,
					.argument = &ticks,
					.argument_bytes = sizeof(ticks)};

	return fimce_create_image(image, image_bytes, &wish);
}

static void refused(struct call_result r, int64_t error, uint32_t reason, const char *what)
{
	if (!report(r.value == -error && call_reason(r) == reason, "%s is refused", what))
		report_line("it returned %ld, reason %u, value 0x%lx", r.value, call_reason(r), r.refused);
}

/* Its own entry for the line, and all that it may say to the IOAPIC about the FIMCE's vector; its other line it masks and opens. */
static void attack(uint32_t round)
{
	entry_write(CLOCK_LINE, round % 2 ? ATTACK_VECTOR : ATTACK_VECTOR | ENTRY_MASKED, cpus[0].apic_id);
	*(volatile uint32_t *)(IOAPIC + IOAPIC_EOI) = RV_FIMCE_VECTOR;
	entry_write(TIMER_LINE, TIMER_VECTOR, cpus[0].apic_id);
}

static const struct rv_fimce_status *run_attacked(uint64_t id)
{
	uint64_t end = rdtsc() + PATIENCE_US * cpu_tsc_khz / 1000;
	const struct rv_fimce_status *s;
	uint32_t round = 0;

	do {
		attack(round++);
		cpu_delay_us(500);
		s = fimce_status(id);
	} while ((s->state == RV_FIMCE_BUILT || s->state == RV_FIMCE_RUNNING) && rdtsc() < end);
	report_line("# %u rounds of attacks", round);
	return s;
}

static void test_life(void)
{
	uint64_t free_before = pool_free(), timer, attacks;
	const struct rv_fimce_status *s;
	struct call_result r;

	report_group("life");
	r = create(grants, 2, TICKS);
	if (!report(r.value > 0, "a FIMCE with ports and line of the clock is created")) {
		report_line("it returned %ld, reason %u, value 0x%lx", r.value, call_reason(r), r.refused);
		return;
	}
	audit_clean("while it is BUILT");
	report_equal(ioapic_read(ENTRY(CLOCK_LINE)), CLOCK_VECTOR, "the guest reads its entry");
	report_equal(ioapic_read(ENTRY(TIMER_LINE)) & 0xff, TIMER_VECTOR, "and those of its other lines");
	report((ioapic_read(IOAPIC_VERSION) >> 16 & 0xff) >= 23, "and the version");
	report(interrupts_come(TIMER_VECTOR, 3), "its other lines interrupt");
	ioapic_write(ENTRY(TIMER_LINE), TIMER_VECTOR | ENTRY_MASKED);
	report(!interrupts_come(TIMER_VECTOR, 3), "until it masks them");
	ioapic_write(ENTRY(TIMER_LINE), TIMER_VECTOR);
	report(interrupts_come(TIMER_VECTOR, 3), "and opens them");
	refused(call(RV_HC_FIMCE_RUN, (uint64_t)r.value, RV_RUN_BORROWED, 0), RV_EINVAL, RV_REASON_DEVICE_CORE,
		"a borrowed core");
	timer = cpus[0].irqs[TIMER_VECTOR];
	attacks = cpus[0].irqs[ATTACK_VECTOR] + cpus[0].irqs[CLOCK_VECTOR];
	report_equal((uint64_t)call(RV_HC_FIMCE_RUN, (uint64_t)r.value, 1, 0).value, RV_FIMCE_RUNNING, "it runs");
	s = run_attacked((uint64_t)r.value);
	if (!report(s->state == RV_FIMCE_DONE && s->result == TICKS, "it gets its interrupts"))
		report_line("state %u cause %u detail %u value 0x%lx result %ld exits %lu", s->state, s->cause,
			    s->detail, s->value, s->result, s->exits);
	if (!report(s->exits >= TICKS && s->exits < 2 * TICKS, "at one exit each, and few more"))
		report_line("%lu exits", s->exits);
	report_equal(cpus[0].irqs[ATTACK_VECTOR] + cpus[0].irqs[CLOCK_VECTOR], attacks, "the guest gets none of them");
	report(cpus[0].irqs[TIMER_VECTOR] > timer, "and those of its other lines");
	audit_clean("while it is DONE");
	entry_write(CLOCK_LINE, ATTACK_VECTOR, cpus[0].apic_id);
	report_equal((uint64_t)fimce_destroy((uint64_t)r.value).value, 0, "it is destroyed");
	report_equal(ioapic_read(ENTRY(CLOCK_LINE)), ATTACK_VECTOR, "the guest has the entry that it stored last");
	clock_set(true);
	report(interrupts_come(ATTACK_VECTOR, 3), "and the line interrupts it again");
	clock_set(false);
	entry_write(CLOCK_LINE, CLOCK_VECTOR, cpus[0].apic_id);
	report_equal(pool_free(), free_before, "the pool is as before");
	audit_clean("afterwards");
}

static void test_kill(void)
{
	struct call_result r;

	report_group("kill");
	r = create(grants, 2, 1000000);
	if (!report(r.value > 0, "one that wants many interrupts is created"))
		return;
	(void)call(RV_HC_FIMCE_RUN, (uint64_t)r.value, 1, 0);
	cpu_delay_us(20000);
	report_equal(fimce_status((uint64_t)r.value)->state, RV_FIMCE_RUNNING, "it runs");
	report_equal((uint64_t)fimce_destroy((uint64_t)r.value).value, 0, "it is killed");
	clock_set(true);
	report(interrupts_come(CLOCK_VECTOR, 3), "the line interrupts the guest");
	clock_set(false);
	audit_clean("after the kill");
}

static void test_refusals(void)
{
	const struct rv_grant twice[] = {grants[1], grants[1]}, absent = {RV_GRANT_GSI, 0, 24, 1, 0},
			      two = {RV_GRANT_GSI, 0, CLOCK_LINE, 2, 0};

	report_group("refusals");
	refused(create(&absent, 1, 1), RV_ENODEV, RV_REASON_DEVICE_INTERRUPT, "a line that no IOAPIC has");
	refused(create(&two, 1, 1), RV_EINVAL, RV_REASON_DEVICE_GRANT, "two lines in one grant");
	refused(create(twice, 2, 1), RV_EBUSY, RV_REASON_DEVICE_INTERRUPT, "the same line twice");
	clock_set(true);
	report(interrupts_come(CLOCK_VECTOR, 3), "the line is the guest's");
	clock_set(false);
	audit_clean("after refusals");
}

void test_main(void)
{
	image = archive_need("clock.img", &image_bytes);
	envelope = archive_need("clock.suit", &envelope_bytes);
	if (!report(cpu_count >= 2 && smp_start(&cpus[1]), "there are two CPUs"))
		return;
	/* The interval timer, 1,000 times a second. */
	outb(0x43, 0x34);
	outb(0x40, 1193 & 0xff);
	outb(0x40, 1193 >> 8);
	cpus[0].hook = clock_hook;
	entry_write(TIMER_LINE, TIMER_VECTOR, cpus[0].apic_id);
	entry_write(CLOCK_LINE, CLOCK_VECTOR, cpus[0].apic_id);
	clock_set(true);
	cpu_irq_enable();
	report(interrupts_come(TIMER_VECTOR, 3) && interrupts_come(CLOCK_VECTOR, 3), "timer and clock interrupt");
	clock_set(false);
	report_equal((uint64_t)call(RV_HC_CORE_TAKE, 1, 0, 0).value, 0, "CPU 1 is taken");
	test_refusals();
	test_life();
	test_kill();
	cpu_irq_disable();
}
