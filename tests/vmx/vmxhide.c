/* SPDX-License-Identifier: GPL-2.0-only */
/* vmxhide.c - bare guest: VMX is not there, control registers, MSRs and traps behave as without Ravelin. */
#include "lib/call.h"
#include "lib/cpu.h"
#include "lib/cpuid.h"
#include "lib/modes.h"
#include "lib/report.h"

#include <ravelin/reason.h>

#define MSR_KVM_SYSTEM_TIME_NEW 0x4b564d01u
#define FW_CFG_SELECT 0x510
#define FW_CFG_DATA 0x511
#define DR6_BS (1ull << 14)
#define DR6_B0 1ull
#define FLAGS_ALL 0x8d5u /* arithmetic flags */
#define FLAGS_FIXED 2u
#define EXIT_CPUID 10u
#define IPI_VECTOR 0x61u
#define COUNTED 100u

static uint64_t log_since;

/* One instruction that must raise #UD. */
#define UD(name, ...)                                                                                                  \
	do {                                                                                                           \
		cpu_trap_clear();                                                                                      \
		__asm__ volatile(__VA_ARGS__);                                                                         \
		report_equal(cpu_trapped(), VECTOR_UD, "%s raises #UD", name);                                         \
	} while (0)

static void test_instructions(void)
{
	static uint64_t operand[2] __attribute__((aligned(16)));

	report_group("instructions");
	UD("VMXON", TRAP_TRY "vmxon %0" TRAP_END : : "m"(operand[0]) : "r11", "memory", "cc");
	UD("VMXOFF", TRAP_TRY "vmxoff" TRAP_END : : : "r11", "memory", "cc");
	UD("VMLAUNCH", TRAP_TRY "vmlaunch" TRAP_END : : : "r11", "memory", "cc");
	UD("VMRESUME", TRAP_TRY "vmresume" TRAP_END : : : "r11", "memory", "cc");
	UD("VMREAD", TRAP_TRY "vmread %%rcx, %%rax" TRAP_END : : "c"(0x6802ull), "a"(0) : "r11", "memory", "cc");
	UD("VMWRITE", TRAP_TRY "vmwrite %%rax, %%rcx" TRAP_END : : "c"(0x681eull), "a"(0) : "r11", "memory", "cc");
	UD("VMPTRLD", TRAP_TRY "vmptrld %0" TRAP_END : : "m"(operand[0]) : "r11", "memory", "cc");
	UD("VMPTRST", TRAP_TRY "vmptrst %0" TRAP_END : : "m"(operand[0]) : "r11", "memory", "cc");
	UD("VMCLEAR", TRAP_TRY "vmclear %0" TRAP_END : : "m"(operand[0]) : "r11", "memory", "cc");
	UD("INVEPT", TRAP_TRY "invept %0, %%rax" TRAP_END : : "m"(operand), "a"(2ull) : "r11", "memory", "cc");
	UD("INVVPID", TRAP_TRY "invvpid %0, %%rax" TRAP_END : : "m"(operand), "a"(2ull) : "r11", "memory", "cc");
	UD("VMFUNC", TRAP_TRY "vmfunc" TRAP_END : : "a"(0), "c"(0) : "r11", "memory", "cc");
	UD("GETSEC", TRAP_TRY "getsec" TRAP_END : : "a"(0), "b"(0) : "r11", "memory", "cc");

	static uint64_t kept = 0x1122334455667788;

	/* INVD would lose what root mode has in the cache: it must not, nor may the guest's own memory change. */
	__asm__ volatile("invd" : : : "memory");
	report_equal(kept, 0x1122334455667788, "memory is whole after INVD");
}

static uint64_t leaf1_with_garbage(uint64_t *rbx, uint64_t *rcx, uint64_t *rdx)
{
	uint64_t rax = 0xdeadbeef00000001;

	*rcx = 0xdeadbeef00000000;
	*rbx = *rdx = ~0ull;
	__asm__ volatile("cpuid" : "+a"(rax), "+b"(*rbx), "+c"(*rcx), "+d"(*rdx));
	return rax;
}

