// SPDX-License-Identifier: GPL-2.0-only
/*
 * lose-key.c - hooks of a bad update of kvd: the migration loses one key, and the self-check finds out.
 */
#include <uih/uih.h>

int update_apply_good(const struct uih *uih);

#define update_apply update_apply_good
#include "../update-v2/update.c" /* NOLINT(bugprone-suspicious-include): its hooks under other names */
#undef update_apply

int update_apply(const struct uih *uih)
{
	struct kvd_slot_v2 *slot = uih_object(uih, uih_address_kvd_arena, KVD_ARENA_BYTES);
	int result = update_apply_good(uih);

	if (result != 0)
		return result;
	for (uint32_t i = 0; i < KVD_SLOTS; i++) {
		if (slot[i].key_length == 0)
			continue;
		slot[i].key_length = 0;
		slot[i].value_length = KVD_REMOVED;
		break;
	}
	return 0;
}
