/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * replay.c - runs a fuzz target once over each file of its kept corpus, as a unit test without libFuzzer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	size_t size;
	uint8_t *data;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	size = (size_t)st.st_size;
	data = malloc(size > 0 ? size : 1);
	assert_non_null(data);
	assert_int_equal(fread(data, 1, size, f), size);
	(void)fclose(f);
	/* A finding ends the program: the sanitizers, or abort() in the target. */
	assert_int_equal(LLVMFuzzerTestOneInput(data, size), 0);
	free(data);
}

static void test_corpus(void **state)
{
	static const char directory[] = "tests/fuzz/" REPLAY_NAME "/corpus";
	DIR *d = opendir(directory);
	const struct dirent *entry;
	unsigned int count = 0;

	(void)state;
	if (!d) {
		print_error("%s cannot be opened: run from the top directory\n", directory);
		fail();
		return;
	}
	while ((entry = readdir(d)) != NULL) {
		char path[512];

		if (entry->d_name[0] == '.')
			continue;
		assert_true((size_t)snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name) < sizeof(path));
		replay_file(path);
		count++;
	}
	(void)closedir(d);
	assert_true(count > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_corpus)};

	return cmocka_run_group_tests_name("fuzz/" REPLAY_NAME, tests, NULL, NULL);
}
