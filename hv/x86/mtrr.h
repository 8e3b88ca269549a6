/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mtrr.h - memory types from the MTRRs (Intel SDM vol. 3, 12.11). Under EPT the CPU ignores the MTRRs for the guest's
 * accesses, so the EPT entries have to carry their types.
 */
#ifndef HV_X86_MTRR_H
#define HV_X86_MTRR_H

#include <hv/address.h>

#define MTRR_MAX_VARIABLE 32u
#define MTRR_UC 0
#define MTRR_WC 1
#define MTRR_WT 4
#define MTRR_WP 5
#define MTRR_WB 6

struct mtrr {
	bool enabled;
	bool fixed_enabled;
	uint8_t default_type;
	uint32_t variable_count;
	struct {
		uint64_t base; /* type in bits 7:0 */
		uint64_t mask; /* bit 11: valid */
	} variable[MTRR_MAX_VARIABLE];
	uint8_t fixed[88]; /* types: 8 x 64 KiB, 16 x 16 KiB, 64 x 4 KiB */
	uint64_t address_mask; /* implemented physical address bits */
};

/** Reads the MTRRs of this CPU. */
void mtrr_read(struct mtrr *m, uint32_t physical_bits);

/** The memory type of [base, base + size), or -1 if it is not one type throughout. size is 4096, 2 MiB or 1 GiB and
 * base a multiple of it. */
int mtrr_type(const struct mtrr *m, pa_t base, uint64_t size);

/** True if this CPU has the MTRR msr. */
bool mtrr_exists(const struct mtrr *m, uint32_t msr);

/** True if msr is one of the MTRRs that a CPU can have. */
bool mtrr_is_msr(uint32_t msr);

#endif
