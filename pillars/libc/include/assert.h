/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * assert.h - C11, 7.2, inside a FIMCE: a failed assertion ends the FIMCE at that place.
 */
#ifndef PILLARS_LIBC_ASSERT_H
#define PILLARS_LIBC_ASSERT_H

#include <stdlib.h>

#define static_assert _Static_assert
#ifdef NDEBUG
#define assert(condition) ((void)0)
#else
#define assert(condition) ((condition) ? (void)0 : abort())
#endif

#endif
