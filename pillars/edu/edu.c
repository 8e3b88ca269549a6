/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * edu.c - driver of QEMU's educational PCI device: see edu.h.
 */
#include <edu/edu.h>
#include <io/io.h>
#include <pci/pci.h>

#define BAR_BYTES 0x100000u
#define BUFFER 0x40000u /* of the device, as its DMA engine counts */

#define REGISTER_IDENTIFICATION 0x00u
#define REGISTER_INVERT 0x04u
#define REGISTER_FACTORIAL 0x08u
#define REGISTER_STATUS 0x20u
#define REGISTER_INTERRUPT 0x24u
#define REGISTER_ACKNOWLEDGE 0x64u
#define REGISTER_DMA_SOURCE 0x80u
#define REGISTER_DMA_TARGET 0x88u
#define REGISTER_DMA_COUNT 0x90u
#define REGISTER_DMA_COMMAND 0x98u

#define IDENTIFICATION 0xedu /* in the lowest byte; the highest two are the version */
#define STATUS_COMPUTES 0x01u
#define DMA_RUN 0x01u
#define DMA_OUT 0x02u
#define DMA_INTERRUPT 0x04u
#define PROBE 0x5aa51234u

static uint32_t edu_read(const struct edu *e, uint32_t at)
{
	return rv_io_read32(e->registers + at);
}

static void edu_write(const struct edu *e, uint32_t at, uint32_t value)
{
	rv_io_write32(e->registers + at, value);
}

/** Waits until none of these bits is set. */
static int edu_wait(const struct edu *e, uint32_t at, uint32_t bits, uint64_t ticks)
{
	uint64_t begin = rv_io_ticks();

	while (edu_read(e, at) & bits) {
		if (rv_io_ticks() - begin >= ticks)
			return -RV_ETIME;
		rv_io_pause();
	}
	return 0;
}

int edu_open(struct edu *e, const struct rv_fimce_device *d)
{
	if (!d || pci_config_read(d, 0, 4) != (EDU_DEVICE << 16 | EDU_VENDOR))
		return -RV_ENODEV;
	e->registers = pci_bar_memory(d, 0, 0, BAR_BYTES);
	if (!e->registers)
		return -RV_ENODEV;
	if ((edu_read(e, REGISTER_IDENTIFICATION) & 0xff) != IDENTIFICATION)
		return -RV_EIO;
	edu_write(e, REGISTER_INVERT, PROBE);
	return edu_read(e, REGISTER_INVERT) == ~PROBE ? 0 : -RV_EIO;
}

bool edu_dma_is_running(const struct edu *e)
{
	return (edu_read(e, REGISTER_DMA_COMMAND) & DMA_RUN) != 0;
}

int edu_dma_wait(const struct edu *e, uint64_t ticks)
{
	return edu_wait(e, REGISTER_DMA_COMMAND, DMA_RUN, ticks);
}

int edu_dma_start(struct edu *e, enum edu_direction direction, uint64_t address, uint32_t offset, uint32_t bytes,
		  bool interrupt)
{
	uint64_t inside = BUFFER + (uint64_t)offset;

	if (bytes == 0 || bytes > EDU_TRANSFER_MAX || offset > EDU_TRANSFER_MAX - bytes)
		return -RV_EINVAL;
	if (edu_dma_is_running(e))
		return -RV_EBUSY;
	rv_io_write64(e->registers + REGISTER_DMA_SOURCE, direction == EDU_IN ? address : inside);
	rv_io_write64(e->registers + REGISTER_DMA_TARGET, direction == EDU_IN ? inside : address);
	rv_io_write64(e->registers + REGISTER_DMA_COUNT, bytes);
	rv_io_write64(e->registers + REGISTER_DMA_COMMAND,
		      DMA_RUN | (direction == EDU_OUT ? DMA_OUT : 0) | (interrupt ? DMA_INTERRUPT : 0));
	return 0;
}

uint32_t edu_interrupt(const struct edu *e)
{
	uint32_t why = edu_read(e, REGISTER_INTERRUPT);

	if (why)
		edu_write(e, REGISTER_ACKNOWLEDGE, why);
	return why;
}

int edu_factorial(struct edu *e, uint32_t n, uint64_t ticks, uint32_t *result)
{
	int error;

	edu_write(e, REGISTER_STATUS, 0);
	edu_write(e, REGISTER_FACTORIAL, n);
	error = edu_wait(e, REGISTER_STATUS, STATUS_COMPUTES, ticks);
	if (!error)
		*result = edu_read(e, REGISTER_FACTORIAL);
	return error;
}

int edu_clean(struct edu *e, uint64_t zeros, uint64_t ticks)
{
	int error = edu_dma_wait(e, ticks);

	if (!error)
		error = edu_dma_start(e, EDU_IN, zeros, 0, EDU_TRANSFER_MAX, false);
	if (!error)
		error = edu_dma_wait(e, ticks);
	if (error)
		return error;
	rv_io_write64(e->registers + REGISTER_DMA_SOURCE, 0);
	rv_io_write64(e->registers + REGISTER_DMA_TARGET, 0);
	rv_io_write64(e->registers + REGISTER_DMA_COUNT, 0);
	edu_write(e, REGISTER_STATUS, 0);
	edu_write(e, REGISTER_INVERT, ~0u);
	(void)edu_interrupt(e);
	return 0;
}
