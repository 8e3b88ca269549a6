/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mtrr.h - memory types from the MTRRs (Intel SDM vol. 3, 12.11), as ranges for the hypervisor. For all front ends: registers are
 * read only through a function of the caller.
 */
#ifndef BOOT_MTRR_H
#define BOOT_MTRR_H

#include <ravelin/launch.h>
#include <ravelin/x86.h>

#ifndef __KERNEL__
#include <stdbool.h>
#include <stddef.h>
#endif

#define MTRR_MAX_VARIABLE 32u
#define MTRR_FIXED 88u

/** The registers. */
struct mtrr {
	bool enabled;
	bool fixed_enabled; /* and then they alone count below 1 MiB */
	uint8_t default_type;
	uint32_t variable_count;
	struct {
		uint64_t base; /* type in bits 7:0 */
		uint64_t mask; /* bit 11: valid */
	} variable[MTRR_MAX_VARIABLE];
	uint8_t fixed[MTRR_FIXED]; /* types: 8 x 64 KiB, 16 x 16 KiB, 64 x 4 KiB */
	uint32_t physical_bits;
};

/** Reads the MTRRs of this CPU, which has some (CPUID.1:EDX[12]). @physical_bits: width of its physical addresses, at most 52. */
void mtrr_read(struct mtrr *m, uint64_t (*msr_read)(uint32_t msr), uint32_t physical_bits);

/**
 * Fills all of @types. MTRRs that are switched off make all memory uncacheable.
 * Fails if the mask of a variable range has holes: such a register stands for many ranges. Whatever masks without holes say has room.
 */
bool mtrr_types_fill(const struct mtrr *m, struct rv_launch_types *types);

#endif
