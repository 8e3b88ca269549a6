/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * random.c - sample task with a device of its own: as many random bytes as the argument says (32 bits, little endian) from a virtio entropy
 * device, by DMA; the device interrupts by MSI-X. A FIMCE has no other source of them. Result: 0, or a negative errno: -EINVAL (the argument),
 * -ENOSPC (more than the output holds), -EBUSY (the device was not reset), -ETIME (no interrupt), -EIO (the device breaks the rules), or one of
 * virtio_open and virtio_start.
 *
 * The device has a reset, so there is nothing that a guest can have left in it, and nothing to be cleaned: Ravelin resets it before and afterwards.
 */
#include <interrupt/interrupt.h>
#include <log/log.h>
#include <pci/pci.h>
#include <task.h>
#include <virtio/virtio.h>

#include <string.h>

/* The TSC's frequency is not known here: 2 s at 3 GHz. */
#define DEVICE_TICKS 6000000000ull
#define PIECE_BYTES 256u
#define PIECES 2u

static struct virtio source;
static volatile bool ready; /* set by the handler */
static volatile uint32_t interrupts;
static uint8_t piece[PIECES][PIECE_BYTES];

static void random_handler(void)
{
	interrupts++;
	ready = true;
}

/** Waits for the next buffer. */
static int random_take(unsigned int *buffer, uint32_t *bytes)
{
	int error;

	for (;;) {
		/* Before the look: what comes after it is not missed. */
		ready = false;
		error = virtio_take(&source, buffer, bytes);
		if (error != -RV_EAGAIN)
			return error;
		if (!interrupt_wait(&ready, DEVICE_TICKS))
			return -RV_ETIME;
	}
}

static int random_fill(uint8_t *to, size_t size)
{
	size_t have = 0;
	int error = 0;

	for (unsigned int i = 0; !error && i < PIECES; i++)
		error = virtio_give(&source, i, piece[i], PIECE_BYTES);
	while (!error && have < size) {
		unsigned int buffer;
		uint32_t bytes;

		error = random_take(&buffer, &bytes);
		if (!error && bytes == 0)
			error = -RV_EIO;
		if (error)
			break;
		if (bytes > size - have)
			bytes = (uint32_t)(size - have);
		memcpy(to + have, piece[buffer], bytes);
		have += bytes;
		error = virtio_give(&source, buffer, piece[buffer], PIECE_BYTES);
	}
	return error;
}

int64_t task_main(const struct rv_fimce_param *param)
{
	size_t size;
	size_t capacity;
	const void *argument = rv_task_argument(&size);
	uint8_t *to = rv_task_output(&capacity);
	uint32_t count;
	int error;

	if (size != sizeof(count))
		return -RV_EINVAL;
	memcpy(&count, argument, sizeof(count));
	if (count == 0)
		return -RV_EINVAL;
	if (count > capacity)
		return -RV_ENOSPC;
	error = virtio_open(&source, pci_find(PCI_DEVICES, VIRTIO_VENDOR, VIRTIO_DEVICE(VIRTIO_ENTROPY), 0),
			    VIRTIO_ENTROPY);
	if (error)
		return error;
	rv_log("random: the device's status is %u", virtio_status(&source));
	if (virtio_status(&source) != 0)
		return -RV_EBUSY;
	interrupt_enable(random_handler);
	error = virtio_start(&source, param, DEVICE_TICKS);
	error = error ? error : random_fill(to, count);
	interrupt_disable();
	(void)virtio_stop(&source, DEVICE_TICKS);
	rv_log("random: %u bytes, %u interrupts", count, interrupts);
	rv_task_set_output_bytes(error ? 0 : count);
	return error;
}
