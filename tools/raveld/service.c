// SPDX-License-Identifier: GPL-2.0-only
/*
 * service.c - see service.h.
 */
#include "service.h"

#include "inbox.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libravelin/health.h>
#include <libravelin/ravelin.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

__attribute__((format(printf, 2, 3))) static void say(const struct service_config *s, const char *format, ...)
{
	char text[1024];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	/* One call per line: several services write at the same time. */
	fprintf(stderr, "raveld: %s: %s\n", s->name, text);
}

/** The only number in a file; a second one is an error. */
static int number_read(const char *path, pid_t *pid)
{
	int number, more, count, descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat status;
	FILE *file;

	if (descriptor < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	/* A pid file is the service's own: it could be a FIFO that nobody writes to. */
	if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
		close(descriptor);
		return -EINVAL;
	}
	file = fdopen(descriptor, "r");
	if (!file) {
		close(descriptor);
		return -ENOMEM;
	}
	count = fscanf(file, "%d %d", &number, &more);
	fclose(file);
	if (count <= 0)
		return -ESRCH;
	if (count == 2 || number <= 0)
		return -EINVAL;
	*pid = number;
	return 0;
}

int service_pid(const struct service_config *s, pid_t *pid)
{
	char path[PATH_MAX + 16];
	int error;

	if (s->process[0] != '\0')
		return ravelin_process_find(s->process, pid);
	if (s->pid_file[0] != '\0') {
		error = number_read(s->pid_file, pid);
	} else {
		snprintf(path, sizeof(path), "%s/cgroup.procs", s->cgroup);
		error = number_read(path, pid);
	}
	if (error)
		return error;
	snprintf(path, sizeof(path), "/proc/%d", (int)*pid);
	return access(path, F_OK) == 0 ? 0 : -ESRCH;
}

/** Asks for health and confirms or rolls back. @return true: confirmed */
static bool judge(const struct service_config *s, struct ravelin *h, struct ravelin_update_report *r, char *why,
		  size_t size)
{
	const char *cause = "the health check failed: ";
	char health[200], text[300];
	int error, sick = 0;

	if (s->health[0] != '\0')
		sick = health_run(s->health, health_limit_ms(s->deadline_us), health, sizeof(health));
	if (!sick) {
		error = ravelin_update_confirm(h, r->id, &r->status);
		if (!error)
			return true;
		if (r->status.update != RV_UPDATE_EXPIRED) {
			snprintf(why, size, "it could not be confirmed: %s",
				 error == -ENOENT ? "the deadline was over, or the process has ended"
						  : ravelin_explain(h, error, text, sizeof(text)));
			return false;
		}
		/* It has changed data, which Ravelin can't change back without us. */
		cause = "the deadline was over";
	}
	error = ravelin_update_rollback(h, r->id, &r->status);
	/* -ENOENT: it was taken back already, because the deadline passed. */
	if (!error || error == -ENOENT)
		snprintf(why, size, "%s%s; the update was rolled back", cause, sick ? health : "");
	else
		snprintf(why, size, "%s%s; the way back failed%s: %s", cause, sick ? health : "",
			 r->status.update == RV_UPDATE_APPLIED ? ", at the deadline it is tried again" : "",
			 ravelin_explain(h, error, text, sizeof(text)));
	return false;
}

static bool apply(const struct service_config *s, const uint8_t *envelope, size_t bytes, char *why, size_t size)
{
	struct ravelin_update_options options = {.deadline_us = s->deadline_us};
	struct ravelin_update_report r;
	struct rv_info info = {0};
	struct ravelin *h;
	bool confirmed = false;
	int error = service_pid(s, &options.pid);

	if (error) {
		snprintf(why, size, "which process the service is can't be told: %s", strerror(-error));
		return false;
	}
	error = ravelin_open(&h);
	if (error) {
		ravelin_explain(NULL, error, why, size);
		return false;
	}
	ravelin_info(h, &info, NULL);
	error = ravelin_update_apply(h, envelope, bytes, &options, &r);
	if (error)
		ravelin_explain(h, error, why, size);
	else
		confirmed = judge(s, h, &r, why, size);
	ravelin_close(h);
	if (confirmed)
		say(s, "process %d runs sequence %" PRIu64 " (%s): %u pages, paused for %" PRIu64 " us",
		    (int)options.pid, r.status.sequence, r.status.name, r.pages,
		    ravelin_ticks_to_us(r.pause_ticks, info.tsc_khz));
	return confirmed;
}

int service_update(const struct service_config *s, int inbox, const char *name, bool *confirmed)
{
	uint8_t *envelope;
	char why[600];
	size_t bytes;
	int error;

	say(s, "update %s", name);
	*confirmed = inbox_read(inbox, name, RV_FIMCE_MAX_INPUT, &envelope, &bytes, why, sizeof(why)) == 0 &&
		     apply(s, envelope, bytes, why, sizeof(why));
	free(envelope);
	if (!*confirmed)
		say(s, "update %s came to nothing: %s", name, why);
	error = inbox_away(inbox, name, *confirmed ? "applied" : "refused", *confirmed ? NULL : why);
	if (error)
		say(s, "%s can neither be moved nor removed: %s", name, strerror(-error));
	return error;
}

/** Applies what is there and what comes. watch: an inotify descriptor on the directory */
static int watch_run(const struct service_config *s, int inbox, int watch, int stop_file, bool once)
{
	struct pollfd wait[2] = {{.fd = stop_file, .events = POLLIN}, {.fd = watch, .events = POLLIN}};
	char name[NAME_MAX + 1], events[4096];
	bool confirmed;
	int error;

	for (;;) {
		if (poll(wait, 1, 0) > 0)
			return 0;
		if (inbox_next(inbox, name, sizeof(name))) {
			/* What stays there would be applied again and again. */
			error = service_update(s, inbox, name, &confirmed);
			if (error)
				return error;
			continue;
		}
		if (once)
			return 0;
		poll(wait, 2, -1);
		while (read(watch, events, sizeof(events)) > 0)
			;
	}
}

int service_watch(const struct service_config *s, int stop_file, bool once)
{
	int watch, error = 0, inbox = inbox_open(s->updates);
	char path[32];

	if (inbox < 0) {
		say(s, "%s can't be watched: %s", s->updates,
		    inbox == -EPERM ? "it must belong to root or to raveld's user, and nobody else may write to it"
				    : strerror(-inbox));
		return inbox;
	}
	watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", inbox);
	/* Watch first, look then: nothing that comes in between is missed. */
	if (watch < 0 || inotify_add_watch(watch, path, IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR) < 0) {
		error = -errno;
		say(s, "%s can't be watched: %s", s->updates, strerror(-error));
	} else {
		error = watch_run(s, inbox, watch, stop_file, once);
	}
	if (watch >= 0)
		close(watch);
	close(inbox);
	return error;
}
