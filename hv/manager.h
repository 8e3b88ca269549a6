/* SPDX-License-Identifier: GPL-2.0-only */
/* manager.h - the manager's binary and its digest, embedded by manager.S. */
#ifndef HV_MANAGER_H
#define HV_MANAGER_H

#include <ravelin/fimce.h>

#define RAVELIN_VERSION "0.1"

extern const struct rv_manager_header manager_start; /* 4096-aligned; text, then read-only data, then data */
extern const uint8_t manager_digest[RV_DIGEST_SIZE];

#endif
