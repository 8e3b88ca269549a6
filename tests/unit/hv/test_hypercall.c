/* SPDX-License-Identifier: GPL-2.0-only */
/* test_hypercall.c - the gate: privilege, frame lists, buffers, cores, and arguments at random. */
#include "fake.h"

#include <string.h>

#define CALL(number, a, b, c) fake_vmcall(cpu, number, a, b, c)
#define REASON() ((uint32_t)cpu->regs.gpr[RDX])

static struct percpu *cpu;

static int setup(void **state)
{
	(void)state;
	cpu = fake_machine();
	fake_frames(FAKE_LIST, FAKE_BUFFER, 1, RV_PAGE_SIZE);
	return 0;
}

static void test_privilege(void **state)
{
	(void)state;
	vmcs_load(cpu->guest_vmcs);
	vmcs_set(VMCS_GUEST_ACCESS + 2 * SEG_SS, 0xc0f3);
	for (uint64_t number = 1; number < RV_HC_COUNT + 3; number++) {
		assert_int_equal(CALL(number, FAKE_LIST, 0, 0), -RV_EPERM);
		assert_int_equal(REASON(), RV_REASON_HC_CPL);
		assert_int_equal(cpu->regs.gpr[R8], 3);
	}
	assert_int_equal(CALL(RV_HC_INFO, 0, 0, 0), RV_ABI_VERSION);
	assert_int_equal(cpu->regs.gpr[RDX], HYPERCALL_FEATURES);
	vmcs_set(VMCS_GUEST_ACCESS + 2 * SEG_SS, 0xc093);
	vmcs_set(VMCS_GUEST_ACCESS + 2 * SEG_CS, 0xc09b);
	vmcs_set(VMCS_GUEST_RIP, 0x100000);
	assert_int_equal(CALL(RV_HC_GET_INFO, FAKE_LIST, 0, 0), -RV_EPERM);
	assert_int_equal(REASON(), RV_REASON_HC_MODE);
}

static void test_numbers(void **state)
{
	(void)state;
	assert_int_equal(CALL(RV_HC_NULL, 1, 2, 3), 0);
	assert_int_equal(CALL(RV_HC_COUNT, 0, 0, 0), -RV_ENOSYS);
	assert_int_equal(REASON(), RV_REASON_HC_NUMBER);
	assert_int_equal(CALL(1ull << 32 | RV_HC_GET_INFO, FAKE_LIST, 0, 0), -RV_ENOSYS);
	assert_int_equal(cpu->regs.gpr[RDX] >> 32, cpu->index);
	assert_int_equal(fake_vmcall(hv.cpu[2], 999, 0, 0, 0), -RV_ENOSYS);
	assert_int_equal(hv.cpu[2]->regs.gpr[RDX] >> 32, 2);
}

/* Lists and buffers: only whole pages of RAM that the guest owns with all rights. */
static void test_frame_lists(void **state)
{
	const uint64_t bad_page[] = {FAKE_LIST + 8, FAKE_POOL, FAKE_POOL + 0x100000, 0xa0000,   FAKE_RAM, 0xfee00000ull,
				     ~0ull,         ~0xfffull, 1ull << 52,           FAKE_LIMIT};
	struct rv_frames *list = pa_pointer(pa_make(FAKE_LIST));

	(void)state;
	for (uint32_t i = 0; i < sizeof(bad_page) / sizeof(bad_page[0]); i++) {
		assert_int_equal(CALL(RV_HC_GET_INFO, bad_page[i], 0, 0), -RV_EFAULT);
		assert_int_equal(REASON(), RV_REASON_HC_FRAMES_ADDRESS);
		assert_int_equal(cpu->regs.gpr[R8], bad_page[i]);
		fake_frames(FAKE_LIST, FAKE_BUFFER, 3, RV_PAGE_SIZE);
		list->frame[2] = bad_page[i];
		assert_int_equal(CALL(RV_HC_GET_INFO, FAKE_LIST, 0, 0), -RV_EFAULT);
		assert_int_equal(REASON(), RV_REASON_HC_FRAME);
		assert_int_equal(cpu->regs.gpr[R8], bad_page[i]);
	}
	const uint32_t bad_count[][2] = {{0, 0},    {512, 4096},     {0xffffffff, 0},
					 {1, 4097}, {2, 0xffffffff}, {0x100001, 4096}};

	for (uint32_t i = 0; i < sizeof(bad_count) / sizeof(bad_count[0]); i++) {
		fake_frames(FAKE_LIST, FAKE_BUFFER, 1, 0);
		list->count = bad_count[i][0];
		list->bytes = bad_count[i][1];
		assert_int_equal(CALL(RV_HC_GET_INFO, FAKE_LIST, 0, 0), -RV_EINVAL);
		assert_int_equal(REASON(), RV_REASON_HC_FRAMES_COUNT);
	}
	/* The last entry of a full list counts as well. */
	fake_frames(FAKE_LIST, FAKE_BUFFER, 511, RV_PAGE_SIZE);
	assert_int_equal(CALL(RV_HC_GET_INFO, FAKE_LIST, 0, 0), sizeof(struct rv_info));
	list->frame[510] = FAKE_POOL;
	assert_int_equal(CALL(RV_HC_GET_INFO, FAKE_LIST, 0, 0), -RV_EFAULT);
}

