/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pci.c - the PCI functions that a FIMCE has: see pci.h. Chapters are those of the PCI Local Bus Specification 3.0.
 */
#include <io/io.h>
#include <pci/pci.h>

#define CONFIG_BYTES 256u
#define CONFIG_VENDOR 0x00u
#define CONFIG_DEVICE 0x02u

/* MSI-X: 6.8.2 */
#define MSIX_TABLE 4u
#define MSIX_SIZE 0x7ffu
#define MSIX_BIR 7u
#define MSIX_ENTRY_BYTES 16u
#define MSIX_ENTRY_DATA 8u
#define MSIX_ENTRY_CONTROL 12u
#define MSIX_MASKED 1u

const struct rv_fimce_device *pci_find(const struct rv_fimce_devices *all, uint16_t vendor, uint16_t device,
				       unsigned int nth)
{
	for (uint32_t i = 0; i < all->count && i < RV_MAX_GRANTS; i++) {
		const struct rv_fimce_device *d = &all->device[i];

		if (pci_config_read(d, CONFIG_VENDOR, 2) == vendor && pci_config_read(d, CONFIG_DEVICE, 2) == device &&
		    nth-- == 0)
			return d;
	}
	return NULL;
}

const struct rv_fimce_device *pci_find_grant(const struct rv_fimce_devices *all, uint32_t grant)
{
	for (uint32_t i = 0; i < all->count && i < RV_MAX_GRANTS; i++) {
		if (all->device[i].grant == grant)
			return &all->device[i];
	}
	return NULL;
}

uint32_t pci_config_read(const struct rv_fimce_device *d, uint32_t offset, uint32_t bytes)
{
	uint32_t value = 0;

	if ((bytes != 1 && bytes != 2 && bytes != 4) || offset % bytes != 0 || offset > CONFIG_BYTES - bytes)
		return ~0u;
	for (uint32_t i = bytes; i > 0; i--)
		value = value << 8 | d->config[offset + i - 1];
	return value;
}

uint32_t pci_capability_find(const struct rv_fimce_device *d, uint8_t id, unsigned int nth)
{
	uint32_t at = PCI_CAPABILITIES - 1;

	if (!(pci_config_read(d, PCI_STATUS, 2) & PCI_STATUS_CAPABILITIES))
		return 0;
	for (unsigned int i = 0; i < PCI_CAPABILITIES_MAX; i++) {
		/* 6.7: the lowest two bits are reserved. */
		at = pci_config_read(d, at + 1, 1) & ~3u;
		if (at < PCI_HEADER_END)
			return 0;
		if (pci_config_read(d, at, 1) == id && nth-- == 0)
			return at;
	}
	return 0;
}

/** A BAR that is there and of the wanted kind, or NULL. */
static const struct rv_fimce_bar *pci_bar_find(const struct rv_fimce_device *d, unsigned int bar, uint32_t is_port)
{
	if (bar >= sizeof(d->bar) / sizeof(d->bar[0]) || d->bar[bar].address == 0 || d->bar[bar].is_port != is_port)
		return NULL;
	return &d->bar[bar];
}

volatile uint8_t *pci_bar_memory(const struct rv_fimce_device *d, unsigned int bar, uint64_t offset, uint64_t bytes)
{
	const struct rv_fimce_bar *b = pci_bar_find(d, bar, 0);

	if (!b || offset > b->bytes || bytes > b->bytes - offset)
		return NULL;
	return (volatile uint8_t *)(uintptr_t)(b->address + offset);
}

bool pci_bar_port(const struct rv_fimce_device *d, unsigned int bar, uint32_t offset, uint32_t count, uint16_t *port)
{
	const struct rv_fimce_bar *b = pci_bar_find(d, bar, 1);

	if (!b || offset > b->bytes || count > b->bytes - offset)
		return false;
	*port = (uint16_t)(b->address + offset);
	return true;
}

/** Finds an entry of the MSI-X table. Errors as pci_msix_set. */
static int pci_msix_entry(const struct rv_fimce_device *d, unsigned int entry, volatile uint8_t **place)
{
	uint32_t at = pci_capability_find(d, PCI_CAPABILITY_MSIX, 0);
	uint32_t table = pci_config_read(d, at + MSIX_TABLE, 4);

	if (at == 0 || at > CONFIG_BYTES - MSIX_ENTRY_CONTROL || d->msi_address == 0)
		return -RV_ENODEV;
	if (entry > (pci_config_read(d, at + PCI_MSI_CONTROL, 2) & MSIX_SIZE))
		return -RV_EINVAL;
	*place = pci_bar_memory(d, table & MSIX_BIR, (table & ~MSIX_BIR) + (uint64_t)entry * MSIX_ENTRY_BYTES,
				MSIX_ENTRY_BYTES);
	return *place ? 0 : -RV_EFAULT;
}

int pci_msix_mask(const struct rv_fimce_device *d, unsigned int entry)
{
	volatile uint8_t *place;
	int error = pci_msix_entry(d, entry, &place);

	if (!error)
		rv_io_write32(place + MSIX_ENTRY_CONTROL, MSIX_MASKED);
	return error;
}

int pci_msix_set(const struct rv_fimce_device *d, unsigned int entry)
{
	volatile uint8_t *place;
	int error = pci_msix_entry(d, entry, &place);

	if (error)
		return error;
	/* 6.8.2.9: an entry is changed while it is masked. */
	rv_io_write32(place + MSIX_ENTRY_CONTROL, MSIX_MASKED);
	rv_io_write32(place, (uint32_t)d->msi_address);
	rv_io_write32(place + 4, (uint32_t)(d->msi_address >> 32));
	rv_io_write32(place + MSIX_ENTRY_DATA, d->msi_data);
	rv_io_write32(place + MSIX_ENTRY_CONTROL, 0);
	return 0;
}
