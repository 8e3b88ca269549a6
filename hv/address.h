/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * address.h - one type per kind of address, so that mixing them up does not compile.
 *
 * The guest's memory is mapped one to one, so a guest-physical address of memory that the guest owns is numerically its
 * physical address: hypercall_is_guest_ram() has to have said so before one is turned into the other.
 */
#ifndef HV_ADDRESS_H
#define HV_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <ravelin/launch.h>

typedef struct {
	uint64_t v;
} pa_t; /* physical */

typedef struct {
	uint64_t v;
} gpa_t; /* guest-physical */

static inline pa_t pa_make(uint64_t v)
{
	return (pa_t){v};
}

static inline pa_t pa_add(pa_t a, uint64_t bytes)
{
	return (pa_t){a.v + bytes};
}

static inline gpa_t gpa_make(uint64_t v)
{
	return (gpa_t){v};
}

#define PAGE_MASK (~(uint64_t)(RV_PAGE_SIZE - 1))
#define SIZE_2M (1ull << 21)
#define SIZE_1G (1ull << 30)

static inline uint64_t page_align_up(uint64_t v)
{
	return (v + RV_PAGE_SIZE - 1) & PAGE_MASK;
}

/** The virtual address at which root mode sees physical memory. On the host, tests supply it over an array. */
#ifndef HV_HOST_TEST
static inline void *pa_pointer(pa_t a)
{
	return (void *)(RV_HV_DIRECT_MAP + a.v);
}
#endif

#endif
