/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fake_pci.h - PCI functions for unit tests of root mode: configuration space behind 0xcf8 and 0xcfc, BARs, function level reset.
 *
 * A function fails the test when root mode sizes a BAR that decodes, touches it while it is being reset, or resets it with
 * transactions under way.
 */
#ifndef TESTS_UNIT_HV_FAKE_PCI_H
#define TESTS_UNIT_HV_FAKE_PCI_H

#include "fake.h"

#define FAKE_FUNCTIONS 3u

struct fake_function {
	uint16_t source_id;
	uint8_t config[256];
	uint32_t bar_mask[6]; /* bits that can be 1 */
	uint32_t resets;
	uint32_t pending; /* configuration reads for which it still has transactions under way */
	uint64_t ready; /* TSC from which on it answers again */
};

extern struct fake_function fake_function[FAKE_FUNCTIONS]; /* source_id 0xffff: there is none */
extern uint32_t fake_pci_address; /* what 0xcf8 holds */
extern uint32_t fake_pci_accesses; /* of data, whether there is a function or not */

/* Capabilities of fake_function_make. */
#define FAKE_MSI 0x50u /* 64 bits, with mask bits */
#define FAKE_EXPRESS 0x70u
#define FAKE_MSIX 0xb0u

/** An endpoint of the root complex with MSI, function level reset, and no BARs; no other function. */
struct fake_function *fake_function_make(uint16_t source_id, uint32_t id);

/** Gives it a BAR; 64-bit ones take two. type: the low bits. */
void fake_function_bar(struct fake_function *f, uint32_t i, uint64_t base, uint64_t bytes, uint32_t type);

uint32_t fake_config(const struct fake_function *f, uint32_t offset);
void fake_config_set(struct fake_function *f, uint32_t offset, uint32_t value);

#endif
