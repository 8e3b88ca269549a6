/* SPDX-License-Identifier: GPL-2.0-only */
/* agent.c - see agent.h. */
#include <hv/agent.h>
#include <hv/exits.h>
#include <hv/hypercall.h>

_Static_assert(sizeof(union agent_mail) <= RV_PAGE_SIZE, "the mailbox is a page");

union agent_mail *agent_mail(void)
{
	return pa_pointer(hv.agent.mailbox);
}

int64_t agent_call(struct percpu *cpu, enum agent_command command, uint64_t argument)
{
	struct fimce *f = &hv.agent;

	f->vmcs_ready = false;
	f->regs = (struct regs){.gpr = {[RDI] = command, [RSI] = argument}};
	fimce_run(cpu, f, 0);
	/* What root mode does for the guest at this exit it does to the end; then the guest waits for SIPI. */
	if (cpu->agent_init && cpu->running == NULL)
		guest_park(cpu);
	cpu->agent_init = false;
	if (f->state != RV_FIMCE_DONE)
		return hypercall_refuse(cpu, -RV_EIO, RV_REASON_AGENT_DIED, f->status.cause);
	return f->status.result;
}
