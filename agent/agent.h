/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * agent.h - what the agent does. It runs in non-root mode and reads the memory of root mode, with the hypervisor lock held; all that it
 * calls in hv/ only reads, too.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include <hv/agent.h>

/** Carries out a command of enum agent_command. @return what agent_call returns; -RV_ENOSYS: there is no such command */
int64_t agent_do(uint64_t command, uint64_t argument, union agent_mail *mail);

/** AGENT_AUDIT: walks the EPT, the page tables of all FIMCEs, their tables for DMA, the bitmaps, and the remapping units. */
void audit_tables(union agent_mail *mail);

/** AGENT_INFO: *info is zero before. */
void info_fill(struct rv_info *info);

/** AGENT_STAT. */
void stat_fill(const struct percpu *cpu, struct rv_stat *stat);

struct vtd_fault {
	uint32_t record; /* or VTD_FAULT_OVERFLOW: faults were lost because the unit had no free record */
	uint32_t reason; /* of VT-d, appendix A */
	uint16_t source_id; /* bus in 15:8, device in 7:3, function in 2:0 */
	bool interrupt; /* address is the index of an entry of the interrupt table */
	bool read; /* DMA read, else write */
	uint64_t unit;
	uint64_t address;
};

/** A unit's faults, oldest first, and last that there were more. @return how many, at most max */
uint32_t vtd_faults_find(const struct vtd_unit *u, struct vtd_fault *f, uint32_t max);

/** AGENT_FAULTS: those of all units, as many as m takes. */
void faults_read(const struct vtd *v, struct agent_faults *m);

struct vtd_audit {
	uint64_t contexts, entries; /* looked at; entries: present ones */
	uint64_t bad_unit; /* base address, 0 = root or context table */
	uint64_t bad_at; /* register offset, source id, or 0x10000 + index of the interrupt entry */
	uint64_t bad_value;
};

/**
 * Reads back every unit's registers, the root and all context tables and the interrupt table. Every context entry must be
 * the guest's, or name table and domain that vtd_device_set gave to just this device; every present interrupt entry must pass
 * vtd_entry_check unchanged, or be the reserved one that vtd_interrupt_set was told. The second-level tables are the
 * EPT's and the FIMCEs', audited as such.
 * @return 0; -RV_EFAULT with the first fault in *a.
 */
int vtd_audit(const struct vtd *v, struct vtd_audit *a);

#endif
