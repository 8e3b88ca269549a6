// SPDX-License-Identifier: GPL-2.0-only
/*
 * new.c - the function that replaces waits_answer() of waits-target.c.
 */
int waits_answer(void);

int waits_answer(void)
{
	return 2;
}
