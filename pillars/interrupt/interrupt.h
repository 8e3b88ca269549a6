/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * interrupt.h - interrupts of the FIMCE's own devices: those of its PCI functions (RV_GRANT_INTERRUPT) and lines (RV_GRANT_GSI).
 *
 * All of them have one vector and come to one handler. The guest can send that vector, too, so the handler is also called without
 * cause: what has happened, the devices' registers say. A task begins with interrupts off.
 */
#ifndef PILLARS_INTERRUPT_H
#define PILLARS_INTERRUPT_H

#include <ravelin/fimce.h>

#include <stdbool.h>

/**
 * Sets the handler and lets interrupts in. The handler runs with interrupts off on a stack of 4 KiB, of which the manager's entry takes
 * 640 bytes; it may use the SSE registers. It must not use the mailbox (rv_log) if the task does so with interrupts on.
 */
void interrupt_enable(void (*handler)(void));

/** Holds interrupts back, and forgets the handler. One that came meanwhile is lost with the FIMCE. */
void interrupt_disable(void);

/**
 * Waits with interrupts on until the handler has set *flag, at most for so many ticks of the TSC.
 *
 * @return *flag
 */
bool interrupt_wait(const volatile bool *flag, uint64_t ticks);

#ifdef RV_HOST_TEST
extern uint64_t interrupt_handler_word; /* in the place of the mailbox's last word */
#endif

#endif
