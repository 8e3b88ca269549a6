// SPDX-License-Identifier: GPL-2.0-only
/*
 * freezer.c - freezes one process by cgroup v2.
 *
 * Freezing stops a whole cgroup. A process that shares its cgroup with others is moved to a child of it, so that only its own threads
 * stand still, and moved back in the end. That this end comes is guard.c's business, too.
 */
#include "guard.h"
#include "ravelin.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* How often to look at cgroup.events while no report of a change comes. */
#define LOOK_MS 5

struct ravelin_freezer {
	pid_t pid;
	char home[PATH_MAX]; /* cgroup that it came from */
	char own[PATH_MAX]; /* cgroup that is frozen */
	bool moved; /* own is ours */
	bool was_frozen; /* before we came */
	int events; /* cgroup.events of own */
	struct guard guard; /* does what ravelin_freezer_close does if we are killed */
	int freeze; /* cgroup.freeze of own: open, because looking it up takes a part of the target's pause */
};

/** Writes text to a file of a cgroup. */
static int file_write(const char *directory, const char *name, const char *text)
{
	char path[PATH_MAX + 32];
	int file, error = 0;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = open(path, O_WRONLY | O_CLOEXEC);
	if (file < 0)
		return -errno;
	if (write(file, text, strlen(text)) < 0)
		error = -errno;
	close(file);
	return error;
}

/** Where cgroup v2 is mounted, from lines like "29 24 0:26 / /sys/fs/cgroup rw,... - cgroup2 cgroup2 rw". */
static int mount_find(char *path, size_t size)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[PATH_MAX + 512], point[PATH_MAX];
	int error = -EOPNOTSUPP;

	if (!file)
		return -errno;
	while (error && fgets(line, sizeof(line), file)) {
		const char *rest = strstr(line, " - ");

		if (rest && strncmp(rest, " - cgroup2 ", 11) == 0 &&
		    sscanf(line, "%*s %*s %*s %*s %4095s", point) == 1 && strlen(point) < size) {
			memcpy(path, point, strlen(point) + 1);
			error = 0;
		}
	}
	fclose(file);
	return error;
}

/** The cgroup of a process below the mount point. */
static int cgroup_find(pid_t pid, const char *mount, char *path, size_t size)
{
	char line[PATH_MAX], name[64];
	int error = -EOPNOTSUPP;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%d/cgroup", (int)pid);
	file = fopen(name, "re");
	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	while (error && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::/", 4) == 0) {
			int n = snprintf(path, size, "%s%s", mount, line[4] ? line + 3 : "");

			error = n > 0 && (size_t)n < size ? 0 : -ENAMETOOLONG;
		}
	}
	fclose(file);
	return error;
}

/** True if the process is the only one in the cgroup and its children. */
static bool is_alone(const char *cgroup, pid_t pid)
{
	char path[PATH_MAX + 32];
	bool alone = false;
	FILE *file;
	int p;

	/* The file of the root cgroup says nothing about being frozen: that one can't be. */
	snprintf(path, sizeof(path), "%s/cgroup.freeze", cgroup);
	if (access(path, W_OK) != 0)
		return false;
	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (fscanf(file, "%d", &p) == 1) {
		alone = p == (int)pid;
		if (!alone)
			break;
	}
	fclose(file);
	return alone;
}

static int move(const char *cgroup, pid_t pid)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", (int)pid);
	return file_write(cgroup, "cgroup.procs", number);
}

/** Value of one line of cgroup.events, or -1. */
static int events_read(int events, const char *key)
{
	char text[256];
	const char *at;
	ssize_t n = pread(events, text, sizeof(text) - 1, 0);

	if (n < 0)
		return -1;
	text[n] = '\0';
	at = strstr(text, key);
	return at ? atoi(at + strlen(key)) : -1;
}

