/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * machine.h - the machine that the IOMMU test kernel runs on: two CPUs, PCI, and devices that do DMA and send MSIs.
 *
 * The kernel is loaded by Multiboot, sees the first 4 GiB one to one and at RV_HV_DIRECT_MAP, and never leaves ring 0. The devices
 * are QEMU's "edu" (docs/specs/edu in QEMU's tree): 4096 bytes of memory of their own, a DMA engine, an interrupt.
 */
#ifndef TESTS_IOMMU_MACHINE_H
#define TESTS_IOMMU_MACHINE_H

#include <hv/address.h>

#define MACHINE_CPUS 2u
#define EDU_BYTES 4096u

struct edu {
	uint16_t source_id;
	volatile uint8_t *bar;
	uint8_t msi; /* offset of the MSI capability */
};

/** Finds the n-th edu device, maps it and lets it be bus master. @return false if there is none. */
bool edu_find(struct edu *e, uint32_t n);

/** Copies bytes from memory into the device, and back. Return when the device says that it is done. */
void edu_read(const struct edu *e, uint64_t address, uint32_t bytes);
void edu_write(const struct edu *e, uint64_t address, uint32_t bytes);

/** What the device sends when it raises its interrupt. */
void edu_msi_set(const struct edu *e, uint64_t address, uint32_t data);
void edu_raise(const struct edu *e);

/** Interrupts with this vector that this CPU has got since the last call. */
uint32_t interrupts_take(uint32_t cpu, uint32_t vector);
/** Waits until there is one, up to a second. @return their number. */
uint32_t interrupts_wait(uint32_t cpu, uint32_t vector);

uint32_t machine_apic_id(uint32_t cpu);

/** A number from the command line: "name=5". */
uint64_t option_number(const char *name, uint64_t or_else);

/** What trap_entries of tests/lib/entry.inc has saved. */
struct trap_frame {
	uint64_t registers[15];
	uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

/** The tests; never returns. */
_Noreturn void iommu_main(void);

/* Called by entry.S. */
void machine_start(uint32_t multiboot_info);
void machine_start_ap(void);
void machine_trap(const struct trap_frame *frame);

#endif
