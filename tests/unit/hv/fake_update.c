/* SPDX-License-Identifier: GPL-2.0-only */
/* fake_update.c - see fake_update.h. */
#include "fake_update.h"

#include <string.h>

struct percpu *cpu;
static uint64_t free_bytes;
static uint32_t rows;
int64_t id;
struct fimce *update;
uint32_t data_pages; /* the last ones of the target */

int fake_update_setup(void **state)
{
	(void)state;
	cpu = fake_machine();
	data_pages = 0;
	free_bytes = partition_bytes(&hv.partition, OWNER_POOL_FREE);
	rows = hv.partition.count;
	return 0;
}

uint8_t *target(uint32_t i)
{
	return pa_pointer(pa_make(FAKE_TARGET + 3 * i * (uint64_t)RV_PAGE_SIZE));
}

uint64_t leaf(uint32_t i)
{
	uint64_t size;

	return ept_leaf(&hv.ept, gpa_make(FAKE_TARGET + 3 * i * (uint64_t)RV_PAGE_SIZE), &size);
}

void targets_fill(void)
{
	for (uint32_t i = 0; i < TARGETS; i++)
		memset(target(i), (int)(0x30 + i), RV_PAGE_SIZE);
}

void expect_targets(int add)
{
	for (uint32_t i = 0; i < TARGETS; i++) {
		assert_int_equal(target(i)[0], 0x30 + (int)i + add);
		assert_int_equal(target(i)[RV_PAGE_SIZE - 1], 0x30 + (int)i + add);
	}
}

/* All is as before the FIMCE was: rows, large EPT entries, pool, and every byte of the pool zero. */
void expect_clean(void)
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

void expect_lent(struct fimce *f)
{
	(void)f;
	for (uint32_t i = 0; i < TARGETS; i++)
		assert_int_equal(leaf(i) & EPT_RWX, i < TARGETS - data_pages ? EPT_R | EPT_X : EPT_RWX);
}

void patch(struct fimce *f)
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

void unpatch(struct fimce *f)
{
	(void)f;
	for (uint32_t i = 0; i < TARGETS; i++) {
		assert_int_equal(leaf(i), 0);
		memset(target(i), (int)(0x30 + i), RV_PAGE_SIZE);
	}
}

const struct fake_step prepare[] = {
    {.call = RV_FC_MEASURED, .before = fake_measured_update}, {.call = RV_FC_YIELD, .before = expect_lent}, {0}};
const struct fake_step apply[] = {{.call = RV_FC_YIELD, .before = patch}, {0}};
const struct fake_step apply_short[] = {{.call = RV_FC_YIELD, .before = expect_short_list}, {0}};
const struct fake_step apply_fails[] = {
    {.call = RV_FC_YIELD, .rdi = (uint64_t)-RV_EIO, .rsi = RV_REASON_UPDATE_SELF_CHECK, .rdx = 0x77, .before = patch},
    {0}};
const struct fake_step apply_dies[] = {{.call = FAKE_EXIT, .rdi = EXIT_PREEMPTION_TIMER, .before = patch}, {0}};
const struct fake_step apply_exits[] = {{.call = RV_FC_EXIT, .before = patch}, {0}};
const struct fake_step revert[] = {{.call = RV_FC_YIELD, .before = unpatch}, {0}};

void prepared(void)
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

void applied(uint64_t deadline_us)
{
	prepared();
	fake_task(update, apply);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_APPLY, deadline_us), RV_UPDATE_APPLIED);
	expect_targets(0x10);
	expect_lent(update);
}

void reverted(void)
{
	fake_task(update, revert);
	assert_int_equal(UPDATE(cpu, id, RV_UPDATE_ROLLBACK, 0), RV_UPDATE_ROLLED_BACK);
	expect_targets(0);
}

const struct rv_journal_record *journal_last(void)
{
	assert_true(hv.journal.count != 0);
	return &hv.journal.record[hv.journal.count - 1];
}
