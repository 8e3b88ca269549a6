/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * parse.h - numbers and times as people write them. For the programs of this tree, not part of the library's interface.
 */
#ifndef LIBRAVELIN_PARSE_H
#define LIBRAVELIN_PARSE_H

#include <stdbool.h>
#include <stdint.h>

/** A whole unsigned number. @return false: it is not one, or above max */
bool parse_number(const char *text, uint64_t max, uint64_t *value);
/**
 * A deadline in microseconds: a number with us, ms or s behind it; without unit it is milliseconds.
 * @return false: it is not one, or above RV_UPDATE_MAX_DEADLINE_US, which Ravelin refuses
 */
bool parse_deadline(const char *text, uint64_t *microseconds);

/** A PCI function, BUS:DEV.FN as lspci prints it, also with the segment 0000 before it. @return false: it is not one */
bool parse_function(const char *text, uint32_t *source_id);

#endif
