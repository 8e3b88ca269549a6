/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * device.h - PCI functions, I/O ports and interrupt lines that leave the guest for a FIMCE, and come back: docs/devices.md.
 *
 *     device_take     at create: checked, out of the guest, DMA and interrupts blocked
 *     device_reset    create has succeeded: a function level reset begins
 *     device_build    the FIMCE has memory: what it sees of them
 *     device_seal     the image asked for them: BARs, ports, DMA and interrupts are the FIMCE's
 *     device_stop     the FIMCE ended: nothing of this is left, a reset begins
 *     device_return   it is over: back to the guest
 *
 * As long as any function is away, configuration accesses by ports exit, and are carried out under the lock: root mode uses the same
 * two ports. What is in configuration space only the agent knows (agent/pci.c). All are called with the lock held, but for device_io.
 *
 * Lines (ioapic.c): an IOAPIC has all its redirection entries behind two registers, an index and the data that it selects. So while a line is
 * away the guest sees a page of RAM in the place of its IOAPIC: it can read it, and each store is carried out (iommu.h). The two registers
 * of a line that is away are words that the guest writes and reads; all others are the real ones. Index, data and end of interrupt are
 * the only registers; what the guest stores elsewhere is lost.
 */
#ifndef HV_DEVICE_H
#define HV_DEVICE_H

#include <hv/address.h>
#include <hv/vmx/vmcs.h>
#include <ravelin/fimce.h>

struct fimce;
struct percpu;

#define PCI_BARS 6u
#define PCI_CONFIG_BYTES 256u
#define DEVICE_RESET_MS 100u
#define DEVICE_KEPT 0xffffffffu /* nobody's until the next boot */
#define DEVICE_PORT_RANGES 64u

/** A page of RAM that the guest can read, and not write, in the place of registers. */
struct shown {
	uint64_t at; /* guest-physical; 0 = there is none */
	pa_t page;
};

/** A PCI function that the guest does not have. */
struct device {
	uint32_t fimce; /* id of the one that has it, or DEVICE_KEPT; 0 = free slot */
	uint16_t source_id;
	bool cleaned; /* RV_GRANT_CLEANED */
	bool interrupt; /* RV_GRANT_INTERRUPT */
	bool quiet; /* root mode writes to its configuration space and context entry; before, it only looks */
	bool can_reset;
	bool failed; /* the agent died when it was to be made quiet or reset: it is not for use, and not clean */
	uint32_t id; /* what it is to be: vendor in 15:0, device in 31:16 */
	struct {
		uint64_t base, bytes;
	} extent[PCI_BARS]; /* that have left the guest; bytes 0 = none */
	struct shown config; /* in the place of its page of memory-mapped configuration space: ones */
	struct rv_fimce_device shown; /* what the FIMCE sees, with its configuration space as the guest had it */
};

/** A line that the guest does not have; hv.line[i] has vtd.reserved[VTD_MAX_DEVICES + i]. */
struct line {
	struct shown *ioapic; /* NULL = free slot */
	uint32_t fimce; /* id of the one that has it */
	uint16_t source_id; /* of the IOAPIC's requests */
	uint32_t at; /* the first of its two registers */
	uint32_t entry[2]; /* what the guest has stored there last */
};

/** I/O ports that the guest does not have. */
struct port_range {
	uint32_t fimce; /* as in struct device */
	uint32_t first, count;
	uint32_t source_id; /* of the function whose BAR it is; ~0 = of none */
};

/**
 * Takes what the create call names, for a new FIMCE, which has no memory yet. Sets its grants, bar_bytes, has_interrupt.
 * @return 0 or a refusal; then all is as before.
 */
int64_t device_take(struct percpu *cpu, struct fimce *f, const struct rv_fimce_create *c);

/** Begins to reset its functions; f->reset_tsc says when that is over. */
void device_reset(struct percpu *cpu, struct fimce *f);

/** Fills f->devices and f->io_bitmaps, if it has them. */
void device_build(struct fimce *f);

/** Whether the image asks for just what it has, or a refusal. */
int64_t device_check(struct percpu *cpu, const struct fimce *f, const struct rv_measured *m);

/** Gives the FIMCE, which is MEASURED and on this CPU, its devices. f->reset_tsc has passed. @return 0 or a refusal. */
int64_t device_seal(struct percpu *cpu, struct fimce *f, const struct rv_measured *m);

/** RV_FC_DMA. */
int64_t device_open_dma(struct percpu *cpu, struct fimce *f);

/** After its only run, however it ended. */
void device_stop(struct percpu *cpu, struct fimce *f);

/** Gives them back, or keeps what nobody has cleaned. For one that does not run. @return 0; -RV_EAGAIN: the reset is not over. */
int64_t device_return(struct percpu *cpu, struct fimce *f);

/** Adds what exits because of devices to the guest's I/O bitmap; with a FIMCE: fills that of the FIMCE. which: VMCS_IO_BITMAP_*. */
void device_fill_bitmap(uint8_t map[RV_PAGE_SIZE], enum vmcs_field which, const struct fimce *f);

/**
 * Takes the page of registers at this address from the guest, which sees a page of the pool in its place, filled with this byte. perm: what
 * it may have of it at most; for now it can read. The caller flushes.
 * @return 0 or a refusal; then all is as before.
 */
int64_t device_page_take(struct percpu *cpu, struct shown *s, uint64_t at, uint8_t perm, int fill);

/** Takes that back, if it was done. */
void device_page_put(struct percpu *cpu, struct shown *s);

/** The guest's IN or OUT of 1, 2 or 4 bytes, to a port that exits. Takes the lock. */
void device_io(struct percpu *cpu, uint32_t port, uint32_t bytes, bool in);

/** Takes a line for a FIMCE, and masks it; sets has_interrupt. @return 0 or a refusal; then ioapic_return may have work to do. */
int64_t ioapic_take(struct percpu *cpu, struct fimce *f, uint32_t gsi);

/**
 * Masks its lines; on: then they interrupt this CPU with RV_FIMCE_VECTOR, edge or level and active high or low as the guest has set
 * them. @return 0 or a refusal: a CPU that it can't address, or a unit that does not answer.
 */
int64_t ioapic_set(struct percpu *cpu, const struct fimce *f, bool on);

/** Gives its lines back, with what the guest has stored for them meanwhile. */
void ioapic_return(struct percpu *cpu, const struct fimce *f);

/** The guest has stored to this offset of what it sees in the place of an IOAPIC: carries that out. */
void ioapic_stored(const struct shown *s, uint32_t offset);

#endif
