/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * clock.c - a task with ports and interrupt line of a PC's real-time clock: returns after as many periodic interrupts as its argument,
 * a uint32_t, says. Result: that number; -ETIME: they don't come.
 */
#include <interrupt/interrupt.h>
#include <io/io.h>
#include <task.h>

#include <string.h>

#include "clock.h"

#define PATIENCE 2000000000ull /* ticks of the TSC */

static volatile uint32_t ticks;
static volatile bool ticked;

static uint8_t clock_read(uint8_t at)
{
	rv_io_out8(CLOCK_INDEX, at);
	return rv_io_in8(CLOCK_DATA);
}

static void clock_write(uint8_t at, uint8_t value)
{
	rv_io_out8(CLOCK_INDEX, at);
	rv_io_out8(CLOCK_DATA, value);
}

/* The guest can call it, too: only the clock knows what has happened. */
static void clock_handler(void)
{
	if (clock_read(CLOCK_CAUSE) & CLOCK_PERIODIC) {
		ticks++;
		ticked = true;
	}
}

int64_t task_main(const struct rv_fimce_param *param)
{
	size_t argument_bytes;
	const void *argument = rv_task_argument(&argument_bytes);
	uint32_t wanted;

	(void)param;
	if (argument_bytes != sizeof(wanted))
		return -RV_EINVAL;
	memcpy(&wanted, argument, sizeof(wanted));
	clock_write(CLOCK_RATE, CLOCK_1024_HZ);
	(void)clock_read(CLOCK_CAUSE);
	clock_write(CLOCK_CONTROL, CLOCK_24_HOURS | CLOCK_PERIODIC);
	interrupt_enable(clock_handler);
	do {
		ticked = false;
	} while (ticks < wanted && interrupt_wait(&ticked, PATIENCE));
	interrupt_disable();
	clock_write(CLOCK_CONTROL, CLOCK_24_HOURS);
	(void)clock_read(CLOCK_CAUSE);
	return ticks < wanted ? -RV_ETIME : (int64_t)wanted;
}
