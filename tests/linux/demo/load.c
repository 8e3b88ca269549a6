// SPDX-License-Identifier: GPL-2.0-only
/*
 * load.c - the load generator's engine: one thread, ppoll over all connections.
 */
#include "load.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNECTIONS 64u
#define MAX_KEYS 64u
#define VALUE_BYTES 32u
#define REPLY_LIMIT_US 60000000u /* a reply that takes longer is lost */

enum phase {
	PHASE_LOAD, /* random requests */
	PHASE_VERIFY, /* GET of every key in turn */
	PHASE_DONE
};

struct connection {
	unsigned number;
	int fd; /* -1: it ended too early */
	enum phase phase;
	int waiting; /* a request is on its way */
	uint64_t sent_us; /* when */
	uint64_t next_us; /* when to send the next one */
	struct load_exchange exchange;
	size_t received; /* bytes of the reply so far */
	unsigned key; /* of the request on its way */
	unsigned verified; /* keys whose value was confirmed at the end */
	uint32_t random;
	uint32_t counter; /* makes every value new */
	int exists[MAX_KEYS]; /* the model */
	char value[MAX_KEYS][VALUE_BYTES];
};

struct figures {
	uint64_t requests;
	uint64_t replies;
	uint64_t sum_us;
	uint64_t longest_us;
	uint64_t longest_end_us;
};

struct load {
	const struct load_options *options;
	load_encode encode;
	struct figures total;
	struct figures window;
	unsigned windows;
	uint64_t wrong;
	uint64_t disconnects;
	int ending;
	struct connection connection[MAX_CONNECTIONS];
};

const char load_usage[] = "  -p PORT     of the server on 127.0.0.1\n"
			  "  -c COUNT    connections (default 4)\n"
			  "  -k COUNT    keys of each connection (default 16)\n"
			  "  -w USEC     pause between a reply and the next request (default 0)\n"
			  "  -n COUNT    end after so many requests\n"
			  "  -s SECONDS  end after so long\n"
			  "  -x PREFIX   of the names of all keys\n";

static volatile sig_atomic_t end_wanted;
static volatile sig_atomic_t windows_wanted;

