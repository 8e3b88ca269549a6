/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * seeds.c - writes the first inputs of the fuzz target dmar: the good tables of the unit tests.
 *
 *     seeds DIRECTORY
 */
#include "../../unit/boot/dmar_tables.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	static struct dmar_builder table;

	if (argc != 2)
		return 2;
	for (int i = 0; i < DMAR_TABLE_COUNT; i++) {
		char path[4096];
		FILE *f;

		dmar_table_make(&table, (enum dmar_table)i);
		snprintf(path, sizeof(path), "%s/seed-%d", argv[1], i);
		f = fopen(path, "wb");
		if (!f || fputc(0, f) == EOF || fwrite(table.bytes, 1, table.size, f) != table.size || fclose(f) != 0) {
			perror(path);
			return 1;
		}
	}
	return 0;
}
