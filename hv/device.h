/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * device.h - PCI functions and I/O ports that leave the guest for a FIMCE, and come back: docs/devices.md.
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
#define DEVICE_EXTENTS (PCI_BARS + 1) /* and its page of memory-mapped configuration space */
#define DEVICE_RESET_MS 100u
#define DEVICE_KEPT 0xffffffffu /* nobody's until the next boot */
#define DEVICE_PORT_RANGES 64u

/** A PCI function that the guest does not have. */
struct device {
	uint32_t fimce; /* id of the one that has it, or DEVICE_KEPT; 0 = free slot */
	uint16_t source_id;
	bool cleaned; /* RV_GRANT_CLEANED */
	bool interrupt; /* RV_GRANT_INTERRUPT */
	bool quiet; /* root mode writes to its configuration space and context entry; before, it only looks */
	bool can_reset;
	uint32_t id; /* what it is to be: vendor in 15:0, device in 31:16 */
	struct {
		uint64_t base, bytes;
	} extent[DEVICE_EXTENTS]; /* that have left the guest; bytes 0 = none */
	pa_t blank; /* what the guest sees in the place of extent[6] */
	struct rv_fimce_device shown; /* what the FIMCE sees, with its configuration space as the guest had it */
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

/** The guest's IN or OUT of 1, 2 or 4 bytes, to a port that exits. Takes the lock. */
void device_io(struct percpu *cpu, uint32_t port, uint32_t bytes, bool in);

#endif
