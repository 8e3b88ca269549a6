/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fake_device.h - a machine with two remapping units, a PCI function and interrupt lines that can leave the guest; for test_device*.c.
 */
#ifndef TESTS_UNIT_HV_FAKE_DEVICE_H
#define TESTS_UNIT_HV_FAKE_DEVICE_H

#include "fake_ioapic.h"
#include "fake_pci.h"
#include "fake_vtd.h"

#include <hv/iommu.h>
#include <hv/device.h>

#define ID 0x11e81234u
#define SOURCE 0x0018u
#define BAR0 0xe0000000ull
#define BAR0_BYTES 0x4000ull
#define BAR2 0x2000100000ull /* above what the EPT was built for */
#define BAR2_BYTES 0x2000ull
#define BAR4 0xc100u
#define ECAM 0xb0000000ull
#define CONFIG_PAGE (ECAM + (SOURCE << 12))
#define GUEST_ADDRESS 0x80000810u /* what the guest has in 0xcf8 */
#define DOMAIN_FIRST VTD_DOMAIN_FIMCE(0)
#define INDEX(slot) (VTD_MAX_ENTRIES - VTD_RESERVED_ENTRIES + (slot))
#define CREATE() fake_vmcall(first_cpu, RV_HC_FIMCE_CREATE, FAKE_CREATE, 0, 0)
#define DESTROY(f) fake_vmcall(first_cpu, RV_HC_FIMCE_DESTROY, (f)->id, 0, 0)
#define REASON() ((uint32_t)first_cpu->regs.gpr[RDX])
#define PORT_EXIT(port, bytes, in) ((uint64_t)(port) << 16 | ((bytes)-1) | ((in) ? 8 : 0))

extern struct percpu *first_cpu;
extern struct fake_function *edu;
extern uint8_t config_before[256]; /* by remember() */
extern struct fake_ioapic ioapic_before[FAKE_IOAPICS]; /* by remember(), for expect_returned() */
extern uint32_t ran; /* checks that a test made while a task ran */

int fake_device_setup(void **state);
int fake_device_setup_39(void **state); /* units with three levels of tables */
int fake_device_setup_without_units(void **state);

/** The leaf of the guest's EPT for this address; 0 if absent. */
uint64_t guest_leaf(uint64_t gpa);

/** Whether the guest's access to this port exits. */
bool port_exits(uint32_t port);

void expect_audit_good(void);
void expect_audit_bad(uint64_t table);

/** The audit finds this reserved interrupt entry with another core, another vector, and another source. It is as before then. */
void expect_audit_of_entry(struct vtd_pair *entry);

/** Remembers what the guest has; expect_returned: it has all of that again, and the pool, too. */
void remember(void);
void expect_returned(void);

/** A create call with the function. */
struct rv_fimce_create *create_pci(uint16_t flags);
/** Makes it. */
struct fimce *created(void);
/** For a step: a signed image asks for what was created. */
void measured(struct fimce *f);
/** Runs it on a core that the guest does not have. */
void run_dedicated(struct fimce *f, const struct fake_step *steps);
/** The function has no reset; then remember(). */
void without_reset(void);
/** DMA and interrupts of the function are blocked, and it decodes nothing. */
void expect_blocked(void);

#endif
