// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_guard.c - who thaws when the program that froze is killed. With directories that look like cgroups, and with real ones if this machine
 * lets us.
 */
#include <libravelin/guard.h>
#include <libravelin/ravelin.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[64], records[80];

static const char *path_of(const char *name)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void file_put(const char *name, const char *text)
{
	FILE *file = fopen(path_of(name), "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static const char *file_get(const char *name)
{
	static char text[256];
	FILE *file = fopen(path_of(name), "r");
	size_t n;

	if (!file)
		return "(not there)";
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	fclose(file);
	return text;
}

static bool record_is_there(const char *name)
{
	char path[120];

	snprintf(path, sizeof(path), "%s/%s", records, name);
	return access(path, F_OK) == 0;
}

/** A process 77 that was moved from home to own. */
static void guard_77(struct guard *g)
{
	char own[80], home[80];

	snprintf(own, sizeof(own), "%s/own", directory);
	snprintf(home, sizeof(home), "%s/home", directory);
	guard_init(g);
	assert_int_equal(guard_claim(g, 77), 0);
	assert_int_equal(guard_start(g, own, home, true), 0);
}

/** In a child: freezes and is killed, together with the guardian if so wanted. Returns when both are gone. */
static void killed_while_frozen(bool with_guardian, bool without_files)
{
	int status;
	pid_t pid;

	/* Guardians whose parent has died become our children, so that we can wait for them. */
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct guard g;

		for (int file = 0; without_files && file < 3; file++)
			close(file);
		guard_77(&g);
		file_put("own/cgroup.freeze", "1");
		if (with_guardian)
			kill(g.guardian, SIGKILL);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	while (wait(&status) > 0)
		;
	assert_int_equal(errno, ECHILD);
}

static void killed_program_leaves_nothing_frozen(void **state)
{
	(void)state;
	killed_while_frozen(false, false);
	assert_string_equal(file_get("own/cgroup.freeze"), "0");
	assert_string_equal(file_get("home/cgroup.procs"), "77");
	assert_false(record_is_there("77"));
	assert_int_equal(guard_recover(), 0);
}

/* As some supervisors start daemons. */
static void also_without_standard_files(void **state)
{
	(void)state;
	killed_while_frozen(false, true);
	assert_string_equal(file_get("own/cgroup.freeze"), "0");
	assert_string_equal(file_get("home/cgroup.procs"), "77");
	assert_false(record_is_there("77"));
}

static void the_next_program_thaws_if_the_guardian_died_too(void **state)
{
	(void)state;
	killed_while_frozen(true, false);
	assert_string_equal(file_get("own/cgroup.freeze"), "1");
	assert_true(record_is_there("77"));
	assert_int_equal(guard_recover(), 1);
	assert_string_equal(file_get("own/cgroup.freeze"), "0");
	assert_string_equal(file_get("home/cgroup.procs"), "77");
	assert_false(record_is_there("77"));
	assert_int_equal(guard_recover(), 0);
}

static void an_ordinary_end_leaves_all_to_the_program(void **state)
{
	struct guard g;
	int status;

	(void)state;
	guard_77(&g);
	file_put("own/cgroup.freeze", "1");
	guard_close(&g);
	/* The guardian has ended, is waited for, and has touched nothing. */
	assert_int_equal(wait(&status), -1);
	assert_string_equal(file_get("own/cgroup.freeze"), "1");
	assert_string_equal(file_get("home/cgroup.procs"), "");
	assert_false(record_is_there("77"));
	guard_close(&g);
}

static void a_guardian_that_was_killed_is_no_trouble(void **state)
{
	struct guard g;

	(void)state;
	guard_77(&g);
	assert_int_equal(kill(g.guardian, SIGKILL), 0);
	guard_close(&g);
	assert_false(record_is_there("77"));
}

static void one_holder_at_a_time(void **state)
{
	struct guard one, two;

	(void)state;
	guard_77(&one);
	guard_init(&two);
	assert_int_equal(guard_claim(&two, 77), -EBUSY);
	assert_int_equal(guard_recover(), 0); /* its program lives */
	assert_true(record_is_there("77"));
	assert_int_equal(guard_claim(&two, 78), 0);
	guard_close(&two);
	guard_close(&one);
	assert_int_equal(guard_claim(&two, 77), 0);
	guard_close(&two);
}

static void what_was_frozen_before_stays_so(void **state)
{
	char own[80];
	struct guard g;

	(void)state;
	file_put("own/cgroup.freeze", "1");
	snprintf(own, sizeof(own), "%s/own", directory);
	guard_init(&g);
	assert_int_equal(guard_claim(&g, 77), 0);
	assert_int_equal(guard_start(&g, own, NULL, false), 0);
	guard_leave(&g.place);
	assert_string_equal(file_get("own/cgroup.freeze"), "1");
	assert_string_equal(file_get("home/cgroup.procs"), "");
	guard_close(&g);
}

static void records_of_others_are_not_obeyed(void **state)
{
	struct guard g;
	char path[160];

	(void)state;
	assert_int_equal(mkdir(records, 0777), 0);
	assert_int_equal(chmod(records, 0777), 0);
	file_put("own/cgroup.freeze", "1");
	snprintf(path, sizeof(path), "thaw\n%.60s/own\n\n", directory);
	file_put("records/77", path);
	assert_int_equal(guard_recover(), -EPERM);
	guard_init(&g);
	assert_int_equal(guard_claim(&g, 77), -EPERM);
	assert_string_equal(file_get("own/cgroup.freeze"), "1");
	/* In a directory of ours: what is no record is not obeyed either, nor waited for. */
	assert_int_equal(chmod(records, 0700), 0);
	snprintf(path, sizeof(path), "%s/78", records);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(path, sizeof(path), "%s/79", records);
	assert_int_equal(symlink(path_of("own/cgroup.freeze"), path), 0);
	file_put("records/80", "thaw\n");
	file_put("records/x", "thaw\n/\n\n");
	assert_int_equal(guard_recover(), 1);
	assert_string_equal(file_get("own/cgroup.freeze"), "0");
	assert_true(record_is_there("x"));
}

/* ---- with the kernel's own cgroups ---- */

static bool mount_point(char *path, size_t size)
{
	static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};

	for (size_t i = 0; i < 2; i++) {
		snprintf(path, size, "%s/cgroup.controllers", mounts[i]);
		if (access(path, F_OK) != 0)
			continue;
		snprintf(path, size, "%s/ravelin-unit-%d", mounts[i], (int)getpid());
		if (mkdir(path, 0755) == 0)
			return true;
	}
	return false;
}

static bool is_frozen(const char *cgroup)
{
	char path[200], text[200] = "";
	ssize_t n;
	int file;

	snprintf(path, sizeof(path), "%s/cgroup.events", cgroup);
	file = open(path, O_RDONLY);
	if (file < 0)
		return false;
	n = read(file, text, sizeof(text) - 1);
	close(file);
	return n > 0 && strstr(text, "frozen 1") != NULL;
}

static void real_process(const char *cgroup, bool shares)
{
	char path[200], own[200];
	pid_t target = -1, sibling = -1, program;
	int status, file;

	for (int i = 0; i < (shares ? 2 : 1); i++) {
		target = fork();
		assert_true(target >= 0);
		if (target == 0) {
			for (;;)
				pause();
		}
		snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
		file = open(path, O_WRONLY);
		assert_true(file >= 0);
		assert_true(dprintf(file, "%d", (int)target) > 0);
		close(file);
		if (shares && i == 0)
			sibling = target;
	}
	snprintf(own, sizeof(own), shares ? "%.100s/ravelin-%d" : "%.100s", cgroup, (int)target);
	program = fork();
	assert_true(program >= 0);
	if (program == 0) {
		struct ravelin_freezer *f;

		if (ravelin_freezer_open(target, &f) != 0 || ravelin_freezer_freeze(f, 5000) != 0 || !is_frozen(own))
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(program, &status, 0), program);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	/* The guardian is our child now: the next one that ends. */
	program = wait(&status);
	assert_true(program > 0 && program != target && program != sibling);
	assert_false(is_frozen(own));
	if (shares)
		assert_int_equal(access(own, F_OK), -1);
	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)target);
	file = open(path, O_RDONLY);
	assert_true(file >= 0);
	status = (int)read(file, own, sizeof(own) - 1);
	close(file);
	own[status > 0 ? status : 0] = '\0';
	assert_non_null(strstr(own, strrchr(cgroup, '/'))); /* at home again */
	/* A process that runs can be ended by a signal that a frozen one would sleep over. */
	for (int i = 0; i < 2; i++) {
		pid_t pid = i == 0 ? target : sibling;

		if (pid < 0)
			continue;
		kill(pid, SIGTERM);
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
}

static void real_cgroups(void **state)
{
	char cgroup[128];

	(void)state;
	if (!mount_point(cgroup, sizeof(cgroup)))
		skip();
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	real_process(cgroup, false);
	real_process(cgroup, true);
	assert_int_equal(rmdir(cgroup), 0);
}

static int setup(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/ravelin-test-guard.XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(records, sizeof(records), "%s/records", directory);
	guard_directory = records;
	mkdir(path_of("own"), 0755);
	mkdir(path_of("home"), 0755);
	file_put("own/cgroup.freeze", "0");
	file_put("own/cgroup.procs", "77\n");
	file_put("home/cgroup.procs", "");
	return 0;
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
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(killed_program_leaves_nothing_frozen),
	    T(also_without_standard_files),
	    T(the_next_program_thaws_if_the_guardian_died_too),
	    T(an_ordinary_end_leaves_all_to_the_program),
	    T(a_guardian_that_was_killed_is_no_trouble),
	    T(one_holder_at_a_time),
	    T(what_was_frozen_before_stays_so),
	    T(records_of_others_are_not_obeyed),
	    T(real_cgroups),
	};

	return cmocka_run_group_tests_name("guardian of frozen processes", tests, NULL, NULL);
}
