/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dim.h - the Dynamic Isolation Manager: lends a target's pages to the update task, takes them from the guest for the
 * moment of the change, keeps the snapshot, gives them back. All but dim_deadline are called with the lock held.
 */
#ifndef HV_DIM_H
#define HV_DIM_H

#include <hv/hv.h>

/**
 * Grants: maps the target pages into the FIMCE, write-protects TEXT pages for the guest, reserves the snapshot.
 * Part of SEALED; journal_has_room() was true, and the room is reserved from now on. @return 0 or a refusal; on refusal nothing has changed.
 */
int64_t dim_lend(struct percpu *cpu, struct fimce *f);

/** Ends the lending: full rights for the guest, large pages again, snapshot scrubbed; a record if the update was prepared
 * and not tried. Nothing if nothing is lent. */
void dim_return(struct percpu *cpu, struct fimce *f);

/** After a run outside an update operation: a task that yielded 0 for the first time is PREPARED; one that was refused or
 * died gets its journal record and gives the pages back. */
void dim_after_run(struct percpu *cpu, struct fimce *f);

/** RV_UPDATE_APPLY, _CONFIRM, _ROLLBACK, _ABANDON. threads: frames with a struct rv_threads. @return enum rv_update_state or a refusal. */
int64_t dim_apply(struct percpu *cpu, struct fimce *f, uint64_t deadline_us, uint64_t threads);
int64_t dim_confirm(struct percpu *cpu, struct fimce *f);
int64_t dim_rollback(struct percpu *cpu, struct fimce *f);
int64_t dim_abandon(struct percpu *cpu, struct fimce *f);

/** The guest wrote to a write-protected target page: the update is stale, the guest goes on. */
void dim_text_written(struct percpu *cpu, gpa_t gpa, uint64_t rip);

/** Some update deadline has passed: puts the old code of the updates back that it concerns; one that has data is only marked. Takes
 * the lock. */
void dim_deadline(struct percpu *cpu);

#endif
