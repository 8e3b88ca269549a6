/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_edu.c - the edu pillar with an edu made of memory, which answers as QEMU's documentation of the device says.
 */
#include "fake_io.h"

#include <edu/edu.h>

#define MEMORY_BYTES 16384u /* what its DMA reaches, from address 0 on */

static struct {
	bool is_broken; /* does not invert */
	bool is_stuck; /* no transfer and no computation ends */
	uint32_t inverted, factorial, status, interrupt;
	uint64_t source, target, count, command;
	unsigned int polls; /* until it is done */
	unsigned int transfers;
	uint8_t buffer[EDU_BUFFER_BYTES];
	uint8_t memory[MEMORY_BYTES];
	uint32_t identification;
} fake;

static uint8_t bar[0x100000];
static struct rv_fimce_device d;
static struct edu edu;

static void fake_finish(void)
{
	uint64_t in = fake.target - 0x40000, out = fake.source - 0x40000;

	/* The emulator of QEMU before 9.1 ends the machine when the last byte is touched. */
	assert_true(fake.count > 0 && fake.count < EDU_BUFFER_BYTES);
	if (fake.command & 2) {
		assert_true(out + fake.count < EDU_BUFFER_BYTES && fake.target + fake.count <= MEMORY_BYTES);
		memcpy(fake.memory + fake.target, fake.buffer + out, fake.count);
	} else {
		assert_true(in + fake.count < EDU_BUFFER_BYTES && fake.source + fake.count <= MEMORY_BYTES);
		memcpy(fake.buffer + in, fake.memory + fake.source, fake.count);
	}
	fake.transfers++;
	if (fake.command & 4)
		fake.interrupt |= 0x100;
	fake.command &= ~1ull;
}

uint32_t rv_io_read32(const volatile void *address)
{
	size_t at = (size_t)((const volatile uint8_t *)address - bar);

	if (fake.polls > 0)
		fake.polls--;
	if (fake.polls == 0 && !fake.is_stuck && fake.command & 1)
		fake_finish();
	if (fake.polls == 0 && !fake.is_stuck && fake.status & 1) {
		uint32_t n = fake.factorial;

		for (fake.factorial = 1; n > 0; n--)
			fake.factorial *= n;
		fake.status &= ~1u;
	}
	switch (at) {
	case 0x00:
		return fake.identification;
	case 0x04:
		return fake.is_broken ? 0 : fake.inverted;
	case 0x08:
		return fake.factorial;
	case 0x20:
		return fake.status;
	case 0x24:
		return fake.interrupt;
	case 0x98:
		return (uint32_t)fake.command;
	default:
		fail_msg("read at %#zx", at);
		return 0;
	}
}

void rv_io_write32(volatile void *address, uint32_t value)
{
	switch ((volatile uint8_t *)address - bar) {
	case 0x04:
		fake.inverted = ~value;
		break;
	case 0x08:
		fake.factorial = value;
		fake.status |= 1;
		fake.polls = 3;
		break;
	case 0x20:
		fake.status = (fake.status & 1) | (value & 0x80);
		break;
	case 0x64:
		fake.interrupt &= ~value;
		break;
	default:
		fail_msg("write at %#tx", (volatile uint8_t *)address - bar);
	}
}

void rv_io_write64(volatile void *address, uint64_t value)
{
	assert_int_equal(fake.command & 1, 0);
	switch ((volatile uint8_t *)address - bar) {
	case 0x80:
		fake.source = value;
		break;
	case 0x88:
		fake.target = value;
		break;
	case 0x90:
		fake.count = value;
		break;
	case 0x98:
		fake.command = value;
		fake.polls = 5;
		break;
	default:
		fail_msg("write of 64 bits at %#tx", (volatile uint8_t *)address - bar);
	}
}

static int setup(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	memset(&d, 0, sizeof(d));
	for (size_t i = 0; i < MEMORY_BYTES; i++)
		fake.memory[i] = (uint8_t)(i * 13 + i / 251);
	memset(fake.buffer, 0x5e, sizeof(fake.buffer));
	fake.identification = 0x010000ed;
	memcpy(d.config, "\x34\x12\xe8\x11", 4);
	d.bar[0] = (struct rv_fimce_bar){(uint64_t)(uintptr_t)bar, sizeof(bar), 0};
	assert_int_equal(edu_open(&edu, &d), 0);
	return 0;
}

static void opens_only_an_edu(void **state)
{
	struct edu e;

	(void)state;
	assert_int_equal(edu_open(&e, NULL), -RV_ENODEV);
	d.config[2] = 0xe9;
	assert_int_equal(edu_open(&e, &d), -RV_ENODEV);
	(void)setup(NULL);
	d.bar[0].bytes = 4096;
	assert_int_equal(edu_open(&e, &d), -RV_ENODEV);
	(void)setup(NULL);
	fake.identification = 0xffffffff;
	assert_int_equal(edu_open(&e, &d), -RV_EIO);
	(void)setup(NULL);
	fake.is_broken = true;
	assert_int_equal(edu_open(&e, &d), -RV_EIO);
}

