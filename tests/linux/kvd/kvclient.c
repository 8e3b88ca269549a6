// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvclient.c - client of kvd.
 *
 *	kvclient load -p PORT [...]		puts the server under load and checks every reply (see tests/linux/demo/load.h)
 *	kvclient ask -p PORT REQUEST		sends one line, prints the reply
 *
 * Exit status: 0 as wanted, 1 the load found a fault or the reply was ERR, NONE or SICK, 2 no reply, 64 wrong usage. So
 * `kvclient ask -p PORT HEALTH` is a health check.
 */
#include "../demo/load.h"

#include <stdio.h>
#include <string.h>

static void encode(struct load_exchange *x, enum load_verb verb, const char *key, const char *old, const char *value)
{
	static const char *const verbs[] = {[LOAD_SET] = "SET", [LOAD_GET] = "GET", [LOAD_DEL] = "DEL"};
	int n;

	n = snprintf(x->request, sizeof(x->request), "%s %s%s%s\n", verbs[verb], key, value != NULL ? " " : "",
		     value != NULL ? value : "");
	x->request_bytes = (size_t)n;
	if (verb == LOAD_GET && old != NULL)
		n = snprintf(x->reply, sizeof(x->reply), "VALUE %s\n", old);
	else
		n = snprintf(x->reply, sizeof(x->reply), "%s\n", verb == LOAD_SET || old != NULL ? "OK" : "NONE");
	x->reply_bytes = (size_t)n;
}

int main(int argc, char **argv)
{
	static const char *const failures[] = {"ERR", "NONE", "SICK", NULL};
	struct load_options options = {.name = "kvd", .prefix = "key"};
	int first = argc > 1 ? load_parse(argc - 1, argv + 1, &options) + 1 : 0;

	if (first > 1 && strcmp(argv[1], "load") == 0 && first == argc)
		return load_run(&options, encode);
	if (first > 1 && strcmp(argv[1], "ask") == 0 && first == argc - 1) {
		char line[LOAD_TEXT_MAX];
		int n = snprintf(line, sizeof(line), "%s\n", argv[first]);
		int result = n < (int)sizeof(line) ? load_ask(options.port, line, (size_t)n, failures) : -1;

		return result < 0 ? 2 : result;
	}
	fprintf(stderr, "usage: kvclient load|ask OPTIONS [REQUEST]\n%s", load_usage);
	return 64;
}
