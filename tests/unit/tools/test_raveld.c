// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_raveld.c - raveld: its configuration, and what becomes of the files in a service's directory. The device is a fake.
 */
#include "fake_device.h"

#include <libravelin/handle.h>
#include <libravelin/health.h>
#include <raveld/config.h>
#include <raveld/inbox.h>
#include <raveld/service.h>

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
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
	    {"[service a]\ndeadline = 1800s\n", "at most 600s"},
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
	char name[NAME_MAX + 1], path[128];
	int inbox = inbox_open(directory);

	(void)state;
	assert_true(inbox >= 0);
	assert_false(inbox_next(inbox, name, sizeof(name)));
	file_make(".a.suit", "", 0);
	file_make("a.txt", "", 0);
	file_make(".suit", "", 0);
	snprintf(path, sizeof(path), "%s/aa.suit", directory);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_false(inbox_next(inbox, name, sizeof(name)));
	file_make("c.suit", "", 0);
	file_make("b.suit", "", 0);
	assert_true(inbox_next(inbox, name, sizeof(name)));
	assert_string_equal(name, "b.suit");
	close(inbox);
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
	/* The service may write there: no reason to wait for it. */
	assert_int_equal(unlink(s.pid_file), 0);
	assert_int_equal(mkfifo(s.pid_file, 0600), 0);
	assert_int_equal(service_pid(&s, &pid), -EINVAL);
}

static void update_one(const char *health, bool *confirmed, struct service_config *s)
{
	/* The image names the build-id of this test, so that it is taken for the target. */

	struct rv_image_header h = fake_image(true);
	char number[16], name[NAME_MAX + 1];
	int inbox = inbox_open(directory);

	assert_true(inbox >= 0);
	assert_int_equal(identity_build_id("/proc/self/exe", h.target_build_id), 0);
	*s = service();
	snprintf(s->health, sizeof(s->health), "%s", health);
	snprintf(number, sizeof(number), "%d\n", (int)getpid());
	file_make("pid", number, strlen(number));
	file_make("u.suit", &h, sizeof(h));
	assert_true(inbox_next(inbox, name, sizeof(name)));
	assert_int_equal(service_update(s, inbox, name, confirmed), 0);
	assert_false(inbox_next(inbox, name, sizeof(name)));
	assert_int_equal(frozen, 0);
	close(inbox);
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

static void file_says(const char *name, const char *text)
{
	char path[128], content[300];
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "r");
	assert_non_null(file);
	n = fread(content, 1, sizeof(content) - 1, file);
	content[n] = '\0';
	fclose(file);
	if (!strstr(content, text))
		fail_msg("%s says '%s', not '%s'", name, content, text);
}

/* Who can write there must not get raveld to write elsewhere, nor to wait. */
static void only_regular_files_are_read(void **state)
{
	struct service_config s = service();
	char path[128], name[NAME_MAX + 1];
	bool confirmed;
	int inbox;

	(void)state;
	file_make("victim", "precious", 8);
	snprintf(path, sizeof(path), "%s/a.suit", directory);
	assert_int_equal(symlink("victim", path), 0);
	snprintf(path, sizeof(path), "%s/b.suit", directory);
	assert_int_equal(mkfifo(path, 0666), 0);
	snprintf(path, sizeof(path), "%s/c.suit", directory);
	if (mknod(path, S_IFCHR | 0666, 0x103) != 0) /* /dev/null; only root can make it */
		file_make("c.suit", "", 0);
	snprintf(path, sizeof(path), "%s/d.suit", directory);
	assert_int_equal(symlink(directory, path), 0);
	inbox = inbox_open(directory);
	assert_true(inbox >= 0);
	for (unsigned int i = 0; i < 4; i++) {
		assert_true(inbox_next(inbox, name, sizeof(name)));
		assert_int_equal(service_update(&s, inbox, name, &confirmed), 0);
		assert_false(confirmed);
	}
	assert_false(inbox_next(inbox, name, sizeof(name)));
	assert_int_equal(fake.opened, 0);
	file_says("refused/a.suit.why", "links are not followed");
	file_says("refused/b.suit.why", "not a regular file");
	file_says("refused/d.suit.why", "links are not followed");
	file_says("victim", "precious");
	close(inbox);
}

