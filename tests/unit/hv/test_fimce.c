/* SPDX-License-Identifier: GPL-2.0-only */
/* test_fimce.c - the life of a FIMCE through its hypercalls; what runs in it is a list of steps. */
#include "fake.h"

#include <string.h>

#define CREATE() fake_vmcall(cpu, RV_HC_FIMCE_CREATE, FAKE_CREATE, 0, 0)
#define RUN(id) fake_vmcall(cpu, RV_HC_FIMCE_RUN, (uint64_t)(id), RV_RUN_BORROWED, 0)
#define DESTROY(id) fake_vmcall(cpu, RV_HC_FIMCE_DESTROY, (uint64_t)(id), 0, 0)
#define REASON() ((uint32_t)cpu->regs.gpr[RDX])

static struct percpu *cpu;
static uint64_t free_bytes;
static uint32_t rows;

static int setup(void **state)
{
	(void)state;
	cpu = fake_machine();
	free_bytes = partition_bytes(&hv.partition, OWNER_POOL_FREE);
	rows = hv.partition.count;
	return 0;
}

/* Nothing was lost, and nothing of a FIMCE is left in the pool. */
static void expect_clean(void)
{
	struct rv_audit audit;

	assert_int_equal(partition_bytes(&hv.partition, OWNER_POOL_FREE), free_bytes);
	partition_merge(&hv.partition);
	assert_int_equal(hv.partition.count, rows);
	assert_int_equal(hv.partition.reserved, 0);
	assert_int_equal(fake_pool_dirty(), 0);
	vmcs_load(cpu->guest_vmcs);
	assert_int_equal(audit_run(cpu, &audit), -RV_EFAULT); /* this VMCS was never set up; all tables are right */
	assert_int_equal(audit.bad_table, ~0ull);
	assert_int_equal(hv.lock.next, hv.lock.owner);
}

static struct rv_fimce_status *status(int64_t id)
{
	assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_STATUS, (uint64_t)id, FAKE_LIST, 0),
			 sizeof(struct rv_fimce_status));
	return pa_pointer(pa_make(FAKE_BUFFER));
}

static void write_output(struct fimce *f)
{
	memset(pa_pointer(f->output), 0x5a, RV_PAGE_SIZE);
	memset(pa_pointer(f->stack), 0x77, 2 * RV_PAGE_SIZE);
}

static void test_life(void **state)
{
	const struct fake_step steps[] = {{.call = RV_FC_LOG, .rdi = 1000},
					  {.call = RV_FC_MEASURED, .before = fake_measured},
					  {.call = RV_FC_EXIT, .rdi = (uint64_t)-7, .rsi = 100, .before = write_output},
					  {0}};
	const uint8_t *out = pa_pointer(pa_make(FAKE_BUFFER));
	struct rv_fimce_status *s;
	int64_t id;

	(void)state;
	fake_create(0);
	id = CREATE();
	assert_true(id > 0);
	assert_int_equal(status(id)->state, RV_FIMCE_BUILT);
	/* The guest's input is never looked at again. */
	memset(pa_pointer(pa_make(FAKE_INPUT)), 0, RV_PAGE_SIZE);
	assert_int_equal(*(uint8_t *)pa_pointer(fimce_find((uint32_t)id)->input), 0xa5);
	assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_OUTPUT, (uint64_t)id, FAKE_LIST, 0), -RV_EBUSY);
	fake_task(fimce_find((uint32_t)id), steps);
	assert_int_equal(RUN(id), RV_FIMCE_DONE);
	assert_int_equal(fake_task_rax, 0); /* of RV_FC_MEASURED */
	s = status(id);
	assert_int_equal(s->state, RV_FIMCE_DONE);
	assert_int_equal(s->result, -7);
	assert_int_equal(s->output_bytes, 100);
	assert_string_equal(s->name, "test");
	memset(pa_pointer(pa_make(FAKE_BUFFER)), 0, RV_PAGE_SIZE);
	assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_OUTPUT, (uint64_t)id, FAKE_LIST, 10), 90);
	assert_int_equal(out[89], 0x5a);
	assert_int_equal(out[90], 0); /* not a byte more than the task gave */
	assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_OUTPUT, (uint64_t)id, FAKE_LIST, 101), -RV_EINVAL);
	assert_int_equal(RUN(id), -RV_EBUSY);
	assert_int_equal(REASON(), RV_REASON_FIMCE_STATE);
	assert_int_equal(DESTROY(id), 0);
	assert_int_equal(DESTROY(id), -RV_ENOENT);
	expect_clean();
}

