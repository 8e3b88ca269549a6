/* SPDX-License-Identifier: GPL-2.0-only */
/* run_cli.h - runs the program ravelin inside a test, and keeps what it says. */
#ifndef TESTS_RUN_CLI_H
#define TESTS_RUN_CLI_H

extern char out[65536], err[65536]; /* standard output and error of the last run */

/** Runs `ravelin WORDS`; the words are separated by blanks. @return its exit status */
int run_cli(const char *words);

#endif
