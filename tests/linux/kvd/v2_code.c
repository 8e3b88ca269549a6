// SPDX-License-Identifier: GPL-2.0-only
/*
 * v2_code.c - the new code of version 2 under other names, for the unit test.
 */
#include "v2_names.h"

#include "update-v2/new.c" /* NOLINT(bugprone-suspicious-include): new.c under other names */
