/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hostile.c - sample task: tries to get out, to break something, or to die in an unusual way. One attempt per run, named
 * by the argument. hostile_list.h says what each attempt does and what must happen.
 */
#include "hostile_list.h"

#include <task.h>
#include <vmcall.h>

#include <ravelin/x86.h>

#include <string.h>

#define SELECTOR_BEYOND 0x50u
#define GUEST_MEMORY 0x100000ull
#define LINUX_DIRECT_MAP 0xffff888000000000ull
#define NONCANONICAL 0x0001000000000000ull
#define XAPIC_PAGE 0xfee00000ull

/** RET, for attempts to run data: if it ran, it would come back. */
#define CODE_RET 0xc3u

static uint8_t hostile_data[16] __attribute__((aligned(16))) = {CODE_RET};
static const uint64_t hostile_rodata = 1;

/** Hides a value's origin from the compiler, which would otherwise warn of, or optimise on, what we do on purpose. */
static uint64_t hostile_hide(uint64_t value)
{
	__asm__ volatile("" : "+r"(value));
	return value;
}

static int64_t hostile_read(uint64_t address)
{
	(void)*(volatile uint64_t *)hostile_hide(address);
	return HOSTILE_SURVIVED;
}

static int64_t hostile_write(uint64_t address)
{
	*(volatile uint64_t *)hostile_hide(address) = 0x4141414141414141u;
	return HOSTILE_SURVIVED;
}

static int64_t hostile_exec(uint64_t address)
{
	((void (*)(void))hostile_hide(address))();
	return HOSTILE_SURVIVED;
}

/** An attempt that is one piece of assembler; goes on behind it if nothing stops it. */
#define HOSTILE_ASM(name, outcome, ...)                                                                                \
	static int64_t name(void)                                                                                      \
	{                                                                                                              \
		__asm__ volatile(__VA_ARGS__);                                                                         \
		return (outcome);                                                                                      \
	}

