/* SPDX-License-Identifier: GPL-2.0-only */
/* test_fimce_tables.c - the page table of a FIMCE: enough pages, W^X, and no way to itself. */
#include "fake.h"

#include <string.h>

static struct percpu *cpu;
static struct fimce *f;

static int setup(void **state)
{
	(void)state;
	cpu = fake_machine();
	return 0;
}

static void build(uint32_t targets, uint32_t load_bytes)
{
	struct rv_fimce_create *c = fake_create(targets);
	int64_t id;

	c->load_bytes = load_bytes;
	c->stack_bytes = RV_FIMCE_MAX_STACK;
	id = fake_vmcall(cpu, RV_HC_FIMCE_CREATE, FAKE_CREATE, 0, 0);
	assert_true(id > 0);
	f = fimce_find((uint32_t)id);
}

static uint64_t leaf(uint64_t va)
{
	uint64_t table = f->tables.v;

	for (int shift = 39; shift > 12; shift -= 9) {
		uint64_t entry = ((uint64_t *)pa_pointer(pa_make(table)))[va >> shift & 511];

		if (!(entry & 1))
			return 0;
		table = entry & 0x000ffffffffff000ull;
	}
	return ((uint64_t *)pa_pointer(pa_make(table)))[va >> 12 & 511];
}

#define W 2ull
#define NX (1ull << 63)
#define PA(entry) ((entry)&0x000ffffffffff000ull)

/* Every leaf of the whole tree. */
static uint32_t check_tree(uint64_t table, int level)
{
	uint32_t leaves = 0;

	for (uint32_t i = 0; i < 512; i++) {
		uint64_t entry = ((uint64_t *)pa_pointer(pa_make(table)))[i], pa = PA(entry);

		if (!(entry & 1)) {
			assert_int_equal(entry, 0);
			continue;
		}
		assert_int_equal(entry & 4, 0); /* nothing is for ring 3, so SMAP or ring tricks play no role */
		if (level > 1) {
			/* All tables are in the control extent, ... */
			assert_true(pa >= f->control.v &&
				    pa < f->control.v + (uint64_t)f->control_pages * RV_PAGE_SIZE);
			leaves += check_tree(pa, level - 1);
			continue;
		}
		leaves++;
		/* ... which no leaf maps. */
		assert_false(pa >= f->control.v && pa < f->control.v + (uint64_t)f->control_pages * RV_PAGE_SIZE);
		assert_true((entry & W) == 0 || (entry & NX) != 0);
	}
	return leaves;
}

static void test_layout(void **state)
{
	const uint64_t first_load = RV_FIMCE_LOAD, stack = RV_FIMCE_STACK_TOP;

	(void)state;
	build(3, 64 * RV_PAGE_SIZE);
	assert_int_equal(leaf(RV_FIMCE_MANAGER) & (W | NX), 0); /* text: RX */
	assert_int_equal(leaf(RV_FIMCE_MANAGER + 0x1000) & (W | NX), NX); /* read-only data */
	assert_int_equal(leaf(RV_FIMCE_MANAGER + 0x2000) & (W | NX), W | NX); /* data */
	assert_int_equal(leaf(RV_FIMCE_PARAM) & (W | NX), NX);
	assert_int_equal(leaf(RV_FIMCE_TARGETS) & (W | NX), NX);
	assert_int_equal(leaf(RV_FIMCE_INPUT) & (W | NX), NX);
	assert_int_equal(leaf(RV_FIMCE_MAILBOX) & (W | NX), W | NX);
	assert_int_equal(leaf(RV_FIMCE_OUTPUT) & (W | NX), W | NX);
	assert_int_equal(leaf(first_load) & (W | NX), W | NX); /* nothing of the image runs before it is measured */
	assert_int_equal(leaf(first_load + 63ull * RV_PAGE_SIZE) & (W | NX), W | NX);
	assert_int_equal(leaf(first_load + 64ull * RV_PAGE_SIZE), 0);
	assert_int_equal(leaf(stack), 0);
	assert_int_equal(leaf(stack - 1) & (W | NX), W | NX);
	assert_int_equal(leaf(stack - RV_FIMCE_MAX_STACK - 1), 0); /* guard page */
	assert_int_equal(leaf(FAKE_TARGET_VA), 0); /* granted by the seal, not before */
	check_tree(f->tables.v, 4);
}

