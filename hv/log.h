/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * log.h - the log ring that the guest can read, the early serial console, and the end of the road.
 */
#ifndef HV_LOG_H
#define HV_LOG_H

#include <ravelin/abi.h>
#include <ravelin/reason.h>
#include <hv/util.h>

#define LOG_RECORDS 1024u

struct percpu;

struct log {
	struct lock lock;
	uint64_t next; /* sequence number of the next record, from 1 */
	struct rv_log_record record[LOG_RECORDS];
};

/** Adds a record. v: five values as the reason's sentence uses them. */
void log_write(struct percpu *cpu, uint32_t reason, uint64_t v0, uint64_t v1, uint64_t v2, uint64_t v3, uint64_t v4);

#define log3(cpu, reason, a, b, c) log_write(cpu, reason, a, b, c, 0, 0)

/** Copies up to max records with sequence >= *first, oldest first; *first becomes what to go on with. Returns their number. */
uint32_t log_read(struct rv_log_record *to, uint32_t max, uint64_t *first);

/**
 * Root mode found itself wrong. Stops all CPUs, the others by an NMI; logs reason and values, and prints them on the serial console, if
 * there is one.
 */
_Noreturn void hv_stop(struct percpu *cpu, uint32_t reason, uint64_t v0, uint64_t v1, uint64_t v2);

#endif
