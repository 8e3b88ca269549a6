/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_virtio.c - the virtio pillar with a device made of memory, which answers as the specification says (Virtual I/O Device Version 1.1), and
 * fails the test when the driver breaks its rules.
 */
#include "fake_io.h"

#include <pci/pci.h>
#include <virtio/virtio.h>

#define COMMON_AT 0x1000u
#define NOTIFY_AT 0x3000u
#define NOTIFY_STEP 4u
#define NOTIFY_OFFSET 3u
#define NOTIFY_BYTES 0x1000u
#define MEMORY 0x4000000ull /* where the device reaches the arena */
#define PIECE 64u

/** What the device reaches. */
static struct {
	struct virtio v;
	uint8_t piece[VIRTIO_BUFFERS][PIECE];
} arena;

static struct {
	uint32_t offered[2], offered_select, taken[2], taken_select;
	uint16_t vector, queue, queue_size, queue_vector, queue_enable;
	uint32_t address[6]; /* descriptors, available, used */
	uint8_t status;
	uint8_t resets; /* looks at the status until a reset is over */
	bool is_stuck; /* it never is */
	bool refuses; /* does not agree */
	bool no_vectors;
	uint16_t seen; /* buffers of the available ring */
	uint16_t notified;
} fake;

static uint8_t bar[0x4000];
static uint32_t table[1024];
static struct rv_fimce_device d;
static struct rv_fimce_param param;

bool pci_dma_address(const struct rv_fimce_param *p, const volatile void *memory, size_t bytes, uint64_t *address)
{
	size_t at = (size_t)((const volatile uint8_t *)memory - (const volatile uint8_t *)&arena);

	assert_ptr_equal(p, &param);
	if (at > sizeof(arena) || bytes > sizeof(arena) - at)
		return false;
	*address = MEMORY + at;
	return true;
}

static void *fake_reach(uint64_t address, size_t bytes)
{
	assert_true(address >= MEMORY && address - MEMORY + bytes <= sizeof(arena));
	return (uint8_t *)&arena + (address - MEMORY);
}

static void *fake_part(unsigned int part, size_t bytes, uint64_t alignment)
{
	uint64_t address = (uint64_t)fake.address[2 * part + 1] << 32 | fake.address[2 * part];

	assert_int_equal(address % alignment, 0);
	return fake_reach(address, bytes);
}

/* Takes the next buffer, and fills it with this byte; reports another number or length if it is told to. */
static void fake_fill(uint8_t value, uint32_t bytes, uint32_t number_is, uint32_t bytes_are)
{
	struct {
		uint64_t address;
		uint32_t bytes;
		uint16_t flags, next;
	} *descriptor = fake_part(0, sizeof(*descriptor) * VIRTIO_BUFFERS, 16);
	uint16_t *available = fake_part(1, 6 + 2 * VIRTIO_BUFFERS, 2);
	uint16_t *used = fake_part(2, 6 + 8 * VIRTIO_BUFFERS, 4);
	uint32_t number = available[2 + fake.seen % VIRTIO_BUFFERS];
	uint32_t *filled = (uint32_t *)(void *)(used + 2) + (size_t)(used[1] % VIRTIO_BUFFERS) * 2;

	assert_int_equal(fake.status, 0x0f);
	assert_int_equal(fake.queue_enable, 1);
	assert_true(number < VIRTIO_BUFFERS && fake.seen != available[1]);
	assert_int_equal(descriptor[number].flags, 2);
	assert_true(bytes <= descriptor[number].bytes);
	memset(fake_reach(descriptor[number].address, bytes), value, bytes);
	filled[0] = number_is == ~0u ? number : number_is;
	filled[1] = bytes_are == ~0u ? bytes : bytes_are;
	used[1]++;
	fake.seen++;
}

static size_t fake_at(const volatile void *address)
{
	return (size_t)((const volatile uint8_t *)address - bar);
}

uint8_t rv_io_read8(const volatile void *address)
{
	assert_int_equal(fake_at(address), COMMON_AT + 0x14);
	if (fake.resets > 0 && !fake.is_stuck && --fake.resets == 0)
		fake.status = 0;
	return fake.status;
}

