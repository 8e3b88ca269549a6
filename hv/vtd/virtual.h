/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * virtual.h - the remapping unit that the guest sees in the place of each real one, for interrupts only.
 *
 * At the guest-physical address of the real unit's registers the guest has a page of RAM that it can read and not write: a
 * register file whose CAP offers no DMA translation (SAGAW = 0; Linux then says "No supported address widths. Not
 * attempting DMA translation" and uses the unit for interrupts) and whose ECAP offers queued invalidation and interrupt
 * remapping. Reading costs no exit. What each write of a register means the agent finds out (agent/unit.h).
 *
 * The guest keeps its interrupt table in its own memory and tells the unit what it changed, through the invalidation queue
 * (CAP.CM = 1: it has to tell when an entry becomes present, too). Only then are these entries read, checked by vtd_entry_check
 * and written to the live table. So an interrupt never exits, and a change of an entry costs the one exit of the tail register.
 */
#ifndef HV_VTD_VIRTUAL_H
#define HV_VTD_VIRTUAL_H

#include <hv/vtd/vtd.h>

struct agent_unit;

struct vtd_virtual {
	struct vtd_unit *unit; /* the real one */
	pa_t page; /* what the guest sees: a copy, so that nothing depends on what stands there */
	struct vtd_virtual_state { /* the agent's own */
		uint64_t file[VTD_REGISTERS_MIN / 8]; /* the registers */
		uint64_t queue; /* IQA as it was when the queue was switched on */
		uint64_t table; /* IRTA as it was at the last SIRTP */
		uint32_t next; /* the next entry of the guest's table that is to be looked at */
		bool all; /* all were, since the guest's last store */
	} state;
};

/**
 * Carries out what the agent found: entries, once more checked by vtd_entry_check; then, when units use them, answers in the guest's RAM.
 * The register page shows the new state. runs: the units run (after vtd_start).
 * @return 0; -RV_ETIME, -RV_EIO: the real unit did not invalidate, and no answer was given.
 */
int vtd_virtual_apply(struct vtd *v, struct vtd_virtual *g, const struct agent_unit *m, bool runs);

#endif
