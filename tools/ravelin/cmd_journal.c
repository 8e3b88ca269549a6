// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_journal.c - ravelin update log: the journal of all attempts, with its hash chain verified.
 */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The journal keeps one value for a reason: what the sentence would say of others is left out. */
static const char *reason_text(const struct rv_journal_record *r, char *text, size_t size)
{
	return ravelin_sentence(r->reason, &r->value, 1, text, size);
}

static void record_print(const struct rv_journal_record *r, uint64_t tsc_khz)
{
	uint64_t us = ravelin_ticks_to_us(r->tsc, tsc_khz);
	char digest[2 * RV_DIGEST_SIZE + 1], text[300];

	printf("%4" PRIu64 " [%6" PRIu64 ".%06" PRIu64 "] %-11s sequence %-6" PRIu64 " %s %.16s", r->index,
	       us / 1000000, us % 1000000, ravelin_update_state_name(r->event), r->sequence,
	       r->flags & RV_JOURNAL_INPUT ? "file " : "image", digest_text(r->image_digest, digest));
	if (r->error != 0 || r->event == RV_JOURNAL_REFUSED || r->event == RV_JOURNAL_WITHDRAWN)
		printf("  %s", reason_text(r, text, sizeof(text)));
	putchar('\n');
}

static void record_json(struct json *j, const struct rv_journal_record *r)
{
	char text[300];

	json_object(j, NULL);
	json_number(j, "index", r->index);
	json_number(j, "tsc", r->tsc);
	json_string(j, "event", ravelin_update_state_name(r->event));
	json_signed(j, "error", r->error);
	json_number(j, "reason", r->reason);
	json_number(j, "value", r->value);
	json_string(j, "why", reason_text(r, text, sizeof(text)));
	json_number(j, "cpu", r->cpu);
	json_bytes(j, r->flags & RV_JOURNAL_INPUT ? "file_digest" : "image_digest", r->image_digest, RV_DIGEST_SIZE);
	json_bytes(j, "component", r->component, RV_DIGEST_SIZE);
	json_number(j, "sequence", r->sequence);
	json_close(j);
}

static void journal_json(const struct rv_journal_record *record, uint64_t count, const struct rv_journal_head *head,
			 bool intact)
{
	struct json j;

	json_begin(&j, stdout);
	json_object(&j, NULL);
	json_bool(&j, "intact", intact);
	json_number(&j, "count", count);
	json_bytes(&j, "head", head->head, RV_DIGEST_SIZE);
	json_number(&j, "refusals_not_recorded", head->lost);
	json_array(&j, "records");
	for (uint64_t i = 0; i < count; i++)
		record_json(&j, &record[i]);
	json_close(&j);
	json_close(&j);
	json_end(&j);
}

static int journal_show(struct ravelin *h, bool verdict_only, bool json)
{
	struct rv_journal_record *record;
	struct rv_journal_head head;
	char digest[2 * RV_DIGEST_SIZE + 1];
	struct rv_info info = {0};
	uint64_t count;
	bool intact;
	int error = ravelin_journal_get(h, &record, &count, &head);

	if (error)
		return cli_fail(h, error, "update log");
	ravelin_info(h, &info, NULL);
	intact = ravelin_journal_verify(record, count, &head) == 0;
	if (json) {
		journal_json(record, count, &head, intact);
	} else {
		for (uint64_t i = 0; i < count && !verdict_only; i++)
			record_print(&record[i], info.tsc_khz);
		if (head.lost != 0)
			printf("the journal was full: %" PRIu64 " refused attempts got no record\n", head.lost);
		if (intact)
			printf("the hash chain over %" PRIu64 " records holds, its head is %s\n", count,
			       digest_text(head.head, digest));
		else
			cli_error("the %" PRIu64
				  " records do not give the head of the hash chain, %s: the journal was changed",
				  count, digest_text(head.head, digest));
	}
	free(record);
	return intact ? EXIT_DONE : EXIT_EVIDENCE;
}

int cmd_update_log(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{"verify", no_argument, NULL, 'v'},
						{NULL, 0, NULL, 0}};
	bool json = false, verdict_only = false;
	struct ravelin *h;
	int c, status;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'j':
			json = true;
			break;
		case 'v':
			verdict_only = true;
			break;
		case 'h':
			return cli_help("update");
		default:
			return cli_usage("update", "unknown option");
		}
	}
	h = cli_open();
	if (!h)
		return EXIT_NO_RAVELIN;
	status = journal_show(h, verdict_only, json);
	ravelin_close(h);
	return status;
}
