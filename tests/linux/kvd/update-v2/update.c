// SPDX-License-Identifier: GPL-2.0-only
/*
 * update.c - hooks of kvd's update to version 2: converts the table, checks the result, converts it back. See migrate.h.
 */
#include "migrate.h"

#include <uih/uih.h>

UIH_TARGET(kvd_arena);

/* The table's contents before the migration; the self-check expects the same after it. */
static struct kvd_table_sum sum_before;

int update_apply(const struct uih *uih)
{
	unsigned char *arena = uih_object(uih, uih_address_kvd_arena, KVD_ARENA_BYTES);

	if (arena == NULL)
		return -RV_EFAULT;
	/* also refuses a table in which someone has used the old version's bug */
	if (kvd_sum_v1(arena, &sum_before) != KVD_MIGRATED)
		return KVD_MIGRATE_CORRUPT;
	return kvd_migrate_forward(arena);
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

int update_revert(const struct uih *uih)
{
	unsigned char *arena = uih_object(uih, uih_address_kvd_arena, KVD_ARENA_BYTES);

	return arena == NULL ? -RV_EFAULT : kvd_migrate_back(arena);
}
