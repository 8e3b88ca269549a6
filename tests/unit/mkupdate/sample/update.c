/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * update.c - update code for victim.c: halves every value and drops the last entry, and can undo that.
 */
#include "victim.h"

#include <uih/uih.h>

UIH_TARGET(table);
UIH_TARGET(calls);

static struct table *find_table(const struct uih *uih)
{
	struct table *t;

	if (uih_read(uih, &t, uih_pointer(uih, uih_address_table), sizeof(void *)) != 0 ||
	    !uih_range_check(uih, t, sizeof(*t)))
		return NULL;
	return t;
}

int update_prepare(const struct uih *uih)
{
	return uih_object(uih, uih_address_calls, sizeof(int)) ? 0 : -RV_EFAULT;
}

int update_apply(const struct uih *uih)
{
	struct table *t = find_table(uih);

	if (!t)
		return -RV_EFAULT;
	for (int i = 0; i < t->count; i++)
		t->value[i] /= 2;
	*(int *)uih_pointer(uih, uih_address_calls) += 1000;
	return 0;
}

int update_self_check(const struct uih *uih)
{
	struct table *t = find_table(uih);

	return t && t->count == 3 && t->value[0] == 5 ? 0 : -RV_EIO;
}

int update_revert(const struct uih *uih)
{
	struct table *t = find_table(uih);

	if (!t)
		return -RV_EFAULT;
	for (int i = 0; i < t->count; i++)
		t->value[i] *= 2;
	return 0;
}
