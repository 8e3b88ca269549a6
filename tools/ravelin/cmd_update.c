// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_update.c - ravelin update: apply, status, confirm, rollback.
 */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <libravelin/health.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEADLINE_US 10000000u

struct apply_options {
	const char *file, *name, *health;
	struct ravelin_update_options update;
	bool confirm, timeline, json;
};

/** How an attempt went, for people and for JSON. */
struct outcome {
	const char *word; /* "confirmed", "applied", "refused", "rolled back" */
	char why[400];
	int status;
	uint64_t health_begin, health_end; /* TSC */
};

static int apply_options_get(int argc, char **argv, struct apply_options *o)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{"pid", required_argument, NULL, 'p'},
						{"name", required_argument, NULL, 'n'},
						{"health", required_argument, NULL, 'H'},
						{"deadline", required_argument, NULL, 'd'},
						{"attempts", required_argument, NULL, 'a'},
						{"no-confirm", no_argument, NULL, 'C'},
						{"force", no_argument, NULL, 'f'},
						{"timeline", no_argument, NULL, 't'},
						{NULL, 0, NULL, 0}};
	uint64_t number = 0;
	int c;

	memset(o, 0, sizeof(*o));
	o->confirm = true;
	o->update.deadline_us = DEADLINE_US;
	while ((c = getopt_long(argc, argv, "p:", options, NULL)) != -1) {
		switch (c) {
		case 'j':
			o->json = true;
			break;
		case 'p':
			if (!parse_number(optarg, INT32_MAX, &number) || number == 0)
				return cli_usage("update", "'%s' is no process", optarg);
			o->update.pid = (pid_t)number;
			break;
		case 'n':
			o->name = optarg;
			break;
		case 'H':
			o->health = optarg;
			break;
		case 'd':
			if (!parse_deadline(optarg, &o->update.deadline_us))
				return cli_usage("update", "'%s' is no deadline; say 500ms or 5s, at most %us", optarg,
						 RV_UPDATE_MAX_DEADLINE_US / 1000000);
			break;
		case 'a':
			if (!parse_number(optarg, 1000000, &number) || number == 0)
				return cli_usage("update", "'%s' is no number of attempts", optarg);
			o->update.attempts = (unsigned int)number;
			break;
		case 'C':
			o->confirm = false;
			break;
		case 'f':
			o->update.any_target = true;
			break;
		case 't':
			o->timeline = true;
			break;
		case 'h':
			return cli_help("update");
		default:
			return cli_usage("update", "unknown option or missing value");
		}
	}
	if (optind + 1 != argc)
		return cli_usage("update", "name one envelope");
	if ((o->update.pid != 0) == (o->name != NULL))
		return cli_usage("update", "say which process: --pid or --name, one of them");
	if (o->health && !o->confirm)
		return cli_usage("update", "--health decides about the confirmation, which --no-confirm leaves away");
	o->file = argv[optind];
	return -1;
}

static uint64_t phase_us(const struct ravelin_update_report *r, unsigned int phase, uint64_t tsc_khz)
{
	return ravelin_ticks_to_us(r->end[phase] - r->begin[phase], tsc_khz);
}

static bool phase_reached(const struct ravelin_update_report *r, unsigned int phase)
{
	return r->begin[phase] != 0 && r->end[phase] >= r->begin[phase];
}

static void timeline_print(const struct ravelin_update_report *r, const struct outcome *o, uint64_t tsc_khz)
{
	uint64_t zero = r->begin[RAVELIN_PHASE_PREPARE];

	printf("  %-10s %12s %12s %14s\n", "phase", "begin us", "length us", "ticks");
	for (unsigned int i = 0; i < RAVELIN_PHASES; i++) {
		if (!phase_reached(r, i))
			continue;
		printf("  %-10s %12" PRIu64 " %12" PRIu64 " %14" PRIu64 "\n", ravelin_phase_name(i),
		       r->begin[i] > zero ? ravelin_ticks_to_us(r->begin[i] - zero, tsc_khz) : 0,
		       phase_us(r, i, tsc_khz), r->end[i] - r->begin[i]);
	}
	if (o->health_end != 0)
		printf("  %-10s %12" PRIu64 " %12" PRIu64 " %14" PRIu64 "\n", "health",
		       ravelin_ticks_to_us(o->health_begin - zero, tsc_khz),
		       ravelin_ticks_to_us(o->health_end - o->health_begin, tsc_khz), o->health_end - o->health_begin);
}

