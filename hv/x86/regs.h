/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * regs.h - access to processor registers and ports, and the names of their bits.
 *
 * Every instruction that touches the machine stands here (or in hv/vmx/vmcs.h), so that the rest compiles on the host:
 * with HV_HOST_TEST the same names are ordinary functions over a fake register file (tests/unit/hv/machine.h).
 * Names are those of the Intel SDM; those that other parts need, too, are in ravelin/x86.h.
 */
#ifndef HV_X86_REGS_H
#define HV_X86_REGS_H

#include <stdbool.h>
#include <ravelin/types.h>
#include <ravelin/x86.h>

#define CR4_PKE (1ull << 22)
#define DR7_RESET 0x400ull

#define MSR_TSC 0x10u
#define MSR_TSC_ADJUST 0x3bu
#define MSR_XAPIC_DISABLE_STATUS 0xbdu
#define XAPIC_DISABLED (1ull << 0)
#define MSR_ARCH_CAPABILITIES 0x10au
#define ARCH_CAP_XAPIC_DISABLE (1ull << 21)
#define MSR_FLUSH_CMD 0x10bu
#define MSR_SYSENTER_CS 0x174u
#define MSR_SYSENTER_ESP 0x175u
#define MSR_MISC_ENABLE 0x1a0u
#define MSR_DEBUGCTL 0x1d9u
#define DEBUGCTL_BTF (1ull << 1)
#define PAT_RESET 0x0007040600070406ull
#define MSR_PEBS_ENABLE 0x3f1u
#define MSR_VMX_CR0_FIXED0 0x486u
#define MSR_VMX_CR0_FIXED1 0x487u
#define MSR_VMX_CR4_FIXED0 0x488u
#define MSR_VMX_CR4_FIXED1 0x489u
#define MSR_RTIT_LAST 0x587u
#define MSR_DS_AREA 0x600u
#define MSR_XSS 0xda0u
/* PASID, CET, user interrupts, LBRs, HWP. Not Processor Trace: XRSTORS would load the address that it writes to. */
#define XSS_ALLOWED 0x1dc00ull
#define MSR_HW_FEEDBACK_THREAD 0x17d4u

#define VECTOR_AC 17

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

struct __attribute__((packed)) descriptor_pointer {
	uint16_t limit;
	uint64_t base;
};

#ifndef HV_HOST_TEST
static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t a, d;

	__asm__ volatile("rdmsr" : "=a"(a), "=d"(d) : "c"(msr));
	return (uint64_t)d << 32 | a;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid r;

	__asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
	return r;
}

static inline uint64_t rdtsc(void)
{
	uint32_t a, d;

	__asm__ volatile("rdtsc" : "=a"(a), "=d"(d));
	return (uint64_t)d << 32 | a;
}

#define PORT_ACCESS(suffix, type)                                                                                      \
	static inline void out##suffix(uint16_t port, type value)                                                      \
	{                                                                                                              \
		__asm__ volatile("out" #suffix " %0, %1" : : "a"(value), "Nd"(port));                                  \
	}                                                                                                              \
	static inline type in##suffix(uint16_t port)                                                                   \
	{                                                                                                              \
		type v;                                                                                                \
		__asm__ volatile("in" #suffix " %1, %0" : "=a"(v) : "Nd"(port));                                       \
		return v;                                                                                              \
	}
PORT_ACCESS(b, uint8_t)
PORT_ACCESS(w, uint16_t)
PORT_ACCESS(l, uint32_t)

static inline void cpu_flush_line(const void *at)
{
	__asm__ volatile("clflush (%0)" : : "r"(at) : "memory");
}

#define PLAIN_INSTRUCTION(name, instruction)                                                                           \
	static inline void name(void)                                                                                  \
	{                                                                                                              \
		__asm__ volatile(instruction : : : "memory");                                                          \
	}
PLAIN_INSTRUCTION(cpu_pause, "pause")
PLAIN_INSTRUCTION(cpu_fence, "mfence")
PLAIN_INSTRUCTION(cpu_halt, "cli; hlt")
PLAIN_INSTRUCTION(cpu_wbinvd, "wbinvd")

#define REGISTER_READ(name)                                                                                            \
	static inline uint64_t read_##name(void)                                                                       \
	{                                                                                                              \
		uint64_t v;                                                                                            \
		__asm__ volatile("mov %%" #name ", %0" : "=r"(v) : : "memory");                                        \
		return v;                                                                                              \
	}
#define REGISTER_WRITE(name)                                                                                           \
	static inline void write_##name(uint64_t v)                                                                    \
	{                                                                                                              \
		__asm__ volatile("mov %0, %%" #name : : "r"(v) : "memory");                                            \
	}
REGISTER_READ(cr0)
REGISTER_READ(cr2)
REGISTER_READ(cr3)
REGISTER_READ(cr4)
REGISTER_READ(cr8)
REGISTER_READ(dr6)
REGISTER_READ(dr7)
REGISTER_WRITE(cr0)
REGISTER_WRITE(cr2)
REGISTER_WRITE(cr3)
REGISTER_WRITE(cr4)
REGISTER_WRITE(cr8)
REGISTER_WRITE(dr6)

static inline void xsetbv(uint32_t index, uint64_t value)
{
	__asm__ volatile("xsetbv" : : "c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static inline uint64_t xgetbv(uint32_t index)
{
	uint32_t a, d;

	__asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(index));
	return (uint64_t)d << 32 | a;
}

/* All enabled state components: the mask operand is ANDed with XCR0 by the CPU. */
static inline void xsave_all(void *area)
{
	__asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(~0u), "d"(~0u) : "memory");
}

static inline void xrstor_all(const void *area)
{
	__asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(~0u), "d"(~0u) : "memory");
}
#endif

#endif
