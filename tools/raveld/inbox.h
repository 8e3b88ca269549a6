/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inbox.h - the directory into which updates are put. What lies there came from outside: raveld is root, and opens no link, no
 * FIFO and no device in it, and writes into no file that exists.
 */
#ifndef RAVELD_INBOX_H
#define RAVELD_INBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Opens the directory of a service.
 * @return a file descriptor; -EPERM: it belongs to somebody else than root and us, or others may write to it; or a negative errno
 */
int inbox_open(const char *path);

/** The first envelope (*.suit, no directory) by name. @return false: there is none */
bool inbox_next(int inbox, char *name, size_t size);

/**
 * Reads a file of the directory. Free *data.
 * @param why  receives a sentence on failure
 * @return 0; -EINVAL: it is not a regular file, or too large; or a negative errno
 */
int inbox_read(int inbox, const char *name, size_t max, uint8_t **data, size_t *bytes, char *why, size_t size);

/**
 * Moves a file to a directory inside this one and, unless note is NULL, leaves the note there under its name with .why behind it.
 * What can't be moved is removed: it must not come again.
 * @return 0, also if only the note could not be left; or the negative errno of moving if it could not be removed either
 */
int inbox_away(int inbox, const char *name, const char *directory, const char *note);

#endif
