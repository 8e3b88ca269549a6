/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tables.h - root mode's page tables. For all front ends: pure functions, which know where things will be, and write where the caller says.
 */
#ifndef BOOT_TABLES_H
#define BOOT_TABLES_H

#include <ravelin/launch.h>

#ifndef __KERNEL__
#include <stdbool.h>
#include <stddef.h>
#endif

/** The size of the tables for @launch, whose RAM is filled in: a multiple of 4096, at most 2 MiB and 32 KiB. */
uint64_t tables_bytes(const struct rv_launch *launch);

/**
 * Builds the tables that are to lie at launch->pool_base + header->memory_bytes: the image at RV_HV_BASE, writable or executable and never
 * both; all memory up to the end of RAM, and 4 GiB at least, at RV_HV_DIRECT_MAP, not executable; and the trampoline at its own
 * address, to read and execute.
 * @tables: where that memory is for the caller: tables_bytes(launch) bytes, zero.
 * @header: checked by the front end: its sizes are in order.
 * Returns false if the image is too large for one table of the last level, or there is RAM beyond 512 GiB.
 */
bool tables_build(const struct rv_launch *launch, const struct rv_hv_header *header, uint64_t *tables);

#endif