void rv_io_write8(volatile void *address, uint8_t value)
{
	assert_int_equal(fake_at(address), COMMON_AT + 0x14);
	if (value == 0) {
		memset(fake.taken, 0, sizeof(fake.taken));
		fake.queue_enable = 0;
		fake.queue_size = 64;
		fake.queue_vector = 0xffff;
		fake.resets = fake.status != 0 ? 3 : 0;
		return;
	}
	assert_int_equal(fake.resets, 0);
	/* Only one bit more at a time. */
	assert_int_equal(value & fake.status, fake.status);
	assert_int_equal((value ^ fake.status) & ((value ^ fake.status) - 1), 0);
	fake.status = value;
	if (value & 8 && fake.refuses)
		fake.status &= (uint8_t)~8u;
	if (value & 4)
		assert_int_equal(fake.queue_enable, 1);
}

uint16_t rv_io_read16(const volatile void *address)
{
	switch (fake_at(address) - COMMON_AT) {
	case 0x18:
		return fake.queue_size;
	case 0x1a:
		return fake.queue_vector;
	case 0x1e:
		return NOTIFY_OFFSET;
	default:
		fail_msg("read of 16 bits at %#zx", fake_at(address));
		return 0;
	}
}

void rv_io_write16(volatile void *address, uint16_t value)
{
	if (fake_at(address) == NOTIFY_AT + NOTIFY_OFFSET * NOTIFY_STEP) {
		assert_int_equal(fake.status, 0x0f);
		assert_int_equal(value, 0);
		fake.notified++;
		return;
	}
	/* 3.1.1: the queue is set after the agreement. */
	assert_int_equal(fake.status, 0x0b);
	switch (fake_at(address) - COMMON_AT) {
	case 0x10:
		fake.vector = value;
		break;
	case 0x16:
		fake.queue = value;
		break;
	case 0x18:
		assert_int_equal(value & (value - 1), 0);
		fake.queue_size = value;
		break;
	case 0x1a:
		fake.queue_vector = fake.no_vectors ? 0xffff : value;
		break;
	case 0x1c:
		assert_int_equal(value, 1);
		fake.queue_enable = value;
		break;
	default:
		fail_msg("write of 16 bits at %#zx", fake_at(address));
	}
}

uint32_t rv_io_read32(const volatile void *address)
{
	assert_int_equal(fake_at(address), COMMON_AT + 0x04);
	return fake.offered[fake.offered_select];
}

void rv_io_write32(volatile void *address, uint32_t value)
{
	size_t at = fake_at(address) - COMMON_AT;
	size_t entry = (size_t)((volatile uint32_t *)address - table);

	if (entry < sizeof(table) / sizeof(table[0])) {
		table[entry] = value;
	} else if (at == 0x00) {
		fake.offered_select = value;
	} else if (at == 0x08) {
		fake.taken_select = value;
	} else if (at == 0x0c) {
		fake.taken[fake.taken_select] = value;
	} else {
		assert_true(at >= 0x20 && at < 0x38);
		assert_int_equal(fake.queue_enable, 0);
		fake.address[(at - 0x20) / 4] = value;
	}
}

static void put(uint32_t at, uint32_t value, unsigned int bytes)
{
	memcpy(d.config + at, &value, bytes);
}

/* A capability of the vendor: 4.1.4. */
static void put_place(uint32_t at, uint32_t next, uint32_t type, uint32_t offset, uint32_t bytes)
{
	put(at, 0x09 | next << 8 | 20u << 16 | type << 24, 4);
	put(at + 4, 4, 4);
	put(at + 8, offset, 4);
	put(at + 12, bytes, 4);
	put(at + 16, NOTIFY_STEP, 4);
}

static int setup(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	memset(&arena, 0xee, sizeof(arena));
	memset(&d, 0, sizeof(d));
	memset(table, 0xee, sizeof(table));
	fake.offered[0] = 0x30000000;
	fake.offered[1] = 7;
	put(0, 0x10441af4, 4);
	put(0x06, 0x10, 2);
	put(0x34, 0x40, 1);
	put_place(0x40, 0x54, 5, 0, 0);
	put_place(0x54, 0x68, 1, COMMON_AT, 0x1000);
	put_place(0x68, 0x7c, 2, NOTIFY_AT, NOTIFY_BYTES);
	/* A second one of a type does not count. */
	put_place(0x7c, 0x98, 1, 0, 0x1000);
	put(0x98, 0x11, 2);
	put(0x9a, 1, 2);
	put(0x9c, 1, 4);
	d.msi_address = 0xfee01018;
	d.bar[1] = (struct rv_fimce_bar){(uint64_t)(uintptr_t)table, sizeof(table), 0};
	d.bar[4] = (struct rv_fimce_bar){(uint64_t)(uintptr_t)bar, sizeof(bar), 0};
	return 0;
}

