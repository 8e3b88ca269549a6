/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * agent.h - what root mode needs but no privilege is needed for: the agent (agent/) does it in non-root mode.
 *
 * The agent is a FIMCE of root mode's own, linked into the hypervisor image. Its page table shows all that root mode sees, at the same
 * addresses and read-only; it can write to its stack and to one page, its mailbox. All else that a FIMCE can't do it can't do either. So
 * a fault in it can give a wrong answer, and change nothing. It starts afresh at each call.
 */
#ifndef HV_AGENT_H
#define HV_AGENT_H

#include <hv/hv.h>

enum agent_command {
	AGENT_AUDIT = 1 /* all tables; it adds what it finds to mail.audit */
};

/** The agent's mailbox. */
struct agent_mail {
	struct {
		struct rv_audit result;
		uint32_t reason; /* RV_REASON_AUDIT_*, 0: nothing was found; and the values of its sentence */
		uint64_t value[3];
	} audit;
};

/** Where the agent begins; agent/. */
_Noreturn void agent_main(uint64_t command, uint64_t argument);

struct agent_mail *agent_mail(void);

/**
 * Has the agent do something, on this CPU, whatever that was about to do. The lock is held throughout.
 * @return what the agent says; -RV_EIO as a refusal if it died
 */
int64_t agent_call(struct percpu *cpu, enum agent_command command, uint64_t argument);

#endif
