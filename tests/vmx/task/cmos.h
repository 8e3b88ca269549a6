/* SPDX-License-Identifier: GPL-2.0-only */
/* cmos.h - what guest and task of the device test agree on. */
#ifndef VMX_TASK_CMOS_H
#define VMX_TASK_CMOS_H

#define CMOS_INDEX 0x70u
#define CMOS_DATA 0x71u
#define CMOS_PORTS 2u
#define CMOS_AT 0x5eu /* a byte that no firmware uses */
#define CMOS_GUEST 0x3cu
#define CMOS_LOST 0x11u
#define CMOS_TASK 0xa7u

#endif
