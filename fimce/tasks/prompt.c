/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * prompt.c - sample task: asks for a password on a console that the guest can't listen to, and tells the guest only whether it was right.
 *
 * Argument: struct prompt_argument. Result: 0: right; -EACCES: wrong, as often as was allowed; -ETIME: nobody types; -ENODEV: there is no such
 * console; -EINVAL: the argument. There is no output.
 *
 * The hash is the guest's in this sample, so the answer is worth what the guest's word is worth; a task that guards a key of its own would
 * have hash and key in its signed image.
 */
#include "prompt.h"

#include <crypto/crypto.h>
#include <interrupt/interrupt.h>
#include <keyboard/keyboard.h>
#include <log/log.h>
#include <serial/serial.h>
#include <task.h>

#include <string.h>

/* The TSC's frequency is not known here: 300 ms at 3 GHz, for a device to take a byte. */
#define DEVICE_TICKS 1000000000ull
#define KEY_BACKSPACE '\b'
#define KEY_DELETE '\x7f'
#define KEY_CLEAR '\x15' /* Ctrl-U */

/** The console, and what is typed there. */
static struct {
	struct serial serial;
	struct keyboard keyboard;
	bool is_keyboard;
	volatile uint32_t interrupts;
	char line[PROMPT_PASSWORD_MAX + 1];
	size_t length; /* may count more than the line holds */
} prompt;

static void prompt_handler(void)
{
	prompt.interrupts++;
	serial_interrupt(&prompt.serial);
}

static int prompt_open(uint32_t console)
{
	int error;

	prompt.is_keyboard = console == PROMPT_KEYBOARD;
	error = prompt.is_keyboard ? keyboard_open(&prompt.keyboard, DEVICE_TICKS)
				   : serial_open(&prompt.serial, SERIAL_COM2);
	if (!error && console == PROMPT_INTERRUPT) {
		interrupt_enable(prompt_handler);
		serial_listen(&prompt.serial);
	}
	return error;
}

static void prompt_close(void)
{
	interrupt_disable();
	/* Nothing is left to be done if the device does not follow. */
	if (prompt.is_keyboard)
		(void)keyboard_close(&prompt.keyboard, DEVICE_TICKS);
	else
		(void)serial_close(&prompt.serial, DEVICE_TICKS);
}

static int prompt_show(const char *text)
{
	return prompt.is_keyboard ? 0 : serial_put_text(&prompt.serial, text, DEVICE_TICKS);
}

static int prompt_get(char *c, uint64_t ticks)
{
	return prompt.is_keyboard ? keyboard_get(&prompt.keyboard, c, ticks) : serial_get(&prompt.serial, c, ticks);
}

/** Takes one key. @return 0; -RV_ETIME: the console does not take the echo */
static int prompt_edit(char c)
{
	int error = 0;

	if (c == KEY_CLEAR || c == KEY_BACKSPACE || c == KEY_DELETE) {
		size_t gone = c == KEY_CLEAR ? prompt.length : prompt.length > 0;

		for (; !error && gone > 0; gone--) {
			prompt.length--;
			error = prompt_show("\b \b");
		}
		return error;
	}
	if (c < ' ')
		return 0;
	if (prompt.length < PROMPT_PASSWORD_MAX)
		prompt.line[prompt.length] = c;
	prompt.length++;
	return prompt_show("*");
}

/** Reads a line. @return 0; -RV_ETIME */
static int prompt_read(uint64_t ticks)
{
	char c = 0;
	int error;

	prompt.length = 0;
	do {
		error = prompt_get(&c, ticks);
		if (!error && c != '\r' && c != '\n')
			error = prompt_edit(c);
	} while (!error && c != '\r' && c != '\n');
	return error ? error : prompt_show("\r\n");
}

/** @return 0; -RV_EACCES: what was typed is not it */
static int prompt_compare(const struct prompt_argument *a)
{
	uint8_t hash[sizeof(a->hash)];
	bool fits = prompt.length <= PROMPT_PASSWORD_MAX;
	bool same;

	(void)rv_pbkdf2_sha256(hash, sizeof(hash), prompt.line, fits ? prompt.length : 0, a->salt, sizeof(a->salt),
			       a->iterations);
	same = rv_crypto_equal(hash, a->hash, sizeof(hash)) && fits;
	rv_crypto_wipe(hash, sizeof(hash));
	return same ? 0 : -RV_EACCES;
}

static int prompt_ask(const struct prompt_argument *a)
{
	int error = -RV_EACCES;

	for (uint32_t i = 0; error == -RV_EACCES && i < a->tries; i++) {
		error = prompt_show("Password: ");
		rv_log("prompt: waits for a password");
		if (!error)
			error = prompt_read(a->ticks);
		if (!error)
			error = prompt_compare(a);
		rv_crypto_wipe(prompt.line, sizeof(prompt.line));
		prompt.length = 0;
		(void)prompt_show(error == 0 ? "Right.\r\n" : error == -RV_EACCES ? "Wrong.\r\n" : "\r\nToo late.\r\n");
	}
	return error;
}

int64_t task_main(const struct rv_fimce_param *param)
{
	struct prompt_argument a;
	size_t size;
	const void *argument = rv_task_argument(&size);
	int error;

	(void)param;
	if (size != sizeof(a))
		return -RV_EINVAL;
	memcpy(&a, argument, sizeof(a));
	if (a.console > PROMPT_INTERRUPT || a.tries == 0 || a.tries > PROMPT_TRIES_MAX || a.iterations == 0 ||
	    a.iterations > PROMPT_ITERATIONS_MAX || a.reserved != 0)
		return -RV_EINVAL;
	error = prompt_open(a.console);
	if (error)
		return error;
	error = prompt_ask(&a);
	prompt_close();
	if (a.console == PROMPT_INTERRUPT)
		rv_log("prompt: %u interrupts", prompt.interrupts);
	return error;
}
