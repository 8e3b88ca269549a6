/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * health.h - asks a shell command whether a service is healthy. For the programs of this tree, not part of the library's interface.
 */
#ifndef LIBRAVELIN_HEALTH_H
#define LIBRAVELIN_HEALTH_H

#include <stddef.h>
#include <stdint.h>

/** How long a health check may take so that there is time left to roll back before Ravelin does: a tenth, at most a second. 0 stays 60 s. */
int health_limit_ms(uint64_t deadline_us);

/**
 * Runs command by /bin/sh, in a process group of its own, and waits. Its standard output is discarded.
 * @param why  receives a clause that says what was wrong
 * @return 0: it succeeded; -EPROTO: it failed; -ETIME: it was killed after limit_ms; -EAGAIN, -ENOMEM: it could not be started
 */
int health_run(const char *command, int limit_ms, char *why, size_t size);

#endif
