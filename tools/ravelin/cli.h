/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cli.h - what the commands of the program ravelin share.
 */
#ifndef RAVELIN_TOOL_CLI_H
#define RAVELIN_TOOL_CLI_H

#include <libravelin/parse.h>
#include <libravelin/ravelin.h>

#include "json.h"

/* Exit statuses, as in ravelin(1). */
enum {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1, /* refused or failed; the sentence on standard error says why */
	EXIT_USAGE = 2,
	EXIT_NO_RAVELIN = 3, /* no Ravelin, no module; of check: this machine can't run Ravelin */
	EXIT_DIED = 4, /* of run: the FIMCE died */
	EXIT_TAKEN_BACK = 5, /* of update apply: applied, found unhealthy and rolled back */
	EXIT_EVIDENCE = 6 /* the audit found something, or the journal does not fit its hash chain */
};

/** The whole program: argv as main() has it. @return exit status */
int cli_main(int argc, char **argv);

/* One function per command. argv[0] is the command's name. */
int cmd_check(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_stat(int argc, char **argv);
int cmd_audit(int argc, char **argv);
int cmd_log(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_ps(int argc, char **argv);
int cmd_kill(int argc, char **argv);
int cmd_update(int argc, char **argv);
int cmd_update_log(int argc, char **argv);

/** Help of one command, to standard output. @return EXIT_DONE */
int cli_help(const char *command);
/** "ravelin: COMMAND: wrong usage: ..." with a hint. @return EXIT_USAGE */
int cli_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** "ravelin: ...", to standard error. @return EXIT_REFUSED */
int cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** "ravelin: what: why" from the handle's last failure. @return EXIT_REFUSED */
int cli_fail(const struct ravelin *h, int error, const char *what);
/** Opens the device or says why not. @return NULL: the program ends with EXIT_NO_RAVELIN */
struct ravelin *cli_open(void);

/** One option without argument that most commands have, and --help: @return -1 to go on, else the exit status. */
int cli_options_simple(int argc, char **argv, bool *json);

/** A whole file, at most max bytes; free *data. Prints what went wrong. @return false: it did */
bool file_read(const char *path, size_t max, uint8_t **data, size_t *size);

/** Digest in hexadecimal; text holds 65 bytes. @return text */
const char *digest_text(const uint8_t *digest, char *text);

/**
 * Shows on standard error, if that is a terminal, what is going on and for how long, once it takes more than a second. One at a time.
 */
void progress_start(const char *what);
void progress_stop(void);

#endif
