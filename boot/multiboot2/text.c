/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * text.c - formatted text in fixed buffers.
 */
#include "text.h"

struct sink {
	char *at;
	size_t left; /* room, the NUL not counted */
};

static void sink_put(struct sink *sink, char c)
{
	if (sink->left) {
		*sink->at++ = c;
		sink->left--;
	}
}

static void sink_number(struct sink *sink, unsigned long long value, unsigned int base, unsigned int width, char pad)
{
	char digits[24];
	unsigned int count = 0;

	do {
		digits[count++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	for (; width > count; width--)
		sink_put(sink, pad);
	while (count)
		sink_put(sink, digits[--count]);
}

static void sink_string(struct sink *sink, const char *string, size_t limit)
{
	for (; limit && *string; limit--)
		sink_put(sink, *string++);
}

size_t text_vformat(char *buffer, size_t size, const char *format, va_list arguments)
{
	struct sink sink = {.at = buffer, .left = size - 1};

	for (const char *f = format; *f; f++) {
		size_t limit = SIZE_MAX;
		unsigned int width = 0;
		unsigned int longs = 0;
		char pad = ' ';

		if (*f != '%') {
			sink_put(&sink, *f);
			continue;
		}
		f++;
		if (*f == '0')
			pad = *f++;
		for (; *f >= '0' && *f <= '9'; f++)
			width = width * 10 + (unsigned int)(*f - '0');
		if (f[0] == '.' && f[1] == '*') {
			int precision = va_arg(arguments, int);

			limit = precision < 0 ? 0 : (size_t)precision;
			f += 2;
		}
		for (; *f == 'l'; f++)
			longs++;
		if (*f == 's') {
			sink_string(&sink, va_arg(arguments, const char *), limit);
		} else if (*f == 'c') {
			sink_put(&sink, (char)va_arg(arguments, int));
		} else if (*f == 'd') {
			int value = va_arg(arguments, int);

			if (value < 0)
				sink_put(&sink, '-');
			sink_number(&sink, value < 0 ? 0u - (unsigned int)value : (unsigned int)value, 10, width, pad);
		} else if (*f == 'u' || *f == 'x') {
			unsigned long long value;

			if (longs >= 2)
				value = va_arg(arguments, unsigned long long);
			else if (longs)
				value = va_arg(arguments, unsigned long);
			else
				value = va_arg(arguments, unsigned int);
			sink_number(&sink, value, *f == 'x' ? 16 : 10, width, pad);
		} else {
			sink_put(&sink, *f);
			if (!*f)
				break;
		}
	}
	*sink.at = 0;
	return (size_t)(sink.at - buffer);
}

size_t text_format(char *buffer, size_t size, const char *format, ...)
{
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	length = text_vformat(buffer, size, format, arguments);
	va_end(arguments);
	return length;
}

bool text_fail(struct boot_error *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	text_vformat(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	text_clean(error->text);
	return false;
}

bool text_equals(const char *text, size_t length, const char *word)
{
	size_t i = 0;

	for (; i < length && word[i]; i++) {
		if (text[i] != word[i])
			return false;
	}
	return i == length && !word[i];
}

size_t text_length(const char *text, size_t length)
{
	size_t i = 0;

	while (i < length && text[i])
		i++;
	return i;
}

void text_clean(char *text)
{
	for (; *text; text++) {
		if (*text < ' ' || *text > '~')
			*text = '?';
	}
}
