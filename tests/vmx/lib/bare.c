/* SPDX-License-Identifier: GPL-2.0-only */
/* bare.c - start of a bare guest: page tables, memory, archive, command line. */
#include "call.h"
#include "cpu.h"
#include "report.h"

#define E820_ENTRIES 0x1e8
#define E820_TABLE 0x2d0
#define RAMDISK_IMAGE 0x218
#define RAMDISK_SIZE 0x21c
#define CMD_LINE_PTR 0x228
#define E820_RAM 1u
#define LOW_PAGE_FIRST 0x2000u
#define LOW_PAGE_END 0x90000u
#define PAGE_TABLE_FLAGS 0x007ull /* present, writable, user */
#define PAGE_LARGE 0x080ull
#define PAGE_UNCACHED 0x018ull
#define MMIO_FIRST 0xfe000000ull
#define MAPPED_GIB 8u
#define HEAP_PAGES 6144u
#define CPIO_HEADER 110u

void bare_start(const uint8_t *params);

const uint8_t *boot_params;
static uint8_t boot_params_copy[4096] __attribute__((aligned(8)));
static char command_line[2048];
static uint64_t pml4[512] __attribute__((aligned(4096)));
static uint64_t pdpt[512] __attribute__((aligned(4096)));
static uint64_t pd[MAPPED_GIB][512] __attribute__((aligned(4096)));
static uint8_t heap[HEAP_PAGES][4096] __attribute__((aligned(4096)));
static uint32_t heap_used;

void *memcpy(void *to, const void *from, size_t n)
{
	void *result = to;

	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
	return result;
}

void *memset(void *to, int value, size_t n)
{
	void *result = to;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(value) : "memory");
	return result;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;

	for (size_t i = 0; i < n; i++) {
		if (x[i] != y[i])
			return x[i] - y[i];
	}
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

static uint32_t le32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

const struct e820_entry *e820_map(uint32_t *count)
{
	*count = boot_params[E820_ENTRIES];
	return (const void *)(boot_params + E820_TABLE);
}

void *memory_pages(uint32_t count)
{
	uint32_t end = __atomic_add_fetch(&heap_used, count, __ATOMIC_SEQ_CST);

	if (end > HEAP_PAGES) {
		report(false, "the test guest has %u pages of memory", count);
		report_end();
	}
	return heap[end - count];
}

static void paging_init(void)
{
	pml4[0] = (uint64_t)pdpt | PAGE_TABLE_FLAGS;
	for (uint64_t g = 0; g < MAPPED_GIB; g++) {
		pdpt[g] = (uint64_t)pd[g] | PAGE_TABLE_FLAGS;
		for (uint64_t i = 0; i < 512; i++) {
			uint64_t at = g << 30 | i << 21;

			pd[g][i] = at | PAGE_LARGE | PAGE_TABLE_FLAGS |
				   (at >= MMIO_FIRST && at < 4ull << 30 ? PAGE_UNCACHED : 0);
		}
	}
	write_cr4(1ull << 5); /* PAE only: no global pages, no SMEP left from the loader */
	write_cr3((uint64_t)pml4);
}

static uint32_t hex8(const uint8_t *p)
{
	uint32_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 4 | (uint32_t)(p[i] <= '9' ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
	return v;
}

/* The archive is a cpio of the "newc" kind. */
const uint8_t *archive_file(const char *name, uint32_t *bytes)
{
	const uint8_t *at = (const uint8_t *)(uint64_t)le32(boot_params + RAMDISK_IMAGE);
	const uint8_t *end = at + le32(boot_params + RAMDISK_SIZE);

	while (at + CPIO_HEADER <= end && memcmp(at, "070701", 6) == 0) {
		uint32_t size = hex8(at + 54), name_bytes = hex8(at + 94);
		const char *its_name = (const char *)at + CPIO_HEADER;
		const uint8_t *data = at + ((CPIO_HEADER + name_bytes + 3) & ~3u);

		if (name_bytes == strlen(name) + 1 && memcmp(its_name, name, name_bytes) == 0) {
			*bytes = size;
			return data;
		}
		at = data + ((size + 3) & ~3u);
	}
	return NULL;
}

const uint8_t *archive_need(const char *name, uint32_t *bytes)
{
	const uint8_t *data = archive_file(name, bytes);

	if (data == NULL) {
		report(false, "the archive holds %s", name);
		report_end();
	}
	return data;
}

uint64_t option_number(const char *name, uint64_t or_else)
{
	size_t n = strlen(name);

	for (const char *s = command_line; *s; s++) {
		if ((s == command_line || s[-1] == ' ') && memcmp(s, name, n) == 0 && s[n] == '=') {
			uint64_t v = 0;

			for (s += n + 1; *s >= '0' && *s <= '9'; s++)
				v = v * 10 + (uint64_t)(*s - '0');
			return v;
		}
	}
	return or_else;
}

/* A page below 640 KiB in RAM that nobody uses: for the start of the other CPUs. */
static uint64_t low_page_find(void)
{
	uint32_t count;
	const struct e820_entry *map = e820_map(&count);

	for (uint64_t at = LOW_PAGE_FIRST; at < LOW_PAGE_END; at += 4096) {
		for (uint32_t i = 0; i < count; i++) {
			if (map[i].type == E820_RAM && at >= map[i].base && at + 4096 <= map[i].base + map[i].size)
				return at;
		}
	}
	report(false, "there is RAM below 640 KiB");
	report_end();
}

static void cpus_find(void)
{
	struct call_buffer b = buffer_make(1);
	const struct rv_stat *stat = (const void *)b.data;

	for (uint32_t i = 0; i < cpu_count; i++) {
		if (call(RV_HC_GET_STAT, (uint64_t)b.frames, i, 0).value < 0) {
			report(false, "GET_STAT of CPU %u", i);
			report_end();
		}
		cpus[i].index = i;
		cpus[i].apic_id = stat->apic_id;
	}
}

/* Called once by start.S. params: the zero page of the boot protocol. */
void bare_start(const uint8_t *params)
{
	const struct rv_info *info;

	paging_init();
	memcpy(boot_params_copy, params, sizeof(boot_params_copy));
	boot_params = boot_params_copy;
	memcpy(command_line, (const void *)(uint64_t)le32(params + CMD_LINE_PTR), sizeof(command_line) - 1);
	cpu_init(&cpus[0]);
	apic_enable();
	outb(0x21, 0xff); /* both interrupt controllers masked */
	outb(0xa1, 0xff);
	report_begin();
	info = info_get();
	if (report(info->abi_version == RV_ABI_VERSION, "Ravelin answers GET_INFO")) {
		cpu_tsc_khz = info->tsc_khz;
		cpu_count = info->cpu_count < CPU_MAX ? info->cpu_count : CPU_MAX;
		cpus_find();
		smp_init(low_page_find());
		test_main();
	}
	report_end();
}
