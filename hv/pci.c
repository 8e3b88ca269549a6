/* SPDX-License-Identifier: GPL-2.0-only */
/* pci.c - see pci.h. */
#include <hv/hv.h>
#include <hv/pci.h>
#include <hv/x86/regs.h>

#define PCI_COMMAND 0x04u
#define COMMAND_DECODE_MASTER 7u /* ports, memory, bus master */
#define COMMAND_NO_INTX (1u << 10)
#define PCI_STATUS 0x06u
#define STATUS_CAPABILITIES (1u << 4)
#define PCI_CACHE_LINE 0x0cu /* and latency timer */
#define PCI_HEADER_TYPE 0x0eu
#define PCI_BAR 0x10u
#define BAR_PORT 1u
#define BAR_64(value) (((value)&7) == 4)
#define PCI_ROM 0x30u
#define PCI_CAPABILITIES 0x34u
#define PCI_HEADER_END 0x40u
#define CAPABILITIES_MAX 48u

#define CAPABILITY_MSI 0x05u
#define MSI_CONTROL 2u
#define MSI_ENABLE 1u
#define MSI_MULTIPLE (7u << 4)
#define MSI_64 (1u << 7)
#define MSI_MASKS (1u << 8)
#define CAPABILITY_EXPRESS 0x10u
#define EXPRESS_TYPE(flags) ((flags) >> 4 & 15)
#define EXPRESS_CAPABILITIES 4u
#define EXPRESS_CAN_RESET (1u << 28)
#define EXPRESS_CONTROL 8u
#define EXPRESS_RESET (1u << 15)
#define EXPRESS_PENDING (1u << 21) /* of the status, above the control */
#define CAPABILITY_MSIX 0x11u
#define MSIX_ENABLE (1u << 15)
#define MSIX_MASK (1u << 14)
#define CAPABILITY_ADVANCED 0x13u
#define ADVANCED_CAN (3u << 24) /* reset, and tell of pending transactions */
#define ADVANCED_CONTROL 4u
#define ADVANCED_RESET 1u
#define ADVANCED_PENDING (1u << 8)
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

static void config_write16(const struct device *d, uint32_t offset, uint32_t value)
{
	uint32_t before = address_set(d->source_id, offset);

	outw((uint16_t)(PCI_DATA + (offset & 2)), (uint16_t)value);
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
	if (!(saved(d, PCI_STATUS) & STATUS_CAPABILITIES))
		return;
	at = config[PCI_CAPABILITIES] & 0xfcu;
	for (uint32_t n = 0; n < CAPABILITIES_MAX && at >= PCI_HEADER_END; n++, at = config[at + 1] & 0xfcu) {
		if (config[at] == CAPABILITY_MSI)
			d->msi = (uint8_t)at;
		else if (config[at] == CAPABILITY_EXPRESS)
			d->express = (uint8_t)at;
		else if (config[at] == CAPABILITY_MSIX)
			d->msix = (uint8_t)at;
		else if (config[at] == CAPABILITY_ADVANCED)
			d->advanced = (uint8_t)at;
	}
}

uint32_t pci_id(const struct device *d)
{
	return saved(d, 0);
}

bool pci_is_plain(const struct device *d)
{
	uint32_t type = EXPRESS_TYPE(saved(d, d->express + 2u));

	/* The header type's bit 7 tells of further functions, and an endpoint has type 0. */
	if ((d->source_id & 7) != 0 || (saved(d, PCI_HEADER_TYPE) & 0xff) != 0)
		return false;
	/* Endpoint, old endpoint, endpoint of the root complex. What is no PCI Express function has its own id on bus 0 only. */
	return d->express != 0 ? type == 0 || type == 1 || type == 9 : d->source_id >> 8 == 0;
}

