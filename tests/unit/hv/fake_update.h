/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fake_update.h - a target of four pages and an update of it, in the steps that its tests begin with.
 *
 * The pages lie three apart, so that each has an EPT entry of its own. As the guest knows them, page i is filled with 0x30 + i; the update
 * makes that 0x40 + i.
 */
#ifndef TESTS_FAKE_UPDATE_H
#define TESTS_FAKE_UPDATE_H

#include "fake.h"

#define TARGETS 4u
#define UPDATE(on, id, op, us) fake_vmcall(on, RV_HC_UPDATE, (uint64_t)(id), op, us)
#define REASON(on) ((uint32_t)(on)->regs.gpr[RDX])

extern struct percpu *cpu;
extern int64_t id; /* of the update */
extern struct fimce *update;
extern uint32_t data_pages; /* the last ones of the target; 0 after setup */

/** cmocka's setup: a machine without FIMCEs. */
int fake_update_setup(void **state);

/** A page of the target, and its EPT entry. */
uint8_t *target(uint32_t i);
uint64_t leaf(uint32_t i);
void targets_fill(void);

/** The target is as it was, plus add. */
void expect_targets(int add);

/** Destroys the update; all is as before it was: rows, large EPT entries, pool, and every byte of the pool zero. */
void expect_clean(void);

/** The guest may read and execute the code, and do anything with the data. */
void expect_lent(struct fimce *f);

/** What update code does to an isolated target, and the way back. */
void patch(struct fimce *f);
void unpatch(struct fimce *f);

/** Tasks: up to PREPARED; an apply that works, gets a short list of threads, fails, loops, exits; a revert. */
extern const struct fake_step prepare[], apply[], apply_short[], apply_fails[], apply_dies[], apply_exits[], revert[];

/** Brings an update of the target to PREPARED, or to APPLIED with this deadline (0: none). */
void prepared(void);
void applied(uint64_t deadline_us);

/** Rolls an applied update back by its own way; the target is as it was. */
void reverted(void);

/** The newest record of the journal. */
const struct rv_journal_record *journal_last(void);

#endif
