/* SPDX-License-Identifier: GPL-2.0-only */
/* memory.c - bare guest: hidden memory gives #GP and a log record, everything else is as without Ravelin. */
#include "lib/call.h"
#include "lib/cpu.h"
#include "lib/report.h"

#include <ravelin/image.h>
#include <ravelin/reason.h>

#define E820_RAM 1u
#define LOW_END 0xa0000ull
#define ACCESS_READ 1u
#define ACCESS_WRITE 2u
#define ACCESS_FETCH 4u

static uint64_t pool_base, pool_bytes, log_since;

static uint32_t try_read(uint64_t at)
{
	cpu_trap_clear();
	__asm__ volatile(TRAP_TRY "movq (%0), %%rax" TRAP_END : : "r"(at) : "rax", "r11", "memory");
	return cpu_trapped();
}

static uint32_t try_write(uint64_t at)
{
	cpu_trap_clear();
	__asm__ volatile(TRAP_TRY "movq %%rax, (%0)" TRAP_END
			 :
			 : "r"(at), "a"(0x4141414141414141ull)
			 : "r11", "memory");
	return cpu_trapped();
}

/* One log record of a touch at this page with this access. */
static void touch_logged(uint64_t at, uint32_t access, const char *what)
{
	struct rv_log_record r = {0};
	uint32_t n = log_count(RV_REASON_HIDDEN_TOUCH, &log_since, &r);

	if (!report(n == 1 && (r.value[0] & ~0xfffull) == (at & ~0xfffull) && (r.value[1] & access) == access,
		    "the log tells of the %s", what))
		report_line("%u records, the last of 0x%lx access 0x%lx", n, r.value[0], r.value[1]);
}

static void hidden(uint64_t at, const char *where)
{
	log_count(RV_REASON_HIDDEN_TOUCH, &log_since, NULL);
	report_equal(try_read(at), VECTOR_GP, "a read of %s raises #GP", where);
	touch_logged(at, ACCESS_READ, "read");
	report_equal(try_write(at), VECTOR_GP, "a write of %s raises #GP", where);
	touch_logged(at, ACCESS_WRITE, "write");
	cpu_trap_clear();
	__asm__ volatile(TRAP_TRY "jmp *%0" TRAP_END : : "r"(at) : "r11", "memory");
	report_equal(cpu_trapped(), VECTOR_GP, "a jump to %s raises #GP", where);
	touch_logged(at, ACCESS_FETCH, "jump");
}

static void test_pool(void)
{
	report_group("pool");
	hidden(pool_base, "the hypervisor's image");
	hidden(pool_base + 0x1000, "the hypervisor's code");
	hidden(pool_base + pool_bytes / 2, "the pool's middle");
	hidden(pool_base + pool_bytes - 8, "the pool's end");

	/* Every page, quietly. */
	uint64_t open = 0, pages = pool_bytes / 4096;

	for (uint64_t at = pool_base; at < pool_base + pool_bytes; at += 4096)
		open += try_read(at) != VECTOR_GP;
	report_equal(open, 0, "each of its %lu pages raises #GP", pages);
	open = 0;
	for (uint64_t at = pool_base; at < pool_base + pool_bytes; at += 64 * 4096)
		open += try_write(at + 4088) != VECTOR_GP;
	report_equal(open, 0, "writes to every 64th raise #GP");

	report_equal(try_read(pool_base - 4), VECTOR_GP, "a read across its start raises #GP");
	report_equal(try_read(pool_base - 8), CPU_NO_TRAP, "the word before it can be read");
	if (pool_base + pool_bytes < 4ull << 30)
		report_equal(try_read(pool_base + pool_bytes), CPU_NO_TRAP, "the word behind it can be read");
}

