/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * owned.h - what the former owner of the remapping unit (owner.c) leaves in memory, and the bare guest (../owned.c), which is its successor, finds
 * there.
 */
#ifndef VMX_OWNED_H
#define VMX_OWNED_H

/* RAM that nothing else is loaded to, on a machine with 256 MiB; a page each. */
#define OWNED_ROOT 0x6000000ull
#define OWNED_CONTEXT (OWNED_ROOT + 0x1000)
#define OWNED_QUEUE (OWNED_ROOT + 0x2000)
#define OWNED_TABLE (OWNED_ROOT + 0x3000)
#define OWNED_STATUS (OWNED_ROOT + 0x4000)

/* Entries of the interrupt table, and their vectors. */
#define OWNED_ENTRIES_SHIFT 7u /* S of IRTA: 256 entries, one page */
#define OWNED_EDU 5u
#define OWNED_EDU_VECTOR 0x61u
#define OWNED_TIMER 6u
#define OWNED_TIMER_VECTOR 0x62u
#define OWNED_NMI 7u /* of the edu, too: an NMI, which no device of a guest may send */

#endif
