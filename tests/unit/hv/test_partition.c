/* SPDX-License-Identifier: GPL-2.0-only */
/* test_partition.c - the partition table against a model that has one state per page. */
#include "fake.h"

#include <string.h>

#define PAGES 512u
#define AT(page) ((uint64_t)(page) << RV_PAGE_SHIFT)

/** The model: what each page is. */
static struct row model[PAGES];
static struct partition table;

static void table_make(uint32_t capacity)
{
	struct row *rows = malloc(capacity * sizeof(*rows));

	assert_non_null(rows);
	free(table.row);
	memset(&table, 0, sizeof(table));
	partition_init(&table, rows, capacity, AT(PAGES));
	for (uint32_t i = 0; i < PAGES; i++)
		model[i] = (struct row){.owner = OWNER_GUEST, .perm = PERM_RWX};
}

static int setup(void **state)
{
	(void)state;
	fake_reset();
	table_make(64);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(table.row);
	table.row = NULL;
	return 0;
}

static void model_set(uint32_t first, uint32_t pages, const struct row *to)
{
	for (uint32_t i = first; i < first + pages; i++) {
		model[i] = *to;
		if (to->logical != 0)
			model[i].logical = to->logical + AT(i - first);
	}
}

/* Rows are sorted, have no gap and no overlap, cover everything, and say of each page what the model says. */
static void table_check(void)
{
	uint64_t at = 0;

	assert_true(table.count <= table.capacity);
	for (uint32_t i = 0; i < table.count; i++) {
		const struct row *r = &table.row[i];

		assert_int_equal(r->base, at);
		assert_true(r->size != 0 && (r->size & ~PAGE_MASK) == 0);
		at += r->size;
	}
	assert_int_equal(at, AT(PAGES));
	assert_null(partition_find(&table, pa_make(at)));
	for (uint32_t i = 0; i < PAGES; i++) {
		const struct row *r = partition_find(&table, pa_make(AT(i) + 0x123));
		uint64_t logical;

		assert_non_null(r);
		assert_true(r->base <= AT(i) && AT(i) - r->base < r->size);
		logical = r->logical == 0 ? 0 : r->logical + (AT(i) - r->base);
		assert_int_equal(r->owner, model[i].owner);
		assert_int_equal(r->shared, model[i].shared);
		assert_int_equal(r->perm, model[i].perm);
		assert_int_equal(r->isolated, model[i].isolated);
		assert_int_equal(logical, model[i].logical);
	}
}

static int change(uint32_t first, uint32_t pages, uint32_t owner, const struct row *to)
{
	struct transition t;
	int error = partition_prepare(&table, &t, pa_make(AT(first)), AT(pages), owner);

	if (error)
		return error;
	partition_commit(&table, &t, to);
	model_set(first, pages, to);
	return 0;
}

static const struct row pool_free = {.owner = OWNER_POOL_FREE};

static void test_refusals(void **state)
{
	const struct row lent = {.owner = OWNER_GUEST, .shared = 3, .perm = PERM_R | PERM_X, .logical = 0x400000};
	const struct row isolated = {.owner = OWNER_GUEST, .perm = PERM_RWX, .isolated = 1};
	struct transition t;

	(void)state;
	assert_int_equal(change(100, 50, OWNER_GUEST, &pool_free), 0);
	assert_int_equal(change(10, 1, OWNER_GUEST, &lent), 0);
	assert_int_equal(change(20, 1, OWNER_GUEST, &isolated), 0);
	table_check();
	/* Another's, in part another's, lent, isolated, beyond the end, past the end. */
	assert_int_equal(partition_prepare(&table, &t, pa_make(AT(100)), AT(1), OWNER_GUEST), -RV_EACCES);
	assert_int_equal(partition_prepare(&table, &t, pa_make(AT(99)), AT(2), OWNER_GUEST), -RV_EACCES);
	assert_int_equal(partition_prepare(&table, &t, pa_make(AT(149)), AT(2), OWNER_GUEST), -RV_EACCES);
	assert_int_equal(partition_prepare(&table, &t, pa_make(AT(10)), AT(1), OWNER_GUEST), -RV_EACCES);
	assert_int_equal(partition_prepare(&table, &t, pa_make(AT(9)), AT(2), OWNER_GUEST), -RV_EACCES);
	assert_int_equal(partition_prepare(&table, &t, pa_make(AT(19)), AT(3), OWNER_GUEST), -RV_EACCES);
	assert_int_equal(partition_prepare(&table, &t, pa_make(AT(PAGES)), AT(1), OWNER_GUEST), -RV_EACCES);
	assert_int_equal(partition_prepare(&table, &t, pa_make(AT(PAGES - 1)), AT(2), OWNER_GUEST), -RV_EACCES);
	assert_int_equal(partition_prepare(&table, &t, pa_make(AT(9)), AT(3), OWNER_POOL_FREE), -RV_EACCES);
	/* Nonsense. */
	assert_int_equal(partition_prepare(&table, &t, pa_make(AT(1)), 0, OWNER_GUEST), -RV_EINVAL);
	assert_int_equal(partition_prepare(&table, &t, pa_make(AT(1) + 8), AT(1), OWNER_GUEST), -RV_EINVAL);
	assert_int_equal(partition_prepare(&table, &t, pa_make(AT(1)), AT(1) + 8, OWNER_GUEST), -RV_EINVAL);
	assert_int_equal(partition_prepare(&table, &t, pa_make(AT(1)), ~0ull & PAGE_MASK, OWNER_GUEST), -RV_EINVAL);
	assert_int_equal(table.reserved, 0);
	table_check();
}

