/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * layout.h - kvd's table in version 2: lengths are stored and each slot carries a checksum.
 *
 * Shared by the new code (new.c), which works with this layout, and by the update (migrate.h), which converts between it and
 * version 1. Nothing here calls a library function: new code runs inside the target, where it has only the target's own.
 */
#ifndef KVD_UPDATE_V2_LAYOUT_H
#define KVD_UPDATE_V2_LAYOUT_H

#include "../kvd.h"

/**
 * One slot. The search rule is that of version 1. A slot with key_length 0 was never used if value_length is 0 and holds
 * a removed key if it is KVD_REMOVED. No string ends with NUL; the value begins right behind the key.
 */
struct kvd_slot_v2 {
	uint32_t checksum; /* kvd_slot_checksum() */
	uint16_t key_length;
	uint16_t value_length;
	char text[120];
};
#define KVD_REMOVED 0xffffu

_Static_assert(sizeof(struct kvd_slot_v2) == 128, "version 2 of a slot");
_Static_assert(KVD_SLOTS * sizeof(struct kvd_slot_v2) <= KVD_ARENA_BYTES, "the arena holds version 2 of the table");
_Static_assert(KVD_KEY_MAX + KVD_VALUE_MAX <= sizeof(((struct kvd_slot_v2 *)0)->text), "a slot holds key and value");

/** FNV-1a over the lengths and the text in use. @slot must have lengths in range. */
static inline uint32_t kvd_slot_checksum(const struct kvd_slot_v2 *slot)
{
	uint32_t bytes = (uint32_t)slot->key_length + slot->value_length;
	uint32_t hash = 2166136261u;

	hash = (hash ^ slot->key_length) * 16777619u;
	hash = (hash ^ slot->value_length) * 16777619u;
	for (uint32_t i = 0; i < bytes; i++)
		hash = (hash ^ (unsigned char)slot->text[i]) * 16777619u;
	return hash;
}

/** Whether the slot is free, removed, or holds a key and value with the right checksum. */
static inline int kvd_slot_is_good(const struct kvd_slot_v2 *slot)
{
	if (slot->key_length == 0)
		return slot->value_length == 0 || slot->value_length == KVD_REMOVED;
	return slot->key_length <= KVD_KEY_MAX && slot->value_length <= KVD_VALUE_MAX &&
	       slot->checksum == kvd_slot_checksum(slot);
}

#endif
