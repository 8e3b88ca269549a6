/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_libc.c - the libc pillar against the host's C library: same calls, same results.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *fimce_memcpy(void *to, const void *from, size_t size);
void *fimce_memmove(void *to, const void *from, size_t size);
void *fimce_memset(void *to, int byte, size_t size);
int fimce_memcmp(const void *a, const void *b, size_t size);
void *fimce_memchr(const void *in, int byte, size_t size);
size_t fimce_strlen(const char *s);
size_t fimce_strnlen(const char *s, size_t max);
int fimce_strcmp(const char *a, const char *b);
int fimce_strncmp(const char *a, const char *b, size_t max);
char *fimce_strchr(const char *s, int c);
char *fimce_strrchr(const char *s, int c);
char *fimce_strncpy(char *to, const char *from, size_t size);
char *fimce_strstr(const char *in, const char *what);
int fimce_snprintf(char *to, size_t size, const char *format, ...);

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

static void test_copy_and_fill(void **state)
{
	uint8_t source[80];
	uint8_t ours[80];
	uint8_t theirs[80];

	(void)state;
	for (size_t i = 0; i < sizeof(source); i++)
		source[i] = (uint8_t)(i * 37 + 5);
	for (size_t size = 0; size < 40; size++) {
		for (size_t offset = 0; offset < 9; offset++) {
			memset(ours, 0xee, sizeof(ours));
			memset(theirs, 0xee, sizeof(theirs));
			assert_ptr_equal(fimce_memcpy(ours + offset, source + 3, size), ours + offset);
			memcpy(theirs + offset, source + 3, size);
			assert_memory_equal(ours, theirs, sizeof(ours));
			assert_ptr_equal(fimce_memset(ours + offset, (int)(0x1a5 + offset), size), ours + offset);
			memset(theirs + offset, (int)(0x1a5 + offset), size);
			assert_memory_equal(ours, theirs, sizeof(ours));
		}
	}
}

static void test_move(void **state)
{
	uint8_t ours[64];
	uint8_t theirs[64];

	(void)state;
	for (size_t from = 0; from < 20; from++) {
		for (size_t to = 0; to < 20; to++) {
			for (size_t size = 0; size <= 44; size++) {
				for (size_t i = 0; i < sizeof(ours); i++)
					ours[i] = theirs[i] = (uint8_t)(i * 13);
				assert_ptr_equal(fimce_memmove(ours + to, ours + from, size), ours + to);
				memmove(theirs + to, theirs + from, size);
				assert_memory_equal(ours, theirs, sizeof(ours));
			}
		}
	}
}

static void test_compare_and_search(void **state)
{
	static const char *const words[] = {"", "a", "b", "ab", "abc", "abd", "\xff", "a\xff", "abcabcabd"};
	const size_t count = sizeof(words) / sizeof(words[0]);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(fimce_strlen(words[i]), strlen(words[i]));
		for (size_t max = 0; max < 5; max++)
			assert_int_equal(fimce_strnlen(words[i], max), strnlen(words[i], max));
		for (int c = 0; c < 256; c++) {
			assert_ptr_equal(fimce_strchr(words[i], c), strchr(words[i], c));
			assert_ptr_equal(fimce_strrchr(words[i], c), strrchr(words[i], c));
			assert_ptr_equal(fimce_memchr(words[i], c, strlen(words[i])),
					 memchr(words[i], c, strlen(words[i])));
		}
		for (size_t j = 0; j < count; j++) {
			size_t shorter = strlen(words[i]) < strlen(words[j]) ? strlen(words[i]) : strlen(words[j]);

			assert_int_equal(sign(fimce_strcmp(words[i], words[j])), sign(strcmp(words[i], words[j])));
			assert_ptr_equal(fimce_strstr(words[i], words[j]), strstr(words[i], words[j]));
			for (size_t max = 0; max < 5; max++)
				assert_int_equal(sign(fimce_strncmp(words[i], words[j], max)),
						 sign(strncmp(words[i], words[j], max)));
			assert_int_equal(sign(fimce_memcmp(words[i], words[j], shorter)),
					 sign(memcmp(words[i], words[j], shorter)));
		}
	}
}

static void test_strncpy(void **state)
{
	(void)state;
	for (size_t size = 0; size < 10; size++) {
		char ours[12];
		char theirs[12];

		memset(ours, 'x', sizeof(ours));
		memset(theirs, 'x', sizeof(theirs));
		assert_ptr_equal(fimce_strncpy(ours, "abcde", size), ours);
		memcpy(theirs, "abcde\0\0\0\0\0\0", size);
		assert_memory_equal(ours, theirs, sizeof(ours));
	}
}

