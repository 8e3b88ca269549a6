// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_update.c - libravelin: the course of an update against a fake device and a fake freezer. Whatever happens, the target must run
 * again in the end.
 */
#include "fake_device.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- the freezer ---- */

static struct {
	int open_error, freeze_error;
	int opened, closed, freezes, thaws;
	bool frozen;
	bool was_frozen; /* by somebody else */
	unsigned int prepares_frozen; /* prepares that had been made when it was frozen last */
	bool signals_held;
} freezer;

#define FREEZER_FILE 9

int __wrap_ravelin_freezer_open(pid_t pid, struct ravelin_freezer **f);
int __wrap_ravelin_freezer_freeze(struct ravelin_freezer *f, int timeout_ms);
int __wrap_ravelin_freezer_thaw(struct ravelin_freezer *f);
void __wrap_ravelin_freezer_close(struct ravelin_freezer *f);
int __wrap_ravelin_freezer_file(const struct ravelin_freezer *f);

int __wrap_ravelin_freezer_open(pid_t pid, struct ravelin_freezer **f)
{
	*f = NULL;
	assert_true(pid == 42 || pid == 77);
	if (freezer.open_error)
		return freezer.open_error;
	freezer.opened++;
	*f = (struct ravelin_freezer *)&freezer;
	return 0;
}

int __wrap_ravelin_freezer_freeze(struct ravelin_freezer *f, int timeout_ms)
{
	sigset_t set;

	assert_ptr_equal(f, &freezer);
	assert_true(timeout_ms > 0);
	if (freezer.freeze_error)
		return freezer.freeze_error;
	freezer.freezes++;
	freezer.frozen = true;
	freezer.prepares_frozen = fake.calls[_IOC_NR(RV_IOCTL_UPDATE_PREPARE)];
	pthread_sigmask(SIG_BLOCK, NULL, &set);
	freezer.signals_held = sigismember(&set, SIGINT) && sigismember(&set, SIGTERM);
	return 0;
}

int __wrap_ravelin_freezer_thaw(struct ravelin_freezer *f)
{
	assert_ptr_equal(f, &freezer);
	freezer.thaws++;
	freezer.frozen = false;
	return 0;
}

void __wrap_ravelin_freezer_close(struct ravelin_freezer *f)
{
	if (f)
		freezer.closed++;
}

int __wrap_ravelin_freezer_file(const struct ravelin_freezer *f)
{
	sigset_t set;

	assert_ptr_equal(f, &freezer);
	pthread_sigmask(SIG_BLOCK, NULL, &set);
	freezer.signals_held = sigismember(&set, SIGINT) && sigismember(&set, SIGTERM);
	return freezer.was_frozen ? -EBUSY : FREEZER_FILE;
}

/* ---- one update ---- */

static struct ravelin_update_report report;

static int apply(unsigned int attempts, struct rv_failure *why)
{
	struct ravelin_update_options options = {
	    .pid = 42, .attempts = attempts, .deadline_us = 1234, .any_target = true};
	struct rv_image_header image = fake_image(true);
	struct ravelin *h;
	sigset_t set;
	int error;

	assert_int_equal(ravelin_open(&h), 0);
	error = ravelin_update_apply(h, &image, sizeof(image), &options, &report);
	if (why)
		*why = ravelin_failure(h);
	ravelin_close(h);
	assert_false(freezer.frozen);
	assert_int_equal(freezer.opened, freezer.closed);
	pthread_sigmask(SIG_BLOCK, NULL, &set);
	assert_false(sigismember(&set, SIGINT));
	assert_int_equal(fake.bad_heads, 0);
	return error;
}

static int setup(void **state)
{
	(void)state;
	fake_reset();
	memset(&freezer, 0, sizeof(freezer));
	return 0;
}

static unsigned int calls(unsigned long command)
{
	return fake.calls[_IOC_NR(command)];
}

