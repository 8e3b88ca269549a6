/* SPDX-License-Identifier: GPL-2.0-only */
/* pci.c - see pci.h. */
#include <agent/pci.h>
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

/* The upper bits are those of what follows. */
static uint32_t word(const uint8_t config[PCI_CONFIG_BYTES], uint32_t offset)
{
	uint32_t value;

	memcpy(&value, &config[offset & 0xfc], sizeof(value));
	return value >> 8 * (offset & 3);
}

/* As the guest had it. */
static uint32_t saved(const struct device *d, uint32_t offset)
{
	return word(d->shown.config, offset);
}

/* Where the last capability of this kind is; 0: there is none. */
static uint32_t capability(const uint8_t config[PCI_CONFIG_BYTES], uint32_t id)
{
	uint32_t at = word(config, PCI_COMMAND) & STATUS_CAPABILITIES ? config[PCI_CAPABILITIES] & 0xfcu : 0, found = 0;

	for (uint32_t n = 0; n < PCI_CAPABILITIES_MAX && at >= PCI_HEADER_END; n++, at = config[at + 1] & 0xfcu) {
		if (config[at] == id)
			found = at;
	}
	return found;
}

static uint32_t saved_capability(const struct device *d, uint32_t id)
{
	return capability(d->shown.config, id);
}

/* A single function whose requests bear its own id. */
static bool is_plain(uint16_t source_id, const uint8_t config[PCI_CONFIG_BYTES])
{
	uint32_t express = capability(config, CAPABILITY_EXPRESS), type = EXPRESS_TYPE(word(config, express));

	/* The header type's bit 7 tells of further functions, and an endpoint has type 0. */
	if ((source_id & 7) != 0 || (word(config, PCI_HEADER_TYPE) & 0xff) != 0)
		return false;
	/* Endpoint, old endpoint, endpoint of the root complex. What is no PCI Express function has its own id on bus 0 only. */
	return express != 0 ? type == 0 || type == 1 || type == 9 : source_id >> 8 == 0;
}

static int64_t refuse(struct agent_pci *to, int64_t error, uint32_t reason, uint64_t value)
{
	to->reason = reason;
	to->value = value;
	return error;
}

int64_t pci_look(const struct device *d, struct agent_pci *to)
{
	uint8_t *config = to->config;
	uint32_t express;

	for (uint32_t at = 0; at < PCI_CONFIG_BYTES; at += 4) {
		uint32_t value = config_read(d, at);

		memcpy(&config[at], &value, sizeof(value));
	}
	express = capability(config, CAPABILITY_EXPRESS);
	to->can_reset = express != 0 && (word(config, express + EXPRESS_CAPABILITIES) & EXPRESS_CAN_RESET) != 0;
	if (word(config, 0) != d->id || d->id == ~0u)
		return refuse(to, -RV_ENODEV, RV_REASON_DEVICE_ID, word(config, 0));
	if (!is_plain(d->source_id, config))
		return refuse(to, -RV_EINVAL, RV_REASON_DEVICE_KIND, d->source_id);
	if (!d->cleaned && !to->can_reset)
		return refuse(to, -RV_EINVAL, RV_REASON_DEVICE_RESET, d->source_id);
	if (d->interrupt && capability(config, PCI_CAPABILITY_MSI) == 0 && capability(config, PCI_CAPABILITY_MSIX) == 0)
		return refuse(to, -RV_EINVAL, RV_REASON_DEVICE_INTERRUPT, d->source_id);
	return 0;
}

void pci_quiet(const struct device *d)
{
	uint32_t msi = saved_capability(d, PCI_CAPABILITY_MSI), msix = saved_capability(d, PCI_CAPABILITY_MSIX);

	config_write(d, PCI_COMMAND, COMMAND_NO_INTX);
	if (msi != 0)
		config_write(d, msi, saved(d, msi) & ~MSI_ENABLE);
	if (msix != 0)
		config_write(d, msix, saved(d, msix) & ~MSIX_ENABLE);
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

/* @return whether it is a 64-bit BAR, of which the next one is a part. What can't be is shown as 1 byte. */
static bool bar_size(const struct device *d, uint32_t i, struct agent_bar *to)
{
	uint32_t offset = PCI_BAR + 4 * i, value = saved(d, offset), low = bar_mask(d, offset);
	uint64_t mask = 0xffffffff00000000ull | (low & ~15u);
	bool is_64 = BAR_64(value);

	*to = (struct agent_bar){.base = value & (value & BAR_PORT ? 0xfffcu : ~15u), .is_port = value & BAR_PORT};
	if (low == 0)
		return is_64;
	if (to->is_port) {
		to->bytes = 0x10000u - (low & 0xfffcu);
		return false;
	}
	if (is_64 && i + 1 < PCI_BARS) {
		to->base |= (uint64_t)saved(d, offset + 4) << 32;
		mask = (uint64_t)bar_mask(d, offset + 4) << 32 | (low & ~15u);
	}
	to->bytes = mask == 0 || (is_64 && i + 1 == PCI_BARS) ? 1 : ~mask + 1;
	return is_64;
}

void pci_size(const struct device *d, struct agent_pci *to)
{
	pci_quiet(d);
	for (uint32_t i = 0; i < PCI_BARS; i++) {
		if (bar_size(d, i, &to->bar[i]))
			i++;
	}
}

void pci_reset(const struct device *d)
{
	uint32_t control = saved_capability(d, CAPABILITY_EXPRESS) + EXPRESS_CONTROL;
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
static uint32_t msi_end(const struct device *d, uint32_t msi)
{
	uint32_t first = saved(d, msi);

	return msi + 12u + (first & MSI_64 ? 4 : 0) + (first & MSI_MASKS ? 4 : 0);
}

void pci_start(const struct device *d)
{
	uint32_t msi = saved_capability(d, PCI_CAPABILITY_MSI), msix = saved_capability(d, PCI_CAPABILITY_MSIX);
	uint32_t address = (uint32_t)d->shown.msi_address;

	header_restore(d);
	if (address != 0 && msi != 0) {
		config_write(d, msi + 4, address);
		for (uint32_t at = msi + 8; at < msi_end(d, msi); at += 4)
			config_write(d, at, 0);
		config_write(d, msi, (saved(d, msi) & ~MSI_MULTIPLE) | MSI_ENABLE);
	} else if (address != 0) {
		config_write(d, msix, (saved(d, msix) & ~MSIX_MASK) | MSIX_ENABLE);
	}
	config_write(d, PCI_COMMAND, COMMAND_NO_INTX | COMMAND_DECODE);
}

void pci_master(const struct device *d)
{
	config_write(d, PCI_COMMAND, COMMAND_NO_INTX | COMMAND_DECODE | COMMAND_MASTER);
}

void pci_give_back(const struct device *d)
{
	uint32_t msi = saved_capability(d, PCI_CAPABILITY_MSI), msix = saved_capability(d, PCI_CAPABILITY_MSIX);

	header_restore(d);
	config_write(d, PCI_ROM, saved(d, PCI_ROM));
	/* The enable bit is in the first word. */
	for (uint32_t at = msi != 0 ? msi_end(d, msi) : 0; at > msi; at -= 4)
		config_write(d, at - 4, saved(d, at - 4));
	if (msix != 0)
		config_write(d, msix, saved(d, msix));
	config_write(d, PCI_COMMAND, saved(d, PCI_COMMAND) & 0xffff);
}
