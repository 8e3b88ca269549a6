/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * journal.h - the hash chain over the update journal (include/ravelin/abi.h, struct rv_journal_record).
 */
#ifndef MANAGER_JOURNAL_H
#define MANAGER_JOURNAL_H

#include "refusal.h"

#include <ravelin/abi.h>

#include <stddef.h>

/**
 * Goes on with the hash chain: head[n] = SHA-256(head[n-1] || record[n]).
 *
 * @param head     chain head before the first of these records; 32 zero bytes before record 0
 * @param records  the records, any alignment
 * @param bytes    their size
 * @param out      filled on success: count = index of the last record + 1, the new head
 * @param why      filled on failure
 * @return 0, or -RV_EINVAL with HC_ARGUMENT: no record, bytes is no multiple of a record's size (value = bytes), or the
 *	indices have a hole (value = the index that does not follow)
 */
int journal_fold(const uint8_t head[RV_DIGEST_SIZE], const uint8_t *records, size_t bytes, struct rv_journal_head *out,
		 struct refusal *why);

#endif
