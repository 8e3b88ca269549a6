/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * launch.h - how a front end (Multiboot2 stub, UEFI application, Linux module) starts the hypervisor.
 *
 * The front end
 *   1. picks the pool: one extent of RAM, 2 MiB aligned, below 4 GiB, that it keeps from the guest for ever;
 *   2. copies the hypervisor image (build/ravelin-hv.bin) to the start of the pool and zeroes the rest of the pool;
 *   3. builds root mode's page tables right behind header.memory_bytes (boot/x86/tables.h), and maps header.memory_bytes from the start of
 *      the pool at RV_HV_BASE in its own tables, readable, writable and executable;
 *   4. calls header.entry in 64-bit mode, CPL 0, interrupts off, with the System V convention:
 *          int64_t entry(struct rv_launch *l)
 *     with l->state, the state of this CPU. (boot/x86/state.h checks *l and does this, as a function that returns.)
 *
 * On success the call does not return: the guest begins with that state, at l->state.rip. On failure it returns a negative errno, VMX is
 * off everywhere and l->reason, l->reason_cpu, l->reason_value, l->reason_value2 say why (reason.h). Then CR0, CR3, CR4 and EFER are
 * as before the call, and so is every other CPU; descriptor tables, segment registers and the bases of FS and GS may be the hypervisor's,
 * whose memory is no longer mapped: the caller loads its own at once.
 */
#ifndef RAVELIN_LAUNCH_H
#define RAVELIN_LAUNCH_H

#include <ravelin/abi.h>

#define RV_HV_BASE 0xfffffffff0000000ull
#define RV_HV_DIRECT_MAP 0xffff800000000000ull /* where root mode sees physical address 0 */
#define RV_HV_MAGIC 0x3130564856415652ull
#define RV_LAUNCH_MAGIC 0x3148434e4c4c5652ull
#define RV_LAUNCH_MAX_RAM 64u
#define RV_LAUNCH_MAX_VTD 8u
#define RV_LAUNCH_MAX_RMRR 16u
#define RV_LAUNCH_MAX_IOAPIC 16u
#define RV_LAUNCH_MAX_ECAM 4u
#define RV_LAUNCH_MAX_TYPES 160u
#define RV_LAUNCH_RAM_END (512ull << 30) /* no RAM lies above: the hypervisor maps so much */
#define RV_LAUNCH_TABLES                                                                                               \
	8u /* pages of root mode's page tables, besides one for each GiB of the direct map, at most 512 of these */
#define RV_POOL_MIN (8u << 20)
#define RV_POOL_MAX (1u << 30)

/** First bytes of the hypervisor image. Filled at build time. */
struct rv_hv_header {
	uint64_t magic; /* RV_HV_MAGIC */
	uint32_t abi_version;
	uint32_t image_bytes; /* bytes in the file */
	uint64_t memory_bytes; /* with zero-initialised data, multiple of 4096 */
	uint64_t entry; /* virtual address at RV_HV_BASE */
	uint32_t text_bytes; /* from the start: to be executed, not written; multiple of 4096 */
	uint32_t
	    constant_bytes; /* from the start, text included: not to be written; multiple of 4096. The rest is data. */
};

struct rv_launch_ram {
	uint64_t base;
	uint64_t bytes;
};

/* rv_launch.vtd_flags: what the firmware says in the DMAR table (VT-d specification, 8.1). */
#define RV_LAUNCH_VTD_INTR_REMAP 1u /* the platform supports interrupt remapping */
#define RV_LAUNCH_VTD_X2APIC_OPT_OUT 2u /* firmware asks for no x2APIC mode; only counts with INTR_REMAP */
#define RV_LAUNCH_VTD_DMA_OPT_IN 4u /* firmware has kept DMA out of memory but for the RMRRs */

/* rv_launch_vtd.flags */
#define RV_LAUNCH_VTD_ALL 1u /* INCLUDE_PCI_ALL: all devices of its segment that no other unit has */

/** One DMA remapping unit. No two of them overlap, and none overlaps RAM, an IOAPIC or an ECAM region. */
struct rv_launch_vtd {
	uint64_t base; /* physical address of its registers, page aligned */
	uint32_t register_bytes; /* size of the register set, 4096 << n; what firmware says: the unit may know better */
	uint32_t segment; /* PCI segment */
	uint32_t flags; /* RV_LAUNCH_VTD_ALL */
	uint32_t reserved; /* 0 */
};

/** Memory that firmware or its devices go on using by DMA (RMRR): guest devices must reach it one to one. */
struct rv_launch_extent {
	uint64_t base; /* page aligned */
	uint64_t bytes; /* multiple of 4096, > 0 */
};

#define RV_LAUNCH_NO_SOURCE 0xffffffffu /* no unit names this IOAPIC */