static void test_create_refuses(void **state)
{
	const struct {
		uint32_t offset, bytes;
		uint64_t value;
	} bad[] = {
#define FIELD(name) offsetof(struct rv_fimce_create, name), sizeof(((struct rv_fimce_create *)0)->name)
	    {FIELD(size), 0},
	    {FIELD(flags), 1},
	    {FIELD(input), 0},
	    {FIELD(input), FAKE_POOL},
	    {FIELD(input), FAKE_INPUT_LIST + 8},
	    {FIELD(argument_offset), RV_PAGE_SIZE + 16},
	    {FIELD(argument_offset), 8},
	    {FIELD(argument_offset), 0xfffffff0},
	    {FIELD(load_bytes), 0},
	    {FIELD(load_bytes), RV_FIMCE_MAX_LOAD + RV_PAGE_SIZE},
	    {FIELD(load_bytes), 100},
	    {FIELD(load_bytes), 0xfffff000},
	    {FIELD(output_bytes), RV_FIMCE_MAX_OUTPUT + RV_PAGE_SIZE},
	    {FIELD(output_bytes), 1},
	    {FIELD(stack_bytes), 0},
	    {FIELD(stack_bytes), RV_FIMCE_MAX_STACK + RV_PAGE_SIZE},
	    {FIELD(budget_us), 0},
	    {FIELD(budget_us), RV_FIMCE_MAX_BUDGET_US + 1},
	    {FIELD(budget_us), ~0ull},
	    {FIELD(target_count), 1},
	    {FIELD(target_count), RV_FIMCE_MAX_TARGETS + 1},
	    {FIELD(target_count), 0xffffffff},
	    {FIELD(targets), FAKE_TARGET_LIST},
	};

	(void)state;
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t *c = (uint8_t *)fake_create(0);
		int64_t result;

		memcpy(c + bad[i].offset, &bad[i].value, bad[i].bytes);
		result = CREATE();
		if (result >= 0)
			fail_msg("accepted: field at %u with %llx", bad[i].offset, (unsigned long long)bad[i].value);
		assert_true(REASON() != 0);
		expect_clean();
	}
}

/* A count that makes the list's size wrap, with a list that has room for what is left of it. */
static void test_target_counts(void **state)
{
	const uint32_t counts[] = {RV_FIMCE_MAX_TARGETS + 1, 0x0aaaaaab, 0xffffffff};

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		struct rv_fimce_create *c = fake_create(2);

		fake_frames(FAKE_TARGET_LIST, FAKE_TARGETS, 511, 511 * RV_PAGE_SIZE);
		for (uint32_t t = 0; t < RV_FIMCE_MAX_TARGETS + 1; t++)
			((struct rv_target_page *)pa_pointer(pa_make(FAKE_TARGETS)))[t] =
			    (struct rv_target_page){.va = FAKE_TARGET_VA + t * (uint64_t)RV_PAGE_SIZE,
						    .gpa = FAKE_TARGET,
						    .kind = RV_TARGET_TEXT};
		c->target_count = counts[i];
		assert_int_equal(CREATE(), -RV_EINVAL);
		assert_int_equal(REASON(), RV_REASON_FIMCE_SIZE);
		expect_clean();
	}
}

