// SPDX-License-Identifier: GPL-2.0-only
/*
 * guard.c - see guard.h.
 */
#include "guard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILES_WITHOUT_CLOSE_RANGE 4096 /* before Linux 5.9 */

const char *guard_directory = "/run/ravelin";

/* ---- the way back ---- */

/* write(2) into a file that exists. What fails here can't be helped: the caller is the last resort. */
static void text_put(const char *path, const char *text, size_t length)
{
	int file = open(path, O_WRONLY | O_CLOEXEC);

	if (file < 0)
		return;
	while (write(file, text, length) < 0 && errno == EINTR)
		;
	close(file);
}

/** Moves whatever is in own, not a number that was noted long ago: that may be another process now. */
static void procs_move(const struct guard_place *p)
{
	int file = open(p->own_procs, O_RDONLY | O_CLOEXEC);
	char text[512], *begin = text, *end;
	ssize_t n;

	if (file < 0)
		return;
	n = read(file, text, sizeof(text) - 1);
	close(file);
	text[n > 0 ? n : 0] = '\0';
	while ((end = strchr(begin, '\n')) != NULL) {
		text_put(p->home_procs, begin, (size_t)(end - begin));
		begin = end + 1;
	}
}

void guard_init(struct guard *g)
{
	g->record = g->wire = -1;
	g->guardian = -1;
}

void guard_leave(const struct guard_place *place)
{
	if (place->thaw)
		text_put(place->own_freeze, "0", 1);
	if (!place->moved)
		return;
	procs_move(place);
	rmdir(place->own);
}

/* ---- the guardian ---- */

/** The child: only system calls, because other threads of the parent may have held any lock at the fork. */
static _Noreturn void guardian_run(struct guard *g, int read_end)
{
	sigset_t all;
	int record;
	char word;
	ssize_t n;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid(); /* what is sent to the program's process group or terminal is not for us */
	prctl(PR_SET_NAME, "ravelin-guard");
	text_put("/proc/self/oom_score_adj", "-1000", 5);
	/* Out of the way first: a daemon may have started without the three standard files, and these be 0 to 2. */
	read_end = fcntl(read_end, F_DUPFD, 3);
	record = fcntl(g->record, F_DUPFD, 3);
	close(g->wire);
	dup2(read_end, STDIN_FILENO);
	dup2(record, STDOUT_FILENO);
	/* Above all the other ends of other guardians' wires, and /dev/ravelin: what belongs to a handle has to go with the program. */
	if (close_range(STDERR_FILENO, ~0u, 0) != 0) {
		for (int file = STDERR_FILENO; file < FILES_WITHOUT_CLOSE_RANGE; file++)
			close(file);
	}
	/* Ready: what has been done until here would else take a CPU from the target's threads while they are to freeze. */
	send(STDIN_FILENO, "r", 1, MSG_NOSIGNAL);
	do {
		n = read(STDIN_FILENO, &word, 1);
	} while (n < 0 && errno == EINTR);
	if (n != 1) {
		guard_leave(&g->place);
		unlink(g->record_path);
	}
	_exit(0);
}

static int guardian_start(struct guard *g)
{
	int ends[2];
	char word;
	ssize_t n;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return -errno;
	g->wire = ends[1];
	g->guardian = fork();
	if (g->guardian == 0)
		guardian_run(g, ends[0]);
	close(ends[0]);
	if (g->guardian < 0)
		return -errno;
	do {
		n = read(g->wire, &word, 1);
	} while (n < 0 && errno == EINTR);
	return n == 1 ? 0 : -ECHILD;
}

/* ---- records ---- */

/** Opens the directory, which is nobody's but ours: what a record says is done. */
static int directory_open(bool make)
{
	char parent[PATH_MAX];
	struct stat s;
	char *slash;
	int directory, error;

	if (make && mkdir(guard_directory, 0700) != 0 && errno == ENOENT) {
		/* An initramfs may come without /run. */
		snprintf(parent, sizeof(parent), "%s", guard_directory);
		slash = strrchr(parent, '/');
		if (slash && slash != parent) {
			*slash = '\0';
			mkdir(parent, 0755);
			mkdir(guard_directory, 0700);
		}
	}
	directory = open(guard_directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory < 0)
		return -errno;
	if (fstat(directory, &s) != 0)
		error = -errno;
	else
		error = s.st_uid != geteuid() || (s.st_mode & 022) != 0 ? -EPERM : 0;
	if (error) {
		close(directory);
		return error;
	}
	return directory;
}

