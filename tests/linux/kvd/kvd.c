// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvd.c - a small multi-threaded key-value server over TCP.
 *
 *	kvd [-p PORT] [-t THREADS]
 *
 * Listens on 127.0.0.1. One request per line, one line of reply:
 *
 *	SET key value	OK | ERR why			GET key		VALUE value | NONE
 *	DEL key		OK | NONE			COUNT		COUNT n
 *	VERSION		VERSION n			HEALTH		HEALTHY | SICK slot n
 *
 * Each thread waits in epoll for its own connections. Nothing here knows the layout of the table (table.c), and no buffer
 * that holds text from the network is on a stack: an update finds no stale address of a table function there.
 */
#include "kvd.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <poll.h>
#include <unistd.h>

#define MAX_THREADS 64
#define SEND_LIMIT_SECONDS 10 /* a client that does not read its replies for so long is dropped */

struct connection {
	int fd;
	size_t used; /* bytes in line[] */
	char line[KVD_LINE_MAX];
	char value[KVD_VALUE_MAX + 1];
	char reply[KVD_VALUE_MAX + 64];
};

struct worker {
	pthread_t thread;
	int epoll;
};

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;

/* One word of a request: printable, not empty. Cuts it off at the next space and returns what follows, or NULL. */
static char *cut_word(char *text)
{
	char *end = strchr(text, ' ');

	if (end == NULL)
		return NULL;
	*end = '\0';
	return end + 1;
}

static int text_is_clean(const char *text, char lowest)
{
	if (*text == '\0')
		return 0;
	for (; *text != '\0'; text++)
		if (*text < lowest || *text == '\x7f')
			return 0;
	return 1;
}

static const char *error_text(int result)
{
	switch (result) {
	case KVD_FULL:
		return "ERR table full";
	case KVD_KEY_LONG:
		return "ERR key too long";
	case KVD_VALUE_LONG:
		return "ERR value too long";
	case KVD_NONE:
		return "NONE";
	default:
		return "OK";
	}
}

static void answer_key_request(struct connection *c, const char *verb, const char *key, const char *value)
{
	int result = KVD_NONE;
	const char *reply;

	pthread_mutex_lock(&table_lock);
	if (strcmp(verb, "SET") == 0)
		result = kvd_table_set(key, value);
	else if (strcmp(verb, "DEL") == 0)
		result = kvd_table_delete(key);
	else
		result = kvd_table_get(key, c->value);
	pthread_mutex_unlock(&table_lock);

	reply = error_text(result);
	if (result == KVD_OK && strcmp(verb, "GET") == 0)
		snprintf(c->reply, sizeof(c->reply), "VALUE %s\n", c->value);
	else
		snprintf(c->reply, sizeof(c->reply), "%s\n", reply);
}

static void answer_plain_request(struct connection *c, const char *verb)
{
	unsigned bad;

	if (strcmp(verb, "COUNT") == 0) {
		unsigned count;

		pthread_mutex_lock(&table_lock);
		count = kvd_table_count();
		pthread_mutex_unlock(&table_lock);
		snprintf(c->reply, sizeof(c->reply), "COUNT %u\n", count);
	} else if (strcmp(verb, "VERSION") == 0) {
		snprintf(c->reply, sizeof(c->reply), "VERSION %u\n", kvd_version());
	} else if (strcmp(verb, "HEALTH") == 0) {
		pthread_mutex_lock(&table_lock);
		bad = kvd_table_check();
		pthread_mutex_unlock(&table_lock);
		if (bad == 0)
			snprintf(c->reply, sizeof(c->reply), "HEALTHY\n");
		else
			snprintf(c->reply, sizeof(c->reply), "SICK slot %u\n", bad - 1);
	} else {
		snprintf(c->reply, sizeof(c->reply), "ERR unknown request\n");
	}
}

/* Fills c->reply for the request in @line, which is cut up. */
static void answer(struct connection *c, char *line)
{
	char *key = cut_word(line);
	char *value = NULL;
	int is_set = strcmp(line, "SET") == 0;

	if (key == NULL) {
		answer_plain_request(c, line);
		return;
	}
	if (is_set)
		value = cut_word(key);
	if (!is_set && strcmp(line, "GET") != 0 && strcmp(line, "DEL") != 0)
		snprintf(c->reply, sizeof(c->reply), "ERR unknown request\n");
	else if (!text_is_clean(key, '!') || (is_set && (value == NULL || !text_is_clean(value, ' '))))
		snprintf(c->reply, sizeof(c->reply), "ERR bad key or value\n");
	else
		answer_key_request(c, line, key, value);
}

