/* SPDX-License-Identifier: GPL-2.0-only */
/* test_update.c - applying, confirming and rolling back an update, and what the journal keeps of it. */
#include "fake_update.h"

#include <string.h>

/* A list that is none changes nothing. */
static void test_thread_list(void **state)
{
	(void)state;
	prepared();
	fake_r8 = 8;
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_APPLY, 0), -RV_EFAULT);
	assert_int_equal(REASON(cpu), RV_REASON_HC_FRAMES_ADDRESS);
	fake_r8 = FAKE_THREAD_LIST;
	fake_frames(FAKE_THREAD_LIST, FAKE_THREADS, 20, sizeof(struct rv_threads) + 1);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_APPLY, 0), -RV_EINVAL);
	assert_int_equal(cpu->regs.gpr[R8], sizeof(struct rv_threads) + 1);
	assert_int_equal(update->update, RV_UPDATE_PREPARED);
	assert_int_equal(hv.deadline_tsc, 0);
	expect_targets(0);
	/* One page less of the list than the task can see: the rest stays zero. */
	fake_frames(FAKE_THREAD_LIST, FAKE_THREADS, 1, 100);
	fake_task(update, apply_short);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_APPLY, 0), RV_UPDATE_APPLIED);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_ROLLBACK, 0), RV_UPDATE_ROLLED_BACK);
	expect_targets(0);
	expect_clean();
}

static void test_apply_and_confirm(void **state)
{
	(void)state;
	applied(0);
	assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_DESTROY, (uint64_t)id, 0, 0), -RV_EBUSY);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_APPLY, 0), -RV_EBUSY);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_CONFIRM, 0), RV_UPDATE_CONFIRMED);
	assert_int_equal(journal_last()->event, RV_UPDATE_CONFIRMED);
	assert_int_equal(journal_last()->sequence, 1);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_ROLLBACK, 0), -RV_EBUSY);
	expect_targets(0x10);
	expect_clean();
	/* The same sequence number is old now. */
	fake_create(TARGETS);
	id = fake_vmcall(cpu, RV_HC_FIMCE_CREATE, FAKE_CREATE, 0, 0);
	const struct fake_step again[] = {{.call = RV_FC_MEASURED, .before = fake_measured_update},
					  {.call = RV_FC_REFUSE, .rdi = (uint64_t)-RV_ESTALE},
					  {0}};

	fake_task(fimce_find((uint32_t)id), again);
	assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_RUN, (uint64_t)id, RV_RUN_BORROWED, 0), RV_FIMCE_DEAD);
	assert_int_equal((int64_t)fake_task_rax, -RV_ESTALE);
	assert_int_equal(fake_task_rdx, RV_REASON_UPDATE_SEQUENCE);
	expect_clean();
}

/* Prepared and destroyed: there is a record of that. */
static void test_withdrawn(void **state)
{
	(void)state;
	prepared();
	expect_clean();
	assert_int_equal(hv.journal.count, 1);
	assert_int_equal(journal_last()->event, RV_JOURNAL_WITHDRAWN);
	assert_int_equal(journal_last()->error, 0);
	assert_int_equal(journal_last()->reason, RV_REASON_UPDATE_WITHDRAWN);
	assert_int_equal(journal_last()->value, id);
	assert_int_equal(journal_last()->sequence, 1);
}

static void ends_in_prepare(const struct fake_step *steps, int64_t state, int64_t error, uint64_t cause)
{
	targets_fill();
	fake_create(TARGETS);
	id = fake_vmcall(cpu, RV_HC_FIMCE_CREATE, FAKE_CREATE, 0, 0);
	fake_task(fimce_find((uint32_t)id), steps);
	assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_RUN, (uint64_t)id, RV_RUN_BORROWED, 0), state);
	assert_int_equal(hv.journal.count, 1);
	assert_int_equal(journal_last()->event, RV_JOURNAL_REFUSED);
	assert_int_equal(journal_last()->error, error);
	assert_int_equal(journal_last()->reason, RV_REASON_UPDATE_NOT_READY);
	assert_int_equal(journal_last()->value, cause);
	/* The pages are the guest's again at once. */
	for (uint32_t i = 0; i < TARGETS; i++)
		assert_int_equal(leaf(i) & EPT_RWX, EPT_RWX);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_APPLY, 0), -RV_EBUSY);
	expect_clean();
	assert_int_equal(hv.journal.count, 1);
}

static void test_exit_in_prepare(void **state)
{
	static const struct fake_step steps[] = {
	    {.call = RV_FC_MEASURED, .before = fake_measured_update}, {.call = RV_FC_EXIT}, {0}};

	(void)state;
	ends_in_prepare(steps, RV_FIMCE_DONE, -RV_EIO, RV_CAUSE_NONE);
}

