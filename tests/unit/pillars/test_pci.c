/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_pci.c - the PCI pillar and the interrupt pillar: ids, the copy of configuration space (which the guest may have filled with anything),
 * BARs and their ends, MSI-X entries, DMA addresses.
 */
#include "fake_io.h"

#include <interrupt/interrupt.h>
#include <pci/pci.h>

#define MSIX_AT 0x70u
#define BAR_BYTES 4096u

static struct rv_fimce_devices devices;
static struct rv_fimce_device *d; /* the second of them */
static uint32_t registers[BAR_BYTES / 4];
static uint32_t order[8]; /* word offsets of what was written */
static unsigned int writes;

uint64_t interrupt_handler_word;

void rv_io_write32(volatile void *address, uint32_t value)
{
	size_t at = (size_t)((volatile uint32_t *)address - registers);

	assert_true(at < BAR_BYTES / 4);
	registers[at] = value;
	if (writes < 8)
		order[writes] = (uint32_t)at;
	writes++;
}

static void put(uint32_t at, uint32_t value, unsigned int bytes)
{
	memcpy(d->config + at, &value, bytes);
}

static int setup(void **state)
{
	(void)state;
	memset(&devices, 0, sizeof(devices));
	memset(registers, 0xee, sizeof(registers));
	writes = 0;
	devices.count = 3;
	for (uint32_t i = 0; i < 3; i++) {
		devices.device[i].grant = 2 * i;
		devices.device[i].config[0] = 0x34;
		devices.device[i].config[1] = 0x12;
		devices.device[i].config[2] = 0xe8;
		devices.device[i].config[3] = i == 0 ? 0x10 : 0x11;
	}
	d = &devices.device[1];
	put(0x06, 0x10, 2);
	put(0x34, 0x50, 1);
	put(0x50, 0x0005 | 0x60 << 8, 2);
	put(0x60, 0x0001 | (MSIX_AT | 3) << 8, 2);
	put(MSIX_AT, 0x0011, 2);
	put(MSIX_AT + 2, 3, 2); /* four entries */
	put(MSIX_AT + 4, 0x800 | 2, 4);
	d->msi_address = 0x1fee01018ull;
	d->msi_data = 0x4321;
	d->bar[0] = (struct rv_fimce_bar){0xc000, 32, 1};
	d->bar[2] = (struct rv_fimce_bar){(uint64_t)(uintptr_t)registers, BAR_BYTES, 0};
	return 0;
}

static void finds_devices(void **state)
{
	(void)state;
	assert_ptr_equal(pci_find(&devices, 0x1234, 0x11e8, 0), &devices.device[1]);
	assert_ptr_equal(pci_find(&devices, 0x1234, 0x11e8, 1), &devices.device[2]);
	assert_null(pci_find(&devices, 0x1234, 0x11e8, 2));
	assert_null(pci_find(&devices, 0x8086, 0x11e8, 0));
	assert_ptr_equal(pci_find_grant(&devices, 4), &devices.device[2]);
	assert_null(pci_find_grant(&devices, 1));
	devices.count = 0;
	assert_null(pci_find(&devices, 0x1234, 0x11e8, 0));
	assert_null(pci_find_grant(&devices, 0));
}

static void reads_configuration(void **state)
{
	(void)state;
	assert_int_equal(pci_config_read(d, 0, 4), 0x11e81234);
	assert_int_equal(pci_config_read(d, 2, 2), 0x11e8);
	assert_int_equal(pci_config_read(d, 3, 1), 0x11);
	assert_int_equal(pci_config_read(d, 252, 4), 0);
	assert_int_equal(pci_config_read(d, 1, 2), ~0u);
	assert_int_equal(pci_config_read(d, 2, 4), ~0u);
	assert_int_equal(pci_config_read(d, 256, 1), ~0u);
	assert_int_equal(pci_config_read(d, 0xfffffffc, 4), ~0u);
	assert_int_equal(pci_config_read(d, 0, 3), ~0u);
	assert_int_equal(pci_config_read(d, 0, 8), ~0u);
}

