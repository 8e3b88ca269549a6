/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * audit.h - proves, on the live tables, that nobody has more than the partition table says.
 */
#ifndef HV_AUDIT_H
#define HV_AUDIT_H

#include <hv/hv.h>

/* bad_table of struct rv_audit */
#define AUDIT_TABLE_VMCS (~0ull)
#define AUDIT_TABLE_VTD (~1ull)

/**
 * Walks the EPT, the page table of every FIMCE, the control fields of the guest VMCS of every CPU that is in the guest, and
 * the bitmaps that they point at. Lock held.
 * @return 0, or -RV_EFAULT as a refusal with the first fault in *a.
 */
int64_t audit_run(struct percpu *cpu, struct rv_audit *a);

/** Compares this CPU's guest VMCS, which is current; the result is kept in cpu for an audit that waits for it. */
void audit_own_vmcs(struct percpu *cpu);

#endif
