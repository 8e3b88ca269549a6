/* SPDX-License-Identifier: GPL-2.0-only */
/* test_emulate.c - CPUID, control registers, MSRs, XSETBV and the doorbell, as a guest may and may not use them. */
#include "fake.h"

#define GP (VECTOR_GP | INTERRUPTION_TYPE_EXCEPTION | INTERRUPTION_ERROR_CODE | INTERRUPTION_VALID)
#define UD (VECTOR_UD | INTERRUPTION_TYPE_EXCEPTION | INTERRUPTION_VALID)
#define RIP 0xffffffff81000000ull

static struct percpu *cpu;

static int setup(void **state)
{
	(void)state;
	cpu = fake_machine();
	vmcs_load(cpu->guest_vmcs);
	return 0;
}

/* After each emulated instruction: the next VM entry would succeed, and the guest got what it should. */
static void expect_done(void)
{
	assert_null(fake_entry_refused());
	assert_int_equal(vmcs_read(VMCS_ENTRY_INTERRUPTION_INFO) & INTERRUPTION_VALID, 0);
	assert_int_equal(vmcs_read(VMCS_GUEST_RIP), RIP + 3);
	vmcs_set(VMCS_GUEST_RIP, RIP);
}

static void expect_gp(void)
{
	assert_null(fake_entry_refused());
	assert_int_equal(vmcs_read(VMCS_ENTRY_INTERRUPTION_INFO), GP);
	assert_int_equal(vmcs_read(VMCS_ENTRY_EXCEPTION_ERROR), 0);
	assert_int_equal(vmcs_read(VMCS_GUEST_RIP), RIP);
	vmcs_set(VMCS_ENTRY_INTERRUPTION_INFO, 0);
}

static struct cpuid do_cpuid(uint32_t leaf, uint32_t subleaf)
{
	uint64_t *g = cpu->regs.gpr;

	/* Upper halves are garbage before and zero after (pitfall 14). */
	g[RAX] = 0xaaaaaaaa00000000ull | leaf;
	g[RCX] = 0xbbbbbbbb00000000ull | subleaf;
	g[RBX] = g[RDX] = ~0ull;
	emulate_cpuid(cpu);
	expect_done();
	assert_true((g[RAX] | g[RBX] | g[RCX] | g[RDX]) >> 32 == 0);
	return (struct cpuid){(uint32_t)g[RAX], (uint32_t)g[RBX], (uint32_t)g[RCX], (uint32_t)g[RDX]};
}

static void test_cpuid_hides_vmx(void **state)
{
	struct cpuid all = {~0u, ~0u, ~0u, ~0u}, r;

	(void)state;
	fake_cpuid_set(1, 0, all);
	r = do_cpuid(1, 0);
	assert_int_equal(r.ecx & (1u << 5 | 1u << 6), 0);
	/* Debug store writes through linear addresses and does not stop in root mode. */
	assert_int_equal(r.ecx & (1u << 2 | 1u << 4), 0);
	assert_int_equal(r.edx & 1u << 21, 0);
	assert_int_equal(r.eax, ~0u);
	assert_true(r.ecx & 1u << 31); /* the "hypervisor" bit stays as the machine has it (pitfall 57) */
	fake_cpuid_set(7, 0, all);
	r = do_cpuid(7, 0);
	assert_int_equal(r.ebx & 1u << 25, 0); /* Processor Trace writes to physical addresses */
	fake_cpuid_set(6, 0, all);
	assert_int_equal(do_cpuid(6, 0).eax & (1u << 19 | 1u << 23), 0);
	fake_cpuid_set(0x1234, 5, all);
	r = do_cpuid(0x1234, 5);
	assert_int_equal(r.eax & r.ebx & r.ecx & r.edx, ~0u);
	/* KVM's leaves, when KVM is below: its interface is not for this guest. */
	for (uint32_t leaf = 0x40000000; leaf <= 0x40000001; leaf++) {
		fake_cpuid_set(leaf, 0, all);
		r = do_cpuid(leaf, 0);
		assert_int_equal(r.eax | r.ebx | r.ecx | r.edx, 0);
	}
	r = do_cpuid(RV_CPUID_LEAF, 0);
	assert_int_equal(r.eax, RV_CPUID_SIGNATURE);
	assert_int_equal(r.ebx, RV_ABI_VERSION);
}

