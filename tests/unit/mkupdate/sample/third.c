/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * third.c - new code for a victim.c that has got new.c already: replaces lookup once more, calls what new.c has brought.
 */
#include "victim.h"

/* of new.c */
extern int calls;
int new_lookup(int index);

int third_lookup(int index);
int third_lookup(int index)
{
	if (calls < 5000)
		return -2;
	return new_lookup(index) + 7;
}
