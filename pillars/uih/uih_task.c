/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * uih_task.c - the entry of every update image: waits for the hypervisor's commands and does the steps. See uih.h.
 */
#include <uih/uih_task.h>

#include <task.h>
#include <vmcall.h>
#include <suit/suit.h>
#include <string.h>

enum task_state {
	TASK_FAILED, /* must not touch the target any more */
	TASK_PREPARED,
	TASK_APPLIED
};

/** Hands the CPU back with the outcome of a step; returns the next command. */
static enum rv_fimce_command uih_yield(bool ok, const struct uih_failure *why)
{
	struct rv_fimce_answer answer;

	answer = ok ? rv_fimce_call(RV_FC_YIELD, 0, RV_REASON_NONE, 0)
		    : rv_fimce_call(RV_FC_YIELD, (uint64_t)why->status, why->reason, why->value);
	return (enum rv_fimce_command)answer.value;
}

static bool uih_prepare(struct uih *uih, const struct rv_fimce_param *param, const uint8_t *input,
			struct uih_failure *why)
{
	struct suit_manifest manifest;
	struct suit_error error;
	struct uih_expected expected;

	why->status = -RV_EINVAL;
	why->reason = RV_REASON_UPDATE_TARGET;
	why->value = 0;
	if (!param->target_bias_valid || param->target_count == 0)
		return false;
	uih->page_count = param->target_count;
	uih->bias = param->target_bias;
	/* The manager has verified this envelope; it is read again for the digests that it names. */
	why->status = suit_parse(input, param->argument_offset, &manifest, &error);
	if (why->status != 0) {
		why->reason = error.reason;
		why->value = error.value;
		return false;
	}
	memcpy(expected.before, manifest.before, sizeof(expected.before));
	memcpy(expected.after, manifest.after, sizeof(expected.after));
	expected.bytes = manifest.target_bytes;
	return uih_step_prepare(uih, &expected, why);
}

void uih_run(const struct rv_fimce_param *param, const struct rv_target_page *pages, const struct rv_threads *threads,
	     const uint8_t *input)
{
	struct uih uih = {.description = &uih_description, .page = pages, .threads = threads};
	struct uih_failure why = {0, RV_REASON_NONE, 0};
	enum task_state state;
	bool ok;

	ok = uih_prepare(&uih, param, input, &why);
	state = ok ? TASK_PREPARED : TASK_FAILED;
	for (;;) {
		enum rv_fimce_command command = uih_yield(ok, &why);

		if (command == RV_CMD_APPLY && state == TASK_PREPARED) {
			ok = uih_step_apply(&uih, &why);
			state = ok ? TASK_APPLIED : TASK_FAILED;
		} else if (command == RV_CMD_REVERT && state == TASK_APPLIED) {
			ok = uih_step_revert(&uih, &why);
			/* Reverted, it could be applied again; but its manifest has had its turn. */
			state = TASK_FAILED;
			why.status = ok ? 0 : why.status;
		} else if (state != TASK_FAILED || why.status == 0) {
			uint64_t update = state == TASK_PREPARED  ? RV_UPDATE_PREPARED
					  : state == TASK_APPLIED ? RV_UPDATE_APPLIED
								  : RV_UPDATE_ROLLED_BACK;

			ok = false;
			state = TASK_FAILED;
			why = (struct uih_failure){-RV_EINVAL, RV_REASON_UPDATE_STATE, update};
		}
		/* Otherwise it has failed before, and says so again. */
	}
}

#ifndef RV_HOST_TEST
int64_t task_main(const struct rv_fimce_param *param)
{
	uih_run(param, (const struct rv_target_page *)RV_FIMCE_TARGETS, (const struct rv_threads *)RV_FIMCE_THREADS,
		(const uint8_t *)RV_FIMCE_INPUT);
}
#endif
