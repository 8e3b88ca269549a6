// SPDX-License-Identifier: GPL-2.0-only
/* task.c - a FIMCE that has a device of the guest's; see devices.h. */
#include "devices.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOOK_US 20000u
#define LOOKS 1000u

bool task_load(struct task *t, struct attack *a, const char *path)
{
	struct rv_failure failure;
	size_t offset;

	t->a = a;
	t->image_bytes = attack_image_load(path, &t->image);
	return t->image_bytes != 0 && ravelin_image_find(t->image, t->image_bytes, &t->header, &offset, &failure) == 0;
}

int task_create(struct task *t, const struct function *f)
{
	struct rv_grant grant[RV_MAX_GRANTS];
	int error = ravelin_devices_find(t->a->ravelin, &t->header, &f->source_id, 1, grant);

	return error ? error
		     : ravelin_fimce_create_devices(t->a->ravelin, t->image, t->image_bytes, t->argument,
						    t->argument_bytes, grant, t->header.grant_count, &t->id);
}

int task_run(struct task *t)
{
	return ravelin_fimce_run(t->a->ravelin, t->id, CORE);
}

bool task_has_device(struct task *t)
{
	struct rv_fimce_status status = {0};

	for (unsigned int i = 0; i < LOOKS && ravelin_fimce_status(t->a->ravelin, t->id, &status) == 0; i++) {
		if (status.capabilities & RV_CAP_DEVICE)
			return true;
		usleep(LOOK_US);
	}
	return false;
}

bool task_is_running(struct task *t)
{
	struct rv_fimce_status status = {0};

	return ravelin_fimce_status(t->a->ravelin, t->id, &status) == 0 && status.state == RV_FIMCE_RUNNING;
}

bool task_output(struct task *t, uint8_t *output, uint32_t bytes)
{
	struct rv_fimce_status status = {0};

	ravelin_fimce_wait(t->a->ravelin, t->id, LOOKS * LOOK_US / 1000, &status);
	if (status.state == RV_FIMCE_DONE && status.result == 0 &&
	    ravelin_fimce_output(t->a->ravelin, t->id, 0, output, bytes) == (int)bytes)
		return true;
	printf("     state %u, cause %u, detail %u, result %lld\n", status.state, status.cause, status.detail,
	       (long long)status.result);
	return false;
}

bool task_destroy(struct task *t)
{
	for (unsigned int i = 0; i < LOOKS; i++) {
		if (ravelin_fimce_destroy(t->a->ravelin, t->id) == 0)
			return true;
		usleep(LOOK_US);
	}
	return false;
}