static void walks_capabilities(void **state)
{
	(void)state;
	assert_int_equal(pci_capability_find(d, PCI_CAPABILITY_MSI, 0), 0x50);
	assert_int_equal(pci_capability_find(d, PCI_CAPABILITY_MSIX, 0), MSIX_AT);
	assert_int_equal(pci_capability_find(d, 0x10, 0), 0);
	assert_int_equal(pci_capability_find(d, 0x01, 0), 0x60);
	assert_int_equal(pci_capability_find(d, 0x01, 1), 0);
	/* Another one of the same kind; a ring, in which each is found as often as it is met, but not for ever. */
	put(0x60, 0x0005, 1);
	assert_int_equal(pci_capability_find(d, PCI_CAPABILITY_MSI, 1), 0x60);
	assert_int_equal(pci_capability_find(d, PCI_CAPABILITY_MSI, 2), 0);
	put(MSIX_AT + 1, 0x50, 1);
	assert_int_equal(pci_capability_find(d, PCI_CAPABILITY_MSIX, 15), MSIX_AT);
	assert_int_equal(pci_capability_find(d, PCI_CAPABILITY_MSIX, 16), 0);
	put(0x60, 0x0001, 1);
	/* A ring, a pointer into the standard header, no list. */
	put(MSIX_AT + 1, 0x50, 1);
	assert_int_equal(pci_capability_find(d, 0x10, 0), 0);
	put(0x61, 0x04, 1);
	assert_int_equal(pci_capability_find(d, PCI_CAPABILITY_MSIX, 0), 0);
	put(0x06, 0, 2);
	assert_int_equal(pci_capability_find(d, PCI_CAPABILITY_MSI, 0), 0);
}

static void keeps_inside_bars(void **state)
{
	uint8_t *base = (uint8_t *)registers;
	uint16_t port = 0;

	(void)state;
	assert_ptr_equal(pci_bar_memory(d, 2, 0, BAR_BYTES), base);
	assert_ptr_equal(pci_bar_memory(d, 2, 4092, 4), base + 4092);
	assert_ptr_equal(pci_bar_memory(d, 2, 4096, 0), base + 4096);
	assert_null(pci_bar_memory(d, 2, 4093, 4));
	assert_null(pci_bar_memory(d, 2, 4097, 0));
	assert_null(pci_bar_memory(d, 2, UINT64_MAX, 4));
	assert_null(pci_bar_memory(d, 2, 4, UINT64_MAX));
	assert_null(pci_bar_memory(d, 1, 0, 1));
	assert_null(pci_bar_memory(d, 0, 0, 1));
	assert_null(pci_bar_memory(d, 6, 0, 1));
	assert_null(pci_bar_memory(d, UINT32_MAX, 0, 1));
	assert_true(pci_bar_port(d, 0, 16, 16, &port));
	assert_int_equal(port, 0xc010);
	port = 7;
	assert_false(pci_bar_port(d, 0, 17, 16, &port));
	assert_false(pci_bar_port(d, 0, 0, UINT32_MAX, &port));
	assert_false(pci_bar_port(d, 2, 0, 1, &port));
	assert_false(pci_bar_port(d, 6, 0, 1, &port));
	assert_int_equal(port, 7);
}

