/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * third-update.c - update code that goes with third.c: changes a variable that the earlier update has brought, and back.
 */
#include <uih/uih.h>

UIH_TARGET(calls);

static int calls_add(const struct uih *uih, int number)
{
	int *calls = uih_object(uih, uih_address_calls, sizeof(*calls));

	if (!calls)
		return -RV_EFAULT;
	*calls += number;
	return 0;
}

int update_apply(const struct uih *uih)
{
	return calls_add(uih, 5000);
}

int update_revert(const struct uih *uih)
{
	return calls_add(uih, -5000);
}
