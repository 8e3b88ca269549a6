// SPDX-License-Identifier: GPL-2.0-only
/*
 * update.c - the course of an update: prepare, freeze, apply, thaw; and the ways back.
 */
#include "handle.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ATTEMPTS 100u
#define FREEZE_TIMEOUT_MS 2000
/* How often to prepare anew because the target changed. The last time it is frozen first, so that it can't. */
#define PREPARES 4u

/** What one course of an update needs at every step. */
struct course {
	struct ravelin *h;
	const struct ravelin_update_options *options;
	struct ravelin_update_report *report;
	struct ravelin_freezer *freezer;
	struct rv_ioctl_prepare prepare; /* filled once, used for every try */
	bool frozen;
	uint64_t frozen_since;
};

/** Keeps signals that would end the program away while it holds the target frozen. */
static void signals_hold(sigset_t *old)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, old);
}

static void signals_release(const sigset_t *old)
{
	pthread_sigmask(SIG_SETMASK, old, NULL);
}

static void phase_set(struct ravelin_update_report *r, enum ravelin_phase_id id, uint64_t begin, uint64_t end)
{
	r->begin[id] = begin;
	r->end[id] = end;
}

/** Another try has a better chance when the threads were elsewhere in between: 1 to 16 ms, longer from try to try. */
static void pause_before(unsigned int attempt)
{
	struct timespec pause = {0, (1 + attempt % 16) * 1000000L};

	nanosleep(&pause, NULL);
}

/** The freezer could not be opened. */
static int freezer_fail(struct ravelin *h, pid_t pid, int error)
{
	switch (error) {
	case -EOPNOTSUPP:
		return handle_fail(
		    h, error, "no cgroup v2 file system is mounted; process %d can't be frozen without it", (int)pid);
	case -EBUSY:
		return handle_fail(h, error, "process %d is just being updated by another program, or is this one",
				   (int)pid);
	default:
		return handle_fail(h, error,
				   "process %d can't be frozen by its cgroup, or /run/ravelin not be used: %s",
				   (int)pid, strerror(-error));
	}
}

static int course_timeout_ms(const struct course *c)
{
	return c->options->freeze_timeout_ms ? c->options->freeze_timeout_ms : FREEZE_TIMEOUT_MS;
}

static int fail_freeze(const struct course *c, int error)
{
	if (error == -ETIME)
		return handle_fail(c->h, error, "process %d could not be frozen within %d ms", (int)c->options->pid,
				   course_timeout_ms(c));
	return handle_fail(c->h, error, "process %d could not be frozen: %s", (int)c->options->pid, strerror(-error));
}

/** Not before it is needed: an update that is refused leaves the target's cgroup alone. */
static int course_freezer_open(struct course *c)
{
	int error = c->freezer ? 0 : ravelin_freezer_open(c->options->pid, &c->freezer);

	return error ? freezer_fail(c->h, c->options->pid, error) : 0;
}

static int course_freeze(struct course *c)
{
	uint64_t begin;
	int error = course_freezer_open(c);

	if (error || c->frozen)
		return error;
	begin = ravelin_ticks_now();
	error = ravelin_freezer_freeze(c->freezer, course_timeout_ms(c));
	if (error)
		return fail_freeze(c, error);
	c->frozen = true;
	c->frozen_since = begin;
	c->report->freezes++;
	phase_set(c->report, RAVELIN_PHASE_FREEZE, begin, ravelin_ticks_now());
	return 0;
}

static void course_thaw(struct course *c)
{
	uint64_t now;

	if (!c->frozen)
		return;
	ravelin_freezer_thaw(c->freezer);
	now = ravelin_ticks_now();
	c->frozen = false;
	c->report->pause_ticks = now - c->frozen_since;
	c->report->end[RAVELIN_PHASE_RESUME] = now;
}

static int course_prepare(struct course *c)
{
	struct ravelin_update_report *r = c->report;
	uint64_t begin = ravelin_ticks_now();
	struct rv_ioctl_prepare *p = &c->prepare;
	int error;

	p->id = 0;
	error = handle_call(c->h, RV_IOCTL_UPDATE_PREPARE, &p->head, sizeof(*p));
	phase_set(r, RAVELIN_PHASE_PREPARE, begin, ravelin_ticks_now());
	r->prepares++;
	r->pages = p->pages;
	r->bias = p->bias;
	r->status = p->status;
	r->state = error ? RV_UPDATE_NONE : RV_UPDATE_PREPARED;
	r->id = error ? 0 : p->id;
	return error;
}

