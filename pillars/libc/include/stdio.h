/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stdio.h - formatted output into memory, the only part of C11, 7.21, that exists inside a FIMCE.
 *
 * Conversions: d i u x X c s p %, with the flags '-', '0', '+', ' ', '#', width and precision (numbers or '*'), and the
 * lengths hh h l ll z j t. No floats, no %n: both end the output there and return -1.
 */
#ifndef PILLARS_LIBC_STDIO_H
#define PILLARS_LIBC_STDIO_H

#include <stdarg.h>
#include <stddef.h>

int vsnprintf(char *restrict to, size_t size, const char *restrict format, va_list arguments)
    __attribute__((format(printf, 3, 0)));
int snprintf(char *restrict to, size_t size, const char *restrict format, ...) __attribute__((format(printf, 3, 4)));

#endif
