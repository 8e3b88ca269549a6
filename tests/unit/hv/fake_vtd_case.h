/* SPDX-License-Identifier: GPL-2.0-only */
/* fake_vtd_case.h - what tests of hv/vtd begin with: a machine whose remapping units are those of fake_vtd.h. */
#ifndef TESTS_FAKE_VTD_CASE_H
#define TESTS_FAKE_VTD_CASE_H

#include "fake_vtd.h"

#define ENTRIES 1024u /* of each interrupt table */
#define GUEST_ENTRIES (ENTRIES - VTD_RESERVED_ENTRIES)
#define DEVICE 0x0310u
/* Low halves of interrupt entries: fixed delivery, with xAPIC and with x2APIC destinations. */
#define FIXED(vector, destination) (IRTE_P | (uint64_t)(vector) << 16 | (uint64_t)(destination) << 40)
#define WIDE(vector, destination) (IRTE_P | (uint64_t)(vector) << 16 | (uint64_t)(destination) << 32)

extern struct vtd *v; /* hv.vtd */

/** Takes the next fault from a unit's records. @return 1 and *f, or 0 if there is none */
int fault_next(const struct vtd_unit *u, struct vtd_fault *f);

/** Makes hv.vtd anew, with the first count units. */
void units_add(uint32_t count);

/** Probes them, builds EPT and tables as the launch does. */
void units_build(void);

/** cmocka's setup: a machine with all units, not probed; or with all of them running. */
int fake_units_setup(void **state);
int fake_units_setup_started(void **state);

/** error is the wanted one, and v->failure says this of this unit. */
void expect_failure(int error, int wanted, uint32_t reason, uint32_t unit, uint64_t value);

/** Every page: what the guest owns is reached at its own address, nothing else is. */
void expect_rows(uint64_t first, uint64_t end);

#endif
