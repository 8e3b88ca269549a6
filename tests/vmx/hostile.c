/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hostile.c - bare guest: runs every attempt of the hostile task on a borrowed core. Each must end as hostile_list.h says, and
 * must leave nothing behind in the registers, interrupts and memory of the guest.
 */
#include "lib/call.h"
#include "lib/cpu.h"
#include "lib/report.h"

#include <hostile_list.h>
#include <ravelin/image.h>
#include <ravelin/reason.h>

#define MSR_STAR 0xc0000081u
#define MSR_LSTAR 0xc0000082u
#define PENDING_VECTOR 0x51
#define APIC_SELF 0x40000u
#define BUDGET_US 20000u
#define TPR_VALUE 2u

struct attempt {
	const char *name, *expected, *what;
};

#define ATTEMPT(name, function, expected, what) {name, expected, what},
static const struct attempt attempts[] = {HOSTILE_LIST(ATTEMPT)};

/** What of the CPU must be the same after a FIMCE ran on it. */
struct cpu_state {
	uint8_t ymm[16][32];
	uint8_t fpu[512] __attribute__((aligned(16)));
	uint64_t kernel_gs_base, cr0, cr2, cr3, cr4, cr8, dr0, dr1, dr2, dr3, dr6, dr7, efer, pat, star, lstar,
	    sysenter_eip;
	uint64_t gs_base, fs_base, xcr0;
	uint64_t gdt[2], idt[2];
};
static struct cpu_state wanted __attribute__((aligned(64))), found __attribute__((aligned(64)));
static bool has_avx;

/* RUN with the vector registers of wanted, which are read back to found. */
static struct call_result run_with_registers(uint64_t id)
{
	struct call_result r;
	uint64_t rdx = 0;

	__asm__ volatile("fxrstor %0" : : "m"(wanted.fpu));
	if (has_avx) {
#define LOAD(n) "vmovdqu " #n "*32(%%rcx), %%ymm" #n "\n\t"
#define STORE(n) "vmovdqu %%ymm" #n ", " #n "*32(%%rbx)\n\t"
		__asm__ volatile(LOAD(0) LOAD(1) LOAD(2) LOAD(3) LOAD(4) LOAD(5) LOAD(6) LOAD(7) LOAD(8) LOAD(9)
				     LOAD(10) LOAD(11) LOAD(12) LOAD(13) LOAD(14) LOAD(15) "vmcall\n\t" STORE(0)
					 STORE(1) STORE(2) STORE(3) STORE(4) STORE(5) STORE(6) STORE(7) STORE(8)
					     STORE(9) STORE(10) STORE(11) STORE(12) STORE(13) STORE(14) STORE(15)
				 : "=a"(r.value), "+d"(rdx)
				 : "a"(RV_HC_FIMCE_RUN), "D"(id), "S"(RV_RUN_BORROWED), "c"(wanted.ymm), "b"(found.ymm)
				 : "r8", "memory", "cc");
	} else {
		__asm__ volatile("vmcall"
				 : "=a"(r.value), "+d"(rdx)
				 : "a"(RV_HC_FIMCE_RUN), "D"(id), "S"(RV_RUN_BORROWED)
				 : "r8", "memory", "cc");
	}
	r.second = rdx;
	__asm__ volatile("fxsave %0" : "=m"(found.fpu));
	return r;
}

static void state_read(struct cpu_state *s)
{
	struct __attribute__((packed)) {
		uint16_t limit;
		uint64_t base;
	} gdt, idt;
	uint32_t low, high;

	s->kernel_gs_base = rdmsr(MSR_KERNEL_GS_BASE);
	s->cr0 = read_cr0();
	s->cr2 = read_cr2();
	s->cr3 = read_cr3();
	s->cr4 = read_cr4();
	s->cr8 = read_cr8();
	s->dr0 = read_dr0();
	__asm__ volatile("mov %%dr1, %0\n\tmov %%dr2, %1\n\tmov %%dr3, %2\n\tmov %%dr6, %3"
			 : "=r"(s->dr1), "=r"(s->dr2), "=r"(s->dr3), "=r"(s->dr6));
	s->dr7 = read_dr7();
	s->efer = rdmsr(MSR_EFER);
	s->pat = rdmsr(MSR_PAT);
	s->star = rdmsr(MSR_STAR);
	s->lstar = rdmsr(MSR_LSTAR);
	s->sysenter_eip = rdmsr(MSR_SYSENTER_EIP);
	s->gs_base = rdmsr(MSR_GS_BASE);
	s->fs_base = rdmsr(MSR_FS_BASE);
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	s->xcr0 = (uint64_t)high << 32 | low;
	__asm__ volatile("sgdt %0\n\tsidt %1" : "=m"(gdt), "=m"(idt));
	s->gdt[0] = gdt.limit;
	s->gdt[1] = gdt.base;
	s->idt[0] = idt.limit;
	s->idt[1] = idt.base;
}

