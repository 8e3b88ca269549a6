/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * unit.h - what the guest's remapping units (hv/vtd/virtual.h) do. Each call is one round: it reads what the guest has stored, and its queue
 * and table, and puts into m what root mode is to do, and the new state of the unit. A guest that asks for more than m has room for,
 * or for another format of its entries, gets it in further rounds.
 *
 * Limits: a queue of UNIT_QUEUE_PAGES pages at most; no completion interrupts (Linux asks for none); no faults are
 * reported to the guest, they are in Ravelin's log. Errors of the guest stop its queue with FSTS.IQE as in a real unit.
 */
#ifndef AGENT_UNIT_H
#define AGENT_UNIT_H

#include <hv/agent.h>

#define UNIT_QUEUE_PAGES 4u

/**
 * The register file at the launch, after vtd_probe and before vtd_start: a guest that uses the real unit for interrupts already
 * goes on with what it has. Its DMA tables are not taken over.
 * @return 1: unit_continue is to follow when m was carried out; 0: done
 */
int64_t unit_begin(const struct vtd *v, const struct vtd_virtual *g, struct agent_unit *m);

/** The guest has stored to its register page, at m->offset; other CPUs may have stored meanwhile as well. @return as unit_begin */
int64_t unit_stored(const struct vtd *v, const struct vtd_virtual *g, struct agent_unit *m);

/** Entries from g->state.next on, and the rest of the queue. @return as unit_begin */
int64_t unit_continue(const struct vtd *v, const struct vtd_virtual *g, struct agent_unit *m);

#endif