/* Other ways to reach a byte. */
static void test_ways(void)
{
	uint64_t at = pool_base + 0x2000;
	uint64_t *pml4 = (uint64_t *)read_cr3();

	report_group("ways in");
	cpu_trap_clear();
	__asm__ volatile(TRAP_TRY "rep movsb" TRAP_END : : "S"(at), "D"(memory_pages(1)), "c"(64) : "r11", "memory");
	report_equal(cpu_trapped(), VECTOR_GP, "REP MOVSB out of the pool");
	cpu_trap_clear();
	__asm__ volatile(TRAP_TRY "lock addq $1, (%0)" TRAP_END : : "r"(at) : "r11", "memory", "cc");
	report_equal(cpu_trapped(), VECTOR_GP, "LOCK ADD");
	cpu_trap_clear();
	__asm__ volatile(TRAP_TRY "outsb" TRAP_END : : "S"(at), "d"(0x80) : "r11", "memory");
	report_equal(cpu_trapped(), VECTOR_GP, "OUTSB");
	cpu_trap_clear();
	__asm__ volatile(TRAP_TRY "cmpxchg16b (%0)" TRAP_END
			 :
			 : "r"(at), "a"(0), "b"(0), "c"(0), "d"(0)
			 : "r11", "memory", "cc");
	report_equal(cpu_trapped(), VECTOR_GP, "CMPXCHG16B");

	/* A page table in the pool: the walk touches it. */
	pml4[1] = at | 7;
	log_count(RV_REASON_HIDDEN_TOUCH, &log_since, NULL);
	report_equal(try_read(1ull << 39), VECTOR_GP, "a page table in the pool");
	touch_logged(at, 0, "page table walk");
	pml4[1] = 0;
	write_cr3(read_cr3());

	/* A page table entry with accessed and dirty bits to be set there is a write by the CPU. */
	uint64_t *pdpt = memory_pages(1);

	pdpt[0] = (at & ~0x3fffffffull) | 0x87; /* a 1 GiB page over the pool: one more mapping of the same bytes */
	if (cpuid(0x80000001, 0).edx & 1u << 26) {
		pml4[1] = (uint64_t)pdpt | 7;
		report_equal(try_read((1ull << 39) | (at & 0x3fffffff)), VECTOR_GP,
			     "another virtual address, by a 1 GiB page");
		report_equal(try_read((1ull << 39) | ((uint64_t)pdpt & 0x3fffffff)), CPU_NO_TRAP,
			     "while that page works elsewhere");
		pml4[1] = 0;
		write_cr3(read_cr3());
	} else {
		report_skip("the CPU has no 1 GiB pages", "another virtual address");
	}
}

/* The trampoline is the one hidden page below 640 KiB, and the memory map does not offer it. */
static void test_low(void)
{
	uint64_t found = 0;
	uint32_t n = 0, count;
	const struct e820_entry *map = e820_map(&count);
	bool offered = false;

	report_group("low memory");
	for (uint64_t at = 4096; at < LOW_END; at += 4096) {
		if (try_read(at) == VECTOR_GP) {
			found = at;
			n++;
		}
	}
	if (!report_equal(n, 1, "one page is hidden"))
		return;
	for (uint32_t i = 0; i < count; i++)
		offered |= map[i].type == E820_RAM && found >= map[i].base && found < map[i].base + map[i].size;
	report(!offered, "the memory map does not offer it");
	hidden(found, "the trampoline");
}