static void applies_at_once(void **state)
{
	(void)state;
	assert_int_equal(apply(0, NULL), 0);
	assert_int_equal(report.id, 5);
	assert_int_equal(report.state, RV_UPDATE_APPLIED);
	assert_int_equal(report.pages, 3);
	assert_int_equal(report.prepares, 1);
	assert_int_equal(report.freezes, 1);
	assert_true(freezer.signals_held);
	assert_int_equal(fake.prepare.pid, 42);
	assert_int_equal(fake.prepare.range_count, 1);
	assert_int_equal(fake.prepare.range[0].address, 0x1000);
	assert_int_equal(fake.prepare.sizes.argument_offset, fake.prepare.sizes.input_bytes);
	assert_int_equal(fake.prepare.sizes.input_bytes, sizeof(struct rv_image_header));
	assert_int_equal(fake.update.deadline_us, 1234);
	/* Prepared while it ran, frozen and thawed by the module, and left alive for confirmation. */
	assert_int_equal(freezer.freezes, 0);
	assert_int_equal(fake.freezes, 1);
	assert_int_equal(fake.freezer, FREEZER_FILE);
	assert_true(fake.freeze_ms > 0);
	assert_int_equal(report.pause_ticks, 900 - 110);
	assert_int_equal(fake.destroyed, 0);
}

static void target_that_stands_already_is_left_alone(void **state)
{
	(void)state;
	freezer.was_frozen = true;
	assert_int_equal(apply(0, NULL), 0);
	assert_int_equal(fake.freezes, 0);
	assert_int_equal(freezer.freezes, 1);
	assert_int_equal(freezer.thaws, 1);
	assert_int_equal(freezer.prepares_frozen, 1);
	assert_int_equal(report.freezes, 1);
	assert_true(report.pause_ticks > 0);
}

static void timeline_is_complete_and_in_order(void **state)
{
	(void)state;
	assert_int_equal(apply(0, NULL), 0);
	for (unsigned int i = 0; i < RAVELIN_PHASES; i++) {
		assert_true(report.begin[i] != 0);
		assert_true(report.end[i] >= report.begin[i]);
	}
	assert_int_equal(report.end[RAVELIN_PHASE_ISOLATE] - report.begin[RAVELIN_PHASE_ISOLATE], 100);
	assert_int_equal(report.end[RAVELIN_PHASE_RETURN], report.begin[RAVELIN_PHASE_RESUME]);
	assert_true(report.pause_ticks > 0);
	assert_true(report.total_ticks >= report.pause_ticks);
}

static void thread_in_the_way_is_tried_again(void **state)
{
	(void)state;
	fake.failure[0] = (struct fake_failure){RV_IOCTL_UPDATE_COMMIT, 1, EAGAIN, RV_REASON_DRIVER_STACK, 99};
	fake.failure[1] = (struct fake_failure){RV_IOCTL_UPDATE_COMMIT, 1, EAGAIN, RV_REASON_DRIVER_SIGNAL_STACK, 99};
	fake.failure[2] = (struct fake_failure){RV_IOCTL_UPDATE_COMMIT, 1, EAGAIN, RV_REASON_DRIVER_DEEP, 99};
	assert_int_equal(apply(10, NULL), 0);
	assert_int_equal(report.freezes, 4);
	assert_int_equal(fake.freezes, 4);
	assert_int_equal(report.prepares, 1);
}

static void thread_that_stays_ends_it(void **state)
{
	struct rv_failure why;

	(void)state;
	fake.failure[0] = (struct fake_failure){RV_IOCTL_UPDATE_COMMIT, -1, EAGAIN, RV_REASON_DRIVER_STACK, 99};
	assert_int_equal(apply(3, &why), -EAGAIN);
	assert_int_equal(report.freezes, 3);
	assert_int_equal(why.reason, RV_REASON_DRIVER_STACK);
	assert_int_equal(why.value, 99);
	assert_int_equal(fake.destroyed, 5);
	assert_int_equal(report.id, 0);
}

static void changed_memory_is_prepared_again(void **state)
{
	static const struct {
		int error;
		uint32_t reason;
	} cases[] = {
	    {EAGAIN, RV_REASON_DRIVER_HEAP}, {EAGAIN, RV_REASON_DRIVER_REMAPPED}, {ESTALE, RV_REASON_UPDATE_STALE}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setup(NULL);
		fake.failure[0] = (struct fake_failure){RV_IOCTL_UPDATE_COMMIT, 1, cases[i].error, cases[i].reason, 0};
		assert_int_equal(apply(0, NULL), 0);
		assert_int_equal(report.prepares, 2);
		assert_int_equal(calls(RV_IOCTL_DESTROY), 1);
		assert_int_equal(freezer.freezes, 0);
	}
}