static int own_make(struct ravelin_freezer *f)
{
	int n, error;

	if (is_alone(f->home, f->pid)) {
		memcpy(f->own, f->home, sizeof(f->own));
		return 0;
	}
	n = snprintf(f->own, sizeof(f->own), "%s/ravelin-%d", f->home, (int)f->pid);
	if (n < 0 || (size_t)n >= sizeof(f->own))
		return -ENAMETOOLONG;
	if (mkdir(f->own, 0755) != 0 && errno != EEXIST)
		return -errno;
	error = move(f->own, f->pid);
	if (error) {
		rmdir(f->own);
		return error;
	}
	f->moved = true;
	return 0;
}

int ravelin_freezer_open(pid_t pid, struct ravelin_freezer **freezer)
{
	struct ravelin_freezer *f = calloc(1, sizeof(*f));
	char mount[PATH_MAX / 2], path[PATH_MAX + 32];
	int error;

	*freezer = NULL;
	if (!f)
		return -ENOMEM;
	/* What an earlier program left may be this very process. */
	guard_recover();
	f->pid = pid;
	f->events = -1;
	f->freeze = -1;
	guard_init(&f->guard);
	error = pid == getpid() ? -EBUSY : mount_find(mount, sizeof(mount));
	if (!error)
		error = cgroup_find(pid, mount, f->home, sizeof(f->home));
	if (!error)
		error = guard_claim(&f->guard, pid);
	if (!error)
		error = own_make(f);
	if (!error) {
		snprintf(path, sizeof(path), "%s/cgroup.events", f->own);
		f->events = open(path, O_RDONLY | O_CLOEXEC);
		snprintf(path, sizeof(path), "%s/cgroup.freeze", f->own);
		f->freeze = open(path, O_WRONLY | O_CLOEXEC);
		if (f->events < 0 || f->freeze < 0)
			error = -errno;
	}
	if (!error) {
		f->was_frozen = events_read(f->events, "frozen ") == 1;
		error = guard_start(&f->guard, f->own, f->moved ? f->home : NULL, !f->was_frozen);
	}
	if (error) {
		ravelin_freezer_close(f);
		return error;
	}
	*freezer = f;
	return 0;
}

static int64_t milliseconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int ravelin_freezer_freeze(struct ravelin_freezer *f, int timeout_ms)
{
	const int64_t end = milliseconds_now() + timeout_ms;
	struct pollfd wait = {.fd = f->events, .events = POLLPRI};

	if (pwrite(f->freeze, "1", 1, 0) != 1)
		return -errno;
	/* The kernel reports a change of cgroup.events as an exceptional condition. */
	while (events_read(f->events, "frozen ") != 1) {
		int64_t left = end - milliseconds_now();

		if (events_read(f->events, "populated ") == 0) {
			ravelin_freezer_thaw(f);
			return -ESRCH;
		}
		if (left <= 0) {
			ravelin_freezer_thaw(f);
			return -ETIME;
		}
		/* The kernel limits how often it reports: a report was seen to be missing while the target stood. */
		poll(&wait, 1, left < LOOK_MS ? (int)left : LOOK_MS);
	}
	return 0;
}

int ravelin_freezer_thaw(struct ravelin_freezer *f)
{
	return f->was_frozen || pwrite(f->freeze, "0", 1, 0) == 1 ? 0 : -errno;
}

int ravelin_freezer_file(const struct ravelin_freezer *f)
{
	return f->was_frozen ? -EBUSY : f->freeze;
}

void ravelin_freezer_close(struct ravelin_freezer *f)
{
	if (!f)
		return;
	if (f->freeze >= 0) {
		if (f->guard.guardian > 0) /* else it was never frozen by us */
			ravelin_freezer_thaw(f);
		close(f->freeze);
	}
	if (f->events >= 0)
		close(f->events);
	if (f->moved) {
		/* A process that has ended meanwhile needs no move; the directory goes either way. */
		move(f->home, f->pid);
		rmdir(f->own);
	}
	guard_close(&f->guard);
	free(f);
}

int ravelin_freezer_recover(void)
{
	return guard_recover();
}
