/* SPDX-License-Identifier: GPL-2.0-only */
/* pci.c - see pci.h. */
#include <hv/hv.h>
#include <hv/pci.h>
#include <hv/x86/regs.h>

/* Above the command register stands the status register, in which zeros change nothing; the same goes for EXPRESS_CONTROL. */
#define COMMAND_DECODE 3u /* ports, memory */
#define COMMAND_MASTER 4u
#define COMMAND_NO_INTX (1u << 10)
#define STATUS_CAPABILITIES (1u << 20)
#define PCI_CACHE_LINE 0x0cu
#define BAR_PORT 1u
#define BAR_64(value) (((value)&7) == 4)
#define PCI_ROM 0x30u

#define MSI_ENABLE (1u << 16)
#define MSI_MULTIPLE (7u << 20)
#define MSI_64 (1u << 23)
#define MSI_MASKS (1u << 24)
#define CAPABILITY_EXPRESS 0x10u
#define EXPRESS_TYPE(first) ((first) >> 20 & 15)
#define EXPRESS_CAPABILITIES 4u
#define EXPRESS_CAN_RESET (1u << 28)
#define EXPRESS_CONTROL 8u /* and status, as above */
#define EXPRESS_RESET (1u << 15)
#define EXPRESS_PENDING (1u << 21)
#define MSIX_ENABLE (1u << 31)
#define MSIX_MASK (1u << 30)
#define PENDING_PATIENCE_US 1000u

static uint32_t address_set(uint16_t source_id, uint32_t offset)
{
	uint32_t before = inl(PCI_ADDRESS);

	outl(PCI_ADDRESS, PCI_ENABLE | (uint32_t)source_id << 8 | (offset & 0xfc));
	return before;
}

static uint32_t config_read(const struct device *d, uint32_t offset)
{
	uint32_t before = address_set(d->source_id, offset), value = inl(PCI_DATA);

	outl(PCI_ADDRESS, before);
	return value;
}

static void config_write(const struct device *d, uint32_t offset, uint32_t value)
{
	uint32_t before = address_set(d->source_id, offset);

	outl(PCI_DATA, value);
	outl(PCI_ADDRESS, before);
}

/* As the guest had it; the upper bits are those of what follows. */
static uint32_t saved(const struct device *d, uint32_t offset)
{
	uint32_t value;

	memcpy(&value, &d->shown.config[offset & 0xfc], sizeof(value));
	return value >> 8 * (offset & 3);
}

void pci_probe(struct device *d)
{
	uint8_t *config = d->shown.config;
	uint32_t value, at;

	for (at = 0; at < sizeof(d->shown.config); at += sizeof(value)) {
		value = config_read(d, at);
		memcpy(&config[at], &value, sizeof(value));
	}
	if (!(saved(d, PCI_COMMAND) & STATUS_CAPABILITIES))
		return;
	at = config[PCI_CAPABILITIES] & 0xfcu;
	for (uint32_t n = 0; n < PCI_CAPABILITIES_MAX && at >= PCI_HEADER_END; n++, at = config[at + 1] & 0xfcu) {
		if (config[at] == PCI_CAPABILITY_MSI)
			d->msi = (uint8_t)at;
		else if (config[at] == CAPABILITY_EXPRESS)
			d->express = (uint8_t)at;
		else if (config[at] == PCI_CAPABILITY_MSIX)
			d->msix = (uint8_t)at;
	}
}

uint32_t pci_id(const struct device *d)
{
	return saved(d, 0);
}

bool pci_is_plain(const struct device *d)
{
	uint32_t type = EXPRESS_TYPE(saved(d, d->express));

	/* The header type's bit 7 tells of further functions, and an endpoint has type 0. */
	if ((d->source_id & 7) != 0 || (saved(d, PCI_HEADER_TYPE) & 0xff) != 0)
		return false;
	/* Endpoint, old endpoint, endpoint of the root complex. What is no PCI Express function has its own id on bus 0 only. */
	return d->express != 0 ? type == 0 || type == 1 || type == 9 : d->source_id >> 8 == 0;
}

