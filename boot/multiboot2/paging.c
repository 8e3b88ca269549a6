/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * paging.c - the stub's page tables (SDM vol. 3, 4.5).
 */
#include "paging.h"

#include <ravelin/launch.h>

#include "cpu.h"

#define ENTRIES 512u
#define PRESENT_WRITE 0x3u
#define LARGE 0x80u
#define SIZE_1G (1ull << 30)
#define SIZE_2M (1ull << 21)
#define CPUID_1G_PAGES (1u << 26) /* CPUID 0x80000001, EDX */

/* Shared with entry.S, which fills in the first 4 GiB. */
struct paging_table {
	uint64_t entry[ENTRIES];
} __attribute__((aligned(4096)));

struct paging_table paging_pml4;
struct paging_table paging_pdpt;
struct paging_table paging_pd[4];

static struct paging_table pdpt_hypervisor;
static struct paging_table pd_hypervisor;

uint64_t paging_extend(void)
{
	uint64_t bytes = SIZE_1G * 4;
	unsigned int address_bits = 36;

	if (cpu_id(0x80000000, 0).eax >= 0x80000008)
		address_bits = cpu_id(0x80000008, 0).eax & 0xff;
	if (!(cpu_id(0x80000001, 0).edx & CPUID_1G_PAGES))
		return bytes;
	for (uint64_t i = 4; i < ENTRIES && i < (1ull << address_bits) / SIZE_1G; i++) {
		paging_pdpt.entry[i] = i * SIZE_1G | PRESENT_WRITE | LARGE;
		bytes = (i + 1) * SIZE_1G;
	}
	return bytes;
}

void paging_map_hypervisor(uint64_t base, uint64_t bytes)
{
	uint32_t first = (uint32_t)(RV_HV_BASE / SIZE_2M % ENTRIES);

	for (uint32_t i = 0; i * SIZE_2M < bytes && first + i < ENTRIES; i++)
		pd_hypervisor.entry[first + i] = (base + i * SIZE_2M) | PRESENT_WRITE | LARGE;
	pdpt_hypervisor.entry[RV_HV_BASE / SIZE_1G % ENTRIES] = (uintptr_t)&pd_hypervisor | PRESENT_WRITE;
	paging_pml4.entry[ENTRIES - 1] = (uintptr_t)&pdpt_hypervisor | PRESENT_WRITE;
	cpu_cr3_reload();
}