static void copies_both_ways(void **state)
{
	(void)state;
	assert_int_equal(edu_dma_start(&edu, EDU_IN, 100, 7, 1000, false), 0);
	assert_true(edu_dma_is_running(&edu));
	assert_int_equal(edu_dma_start(&edu, EDU_IN, 0, 0, 1, false), -RV_EBUSY);
	assert_int_equal(edu_dma_wait(&edu, TICKS), 0);
	assert_false(edu_dma_is_running(&edu));
	assert_memory_equal(fake.buffer + 7, fake.memory + 100, 1000);
	assert_int_equal(fake.buffer[6], 0x5e);
	assert_int_equal(edu_interrupt(&edu), 0);
	assert_int_equal(edu_dma_start(&edu, EDU_OUT, 8192, 7, 1000, true), 0);
	assert_int_equal(edu_dma_wait(&edu, TICKS), 0);
	assert_memory_equal(fake.memory + 8192, fake.memory + 100, 1000);
	assert_int_equal(fake.transfers, 2);
	assert_int_equal(edu_interrupt(&edu), EDU_INTERRUPT_DMA);
	assert_int_equal(edu_interrupt(&edu), 0);
}

static void keeps_inside_the_buffer(void **state)
{
	(void)state;
	assert_int_equal(edu_dma_start(&edu, EDU_IN, 0, 0, 0, false), -RV_EINVAL);
	assert_int_equal(edu_dma_start(&edu, EDU_IN, 0, 0, EDU_BUFFER_BYTES, false), -RV_EINVAL);
	assert_int_equal(edu_dma_start(&edu, EDU_OUT, 0, 1, EDU_TRANSFER_MAX, false), -RV_EINVAL);
	assert_int_equal(edu_dma_start(&edu, EDU_OUT, 0, UINT32_MAX, 2, false), -RV_EINVAL);
	assert_int_equal(edu_dma_start(&edu, EDU_OUT, 0, 2, UINT32_MAX, false), -RV_EINVAL);
	assert_int_equal(fake.command, 0);
	assert_int_equal(edu_dma_start(&edu, EDU_IN, 0, 0, EDU_TRANSFER_MAX, false), 0);
	assert_int_equal(edu_dma_wait(&edu, TICKS), 0);
	assert_int_equal(edu_dma_start(&edu, EDU_OUT, 0, EDU_TRANSFER_MAX - 1, 1, false), 0);
	assert_int_equal(edu_dma_wait(&edu, TICKS), 0);
}

static void does_not_wait_for_ever(void **state)
{
	uint32_t result = 5;

	(void)state;
	fake.is_stuck = true;
	assert_int_equal(edu_factorial(&edu, 3, TICKS, &result), -RV_ETIME);
	assert_int_equal(result, 5);
	assert_int_equal(edu_dma_start(&edu, EDU_IN, 0, 0, 1, false), 0);
	assert_int_equal(edu_dma_wait(&edu, TICKS), -RV_ETIME);
	assert_int_equal(edu_clean(&edu, 0, TICKS), -RV_ETIME);
}

static void computes_factorials(void **state)
{
	uint32_t result = 0;

	(void)state;
	assert_int_equal(edu_factorial(&edu, 10, TICKS, &result), 0);
	assert_int_equal(result, 3628800);
}

static void leaves_nothing(void **state)
{
	static const uint8_t zero[EDU_TRANSFER_MAX];

	(void)state;
	memset(fake.memory, 0, EDU_TRANSFER_MAX);
	assert_int_equal(edu_dma_start(&edu, EDU_IN, 4096, 0, EDU_TRANSFER_MAX, true), 0);
	/* Also while a transfer runs that nobody has waited for. */
	assert_int_equal(edu_clean(&edu, 0, TICKS), 0);
	assert_memory_equal(fake.buffer, zero, sizeof(zero));
	assert_int_equal(fake.buffer[EDU_TRANSFER_MAX], 0x5e);
	assert_int_equal(fake.source, 0);
	assert_int_equal(fake.target, 0);
	assert_int_equal(fake.count, 0);
	assert_int_equal(fake.interrupt, 0);
	assert_int_equal(fake.inverted, 0);
	assert_int_equal(fake.status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(opens_only_an_edu, setup),
	    cmocka_unit_test_setup(copies_both_ways, setup),
	    cmocka_unit_test_setup(keeps_inside_the_buffer, setup),
	    cmocka_unit_test_setup(does_not_wait_for_ever, setup),
	    cmocka_unit_test_setup(computes_factorials, setup),
	    cmocka_unit_test_setup(leaves_nothing, setup),
	};

	return cmocka_run_group_tests_name("pillars/edu", tests, NULL, NULL);
}