static void test_small_buffers(void **state)
{
	const struct {
		uint64_t number;
		uint32_t bytes;
	} call[] = {{RV_HC_GET_INFO, sizeof(struct rv_info)},
		    {RV_HC_GET_STAT, sizeof(struct rv_stat)},
		    {RV_HC_FOLD_JOURNAL, sizeof(struct rv_journal_head)}};
	uint8_t *buffer = pa_pointer(pa_make(FAKE_BUFFER));

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		memset(buffer, 0xee, RV_PAGE_SIZE);
		fake_frames(FAKE_LIST, FAKE_BUFFER, 1, call[i].bytes - 1);
		assert_int_equal(CALL(call[i].number, FAKE_LIST, 0, 0), -RV_EINVAL);
		assert_int_equal(REASON(), RV_REASON_HC_BUFFER_SMALL);
		assert_int_equal(cpu->regs.gpr[R8], call[i].bytes);
		assert_int_equal(buffer[0], 0xee);
		fake_frames(FAKE_LIST, FAKE_BUFFER, 1, call[i].bytes);
		assert_int_equal(CALL(call[i].number, FAKE_LIST, 0, 0), call[i].bytes);
		assert_int_equal(buffer[call[i].bytes], 0xee);
	}
}

/* Buffers whose frames are in any order. */
static void test_log_across_frames(void **state)
{
	struct rv_frames *list = pa_pointer(pa_make(FAKE_LIST));
	const struct rv_log_record *a = pa_pointer(pa_make(0x700000)), *b = pa_pointer(pa_make(0x600000));

	(void)state;
	fake_frames(FAKE_LIST, FAKE_BUFFER, 2, 100 * sizeof(*a));
	list->frame[0] = 0x700000;
	list->frame[1] = 0x600000;
	for (uint64_t i = 0; i < 90; i++)
		log3(cpu, RV_REASON_NONE, i, 0, 0);
	assert_int_equal(CALL(RV_HC_GET_LOG, FAKE_LIST, 1, 0), 90);
	assert_int_equal(a[0].value[0], 0);
	assert_int_equal(a[63].value[0], 63);
	assert_int_equal(b[0].value[0], 64);
	assert_int_equal(b[25].value[0], 89);
	assert_int_equal(b[26].sequence, 0);
	assert_int_equal(CALL(RV_HC_GET_LOG, FAKE_LIST, 85, 0), 6);
	assert_int_equal(a[0].sequence, 85);
	assert_int_equal(CALL(RV_HC_GET_LOG, FAKE_LIST, ~0ull, 0), 0);
	/* Overrun: the oldest are gone, the rest has no hole. */
	for (uint64_t i = 90; i < 3 * LOG_RECORDS; i++)
		log3(cpu, RV_REASON_NONE, i, 0, 0);
	assert_int_equal(CALL(RV_HC_GET_LOG, FAKE_LIST, 0, 0), 100);
	assert_int_equal(a[0].sequence, 2 * LOG_RECORDS + 1);
	assert_int_equal(b[35].sequence, 2 * LOG_RECORDS + 100);
	fake_frames(FAKE_LIST, FAKE_BUFFER, 1, sizeof(*a) - 1);
	assert_int_equal(CALL(RV_HC_GET_LOG, FAKE_LIST, 0, 0), 0);
}