static int host_snprintf(char *to, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** The host's function behind a call that the compiler does not look through: cutting off is wanted here. */
static int host_snprintf(char *to, size_t size, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(to, size, format, arguments);
	va_end(arguments);
	return n;
}

/* One call to both; the host's sees to it that formats and arguments fit. */
#define SAME(...)                                                                                                      \
	do {                                                                                                           \
		char ours[64];                                                                                         \
		char theirs[64];                                                                                       \
		int a;                                                                                                 \
		int b;                                                                                                 \
                                                                                                                       \
		memset(ours, 'x', sizeof(ours));                                                                       \
		memset(theirs, 'x', sizeof(theirs));                                                                   \
		a = fimce_snprintf(ours, sizeof(ours), __VA_ARGS__);                                                   \
		b = host_snprintf(theirs, sizeof(theirs), __VA_ARGS__);                                                \
		assert_string_equal(ours, theirs);                                                                     \
		assert_int_equal(a, b);                                                                                \
	} while (0)

static void test_snprintf(void **state)
{
	(void)state;
	SAME("plain");
	SAME("%d %i %d", 0, -1, INT_MAX);
	SAME("%d", INT_MIN);
	SAME("%u %x %X", UINT_MAX, 0xdeadbeefu, 0xdeadbeefu);
	SAME("%ld %lld", LONG_MIN, LLONG_MAX);
	SAME("%lu %llx", ULONG_MAX, ULLONG_MAX);
	SAME("%hhd %hd %hhu %hx", (signed char)-5, (short)-300, (unsigned char)250, (unsigned short)0xfffe);
	SAME("%zu %zd %jd %td", (size_t)7, (ssize_t)-7, (intmax_t)-8, (ptrdiff_t)-9);
	SAME("[%5d] [%-5d] [%05d]", 42, 42, -42);
	SAME("[%+d] [% d] [%+d]", 5, 5, -5);
	SAME("[%.3d] [%8.3d] [%-8.3d]", 7, 7, -7);
	SAME("[%.0d] [%.0x]", 0, 0);
	SAME("%#x %#X %#x", 255, 255, 0);
	SAME("[%#06x] [%#8x]", 255, 255);
	SAME("[%*d] [%-*d] [%*d]", 6, 1, 6, 2, -6, 3);
	SAME("[%.*s] [%.*s]", 2, "abcdef", -1, "abc");
	SAME("[%s] [%8s] [%-8s] [%.2s]", "text", "text", "text", "text");
	SAME("[%c] [%3c] [%-3c]", 'a', 'b', 'c');
	SAME("100%% %p", (void *)(uintptr_t)0x1234);
	SAME("%016llx %08x", 0x123456789abcdefull, 0xabcu);
	SAME("%s and a text that is much too long for the buffer of %d characters", "this", 64);
	SAME("[%30d] [%30s]", 1, "right");
}

static void test_snprintf_room(void **state)
{
	char text[8];

	(void)state;
	for (size_t size = 0; size <= sizeof(text); size++) {
		memset(text, 'x', sizeof(text));
		assert_int_equal(fimce_snprintf(text, size, "%d", 123456), 6);
		if (size > 0)
			assert_int_equal(strnlen(text, sizeof(text)), size > 6 ? 6 : size - 1);
		for (size_t i = size; i < sizeof(text); i++)
			assert_int_equal(text[i], 'x');
	}
	assert_int_equal(fimce_snprintf(NULL, 0, "%s", "abc"), 3);
}

static void test_snprintf_refuses(void **state)
{
	char text[16];
	int n;

	(void)state;
	assert_int_equal(fimce_snprintf(text, sizeof(text), "ab%f", 1.0), -1);
	assert_string_equal(text, "ab");
	assert_int_equal(fimce_snprintf(text, sizeof(text), "ab%n", &n), -1);
	assert_int_equal(fimce_snprintf(text, sizeof(text), "ab%"), -1);
	assert_int_equal(fimce_snprintf(text, sizeof(text), "%"), -1);
	assert_int_equal(fimce_snprintf(text, sizeof(text), "%s", (const char *)NULL), 6);
	assert_string_equal(text, "(null)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_copy_and_fill),      cmocka_unit_test(test_move),
	    cmocka_unit_test(test_compare_and_search), cmocka_unit_test(test_strncpy),
	    cmocka_unit_test(test_snprintf),           cmocka_unit_test(test_snprintf_room),
	    cmocka_unit_test(test_snprintf_refuses),
	};

	return cmocka_run_group_tests_name("fimce/libc", tests, NULL, NULL);
}
