// SPDX-License-Identifier: GPL-2.0-only
/*
 * waits.c - runs in the guest: updates a process again and again while its threads are woken from all the waits that there are.
 * Between freeze and thaw none of them may run, and no wakeup of that time may be lost.
 *
 * usage: waits TARGET UPDATE.suit FILE
 */
#include "waits.h"

#include <ravelin.h>

#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 8
#define PATIENCE_MS 20000
#define UPDATE_MAX (1u << 20)
#define POSTS 65536u

static const char *const names[WAITS_KINDS] = {"a futex", "poll",      "epoll_wait", "select",
					       "read",    "nanosleep", "no wait"};

/** When wakeups were sent: written by the process that does. */
struct posts {
	uint32_t stop, count;
	uint64_t at[POSTS];
};

static struct waits *waits;
static struct posts *posts;
static int failures;

static void check(bool good, const char *name, const char *what, unsigned long long value)
{
	printf(good ? "PASS %s%s\n" : "FAIL %s%s: %llu\n", name, what, value);
	fflush(stdout);
	failures += !good;
}

static uint64_t ticks(void)
{
	uint32_t a, d;

	__asm__ volatile("rdtsc" : "=a"(a), "=d"(d) : : "memory");
	return (uint64_t)d << 32 | a;
}

static void milliseconds(long count)
{
	const struct timespec t = {.tv_sec = count / 1000, .tv_nsec = count % 1000 * 1000000};

	nanosleep(&t, NULL);
}

static void post(enum waits_kind kind)
{
	__atomic_add_fetch(&waits->thread[kind].posted, 1, __ATOMIC_RELEASE);
	if (kind == WAITS_FUTEX)
		syscall(SYS_futex, &waits->thread[kind].posted, FUTEX_WAKE, 1, NULL, NULL, 0);
	else if (write(WAITS_PIPES + 2 * (int)kind + 1, "w", 1) != 1)
		_exit(1);
	posts->at[posts->count++ % POSTS] = ticks();
}

/** A process of its own that wakes all threads, until it is told to stop. */
static pid_t posts_begin(void)
{
	pid_t pid;

	posts->stop = 0;
	pid = fork();
	if (pid != 0)
		return pid;
	while (!__atomic_load_n(&posts->stop, __ATOMIC_ACQUIRE)) {
		for (unsigned int kind = 0; kind < WAITS_WOKEN; kind++)
			post((enum waits_kind)kind);
	}
	_exit(0);
}

static void posts_end(pid_t pid)
{
	__atomic_store_n(&posts->stop, 1, __ATOMIC_RELEASE);
	waitpid(pid, NULL, 0);
}

/** True if the thread has one gap that covers the whole time. Its next pass may be still to come. */
static bool stood_still(const struct waits_thread *t, uint64_t from, uint64_t to)
{
	for (int waited = 0; waited < PATIENCE_MS; waited++) {
		uint32_t gaps = __atomic_load_n(&t->gaps, __ATOMIC_ACQUIRE);

		for (uint32_t i = 0; i < gaps && i < WAITS_GAPS; i++) {
			const struct waits_gap *g = &t->gap[i];

			if (g->from <= from && g->to >= to)
				return true;
		}
		if (__atomic_load_n(&t->last, __ATOMIC_ACQUIRE) >= to &&
		    gaps == __atomic_load_n(&t->gaps, __ATOMIC_ACQUIRE))
			return false;
		milliseconds(1);
	}
	return false;
}

static bool all_arrived(enum waits_kind kind)
{
	const struct waits_thread *t = &waits->thread[kind];

	for (int waited = 0; waited < PATIENCE_MS; waited++) {
		if (__atomic_load_n(&t->seen, __ATOMIC_ACQUIRE) == __atomic_load_n(&t->posted, __ATOMIC_ACQUIRE))
			return true;
		milliseconds(1);
	}
	return false;
}

