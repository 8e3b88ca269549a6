// SPDX-License-Identifier: GPL-2.0-only
/* machine.c - PCI, edu and physical memory for attacks by devices; see devices.h. */
#include "devices.h"

#include "../../lib/edu.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <unistd.h>

#define COMMAND_INTX_OFF (1u << 10)
#define MSI_ENABLE (1u << 16)
#define MSI_WIDE (1u << 23)
#define E1000E 0x10d38086u
#define EDU_BAR_BYTES (1u << 20)
#define E1000E_BAR_BYTES (128u << 10)
/* The device begins 100 ms after the command. */
#define DMA_LOOK_US 20000u
#define DMA_LOOKS 250u
#define SETTLE_US 20000u
#define OWN_BYTES (4 * PAGE)
#define ATTACKER 0x80u /* 00:10.0, as the test script has it; the other one is where QEMU puts it */
#define SOURCE 0x100u /* 01:00.0: there is one bridge */
#define SOURCE_IDS 0x10441af4u
#define UNIT 0xfed90000ull /* QEMU has no other place for it */

uint32_t pci_read(uint32_t source_id, uint32_t offset)
{
	outl(PCI_ENABLE | source_id << 8 | (offset & 0xfc), PCI_ADDRESS);
	return inl(PCI_DATA);
}

void pci_write(uint32_t source_id, uint32_t offset, uint32_t value)
{
	outl(PCI_ENABLE | source_id << 8 | (offset & 0xfc), PCI_ADDRESS);
	outl(value, PCI_DATA);
}

volatile uint8_t *physical_at(const struct attack *a, uint64_t address, uint64_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, a->device, (off_t)address);

	return at == MAP_FAILED ? NULL : at;
}

bool function_claim(struct devices *d, struct function *f, uint32_t source_id)
{
	struct attack_claim claim = {.source_id = source_id};
	bool is_edu = pci_read(source_id, 0) == EDU_IDS;
	uint32_t at;

	*f = (struct function){.source_id = source_id, .claim = open(ATTACK_PATH, O_RDWR)};
	if (f->claim < 0 || ioctl(f->claim, ATTACK_CLAIM, &claim) != 0)
		return false;
	f->line = claim.line;
	pci_write(source_id, PCI_COMMAND,
		  (pci_read(source_id, PCI_COMMAND) & 0xffff & ~COMMAND_INTX_OFF) | PCI_COMMAND_ON);
	for (at = pci_read(source_id, PCI_CAPABILITIES) & 0xfc; at != 0; at = pci_read(source_id, at) >> 8 & 0xfc) {
		if ((pci_read(source_id, at) & 0xff) == PCI_CAPABILITY_MSI)
			f->msi = at;
		if ((pci_read(source_id, at) & 0xff) == PCI_CAPABILITY_MSIX)
			f->msix = at;
	}
	if (f->msi != 0) {
		bool wide = (pci_read(source_id, f->msi) & MSI_WIDE) != 0;

		f->message_address = pci_read(source_id, f->msi + 4);
		f->message_data = pci_read(source_id, f->msi + (wide ? 12u : 8u)) & 0xffff;
	}
	f->registers = pci_read(source_id, PCI_BAR) & ~0xfull;
	f->bar = physical_at(d->a, f->registers, is_edu ? EDU_BAR_BYTES : E1000E_BAR_BYTES);
	return f->bar != NULL;
}

void function_release(struct function *f)
{
	munmap((void *)(uintptr_t)f->bar, EDU_BAR_BYTES);
	close(f->claim);
	f->bar = NULL;
}

bool devices_find(struct devices *d, struct attack *a)
{
	struct attack_memory own = {.bytes = OWN_BYTES};

	d->a = a;
	d->unit = UNIT;
	if (iopl(3) != 0 || ioctl(a->device, ATTACK_MEMORY, &own) != 0) {
		printf("     ports or memory: %s\n", strerror(errno));
		return false;
	}
	d->memory = own.address;
	d->page = physical_at(a, d->memory, OWN_BYTES);
	for (uint32_t id = 0; id < 0x100; id += 8) {
		uint32_t what = pci_read(id, 0);
		bool good = true;

		if (what == EDU_IDS && id == ATTACKER)
			good = function_claim(d, &d->attacker, id);
		else if (what == EDU_IDS)
			good = function_claim(d, &d->other, id);
		else if (what == E1000E)
			good = function_claim(d, &d->table, id);
		if (!good)
			printf("     device %x: %s\n", id, strerror(errno));
	}
	d->source.source_id = pci_read(SOURCE, 0) == SOURCE_IDS ? SOURCE : 0;
	return d->page && d->source.source_id && d->attacker.bar && d->other.bar && d->table.bar;
}