static void test_cpuid_follows_cr4(void **state)
{
	struct cpuid none = {0}, all = {~0u, ~0u, ~0u, ~0u};

	(void)state;
	fake_cpuid_set(1, 0, none);
	fake_cpuid_set(7, 0, none);
	vmcs_set(VMCS_GUEST_CR4, CR4_PAE | CR4_VMXE | CR4_OSXSAVE | CR4_PKE);
	assert_true(do_cpuid(1, 0).ecx & 1u << 27);
	assert_true(do_cpuid(7, 0).ecx & 1u << 4);
	fake_cpuid_set(1, 0, all);
	fake_cpuid_set(7, 0, all);
	vmcs_set(VMCS_GUEST_CR4, CR4_PAE | CR4_VMXE);
	assert_false(do_cpuid(1, 0).ecx & 1u << 27);
	assert_false(do_cpuid(7, 0).ecx & 1u << 4);
}

/* The two leaves that entry.S answers by itself: nothing happens to them here. */
static void test_cpuid_unfiltered(void **state)
{
	const struct cpuid all = {~0u, ~0u, ~0u, ~0u}, none = {0};

	(void)state;
	for (uint32_t leaf = 2; leaf <= 4; leaf += 2) {
		for (uint32_t subleaf = 0; subleaf < 8; subleaf++) {
			struct cpuid r;

			fake_cpuid_set(leaf, subleaf, all);
			r = do_cpuid(leaf, subleaf);
			assert_memory_equal(&r, &all, sizeof(r));
			fake_cpuid_set(leaf, subleaf, none);
			r = do_cpuid(leaf, subleaf);
			assert_memory_equal(&r, &none, sizeof(r));
		}
	}
}

/* A feature without its control would be #UD in the guest (pitfall 11). */
static void test_cpuid_follows_controls(void **state)
{
	const struct {
		uint32_t leaf, subleaf, control;
		struct cpuid bit;
	} rule[] = {
	    {7, 0, SECONDARY_INVPCID, {.ebx = 1u << 10}},         {7, 0, SECONDARY_USER_WAIT, {.ecx = 1u << 5}},
	    {7, 0, SECONDARY_RDTSCP, {.ecx = 1u << 22}},          {0xd, 1, SECONDARY_XSAVES, {.eax = 1u << 3}},
	    {0x80000001, 0, SECONDARY_RDTSCP, {.edx = 1u << 27}},
	};

	(void)state;
	for (uint32_t i = 0; i < sizeof(rule) / sizeof(rule[0]); i++) {
		const struct cpuid *b = &rule[i].bit;
		struct cpuid r;

		fake_cpuid_set(rule[i].leaf, rule[i].subleaf, (struct cpuid){~0u, ~0u, ~0u, ~0u});
		hv.caps.guest.secondary |= rule[i].control;
		r = do_cpuid(rule[i].leaf, rule[i].subleaf);
		assert_true((r.eax & b->eax) | (r.ebx & b->ebx) | (r.ecx & b->ecx) | (r.edx & b->edx));
		hv.caps.guest.secondary &= ~rule[i].control;
		r = do_cpuid(rule[i].leaf, rule[i].subleaf);
		assert_false((r.eax & b->eax) | (r.ebx & b->ebx) | (r.ecx & b->ecx) | (r.edx & b->edx));
	}
}

static void do_wrmsr(uint32_t msr, uint64_t value)
{
	cpu->regs.gpr[RCX] = 0xcccccccc00000000ull | msr;
	cpu->regs.gpr[RAX] = 0xdddddddd00000000ull | (uint32_t)value;
	cpu->regs.gpr[RDX] = 0xeeeeeeee00000000ull | value >> 32;
	emulate_wrmsr(cpu);
}

static void test_rdmsr(void **state)
{
	(void)state;
	cpu->regs.gpr[RCX] = MSR_FEATURE_CONTROL;
	cpu->regs.gpr[RAX] = cpu->regs.gpr[RDX] = ~0ull;
	emulate_rdmsr(cpu);
	expect_done();
	assert_int_equal(cpu->regs.gpr[RAX], FEATURE_CONTROL_LOCK); /* locked, VMX off */
	assert_int_equal(cpu->regs.gpr[RDX], 0);
	for (uint32_t msr = MSR_VMX_BASIC; msr <= MSR_VMX_LAST; msr++) {
		cpu->regs.gpr[RCX] = msr;
		emulate_rdmsr(cpu);
		expect_gp();
	}
	cpu->regs.gpr[RCX] = 0x4b564d00; /* outside the bitmap: exits always */
	emulate_rdmsr(cpu);
	expect_gp();
}

