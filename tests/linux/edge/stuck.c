// SPDX-License-Identifier: GPL-2.0-only
/*
 * stuck.c - hooks of an update that changes data of the target and can't change them back.
 */
#include <uih/uih.h>

UIH_TARGET(edge_number);

int update_apply(const struct uih *uih)
{
	int *number = uih_object(uih, uih_address_edge_number, sizeof(*number));

	if (number == NULL)
		return -RV_EFAULT;
	*number += 100;
	return 0;
}

int update_revert(const struct uih *uih)
{
	int *number = uih_object(uih, uih_address_edge_number, sizeof(*number));

	if (number == NULL)
		return -RV_EFAULT;
	/* Half a way back, which must not be seen. */
	*number = 0;
	return -RV_EIO;
}
