/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ept.h - the guest's extended page tables: one to one, derived from the partition table.
 *
 * Callers hold the hypervisor lock. Changes that take rights away need percpu_flush_ept() before they hold for all CPUs, and
 * vtd_flush_dma() before they hold for devices: remapping units walk the same tables (hv/vtd/vtd.h).
 */
#ifndef HV_VMX_EPT_H
#define HV_VMX_EPT_H

#include <hv/address.h>
#include <hv/partition.h>
#include <hv/vtd/vtd.h>
#include <ravelin/launch.h>

#define EPT_R (1ull << 0)
#define EPT_W (1ull << 1)
#define EPT_X (1ull << 2)
#define EPT_RWX 7ull
#define EPT_TYPE_SHIFT 3
#define EPT_LARGE (1ull << 7)
#define EPT_ADDRESS 0x000ffffffffff000ull
#define EPT_LEVELS 4
#define EPT_ADDRESS_BITS 48u

struct ept {
	pa_t root;
	struct partition *partition; /* rows to derive from */
	const struct rv_launch_types *types;
	bool large_1g;
	bool small_pages; /* no large pages at all: a remapping unit has none */
	struct vtd *vtd; /* whose units, if there are any, walk these tables, too: pages for tables come from there */
	uint64_t eptp;
};

/**
 * Builds the tables for [0, limit): what the guest owns is mapped with its row's permissions, its memory type and the
 * largest pages that fit; all else is absent.
 * @return 0, or -RV_ENOMEM if the pool has no page for a table.
 */
int ept_build(struct ept *ept, uint64_t limit);

/** Maps the 2 MiB (or, if need be, 4 KiB) page around an address above the built limit. Errors as ept_build. */
int ept_fill(struct ept *ept, gpa_t gpa);

/**
 * Makes sure that gpa is mapped by an entry of its own for 4096 bytes, splitting larger ones into equal parts, so that
 * ept_set cannot fail. Rights stay as they are.
 * @return 0, or -RV_ENOMEM.
 */
int ept_prepare(struct ept *ept, gpa_t gpa);

/** Sets the rights of one prepared 4096-byte page: PERM_* of partition.h; PERM_NONE takes it away. Cannot fail. */
void ept_set(struct ept *ept, gpa_t gpa, uint8_t perm);

/** As ept_set, but what the guest sees there is another page: the registers of a virtual device. Not one to one: the audit and
 * the rows have to know. */
void ept_alias(struct ept *ept, gpa_t gpa, pa_t page, uint8_t perm);

/** If the 2 MiB around gpa are all the guest's, alike and mapped by 4 KiB entries: one large entry again. The caller
 * flushes, then releases the table that is returned in *table (v = 0: nothing was merged). */
void ept_merge(struct ept *ept, gpa_t gpa, pa_t *table);

#endif
