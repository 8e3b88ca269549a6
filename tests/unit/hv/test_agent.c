/* SPDX-License-Identifier: GPL-2.0-only */
/* test_agent.c - the agent can look and answer; it can't write, and what goes wrong in it changes nothing. */
#include "fake.h"

#include <string.h>

#define NX (1ull << 63)
#define DIRECT_MAP_INDEX 256u

static struct percpu *cpu;

static int setup(void **state)
{
	(void)state;
	cpu = fake_machine();
	fake_vmcs_as_launched(cpu);
	return 0;
}

/* Root mode's tables as the front end makes them: all of it writable. */
static void root_tables_make(void)
{
	uint64_t *top = pa_pointer(hv.page_tables), *last;
	pa_t page;

	assert_int_equal(partition_allocate(&hv.partition, 1, OWNER_HYPERVISOR, &page), 0);
	last = pa_pointer(page);
	top[DIRECT_MAP_INDEX] = 0x1000 | PTE_P | PTE_W;
	top[511] = page.v | PTE_P | PTE_W;
	last[511] = 0x2000 | PTE_P | PTE_W;
	fimce_tables_view(&hv.agent);
}

static void test_view_is_read_only(void **state)
{
	const uint64_t *top = pa_pointer(hv.agent.tables), *last;
	struct rv_audit a;

	(void)state;
	root_tables_make();
	last = pa_pointer(pa_make(top[511] & EPT_ADDRESS));
	assert_int_equal(top[DIRECT_MAP_INDEX], 0x1000 | PTE_P | NX);
	/* The image's code is to run there: what of it may not is in the tables below. */
	assert_int_equal(last[511], 0x2000 | PTE_P);
	assert_int_equal(audit_run(cpu, &a), 0);
	((uint64_t *)pa_pointer(hv.agent.tables))[DIRECT_MAP_INDEX] |= PTE_W;
	assert_int_equal(audit_run(cpu, &a), -RV_EFAULT);
	assert_int_equal(a.bad_table, hv.agent.id);
	assert_int_equal(a.bad_address, RV_HV_DIRECT_MAP);
}

/* The same entry is a hole in the table of any other FIMCE. */
static void test_view_is_the_agents(void **state)
{
	struct rv_audit a;
	struct fimce *f;

	(void)state;
	root_tables_make();
	fake_create(0);
	f = fimce_find((uint32_t)fake_vmcall(cpu, RV_HC_FIMCE_CREATE, FAKE_CREATE, 0, 0));
	assert_non_null(f);
	((uint64_t *)pa_pointer(f->tables))[DIRECT_MAP_INDEX] = fimce_tables_view_entry(4);
	assert_int_equal(audit_run(cpu, &a), -RV_EFAULT);
	assert_int_equal(a.bad_table, f->id);
}

static uint32_t agent_faults(struct regs *r)
{
	(void)r;
	fake_vmcs_set(VMCS_EXIT_INTERRUPTION_INFO, 14 | INTERRUPTION_TYPE_EXCEPTION | INTERRUPTION_VALID);
	return EXIT_EXCEPTION_NMI;
}

static uint32_t agent_asks_for_devices(struct regs *r)
{
	r->gpr[RAX] = RV_FC_MEASURED;
	fake_vmcs_set(VMCS_EXIT_INSTRUCTION_LENGTH, 3);
	return EXIT_VMCALL;
}

static uint32_t agent_hangs(struct regs *r)
{
	(void)r;
	return EXIT_PREEMPTION_TIMER;
}

static void test_death(void **state)
{
	uint32_t (*const ends[])(struct regs *) = {agent_faults, agent_asks_for_devices, agent_hangs};
	const uint32_t causes[] = {RV_CAUSE_EXCEPTION, RV_CAUSE_PROTOCOL, RV_CAUSE_WATCHDOG};
	struct rv_audit a;

	(void)state;
	for (uint32_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		fake_agent = ends[i];
		assert_int_equal(audit_run(cpu, &a), -RV_EIO);
		assert_int_equal(cpu->refusal.reason, RV_REASON_AGENT_DIED);
		assert_int_equal(cpu->refusal.value[0], causes[i]);
		assert_true(fake_vmcs_current().v == cpu->guest_vmcs.v);
		assert_int_equal(cpu->runs_fimce, 0);
		/* The next call finds it as if nothing had been. */
		fake_agent = NULL;
		assert_int_equal(audit_run(cpu, &a), 0);
	}
}