/** Has the module freeze and thaw as part of this call, unless the target is frozen already. */
static void freezer_pass(struct rv_ioctl_update *arg, const struct ravelin_freezer *freezer, int timeout_ms)
{
	int file = ravelin_freezer_file(freezer);

	if (file < 0)
		return;
	arg->freezer = file;
	arg->freeze_ms = (uint32_t)timeout_ms;
}

/** One commit: of a target that is frozen, or that the module freezes for it. */
static int course_commit(struct course *c)
{
	struct ravelin_update_report *r = c->report;
	struct rv_ioctl_update arg = {.id = r->id, .deadline_us = c->options->deadline_us};
	const uint64_t *p = arg.status.phase_tsc;
	int error;

	if (!c->frozen)
		freezer_pass(&arg, c->freezer, course_timeout_ms(c));
	error = handle_call(c->h, RV_IOCTL_UPDATE_COMMIT, &arg.head, sizeof(arg));
	if (arg.freeze_tsc != 0) {
		r->freezes++;
		r->pause_ticks = arg.thaw_tsc - arg.freeze_tsc;
		phase_set(r, RAVELIN_PHASE_FREEZE, arg.freeze_tsc, arg.frozen_tsc);
		phase_set(r, RAVELIN_PHASE_THREADS, arg.frozen_tsc, arg.checked_tsc);
		r->end[RAVELIN_PHASE_RESUME] = arg.thaw_tsc;
	} else {
		phase_set(r, RAVELIN_PHASE_THREADS, arg.begin_tsc, arg.checked_tsc);
	}
	if (error == -ETIME)
		return fail_freeze(c, error);
	if (arg.status.id == 0)
		return error;
	r->state = arg.state;
	r->status = arg.status;
	if (p[0] > arg.checked_tsc) {
		phase_set(r, RAVELIN_PHASE_ISOLATE, arg.checked_tsc, p[0]);
		phase_set(r, RAVELIN_PHASE_SNAPSHOT, p[0], p[1]);
		phase_set(r, RAVELIN_PHASE_APPLY, p[1], p[2]);
		phase_set(r, RAVELIN_PHASE_RETURN, p[2], p[3]);
		r->begin[RAVELIN_PHASE_RESUME] = p[3];
	}
	return error;
}

/** -EAGAIN that goes away when the same threads are elsewhere. */
static bool is_about_threads(const struct ravelin *h, int error)
{
	return error == -EAGAIN &&
	       (h->failure.reason == RV_REASON_DRIVER_STACK || h->failure.reason == RV_REASON_DRIVER_NOT_FROZEN ||
		h->failure.reason == RV_REASON_DRIVER_SIGNAL_STACK || h->failure.reason == RV_REASON_DRIVER_DEEP);
}

/** Failures that another prepare may cure. */
static bool is_about_memory(const struct ravelin *h, int error)
{
	return error == -ESTALE || (error == -EAGAIN && (h->failure.reason == RV_REASON_DRIVER_REMAPPED ||
							 h->failure.reason == RV_REASON_DRIVER_HEAP));
}

/**
 * Freezes and commits until no thread is in the way. The module does both in one call; a target that somebody else has frozen stays as it
 * is.
 */
static int course_apply(struct course *c)
{
	const unsigned int attempts = c->options->attempts ? c->options->attempts : ATTEMPTS;
	int error = 0;

	for (unsigned int i = 0; i < attempts; i++) {
		if (i > 0)
			pause_before(i);
		error = course_freezer_open(c);
		if (!error && !c->frozen && ravelin_freezer_file(c->freezer) < 0)
			error = course_freeze(c);
		if (error)
			return error;
		error = course_commit(c);
		course_thaw(c);
		if (!is_about_threads(c->h, error))
			return error;
	}
	return error;
}

/** Destroys a prepared update that will not be applied. What was said about the failure stays. */
static void course_drop(struct course *c)
{
	const struct ravelin saved = *c->h;

	if (c->report->id == 0)
		return;
	/* Where the module has dropped it already, this finds nothing. */
	ravelin_fimce_destroy(c->h, c->report->id);
	*c->h = saved;
	c->report->id = 0;
}