/* The bitmap and emulate_wrmsr agree: each of these exits, and none gets to the CPU. */
static void test_wrmsr_refused(void **state)
{
	const uint32_t refused[] = {
	    MSR_FEATURE_CONTROL, MSR_VMX_BASIC,          MSR_SMM_MONITOR_CTL, 0x560,       0x561,   0x570,
	    MSR_HW_FEEDBACK_PTR, MSR_HW_FEEDBACK_THREAD, MSR_PEBS_ENABLE,     MSR_DS_AREA, MSR_XSS, MSR_KVM_WALL_CLOCK,
	    MSR_KVM_SYSTEM_TIME};
	const uint32_t ignored[] = {MSR_BIOS_UPDT_TRIG, MSR_MISC_ENABLE, MSR_TSC, MSR_TSC_ADJUST};
	uint8_t *msr = pa_pointer(pa_make(0x1000)), *io = pa_pointer(pa_make(0x2000));

	(void)state;
	exits_fill_bitmap(msr, VMCS_MSR_BITMAP);
	exits_fill_bitmap(io, VMCS_IO_BITMAP_A);
	fake_msr_set(MSR_MISC_ENABLE, 0x850089);
	fake_msr_set(MSR_TSC, 0);
	fake_cpuid_set(7, 0, (struct cpuid){.ebx = 1u << 1});
	fake_msr_set(MSR_TSC_ADJUST, 0);
	fake_msr_writes = 0;
	for (uint32_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_true(msr[2048 + refused[i] / 8] >> refused[i] % 8 & 1);
		do_wrmsr(refused[i], 0x1000);
		expect_gp();
	}
	for (uint32_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
		assert_true(msr[2048 + ignored[i] / 8] >> ignored[i] % 8 & 1);
		do_wrmsr(ignored[i], 1ull << 34);
		expect_done();
	}
	assert_int_equal(fake_log_count(RV_REASON_MSR_REFUSED),
			 sizeof(refused) / sizeof(refused[0]) + sizeof(ignored) / sizeof(ignored[0]));
	/* The same value again is no change. */
	do_wrmsr(MSR_MISC_ENABLE, 0x850089);
	expect_done();
	do_wrmsr(MSR_TSC_ADJUST, 0);
	expect_done();
	assert_int_equal(fake_log_count(RV_REASON_MSR_REFUSED),
			 sizeof(refused) / sizeof(refused[0]) + sizeof(ignored) / sizeof(ignored[0]));
	assert_int_equal(fake_msr_writes, 0);
	/* A CPU that lacks it. */
	fake_cpuid_set(7, 0, (struct cpuid){0});
	fake_msr_remove(MSR_TSC_ADJUST);
	do_wrmsr(MSR_TSC_ADJUST, 0);
	expect_gp();
	/* Ordinary MSRs never exit: LSTAR, FS base, TSC deadline, x2APIC ICR. */
	assert_int_equal(msr[3072 + 0x82 / 8] | msr[3072 + 0x100 / 8], 0);
	assert_int_equal((msr[2048 + 0x6e0 / 8] & 1) | (msr[2048 + 0x830 / 8] & 1), 0);
	assert_int_equal(io[RV_DOORBELL_PORT / 8], 1u << RV_DOORBELL_PORT % 8);
}

/* XRSTORS loads MSRs behind the bitmap's back; for those of Processor Trace that would be memory writes without EPT. */
static void test_xss_without_processor_trace(void **state)
{
	(void)state;
	fake_cpuid_set(0xd, 1, (struct cpuid){.eax = 8, .ecx = 1u << 8 | 1u << 11 | 1u << 12});
	fake_cpuid_set(0x14, 0, (struct cpuid){.eax = 1, .ebx = 0x3f});
	fake_msr_set(MSR_XSS, 0);
	do_wrmsr(MSR_XSS, 1u << 8);
	expect_gp();
	do_wrmsr(MSR_XSS, 1u << 11 | 1u << 8);
	expect_gp();
	assert_int_equal(fake_msr_get(MSR_XSS), 0);
	do_wrmsr(MSR_XSS, 1u << 15); /* allowed, but not there */
	expect_gp();
	do_wrmsr(MSR_XSS, 1u << 11 | 1u << 12);
	expect_done();
	assert_int_equal(fake_msr_get(MSR_XSS), 1u << 11 | 1u << 12);
	cpu->regs.gpr[RAX] = 0xd;
	cpu->regs.gpr[RCX] = 1;
	emulate_cpuid(cpu);
	assert_int_equal(cpu->regs.gpr[RCX], 1u << 11 | 1u << 12);
	cpu->regs.gpr[RAX] = 0x14;
	cpu->regs.gpr[RCX] = 0;
	emulate_cpuid(cpu);
	assert_int_equal(cpu->regs.gpr[RAX] | cpu->regs.gpr[RBX], 0);
}

