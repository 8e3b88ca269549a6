/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * serial.c - a serial port: see serial.h. Registers are those of the PC16550D data sheet.
 */
#include <io/io.h>
#include <serial/serial.h>

#include <ravelin/abi.h>

#define DATA 0u /* receive, transmit; divisor, low byte */
#define INTERRUPTS 1u /* interrupt enable; divisor, high byte */
#define FIFO 2u
#define LINE 3u
#define MODEM 4u
#define STATUS 5u
#define SCRATCH 7u

#define FIFO_CLEAR 0x07u /* on, both ends empty */
#define LINE_8N1 0x03u
#define LINE_DIVISOR 0x80u
#define MODEM_READY 0x03u /* DTR, RTS */
#define MODEM_INTERRUPT 0x08u /* OUT2: lets interrupts out of a PC's port */
#define INTERRUPT_DATA 0x01u
#define STATUS_DATA 0x01u
#define STATUS_ERROR 0x1cu /* parity, framing, break */
#define STATUS_ROOM 0x20u
#define STATUS_IDLE 0x40u
#define STATUS_ABSENT 0xffu
#define DIVISOR_115200 1u
#define FIFO_BYTES 16u

static uint8_t serial_read(const struct serial *s, unsigned int at)
{
	return rv_io_in8((uint16_t)(s->base + at));
}

static void serial_write(const struct serial *s, unsigned int at, uint8_t value)
{
	rv_io_out8((uint16_t)(s->base + at), value);
}

static int serial_wait(const struct serial *s, uint8_t bits, uint64_t ticks)
{
	uint64_t begin = rv_io_ticks();

	while ((serial_read(s, STATUS) & bits) != bits) {
		if (rv_io_ticks() - begin >= ticks)
			return -RV_ETIME;
		rv_io_pause();
	}
	return 0;
}

static void serial_set_divisor(const struct serial *s, uint8_t low, uint8_t high)
{
	serial_write(s, LINE, LINE_8N1 | LINE_DIVISOR);
	serial_write(s, DATA, low);
	serial_write(s, INTERRUPTS, high);
	serial_write(s, LINE, LINE_8N1);
}

/** Throws away what was received, at most what a port can hold. */
static void serial_drain(const struct serial *s)
{
	serial_write(s, FIFO, FIFO_CLEAR);
	for (unsigned int i = 0; i < 2 * FIFO_BYTES && serial_read(s, STATUS) & STATUS_DATA; i++)
		(void)serial_read(s, DATA);
}

int serial_open(struct serial *s, uint16_t base)
{
	uint8_t scratch;
	bool answers;

	*s = (struct serial){.base = base};
	if (serial_read(s, STATUS) == STATUS_ABSENT)
		return -RV_ENODEV;
	scratch = serial_read(s, SCRATCH);
	serial_write(s, SCRATCH, 0x5a);
	answers = serial_read(s, SCRATCH) == 0x5a;
	serial_write(s, SCRATCH, 0xa5);
	answers = answers && serial_read(s, SCRATCH) == 0xa5;
	serial_write(s, SCRATCH, scratch);
	if (!answers)
		return -RV_ENODEV;
	s->line = serial_read(s, LINE) & (uint8_t)~LINE_DIVISOR;
	s->modem = serial_read(s, MODEM);
	serial_write(s, LINE, s->line);
	s->interrupts = serial_read(s, INTERRUPTS);
	serial_write(s, INTERRUPTS, 0);
	serial_write(s, LINE, LINE_8N1 | LINE_DIVISOR);
	s->divisor[0] = serial_read(s, DATA);
	s->divisor[1] = serial_read(s, INTERRUPTS);
	serial_set_divisor(s, DIVISOR_115200, 0);
	serial_write(s, MODEM, MODEM_READY);
	serial_drain(s);
	return 0;
}

int serial_put(struct serial *s, char c, uint64_t ticks)
{
	int error = serial_wait(s, STATUS_ROOM, ticks);

	if (!error)
		serial_write(s, DATA, (uint8_t)c);
	return error;
}

int serial_put_text(struct serial *s, const char *text, uint64_t ticks)
{
	int error = 0;

	for (; !error && *text != '\0'; text++)
		error = serial_put(s, *text, ticks);
	return error;
}

/** Takes one byte out of the port. @return whether there was one; *good: it came without an error */
static bool serial_receive(const struct serial *s, char *c, bool *good)
{
	uint8_t status = serial_read(s, STATUS);

	if (!(status & STATUS_DATA))
		return false;
	*c = (char)serial_read(s, DATA);
	*good = !(status & STATUS_ERROR);
	return true;
}

/** The next byte of the ring, if there is one. Only here taken changes, and only in serial_interrupt came. */
static bool serial_take(struct serial *s, char *c)
{
	if (s->came == s->taken)
		return false;
	*c = s->ring[s->taken % SERIAL_RING];
	s->taken++;
	return true;
}

int serial_get(struct serial *s, char *c, uint64_t ticks)
{
	uint64_t begin = rv_io_ticks();
	bool good;

	for (;;) {
		good = false;
		if (s->listens ? serial_take(s, c) : serial_receive(s, c, &good) && good)
			return 0;
		if (rv_io_ticks() - begin >= ticks)
			return -RV_ETIME;
		rv_io_pause();
	}
}

void serial_listen(struct serial *s)
{
	s->listens = true;
	serial_write(s, MODEM, MODEM_READY | MODEM_INTERRUPT);
	serial_write(s, INTERRUPTS, INTERRUPT_DATA);
}

void serial_interrupt(struct serial *s)
{
	bool good;
	char c;

	/* A port that never gets empty must not hold us. */
	for (unsigned int i = 0; i < 2 * FIFO_BYTES && serial_receive(s, &c, &good); i++) {
		if (!good || s->came - s->taken == SERIAL_RING)
			continue;
		s->ring[s->came % SERIAL_RING] = c;
		s->came++;
	}
}

int serial_close(struct serial *s, uint64_t ticks)
{
	int error = serial_wait(s, STATUS_IDLE, ticks);

	serial_write(s, INTERRUPTS, 0);
	serial_drain(s);
	serial_set_divisor(s, s->divisor[0], s->divisor[1]);
	serial_write(s, LINE, s->line);
	serial_write(s, MODEM, s->modem);
	serial_write(s, INTERRUPTS, s->interrupts);
	return error;
}