static void notes_overwrite_nothing(void **state)
{
	struct service_config s = service();
	char path[128];
	bool confirmed;
	int inbox;

	(void)state;
	file_make("victim", "precious", 8);
	snprintf(path, sizeof(path), "%s/refused", directory);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/refused/a.suit.why", directory);
	assert_int_equal(symlink("../victim", path), 0);
	snprintf(path, sizeof(path), "%s/refused/b.suit.why", directory);
	assert_int_equal(mkfifo(path, 0666), 0);
	file_make("a.suit", "no image", 8);
	file_make("b.suit", "no image", 8);
	inbox = inbox_open(directory);
	assert_int_equal(service_update(&s, inbox, "a.suit", &confirmed), 0);
	assert_int_equal(service_update(&s, inbox, "b.suit", &confirmed), 0);
	file_says("victim", "precious");
	file_says("refused/a.suit.why", "\n");
	file_says("refused/b.suit.why", "\n");
	close(inbox);
}

/* refused/ itself a link, somebody's, or not a directory: the update is gone, and nothing outside has changed. */
static void refused_that_is_not_ours_is_not_used(void **state)
{
	struct service_config s = service();
	char path[128], other[160];
	bool confirmed;
	int inbox;

	(void)state;
	snprintf(other, sizeof(other), "%s/other", directory);
	assert_int_equal(mkdir(other, 0755), 0);
	snprintf(path, sizeof(path), "%s/refused", directory);
	assert_int_equal(symlink("other", path), 0);
	inbox = inbox_open(directory);
	file_make("a.suit", "no image", 8);
	assert_int_equal(service_update(&s, inbox, "a.suit", &confirmed), 0);
	assert_false(file_is_there("a.suit"));
	assert_int_equal(rmdir(other), 0); /* empty */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0777), 0);
	assert_int_equal(chmod(path, 0777), 0);
	file_make("a.suit", "no image", 8);
	assert_int_equal(service_update(&s, inbox, "a.suit", &confirmed), 0);
	assert_false(file_is_there("a.suit"));
	assert_int_equal(rmdir(path), 0); /* empty */
	close(inbox);
}

static void directories_that_others_write_to_are_refused(void **state)
{
	struct service_config s = service();
	int stop[2];

	(void)state;
	assert_int_equal(pipe(stop), 0);
	file_make("a.suit", "no image", 8);
	assert_int_equal(chmod(directory, 0775), 0);
	assert_int_equal(service_watch(&s, stop[0], true), -EPERM);
	assert_int_equal(chmod(directory, 0757), 0);
	assert_int_equal(service_watch(&s, stop[0], true), -EPERM);
	assert_true(file_is_there("a.suit"));
	if (geteuid() == 0) {
		assert_int_equal(chmod(directory, 0755), 0);
		assert_int_equal(chown(directory, 65534, 65534), 0);
		assert_int_equal(service_watch(&s, stop[0], true), -EPERM);
		assert_int_equal(chown(directory, 0, 0), 0);
	}
	assert_int_equal(chmod(directory, 0755), 0);
	assert_int_equal(service_watch(&s, stop[0], true), 0);
	assert_true(file_is_there("refused/a.suit"));
	close(stop[0]);
	close(stop[1]);
}

static void health_commands_can_be_ended(void **state)
{
	char why[100] = "";
	sigset_t set, old;
	void (*interrupt)(int) = signal(SIGINT, SIG_IGN);

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, &old), 0);
	assert_int_equal(health_run("kill -TERM $$; exit 0", 5000, why, sizeof(why)), -EPROTO);
	assert_string_equal(why, "ended by signal 15");
	assert_int_equal(health_run("kill -INT $$; exit 0", 5000, why, sizeof(why)), -EPROTO);
	assert_string_equal(why, "ended by signal 2");
	assert_int_equal(pthread_sigmask(SIG_SETMASK, &old, NULL), 0);
	signal(SIGINT, interrupt);
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
	    cmocka_unit_test_setup_teardown(only_regular_files_are_read, setup, teardown),
	    cmocka_unit_test_setup_teardown(notes_overwrite_nothing, setup, teardown),
	    cmocka_unit_test_setup_teardown(refused_that_is_not_ours_is_not_used, setup, teardown),
	    cmocka_unit_test_setup_teardown(directories_that_others_write_to_are_refused, setup, teardown),
	    cmocka_unit_test(health_commands_end),
	    cmocka_unit_test(health_commands_can_be_ended),
	    cmocka_unit_test_setup_teardown(watch_ends_when_told, setup, teardown),
	};

	return cmocka_run_group_tests_name("raveld", tests, NULL, NULL);
}
