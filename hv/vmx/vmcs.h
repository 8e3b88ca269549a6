/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmcs.h - VMCS fields, control bits and the instructions that reach them (Intel SDM vol. 3, chapters 25 to 31,
 * appendices A to C).
 */
#ifndef HV_VMX_VMCS_H
#define HV_VMX_VMCS_H

#include <hv/address.h>
#include <ravelin/vmx.h>

enum vmcs_field {
	VMCS_VPID = 0x0000,
	VMCS_GUEST_SELECTOR = 0x0800, /* + 2 * enum segment */
	VMCS_HOST_SELECTOR = 0x0c00, /* + 2 * enum segment, up to GS */
	VMCS_HOST_TR_SELECTOR = 0x0c0c,
	VMCS_IO_BITMAP_A = 0x2000,
	VMCS_IO_BITMAP_B = 0x2002,
	VMCS_MSR_BITMAP = 0x2004,
	VMCS_EPTP = 0x201a,
	VMCS_XSS_EXITING_BITMAP = 0x202c,
	VMCS_GUEST_PHYSICAL_ADDRESS = 0x2400,
	VMCS_LINK_POINTER = 0x2800,
	VMCS_GUEST_DEBUGCTL = 0x2802,
	VMCS_GUEST_PAT = 0x2804,
	VMCS_GUEST_EFER = 0x2806,
	VMCS_HOST_PAT = 0x2c00,
	VMCS_HOST_EFER = 0x2c02,
	VMCS_PIN_CONTROLS = 0x4000,
	VMCS_PRIMARY_CONTROLS = 0x4002,
	VMCS_EXCEPTION_BITMAP = 0x4004,
	VMCS_PF_ERROR_MASK = 0x4006,
	VMCS_PF_ERROR_MATCH = 0x4008,
	VMCS_CR3_TARGET_COUNT = 0x400a,
	VMCS_EXIT_CONTROLS = 0x400c,
	VMCS_EXIT_MSR_STORE_COUNT = 0x400e,
	VMCS_EXIT_MSR_LOAD_COUNT = 0x4010,
	VMCS_ENTRY_CONTROLS = 0x4012,
	VMCS_ENTRY_MSR_LOAD_COUNT = 0x4014,
	VMCS_ENTRY_INTERRUPTION_INFO = 0x4016,
	VMCS_ENTRY_EXCEPTION_ERROR = 0x4018,
	VMCS_ENTRY_INSTRUCTION_LENGTH = 0x401a,
	VMCS_SECONDARY_CONTROLS = 0x401e,
	VMCS_INSTRUCTION_ERROR = 0x4400,
	VMCS_EXIT_REASON = 0x4402,
	VMCS_EXIT_INTERRUPTION_INFO = 0x4404,
	VMCS_EXIT_INTERRUPTION_ERROR = 0x4406,
	VMCS_IDT_VECTORING_INFO = 0x4408,
	VMCS_IDT_VECTORING_ERROR = 0x440a,
	VMCS_EXIT_INSTRUCTION_LENGTH = 0x440c,
	VMCS_GUEST_LIMIT = 0x4800, /* + 2 * enum segment */
	VMCS_GUEST_GDTR_LIMIT = 0x4810,
	VMCS_GUEST_IDTR_LIMIT = 0x4812,
	VMCS_GUEST_ACCESS = 0x4814, /* + 2 * enum segment */
	VMCS_GUEST_INTERRUPTIBILITY = 0x4824,
	VMCS_GUEST_ACTIVITY = 0x4826,
	VMCS_GUEST_SYSENTER_CS = 0x482a,
	VMCS_GUEST_PREEMPTION_TIMER = 0x482e,
	VMCS_HOST_SYSENTER_CS = 0x4c00,
	VMCS_CR0_MASK = 0x6000,
	VMCS_CR4_MASK = 0x6002,
	VMCS_CR0_SHADOW = 0x6004,
	VMCS_CR4_SHADOW = 0x6006,
	VMCS_EXIT_QUALIFICATION = 0x6400,
	VMCS_GUEST_CR0 = 0x6800,
	VMCS_GUEST_CR3 = 0x6802,
	VMCS_GUEST_CR4 = 0x6804,
	VMCS_GUEST_BASE = 0x6806, /* + 2 * enum segment */
	VMCS_GUEST_GDTR_BASE = 0x6816,
	VMCS_GUEST_IDTR_BASE = 0x6818,
	VMCS_GUEST_DR7 = 0x681a,
	VMCS_GUEST_RSP = 0x681c,
	VMCS_GUEST_RIP = 0x681e,
	VMCS_GUEST_RFLAGS = 0x6820,
	VMCS_GUEST_PENDING_DEBUG = 0x6822,
	VMCS_GUEST_SYSENTER_ESP = 0x6824,
	VMCS_GUEST_SYSENTER_EIP = 0x6826,
	VMCS_HOST_CR0 = 0x6c00,
	VMCS_HOST_CR3 = 0x6c02,
	VMCS_HOST_CR4 = 0x6c04,
	VMCS_HOST_FS_BASE = 0x6c06,
	VMCS_HOST_GS_BASE = 0x6c08,
	VMCS_HOST_TR_BASE = 0x6c0a,
	VMCS_HOST_GDTR_BASE = 0x6c0c,
	VMCS_HOST_IDTR_BASE = 0x6c0e,
	VMCS_HOST_SYSENTER_ESP = 0x6c10,
	VMCS_HOST_SYSENTER_EIP = 0x6c12,
	VMCS_HOST_RIP = 0x6c16
};

