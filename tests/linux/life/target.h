/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * target.h - what target.c and its update have in common.
 */
#ifndef LIFE_TARGET_H
#define LIFE_TARGET_H

/** The function that is replaced: 1 + what, by the update 2 + what; with -1 it waits, and stays inside meanwhile. */
int answer(int what);

/** Waits until somebody lets it go on. */
int target_wait(void);

#endif