static int started(void **state)
{
	(void)setup(state);
	assert_int_equal(virtio_open(&arena.v, &d, VIRTIO_ENTROPY), 0);
	assert_int_equal(virtio_start(&arena.v, &param, TICKS), 0);
	return 0;
}

static void opens_only_its_device(void **state)
{
	(void)state;
	assert_int_equal(virtio_open(&arena.v, NULL, VIRTIO_ENTROPY), -RV_ENODEV);
	assert_int_equal(virtio_open(&arena.v, &d, 1), -RV_ENODEV);
	assert_int_equal(virtio_open(&arena.v, &d, VIRTIO_ENTROPY), 0);
	assert_int_equal(virtio_status(&arena.v), 0);
	fake.status = 5;
	assert_int_equal(virtio_status(&arena.v), 5);
	/* Registers outside the BAR, in one that is not there, too few; none at all. */
	put(0x7c + 3, 5, 1);
	put(0x54 + 8, 0x3800, 4);
	assert_int_equal(virtio_open(&arena.v, &d, VIRTIO_ENTROPY), -RV_ENODEV);
	put(0x54 + 8, COMMON_AT, 4);
	put(0x54 + 4, 7, 1);
	assert_int_equal(virtio_open(&arena.v, &d, VIRTIO_ENTROPY), -RV_ENODEV);
	put(0x54 + 4, 4, 1);
	put(0x54 + 12, 0x37, 4);
	assert_int_equal(virtio_open(&arena.v, &d, VIRTIO_ENTROPY), -RV_ENODEV);
	put(0x54 + 12, 0x38, 4);
	assert_int_equal(virtio_open(&arena.v, &d, VIRTIO_ENTROPY), 0);
	put(0x68 + 3, 9, 1);
	assert_int_equal(virtio_open(&arena.v, &d, VIRTIO_ENTROPY), -RV_ENODEV);
	put(0x34, 0, 1);
	assert_int_equal(virtio_open(&arena.v, &d, VIRTIO_ENTROPY), -RV_ENODEV);
}

static void starts_as_specified(void **state)
{
	(void)state;
	assert_int_equal(fake.status, 0x0f);
	assert_int_equal(fake.taken[0], 0);
	assert_int_equal(fake.taken[1], 3);
	assert_int_equal(fake.vector, 0xffff);
	assert_int_equal(fake.queue, 0);
	assert_int_equal(fake.queue_size, VIRTIO_BUFFERS);
	assert_int_equal(fake.queue_vector, 0);
	assert_int_equal(table[0], 0xfee01018);
	assert_int_equal(table[3], 0);
	assert_int_equal(fake.notified, 0);
	assert_int_equal(virtio_stop(&arena.v, TICKS), 0);
	assert_int_equal(fake.status, 0);
	assert_int_equal(table[3], 1);
}

static void failed_start(int error)
{
	assert_int_equal(virtio_open(&arena.v, &d, VIRTIO_ENTROPY), 0);
	assert_int_equal(virtio_start(&arena.v, &param, TICKS), error);
	if (!fake.is_stuck)
		assert_int_equal(fake.status, 0);
}

static void refuses_a_device_that_it_cannot_use(void **state)
{
	struct virtio outside;

	(void)state;
	/* Only the old interface; DMA beside the unit. */
	fake.offered[1] = 2;
	failed_start(-RV_EACCES);
	fake.offered[1] = 1;
	failed_start(-RV_EACCES);
	fake.offered[1] = 3;
	fake.refuses = true;
	failed_start(-RV_EACCES);
	fake.refuses = false;
	fake.no_vectors = true;
	failed_start(-RV_EIO);
	fake.no_vectors = false;
	/* The doorbell lies outside of its registers. */
	put(0x68 + 16, NOTIFY_BYTES / NOTIFY_OFFSET, 4);
	failed_start(-RV_EIO);
	put(0x68 + 16, NOTIFY_STEP, 4);
	d.msi_address = 0;
	failed_start(-RV_ENODEV);
	d.msi_address = 0xfee01018;
	assert_int_equal(virtio_open(&outside, &d, VIRTIO_ENTROPY), 0);
	assert_int_equal(virtio_start(&outside, &param, TICKS), -RV_EFAULT);
	assert_int_equal(fake.status, 0);
	fake.status = 0x0f;
	fake.is_stuck = true;
	failed_start(-RV_ETIME);
	assert_int_equal(virtio_stop(&arena.v, TICKS), -RV_ETIME);
}

