// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - raveld, the micro-service monitor: updates services with what comes into their directories, and watches that they stay
 * healthy. One thread per service, so that two services are updated at the same time and neither waits for the other.
 */
#include "service.h"

#include <errno.h>
#include <getopt.h>
#include <libravelin/ravelin.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CONFIG_FILE "/etc/ravelin/raveld.conf"

/* Exit statuses, as in raveld(8). */
enum {
	EXIT_CONFIG = 1,
	EXIT_USAGE = 2,
	EXIT_NO_RAVELIN = 3
};

struct watcher {
	pthread_t thread;
	const struct service_config *service;
	int stop_file;
	bool once;
	int error;
};

static void *watcher_run(void *argument)
{
	struct watcher *w = argument;

	w->error = service_watch(w->service, w->stop_file, w->once);
	return NULL;
}

static int help(void)
{
	printf("raveld [--config FILE] [--check] [--once]\n\n"
	       "  --config FILE  instead of " CONFIG_FILE "\n"
	       "  --check        only read the configuration and say what is wrong with it\n"
	       "  --once         apply what is in the directories and end\n\n"
	       "Exit status: 0 ended as asked, 1 wrong configuration or directory, 2 wrong usage, 3 no Ravelin here.\n"
	       "raveld(8) describes the configuration.\n");
	return 0;
}

/** Starts a watcher per service and waits for all. Signals that end the program reach only this thread. */
static int watch_all(const struct config *config, bool once)
{
	static struct watcher watcher[CONFIG_SERVICES];
	const uint64_t one = 1;
	int stop_file = eventfd(0, EFD_CLOEXEC), status = 0, signal_number;
	unsigned int started = 0;
	sigset_t set;

	if (stop_file < 0)
		return EXIT_CONFIG;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	for (; started < config->services; started++) {
		watcher[started] =
		    (struct watcher){.service = &config->service[started], .stop_file = stop_file, .once = once};
		if (pthread_create(&watcher[started].thread, NULL, watcher_run, &watcher[started]) != 0) {
			fprintf(stderr, "raveld: no thread for service %s\n", config->service[started].name);
			status = EXIT_CONFIG;
			break;
		}
	}
	if (!once && status == 0)
		sigwait(&set, &signal_number);
	/* An update that is under way is brought to its end first. */
	if ((!once || status != 0) && write(stop_file, &one, sizeof(one)) != (ssize_t)sizeof(one))
		status = EXIT_CONFIG;
	for (unsigned int i = 0; i < started; i++) {
		pthread_join(watcher[i].thread, NULL);
		if (watcher[i].error)
			status = EXIT_CONFIG;
	}
	close(stop_file);
	return status;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
						{"check", no_argument, NULL, 'k'},
						{"once", no_argument, NULL, 'o'},
						{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	static struct config config;
	const char *path = CONFIG_FILE;
	bool check = false, once = false;
	struct ravelin *h;
	char why[300];
	int c, error;

	while ((c = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			path = optarg;
			break;
		case 'k':
			check = true;
			break;
		case 'o':
			once = true;
			break;
		case 'h':
			return help();
		default:
			fprintf(stderr, "raveld: try raveld --help\n");
			return EXIT_USAGE;
		}
	}
	if (optind != argc) {
		fprintf(stderr, "raveld: '%s' is too much; try raveld --help\n", argv[optind]);
		return EXIT_USAGE;
	}
	error = config_read(path, &config, why, sizeof(why));
	if (error) {
		fprintf(stderr, "raveld: %s: %s\n", path, why);
		return EXIT_CONFIG;
	}
	if (check) {
		printf("%s: %u services\n", path, config.services);
		return 0;
	}
	error = ravelin_open(&h);
	if (error) {
		fprintf(stderr, "raveld: %s\n", ravelin_explain(NULL, error, why, sizeof(why)));
		return EXIT_NO_RAVELIN;
	}
	ravelin_close(h);
	/* We may be the successor of one that was killed in the middle of an update. */
	error = ravelin_freezer_recover();
	if (error < 0)
		fprintf(stderr, "raveld: processes that were left frozen can't be looked for: %s\n", strerror(-error));
	else if (error > 0)
		fprintf(stderr, "raveld: thawed %d processes that a killed program had left frozen\n", error);
	return watch_all(&config, once);
}
