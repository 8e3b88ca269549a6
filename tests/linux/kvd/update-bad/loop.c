// SPDX-License-Identifier: GPL-2.0-only
/*
 * loop.c - hooks of a bad update of kvd: it destroys the table and then never ends.
 */
#include "../kvd.h"

#include <uih/uih.h>

UIH_TARGET(kvd_arena);

int update_apply(const struct uih *uih)
{
	volatile unsigned char *arena = uih_object(uih, uih_address_kvd_arena, KVD_ARENA_BYTES);

	if (arena == NULL)
		return -RV_EFAULT;
	for (uint32_t i = 0;; i++)
		arena[i % KVD_ARENA_BYTES] = 0xff;
}
