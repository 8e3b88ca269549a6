/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmos.c - a task with two ports, those of a PC's CMOS memory: returns the byte at CMOS_AT and puts another one there. With an argument
 * it reads the port behind them.
 */
#include <task.h>

#include "cmos.h"

static void out(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t in(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

int64_t task_main(const struct rv_fimce_param *param)
{
	size_t argument_bytes;
	uint8_t found;

	(void)param;
	(void)rv_task_argument(&argument_bytes);
	if (argument_bytes != 0)
		return in(CMOS_INDEX + CMOS_PORTS);
	out(CMOS_INDEX, CMOS_AT);
	found = in(CMOS_DATA);
	out(CMOS_DATA, CMOS_TASK);
	return found;
}
