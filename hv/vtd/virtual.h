/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * virtual.h - the remapping unit that the guest sees in the place of each real one, for interrupts only.
 *
 * At the guest-physical address of the real unit's registers the guest has a page of RAM that it can read and not write: a
 * register file whose CAP offers no DMA translation (SAGAW = 0; Linux then says "No supported address widths. Not
 * attempting DMA translation" and uses the unit for interrupts) and whose ECAP offers queued invalidation and interrupt
 * remapping. Reading costs no exit. Each write of a register is carried out here.
 *
 * The guest keeps its interrupt table in its own memory and tells the unit what it changed, through the invalidation queue
 * (CAP.CM = 1: it has to tell when an entry becomes present, too). Only then are these entries read, checked by vtd_entry_check
 * and written to the live table. So an interrupt never exits, and a change of an entry costs the one exit of the tail register.
 *
 * Limits: a queue of VTD_VIRTUAL_QUEUE_PAGES pages at most; no completion interrupts (Linux asks for none); no faults are
 * reported to the guest, they are in Ravelin's log. Errors of the guest stop its queue with FSTS.IQE as in a real unit.
 */
#ifndef HV_VTD_VIRTUAL_H
#define HV_VTD_VIRTUAL_H

#include <hv/vtd/vtd.h>

#define VTD_VIRTUAL_QUEUE_PAGES 4u

struct vtd_virtual {
	struct vtd_unit *unit; /* the real one */
	pa_t page; /* what the guest sees: a copy, so that nothing depends on what stands there */
	uint64_t file[VTD_REGISTERS_MIN / 8]; /* the registers */
	uint64_t queue; /* IQA as it was when the queue was switched on */
	uint64_t table; /* IRTA as it was at the last SIRTP */
	/* Why something was not carried out as asked, for the log; whoever logs it sets reason to 0.
	 * RV_REASON_VTD_ENTRY_*: entry index, low, high; RV_REASON_VTD_VIRTUAL: register, value, 0. */
	struct vtd_refusal {
		uint32_t reason;
		uint64_t value[3];
	} refusal;
};

/**
 * Makes the register file, after vtd_probe and before vtd_start: a guest that uses the real unit for interrupts already
 * goes on with what it has, after vtd_virtual_sync. Its DMA tables are not taken over.
 * @return 0; -RV_ENOMEM.
 */
int vtd_virtual_init(struct vtd *v, struct vtd_virtual *g, struct vtd_unit *unit);

/**
 * Reads the guest's whole table again: after vtd_build and before vtd_start; and when a core or a device has left the guest,
 * so that no entry reaches the core or comes from the device any more.
 * @return true if the live table changed: vtd_flush_interrupts is to follow, if the unit runs.
 */
bool vtd_virtual_sync(struct vtd *v, struct vtd_virtual *g);

/**
 * The guest has stored to its register page, at offset: by an instruction that root mode let it do there, or carried out for it.
 * Carries out what that means, and what other CPUs may have stored meanwhile; the page then shows what a real unit would. Call
 * it when the guest cannot write to the page any more.
 * Takes as long as the queue and the table are at most: one look at each descriptor and at each entry.
 * @return 0; -RV_ETIME, -RV_EIO: the real unit did not invalidate.
 */
int vtd_virtual_stored(struct vtd *v, struct vtd_virtual *g, uint32_t offset);

#endif
