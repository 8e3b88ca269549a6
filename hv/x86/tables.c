/* SPDX-License-Identifier: GPL-2.0-only */
/* tables.c - see tables.h. */
#include <hv/x86/tables.h>

#define PTE_LARGE (1ull << 7)
#define FIRST_DIRECT_GIB 4

extern const uint8_t hv_text_start[], hv_rodata_start[], hv_data_start[], hv_end[];
extern const uint8_t exception_stubs[], nmi_entry[];

static uint64_t first_pml4[512] __attribute__((aligned(4096)));
static uint64_t direct_pdpt[512] __attribute__((aligned(4096)));
static uint64_t direct_pd[FIRST_DIRECT_GIB][512] __attribute__((aligned(4096)));
static uint64_t image_pdpt[512] __attribute__((aligned(4096)));
static uint64_t image_pd[512] __attribute__((aligned(4096)));
static uint64_t image_pt[512] __attribute__((aligned(4096)));
static uint64_t low_pdpt[512] __attribute__((aligned(4096)));
static uint64_t low_pd[512] __attribute__((aligned(4096)));
static uint64_t low_pt[512] __attribute__((aligned(4096)));

static uint32_t table_index(uint64_t va, int level)
{
	return (uint32_t)(va >> (RV_PAGE_SHIFT + 9 * (level - 1))) & 511;
}

static void gib_map(uint64_t pd[512], uint64_t gib)
{
	for (uint64_t i = 0; i < 512; i++)
		pd[i] = gib * SIZE_1G + i * SIZE_2M + (PTE_P | PTE_W | PTE_LARGE | PTE_NX);
}

pa_t tables_build_first(pa_t image, pa_t trampoline_page)
{
	uint64_t to_pa = image.v - RV_HV_BASE; /* wraps: adding it to an image address gives the physical one */

	for (uint64_t va = RV_HV_BASE; va < (uint64_t)hv_end; va += RV_PAGE_SIZE) {
		uint64_t flags = PTE_P | PTE_NX | PTE_W;

		if (va < (uint64_t)hv_rodata_start)
			flags = PTE_P;
		else if (va < (uint64_t)hv_data_start)
			flags = PTE_P | PTE_NX;
		image_pt[table_index(va, 1)] = (va + to_pa) | flags;
	}
	image_pd[table_index(RV_HV_BASE, 2)] = ((uint64_t)image_pt + to_pa) | PTE_P | PTE_W;
	image_pdpt[table_index(RV_HV_BASE, 3)] = ((uint64_t)image_pd + to_pa) | PTE_P | PTE_W;
	for (uint64_t gib = 0; gib < FIRST_DIRECT_GIB; gib++) {
		gib_map(direct_pd[gib], gib);
		direct_pdpt[gib] = ((uint64_t)direct_pd[gib] + to_pa) | PTE_P | PTE_W;
	}
	low_pt[table_index(trampoline_page.v, 1)] = trampoline_page.v | PTE_P;
	low_pd[0] = ((uint64_t)low_pt + to_pa) | PTE_P | PTE_W;
	low_pdpt[0] = ((uint64_t)low_pd + to_pa) | PTE_P | PTE_W;
	first_pml4[0] = ((uint64_t)low_pdpt + to_pa) | PTE_P | PTE_W;
	first_pml4[table_index(HV_DIRECT_MAP, 4)] = ((uint64_t)direct_pdpt + to_pa) | PTE_P | PTE_W;
	first_pml4[table_index(RV_HV_BASE, 4)] = ((uint64_t)image_pdpt + to_pa) | PTE_P | PTE_W;
	return pa_make((uint64_t)first_pml4 + to_pa);
}

int tables_extend(uint64_t limit)
{
	for (uint64_t gib = FIRST_DIRECT_GIB; gib < 512 && gib * SIZE_1G < limit; gib++) {
		pa_t page;
		int error = partition_allocate(&hv.partition, 1, OWNER_HYPERVISOR, &page);

		if (error)
			return error;
		gib_map(pa_pointer(page), gib);
		direct_pdpt[gib] = page.v | PTE_P | PTE_W;
	}
	return 0;
}

void tables_load(struct percpu *cpu)
{
	struct host_tables *t = &cpu->tables;
	uint64_t tss = (uint64_t)t->tss;

	t->gdt[1] = 0x00af9b000000ffffull;
	t->gdt[2] = 0x00cf93000000ffffull;
	t->gdt[3] = 0x67 | (tss & 0xffffff) << 16 | 0x89ull << 40 | (tss >> 24 & 0xff) << 56;
	t->gdt[4] = tss >> 32;
	for (uint64_t i = 0; i < 32; i++) {
		uint64_t handler = i == VECTOR_NMI ? (uint64_t)nmi_entry : (uint64_t)exception_stubs + 16 * i;

		t->idt[2 * i] =
		    (handler & 0xffff) | (uint64_t)HOST_CS << 16 | 0x8e00ull << 32 | (handler >> 16 & 0xffff) << 48;
		t->idt[2 * i + 1] = handler >> 32;
	}
	struct descriptor_pointer gdtr = {sizeof(t->gdt) - 1, (uint64_t)t->gdt};
	struct descriptor_pointer idtr = {sizeof(t->idt) - 1, (uint64_t)t->idt};

	__asm__ volatile("lgdt %0\n\t"
			 "push %1\n\t"
			 "lea 1f(%%rip), %%rax\n\t"
			 "push %%rax\n\t"
			 "lretq\n"
			 "1:\tmov %2, %%ds\n\t"
			 "mov %2, %%es\n\t"
			 "mov %2, %%ss\n\t"
			 "mov %3, %%fs\n\t"
			 "mov %3, %%gs\n\t"
			 "ltr %w4"
			 :
			 : "m"(gdtr), "i"(HOST_CS), "r"(HOST_DS), "r"(0), "r"(HOST_TSS)
			 : "rax", "memory");
	/* The stubs find this CPU's state by GS. */
	wrmsr(MSR_GS_BASE, (uint64_t)cpu);
	__asm__ volatile("lidt %0" : : "m"(idtr));
}
