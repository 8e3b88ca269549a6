/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * types.h - integer types for every user of the ABI.
 *
 * The ABI headers are read by the hypervisor, by FIMCE code, by a Linux module and by host tools. They use the C99
 * exact-width names only; Linux gives those in <linux/types.h>, everyone else in <stdint.h>.
 */
#ifndef RAVELIN_TYPES_H
#define RAVELIN_TYPES_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

#define RV_PAGE_SIZE 4096u
#define RV_PAGE_SHIFT 12
#define RV_DIGEST_SIZE 32u /* SHA-256 */

#endif
