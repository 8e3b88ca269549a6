// SPDX-License-Identifier: GPL-2.0-only
/*
 * progress.c - a line on the terminal for what takes longer than a second.
 */
#include "cli.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

static struct {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool started, stop;
	const char *what;
} progress = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static void *progress_run(void *unused)
{
	struct timespec next;
	unsigned int seconds = 0;

	(void)unused;
	clock_gettime(CLOCK_REALTIME, &next);
	pthread_mutex_lock(&progress.lock);
	while (!progress.stop) {
		next.tv_sec++;
		while (!progress.stop && pthread_cond_timedwait(&progress.wake, &progress.lock, &next) != ETIMEDOUT)
			;
		if (!progress.stop)
			fprintf(stderr, "\r%s ... %u s", progress.what, ++seconds);
	}
	pthread_mutex_unlock(&progress.lock);
	if (seconds > 0)
		fprintf(stderr, "\r\033[K");
	return NULL;
}

void progress_start(const char *what)
{
	if (!isatty(STDERR_FILENO))
		return;
	progress.stop = false;
	progress.what = what;
	progress.started = pthread_create(&progress.thread, NULL, progress_run, NULL) == 0;
}

void progress_stop(void)
{
	if (!progress.started)
		return;
	pthread_mutex_lock(&progress.lock);
	progress.stop = true;
	pthread_cond_signal(&progress.wake);
	pthread_mutex_unlock(&progress.lock);
	pthread_join(progress.thread, NULL);
	progress.started = false;
}
