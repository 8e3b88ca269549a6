/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tables.h - root mode's own page tables and descriptor tables.
 */
#ifndef HV_X86_TABLES_H
#define HV_X86_TABLES_H

#include <hv/hv.h>

/**
 * Builds root mode's first page tables inside the image's zero-initialised data: the image at RV_HV_BASE with W^X, and
 * the first 4 GiB at HV_DIRECT_MAP, and the trampoline's page (below 1 MiB) at its own address, to read and execute. Works under the front end's page tables.
 * @return the physical address for CR3.
 */
pa_t tables_build_first(pa_t image, pa_t trampoline_page);

/** Extends the direct map to limit with tables from the pool. @return 0 or -RV_ENOMEM. */
int tables_extend(uint64_t limit);

/** Fills and loads GDT, TSS, IDT and GS base of this CPU. */
void tables_load(struct percpu *cpu);

#endif
