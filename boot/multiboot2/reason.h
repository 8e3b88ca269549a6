/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reason.h - refusals as sentences: those of the hypervisor, and all that come as a sentence with one value.
 */
#ifndef BOOT_REASON_H
#define BOOT_REASON_H

#include "text.h"

/**
 * Writes @sentence into @buffer of @size bytes; $0 and $1 in it become the values in hexadecimal, #0 and #1 the same in decimal.
 * There are no further values here: those with 2 to 4 become "(not given)".
 */
void reason_expand(char *buffer, size_t size, const char *sentence, uint64_t value0, uint64_t value1);

/**
 * Writes the sentence of reason @id into @buffer of @size bytes, as reason_expand(): two values come with a refusal.
 */
void reason_format(char *buffer, size_t size, uint32_t id, uint64_t value0, uint64_t value1);

#endif