static unsigned int posts_within(uint64_t from, uint64_t to)
{
	unsigned int count = 0;

	for (uint32_t i = 0; i < posts->count && i < POSTS; i++)
		count += posts->at[i] >= from && posts->at[i] < to;
	return count;
}

static pid_t target_start(const char *path, const char *file)
{
	int pipes[2 * WAITS_KINDS];
	pid_t pid;

	for (int i = 0; i < WAITS_KINDS; i++) {
		if (pipe(&pipes[2 * i]) != 0)
			exit(2);
	}
	/* This program inherits nothing but standard input and output. */
	if (pipes[0] != WAITS_PIPES)
		exit(2);
	pid = fork();
	if (pid == 0) {
		execl(path, path, file, (char *)NULL);
		_exit(127);
	}
	for (int waited = 0; waited < PATIENCE_MS && __atomic_load_n(&waits->ready, __ATOMIC_ACQUIRE) < WAITS_KINDS;
	     waited++)
		milliseconds(1);
	return pid;
}

int main(int argc, char **argv)
{
	static uint8_t update[UPDATE_MAX];
	struct ravelin_update_options options = {0};
	struct ravelin_update_report r = {0};
	unsigned int stood[WAITS_KINDS] = {0}, arrived[WAITS_KINDS] = {0}, applied = 0, taken_back = 0, within = 0;
	struct ravelin *ravelin;
	size_t bytes;
	FILE *f;
	int file;

	file = argc == 4 ? open(argv[3], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
	if (file < 0 || ftruncate(file, sizeof(*waits)) != 0)
		return 64;
	waits = mmap(NULL, sizeof(*waits), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	posts = mmap(NULL, sizeof(*posts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	close(file);
	options.pid = target_start(argv[1], argv[3]);
	f = fopen(argv[2], "re");
	bytes = f ? fread(update, 1, sizeof(update), f) : 0;
	if (f)
		fclose(f);
	if (bytes == 0 || waits == MAP_FAILED || posts == MAP_FAILED || ravelin_open(&ravelin) != 0) {
		printf("FAIL set-up\n");
		return 1;
	}
	for (int round = 0; round < ROUNDS; round++) {
		pid_t poster = posts_begin();
		int error = ravelin_update_apply(ravelin, update, bytes, &options, &r);

		applied += error == 0;
		for (unsigned int kind = 0; error == 0 && kind < WAITS_KINDS; kind++)
			stood[kind] += stood_still(&waits->thread[kind], r.begin[RAVELIN_PHASE_ISOLATE],
						   r.end[RAVELIN_PHASE_RETURN]);
		posts_end(poster);
		within += posts_within(r.begin[RAVELIN_PHASE_FREEZE], r.end[RAVELIN_PHASE_RETURN]);
		for (unsigned int kind = 0; kind < WAITS_WOKEN; kind++)
			arrived[kind] += all_arrived((enum waits_kind)kind);
		printf("# round %d: error %d, %u wakeups sent, paused %llu ticks\n", round, error, posts->count,
		       (unsigned long long)r.pause_ticks);
		fflush(stdout);
		taken_back += error == 0 && ravelin_update_rollback(ravelin, r.id, &r.status) == 0;
	}
	check(applied == ROUNDS && taken_back == ROUNDS, "updates", " are applied and taken back", applied);
	check(within > 0, "wakeups", " are sent while the target stands", within);
	printf("# %u of them\n", within);
	for (unsigned int kind = 0; kind < WAITS_KINDS; kind++)
		check(stood[kind] == ROUNDS, names[kind], ": the thread stands still in every pause", stood[kind]);
	for (unsigned int kind = 0; kind < WAITS_WOKEN; kind++)
		check(arrived[kind] == ROUNDS, names[kind], ": no wakeup is lost", arrived[kind]);
	kill(options.pid, SIGKILL);
	waitpid(options.pid, NULL, 0);
	ravelin_close(ravelin);
	return failures != 0;
}
