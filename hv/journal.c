/* SPDX-License-Identifier: GPL-2.0-only */
/* journal.c - see journal.h. */
#include <hv/hypercall.h>
#include <hv/journal.h>

#define FOLD_MAX (RV_FIMCE_MAX_INPUT / sizeof(struct rv_journal_record))

/* The most that one update has to say after its seal: applied, expired, and how it ended. */
#define RECORDS_PER_UPDATE 3u

bool journal_has_room(void)
{
	return hv.journal.count + hv.journal.reserved + RECORDS_PER_UPDATE <= JOURNAL_CAPACITY;
}

void journal_reserve(struct fimce *f)
{
	f->journal_reserved = RECORDS_PER_UPDATE;
	hv.journal.reserved += RECORDS_PER_UPDATE;
}

void journal_release(struct fimce *f)
{
	hv.journal.reserved -= f->journal_reserved;
	f->journal_reserved = 0;
}

void journal_add(struct percpu *cpu, struct fimce *f, uint32_t event, int64_t error, uint32_t reason, uint64_t value)
{
	struct journal *j = &hv.journal;
	struct rv_journal_record *r = &j->record[j->count];

	if (f->journal_reserved != 0) {
		f->journal_reserved--;
		j->reserved--;
	} else if (j->count + j->reserved >= JOURNAL_CAPACITY) {
		j->head.lost++;
		return;
	}
	*r = (struct rv_journal_record){.index = j->count++,
					.tsc = rdtsc(),
					.event = event,
					.error = (int32_t)error,
					.reason = reason,
					.cpu = cpu->index,
					.sequence = f->status.sequence,
					.value = value,
					.flags = f->input_refused ? RV_JOURNAL_INPUT : 0};
	memcpy(r->image_digest, f->status.image_digest, RV_DIGEST_SIZE);
	memcpy(r->component, f->component, RV_DIGEST_SIZE);
}

int64_t journal_fold(struct percpu *cpu)
{
	struct journal *j = &hv.journal;
	uint64_t from = j->head.count, records = j->count - from;
	struct rv_journal_head head;
	struct fimce *f;
	int64_t id;

	if (records == 0)
		return 0;
	if (records > FOLD_MAX)
		records = FOLD_MAX;
	id = fimce_create_journal(cpu, &j->record[from], (uint32_t)(records * sizeof(j->record[0])));
	if (id < 0)
		return id;
	f = fimce_find((uint32_t)id);
	fimce_run(cpu, f, 0);
	head = *(const struct rv_journal_head *)pa_pointer(f->mailbox);
	bool done = f->state == RV_FIMCE_DONE;
	uint64_t cause = f->status.cause;

	fimce_destroy(cpu, f);
	if (!done)
		return hypercall_refuse(cpu, -RV_EIO, RV_REASON_MANAGER_DIED, cause);
	/* The lock was dropped while the manager ran: another CPU may have folded these records, too. Each counts once. */
	if (j->head.count != from)
		return 0;
	memcpy(j->head.head, head.head, RV_DIGEST_SIZE);
	j->head.count += records;
	return 0;
}

uint64_t sequence_get(const uint8_t component[RV_DIGEST_SIZE])
{
	uint64_t highest = 0;

	for (const struct rv_journal_record *r = hv.journal.record; r < hv.journal.record + hv.journal.count; r++) {
		if (r->event == RV_UPDATE_CONFIRMED && r->sequence > highest &&
		    memcmp(r->component, component, RV_DIGEST_SIZE) == 0)
			highest = r->sequence;
	}
	return highest;
}
