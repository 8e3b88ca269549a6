/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * attack.h - what the parts of the program `attack` share. It runs in the guest as root and tries what an attacker with all rights
 * in Linux would; the module attack.ko is its hand in the kernel, ravelin.ko its way to see what Ravelin thinks of it.
 */
#ifndef ATTACK_H
#define ATTACK_H

#include "attack-device.h"

#include <ravelin.h>
#include <ravelin/x86.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct attack {
	int device; /* /dev/attack */
	struct ravelin *ravelin;
	struct rv_info info;
	uint64_t pool; /* physical address */
	uint64_t pool_bytes;
	uint64_t log_next; /* first log record not seen yet */
	/* an unsigned image whose result is known */
	uint8_t *image;
	size_t image_bytes;
};

/** One line: PASS or FAIL. @format names the attack; @got is what came, shown if it was not blocked. */
void attack_report(bool blocked, long long got, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** One that this machine can't show; the last line counts these. */
void attack_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** One line: what has to work for an attack to mean something. Not counted among the attacks. */
void attack_control(bool good, const char *what);

/** Log records with this reason since the last call of this function; the last one goes to *record (may be NULL). */
unsigned int attack_log_count(struct attack *a, uint32_t reason, struct rv_log_record *record);

/** Reads an image from a file. @return its bytes, or 0; *image is allocated */
size_t attack_image_load(const char *path, uint8_t **image);

/** Runs the image of @a as a FIMCE over a known input. @return true if its result is the right one. */
bool attack_fimce_is_right(struct attack *a);

/** Runs a hypercall, or with @doorbell an OUT to the doorbell port. */
struct attack_call attack_hypercall(const struct attack *a, uint64_t number, uint64_t rdi, uint64_t rsi, uint64_t rdx);

/** Ties the calling thread to a CPU. */
void attack_pin(unsigned int cpu);

/** Hidden memory: through the module, through mappings of a program, through /dev/mem. */
void attack_memory(struct attack *a);
/** VMX instructions and MSRs, from the kernel and from a program. */
void attack_instructions(struct attack *a);
/** Hypercalls from a program, and random ones from the kernel. */
void attack_hypercalls(struct attack *a);
/** Changes an image while Ravelin takes it. Needs two CPUs. */
void attack_race(struct attack *a);
/** Interrupts of all kinds at a CPU that runs a FIMCE. Needs two CPUs. */
void attack_storm(struct attack *a);
/** Reads 8 bytes at an address of a process over and over until SIGTERM, and says what it saw. */
int attack_watch(int pid, uint64_t address);

#endif