static void state_set(uint32_t seed)
{
	for (uint32_t i = 0; i < 16; i++) {
		for (uint32_t j = 0; j < 32; j++)
			wanted.ymm[i][j] = (uint8_t)(seed * 31 + i * 7 + j * 3 + 1);
	}
	__asm__ volatile("fninit\n\tfldpi\n\tfxsave %0" : "=m"(wanted.fpu));
	*(uint32_t *)(void *)&wanted.fpu[24] = 0x3f80; /* MXCSR with another rounding */
	for (uint32_t i = 0; i < 16; i++)
		memcpy(&wanted.fpu[160 + 16 * i], wanted.ymm[i], 16);
	wrmsr(MSR_KERNEL_GS_BASE, 0xffff800012340000 + seed);
	wrmsr(MSR_STAR, 0x0023001000000000);
	wrmsr(MSR_LSTAR, 0xffffffff81000000);
	wrmsr(MSR_SYSENTER_EIP, 0xffffffff82000000);
	wrmsr(MSR_FS_BASE, 0x00007f1234560000);
	write_cr2(0x1234567000 + seed);
	write_cr8(TPR_VALUE);
	__asm__ volatile("mov %0, %%dr6" : : "r"(0xffff0ff0ull));
	write_dr0(0x7fff00001000);
	__asm__ volatile("mov %0, %%dr1\n\tmov %1, %%dr2\n\tmov %2, %%dr3"
			 :
			 : "r"(0x7fff00002000ull), "r"(0x7fff00003000ull), "r"(0x7fff00004000ull));
	write_dr7(0x400 | 1 << 16 | 3 << 18 | 2); /* a breakpoint is armed */
	state_read(&wanted);
}

static bool same(const char *what, uint64_t actual, uint64_t expected)
{
	if (actual != expected)
		report_line("%s is 0x%lx, was 0x%lx", what, actual, expected);
	return actual == expected;
}

static bool state_is_kept(void)
{
	bool ok = true;

	state_read(&found);
#define SAME(field) ok &= same(#field, found.field, wanted.field)
	SAME(kernel_gs_base);
	SAME(cr0);
	SAME(cr2);
	SAME(cr3);
	SAME(cr4);
	SAME(cr8);
	SAME(dr0);
	SAME(dr1);
	SAME(dr2);
	SAME(dr3);
	SAME(dr6);
	SAME(dr7);
	SAME(efer);
	SAME(pat);
	SAME(star);
	SAME(lstar);
	SAME(sysenter_eip);
	SAME(gs_base);
	SAME(fs_base);
	SAME(xcr0);
	SAME(gdt[0]);
	SAME(gdt[1]);
	SAME(idt[0]);
	SAME(idt[1]);
#undef SAME
	/* Control word and MXCSR, then the stack of the x87 (80 bits each), then XMM. */
	if (memcmp(found.fpu, wanted.fpu, 2) != 0 || memcmp(&found.fpu[24], &wanted.fpu[24], 4) != 0 ||
	    memcmp(&found.fpu[32], &wanted.fpu[32], 10) != 0 || memcmp(&found.fpu[160], &wanted.fpu[160], 256) != 0) {
		report_line("x87 or SSE state differs");
		ok = false;
	}
	if (has_avx && memcmp(found.ymm, wanted.ymm, sizeof(found.ymm)) != 0) {
		report_line("AVX state differs");
		ok = false;
	}
	return ok;
}

static bool text_equals(const char *a, const char *b, size_t n)
{
	return strlen(b) == n && memcmp(a, b, n) == 0;
}

