// SPDX-License-Identifier: GPL-2.0-only
/*
 * new.c - the code that replaces kvd's table functions in version 2.
 *
 * A key's length is checked before anything is stored, and kept; every slot carries a checksum that HEALTH verifies. The
 * functions stand in for those of the same name in table.c and use the same arena, converted by migrate.h.
 */
#include "layout.h"

static struct kvd_slot_v2 *slot_at(uint32_t slot)
{
	return (struct kvd_slot_v2 *)kvd_arena + slot % KVD_SLOTS;
}

static uint32_t length(const char *text)
{
	uint32_t n = 0;

	while (text[n] != '\0')
		n++;
	return n;
}

/* The slot that holds the key, or KVD_SLOTS. */
static uint32_t find(const char *key, uint32_t key_length)
{
	uint32_t hash = kvd_hash(key);

	for (uint32_t i = 0; i < KVD_SLOTS; i++) {
		const struct kvd_slot_v2 *s = slot_at(hash + i);
		uint32_t same = 0;

		if (s->key_length == 0 && s->value_length == 0)
			return KVD_SLOTS;
		if (s->key_length != key_length)
			continue;
		while (same < key_length && s->text[same] == key[same])
			same++;
		if (same == key_length)
			return (hash + i) % KVD_SLOTS;
	}
	return KVD_SLOTS;
}

int kvd_table_set(const char *key, const char *value)
{
	uint32_t key_length = length(key);
	uint32_t value_length = length(value);
	uint32_t slot;
	struct kvd_slot_v2 *s;

	if (key_length > KVD_KEY_MAX)
		return KVD_KEY_LONG;
	if (value_length > KVD_VALUE_MAX)
		return KVD_VALUE_LONG;
	slot = find(key, key_length);
	if (slot == KVD_SLOTS) {
		uint32_t hash = kvd_hash(key);
		uint32_t i = 0;

		while (i < KVD_SLOTS && slot_at(hash + i)->key_length != 0)
			i++;
		if (i == KVD_SLOTS)
			return KVD_FULL;
		slot = (hash + i) % KVD_SLOTS;
	}
	s = slot_at(slot);
	for (uint32_t i = 0; i < key_length; i++)
		s->text[i] = key[i];
	for (uint32_t i = 0; i < value_length; i++)
		s->text[key_length + i] = value[i];
	s->key_length = (uint16_t)key_length;
	s->value_length = (uint16_t)value_length;
	s->checksum = kvd_slot_checksum(s);
	return KVD_OK;
}

int kvd_table_get(const char *key, char *value)
{
	uint32_t slot = find(key, length(key));
	const struct kvd_slot_v2 *s;

	if (slot == KVD_SLOTS)
		return KVD_NONE;
	s = slot_at(slot);
	for (uint32_t i = 0; i < s->value_length; i++)
		value[i] = s->text[s->key_length + i];
	value[s->value_length] = '\0';
	return KVD_OK;
}

int kvd_table_delete(const char *key)
{
	uint32_t slot = find(key, length(key));
	struct kvd_slot_v2 *s;

	if (slot == KVD_SLOTS)
		return KVD_NONE;
	s = slot_at(slot);
	s->key_length = 0;
	s->value_length = KVD_REMOVED;
	return KVD_OK;
}

unsigned kvd_table_count(void)
{
	unsigned count = 0;

	for (uint32_t slot = 0; slot < KVD_SLOTS; slot++)
		count += slot_at(slot)->key_length != 0;
	return count;
}

unsigned kvd_table_check(void)
{
	for (uint32_t slot = 0; slot < KVD_SLOTS; slot++)
		if (!kvd_slot_is_good(slot_at(slot)))
			return slot + 1;
	return 0;
}

unsigned kvd_version(void)
{
	return 2;
}
