/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * service.h - one watched service: takes envelopes from its directory and updates its process with them.
 */
#ifndef RAVELD_SERVICE_H
#define RAVELD_SERVICE_H

#include "config.h"

#include <stdbool.h>
#include <sys/types.h>

/** The process of a service. -ESRCH: it does not run; -EINVAL: its pid file or cgroup says nothing of use. */
int service_pid(const struct service_config *s, pid_t *pid);

/**
 * Applies one envelope: update, health check, confirmation or rollback. Then moves the file to the directory applied/ or refused/
 * beside it; for a refused one the reason is in a file of the same name with .why behind it.
 * @param inbox      the service's directory, from inbox_open()
 * @param confirmed  receives whether the update is final
 * @return 0, or a negative errno if the file is still there
 */
int service_update(const struct service_config *s, int inbox, const char *name, bool *confirmed);

/**
 * Applies what is in the directory and what comes, until stop_file is readable.
 * @param once  ends when the directory is empty
 * @return 0, or a negative errno if the directory can't be watched (-EPERM: others may write to it) or a file not be put away
 */
int service_watch(const struct service_config *s, int stop_file, bool once);

#endif
