// SPDX-License-Identifier: GPL-2.0-only
/*
 * table.c - kvd's table, version 1: open addressing in a fixed arena.
 *
 * kvd_table_set() has a memory-safety bug on purpose: it copies a key without looking at its length, so a long key runs over
 * the end of its slot into the value of the next one. The update to version 2 (update-v2) removes it.
 */
#include "kvd.h"

#include <string.h>

_Static_assert(sizeof(struct kvd_slot_v1) == 120, "the layout that version 2 migrates from");
_Static_assert(KVD_SLOTS * sizeof(struct kvd_slot_v1) + KVD_LINE_MAX <= KVD_ARENA_BYTES, "the arena holds the table");

unsigned char kvd_arena[KVD_ARENA_BYTES] __attribute__((aligned(4096)));

/* The string fields are reached by address, as the bytes that they are: the overrun is this program's, not the compiler's. */
static char *slot_value(uint32_t slot)
{
	return (char *)kvd_arena + (size_t)(slot % KVD_SLOTS) * sizeof(struct kvd_slot_v1);
}

static char *slot_key(uint32_t slot)
{
	return slot_value(slot) + offsetof(struct kvd_slot_v1, key);
}

/* The slot that holds the key, or KVD_SLOTS. */
static uint32_t find(const char *key)
{
	uint32_t hash = kvd_hash(key);

	for (uint32_t i = 0; i < KVD_SLOTS; i++) {
		uint32_t slot = (hash + i) % KVD_SLOTS;

		if (*slot_key(slot) == '\0')
			return KVD_SLOTS;
		if (strcmp(slot_key(slot), key) == 0)
			return slot;
	}
	return KVD_SLOTS;
}

static void copy_string(volatile char *to, const char *from)
{
	while ((*to++ = *from++) != '\0')
		;
}

int kvd_table_set(const char *key, const char *value)
{
	uint32_t slot = find(key);

	if (strlen(value) > KVD_VALUE_MAX)
		return KVD_VALUE_LONG;
	if (slot == KVD_SLOTS) {
		uint32_t hash = kvd_hash(key);
		uint32_t i = 0;

		while (i<KVD_SLOTS && * slot_key(hash + i)> KVD_DELETED)
			i++;
		if (i == KVD_SLOTS)
			return KVD_FULL;
		slot = (hash + i) % KVD_SLOTS;
		copy_string(slot_key(slot), key);
	}
	copy_string(slot_value(slot), value);
	return KVD_OK;
}

int kvd_table_get(const char *key, char *value)
{
	uint32_t slot = find(key);

	if (slot == KVD_SLOTS)
		return KVD_NONE;
	memcpy(value, slot_value(slot), KVD_VALUE_MAX + 1);
	value[KVD_VALUE_MAX] = '\0';
	return KVD_OK;
}

int kvd_table_delete(const char *key)
{
	uint32_t slot = find(key);

	if (slot == KVD_SLOTS)
		return KVD_NONE;
	*slot_key(slot) = KVD_DELETED;
	return KVD_OK;
}

unsigned kvd_table_count(void)
{
	unsigned count = 0;

	for (uint32_t slot = 0; slot < KVD_SLOTS; slot++)
		count += *slot_key(slot) > KVD_DELETED;
	return count;
}

unsigned kvd_table_check(void)
{
	for (uint32_t slot = 0; slot < KVD_SLOTS; slot++) {
		if (*slot_key(slot) != KVD_DELETED && memchr(slot_key(slot), '\0', KVD_KEY_MAX + 1) == NULL)
			return slot + 1;
		if (memchr(slot_value(slot), '\0', KVD_VALUE_MAX + 1) == NULL)
			return slot + 1;
	}
	return 0;
}

unsigned kvd_version(void)
{
	return 1;
}
