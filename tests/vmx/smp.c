/* SPDX-License-Identifier: GPL-2.0-only */
/* smp.c - bare guest: other CPUs start and restart, NMIs and IPIs arrive once each, FIMCEs run on all CPUs at the same time. */
#include "lib/call.h"
#include "lib/cpu.h"
#include "lib/cpuid.h"
#include "lib/report.h"

#include <ravelin/image.h>
#include <ravelin/reason.h>

#define RESTARTS 50u
#define NMIS 200u
#define STORM 500u
#define KICKS 200u
#define KICK_MS 8u
#define IPIS 300u
#define ROUNDS 10u
#define INIT_TRIES 100u
#define IPI_VECTOR 0x61u
#define PATIENCE_US 200000u
#define ARRIVAL_US 20000u
#define LOST_MAX 5u

static const uint8_t digest_abc[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
				       0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
				       0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
static const uint8_t *sha256_image, *spin_image;
static uint32_t sha256_bytes, spin_bytes;

static volatile uint64_t counter[CPU_MAX];
static volatile bool stop;

/* Waits until *value is wanted. @return false after ARRIVAL_US. */
static bool wait_for(const volatile uint64_t *value, uint64_t wanted)
{
	uint64_t end = rdtsc() + ARRIVAL_US * cpu_tsc_khz / 1000;

	while (*value != wanted) {
		if (rdtsc() >= end)
			return false;
		cpu_pause();
	}
	return true;
}

static void work_identity(void *argument)
{
	uint32_t *id = argument;

	*id =
	    cpu_self()->apic_id == apic_this_id() && cpuid(1, 0).ebx >> 24 == apic_this_id() ? cpu_self()->index : ~0u;
}

/* What a CPU does while it is disturbed. */
static void work_count(void *argument)
{
	(void)argument;
	while (!stop)
		counter[cpu_self()->index]++;
}

static void work_null_calls(void *argument)
{
	(void)argument;
	while (!stop) {
		call(RV_HC_NULL, 0, 0, 0);
		counter[cpu_self()->index]++;
	}
}

static void work_cpuid(void *argument)
{
	(void)argument;
	while (!stop) {
		cpuid(1, 0);
		counter[cpu_self()->index]++;
	}
}

/* Leaves with a short way through root mode, with something to lose in all registers. */
static volatile uint64_t cpuid_wrong;

static void work_cpuid_short(void *argument)
{
	(void)argument;
	for (uint64_t n = 0; !stop; n++) {
		const uint32_t leaf = n & 1 ? 2 : 4, subleaf = (uint32_t)(n >> 1 & 3);
		struct cpuid_regs r = {leaf, subleaf, n, ~n, 5, 6, 7, 8 + n, 9, 10, 11, 12, 13, 14, 15 + n, 2},
				  expected = r;

		cpuid_run_shadow(&expected);
		cpuid_run(&r);
		cpuid_wrong += memcmp(&r, &expected, sizeof(r)) != 0 || r.r8 != 8 + n || r.r15 != 15 + n;
		counter[cpu_self()->index]++;
	}
}

/* Nothing but the short way. */
static void work_cpuid_only(void *argument)
{
	(void)argument;
	while (!stop) {
		for (uint32_t i = 0; i < 8; i++)
			cpuid(2, 0);
		counter[cpu_self()->index]++;
	}
}

static void work_info(void *argument)
{
	(void)argument;
	while (!stop) {
		info_get();
		counter[cpu_self()->index]++;
	}
}

static void work_halt(void *argument)
{
	(void)argument;
	while (!stop) {
		counter[cpu_self()->index]++;
		__asm__ volatile("cli\n\thlt");
	}
}

static void work_open_halt(void *argument)
{
	(void)argument;
	while (!stop) {
		counter[cpu_self()->index]++;
		__asm__ volatile("sti\n\thlt\n\tcli");
	}
}

static void work_begin(struct cpu *cpu, void (*work)(void *))
{
	uint64_t before = counter[cpu->index], end = rdtsc() + PATIENCE_US * cpu_tsc_khz / 1000;

	stop = false;
	smp_run(cpu, work, NULL);
	while (counter[cpu->index] == before && rdtsc() < end)
		cpu_pause();
}

static void work_end(struct cpu *cpu, const char *what)
{
	stop = true;
	if (!smp_wait(cpu, PATIENCE_US))
		report(false, "CPU %u goes on after %s", cpu->index, what);
}

/* For a failed check: what the CPU's exits were. */
static void exits_print(const struct cpu *cpu)
{
	static struct call_buffer b;
	const struct rv_stat *stat;

	if (b.frames == NULL)
		b = buffer_make(1);
	call(RV_HC_GET_STAT, (uint64_t)b.frames, cpu->index, 0);
	stat = (const void *)b.data;
	report_line("CPU %u exits: NMI or exception %lu, INIT %lu, SIPI %lu, NMI window %lu, all %lu", cpu->index,
		    stat->exit[0], stat->exit[3], stat->exit[4], stat->exit[8], stat->exits);
}

static void test_start(void)
{
	report_group("start");
	for (uint32_t i = 1; i < cpu_count; i++) {
		uint32_t id = ~0u;

		report(smp_start(&cpus[i]), "CPU %u starts", i);
		smp_run(&cpus[i], work_identity, &id);
		report(smp_wait(&cpus[i], PATIENCE_US) && id == i, "CPU %u has its own APIC id", i);
	}
	for (uint32_t i = 1; i < cpu_count; i++) {
		uint32_t good = 0;

		for (uint32_t n = 0; n < RESTARTS; n++) {
			uint32_t id = ~0u;

			if (!smp_start(&cpus[i]))
				break;
			smp_run(&cpus[i], work_identity, &id);
			good += smp_wait(&cpus[i], PATIENCE_US) && id == i;
		}
		report_equal(good, RESTARTS, "CPU %u restarts %u times", i, RESTARTS);
	}
}

static void test_init(void)
{
	struct cpu *cpu = &cpus[1];
	void (*const works[])(void *) = {work_count, work_null_calls, work_info,
					 work_halt,  work_open_halt,  work_cpuid_short};
	const char *const names[] = {"counts", "makes NULL calls", "makes GET_INFO calls", "halts without interrupts",
				     "halts",  "executes CPUID"};

	report_group("INIT");
	for (uint32_t i = 0; i < sizeof(works) / sizeof(works[0]); i++) {
		uint64_t now = 0;

		work_begin(cpu, works[i]);
		/* Bochs loses an INIT that comes while the CPU is in root mode (KVM and hardware keep it): more than one try. */
		for (uint32_t try = 0; try < INIT_TRIES; try++) {
			apic_send(cpu->apic_id, APIC_INIT);
			cpu_delay_us(500 + 7 * try);
			now = counter[1];
			cpu_delay_us(500);
			if (counter[1] == now)
				break;
		}
		report_equal(counter[1], now, "a CPU that %s stops", names[i]);
		apic_send(cpu->apic_id, APIC_NMI);
		cpu_delay_us(1000);
		report_equal(counter[1], now, "and an NMI does not wake it");
		report(smp_start(cpu), "and it starts again");
	}
	audit_clean("after the INITs");
}

static void test_nmi_to(struct cpu *cpu, void (*work)(void *), const char *what)
{
	uint64_t before, lost = 0;

	before = cpu->nmis;
	work_begin(cpu, work);
	for (uint32_t i = 0; i < NMIS && lost < LOST_MAX; i++) {
		apic_send(cpu->apic_id, APIC_NMI);
		lost += !wait_for(&cpu->nmis, before + i + 1 - lost);
	}
	cpu_delay_us(500);
	report(lost == 0 && cpu->nmis == before + NMIS, "%u NMIs to a CPU that %s arrive once each", NMIS, what);
	if (lost != 0 || cpu->nmis != before + NMIS) {
		report_line("%lu lost, %lu arrived", lost, cpu->nmis - before);
		exits_print(cpu);
	}

	before = cpu->nmis;
	for (uint32_t i = 0; i < STORM; i++)
		apic_send(cpu->apic_id, APIC_NMI);
	cpu_delay_us(2000);
	report(cpu->nmis > before && cpu->nmis <= before + STORM, "a storm of NMIs to a CPU that %s", what);
	before = cpu->nmis;
	apic_send(cpu->apic_id, APIC_NMI);
	report(wait_for(&cpu->nmis, before + 1), "the next one arrives");
	cpu_delay_us(500);
	report_equal(cpu->nmis, before + 1, "and no other");
	/* Whatever it halts in, it goes on. */
	stop = true;
	apic_send(cpu->apic_id, APIC_NMI);
	work_end(cpu, what);
}

static void test_nmi(const char *group)
{
	report_group(group);
	test_nmi_to(&cpus[1], work_count, "counts");
	test_nmi_to(&cpus[1], work_null_calls, "makes NULL calls");
	test_nmi_to(&cpus[1], work_cpuid, "executes CPUID");
	cpuid_wrong = 0;
	test_nmi_to(&cpus[1], work_cpuid_short, "executes CPUID the short way");
	report_equal(cpuid_wrong, 0, "and all its registers are as they should be");
	test_nmi_to(&cpus[1], work_cpuid_only, "executes nothing but CPUID");
	test_nmi_to(&cpus[1], work_info, "makes GET_INFO calls");
	test_nmi_to(&cpus[1], work_halt, "halts");
}

/* A kick of root mode reaches a CPU that hardly leaves the short way: one that got lost would be repeated, but only 10 ms later. */
static void test_kicks(void)
{
	struct call_buffer b = buffer_make(1);
	uint64_t longest = 0, clean = 0;

	report_group("kicks");
	work_begin(&cpus[1], work_cpuid_only);
	for (uint32_t i = 0; i < KICKS; i++) {
		uint64_t begin = rdtsc(), ticks;

		clean += call(RV_HC_AUDIT, (uint64_t)b.frames, 0, 0).value == 0;
		ticks = rdtsc() - begin;
		longest = ticks > longest ? ticks : longest;
	}
	work_end(&cpus[1], "the audits");
	report_equal(clean, KICKS, "%u audits while a CPU executes nothing but CPUID", KICKS);
	report(longest < KICK_MS * cpu_tsc_khz, "none of them waits long (%lu ticks)", longest);
}

static void work_info_open(void *argument)
{
	cpu_irq_enable();
	work_info(argument);
	cpu_irq_disable();
}

static void test_ipi_to(struct cpu *cpu, void (*work)(void *), const char *what)
{
	uint64_t before = cpu->irqs[IPI_VECTOR], lost = 0;

	work_begin(cpu, work);
	for (uint32_t i = 0; i < IPIS && lost < LOST_MAX; i++) {
		apic_send(cpu->apic_id, APIC_FIXED | IPI_VECTOR);
		lost += !wait_for(&cpu->irqs[IPI_VECTOR], before + i + 1 - lost);
	}
	report(lost == 0 && cpu->irqs[IPI_VECTOR] == before + IPIS, "%u IPIs to a CPU that %s arrive once each", IPIS,
	       what);
	stop = true;
	apic_send(cpu->apic_id, APIC_FIXED | IPI_VECTOR);
	work_end(cpu, what);
}

static void test_ipi(void)
{
	uint64_t exits = 0;
	struct call_buffer b = buffer_make(1);
	const struct rv_stat *stat = (const void *)b.data;

	report_group("IPI");
	test_ipi_to(&cpus[1], work_info_open, "makes GET_INFO calls");
	call(RV_HC_GET_STAT, (uint64_t)b.frames, 1, 0);
	exits = stat->exits;
	test_ipi_to(&cpus[1], work_open_halt, "halts");
	call(RV_HC_GET_STAT, (uint64_t)b.frames, 1, 0);
	report_equal(stat->exits - exits, 0, "and cause no exit there");
}

/* One FIMCE after the other, with the CPU's own argument. @return how many were right. */
static void work_fimces(void *argument)
{
	uint32_t *good = argument;

	for (uint32_t i = 0; i < ROUNDS; i++) {
		struct fimce_wish wish = {.argument = "abc", .argument_bytes = 3};
		struct call_result r = fimce_create_image(sha256_image, sha256_bytes, &wish);
		const uint8_t *output;
		uint64_t id = (uint64_t)r.value;

		if (r.value <= 0)
			continue;
		r = call(RV_HC_FIMCE_RUN, id, RV_RUN_BORROWED, 0);
		*good += r.value == RV_FIMCE_DONE && fimce_output(id, &output) == 32 &&
			 memcmp(output, digest_abc, 32) == 0 && fimce_status(id)->cpu == cpu_self()->index;
		fimce_destroy(id);
	}
}

static void test_fimces(void)
{
	static uint32_t good[CPU_MAX];
	uint64_t before = pool_free();

	report_group("FIMCEs");
	for (uint32_t i = 1; i < cpu_count; i++)
		smp_run(&cpus[i], work_fimces, &good[i]);
	work_fimces(&good[0]);
	for (uint32_t i = 0; i < cpu_count; i++) {
		if (i > 0)
			report(smp_wait(&cpus[i], 60000000), "CPU %u ends its FIMCEs", i);
		report_equal(good[i], ROUNDS, "CPU %u gets right results while the others run theirs", i);
	}
	report_equal(pool_free(), before, "the pool is as before");
	audit_clean("after FIMCEs on all CPUs");
}

static void work_borrow_spin(void *argument)
{
	struct fimce_wish wish = {.budget_us = 30000};
	struct call_result r = fimce_create_image(spin_image, spin_bytes, &wish);
	uint32_t *cause = argument;
	uint64_t id = (uint64_t)r.value;

	counter[cpu_self()->index]++;
	call(RV_HC_FIMCE_RUN, id, RV_RUN_BORROWED, 0);
	*cause = fimce_status(id)->cause;
	fimce_destroy(id);
}

static void work_open(void *argument)
{
	(void)argument;
	__asm__ volatile("sti\n\tnop\n\tnop\n\tcli");
}

/* NMIs and IPIs to a CPU that has lent itself to a FIMCE: they wait for the guest, and do not disturb the FIMCE. */
static void test_borrowed(void)
{
	struct cpu *cpu = &cpus[1];
	uint64_t nmis = cpu->nmis, irqs = cpu->irqs[IPI_VECTOR], before = counter[1];
	static uint32_t cause;

	report_group("borrowed");
	smp_run(cpu, work_borrow_spin, &cause);
	while (counter[1] == before)
		cpu_pause();
	cpu_delay_us(3000);
	for (uint32_t i = 0; i < 20; i++) {
		apic_send(cpu->apic_id, APIC_NMI);
		cpu_delay_us(100);
	}
	apic_send(cpu->apic_id, APIC_FIXED | IPI_VECTOR);
	report(smp_wait(cpu, 1000000), "the FIMCE's CPU comes back");
	report_equal(cause, RV_CAUSE_WATCHDOG, "the FIMCE spins through 20 NMIs until its budget ends");
	report(cpu->nmis > nmis && cpu->nmis <= nmis + 20, "the guest gets the NMIs that came meanwhile");
	report_equal(cpu->irqs[IPI_VECTOR], irqs, "the interrupt waits for the guest to allow it");
	smp_run(cpu, work_open, NULL);
	report(smp_wait(cpu, PATIENCE_US) && cpu->irqs[IPI_VECTOR] == irqs + 1, "and then comes once");
}

void test_main(void)
{
	sha256_image = archive_need("sha256.img", &sha256_bytes);
	spin_image = archive_need("spin.img", &spin_bytes);
	report(cpu_count >= 2, "there are %u CPUs", cpu_count);
	if (cpu_count < 2)
		return;
	test_start();
	test_nmi("NMI");
	test_kicks();
	test_init();
	test_nmi("NMI after INIT");
	test_ipi();
	test_fimces();
	test_borrowed();
	report_group("");
	audit_clean("after all");
}