static void apply_json(const struct apply_options *options, const struct ravelin_update_report *r,
		       const struct outcome *o, uint64_t tsc_khz)
{
	struct json j;

	json_begin(&j, stdout);
	json_object(&j, NULL);
	json_string(&j, "outcome", o->word);
	json_string(&j, "why", o->why);
	json_number(&j, "id", r->id);
	json_string(&j, "name", r->status.name);
	json_number(&j, "sequence", r->status.sequence);
	json_signed(&j, "target", options->update.pid);
	json_hex(&j, "bias", r->bias);
	json_number(&j, "pages", r->pages);
	json_number(&j, "prepares", r->prepares);
	json_number(&j, "freezes", r->freezes);
	json_bytes(&j, "image_digest", r->status.image_digest, RV_DIGEST_SIZE);
	json_number(&j, "tsc_khz", tsc_khz);
	json_number(&j, "pause_ticks", r->pause_ticks);
	json_number(&j, "pause_us", ravelin_ticks_to_us(r->pause_ticks, tsc_khz));
	json_number(&j, "total_us", ravelin_ticks_to_us(r->total_ticks, tsc_khz));
	json_array(&j, "phases");
	for (unsigned int i = 0; i < RAVELIN_PHASES; i++) {
		if (!phase_reached(r, i))
			continue;
		json_object(&j, NULL);
		json_string(&j, "name", ravelin_phase_name(i));
		json_number(&j, "begin", r->begin[i]);
		json_number(&j, "ticks", r->end[i] - r->begin[i]);
		json_number(&j, "us", phase_us(r, i, tsc_khz));
		json_close(&j);
	}
	if (o->health_end != 0) {
		json_object(&j, NULL);
		json_string(&j, "name", "health");
		json_number(&j, "begin", o->health_begin);
		json_number(&j, "ticks", o->health_end - o->health_begin);
		json_number(&j, "us", ravelin_ticks_to_us(o->health_end - o->health_begin, tsc_khz));
		json_close(&j);
	}
	json_close(&j);
	json_close(&j);
	json_end(&j);
}

/** Rolls back and says why, and what came of it. */
static void take_back(struct ravelin *h, struct ravelin_update_report *r, const char *cause, const char *detail,
		      struct outcome *o)
{
	int error = ravelin_update_rollback(h, r->id, &r->status);
	/* -ENOENT: it was taken back already, because the deadline passed. */
	bool failed = error && error != -ENOENT;
	char why[200];

	o->status = failed ? EXIT_REFUSED : EXIT_TAKEN_BACK;
	o->word = failed ? "failed" : "rolled back";
	snprintf(o->why, sizeof(o->why), "%s%s%s%s", cause, detail,
		 failed ? "; and the way back failed: " : "; the update was rolled back",
		 failed ? ravelin_explain(h, error, why, sizeof(why)) : "");
}

/** Asks the health command and confirms or rolls back. */
static void judge(struct ravelin *h, const struct apply_options *options, struct ravelin_update_report *r,
		  struct outcome *o)
{
	char health[200] = "", why[200];
	int error;

	if (options->health) {
		o->health_begin = ravelin_ticks_now();
		progress_start("waiting for the health check");
		error =
		    health_run(options->health, health_limit_ms(options->update.deadline_us), health, sizeof(health));
		progress_stop();
		o->health_end = ravelin_ticks_now();
		if (error) {
			take_back(h, r, "the health check failed: ", health, o);
			return;
		}
	}
	if (!options->confirm) {
		o->word = "applied";
		snprintf(o->why, sizeof(o->why), "waits for ravelin update confirm %u", r->id);
		return;
	}
	error = ravelin_update_confirm(h, r->id, &r->status);
	/* Overdue, and it has changed data: Ravelin can't change that back without us. */
	if (error && r->status.update == RV_UPDATE_EXPIRED) {
		take_back(h, r, "the deadline was over", "", o);
		return;
	}
	if (error) {
		o->word = "rolled back";
		o->status = EXIT_TAKEN_BACK;
		snprintf(o->why, sizeof(o->why), "it could not be confirmed: %s",
			 error == -ENOENT ? "the deadline was over, or the process has ended"
					  : ravelin_explain(h, error, why, sizeof(why)));
		return;
	}
	o->word = "confirmed";
}