static void memory_that_changes_while_it_is_prepared(void **state)
{
	(void)state;
	fake.failure[0] = (struct fake_failure){RV_IOCTL_UPDATE_PREPARE, 2, EAGAIN, RV_REASON_DRIVER_REMAPPED, 0};
	assert_int_equal(apply(0, NULL), 0);
	assert_int_equal(report.prepares, 3);
	assert_int_equal(report.freezes, 1);
	assert_int_equal(calls(RV_IOCTL_DESTROY), 0);
}

static void memory_that_keeps_changing_is_prepared_frozen(void **state)
{
	(void)state;
	fake.failure[0] = (struct fake_failure){RV_IOCTL_UPDATE_COMMIT, 3, EAGAIN, RV_REASON_DRIVER_HEAP, 0};
	assert_int_equal(apply(0, NULL), 0);
	assert_int_equal(report.prepares, 4);
	/* The last time it was frozen before it was prepared, and stood until it was committed. */
	assert_int_equal(fake.freezes, 3);
	assert_int_equal(freezer.freezes, 1);
	assert_int_equal(freezer.prepares_frozen, 3);
	assert_int_equal(freezer.thaws, 1);
}

static void refusal_never_freezes(void **state)
{
	struct rv_failure why;

	(void)state;
	fake.failure[0] = (struct fake_failure){RV_IOCTL_UPDATE_PREPARE, 1, ECANCELED, RV_REASON_SUIT_SIGNATURE, 0};
	assert_int_equal(apply(0, &why), -ECANCELED);
	assert_int_equal(why.reason, RV_REASON_SUIT_SIGNATURE);
	assert_int_equal(freezer.opened, 0);
	assert_int_equal(report.id, 0);
}

static void failed_self_check_ends_it(void **state)
{
	(void)state;
	fake.failure[0] = (struct fake_failure){RV_IOCTL_UPDATE_COMMIT, 1, ECANCELED, RV_REASON_UPDATE_SELF_CHECK, 3};
	assert_int_equal(apply(0, NULL), -ECANCELED);
	assert_int_equal(fake.freezes, 1);
	assert_int_equal(freezer.freezes, 0);
	assert_int_equal(report.prepares, 1);
}

static void freezer_that_fails_is_told(void **state)
{
	struct ravelin_update_options options = {.pid = 42, .any_target = true};
	struct rv_image_header image = fake_image(true);
	struct ravelin *h;
	char text[300];

	(void)state;
	fake.failure[0] = (struct fake_failure){RV_IOCTL_UPDATE_COMMIT, 1, ETIME, RV_REASON_DRIVER_NOT_FROZEN, 43};
	assert_int_equal(ravelin_open(&h), 0);
	assert_int_equal(ravelin_update_apply(h, &image, sizeof(image), &options, &report), -ETIME);
	assert_non_null(strstr(ravelin_explain(h, -ETIME, text, sizeof(text)), "could not be frozen within"));
	assert_int_equal(fake.freezes, 1);
	assert_int_equal(fake.destroyed, 5);
	/* The same when it is frozen from here. */
	freezer.was_frozen = true;
	freezer.freeze_error = -ETIME;
	assert_int_equal(ravelin_update_apply(h, &image, sizeof(image), &options, &report), -ETIME);
	assert_non_null(strstr(ravelin_explain(h, -ETIME, text, sizeof(text)), "could not be frozen within"));
	freezer.open_error = -EOPNOTSUPP;
	assert_int_equal(ravelin_update_apply(h, &image, sizeof(image), &options, &report), -EOPNOTSUPP);
	assert_non_null(strstr(ravelin_explain(h, -EOPNOTSUPP, text, sizeof(text)), "cgroup v2"));
	ravelin_close(h);
}

static void image_without_target_is_no_update(void **state)
{
	struct ravelin_update_options options = {.pid = 42};
	struct rv_image_header image = fake_image(false);
	struct ravelin *h;
	char text[300];

	(void)state;
	assert_int_equal(ravelin_open(&h), 0);
	assert_int_equal(ravelin_update_apply(h, &image, sizeof(image), &options, &report), -EINVAL);
	assert_non_null(strstr(ravelin_explain(h, -EINVAL, text, sizeof(text)), "not an update"));
	ravelin_close(h);
	assert_int_equal(calls(RV_IOCTL_UPDATE_PREPARE), 0);
}