/* VMX in QEMU comes from KVM, which sets the hypervisor bit. Other emulators have nothing at these ports. */
static bool is_qemu(void)
{
	static const char signature[4] = {'Q', 'E', 'M', 'U'};
	bool same = true;

	outw(FW_CFG_SELECT, 0);
	for (int i = 0; i < 4; i++)
		same &= inb(FW_CFG_DATA) == (uint8_t)signature[i];
	return same;
}

static void test_cpuid(void)
{
	struct cpuid r = cpuid(1, 0), other = cpuid(0x40000000, 0), kvm = cpuid(0x40000001, 0),
		     rv = cpuid(RV_CPUID_LEAF, 0);
	uint64_t a, b, c, d;

	report_group("CPUID");
	report(!(r.ecx & 1u << 5), "VMX is not there");
	report(!(r.ecx & 1u << 6), "SMX is not there");
	report_equal(r.ecx >> 31, is_qemu(), "the hypervisor bit is as the machine gives it");
	report((other.eax | other.ebx | other.ecx | other.edx | kvm.eax) == 0, "no leaf of another hypervisor");
	report(!(cpuid(7, 0).ebx & 1u << 25), "processor trace is not there");
	report(rv.eax == RV_CPUID_SIGNATURE && rv.ebx == RV_ABI_VERSION && rv.ecx == 0 &&
		   (rv.edx & ~RV_FEATURE_DEVICES) == (RV_FEATURE_DEDICATED | RV_FEATURE_UPDATE),
	       "Ravelin's leaf");
	a = leaf1_with_garbage(&b, &c, &d);
	report(a >> 32 == 0 && b >> 32 == 0 && c >> 32 == 0 && d >> 32 == 0, "the upper halves of the results are 0");
	write_cr4(read_cr4() & ~CR4_OSXSAVE);
	report(!(cpuid(1, 0).ecx & 1u << 27), "OSXSAVE is clear with CR4.OSXSAVE clear");
	cpu_trap_clear();
	__asm__ volatile(TRAP_TRY "xsetbv" TRAP_END : : "a"(1), "d"(0), "c"(0) : "r11", "memory");
	report_equal(cpu_trapped(), VECTOR_UD, "XSETBV raises #UD with CR4.OSXSAVE clear");
	write_cr4(read_cr4() | CR4_OSXSAVE);
	report(cpuid(1, 0).ecx & 1u << 27, "OSXSAVE is set with CR4.OSXSAVE set");
}

