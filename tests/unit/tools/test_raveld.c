// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_raveld.c - raveld: its configuration, and what becomes of the files in a service's directory. The device is a fake.
 */
#include "fake_device.h"

#include <libravelin/handle.h>
#include <libravelin/health.h>
#include <raveld/config.h>
#include <raveld/service.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[64];

/* An update never gets as far as freezing in these tests. */
int __wrap_ravelin_freezer_open(pid_t pid, struct ravelin_freezer **f);
int __wrap_ravelin_freezer_freeze(struct ravelin_freezer *f, int timeout_ms);
int __wrap_ravelin_freezer_thaw(struct ravelin_freezer *f);
void __wrap_ravelin_freezer_close(struct ravelin_freezer *f);
int __wrap_ravelin_freezer_file(const struct ravelin_freezer *f);
static bool freezer_works;
static int frozen;

int __wrap_ravelin_freezer_open(pid_t pid, struct ravelin_freezer **f)
{
	(void)pid;
	*f = (struct ravelin_freezer *)&frozen;
	return freezer_works ? 0 : -EBUSY;
}

int __wrap_ravelin_freezer_freeze(struct ravelin_freezer *f, int timeout_ms)
{
	(void)f;
	(void)timeout_ms;
	frozen++;
	return 0;
}

int __wrap_ravelin_freezer_thaw(struct ravelin_freezer *f)
{
	(void)f;
	frozen--;
	return 0;
}

void __wrap_ravelin_freezer_close(struct ravelin_freezer *f)
{
	(void)f;
}

int __wrap_ravelin_freezer_file(const struct ravelin_freezer *f)
{
	(void)f;
	return 9;
}

static void file_make(const char *name, const void *data, size_t bytes)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, bytes, file), bytes);
	assert_int_equal(fclose(file), 0);
}

static bool file_is_there(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return access(path, F_OK) == 0;
}

static int config_of(const char *text, struct config *config, char *why, size_t size)
{
	char path[128];

	file_make("conf", text, strlen(text));
	snprintf(path, sizeof(path), "%s/conf", directory);
	return config_read(path, config, why, size);
}

static void good_configuration(void **state)
{
	static struct config c;
	char why[200];

	(void)state;
	assert_int_equal(
	    config_of("# two services\n\n[service one]\n pid-file = /run/one.pid \nupdates=/u/one\n"
		      "health = test \"$x\" = 1\ndeadline = 500ms\n[service two]\nprocess = two\nupdates = /u/two",
		      &c, why, sizeof(why)),
	    0);
	assert_int_equal(c.services, 2);
	assert_string_equal(c.service[0].pid_file, "/run/one.pid");
	assert_string_equal(c.service[0].health, "test \"$x\" = 1");
	assert_int_equal(c.service[0].deadline_us, 500000);
	assert_string_equal(c.service[1].process, "two");
	assert_string_equal(c.service[1].updates, "/u/two");
	assert_int_equal(c.service[1].deadline_us, 10000000);
}

static void wrong_configurations_name_the_line(void **state)
{
	static const struct {
		const char *text, *line;
	} cases[] = {
	    {"", "line 0"},
	    {"a = b\n", "line 1"},
	    {"[service]\n", "line 1"},
	    {"[service ]\n", "line 1"},
	    {"[service a\n", "line 1"},
	    {"\n[service a]\nnonsense\n", "line 3"},
	    {"[service a]\ncolour = red\n", "line 2"},
	    {"[service a]\nhealth =\n", "line 2"},
	    {"[service a]\ndeadline = soon\n", "line 2"},
	    {"[service a]\ndeadline = 0\n", "line 2"},
	    {"[service a]\nupdates = /u\n", "pid-file"},
	    {"[service a]\nupdates = /u\nprocess = a\ncgroup = /c\n", "one of"},
	    {"[service a]\nupdates = u\nprocess = a\n", "from the root"},
	    {"[service a]\nupdates = /u\nprocess = a\n[service a]\n", "twice"},
	};
	static struct config c;
	char why[200];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(config_of(cases[i].text, &c, why, sizeof(why)), -EINVAL);
		if (!strstr(why, cases[i].line))
			fail_msg("'%s' gives '%s'", cases[i].text, why);
	}
	assert_int_equal(config_read("/nonexistent", &c, why, sizeof(why)), -ENOENT);
}

