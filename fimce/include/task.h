/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * task.h - what a task (the payload of a FIMCE image) is given.
 *
 * A task is C or assembler code that defines task_main and is linked with the pillars by `mkfimce --link`. The manager
 * calls task_main once, after it has measured the image, on the FIMCE's only stack and with interrupts as they are.
 * Nothing else ever calls into a task: it runs alone, in ring 0, until it returns, yields, or dies.
 *
 * The functions below are in libpillars.a (pillars/task). They may be called at any time while the task runs.
 */
#ifndef FIMCE_TASK_H
#define FIMCE_TASK_H

#include <ravelin/fimce.h>

#include <stddef.h>

/*
 * The word below RV_FIMCE_HANDLER in the mailbox page holds the number of output bytes that the manager reports when task_main
 * returns. It is 0 when the task starts. The hypervisor does not look at it.
 */
#define RV_TASK_OUTPUT_BYTES (RV_FIMCE_HANDLER - 8)

/**
 * The task's entry; the task defines it.
 *
 * @param param  RV_FIMCE_PARAM
 * @return the result that struct rv_fimce_status shows; by convention 0 or a negative errno for a failure
 */
int64_t task_main(const struct rv_fimce_param *param);

/** The argument: read-only bytes that the caller put behind the image. *bytes = their number, 0 if there are none. */
const void *rv_task_argument(size_t *bytes);

/** The output buffer, all zero at the start. *capacity = its size, 0 if the image asked for none. */
void *rv_task_output(size_t *capacity);

/** Says how many bytes of the output buffer are valid; more than its size counts as its size. */
void rv_task_set_output_bytes(size_t bytes);

/**
 * Gives the CPU back until the next command (RV_FC_YIELD). Only for an image with RV_CAP_TARGET; any other task dies
 * with RV_CAUSE_PROTOCOL.
 *
 * @param status  0: as wanted; negative errno: failed
 * @param reason  RV_REASON_* for a failure, otherwise RV_REASON_NONE
 * @param value   for $0 of the reason's sentence
 * @return the enum rv_fimce_command that ended the wait
 */
enum rv_fimce_command rv_task_yield(int64_t status, uint32_t reason, uint64_t value);

#endif
