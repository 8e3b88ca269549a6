/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hypercall.h - the guest's requests; the contract with the guest is include/ravelin/abi.h.
 */
#ifndef HV_HYPERCALL_H
#define HV_HYPERCALL_H

#include <hv/hv.h>

#define HYPERCALL_FEATURES                                                                                             \
	(RV_FEATURE_DEDICATED | RV_FEATURE_UPDATE | (hv.vtd.unit_count != 0 ? RV_FEATURE_DEVICES : 0))

/** Serves the VMCALL (or doorbell) exit at hand. */
void hypercall_handle(struct percpu *cpu);

/** Notes why the call at hand is refused and returns error (negative errno). */
int64_t hypercall_refuse(struct percpu *cpu, int64_t error, uint32_t reason, uint64_t value);

/** True if the page at this guest-physical address is RAM that the guest owns with all rights. Lock held. */
bool hypercall_is_guest_ram(uint64_t page);

/**
 * Copies the frame list at gpa into cpu->frames and checks it and every frame in it.
 * @return 0 or a refusal.
 */
int64_t frames_load(struct percpu *cpu, uint64_t gpa);

/** Copies bytes from the buffer in cpu->frames to to. bytes <= cpu->frames.bytes. */
void frames_read(const struct percpu *cpu, void *to, uint32_t bytes);

/** Copies bytes to the buffer in cpu->frames. @return bytes, or a refusal if it is too small. */
int64_t frames_write(struct percpu *cpu, const void *from, uint64_t bytes);

/** The guest gives this CPU up: parks it. Called on that CPU. */
void hypercall_leave_guest(struct percpu *cpu);

/** A taken CPU was woken: runs the FIMCE that it was asked to. */
void hypercall_serve_taken(struct percpu *cpu);

#endif
