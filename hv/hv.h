/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hv.h - all mutable state of root mode: one struct hv for the machine, one struct percpu for each CPU.
 *
 * Locks: hv.lock guards the partition table, FIMCE slots, EPT contents, journal and pool. It is taken by hypercalls and by
 * slow exits, never held while a guest or a FIMCE runs, but for the agent (agent.h). log.lock is a leaf.
 */
#ifndef HV_HV_H
#define HV_HV_H

#include <hv/address.h>
#include <hv/device.h>
#include <hv/fimce.h>
#include <hv/log.h>
#include <hv/partition.h>
#include <hv/util.h>
#include <hv/vmx/capability.h>
#include <hv/vmx/ept.h>
#include <hv/vmx/run.h>
#include <hv/vtd/virtual.h>
#include <hv/vtd/vtd.h>
#include <hv/x86/regs.h>
#include <ravelin/launch.h>

/** Host descriptor tables of one CPU. */
struct host_tables {
	uint64_t gdt[5]; /* null, code, data, TSS (two slots) */
	uint32_t tss[26];
	uint64_t idt[64]; /* vectors 0 to 31 */
};

#define HOST_CS 0x08u
#define HOST_DS 0x10u
#define HOST_TSS 0x18u
#define HOST_STACK_BYTES 16384u

enum launch_stage {
	STAGE_NONE,
	STAGE_READY,
	STAGE_FAILED,
	STAGE_RUNNING
};

/** How far the start of a CPU by INIT and SIPI has come. */
enum startup {
	STARTUP_DONE,
	STARTUP_WAITS, /* for SIPI: NMIs do not reach it */
	STARTUP_FRESH /* no guest instruction since the SIPI exit */
};

struct percpu {
	/*
	 * All zero in the steady state: one look tells that the next VM exit or entry can go the short way (exits.c). The
	 * offset is known to entry.S, and that nmi_seen is the first byte.
	 */
	union {
		struct {
			uint8_t nmi_seen; /* set by the NMI handler of root mode; makes the next VM entry abort */
			uint8_t runs_fimce; /* the current VMCS is that of *running */
			uint8_t startup; /* enum startup */
			uint8_t init_storm; /* INIT exits in a row, with nothing but SIPI exits between them */
			uint8_t take_request; /* the guest gives this CPU up */
			uint8_t guest_nmi; /* an NMI of the guest waits for injection */
			/* The deadline timer of the guest VMCS runs: each exit looks at the clock. */
			uint8_t timer_armed;
			/* "blocking by SMI" is reported since a SIPI exit: clear it at each exit */
			uint8_t smi_blocking;
		};
		uint64_t attention;
	};
	struct regs regs; /* of the guest, while in root mode */
	struct rv_stat stat; /* the offset of the count of CPUIDs is known to entry.S */

	uint32_t index;
	uint32_t apic_id;
	enum launch_stage stage; /* written by the CPU itself, read by the launching CPU */

	/* Rendezvous; see percpu.h. */
	uint32_t in_guest; /* 1 from before the last check until after the VM exit */
	uint32_t kicked; /* an NMI was sent by another CPU's root mode */
	uint64_t seen_generation; /* of hv.generation */

	uint64_t audited; /* hv.audit_number of the last look at this CPU's VMCS, and what it found: */
	uint64_t audit_field, audit_value; /* the first */
	uint32_t audit_bad_fields;
	struct shown *store_to; /* by the one instruction that the guest executes now, at this offset */
	uint32_t store_offset;
	uint64_t store_flags; /* TF and IF as the guest has them */
	uint64_t store_rip; /* of that instruction */
	bool agent_init; /* an INIT has met the agent */
	bool proved; /* its guest may run: the first CPU's first VM entry succeeded */
	uint64_t isolated_touch; /* address and FIMCE of the last touch of isolated memory, so that waiting logs once */
	void *reset_context[5]; /* where to go on after a reset; see reset.h */
	uint32_t state; /* enum rv_cpu_state */
	uint32_t fimce; /* id that this CPU runs, or 0 */
	struct fimce *running; /* with runs_fimce, else NULL */
	uint32_t fimce_request; /* a taken CPU is to run this FIMCE */
	struct refusal refusal; /* of the hypercall at hand; at STAGE_FAILED: of the launch */

	pa_t vmxon_region;
	pa_t guest_vmcs;
	void *xsave_area; /* hv->xsave_bytes, 64-byte aligned */
	struct host_tables tables;
	struct rv_frames frames; /* copy of the frame list of the hypercall at hand */
	uint8_t stack[HOST_STACK_BYTES] __attribute__((aligned(16)));
};

#define SHOWN_MAX (VTD_MAX_UNITS + RV_LAUNCH_MAX_IOAPIC)

#define JOURNAL_CAPACITY 1024u

struct journal {
	struct rv_journal_record *record; /* [JOURNAL_CAPACITY] */
	uint32_t count;
	uint32_t reserved; /* records that updates under way are sure of, all together */
	struct rv_journal_head head; /* covers the first head.count records */
};

enum init_quirk {
	INIT_QUIRK_UNKNOWN,
	INIT_QUIRK_PRESENT, /* an INIT that caused a VM exit stays pending: a reset clears it */
	INIT_QUIRK_ABSENT
};

struct hv {
	struct rv_launch launch; /* our copy */
	struct lock lock;
	struct vmx_caps caps;
	struct ept ept;
	struct vtd vtd;
	struct vtd_virtual guest_unit[VTD_MAX_UNITS]; /* what the guest sees in the place of each */
	struct shown shown[SHOWN_MAX]; /* units, then launch.ioapic */
	struct line line[VTD_MAX_LINES]; /* those that the guest does not have */
	struct partition partition;
	struct log log;
	struct journal journal;
	struct fimce fimce[RV_MAX_FIMCES];
	struct fimce agent; /* agent.h */
	uint32_t next_fimce_id;
	struct device device[VTD_MAX_DEVICES]; /* those that the guest does not have */
	struct port_range port[DEVICE_PORT_RANGES];
	uint64_t device_touch; /* the guest's last touch of one of them, so that polling logs once */

	struct percpu *cpu[RV_MAX_CPUS];
	uint32_t cpu_count;

	/* Raised after every change that a CPU has to notice before it enters its guest (percpu.h). */
	uint64_t generation;
	uint64_t audit_number;
	struct percpu *holder; /* keeps all other CPUs in root mode; NULL = nobody */
	uint64_t deadline_tsc; /* earliest update deadline, 0 = none */
	enum init_quirk init_quirk; /* see reset.h */
	struct percpu *reset_cpu; /* wants another CPU to restart it; NULL again when one has taken that on */

	pa_t page_tables; /* root mode's PML4 */
	pa_t msr_bitmap;
	pa_t io_bitmap_a;
	pa_t io_bitmap_b;
	uint32_t xsave_bytes;
	uint32_t mtrr_count; /* variable MTRRs of each CPU */
	uint64_t xcr0_supported;
	bool has_flush_cmd;
	bool panicked;
	uint32_t released; /* the first CPU runs as a guest: the others may enter */
	uint32_t abandoned; /* the launch failed: the others leave VMX */
};

extern struct hv hv;

#endif
