/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guard.h - a frozen process is thawed even if the program that froze it is killed.
 *
 * Before the first freeze the program writes a record and starts a guardian: a child process that waits at one end of a
 * socket. When the program vanishes the other end closes, and the guardian thaws. If both are killed at once, the record is left, and its lock is
 * free: the next program that looks into the directory thaws.
 */
#ifndef LIBRAVELIN_GUARD_H
#define LIBRAVELIN_GUARD_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/** Where records are: /run/ravelin, made when it is needed; another one in tests. */
extern const char *guard_directory;

/** The cgroup that is to be left as it was. Everything the way back needs, so that it needs no memory and no formatting. */
struct guard_place {
	bool thaw; /* false: it was frozen before we came */
	bool moved; /* own is ours: its processes go home and it is removed */
	char own[PATH_MAX];
	char own_freeze[PATH_MAX + 16];
	char own_procs[PATH_MAX + 16];
	char home_procs[PATH_MAX + 16];
};

struct guard {
	struct guard_place place;
	char record_path[PATH_MAX];
	int record; /* locked as long as we or the guardian live; -1 = none */
	int wire; /* its other end is the guardian's; -1 = none */
	pid_t guardian;
};

/** Before all others. */
void guard_init(struct guard *g);

/**
 * Claims a process: nobody else freezes it until guard_close.
 * @return 0; -EBUSY: another program holds it; -EPERM: others can write to the directory of records; or the negative errno
 *         of what could not be made
 */
int guard_claim(struct guard *g, pid_t pid);

/**
 * After guard_claim and before the first freeze: writes the record and starts the guardian.
 * @param own   cgroup that will be frozen
 * @param home  cgroup that the process came from if it was moved to own, NULL if not
 * @param thaw  false: own is frozen already, and shall stay so
 * @return 0 or a negative errno
 */
int guard_start(struct guard *g, const char *own, const char *home, bool thaw);

/** The end of a freeze that went as it should, after the way back: dismisses the guardian and removes the record. Does nothing
 * after guard_init alone. */
void guard_close(struct guard *g);

/** The way back: thaws, moves home, removes. Uses nothing but system calls. */
void guard_leave(const struct guard_place *place);

/** Does the way back for all records without a living program. @return their number, or a negative errno */
int guard_recover(void);

#endif
