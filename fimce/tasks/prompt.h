/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * prompt.h - the argument of the sample task prompt. All numbers are little endian. fimce/tasks/prompt-argument makes one.
 */
#ifndef TASKS_PROMPT_H
#define TASKS_PROMPT_H

#include <stdint.h>

#define PROMPT_TRIES_MAX 5u
#define PROMPT_ITERATIONS_MAX 1000000u
#define PROMPT_PASSWORD_MAX 63u /* characters; a longer line is a wrong one */

enum prompt_console {
	PROMPT_SERIAL = 0, /* the second serial port: the image prompt */
	PROMPT_KEYBOARD = 1, /* the keyboard, which shows nothing: the image prompt-keyboard */
	PROMPT_INTERRUPT = 2 /* the second serial port, with its interrupt: the image prompt-interrupt */
};

struct prompt_argument {
	uint64_t ticks; /* of the TSC: how long to wait for each key */
	uint32_t console; /* enum prompt_console */
	uint32_t tries; /* 1...PROMPT_TRIES_MAX */
	uint32_t iterations; /* 1...PROMPT_ITERATIONS_MAX */
	uint32_t reserved; /* 0 */
	uint8_t salt[16];
	uint8_t hash[32]; /* PBKDF2 with HMAC-SHA256 of password, salt, iterations */
};

#endif
