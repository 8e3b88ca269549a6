/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * keyboard.c - a PC's keyboard, polled: see keyboard.h. Registers and commands are those of the 8042 as IBM's PC AT has it.
 */
#include <io/io.h>
#include <keyboard/keyboard.h>

#include <ravelin/abi.h>

#define STATUS_OUTPUT 0x01u /* a byte can be read */
#define STATUS_INPUT 0x02u /* the controller has not taken the last byte yet */
#define STATUS_MOUSE 0x20u /* the byte is the mouse's */
#define STATUS_ERROR 0xc0u /* timeout, parity */
#define STATUS_ABSENT 0xffu
#define COMMAND_READ 0x20u
#define COMMAND_WRITE 0x60u
#define BYTE_INTERRUPTS 0x03u
#define BYTE_KEYBOARD_OFF 0x10u
#define BYTE_MOUSE_OFF 0x20u
#define BYTE_TRANSLATE 0x40u /* what the keyboard sends into scan code set 1 */
#define CODE_EXTENDED 0xe0u
#define CODE_BREAK 0x80u
#define CODE_SHIFT_LEFT 0x2au
#define CODE_SHIFT_RIGHT 0x36u
#define CODE_SLASH 0x35u
#define CODE_ENTER 0x1cu
#define DRAIN_MOST 64u /* more than a controller and a keyboard keep */

/* By make code, without and with shift; 0: no character. */
static const char plain[] = "\0\0001234567890-=\b\0qwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0\0\0 ";
static const char shifted[] = "\0\0!@#$%^&*()_+\b\0QWERTYUIOP{}\n\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0\0\0 ";

/** Waits until the bits of the status register are as wanted. */
static int keyboard_wait(uint8_t bits, uint8_t wanted, uint64_t ticks)
{
	uint64_t begin = rv_io_ticks();

	while ((rv_io_in8(KEYBOARD_STATUS) & bits) != wanted) {
		if (rv_io_ticks() - begin >= ticks)
			return -RV_ETIME;
		rv_io_pause();
	}
	return 0;
}

static int keyboard_write(uint16_t port, uint8_t value, uint64_t ticks)
{
	int error = keyboard_wait(STATUS_INPUT, 0, ticks);

	if (!error)
		rv_io_out8(port, value);
	return error;
}

static void keyboard_drain(void)
{
	for (unsigned int i = 0; i < DRAIN_MOST && rv_io_in8(KEYBOARD_STATUS) & STATUS_OUTPUT; i++)
		(void)rv_io_in8(KEYBOARD_DATA);
}

static int keyboard_set_command(uint8_t command, uint64_t ticks)
{
	int error = keyboard_write(KEYBOARD_STATUS, COMMAND_WRITE, ticks);

	return error ? error : keyboard_write(KEYBOARD_DATA, command, ticks);
}

int keyboard_open(struct keyboard *k, uint64_t ticks)
{
	int error;

	k->shift = 0;
	k->extended = false;
	if (rv_io_in8(KEYBOARD_STATUS) == STATUS_ABSENT)
		return -RV_ENODEV;
	keyboard_drain();
	error = keyboard_write(KEYBOARD_STATUS, COMMAND_READ, ticks);
	if (!error)
		error = keyboard_wait(STATUS_OUTPUT, STATUS_OUTPUT, ticks);
	if (error)
		return error;
	k->command = rv_io_in8(KEYBOARD_DATA);
	error = keyboard_set_command(
	    (k->command & (uint8_t) ~(BYTE_INTERRUPTS | BYTE_KEYBOARD_OFF)) | BYTE_MOUSE_OFF | BYTE_TRANSLATE, ticks);
	if (!error)
		error = keyboard_wait(STATUS_INPUT, 0, ticks);
	keyboard_drain();
	return error;
}

/** The character that a scan code makes, 0: none. */
static char keyboard_decode(struct keyboard *k, uint8_t code)
{
	bool extended = k->extended;
	uint8_t make = code & (uint8_t)~CODE_BREAK;

	k->extended = code == CODE_EXTENDED;
	if (k->extended)
		return 0;
	if (!extended && (make == CODE_SHIFT_LEFT || make == CODE_SHIFT_RIGHT)) {
		uint8_t bit = make == CODE_SHIFT_LEFT ? 1 : 2;

		k->shift = code & CODE_BREAK ? k->shift & (uint8_t)~bit : k->shift | bit;
		return 0;
	}
	if (code & CODE_BREAK || make >= sizeof(plain) - 1)
		return 0;
	/* Of the second set of keys, Enter and slash of the numeric pad; the others are cursor keys and the like. */
	if (extended && make == CODE_ENTER)
		return '\n';
	if (extended)
		return (char)(make == CODE_SLASH ? '/' : 0);
	if (k->shift)
		return shifted[make];
	return plain[make];
}

int keyboard_get(struct keyboard *k, char *c, uint64_t ticks)
{
	uint64_t begin = rv_io_ticks();

	for (;;) {
		uint8_t status = rv_io_in8(KEYBOARD_STATUS);

		if (status & STATUS_OUTPUT) {
			uint8_t code = rv_io_in8(KEYBOARD_DATA);

			*c = 0;
			if (!(status & (STATUS_MOUSE | STATUS_ERROR)))
				*c = keyboard_decode(k, code);
			if (*c)
				return 0;
		}
		if (rv_io_ticks() - begin >= ticks)
			return -RV_ETIME;
		rv_io_pause();
	}
}

int keyboard_close(struct keyboard *k, uint64_t ticks)
{
	keyboard_drain();
	return keyboard_set_command(k->command, ticks);
}
