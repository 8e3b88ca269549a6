// SPDX-License-Identifier: GPL-2.0-only
/*
 * redisclient.c - client of redis-server.
 *
 *	redisclient load -p PORT [...]		puts the server under load and checks every reply (see tests/linux/demo/load.h)
 *	redisclient ask -p PORT WORD...		sends one command, prints the first line of the reply
 *
 * Exit status: 0 as wanted, 1 the load found a fault or the reply was an error or nil, 2 no reply, 64 wrong usage.
 */
#include "../demo/load.h"

#include <stdio.h>
#include <string.h>

/* Appends one bulk string of the RESP protocol. Returns the new length, more than @size if it does not fit. */
static size_t append_bulk(char *to, size_t size, size_t used, const char *text)
{
	int n;

	if (used >= size)
		return size + 1;
	n = snprintf(to + used, size - used, "$%zu\r\n%s\r\n", strlen(text), text);
	return used + (size_t)n;
}

static void encode(struct load_exchange *x, enum load_verb verb, const char *key, const char *old, const char *value)
{
	static const char *const verbs[] = {[LOAD_SET] = "SET", [LOAD_GET] = "GET", [LOAD_DEL] = "DEL"};
	int n = snprintf(x->request, sizeof(x->request), "*%d\r\n", value != NULL ? 3 : 2);

	x->request_bytes = append_bulk(x->request, sizeof(x->request), (size_t)n, verbs[verb]);
	x->request_bytes = append_bulk(x->request, sizeof(x->request), x->request_bytes, key);
	if (value != NULL)
		x->request_bytes = append_bulk(x->request, sizeof(x->request), x->request_bytes, value);

	if (verb == LOAD_SET)
		n = snprintf(x->reply, sizeof(x->reply), "+OK\r\n");
	else if (verb == LOAD_DEL)
		n = snprintf(x->reply, sizeof(x->reply), ":%d\r\n", old != NULL);
	else if (old != NULL)
		n = snprintf(x->reply, sizeof(x->reply), "$%zu\r\n%s\r\n", strlen(old), old);
	else
		n = snprintf(x->reply, sizeof(x->reply), "$-1\r\n");
	x->reply_bytes = (size_t)n;
}

static int ask(uint16_t port, int words, char **word)
{
	static const char *const failures[] = {"-", "$-1", NULL};
	char request[LOAD_TEXT_MAX];
	size_t used = (size_t)snprintf(request, sizeof(request), "*%d\r\n", words);

	for (int i = 0; i < words; i++)
		used = append_bulk(request, sizeof(request), used, word[i]);
	if (used >= sizeof(request))
		return 64;
	switch (load_ask(port, request, used, failures)) {
	case 0:
		return 0;
	case 1:
		return 1;
	default:
		return 2;
	}
}

int main(int argc, char **argv)
{
	struct load_options options = {.name = "redis", .prefix = "key"};
	int first = argc > 1 ? load_parse(argc - 1, argv + 1, &options) + 1 : 0;

	if (first > 1 && strcmp(argv[1], "load") == 0 && first == argc)
		return load_run(&options, encode);
	if (first > 1 && strcmp(argv[1], "ask") == 0 && first < argc)
		return ask(options.port, argc - first, argv + first);
	fprintf(stderr, "usage: redisclient load|ask OPTIONS [WORD...]\n%s", load_usage);
	return 64;
}
