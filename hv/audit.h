/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * audit.h - proves, on the live tables, that nobody has more than the partition table says.
 */
#ifndef HV_AUDIT_H
#define HV_AUDIT_H

#include <hv/hv.h>

/**
 * Walks the EPT, the page table of every FIMCE and the control fields of this CPU's guest VMCS. Lock held.
 * @return 0, or -RV_EFAULT as a refusal with the first fault in *a.
 */
int64_t audit_run(struct percpu *cpu, struct rv_audit *a);

#endif
