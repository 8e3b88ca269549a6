// SPDX-License-Identifier: GPL-2.0-only
/*
 * new.c - the code that replaces kvd's functions once more, in version 3: as version 2, but nothing that was removed or
 * overwritten stays in memory. kvd_table_get and kvd_table_count stay those of version 2.
 */
#define kvd_table_set set_without_wiping
#define kvd_table_delete delete_without_wiping
#define kvd_table_check check_without_wiping
#define kvd_version version_before
#include "../update-v2/new.c" /* NOLINT(bugprone-suspicious-include): version 2 under other names */
#undef kvd_table_set
#undef kvd_table_delete
#undef kvd_table_check
#undef kvd_version

#include "wipe.h"

KVD_REPLACEABLE int kvd_table_set(const char *key, const char *value);
KVD_REPLACEABLE int kvd_table_delete(const char *key);
KVD_REPLACEABLE unsigned kvd_table_check(void);
KVD_REPLACEABLE unsigned kvd_version(void);

int kvd_table_set(const char *key, const char *value)
{
	int result = set_without_wiping(key, value);

	if (result == KVD_OK)
		kvd_slot_wipe(slot_at(find(key, length(key))));
	return result;
}

int kvd_table_delete(const char *key)
{
	uint32_t slot = find(key, length(key));
	int result = delete_without_wiping(key);

	if (result == KVD_OK)
		kvd_slot_wipe(slot_at(slot));
	return result;
}

unsigned kvd_table_check(void)
{
	for (uint32_t slot = 0; slot < KVD_SLOTS; slot++)
		if (!kvd_slot_is_good(slot_at(slot)) || !kvd_slot_is_wiped(slot_at(slot)))
			return slot + 1;
	return 0;
}

unsigned kvd_version(void)
{
	return 3;
}
