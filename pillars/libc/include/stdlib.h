/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stdlib.h - what exists of C11, 7.22, inside a FIMCE: no allocation, no environment.
 */
#ifndef PILLARS_LIBC_STDLIB_H
#define PILLARS_LIBC_STDLIB_H

#include <stddef.h>

/** Ends the FIMCE by an invalid instruction: it is DEAD with RV_CAUSE_EXCEPTION, vector 6. */
_Noreturn void abort(void);

#endif
