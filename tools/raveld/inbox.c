// SPDX-License-Identifier: GPL-2.0-only
/*
 * inbox.c - see inbox.h.
 */
#include "inbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".suit"

/** Nobody but root and we may write to it. */
static int directory_check(int directory)
{
	struct stat s;

	if (fstat(directory, &s) != 0)
		return -errno;
	return (s.st_uid == 0 || s.st_uid == geteuid()) && (s.st_mode & (S_IWGRP | S_IWOTH)) == 0 ? 0 : -EPERM;
}

static int directory_open(int at, const char *path, int flags)
{
	int error, directory = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);

	if (directory < 0)
		return -errno;
	error = directory_check(directory);
	if (error) {
		close(directory);
		return error;
	}
	return directory;
}

int inbox_open(const char *path)
{
	/* The path is from the configuration: a link in it is what the administrator wants. */
	return directory_open(AT_FDCWD, path, 0);
}

static bool is_envelope(int inbox, const char *name)
{
	size_t length = strlen(name);
	struct stat s;

	/* A name that begins with a dot is being written. */
	return name[0] != '.' && length > strlen(SUFFIX) && strcmp(name + length - strlen(SUFFIX), SUFFIX) == 0 &&
	       fstatat(inbox, name, &s, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(s.st_mode);
}

bool inbox_next(int inbox, char *name, size_t size)
{
	struct dirent **list;
	bool found = false;
	int n = scandirat(inbox, ".", &list, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		if (!found && is_envelope(inbox, list[i]->d_name)) {
			int used = snprintf(name, size, "%s", list[i]->d_name);

			found = used > 0 && (size_t)used < size;
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return found;
}

static int file_read(int file, size_t max, uint8_t **data, size_t *bytes)
{
	*data = malloc(max + 1);
	*bytes = 0;
	if (!*data)
		return -ENOMEM;
	while (*bytes <= max) {
		ssize_t n = read(file, *data + *bytes, max + 1 - *bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		*bytes += (size_t)n;
	}
	return -EFBIG;
}

int inbox_read(int inbox, const char *name, size_t max, uint8_t **data, size_t *bytes, char *why, size_t size)
{
	/* Without waiting: a FIFO would have us wait for a writer, here and at the end of the program. */
	int error = 0, file = openat(inbox, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat s;

	*data = NULL;
	*bytes = 0;
	if (file < 0) {
		error = -errno;
		snprintf(why, size, "%s",
			 error == -ELOOP ? "it is a symbolic link; links are not followed" : strerror(-error));
		return error == -ELOOP ? -EINVAL : error;
	}
	if (fstat(file, &s) != 0 || !S_ISREG(s.st_mode)) {
		error = -EINVAL;
		snprintf(why, size, "it is not a regular file");
	} else {
		error = file_read(file, max, data, bytes);
		if (error == -EFBIG) {
			error = -EINVAL;
			snprintf(why, size, "it is larger than %zu bytes", max);
		} else if (error) {
			snprintf(why, size, "it can't be read: %s", strerror(-error));
		}
	}
	if (error) {
		free(*data);
		*data = NULL;
	}
	close(file);
	return error;
}

static void note_leave(int directory, const char *name, const char *note)
{
	char path[NAME_MAX + 8];
	int file;

	snprintf(path, sizeof(path), "%.255s.why", name);
	/* Whatever has this name goes; what is written is a new file of ours. */
	unlinkat(directory, path, 0);
	file = openat(directory, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
	if (file < 0)
		return;
	dprintf(file, "%s\n", note);
	close(file);
}

int inbox_away(int inbox, const char *name, const char *directory, const char *note)
{
	int to, error = 0;

	if (mkdirat(inbox, directory, 0755) != 0 && errno != EEXIST)
		error = -errno;
	to = error ? error : directory_open(inbox, directory, O_NOFOLLOW);
	if (to < 0)
		error = to;
	else if (renameat(inbox, name, to, name) != 0)
		error = -errno;
	else if (note)
		note_leave(to, name, note);
	if (to >= 0)
		close(to);
	return error == 0 || unlinkat(inbox, name, 0) == 0 ? 0 : error;
}
