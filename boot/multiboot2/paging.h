/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * paging.h - the stub's page tables: identity map of low memory, and the hypervisor at RV_HV_BASE.
 */
#ifndef BOOT_PAGING_H
#define BOOT_PAGING_H

#include <stdint.h>

/**
 * Maps more than the 4 GiB that the entry code maps, if the CPU has 1 GiB pages.
 * Returns the physical address behind the identity map.
 */
uint64_t paging_extend(void);

/**
 * Maps @bytes from physical address @base (2 MiB aligned) at RV_HV_BASE: readable, writable, executable.
 * @bytes: at most 256 MiB; rounded up to 2 MiB.
 */
void paging_map_hypervisor(uint64_t base, uint64_t bytes);

#endif
