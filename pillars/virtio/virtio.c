/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * virtio.c - a virtio device on PCI Express: see virtio.h. Chapters are those of Virtual I/O Device (VIRTIO) Version 1.1.
 */
#include <io/io.h>
#include <pci/pci.h>
#include <virtio/virtio.h>

#include <string.h>

/* A capability of the vendor says where registers are: 4.1.4. */
#define CAPABILITY_VENDOR 0x09u
#define CAPABILITY_TYPE 3u
#define CAPABILITY_BAR 4u
#define CAPABILITY_OFFSET 8u
#define CAPABILITY_BYTES 12u
#define CAPABILITY_STEP 16u
#define TYPE_COMMON 1u
#define TYPE_NOTIFY 2u

/* 4.1.4.3 */
#define COMMON_OFFERED_SELECT 0x00u
#define COMMON_OFFERED 0x04u
#define COMMON_TAKEN_SELECT 0x08u
#define COMMON_TAKEN 0x0cu
#define COMMON_VECTOR 0x10u
#define COMMON_STATUS 0x14u
#define COMMON_QUEUE 0x16u
#define COMMON_QUEUE_SIZE 0x18u
#define COMMON_QUEUE_VECTOR 0x1au
#define COMMON_QUEUE_ENABLE 0x1cu
#define COMMON_QUEUE_NOTIFY 0x1eu
#define COMMON_QUEUE_DESCRIPTORS 0x20u
#define COMMON_QUEUE_AVAILABLE 0x28u
#define COMMON_QUEUE_USED 0x30u
#define COMMON_BYTES 0x38u
#define NO_VECTOR 0xffffu
#define QUEUE 0u
#define VECTOR 0u

/* 2.1 */
#define STATUS_NOTICED 1u
#define STATUS_DRIVER 2u
#define STATUS_READY 4u
#define STATUS_AGREED 8u

/* 6: bits 32 and 33, of the second half of the features */
#define FEATURES_HALF 1u
#define FEATURE_VERSION_1 (1u << 0)
#define FEATURE_ACCESS_PLATFORM (1u << 1)

#define DESCRIPTOR_FILL 2u /* the device writes: 2.6.5 */

/* All but the status is written to by 16 or 32 bits; addresses as two halves (4.1.3.1). */
static void virtio_set_address(const struct virtio *v, uint32_t at, uint64_t address)
{
	rv_io_write32(v->common + at, (uint32_t)address);
	rv_io_write32(v->common + at + 4, (uint32_t)(address >> 32));
}

/** Looks where a capability leads. The first one of a type counts. */
static void virtio_capability(struct virtio *v, uint32_t at)
{
	uint32_t type = pci_config_read(v->device, at + CAPABILITY_TYPE, 1);
	uint32_t bar = pci_config_read(v->device, at + CAPABILITY_BAR, 1);
	uint32_t offset = pci_config_read(v->device, at + CAPABILITY_OFFSET, 4);
	uint32_t bytes = pci_config_read(v->device, at + CAPABILITY_BYTES, 4);
	volatile uint8_t *place = pci_bar_memory(v->device, bar, offset, bytes);

	if (type == TYPE_COMMON && !v->common && bytes >= COMMON_BYTES) {
		v->common = place;
	} else if (type == TYPE_NOTIFY && !v->notify) {
		v->notify = place;
		v->notify_bytes = bytes;
		v->notify_step = pci_config_read(v->device, at + CAPABILITY_STEP, 4);
	}
}

int virtio_open(struct virtio *v, const struct rv_fimce_device *d, uint32_t type)
{
	uint32_t at;

	memset(v, 0, sizeof(*v));
	if (!d || pci_config_read(d, 0, 4) != (VIRTIO_DEVICE(type) << 16 | VIRTIO_VENDOR))
		return -RV_ENODEV;
	v->device = d;
	for (unsigned int n = 0; (at = pci_capability_find(d, CAPABILITY_VENDOR, n)) != 0; n++)
		virtio_capability(v, at);
	return v->common && v->notify ? 0 : -RV_ENODEV;
}

uint8_t virtio_status(const struct virtio *v)
{
	return rv_io_read8(v->common + COMMON_STATUS);
}

/** 4.1.4.3.2: the reset is over when the status says so. */
static int virtio_reset(const struct virtio *v, uint64_t ticks)
{
	uint64_t begin = rv_io_ticks();

	rv_io_write8(v->common + COMMON_STATUS, 0);
	while (virtio_status(v) != 0) {
		if (rv_io_ticks() - begin >= ticks)
			return -RV_ETIME;
		rv_io_pause();
	}
	return 0;
}

