/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * waits.h - what the target of this test and the program that updates it share: a page of memory, and pipes.
 */
#ifndef WAITS_H
#define WAITS_H

#include <stdint.h>

/** How the target's threads wait; one thread each. */
enum waits_kind {
	WAITS_FUTEX,
	WAITS_POLL,
	WAITS_EPOLL,
	WAITS_SELECT,
	WAITS_READ, /* not a wait that the module keeps a thread asleep in */
	WAITS_SLEEP, /* of 500 us each: nobody wakes it */
	WAITS_SPIN, /* never waits */
	WAITS_KINDS
};
#define WAITS_WOKEN WAITS_SLEEP /* those before it are woken by the other process */
#define WAITS_PIPES 3 /* file descriptor of the first kind's pipe, both ends each */

/** A time without any pass of a thread through its loop, in TSC ticks. */
struct waits_gap {
	uint64_t from, to;
};
#define WAITS_GAP_TICKS 5000u
#define WAITS_GAPS 512u

struct waits_thread {
	uint32_t posted; /* wakeups sent; the futex word of WAITS_FUTEX */
	uint32_t seen; /* wakeups that have arrived */
	uint64_t last; /* TSC of the last pass */
	uint32_t gaps; /* ever */
	struct waits_gap gap[WAITS_GAPS]; /* the latest */
};

struct waits {
	struct waits_thread thread[WAITS_KINDS];
	uint32_t ready;
};

#endif
