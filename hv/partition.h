/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * partition.h - the partition table: the one record of who owns which physical extent.
 *
 * Every byte of the physical address space lies in exactly one row; rows are sorted by base. EPT and FIMCE page tables are
 * derived from the rows, and the audit proves that they grant nothing else. Every change has two phases: prepare may fail
 * and changes nothing, commit cannot fail. Callers hold the hypervisor lock.
 */
#ifndef HV_PARTITION_H
#define HV_PARTITION_H

#include <hv/address.h>

#define OWNER_GUEST 1u
#define OWNER_HYPERVISOR 2u
#define OWNER_POOL_FREE 3u
#define OWNER_FIMCE(id) (0x10000u | (id))
#define OWNER_SNAPSHOT(id) (0x20000u | (id))

#define PERM_NONE 0u
#define PERM_R 1u
#define PERM_W 2u
#define PERM_X 4u
#define PERM_RWX 7u

struct row {
	uint64_t base; /* physical, 4096-aligned */
	uint64_t size; /* bytes, multiple of 4096 */
	uint64_t logical; /* address at which the owner or the sharer sees it, 0 = same as base */
	uint32_t owner; /* OWNER_* */
	/* Id of the FIMCE that may access it as well, 0 = none, SHARED_ALL = every FIMCE (read, execute). */
	uint16_t shared;
	uint8_t perm; /* PERM_* of the owner */
	uint8_t isolated; /* 1: taken from the guest for the time of an update, and to be given back */
};
#define SHARED_ALL 0xffffu
#define SHARED_GUEST 0xfffeu /* the guest, at the address in logical: in the place of registers (device.h) */

struct partition {
	struct row *row;
	uint32_t count;
	uint32_t capacity;
	uint32_t reserved; /* rows promised to prepared transitions */
};

/** A change that was prepared. Only partition_prepare fills it. */
struct transition {
	uint64_t base;
	uint64_t size;
};

/** Makes a table of one guest row that covers [0, limit). capacity: number of rows at storage, at least 8. */
void partition_init(struct partition *p, struct row *storage, uint32_t capacity, uint64_t limit);

/** The row that holds pa; NULL beyond the limit. */
const struct row *partition_find(const struct partition *p, pa_t pa);

/**
 * Prepares a change of [base, base + size): all of it must belong to owner, not be shared and not be isolated.
 * @return 0; -RV_EACCES if a part belongs to another or is lent out; -RV_ENOSPC if the table could become too full.
 */
int partition_prepare(struct partition *p, struct transition *t, pa_t base, uint64_t size, uint32_t owner);

/** Carries a prepared change out: the extent becomes one row like *to, whose base and size do not matter. Cannot fail. The
 * transition is used up. */
void partition_commit(struct partition *p, struct transition *t, const struct row *to);

/** Changes the state of a row that begins at base and was made by a commit with shared != 0 (such rows are never merged).
 * Cannot fail. */
void partition_change(struct partition *p, pa_t base, const struct row *to);

/** Prepares and commits at once. Errors as partition_prepare. */
int partition_take(struct partition *p, pa_t base, uint64_t size, uint32_t owner, const struct row *to);

/** Gives a prepared change up. */
void partition_cancel(struct partition *p, struct transition *t);

/**
 * Finds a run of free pool pages, lowest address first, and gives it to owner. They are zero: the front end has seen to
 * that (ravelin/launch.h), and after it partition_release.
 * @param pages number of 4096-byte pages, at least 1
 * @return 0; -RV_ENOMEM if no run is long enough; -RV_ENOSPC if the table is full.
 */
int partition_allocate(struct partition *p, uint32_t pages, uint32_t owner, pa_t *base);

/** Scrubs [base, base + size) of a pool owner and gives it back to the free pool. Cannot fail. */
void partition_release(struct partition *p, pa_t base, uint64_t size);

/** Joins neighbours that are alike. */
void partition_merge(struct partition *p);

/** Bytes that the owner holds. */
uint64_t partition_bytes(const struct partition *p, uint32_t owner);

#endif