static void test_wrmsr_mtrr(void **state)
{
	uint64_t before = fake_msr_get(MSR_MTRR_PHYSBASE0);

	(void)state;
	fake_msr_writes = 0;
	do_wrmsr(MSR_MTRR_PHYSBASE0, before);
	expect_done();
	assert_int_equal(fake_log_count(RV_REASON_MSR_REFUSED), 0);
	do_wrmsr(MSR_MTRR_PHYSBASE0, FAKE_POOL);
	expect_done();
	assert_int_equal(fake_log_count(RV_REASON_MSR_REFUSED), 1);
	do_wrmsr(MSR_MTRR_DEF_TYPE, 0);
	expect_done();
	/* This CPU has two variable registers; root mode must not touch a third. */
	do_wrmsr(MSR_MTRR_PHYSBASE0 + 4, 0);
	expect_gp();
	assert_int_equal(fake_msr_writes, 0);
}

static void test_mtrr_names(void **state)
{
	uint32_t n = 0;

	(void)state;
	for (uint32_t msr = 0; msr < 0x400; msr++)
		n += emulate_is_mtrr(msr);
	assert_int_equal(n, 2 * 2 + 11 + 1);
	assert_true(emulate_is_mtrr(MSR_MTRR_PHYSBASE0 + 3) && emulate_is_mtrr(MSR_MTRR_FIX4K + 7));
	assert_false(emulate_is_mtrr(MSR_PAT) || emulate_is_mtrr(MSR_MTRRCAP));
}

#define APIC(mode) (0xfee00000ull | APIC_BASE_BSP | (mode))
#define X2 (APIC_BASE_ENABLE | APIC_BASE_X2APIC)

/* All transitions: none faults in root mode, the APIC is never off (root mode needs it for its kicks) nor moved. */
static void test_wrmsr_apic_base(void **state)
{
	const uint64_t mode[] = {0, APIC_BASE_ENABLE, APIC_BASE_X2APIC, X2};

	(void)state;
	for (uint32_t x2apic = 0; x2apic < 2; x2apic++) {
		fake_cpuid_set(1, 0, (struct cpuid){.ecx = x2apic << 21});
		for (uint32_t from = 1; from < 4; from += 2) {
			if (from == 3 && !x2apic)
				continue;
			for (uint32_t to = 0; to < 4; to++) {
				/* The CPU's own rules (figure 11-27). */
				bool legal = to == from || (mode[to] == X2 && x2apic) || to == 0;
				uint64_t now;

				fake_msr_set(MSR_APIC_BASE, APIC(mode[from]));
				do_wrmsr(MSR_APIC_BASE, APIC(mode[to]));
				if (legal)
					expect_done();
				else
					expect_gp();
				now = fake_msr_get(MSR_APIC_BASE);
				assert_true(now & APIC_BASE_ENABLE);
				if (legal && to != 0)
					assert_int_equal(now, APIC(mode[to]));
				if (!legal)
					assert_int_equal(now, APIC(mode[from]));
			}
		}
	}
	/* Linux leaves x2APIC mode through "disabled" (x2apic_disable). */
	fake_cpuid_set(1, 0, (struct cpuid){.ecx = 1u << 21});
	fake_msr_set(MSR_APIC_BASE, APIC(X2));
	do_wrmsr(MSR_APIC_BASE, APIC(0));
	expect_done();
	do_wrmsr(MSR_APIC_BASE, APIC(APIC_BASE_ENABLE));
	expect_done();
	assert_int_equal(fake_msr_get(MSR_APIC_BASE), APIC(APIC_BASE_ENABLE));
	do_wrmsr(MSR_APIC_BASE, (FAKE_POOL) | APIC_BASE_BSP | APIC_BASE_ENABLE);
	expect_gp();
	assert_int_equal(fake_log_count(RV_REASON_APIC_BASE) != 0, 1);
	do_wrmsr(MSR_APIC_BASE, APIC(APIC_BASE_ENABLE) | 1);
	expect_gp();
	assert_int_equal(fake_msr_get(MSR_APIC_BASE), APIC(APIC_BASE_ENABLE));
	/* A CPU whose legacy xAPIC mode is locked away. */
	fake_cpuid_set(7, 0, (struct cpuid){.edx = 1u << 29});
	fake_msr_set(0x10a, 1u << 21);
	fake_msr_set(0xbd, 1);
	fake_msr_set(MSR_APIC_BASE, APIC(X2));
	do_wrmsr(MSR_APIC_BASE, APIC(0));
	expect_gp();
	assert_int_equal(fake_msr_get(MSR_APIC_BASE), APIC(X2));
}

