/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * console.h - the stub's messages: serial port (polled, bounded) and, if there is one, the VGA text screen.
 */
#ifndef BOOT_CONSOLE_H
#define BOOT_CONSOLE_H

#include "mbi.h"

/**
 * Programs the 16550 at I/O port @port to @baud (a divisor of 115200), 8 data bits, no parity.
 * Without an answering 16550 there, or with @port 0, messages do not go to a serial port.
 * Returns the port that is in use, 0 = none.
 */
uint16_t console_serial_open(uint16_t port, uint32_t baud);

/** Writes to the text screen as well, from its last line on, if @framebuffer is one. */
void console_screen_open(const struct mbi_framebuffer *framebuffer);

/** Writes one line: "ravelin: ", then the text as text_format() makes it. */
void console_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