static void test_rest(void)
{
	uint32_t count;
	const struct e820_entry *map = e820_map(&count);
	uint64_t pages = 0, bad = 0, ram = 0;

	report_group("the rest");
	for (uint32_t i = 0; i < count; i++) {
		if (map[i].type != E820_RAM)
			continue;
		ram += map[i].size;
		report(map[i].base + map[i].size <= pool_base || map[i].base >= pool_base + pool_bytes,
		       "RAM from 0x%lx is not in the pool", map[i].base);
		for (uint64_t at = (map[i].base + 4095) & ~0xfffull; at + 4096 <= map[i].base + map[i].size;
		     at += 4096) {
			pages++;
			bad += try_read(at) != CPU_NO_TRAP;
		}
	}
	report(bad == 0 && pages * 4096 > ram / 2, "all RAM of the memory map can be read");
	report_line("# %lu pages of RAM", pages);
	uint64_t *own = memory_pages(1);

	*own = 1;
	report_equal(try_write((uint64_t)own), CPU_NO_TRAP, "own memory can be written");
	report_equal(*own, 0x4141414141414141, "and holds what was written");
	report(apic_read(0x30) != 0 && apic_read(0x30) != ~0u, "the local APIC answers");
	*(volatile uint32_t *)0xfec00000ull = 1;
	report(*(volatile uint32_t *)0xfec00010ull != ~0u, "the I/O APIC answers");
	volatile uint16_t *vga = (volatile uint16_t *)0xb8000ull;

	*vga = 0x0741;
	report_equal(*vga, 0x0741, "the screen's memory keeps what is written");
	report_equal(*(volatile uint16_t *)0xffff0ull & 0xff, 0xea, "the BIOS begins with a far jump");
	report_equal(try_read(0xd0000000ull), CPU_NO_TRAP, "a read of nothing below 4 GiB is no fault");
	report_equal(try_read(0x140000000ull), CPU_NO_TRAP, "a read above 4 GiB is no fault");
	report_equal(try_write(0x1c0000000ull), CPU_NO_TRAP, "a write above 4 GiB is no fault");
}

static void refused(struct call_result r, uint32_t reason, const char *what)
{
	if (!report(r.value == -RV_EFAULT && call_reason(r) == reason, "%s is refused", what))
		report_line("it returned %ld, reason %u", r.value, call_reason(r));
}

/* Root mode must not be made to read or write hidden memory on behalf of the guest. */
static void test_deputy(void)
{
	struct call_buffer b = buffer_make(2);
	struct rv_fimce_create *c = memory_pages(1);
	uint64_t inside[] = {pool_base, pool_base + pool_bytes / 2, pool_base + pool_bytes - 4096};

	report_group("hypercalls");
	for (uint32_t i = 0; i < 3; i++) {
		refused(call(RV_HC_GET_INFO, inside[i], 0, 0), RV_REASON_HC_FRAMES_ADDRESS, "a frame list in the pool");
		refused(call(RV_HC_FIMCE_CREATE, inside[i], 0, 0), RV_REASON_HC_FRAMES_ADDRESS,
			"an argument page in the pool");
		b.frames->frame[0] = inside[i];
		refused(call(RV_HC_GET_INFO, (uint64_t)b.frames, 0, 0), RV_REASON_HC_FRAME, "output into the pool");
		b.frames->frame[0] = (uint64_t)b.data;
		b.frames->frame[1] = inside[i];
		*c = (struct rv_fimce_create){.size = sizeof(*c),
					      .input = (uint64_t)b.frames,
					      .argument_offset = 8192,
					      .load_bytes = 4096,
					      .output_bytes = 4096,
					      .stack_bytes = 4096,
					      .budget_us = 1000};
		refused(call(RV_HC_FIMCE_CREATE, (uint64_t)c, 0, 0), RV_REASON_HC_FRAME, "input out of the pool");
		c->targets = inside[i];
		c->target_count = 1;
		refused(call(RV_HC_FIMCE_CREATE, (uint64_t)c, 0, 0), RV_REASON_HC_FRAMES_ADDRESS,
			"a target list in the pool");
		b.frames->frame[1] = (uint64_t)b.data + 4096;
	}
}

void test_main(void)
{
	struct rv_log_record launch = {0};

	report(log_count(RV_REASON_LAUNCH_OK, &log_since, &launch) == 1, "the log tells where the pool is");
	pool_base = launch.value[1];
	pool_bytes = launch.value[2];
	report_equal(pool_bytes, info_get()->pool_bytes, "and its size");
	test_pool();
	test_ways();
	test_low();
	test_rest();
	test_deputy();
	report_group("");
	audit_clean("after all");
}
