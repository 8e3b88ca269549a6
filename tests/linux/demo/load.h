/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * load.h - a load generator that would notice the smallest fault of a key-value server.
 *
 * It opens N connections once and never again. Each connection owns some keys, keeps a model of their values, sends one
 * request at a time and knows every byte of the reply that must come. At the end it asks for all keys. Used by kvclient and
 * redisclient, which only differ in how they write a request and which reply they expect.
 *
 * Lines on standard output, one each, fields separated by spaces:
 *
 *	load NAME window=N requests= replies= mean_gap_us= longest_gap_us= gap_end_us=
 *							on SIGUSR1: figures since the last such line
 *	load NAME result=PASS|FAIL connections= requests= replies= lost_replies= wrong_replies= disconnects= keys= lost_keys=
 *		mean_gap_us= longest_gap_us= gap_end_us=		at the end (SIGTERM, SIGINT or the limits)
 *
 * A gap is the time from a request to its reply, in microseconds; gap_end_us is when the longest one ended, on CLOCK_MONOTONIC.
 */
#ifndef LOAD_H
#define LOAD_H

#include <stddef.h>
#include <stdint.h>

enum load_verb {
	LOAD_SET,
	LOAD_GET,
	LOAD_DEL
};

#define LOAD_TEXT_MAX 512u

/** A request and the reply that must come, both complete. */
struct load_exchange {
	char request[LOAD_TEXT_MAX];
	char reply[LOAD_TEXT_MAX];
	size_t request_bytes;
	size_t reply_bytes;
};

/**
 * Fills @exchange. @old is the value that the key has before the request, NULL if there is no such key; @value is the one to
 * set, NULL unless @verb is LOAD_SET.
 */
typedef void (*load_encode)(struct load_exchange *exchange, enum load_verb verb, const char *key, const char *old,
			    const char *value);

struct load_options {
	const char *name; /* of the server, for messages */
	const char *prefix; /* of all keys */
	uint16_t port; /* on 127.0.0.1 */
	unsigned connections; /* 1..64 */
	unsigned keys; /* of each connection, 1..64 */
	unsigned pause_us; /* between a reply and the next request of a connection */
	unsigned long requests; /* end after so many in all, 0 = no limit */
	unsigned seconds; /* end after so long, 0 = no limit */
};

/** Connects to 127.0.0.1:@port. Returns the socket, or -1 with errno set. */
int load_connect(uint16_t port);

/** Sends @bytes of @request and prints the one line that comes back. Returns -1 if none came, 1 if it begins with one of the
 * words of @failures (NULL at the end), otherwise 0. */
int load_ask(uint16_t port, const char *request, size_t bytes, const char *const *failures);

/** Reads the options -p -c -k -w -n -s -x (see load_usage) into @options. Returns the index of the first other argument, or -1. */
int load_parse(int argc, char **argv, struct load_options *options);

/** The text that describes them. */
extern const char load_usage[];

/** Runs the load. Returns 0 if nothing was lost or wrong, otherwise 1. */
int load_run(const struct load_options *options, load_encode encode);

#endif
