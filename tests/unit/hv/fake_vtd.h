/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fake_vtd.h - VT-d remapping units for unit tests of root mode: registers, a queue engine, table walks.
 *
 * A unit answers commands at once, and fails the test when root mode breaks a rule of the specification: more than one
 * command in a write, a queue that moves while it is on, translation switched on with stale caches, an overflow cleared while
 * records are still in use, reserved bits in tables.
 */
#ifndef TESTS_UNIT_HV_FAKE_VTD_H
#define TESTS_UNIT_HV_FAKE_VTD_H

#include "fake.h"

#include <hv/vtd/vtd.h>

#define FAKE_UNITS 3u
#define FAKE_UNIT(n) (0xfed90000ull + (n)*0x1000ull)
#define FAKE_UNIT_BYTES 0x1000u
#define FAKE_RECORDS 4u
/* 48 and 39 bits, 2 MiB and 1 GiB pages, 4 fault records at 0x220, 256 domains, both protected ranges. */
#define FAKE_CAP                                                                                                       \
	((FAKE_RECORDS - 1ull) << 40 | CAP_SLLPS_1G | CAP_SLLPS_2M | 0x22ull << 24 | CAP_SAGAW_48 | CAP_SAGAW_39 |     \
	 CAP_PROTECTED | 2)
#define FAKE_ECAP (ECAP_EIM | ECAP_IR | ECAP_QI | ECAP_C)

struct fake_unit {
	uint64_t cap, ecap;
	uint32_t gsts, fsts, fectl, iectl, pmen, ver;
	uint64_t rtaddr, irta, iqa, iqh, iqt;
	uint64_t record[FAKE_RECORDS][2];
	uint32_t next_record;
	/* What it has in use, as latched by SRTP and SIRTP. */
	uint64_t root, interrupts;
	bool context_stale, iotlb_stale, interrupts_stale;
	/* Descriptors that it carried out, by type; and what the last of the type was. */
	uint32_t done[16];
	uint64_t last[16];
	bool may_open; /* translation may go off */
	/* Misbehaviour. */
	uint32_t deaf; /* GCMD bits that it never answers */
	bool queue_stuck; /* it does not look at its queue */
	uint32_t queue_fails; /* the n-th descriptor from now is an error */
};

extern struct fake_unit fake_unit[FAKE_UNITS];

/** As after power-on. */
void fake_units_reset(void);

/** A device's access through unit n, walked as the specification says. @return the physical address, or ~0 with a fault recorded. */
uint64_t fake_dma(uint32_t n, uint16_t source_id, uint64_t address, bool write);

/** A device's interrupt request through unit n in remappable format. @return the low half of the entry, or 0 with a fault recorded. */
uint64_t fake_interrupt(uint32_t n, uint16_t source_id, uint32_t index);

/** Records a fault as a unit does. */
void fake_fault(uint32_t n, uint16_t source_id, uint64_t information, uint32_t reason, bool read);

#endif
