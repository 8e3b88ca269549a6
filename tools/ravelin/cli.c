// SPDX-License-Identifier: GPL-2.0-only
/*
 * cli.c - command table, help, and helpers of all commands.
 */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
	const char *help;
} commands[] = {
    {"check", cmd_check, "can this machine run Ravelin?",
     "ravelin check [--json]\n\n"
     "Lists what Ravelin needs of this machine and what is there. Works without Ravelin and changes nothing. For all "
     "details\n"
     "run it as root with the module msr loaded.\n"},
    {"info", cmd_info, "what runs here",
     "ravelin info [--json]\n\nShows version, CPUs, pool, trust anchor and what the Linux module holds.\n"},
    {"run", cmd_run, "run an image in a FIMCE",
     "ravelin run IMAGE [--input FILE] [--output FILE] [--cpu N | --borrow] [--device BUS:DEV.FN]... [--json]\n\n"
     "  --input FILE   the task's argument\n"
     "  --output FILE  where its output goes, - for standard output; without it the output is shown in hexadecimal\n"
     "  --cpu N        on CPU N, which Linux gives away for that time, with its hyper-thread siblings\n"
     "  --borrow       on a CPU that is borrowed for that time (default, unless the image's devices interrupt)\n"
     "  --device BUS:DEV.FN\n"
     "                 a PCI function that the image gets; without it, one with the right ids that no driver has\n"},
    {"ps", cmd_ps, "list FIMCEs", "ravelin ps [--json]\n\nLists all FIMCEs, with what they are and who made them.\n"},
    {"kill", cmd_kill, "destroy FIMCEs",
     "ravelin kill ID...\n\nEnds FIMCEs wherever they are; their memory is scrubbed.\n"},
    {"update", cmd_update, "update a running process",
     "ravelin update apply FILE.suit (--pid N | --name NAME) [options]\n"
     "    --health CMD    shell command that succeeds if the updated process is healthy; otherwise it is rolled back\n"
     "    --deadline T    the update is rolled back without confirmation in this time: 500ms, 5s (default 10s, at most "
     "600s)\n"
     "    --no-confirm    leave it unconfirmed; confirm or roll back later\n"
     "    --attempts N    how often to freeze the process until no thread is in the old code (default 100)\n"
     "    --force         let the FIMCE alone judge whether this is the right executable\n"
     "    --timeline      show the phases and how long they took\n"
     "ravelin update status [ID]\n"
     "ravelin update confirm ID\n"
     "ravelin update rollback ID\n"
     "ravelin update log [--verify]\n"
     "    the journal of all attempts; its hash chain is always verified, with --verify only that is shown\n\n"
     "All with --json.\n"},
    {"audit", cmd_audit, "prove the isolation on the live tables",
     "ravelin audit [--json]\n\n"
     "Has Ravelin compare the tables that the hardware uses with the table of who owns what.\n"},
    {"log", cmd_log, "show Ravelin's log",
     "ravelin log [--follow] [--since N] [--json]\n\n"
     "  --follow   go on showing what comes, until interrupted\n"
     "  --since N  from sequence number N on\n"},
    {"stat", cmd_stat, "count exits",
     "ravelin stat [--cpu N] [--json]\n\n"
     "Shows per CPU how often the guest left for Ravelin, by reason. N counts as Ravelin does.\n"},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const char statuses[] =
    "Exit status: 0 done, 1 refused or failed, 2 wrong usage, 3 no Ravelin here, 4 the FIMCE died,\n"
    "5 the update was taken back, 6 audit or journal do not hold.\n";

int cli_help(const char *command)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].name, command) == 0) {
			printf("%s\n%s", commands[i].help, statuses);
			return EXIT_DONE;
		}
	}
	printf("ravelin COMMAND [options]\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-8s %s\n", commands[i].name, commands[i].summary);
	printf("\nravelin COMMAND --help says more, ravelin(1) says all.\n%s", statuses);
	return EXIT_DONE;
}

int cli_usage(const char *command, const char *format, ...)
{
	va_list list;

	fprintf(stderr, "ravelin: %s: ", command);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fprintf(stderr, "; try ravelin %s --help\n", command);
	return EXIT_USAGE;
}

int cli_error(const char *format, ...)
{
	va_list list;

	fprintf(stderr, "ravelin: ");
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
	return EXIT_REFUSED;
}

int cli_fail(const struct ravelin *h, int error, const char *what)
{
	char text[300];

	return cli_error("%s: %s", what, ravelin_explain(h, error, text, sizeof(text)));
}

struct ravelin *cli_open(void)
{
	struct ravelin *h;
	char text[300];
	int error = ravelin_open(&h);

	if (error)
		cli_error("%s", ravelin_explain(NULL, error, text, sizeof(text)));
	return h;
}

int cli_options_simple(int argc, char **argv, bool *json)
{
	static const struct option options[] = {
	    {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	int c;

	*json = false;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'h')
			return cli_help(argv[0]);
		if (c != 'j')
			return cli_usage(argv[0], "unknown option");
		*json = true;
	}
	return -1;
}

bool file_read(const char *path, size_t max, uint8_t **data, size_t *size)
{
	FILE *file = fopen(path, "rbe");
	size_t got;

	*data = NULL;
	if (!file) {
		cli_error("%s: %s", path, strerror(errno));
		return false;
	}
	*data = malloc(max + 1);
	got = *data ? fread(*data, 1, max + 1, file) : 0;
	if (!*data || ferror(file) || got > max) {
		if (got > max)
			cli_error("%s: larger than %zu bytes", path, max);
		else
			cli_error("%s: can't be read", path);
		free(*data);
		*data = NULL;
		fclose(file);
		return false;
	}
	fclose(file);
	*size = got;
	return true;
}

const char *digest_text(const uint8_t *digest, char *text)
{
	for (size_t i = 0; i < RV_DIGEST_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	return text;
}

int cli_main(int argc, char **argv)
{
	if (argc < 2) {
		cli_help("");
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return cli_help("");
	if (strcmp(argv[1], "help") == 0)
		return cli_help(argc > 2 ? argv[2] : "");
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].name, argv[1]) == 0) {
			optind = 0; /* getopt starts anew, at argv[1] of the shifted list */
			return commands[i].run(argc - 1, argv + 1);
		}
	}
	fprintf(stderr, "ravelin: there is no command '%s'; try ravelin --help\n", argv[1]);
	return EXIT_USAGE;
}
