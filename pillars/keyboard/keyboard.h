/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * keyboard.h - a PC's keyboard by its controller (i8042), polled: what is typed, the guest can neither see nor imitate.
 *
 * The image asks for ports=0x60 and ports=0x64. The layout is that of a US keyboard: digits, letters, the punctuation, space, shift,
 * Enter ('\n') and Backspace ('\b'); other keys give nothing. Times are ticks of the TSC. No function allocates or keeps state
 * outside its arguments.
 */
#ifndef PILLARS_KEYBOARD_H
#define PILLARS_KEYBOARD_H

#include <stdbool.h>
#include <stdint.h>

#define KEYBOARD_DATA 0x60u
#define KEYBOARD_STATUS 0x64u

/** An open keyboard. The content is the driver's: which shift keys are down, and how its owner had set the controller. */
struct keyboard {
	uint8_t command;
	uint8_t shift;
	bool extended; /* the next code is one of the second set of keys */
};

/**
 * Opens the keyboard: remembers the controller's command byte, sets it to scan code set 1 without interrupts and without the mouse, and
 * throws away what was typed before.
 *
 * @param ticks  for each step of the controller
 * @return 0; -RV_ENODEV: there is no controller; -RV_ETIME: it does not answer
 */
int keyboard_open(struct keyboard *k, uint64_t ticks);

/** Waits for a key that gives a character. @return 0; -RV_ETIME */
int keyboard_get(struct keyboard *k, char *c, uint64_t ticks);

/** Throws away what was typed and not taken, and sets the controller as it was. @return 0; -RV_ETIME */
int keyboard_close(struct keyboard *k, uint64_t ticks);

#endif
