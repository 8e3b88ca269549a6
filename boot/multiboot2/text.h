/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * text.h - formatted text in fixed buffers, and the sentence that a failing step hands up to its caller.
 */
#ifndef BOOT_TEXT_H
#define BOOT_TEXT_H

#include <stdarg.h>

#include "bytes.h"

#define BOOT_SENTENCE_MAX 320

/** Why a step failed: one sentence for the user, without a full stop. */
struct boot_error {
	char text[BOOT_SENTENCE_MAX];
};

/**
 * Formats like vsnprintf, for %s %.*s %c %d %u %x %lu %lx %llu %llx %%, with a field width and zero padding for numbers.
 * @size: of @buffer, at least 1. The result is always NUL-terminated and is cut at @size - 1 characters.
 * Returns the number of characters written, without the NUL.
 */
size_t text_vformat(char *buffer, size_t size, const char *format, va_list arguments);

/** As text_vformat(). */
size_t text_format(char *buffer, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** Puts the sentence into @error and returns false, so that a step can end with "return text_fail(...)". */
bool text_fail(struct boot_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** True if the @length characters at @text are exactly the string @word. */
bool text_equals(const char *text, size_t length, const char *word);

/**
 * Length of the string at @text without its NUL: the NUL, or the end at @length characters, ends it.
 */
size_t text_length(const char *text, size_t length);

/** Replaces what could disturb a terminal (control and 8-bit characters) by '?' in the NUL-terminated @text. */
void text_clean(char *text);

#endif
