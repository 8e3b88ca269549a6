/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * agent.h - what root mode needs but no privilege is needed for: the agent (agent/) does it in non-root mode.
 *
 * The agent is a FIMCE of root mode's own, linked into the hypervisor image. Its page table shows all that root mode sees, at the same
 * addresses and read-only; it can write to its stack and to one page, its mailbox, and reach the ports of PCI configuration space. All else
 * that a FIMCE can't do it can't do either. So a fault in it can give a wrong answer, and change nothing of root mode's. It starts afresh at
 * each call.
 */
#ifndef HV_AGENT_H
#define HV_AGENT_H

#include <hv/hv.h>

enum agent_command {
	AGENT_AUDIT = 1, /* all tables; it adds what it finds to mail.audit */
	AGENT_INFO, /* mail.info */
	AGENT_STAT, /* mail.stat, of the CPU with this index */
	AGENT_FAULTS, /* mail.faults: what the remapping units have recorded */
	/* The argument is the address of a struct device: see agent/pci.h. */
	AGENT_PCI_LOOK, /* 0 or a negative errno with mail.pci.reason; mail.pci.config, .can_reset */
	AGENT_PCI_SIZE, /* mail.pci.bar */
	AGENT_PCI_QUIET,
	AGENT_PCI_RESET,
	AGENT_PCI_START,
	AGENT_PCI_MASTER,
	AGENT_PCI_GIVE_BACK,
	/* The argument is the address of a struct vtd_virtual, and mail.unit says what is to be done: see agent/unit.h. */
	AGENT_UNIT_BEGIN,
	AGENT_UNIT_STORED, /* at mail.unit.offset */
	AGENT_UNIT_CONTINUE
};

#define AGENT_FAULTS_MAX 64u
#define AGENT_ENTRIES 128u
#define AGENT_ANSWERS 16u

/** The agent's mailbox, one page. */
union agent_mail {
	struct {
		struct rv_audit result;
		uint32_t reason; /* RV_REASON_AUDIT_*, 0: nothing was found; and the values of its sentence */
		uint64_t value[3];
	} audit;
	struct rv_info info;
	struct rv_stat stat;
	struct agent_faults {
		uint32_t count;
		struct agent_fault {
			uint32_t unit, record; /* for vtd_fault_clear */
			uint32_t reason; /* for the log */
			uint64_t value[4];
		} fault[AGENT_FAULTS_MAX];
	} faults;
	struct agent_pci {
		uint8_t config[PCI_CONFIG_BYTES];
		bool can_reset; /* it has a function level reset */
		struct agent_bar {
			uint64_t base, bytes; /* or ports; bytes 0: there is none */
			bool is_port;
		} bar[PCI_BARS];
		uint32_t reason;
		uint64_t value;
	} pci;
	struct agent_unit {
		uint32_t offset;
		bool change_eime; /* other width of interrupt destinations: all entries are written anew */
		uint32_t entries, answers; /* how many there are */
		struct vtd_virtual_state state;
		struct agent_entry {
			uint32_t index;
			struct vtd_pair pair;
		} entry[AGENT_ENTRIES]; /* to be written to the live table */
		struct agent_answer {
			uint64_t gpa;
			uint32_t value;
		} answer[AGENT_ANSWERS]; /* what the guest waits for in its memory */
		/* Why something is not carried out as asked, for the log; reason 0: nothing.
		 * RV_REASON_VTD_ENTRY_*: entry index, low, high; RV_REASON_VTD_VIRTUAL: register, value, 0. */
		struct refusal refusal;
	} unit;
};

/** Where the agent begins; agent/. */
_Noreturn void agent_main(uint64_t command, uint64_t argument);

union agent_mail *agent_mail(void);

/**
 * Has the agent do something, on this CPU, whatever that was about to do. The lock is held throughout.
 * @return what the agent says; -RV_EIO as a refusal if it died
 */
int64_t agent_call(struct percpu *cpu, enum agent_command command, uint64_t argument);

#endif
