/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * task.h - mkupdate task: signs the image of a task that updates nothing, such as one that gets devices.
 */
#ifndef MKUPDATE_TASK_H
#define MKUPDATE_TASK_H

#include <stdint.h>

/** The command line of mkupdate task. */
struct task_request {
	const char *image;
	const char *key;
	uint64_t sequence;
	const char *output;
};

/** Does it all; ends the program if something is wrong. */
void task_run(const struct task_request *request);

#endif
