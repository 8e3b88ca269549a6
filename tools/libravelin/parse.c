// SPDX-License-Identifier: GPL-2.0-only
/*
 * parse.c - see parse.h.
 */
#include "parse.h"

#include <errno.h>
#include <ravelin/abi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool parse_number(const char *text, uint64_t max, uint64_t *value)
{
	unsigned long long number;
	char *end;

	/* strtoull would take signs and leading blanks. */
	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	number = strtoull(text, &end, 0);
	if (errno != 0 || *end != '\0' || number > max)
		return false;
	*value = number;
	return true;
}

bool parse_deadline(const char *text, uint64_t *microseconds)
{
	static const struct {
		const char *name;
		uint64_t factor;
	} units[] = {{"", 1000}, {"us", 1}, {"ms", 1000}, {"s", 1000000}};
	unsigned long long number;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno != 0)
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].name) == 0 && number <= RV_UPDATE_MAX_DEADLINE_US / units[i].factor) {
			*microseconds = number * units[i].factor;
			return true;
		}
	}
	return false;
}

bool parse_function(const char *text, uint32_t *source_id)
{
	unsigned int bus, device, function;
	int end = 0;

	if (strncmp(text, "0000:", 5) == 0)
		text += 5;
	/* The width keeps signs and leading blanks out only together with the set of characters. */
	if (strspn(text, "0123456789abcdefABCDEF:.") != strlen(text) ||
	    sscanf(text, "%2x:%2x.%1x%n", &bus, &device, &function, &end) != 3 || text[end] != '\0' || device > 31 ||
	    function > 7)
		return false;
	*source_id = bus << 8 | device << 3 | function;
	return true;
}
