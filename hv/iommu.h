/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iommu.h - how the remapping units (vtd/) come into the machine: at the launch, when the guest writes to the units that it
 * sees (vtd/virtual.h), when a core changes hands, and for the log. A machine without units has vtd.unit_count 0; then nothing here
 * does anything.
 *
 * The guest's unit is a page of RAM at the address of the real one's registers, which the guest may read. A write exits; the
 * guest then executes that one instruction on the page, single-stepped, and root mode takes the value from there. So no
 * instruction is decoded here. An IOAPIC of which lines are away is shown in the same way (device.h).
 */
#ifndef HV_IOMMU_H
#define HV_IOMMU_H

#include <hv/hv.h>

/** Launch, before the EPT is built: looks at the units and takes their registers from the guest. @return 0, or negative with
 * hv.vtd.failure if it has a reason, else -RV_ENOMEM. */
int iommu_probe(void);

/** Launch, after the EPT was built: their tables, and the guest's units. vtd_start puts them in force, last. Errors as
 * iommu_probe. */
int iommu_build(void);

/** Launch, VMX is on and vtd_start is next: what the guest has the units do with interrupts goes on. @return 0, or negative */
int64_t iommu_begin(struct percpu *cpu);

/** EPT violation, lock held. @return true if it was a write to a page of hv.shown, which the guest is now to execute. */
bool iommu_write_begin(struct percpu *cpu, gpa_t gpa, uint64_t access);

/** The single step after iommu_write_begin: carries out what was written. @return true if the guest itself single-steps. */
bool iommu_write_end(struct percpu *cpu);

/** A core has left the guest, or comes back: no interrupt of a guest's device may reach it meanwhile. Lock held. */
void iommu_core_taken(struct percpu *cpu, const struct percpu *core);
void iommu_core_given(const struct percpu *core);

/** Cores or devices have left the guest: takes away its interrupt entries that concern them. Lock held. */
void iommu_revoke(struct percpu *cpu);

/** Devices have come back: looks at all interrupt entries of the guest again. Lock held. */
void iommu_restore(struct percpu *cpu);

/** After rights were taken from the guest's EPT: holds for all CPUs and devices. Lock held.
 * @return 0; a refusal if a unit does not answer. */
int64_t iommu_flush_guest(struct percpu *cpu);

/** Large EPT entries again where [base, base + bytes) had split them, if it can be: rows were merged. Lock held. */
void iommu_rejoin(struct percpu *cpu, uint64_t base, uint64_t bytes);

/** Moves what the units have recorded into the log. Lock held. */
void iommu_log_faults(struct percpu *cpu);

#endif