static void outcome_of_failure(struct ravelin *h, int error, const struct ravelin_update_report *r, struct outcome *o)
{
	char why[300], cause[300];

	ravelin_explain(h, error, why, sizeof(why));
	ravelin_cause_sentence(&r->status, cause, sizeof(cause));
	/* A refusal is its own explanation; of another death the cause adds something. */
	if (cause[0] != '\0' && r->status.cause != RV_CAUSE_REFUSED)
		snprintf(o->why, sizeof(o->why), "%.190s (%.200s)", why, cause);
	else
		snprintf(o->why, sizeof(o->why), "%s", why);
	o->status = EXIT_REFUSED;
	o->word = r->state == RV_UPDATE_ROLLED_BACK ? "rolled back" : "refused";
}

static int apply(struct ravelin *h, struct apply_options *options, const uint8_t *envelope, size_t bytes)
{
	struct ravelin_update_report r = {0};
	struct outcome o = {.status = EXIT_DONE};
	struct rv_info info = {0};
	int error;

	ravelin_info(h, &info, NULL);
	progress_start("updating");
	error = ravelin_update_apply(h, envelope, bytes, &options->update, &r);
	progress_stop();
	if (error)
		outcome_of_failure(h, error, &r, &o);
	else
		judge(h, options, &r, &o);
	r.status.name[sizeof(r.status.name) - 1] = '\0';

	if (options->json) {
		apply_json(options, &r, &o, info.tsc_khz);
		return o.status;
	}
	if (o.status == EXIT_DONE)
		printf("%s: %s, sequence %" PRIu64 ", process %d, %u pages, paused for %" PRIu64 " us%s%s\n",
		       r.status.name, o.word, r.status.sequence, (int)options->update.pid, r.pages,
		       ravelin_ticks_to_us(r.pause_ticks, info.tsc_khz), o.why[0] ? ": " : "", o.why);
	else
		cli_error("%s: %s: %s", options->file, o.word, o.why);
	if (options->timeline && r.prepares > 0)
		timeline_print(&r, &o, info.tsc_khz);
	return o.status;
}

static int cmd_apply(int argc, char **argv)
{
	struct apply_options o;
	uint8_t *envelope;
	struct ravelin *h;
	size_t bytes;
	int error, status = apply_options_get(argc, argv, &o);

	if (status >= 0)
		return status;
	if (!file_read(o.file, RV_FIMCE_MAX_INPUT, &envelope, &bytes))
		return EXIT_REFUSED;
	if (o.name) {
		error = ravelin_process_find(o.name, &o.update.pid);
		if (error) {
			free(envelope);
			return cli_error(error == -EEXIST ? "several processes are called %s: choose one with --pid"
							  : "no process is called %s",
					 o.name);
		}
	}
	h = cli_open();
	status = h ? apply(h, &o, envelope, bytes) : EXIT_NO_RAVELIN;
	ravelin_close(h);
	free(envelope);
	return status;
}

static void status_show(struct json *j, const struct rv_fimce_status *s, int target, uint32_t pages)
{
	if (!j) {
		printf("%6u %-20s %-11s %10" PRIu64 " %8d %6u\n", s->id, s->name, ravelin_update_state_name(s->update),
		       s->sequence, target, pages);
		return;
	}
	json_object(j, NULL);
	json_number(j, "id", s->id);
	json_string(j, "name", s->name);
	json_string(j, "state", ravelin_update_state_name(s->update));
	json_number(j, "sequence", s->sequence);
	json_signed(j, "target", target);
	json_number(j, "pages", pages);
	json_bytes(j, "image_digest", s->image_digest, RV_DIGEST_SIZE);
	json_close(j);
}