static int send_all(int fd, const char *text, size_t bytes)
{
	while (bytes > 0) {
		ssize_t n = send(fd, text, bytes, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		text += n;
		bytes -= (size_t)n;
	}
	return 0;
}

/* Reads what is there and answers every whole line. Returns -1 when the connection is at its end. */
static int connection_serve(struct connection *c)
{
	ssize_t n = recv(c->fd, c->line + c->used, sizeof(c->line) - c->used, MSG_DONTWAIT);
	char *start = c->line;
	char *end;

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -1;
	if (n == 0)
		return -1;
	c->used += (size_t)n;
	while ((end = memchr(start, '\n', c->used - (size_t)(start - c->line))) != NULL) {
		*end = '\0';
		answer(c, start);
		if (send_all(c->fd, c->reply, strlen(c->reply)) != 0)
			return -1;
		start = end + 1;
	}
	c->used -= (size_t)(start - c->line);
	memmove(c->line, start, c->used);
	return c->used == sizeof(c->line) ? -1 : 0;
}

static void *worker_main(void *argument)
{
	const struct worker *worker = argument;

	for (;;) {
		struct epoll_event event;
		struct connection *c;

		/* the cgroup freezer ends the wait with EINTR when it thaws */
		if (epoll_wait(worker->epoll, &event, 1, -1) != 1)
			continue;
		c = event.data.ptr;
		if (connection_serve(c) != 0) {
			close(c->fd);
			free(c);
		}
	}
	return NULL;
}

static void connection_accept(int listener, const struct worker *worker)
{
	struct timeval limit = {.tv_sec = SEND_LIMIT_SECONDS};
	struct epoll_event event = {.events = EPOLLIN};
	struct connection *c;
	int one = 1;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	c->fd = fd;
	event.data.ptr = c;
	if (epoll_ctl(worker->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
		close(fd);
		free(c);
	}
}

static int listener_open(unsigned long port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0)
		return -1;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 64) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Accepts until SIGTERM or SIGINT; hands each connection to the next worker. */
static int serve(int listener, const struct worker *workers, unsigned long threads)
{
	struct pollfd wait[2] = {{.fd = listener, .events = POLLIN}, {.events = POLLIN}};
	unsigned long next = 0;
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	wait[1].fd = signalfd(-1, &ends, SFD_CLOEXEC);
	if (wait[1].fd < 0)
		return 1;
	for (;;) {
		if (poll(wait, 2, -1) < 0)
			continue;
		if (wait[1].revents != 0)
			return 0;
		if (wait[0].revents != 0)
			connection_accept(listener, &workers[next++ % threads]);
	}
}

int main(int argc, char **argv)
{
	static struct worker workers[MAX_THREADS];
	struct sockaddr_in address = {0};
	socklen_t size = sizeof(address);
	unsigned long port = 7400;
	unsigned long threads = 4;
	sigset_t ends;
	int listener;
	int option;

	while ((option = getopt(argc, argv, "p:t:")) != -1) {
		if (option == 'p')
			port = strtoul(optarg, NULL, 10);
		else if (option == 't')
			threads = strtoul(optarg, NULL, 10);
		else
			threads = 0;
	}
	if (threads < 1 || threads > MAX_THREADS || port > 65535 || optind != argc) {
		fprintf(stderr, "usage: kvd [-p PORT] [-t THREADS, 1 to %d]\n", MAX_THREADS);
		return 64;
	}
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);

	listener = listener_open(port);
	if (listener < 0 || getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
		fprintf(stderr, "kvd: cannot listen on 127.0.0.1:%lu: %s\n", port, strerror(errno));
		return 1;
	}
	for (unsigned long i = 0; i < threads; i++) {
		workers[i].epoll = epoll_create1(EPOLL_CLOEXEC);
		if (workers[i].epoll < 0 || pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]) != 0) {
			fprintf(stderr, "kvd: cannot start thread %lu: %s\n", i, strerror(errno));
			return 1;
		}
	}
	printf("kvd: listening on 127.0.0.1:%u, %lu threads, version %u\n", ntohs(address.sin_port), threads,
	       kvd_version());
	fflush(stdout);
	return serve(listener, workers, threads);
}
