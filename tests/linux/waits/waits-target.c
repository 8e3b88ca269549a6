// SPDX-License-Identifier: GPL-2.0-only
/*
 * waits-target.c - a process whose threads wait in different ways, are woken all the time, and note when they ran.
 *
 * usage: waits-target FILE; FILE holds the struct waits
 */
#include "waits.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int waits_answer(void);

/* What is updated. Nobody is ever inside. */
__attribute__((noipa)) int waits_answer(void)
{
	return 1;
}

static struct waits *waits;

static uint64_t ticks(void)
{
	uint32_t a, d;

	__asm__ volatile("rdtsc" : "=a"(a), "=d"(d) : : "memory");
	return (uint64_t)d << 32 | a;
}

static void pass(struct waits_thread *t)
{
	uint64_t now = ticks();

	if (now - t->last > WAITS_GAP_TICKS) {
		t->gap[t->gaps % WAITS_GAPS] = (struct waits_gap){t->last, now};
		__atomic_add_fetch(&t->gaps, 1, __ATOMIC_RELEASE);
	}
	t->last = now;
}

static void wait_for_input(enum waits_kind kind, int fd, int epoll)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct epoll_event event;
	fd_set set;

	if (kind == WAITS_POLL) {
		poll(&p, 1, -1);
	} else if (kind == WAITS_EPOLL) {
		epoll_wait(epoll, &event, 1, -1);
	} else if (kind == WAITS_SELECT) {
		FD_ZERO(&set);
		FD_SET(fd, &set);
		select(fd + 1, &set, NULL, NULL, NULL);
	}
}

/* Waits for one wakeup, or only looks: what a signal interrupts is tried again by the caller. @return wakeups that came */
static uint32_t wakeups(enum waits_kind kind, struct waits_thread *t, int fd, int epoll)
{
	const struct timespec nap = {.tv_nsec = 500000};
	char bytes[256];
	ssize_t count;

	switch (kind) {
	case WAITS_FUTEX:
		syscall(SYS_futex, &t->posted, FUTEX_WAIT, t->seen, NULL, NULL, 0);
		return __atomic_load_n(&t->posted, __ATOMIC_ACQUIRE) - t->seen;
	case WAITS_SLEEP:
		nanosleep(&nap, NULL);
		return 1;
	case WAITS_SPIN:
		return 1;
	default:
		wait_for_input(kind, fd, epoll);
		count = read(fd, bytes, sizeof(bytes));
		return count > 0 ? (uint32_t)count : 0;
	}
}

static void *run(void *argument)
{
	enum waits_kind kind = *(const enum waits_kind *)argument;
	struct waits_thread *t = &waits->thread[kind];
	int fd = WAITS_PIPES + 2 * (int)kind, epoll = epoll_create1(0);
	struct epoll_event event = {.events = EPOLLIN};

	/* These look before they read. */
	if (kind != WAITS_READ)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
	t->last = ticks();
	__atomic_add_fetch(&waits->ready, 1, __ATOMIC_RELEASE);
	for (;;) {
		uint32_t count = wakeups(kind, t, fd, epoll);

		pass(t);
		__atomic_add_fetch(&t->seen, count, __ATOMIC_RELEASE);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static enum waits_kind kinds[WAITS_KINDS];
	int file = argc == 2 ? open(argv[1], O_RDWR) : -1;
	pthread_t thread;

	waits = mmap(NULL, sizeof(*waits), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (file < 0 || waits == MAP_FAILED)
		return 1;
	for (unsigned int i = 0; i < WAITS_KINDS; i++) {
		kinds[i] = (enum waits_kind)i;
		if (pthread_create(&thread, NULL, run, &kinds[i]) != 0)
			return 1;
	}
	for (;;)
		pause();
}
