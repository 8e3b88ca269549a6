/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * harness_edu.c - gives QEMU's edu to a case, as the hypervisor would, but without a remapping unit: DMA addresses are physical ones. See
 * harness.h.
 */
#include "harness.h"

#include "../lib/edu.h"

#include <ravelin/fimce.h>
#include <ravelin/pci.h>

#define COMMAND_MEMORY_MASTER 0x6u
#define MSI_ENABLE 0x10000u
#define MSI_64 0x800000u
#define MSI_ADDRESS 0xfee00000u /* fixed, to the CPU with APIC id 0: Intel SDM vol. 3, 11.11.1 */

static uint32_t config_read(uint32_t device, uint32_t at)
{
	harness_out32(PCI_ADDRESS, PCI_ENABLE | device << 11 | at);
	return harness_in32(PCI_DATA);
}

static void config_write(uint32_t device, uint32_t at, uint32_t value)
{
	harness_out32(PCI_ADDRESS, PCI_ENABLE | device << 11 | at);
	harness_out32(PCI_DATA, value);
}

uint64_t harness_edu_open(struct rv_fimce_devices *page)
{
	struct rv_fimce_device *d = &page->device[0];
	uint32_t device = 0;
	uint32_t bar;

	while (device < 32 && config_read(device, 0) != EDU_IDS)
		device++;
	if (device == 32)
		return 0;
	bar = config_read(device, 0x10) & ~15u;
	config_write(device, 4, config_read(device, 4) | COMMAND_MEMORY_MASTER);
	for (uint32_t at = config_read(device, 0x34) & 0xfc; at != 0; at = config_read(device, at) >> 8 & 0xfc) {
		uint32_t head = config_read(device, at);

		if ((head & 0xff) != PCI_CAPABILITY_MSI)
			continue;
		config_write(device, at + 4, MSI_ADDRESS);
		config_write(device, at + 8, head & MSI_64 ? 0 : RV_FIMCE_VECTOR);
		if (head & MSI_64)
			config_write(device, at + 12, RV_FIMCE_VECTOR);
		config_write(device, at, head | MSI_ENABLE);
	}
	page->count = 1;
	d->grant = 0;
	d->source_id = device << 3;
	d->msi_address = MSI_ADDRESS;
	d->msi_data = RV_FIMCE_VECTOR;
	d->bar[0].address = RV_FIMCE_BARS;
	d->bar[0].bytes = HARNESS_EDU_BYTES;
	for (uint32_t at = 0; at < sizeof(d->config); at += 4) {
		uint32_t value = config_read(device, at);

		for (uint32_t i = 0; i < 4; i++)
			d->config[at + i] = (uint8_t)(value >> 8 * i);
	}
	return bar;
}