struct rv_launch_ioapic {
	uint64_t base; /* physical address of its registers */
	uint32_t id; /* as in its ID register */
	uint32_t source_id; /* of its requests: bus << 8 | device << 3 | function, or RV_LAUNCH_NO_SOURCE */
	uint32_t gsi_base; /* number of its first interrupt line */
	/* How many there are; 0 if none can be given away: it is in one page with another, or there are units and none names it. */
	uint32_t line_count;
};

/** One region of memory-mapped PCI configuration space. */
struct rv_launch_ecam {
	uint64_t base; /* physical address of bus 0 of the segment, even if first_bus is another one */
	uint16_t segment;
	uint8_t first_bus;
	uint8_t last_bus;
	uint32_t reserved; /* 0 */
};

/** Physical memory of one type. */
struct rv_launch_type {
	uint64_t base; /* page aligned */
	uint64_t bytes; /* multiple of 4096, > 0 */
	uint32_t type; /* MTRR_UC, ... (x86.h) */
	uint32_t reserved; /* 0 */
};

/** What the MTRRs say. Under EPT the CPU ignores them for the guest's accesses, so the EPT has to carry their types. */
struct rv_launch_types {
	uint32_t count;
	uint32_t default_type; /* of what is in no range */
	struct rv_launch_type range[RV_LAUNCH_MAX_TYPES]; /* sorted; none overlap; neighbours differ in their types */
};

struct rv_launch_segment {
	uint64_t base;
	uint32_t limit; /* in bytes */
	uint32_t access; /* as in a VMCS (Intel SDM vol. 3, 25.4.1); bit 16: unusable */
	uint16_t selector;
	uint16_t reserved[3]; /* 0 */
};
#define RV_LAUNCH_SEGMENTS 8u

/** Where the guest begins. General-purpose registers other than RSP are zero. */
struct rv_launch_state {
	uint64_t cr0, cr3, cr4, efer;
	uint64_t rip, rsp;
	uint64_t gdt_base, idt_base;
	uint32_t gdt_limit, idt_limit;
	struct rv_launch_segment segment[RV_LAUNCH_SEGMENTS]; /* ES, CS, SS, DS, FS, GS, LDTR, TR */
};

/** Filled by the front end; the hypervisor copies it before it uses it. */
struct rv_launch {
	uint64_t magic; /* RV_LAUNCH_MAGIC */
	uint32_t abi_version;
	uint32_t size; /* sizeof(struct rv_launch) */
	uint64_t pool_base; /* physical, 2 MiB aligned */
	uint64_t pool_bytes; /* multiple of 2 MiB */
	uint64_t table_bytes; /* of root mode's page tables, behind the image */
	uint64_t tsc_khz;
	uint32_t cpu_count; /* entries of apic_id, 1..RV_MAX_CPUS */
	uint32_t apic_id[RV_MAX_CPUS]; /* every usable CPU of the MADT; [0] is the CPU that calls */
	uint32_t
	    trampoline; /* physical address of a page below 1 MiB that the guest will never use: start code for APs */
	uint32_t ap_timeout_us; /* how long to wait for each AP, e.g. 200000 */
	uint16_t serial_port; /* I/O port of a 16550 that is already programmed, 0 = none */
	uint16_t reserved16;
	uint32_t ram_count;
	struct rv_launch_ram ram[RV_LAUNCH_MAX_RAM]; /* usable RAM, pool included */
	uint8_t trust_anchor[RV_DIGEST_SIZE];
	uint32_t vtd_flags; /* RV_LAUNCH_VTD_INTR_REMAP, ... */
	uint32_t vtd_count; /* 0: this machine has no unit, or none is to be used: DMA is not guarded */
	struct rv_launch_vtd vtd[RV_LAUNCH_MAX_VTD];
	uint32_t vtd_address_bits; /* host address width: no DMA beyond 1 << this; 0 if vtd_count is 0 */
	uint32_t rmrr_count; /* 0 if vtd_count is 0 */
	struct rv_launch_extent rmrr[RV_LAUNCH_MAX_RMRR]; /* none overlaps the pool */
	uint32_t ioapic_count;
	uint32_t ecam_count;
	struct rv_launch_ioapic ioapic[RV_LAUNCH_MAX_IOAPIC];
	struct rv_launch_ecam ecam[RV_LAUNCH_MAX_ECAM];
	struct rv_launch_types types;
	struct rv_launch_state state; /* of the CPU that calls; no other register of it may change before the call */
	/* Filled by the hypervisor on failure. */
	uint32_t reason;
	uint32_t reason_cpu;
	uint64_t reason_value; /* $0 of the reason's sentence */
	uint64_t reason_value2; /* $1 */
};

#endif
