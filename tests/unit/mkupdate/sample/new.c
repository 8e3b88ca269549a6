/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * new.c - new code for victim.c: uses old functions and variables, a library function that the victim imports, a table of
 * addresses, a variable and a zeroed variable of its own.
 */
#include "victim.h"

#include <stdio.h>
#include <string.h>

int calls = 5;
static int more_calls;
static const char *const names[] = {"none", "one", "two", "three"};
static int (*const scale_function)(int) = scale;

int new_lookup(int index);
int new_lookup(int index)
{
	calls++;
	more_calls += 2;
	if (index < 0 || index >= table->count)
		return -1;
	return scale_function(table->value[index]) + scale(1);
}

int new_describe(char *to, unsigned long size);
int new_describe(char *to, unsigned long size)
{
	return snprintf(to, size, "version 2, %s of %s, %d/%d", names[table->count], names[strlen("abc")], calls,
			more_calls);
}
