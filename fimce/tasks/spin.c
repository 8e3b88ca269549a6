/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * spin.c - sample task: never ends. The watchdog must: DEAD with RV_CAUSE_WATCHDOG after the budget.
 */
#include <task.h>

int64_t task_main(const struct rv_fimce_param *param)
{
	(void)param;
	for (;;)
		__asm__ volatile("pause");
}
