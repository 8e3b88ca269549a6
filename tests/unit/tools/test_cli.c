// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_cli.c - the program ravelin against a fake device: exit statuses, words, JSON, parsing.
 */
#include "fake_device.h"
#include "run_cli.h"

#include "../../../tools/ravelin/cli.h"

#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int setup(void **state)
{
	(void)state;
	fake_reset();
	return 0;
}

/* ---- a strict reader of JSON ---- */

static const char *json_value(const char *c);

static const char *blanks(const char *c)
{
	while (*c == ' ' || *c == '\n')
		c++;
	return c;
}

static const char *json_text(const char *c)
{
	if (*c++ != '"')
		return NULL;
	for (; *c != '"'; c++) {
		if ((unsigned char)*c < ' ')
			return NULL;
		if (*c == '\\' && !strchr("\"\\/bfnrtu", *++c))
			return NULL;
	}
	return c + 1;
}

static const char *json_members(const char *c, char close, bool keys)
{
	c = blanks(c + 1);
	if (*c == close)
		return c + 1;
	for (;;) {
		if (keys) {
			c = json_text(blanks(c));
			if (!c || *blanks(c) != ':')
				return NULL;
			c = blanks(c) + 1;
		}
		c = json_value(blanks(c));
		if (!c)
			return NULL;
		c = blanks(c);
		if (*c == close)
			return c + 1;
		if (*c++ != ',')
			return NULL;
	}
}

static const char *json_value(const char *c)
{
	if (*c == '{')
		return json_members(c, '}', true);
	if (*c == '[')
		return json_members(c, ']', false);
	if (*c == '"')
		return json_text(c);
	if (strncmp(c, "true", 4) == 0)
		return c + 4;
	if (strncmp(c, "false", 5) == 0)
		return c + 5;
	if (*c == '-')
		c++;
	if (!isdigit((unsigned char)*c))
		return NULL;
	while (isdigit((unsigned char)*c))
		c++;
	return c;
}

static void json_is_valid(void)
{
	const char *end = json_value(blanks(out));

	if (!end || *blanks(end) != '\0')
		fail_msg("not JSON: %s", out);
}

/* ---- files ---- */

static char image_path[] = "/tmp/ravelin-test-image.XXXXXX";

static void image_write(bool is_update)
{
	struct rv_image_header h = fake_image(is_update);
	FILE *file = fopen(image_path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(&h, 1, sizeof(h), file), sizeof(h));
	assert_int_equal(fclose(file), 0);
}

static int with_image(const char *format)
{
	char words[256];

	snprintf(words, sizeof(words), format, image_path);
	return run_cli(words);
}

/* ---- tests ---- */

static void usage_gives_2(void **state)
{
	static const char *const wrong[] = {"",
					    "nonsense",
					    "info --nonsense",
					    "stat --cpu x",
					    "stat --cpu 64",
					    "run",
					    "run a b",
					    "run a --cpu 1 --borrow",
					    "run a --cpu -1",
					    "kill",
					    "kill x",
					    "log --since -1",
					    "update",
					    "update nonsense",
					    "update apply f",
					    "update apply f --pid 0",
					    "update apply f --pid 1 --name n",
					    "update apply f --pid 1 --deadline 5x",
					    "update apply --pid 1",
					    "update confirm",
					    "update rollback x",
					    "update rollback 1 2",
					    "update apply f --pid 1 --health true --no-confirm",
					    "run a --json --output -"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (run_cli(wrong[i]) != EXIT_USAGE)
			fail_msg("'%s' is not refused: %s%s", wrong[i], out, err);
	}
	assert_int_equal(fake.opened, 0);
}

