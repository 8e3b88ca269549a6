/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_keyboard.c - the keyboard pillar with an i8042 made of memory.
 */
#include "fake_io.h"

#include <keyboard/keyboard.h>

static struct {
	bool is_absent, is_stuck;
	uint8_t command; /* the command byte */
	uint8_t wanted; /* a command to the controller that waits for its data */
	uint8_t code[128], status[128]; /* what will be read */
	size_t count, at;
	unsigned int busy; /* looks at the status until it takes a byte */
} fake;

static struct keyboard keyboard;

static void fake_add(uint8_t code, uint8_t status)
{
	assert_true(fake.count < sizeof(fake.code));
	fake.code[fake.count] = code;
	fake.status[fake.count++] = status;
}

uint8_t rv_io_in8(uint16_t port)
{
	if (fake.is_absent)
		return 0xff;
	if (port == KEYBOARD_DATA)
		return fake.at < fake.count ? fake.code[fake.at++] : 0;
	assert_int_equal(port, KEYBOARD_STATUS);
	if (fake.busy > 0 && !fake.is_stuck)
		fake.busy--;
	return (uint8_t)((fake.at < fake.count ? 1 | fake.status[fake.at] : 0) | (fake.busy > 0 ? 2 : 0));
}

void rv_io_out8(uint16_t port, uint8_t value)
{
	assert_int_equal(fake.busy, 0);
	fake.busy = 3;
	if (port == KEYBOARD_STATUS) {
		fake.wanted = value;
		if (value == 0x20)
			fake_add(fake.command, 0);
		return;
	}
	assert_int_equal(port, KEYBOARD_DATA);
	assert_int_equal(fake.wanted, 0x60);
	fake.command = value;
	fake.wanted = 0;
}

static int setup(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.command = 0x17; /* both interrupts, keyboard off, no translation */
	fake_add(0x1e, 0);
	assert_int_equal(keyboard_open(&keyboard, TICKS), 0);
	return 0;
}

static void opens_and_sets_as_it_was(void **state)
{
	char c;

	(void)state;
	assert_int_equal(fake.command, 0x64);
	/* What was typed before is gone. */
	assert_int_equal(keyboard_get(&keyboard, &c, TICKS), -RV_ETIME);
	fake_add(0x1e, 0);
	assert_int_equal(keyboard_close(&keyboard, TICKS), 0);
	assert_int_equal(fake.command, 0x17);
	assert_int_equal(fake.at, fake.count);
}

static void finds_no_controller(void **state)
{
	struct keyboard k;

	(void)state;
	fake.is_absent = true;
	assert_int_equal(keyboard_open(&k, TICKS), -RV_ENODEV);
	(void)setup(NULL);
	fake.busy = 3;
	fake.is_stuck = true;
	assert_int_equal(keyboard_open(&k, TICKS), -RV_ETIME);
	assert_int_equal(keyboard_close(&keyboard, TICKS), -RV_ETIME);
}

static void type(const uint8_t *code, size_t count, const char *expected)
{
	char c = 0;

	for (size_t i = 0; i < count; i++)
		fake_add(code[i], 0);
	for (; *expected; expected++) {
		assert_int_equal(keyboard_get(&keyboard, &c, TICKS), 0);
		assert_int_equal(c, *expected);
	}
	assert_int_equal(keyboard_get(&keyboard, &c, TICKS), -RV_ETIME);
}

#define TYPE(expected, ...)                                                                                            \
	do {                                                                                                           \
		static const uint8_t codes[] = {__VA_ARGS__};                                                          \
		type(codes, sizeof(codes), expected);                                                                  \
	} while (0)

static void decodes(void **state)
{
	(void)state;
	TYPE("a1/ \n\b", 0x1e, 0x9e, 0x02, 0x82, 0x35, 0x39, 0x1c, 0x0e);
	/* Both shift keys; one is released while the other is held. */
	TYPE("Ab!C?c", 0x2a, 0x1e, 0xaa, 0x30, 0x36, 0x02, 0x2a, 0xaa, 0x2e, 0x35, 0xb6, 0x2e);
	/* Cursor keys send a false shift; the numeric pad has an Enter and a slash. */
	TYPE("x\n/", 0xe0, 0x2a, 0xe0, 0x48, 0xe0, 0xc8, 0xe0, 0xaa, 0x2d, 0xe0, 0x1c, 0xe0, 0x9c, 0xe0, 0x35);
	/* Function keys, Alt, codes beyond the table. */
	TYPE("z", 0x3b, 0x38, 0x58, 0x7f, 0xff, 0x00, 0x2c);
	/* All rows, plain and shifted. */
	TYPE("`-=[]\\;',.", 0x29, 0x0c, 0x0d, 0x1a, 0x1b, 0x2b, 0x27, 0x28, 0x33, 0x34);
	TYPE("~_+{}|:\"<>", 0x2a, 0x29, 0x0c, 0x0d, 0x1a, 0x1b, 0x2b, 0x27, 0x28, 0x33, 0x34, 0xaa);
}

static void leaves_out_the_mouse(void **state)
{
	char c = 0;

	(void)state;
	fake_add(0x1e, 0x20);
	fake_add(0x1e, 0x40);
	fake_add(0x30, 0);
	assert_int_equal(keyboard_get(&keyboard, &c, TICKS), 0);
	assert_int_equal(c, 'b');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(opens_and_sets_as_it_was, setup),
	    cmocka_unit_test_setup(finds_no_controller, setup),
	    cmocka_unit_test_setup(decodes, setup),
	    cmocka_unit_test_setup(leaves_out_the_mouse, setup),
	};

	return cmocka_run_group_tests_name("pillars/keyboard", tests, NULL, NULL);
}