/* clang-format off */
HOSTILE_ASM(hostile_write_cr3, HOSTILE_SURVIVED, "mov %0, %%cr3" : : "r"((uint64_t)GUEST_MEMORY) : "memory")
HOSTILE_ASM(hostile_read_cr3, HOSTILE_SURVIVED, "mov %%cr3, %%rax" : : : "rax")
HOSTILE_ASM(hostile_clear_cr0_wp, HOSTILE_SURVIVED, "mov %%cr0, %%rax\n btr $16, %%rax\n mov %%rax, %%cr0" : : : "rax", "cc")
HOSTILE_ASM(hostile_clear_cr0_pg, HOSTILE_SURVIVED, "mov %%cr0, %%rax\n btr $31, %%rax\n mov %%rax, %%cr0" : : : "rax", "cc")
HOSTILE_ASM(hostile_set_cr4, HOSTILE_SURVIVED, "mov %%cr4, %%rax\n btc $7, %%rax\n mov %%rax, %%cr4" : : : "rax", "cc")
HOSTILE_ASM(hostile_toggle_cr4_vmxe, HOSTILE_SURVIVED, "mov %%cr4, %%rax\n btc $13, %%rax\n mov %%rax, %%cr4" : : : "rax", "cc")
HOSTILE_ASM(hostile_write_cr8, HOSTILE_SURVIVED, "mov %0, %%cr8" : : "r"((uint64_t)0) : "memory")
HOSTILE_ASM(hostile_write_dr7, HOSTILE_SURVIVED, "mov %0, %%dr7" : : "r"((uint64_t)0x402) : "memory")
HOSTILE_ASM(hostile_xsetbv, HOSTILE_SURVIVED, "xsetbv" : : "a"(1), "d"(0), "c"(0) : "memory")
HOSTILE_ASM(hostile_rdmsr, HOSTILE_SURVIVED, "rdmsr" : : "c"(MSR_EFER) : "rax", "rdx")
HOSTILE_ASM(hostile_wrmsr, HOSTILE_SURVIVED, "wrmsr" : : "c"(MSR_EFER), "a"(0xd01), "d"(0) : "memory")
HOSTILE_ASM(hostile_wrmsr_apic_base, HOSTILE_SURVIVED, "wrmsr" : : "c"(MSR_APIC_BASE), "a"(0x200900), "d"(0) : "memory")
HOSTILE_ASM(hostile_rdpmc, HOSTILE_SURVIVED, "rdpmc" : : "c"(0) : "rax", "rdx")
HOSTILE_ASM(hostile_ipi_x2apic, HOSTILE_SURVIVED, "wrmsr" : : "c"(MSR_X2APIC_ICR), "a"((APIC_INIT | APIC_ALL_OTHERS)), "d"(0) : "memory")
HOSTILE_ASM(hostile_cli_loop, HOSTILE_SURVIVED, "cli\n1: pause\n jmp 1b")
HOSTILE_ASM(hostile_hlt, HOSTILE_SURVIVED, "hlt")
HOSTILE_ASM(hostile_mwait, HOSTILE_SURVIVED, "monitor\n mwait" : : "a"(hostile_data), "c"(0), "d"(0))
HOSTILE_ASM(hostile_int_32, 0, "int $32")
HOSTILE_ASM(hostile_int_2, HOSTILE_SURVIVED, "int $2")
HOSTILE_ASM(hostile_port_in, HOSTILE_SURVIVED, "inb $0x60, %%al" : : : "rax")
HOSTILE_ASM(hostile_port_out, HOSTILE_SURVIVED, "outb %%al, %%dx" : : "a"(6), "d"(0xcf9))
HOSTILE_ASM(hostile_port_doorbell, HOSTILE_SURVIVED, "outb %%al, $0xb2" : : "a"(0))
HOSTILE_ASM(hostile_port_string, HOSTILE_SURVIVED, "outsb" : : "S"(hostile_data), "d"(0x80) : "memory")
HOSTILE_ASM(hostile_lldt, HOSTILE_SURVIVED, "lldt %%ax" : : "a"(0))
HOSTILE_ASM(hostile_ltr, HOSTILE_SURVIVED, "ltr %%ax" : : "a"(0x18))
HOSTILE_ASM(hostile_load_segment, HOSTILE_SURVIVED, "mov %0, %%ds" : : "r"(SELECTOR_BEYOND))
HOSTILE_ASM(hostile_iret_user, HOSTILE_SURVIVED, "mov %%rsp, %%rax\n pushq $0x33\n push %%rax\n pushq $0x202\n pushq $0x2b\n pushq $0\n iretq" : : : "rax", "memory")
HOSTILE_ASM(hostile_cpuid, HOSTILE_SURVIVED, "cpuid" : : "a"(0), "c"(0) : "rbx", "rdx")
HOSTILE_ASM(hostile_invd, HOSTILE_SURVIVED, "invd" : : : "memory")
HOSTILE_ASM(hostile_wbinvd, 0, "wbinvd" : : : "memory")
HOSTILE_ASM(hostile_invlpg, 0, "invlpg (%0)" : : "r"(hostile_data) : "memory")
HOSTILE_ASM(hostile_rdtsc, 0, "rdtsc" : : : "rax", "rdx")
HOSTILE_ASM(hostile_syscall, HOSTILE_SURVIVED, "syscall" : : : "rcx", "r11", "memory")
HOSTILE_ASM(hostile_sysenter, HOSTILE_SURVIVED, "sysenter" : : : "memory")
HOSTILE_ASM(hostile_getsec, HOSTILE_SURVIVED, "getsec" : : "a"(0), "b"(0))
HOSTILE_ASM(hostile_rsm, HOSTILE_SURVIVED, "rsm" : : : "memory")
HOSTILE_ASM(hostile_vmxoff, HOSTILE_SURVIVED, "vmxoff" : : : "cc")
HOSTILE_ASM(hostile_vmread, HOSTILE_SURVIVED, "vmread %%rax, %%rax" : : "a"(0x6c00) : "cc")
HOSTILE_ASM(hostile_vmlaunch, HOSTILE_SURVIVED, "vmlaunch" : : : "cc", "memory")
HOSTILE_ASM(hostile_vmfunc, HOSTILE_SURVIVED, "vmfunc" : : "a"(0), "c"(0) : "memory")
HOSTILE_ASM(hostile_divide, HOSTILE_SURVIVED, "divl %%ecx" : : "a"(1), "d"(0), "c"(0) : "cc")
HOSTILE_ASM(hostile_int1, HOSTILE_SURVIVED, ".byte 0xf1")
HOSTILE_ASM(hostile_int3, HOSTILE_SURVIVED, "int3")
HOSTILE_ASM(hostile_single_step, HOSTILE_SURVIVED, "pushfq\n orq $0x100, (%%rsp)\n popfq\n nop" : : : "cc", "memory")
HOSTILE_ASM(hostile_ud2, HOSTILE_SURVIVED, "ud2")
HOSTILE_ASM(hostile_stack_garbage, HOSTILE_SURVIVED, "mov %0, %%rsp\n push %%rax" : : "r"((uint64_t)GUEST_MEMORY) : "memory")
HOSTILE_ASM(hostile_spin, HOSTILE_SURVIVED, "1: jmp 1b")
/* clang-format on */