static void help_works_without_ravelin(void **state)
{
	static const char *const help[] = {"--help",
					   "help",
					   "info --help",
					   "run --help",
					   "update --help",
					   "update apply --help",
					   "update log --help",
					   "update status --help",
					   "help run",
					   "ps --help",
					   "kill --help",
					   "audit --help",
					   "log --help",
					   "stat --help",
					   "check --help"};

	(void)state;
	for (size_t i = 0; i < sizeof(help) / sizeof(help[0]); i++) {
		if (run_cli(help[i]) != EXIT_DONE || !strstr(out, "Exit status"))
			fail_msg("'%s' gives no help: %s%s", help[i], out, err);
	}
	assert_int_equal(fake.opened, 0);
}

static void no_device_gives_3(void **state)
{
	static const char *const commands[] = {"info",          "stat",       "audit",           "log", "ps", "kill 1",
					       "update status", "update log", "update confirm 1"};

	(void)state;
	fake.open_error = ENOENT;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		assert_int_equal(run_cli(commands[i]), EXIT_NO_RAVELIN);
		assert_non_null(strstr(err, "load the module"));
		assert_string_equal(out, "");
	}
}

static void json_of_every_command_is_json(void **state)
{
	static const char *const commands[] = {
	    "check --json", "info --json", "stat --json",          "stat --cpu 1 --json", "audit --json",
	    "log --json",   "ps --json",   "update status --json", "update log --json",   "update confirm --json 5"};

	(void)state;
	fake.list_count = 2;
	fake.list[0].id = 5;
	fake.list[0].flags = RV_LIST_UPDATE | RV_LIST_MODULE;
	fake.list[1].id = 6;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		int status = run_cli(commands[i]);

		if (status != EXIT_DONE && !(i == 0 && status == EXIT_NO_RAVELIN))
			fail_msg("'%s' gives %d: %s", commands[i], status, err);
		json_is_valid();
	}
	assert_int_equal(run_cli("info --json"), EXIT_DONE);
	assert_non_null(strstr(out, "\"version\": \"test \\\"quoted\\\"\""));
	assert_int_equal(fake.opened, fake.closed);
}

static void info_in_words(void **state)
{
	(void)state;
	fake.info.trust_anchor[0] = 0xab;
	assert_int_equal(run_cli("info"), EXIT_DONE);
	assert_non_null(strstr(out, "pool            65536 KiB"));
	assert_non_null(strstr(out, "trust anchor    ab00"));
}

static void stat_in_words(void **state)
{
	(void)state;
	assert_int_equal(run_cli("stat"), EXIT_DONE);
	assert_non_null(strstr(out, "CPU 0"));
	assert_non_null(strstr(out, "CPU 1"));
	assert_non_null(strstr(out, "CPUID"));
	assert_int_equal(run_cli("stat --cpu 7"), EXIT_REFUSED);
	assert_non_null(strstr(err, "there is no CPU with index 7"));
}

static void log_in_words(void **state)
{
	(void)state;
	fake.log[2].sequence = 9;
	assert_int_equal(run_cli("log"), EXIT_DONE);
	assert_non_null(strstr(out, "[     0.001000] CPU 0: CPU 0 left the guest"));
	assert_non_null(strstr(out, "(6 records lost)"));
	assert_int_equal(run_cli("log --since 9"), EXIT_DONE);
	assert_null(strstr(out, "0.001000"));
}

static void audit_that_finds_something_gives_6(void **state)
{
	(void)state;
	assert_int_equal(run_cli("audit"), EXIT_DONE);
	fake.audit.bad = 1;
	fake.audit.bad_address = 0x1000;
	assert_int_equal(run_cli("audit"), EXIT_EVIDENCE);
	assert_non_null(strstr(out, "the EPT grants 0x1000"));
	assert_int_equal(run_cli("audit --json"), EXIT_EVIDENCE);
	json_is_valid();
	fake.failure[0] = (struct fake_failure){RV_IOCTL_AUDIT, 1, ENOMEM, 0, 0};
	assert_int_equal(run_cli("audit"), EXIT_REFUSED);
}

