/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * journal.h - the record of every update attempt, and the sequence numbers that follow. The hash chain over the records is
 * computed by the manager in a FIMCE; root mode only keeps them. Lock held by all callers.
 */
#ifndef HV_JOURNAL_H
#define HV_JOURNAL_H

#include <hv/hv.h>

/** True if there is room for all records of one more update, besides what is reserved. */
bool journal_has_room(void);

/** Sets room for all records of f aside; journal_has_room() was true. journal_release() frees what is left of it. */
void journal_reserve(struct fimce *f);
void journal_release(struct fimce *f);

/** Adds a record about f: into its reserved room or, for an attempt that got none, into what nobody has reserved. When that is
 * full the record is only counted, in head.lost. value belongs to the reason. */
void journal_add(struct percpu *cpu, struct fimce *f, uint32_t event, int64_t error, uint32_t reason, uint64_t value);

/** Runs the manager over the records that are not in the chain yet. @return 0 or a refusal. */
int64_t journal_fold(struct percpu *cpu);

/** The highest sequence number of this component that was confirmed, 0 = none. It follows from the records: a confirmation has
 * reserved room, so none is ever missing. */
uint64_t sequence_get(const uint8_t component[RV_DIGEST_SIZE]);

#endif
