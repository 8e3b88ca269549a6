/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * string.h - the memory and string functions of C11, 7.24, that exist inside a FIMCE, with their standard meaning.
 *
 * Stands in for the host's <string.h> where FIMCE code is compiled; the same sources use the host's own in unit tests.
 */
#ifndef PILLARS_LIBC_STRING_H
#define PILLARS_LIBC_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
void *memchr(const void *in, int byte, size_t size);

size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t max);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strncpy(char *restrict to, const char *restrict from, size_t size);
char *strstr(const char *in, const char *what);

#endif