static void journal_that_was_changed_gives_6(void **state)
{
	(void)state;
	assert_int_equal(run_cli("update log"), EXIT_DONE);
	assert_non_null(strstr(out, "does not hold the expected old code at 0xabc123"));
	assert_non_null(strstr(out, " file  0000"));
	assert_non_null(strstr(out, " image 0000"));
	assert_non_null(strstr(out, "over 3 records holds"));
	assert_int_equal(run_cli("update log --verify"), EXIT_DONE);
	assert_null(strstr(out, "old code"));
	assert_null(strstr(out, "got no record"));
	fake.head.lost = 76;
	assert_int_equal(run_cli("update log --verify"), EXIT_DONE);
	assert_non_null(strstr(out, "76 refused attempts got no record"));
	assert_int_equal(run_cli("update log --json"), EXIT_DONE);
	assert_non_null(strstr(out, "\"refusals_not_recorded\": 76"));
	fake.journal[1].sequence = 7;
	assert_int_equal(run_cli("update log"), EXIT_EVIDENCE);
	assert_non_null(strstr(err, "the journal was changed"));
	assert_int_equal(run_cli("update log --json"), EXIT_EVIDENCE);
	json_is_valid();
	assert_non_null(strstr(out, "\"intact\": false"));
}

static void run_shows_the_output(void **state)
{
	(void)state;
	image_write(false);
	assert_int_equal(with_image("run %s"), EXIT_DONE);
	assert_non_null(strstr(out, "\ndeadbeef\n"));
	assert_int_equal(fake.destroyed, 5);
	assert_int_equal(with_image("run %s --json"), EXIT_DONE);
	json_is_valid();
	assert_non_null(strstr(out, "\"output\": \"deadbeef\""));
	assert_int_equal(with_image("run %s --output -"), EXIT_DONE);
	assert_memory_equal(out, "\xde\xad\xbe\xef", 5);
	assert_int_equal(fake.calls[_IOC_NR(RV_IOCTL_CORE_TAKE)], 0);
}

static void run_on_a_cpu_gives_it_back(void **state)
{
	(void)state;
	image_write(false);
	assert_int_equal(with_image("run %s --cpu 1"), EXIT_DONE);
	assert_int_equal(fake.calls[_IOC_NR(RV_IOCTL_CORE_TAKE)], 1);
	assert_int_equal(fake.calls[_IOC_NR(RV_IOCTL_CORE_GIVE)], 1);
	fake.failure[0] = (struct fake_failure){RV_IOCTL_CORE_TAKE, 1, EINVAL, RV_REASON_DRIVER_CPU_ZERO, 0};
	assert_int_equal(with_image("run %s --cpu 0"), EXIT_REFUSED);
	assert_non_null(strstr(err, "CPU 0 can't be given away"));
	assert_int_equal(fake.calls[_IOC_NR(RV_IOCTL_CORE_GIVE)], 1);
}

static void death_gives_4_and_refusal_1(void **state)
{
	(void)state;
	image_write(false);
	fake.status.state = RV_FIMCE_DEAD;
	fake.status.cause = RV_CAUSE_WATCHDOG;
	assert_int_equal(with_image("run %s"), EXIT_DIED);
	assert_non_null(strstr(err, "used up its time budget"));
	assert_int_equal(with_image("run %s --json"), EXIT_DIED);
	json_is_valid();
	fake.status.cause = RV_CAUSE_REFUSED;
	fake.status.detail = RV_REASON_IMAGE_ENTRY;
	assert_int_equal(with_image("run %s"), EXIT_REFUSED);
	assert_non_null(strstr(err, "entry point"));
	fake.status.state = RV_FIMCE_DONE;
	fake.status.result = -5;
	assert_int_equal(with_image("run %s"), EXIT_REFUSED);
	assert_non_null(strstr(out, "result -5 (-EIO), "));
	fake.status.result = 5;
	assert_int_equal(with_image("run %s"), EXIT_DONE);
	assert_non_null(strstr(out, "result 5, "));
}

