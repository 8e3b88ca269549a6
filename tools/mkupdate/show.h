/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * show.h - prints what an envelope says.
 */
#ifndef MKUPDATE_SHOW_H
#define MKUPDATE_SHOW_H

#include "util.h"

#include <suit/suit.h>

/** Prints to stdout: for people, or as one JSON object. The signature has not been checked. */
void show_manifest(const struct suit_manifest *m, bool json);

/** The sentence for a refusal, with its value filled in. */
char *show_reason(const struct suit_error *err);

#endif