/* A task may claim as much output as it likes. */
static void test_output_is_clamped(void **state)
{
	const struct fake_step steps[] = {
	    {.call = RV_FC_MEASURED, .before = fake_measured}, {.call = RV_FC_EXIT, .rsi = 0x100000008ull}, {0}};
	int64_t id;

	(void)state;
	fake_create(0);
	id = CREATE();
	fake_task(fimce_find((uint32_t)id), steps);
	assert_int_equal(RUN(id), RV_FIMCE_DONE);
	assert_int_equal(status(id)->output_bytes, RV_PAGE_SIZE);
	fake_frames(FAKE_LIST, FAKE_BUFFER, 2, 2 * RV_PAGE_SIZE);
	assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_OUTPUT, (uint64_t)id, FAKE_LIST, 0), RV_PAGE_SIZE);
	assert_int_equal(DESTROY(id), 0);
	expect_clean();
}

static void test_targets_are_checked(void **state)
{
	const struct rv_target_page good = {.va = FAKE_TARGET_VA, .gpa = FAKE_TARGET, .kind = RV_TARGET_TEXT};
	struct rv_target_page bad[8], *list;

	(void)state;
	for (uint32_t i = 0; i < 8; i++)
		bad[i] = good;
	bad[0].va += 8;
	bad[1].va = 1ull << 47;
	bad[2].va = 0;
	bad[3].kind = 0;
	bad[4].kind = RV_TARGET_FRESH + 1;
	bad[5].reserved = 1;
	bad[6].va = FAKE_TARGET_VA - RV_PAGE_SIZE; /* out of order, as the second one */
	bad[7].va = FAKE_TARGET_VA; /* twice */
	for (uint32_t i = 0; i < 8; i++) {
		fake_create(2);
		list = pa_pointer(pa_make(FAKE_TARGETS));
		list[0] = good;
		list[1] = good;
		list[1].va += RV_PAGE_SIZE;
		list[i < 6 ? 0 : 1] = bad[i];
		assert_int_equal(CREATE(), -RV_EINVAL);
		assert_int_equal(REASON(), RV_REASON_FIMCE_TARGET);
		expect_clean();
	}
}

static void test_slots_run_out(void **state)
{
	int64_t id[RV_MAX_FIMCES];

	(void)state;
	fake_create(0);
	for (uint32_t i = 0; i < RV_MAX_FIMCES; i++) {
		id[i] = CREATE();
		assert_true(id[i] > 0);
		for (uint32_t j = 0; j < i; j++)
			assert_int_not_equal(id[i], id[j]);
	}
	assert_int_equal(CREATE(), -RV_ENOSPC);
	assert_int_equal(REASON(), RV_REASON_FIMCE_SLOTS);
	for (uint32_t i = 0; i < RV_MAX_FIMCES; i++)
		assert_int_equal(DESTROY(id[i]), 0);
	expect_clean();
}

static void test_pool_runs_out(void **state)
{
	uint32_t n = 0;
	int64_t id;

	(void)state;
	fake_create(0)->load_bytes = RV_FIMCE_MAX_LOAD;
	while ((id = CREATE()) > 0)
		n++;
	assert_int_equal(id, -RV_ENOMEM);
	assert_int_equal(REASON(), RV_REASON_POOL_EMPTY);
	assert_int_equal(n, 2);
	for (uint32_t i = 0; i < RV_MAX_FIMCES; i++) {
		if (hv.fimce[i].id != 0)
			assert_int_equal(DESTROY(hv.fimce[i].id), 0);
	}
	expect_clean();
}

/* Rows name a FIMCE by 16 bits: an id that does not fit, or that another one has, would mix owners up. */
static void test_ids_stay_small_and_unique(void **state)
{
	int64_t first, id;

	(void)state;
	fake_create(0);
	first = CREATE();
	for (uint32_t i = 0; i < 3; i++) {
		hv.next_fimce_id = i == 0 ? 0xfffd : i == 1 ? 0xffff : 0xffffffff;
		for (uint32_t n = 0; n < 4; n++) {
			id = CREATE();
			assert_true(id > 0 && id < 0xffff && id != first);
			assert_int_not_equal(OWNER_FIMCE((uint32_t)id), OWNER_FIMCE((uint32_t)first));
			assert_int_equal(DESTROY(id), 0);
		}
	}
	assert_int_equal(DESTROY(first), 0);
	expect_clean();
}

