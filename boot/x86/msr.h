/* SPDX-License-Identifier: GPL-2.0-only */
/* msr.h - model-specific registers, for front ends that bring no functions of their own. */
#ifndef BOOT_MSR_H
#define BOOT_MSR_H

#include <ravelin/types.h>

static inline uint64_t msr_read(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (uint64_t)high << 32 | low;
}

static inline void msr_write(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

#endif
