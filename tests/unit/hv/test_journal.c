/* SPDX-License-Identifier: GPL-2.0-only */
/* test_journal.c - the record of update attempts, its fold into the hash chain, and the sequence numbers. */
#include "fake.h"

#include <string.h>

static struct percpu *cpu;
static struct fimce sample;

static int setup(void **state)
{
	(void)state;
	cpu = fake_machine();
	memset(&sample, 0, sizeof(sample));
	sample.status.sequence = 7;
	sample.status.image_digest[0] = 0x11;
	sample.component[0] = 0x22;
	fake_frames(FAKE_LIST, FAKE_BUFFER, 1, RV_PAGE_SIZE);
	return 0;
}

static void test_records(void **state)
{
	const struct rv_journal_record *r = pa_pointer(pa_make(FAKE_BUFFER));

	(void)state;
	for (uint32_t i = 0; i < 40; i++)
		journal_add(cpu, &sample, RV_UPDATE_APPLIED, i == 3 ? -RV_EIO : 0, 100 + i, 0x1000 + i);
	assert_int_equal(fake_vmcall(cpu, RV_HC_GET_JOURNAL, FAKE_LIST, 2, 0), RV_PAGE_SIZE / sizeof(*r));
	assert_int_equal(cpu->regs.gpr[RDX], 40);
	assert_int_equal(r[0].index, 2);
	assert_int_equal(r[1].error, -RV_EIO);
	assert_int_equal(r[1].reason, 103);
	assert_int_equal(r[1].value, 0x1003);
	assert_int_equal(r[1].sequence, 7);
	assert_int_equal(r[1].image_digest[0], 0x11);
	assert_int_equal(r[1].component[0], 0x22);
	assert_int_equal(fake_vmcall(cpu, RV_HC_GET_JOURNAL, FAKE_LIST, 39, 0), 1);
	assert_int_equal(fake_vmcall(cpu, RV_HC_GET_JOURNAL, FAKE_LIST, 40, 0), 0);
	assert_int_equal(fake_vmcall(cpu, RV_HC_GET_JOURNAL, FAKE_LIST, ~0ull, 0), 0);
}

/* Whoever has reserved room gets it, whatever others write; what finds none is counted. */
static void test_full(void **state)
{
	struct fimce update = sample;
	uint32_t n = 0;

	(void)state;
	assert_true(journal_has_room());
	journal_reserve(&update);
	while (journal_has_room()) {
		journal_add(cpu, &sample, RV_JOURNAL_REFUSED, 0, 0, 0);
		n++;
	}
	assert_int_equal(n, JOURNAL_CAPACITY - 5);
	for (uint32_t i = 0; i < 2 * JOURNAL_CAPACITY; i++)
		journal_add(cpu, &sample, RV_JOURNAL_REFUSED, 0, 0, 0);
	assert_int_equal(hv.journal.count, JOURNAL_CAPACITY - 3);
	assert_int_equal(hv.journal.head.lost, 2 * JOURNAL_CAPACITY - 2);
	for (uint32_t i = 1; i <= 3; i++) {
		journal_add(cpu, &update, i, 0, 0, 0);
		assert_int_equal(hv.journal.record[hv.journal.count - 1].event, i);
	}
	journal_release(&update);
	assert_int_equal(hv.journal.reserved, 0);
	assert_int_equal(hv.journal.count, JOURNAL_CAPACITY);
	assert_false(journal_has_room());
	/* The sanitizer watches the end of the array. */
	journal_add(cpu, &update, 4, 0, 0, 0);
	assert_int_equal(hv.journal.count, JOURNAL_CAPACITY);
	assert_int_equal(hv.journal.head.lost, 2 * JOURNAL_CAPACITY - 1);
}

