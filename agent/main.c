/* SPDX-License-Identifier: GPL-2.0-only */
/* main.c - the agent: see hv/agent.h. One command, one answer, and it is gone. */
#include <agent/agent.h>
#include <agent/pci.h>
#include <agent/unit.h>

int64_t agent_do(uint64_t command, uint64_t argument, union agent_mail *mail)
{
	const struct device *d = (const struct device *)argument;
	const struct vtd_virtual *g = (const struct vtd_virtual *)argument;

	switch (command) {
	case AGENT_AUDIT:
		audit_tables(mail);
		return 0;
	case AGENT_INFO:
		info_fill(&mail->info);
		return 0;
	case AGENT_STAT:
		stat_fill(hv.cpu[argument], &mail->stat);
		return 0;
	case AGENT_FAULTS:
		faults_read(&hv.vtd, &mail->faults);
		return 0;
	case AGENT_PCI_LOOK:
		return pci_look(d, &mail->pci);
	case AGENT_PCI_SIZE:
		pci_size(d, &mail->pci);
		return 0;
	case AGENT_PCI_QUIET:
		pci_quiet(d);
		return 0;
	case AGENT_PCI_RESET:
		pci_reset(d);
		return 0;
	case AGENT_PCI_START:
		pci_start(d);
		return 0;
	case AGENT_PCI_MASTER:
		pci_master(d);
		return 0;
	case AGENT_PCI_GIVE_BACK:
		pci_give_back(d);
		return 0;
	case AGENT_UNIT_BEGIN:
		return unit_begin(&hv.vtd, g, &mail->unit);
	case AGENT_UNIT_STORED:
		return unit_stored(&hv.vtd, g, &mail->unit);
	case AGENT_UNIT_CONTINUE:
		return unit_continue(&hv.vtd, g, &mail->unit);
	default:
		return -RV_ENOSYS;
	}
}

_Noreturn void agent_main(uint64_t command, uint64_t argument)
{
	int64_t result = agent_do(command, argument, (union agent_mail *)RV_FIMCE_MAILBOX);

	for (;;)
		__asm__ volatile("vmcall" : : "a"(RV_FC_EXIT), "D"(result), "S"(0ull) : "memory");
}
