/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reason.c - the hypervisor's refusal as a sentence.
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

void reason_format(char *buffer, size_t size, uint32_t id, uint64_t value0, uint64_t value1)
{
	size_t used = 0;

	for (const char *s = reason_sentence(id); *s && used < size - 1; s++) {
		if (s[0] == '$' && s[1] >= '0' && s[1] <= '4') {
			s++;
			if (*s <= '1')
				used += text_format(buffer + used, size - used, "0x%llx",
						    (unsigned long long)(*s == '0' ? value0 : value1));
			else
				used += text_format(buffer + used, size - used, "(not given)");
		} else {
			buffer[used++] = *s;
		}
	}
	buffer[used] = 0;
}