static uint32_t agent_entered(struct regs *r)
{
	/* No FPU: what is in it belongs to whoever ran before. */
	assert_true(vmcs_read(VMCS_GUEST_CR0) & CR0_TS);
	assert_int_equal(vmcs_read(VMCS_CR0_MASK), ~0ull);
	assert_int_equal(vmcs_read(VMCS_GUEST_RSP), RV_FIMCE_STACK_TOP);
	assert_int_equal(vmcs_read(VMCS_GUEST_RIP), (uint64_t)agent_main);
	assert_int_equal(r->gpr[RDI], AGENT_AUDIT);
	r->gpr[RAX] = RV_FC_EXIT;
	r->gpr[RDI] = 7;
	fake_vmcs_set(VMCS_EXIT_INSTRUCTION_LENGTH, 3);
	return EXIT_VMCALL;
}

static void call_agent(struct fimce *f)
{
	fake_agent = agent_entered;
	lock_acquire(&hv.lock);
	assert_int_equal(agent_call(cpu, AGENT_AUDIT, 0), 7);
	lock_release(&hv.lock);
	fake_agent = NULL;
	/* All is again as the FIMCE had it. */
	assert_ptr_equal(cpu->running, f);
	assert_int_equal(cpu->runs_fimce, 1);
	assert_int_equal(cpu->fimce, f->id);
	assert_true(fake_vmcs_current().v == f->vmcs.v);
	assert_int_equal(fake_x87, 0x1234);
}

static void set_fpu(struct fimce *f)
{
	(void)f;
	fake_x87 = 0x1234;
}

/* Root mode may need it while a FIMCE waits for the answer to a call. */
static void test_within_a_fimce(void **state)
{
	const struct fake_step steps[] = {{.call = RV_FC_MEASURED, .before = fake_measured},
					  {.call = RV_FC_LOG, .before = set_fpu},
					  {.call = RV_FC_LOG, .before = call_agent},
					  {.call = RV_FC_EXIT},
					  {0}};
	struct fimce *f;

	(void)state;
	fake_create(0);
	f = fimce_find((uint32_t)fake_vmcall(cpu, RV_HC_FIMCE_CREATE, FAKE_CREATE, 0, 0));
	assert_non_null(f);
	fake_x87 = 0x77;
	fake_task(f, steps);
	assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_RUN, f->id, RV_RUN_BORROWED, 0), RV_FIMCE_DONE);
	assert_int_equal(fake_x87, 0x77);
	assert_null(cpu->running);
}

static void test_ports(void **state)
{
	const uint8_t *map = pa_pointer(hv.agent.io_bitmaps);

	(void)state;
	for (uint32_t port = 0; port < 0x10000; port++)
		assert_int_equal(map[port / 8] >> port % 8 & 1, port < 0xcf8 || port > 0xcff);
}

static uint32_t agent_meets_init(struct regs *r)
{
	(void)r;
	fake_agent = NULL;
	return EXIT_INIT;
}

/* The guest's INIT must not be lost because it meets the agent: the CPU waits for SIPI when the guest's exit is over. */
static void test_init(void **state)
{
	struct rv_audit a;

	(void)state;
	hv.init_quirk = INIT_QUIRK_ABSENT;
	fake_agent = agent_meets_init;
	assert_int_equal(audit_run(cpu, &a), 0);
	assert_int_equal(cpu->startup, STARTUP_WAITS);
	assert_int_equal(vmcs_read(VMCS_GUEST_ACTIVITY), ACTIVITY_WAIT_FOR_SIPI);
}

static void test_unknown_command(void **state)
{
	(void)state;
	lock_acquire(&hv.lock);
	assert_int_equal(agent_call(cpu, 0, 0), -RV_ENOSYS);
	assert_int_equal(agent_call(cpu, 1000, 0), -RV_ENOSYS);
	lock_release(&hv.lock);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, fake_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_view_is_read_only),
	    T(test_view_is_the_agents),
	    T(test_death),
	    T(test_within_a_fimce),
	    T(test_ports),
	    T(test_init),
	    T(test_unknown_command),
	};

	return cmocka_run_group_tests_name("hv agent", tests, NULL, NULL);
}