static void deadline_that_is_too_long_never_freezes(void **state)
{
	struct ravelin_update_options options = {
	    .pid = 42, .any_target = true, .deadline_us = RV_UPDATE_MAX_DEADLINE_US + 1ull};
	struct rv_image_header image = fake_image(true);
	struct ravelin *h;
	char text[300];

	(void)state;
	assert_int_equal(ravelin_open(&h), 0);
	assert_int_equal(ravelin_update_apply(h, &image, sizeof(image), &options, &report), -ERANGE);
	assert_non_null(strstr(ravelin_explain(h, -ERANGE, text, sizeof(text)), "600 s"));
	assert_int_equal(calls(RV_IOCTL_UPDATE_PREPARE), 0);
	assert_int_equal(freezer.opened, 0);
	options.deadline_us--;
	assert_int_equal(ravelin_update_apply(h, &image, sizeof(image), &options, &report), 0);
	ravelin_close(h);
}

static void wrong_executable_is_noticed(void **state)
{
	/* This very test: it has a build-id, but not the one of zeros that the image names. */
	struct ravelin_update_options options = {.pid = getpid()};
	struct rv_image_header image = fake_image(true);
	struct ravelin *h;
	char text[300];

	(void)state;
	assert_int_equal(ravelin_open(&h), 0);
	assert_int_equal(ravelin_update_apply(h, &image, sizeof(image), &options, &report), -EXDEV);
	assert_non_null(strstr(ravelin_explain(h, -EXDEV, text, sizeof(text)), "build"));
	ravelin_close(h);
	assert_int_equal(calls(RV_IOCTL_UPDATE_PREPARE), 0);
}

static void rollback_freezes_and_tries_again(void **state)
{
	struct rv_fimce_status status;
	struct ravelin *h;

	(void)state;
	fake.failure[0] = (struct fake_failure){RV_IOCTL_UPDATE_ROLLBACK, 2, EAGAIN, RV_REASON_DRIVER_STACK, 99};
	assert_int_equal(ravelin_open(&h), 0);
	assert_int_equal(ravelin_update_rollback(h, 5, &status), 0);
	assert_int_equal(status.update, RV_UPDATE_ROLLED_BACK);
	assert_int_equal(fake.freezes, 3);
	assert_int_equal(fake.freezer, FREEZER_FILE);
	assert_int_equal(freezer.closed, 1);
	fake.failure[0] = (struct fake_failure){RV_IOCTL_UPDATE_STATUS, 1, ENOENT, RV_REASON_FIMCE_ID, 5};
	assert_int_equal(ravelin_update_rollback(h, 5, &status), -ENOENT);
	assert_int_equal(fake.freezes, 3);
	ravelin_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(applies_at_once, setup),
	    cmocka_unit_test_setup(target_that_stands_already_is_left_alone, setup),
	    cmocka_unit_test_setup(timeline_is_complete_and_in_order, setup),
	    cmocka_unit_test_setup(thread_in_the_way_is_tried_again, setup),
	    cmocka_unit_test_setup(thread_that_stays_ends_it, setup),
	    cmocka_unit_test(changed_memory_is_prepared_again),
	    cmocka_unit_test_setup(memory_that_changes_while_it_is_prepared, setup),
	    cmocka_unit_test_setup(memory_that_keeps_changing_is_prepared_frozen, setup),
	    cmocka_unit_test_setup(refusal_never_freezes, setup),
	    cmocka_unit_test_setup(failed_self_check_ends_it, setup),
	    cmocka_unit_test_setup(freezer_that_fails_is_told, setup),
	    cmocka_unit_test_setup(image_without_target_is_no_update, setup),
	    cmocka_unit_test_setup(deadline_that_is_too_long_never_freezes, setup),
	    cmocka_unit_test_setup(wrong_executable_is_noticed, setup),
	    cmocka_unit_test_setup(rollback_freezes_and_tries_again, setup),
	};

	return cmocka_run_group_tests_name("course of an update", tests, NULL, NULL);
}