static struct service_config service(void)
{
	struct service_config s = {.name = "test", .deadline_us = 1000000};

	snprintf(s.updates, sizeof(s.updates), "%s", directory);
	snprintf(s.pid_file, sizeof(s.pid_file), "%s/pid", directory);
	return s;
}

static void envelopes_come_in_order_of_name(void **state)
{
	struct service_config s = service();
	char file[PATH_MAX];

	(void)state;
	assert_false(service_next(&s, file, sizeof(file)));
	file_make(".a.suit", "", 0);
	file_make("a.txt", "", 0);
	file_make(".suit", "", 0);
	assert_false(service_next(&s, file, sizeof(file)));
	file_make("c.suit", "", 0);
	file_make("b.suit", "", 0);
	assert_true(service_next(&s, file, sizeof(file)));
	assert_string_equal(strrchr(file, '/'), "/b.suit");
}

static void pid_files_are_read_with_care(void **state)
{
	struct service_config s = service();
	char number[16];
	pid_t pid = 0;

	(void)state;
	assert_int_equal(service_pid(&s, &pid), -ESRCH);
	file_make("pid", "", 0);
	assert_int_equal(service_pid(&s, &pid), -ESRCH);
	file_make("pid", "0\n", 2);
	assert_int_equal(service_pid(&s, &pid), -EINVAL);
	file_make("pid", "1 2\n", 4);
	assert_int_equal(service_pid(&s, &pid), -EINVAL);
	file_make("pid", "2147483647\n", 11);
	assert_int_equal(service_pid(&s, &pid), -ESRCH);
	snprintf(number, sizeof(number), "%d\n", (int)getpid());
	file_make("pid", number, strlen(number));
	assert_int_equal(service_pid(&s, &pid), 0);
	assert_int_equal(pid, getpid());
}

static void update_one(const char *health, bool *confirmed, struct service_config *s)
{
	/* The image names the build-id of this test, so that it is taken for the target. */

	struct rv_image_header h = fake_image(true);
	char number[16], file[PATH_MAX];

	assert_int_equal(identity_build_id("/proc/self/exe", h.target_build_id), 0);
	*s = service();
	snprintf(s->health, sizeof(s->health), "%s", health);
	snprintf(number, sizeof(number), "%d\n", (int)getpid());
	file_make("pid", number, strlen(number));
	file_make("u.suit", &h, sizeof(h));
	assert_true(service_next(s, file, sizeof(file)));
	*confirmed = service_update(s, file);
	assert_false(service_next(s, file, sizeof(file)));
	assert_int_equal(frozen, 0);
}

static void healthy_update_is_confirmed(void **state)
{
	struct service_config s;
	bool confirmed;

	(void)state;
	freezer_works = true;
	update_one("true", &confirmed, &s);
	assert_true(confirmed);
	assert_true(file_is_there("applied/u.suit"));
	assert_int_equal(fake.calls[_IOC_NR(RV_IOCTL_UPDATE_CONFIRM)], 1);
	assert_int_equal(fake.calls[_IOC_NR(RV_IOCTL_UPDATE_ROLLBACK)], 0);
	assert_int_equal(fake.update.deadline_us, 1000000);
	assert_int_equal(fake.opened, fake.closed);
}

static void unhealthy_update_is_rolled_back(void **state)
{
	struct service_config s;
	bool confirmed;

	(void)state;
	freezer_works = true;
	update_one("exit 3", &confirmed, &s);
	assert_false(confirmed);
	assert_true(file_is_there("refused/u.suit"));
	assert_true(file_is_there("refused/u.suit.why"));
	assert_int_equal(fake.calls[_IOC_NR(RV_IOCTL_UPDATE_CONFIRM)], 0);
	assert_int_equal(fake.calls[_IOC_NR(RV_IOCTL_UPDATE_ROLLBACK)], 1);
}

