/* SPDX-License-Identifier: GPL-2.0-only */
/* clock.h - what guest and task of the line test agree on: a PC's real-time clock, which interrupts periodically. */
#ifndef VMX_TASK_CLOCK_H
#define VMX_TASK_CLOCK_H

#define CLOCK_INDEX 0x70u
#define CLOCK_DATA 0x71u
#define CLOCK_PORTS 2u
#define CLOCK_LINE 8u
#define CLOCK_RATE 0x0au /* its registers */
#define CLOCK_CONTROL 0x0bu
#define CLOCK_CAUSE 0x0cu /* reading it lets the next interrupt come */
#define CLOCK_1024_HZ 0x26u
#define CLOCK_PERIODIC 0x40u /* in control and cause */
#define CLOCK_24_HOURS 0x02u

#endif
