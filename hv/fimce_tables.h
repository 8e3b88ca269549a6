/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fimce_tables.h - the fixed page table of a FIMCE, and the second-level table of its devices. Their pages are in the control
 * extent, which no FIMCE maps.
 */
#ifndef HV_FIMCE_TABLES_H
#define HV_FIMCE_TABLES_H

#include <hv/fimce.h>

#define FIMCE_PTE_R (1ull | 1ull << 63)
#define FIMCE_PTE_RX 1ull
#define FIMCE_PTE_RW (1ull | 2ull | 1ull << 63)
#define FIMCE_PTE_NONE 0ull
#define FIMCE_PTE_DEVICE (FIMCE_PTE_RW | 3ull << 3) /* uncacheable: PCD and PWT select entry 3 of the PAT */

/** Number of table pages that a FIMCE with this load area, its list of target pages, its grants and its bar_bytes needs at most. */
uint32_t fimce_tables_count(const struct fimce *f, uint32_t load_pages);

/** Maps pages at va, or changes what is there. The tables suffice by fimce_tables_count. flags: FIMCE_PTE_*. */
void fimce_tables_map(struct fimce *f, uint64_t va, pa_t pa, uint32_t pages, uint64_t flags);

/** As fimce_tables_map, for what the FIMCE's devices may reach: RV_FIMCE_DMA(va). flags: FIMCE_PTE_R or _RW, whose bits mean the same
 * in a second-level table (VT-d 9.8: bit 63 is ignored there). f->dma becomes its top. */
void fimce_tables_map_dma(struct fimce *f, uint64_t va, pa_t pa, uint32_t pages, uint64_t flags);

/** Shows it what root mode sees, read-only: RV_HV_DIRECT_MAP and the hypervisor image. */
void fimce_tables_view(struct fimce *f);

/** The two entries that do that. level: 4 (of the direct map), or 3 (of the image); in the last, upper one of each address's table. */
uint64_t fimce_tables_view_entry(int level);

#endif
