/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * code.h - compiles the new code for a target and links it at the address where the target will have it.
 */
#ifndef MKUPDATE_CODE_H
#define MKUPDATE_CODE_H

#include "target.h"
#include "util.h"

#include <stdbool.h>
#include <stdint.h>

/** One symbol that the new code defines. */
struct code_symbol {
	char *name;
	uint64_t address;
	uint64_t bytes;
	bool is_function;
};

/** New memory of the target: see struct uih_region. */
struct code_region {
	uint64_t address;
	uint64_t bytes; /* multiple of 4096; 0: there is no such region */
	struct buffer content; /* without trailing zeros */
	uint64_t *fixup; /* offsets, ascending */
	size_t fixup_count;
};

struct code {
	struct code_region rx; /* code, constants, tables of addresses */
	struct code_region rw; /* variables */
	struct code_symbol *symbol;
	size_t symbol_count;
};

/** What is compiled, and how. */
struct code_request {
	const struct target *target;
	char **input; /* .c, .S or .o files */
	size_t input_count;
	const char *compiler;
	const struct arguments *options; /* more options for the compiler */
	uint64_t address; /* where the fresh memory begins, multiple of 4096 */
	uint64_t rw_bytes; /* least size of the fresh RW region */
};

/** Compiles and links. Ends the program with EXIT_CODE, after the tools' own messages, if it can't. */
void code_build(const struct code_request *request, struct code *code);

/** The symbol of that name, or NULL. */
const struct code_symbol *code_find(const struct code *code, const char *name);

/** True if name can be the name of a C variable. */
bool code_is_identifier(const char *name);

#endif