static void test_failed_exit_in_prepare(void **state)
{
	static const struct fake_step steps[] = {{.call = RV_FC_MEASURED, .before = fake_measured_update},
						 {.call = RV_FC_EXIT, .rdi = (uint64_t)-RV_ENOENT},
						 {0}};

	(void)state;
	ends_in_prepare(steps, RV_FIMCE_DONE, -RV_ENOENT, RV_CAUSE_NONE);
}

static void test_death_in_prepare(void **state)
{
	static const struct fake_step steps[] = {{.call = RV_FC_MEASURED, .before = fake_measured_update},
						 {.call = FAKE_EXIT, .rdi = EXIT_PREEMPTION_TIMER},
						 {0}};

	(void)state;
	ends_in_prepare(steps, RV_FIMCE_DEAD, -RV_EIO, RV_CAUSE_WATCHDOG);
}

static void rolls_back(const struct fake_step *steps, int64_t error, uint32_t reason)
{
	prepared();
	fake_task(update, steps);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_APPLY, 1000), error);
	assert_int_equal(REASON(cpu), reason);
	assert_int_equal(update->update, RV_UPDATE_ROLLED_BACK);
	assert_int_equal(journal_last()->event, RV_UPDATE_ROLLED_BACK);
	assert_int_equal(journal_last()->reason, reason);
	assert_int_equal(journal_last()->value, cpu->regs.gpr[R8]);
	expect_targets(0);
	for (uint32_t i = 0; i < TARGETS; i++)
		assert_int_equal(leaf(i) & EPT_RWX, EPT_RWX);
	expect_clean();
}

/* An update of the same program, with this number, went well. */
static void other_confirmed(const uint8_t component[RV_DIGEST_SIZE], uint64_t sequence)
{
	struct fimce other = {.status.sequence = sequence};

	memcpy(other.component, component, RV_DIGEST_SIZE);
	journal_add(cpu, &other, RV_UPDATE_CONFIRMED, 0, 0, 0);
}

/* Another process of the same program got a newer version while this update was prepared, or applied. */
static void test_no_way_back_to_an_older_version(void **state)
{
	(void)state;
	prepared();
	other_confirmed(update->component, 9);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_APPLY, 0), -RV_ESTALE);
	assert_int_equal(REASON(cpu), RV_REASON_UPDATE_SEQUENCE);
	assert_int_equal(journal_last()->error, -RV_ESTALE);
	expect_targets(0);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_CONFIRM, 0), -RV_EBUSY);
	expect_clean();
}

static void test_confirmation_does_not_lower_the_sequence_number(void **state)
{
	uint8_t component[RV_DIGEST_SIZE];

	(void)state;
	applied(0);
	memcpy(component, update->component, sizeof(component));
	other_confirmed(component, 9);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_CONFIRM, 0), RV_UPDATE_CONFIRMED);
	assert_int_equal(sequence_get(component), 9);
	expect_clean();
}

static void test_failed_apply_is_undone(void **state)
{
	(void)state;
	rolls_back(apply_fails, -RV_EIO, RV_REASON_UPDATE_SELF_CHECK);
}

static void test_looping_apply_is_undone(void **state)
{
	(void)state;
	rolls_back(apply_dies, -RV_ETIME, RV_REASON_UPDATE_DIED);
}

static void test_exiting_apply_is_undone(void **state)
{
	(void)state;
	rolls_back(apply_exits, -RV_EIO, RV_REASON_UPDATE_DIED);
}

static void test_rollback_by_snapshot(void **state)
{
	(void)state;
	applied(0);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_ROLLBACK, 0), RV_UPDATE_ROLLED_BACK);
	expect_targets(0);
	expect_clean();
}

static void test_rollback_by_revert(void **state)
{
	(void)state;
	fake_measured_flags = RV_MEASURED_HAS_REVERT;
	applied(0);
	reverted();
	expect_clean();
}

/* Half a way back is undone: the new version stays, whole. */
static void test_failed_revert(void **state)
{
	(void)state;
	fake_measured_flags = RV_MEASURED_HAS_REVERT;
	applied(0);
	const struct fake_step fails[] = {{.call = FAKE_EXIT, .rdi = EXIT_TRIPLE_FAULT, .before = unpatch}, {0}};

	fake_task(update, fails);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_ROLLBACK, 0), -RV_EIO);
	assert_int_equal(REASON(cpu), RV_REASON_UPDATE_REVERT);
	expect_targets(0x10);
	assert_int_equal(update->update, RV_UPDATE_APPLIED);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_CONFIRM, 0), RV_UPDATE_CONFIRMED);
	expect_clean();
}

