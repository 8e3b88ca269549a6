/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reason.c - refusals as sentences.
 */
#include "reason.h"

#include <ravelin/reason.h>

static const char *reason_sentence(uint32_t id)
{
	switch (id) {
#define REASON_CASE(number, name, text)                                                                                \
	case RV_REASON_##name:                                                                                         \
		return text;
		RV_REASONS(REASON_CASE)
#undef REASON_CASE
	default:
		return "unknown reason; boot stub and hypervisor are not from the same build";
	}
}

void reason_expand(char *buffer, size_t size, const char *sentence, uint64_t value0, uint64_t value1)
{
	size_t used = 0;

	for (const char *s = sentence; *s && used < size - 1; s++) {
		if ((s[0] == '$' || s[0] == '#') && s[1] >= '0' && s[1] <= '4') {
			bool hexadecimal = *s++ == '$';
			uint64_t value = *s == '0' ? value0 : value1;

			if (*s > '1')
				used += text_format(buffer + used, size - used, "(not given)");
			else if (hexadecimal)
				used += text_format(buffer + used, size - used, "0x%llx", (unsigned long long)value);
			else
				used += text_format(buffer + used, size - used, "%llu", (unsigned long long)value);
		} else {
			buffer[used++] = *s;
		}
	}
	buffer[used] = 0;
}

void reason_format(char *buffer, size_t size, uint32_t id, uint64_t value0, uint64_t value1)
{
	reason_expand(buffer, size, reason_sentence(id), value0, value1);
}
