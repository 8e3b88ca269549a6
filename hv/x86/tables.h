/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tables.h - root mode's own descriptor tables.
 */
#ifndef HV_X86_TABLES_H
#define HV_X86_TABLES_H

#include <hv/hv.h>

/** Fills and loads GDT, TSS, IDT and GS base of this CPU. */
void tables_load(struct percpu *cpu);

#endif
