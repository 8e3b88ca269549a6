// SPDX-License-Identifier: GPL-2.0-only
/*
 * service.c - see service.h.
 */
#include "service.h"

#include <dirent.h>
#include <errno.h>
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

#define SUFFIX ".suit"

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
	FILE *file = fopen(path, "re");
	int number, more, count;

	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
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

bool service_next(const struct service_config *s, char *file, size_t size)
{
	struct dirent **list;
	bool found = false;
	int n = scandir(s->updates, &list, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		const char *name = list[i]->d_name;
		size_t length = strlen(name);

		/* A name that begins with a dot is being written. */
		if (!found && name[0] != '.' && length > strlen(SUFFIX) &&
		    strcmp(name + length - strlen(SUFFIX), SUFFIX) == 0) {
			int used = snprintf(file, size, "%s/%s", s->updates, name);

			found = used > 0 && (size_t)used < size;
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return found;
}

/** Moves the file to a directory beside it and, with a reason, leaves that there. If it can't be moved it is removed: it must not come again. */
static void file_away(const struct service_config *s, const char *file, const char *directory, const char *why)
{
	char path[PATH_MAX + 64], to[PATH_MAX + 384];
	const char *base = strrchr(file, '/') + 1;
	FILE *note;

	snprintf(path, sizeof(path), "%s/%s", s->updates, directory);
	mkdir(path, 0755);
	snprintf(to, sizeof(to), "%s/%.300s", path, base);
	if (rename(file, to) != 0) {
		say(s, "%s can't be moved to %s: %s; it is removed", base, path, strerror(errno));
		unlink(file);
		return;
	}
	if (!why)
		return;
	strncat(to, ".why", sizeof(to) - strlen(to) - 1);
	note = fopen(to, "we");
	if (note) {
		fprintf(note, "%s\n", why);
		fclose(note);
	}
}

static bool envelope_read(const char *file, uint8_t **data, size_t *bytes, char *why, size_t size)
{
	FILE *f = fopen(file, "rbe");

	*data = malloc(RV_FIMCE_MAX_INPUT + 1);
	*bytes = f && *data ? fread(*data, 1, RV_FIMCE_MAX_INPUT + 1, f) : 0;
	if (!f || !*data || ferror(f) || *bytes > RV_FIMCE_MAX_INPUT) {
		snprintf(why, size, "it can't be read, or is larger than %u bytes", RV_FIMCE_MAX_INPUT);
		free(*data);
		*data = NULL;
	}
	if (f)
		fclose(f);
	return *data != NULL;
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

bool service_update(const struct service_config *s, const char *file)
{
	const char *base = strrchr(file, '/') + 1;
	uint8_t *envelope;
	char why[600];
	size_t bytes;
	bool confirmed = false;

	say(s, "update %s", base);
	if (envelope_read(file, &envelope, &bytes, why, sizeof(why)))
		confirmed = apply(s, envelope, bytes, why, sizeof(why));
	free(envelope);
	if (!confirmed)
		say(s, "update %s came to nothing: %s", base, why);
	file_away(s, file, confirmed ? "applied" : "refused", confirmed ? NULL : why);
	return confirmed;
}

int service_watch(const struct service_config *s, int stop_file, bool once)
{
	struct pollfd wait[2] = {{.fd = stop_file, .events = POLLIN}, {.events = POLLIN}};
	char file[PATH_MAX + 260], events[4096];
	int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), error = 0;

	if (watch < 0)
		return -errno;
	/* Watch first, look then: nothing that comes in between is missed. */
	if (inotify_add_watch(watch, s->updates, IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR) < 0) {
		error = -errno;
		say(s, "%s can't be watched: %s", s->updates, strerror(errno));
		close(watch);
		return error;
	}
	wait[1].fd = watch;
	for (;;) {
		if (poll(wait, 1, 0) > 0)
			break;
		if (service_next(s, file, sizeof(file))) {
			service_update(s, file);
			continue;
		}
		if (once)
			break;
		poll(wait, 2, -1);
		while (read(watch, events, sizeof(events)) > 0)
			;
	}
	close(watch);
	return error;
}
