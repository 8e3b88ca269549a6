// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_kvd.c - unit test of kvd's table in both versions and of the migration between them, against a model.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "kvd.h"
#include "update-v2/migrate.h"

/* from v2_code.c */
int v2_table_set(const char *key, const char *value);
int v2_table_get(const char *key, char *value);
int v2_table_delete(const char *key);
unsigned v2_table_count(void);
unsigned v2_table_check(void);
unsigned v2_version(void);

#define MODEL_KEYS 200u

struct model {
	int exists[MODEL_KEYS];
	char value[MODEL_KEYS][KVD_VALUE_MAX + 1];
	uint32_t random;
};

static struct model model;

static int setup(void **state)
{
	(void)state;
	memset(kvd_arena, 0, sizeof(kvd_arena));
	memset(&model, 0, sizeof(model));
	model.random = 1;
	return 0;
}

static uint32_t random_next(void)
{
	model.random = model.random * 1664525u + 1013904223u;
	return model.random >> 8;
}

/* Keys and values of all lengths, the longest included. */
static void make_key(char key[KVD_KEY_MAX + 1], unsigned number)
{
	int n = snprintf(key, KVD_KEY_MAX + 1, "k%u.", number);

	for (unsigned i = (unsigned)n; i < number % (KVD_KEY_MAX + 1); i++)
		key[i] = (char)('a' + i % 26);
	if (number % (KVD_KEY_MAX + 1) > (unsigned)n)
		key[number % (KVD_KEY_MAX + 1)] = '\0';
}

static void make_value(char value[KVD_VALUE_MAX + 1])
{
	uint32_t bytes = 1 + random_next() % KVD_VALUE_MAX;

	for (uint32_t i = 0; i < bytes; i++)
		value[i] = (char)(' ' + random_next() % 95);
	value[bytes] = '\0';
}

static void check_all(int version)
{
	char key[KVD_KEY_MAX + 1];
	char value[KVD_VALUE_MAX + 1];
	unsigned count = 0;

	for (unsigned i = 0; i < MODEL_KEYS; i++) {
		int result;

		make_key(key, i);
		result = version == 1 ? kvd_table_get(key, value) : v2_table_get(key, value);
		count += (unsigned)model.exists[i];
		assert_int_equal(result, model.exists[i] ? KVD_OK : KVD_NONE);
		if (model.exists[i])
			assert_string_equal(value, model.value[i]);
	}
	assert_int_equal(version == 1 ? kvd_table_count() : v2_table_count(), count);
	assert_int_equal(version == 1 ? kvd_table_check() : v2_table_check(), 0);
}

static void change_some(int version, unsigned changes)
{
	char key[KVD_KEY_MAX + 1];

	for (unsigned n = 0; n < changes; n++) {
		unsigned i = random_next() % MODEL_KEYS;
		int result;

		make_key(key, i);
		if (random_next() % 4 != 0) {
			make_value(model.value[i]);
			result = version == 1 ? kvd_table_set(key, model.value[i]) : v2_table_set(key, model.value[i]);
			assert_int_equal(result, KVD_OK);
			model.exists[i] = 1;
		} else {
			result = version == 1 ? kvd_table_delete(key) : v2_table_delete(key);
			assert_int_equal(result, model.exists[i] ? KVD_OK : KVD_NONE);
			model.exists[i] = 0;
		}
	}
}

static void both_versions_follow_the_model(void **state)
{
	(void)state;
	change_some(1, 2000);
	check_all(1);
	assert_int_equal(kvd_version(), 1);
	memset(kvd_arena, 0, sizeof(kvd_arena));
	memset(model.exists, 0, sizeof(model.exists));
	change_some(2, 2000);
	check_all(2);
	assert_int_equal(v2_version(), 2);
}

static void migration_keeps_all_keys_both_ways(void **state)
{
	struct kvd_table_sum before;
	struct kvd_table_sum after;

	(void)state;
	for (int round = 0; round < 20; round++) {
		change_some(1, 300);
		assert_int_equal(kvd_sum_v1(kvd_arena, &before), KVD_MIGRATED);
		assert_int_equal(kvd_migrate_forward(kvd_arena), KVD_MIGRATED);
		assert_int_equal(kvd_sum_v2(kvd_arena, &after), KVD_MIGRATED);
		assert_int_equal(after.keys, before.keys);
		assert_int_equal(after.sum, before.sum);
		check_all(2);
		change_some(2, 300);
		assert_int_equal(kvd_sum_v2(kvd_arena, &before), KVD_MIGRATED);
		assert_int_equal(kvd_migrate_back(kvd_arena), KVD_MIGRATED);
		assert_int_equal(kvd_sum_v1(kvd_arena, &after), KVD_MIGRATED);
		assert_int_equal(after.keys, before.keys);
		assert_int_equal(after.sum, before.sum);
		check_all(1);
	}
}

static void migration_of_an_empty_table(void **state)
{
	static const unsigned char zeros[KVD_ARENA_BYTES];

	(void)state;
	assert_int_equal(kvd_migrate_forward(kvd_arena), KVD_MIGRATED);
	check_all(2);
	assert_int_equal(kvd_migrate_back(kvd_arena), KVD_MIGRATED);
	assert_memory_equal(kvd_arena, zeros, sizeof(zeros));
}

