/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * util.c - errors, buffers, files and child processes of mkupdate: see util.h.
 */
#include "util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char *scratch;
static bool scratch_is_kept;

void scratch_keep(const char *directory)
{
	scratch = must_copy(directory);
	scratch_is_kept = true;
	if (mkdir(directory, 0777) != 0 && errno != EEXIST)
		fail(EXIT_SYSTEM, "cannot make the directory %s: %s", directory, strerror(errno));
}

static void scratch_remove(void)
{
	struct dirent *entry;
	DIR *d;

	if (!scratch || scratch_is_kept)
		return;
	d = opendir(scratch);
	if (!d)
		return;
	while ((entry = readdir(d)))
		unlinkat(dirfd(d), entry->d_name, 0);
	closedir(d);
	rmdir(scratch);
}

void fail(enum exit_code code, const char *format, ...)
{
	va_list arguments;

	fputs("mkupdate: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit((int)code);
}

void *must_alloc(size_t count, size_t size)
{
	void *p = calloc(count ? count : 1, size ? size : 1);

	if (!p)
		fail(EXIT_SYSTEM, "out of memory");
	return p;
}

void *must_grow(void *old, size_t count, size_t size)
{
	void *p = reallocarray(old, count ? count : 1, size);

	if (!p)
		fail(EXIT_SYSTEM, "out of memory");
	return p;
}

char *must_copy(const char *s)
{
	char *p = strdup(s);

	if (!p)
		fail(EXIT_SYSTEM, "out of memory");
	return p;
}

static char *must_vprint(const char *format, va_list arguments)
{
	char *p;

	if (vasprintf(&p, format, arguments) < 0)
		fail(EXIT_SYSTEM, "out of memory");
	return p;
}

char *must_print(const char *format, ...)
{
	va_list arguments;
	char *p;

	va_start(arguments, format);
	p = must_vprint(format, arguments);
	va_end(arguments);
	return p;
}

void buffer_add(struct buffer *b, const void *data, size_t size)
{
	if (b->capacity - b->size < size) {
		b->capacity = (b->size + size) * 2;
		b->data = must_grow(b->data, b->capacity, 1);
	}
	if (size > 0)
		memcpy(b->data + b->size, data, size);
	b->size += size;
}

void buffer_print(struct buffer *b, const char *format, ...)
{
	va_list arguments;
	char *p;

	va_start(arguments, format);
	p = must_vprint(format, arguments);
	va_end(arguments);
	buffer_add(b, p, strlen(p));
	free(p);
}

void buffer_add_c_bytes(struct buffer *b, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		buffer_print(b, i % 16 == 15 ? "0x%02x,\n" : "0x%02x, ", data[i]);
	buffer_add(b, "\n", 1);
}

void buffer_free(struct buffer *b)
{
	free(b->data);
	*b = (struct buffer){0};
}

#define FILE_MAX (256u << 20) /* larger than any program or update; a device has no end */

struct buffer file_read(const char *path, enum exit_code code)
{
	struct buffer b = {0};
	uint8_t chunk[65536];
	size_t got;
	FILE *f = fopen(path, "rb");

	if (!f)
		fail(code, "cannot open %s: %s", path, strerror(errno));
	while ((got = fread(chunk, 1, sizeof(chunk), f)) > 0) {
		if (b.size + got > FILE_MAX)
			fail(code, "%s is larger than %u MiB: neither a program nor an update", path, FILE_MAX >> 20);
		buffer_add(&b, chunk, got);
	}
	if (ferror(f))
		fail(code, "cannot read %s: %s", path, strerror(errno));
	fclose(f);
	return b;
}

void file_write(const char *path, const void *data, size_t size, unsigned int mode)
{
	char *temporary = must_print("%s.XXXXXX", path);
	const uint8_t *at = data;
	int fd = mkstemp(temporary);

	if (fd < 0)
		fail(EXIT_SYSTEM, "cannot write %s: %s", path, strerror(errno));
	while (size > 0) {
		ssize_t put = write(fd, at, size);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0) {
			int error = errno;

			unlink(temporary);
			fail(EXIT_SYSTEM, "cannot write %s: %s", path, strerror(error));
		}
		at += put;
		size -= (size_t)put;
	}
	if (fchmod(fd, mode) != 0 || close(fd) != 0 || rename(temporary, path) != 0) {
		int error = errno;

		unlink(temporary);
		fail(EXIT_SYSTEM, "cannot write %s: %s", path, strerror(error));
	}
	free(temporary);
}

const char *scratch_directory(void)
{
	const char *base = getenv("TMPDIR");

	if (scratch)
		return scratch;
	scratch = must_print("%s/mkupdate.XXXXXX", base && *base ? base : "/tmp");
	if (!mkdtemp(scratch)) {
		char *name = scratch;

		scratch = NULL;
		fail(EXIT_SYSTEM, "cannot make a temporary directory %s: %s", name, strerror(errno));
	}
	atexit(scratch_remove);
	return scratch;
}

char *scratch_path(const char *name)
{
	return must_print("%s/%s", scratch_directory(), name);
}

void arguments_add(struct arguments *a, const char *word)
{
	a->word = must_grow(a->word, a->count + 2, sizeof(*a->word));
	a->word[a->count++] = must_copy(word);
	a->word[a->count] = NULL;
}

void arguments_print(struct arguments *a, const char *format, ...)
{
	va_list arguments;
	char *word;

	va_start(arguments, format);
	word = must_vprint(format, arguments);
	va_end(arguments);
	arguments_add(a, word);
	free(word);
}

void run_program(const struct arguments *a, enum exit_code code, const char *what)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int status;
	int error;

	fflush(NULL);
	if (posix_spawn_file_actions_init(&actions) != 0 ||
	    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) != 0)
		fail(EXIT_SYSTEM, "out of memory");
	error = posix_spawnp(&pid, a->word[0], &actions, NULL, a->word, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (error)
		fail(EXIT_SYSTEM, "cannot start %s: %s", a->word[0], strerror(error));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			fail(EXIT_SYSTEM, "cannot wait for %s: %s", a->word[0], strerror(errno));
	if (WIFSIGNALED(status))
		fail(code, "%s: %s was ended by signal %d", what, a->word[0], WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		fail(code, "%s: %s failed with exit code %d", what, a->word[0], WEXITSTATUS(status));
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool hex_parse(const char *text, uint8_t *to, size_t size)
{
	if (strlen(text) != size * 2)
		return false;
	for (size_t i = 0; i < size; i++) {
		int high = hex_digit(text[2 * i]);
		int low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		to[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

char *hex_print(char *to, const uint8_t *from, size_t size)
{
	for (size_t i = 0; i < size; i++)
		sprintf(to + 2 * i, "%02x", from[i]);
	to[2 * size] = '\0';
	return to;
}
