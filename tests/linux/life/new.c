// SPDX-License-Identifier: GPL-2.0-only
/*
 * new.c - the function that replaces answer() of target.c.
 */
#include "target.h"

int answer(int what)
{
	if (what < 0)
		return target_wait() + 1;
	return 2 + what;
}
