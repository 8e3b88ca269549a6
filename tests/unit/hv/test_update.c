/* SPDX-License-Identifier: GPL-2.0-only */
/* test_update.c - lending, isolating, snapshotting and giving back a target; expiry; what others may do meanwhile. */
#include "fake.h"

#include <string.h>

#define TARGETS 4u
#define UPDATE(on, id, op, us) fake_vmcall(on, RV_HC_UPDATE, (uint64_t)(id), op, us)
#define REASON(on) ((uint32_t)(on)->regs.gpr[RDX])

static struct percpu *cpu;
static uint64_t free_bytes;
static uint32_t rows;
static int64_t id;
static struct fimce *update;
static uint32_t data_pages; /* the last ones of the target */

static int setup(void **state)
{
	(void)state;
	cpu = fake_machine();
	data_pages = 0;
	free_bytes = partition_bytes(&hv.partition, OWNER_POOL_FREE);
	rows = hv.partition.count;
	return 0;
}

static uint8_t *target(uint32_t i)
{
	return pa_pointer(pa_make(FAKE_TARGET + 3 * i * (uint64_t)RV_PAGE_SIZE));
}

static uint64_t leaf(uint32_t i)
{
	uint64_t size;

	return ept_leaf(&hv.ept, gpa_make(FAKE_TARGET + 3 * i * (uint64_t)RV_PAGE_SIZE), &size);
}

static void targets_fill(void)
{
	for (uint32_t i = 0; i < TARGETS; i++)
		memset(target(i), (int)(0x30 + i), RV_PAGE_SIZE);
}

static void expect_targets(int add)
{
	for (uint32_t i = 0; i < TARGETS; i++) {
		assert_int_equal(target(i)[0], 0x30 + (int)i + add);
		assert_int_equal(target(i)[RV_PAGE_SIZE - 1], 0x30 + (int)i + add);
	}
}

/* All is as before the FIMCE was: rows, large EPT entries, pool, and every byte of the pool zero. */
static void expect_clean(void)
{
	uint64_t size;

	assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_DESTROY, (uint64_t)id, 0, 0), 0);
	assert_int_equal(partition_bytes(&hv.partition, OWNER_POOL_FREE), free_bytes);
	assert_int_equal(ept_leaf(&hv.ept, gpa_make(FAKE_TARGET), &size) & EPT_RWX, EPT_RWX);
	assert_int_equal(size, SIZE_2M);
	assert_int_equal(hv.partition.reserved, 0);
	assert_int_equal(fake_pool_dirty(), 0);
	assert_int_equal(hv.deadline_tsc, 0);
	partition_merge(&hv.partition);
	assert_int_equal(hv.partition.count, rows);
}

static void expect_lent(struct fimce *f)
{
	(void)f;
	for (uint32_t i = 0; i < TARGETS; i++)
		assert_int_equal(leaf(i) & EPT_RWX, i < TARGETS - data_pages ? EPT_R | EPT_X : EPT_RWX);
}

static void patch(struct fimce *f)
{
	/* The registers that came with the call are where the task sees them. */
	assert_memory_equal(pa_pointer(f->threads), pa_pointer(pa_make(FAKE_THREADS)), sizeof(struct rv_threads));
	for (uint32_t i = 0; i < TARGETS; i++) {
		/* Nobody but the task: no EPT entry is left. */
		assert_int_equal(leaf(i), 0);
		memset(target(i), (int)(0x40 + i), RV_PAGE_SIZE);
	}
}

static void expect_short_list(struct fimce *f)
{
	const uint8_t *list = pa_pointer(f->threads);

	assert_int_equal(list[99], 0x5a);
	assert_int_equal(list[100], 0);
}

static void unpatch(struct fimce *f)
{
	(void)f;
	for (uint32_t i = 0; i < TARGETS; i++) {
		assert_int_equal(leaf(i), 0);
		memset(target(i), (int)(0x30 + i), RV_PAGE_SIZE);
	}
}

static const struct fake_step prepare[] = {
    {.call = RV_FC_MEASURED, .before = fake_measured_update}, {.call = RV_FC_YIELD, .before = expect_lent}, {0}};
