/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hostile_tsv.h - goes through the preprocessor alone: makes build/tasks/hostile.tsv (name, expected ends, sentence) of
 * the list, so that test scripts read the same list as the task.
 */
#include "hostile_list.h"

#define HOSTILE_NEWLINE(name, function, expected, sentence) ROW name expected sentence ROW_END
HOSTILE_LIST(HOSTILE_NEWLINE)