static int64_t hostile_read_page_table(void)
{
	/* A page table that maps itself does it at one of the 512 slots of its top level; the table is then here. */
	for (uint64_t slot = 511; slot > 0; slot--) {
		uint64_t sign = slot >= 256 ? 0xffff000000000000u : 0;

		(void)hostile_read(sign | slot << 39 | slot << 30 | slot << 21 | slot << 12);
	}
	return HOSTILE_SURVIVED;
}

static int64_t hostile_write_page_table(void)
{
	return hostile_write(0xfffffffffffff000u);
}

static int64_t hostile_read_physical(void)
{
	return hostile_read(GUEST_MEMORY);
}

static int64_t hostile_write_physical(void)
{
	return hostile_write(GUEST_MEMORY);
}

static int64_t hostile_read_null(void)
{
	return hostile_read(0);
}

static int64_t hostile_read_hypervisor(void)
{
	return hostile_read(0xfffffffff0000000u);
}

static int64_t hostile_read_linux(void)
{
	return hostile_read(LINUX_DIRECT_MAP);
}

static int64_t hostile_read_noncanonical(void)
{
	return hostile_read(NONCANONICAL);
}

static int64_t hostile_write_manager_text(void)
{
	return hostile_write(RV_FIMCE_MANAGER + 0x100);
}

static int64_t hostile_write_manager_idt(void)
{
	const struct rv_manager_header *h = (const struct rv_manager_header *)RV_FIMCE_MANAGER;

	return hostile_write(h->idt);
}

static int64_t hostile_write_param(void)
{
	return hostile_write(RV_FIMCE_PARAM);
}

static int64_t hostile_write_input(void)
{
	return hostile_write(RV_FIMCE_INPUT);
}

static int64_t hostile_write_text(void)
{
	return hostile_write((uintptr_t)hostile_write_text);
}

static int64_t hostile_write_rodata(void)
{
	return hostile_write((uintptr_t)&hostile_rodata);
}

static int64_t hostile_past_output(void)
{
	size_t capacity;
	uint8_t *output = rv_task_output(&capacity);

	return hostile_write((uintptr_t)output + capacity);
}

static int64_t hostile_past_mailbox(void)
{
	return hostile_write(RV_FIMCE_MAILBOX + RV_PAGE_SIZE);
}

__attribute__((noinline)) static int64_t hostile_recurse(uint64_t depth)
{
	volatile uint8_t room[256];

	room[depth % sizeof(room)] = (uint8_t)depth;
	/* The use of room behind the call keeps this from becoming a loop. */
	return hostile_hide(depth) == 0 ? 0 : hostile_recurse(depth - 1) + room[depth % sizeof(room)];
}

static int64_t hostile_stack_overflow(void)
{
	(void)hostile_recurse(UINT64_MAX);
	return HOSTILE_SURVIVED;
}

static int64_t hostile_exec_data(void)
{
	return hostile_exec((uintptr_t)hostile_data);
}

static int64_t hostile_exec_stack(void)
{
	volatile uint8_t code[16];

	code[0] = CODE_RET;
	return hostile_exec((uintptr_t)code);
}

static int64_t hostile_exec_output(void)
{
	size_t capacity;
	uint8_t *output = rv_task_output(&capacity);

	output[0] = CODE_RET;
	return hostile_exec((uintptr_t)output);
}

static int64_t hostile_exec_mailbox(void)
{
	*(volatile uint8_t *)RV_FIMCE_MAILBOX = CODE_RET;
	return hostile_exec(RV_FIMCE_MAILBOX);
}

static int64_t hostile_exec_physical(void)
{
	return hostile_exec(GUEST_MEMORY);
}

static int64_t hostile_ipi_xapic(void)
{
	*(volatile uint32_t *)hostile_hide(XAPIC_PAGE + 0x300) = (APIC_INIT | APIC_ALL_OTHERS);
	return HOSTILE_SURVIVED;
}

static int64_t hostile_sti_wait(void)
{
	__asm__ volatile("sti");
	for (int i = 0; i < 200000; i++)
		__asm__ volatile("pause");
	return 0;
}

/** Loads a table register from a 10-byte operand that names hostile_data. */
static int64_t hostile_lgdt(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) table = {sizeof(hostile_data) - 1, (uintptr_t)hostile_data};

	__asm__ volatile("lgdt %0" : : "m"(table));
	return HOSTILE_SURVIVED;
}