static void test_prepare_reserves_and_cancel_gives_back(void **state)
{
	struct transition t[8];
	uint32_t n = 0;

	(void)state;
	table_make(8); /* one row is used: room for three splits */
	while (partition_prepare(&table, &t[n], pa_make(AT(20 * n + 1)), AT(1), OWNER_GUEST) == 0)
		n++;
	assert_int_equal(n, 3);
	table_check();
	partition_cancel(&table, &t[2]);
	assert_int_equal(partition_prepare(&table, &t[2], pa_make(AT(200)), AT(1), OWNER_GUEST), 0);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t page = (uint32_t)(t[i].base >> RV_PAGE_SHIFT);

		partition_commit(&table, &t[i], &pool_free);
		model_set(page, 1, &pool_free);
		table_check();
	}
	assert_int_equal(table.reserved, 0);
	assert_int_equal(partition_prepare(&table, &t[0], pa_make(AT(300)), AT(1), OWNER_GUEST), -RV_ENOSPC);
}

static void test_split_keeps_logical_addresses(void **state)
{
	const struct row seen = {.owner = OWNER_FIMCE(1), .perm = PERM_R, .logical = 0x10000000};

	(void)state;
	assert_int_equal(change(40, 20, OWNER_GUEST, &seen), 0);
	assert_int_equal(change(50, 2, OWNER_FIMCE(1), &pool_free), 0);
	table_check();
	partition_merge(&table);
	table_check();
}

static void test_merge_joins_only_what_is_alike(void **state)
{
	const struct row lent[2] = {{.owner = OWNER_GUEST, .shared = 3, .perm = PERM_RWX},
				    {.owner = OWNER_GUEST, .shared = 3, .perm = PERM_RWX}};

	(void)state;
	assert_int_equal(change(1, 1, OWNER_GUEST, &lent[0]), 0);
	assert_int_equal(change(2, 1, OWNER_GUEST, &lent[1]), 0);
	partition_merge(&table);
	assert_int_equal(table.count, 4); /* lent rows stay on their own: partition_change needs them so */
	table_check();
	for (uint32_t page = 1; page <= 2; page++) {
		const struct row back = {.owner = OWNER_GUEST, .perm = PERM_RWX};

		partition_change(&table, pa_make(AT(page)), &back);
		model_set(page, 1, &back);
	}
	table_check();
	partition_merge(&table);
	assert_int_equal(table.count, 1);
	table_check();
}

static void test_allocate(void **state)
{
	pa_t a, b, c;

	(void)state;
	assert_int_equal(partition_allocate(&table, 1, OWNER_HYPERVISOR, &a), -RV_ENOMEM);
	assert_int_equal(change(100, 10, OWNER_GUEST, &pool_free), 0);
	assert_int_equal(partition_allocate(&table, 11, OWNER_FIMCE(1), &a), -RV_ENOMEM);
	assert_int_equal(partition_allocate(&table, 4, OWNER_FIMCE(1), &a), 0);
	assert_int_equal(partition_allocate(&table, 4, OWNER_FIMCE(2), &b), 0);
	assert_int_equal(a.v, AT(100));
	assert_int_equal(b.v, AT(104));
	assert_int_equal(partition_bytes(&table, OWNER_POOL_FREE), AT(2));
	assert_int_equal(partition_allocate(&table, 3, OWNER_FIMCE(3), &c), -RV_ENOMEM);
	partition_release(&table, a, AT(4));
	/* First fit: lowest address; never another's. */
	assert_int_equal(partition_allocate(&table, 2, OWNER_FIMCE(3), &c), 0);
	assert_int_equal(c.v, AT(100));
	assert_int_equal(partition_bytes(&table, OWNER_FIMCE(2)), AT(4));
	partition_release(&table, c, AT(2));
	partition_release(&table, b, AT(4));
	assert_int_equal(table.count, 3);
	model_set(100, 10, &pool_free);
	table_check();
}

