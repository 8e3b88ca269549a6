/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * faults.c - new code for victim.c that mkupdate must refuse, one fault for each FAULT_* that is defined.
 */
#include "victim.h"

#include <stdio.h>

int new_lookup(int index);

#ifdef FAULT_UNKNOWN
int no_such_function(int x);
int new_lookup(int index)
{
	return no_such_function(index);
}
#endif

#ifdef FAULT_TLS
_Thread_local int counter;
int new_lookup(int index)
{
	return counter + index;
}
#endif

#ifdef FAULT_CONSTRUCTOR
__attribute__((constructor)) static void start(void)
{
	table->count = 1;
}
int new_lookup(int index)
{
	return index;
}
#endif

#ifdef FAULT_SYNTAX
int new_lookup(int index)
{
	return index
}
#endif

#ifdef FAULT_NAME
int other_lookup(int index);
int other_lookup(int index)
{
	return index;
}
#endif

#ifdef FAULT_IMPORTED_OBJECT
extern char **program_invocation_name_of_nobody;
int new_lookup(int index)
{
	return program_invocation_name_of_nobody[index] != 0;
}
#endif