enum segment {
	SEG_ES,
	SEG_CS,
	SEG_SS,
	SEG_DS,
	SEG_FS,
	SEG_GS,
	SEG_LDTR,
	SEG_TR,
	SEG_COUNT
};
#define SEGMENT_UNUSABLE 0x10000u
#define SEGMENT_L (1u << 13)

/* Pin-based controls */
#define PIN_PREEMPTION_TIMER (1u << 6)
/* Primary processor-based controls */
#define PRIMARY_CR3_LOAD_EXITING (1u << 15)
#define PRIMARY_CR3_STORE_EXITING (1u << 16)
#define PRIMARY_NMI_WINDOW_EXITING (1u << 22)
#define PRIMARY_IO_BITMAPS (1u << 25)
/* Secondary processor-based controls */
#define SECONDARY_RDTSCP (1u << 3)
#define SECONDARY_INVPCID (1u << 12)
#define SECONDARY_XSAVES (1u << 20)
#define SECONDARY_USER_WAIT (1u << 26)
/* VM-exit controls */
#define EXIT_SAVE_TIMER (1u << 22)
/* VM-entry controls */
#define ENTRY_IA32E (1u << 9)

enum exit_reason {
#define EXIT_REASON(number, name, text) EXIT_##name = (number),
	RV_VMX_EXITS(EXIT_REASON)
#undef EXIT_REASON
};
#define EXIT_REASON_BASIC 0xffffu /* the bits above tell of enclaves, SMM and the monitor trap flag */
#define EXIT_REASON_ENTRY_FAILURE (1u << 31)

#define ACTIVITY_ACTIVE 0u
#define ACTIVITY_WAIT_FOR_SIPI 3u

#define INTERRUPTIBILITY_STI (1u << 0)
#define INTERRUPTIBILITY_MOV_SS (1u << 1)
#define INTERRUPTIBILITY_SHADOW ((uint64_t)(INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS))
#define INTERRUPTIBILITY_SMI (1u << 2)
#define INTERRUPTIBILITY_NMI (1u << 3)
#define PENDING_DEBUG_BS (1u << 14)

/* Interruption information (25.8.3, 25.9.2) */
#define INTERRUPTION_VALID (1u << 31)
#define INTERRUPTION_ERROR_CODE (1u << 11)
#define INTERRUPTION_NMI_UNBLOCKING (1u << 12)
#define INTERRUPTION_TYPE_NMI (2u << 8)
#define INTERRUPTION_TYPE_EXCEPTION (3u << 8)
#define INTERRUPTION_TYPE_ICEBP (5u << 8) /* privileged software exception: INT1 */
#define INTERRUPTION_TYPE_MASK (7u << 8)

/* IA32_VMX_EPT_VPID_CAP */
#define EPT_CAP_1G (1ull << 17)

#ifndef HV_HOST_TEST
/** Reads a field of the current VMCS. The field must exist; a wrong one leaves the result undefined. */
static inline uint64_t vmcs_read(uint64_t field)
{
	uint64_t v;

	__asm__ volatile("vmread %1, %0" : "=r"(v) : "r"(field) : "cc");
	return v;
}

/** Writes a field of the current VMCS; false if the CPU refused (no such field, read-only field). */
static inline bool vmcs_write_raw(uint64_t field, uint64_t value)
{
	bool bad;

	__asm__ volatile("vmwrite %2, %1; setbe %0" : "=q"(bad) : "r"(field), "r"(value) : "cc");
	return !bad;
}

#define VMX_INSTRUCTION(name, instruction)                                                                             \
	static inline bool name(pa_t at)                                                                               \
	{                                                                                                              \
		bool bad;                                                                                              \
		__asm__ volatile(instruction " %1; setbe %0" : "=q"(bad) : "m"(at.v) : "cc", "memory");                \
		return !bad;                                                                                           \
	}
VMX_INSTRUCTION(vmx_on, "vmxon")
VMX_INSTRUCTION(vmcs_clear, "vmclear")
VMX_INSTRUCTION(vmcs_load, "vmptrld")

static inline void vmx_off(void)
{
	__asm__ volatile("vmxoff" : : : "cc", "memory");
}

/** Drops all translations that were cached from this EPT on this CPU (single-context INVEPT). */
static inline void ept_invalidate(uint64_t eptp)
{
	const uint64_t d[2] = {eptp, 0};

	__asm__ volatile("invept %0, %1" : : "m"(d), "r"(1ull) : "cc", "memory");
}

/** Drops all translations of one VPID on this CPU (single-context INVVPID). */
static inline void vpid_invalidate(uint16_t vpid)
{
	const uint64_t d[2] = {vpid, 0};

	__asm__ volatile("invvpid %0, %1" : : "m"(d), "r"(1ull) : "cc", "memory");
}
#endif

/**
 * Collects VMCS writes so that one check at the end covers them all.
 * The first failure is kept: which field, and the VM-instruction error.
 */
struct vmcs_writer {
	uint32_t failed_field; /* 0 = none; VPID (field 0) is reported as 0x10000 */
	uint32_t error;
};

/** Writes a field of the current VMCS, noting the first failure in w. */
void vmcs_write(struct vmcs_writer *w, uint64_t field, uint64_t value);

/** Writes a field that is known to exist and to be writable. */
static inline void vmcs_set(uint64_t field, uint64_t value)
{
	(void)vmcs_write_raw(field, value);
}

#endif
