/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * interrupt.h - numbers of the interrupt entry (entry.S) that C code and assembler share.
 */
#ifndef MANAGER_INTERRUPT_H
#define MANAGER_INTERRUPT_H

#define INTERRUPT_CLASS 0xf0 /* vectors above the task priority at which interrupts are held back */
#define INTERRUPT_VECTORS 16
#define INTERRUPT_DEVICE 0xf3 /* RV_FIMCE_VECTOR */
#define INTERRUPT_HANDLER 0xffffffff80101ff8 /* RV_FIMCE_HANDLER */
#define INTERRUPT_CALL_EOI 6 /* RV_FC_EOI */
#define INTERRUPT_STUB 16 /* bytes of code of one vector */

#ifndef __ASSEMBLER__
#include <ravelin/fimce.h>

_Static_assert(INTERRUPT_DEVICE == RV_FIMCE_VECTOR && INTERRUPT_HANDLER == RV_FIMCE_HANDLER &&
		   INTERRUPT_CALL_EOI == RV_FC_EOI,
	       "numbers in interrupt.h");

/**
 * Not 0: a device of this FIMCE interrupts it, so that each interrupt of the class ends with RV_FC_EOI. Set before interrupts are
 * allowed for the first time.
 */
extern uint8_t manager_has_interrupt;
#endif

#endif
