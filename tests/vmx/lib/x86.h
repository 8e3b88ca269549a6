/* SPDX-License-Identifier: GPL-2.0-only */
/* x86.h - instructions and registers that the tests use. */
#ifndef BARE_X86_H
#define BARE_X86_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ravelin/x86.h>

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid r;

	__asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
	return r;
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
	return (uint64_t)high << 32 | low;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

static inline uint64_t rdtsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static inline void outb(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline void outw(uint16_t port, uint16_t value)
{
	__asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

#define X86_CONTROL(name)                                                                                              \
	static inline uint64_t read_##name(void)                                                                       \
	{                                                                                                              \
		uint64_t value;                                                                                        \
		__asm__ volatile("mov %%" #name ", %0" : "=r"(value) : : "memory");                                    \
		return value;                                                                                          \
	}                                                                                                              \
	static inline void write_##name(uint64_t value)                                                                \
	{                                                                                                              \
		__asm__ volatile("mov %0, %%" #name : : "r"(value) : "memory");                                        \
	}
X86_CONTROL(cr0)
X86_CONTROL(cr2)
X86_CONTROL(cr3)
X86_CONTROL(cr4)
X86_CONTROL(cr8)
X86_CONTROL(dr0)
X86_CONTROL(dr7)
#undef X86_CONTROL

static inline void cpu_pause(void)
{
	__asm__ volatile("pause" : : : "memory");
}

static inline void cpu_irq_enable(void)
{
	__asm__ volatile("sti" : : : "memory");
}

static inline void cpu_irq_disable(void)
{
	__asm__ volatile("cli" : : : "memory");
}

void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);

#endif