/* Does one alternative of the list, "kind:number" or "kind", describe this end? */
static bool end_matches(const char *one, size_t length, const struct rv_fimce_status *s)
{
	size_t kind = 0;
	uint64_t number = 0;

	while (kind < length && one[kind] != ':')
		kind++;
	for (size_t i = kind + 1; i < length; i++)
		number = number * 10 + (uint64_t)(one[i] - '0');
	if (text_equals(one, "done", kind))
		return s->state == RV_FIMCE_DONE && s->cause == RV_CAUSE_NONE && (uint64_t)s->result == number;
	if (s->state != RV_FIMCE_DEAD)
		return false;
	if (text_equals(one, "exception", kind))
		return s->cause == RV_CAUSE_EXCEPTION && s->detail == number;
	if (text_equals(one, "breach", kind))
		return s->cause == RV_CAUSE_BREACH && s->detail == number;
	if (text_equals(one, "protocol", kind))
		return s->cause == RV_CAUSE_PROTOCOL && s->detail == number;
	if (text_equals(one, "refused", kind))
		return s->cause == RV_CAUSE_REFUSED;
	return text_equals(one, "watchdog", kind) && s->cause == RV_CAUSE_WATCHDOG;
}

static bool end_is_expected(const char *expected, const struct rv_fimce_status *s)
{
	for (;;) {
		size_t n = 0;

		while (expected[n] && expected[n] != ',')
			n++;
		if (end_matches(expected, n, s))
			return true;
		if (!expected[n])
			return false;
		expected += n + 1;
	}
}

static void test_attempt(const struct attempt *a, uint32_t seed, const uint8_t *image, uint32_t bytes)
{
	struct fimce_wish wish = {
	    .argument = a->name, .argument_bytes = (uint32_t)strlen(a->name), .budget_us = BUDGET_US};
	struct call_result r = fimce_create_image(image, bytes, &wish);
	struct cpu *cpu = cpu_self();
	uint64_t id = (uint64_t)r.value, irqs = cpu->irqs[PENDING_VECTOR], log_since = 0, now;

	if (r.value <= 0) {
		report(false, "%s: it is created", a->name);
		return;
	}
	log_count(0, &log_since, NULL);
	state_set(seed);
	/* An interrupt that waits because of RFLAGS.IF: it must not be lost, not be delivered to the task, not come twice. */
	apic_send(cpu->apic_id, APIC_FIXED | APIC_SELF | PENDING_VECTOR);
	r = run_with_registers(id);

	const bool kept = state_is_kept();
	const struct rv_fimce_status *s = fimce_status(id);

	if (!report(r.value == s->state && end_is_expected(a->expected, s), "%s (%s) ends with %s", a->name, a->what,
		    a->expected))
		report_line("returned %ld, state %u cause %u detail %u value 0x%lx rip 0x%lx cr2 0x%lx result %ld",
			    r.value, s->state, s->cause, s->detail, s->value, s->rip, s->cr2, s->result);
	if (s->state == RV_FIMCE_DEAD) {
		uint64_t since = log_since;

		report(s->rip != 0 || s->cause == RV_CAUSE_EXCEPTION, "%s: the status tells where", a->name);
		report_equal(log_count(RV_REASON_FIMCE_DIED, &since, NULL), 1, "%s: the log tells of its death",
			     a->name);
	}
	report(kept, "%s: the guest's registers are whole", a->name);
	now = cpu->irqs[PENDING_VECTOR];
	cpu_irq_enable();
	__asm__ volatile("nop\n\tnop");
	cpu_irq_disable();
	report(now == irqs && cpu->irqs[PENDING_VECTOR] == irqs + 1, "%s: the guest's interrupt comes once, and later",
	       a->name);
	write_dr7(0x400);
	call(RV_HC_FIMCE_DESTROY, id, 0, 0);
}

void test_main(void)
{
	uint32_t bytes, count = sizeof(attempts) / sizeof(attempts[0]);
	const uint8_t *image = archive_need("hostile.img", &bytes);
	uint64_t before = pool_free();

	write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE);
	has_avx = (cpuid(1, 0).ecx & 1u << 28) != 0;
	if (has_avx)
		__asm__ volatile("xsetbv" : : "a"(7), "d"(0), "c"(0));
	for (uint32_t i = 0; i < count; i++) {
		test_attempt(&attempts[i], i, image, bytes);
		if (pool_free() != before) {
			report(false, "%s: the pool is as before", attempts[i].name);
			before = pool_free();
		}
	}
	report_equal(pool_free(), before, "the pool is as before after %u attempts", count);
	audit_clean("after all");
}