static int64_t hostile_lidt(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) table = {sizeof(hostile_data) - 1, (uintptr_t)hostile_data};

	__asm__ volatile("lidt %0" : : "m"(table));
	return HOSTILE_SURVIVED;
}

static int64_t hostile_sgdt(void)
{
	uint8_t table[10];

	__asm__ volatile("sgdt %0" : "=m"(table));
	return 0;
}

static int64_t hostile_swapgs(void)
{
	/* An odd number: GS base, which is zero here, ends up in KERNEL_GS_BASE. */
	__asm__ volatile("swapgs" : : : "memory");
	return 0;
}

static int64_t hostile_fpu_garbage(void)
{
	static const uint64_t garbage[2] __attribute__((aligned(16))) = {0x4141414141414141u, 0x4242424242424242u};
	uint32_t mxcsr = 0x7f80; /* all masked, another rounding */

#define LOAD(n) __asm__ volatile("movaps %0, %%xmm" #n : : "m"(garbage))
	LOAD(0);
	LOAD(1);
	LOAD(2);
	LOAD(3);
	LOAD(4);
	LOAD(5);
	LOAD(6);
	LOAD(7);
	LOAD(8);
	LOAD(9);
	LOAD(10);
	LOAD(11);
	LOAD(12);
	LOAD(13);
	LOAD(14);
	LOAD(15);
#undef LOAD
	__asm__ volatile("ldmxcsr %0\n fninit\n fldpi\n fldpi\n fldpi" : : "m"(mxcsr));
	return 0;
}

static int64_t hostile_simd(void)
{
	uint32_t mxcsr = 0;

	__asm__ volatile("ldmxcsr %0\n xorps %%xmm0, %%xmm0\n divss %%xmm0, %%xmm0" : : "m"(mxcsr) : "memory");
	return HOSTILE_SURVIVED;
}

static int64_t hostile_vmcall_measured(void)
{
	struct rv_measured *m = (struct rv_measured *)RV_FIMCE_MAILBOX;

	memset(m, 0, sizeof(*m));
	m->size = sizeof(*m);
	m->flags = RV_MEASURED_SIGNED;
	m->capabilities = 1;
	m->segment_count = 1;
	m->segment[0].pages = 1;
	m->segment[0].perm = 7;
	(void)rv_fimce_call(RV_FC_MEASURED, 0, 0, 0);
	return HOSTILE_SURVIVED;
}

static int64_t hostile_vmcall_yield(void)
{
	(void)rv_task_yield(0, 0, 0);
	return HOSTILE_SURVIVED;
}

static int64_t hostile_vmcall_refuse(void)
{
	(void)rv_fimce_call(RV_FC_REFUSE, (uint64_t)-RV_EPERM, 100, 0);
	return HOSTILE_SURVIVED;
}

static int64_t hostile_vmcall_unknown(void)
{
	(void)rv_fimce_call((enum rv_fimce_call)99, 0, 0, 0);
	return HOSTILE_SURVIVED;
}

static int64_t hostile_vmcall_guest(void)
{
	(void)rv_fimce_call((enum rv_fimce_call)UINT32_MAX, 0, 0, 0);
	return HOSTILE_SURVIVED;
}

static int64_t hostile_vmcall_log(void)
{
	(void)rv_fimce_call(RV_FC_LOG, 1ull << 32, 0, 0);
	return 0;
}

static int64_t hostile_vmcall_flood(void)
{
	/* Far more calls than any time budget holds. */
	for (uint64_t i = 0; i < 1ull << 40; i++)
		(void)rv_fimce_call(RV_FC_LOG, 40, 0, 0);
	return HOSTILE_SURVIVED;
}

static int64_t hostile_vmcall_exit(void)
{
	(void)rv_fimce_call(RV_FC_EXIT, 0, 1ull << 32, 0);
	return HOSTILE_SURVIVED;
}

static int64_t hostile_nothing(void)
{
	return 0;
}

int64_t task_main(const struct rv_fimce_param *param)
{
	size_t size;
	const char *argument = rv_task_argument(&size);

	(void)param;
	/* The argument may come with its NUL or with a newline. */
	while (size > 0 && (argument[size - 1] == '\0' || argument[size - 1] == '\n'))
		size--;
#define HOSTILE_TRY(name, function, expected, sentence)                                                                \
	if (size == sizeof(name) - 1 && memcmp(argument, name, sizeof(name) - 1) == 0)                                 \
		return function();
	HOSTILE_LIST(HOSTILE_TRY)
#undef HOSTILE_TRY
	return HOSTILE_UNKNOWN;
}