/* Room that an update did not need is free again. */
static void test_release(void **state)
{
	struct fimce update = sample;

	(void)state;
	while (journal_has_room())
		journal_add(cpu, &sample, RV_JOURNAL_REFUSED, 0, 0, 0);
	hv.journal.count--;
	assert_true(journal_has_room());
	journal_reserve(&update);
	assert_false(journal_has_room());
	journal_add(cpu, &update, RV_UPDATE_APPLIED, 0, 0, 0);
	journal_release(&update);
	assert_int_equal(hv.journal.reserved, 0);
	assert_int_equal(hv.journal.count, JOURNAL_CAPACITY - 2);
}

static uint8_t next_head;

static void give_head(struct fimce *f)
{
	struct rv_journal_head *head = pa_pointer(f->mailbox);

	memset(head, 0, sizeof(*head));
	head->head[0] = next_head++;
}

static uint32_t fold_task(struct regs *r)
{
	struct fimce *f = fimce_find(hv.next_fimce_id);

	assert_int_equal(f->values.mode, RV_MODE_JOURNAL);
	give_head(f);
	fake_vmcs_set(VMCS_EXIT_INSTRUCTION_LENGTH, 3);
	r->gpr[RAX] = RV_FC_EXIT;
	r->gpr[RDI] = r->gpr[RSI] = 0;
	return EXIT_VMCALL;
}

static void test_fold(void **state)
{
	const struct rv_journal_head *head = pa_pointer(pa_make(FAKE_BUFFER));
	uint64_t free_bytes = partition_bytes(&hv.partition, OWNER_POOL_FREE);

	(void)state;
	next_head = 0x51;
	fake_guest = fold_task;
	assert_int_equal(fake_vmcall(cpu, RV_HC_FOLD_JOURNAL, FAKE_LIST, 0, 0), sizeof(*head));
	assert_int_equal(head->count, 0);
	for (uint32_t i = 0; i < 5; i++)
		journal_add(cpu, &sample, RV_UPDATE_APPLIED, 0, i, 0);
	assert_int_equal(fake_vmcall(cpu, RV_HC_FOLD_JOURNAL, FAKE_LIST, 0, 0), sizeof(*head));
	assert_int_equal(head->count, 5);
	assert_int_equal(head->head[0], 0x51);
	assert_int_equal(partition_bytes(&hv.partition, OWNER_POOL_FREE), free_bytes);
	assert_int_equal(fake_pool_dirty(), 0);
}

static uint32_t manager_dies(struct regs *r)
{
	(void)r;
	return EXIT_TRIPLE_FAULT;
}

/* The head stays where it was, and the caller learns of what it died. */
static void test_manager_dies(void **state)
{
	uint64_t free_bytes = partition_bytes(&hv.partition, OWNER_POOL_FREE);

	(void)state;
	journal_add(cpu, &sample, RV_UPDATE_APPLIED, 0, 0, 0);
	fake_guest = manager_dies;
	assert_int_equal(fake_vmcall(cpu, RV_HC_FOLD_JOURNAL, FAKE_LIST, 0, 0), -RV_EIO);
	assert_int_equal((uint32_t)cpu->regs.gpr[RDX], RV_REASON_MANAGER_DIED);
	assert_int_equal(cpu->regs.gpr[R8], RV_CAUSE_TRIPLE_FAULT);
	assert_int_equal(hv.journal.head.count, 0);
	assert_int_equal(partition_bytes(&hv.partition, OWNER_POOL_FREE), free_bytes);
}

static uint32_t fold_depth;

/* A second CPU folds, too, while the first one is in the manager; and another isolates the page for the answer. */
static uint32_t fold_twice(struct regs *r)
{
	if (fold_depth++ == 0) {
		fake_guest = fold_task;
		assert_int_equal(fake_vmcall(hv.cpu[1], RV_HC_FOLD_JOURNAL, FAKE_LIST, 0, 0),
				 sizeof(struct rv_journal_head));
		vmcs_load(fimce_find(hv.next_fimce_id - 1)->vmcs);
	}
	fake_vmcs_set(VMCS_EXIT_INSTRUCTION_LENGTH, 3);
	give_head(fimce_find(hv.next_fimce_id - 1));
	r->gpr[RAX] = RV_FC_EXIT;
	return EXIT_VMCALL;
}

