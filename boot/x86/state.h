/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * state.h - the state of the calling CPU, which the hypervisor makes the guest's. For all front ends.
 */
#ifndef BOOT_STATE_H
#define BOOT_STATE_H

#include <ravelin/launch.h>

/**
 * Checks *l, fills l->state and starts the hypervisor. 64-bit mode, CPL 0, interrupts off; the rest of *l is filled.
 * @param entry  rv_hv_header.entry, mapped as include/ravelin/launch.h says
 * @return 0 as the guest; on failure what launch_check or the hypervisor says, with the CPU as before the call
 */
int64_t launch_call(uint64_t entry, struct rv_launch *l);

/**
 * For launch_call, which does it first: the hypervisor believes what it is told.
 * @return 0; -RV_EINVAL, -RV_ENOMEM: *l makes no sense, l->reason says where. Nothing else was changed.
 */
int64_t launch_check(struct rv_launch *l);

/** For launch_call: the state as it is; the guest is to go on at rip with rsp. */
void state_capture(struct rv_launch *l, uint64_t rip, uint64_t rsp);

/** For launch_call: what the hypervisor leaves to its caller after a failure: descriptor tables and all that they are loaded from. */
void state_restore(const struct rv_launch *l);

#endif
