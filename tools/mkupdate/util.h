/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * util.h - what every part of mkupdate needs: errors that end the program, growing buffers, files, child processes.
 */
#ifndef MKUPDATE_UTIL_H
#define MKUPDATE_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Exit codes, documented in mkupdate(1). */
enum exit_code {
	EXIT_REFUSED = 1, /* verify: the envelope is not acceptable */
	EXIT_USAGE = 2,
	EXIT_TARGET = 3, /* the target's ELF file, or what was asked of it */
	EXIT_CODE = 4, /* the new code or the update code cannot be compiled, linked or used */
	EXIT_KEY = 5,
	EXIT_SYSTEM = 6 /* files, processes, memory */
};

/** Prints "mkupdate: " and the sentence, removes temporary files, exits with the code. */
__attribute__((noreturn)) __attribute__((format(printf, 2, 3))) void fail(enum exit_code code, const char *format, ...);

/** A buffer that grows. All zero is an empty one. */
struct buffer {
	uint8_t *data;
	size_t size;
	size_t capacity;
};

void buffer_add(struct buffer *b, const void *data, size_t size);
void buffer_print(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Adds bytes as the C initialiser list "0x12, 0x34, " in lines. */
void buffer_add_c_bytes(struct buffer *b, const uint8_t *data, size_t size);
void buffer_free(struct buffer *b);

/** calloc, realloc and strdup that do not return on failure. */
void *must_alloc(size_t count, size_t size);
void *must_grow(void *old, size_t count, size_t size);
char *must_copy(const char *s);
/** asprintf that does not return on failure. */
char *must_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Reads a whole file. `code`: exit code for a file that cannot be read. */
struct buffer file_read(const char *path, enum exit_code code);
/** Writes a file: under a temporary name first, so that it is whole or not there. */
void file_write(const char *path, const void *data, size_t size, unsigned int mode);

/** Puts temporary files into that directory, which is made if needed, and leaves them there. */
void scratch_keep(const char *directory);

/** The directory for temporary files: made on first use and removed at exit, unless scratch_keep named one. */
const char *scratch_directory(void);
/** A path in it. The result is never freed. */
char *scratch_path(const char *name);

/** An argument list for a child process. */
struct arguments {
	char **word;
	size_t count;
};

void arguments_add(struct arguments *a, const char *word);
void arguments_print(struct arguments *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/**
 * Runs a program, without its standard output, and waits for it. If it fails, ends with `code` and a sentence that has `what` in it; the program's own
 * messages have gone to stderr before.
 */
void run_program(const struct arguments *a, enum exit_code code, const char *what);

/** Parses hexadecimal digits into exactly size bytes; false if they are not that. */
bool hex_parse(const char *text, uint8_t *to, size_t size);
/** size * 2 digits and a NUL to `to`; returns it. */
char *hex_print(char *to, const uint8_t *from, size_t size);

#endif
