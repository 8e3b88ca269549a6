/* SPDX-License-Identifier: GPL-2.0-only */
/* test_update_guest.c - an update's deadline, and what the guest and its other CPUs may do meanwhile. */
#include "fake_update.h"

#include <string.h>

/* --- deadlines --------------------------------------------------------------------------------------------------------- */

static void test_expiry_puts_the_code_back(void **state)
{
	(void)state;
	applied(1000);
	assert_true(hv.deadline_tsc != 0);
	/* An exit before the deadline sets the timer, one after it rolls back; on any CPU. */
	fake_exit(hv.cpu[1], EXIT_CPUID, 0);
	assert_int_equal(update->update, RV_UPDATE_APPLIED);
	assert_true(vmcs_read(VMCS_PIN_CONTROLS) & PIN_PREEMPTION_TIMER);
	fake_time = hv.deadline_tsc + 1;
	fake_exit(hv.cpu[2], EXIT_PREEMPTION_TIMER, 0);
	assert_int_equal(update->update, RV_UPDATE_EXPIRED);
	assert_int_equal(journal_last()->event, RV_UPDATE_EXPIRED);
	expect_targets(0);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_CONFIRM, 0), -RV_EBUSY);
	expect_clean();
}

static void null_call(struct regs *r)
{
	r->gpr[RAX] = RV_HC_NULL;
}

/* The timer stands still while its CPU runs a FIMCE, and in deep C-states: each exit looks at the clock itself. */
static void exit_expires(uint32_t reason, void (*exit_state)(struct regs *r))
{
	applied(1000);
	fake_exit(hv.cpu[1], EXIT_CPUID, 0); /* arms the timer */
	fake_time = hv.deadline_tsc - 1000;
	fake_exit_state = exit_state;
	fake_exit(hv.cpu[1], reason, 0);
	assert_int_equal(update->update, RV_UPDATE_APPLIED);
	fake_time = hv.deadline_tsc;
	fake_exit(hv.cpu[1], reason, 0);
	fake_exit_state = NULL;
	assert_int_equal(update->update, RV_UPDATE_EXPIRED);
	assert_int_equal(vmcs_read(VMCS_PIN_CONTROLS) & PIN_PREEMPTION_TIMER, 0);
	expect_targets(0);
	expect_clean();
}

static void test_every_exit_looks_at_the_clock(void **state)
{
	(void)state;
	exit_expires(EXIT_CPUID, NULL);
	exit_expires(EXIT_VMCALL, null_call);
}

static void confirmed_late(int add)
{
	uint8_t component[RV_DIGEST_SIZE];

	applied(1000);
	memcpy(component, update->component, sizeof(component));
	fake_time = hv.deadline_tsc + 1000000000000;
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_CONFIRM, 0), -RV_EBUSY);
	assert_int_equal(REASON(cpu), RV_REASON_UPDATE_STATE);
	assert_int_equal(cpu->regs.gpr[R8], RV_UPDATE_EXPIRED);
	assert_int_equal(journal_last()->event, RV_UPDATE_EXPIRED);
	assert_int_equal(sequence_get(component), 0);
	expect_targets(add);
}

/* No exit came between the deadline and the confirmation: it is late all the same. */
static void test_late_confirmation(void **state)
{
	(void)state;
	confirmed_late(0);
	expect_clean();
	fake_measured_flags = RV_MEASURED_HAS_REVERT;
	data_pages = 1;
	confirmed_late(0x10);
	reverted();
	expect_clean();
}

static void test_confirmation_just_in_time(void **state)
{
	(void)state;
	applied(1000);
	fake_time = hv.deadline_tsc - 100;
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_CONFIRM, 0), RV_UPDATE_CONFIRMED);
	expect_clean();
}

/* Data can't be changed back while threads run: the record says that it was not, and the rollback is still open. */
static void test_expiry_leaves_data(void **state)
{
	(void)state;
	fake_measured_flags = RV_MEASURED_HAS_REVERT;
	data_pages = 1;
	applied(1000);
	fake_time = hv.deadline_tsc + 1;
	fake_exit(hv.cpu[2], EXIT_PREEMPTION_TIMER, 0);
	assert_int_equal(update->update, RV_UPDATE_EXPIRED);
	assert_int_equal(journal_last()->event, RV_UPDATE_EXPIRED);
	assert_int_equal(journal_last()->reason, RV_REASON_UPDATE_OVERDUE);
	assert_int_equal(fake_log_last()->reason, RV_REASON_UPDATE_OVERDUE);
	expect_targets(0x10);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_CONFIRM, 0), -RV_EBUSY);
	assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_DESTROY, (uint64_t)id, 0, 0), -RV_EBUSY);
	reverted();
	assert_int_equal(journal_last()->event, RV_UPDATE_ROLLED_BACK);
	assert_int_equal(hv.journal.count, 3);
	expect_clean();
}

