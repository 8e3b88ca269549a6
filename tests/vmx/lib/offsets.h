/* SPDX-License-Identifier: GPL-2.0-only */
/* offsets.h - places in struct cpu that assembler code knows; checked in cpu.c. */
#ifndef BARE_OFFSETS_H
#define BARE_OFFSETS_H

#define CPU_SELF 0
#define CPU_RECOVERY 8
#define CPU_USER_RSP 16
#define CPU_STACK_TOP 24

#endif
