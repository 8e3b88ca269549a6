/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * build.h - mkupdate build: from an old executable, new code and update code to a signed envelope.
 */
#ifndef MKUPDATE_BUILD_H
#define MKUPDATE_BUILD_H

#include "util.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * How far above the target's last segment fresh memory begins unless --fresh-offset says otherwise: room for the heap, then
 * one of 64 places by sequence number, so that updates of one process do not meet.
 */
#define BUILD_FRESH_OFFSET (512u << 20)
#define BUILD_FRESH_PLACES 64u
#define BUILD_FRESH_SPACING (16u << 20)

/** A growing list of command line words. */
struct words {
	char **word;
	size_t count;
};

/** The command line of mkupdate build. */
struct build_request {
	const char *target;
	const char *target_name; /* NULL: base name of the file that `target` leads to */
	const char *symbols; /* another file of the same build that has them, or NULL */
	struct words new_code; /* .c, .S, .o */
	struct words after; /* envelopes of the updates that the process has, in their order */
	struct words replace; /* OLD=NEW, or NAME for both */
	const char *update_code; /* .c or .o, may be NULL */
	struct words data; /* names of variables of the target */
	bool all_data;
	bool heap;
	uint64_t fresh_rw;
	uint64_t fresh_offset; /* 0: by sequence number */
	const char *name;
	uint64_t sequence;
	const char *key;
	const char *output;
	const char *stack; /* as mkfimce takes it */
	const char *budget;
	const char *sdk; /* directory with mkfimce, task.ld, libpillars.a, include/; NULL: where this program is */
	const char *compiler;
	struct arguments options; /* for the compiler */
};

/** Does it all; ends the program if something is wrong. */
void build_run(const struct build_request *request);

#endif