static void edu_register(const struct function *edu, uint32_t offset, uint64_t value)
{
	*(volatile uint64_t *)(edu->bar + offset) = value;
}

static void edu_dma_begin(const struct function *edu, uint64_t source, uint64_t target, uint32_t command)
{
	edu_register(edu, EDU_DMA_SOURCE, source);
	edu_register(edu, EDU_DMA_TARGET, target);
	edu_register(edu, EDU_DMA_COUNT, DMA_BYTES);
	edu_register(edu, EDU_DMA_COMMAND, command | EDU_DMA_RUN);
}

void edu_write_later(const struct function *edu, uint64_t address)
{
	edu_dma_begin(edu, EDU_BUFFER, address, EDU_DMA_TO_MEMORY);
}

static bool edu_dma(const struct function *edu, uint64_t source, uint64_t target, uint32_t command)
{
	edu_dma_begin(edu, source, target, command);
	for (unsigned int i = 0; i < DMA_LOOKS; i++) {
		usleep(DMA_LOOK_US);
		if (!(*(volatile uint32_t *)(edu->bar + EDU_DMA_COMMAND) & EDU_DMA_RUN))
			return true;
	}
	return false;
}

bool edu_read(const struct devices *d, uint64_t address)
{
	return edu_dma(&d->attacker, address, EDU_BUFFER, 0);
}

bool edu_write(const struct devices *d, uint64_t address)
{
	return edu_dma(&d->attacker, EDU_BUFFER, address, EDU_DMA_TO_MEMORY);
}

bool edu_buffer(const struct devices *d, uint8_t buffer[DMA_BYTES])
{
	for (unsigned int i = 0; i < DMA_BYTES; i++)
		d->page[i] = 0;
	if (!edu_write(d, d->memory))
		return false;
	for (unsigned int i = 0; i < DMA_BYTES; i++)
		buffer[i] = d->page[i];
	return true;
}

bool edu_buffer_set(const struct devices *d, const uint8_t buffer[DMA_BYTES])
{
	for (unsigned int i = 0; i < DMA_BYTES; i++)
		d->page[i] = buffer[i];
	return edu_read(d, d->memory);
}

void msi_set(const struct function *f, uint64_t address, uint32_t data, bool on)
{
	uint32_t head = pci_read(f->source_id, f->msi) & ~MSI_ENABLE;
	bool wide = (head & MSI_WIDE) != 0;

	pci_write(f->source_id, f->msi, head);
	pci_write(f->source_id, f->msi + 4, (uint32_t)address);
	if (wide)
		pci_write(f->source_id, f->msi + 8, (uint32_t)(address >> 32));
	pci_write(f->source_id, f->msi + (wide ? 12u : 8u), data);
	if (on)
		pci_write(f->source_id, f->msi, head | MSI_ENABLE);
}

void edu_raise(const struct function *edu)
{
	*(volatile uint32_t *)(edu->bar + EDU_RAISE) = 1;
	*(volatile uint32_t *)(edu->bar + EDU_ACKNOWLEDGE) = *(volatile uint32_t *)(edu->bar + EDU_STATUS);
}

uint64_t interrupts_of(const struct function *f)
{
	struct attack_claim claim = {.source_id = f->source_id};

	return ioctl(f->claim, ATTACK_CLAIM, &claim) == 0 ? claim.interrupts : ~0ull;
}

struct attack_access *access_add(struct attack_accesses *list, uint64_t address, uint32_t bytes, bool write,
				 uint64_t value)
{
	struct attack_access *access = &list->access[list->count++];

	*access = (struct attack_access){.address = address, .bytes = bytes, .write = write, .value = value};
	return access;
}

bool accesses_do(const struct attack *a, struct attack_accesses *list)
{
	return ioctl(a->device, ATTACK_ACCESS, list) == 0;
}

void settle(void)
{
	usleep(SETTLE_US);
}

bool dma_was_logged(struct devices *d, uint64_t address, bool write)
{
	struct rv_log_record r = {0};
	uint32_t reason = write ? RV_REASON_DMA_WRITE_FAULT : RV_REASON_DMA_READ_FAULT;

	return attack_log_count(d->a, reason, &r) >= 1 && r.value[0] == d->attacker.source_id &&
	       (r.value[1] & ~PAGE_OFFSETS) == (address & ~PAGE_OFFSETS);
}