static void test_stat(void **state)
{
	const struct rv_stat *s = pa_pointer(pa_make(FAKE_BUFFER));

	(void)state;
	hv.cpu[1]->stat.exit[EXIT_CPUID] = 5;
	hv.cpu[1]->stat.cpu = 1;
	hv.cpu[1]->stat.apic_id = 2;
	assert_int_equal(CALL(RV_HC_GET_STAT, FAKE_LIST, 1, 0), sizeof(*s));
	assert_int_equal(s->exits, 5);
	assert_int_equal(s->apic_id, 2);
	assert_int_equal(s->state, RV_CPU_GUEST);
	assert_int_equal(CALL(RV_HC_GET_STAT, FAKE_LIST, FAKE_CPUS, 0), -RV_ENOENT);
	assert_int_equal(CALL(RV_HC_GET_STAT, FAKE_LIST, 1ull << 32, 0), -RV_ENOENT);
}

/* --- cores -------------------------------------------------------------------------------------------------------------- */

static void leave_when_kicked(uint32_t id, uint32_t command)
{
	struct percpu *other = hv.cpu[id / 2];

	assert_int_equal(command, APIC_NMI);
	assert_true(vmcs_load(other->guest_vmcs));
	hypercall_leave_guest(other);
	assert_true(vmcs_load(cpu->guest_vmcs));
}

/* The run loop that fake_exit uses begins as at the launch, with the guest. */
static void still_taken(struct regs *r)
{
	(void)r;
	hv.cpu[1]->state = RV_CPU_TAKEN;
}

static void test_core_take_and_give(void **state)
{
	(void)state;
	assert_int_equal(CALL(RV_HC_CORE_TAKE, 0, 0, 0), -RV_EBUSY); /* the caller itself */
	assert_int_equal(CALL(RV_HC_CORE_TAKE, FAKE_CPUS, 0, 0), -RV_EBUSY);
	assert_int_equal(CALL(RV_HC_CORE_TAKE, 1ull << 32 | 1, 0, 0), -RV_EBUSY);
	assert_int_equal(CALL(RV_HC_CORE_GIVE, 1, 0, 0), -RV_EBUSY);
	assert_int_equal(CALL(RV_HC_CORE_GIVE, FAKE_CPUS, 0, 0), -RV_ENOENT);
	fake_ipi = leave_when_kicked;
	assert_int_equal(CALL(RV_HC_CORE_TAKE, 1, 0, 0), 0);
	assert_int_equal(hv.cpu[1]->state, RV_CPU_TAKEN);
	assert_int_equal(hv.cpu[1]->startup, STARTUP_WAITS);
	assert_int_equal(CALL(RV_HC_CORE_TAKE, 1, 0, 0), -RV_EBUSY);
	/* A SIPI of the guest does not wake it while it is taken. */
	fake_exit_state = still_taken;
	fake_exit(hv.cpu[1], EXIT_SIPI, 0x9a);
	assert_int_equal(vmcs_read(VMCS_GUEST_ACTIVITY), ACTIVITY_WAIT_FOR_SIPI);
	assert_int_equal(CALL(RV_HC_CORE_GIVE, 1, 0, 0), 0);
	assert_int_equal(hv.cpu[1]->state, RV_CPU_GUEST);
	assert_int_equal(fake_log_count(RV_REASON_CORE_TAKEN), 1);
	assert_int_equal(fake_log_count(RV_REASON_CORE_GIVEN), 1);
}

static void nobody_home(uint32_t id, uint32_t command)
{
	(void)id;
	(void)command;
}