static bool cpuid_regs_same(const struct cpuid_regs *a, const struct cpuid_regs *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Both ways of root mode through one CPUID: the same answer, and nothing else changes. */
static bool cpuid_both_ways(uint32_t leaf, uint32_t subleaf, uint64_t flags)
{
	const uint64_t high = 0xdeadbeef00000000;
	struct cpuid_regs before = {.rax = high | leaf,
				    .rcx = high | subleaf,
				    .rdx = ~0ull,
				    .rbx = high,
				    .rbp = 0x0101010101010101,
				    .rsi = 0x0202020202020202,
				    .rdi = 0x0303030303030303,
				    .r8 = 0x0404040404040404,
				    .r9 = 0x0505050505050505,
				    .r10 = 0x0606060606060606,
				    .r11 = 0x0707070707070707,
				    .r12 = 0x0808080808080808,
				    .r13 = 0x0909090909090909,
				    .r14 = 0x0a0a0a0a0a0a0a0a,
				    .r15 = 0x0b0b0b0b0b0b0b0b,
				    .flags = flags | FLAGS_FIXED};
	struct cpuid_regs one = before, other = before;
	bool clean;

	cpuid_run(&one);
	cpuid_run_shadow(&other);
	clean = (one.rax | one.rbx | one.rcx | one.rdx) >> 32 == 0;
	before.rax = one.rax;
	before.rbx = one.rbx;
	before.rcx = one.rcx;
	before.rdx = one.rdx;
	return clean && cpuid_regs_same(&one, &before) && cpuid_regs_same(&other, &one);
}

static uint64_t interrupted_at;

static bool interrupt_hook(struct trap_frame *f)
{
	if (f->vector == IPI_VECTOR)
		interrupted_at = f->rip;
	return false;
}

/* An interrupt that waits comes behind the CPUID after STI, not before it and not later. */
static void test_cpuid_after_sti(uint32_t leaf)
{
	uint64_t behind;
	uint32_t rax = leaf, rcx = 0;

	cpu_self()->hook = interrupt_hook;
	interrupted_at = 0;
	apic_send(apic_this_id(), APIC_FIXED | IPI_VECTOR);
	__asm__ volatile("sti\n\tcpuid\n1:\tnop\n\tnop\n\tcli\n\tlea 1b(%%rip), %2"
			 : "+a"(rax), "+c"(rcx), "=r"(behind)
			 :
			 : "rbx", "rdx", "cc", "memory");
	cpu_self()->hook = NULL;
	report_equal(interrupted_at, behind, "leaf %u behind STI: an interrupt comes right after it", leaf);
}

/* Prefixes that CPUID ignores: RIP goes on by the length that the instruction has. */
#define CPUID_PREFIXED(prefixes, leaf, r)                                                                              \
	__asm__ volatile(".byte " prefixes "0x0f, 0xa2"                                                                \
			 : "=a"((r)->eax), "=b"((r)->ebx), "=c"((r)->ecx), "=d"((r)->edx)                              \
			 : "a"(leaf), "c"(0))

static void test_cpuid_lengths(uint32_t leaf)
{
	struct cpuid plain = cpuid(leaf, 0), r[3];

	CPUID_PREFIXED("0x48, ", leaf, &r[0]);
	CPUID_PREFIXED("0x66, 0x2e, ", leaf, &r[1]);
	CPUID_PREFIXED("0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, ", leaf, &r[2]);
	report(memcmp(&r[0], &plain, sizeof(plain)) == 0 && memcmp(&r[1], &plain, sizeof(plain)) == 0 &&
		   memcmp(&r[2], &plain, sizeof(plain)) == 0,
	       "leaf %u with prefixes, up to 15 bytes long", leaf);
}

static void test_cpuid_ways(void)
{
	const uint32_t bases[] = {0, 0x40000000, 0x80000000, RV_CPUID_LEAF, 0xfffffff0};
	struct call_buffer b = buffer_make(1);
	const struct rv_stat *stat = (const void *)b.data;
	uint64_t counted, exits;
	uint32_t differ = 0;

	for (uint32_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		for (uint32_t n = 0; n < 33 * 10; n++) {
			if (cpuid_both_ways(bases[i] + n / 10, n % 10, n & 1 ? FLAGS_ALL : 0))
				continue;
			differ++;
			report_line("leaf 0x%x, subleaf %u", bases[i] + n / 10, n % 10);
		}
	}
	report_equal(differ, 0, "the short and the long way give the same, and keep all other registers");
	test_cpuid_after_sti(1);
	test_cpuid_after_sti(2);
	test_cpuid_lengths(1);
	test_cpuid_lengths(2);

	call(RV_HC_GET_STAT, (uint64_t)b.frames, 0, 0);
	counted = stat->exit[EXIT_CPUID];
	exits = stat->exits;
	for (uint32_t i = 0; i < COUNTED; i++) {
		cpuid(1, 0);
		cpuid(2, 0);
		cpuid(4, i & 3);
	}
	call(RV_HC_GET_STAT, (uint64_t)b.frames, 0, 0);
	report_equal(stat->exit[EXIT_CPUID] - counted, 3 * COUNTED, "each CPUID is counted");
	/* The second GET_STAT itself is one. */
	report_equal(stat->exits - exits, 3 * COUNTED + 1, "and nothing else");
}

static uint32_t try_rdmsr(uint32_t msr, uint64_t *value)
{
	uint32_t low = 0, high = 0;

	cpu_trap_clear();
	__asm__ volatile(TRAP_TRY "rdmsr" TRAP_END : "+a"(low), "+d"(high) : "c"(msr) : "r11", "memory");
	*value = (uint64_t)high << 32 | low;
	return cpu_trapped();
}

static uint32_t try_wrmsr(uint32_t msr, uint64_t value)
{
	cpu_trap_clear();
	__asm__ volatile(TRAP_TRY "wrmsr" TRAP_END
			 :
			 : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
			 : "r11", "memory");
	return cpu_trapped();
}

static void wrmsr_refused(uint32_t msr, uint64_t value, const char *name)
{
	struct rv_log_record r = {0};

	log_count(RV_REASON_MSR_REFUSED, &log_since, NULL);
	report_equal(try_wrmsr(msr, value), VECTOR_GP, "WRMSR of %s raises #GP", name);
	report(log_count(RV_REASON_MSR_REFUSED, &log_since, &r) == 1 && r.value[0] == msr && r.value[1] == value,
	       "the log tells of the write to %s", name);
}

static void test_msrs(void)
{
	uint32_t gp = 0;
	uint64_t value;

	report_group("MSRs");
	for (uint32_t msr = MSR_VMX_BASIC; msr <= MSR_VMX_LAST; msr++)
		gp += try_rdmsr(msr, &value) == VECTOR_GP;
	report_equal(gp, MSR_VMX_LAST - MSR_VMX_BASIC + 1, "RDMSR of every VMX MSR raises #GP");
	report(try_rdmsr(MSR_FEATURE_CONTROL, &value) == CPU_NO_TRAP && value == 1,
	       "FEATURE_CONTROL is locked, with VMX off");
	wrmsr_refused(MSR_FEATURE_CONTROL, 5, "FEATURE_CONTROL");
	wrmsr_refused(MSR_VMX_BASIC, 0, "VMX_BASIC");
	wrmsr_refused(MSR_SMM_MONITOR_CTL, 1, "SMM_MONITOR_CTL");
	wrmsr_refused(MSR_HW_FEEDBACK_PTR, 0x1000001, "HW_FEEDBACK_PTR");
	wrmsr_refused(MSR_RTIT_FIRST, 0x1000000, "RTIT_OUTPUT_BASE");
	wrmsr_refused(MSR_KVM_WALL_CLOCK, 0x1000001, "KVM_WALL_CLOCK");
	wrmsr_refused(MSR_KVM_SYSTEM_TIME, 0x1000001, "KVM_SYSTEM_TIME");
	wrmsr_refused(MSR_KVM_SYSTEM_TIME_NEW, 0x1000001, "KVM_SYSTEM_TIME_NEW");
	report_equal(try_wrmsr(MSR_BIOS_UPDT_TRIG, 0x1000000), CPU_NO_TRAP, "a microcode update is ignored");
	report_equal(log_count(RV_REASON_MSR_REFUSED, &log_since, NULL), 1, "the log tells of the microcode update");

	report_group("MTRRs");
	uint64_t before = rdmsr(MSR_MTRR_FIX64K);

	report_equal(try_wrmsr(MSR_MTRR_FIX64K, before), CPU_NO_TRAP, "writing the same value is taken");
	report_equal(log_count(RV_REASON_MSR_REFUSED, &log_since, NULL), 0, "without a log record");
	report_equal(try_wrmsr(MSR_MTRR_FIX64K, before ^ 6), CPU_NO_TRAP, "writing another value is no fault");
	report_equal(log_count(RV_REASON_MSR_REFUSED, &log_since, NULL), 1, "with a log record");
	report_equal(rdmsr(MSR_MTRR_FIX64K), before, "and changes nothing");
	before = rdmsr(MSR_MTRR_PHYSBASE0);
	report(try_wrmsr(MSR_MTRR_PHYSBASE0, before ^ 0x1000) == CPU_NO_TRAP && rdmsr(MSR_MTRR_PHYSBASE0) == before,
	       "PHYS_BASE0 keeps its value");

	report_group("APIC_BASE");
	before = rdmsr(MSR_APIC_BASE);
	report_equal(try_wrmsr(MSR_APIC_BASE, before), CPU_NO_TRAP, "the same value is taken");
	report_equal(try_wrmsr(MSR_APIC_BASE, before + 0x100000), VECTOR_GP, "another address raises #GP");
	report_equal(log_count(RV_REASON_APIC_BASE, &log_since, NULL), 1, "with a log record");
	report_equal(rdmsr(MSR_APIC_BASE), before, "and changes nothing");
	report_equal(try_wrmsr(MSR_APIC_BASE, (before | APIC_BASE_X2APIC) & ~APIC_BASE_ENABLE), VECTOR_GP,
		     "x2APIC without enable raises #GP");
	if (!(cpuid(1, 0).ecx & 1u << 21)) {
		report_skip("the CPU has no x2APIC", "switching to x2APIC");
		return;
	}
	report_equal(try_wrmsr(MSR_APIC_BASE, before | APIC_BASE_X2APIC), CPU_NO_TRAP, "x2APIC can be switched on");
	report_equal(try_wrmsr(MSR_APIC_BASE, before), VECTOR_GP, "the step from x2APIC back to xAPIC raises #GP");
	report_equal(try_wrmsr(MSR_APIC_BASE, before & ~APIC_BASE_ENABLE), CPU_NO_TRAP, "the APIC can be switched off");
	report_equal(try_wrmsr(MSR_APIC_BASE, before), CPU_NO_TRAP, "and on again");
	apic_enable();
}

static uint32_t try_xsetbv(uint32_t xcr, uint64_t value)
{
	cpu_trap_clear();
	__asm__ volatile(TRAP_TRY "xsetbv" TRAP_END
			 :
			 : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(xcr)
			 : "r11", "memory");
	return cpu_trapped();
}

static uint64_t xgetbv(void)
{
	uint32_t low, high;

	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (uint64_t)high << 32 | low;
}

static void user_xsetbv(void)
{
	__asm__ volatile("xsetbv\n\tint $0x81" : : "a"(3), "d"(0), "c"(0) : "memory");
}

static void test_xsetbv(void)
{
	struct cpuid d = cpuid(0xd, 0);
	uint64_t supported = (uint64_t)d.edx << 32 | d.eax, before = xgetbv();

	report_group("XSETBV");
	report_equal(try_xsetbv(0, supported), CPU_NO_TRAP, "all that CPUID offers (0x%lx)", supported);
	report_equal(xgetbv(), supported, "XCR0 has that value");
	report_equal(try_xsetbv(0, 0), VECTOR_GP, "0 raises #GP");
	report_equal(try_xsetbv(0, 2), VECTOR_GP, "x87 off raises #GP");
	report_equal(try_xsetbv(0, 5), VECTOR_GP, "AVX without SSE raises #GP");
	report_equal(try_xsetbv(0, supported | 1ull << 62), VECTOR_GP, "an unknown bit raises #GP");
	report_equal(try_xsetbv(1, 1), VECTOR_GP, "XCR1 raises #GP");
	report_equal(cpu_user_call(user_xsetbv), VECTOR_GP, "ring 3 gets #GP");
	report_equal(xgetbv(), supported, "XCR0 is unchanged");
	report_equal(try_xsetbv(0, before), CPU_NO_TRAP, "the old value again");
}

static uint32_t try_cr0(uint64_t value)
{
	cpu_trap_clear();
	__asm__ volatile(TRAP_TRY "mov %0, %%cr0" TRAP_END : : "r"(value) : "r11", "memory");
	return cpu_trapped();
}

static uint32_t try_cr4(uint64_t value)
{
	cpu_trap_clear();
	__asm__ volatile(TRAP_TRY "mov %0, %%cr4" TRAP_END : : "r"(value) : "r11", "memory");
	return cpu_trapped();
}

static void test_control_registers(void)
{
	uint64_t cr0 = read_cr0(), cr4 = read_cr4();

	report_group("control registers");
	report(!(cr4 & CR4_VMXE), "CR4.VMXE reads 0");
	report_equal(try_cr4(cr4 | CR4_VMXE), VECTOR_GP, "setting CR4.VMXE raises #GP");
	report_equal(read_cr4(), cr4, "and changes nothing");
	report_equal(try_cr4(cr4 | CR4_PGE), CPU_NO_TRAP, "CR4.PGE can be set");
	report_equal(read_cr4(), cr4 | CR4_PGE, "and is seen");
	write_cr4(cr4);
	report_equal(try_cr0(cr0 & ~CR0_NE), CPU_NO_TRAP, "CR0.NE can be cleared");
	report(!(read_cr0() & CR0_NE), "and reads 0");
	/* A value that also changes other bits exits because of NE and must be carried out whole. */
	report_equal(try_cr0((cr0 | CR0_NE) ^ CR0_AM), CPU_NO_TRAP, "NE and AM in one write");
	report_equal(read_cr0(), (cr0 | CR0_NE) ^ CR0_AM, "and reads back so");
	write_cr0(cr0 & ~CR0_NE);
	report_equal(try_cr0((cr0 | CR0_NE) & ~1ull), VECTOR_GP, "PG without PE raises #GP, with an exit for NE");
	write_cr0(cr0 & ~CR0_NE);
	report_equal(try_cr0(cr0 | CR0_NE | 1ull << 29), VECTOR_GP, "NW without CD raises #GP, with an exit for NE");
	write_cr0(cr0 & ~CR0_NE);
	report_equal(try_cr0(cr0 | CR0_NE | 1ull << 32), VECTOR_GP, "bit 32 raises #GP, with an exit for NE");
	report_equal(read_cr0(), cr0 | CR0_NE, "and changes nothing but NE");
	write_cr0(cr0);

	/* CLTS and LMSW do not touch NE. */
	write_cr0(cr0 | 8);
	__asm__ volatile("clts");
	report(!(read_cr0() & 8), "CLTS clears CR0.TS");
	__asm__ volatile("lmsw %w0" : : "r"((uint32_t)(cr0 | 8)));
	report(read_cr0() & 8, "LMSW sets CR0.TS");
	write_cr0(cr0);
}

static void tables_fill(struct modes *m)
{
	uint32_t *legacy = memory_pages(1);
	uint64_t *pd = memory_pages(4), *other = memory_pages(1), *pdpt = memory_pages(1),
		 *pdpt_other = memory_pages(1);
	/* The words to read, in a 2 MiB and in a 4 MiB page of their own sight. */
	uint32_t *word = memory_pages(1), *word_other = memory_pages(1);
	uint64_t at = (uint64_t)word, at_other = (uint64_t)word_other;

	*word = 0x600dda7a;
	/* The same offset in the 2 MiB page as the first word has. */
	word_other = (uint32_t *)((at_other & ~0x1fffffull) | (at & 0x1fffff));
	if (word_other == word)
		word_other = (uint32_t *)((uint64_t)word + 0x200000);
	for (uint64_t i = 0; i < 1024; i++)
		legacy[i] = (uint32_t)(i << 22 | 0x83);
	legacy[0x40000000u >> 22] = (uint32_t)((at & ~0x3fffffull) | 0x83);
	for (uint64_t i = 0; i < 2048; i++)
		pd[i] = i << 21 | 0x83;
	pd[0x80000000u >> 21] = (at & ~0x1fffffull) | 0x83;
	memcpy(other, pd + 1024, 4096);
	other[0] = ((uint64_t)word_other & ~0x1fffffull) | 0x83;
	for (uint64_t i = 0; i < 4; i++)
		pdpt[i] = pdpt_other[i] = ((uint64_t)pd + 4096 * i) | 1;
	pdpt_other[2] = (uint64_t)other | 1;
	m->legacy_cr3 = (uint32_t)(uint64_t)legacy;
	m->pae_cr3 = (uint32_t)(uint64_t)pdpt;
	m->pae_cr3_other = (uint32_t)(uint64_t)pdpt_other;
	m->legacy_address = 0x40000000u | (uint32_t)(at & 0x3fffff);
	m->pae_address = 0x80000000u | (uint32_t)(at & 0x1fffff);
	*word_other = 0x07e50da7;
}

static void test_modes(void)
{
	static struct modes m;

	report_group("modes");
	tables_fill(&m);
	modes_walk(&m);
	report((m.efer_unpaged & 0x400) == 0, "EFER.LMA is clear without paging");
	report(m.vmcall_value == (uint32_t)-RV_EPERM && m.vmcall_reason == RV_REASON_HC_MODE,
	       "a hypercall without long mode is refused");
	report(!(m.cr0_ne_clear & CR0_NE) && (m.cr0_ne_set & CR0_NE), "CR0.NE without paging");
	report_equal(m.legacy_read, 0x600dda7a, "32-bit paging with 4 MiB pages");
	report_equal(m.pae_read, 0x600dda7a, "PAE paging, switched on together with NE");
	report((m.pae_cr0 & CR0_PG) && !(m.pae_cr0 & CR0_NE), "CR0 reads as written");
	report_equal(m.pae_read_again, 0x600dda7a, "PAE paging after a change of NE");
	report_equal(m.pae_read_other, 0x07e50da7, "PAE paging with other PDPTEs");
	report(rdmsr(MSR_EFER) >> 8 & 5, "back in long mode");
	audit_clean("after all modes");
}

static struct call_result user_result;

static void user_vmcall_info(void)
{
	user_result = call(RV_HC_INFO, 0, 0, 0);
	__asm__ volatile("int $0x81" : : : "memory");
}

static void user_vmcall_null(void)
{
	user_result = call(RV_HC_NULL, 0, 0, 0);
	__asm__ volatile("int $0x81" : : : "memory");
}

static void user_vmcall_get_info(void)
{
	user_result = call(RV_HC_GET_INFO, 0x1000000, 0, 0);
	__asm__ volatile("int $0x81" : : : "memory");
}

static void user_doorbell(void)
{
	int64_t rax = RV_DOORBELL_VALUE;

	__asm__ volatile("outb %%al, $0xb2" : "+a"(rax) : "D"(0x7777), "S"(1) : "rdx", "r8", "memory");
	user_result.value = rax;
	__asm__ volatile("int $0x81" : : : "memory");
}

static void test_ring3(void)
{
	report_group("ring 3");
	report(cpu_user_call(user_vmcall_info) == VECTOR_USER_END && user_result.value == RV_ABI_VERSION,
	       "INFO answers");
	report(cpu_user_call(user_vmcall_null) == VECTOR_USER_END && user_result.value == -RV_EPERM &&
		   call_reason(user_result) == RV_REASON_HC_CPL && user_result.refused == 3,
	       "NULL is refused");
	report(cpu_user_call(user_vmcall_get_info) == VECTOR_USER_END && user_result.value == -RV_EPERM,
	       "GET_INFO is refused");
	report_equal(cpu_user_call(user_doorbell), VECTOR_GP, "the doorbell raises #GP");
	/* With an I/O permission map that lets ring 3 reach the port (it lies in the TSS itself, whose bytes are 0 there). */
	cpu_self()->tss[25] = 0;
	report(cpu_user_call(user_doorbell) == VECTOR_USER_END && user_result.value == -RV_EPERM,
	       "the doorbell is refused even where ring 3 may use the port");
	cpu_self()->tss[25] = sizeof(cpu_self()->tss) << 16;

	/* The doorbell in ring 0 is the hypercall UPDATE; of an unknown FIMCE here. */
	uint64_t rax = RV_DOORBELL_VALUE, rdx = 0;

	__asm__ volatile("outb %%al, $0xb2" : "+a"(rax), "+d"(rdx) : "D"(0x7777), "S"(1) : "r8", "memory");
	report((int64_t)rax == -RV_ENOENT && (uint32_t)rdx == RV_REASON_FIMCE_ID,
	       "the doorbell in ring 0 is the call UPDATE");
}

/* Single steps over instructions that exit: one #DB behind each, no more and no fewer. */
static uint64_t step_rip[8];
static uint32_t steps;

static bool step_hook(struct trap_frame *f)
{
	if (f->vector != VECTOR_DB)
		return false;
	if (steps < 8)
		step_rip[steps] = f->rip;
	steps++;
	return true;
}

static bool data_hook(struct trap_frame *f)
{
	if (f->vector != VECTOR_DB)
		return false;
	steps++;
	return true;
}

static void test_step_over_cpuid(uint32_t leaf)
{
	uint64_t first, after_cpuid, after_nop;
	uint32_t rax = leaf, rcx = 0;

	steps = 0;
	__asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n"
			 "1:\tnop\n2:\tcpuid\n3:\tnop\n\t"
			 "pushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq\n\t"
			 "lea 2b(%%rip), %2\n\tlea 3b(%%rip), %3\n\tlea 3b+1(%%rip), %4"
			 : "+a"(rax), "+c"(rcx), "=&r"(first), "=&r"(after_cpuid), "=&r"(after_nop)
			 :
			 : "rbx", "rdx", "cc", "memory");
	report_equal(steps, 6, "six steps, one of them over CPUID leaf %u, are six #DB", leaf);
	report(step_rip[0] == first && step_rip[1] == after_cpuid && step_rip[2] == after_nop,
	       "the step over CPUID leaf %u ends right behind it", leaf);
}

