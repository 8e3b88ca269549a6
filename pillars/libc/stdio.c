/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stdio.c - vsnprintf and snprintf inside a FIMCE: see include/stdio.h for the conversions.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/** Where the output goes; counts on beyond the end, as C11, 7.21.6.5, wants. */
struct sink {
	char *to;
	size_t size;
	size_t used;
};

/** One conversion specification. */
struct spec {
	bool left; /* '-' */
	bool zero; /* '0' */
	bool alternative; /* '#' */
	char sign; /* '+', ' ' or 0: what a positive number begins with */
	size_t width;
	bool has_precision;
	size_t precision;
	unsigned int bytes; /* size of the integer argument */
};

static void stdio_put(struct sink *s, char c)
{
	if (s->used + 1 < s->size)
		s->to[s->used] = c;
	s->used++;
}

static void stdio_put_many(struct sink *s, char c, size_t count)
{
	while (count-- > 0)
		stdio_put(s, c);
}

static void stdio_put_text(struct sink *s, const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		stdio_put(s, text[i]);
}

/** Puts prefix and text into the field: spaces, prefix, zeros, text, spaces. */
static void stdio_put_field(struct sink *s, const struct spec *f, const char *prefix, size_t zeros, const char *text,
			    size_t size)
{
	size_t length = strlen(prefix) + zeros + size;
	size_t pad = f->width > length ? f->width - length : 0;

	if (f->zero && !f->left) {
		zeros += pad;
		pad = 0;
	}
	if (!f->left)
		stdio_put_many(s, ' ', pad);
	for (; *prefix != '\0'; prefix++)
		stdio_put(s, *prefix);
	stdio_put_many(s, '0', zeros);
	stdio_put_text(s, text, size);
	if (f->left)
		stdio_put_many(s, ' ', pad);
}

static void stdio_put_number(struct sink *s, struct spec *f, uint64_t value, unsigned int base, bool upper,
			     const char *prefix)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[20] = "";
	size_t at = sizeof(text);
	size_t zeros = 0;

	for (uint64_t rest = value; rest > 0; rest /= base)
		text[--at] = digits[rest % base];
	if (value == 0 && !(f->has_precision && f->precision == 0))
		text[--at] = '0';
	if (f->has_precision) {
		f->zero = false;
		if (f->precision > sizeof(text) - at)
			zeros = f->precision - (sizeof(text) - at);
	}
	stdio_put_field(s, f, prefix, zeros, text + at, sizeof(text) - at);
}

static void stdio_put_signed(struct sink *s, struct spec *f, int64_t value)
{
	char prefix[2] = {f->sign, '\0'};
	uint64_t magnitude = (uint64_t)value;

	if (value < 0) {
		prefix[0] = '-';
		magnitude = 0 - magnitude;
	}
	stdio_put_number(s, f, magnitude, 10, false, prefix);
}

static uint64_t stdio_truncate(uint64_t value, unsigned int bytes)
{
	return bytes >= 8 ? value : value & (((uint64_t)1 << (8 * bytes)) - 1);
}

static int64_t stdio_extend(uint64_t value, unsigned int bytes)
{
	unsigned int shift = 64 - 8 * bytes;

	return (int64_t)(value << shift) >> shift;
}

static const char *stdio_read_flags(struct spec *f, const char *p)
{
	for (;; p++) {
		switch (*p) {
		case '-':
			f->left = true;
			break;
		case '0':
			f->zero = true;
			break;
		case '#':
			f->alternative = true;
			break;
		case '+':
			f->sign = '+';
			break;
		case ' ':
			if (f->sign == 0)
				f->sign = ' ';
			break;
		default:
			return p;
		}
	}
}

static const char *stdio_read_number(const char *p, size_t *value)
{
	*value = 0;
	for (; *p >= '0' && *p <= '9'; p++) {
		/* Wider than any buffer is wide enough; keep the sum from overflowing. */
		if (*value < 1000000)
			*value = *value * 10 + (size_t)(*p - '0');
	}
	return p;
}

static const char *stdio_read_length(struct spec *f, const char *p)
{
	f->bytes = sizeof(int);
	switch (*p) {
	case 'h':
		f->bytes = p[1] == 'h' ? 1 : 2;
		return p[1] == 'h' ? p + 2 : p + 1;
	case 'l':
		f->bytes = 8;
		return p[1] == 'l' ? p + 2 : p + 1;
	case 'z':
	case 'j':
	case 't':
		f->bytes = 8;
		return p + 1;
	default:
		return p;
	}
}

int vsnprintf(char *restrict to, size_t size, const char *restrict format, va_list arguments)
{
	struct sink s = {.to = to, .size = size};
	bool ok = true;

	for (const char *p = format; ok && *p != '\0'; p++) {
		struct spec f = {0};
		uint64_t value;
		char c;
		const char *text;

		if (*p != '%') {
			stdio_put(&s, *p);
			continue;
		}
		p = stdio_read_flags(&f, p + 1);
		if (*p == '*') {
			int width = va_arg(arguments, int);

			f.left |= width < 0;
			f.width = width < 0 ? 0 - (size_t)width : (size_t)width;
			p++;
		} else {
			p = stdio_read_number(p, &f.width);
		}
		if (*p == '.' && p[1] == '*') {
			int precision = va_arg(arguments, int);

			f.has_precision = precision >= 0;
			f.precision = precision >= 0 ? (size_t)precision : 0;
			p += 2;
		} else if (*p == '.') {
			f.has_precision = true;
			p = stdio_read_number(p + 1, &f.precision);
		}
		p = stdio_read_length(&f, p);
		switch (*p) {
		case 'd':
		case 'i':
			value = f.bytes == 8 ? va_arg(arguments, uint64_t) : va_arg(arguments, unsigned int);
			stdio_put_signed(&s, &f, stdio_extend(value, f.bytes));
			break;
		case 'u':
		case 'x':
		case 'X':
			value = f.bytes == 8 ? va_arg(arguments, uint64_t) : va_arg(arguments, unsigned int);
			value = stdio_truncate(value, f.bytes);
			text = "";
			if (f.alternative && value != 0 && *p != 'u')
				text = *p == 'x' ? "0x" : "0X";
			stdio_put_number(&s, &f, value, *p == 'u' ? 10 : 16, *p == 'X', text);
			break;
		case 'p':
			stdio_put_number(&s, &f, (uintptr_t)va_arg(arguments, void *), 16, false, "0x");
			break;
		case 'c':
			c = (char)va_arg(arguments, int);
			f.zero = false;
			stdio_put_field(&s, &f, "", 0, &c, 1);
			break;
		case 's':
			text = va_arg(arguments, const char *);
			if (!text)
				text = "(null)";
			f.zero = false;
			stdio_put_field(&s, &f, "", 0, text,
					f.has_precision ? strnlen(text, f.precision) : strlen(text));
			break;
		case '%':
			stdio_put(&s, '%');
			break;
		default:
			ok = false;
			break;
		}
	}
	if (size > 0)
		to[s.used < size ? s.used : size - 1] = '\0';
	return ok ? (int)s.used : -1;
}

int snprintf(char *restrict to, size_t size, const char *restrict format, ...)
{
	va_list arguments;
	int used;

	va_start(arguments, format);
	used = vsnprintf(to, size, format, arguments);
	va_end(arguments);
	return used;
}