void pci_quiet(const struct device *d)
{
	config_write(d, PCI_COMMAND, COMMAND_NO_INTX);
	if (d->msi != 0)
		config_write(d, d->msi, saved(d, d->msi) & ~MSI_ENABLE);
	if (d->msix != 0)
		config_write(d, d->msix, saved(d, d->msix) & ~MSIX_ENABLE);
	config_write(d, PCI_ROM, 0);
}

/* The bits of a BAR that can be 1. */
static uint32_t bar_mask(const struct device *d, uint32_t offset)
{
	uint32_t mask;

	config_write(d, offset, ~0u);
	mask = config_read(d, offset);
	config_write(d, offset, saved(d, offset));
	return mask;
}

uint64_t pci_bar(const struct device *d, uint32_t i, uint64_t *base, bool *is_port, bool *is_64)
{
	uint32_t offset = PCI_BAR + 4 * i, value = saved(d, offset), low = bar_mask(d, offset);
	uint64_t mask = 0xffffffff00000000ull | (low & ~15u);

	*is_port = (value & BAR_PORT) != 0;
	*is_64 = BAR_64(value);
	*base = value & (*is_port ? 0xfffcu : ~15u);
	if (low == 0)
		return 0;
	if (*is_port)
		return 0x10000u - (low & 0xfffcu);
	if (*is_64) {
		if (i + 1 == PCI_BARS)
			return 1;
		*base |= (uint64_t)saved(d, offset + 4) << 32;
		mask = (uint64_t)bar_mask(d, offset + 4) << 32 | (low & ~15u);
	}
	return mask == 0 ? 1 : ~mask + 1;
}

bool pci_can_reset(const struct device *d)
{
	return d->express != 0 && (saved(d, d->express + EXPRESS_CAPABILITIES) & EXPRESS_CAN_RESET);
}

void pci_reset(const struct device *d)
{
	uint32_t control = d->express + EXPRESS_CONTROL;
	uint64_t end = rdtsc() + PENDING_PATIENCE_US * hv.launch.tsc_khz / 1000;

	/* Answers that are still under way would meet the function after its reset. */
	while ((config_read(d, control) & EXPRESS_PENDING) && rdtsc() < end)
		cpu_pause();
	config_write(d, control, (saved(d, control) & 0xffff) | EXPRESS_RESET);
}

/* The header as it was, but for command register and ROM. */
static void header_restore(const struct device *d)
{
	for (uint32_t at = PCI_CACHE_LINE; at < PCI_HEADER_END; at += 4) {
		if (at != PCI_ROM)
			config_write(d, at, saved(d, at));
	}
}

/* With upper address and mask bits, if it has them. */
static uint32_t msi_end(const struct device *d)
{
	uint32_t first = saved(d, d->msi);

	return d->msi + 12u + (first & MSI_64 ? 4 : 0) + (first & MSI_MASKS ? 4 : 0);
}

void pci_start(const struct device *d, uint32_t msi)
{
	header_restore(d);
	if (msi != 0 && d->msi != 0) {
		config_write(d, d->msi + 4u, msi);
		for (uint32_t at = d->msi + 8u; at < msi_end(d); at += 4)
			config_write(d, at, 0);
		config_write(d, d->msi, (saved(d, d->msi) & ~MSI_MULTIPLE) | MSI_ENABLE);
	} else if (msi != 0) {
		config_write(d, d->msix, (saved(d, d->msix) & ~MSIX_MASK) | MSIX_ENABLE);
	}
	config_write(d, PCI_COMMAND, COMMAND_NO_INTX | COMMAND_DECODE);
}

void pci_master(const struct device *d)
{
	config_write(d, PCI_COMMAND, COMMAND_NO_INTX | COMMAND_DECODE | COMMAND_MASTER);
}

void pci_give_back(const struct device *d)
{
	header_restore(d);
	config_write(d, PCI_ROM, saved(d, PCI_ROM));
	/* The enable bit is in the first word. */
	for (uint32_t at = d->msi != 0 ? msi_end(d) : 0; at > d->msi; at -= 4)
		config_write(d, at - 4, saved(d, at - 4));
	if (d->msix != 0)
		config_write(d, d->msix, saved(d, d->msix));
	config_write(d, PCI_COMMAND, saved(d, PCI_COMMAND) & 0xffff);
}
