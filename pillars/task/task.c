/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * task.c - what a task is given: see fimce/include/task.h.
 */
#include <task.h>
#include <vmcall.h>

static const struct rv_fimce_param *task_param(void)
{
	return (const struct rv_fimce_param *)RV_FIMCE_PARAM;
}

const void *rv_task_argument(size_t *bytes)
{
	const struct rv_fimce_param *p = task_param();

	*bytes = p->input_bytes > p->argument_offset ? p->input_bytes - p->argument_offset : 0;
	return (const void *)(RV_FIMCE_INPUT + p->argument_offset);
}

void *rv_task_output(size_t *capacity)
{
	*capacity = task_param()->output_bytes;
	return (void *)RV_FIMCE_OUTPUT;
}

void rv_task_set_output_bytes(size_t bytes)
{
	*(volatile uint64_t *)RV_TASK_OUTPUT_BYTES = bytes;
}

enum rv_fimce_command rv_task_yield(int64_t status, uint32_t reason, uint64_t value)
{
	return (enum rv_fimce_command)rv_fimce_call(RV_FC_YIELD, (uint64_t)status, reason, value).value;
}
