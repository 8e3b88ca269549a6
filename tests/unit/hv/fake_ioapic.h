/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fake_ioapic.h - two IOAPICs of 24 lines each for unit tests of root mode.
 *
 * One fails the test when the high half of an entry of a watched line changes while it is not masked, or when a register is used that
 * it does not have.
 */
#ifndef TESTS_UNIT_HV_FAKE_IOAPIC_H
#define TESTS_UNIT_HV_FAKE_IOAPIC_H

#include "fake.h"

#define FAKE_IOAPICS 2u
#define FAKE_IOAPIC(n) (0xfec00000ull + (n)*0x10000ull)
#define FAKE_IOAPIC_SOURCE(n) (0xf0f8u + (n))
#define FAKE_IOAPIC_LINES 24u
#define FAKE_IOAPIC_VERSION 0x00170020u
/* A redirection entry, low half. */
#define ENTRY_LOW (1u << 13)
#define ENTRY_IRR (1u << 14)
#define ENTRY_LEVEL (1u << 15)
#define ENTRY_MASKED (1u << 16)

struct fake_ioapic {
	uint32_t selected;
	uint32_t id;
	uint32_t entry[FAKE_IOAPIC_LINES][2];
	uint32_t watched; /* bit n: line n */
	uint32_t eoi; /* the last end of interrupt, and how many there were */
	uint32_t eois;
};

extern struct fake_ioapic fake_ioapic[FAKE_IOAPICS];

/** All masked, nothing selected; and launch.ioapic names them. */
void fake_ioapics_reset(void);

/** For fake_vtd.c. @return false if there is none at this address */
bool fake_ioapic_read(pa_t base, uint32_t offset, uint32_t *value);
bool fake_ioapic_write(pa_t base, uint32_t offset, uint32_t value);

#endif
