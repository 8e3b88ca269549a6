// SPDX-License-Identifier: GPL-2.0-only
/*
 * journal.c - the journal of updates and its hash chain: head[n] = SHA-256(head[n-1] || record[n]), head[-1] = zeros.
 */
#include "handle.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

int ravelin_journal_read(struct ravelin *h, uint64_t first, struct rv_journal_record *record, uint32_t capacity,
			 uint64_t *total)
{
	struct rv_ioctl_journal arg = {.first = first, .buffer = (uintptr_t)record, .capacity = capacity};
	int error = handle_call(h, RV_IOCTL_JOURNAL, &arg.head, sizeof(arg));

	if (error)
		return error;
	*total = arg.total;
	return (int)arg.count;
}

int ravelin_journal_fold(struct ravelin *h, struct rv_journal_head *head)
{
	struct rv_ioctl_fold arg = {0};
	int error = handle_call(h, RV_IOCTL_FOLD, &arg.head, sizeof(arg));

	if (!error)
		*head = arg.journal;
	return error;
}

int ravelin_journal_get(struct ravelin *h, struct rv_journal_record **record, uint64_t *count,
			struct rv_journal_head *head)
{
	struct rv_journal_record *all;
	uint64_t done = 0, total;
	int n, error;

	*record = NULL;
	*count = 0;
	/* The head first: records that come later are not under it and are left out. */
	error = ravelin_journal_fold(h, head);
	if (error)
		return error;
	if (head->count > UINT32_MAX)
		return handle_fail(h, -EPROTO, "the journal claims an impossible number of records");
	all = calloc(head->count + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	while (done < head->count) {
		n = ravelin_journal_read(h, done, &all[done], (uint32_t)(head->count - done), &total);
		if (n <= 0) {
			free(all);
			return n ? n : handle_fail(h, -EPROTO, "the journal ends before its head says so");
		}
		done += (uint64_t)n;
	}
	*record = all;
	*count = done;
	return 0;
}

int ravelin_journal_verify(const struct rv_journal_record *record, uint64_t count, const struct rv_journal_head *head)
{
	uint8_t link[RV_DIGEST_SIZE + sizeof(*record)], digest[RV_DIGEST_SIZE] = {0};

	if (count != head->count)
		return -ESTALE;
	for (uint64_t i = 0; i < count; i++) {
		/* The number is covered by the hash, too; comparing it finds records in wrong order by name. */
		if (record[i].index != i)
			return -EBADMSG;
		memcpy(link, digest, sizeof(digest));
		memcpy(link + sizeof(digest), &record[i], sizeof(record[i]));
		SHA256(link, sizeof(link), digest);
	}
	return memcmp(digest, head->head, sizeof(digest)) == 0 ? 0 : -EBADMSG;
}