/* A release must never need room: the extents that allocate gave out stay whole rows, whatever was merged in between. */
static void test_release_fits_a_full_table(void **state)
{
	pa_t page[4];
	struct transition t;
	uint32_t at = 0;

	(void)state;
	table_make(24);
	assert_int_equal(change(400, 50, OWNER_GUEST, &pool_free), 0);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(partition_allocate(&table, 1, OWNER_HYPERVISOR, &page[i]), 0);
	partition_merge(&table);
	/* The guest fills the table up, as it can with lent pages. */
	while (partition_prepare(&table, &t, pa_make(AT(at)), AT(1), OWNER_GUEST) == 0) {
		partition_commit(&table, &t, &(struct row){.owner = OWNER_GUEST, .shared = 1, .perm = PERM_R});
		at += 2;
	}
	assert_true(table.capacity - table.count < 2);
	partition_release(&table, page[1], AT(1));
	assert_true(table.count <= table.capacity);
	partition_release(&table, page[3], AT(1));
	assert_true(table.count <= table.capacity);
	assert_int_equal(partition_find(&table, page[0])->owner, OWNER_HYPERVISOR);
	assert_int_equal(partition_find(&table, page[1])->owner, OWNER_POOL_FREE);
	assert_int_equal(partition_find(&table, page[2])->owner, OWNER_HYPERVISOR);
}

/* One random step: a change of an extent, a merge, an allocation or a release; failures change nothing. */
static void random_step(pa_t *extent, uint32_t *extent_pages, uint32_t *extents)
{
	const struct row to[] = {{.owner = OWNER_GUEST, .perm = PERM_RWX},
				 {.owner = OWNER_POOL_FREE},
				 {.owner = OWNER_FIMCE(5), .perm = PERM_R | PERM_W, .logical = 0x7000000},
				 {.owner = OWNER_GUEST, .perm = PERM_R | PERM_X, .shared = 7, .logical = 0x5000}};
	const uint32_t from[] = {OWNER_GUEST, OWNER_POOL_FREE, OWNER_FIMCE(5)};
	uint32_t first = fake_random(PAGES), pages = 1 + fake_random(fake_random(4) == 0 ? 60 : 4);
	uint32_t owner = OWNER_SNAPSHOT(9);
	struct transition t;
	pa_t base;

	switch (fake_random(6)) {
	case 0:
		partition_merge(&table);
		break;
	case 1:
		if (*extents < 32 && partition_allocate(&table, pages, owner, &base) == 0) {
			first = (uint32_t)(base.v >> RV_PAGE_SHIFT);
			for (uint32_t i = first; i < first + pages; i++)
				assert_int_equal(model[i].owner, OWNER_POOL_FREE);
			model_set(first, pages, &(struct row){.owner = owner, .perm = PERM_R | PERM_W});
			extent[*extents] = base;
			extent_pages[(*extents)++] = pages;
		}
		break;
	case 2:
		if (*extents != 0) {
			uint32_t i = fake_random(*extents);

			partition_release(&table, extent[i], AT(extent_pages[i]));
			model_set((uint32_t)(extent[i].v >> RV_PAGE_SHIFT), extent_pages[i], &pool_free);
			extent[i] = extent[--*extents];
			extent_pages[i] = extent_pages[*extents];
		}
		break;
	case 3:
		if (partition_prepare(&table, &t, pa_make(AT(first)), AT(pages), from[fake_random(3)]) == 0)
			partition_cancel(&table, &t);
		break;
	default:
		change(first, pages, from[fake_random(3)], &to[fake_random(4)]);
	}
}

/* Refusals must be right, too: the model knows whether an extent is one owner's and free to change. */
static void prepare_check(void)
{
	uint32_t first = fake_random(PAGES), pages = 1 + fake_random(8), owner = OWNER_GUEST;
	bool all = first + pages <= PAGES, plain = all;
	struct transition t;
	int error;

	for (uint32_t i = first; all && i < first + pages; i++) {
		all = model[i].owner == owner;
		plain = plain && all && model[i].shared == 0 && !model[i].isolated;
	}
	error = partition_prepare(&table, &t, pa_make(AT(first)), AT(pages), owner);
	if (error == 0)
		partition_cancel(&table, &t);
	assert_true(error == -RV_ENOSPC || error == (plain && all ? 0 : -RV_EACCES));
}

static void test_random(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 40; round++) {
		pa_t extent[32];
		uint32_t pages[32], extents = 0;

		table_make(round % 2 ? 64 : 2048);
		for (uint32_t step = 0; step < 200; step++) {
			random_step(extent, pages, &extents);
			prepare_check();
			if (step % 8 == 0)
				table_check();
		}
		assert_int_equal(table.reserved, 0);
		table_check();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_prepare_reserves_and_cancel_gives_back, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_split_keeps_logical_addresses, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_merge_joins_only_what_is_alike, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_allocate, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_release_fits_a_full_table, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_random, setup, teardown),
	};

	return cmocka_run_group_tests_name("hv partition", tests, NULL, NULL);
}