/* An update that changed data is not taken back at the deadline by Ravelin alone. */
static void overdue_update_is_rolled_back(void **state)
{
	struct service_config s;
	bool confirmed;

	(void)state;
	freezer_works = true;
	fake.status.update = RV_UPDATE_EXPIRED;
	fake.failure[0] = (struct fake_failure){RV_IOCTL_UPDATE_CONFIRM, 1, EBUSY, RV_REASON_UPDATE_STATE, 5};
	update_one("true", &confirmed, &s);
	assert_false(confirmed);
	assert_true(file_is_there("refused/u.suit.why"));
	assert_int_equal(fake.calls[_IOC_NR(RV_IOCTL_UPDATE_ROLLBACK)], 1);
}

static void refused_update_is_put_aside(void **state)
{
	struct service_config s;
	bool confirmed;

	(void)state;
	fake.failure[0] = (struct fake_failure){RV_IOCTL_UPDATE_PREPARE, 1, ECANCELED, RV_REASON_SUIT_SIGNATURE, 0};
	update_one("true", &confirmed, &s);
	assert_false(confirmed);
	assert_true(file_is_there("refused/u.suit.why"));
	assert_int_equal(fake.calls[_IOC_NR(RV_IOCTL_UPDATE_COMMIT)], 0);
}

static void health_commands_end(void **state)
{
	char why[100] = "";

	(void)state;
	assert_int_equal(health_run("true", 5000, why, sizeof(why)), 0);
	assert_int_equal(health_run("exit 9", 5000, why, sizeof(why)), -EPROTO);
	assert_string_equal(why, "exit status 9");
	assert_int_equal(health_run("kill -9 $$", 5000, why, sizeof(why)), -EPROTO);
	assert_string_equal(why, "ended by signal 9");
	assert_int_equal(health_run("sleep 60 & sleep 60", 50, why, sizeof(why)), -ETIME);
	assert_string_equal(why, "no answer within 50 ms");
	assert_int_equal(health_limit_ms(0), 60000);
	assert_int_equal(health_limit_ms(5000000), 4500);
	assert_int_equal(health_limit_ms(60000000), 59000);
	assert_int_equal(health_limit_ms(500), 1);
}

static void watch_ends_when_told(void **state)
{
	struct service_config s = service();
	int stop[2];

	(void)state;
	assert_int_equal(pipe(stop), 0);
	assert_int_equal(service_watch(&s, stop[0], true), 0);
	assert_int_equal(write(stop[1], "x", 1), 1);
	assert_int_equal(service_watch(&s, stop[0], false), 0);
	snprintf(s.updates, sizeof(s.updates), "/nonexistent");
	assert_int_equal(service_watch(&s, stop[0], true), -ENOENT);
	close(stop[0]);
	close(stop[1]);
}

static int setup(void **state)
{
	(void)state;
	fake_reset();
	freezer_works = false;
	frozen = 0;
	strcpy(directory, "/tmp/ravelin-test-raveld.XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	return system(command); /* NOLINT(cert-env33-c) */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(good_configuration, setup, teardown),
	    cmocka_unit_test_setup_teardown(wrong_configurations_name_the_line, setup, teardown),
	    cmocka_unit_test_setup_teardown(envelopes_come_in_order_of_name, setup, teardown),
	    cmocka_unit_test_setup_teardown(pid_files_are_read_with_care, setup, teardown),
	    cmocka_unit_test_setup_teardown(healthy_update_is_confirmed, setup, teardown),
	    cmocka_unit_test_setup_teardown(unhealthy_update_is_rolled_back, setup, teardown),
	    cmocka_unit_test_setup_teardown(overdue_update_is_rolled_back, setup, teardown),
	    cmocka_unit_test_setup_teardown(refused_update_is_put_aside, setup, teardown),
	    cmocka_unit_test(health_commands_end),
	    cmocka_unit_test_setup_teardown(watch_ends_when_told, setup, teardown),
	};

	return cmocka_run_group_tests_name("raveld", tests, NULL, NULL);
}