/* --- what code in a FIMCE may not do ------------------------------------------------------------------------------------- */

static struct rv_fimce_status run_to_death(const struct fake_step *steps)
{
	struct rv_fimce_status s;
	int64_t id;

	fake_create(0);
	id = CREATE();
	assert_true(id > 0);
	fake_task(fimce_find((uint32_t)id), steps);
	assert_int_equal(RUN(id), RV_FIMCE_DEAD);
	s = *status(id);
	assert_int_equal(s.state, RV_FIMCE_DEAD);
	assert_int_equal(fake_log_last()->reason, RV_REASON_FIMCE_DIED);
	assert_int_equal(DESTROY(id), 0);
	expect_clean();
	return s;
}

static void test_protocol(void **state)
{
	const struct fake_step before_seal[] = {{.call = RV_FC_EXIT}, {0}};
	const struct fake_step yield_before[] = {{.call = RV_FC_YIELD}, {0}};
	const struct fake_step twice[] = {
	    {.call = RV_FC_MEASURED, .before = fake_measured}, {.call = RV_FC_MEASURED, .before = fake_measured}, {0}};
	const struct fake_step no_cap[] = {
	    {.call = RV_FC_MEASURED, .before = fake_measured}, {.call = RV_FC_YIELD}, {0}};
	const struct fake_step late_refuse[] = {
	    {.call = RV_FC_MEASURED, .before = fake_measured}, {.call = RV_FC_REFUSE}, {0}};
	const struct fake_step unknown[] = {{.call = 77}, {0}};
	const struct fake_step *all[] = {before_seal, yield_before, twice, no_cap, late_refuse, unknown};

	(void)state;
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(run_to_death(all[i]).cause, RV_CAUSE_PROTOCOL);
}

static void test_every_exit_kills(void **state)
{
	(void)state;
	for (uint32_t reason = 0; reason < 80; reason++) {
		struct fake_step steps[] = {{.call = FAKE_EXIT, .rdi = reason, .rsi = 0x1234}, {0}};
		struct rv_fimce_status s;

		if (reason == EXIT_EXCEPTION_NMI || reason == EXIT_INIT || reason == EXIT_VMCALL)
			continue;
		s = run_to_death(steps);
		if (reason == EXIT_PREEMPTION_TIMER)
			assert_int_equal(s.cause, RV_CAUSE_WATCHDOG);
		else if (reason == EXIT_TRIPLE_FAULT)
			assert_int_equal(s.cause, RV_CAUSE_TRIPLE_FAULT);
		else
			assert_true(s.cause == RV_CAUSE_BREACH && s.detail == reason && s.value == 0x1234);
	}
}

static void budget_passes(struct fimce *f)
{
	fake_time += f->values.budget_us * hv.launch.tsc_khz / 1000;
}

/* The preemption timer stands still in root mode; the budget does not. */
static void test_calls_do_not_stretch_the_budget(void **state)
{
	const struct fake_step steps[] = {{.call = RV_FC_LOG, .rdi = 1},
					  {.call = RV_FC_LOG, .rdi = 1, .before = budget_passes},
					  {.call = RV_FC_LOG, .rdi = 1},
					  {0}};

	(void)state;
	assert_int_equal(run_to_death(steps).cause, RV_CAUSE_WATCHDOG);
}

static void test_exception(void **state)
{
	const struct fake_step steps[] = {
	    {.call = FAKE_EXIT, .rdi = EXIT_EXCEPTION_NMI, .rsi = 0xdead, .rdx = 14 | 3u << 8 | 1u << 31}, {0}};
	struct rv_fimce_status s = run_to_death(steps);

	(void)state;
	assert_int_equal(s.cause, RV_CAUSE_EXCEPTION);
	assert_int_equal(s.detail, 14);
	assert_int_equal(s.cr2, 0xdead);
}

