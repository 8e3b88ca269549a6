/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * serial.h - a serial port (16550) as a console that the guest can neither read nor write: 115200 baud, 8 bits, no parity.
 *
 * The image asks for the port with ports=BASE+8, such as ports=0x2f8+8 for the second one of a PC. It is polled, unless the image also asks
 * for its interrupt line (gsi=3) and the task for serial_listen. Times are ticks of the TSC. No function allocates or keeps state outside
 * its arguments.
 */
#ifndef PILLARS_SERIAL_H
#define PILLARS_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

#define SERIAL_COM2 0x2f8u
#define SERIAL_COM2_LINE 3u
#define SERIAL_PORTS 8u
#define SERIAL_RING 64u /* a power of two */

/** An open port. The content is the driver's: where it is, and how its owner had set it. */
struct serial {
	uint16_t base;
	uint8_t interrupts;
	uint8_t line;
	uint8_t modem;
	uint8_t divisor[2];
	bool listens;
	volatile uint32_t came, taken; /* bytes, ever; those that are left are in the ring */
	volatile char ring[SERIAL_RING];
};

/**
 * Opens the port: remembers how it was set, sets it, with its interrupts off, and throws away what it has received before.
 *
 * @return 0; -RV_ENODEV: there is no serial port
 */
int serial_open(struct serial *s, uint16_t base);

/** Sends one byte. @return 0; -RV_ETIME: the port did not take it */
int serial_put(struct serial *s, char c, uint64_t ticks);

/** Sends a string. @return 0; -RV_ETIME: the port did not take all of it; ticks count for each byte */
int serial_put_text(struct serial *s, const char *text, uint64_t ticks);

/** Receives one byte; what came with an error on the line is left out. @return 0; -RV_ETIME: none came */
int serial_get(struct serial *s, char *c, uint64_t ticks);

/**
 * From now on until serial_close the port interrupts when a byte has come, and serial_get takes what serial_interrupt has received. The task
 * has called interrupt_enable() (interrupt/interrupt.h) with a handler that calls serial_interrupt().
 */
void serial_listen(struct serial *s);

/**
 * For the handler: receives all that the port holds, so that its line is quiet again. What finds the ring full is lost. May be called without
 * cause.
 */
void serial_interrupt(struct serial *s);

/** Waits until all is sent, throws away what has come meanwhile, and sets the port as it was. @return 0; -RV_ETIME: not all was sent */
int serial_close(struct serial *s, uint64_t ticks);

#endif
