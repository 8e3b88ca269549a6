/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * victim.h - what victim.c, the new code for it and the update code share.
 */
#ifndef SAMPLE_VICTIM_H
#define SAMPLE_VICTIM_H

struct table {
	int count;
	int value[4];
};

extern struct table *table;
extern struct table first_table;
extern const int table_version;

int scale(int x);
int lookup(int index);
int describe(char *to, unsigned long size);
void tiny(void);

#endif