static const struct fake_step revert_refuses[] = {
    {.call = RV_FC_YIELD, .rdi = (uint64_t)-RV_EIO, .rsi = RV_REASON_UPDATE_CODE, .before = unpatch}, {0}};

/* No way back, and nobody to confirm it any more: what the guest lent is its own again, as it is, and nothing stays behind. */
static void test_abandoned(void **state)
{
	(void)state;
	fake_measured_flags = RV_MEASURED_HAS_REVERT;
	applied(0);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_ABANDON, 0), -RV_EBUSY);
	assert_int_equal(REASON(cpu), RV_REASON_UPDATE_STATE);
	fake_task(update, revert_refuses);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_ROLLBACK, 0), -RV_EIO);
	assert_int_equal(REASON(cpu), RV_REASON_UPDATE_CODE);
	assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_DESTROY, (uint64_t)id, 0, 0), -RV_EBUSY);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_ABANDON, 0), RV_UPDATE_ABANDONED);
	assert_int_equal(journal_last()->event, RV_UPDATE_ABANDONED);
	assert_int_equal(journal_last()->reason, RV_REASON_UPDATE_ABANDONED);
	assert_int_equal(journal_last()->error, -RV_EIO);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_ABANDON, 0), -RV_EBUSY);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_CONFIRM, 0), -RV_EBUSY);
	expect_targets(0x10);
	expect_clean();
}

static void test_abandoned_when_overdue(void **state)
{
	(void)state;
	fake_measured_flags = RV_MEASURED_HAS_REVERT;
	data_pages = TARGETS;
	applied(1000);
	fake_time = hv.deadline_tsc + 1;
	fake_exit(hv.cpu[2], EXIT_PREEMPTION_TIMER, 0);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_ABANDON, 0), -RV_EBUSY);
	fake_task(update, revert_refuses);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_ROLLBACK, 0), -RV_EIO);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_ABANDON, 0), RV_UPDATE_ABANDONED);
	assert_int_equal(hv.journal.count, 3);
	expect_targets(0x10);
	expect_clean();
}

/* --- the journal ------------------------------------------------------------------------------------------------------- */

static const struct fake_step refused[] = {
    {.call = RV_FC_REFUSE, .rdi = (uint64_t)-RV_EKEYREJECTED, .rsi = RV_REASON_SUIT_SIGNATURE}, {0}};

static void name_the_input(struct fimce *f)
{
	struct rv_refused *r = pa_pointer(f->mailbox);

	*r = (struct rv_refused){.size = sizeof(*r), .sequence = 9};
	memset(r->input_digest, 0x66, sizeof(r->input_digest));
	memset(r->component, 0x77, sizeof(r->component));
}

/* A file that the manager refuses has no image whose digest could be believed: the record has the file's. */
static void test_refused_file_is_named(void **state)
{
	const struct fake_step named[] = {{.call = RV_FC_REFUSE,
					   .rdi = (uint64_t)-RV_EKEYREJECTED,
					   .rsi = RV_REASON_SUIT_SIGNATURE,
					   .before = name_the_input},
					  {0}};
	const struct fake_step measured[] = {{.call = RV_FC_MEASURED, .before = fake_measured_update},
					     {.call = RV_FC_YIELD, .rdi = (uint64_t)-RV_EIO, .before = name_the_input},
					     {0}};

	(void)state;
	fake_create(TARGETS);
	id = fake_vmcall(cpu, RV_HC_FIMCE_CREATE, FAKE_CREATE, 0, 0);
	fake_task(fimce_find((uint32_t)id), named);
	assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_RUN, (uint64_t)id, RV_RUN_BORROWED, 0), RV_FIMCE_DEAD);
	assert_int_equal(journal_last()->event, RV_JOURNAL_REFUSED);
	assert_int_equal(journal_last()->flags, RV_JOURNAL_INPUT);
	assert_int_equal(journal_last()->image_digest[31], 0x66);
	assert_int_equal(journal_last()->component[31], 0x77);
	assert_int_equal(journal_last()->sequence, 9);
	expect_clean();
	/* What a task has in the mailbox is nothing of the kind. */
	fake_create(TARGETS);
	id = fake_vmcall(cpu, RV_HC_FIMCE_CREATE, FAKE_CREATE, 0, 0);
	fake_task(fimce_find((uint32_t)id), measured);
	assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_RUN, (uint64_t)id, RV_RUN_BORROWED, 0), RV_FIMCE_YIELDED);
	assert_int_equal(journal_last()->event, RV_JOURNAL_REFUSED);
	assert_int_equal(journal_last()->flags, 0);
	assert_int_equal(journal_last()->image_digest[31], 0x11);
	assert_int_equal(journal_last()->component[31], 0x22);
	expect_clean();
}