static void test_seal(void **state)
{
	const struct fake_step steps[] = {
	    {.call = RV_FC_MEASURED, .before = fake_measured_update}, {.call = RV_FC_YIELD}, {0}};

	(void)state;
	build(3, 16 * RV_PAGE_SIZE);
	fake_task(f, steps);
	assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_RUN, f->id, RV_RUN_BORROWED, 0), RV_FIMCE_YIELDED);
	for (uint64_t page = 0; page < 16; page++) {
		uint64_t entry = leaf(RV_FIMCE_LOAD + page * RV_PAGE_SIZE);

		if (page < 4)
			assert_int_equal(entry & (W | NX | 1), 1);
		else if (page >= 8 && page < 12)
			assert_int_equal(entry & (W | NX | 1), W | NX | 1);
		else
			assert_int_equal(entry, 0);
	}
	for (uint64_t i = 0; i < 3; i++) {
		uint64_t entry = leaf(FAKE_TARGET_VA + i * RV_PAGE_SIZE);

		assert_int_equal(PA(entry), FAKE_TARGET + 3 * i * RV_PAGE_SIZE);
		assert_int_equal(entry & (W | NX), W | NX);
	}
	check_tree(f->tables.v, 4);
}

static uint64_t next_va(uint64_t va, uint32_t spread)
{
	const uint64_t step[] = {RV_PAGE_SIZE, SIZE_2M, SIZE_1G, 512 * SIZE_1G};

	return va + step[fake_random(spread)] * (1 + fake_random(3));
}

/* fimce_tables_count is enough for any list of targets and any load area, and not much too large. */
static void test_count_suffices(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 60; round++) {
		uint32_t targets = 1 + fake_random(round < 30 ? 12 : 100);
		struct rv_target_page *list = pa_pointer(pa_make(FAKE_TARGETS));
		uint64_t va = (uint64_t)fake_random(1000) << RV_PAGE_SHIFT, page = 0;

		build(targets, (1 + fake_random(2048)) * RV_PAGE_SIZE);
		assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_DESTROY, f->id, 0, 0), 0);
		for (uint32_t i = 0; i < targets; i++, page++) {
			va = next_va(va, round % 4 + 1);
			if (va >> 47 != 0) {
				targets = i;
				break;
			}
			list[i].va = va;
		}
		((struct rv_fimce_create *)pa_pointer(pa_make(FAKE_CREATE)))->target_count = targets;
		assert_true(fake_vmcall(cpu, RV_HC_FIMCE_CREATE, FAKE_CREATE, 0, 0) > 0);
		f = fimce_find(hv.next_fimce_id);
		for (uint32_t i = 0; i < targets; i++)
			fimce_tables_map(f, list[i].va, pa_make(list[i].gpa), 1, FIMCE_PTE_RW);
		assert_true(f->tables_used <= f->tables_total);
		assert_true(f->tables_total - f->tables_used <= 4); /* areas that this FIMCE does not have */
		for (uint32_t i = 0; i < targets; i++)
			assert_int_equal(PA(leaf(list[i].va)), list[i].gpa);
		check_tree(f->tables.v, 4);
		assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_DESTROY, f->id, 0, 0), 0);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, fake_teardown)
	const struct CMUnitTest tests[] = {T(test_layout), T(test_seal), T(test_count_suffices)};

	return cmocka_run_group_tests_name("hv fimce tables", tests, NULL, NULL);
}