static void on_signal(int number)
{
	if (number == SIGUSR1)
		windows_wanted++;
	else
		end_wanted = 1;
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

int load_connect(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1;
	int error;

	if (fd < 0)
		return -1;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		return fd;
	}
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

int load_ask(uint16_t port, const char *request, size_t bytes, const char *const *failures)
{
	struct timeval limit = {.tv_sec = 30};
	char reply[LOAD_TEXT_MAX];
	size_t used = 0;
	int fd = load_connect(port);

	if (fd < 0) {
		fprintf(stderr, "cannot connect to 127.0.0.1:%u: %s\n", port, strerror(errno));
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (send(fd, request, bytes, MSG_NOSIGNAL) == (ssize_t)bytes) {
		while (used < sizeof(reply) - 1) {
			ssize_t n = recv(fd, reply + used, sizeof(reply) - 1 - used, 0);

			if (n < 0 && errno == EINTR)
				continue;
			if (n <= 0)
				break;
			used += (size_t)n;
			if (memchr(reply, '\n', used) != NULL)
				break;
		}
	}
	close(fd);
	reply[used] = '\0';
	if (strchr(reply, '\n') == NULL) {
		fprintf(stderr, "no reply from 127.0.0.1:%u\n", port);
		return -1;
	}
	reply[strcspn(reply, "\r\n")] = '\0';
	puts(reply);
	for (; *failures != NULL; failures++)
		if (strncmp(reply, *failures, strlen(*failures)) == 0)
			return 1;
	return 0;
}

int load_parse(int argc, char **argv, struct load_options *options)
{
	int option;

	options->connections = 4;
	options->keys = 16;
	while ((option = getopt(argc, argv, "+p:c:k:w:n:s:x:")) != -1) {
		unsigned long number = optarg != NULL ? strtoul(optarg, NULL, 10) : 0;

		switch (option) {
		case 'p':
			options->port = (uint16_t)number;
			break;
		case 'c':
			options->connections = (unsigned)number;
			break;
		case 'k':
			options->keys = (unsigned)number;
			break;
		case 'w':
			options->pause_us = (unsigned)number;
			break;
		case 'n':
			options->requests = number;
			break;
		case 's':
			options->seconds = (unsigned)number;
			break;
		case 'x':
			options->prefix = optarg;
			break;
		default:
			return -1;
		}
	}
	if (options->port == 0 || options->connections < 1 || options->connections > MAX_CONNECTIONS ||
	    options->keys < 1 || options->keys > MAX_KEYS || options->prefix == NULL || strlen(options->prefix) > 8)
		return -1;
	return optind;
}

static uint32_t random_next(struct connection *c)
{
	/* xorshift32: repeatable, so that a failure can be seen again */
	c->random ^= c->random << 13;
	c->random ^= c->random >> 17;
	c->random ^= c->random << 5;
	return c->random;
}

static void figures_add(struct figures *f, uint64_t gap_us, uint64_t end_us)
{
	f->replies++;
	f->sum_us += gap_us;
	if (gap_us >= f->longest_us) {
		f->longest_us = gap_us;
		f->longest_end_us = end_us;
	}
}

static void connection_lose(struct load *load, struct connection *c, const char *why)
{
	fprintf(stderr, "load %s: connection %u: %s\n", load->options->name, c->number, why);
	close(c->fd);
	c->fd = -1;
	c->phase = PHASE_DONE;
}

static void connection_send(struct load *load, struct connection *c)
{
	enum load_verb verb = LOAD_GET;
	char key[32];
	char value[VALUE_BYTES];
	const char *old;

	if (c->phase == PHASE_LOAD) {
		uint32_t r = random_next(c);

		c->key = (r >> 8) % load->options->keys;
		/* mostly reads; few removals, so that the table is well filled */
		verb = r % 16 < 10 ? LOAD_GET : r % 16 < 15 ? LOAD_SET : LOAD_DEL;
	}
	snprintf(key, sizeof(key), "%s%u.%u", load->options->prefix, c->number, c->key);
	snprintf(value, sizeof(value), "%u.%u.%u", c->number, c->key, ++c->counter);
	old = c->exists[c->key] ? c->value[c->key] : NULL;
	load->encode(&c->exchange, verb, key, old, verb == LOAD_SET ? value : NULL);
	if (verb == LOAD_SET) {
		memcpy(c->value[c->key], value, sizeof(value));
		c->exists[c->key] = 1;
	} else if (verb == LOAD_DEL) {
		c->exists[c->key] = 0;
	}

	c->received = 0;
	c->waiting = 1;
	c->sent_us = now_us();
	load->total.requests++;
	load->window.requests++;
	/* a few hundred bytes always fit into an idle socket's buffer */
	if (send(c->fd, c->exchange.request, c->exchange.request_bytes, MSG_NOSIGNAL | MSG_DONTWAIT) !=
	    (ssize_t)c->exchange.request_bytes) {
		load->disconnects++;
		connection_lose(load, c, "the server does not take a request");
	}
}

static void connection_advance(struct load *load, struct connection *c)
{
	uint64_t now = now_us();

	c->waiting = 0;
	figures_add(&load->total, now - c->sent_us, now);
	figures_add(&load->window, now - c->sent_us, now);
	c->next_us = now + load->options->pause_us;
	if (c->phase == PHASE_VERIFY) {
		c->verified++;
		c->key++;
		c->next_us = now;
	} else if (load->ending) {
		c->phase = PHASE_VERIFY;
		c->key = 0;
		c->next_us = now;
	}
	if (c->phase == PHASE_VERIFY && c->key == load->options->keys)
		c->phase = PHASE_DONE;
}

/* For a message of one line. */
static void make_printable(char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes && text[i] != '\0'; i++)
		if (text[i] < ' ' || text[i] == '\x7f')
			text[i] = '.';
}

static void connection_receive(struct load *load, struct connection *c)
{
	char text[LOAD_TEXT_MAX];
	size_t left = c->waiting ? c->exchange.reply_bytes - c->received : 0;
	ssize_t n = recv(c->fd, text, sizeof(text), MSG_DONTWAIT);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		load->disconnects++;
		connection_lose(load, c, "the server ended the connection");
		return;
	}
	if ((size_t)n > left || memcmp(text, c->exchange.reply + c->received, (size_t)n) != 0) {
		load->wrong++;
		make_printable(c->exchange.reply, sizeof(c->exchange.reply));
		make_printable(text, (size_t)n);
		fprintf(stderr, "load %s: wanted '%.*s' got '%.*s'\n", load->options->name, (int)left,
			c->exchange.reply + c->received, (int)n, text);
		connection_lose(load, c, "wrong reply");
		return;
	}
	c->received += (size_t)n;
	if (c->received == c->exchange.reply_bytes)
		connection_advance(load, c);
}

/* Sends what is due. Returns the time until the next step, at most 1 s; 0 when every connection is done. */
static uint64_t connections_drive(struct load *load)
{
	uint64_t now = now_us();
	uint64_t wait_us = 1000000;
	unsigned done = 0;

	for (unsigned i = 0; i < load->options->connections; i++) {
		struct connection *c = &load->connection[i];

		if (c->phase == PHASE_LOAD && load->ending && !c->waiting) {
			c->phase = PHASE_VERIFY;
			c->key = 0;
			c->next_us = now;
		}
		if (c->phase != PHASE_DONE && !c->waiting && c->next_us <= now)
			connection_send(load, c);
		if (c->phase != PHASE_DONE && c->waiting && now > c->sent_us + REPLY_LIMIT_US)
			connection_lose(load, c, "no reply in time");
		if (c->phase == PHASE_DONE)
			done++;
		else if (!c->waiting && c->next_us - now < wait_us)
			wait_us = c->next_us > now ? c->next_us - now : 1;
	}
	return done == load->options->connections ? 0 : wait_us;
}