/** 3.1.1, up to the step in which device and driver have agreed. */
static int virtio_agree(const struct virtio *v)
{
	const uint32_t features = FEATURE_VERSION_1 | FEATURE_ACCESS_PLATFORM;

	rv_io_write8(v->common + COMMON_STATUS, STATUS_NOTICED);
	rv_io_write8(v->common + COMMON_STATUS, STATUS_NOTICED | STATUS_DRIVER);
	rv_io_write32(v->common + COMMON_OFFERED_SELECT, FEATURES_HALF);
	/* 6: without the second one the device is told addresses that no unit translates, and here that would be the guest's memory. */
	if ((rv_io_read32(v->common + COMMON_OFFERED) & features) != features)
		return -RV_EACCES;
	rv_io_write32(v->common + COMMON_TAKEN_SELECT, 0);
	rv_io_write32(v->common + COMMON_TAKEN, 0);
	rv_io_write32(v->common + COMMON_TAKEN_SELECT, FEATURES_HALF);
	rv_io_write32(v->common + COMMON_TAKEN, features);
	rv_io_write8(v->common + COMMON_STATUS, STATUS_NOTICED | STATUS_DRIVER | STATUS_AGREED);
	return virtio_status(v) & STATUS_AGREED ? 0 : -RV_EACCES;
}

/** 4.1.5.1.3 */
static int virtio_queue_set(struct virtio *v)
{
	volatile struct virtio_queue *q = &v->queue;
	uint64_t address;
	uint64_t doorbell;

	if (!pci_dma_address(v->param, q, sizeof(*q), &address))
		return -RV_EFAULT;
	rv_io_write16(v->common + COMMON_VECTOR, NO_VECTOR);
	rv_io_write16(v->common + COMMON_QUEUE, QUEUE);
	if (rv_io_read16(v->common + COMMON_QUEUE_SIZE) < VIRTIO_BUFFERS)
		return -RV_EIO;
	rv_io_write16(v->common + COMMON_QUEUE_SIZE, VIRTIO_BUFFERS);
	rv_io_write16(v->common + COMMON_QUEUE_VECTOR, VECTOR);
	doorbell = (uint64_t)rv_io_read16(v->common + COMMON_QUEUE_NOTIFY) * v->notify_step;
	if (rv_io_read16(v->common + COMMON_QUEUE_VECTOR) != VECTOR || doorbell + sizeof(uint16_t) > v->notify_bytes)
		return -RV_EIO;
	v->doorbell = v->notify + doorbell;
	virtio_set_address(v, COMMON_QUEUE_DESCRIPTORS, address);
	virtio_set_address(v, COMMON_QUEUE_AVAILABLE, address + offsetof(struct virtio_queue, available));
	virtio_set_address(v, COMMON_QUEUE_USED, address + offsetof(struct virtio_queue, used));
	rv_io_write16(v->common + COMMON_QUEUE_ENABLE, 1);
	return 0;
}

int virtio_start(struct virtio *v, const struct rv_fimce_param *param, uint64_t ticks)
{
	int error = virtio_reset(v, ticks);

	if (error)
		return error;
	v->param = param;
	v->added = 0;
	v->taken = 0;
	memset(v->bytes, 0, sizeof(v->bytes));
	memset((void *)&v->queue, 0, sizeof(v->queue));
	error = virtio_agree(v);
	error = error ? error : virtio_queue_set(v);
	error = error ? error : pci_msix_set(v->device, VECTOR);
	if (error)
		(void)virtio_reset(v, ticks);
	else
		rv_io_write8(v->common + COMMON_STATUS, STATUS_NOTICED | STATUS_DRIVER | STATUS_AGREED | STATUS_READY);
	return error;
}

int virtio_give(struct virtio *v, unsigned int buffer, void *memory, uint32_t bytes)
{
	volatile struct virtio_queue *q = &v->queue;
	uint64_t address;

	if (buffer >= VIRTIO_BUFFERS || bytes == 0)
		return -RV_EINVAL;
	if (v->bytes[buffer] != 0)
		return -RV_EBUSY;
	if (!pci_dma_address(v->param, memory, bytes, &address))
		return -RV_EFAULT;
	v->bytes[buffer] = bytes;
	q->descriptor[buffer].address = address;
	q->descriptor[buffer].bytes = bytes;
	q->descriptor[buffer].flags = DESCRIPTOR_FILL;
	q->descriptor[buffer].next = 0;
	q->available.buffer[v->added % VIRTIO_BUFFERS] = (uint16_t)buffer;
	/* 2.6.13: the device may look as soon as it is counted. On this CPU, stores are seen in their order. */
	q->available.count = ++v->added;
	rv_io_write16(v->doorbell, QUEUE);
	return 0;
}

int virtio_take(struct virtio *v, unsigned int *buffer, uint32_t *bytes)
{
	volatile struct virtio_queue *q = &v->queue;
	uint16_t filled = (uint16_t)(q->used.count - v->taken);
	uint32_t number = q->used.filled[v->taken % VIRTIO_BUFFERS].buffer;
	uint32_t length = q->used.filled[v->taken % VIRTIO_BUFFERS].bytes;

	if (filled == 0)
		return -RV_EAGAIN;
	if (filled > VIRTIO_BUFFERS || number >= VIRTIO_BUFFERS || v->bytes[number] == 0 || length > v->bytes[number])
		return -RV_EIO;
	v->bytes[number] = 0;
	v->taken++;
	*buffer = number;
	*bytes = length;
	return 0;
}

int virtio_stop(struct virtio *v, uint64_t ticks)
{
	int error = virtio_reset(v, ticks);

	/* It has its table since it was started. */
	(void)pci_msix_mask(v->device, VECTOR);
	return error;
}