/* Attempts that are refused fill the journal. What was prepared before still gets its records, and is the last that does. */
static void test_flood_of_refusals(void **state)
{
	const struct fake_step late[] = {
	    {.call = RV_FC_MEASURED, .before = fake_measured_update}, {.call = RV_FC_REFUSE, .rdi = (uint64_t)-1}, {0}};
	const uint32_t attempts = JOURNAL_CAPACITY + 76;
	int64_t other;

	(void)state;
	prepared();
	for (uint32_t i = 0; i < attempts; i++) {
		fake_create(TARGETS);
		other = fake_vmcall(cpu, RV_HC_FIMCE_CREATE, FAKE_CREATE, 0, 0);
		assert_true(other > 0);
		fake_task(fimce_find((uint32_t)other), refused);
		assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_RUN, (uint64_t)other, RV_RUN_BORROWED, 0), RV_FIMCE_DEAD);
		assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_DESTROY, (uint64_t)other, 0, 0), 0);
	}
	assert_int_equal(hv.journal.count + hv.journal.reserved, JOURNAL_CAPACITY);
	assert_int_equal(hv.journal.head.lost, attempts - hv.journal.count);
	fake_task(update, apply);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_APPLY, 0), RV_UPDATE_APPLIED);
	assert_int_equal(journal_last()->event, RV_UPDATE_APPLIED);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_CONFIRM, 0), RV_UPDATE_CONFIRMED);
	assert_int_equal(journal_last()->event, RV_UPDATE_CONFIRMED);
	assert_int_equal(hv.journal.reserved, 0);
	expect_clean();
	fake_sequence++;
	fake_create(TARGETS);
	id = fake_vmcall(cpu, RV_HC_FIMCE_CREATE, FAKE_CREATE, 0, 0);
	fake_task(fimce_find((uint32_t)id), late);
	assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_RUN, (uint64_t)id, RV_RUN_BORROWED, 0), RV_FIMCE_DEAD);
	assert_int_equal((int64_t)fake_task_rax, -RV_ENOSPC);
	assert_int_equal(fake_task_rdx, RV_REASON_JOURNAL_FULL);
	expect_clean();
}

/* The guest can fill the journal with refused attempts; an update that was applied before is confirmed all the same, and remembered. */
static void test_confirmation_is_recorded_in_a_full_journal(void **state)
{
	struct fimce other = {0};
	uint8_t component[RV_DIGEST_SIZE];

	(void)state;
	applied(0);
	memcpy(component, update->component, sizeof(component));
	while (hv.journal.head.lost == 0)
		journal_add(cpu, &other, RV_JOURNAL_REFUSED, 0, 0, 0);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_CONFIRM, 0), RV_UPDATE_CONFIRMED);
	assert_int_equal(journal_last()->event, RV_UPDATE_CONFIRMED);
	assert_int_equal(hv.journal.head.lost, 1);
	assert_int_equal(sequence_get(component), journal_last()->sequence);
	assert_int_not_equal(sequence_get(component), 0);
	expect_clean();
}

/* Never without room for its records, though nothing is known that could bring it about. */
static void test_no_apply_without_room(void **state)
{
	(void)state;
	prepared();
	journal_release(update);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_APPLY, 0), -RV_ENOSPC);
	assert_int_equal(REASON(cpu), RV_REASON_JOURNAL_FULL);
	assert_int_equal(update->update, RV_UPDATE_PREPARED);
	expect_targets(0);
	expect_clean();
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fake_update_setup, fake_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_thread_list),
	    T(test_apply_and_confirm),
	    T(test_no_way_back_to_an_older_version),
	    T(test_confirmation_does_not_lower_the_sequence_number),
	    T(test_withdrawn),
	    T(test_exit_in_prepare),
	    T(test_failed_exit_in_prepare),
	    T(test_death_in_prepare),
	    T(test_failed_apply_is_undone),
	    T(test_looping_apply_is_undone),
	    T(test_exiting_apply_is_undone),
	    T(test_rollback_by_snapshot),
	    T(test_rollback_by_revert),
	    T(test_failed_revert),
	    T(test_abandoned),
	    T(test_abandoned_when_overdue),
	    T(test_refused_file_is_named),
	    T(test_flood_of_refusals),
	    T(test_confirmation_is_recorded_in_a_full_journal),
	    T(test_no_apply_without_room),
	};

	return cmocka_run_group_tests_name("hv update", tests, NULL, NULL);
}