static const struct fake_step apply[] = {{.call = RV_FC_YIELD, .before = patch}, {0}};
static const struct fake_step apply_short[] = {{.call = RV_FC_YIELD, .before = expect_short_list}, {0}};
static const struct fake_step apply_fails[] = {
    {.call = RV_FC_YIELD, .rdi = (uint64_t)-RV_EIO, .rsi = RV_REASON_UPDATE_SELF_CHECK, .rdx = 0x77, .before = patch},
    {0}};
static const struct fake_step apply_dies[] = {{.call = FAKE_EXIT, .rdi = EXIT_PREEMPTION_TIMER, .before = patch}, {0}};
static const struct fake_step apply_exits[] = {{.call = RV_FC_EXIT, .before = patch}, {0}};
static const struct fake_step revert[] = {{.call = RV_FC_YIELD, .before = unpatch}, {0}};

static void prepared(void)
{
	struct rv_target_page *list = pa_pointer(pa_make(FAKE_TARGETS));

	targets_fill();
	fake_create(TARGETS);
	for (uint32_t i = TARGETS - data_pages; i < TARGETS; i++)
		list[i].kind = RV_TARGET_DATA;
	id = fake_vmcall(cpu, RV_HC_FIMCE_CREATE, FAKE_CREATE, 0, 0);
	assert_true(id > 0);
	update = fimce_find((uint32_t)id);
	fake_task(update, prepare);
	assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_RUN, (uint64_t)id, RV_RUN_BORROWED, 0), RV_FIMCE_YIELDED);
	assert_int_equal(update->update, RV_UPDATE_PREPARED);
	expect_targets(0);
}

static void applied(uint64_t deadline_us)
{
	prepared();
	fake_task(update, apply);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_APPLY, deadline_us), RV_UPDATE_APPLIED);
	expect_targets(0x10);
	expect_lent(update);
}

static const struct rv_journal_record *journal_last(void)
{
	assert_true(hv.journal.count != 0);
	return &hv.journal.record[hv.journal.count - 1];
}

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

/* Another process of the same program got a newer version while this update was prepared, or applied. */
static void test_no_way_back_to_an_older_version(void **state)
{
	(void)state;
	prepared();
	assert_true(sequence_set(update->component, 9));
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
	assert_true(sequence_set(component, 9));
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
	fake_task(update, revert);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_ROLLBACK, 0), RV_UPDATE_ROLLED_BACK);
	expect_targets(0);
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

/* What could not be confirmed is not begun. */
static void test_no_room_for_another_program(void **state)
{
	const struct fake_step late[] = {
	    {.call = RV_FC_MEASURED, .before = fake_measured_update}, {.call = RV_FC_REFUSE, .rdi = (uint64_t)-1}, {0}};
	uint8_t component[RV_DIGEST_SIZE] = {0};

	(void)state;
	for (uint32_t i = 0; i < SEQUENCE_CAPACITY; i++) {
		component[0] = (uint8_t)(0x80 + i);
		assert_true(sequence_set(component, 1));
	}
	fake_create(TARGETS);
	id = fake_vmcall(cpu, RV_HC_FIMCE_CREATE, FAKE_CREATE, 0, 0);
	fake_task(fimce_find((uint32_t)id), late);
	assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_RUN, (uint64_t)id, RV_RUN_BORROWED, 0), RV_FIMCE_DEAD);
	assert_int_equal((int64_t)fake_task_rax, -RV_ENOSPC);
	assert_int_equal(fake_task_rdx, RV_REASON_SEQUENCE_FULL);
	expect_clean();
	/* One that has its number goes on. */
	memset(hv.sequence[7].component, 0x22, RV_DIGEST_SIZE);
	hv.sequence[7].number = fake_sequence++;
	applied(0);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_CONFIRM, 0), RV_UPDATE_CONFIRMED);
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
	fake_task(update, revert);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_ROLLBACK, 0), RV_UPDATE_ROLLED_BACK);
	expect_targets(0);
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
	fake_task(update, revert);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_ROLLBACK, 0), RV_UPDATE_ROLLED_BACK);
	assert_int_equal(journal_last()->event, RV_UPDATE_ROLLED_BACK);
	assert_int_equal(hv.journal.count, 3);
	expect_targets(0);
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
#define T(f) cmocka_unit_test_setup_teardown(f, setup, fake_teardown)
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
	    T(test_no_room_for_another_program),
	    T(test_no_apply_without_room),
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

	return cmocka_run_group_tests_name("hv update", tests, NULL, NULL);
}
