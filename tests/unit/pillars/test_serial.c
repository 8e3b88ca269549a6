/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_serial.c - the serial pillar with a 16550 made of memory.
 */
#include "fake_io.h"

#include <serial/serial.h>

#define BASE SERIAL_COM2

static struct {
	bool is_absent; /* all ones */
	bool is_dead; /* registers without a scratch register behind them */
	bool is_full; /* takes no byte */
	uint8_t divisor[2], interrupts, line, modem, fifo, scratch;
	uint8_t received[64], error[64]; /* error: status bits that come with it */
	size_t count, at;
	char sent[256];
	size_t sent_count;
	unsigned int reads;
	unsigned int busy_until; /* reads of the status until it is idle */
} fake;

static struct serial serial;

uint8_t rv_io_in8(uint16_t port)
{
	bool divisor = fake.line & 0x80;
	uint8_t status = 0;

	assert_in_range(port, BASE, BASE + 7);
	if (fake.is_absent)
		return 0xff;
	switch (port - BASE) {
	case 0:
		if (divisor)
			return fake.divisor[0];
		return fake.at < fake.count ? fake.received[fake.at++] : 0;
	case 1:
		return divisor ? fake.divisor[1] : fake.interrupts;
	case 3:
		return fake.line;
	case 4:
		return fake.modem;
	case 5:
		if (fake.at < fake.count)
			status |= (uint8_t)(1 | fake.error[fake.at]);
		if (!fake.is_full && ++fake.reads >= fake.busy_until)
			status |= 0x60;
		return status;
	case 7:
		return fake.is_dead ? 0 : fake.scratch;
	default:
		fail_msg("read of register %d", port - BASE);
		return 0;
	}
}

void rv_io_out8(uint16_t port, uint8_t value)
{
	bool divisor = fake.line & 0x80;

	assert_in_range(port, BASE, BASE + 7);
	switch (port - BASE) {
	case 0:
		if (divisor)
			fake.divisor[0] = value;
		else if (fake.sent_count < sizeof(fake.sent))
			fake.sent[fake.sent_count++] = (char)value;
		break;
	case 1:
		if (divisor)
			fake.divisor[1] = value;
		else
			fake.interrupts = value;
		break;
	case 2:
		fake.fifo = value;
		if (value & 2)
			fake.at = fake.count;
		break;
	case 3:
		fake.line = value;
		break;
	case 4:
		fake.modem = value;
		break;
	case 7:
		fake.scratch = value;
		break;
	default:
		fail_msg("write of register %d", port - BASE);
	}
}

static void fake_receive(const char *text, uint8_t error)
{
	for (; *text; text++) {
		fake.received[fake.count] = (uint8_t)*text;
		fake.error[fake.count++] = error;
	}
}

static int setup(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.divisor[0] = 12;
	fake.divisor[1] = 1;
	fake.interrupts = 5;
	fake.line = 0x1b;
	fake.modem = 0x0b;
	fake.scratch = 0x77;
	fake_receive("of the guest", 0);
	assert_int_equal(serial_open(&serial, BASE), 0);
	return 0;
}

static void finds_no_port(void **state)
{
	struct serial s;

	(void)state;
	fake.is_absent = true;
	assert_int_equal(serial_open(&s, BASE), -RV_ENODEV);
	fake.is_absent = false;
	fake.is_dead = true;
	fake.interrupts = 5;
	assert_int_equal(serial_open(&s, BASE), -RV_ENODEV);
	assert_int_equal(fake.interrupts, 5);
}

static void opens_and_sets_as_it_was(void **state)
{
	char c;

	(void)state;
	assert_int_equal(fake.divisor[0], 1);
	assert_int_equal(fake.divisor[1], 0);
	assert_int_equal(fake.interrupts, 0);
	assert_int_equal(fake.line, 3);
	assert_int_equal(fake.modem, 3);
	assert_int_equal(fake.scratch, 0x77);
	/* What came before is gone. */
	assert_int_equal(serial_get(&serial, &c, TICKS), -RV_ETIME);
	fake_receive("more", 0);
	assert_int_equal(serial_close(&serial, TICKS), 0);
	assert_int_equal(fake.at, fake.count);
	assert_int_equal(fake.divisor[0], 12);
	assert_int_equal(fake.divisor[1], 1);
	assert_int_equal(fake.interrupts, 5);
	assert_int_equal(fake.line, 0x1b);
	assert_int_equal(fake.modem, 0x0b);
}

