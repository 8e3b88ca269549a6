// SPDX-License-Identifier: GPL-2.0-only
/* run_cli.c - see run_cli.h. */
#include "run_cli.h"

#include "../../../tools/ravelin/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

char out[65536], err[65536];

static void slurp(FILE *file, char *to, size_t size)
{
	rewind(file);
	to[fread(to, 1, size - 1, file)] = '\0';
	fclose(file);
}

int run_cli(const char *words)
{
	char line[512], *argv[16] = {(char *)"ravelin"};
	FILE *files[2] = {tmpfile(), tmpfile()};
	int argc = 1, status, saved[2] = {dup(1), dup(2)};

	assert_non_null(files[0]);
	assert_non_null(files[1]);
	snprintf(line, sizeof(line), "%s", words);
	for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	fflush(stdout);
	dup2(fileno(files[0]), 1);
	dup2(fileno(files[1]), 2);
	status = cli_main(argc, argv);
	fflush(stdout);
	fflush(stderr);
	for (int i = 0; i < 2; i++) {
		dup2(saved[i], i + 1);
		close(saved[i]);
	}
	slurp(files[0], out, sizeof(out));
	slurp(files[1], err, sizeof(err));
	return status;
}