static int course_run(struct course *c)
{
	int error = 0;

	for (unsigned int i = 0; i < PREPARES; i++) {
		if (i + 1 == PREPARES) {
			error = course_freeze(c);
			if (error)
				return error;
		}
		error = course_prepare(c);
		if (!error)
			error = course_apply(c);
		if (!error)
			return 0;
		course_drop(c);
		if (!is_about_memory(c->h, error))
			return error;
	}
	return error;
}

static int prepare_fill(struct course *c, const void *envelope, size_t bytes, uint8_t **input)
{
	struct rv_ioctl_prepare *p = &c->prepare;
	struct rv_image_header image;
	size_t offset;
	int error = ravelin_image_find(envelope, bytes, &image, &offset, &c->h->failure);

	if (error)
		return error;
	if (!(image.capabilities & RV_CAP_TARGET) || image.range_count == 0)
		return handle_fail(c->h, -EINVAL, "this image is not an update: it asks for no pages of a target");
	if (!c->options->any_target) {
		error = identity_check(c->h, c->options->pid, &image);
		if (error)
			return error;
	}
	error = input_build(c->h, envelope, bytes, NULL, 0, &image, input, &p->sizes);
	if (error)
		return error;
	p->pid = c->options->pid;
	p->range_count = image.range_count;
	memcpy(p->range, image.range, sizeof(p->range));
	return 0;
}

int ravelin_update_apply(struct ravelin *h, const void *envelope, size_t bytes,
			 const struct ravelin_update_options *options, struct ravelin_update_report *report)
{
	struct course c = {.h = h, .options = options, .report = report};
	uint64_t begin = ravelin_ticks_now();
	uint8_t *input = NULL;
	sigset_t old;
	int error;

	handle_clear(h);
	memset(report, 0, sizeof(*report));
	/* Ravelin would refuse it, but only when the target is frozen. */
	if (options->deadline_us > RV_UPDATE_MAX_DEADLINE_US)
		return handle_fail(h, -ERANGE, "a deadline of more than %u s is not possible",
				   RV_UPDATE_MAX_DEADLINE_US / 1000000);
	error = prepare_fill(&c, envelope, bytes, &input);
	if (error)
		return error;
	signals_hold(&old);
	error = course_run(&c);
	course_thaw(&c);
	ravelin_freezer_close(c.freezer);
	signals_release(&old);
	free(input);
	report->total_ticks = ravelin_ticks_now() - begin;
	return error;
}

int ravelin_update_confirm(struct ravelin *h, uint32_t id, struct rv_fimce_status *status)
{
	struct rv_ioctl_update arg = {.id = id};
	int error = handle_call(h, RV_IOCTL_UPDATE_CONFIRM, &arg.head, sizeof(arg));

	*status = arg.status;
	if (!error)
		status->update = arg.state;
	return error;
}

int ravelin_update_status(struct ravelin *h, uint32_t id, struct rv_fimce_status *status, pid_t *target,
			  uint32_t *pages)
{
	struct rv_ioctl_update arg = {.id = id};
	int error = handle_call(h, RV_IOCTL_UPDATE_STATUS, &arg.head, sizeof(arg));

	if (error)
		return error;
	*status = arg.status;
	if (target)
		*target = arg.target;
	if (pages)
		*pages = arg.pages;
	return 0;
}

int ravelin_update_rollback(struct ravelin *h, uint32_t id, struct rv_fimce_status *status)
{
	struct rv_ioctl_update arg = {.id = id};
	struct ravelin_freezer *freezer;
	sigset_t old;
	pid_t pid;
	int error = ravelin_update_status(h, id, status, &pid, NULL);

	if (error)
		return error;
	error = ravelin_freezer_open(pid, &freezer);
	if (error)
		return freezer_fail(h, pid, error);
	signals_hold(&old);
	freezer_pass(&arg, freezer, FREEZE_TIMEOUT_MS);
	for (unsigned int i = 0; i < ATTEMPTS; i++) {
		if (i > 0)
			pause_before(i);
		error = handle_call(h, RV_IOCTL_UPDATE_ROLLBACK, &arg.head, sizeof(arg));
		if (!is_about_threads(h, error))
			break;
	}
	if (error == -ETIME)
		handle_fail(h, error, "process %d could not be frozen: %s", (int)pid, strerror(-error));
	ravelin_freezer_close(freezer);
	signals_release(&old);
	if (arg.status.id != 0)
		*status = arg.status;
	if (!error)
		status->update = arg.state;
	return error;
}
