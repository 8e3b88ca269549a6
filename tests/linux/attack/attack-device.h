/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * attack-device.h - what the test module attack.ko does for programs: everything that needs the kernel of the guest, one step
 * per call. The judgement is the program's.
 *
 * mmap() of /dev/attack maps physical memory: the offset is the address.
 */
#ifndef ATTACK_DEVICE_H
#define ATTACK_DEVICE_H

#include <ravelin/types.h>

#ifdef __KERNEL__
#include <linux/ioctl.h>
#else
#include <sys/ioctl.h>
#endif

#define ATTACK_PATH "/dev/attack"
#define ATTACK_NO_TRAP (-1)

/** VMCALL, or OUT of AL to the doorbell port, with these registers. Both ways. */
struct attack_call {
	uint64_t rax, rdi, rsi, rdx, r8;
	int32_t trap; /* out: exception vector or ATTACK_NO_TRAP */
	uint32_t doorbell; /* in: 0 VMCALL, 1 OUT */
};

enum attack_mapping {
	ATTACK_MAP_MEMREMAP, /* write-back: Linux' own map of RAM, or a new mapping of what it thinks is no RAM */
	ATTACK_MAP_IOREMAP, /* uncached */
	ATTACK_MAP_IOREMAP_WC,
	ATTACK_MAPPINGS
};

/** Reads or writes the first 8 bytes of every step-th byte of a physical range. */
struct attack_touch {
	uint64_t address, bytes, step; /* in */
	uint32_t mapping; /* in: enum attack_mapping */
	uint32_t write; /* in */
	uint64_t value; /* in, out: of the last touch that was let through */
	uint64_t touches, general_protections, other_traps; /* out */
	uint64_t last_trapped; /* out: the address of the last general protection fault */
};

enum attack_instruction {
	ATTACK_VMXON,
	ATTACK_VMXOFF,
	ATTACK_VMCLEAR,
	ATTACK_VMPTRLD,
	ATTACK_VMPTRST,
	ATTACK_VMLAUNCH,
	ATTACK_VMRESUME,
	ATTACK_VMREAD,
	ATTACK_VMWRITE,
	ATTACK_INVEPT,
	ATTACK_INVVPID,
	ATTACK_VMFUNC,
	ATTACK_GETSEC,
	ATTACK_SET_VMXE, /* MOV to CR4 */
	ATTACK_INSTRUCTIONS
};

struct attack_execute {
	uint32_t instruction; /* in */
	int32_t trap; /* out */
};

struct attack_msr {
	uint32_t msr, write; /* in */
	uint64_t value; /* both ways */
	int32_t trap; /* out */
	uint32_t reserved;
};

/** Writes the interrupt command register: the low half with command + i % spread for i below count. */
struct attack_ipi {
	uint32_t apic_id, command, spread, count;
};

/** Physically contiguous zeroed memory below 16 MiB that stays until the device is closed. */
struct attack_memory {
	uint64_t bytes; /* in: at most 1 MiB */
	uint64_t address; /* out: physical */
};

/** One access to physical memory, RAM or registers. */
struct attack_access {
	uint64_t address;
	uint32_t bytes; /* 4 or 8 */
	uint32_t write;
	uint64_t value; /* both ways */
};

#define ATTACK_ACCESSES_MAX 32u

/** Accesses one after another, with the interrupts of this CPU off: the kernel's own driver does not come in between. */
struct attack_accesses {
	uint32_t count, reserved;
	struct attack_access access[ATTACK_ACCESSES_MAX];
};

/**
 * Claims a PCI function as a driver does: enables it, lets it master the bus, and gives it one MSI or MSI-X whose interrupts are
 * counted. It stays so until the device is closed; the next calls only look.
 */
struct attack_claim {
	uint32_t source_id; /* in: bus in 15:8, device in 7:3, function in 2:0 */
	uint32_t line; /* out: its interrupt of the IOAPIC */
	uint64_t interrupts; /* out: that have come since the first call */
};

#define ATTACK_CALL _IOWR(0xb6, 0, struct attack_call)
#define ATTACK_TOUCH _IOWR(0xb6, 1, struct attack_touch)
#define ATTACK_EXECUTE _IOWR(0xb6, 2, struct attack_execute)
#define ATTACK_MSR _IOWR(0xb6, 3, struct attack_msr)
#define ATTACK_IPI _IOWR(0xb6, 4, struct attack_ipi)
#define ATTACK_MEMORY _IOWR(0xb6, 5, struct attack_memory)
#define ATTACK_ACCESS _IOWR(0xb6, 6, struct attack_accesses)
#define ATTACK_CLAIM _IOWR(0xb6, 7, struct attack_claim)

#endif
