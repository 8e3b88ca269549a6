/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tsc.h - frequency of the time-stamp counter.
 */
#ifndef BOOT_TSC_H
#define BOOT_TSC_H

#include "text.h"

/** Frequency in kHz from the values of CPUID leaf 0x15, or 0 if they do not give it. */
uint64_t tsc_khz_from_cpuid(uint32_t denominator, uint32_t numerator, uint32_t crystal_hz);

/**
 * Measures the frequency: by CPUID leaf 0x15 if that names the crystal, else against the PIT for about 10 ms.
 * @meanwhile is called again and again during the wait, if there is one; it may take a few microseconds. Fails if the PIT does not count, or if the result cannot be.
 */
bool tsc_measure(uint64_t *khz, void (*meanwhile)(void), struct boot_error *error);

#endif
