/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * journal.c - the hash chain over the update journal: see journal.h.
 */
#include "journal.h"

#include <crypto/crypto.h>

#include <string.h>

int journal_fold(const uint8_t head[RV_DIGEST_SIZE], const uint8_t *records, size_t bytes, struct rv_journal_head *out,
		 struct refusal *why)
{
	struct rv_journal_record r;
	struct rv_journal_head chain;

	if (bytes == 0 || bytes % sizeof(r) != 0)
		return refusal_set(why, -RV_EINVAL, RV_REASON_HC_ARGUMENT, bytes);
	memcpy(chain.head, head, sizeof(chain.head));
	chain.count = 0;
	chain.lost = 0;
	for (size_t at = 0; at < bytes; at += sizeof(r)) {
		struct rv_sha256 s;

		memcpy(&r, records + at, sizeof(r));
		if (at > 0 && r.index != chain.count)
			return refusal_set(why, -RV_EINVAL, RV_REASON_HC_ARGUMENT, r.index);
		rv_sha256_begin(&s);
		rv_sha256_add(&s, chain.head, sizeof(chain.head));
		rv_sha256_add(&s, &r, sizeof(r));
		rv_sha256_end(&s, chain.head);
		chain.count = r.index + 1;
	}
	*out = chain;
	return 0;
}