/** Opens and locks one record. -EBUSY: its program or guardian lives. -ENOENT: there is none. */
static int record_open(int directory, const char *name, int flags)
{
	struct stat s;

	for (;;) {
		int error, record = openat(directory, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags, 0600);

		if (record < 0)
			return -errno;
		if (flock(record, LOCK_EX | LOCK_NB) != 0) {
			error = errno == EWOULDBLOCK ? -EBUSY : -errno;
			close(record);
			return error;
		}
		/* Whoever had the lock before may have removed the file in between. */
		if (fstat(record, &s) == 0 && s.st_nlink > 0)
			return record;
		close(record);
	}
}

static bool place_set(struct guard_place *p, const char *own, const char *home, bool thaw)
{
	int n = snprintf(p->own, sizeof(p->own), "%s", own);
	int m = snprintf(p->home_procs, sizeof(p->home_procs), "%s/cgroup.procs", home ? home : "");

	if (n <= 0 || (size_t)n >= sizeof(p->own) || m <= 0 || (size_t)m >= sizeof(p->home_procs))
		return false;
	p->thaw = thaw;
	p->moved = home != NULL;
	snprintf(p->own_freeze, sizeof(p->own_freeze), "%s/cgroup.freeze", p->own);
	snprintf(p->own_procs, sizeof(p->own_procs), "%s/cgroup.procs", p->own);
	return true;
}

/* A record: three lines, the last one empty if the process was not moved. It counts only when it is complete. */
static int record_write(int record, const char *own, const char *home, bool thaw)
{
	char text[2 * PATH_MAX + 16];
	int n = snprintf(text, sizeof(text), "%s\n%s\n%s\n", thaw ? "thaw" : "frozen", own, home ? home : "");

	if (n < 0 || (size_t)n >= sizeof(text))
		return -ENAMETOOLONG;
	if (ftruncate(record, 0) != 0)
		return -errno;
	return pwrite(record, text, (size_t)n, 0) == n ? 0 : -EIO;
}

static bool record_read(int record, struct guard_place *p)
{
	char text[2 * PATH_MAX + 16], *line[3], *begin = text, *end;
	ssize_t n = pread(record, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	for (int i = 0; i < 3; i++) {
		end = strchr(begin, '\n');
		if (!end)
			return false;
		*end = '\0';
		line[i] = begin;
		begin = end + 1;
	}
	return place_set(p, line[1], line[2][0] != '\0' ? line[2] : NULL, strcmp(line[0], "thaw") == 0);
}

int guard_claim(struct guard *g, pid_t pid)
{
	char name[16];
	int directory = directory_open(true);

	if (directory < 0)
		return directory;
	snprintf(name, sizeof(name), "%d", (int)pid);
	snprintf(g->record_path, sizeof(g->record_path), "%s/%s", guard_directory, name);
	g->record = record_open(directory, name, O_CREAT);
	close(directory);
	return g->record < 0 ? g->record : 0;
}

int guard_start(struct guard *g, const char *own, const char *home, bool thaw)
{
	int error;

	if (!place_set(&g->place, own, home, thaw))
		return -ENAMETOOLONG;
	error = record_write(g->record, own, home, thaw);
	return error ? error : guardian_start(g);
}

void guard_close(struct guard *g)
{
	if (g->guardian > 0) {
		while (send(g->wire, "q", 1, MSG_NOSIGNAL) < 0 && errno == EINTR)
			;
		while (waitpid(g->guardian, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (g->wire >= 0)
		close(g->wire);
	if (g->record >= 0) {
		unlink(g->record_path);
		close(g->record);
	}
	guard_init(g);
}

int guard_recover(void)
{
	struct guard_place place;
	const struct dirent *entry;
	int record, count = 0, directory = directory_open(false);
	DIR *list;

	if (directory < 0)
		return directory == -ENOENT ? 0 : directory;
	list = fdopendir(directory);
	if (!list) {
		close(directory);
		return -ENOMEM;
	}
	while ((entry = readdir(list)) != NULL) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		record = record_open(directory, entry->d_name, 0);
		if (record < 0)
			continue;
		/* One that is not complete: its program was killed before it froze anything. */
		if (record_read(record, &place)) {
			guard_leave(&place);
			count++;
		}
		unlinkat(directory, entry->d_name, 0);
		close(record);
	}
	closedir(list);
	return count;
}
