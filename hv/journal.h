/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * journal.h - the record of every update attempt, and the highest sequence numbers. The hash chain over the records is
 * computed by the manager in a FIMCE; root mode only keeps them. Lock held by all callers.
 */
#ifndef HV_JOURNAL_H
#define HV_JOURNAL_H

#include <hv/hv.h>

/** True if there is room for one more record. */
bool journal_has_room(void);

/** Adds a record about f; value belongs to the reason. When the journal is full the record is lost, but journal_has_room() stops updates before. */
void journal_add(struct percpu *cpu, const struct fimce *f, uint32_t event, int64_t error, uint32_t reason,
		 uint64_t value);

/** Runs the manager over the records that are not in the chain yet. @return 0 or a refusal. */
int64_t journal_fold(struct percpu *cpu);

/** The sequence number that was confirmed last for this component, 0 = none. */
uint64_t sequence_get(const uint8_t component[RV_DIGEST_SIZE]);

/** Remembers a confirmed sequence number. @return false if the table is full. */
bool sequence_set(const uint8_t component[RV_DIGEST_SIZE], uint64_t number);

#endif
