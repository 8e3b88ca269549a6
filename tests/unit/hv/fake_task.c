/* SPDX-License-Identifier: GPL-2.0-only */
/* fake_task.c - a FIMCE and what runs in it; see fake.h. */
#include "fake.h"

#include <string.h>

uint64_t fake_task_rax, fake_task_rdx, fake_sequence;
uint32_t fake_measured_flags;
static const struct fake_step *task_step;
static struct fimce *task_fimce;
static bool task_called;

struct rv_fimce_create *fake_create(uint32_t targets)
{
	struct rv_fimce_create *c = pa_pointer(pa_make(FAKE_CREATE));
	struct rv_target_page *t = pa_pointer(pa_make(FAKE_TARGETS));

	memset(c, 0, RV_PAGE_SIZE);
	fake_frames(FAKE_INPUT_LIST, FAKE_INPUT, 1, RV_PAGE_SIZE);
	fake_frames(FAKE_LIST, FAKE_BUFFER, 1, RV_PAGE_SIZE);
	fake_frames(FAKE_TARGET_LIST, FAKE_TARGETS, 16, targets * (uint32_t)sizeof(*t));
	memset(pa_pointer(pa_make(FAKE_INPUT)), 0xa5, RV_PAGE_SIZE);
	fake_r8 = FAKE_THREAD_LIST;
	fake_frames(FAKE_THREAD_LIST, FAKE_THREADS, 20, sizeof(struct rv_threads));
	memset(pa_pointer(pa_make(FAKE_THREADS)), 0x5a, sizeof(struct rv_threads));
	for (uint32_t i = 0; i < targets; i++)
		t[i] = (struct rv_target_page){.va = FAKE_TARGET_VA + i * (uint64_t)RV_PAGE_SIZE,
					       .gpa = FAKE_TARGET + 3 * i * (uint64_t)RV_PAGE_SIZE,
					       .kind = RV_TARGET_TEXT};
	*c = (struct rv_fimce_create){.size = sizeof(*c),
				      .input = FAKE_INPUT_LIST,
				      .argument_offset = RV_PAGE_SIZE,
				      .load_bytes = 16 * RV_PAGE_SIZE,
				      .output_bytes = RV_PAGE_SIZE,
				      .stack_bytes = 2 * RV_PAGE_SIZE,
				      .budget_us = 1000,
				      .targets = targets ? FAKE_TARGET_LIST : 0,
				      .target_count = targets};
	return c;
}

static uint32_t task_run(struct regs *r)
{
	const struct fake_step *s = task_step++;

	if (task_called) {
		fake_task_rax = r->gpr[RAX];
		fake_task_rdx = r->gpr[RDX];
	}
	assert_true(fake_vmcs_current().v == task_fimce->vmcs.v);
	assert_true(s->call != 0); /* the task goes on though the test ends it here */
	if (s->before != NULL)
		s->before(task_fimce);
	assert_true(vmcs_load(task_fimce->vmcs));
	fake_vmcs_set(VMCS_EXIT_INSTRUCTION_LENGTH, 3);
	task_called = s->call != FAKE_EXIT;
	if (s->call == FAKE_EXIT) {
		fake_vmcs_set(VMCS_EXIT_QUALIFICATION, s->rsi);
		fake_vmcs_set(VMCS_EXIT_INTERRUPTION_INFO, s->rdx);
		return (uint32_t)s->rdi;
	}
	r->gpr[RAX] = s->call;
	r->gpr[RDI] = s->rdi;
	r->gpr[RSI] = s->rsi;
	r->gpr[RDX] = s->rdx;
	return EXIT_VMCALL;
}

void fake_task(struct fimce *f, const struct fake_step *steps)
{
	task_fimce = f;
	task_step = steps;
	task_called = false;
	fake_guest = task_run;
}

void fake_measured(struct fimce *f)
{
	struct rv_measured *m = pa_pointer(f->mailbox);

	memset(m, 0, sizeof(*m));
	m->size = sizeof(*m);
	m->segment_count = 2;
	m->segment[0] = (struct rv_measured_segment){.first_page = 0, .pages = 4, .perm = RV_PERM_R | RV_PERM_X};
	m->segment[1] = (struct rv_measured_segment){.first_page = 8, .pages = 4, .perm = RV_PERM_R | RV_PERM_W};
	memset(m->image_digest, 0x11, sizeof(m->image_digest));
	memcpy(m->name, "test", 5);
}

void fake_measured_update(struct fimce *f)
{
	struct rv_measured *m = pa_pointer(f->mailbox);

	fake_measured(f);
	m->flags = RV_MEASURED_SIGNED | fake_measured_flags;
	m->capabilities = RV_CAP_TARGET;
	m->sequence = fake_sequence;
	memset(m->component, 0x22, sizeof(m->component));
}