static void expire_now(struct fimce *f)
{
	fake_time = f->deadline_tsc != 0 ? f->deadline_tsc + 1 : fake_time + 100000000;
	dim_deadline(hv.cpu[1]);
	/* A third CPU's guest goes on meanwhile: it is not stopped at each instruction to look at the clock. */
	uint32_t (*task)(struct regs * r) = fake_guest;

	fake_exit(hv.cpu[2], EXIT_PREEMPTION_TIMER, 0);
	assert_true(vmcs_read(VMCS_PIN_CONTROLS) & PIN_PREEMPTION_TIMER);
	assert_true(vmcs_read(VMCS_GUEST_PREEMPTION_TIMER) << hv.caps.timer_shift > hv.launch.tsc_khz / 2);
	fake_guest = task;
	assert_true(f->lent);
	assert_int_equal(leaf(0), 0);
	unpatch(f);
}

/* The deadline passes on another CPU while the task is on its way back: the pages stay isolated. */
static void test_expiry_during_rollback(void **state)
{
	const struct fake_step slow[] = {{.call = RV_FC_YIELD, .before = expire_now}, {0}};

	(void)state;
	fake_measured_flags = RV_MEASURED_HAS_REVERT;
	applied(1000);
	fake_task(update, slow);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_ROLLBACK, 0), RV_UPDATE_ROLLED_BACK);
	expect_targets(0);
	expect_clean();
}

static void attack_during_apply(struct fimce *f)
{
	struct percpu *other = hv.cpu[1];

	for (uint64_t op = 0; op < 5; op++)
		assert_true(UPDATE(other, id, op, 0) < 0);
	assert_int_equal(fake_vmcall(other, RV_HC_FIMCE_RUN, (uint64_t)id, RV_RUN_BORROWED, 0), -RV_EBUSY);
	/* The isolated pages are no buffer for the hypervisor's answers, nor lists, nor targets of another FIMCE. */
	fake_frames(FAKE_LIST, FAKE_TARGET, 1, RV_PAGE_SIZE);
	assert_int_equal(fake_vmcall(other, RV_HC_GET_INFO, FAKE_LIST, 0, 0), -RV_EFAULT);
	assert_int_equal(fake_vmcall(other, RV_HC_GET_INFO, FAKE_TARGET, 0, 0), -RV_EFAULT);
	assert_int_equal(fake_vmcall(other, RV_HC_FIMCE_CREATE, FAKE_TARGET, 0, 0), -RV_EFAULT);
	fake_frames(FAKE_LIST, FAKE_BUFFER, 1, RV_PAGE_SIZE);
	assert_true(f->lent);
	patch(f);
}

static void test_others_during_apply(void **state)
{
	const struct fake_step steps[] = {{.call = RV_FC_YIELD, .before = attack_during_apply}, {0}};

	(void)state;
	prepared();
	fake_task(update, steps);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_APPLY, 0), RV_UPDATE_APPLIED);
	expect_targets(0x10);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_ROLLBACK, 0), RV_UPDATE_ROLLED_BACK);
	expect_clean();
}

static void attack_during_revert(struct fimce *f)
{
	struct percpu *other = hv.cpu[1];

	for (uint64_t op = 0; op < 5; op++)
		assert_true(UPDATE(other, id, op, 0) < 0);
	assert_int_equal(f->update, RV_UPDATE_APPLIED);
	assert_true(f->lent);
	unpatch(f);
}

static void test_others_during_revert(void **state)
{
	const struct fake_step steps[] = {{.call = RV_FC_YIELD, .before = attack_during_revert}, {0}};

	(void)state;
	fake_measured_flags = RV_MEASURED_HAS_REVERT;
	applied(0);
	fake_task(update, steps);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_ROLLBACK, 0), RV_UPDATE_ROLLED_BACK);
	expect_targets(0);
	expect_clean();
}

/* --- what the guest does to lent pages ------------------------------------------------------------------------------------ */

static uint64_t access_kind;

static void touch_target(struct regs *r)
{
	(void)r;
	fake_vmcs_set(VMCS_GUEST_PHYSICAL_ADDRESS, FAKE_TARGET + 0x123);
	fake_vmcs_set(VMCS_EXIT_QUALIFICATION, access_kind);
}

static void test_write_makes_it_stale(void **state)
{
	(void)state;
	prepared();
	fake_exit_state = touch_target;
	access_kind = EPT_W;
	fake_exit(hv.cpu[1], EXIT_EPT_VIOLATION, EPT_W);
	assert_true(update->stale);
	assert_int_equal(leaf(0) & EPT_RWX, EPT_RWX);
	assert_int_equal(fake_log_last()->reason, RV_REASON_TEXT_WRITTEN);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_APPLY, 0), -RV_EAGAIN);
	assert_int_equal(REASON(cpu), RV_REASON_UPDATE_STALE);
	expect_targets(0);
	expect_clean();
}