static void do_xsetbv(uint32_t index, uint64_t value)
{
	cpu->regs.gpr[RCX] = 0xcccccccc00000000ull | index;
	cpu->regs.gpr[RAX] = 0xdddddddd00000000ull | (uint32_t)value;
	cpu->regs.gpr[RDX] = 0xeeeeeeee00000000ull | value >> 32;
	emulate_xsetbv(cpu);
}

/* The fake XSETBV stops root mode on a bad value: for each value either the guest gets #GP or the CPU takes it. */
static void test_xsetbv(void **state)
{
	const uint64_t good[] = {1, 3, 7, 0xe7},
		       bad[] = {0, 2, 4, 5, 0x27, 0x67, 0xe3, 0x18 | 7, 1ull << 63 | 1, 0x207};

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		do_xsetbv(0, good[i]);
		expect_done();
		assert_int_equal(fake_xcr0, good[i]);
	}
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		do_xsetbv(0, bad[i]);
		expect_gp();
	}
	for (uint64_t v = 0; v < 1024; v++) {
		do_xsetbv(0, v);
		assert_null(fake_entry_refused());
		vmcs_set(VMCS_ENTRY_INTERRUPTION_INFO, 0);
	}
	vmcs_set(VMCS_GUEST_RIP, RIP);
	/* On a CPU with MPX and AMX their two components go together. */
	hv.xcr0_supported = 0x600ff;
	const uint64_t half[] = {0xf, 0x17, 1ull << 17 | 7, 1ull << 18 | 7, 0x20007, 0x40007};

	for (uint32_t i = 0; i < sizeof(half) / sizeof(half[0]); i++) {
		do_xsetbv(0, half[i]);
		expect_gp();
	}
	do_xsetbv(1, 3);
	expect_gp();
	vmcs_set(VMCS_GUEST_ACCESS + 2 * SEG_SS, 0xc0f3); /* CPL 3 */
	do_xsetbv(0, 3);
	expect_gp();
}

static uint64_t cr_access(uint64_t qualification)
{
	vmcs_set(VMCS_GUEST_RIP, RIP);
	fake_vmcs_set(VMCS_EXIT_QUALIFICATION, qualification);
	emulate_cr_access(cpu);
	assert_null(fake_entry_refused());
	return vmcs_read(VMCS_CR0_SHADOW) & CR0_NE;
}

/* MOV to CR0 exits for a change of NE only. It is executed again then, and must not exit again: NE as the guest sees it is the
 * wanted one. All else is the CPU's, real NE included. */
static void test_cr0_ne(void **state)
{
	const uint64_t before = vmcs_read(VMCS_GUEST_CR0);

	(void)state;
	cpu->regs.gpr[RDI] = CR0_PE | CR0_WP | CR0_PG | CR0_ET;
	assert_int_equal(cr_access((uint64_t)RDI << 8), 0);
	assert_int_equal(vmcs_read(VMCS_GUEST_RIP), RIP);
	assert_int_equal(vmcs_read(VMCS_ENTRY_INTERRUPTION_INFO), 0);
	cpu->regs.gpr[RDI] |= CR0_NE;
	assert_int_equal(cr_access((uint64_t)RDI << 8), CR0_NE);
	/* From RSP, which the VMCS holds. */
	vmcs_set(VMCS_GUEST_RSP, ~CR0_NE);
	assert_int_equal(cr_access((uint64_t)RSP << 8), 0);
	assert_int_equal(vmcs_read(VMCS_GUEST_RIP), RIP);
	assert_int_equal(vmcs_read(VMCS_GUEST_CR0), before);
}

static void test_cr4_vmxe(void **state)
{
	(void)state;
	cr_access(4 | (uint64_t)RDI << 8);
	expect_gp();
}

static void do_io(uint32_t size, bool in, bool string, uint64_t rax)
{
	fake_vmcs_set(VMCS_EXIT_QUALIFICATION,
		      (size - 1) | (in ? 8u : 0) | (string ? 16u : 0) | RV_DOORBELL_PORT << 16);
	cpu->regs.gpr[RAX] = rax;
	emulate_io(cpu);
}

