/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * migrate.h - converts kvd's table between the layouts of version 1 and version 2, in place.
 *
 * Runs inside a FIMCE while the server is frozen and its table isolated; the unit test runs it on a copy. Slots grow from 120
 * to 128 bytes, so the way forward goes from the last slot to the first and the way back from the first to the last: a slot
 * that is written then never covers one that is still to be read.
 */
#ifndef KVD_UPDATE_V2_MIGRATE_H
#define KVD_UPDATE_V2_MIGRATE_H

#include "layout.h"

#include <string.h>

enum kvd_migrate_result {
	KVD_MIGRATED = 0,
	KVD_MIGRATE_CORRUPT = -74 /* a slot is malformed: -EBADMSG; the arena may be half converted */
};

/** What must be the same before and after: the keys, and the values that belong to them. */
struct kvd_table_sum {
	uint32_t keys;
	uint32_t sum; /* of a hash of every key and value; does not depend on the order of slots */
};

static inline uint32_t kvd_pair_hash(const char *key, uint32_t key_length, const char *value, uint32_t value_length)
{
	uint32_t hash = 2166136261u;

	for (uint32_t i = 0; i < key_length; i++)
		hash = (hash ^ (unsigned char)key[i]) * 16777619u;
	hash *= 16777619u;
	for (uint32_t i = 0; i < value_length; i++)
		hash = (hash ^ (unsigned char)value[i]) * 16777619u;
	return hash;
}

/* Length of a string in a field of @room bytes; @room if it has no end. */
static inline uint32_t kvd_bounded_length(const char *text, uint32_t room)
{
	uint32_t n = 0;

	while (n < room && text[n] != '\0')
		n++;
	return n;
}

static inline int kvd_slot_v1_is_good(const struct kvd_slot_v1 *slot)
{
	/* what is left of a removed key says nothing */
	return (slot->key[0] == KVD_DELETED || kvd_bounded_length(slot->key, sizeof(slot->key)) <= KVD_KEY_MAX) &&
	       kvd_bounded_length(slot->value, sizeof(slot->value)) <= KVD_VALUE_MAX;
}

/** Sums up a table in the layout of version 1. Returns KVD_MIGRATED or KVD_MIGRATE_CORRUPT. */
static inline int kvd_sum_v1(const unsigned char *arena, struct kvd_table_sum *sum)
{
	struct kvd_slot_v1 slot;

	memset(sum, 0, sizeof(*sum));
	for (uint32_t i = 0; i < KVD_SLOTS; i++) {
		memcpy(&slot, arena + i * sizeof(slot), sizeof(slot));
		if (!kvd_slot_v1_is_good(&slot))
			return KVD_MIGRATE_CORRUPT;
		if (slot.key[0] == '\0' || slot.key[0] == KVD_DELETED)
			continue;
		sum->keys++;
		sum->sum += kvd_pair_hash(slot.key, kvd_bounded_length(slot.key, sizeof(slot.key)), slot.value,
					  kvd_bounded_length(slot.value, sizeof(slot.value)));
	}
	return KVD_MIGRATED;
}

/** Sums up a table in the layout of version 2. Returns KVD_MIGRATED or KVD_MIGRATE_CORRUPT. */
static inline int kvd_sum_v2(const unsigned char *arena, struct kvd_table_sum *sum)
{
	struct kvd_slot_v2 slot;

	memset(sum, 0, sizeof(*sum));
	for (uint32_t i = 0; i < KVD_SLOTS; i++) {
		memcpy(&slot, arena + i * sizeof(slot), sizeof(slot));
		if (!kvd_slot_is_good(&slot))
			return KVD_MIGRATE_CORRUPT;
		if (slot.key_length == 0)
			continue;
		sum->keys++;
		sum->sum += kvd_pair_hash(slot.text, slot.key_length, slot.text + slot.key_length, slot.value_length);
	}
	return KVD_MIGRATED;
}

/** Version 1 to version 2. Returns KVD_MIGRATED or KVD_MIGRATE_CORRUPT. */
static inline int kvd_migrate_forward(unsigned char *arena)
{
	for (uint32_t i = KVD_SLOTS; i-- > 0;) {
		struct kvd_slot_v1 old;
		struct kvd_slot_v2 slot;

		memcpy(&old, arena + i * sizeof(old), sizeof(old));
		memset(&slot, 0, sizeof(slot));
		if (!kvd_slot_v1_is_good(&old))
			return KVD_MIGRATE_CORRUPT;
		if (old.key[0] == KVD_DELETED) {
			slot.value_length = KVD_REMOVED;
		} else if (old.key[0] != '\0') {
			slot.key_length = (uint16_t)kvd_bounded_length(old.key, sizeof(old.key));
			slot.value_length = (uint16_t)kvd_bounded_length(old.value, sizeof(old.value));
			memcpy(slot.text, old.key, slot.key_length);
			memcpy(slot.text + slot.key_length, old.value, slot.value_length);
			slot.checksum = kvd_slot_checksum(&slot);
		}
		memcpy(arena + i * sizeof(slot), &slot, sizeof(slot));
	}
	return KVD_MIGRATED;
}

/** Version 2 to version 1; the part of the arena that version 1 does not use becomes zero. Returns as above. */
static inline int kvd_migrate_back(unsigned char *arena)
{
	const size_t used = KVD_SLOTS * sizeof(struct kvd_slot_v1);

	for (uint32_t i = 0; i < KVD_SLOTS; i++) {
		struct kvd_slot_v2 slot;
		struct kvd_slot_v1 old;

		memcpy(&slot, arena + i * sizeof(slot), sizeof(slot));
		memset(&old, 0, sizeof(old));
		if (!kvd_slot_is_good(&slot))
			return KVD_MIGRATE_CORRUPT;
		if (slot.key_length != 0) {
			memcpy(old.key, slot.text, slot.key_length);
			memcpy(old.value, slot.text + slot.key_length, slot.value_length);
		} else if (slot.value_length == KVD_REMOVED) {
			old.key[0] = KVD_DELETED;
		}
		memcpy(arena + i * sizeof(old), &old, sizeof(old));
	}
	memset(arena + used, 0, KVD_ARENA_BYTES - used);
	return KVD_MIGRATED;
}

#endif