void pci_quiet(const struct device *d)
{
	config_write16(d, PCI_COMMAND, COMMAND_NO_INTX);
	if (d->msi != 0)
		config_write16(d, d->msi + MSI_CONTROL, saved(d, d->msi + MSI_CONTROL) & ~MSI_ENABLE);
	if (d->msix != 0)
		config_write16(d, d->msix + MSI_CONTROL, saved(d, d->msix + MSI_CONTROL) & ~MSIX_ENABLE);
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
	return (d->express != 0 && (saved(d, d->express + EXPRESS_CAPABILITIES) & EXPRESS_CAN_RESET)) ||
	       (d->advanced != 0 && (saved(d, d->advanced) & ADVANCED_CAN) == ADVANCED_CAN);
}

/* Answers that are still under way would meet the function after its reset. */
static void pending_wait(const struct device *d, uint32_t offset, uint32_t pending)
{
	uint64_t end = rdtsc() + PENDING_PATIENCE_US * hv.launch.tsc_khz / 1000;

	while ((config_read(d, offset) & pending) && rdtsc() < end)
		cpu_pause();
}

void pci_reset(const struct device *d)
{
	uint32_t control = d->express + EXPRESS_CONTROL, advanced = d->advanced + ADVANCED_CONTROL;

	if (!pci_can_reset(d))
		return;
	if (d->express != 0 && (saved(d, d->express + EXPRESS_CAPABILITIES) & EXPRESS_CAN_RESET)) {
		pending_wait(d, control, EXPRESS_PENDING);
		config_write16(d, control, saved(d, control) | EXPRESS_RESET);
	} else {
		pending_wait(d, advanced, ADVANCED_PENDING);
		config_write16(d, advanced, ADVANCED_RESET);
	}
}

void pci_restore(const struct device *d)
{
	config_write16(d, PCI_CACHE_LINE, saved(d, PCI_CACHE_LINE));
	for (uint32_t at = PCI_BAR; at < PCI_HEADER_END; at += 4) {
		if (at != PCI_ROM)
			config_write(d, at, saved(d, at));
	}
}

static void msi_write(const struct device *d, uint32_t control, uint32_t address, uint32_t upper, uint32_t data)
{
	uint32_t at = d->msi + 4u;

	config_write(d, at, address);
	if (control & MSI_64)
		config_write(d, at += 4, upper);
	config_write16(d, at += 4, data);
	if (control & MSI_MASKS)
		config_write(d, at + 4, control & MSI_ENABLE ? 0 : saved(d, at + 4));
	config_write16(d, d->msi + MSI_CONTROL, control);
}

void pci_start(const struct device *d, uint32_t msi)
{
	uint32_t msi_control = saved(d, d->msi + MSI_CONTROL) & ~MSI_MULTIPLE & 0xffff;
	uint32_t msix_control = saved(d, d->msix + MSI_CONTROL) & ~MSIX_MASK & 0xffff;

	pci_restore(d);
	if (msi != 0 && d->msi != 0)
		msi_write(d, msi_control | MSI_ENABLE, msi, 0, 0);
	else if (msi != 0)
		config_write16(d, d->msix + MSI_CONTROL, msix_control | MSIX_ENABLE);
	config_write16(d, PCI_COMMAND, COMMAND_NO_INTX | COMMAND_DECODE_MASTER);
}

void pci_give_back(const struct device *d)
{
	uint32_t control = saved(d, d->msi + MSI_CONTROL) & 0xffff, at = d->msi + 4u;

	pci_restore(d);
	config_write(d, PCI_ROM, saved(d, PCI_ROM));
	if (d->msi != 0 && (control & MSI_64))
		msi_write(d, control, saved(d, at), saved(d, at + 4), saved(d, at + 8));
	else if (d->msi != 0)
		msi_write(d, control, saved(d, at), 0, saved(d, at + 4));
	if (d->msix != 0)
		config_write16(d, d->msix + MSI_CONTROL, saved(d, d->msix + MSI_CONTROL));
	config_write16(d, PCI_COMMAND, saved(d, PCI_COMMAND));
}