static void sets_msix(void **state)
{
	const uint32_t *entry = registers + (0x800 + 2 * 16) / 4;

	(void)state;
	assert_int_equal(pci_msix_set(d, 2), 0);
	assert_int_equal(entry[0], 0xfee01018);
	assert_int_equal(entry[1], 1);
	assert_int_equal(entry[2], 0x4321);
	assert_int_equal(entry[3], 0);
	/* Masked first, unmasked last. */
	assert_int_equal(writes, 5);
	assert_int_equal(order[0], entry + 3 - registers);
	assert_int_equal(order[4], entry + 3 - registers);
	assert_int_equal(pci_msix_mask(d, 2), 0);
	assert_int_equal(entry[3], 1);

	assert_int_equal(pci_msix_set(d, 4), -RV_EINVAL);
	put(MSIX_AT + 4, 0x800 | 1, 4);
	assert_int_equal(pci_msix_set(d, 0), -RV_EFAULT);
	put(MSIX_AT + 4, (BAR_BYTES - 16) | 2, 4);
	assert_int_equal(pci_msix_set(d, 0), 0);
	assert_int_equal(pci_msix_set(d, 1), -RV_EFAULT);
	put(MSIX_AT + 4, 0xfffffff8 | 2, 4);
	assert_int_equal(pci_msix_set(d, 3), -RV_EFAULT);
	put(MSIX_AT + 4, 0x800 | 7, 4);
	assert_int_equal(pci_msix_mask(d, 0), -RV_EFAULT);
	/* The capability at the very end of configuration space. */
	put(0x34, 0xfc, 1);
	put(0xfc, 0x0011, 2);
	assert_int_equal(pci_msix_set(d, 0), -RV_ENODEV);
	(void)setup(NULL);
	d->msi_address = 0;
	assert_int_equal(pci_msix_set(d, 0), -RV_ENODEV);
	(void)setup(NULL);
	put(0x06, 0, 2);
	assert_int_equal(pci_msix_set(d, 0), -RV_ENODEV);
	assert_int_equal(writes, 0);
}

static bool reaches(uint64_t va, size_t bytes, uint64_t *address)
{
	static const struct rv_fimce_param param = {.input_bytes = 100, .output_bytes = 4096, .load_bytes = 8192};

	return pci_dma_address(&param, (const volatile void *)(uintptr_t)va, bytes, address);
}

static void knows_what_dma_reaches(void **state)
{
	uint64_t address = 1;

	(void)state;
	assert_true(reaches(RV_FIMCE_INPUT + 16, 84, &address));
	assert_int_equal(address, 0x1000010);
	assert_true(reaches(RV_FIMCE_OUTPUT, 4096, &address));
	assert_int_equal(address, 0x2000000);
	assert_true(reaches(RV_FIMCE_LOAD + 8191, 1, &address));
	assert_int_equal(address, 0x4001fff);
	address = 1;
	assert_false(reaches(RV_FIMCE_INPUT + 16, 85, &address));
	assert_false(reaches(RV_FIMCE_INPUT - 1, 1, &address));
	assert_false(reaches(RV_FIMCE_OUTPUT, SIZE_MAX, &address));
	assert_false(reaches(RV_FIMCE_STACK_TOP - 8, 8, &address));
	assert_false(reaches(RV_FIMCE_MAILBOX, 8, &address));
	assert_int_equal(address, 1);
}

static volatile bool flag;

static void handler(void)
{
	flag = true;
}

static void waits_for_interrupts(void **state)
{
	uint64_t begin;

	(void)state;
	interrupt_enable(handler);
	assert_int_equal(fake_interrupts, 1);
	assert_int_equal(interrupt_handler_word, (uintptr_t)handler);
	flag = false;
	begin = fake_now;
	assert_false(interrupt_wait(&flag, TICKS));
	assert_in_range(fake_now - begin, TICKS, TICKS + 100);
	handler();
	begin = fake_now;
	assert_true(interrupt_wait(&flag, TICKS));
	assert_true(fake_now - begin < 100);
	interrupt_disable();
	assert_int_equal(fake_interrupts, 0);
	assert_int_equal(interrupt_handler_word, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(finds_devices, setup),
	    cmocka_unit_test_setup(reads_configuration, setup),
	    cmocka_unit_test_setup(walks_capabilities, setup),
	    cmocka_unit_test_setup(keeps_inside_bars, setup),
	    cmocka_unit_test_setup(sets_msix, setup),
	    cmocka_unit_test_setup(knows_what_dma_reaches, setup),
	    cmocka_unit_test_setup(waits_for_interrupts, setup),
	};

	return cmocka_run_group_tests_name("pillars/pci", tests, NULL, NULL);
}
