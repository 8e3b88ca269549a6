// SPDX-License-Identifier: GPL-2.0-only
/*
 * sick.c - new code of a bad update of kvd: as version 2, but its health check always finds a fault.
 */
#define kvd_table_check kvd_table_check_good
#include "../update-v2/new.c" /* NOLINT(bugprone-suspicious-include): new.c under other names */
#undef kvd_table_check

KVD_REPLACEABLE unsigned kvd_table_check(void);

unsigned kvd_table_check(void)
{
	return kvd_table_check_good() + 1;
}