/* NMIs and INITs of the outside do not end it. */
static void test_survives_nmi_and_init(void **state)
{
	const struct fake_step steps[] = {{.call = FAKE_EXIT, .rdi = EXIT_EXCEPTION_NMI, .rdx = 2 | 2u << 8 | 1u << 31},
					  {.call = FAKE_EXIT, .rdi = EXIT_INIT},
					  {.call = RV_FC_MEASURED, .before = fake_measured},
					  {.call = RV_FC_EXIT},
					  {0}};
	int64_t id;

	(void)state;
	fake_create(0);
	id = CREATE();
	fake_task(fimce_find((uint32_t)id), steps);
	assert_int_equal(RUN(id), RV_FIMCE_DONE);
	assert_true(cpu->guest_nmi); /* the guest gets its NMI afterwards */
	assert_int_equal(DESTROY(id), 0);
	expect_clean();
}

static void panic(struct fimce *f)
{
	(void)f;
	hv.panicked = true;
}

/* Root mode has found itself wrong on another CPU, which sends an NMI: the task is not entered again. */
static void test_stops_with_the_machine(void **state)
{
	const struct fake_step steps[] = {
	    {.call = FAKE_EXIT, .rdi = EXIT_EXCEPTION_NMI, .rdx = 2 | 2u << 8 | 1u << 31, .before = panic}, {0}};
	int64_t id;

	(void)state;
	fake_create(0);
	id = CREATE();
	fake_task(fimce_find((uint32_t)id), steps);
	FAKE_STOPS(RUN(id));
}

static void segment_write_execute(struct fimce *f)
{
	fake_measured(f);
	((struct rv_measured *)pa_pointer(f->mailbox))->segment[0].perm = RV_PERM_R | RV_PERM_W | RV_PERM_X;
}

static void segment_outside(struct fimce *f)
{
	fake_measured(f);
	((struct rv_measured *)pa_pointer(f->mailbox))->segment[1].pages = 9;
}

static void segment_overflow(struct fimce *f)
{
	fake_measured(f);
	((struct rv_measured *)pa_pointer(f->mailbox))->segment[1].first_page = 0xffffffff;
}

static void segment_overlap(struct fimce *f)
{
	fake_measured(f);
	((struct rv_measured *)pa_pointer(f->mailbox))->segment[1].first_page = 3;
}

static void segment_count(struct fimce *f)
{
	fake_measured(f);
	((struct rv_measured *)pa_pointer(f->mailbox))->segment_count = 9;
}

static void unsigned_capability(struct fimce *f)
{
	fake_measured(f);
	((struct rv_measured *)pa_pointer(f->mailbox))->capabilities = RV_CAP_TARGET;
}

static void signed_without_targets(struct fimce *f)
{
	fake_measured_update(f);
}

static void test_measured_is_checked(void **state)
{
	const struct {
		void (*fill)(struct fimce *f);
		uint32_t reason;
	} bad[] = {
	    {segment_write_execute, RV_REASON_FIMCE_SEGMENT},  {segment_outside, RV_REASON_FIMCE_SEGMENT},
	    {segment_overflow, RV_REASON_FIMCE_SEGMENT},       {segment_overlap, RV_REASON_FIMCE_SEGMENT},
	    {segment_count, RV_REASON_FIMCE_SEGMENT},          {unsigned_capability, RV_REASON_FIMCE_CAPABILITY},
	    {signed_without_targets, RV_REASON_UPDATE_TARGET},
	};

	(void)state;
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct fake_step steps[] = {{.call = RV_FC_MEASURED, .before = bad[i].fill},
						  {.call = RV_FC_REFUSE, .rdi = (uint64_t)-RV_EACCES},
						  {0}};

		assert_int_equal(run_to_death(steps).cause, RV_CAUSE_REFUSED);
		assert_true((int64_t)fake_task_rax < 0);
		assert_int_equal(fake_task_rdx, bad[i].reason);
	}
}

