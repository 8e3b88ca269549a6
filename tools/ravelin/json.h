/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * json.h - writes JSON. Commas, nesting and quoting are taken care of; the caller closes what it opens.
 *
 * key is NULL inside an array. Addresses and other 64-bit patterns go out as strings in hexadecimal, because many readers keep
 * numbers as floating point; counters go out as numbers.
 */
#ifndef RAVELIN_TOOL_JSON_H
#define RAVELIN_TOOL_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_DEPTH 16u

struct json {
	FILE *out;
	unsigned int depth;
	char close[JSON_DEPTH]; /* what closes each open level */
	bool has_member[JSON_DEPTH];
};

void json_begin(struct json *j, FILE *out);
/** Ends the document with a line feed. */
void json_end(struct json *j);
void json_object(struct json *j, const char *key);
void json_array(struct json *j, const char *key);
/** Closes the object or array that was opened last. */
void json_close(struct json *j);
void json_string(struct json *j, const char *key, const char *value);
void json_number(struct json *j, const char *key, uint64_t value);
void json_signed(struct json *j, const char *key, int64_t value);
void json_bool(struct json *j, const char *key, bool value);
void json_hex(struct json *j, const char *key, uint64_t value);
void json_bytes(struct json *j, const char *key, const uint8_t *bytes, size_t count);

#endif
