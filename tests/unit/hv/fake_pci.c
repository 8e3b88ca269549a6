/* SPDX-License-Identifier: GPL-2.0-only */
/* fake_pci.c - see fake_pci.h. */
#include "fake_pci.h"

#include <string.h>

#define ADDRESS 0xcf8u
#define DATA 0xcfcu
#define COMMAND 4u
#define STATUS_CAPABILITIES (1u << 20)
#define RESET_TICKS (100 * hv.launch.tsc_khz)

struct fake_function fake_function[FAKE_FUNCTIONS];
uint32_t fake_pci_address, fake_pci_accesses;

uint32_t fake_config(const struct fake_function *f, uint32_t offset)
{
	uint32_t value;

	memcpy(&value, &f->config[offset], sizeof(value));
	return value;
}

void fake_config_set(struct fake_function *f, uint32_t offset, uint32_t value)
{
	memcpy(&f->config[offset], &value, sizeof(value));
}

struct fake_function *fake_function_make(uint16_t source_id, uint32_t id)
{
	struct fake_function *f = &fake_function[0];

	memset(fake_function, 0, sizeof(fake_function));
	for (uint32_t i = 0; i < FAKE_FUNCTIONS; i++)
		fake_function[i].source_id = 0xffff;
	fake_pci_accesses = 0;
	f->source_id = source_id;
	fake_config_set(f, 0, id);
	fake_config_set(f, COMMAND, STATUS_CAPABILITIES | 7);
	fake_config_set(f, 0x0c, 0x4010);
	fake_config_set(f, 0x34, FAKE_MSI);
	fake_config_set(f, 0x3c, 0x10b);
	fake_config_set(f, FAKE_MSI, 0x05 | FAKE_EXPRESS << 8 | 0x180u << 16);
	fake_config_set(f, FAKE_MSI + 4, 0xfee01000);
	fake_config_set(f, FAKE_MSI + 12, 0x4041);
	fake_config_set(f, FAKE_MSI + 16, 1);
	fake_config_set(f, FAKE_EXPRESS, 0x10u | 0x92u << 16);
	fake_config_set(f, FAKE_EXPRESS + 4, 1u << 28);
	fake_config_set(f, FAKE_EXPRESS + 8, 0x2810);
	return f;
}

void fake_function_bar(struct fake_function *f, uint32_t i, uint64_t base, uint64_t bytes, uint32_t type)
{
	uint64_t mask = ~(bytes - 1);

	fake_config_set(f, 0x10 + 4 * i, (uint32_t)base | type);
	f->bar_mask[i] = (uint32_t)mask & (type & 1 ? 0xfffffffc : 0xfffffff0);
	if ((type & 7) != 4)
		return;
	fake_config_set(f, 0x14 + 4 * i, (uint32_t)(base >> 32));
	f->bar_mask[i + 1] = (uint32_t)(mask >> 32);
}

static struct fake_function *selected(void)
{
	fake_pci_accesses++;
	for (uint32_t i = 0; i < FAKE_FUNCTIONS; i++) {
		struct fake_function *f = &fake_function[i];

		if (!(fake_pci_address >> 31) || f->source_id != (fake_pci_address >> 8 & 0xffff) ||
		    f->source_id == 0xffff)
			continue;
		if (fake_time < f->ready)
			fail_msg("function %x is touched while it is being reset", f->source_id);
		return f;
	}
	return NULL;
}

static uint32_t data_read(uint32_t lane)
{
	struct fake_function *f = selected();
	uint32_t offset = fake_pci_address & 0xfc, value = f == NULL ? ~0u : fake_config(f, offset);

	if (f != NULL && f->pending != 0 && offset == FAKE_EXPRESS + 8) {
		value |= 1u << 21;
		f->pending--;
	}
	return value >> 8 * lane;
}

/* What a function level reset leaves: all that the guest, or root mode, has written is gone. */
static void function_reset(struct fake_function *f)
{
	assert_int_equal(f->pending, 0);
	assert_int_equal(fake_config(f, COMMAND) & 7, 0);
	f->resets++;
	f->ready = fake_time + RESET_TICKS;
	fake_config_set(f, COMMAND, STATUS_CAPABILITIES);
	fake_config_set(f, 0x0c, 0);
	for (uint32_t i = 0; i < 6; i++)
		fake_config_set(f, 0x10 + 4 * i, fake_config(f, 0x10 + 4 * i) & ~f->bar_mask[i]);
	fake_config_set(f, 0x3c, 0x100);
	fake_config_set(f, FAKE_MSI, fake_config(f, FAKE_MSI) & ~(0x71u << 16));
	for (uint32_t at = 4; at < 20; at += 4)
		fake_config_set(f, FAKE_MSI + at, 0);
}

static uint32_t writable(const struct fake_function *f, uint32_t offset)
{
	if (offset == COMMAND)
		return 0x547;
	if (offset == 0x0c)
		return 0xffff;
	if (offset >= 0x10 && offset < 0x28)
		return f->bar_mask[(offset - 0x10) / 4];
	if (offset == 0x30)
		return 0xffff0001;
	if (offset == 0x3c)
		return 0xff;
	if (offset == FAKE_MSI)
		return 0x71u << 16;
	if (offset == FAKE_MSIX)
		return 0xc000u << 16;
	return offset > FAKE_MSI && offset < FAKE_MSI + 20 ? ~0u : 0;
}

static void data_write(uint32_t lane, uint32_t bytes, uint32_t value)
{
	struct fake_function *f = selected();
	uint32_t offset = fake_pci_address & 0xfc, all = bytes == 4 ? ~0u : (1u << 8 * bytes) - 1, mask;

	if (f == NULL)
		return;
	if (offset >= 0x10 && offset < 0x28 && value == ~0u)
		assert_int_equal(fake_config(f, COMMAND) & 7, 0); /* it would decode somewhere */
	if (offset == FAKE_EXPRESS + 8 && lane == 0 && (value & 0x8000))
		function_reset(f);
	mask = (all << 8 * lane) & writable(f, offset);
	fake_config_set(f, offset, (fake_config(f, offset) & ~mask) | (value << 8 * lane & mask));
}

/* Ports without a device keep what was written last in fake_port and fake_port_value, and read as their number. */
static uint32_t port_read(uint16_t port, uint32_t bytes)
{
	if (port == ADDRESS && bytes == 4)
		return fake_pci_address;
	if (port >= DATA && port + bytes <= DATA + 4)
		return data_read(port - DATA);
	return port;
}

static void port_write(uint16_t port, uint32_t bytes, uint32_t value)
{
	if (port == ADDRESS && bytes == 4) {
		fake_pci_address = value;
	} else if (port >= DATA && port + bytes <= DATA + 4) {
		data_write(port - DATA, bytes, value);
	} else {
		fake_port = port;
		fake_port_value = (uint8_t)value;
	}
}

#define FAKE_PORT(suffix, type)                                                                                        \
	void out##suffix(uint16_t port, type value)                                                                    \
	{                                                                                                              \
		port_write(port, sizeof(type), value);                                                                 \
	}                                                                                                              \
	type in##suffix(uint16_t port)                                                                                 \
	{                                                                                                              \
		return (type)port_read(port, sizeof(type));                                                            \
	}
FAKE_PORT(b, uint8_t)
FAKE_PORT(w, uint16_t)
FAKE_PORT(l, uint32_t)
