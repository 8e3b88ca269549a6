// SPDX-License-Identifier: GPL-2.0-only
/*
 * data.c - hooks of an update that changes data of the target: such an update can only be taken back with the target frozen.
 */
#include <uih/uih.h>

UIH_TARGET(edge_number);

static int number_change(const struct uih *uih, int difference)
{
	int *number = uih_object(uih, uih_address_edge_number, sizeof(*number));

	if (number == NULL)
		return -RV_EFAULT;
	*number += difference;
	return 0;
}

int update_apply(const struct uih *uih)
{
	return number_change(uih, 100);
}

int update_revert(const struct uih *uih)
{
	return number_change(uih, -100);
}
