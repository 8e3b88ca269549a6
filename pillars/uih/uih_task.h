/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * uih_task.h - the entry of the update task, with everything that it reads as a parameter so that a host can test it.
 */
#ifndef PILLARS_UIH_TASK_H
#define PILLARS_UIH_TASK_H

#include <uih/uih.h>

/**
 * Prepares, yields, obeys RV_CMD_APPLY and RV_CMD_REVERT, once each, in that order. Does not return: Ravelin ends it while it yields.
 *
 * @param param  the parameters of this FIMCE
 * @param pages  param->target_count target pages, ascending by va
 * @param threads  the target's threads, filled when RV_CMD_APPLY comes
 * @param input  the SUIT envelope that the manager has verified, within param->argument_offset bytes
 */
_Noreturn void uih_run(const struct rv_fimce_param *param, const struct rv_target_page *pages,
		       const struct rv_threads *threads, const uint8_t *input);

#endif
