// SPDX-License-Identifier: GPL-2.0-only
/*
 * third.c - the function that replaces that of new.c in an updated target.c.
 */
#include "target.h"

int answer(int what)
{
	if (what < 0)
		return target_wait() + 1;
	return 3 + what;
}
