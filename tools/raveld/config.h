/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * config.h - the configuration of raveld: which services to watch. Format: raveld(8).
 */
#ifndef RAVELD_CONFIG_H
#define RAVELD_CONFIG_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_SERVICES 64u
#define CONFIG_TEXT 512u

struct service_config {
	char name[64];
	char pid_file[PATH_MAX]; /* one of the three tells which process it is */
	char cgroup[PATH_MAX];
	char process[64];
	char health[CONFIG_TEXT]; /* shell command, "" = an update that was applied is healthy */
	char updates[PATH_MAX]; /* directory with envelopes */
	uint64_t deadline_us;
};

struct config {
	unsigned int services;
	struct service_config service[CONFIG_SERVICES];
};

/**
 * Reads a configuration file.
 * @param why  receives a sentence with the number of the line on failure
 * @return 0; -EINVAL: something in it is wrong; or a negative errno of reading it
 */
int config_read(const char *path, struct config *config, char *why, size_t size);

#endif
