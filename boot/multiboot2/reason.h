/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reason.h - the hypervisor's refusal as a sentence.
 */
#ifndef BOOT_REASON_H
#define BOOT_REASON_H

#include "text.h"

/**
 * Writes the sentence of reason @id into @buffer of @size bytes; $0 and $1 in it become the values, in hexadecimal.
 * Further values do not come with a refusal: $2 to $4 become "(not given)".
 */
void reason_format(char *buffer, size_t size, uint32_t id, uint64_t value0, uint64_t value1);

#endif