/** All updates, or the one with this id. */
static int status_all(struct ravelin *h, uint32_t id, struct json *j)
{
	struct rv_list_entry list[RV_MAX_FIMCES];
	struct rv_fimce_status s;
	uint32_t pages;
	pid_t target;
	int error, n = 1;

	if (id != 0) {
		list[0].id = id;
		list[0].flags = RV_LIST_UPDATE;
	} else {
		n = ravelin_fimce_list(h, list);
	}
	for (int i = 0; i < n; i++) {
		if (!(list[i].flags & RV_LIST_UPDATE))
			continue;
		error = ravelin_update_status(h, list[i].id, &s, &target, &pages);
		/* In a list, one that went away meanwhile is no error. */
		if (error && id != 0)
			return error;
		if (error)
			continue;
		s.name[sizeof(s.name) - 1] = '\0';
		status_show(j, &s, (int)target, pages);
	}
	return n < 0 ? n : 0;
}

static int cmd_status(struct ravelin *h, uint32_t id, bool json)
{
	struct json j;
	int error;

	if (json) {
		json_begin(&j, stdout);
		json_array(&j, NULL);
	} else {
		printf("%6s %-20s %-11s %10s %8s %6s\n", "ID", "NAME", "STATE", "SEQUENCE", "TARGET", "PAGES");
	}
	error = status_all(h, id, json ? &j : NULL);
	if (json) {
		json_close(&j);
		json_end(&j);
	}
	return error ? cli_fail(h, error, "update status") : EXIT_DONE;
}

static int cmd_end(struct ravelin *h, uint32_t id, bool confirm, bool json)
{
	struct rv_fimce_status s = {0};
	struct json j;
	int error = confirm ? ravelin_update_confirm(h, id, &s) : ravelin_update_rollback(h, id, &s);

	if (error) {
		int exit_status = cli_fail(h, error, confirm ? "update confirm" : "update rollback");

		if (!confirm && error != -EAGAIN && s.update == RV_UPDATE_APPLIED)
			cli_error("the process runs the new version: confirm the update, or end the process");
		return exit_status;
	}
	if (!json) {
		printf("update %u is %s\n", id, ravelin_update_state_name(s.update));
		return EXIT_DONE;
	}
	json_begin(&j, stdout);
	json_object(&j, NULL);
	json_number(&j, "id", id);
	json_string(&j, "state", ravelin_update_state_name(s.update));
	json_close(&j);
	json_end(&j);
	return EXIT_DONE;
}

/** status [ID], confirm ID, rollback ID */
static int cmd_by_id(int argc, char **argv)
{
	bool json, is_status = strcmp(argv[0], "status") == 0;
	struct ravelin *h;
	uint64_t id = 0;
	int status;

	/* argv[0] is the subcommand; help is that of update. */
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0)
			return cli_help("update");
	}
	status = cli_options_simple(argc, argv, &json);
	if (status >= 0)
		return status;
	if (optind + 1 < argc || (optind == argc && !is_status))
		return cli_usage("update", is_status ? "name one update, or none for all" : "name one update");
	if (optind < argc && (!parse_number(argv[optind], UINT32_MAX, &id) || id == 0))
		return cli_usage("update", "'%s' is no id", argv[optind]);
	h = cli_open();
	if (!h)
		return EXIT_NO_RAVELIN;
	status = is_status ? cmd_status(h, (uint32_t)id, json)
			   : cmd_end(h, (uint32_t)id, strcmp(argv[0], "confirm") == 0, json);
	ravelin_close(h);
	return status;
}

int cmd_update(int argc, char **argv)
{
	if (argc < 2)
		return cli_usage("update", "say what: apply, status, confirm, rollback or log");
	optind = 0;
	if (strcmp(argv[1], "--help") == 0)
		return cli_help("update");
	if (strcmp(argv[1], "apply") == 0)
		return cmd_apply(argc - 1, argv + 1);
	if (strcmp(argv[1], "log") == 0)
		return cmd_update_log(argc - 1, argv + 1);
	if (strcmp(argv[1], "status") == 0 || strcmp(argv[1], "confirm") == 0 || strcmp(argv[1], "rollback") == 0)
		return cmd_by_id(argc - 1, argv + 1);
	return cli_usage("update", "there is no '%s'", argv[1]);
}