static void test_doorbell(void **state)
{
	(void)state;
	do_io(1, false, false, 0x1234567812345600ull | 0xa5);
	expect_done();
	assert_int_equal(fake_port, RV_DOORBELL_PORT);
	assert_int_equal(fake_port_value, 0xa5); /* the firmware's SMI command goes through */
	do_io(1, true, false, ~0ull);
	expect_done();
	assert_int_equal(cpu->regs.gpr[RAX], ~0xffull | RV_DOORBELL_PORT);
	do_io(2, false, false, RV_DOORBELL_VALUE);
	expect_gp();
	do_io(1, false, true, RV_DOORBELL_VALUE);
	expect_gp();
	/* The doorbell is RV_HC_UPDATE: refused for an unknown FIMCE, and outside the kernel. */
	cpu->regs.gpr[RDI] = 77;
	do_io(1, false, false, RV_DOORBELL_VALUE);
	expect_done();
	assert_int_equal((int64_t)cpu->regs.gpr[RAX], -RV_ENOENT);
	assert_int_equal((uint32_t)cpu->regs.gpr[RDX], RV_REASON_FIMCE_ID);
	assert_int_equal(cpu->regs.gpr[R8], 77);
	vmcs_set(VMCS_GUEST_ACCESS + 2 * SEG_SS, 0xc0f3);
	do_io(1, false, false, RV_DOORBELL_VALUE);
	expect_done();
	assert_int_equal((int64_t)cpu->regs.gpr[RAX], -RV_EPERM);
}

/* RIP behind an instruction at the end of its address space (SDM 27.3.1.4). */
static void test_skip_at_the_edge(void **state)
{
	(void)state;
	fake_cpuid_set(0x80000008, 0, (struct cpuid){.eax = 48u << 8 | 39});
	vmcs_set(VMCS_GUEST_RIP, 0x7ffffffffffdull);
	emulate_cpuid(cpu);
	assert_null(fake_entry_refused());
	assert_int_equal(vmcs_read(VMCS_ENTRY_INTERRUPTION_INFO), GP); /* as the fetch behind it would */
	vmcs_set(VMCS_ENTRY_INTERRUPTION_INFO, 0);
	vmcs_set(VMCS_GUEST_RIP, 0xfffffffffffffffdull);
	emulate_cpuid(cpu);
	assert_null(fake_entry_refused());
	assert_int_equal(vmcs_read(VMCS_GUEST_RIP), 0);
	/* With 57 bits the same address is an ordinary one. */
	fake_cpuid_set(0x80000008, 0, (struct cpuid){.eax = 57u << 8 | 39});
	vmcs_set(VMCS_GUEST_RIP, 0x7ffffffffffdull);
	emulate_cpuid(cpu);
	assert_int_equal(vmcs_read(VMCS_GUEST_RIP), 0x800000000000ull);
	/* 32-bit code wraps at 4 GiB. */
	fake_guest_real();
	vmcs_set(VMCS_GUEST_CR0, CR0_PE | CR0_NE | CR0_ET);
	vmcs_set(VMCS_GUEST_RIP, 0xfffffffd);
	emulate_cpuid(cpu);
	assert_null(fake_entry_refused());
	assert_int_equal(vmcs_read(VMCS_GUEST_RIP), 0);
}

/* In real mode exceptions have no error code (SDM 27.2.1.3). */
static void test_inject_in_real_mode(void **state)
{
	(void)state;
	fake_guest_real();
	do_wrmsr(MSR_FEATURE_CONTROL, 5);
	assert_null(fake_entry_refused());
	assert_int_equal(vmcs_read(VMCS_ENTRY_INTERRUPTION_INFO), GP & ~INTERRUPTION_ERROR_CODE);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, fake_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_cpuid_hides_vmx),
	    T(test_cpuid_follows_cr4),
	    T(test_cpuid_unfiltered),
	    T(test_cpuid_follows_controls),
	    T(test_rdmsr),
	    T(test_wrmsr_refused),
	    T(test_wrmsr_mtrr),
	    T(test_mtrr_names),
	    T(test_xss_without_processor_trace),
	    T(test_wrmsr_apic_base),
	    T(test_xsetbv),
	    T(test_cr0_ne),
	    T(test_cr4_vmxe),
	    T(test_doorbell),
	    T(test_skip_at_the_edge),
	    T(test_inject_in_real_mode),
	};

	return cmocka_run_group_tests_name("hv emulate", tests, NULL, NULL);
}