static void test_two_folds_at_once(void **state)
{
	(void)state;
	fold_depth = 0;
	next_head = 0x51;
	for (uint32_t i = 0; i < 5; i++)
		journal_add(cpu, &sample, RV_UPDATE_APPLIED, 0, i, 0);
	fake_guest = fold_twice;
	assert_int_equal(fake_vmcall(cpu, RV_HC_FOLD_JOURNAL, FAKE_LIST, 0, 0), sizeof(struct rv_journal_head));
	assert_int_equal(hv.journal.head.count, 5); /* each record once */
	assert_int_equal(hv.journal.head.head[0], 0x51);
}

static uint32_t fold_and_lose_the_page(struct regs *r)
{
	struct transition t;

	assert_int_equal(partition_prepare(&hv.partition, &t, pa_make(FAKE_BUFFER), RV_PAGE_SIZE, OWNER_GUEST), 0);
	partition_commit(&hv.partition, &t,
			 &(struct row){.owner = OWNER_FIMCE(99), .shared = 99, .perm = PERM_R | PERM_W, .isolated = 1});
	return fold_task(r);
}

/* The list was checked before the lock was dropped: what belongs to somebody else by now must not be written. */
static void test_fold_looks_again_at_the_frames(void **state)
{
	const uint8_t *buffer = pa_pointer(pa_make(FAKE_BUFFER));

	(void)state;
	next_head = 0x51;
	journal_add(cpu, &sample, RV_UPDATE_APPLIED, 0, 0, 0);
	fake_guest = fold_and_lose_the_page;
	assert_int_equal(fake_vmcall(cpu, RV_HC_FOLD_JOURNAL, FAKE_LIST, 0, 0), -RV_EFAULT);
	for (uint32_t i = 0; i < sizeof(struct rv_journal_head); i++)
		assert_int_equal(buffer[i], 0);
}

static void confirm(const uint8_t component[RV_DIGEST_SIZE], uint64_t sequence)
{
	struct fimce update = {.status.sequence = sequence};

	memcpy(update.component, component, RV_DIGEST_SIZE);
	journal_add(cpu, &update, RV_UPDATE_CONFIRMED, 0, 0, 0);
}

static void test_sequences(void **state)
{
	uint8_t component[RV_DIGEST_SIZE] = {0};

	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		component[5] = (uint8_t)i;
		assert_int_equal(sequence_get(component), 0);
		confirm(component, i + 1);
		assert_int_equal(sequence_get(component), i + 1);
	}
	component[6] = 1;
	assert_int_equal(sequence_get(component), 0);
	component[6] = 0;
	component[5] = 3;
	confirm(component, 99);
	assert_int_equal(sequence_get(component), 99);
	confirm(component, 98);
	assert_int_equal(sequence_get(component), 99);
	component[5] = 4;
	assert_int_equal(sequence_get(component), 5);
}

/* Only a confirmation counts, whatever else is said of the same component. */
static void test_other_records_are_no_confirmation(void **state)
{
	(void)state;
	for (uint32_t event = 0; event <= RV_JOURNAL_WITHDRAWN; event++) {
		if (event != RV_UPDATE_CONFIRMED)
			journal_add(cpu, &sample, event, 0, 0, 0);
	}
	assert_int_equal(sequence_get(sample.component), 0);
	journal_add(cpu, &sample, RV_UPDATE_CONFIRMED, 0, 0, 0);
	assert_int_equal(sequence_get(sample.component), 7);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, fake_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_records),
	    T(test_full),
	    T(test_release),
	    T(test_fold),
	    T(test_manager_dies),
	    T(test_two_folds_at_once),
	    T(test_fold_looks_again_at_the_frames),
	    T(test_sequences),
	    T(test_other_records_are_no_confirmation),
	};

	return cmocka_run_group_tests_name("hv journal", tests, NULL, NULL);
}