static void files_that_are_no_images_are_refused(void **state)
{
	(void)state;
	assert_int_equal(run_cli("run /nonexistent/file"), EXIT_REFUSED);
	assert_non_null(strstr(err, "/nonexistent/file: No such file"));
	assert_int_equal(run_cli("run /proc/version"), EXIT_REFUSED);
	assert_non_null(strstr(err, "not a FIMCE image"));
}

static void refused_update_says_why(void **state)
{
	(void)state;
	image_write(true);
	fake.failure[0] = (struct fake_failure){RV_IOCTL_UPDATE_PREPARE, 2, ECANCELED, RV_REASON_SUIT_PAYLOAD, 0};
	fake.failure[1] = (struct fake_failure){RV_IOCTL_INFO, 0, 0, 0, 0};
	/* Process 1 is not touched: preparation fails before anything is frozen. */
	assert_int_equal(with_image("update apply --force --pid 1 %s"), EXIT_REFUSED);
	assert_non_null(strstr(err, "the payload does not have the digest"));
	assert_int_equal(with_image("update apply --force --pid 1 --json %s"), EXIT_REFUSED);
	json_is_valid();
	assert_non_null(strstr(out, "\"outcome\": \"refused\""));
	assert_int_equal(run_cli("update apply --name no-such-process-here /proc/version"), EXIT_REFUSED);
	assert_non_null(strstr(err, "no process is called"));
}

static void numbers_and_times(void **state)
{
	uint64_t v = 0;

	(void)state;
	assert_true(parse_number("0x10", 100, &v));
	assert_int_equal(v, 16);
	assert_false(parse_number("101", 100, &v));
	assert_false(parse_number("", 100, &v));
	assert_false(parse_number("1 ", 100, &v));
	assert_false(parse_number(" 1", 100, &v));
	assert_false(parse_number("-1", UINT64_MAX, &v));
	assert_false(parse_number("99999999999999999999", UINT64_MAX, &v));
	assert_true(parse_deadline("5", &v));
	assert_int_equal(v, 5000);
	assert_true(parse_deadline("5s", &v));
	assert_int_equal(v, 5000000);
	assert_true(parse_deadline("7us", &v));
	assert_int_equal(v, 7);
	assert_true(parse_deadline("0", &v));
	assert_int_equal(v, 0);
	assert_false(parse_deadline("5 s", &v));
	assert_false(parse_deadline("s", &v));
	assert_true(parse_deadline("600s", &v));
	assert_int_equal(v, RV_UPDATE_MAX_DEADLINE_US);
	assert_false(parse_deadline("601s", &v));
	assert_false(parse_deadline("600001", &v));
	assert_false(parse_deadline("600000001us", &v));
	assert_false(parse_deadline("18446744073709551615s", &v));
}

static int group_setup(void **state)
{
	int file = mkstemp(image_path);

	(void)state;
	if (file < 0)
		return -1;
	close(file);
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	return unlink(image_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(usage_gives_2, setup),
	    cmocka_unit_test_setup(help_works_without_ravelin, setup),
	    cmocka_unit_test_setup(no_device_gives_3, setup),
	    cmocka_unit_test_setup(json_of_every_command_is_json, setup),
	    cmocka_unit_test_setup(info_in_words, setup),
	    cmocka_unit_test_setup(stat_in_words, setup),
	    cmocka_unit_test_setup(log_in_words, setup),
	    cmocka_unit_test_setup(audit_that_finds_something_gives_6, setup),
	    cmocka_unit_test_setup(journal_that_was_changed_gives_6, setup),
	    cmocka_unit_test_setup(run_shows_the_output, setup),
	    cmocka_unit_test_setup(run_on_a_cpu_gives_it_back, setup),
	    cmocka_unit_test_setup(death_gives_4_and_refusal_1, setup),
	    cmocka_unit_test_setup(files_that_are_no_images_are_refused, setup),
	    cmocka_unit_test_setup(refused_update_says_why, setup),
	    cmocka_unit_test_setup(numbers_and_times, setup),
	};

	return cmocka_run_group_tests_name("program ravelin", tests, group_setup, group_teardown);
}
