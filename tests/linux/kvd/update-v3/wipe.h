/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wipe.h - what version 3 of kvd adds to the layout of version 2: bytes of a slot that hold nothing are zero.
 *
 * Version 2 leaves a removed key and the end of a longer value where they were. Shared by the new code (new.c), which wipes
 * as it goes, and by the update (update.c), which wipes what version 2 has left.
 */
#ifndef KVD_UPDATE_V3_WIPE_H
#define KVD_UPDATE_V3_WIPE_H

#include "../update-v2/layout.h"

/** Where the text in use ends. @slot is good in the sense of kvd_slot_is_good(). */
static inline uint32_t kvd_slot_used(const struct kvd_slot_v2 *slot)
{
	return slot->key_length == 0 ? 0 : (uint32_t)slot->key_length + slot->value_length;
}

/** Zeroes what is not in use. */
static inline void kvd_slot_wipe(struct kvd_slot_v2 *slot)
{
	for (uint32_t i = kvd_slot_used(slot); i < sizeof(slot->text); i++)
		slot->text[i] = 0;
}

/** Whether what is not in use is zero. */
static inline int kvd_slot_is_wiped(const struct kvd_slot_v2 *slot)
{
	for (uint32_t i = kvd_slot_used(slot); i < sizeof(slot->text); i++)
		if (slot->text[i] != 0)
			return 0;
	return 1;
}

#endif