static void a_full_table_migrates(void **state)
{
	char key[KVD_KEY_MAX + 1];
	char value[KVD_VALUE_MAX + 1];

	(void)state;
	memset(value, 'v', KVD_VALUE_MAX);
	value[KVD_VALUE_MAX] = '\0';
	for (unsigned i = 0; i < KVD_SLOTS; i++) {
		make_key(key, i);
		assert_int_equal(kvd_table_set(key, value), KVD_OK);
	}
	assert_int_equal(kvd_table_set("onemore", value), KVD_FULL);
	assert_int_equal(kvd_migrate_forward(kvd_arena), KVD_MIGRATED);
	assert_int_equal(v2_table_count(), KVD_SLOTS);
	assert_int_equal(v2_table_check(), 0);
	assert_int_equal(v2_table_set("onemore", value), KVD_FULL);
	assert_int_equal(v2_table_get(key, value), KVD_OK);
	assert_int_equal(strlen(value), KVD_VALUE_MAX);
}

/* A key of 32 characters and a payload, in the slot before the one of @victim. */
static void make_attack(char *key, size_t size, const char *victim)
{
	unsigned counter = 0;

	do
		snprintf(key, size, "%032u%s", counter++, "evil");
	while (kvd_hash(key) % KVD_SLOTS != (kvd_hash(victim) + KVD_SLOTS - 1) % KVD_SLOTS);
}

static void version_1_has_the_bug(void **state)
{
	char key[KVD_LINE_MAX];
	char value[KVD_VALUE_MAX + 1];
	struct kvd_table_sum sum;

	(void)state;
	make_attack(key, sizeof(key), "victim");
	assert_int_equal(kvd_table_set("victim", "1000"), KVD_OK);
	assert_int_equal(kvd_table_set(key, "x"), KVD_OK);
	assert_int_equal(kvd_table_get("victim", value), KVD_OK);
	assert_string_equal(value, "evil");
	assert_int_not_equal(kvd_table_check(), 0);
	/* such a table is not migrated */
	assert_int_equal(kvd_sum_v1(kvd_arena, &sum), KVD_MIGRATE_CORRUPT);
	assert_int_equal(kvd_migrate_forward(kvd_arena), KVD_MIGRATE_CORRUPT);
}

static void removing_the_attack_heals_the_table(void **state)
{
	char key[KVD_LINE_MAX];

	(void)state;
	make_attack(key, sizeof(key), "victim");
	assert_int_equal(kvd_table_set("victim", "1000"), KVD_OK);
	assert_int_equal(kvd_table_set(key, "x"), KVD_OK);
	assert_int_equal(kvd_table_delete(key), KVD_OK);
	assert_int_equal(kvd_table_check(), 0);
	assert_int_equal(kvd_migrate_forward(kvd_arena), KVD_MIGRATED);
	assert_int_equal(v2_table_check(), 0);
	assert_int_equal(v2_table_count(), 1);
}

static void version_2_refuses_long_keys(void **state)
{
	char key[KVD_LINE_MAX];
	char value[KVD_VALUE_MAX + 1];

	(void)state;
	make_attack(key, sizeof(key), "victim");
	assert_int_equal(v2_table_set("victim", "1000"), KVD_OK);
	assert_int_equal(v2_table_set(key, "x"), KVD_KEY_LONG);
	key[KVD_KEY_MAX + 1] = '\0';
	assert_int_equal(v2_table_set(key, "x"), KVD_KEY_LONG);
	key[KVD_KEY_MAX] = '\0';
	assert_int_equal(v2_table_set(key, "x"), KVD_OK);
	assert_int_equal(v2_table_get("victim", value), KVD_OK);
	assert_string_equal(value, "1000");
}

static void version_2_finds_every_changed_bit(void **state)
{
	unsigned char *slot;
	uint32_t used;

	(void)state;
	assert_int_equal(v2_table_set("key", "value"), KVD_OK);
	slot = kvd_arena + kvd_hash("key") % KVD_SLOTS * sizeof(struct kvd_slot_v2);
	used = (uint32_t)(offsetof(struct kvd_slot_v2, text) + strlen("keyvalue"));
	for (uint32_t bit = 0; bit < used * 8; bit++) {
		slot[bit / 8] ^= (unsigned char)(1u << bit % 8);
		assert_int_equal(v2_table_check(), kvd_hash("key") % KVD_SLOTS + 1);
		slot[bit / 8] ^= (unsigned char)(1u << bit % 8);
	}
	assert_int_equal(v2_table_check(), 0);
}

static void values_have_a_limit(void **state)
{
	char value[KVD_VALUE_MAX + 2];

	(void)state;
	memset(value, 'v', sizeof(value));
	value[KVD_VALUE_MAX + 1] = '\0';
	assert_int_equal(kvd_table_set("key", value), KVD_VALUE_LONG);
	assert_int_equal(v2_table_set("key", value), KVD_VALUE_LONG);
	assert_int_equal(v2_table_count(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(both_versions_follow_the_model, setup),
	    cmocka_unit_test_setup(migration_keeps_all_keys_both_ways, setup),
	    cmocka_unit_test_setup(migration_of_an_empty_table, setup),
	    cmocka_unit_test_setup(a_full_table_migrates, setup),
	    cmocka_unit_test_setup(version_1_has_the_bug, setup),
	    cmocka_unit_test_setup(removing_the_attack_heals_the_table, setup),
	    cmocka_unit_test_setup(version_2_refuses_long_keys, setup),
	    cmocka_unit_test_setup(version_2_finds_every_changed_bit, setup),
	    cmocka_unit_test_setup(values_have_a_limit, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