static unsigned long long figures_mean(const struct figures *f)
{
	return f->replies != 0 ? f->sum_us / f->replies : 0;
}

static void window_print(struct load *load)
{
	load->windows++;
	printf("load %s window=%u requests=%llu replies=%llu mean_gap_us=%llu longest_gap_us=%llu gap_end_us=%llu\n",
	       load->options->name, load->windows, (unsigned long long)load->window.requests,
	       (unsigned long long)load->window.replies, figures_mean(&load->window),
	       (unsigned long long)load->window.longest_us, (unsigned long long)load->window.longest_end_us);
	fflush(stdout);
	memset(&load->window, 0, sizeof(load->window));
}

static void load_loop(struct load *load)
{
	uint64_t end_us = load->options->seconds != 0 ? now_us() + load->options->seconds * 1000000ull : UINT64_MAX;
	uint64_t wait_us;
	sigset_t open_mask;

	pthread_sigmask(SIG_SETMASK, NULL, &open_mask);
	sigdelset(&open_mask, SIGUSR1);
	sigdelset(&open_mask, SIGTERM);
	sigdelset(&open_mask, SIGINT);
	while ((wait_us = connections_drive(load)) != 0) {
		struct timespec wait = {(time_t)(wait_us / 1000000u), (long)(wait_us % 1000000u) * 1000};
		struct pollfd fds[MAX_CONNECTIONS];

		for (unsigned i = 0; i < load->options->connections; i++) {
			/* poll skips a negative descriptor */
			fds[i].fd = load->connection[i].phase != PHASE_DONE ? load->connection[i].fd : -1;
			fds[i].events = POLLIN;
			fds[i].revents = 0;
		}
		if (ppoll(fds, load->options->connections, &wait, &open_mask) > 0)
			for (unsigned i = 0; i < load->options->connections; i++)
				if (fds[i].revents != 0)
					connection_receive(load, &load->connection[i]);
		while ((unsigned)windows_wanted > load->windows)
			window_print(load);
		if (end_wanted || now_us() >= end_us ||
		    (load->options->requests != 0 && load->total.requests >= load->options->requests))
			load->ending = 1;
	}
}

static int load_report(const struct load *load)
{
	const struct load_options *o = load->options;
	uint64_t lost_replies = load->total.requests - load->total.replies - load->wrong;
	unsigned keys = o->connections * o->keys;
	unsigned lost_keys = keys;
	int good;

	for (unsigned i = 0; i < o->connections; i++)
		lost_keys -= load->connection[i].verified;
	good = lost_replies == 0 && load->wrong == 0 && load->disconnects == 0 && lost_keys == 0 &&
	       load->total.replies > keys;
	printf("load %s result=%s connections=%u requests=%llu replies=%llu lost_replies=%llu wrong_replies=%llu "
	       "disconnects=%llu keys=%u lost_keys=%u mean_gap_us=%llu longest_gap_us=%llu gap_end_us=%llu\n",
	       o->name, good ? "PASS" : "FAIL", o->connections, (unsigned long long)load->total.requests,
	       (unsigned long long)load->total.replies, (unsigned long long)lost_replies,
	       (unsigned long long)load->wrong, (unsigned long long)load->disconnects, keys, lost_keys,
	       figures_mean(&load->total), (unsigned long long)load->total.longest_us,
	       (unsigned long long)load->total.longest_end_us);
	fflush(stdout);
	return good ? 0 : 1;
}

int load_run(const struct load_options *options, load_encode encode)
{
	static struct load load;
	struct sigaction action = {.sa_handler = on_signal};
	sigset_t mask;

	load.options = options;
	load.encode = encode;
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	pthread_sigmask(SIG_BLOCK, &mask, NULL);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	for (unsigned i = 0; i < options->connections; i++) {
		struct connection *c = &load.connection[i];

		c->number = i;
		c->random = 2463534242u + i * 7919u;
		c->fd = load_connect(options->port);
		if (c->fd < 0) {
			fprintf(stderr, "load %s: cannot connect to 127.0.0.1:%u: %s\n", options->name, options->port,
				strerror(errno));
			return 1;
		}
	}
	printf("load %s started connections=%u keys=%u\n", options->name, options->connections,
	       options->connections * options->keys);
	fflush(stdout);
	load_loop(&load);
	return load_report(&load);
}