static void test_debug(void)
{
	static uint64_t watched;

	report_group("debug");
	cpu_self()->hook = step_hook;
	test_step_over_cpuid(1);
	test_step_over_cpuid(2);
	uint64_t dr6;

	__asm__ volatile("mov %%dr6, %0" : "=r"(dr6));
	report(dr6 & DR6_BS, "DR6.BS is set");
	__asm__ volatile("mov %0, %%dr6" : : "r"(0xffff0ff0ull));

	cpu_self()->hook = data_hook;
	steps = 0;
	write_dr0((uint64_t)&watched);
	write_dr7(0x400 | 1 << 16 | 3 << 18 | 2); /* DR0: a write of up to 4 bytes */
	__asm__ volatile("movl $1, %0" : "=m"(watched));
	write_dr7(0x400);
	__asm__ volatile("mov %%dr6, %0" : "=r"(dr6));
	report(steps == 1 && (dr6 & DR6_B0), "a data breakpoint is one #DB with DR6.B0");
	steps = 0;
	__asm__ volatile(".byte 0xf1" : : : "memory");
	report_equal(steps, 1, "INT1 is one #DB");
	cpu_self()->hook = NULL;
	cpu_trap_clear();
	__asm__ volatile(TRAP_TRY "int3" TRAP_END : : : "r11", "memory");
	report_equal(cpu_trapped(), 3, "INT3 is #BP");
}

static void user_misaligned(void)
{
	__asm__ volatile(
	    "pushfq\n\torq $0x40000, (%%rsp)\n\tpopfq\n\tmov %%rsp, %%rax\n\tmov 1(%%rax), %%rcx\n\tint $0x81"
	    :
	    :
	    : "rax", "rcx", "memory", "cc");
}

static void test_alignment(void)
{
	report_group("");
	write_cr0(read_cr0() | CR0_AM);
	report_equal(cpu_user_call(user_misaligned), 17, "a misaligned access in ring 3 with RFLAGS.AC is #AC");
	write_cr0(read_cr0() & ~CR0_AM);
	report_equal(cpu_user_call(user_misaligned), VECTOR_USER_END, "and none with CR0.AM clear");
}

void test_main(void)
{
	write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE);
	test_cpuid();
	test_cpuid_ways();
	test_instructions();
	test_msrs();
	test_xsetbv();
	test_control_registers();
	test_modes();
	test_ring3();
	test_debug();
	test_alignment();
	audit_clean("after all");
}
