/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * edu.h - driver of QEMU's educational PCI device (docs/specs/edu in QEMU's sources): a DMA engine with a buffer of 4 KiB, interrupts,
 * and a unit that computes factorials. Also a small example of a driver for a FIMCE.
 *
 * The device does one thing at a time; so does this driver. Times are ticks of the TSC; QEMU takes 100 ms of its time for each DMA.
 * No function allocates. A struct edu is used by one thread: a task, and its interrupt handler by edu_interrupt only.
 */
#ifndef PILLARS_EDU_H
#define PILLARS_EDU_H

#include <ravelin/fimce.h>

#include <stdbool.h>
#include <stddef.h>

#define EDU_VENDOR 0x1234u
#define EDU_DEVICE 0x11e8u
#define EDU_BUFFER_BYTES 4096u
#define EDU_TRANSFER_MAX (EDU_BUFFER_BYTES - 1) /* QEMU stops the machine at a transfer that touches the last byte */
#define EDU_INTERRUPT_FACTORIAL 0x001u /* bits of edu_interrupt */
#define EDU_INTERRUPT_DMA 0x100u

enum edu_direction {
	EDU_IN = 0, /* memory to the device's buffer */
	EDU_OUT = 1 /* the device's buffer to memory */
};

/** An open device. The content is the driver's. */
struct edu {
	volatile uint8_t *registers;
};

/**
 * Opens the device: looks at its identification and lets it invert a word.
 *
 * @return 0; -RV_ENODEV: d is NULL, has other ids, or its BAR 0 is no edu's; -RV_EIO: it does not answer as it should
 */
int edu_open(struct edu *e, const struct rv_fimce_device *d);

/**
 * Starts a transfer.
 *
 * @param address    of the memory, as pci_dma_address gives it
 * @param offset     in the device's buffer
 * @param bytes      1...EDU_TRANSFER_MAX, and offset + bytes at most EDU_TRANSFER_MAX
 * @param interrupt  it ends with an interrupt EDU_INTERRUPT_DMA
 * @return 0; -RV_EINVAL: out of the buffer; -RV_EBUSY: another one runs
 */
int edu_dma_start(struct edu *e, enum edu_direction direction, uint64_t address, uint32_t offset, uint32_t bytes,
		  bool interrupt);

/** True as long as a transfer runs. */
bool edu_dma_is_running(const struct edu *e);

/** Waits for the end of a transfer. @return 0; -RV_ETIME */
int edu_dma_wait(const struct edu *e, uint64_t ticks);

/** What the device interrupts for (EDU_INTERRUPT_*, 0: nothing), acknowledged. For interrupt handlers. */
uint32_t edu_interrupt(const struct edu *e);

/** n! modulo 2^32, by polling. @return 0; -RV_ETIME */
int edu_factorial(struct edu *e, uint32_t n, uint64_t ticks, uint32_t *result);

/**
 * Leaves nothing of ours in the device, which has no reset: its buffer becomes that of zeros, its DMA registers, the word that it
 * inverts, and its interrupts are zero. The last byte of the buffer was never ours.
 *
 * @param zeros  DMA address of EDU_TRANSFER_MAX zero bytes
 * @return 0; -RV_ETIME: a transfer does not end
 */
int edu_clean(struct edu *e, uint64_t zeros, uint64_t ticks);

#endif
