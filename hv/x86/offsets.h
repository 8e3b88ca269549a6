/* SPDX-License-Identifier: GPL-2.0-only */
/* offsets.h - what assembly knows of struct percpu; launch.c asserts it. */
#ifndef HV_X86_OFFSETS_H
#define HV_X86_OFFSETS_H

#define PERCPU_ATTENTION 0
#define PERCPU_CPUID_EXITS 0xf8

#endif
