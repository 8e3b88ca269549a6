/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * edu-copy.c - sample task with a device of its own: QEMU's edu copies the argument to the output by DMA, through its buffer. The end
 * of each transfer is an interrupt. Result: 0, or a negative errno: -ENODEV, -EIO (the device; or the copy is not the argument), -EINVAL (no
 * argument), -ENOSPC (more than the output holds), -ETIME (no interrupt).
 *
 * The device has no reset, so the image says `cleaned`, and the task keeps that promise: it leaves nothing of the argument in the
 * device, or ends in a way after which Ravelin keeps the device.
 */
#include <edu/edu.h>
#include <interrupt/interrupt.h>
#include <log/log.h>
#include <pci/pci.h>
#include <task.h>

#include <string.h>

/* The TSC's frequency is not known here: 2 s at 3 GHz, for a transfer of 100 ms. */
#define TRANSFER_TICKS 6000000000ull

static struct edu edu;
static volatile bool done; /* set by the handler */
static volatile uint32_t interrupts;
static uint8_t zeros[EDU_TRANSFER_MAX];

static void copy_handler(void)
{
	if (edu_interrupt(&edu) & EDU_INTERRUPT_DMA) {
		interrupts++;
		done = true;
	}
}

static int copy_part(const struct rv_fimce_param *param, enum edu_direction direction, const void *memory,
		     uint32_t bytes)
{
	uint64_t address;
	int error;

	if (!pci_dma_address(param, memory, bytes, &address))
		return -RV_EFAULT;
	done = false;
	error = edu_dma_start(&edu, direction, address, 0, bytes, true);
	if (error)
		return error;
	return interrupt_wait(&done, TRANSFER_TICKS) ? 0 : -RV_ETIME;
}

static int copy_all(const struct rv_fimce_param *param, const uint8_t *from, uint8_t *to, size_t size)
{
	for (size_t at = 0; at < size; at += EDU_TRANSFER_MAX) {
		uint32_t part = size - at < EDU_TRANSFER_MAX ? (uint32_t)(size - at) : EDU_TRANSFER_MAX;
		int error = copy_part(param, EDU_IN, from + at, part);

		if (!error)
			error = copy_part(param, EDU_OUT, to + at, part);
		if (error)
			return error;
	}
	return memcmp(from, to, size) == 0 ? 0 : -RV_EIO;
}

int64_t task_main(const struct rv_fimce_param *param)
{
	size_t size;
	size_t capacity;
	const uint8_t *from = rv_task_argument(&size);
	uint8_t *to = rv_task_output(&capacity);
	uint64_t address;
	int error;

	if (size == 0)
		return -RV_EINVAL;
	if (size > capacity)
		return -RV_ENOSPC;
	error = edu_open(&edu, pci_find(PCI_DEVICES, EDU_VENDOR, EDU_DEVICE, 0));
	if (error)
		return error;
	/* The guest had it before: what it may have started ends without reaching anything, before the device may master the bus. */
	error = edu_dma_wait(&edu, TRANSFER_TICKS);
	error = error ? error : pci_dma_open();
	if (error)
		return error;
	interrupt_enable(copy_handler);
	error = copy_all(param, from, to, size);
	interrupt_disable();
	if (!pci_dma_address(param, zeros, sizeof(zeros), &address) || edu_clean(&edu, address, TRANSFER_TICKS) != 0)
		__builtin_trap();
	rv_log("edu-copy: %u bytes, %u interrupts", (unsigned int)size, interrupts);
	rv_task_set_output_bytes(error ? 0 : size);
	return error;
}
