// SPDX-License-Identifier: GPL-2.0-only
/*
 * update.c - hooks of kvd's update from version 2 to version 3: wipes what version 2 has left in its table. See wipe.h.
 */
#include "../update-v2/migrate.h"
#include "wipe.h"

#include <uih/uih.h>

UIH_TARGET(kvd_arena);

/* The table's contents before; the self-check expects the same after it. */
static struct kvd_table_sum sum_before;

int update_apply(const struct uih *uih)
{
	unsigned char *arena = uih_object(uih, uih_address_kvd_arena, KVD_ARENA_BYTES);

	if (arena == NULL)
		return -RV_EFAULT;
	if (kvd_sum_v2(arena, &sum_before) != KVD_MIGRATED)
		return KVD_MIGRATE_CORRUPT;
	for (uint32_t i = 0; i < KVD_SLOTS; i++)
		kvd_slot_wipe((struct kvd_slot_v2 *)arena + i);
	return 0;
}

int update_self_check(const struct uih *uih)
{
	const unsigned char *arena = uih_object(uih, uih_address_kvd_arena, KVD_ARENA_BYTES);
	struct kvd_table_sum sum;

	if (arena == NULL)
		return -RV_EFAULT;
	if (kvd_sum_v2(arena, &sum) != KVD_MIGRATED || sum.keys != sum_before.keys || sum.sum != sum_before.sum)
		return KVD_MIGRATE_CORRUPT;
	return 0;
}

/* Version 2 does not look at what version 3 has wiped. */
int update_revert(const struct uih *uih)
{
	(void)uih;
	return 0;
}
