/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * offset.c - fails to compile when image.S no longer fits the launch structure.
 */
#include <stddef.h>

#include <ravelin/launch.h>
#include <ravelin/reason.h>

_Static_assert(offsetof(struct rv_launch, reason) == 6416, "LAUNCH_REASON in image.S");
_Static_assert(offsetof(struct rv_launch, reason_cpu) == 6420, "LAUNCH_REASON in image.S");
_Static_assert(offsetof(struct rv_launch, reason_value) == 6424, "LAUNCH_REASON in image.S");
_Static_assert(offsetof(struct rv_launch, reason_value2) == 6432, "LAUNCH_REASON in image.S");
_Static_assert(RV_REASON_AP_TIMEOUT == 11 && RV_ETIME == 62, "reasons in image.S");
_Static_assert(RV_HV_MAGIC == 0x3130564856415652ull && RV_ABI_VERSION == 3, "header in image.S");
_Static_assert(RV_HV_BASE == 0xfffffffff0000000ull, "HV_BASE in image.S");