/* --- state of the CPU's owner ---------------------------------------------------------------------------------------------- */

static void secret_in_registers(struct fimce *f)
{
	(void)f;
	assert_int_equal(fake_sse, 0); /* nothing of the guest comes in */
	assert_int_equal(read_cr2(), 0);
	assert_int_equal(rdmsr(MSR_KERNEL_GS_BASE), 0);
	assert_int_equal(read_cr8(), 15);
	fake_sse = 0x5ec7e7;
	fake_x87 = 0x5ec7e8;
	write_cr2(0x5ec7e9);
	wrmsr(MSR_KERNEL_GS_BASE, 0x5ec7ea);
}

/* Whatever the guest enabled in XCR0: legacy SSE works in a FIMCE, and nothing of it stays in the registers. */
static void test_vector_registers_do_not_leak(void **state)
{
	const struct fake_step steps[] = {{.call = RV_FC_MEASURED, .before = fake_measured},
					  {.call = RV_FC_EXIT, .before = secret_in_registers},
					  {0}};

	(void)state;
	for (uint64_t xcr0 = 1; xcr0 < 8; xcr0 += 2) {
		int64_t id;

		if (xcr0 == 5)
			continue;
		fake_create(0);
		id = CREATE();
		fake_task(fimce_find((uint32_t)id), steps);
		fake_xcr0 = xcr0;
		fake_sse = 0x1111;
		fake_x87 = 0x2222;
		write_cr2(0x3333);
		write_cr8(4);
		wrmsr(MSR_KERNEL_GS_BASE, 0x4444);
		assert_int_equal(RUN(id), RV_FIMCE_DONE);
		assert_int_equal(fake_sse, 0x1111);
		assert_int_equal(fake_x87, 0x2222);
		assert_int_equal(read_cr2(), 0x3333);
		assert_int_equal(read_cr8(), 4);
		assert_int_equal(rdmsr(MSR_KERNEL_GS_BASE), 0x4444);
		assert_int_equal(fake_xcr0, xcr0);
		assert_int_equal(DESTROY(id), 0);
		expect_clean();
	}
}

/* --- other CPUs meanwhile ----------------------------------------------------------------------------------------------------- */

static int64_t victim;

/* All that another CPU may try while this one runs the FIMCE with the lock dropped. */
static void attack_running(struct fimce *f)
{
	struct percpu *other = hv.cpu[1];
	const struct rv_fimce_status *s = pa_pointer(pa_make(FAKE_BUFFER));

	(void)f;
	assert_int_equal(fake_vmcall(other, RV_HC_FIMCE_STATUS, (uint64_t)victim, FAKE_LIST, 0), sizeof(*s));
	assert_int_equal(s->state, RV_FIMCE_RUNNING);
	assert_int_equal(fake_vmcall(other, RV_HC_FIMCE_RUN, (uint64_t)victim, RV_RUN_BORROWED, 0), -RV_EBUSY);
	assert_int_equal(fake_vmcall(other, RV_HC_FIMCE_OUTPUT, (uint64_t)victim, FAKE_LIST, 0), -RV_EBUSY);
	for (uint64_t op = 0; op < 5; op++)
		assert_true(fake_vmcall(other, RV_HC_UPDATE, (uint64_t)victim, op, 0) < 0);
	assert_int_equal(fake_vmcall(other, RV_HC_CORE_TAKE, 0, 0, 0), -RV_ETIME);
}

static void test_others_while_it_runs(void **state)
{
	const struct fake_step steps[] = {
	    {.call = RV_FC_MEASURED, .before = fake_measured}, {.call = RV_FC_EXIT, .before = attack_running}, {0}};

	(void)state;
	fake_create(0);
	victim = CREATE();
	fake_task(fimce_find((uint32_t)victim), steps);
	assert_int_equal(RUN(victim), RV_FIMCE_DONE);
	/* The call that timed out left nothing behind: this CPU stays with the guest. */
	assert_int_equal(cpu->take_request, 0);
	assert_int_equal(cpu->state, RV_CPU_GUEST);
	assert_int_equal(DESTROY(victim), 0);
	expect_clean();
}

