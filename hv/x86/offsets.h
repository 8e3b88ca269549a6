/* SPDX-License-Identifier: GPL-2.0-only */
/* offsets.h - what assembly knows of struct percpu and struct regs; launch.c asserts it. */
#ifndef HV_X86_OFFSETS_H
#define HV_X86_OFFSETS_H

#define PERCPU_NMI_SEEN 0
#define REGS_LAUNCHED 0x80

#endif