/* A CPU that does not come: bounded, refused, and not taken away later. */
static void test_core_take_times_out(void **state)
{
	uint64_t begin = fake_time;

	(void)state;
	fake_ipi = nobody_home;
	fake_tick = 1000;
	assert_int_equal(CALL(RV_HC_CORE_TAKE, 1, 0, 0), -RV_ETIME);
	assert_true(fake_time - begin < 2 * 100000 * hv.launch.tsc_khz / 1000);
	assert_true(vmcs_load(hv.cpu[1]->guest_vmcs));
	hypercall_leave_guest(hv.cpu[1]);
	assert_int_equal(hv.cpu[1]->state, RV_CPU_GUEST);
	assert_int_not_equal(hv.cpu[1]->startup, STARTUP_WAITS);
	assert_int_equal(hv.lock.next, hv.lock.owner);
}

/* --- random ---------------------------------------------------------------------------------------------------------------- */

static uint64_t random_argument(void)
{
	const uint64_t values[] = {0,
				   1,
				   2,
				   3,
				   FAKE_LIST,
				   FAKE_CREATE,
				   FAKE_BUFFER,
				   FAKE_POOL,
				   FAKE_RAM,
				   FAKE_INPUT_LIST,
				   FAKE_TARGET_LIST,
				   RV_RUN_BORROWED,
				   1ull << 63,
				   0x7fffffff,
				   0xffffffff,
				   0x8000000000000000ull | FAKE_LIST};

	switch (fake_random(4)) {
	case 0:
		return (uint64_t)fake_random(1 << 20) << fake_random(45);
	case 1:
		return fake_random(20);
	default:
		return values[fake_random(sizeof(values) / sizeof(values[0]))];
	}
}

static void random_pages(void)
{
	const uint64_t pages[] = {FAKE_LIST, FAKE_CREATE, FAKE_INPUT_LIST, FAKE_TARGET_LIST, FAKE_TARGETS};
	uint64_t *page = pa_pointer(pa_make(pages[fake_random(5)]));

	page[fake_random(fake_random(2) ? 12 : 512)] = random_argument();
	if (fake_random(50) == 0)
		fake_create(fake_random(4));
}

static uint32_t random_task(struct regs *r)
{
	fake_vmcs_set(VMCS_EXIT_INSTRUCTION_LENGTH, 3);
	fake_vmcs_set(VMCS_EXIT_INTERRUPTION_INFO, 14 | 3u << 8 | 1u << 31);
	for (uint32_t i = 0; i < 16; i++)
		r->gpr[i] = random_argument();
	return fake_random(8) ? EXIT_VMCALL : fake_random(56);
}

/* Whatever comes: no fault in root mode, no lock kept, and at the end all memory is back. */
static void test_random_calls(void **state)
{
	uint64_t free_bytes = partition_bytes(&hv.partition, OWNER_POOL_FREE);
	uint32_t done = 0;

	(void)state;
	fake_create(2);
	fake_guest = random_task;
	fake_ipi = nobody_home;
	fake_tick = 100000;
	for (uint32_t i = 0; i < 30000; i++) {
		struct percpu *caller = hv.cpu[fake_random(FAKE_CPUS)];

		random_pages();
		done += fake_vmcall(caller, fake_random(RV_HC_COUNT + 2), random_argument(), random_argument(),
				    random_argument()) >= 0;
		assert_int_equal(hv.lock.next, hv.lock.owner);
		caller->guest_nmi = false;
		for (uint32_t c = 0; c < FAKE_CPUS; c++)
			hv.cpu[c]->state = RV_CPU_GUEST;
	}
	assert_true(done > 3000);
	for (uint32_t i = 0; i < RV_MAX_FIMCES; i++) {
		if (hv.fimce[i].id != 0)
			assert_int_equal(CALL(RV_HC_FIMCE_DESTROY, hv.fimce[i].id, 0, 0), 0);
	}
	assert_int_equal(partition_bytes(&hv.partition, OWNER_POOL_FREE), free_bytes);
	assert_int_equal(fake_pool_dirty(), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, fake_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_privilege),         T(test_numbers), T(test_frame_lists),        T(test_small_buffers),
	    T(test_log_across_frames), T(test_stat),    T(test_core_take_and_give), T(test_core_take_times_out),
	    T(test_random_calls),
	};

	return cmocka_run_group_tests_name("hv hypercall", tests, NULL, NULL);
}