/* The guest may leave the port with the divisor showing. */
static void opens_a_port_left_in_the_middle(void **state)
{
	(void)state;
	assert_int_equal(serial_close(&serial, TICKS), 0);
	fake.line = 0x83;
	assert_int_equal(serial_open(&serial, BASE), 0);
	assert_int_equal(serial_close(&serial, TICKS), 0);
	assert_int_equal(fake.divisor[0], 12);
	assert_int_equal(fake.interrupts, 5);
	assert_int_equal(fake.line, 3);
}

static void sends(void **state)
{
	(void)state;
	fake.busy_until = fake.reads + 20;
	assert_int_equal(serial_put_text(&serial, "Password: ", TICKS), 0);
	assert_int_equal(fake.sent_count, 10);
	assert_memory_equal(fake.sent, "Password: ", 10);
	fake.is_full = true;
	assert_int_equal(serial_put(&serial, 'x', TICKS), -RV_ETIME);
	assert_int_equal(serial_put_text(&serial, "abc", TICKS), -RV_ETIME);
	assert_int_equal(fake.sent_count, 10);
	assert_int_equal(serial_close(&serial, TICKS), -RV_ETIME);
	/* Set as it was even so. */
	assert_int_equal(fake.interrupts, 5);
}

static void receives(void **state)
{
	uint64_t begin;
	char c = 0;

	(void)state;
	fake_receive("a", 0);
	fake_receive("x", 0x10);
	fake_receive("y", 0x08);
	fake_receive("b", 0);
	assert_int_equal(serial_get(&serial, &c, TICKS), 0);
	assert_int_equal(c, 'a');
	assert_int_equal(serial_get(&serial, &c, TICKS), 0);
	assert_int_equal(c, 'b');
	begin = fake_now;
	assert_int_equal(serial_get(&serial, &c, TICKS), -RV_ETIME);
	assert_in_range(fake_now - begin, TICKS, TICKS + 100);
	/* A line that only sends errors does not hold us for ever. */
	memset(fake.error, 0x10, sizeof(fake.error));
	fake.at = 0;
	assert_int_equal(serial_get(&serial, &c, 30), -RV_ETIME);
}

/* By interrupt: the handler empties the port, serial_get the ring. */
static void listens(void **state)
{
	char c = 0;

	(void)state;
	serial_listen(&serial);
	assert_int_equal(fake.interrupts, 1);
	assert_int_equal(fake.modem, 0x0b);
	serial_interrupt(&serial);
	assert_int_equal(serial_get(&serial, &c, TICKS), -RV_ETIME);
	fake_receive("a", 0);
	fake_receive("x", 0x10);
	fake_receive("b", 0);
	/* It is not looked at before it interrupts. */
	assert_int_equal(serial_get(&serial, &c, TICKS), -RV_ETIME);
	serial_interrupt(&serial);
	assert_int_equal(fake.at, fake.count);
	assert_int_equal(serial_get(&serial, &c, TICKS), 0);
	assert_int_equal(c, 'a');
	assert_int_equal(serial_get(&serial, &c, TICKS), 0);
	assert_int_equal(c, 'b');
	assert_int_equal(serial_get(&serial, &c, TICKS), -RV_ETIME);
	assert_int_equal(serial_close(&serial, TICKS), 0);
	assert_int_equal(fake.interrupts, 5);
	assert_int_equal(fake.modem, 0x0b);
}

/* A port that is never empty, and more than anybody takes: what came first stays. */
static void listens_to_a_flood(void **state)
{
	char c;

	(void)state;
	serial_listen(&serial);
	fake.count = fake.at = 0;
	fake_receive("0123456789abcdef0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJ", 0);
	serial_interrupt(&serial);
	assert_int_equal(fake.at, 32);
	for (unsigned int i = 0; i < 3; i++) {
		fake.at = 0;
		serial_interrupt(&serial);
	}
	for (unsigned int i = 0; i < SERIAL_RING; i++) {
		assert_int_equal(serial_get(&serial, &c, TICKS), 0);
		assert_int_equal(c, fake.received[i % 32]);
	}
	assert_int_equal(serial_get(&serial, &c, TICKS), -RV_ETIME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(finds_no_port, setup),
	    cmocka_unit_test_setup(opens_and_sets_as_it_was, setup),
	    cmocka_unit_test_setup(opens_a_port_left_in_the_middle, setup),
	    cmocka_unit_test_setup(sends, setup),
	    cmocka_unit_test_setup(receives, setup),
	    cmocka_unit_test_setup(listens, setup),
	    cmocka_unit_test_setup(listens_to_a_flood, setup),
	};

	return cmocka_run_group_tests_name("pillars/serial", tests, NULL, NULL);
}
