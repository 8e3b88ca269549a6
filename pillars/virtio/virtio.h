/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * virtio.h - a virtio device on PCI Express with one queue of buffers that the device fills (Virtual I/O Device (VIRTIO) Version 1.1,
 * OASIS). Only the modern interface, and only a device whose DMA goes through the remapping unit.
 *
 * The device's answers are checked: it can't make this driver touch a buffer that it does not have, or wait for ever. Times are ticks of the
 * TSC. No function allocates. A struct virtio is used by one thread, must lie in a writable segment of the image, which the device reaches, and
 * stays where it is from virtio_start to virtio_stop.
 */
#ifndef PILLARS_VIRTIO_H
#define PILLARS_VIRTIO_H

#include <ravelin/fimce.h>

#include <stddef.h>

#define VIRTIO_VENDOR 0x1af4u
#define VIRTIO_DEVICE(type) (0x1040u + (type)) /* 4.1.2.1 */
#define VIRTIO_ENTROPY 4u /* a source of random bytes: 5.4 */
#define VIRTIO_BUFFERS 4u /* that can be with the device at once */

/** The queue as the device sees it: 2.6.5, 2.6.6, 2.6.8. */
struct virtio_queue {
	struct {
		uint64_t address;
		uint32_t bytes;
		uint16_t flags, next;
	} descriptor[VIRTIO_BUFFERS];
	struct {
		uint16_t flags, count, buffer[VIRTIO_BUFFERS], event;
	} available;
	struct {
		uint16_t flags, count;
		struct {
			uint32_t buffer, bytes;
		} filled[VIRTIO_BUFFERS];
		uint16_t event;
	} used __attribute__((aligned(4)));
};

/** A device. The content is the driver's. */
struct virtio {
	volatile struct virtio_queue queue __attribute__((aligned(16)));
	const struct rv_fimce_device *device;
	const struct rv_fimce_param *param;
	volatile uint8_t *common; /* registers */
	volatile uint8_t *notify; /* those that tell the device of new buffers */
	volatile uint8_t *doorbell; /* the one for the queue */
	uint32_t notify_bytes, notify_step;
	uint32_t bytes[VIRTIO_BUFFERS]; /* of a buffer that the device has; 0: it has not */
	uint16_t added, taken; /* buffers, ever; modulo 2^16, as the device counts */
};

/**
 * Finds the device's registers, and touches nothing.
 *
 * @param d     NULL: as if there were none
 * @param type  VIRTIO_ENTROPY...
 * @return 0; -RV_ENODEV: it is no such device, or its registers lie where this FIMCE has nothing of it
 */
int virtio_open(struct virtio *v, const struct rv_fimce_device *d, uint32_t type);

/** The device's status register: 0 from a reset until somebody begins to use it. */
uint8_t virtio_status(const struct virtio *v);

/**
 * Resets the device, agrees with it, gives it an empty queue, and lets this queue interrupt by the first entry of the MSI-X table.
 *
 * @return 0; -RV_ETIME: it does not end its reset; -RV_EACCES: its DMA does not go through the remapping unit, or it knows only older interfaces,
 *	or it does not want to be used; -RV_EIO: it does not take the queue; -RV_EFAULT: the queue is not where devices reach; or an error of
 *	pci_msix_set. In all these cases it does nothing any more.
 */
int virtio_start(struct virtio *v, const struct rv_fimce_param *param, uint64_t ticks);

/**
 * Gives a buffer to the device, which fills it.
 *
 * @param buffer  its number: below VIRTIO_BUFFERS
 * @param memory  where pci_dma_address allows
 * @return 0; -RV_EINVAL: no such number, or no bytes; -RV_EBUSY: the device has it already; -RV_EFAULT: it can't reach the memory
 */
int virtio_give(struct virtio *v, unsigned int buffer, void *memory, uint32_t bytes);

/**
 * Takes a buffer back that the device has filled.
 *
 * @param buffer  receives its number
 * @param bytes   receives how many bytes the device has put there, at most those that it was given
 * @return 0; -RV_EAGAIN: there is none yet; -RV_EIO: the device breaks the rules
 */
int virtio_take(struct virtio *v, unsigned int *buffer, uint32_t *bytes);

/** Resets the device, which gives up its buffers, and its interrupt. @return 0; -RV_ETIME */
int virtio_stop(struct virtio *v, uint64_t ticks);

#endif
