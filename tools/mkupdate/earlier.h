/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * earlier.h - updates that the running process already has: reads their envelopes and makes the target what they have made of it.
 */
#ifndef MKUPDATE_EARLIER_H
#define MKUPDATE_EARLIER_H

#include "target.h"

/**
 * Puts one earlier update into effect on what is known of the target: its jumps in the code, its new memory, its symbols. Ends the
 * program with EXIT_TARGET if the envelope is not an update that mkupdate made for this target as it is so far. To be
 * called for one update after the other, in the order in which the process got them.
 */
void earlier_add(struct target *t, const char *path);

#endif
