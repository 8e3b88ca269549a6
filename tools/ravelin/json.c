// SPDX-License-Identifier: GPL-2.0-only
/*
 * json.c - see json.h.
 */
#include "json.h"

#include <assert.h>
#include <inttypes.h>

void json_begin(struct json *j, FILE *out)
{
	j->out = out;
	j->depth = 0;
	j->has_member[0] = false;
}

void json_end(struct json *j)
{
	assert(j->depth == 0);
	fputc('\n', j->out);
}

static void text_write(struct json *j, const char *text)
{
	fputc('"', j->out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(j->out, "\\%c", c);
		else if (c < ' ' || c == 0x7f)
			fprintf(j->out, "\\u%04x", c);
		else
			fputc(c, j->out);
	}
	fputc('"', j->out);
}

static void member(struct json *j, const char *key)
{
	if (j->has_member[j->depth])
		fputc(',', j->out);
	if (j->depth > 0)
		fprintf(j->out, "\n%*s", (int)(2 * j->depth), "");
	j->has_member[j->depth] = true;
	if (key) {
		text_write(j, key);
		fputs(": ", j->out);
	}
}

static void open_level(struct json *j, const char *key, char open, char close)
{
	member(j, key);
	fputc(open, j->out);
	assert(j->depth + 1 < JSON_DEPTH);
	j->depth++;
	j->close[j->depth] = close;
	j->has_member[j->depth] = false;
}

void json_object(struct json *j, const char *key)
{
	open_level(j, key, '{', '}');
}

void json_array(struct json *j, const char *key)
{
	open_level(j, key, '[', ']');
}

void json_close(struct json *j)
{
	bool empty = !j->has_member[j->depth];
	char close = j->close[j->depth];

	assert(j->depth > 0);
	j->depth--;
	if (!empty)
		fprintf(j->out, "\n%*s", (int)(2 * j->depth), "");
	fputc(close, j->out);
}

void json_string(struct json *j, const char *key, const char *value)
{
	member(j, key);
	text_write(j, value);
}

void json_number(struct json *j, const char *key, uint64_t value)
{
	member(j, key);
	fprintf(j->out, "%" PRIu64, value);
}

void json_signed(struct json *j, const char *key, int64_t value)
{
	member(j, key);
	fprintf(j->out, "%" PRId64, value);
}

void json_bool(struct json *j, const char *key, bool value)
{
	member(j, key);
	fputs(value ? "true" : "false", j->out);
}

void json_hex(struct json *j, const char *key, uint64_t value)
{
	member(j, key);
	fprintf(j->out, "\"0x%" PRIx64 "\"", value);
}

void json_bytes(struct json *j, const char *key, const uint8_t *bytes, size_t count)
{
	member(j, key);
	fputc('"', j->out);
	for (size_t i = 0; i < count; i++)
		fprintf(j->out, "%02x", bytes[i]);
	fputc('"', j->out);
}
