/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * main.c - the manager: the first code that runs in every FIMCE. See docs/fimce.md.
 */
#include "interrupt.h"
#include "journal.h"
#include "measure.h"

#include <task.h>
#include <vmcall.h>

#include <string.h>

_Noreturn void manager_main(const struct rv_fimce_param *param);

uint8_t manager_has_interrupt;

typedef int64_t (*task_entry)(const struct rv_fimce_param *param);

static _Noreturn void manager_stop(enum rv_fimce_call how, uint64_t a, uint64_t b, uint64_t c)
{
	(void)rv_fimce_call(how, a, b, c);
	/* Neither call returns. If one ever did, nothing after it may run. */
	__builtin_trap();
}

static _Noreturn void manager_refuse(const struct refusal *why)
{
	manager_stop(RV_FC_REFUSE, (uint64_t)(int64_t)why->error, why->reason, why->value);
}

static _Noreturn void manager_fold_journal(const struct rv_fimce_param *param)
{
	struct rv_journal_head head;
	struct refusal why;

	if (journal_fold(param->journal_head, (const uint8_t *)RV_FIMCE_INPUT, param->input_bytes, &head, &why))
		manager_refuse(&why);
	memcpy((void *)RV_FIMCE_MAILBOX, &head, sizeof(head));
	manager_stop(RV_FC_EXIT, 0, 0, 0);
}

static _Noreturn void manager_run_image(const struct rv_fimce_param *param)
{
	struct measured_image m;
	struct rv_refused refused;
	struct rv_fimce_answer answer;
	struct refusal why;
	volatile uint64_t *output_bytes = (volatile uint64_t *)RV_TASK_OUTPUT_BYTES;
	int64_t result;

	if (measure_input(param, (const uint8_t *)RV_FIMCE_INPUT, (const struct rv_target_page *)RV_FIMCE_TARGETS, &m,
			  &why)) {
		measure_refused(param, (const uint8_t *)RV_FIMCE_INPUT, &m, &refused);
		memcpy((void *)RV_FIMCE_MAILBOX, &refused, sizeof(refused));
		manager_refuse(&why);
	}
	image_load(m.image, &m.header, (uint8_t *)RV_FIMCE_LOAD);
	memcpy((void *)RV_FIMCE_MAILBOX, &m.measured, sizeof(m.measured));
	answer = rv_fimce_call(RV_FC_MEASURED, 0, 0, 0);
	if (answer.value < 0) {
		(void)refusal_set(&why, (int)answer.value, (enum rv_reason)(uint32_t)answer.second, answer.refused);
		manager_refuse(&why);
	}
	for (uint32_t i = 0; i < m.header.grant_count; i++) {
		const struct rv_grant *g = &m.header.grant[i];

		if (g->kind == RV_GRANT_GSI || (g->kind == RV_GRANT_PCI && g->flags & RV_GRANT_INTERRUPT))
			manager_has_interrupt = 1;
	}
	memset((void *)RV_FIMCE_MAILBOX, 0, RV_PAGE_SIZE);
	result = ((task_entry)m.header.entry)(param);
	manager_stop(RV_FC_EXIT, (uint64_t)result,
		     *output_bytes < param->output_bytes ? *output_bytes : param->output_bytes, 0);
}

_Noreturn void manager_main(const struct rv_fimce_param *param)
{
	struct refusal why;

	if (param->abi_version == RV_ABI_VERSION) {
		if (param->mode == RV_MODE_JOURNAL)
			manager_fold_journal(param);
		if (param->mode == RV_MODE_IMAGE)
			manager_run_image(param);
	}
	/* Hypervisor and manager are built together: this is a fault of the build, said rather than hidden. */
	(void)refusal_set(&why, -RV_EINVAL, RV_REASON_HC_ARGUMENT, param->mode);
	manager_refuse(&why);
}
