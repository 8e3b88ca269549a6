/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * interrupt.c - interrupts of the FIMCE's own devices: see interrupt.h.
 */
#include <interrupt/interrupt.h>
#include <io/io.h>

#ifdef RV_HOST_TEST
#define HANDLER (&interrupt_handler_word)
#else
#define HANDLER ((volatile uint64_t *)RV_FIMCE_HANDLER)
#endif

void interrupt_enable(void (*handler)(void))
{
	rv_io_interrupts(0);
	*HANDLER = (uint64_t)(uintptr_t)handler;
	rv_io_interrupts(1);
}

void interrupt_disable(void)
{
	rv_io_interrupts(0);
	*HANDLER = 0;
}

bool interrupt_wait(const volatile bool *flag, uint64_t ticks)
{
	uint64_t begin = rv_io_ticks();

	while (!*flag && rv_io_ticks() - begin < ticks)
		rv_io_pause();
	return *flag;
}