/* Another CPU gets the lock after the task has ended, but before the CPU that ran it is out of its VMCS and FPU area. */
static void end_race(uint32_t id, uint32_t command)
{
	(void)id;
	(void)command;
}

static void destroy_running(struct fimce *f)
{
	(void)f;
	assert_int_equal(fake_vmcall(hv.cpu[1], RV_HC_FIMCE_DESTROY, (uint64_t)victim, 0, 0), -RV_EAGAIN);
}

static void test_kill(void **state)
{
	const struct fake_step steps[] = {{.call = RV_FC_LOG, .before = destroy_running}, {0}};

	(void)state;
	fake_create(0);
	victim = CREATE();
	fake_ipi = end_race;
	fake_task(fimce_find((uint32_t)victim), steps);
	assert_int_equal(RUN(victim), RV_FIMCE_DEAD);
	assert_int_equal(status(victim)->cause, RV_CAUSE_KILLED);
	assert_int_equal(DESTROY(victim), 0);
	expect_clean();
}

static void test_end_is_not_seen_before_the_cpu_has_left(void **state)
{
	struct fimce *f;

	(void)state;
	fake_create(0);
	victim = CREATE();
	f = fimce_find((uint32_t)victim);
	/* As the running CPU leaves it for an instant: the task's last word is in, the CPU is still inside. */
	f->cpu = hv.cpu[2];
	f->state = RV_FIMCE_DONE;
	assert_int_equal(status(victim)->state, RV_FIMCE_RUNNING);
	assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_OUTPUT, (uint64_t)victim, FAKE_LIST, 0), -RV_EBUSY);
	assert_int_equal(DESTROY(victim), -RV_EAGAIN);
	f->cpu = NULL;
	assert_int_equal(DESTROY(victim), 0);
	expect_clean();
}

/* The guest chooses the moment of a kill, and through the budget that of the watchdog: a signed task's registers stay its own. */
static void test_registers_of_a_signed_task(void **state)
{
	static const struct fake_step steps[] = {{.call = RV_FC_MEASURED, .before = fake_measured_update},
						 {.call = FAKE_EXIT, .rdi = EXIT_PREEMPTION_TIMER},
						 {0}};
	struct rv_fimce_status *s;
	int64_t id;

	(void)state;
	fake_create(1);
	id = CREATE();
	fake_task(fimce_find((uint32_t)id), steps);
	fimce_find((uint32_t)id)->regs.gpr[R12] = 0x5ec7e7;
	assert_int_equal(RUN(id), RV_FIMCE_DEAD);
	s = status(id);
	assert_int_equal(s->cause, RV_CAUSE_WATCHDOG);
	assert_int_equal(s->gpr[R12], 0);
	assert_int_equal(s->gpr[RSP], 0);
	assert_int_equal(DESTROY(id), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, fake_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_life),
	    T(test_create_refuses),
	    T(test_targets_are_checked),
	    T(test_target_counts),
	    T(test_output_is_clamped),
	    T(test_slots_run_out),
	    T(test_pool_runs_out),
	    T(test_ids_stay_small_and_unique),
	    T(test_protocol),
	    T(test_calls_do_not_stretch_the_budget),
	    T(test_every_exit_kills),
	    T(test_stops_with_the_machine),
	    T(test_exception),
	    T(test_survives_nmi_and_init),
	    T(test_measured_is_checked),
	    T(test_vector_registers_do_not_leak),
	    T(test_others_while_it_runs),
	    T(test_kill),
	    T(test_end_is_not_seen_before_the_cpu_has_left),
	    T(test_registers_of_a_signed_task),
	};

	return cmocka_run_group_tests_name("hv fimce", tests, NULL, NULL);
}
