/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * util.h - memory functions (the compiler may call them, too), locks, errno names.
 */
#ifndef HV_UTIL_H
#define HV_UTIL_H

#include <hv/address.h>
#include <ravelin/abi.h>
#include <ravelin/reason.h>

#ifndef HV_HOST_TEST
void *memcpy(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);

/** Copies whole pages; the fastest way the CPU has. Addresses 4096-aligned. */
static inline void copy_pages(void *to, const void *from, uint32_t pages)
{
	size_t words = (size_t)pages * (RV_PAGE_SIZE / 8);

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
}
#endif

/** Why something is refused. */
struct refusal {
	uint32_t reason; /* RV_REASON_* */
	uint64_t value[3]; /* as the reason's sentence uses them */
};

/** A ticket lock: fair, and a waiting CPU reads only. */
struct lock {
	uint32_t next;
	uint32_t owner;
};

void lock_acquire(struct lock *l);
void lock_release(struct lock *l);

#endif