static void gets_buffers_filled(void **state)
{
	unsigned int buffer = 99;
	uint32_t bytes = 99;

	(void)state;
	assert_int_equal(virtio_take(&arena.v, &buffer, &bytes), -RV_EAGAIN);
	/* So often that all counters of 16 bits come round. */
	for (uint32_t round = 0; round < 0x9000; round++) {
		for (unsigned int i = 0; i < 2; i++)
			assert_int_equal(virtio_give(&arena.v, (round + i) % VIRTIO_BUFFERS,
						     arena.piece[(round + i) % VIRTIO_BUFFERS], PIECE),
					 0);
		assert_int_equal(virtio_take(&arena.v, &buffer, &bytes), -RV_EAGAIN);
		for (unsigned int i = 0; i < 2; i++) {
			fake_fill((uint8_t)(round + i), 1 + round % PIECE, ~0u, ~0u);
			assert_int_equal(virtio_take(&arena.v, &buffer, &bytes), 0);
			assert_int_equal(buffer, (round + i) % VIRTIO_BUFFERS);
			assert_int_equal(bytes, 1 + round % PIECE);
			assert_int_equal(arena.piece[buffer][bytes - 1], (uint8_t)(round + i));
		}
	}
	assert_int_equal(fake.notified, (uint16_t)(2 * 0x9000));
	assert_int_equal(virtio_take(&arena.v, &buffer, &bytes), -RV_EAGAIN);
}

static void gives_only_what_it_has(void **state)
{
	uint8_t outside[PIECE];

	(void)state;
	assert_int_equal(virtio_give(&arena.v, VIRTIO_BUFFERS, arena.piece[0], PIECE), -RV_EINVAL);
	assert_int_equal(virtio_give(&arena.v, 0, arena.piece[0], 0), -RV_EINVAL);
	assert_int_equal(virtio_give(&arena.v, 0, outside, PIECE), -RV_EFAULT);
	assert_int_equal(fake.notified, 0);
	for (unsigned int i = 0; i < VIRTIO_BUFFERS; i++)
		assert_int_equal(virtio_give(&arena.v, i, arena.piece[i], PIECE), 0);
	assert_int_equal(virtio_give(&arena.v, 1, arena.piece[1], PIECE), -RV_EBUSY);
	assert_int_equal(fake.notified, VIRTIO_BUFFERS);
}

static void believes_no_wrong_answer(void **state)
{
	static const uint32_t wrong[][2] = {{VIRTIO_BUFFERS, ~0u}, {1, ~0u}, {~1u, ~0u}, {~0u, PIECE + 1}};
	unsigned int buffer = 99;
	uint32_t bytes = 99;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		(void)started(NULL);
		fake.seen = 0;
		assert_int_equal(virtio_give(&arena.v, 0, arena.piece[0], PIECE), 0);
		fake_fill(1, 4, wrong[i][0], wrong[i][1]);
		assert_int_equal(virtio_take(&arena.v, &buffer, &bytes), -RV_EIO);
	}
	/* More than it was given, and the same one twice. */
	(void)started(NULL);
	arena.v.queue.used.count = VIRTIO_BUFFERS + 1;
	assert_int_equal(virtio_take(&arena.v, &buffer, &bytes), -RV_EIO);
	(void)started(NULL);
	assert_int_equal(virtio_give(&arena.v, 0, arena.piece[0], PIECE), 0);
	fake_fill(1, 4, ~0u, ~0u);
	assert_int_equal(virtio_take(&arena.v, &buffer, &bytes), 0);
	arena.v.queue.used.filled[1].buffer = 0;
	arena.v.queue.used.count = 2;
	assert_int_equal(virtio_take(&arena.v, &buffer, &bytes), -RV_EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(opens_only_its_device, setup),
	    cmocka_unit_test_setup(starts_as_specified, started),
	    cmocka_unit_test_setup(refuses_a_device_that_it_cannot_use, setup),
	    cmocka_unit_test_setup(gets_buffers_filled, started),
	    cmocka_unit_test_setup(gives_only_what_it_has, started),
	    cmocka_unit_test_setup(believes_no_wrong_answer, started),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