/* A fetch that met the page while it was isolated, and is handled after it was given back, is no write. */
static void test_read_does_not(void **state)
{
	(void)state;
	prepared();
	fake_exit_state = touch_target;
	access_kind = EPT_X;
	fake_exit(hv.cpu[1], EXIT_EPT_VIOLATION, EPT_X);
	assert_false(update->stale);
	assert_int_equal(leaf(0) & EPT_RWX, EPT_R | EPT_X);
	assert_int_equal(vmcs_read(VMCS_ENTRY_INTERRUPTION_INFO) & INTERRUPTION_VALID, 0);
	expect_clean();
}

static void test_lend_refuses(void **state)
{
	const uint64_t bad[] = {FAKE_POOL, 0xa0000, FAKE_RAM, FAKE_TARGET, 1ull << 50, FAKE_TARGET + 8};

	(void)state;
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct fake_step steps[] = {{.call = RV_FC_MEASURED, .before = fake_measured_update},
						  {.call = RV_FC_REFUSE, .rdi = (uint64_t)-1},
						  {0}};

		fake_create(TARGETS);
		/* The last page is not the guest's, or is one that an earlier entry already lends. */
		((struct rv_target_page *)pa_pointer(pa_make(FAKE_TARGETS)))[TARGETS - 1].gpa = bad[i];
		id = fake_vmcall(cpu, RV_HC_FIMCE_CREATE, FAKE_CREATE, 0, 0);
		assert_true(id > 0);
		fake_task(fimce_find((uint32_t)id), steps);
		assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_RUN, (uint64_t)id, RV_RUN_BORROWED, 0), RV_FIMCE_DEAD);
		assert_true((int64_t)fake_task_rax < 0);
		assert_int_equal(fake_task_rdx, RV_REASON_PARTITION_OWNER);
		for (uint32_t j = 0; j < TARGETS - 1; j++)
			assert_int_equal(leaf(j) & EPT_RWX, EPT_RWX);
		expect_clean();
	}
}

/* A second update cannot get at pages of the first. */
static void test_two_updates_of_one_page(void **state)
{
	const struct fake_step steps[] = {
	    {.call = RV_FC_MEASURED, .before = fake_measured_update}, {.call = RV_FC_REFUSE, .rdi = (uint64_t)-1}, {0}};
	int64_t second;

	(void)state;
	prepared();
	fake_create(TARGETS);
	second = fake_vmcall(cpu, RV_HC_FIMCE_CREATE, FAKE_CREATE, 0, 0);
	fake_task(fimce_find((uint32_t)second), steps);
	assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_RUN, (uint64_t)second, RV_RUN_BORROWED, 0), RV_FIMCE_DEAD);
	assert_int_equal(fake_task_rdx, RV_REASON_PARTITION_OWNER);
	assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_DESTROY, (uint64_t)second, 0, 0), 0);
	fake_task(update, apply);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_APPLY, 0), RV_UPDATE_APPLIED);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_CONFIRM, 0), RV_UPDATE_CONFIRMED);
	expect_clean();
}

/* Root mode would write to it for the guest, past the write protection. */
static void test_lent_code_is_no_buffer(void **state)
{
	(void)state;
	prepared();
	fake_frames(FAKE_LIST, FAKE_TARGET, 1, RV_PAGE_SIZE);
	assert_int_equal(fake_vmcall(cpu, RV_HC_GET_INFO, FAKE_LIST, 0, 0), -RV_EFAULT);
	assert_int_equal(REASON(cpu), RV_REASON_HC_FRAME);
	expect_targets(0);
	expect_clean();
}

static void test_bad_deadline(void **state)
{
	(void)state;
	prepared();
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_APPLY, RV_UPDATE_MAX_DEADLINE_US + 1), -RV_EINVAL);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_APPLY, ~0ull), -RV_EINVAL);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_CONFIRM, 0), -RV_EBUSY);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_ROLLBACK, 0), -RV_EBUSY);
	assert_int_equal(UPDATE(cpu, id, 99, 0), -RV_EINVAL);
	assert_int_equal(update->update, RV_UPDATE_PREPARED);
	expect_targets(0);
	expect_clean();
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fake_update_setup, fake_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_expiry_puts_the_code_back),
	    T(test_every_exit_looks_at_the_clock),
	    T(test_late_confirmation),
	    T(test_confirmation_just_in_time),
	    T(test_expiry_leaves_data),
	    T(test_expiry_during_rollback),
	    T(test_others_during_apply),
	    T(test_others_during_revert),
	    T(test_write_makes_it_stale),
	    T(test_read_does_not),
	    T(test_lend_refuses),
	    T(test_two_updates_of_one_page),
	    T(test_lent_code_is_no_buffer),
	    T(test_bad_deadline),
	};

	return cmocka_run_group_tests_name("hv update, the guest", tests, NULL, NULL);
}
