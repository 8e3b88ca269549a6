/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fake_io.h - what all tests of device pillars share: a clock that goes on with each look at it, and the interrupt flag.
 *
 * A test that includes this brings those of rv_io_in8 and the like that its pillar uses.
 */
#ifndef TEST_FAKE_IO_H
#define TEST_FAKE_IO_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <io/io.h>
#include <ravelin/fimce.h>

#include <stdbool.h>
#include <string.h>

#define TICKS 1000u /* what the tests give a device */

static uint64_t fake_now;
static unsigned int fake_pauses;
static int fake_interrupts; /* the flag */

uint64_t rv_io_ticks(void)
{
	return fake_now += 10;
}

void rv_io_pause(void)
{
	fake_pauses++;
}

void rv_io_interrupts(int on)
{
	fake_interrupts = on;
}

#endif
