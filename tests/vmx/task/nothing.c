/* SPDX-License-Identifier: GPL-2.0-only */
/* nothing.c - a task that does nothing, to measure what is around it. */
#include <task.h>

int64_t task_main(const struct rv_fimce_param *param)
{
	(void)param;
	return 0;
}
