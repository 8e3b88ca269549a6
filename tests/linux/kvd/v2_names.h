/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * v2_names.h - gives the new code of version 2 names of its own, so that one test program can hold both versions.
 */
#define kvd_table_set v2_table_set
#define kvd_table_get v2_table_get
#define kvd_table_delete v2_table_delete
#define kvd_table_count v2_table_count
#define kvd_table_check v2_table_check
#define kvd_version v2_version
