/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * refusal.h - why the manager refuses something.
 */
#ifndef MANAGER_REFUSAL_H
#define MANAGER_REFUSAL_H

#include <ravelin/reason.h>

#include <stdint.h>

/** Handed to the hypervisor with RV_FC_REFUSE. */
struct refusal {
	int error; /* negative errno; 0: nothing is refused */
	uint32_t reason; /* RV_REASON_* */
	uint64_t value; /* $0 of the reason's sentence */
};

/** Fills *r and returns its error, so that a check can end with `return refusal_set(...)`. */
static inline int refusal_set(struct refusal *r, int error, enum rv_reason reason, uint64_t value)
{
	r->error = error;
	r->reason = (uint32_t)reason;
	r->value = value;
	return error;
}

#endif
