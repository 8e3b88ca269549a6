/* SPDX-License-Identifier: GPL-2.0-only */
/* emulate.c - see emulate.h. */
#include <hv/emulate.h>
#include <hv/exits.h>
#include <hv/hypercall.h>

#define CPUID_1_ECX_DEBUG_STORE (1u << 2 | 1u << 4)
#define CPUID_1_ECX_VMX (1u << 5)
#define CPUID_1_ECX_SMX (1u << 6)
#define CPUID_1_ECX_X2APIC (1u << 21)
#define CPUID_1_ECX_OSXSAVE (1u << 27)
#define CPUID_1_EDX_DEBUG_STORE (1u << 21)
#define CPUID_6_EAX_HFI (1u << 19 | 1u << 23)
#define CPUID_7_EBX_TSC_ADJUST (1u << 1)
#define CPUID_7_EBX_INVPCID (1u << 10)
#define CPUID_7_EBX_PT (1u << 25)
#define CPUID_7_ECX_OSPKE (1u << 4)
#define CPUID_7_ECX_WAITPKG (1u << 5)
#define CPUID_7_ECX_RDPID (1u << 22)
#define CPUID_7_EDX_ARCH_CAPABILITIES (1u << 29)
#define CPUID_D1_EAX_XSAVES (1u << 3)
#define CPUID_LEAF_PT 0x14u
#define CPUID_HYPERVISOR_SHIFT 28
#define CPUID_HYPERVISOR 4u /* leaves 0x40000000 to 0x4fffffff */
#define CPUID_8000_0001_EDX_RDTSCP (1u << 27)

static uint32_t keep_if(uint32_t value, uint32_t bits, bool keep)
{
	return keep ? value | bits : value & ~bits;
}

/* A feature whose VMX control the CPU lacks would raise #UD in the guest: it is hidden (pitfall 11). */
static uint32_t hide_without(uint32_t value, uint32_t bits, uint32_t secondary_control)
{
	return hv.caps.guest.secondary & secondary_control ? value : value & ~bits;
}

void emulate_cpuid(struct percpu *cpu)
{
	uint64_t *gpr = cpu->regs.gpr;
	uint32_t leaf = (uint32_t)gpr[RAX], subleaf = (uint32_t)gpr[RCX];
	struct cpuid r = cpuid(leaf, subleaf);
	uint64_t cr4;

	switch (leaf) {
	case 1:
		cr4 = vmcs_read(VMCS_GUEST_CR4);
		r.ecx &= ~(CPUID_1_ECX_VMX | CPUID_1_ECX_SMX | CPUID_1_ECX_DEBUG_STORE);
		r.edx &= ~CPUID_1_EDX_DEBUG_STORE;
		r.ecx = keep_if(r.ecx, CPUID_1_ECX_OSXSAVE, (cr4 & CR4_OSXSAVE) != 0);
		break;
	case 6:
		r.eax &= ~CPUID_6_EAX_HFI;
		break;
	case 7:
		if (subleaf != 0)
			break;
		r.ebx = hide_without(r.ebx & ~CPUID_7_EBX_PT, CPUID_7_EBX_INVPCID, SECONDARY_INVPCID);
		r.ecx = hide_without(r.ecx, CPUID_7_ECX_WAITPKG, SECONDARY_USER_WAIT);
		r.ecx = hide_without(r.ecx, CPUID_7_ECX_RDPID, SECONDARY_RDTSCP);
		r.ecx = keep_if(r.ecx, CPUID_7_ECX_OSPKE, (vmcs_read(VMCS_GUEST_CR4) & CR4_PKE) != 0);
		break;
	case 0xd:
		if (subleaf == 1) {
			r.eax = hide_without(r.eax, CPUID_D1_EAX_XSAVES, SECONDARY_XSAVES);
			r.ecx &= (uint32_t)XSS_ALLOWED;
		}
		break;
	case CPUID_LEAF_PT:
		r = (struct cpuid){0};
		break;
	case 0x80000001:
		r.edx = hide_without(r.edx, CPUID_8000_0001_EDX_RDTSCP, SECONDARY_RDTSCP);
		break;
	case RV_CPUID_LEAF:
		r = (struct cpuid){RV_CPUID_SIGNATURE, RV_ABI_VERSION, 0, HYPERCALL_FEATURES};
		break;
	default:
		/* The leaves of a hypervisor below this one. What they offer is an interface to Ravelin, not to its guest: hypercalls
		 * that end here, and memory of the guest's choice that the other one writes to. */
		if (leaf >> CPUID_HYPERVISOR_SHIFT == CPUID_HYPERVISOR)
			r = (struct cpuid){0};
		break;
	}
	gpr[RAX] = r.eax;
	gpr[RBX] = r.ebx;
	gpr[RCX] = r.ecx;
	gpr[RDX] = r.edx;
	guest_skip();
}

/*
 * MOV to CR0 exits only if it changes CR0.NE, which VMX wants to be 1. The guest gets to see the NE that it asks for, and
 * executes the instruction again: it is no change of NE now, so the CPU does all the rest, or raises #GP, without an exit.
 */
void emulate_cr_access(struct percpu *cpu)
{
	uint64_t q = vmcs_read(VMCS_EXIT_QUALIFICATION);
	uint32_t number_and_type = q & 0x3f, r = q >> 8 & 15;

	if (number_and_type == 0)
		vmcs_set(VMCS_CR0_SHADOW, r == RSP ? vmcs_read(VMCS_GUEST_RSP) : cpu->regs.gpr[r]);
	else /* MOV to CR4 that would set CR4.VMXE, which this CPU does not have as far as the guest knows */
		guest_inject(VECTOR_GP, 0);
}

/* Ends an instruction that is carried out, or refused. */
static void instruction_end(bool ok)
{
	if (ok)
		guest_skip();
	else
		guest_inject(VECTOR_GP, 0);
}

void emulate_rdmsr(struct percpu *cpu)
{
	bool known = (uint32_t)cpu->regs.gpr[RCX] == MSR_FEATURE_CONTROL;

	if (known) {
		cpu->regs.gpr[RAX] = FEATURE_CONTROL_LOCK;
		cpu->regs.gpr[RDX] = 0;
	}
	instruction_end(known);
}

/* True if the CPU does not let go of x2APIC mode. */
static bool x2apic_is_locked(void)
{
	return (cpuid(7, 0).edx & CPUID_7_EDX_ARCH_CAPABILITIES) &&
	       (rdmsr(MSR_ARCH_CAPABILITIES) & ARCH_CAP_XAPIC_DISABLE) &&
	       (rdmsr(MSR_XAPIC_DISABLE_STATUS) & XAPIC_DISABLED);
}

/*
 * The guest may switch between xAPIC and x2APIC mode by the CPU's rules (vol. 3, 11.12.5), and not move the APIC. It may not
 * switch it off: a CPU without APIC gets no kick, and cannot send one. From x2APIC mode, "off" is the way to xAPIC mode.
 */
static bool apic_base_write(uint64_t value)
{
	uint64_t now = rdmsr(MSR_APIC_BASE), modes = APIC_BASE_ENABLE | APIC_BASE_X2APIC;

	if (((value ^ now) & ~modes) != 0)
		return false;
	if (value & APIC_BASE_X2APIC) {
		if (!(value & APIC_BASE_ENABLE) || !(cpuid(1, 0).ecx & CPUID_1_ECX_X2APIC))
			return false;
		wrmsr(MSR_APIC_BASE, value);
	} else if (now & APIC_BASE_X2APIC) {
		if ((value & APIC_BASE_ENABLE) || x2apic_is_locked())
			return false;
		wrmsr(MSR_APIC_BASE, value);
		wrmsr(MSR_APIC_BASE, value | APIC_BASE_ENABLE);
	}
	return true;
}

bool emulate_is_mtrr(uint32_t msr)
{
	return (msr >= MSR_MTRR_PHYSBASE0 && msr < MSR_MTRR_PHYSBASE0 + 2 * hv.mtrr_count) || msr == MSR_MTRR_FIX64K ||
	       (msr >= MSR_MTRR_FIX16K && msr <= MSR_MTRR_FIX16K + 1) ||
	       (msr >= MSR_MTRR_FIX4K && msr <= MSR_MTRR_FIX4K + 7) || msr == MSR_MTRR_DEF_TYPE;
}

/*
 * Writes without effect. Memory types come from the EPT; Linux rewrites the same MTRR values on every CPU, with MTRRs switched
 * off in between. Setting the clock back would put off the deadline of an update. IA32_MISC_ENABLE could switch off NX, which
 * root mode's own tables use.
 */
static bool msr_is_ignored(uint32_t msr)
{
	return msr == MSR_TSC || msr == MSR_MISC_ENABLE || emulate_is_mtrr(msr) ||
	       (msr == MSR_TSC_ADJUST && (cpuid(7, 0).ebx & CPUID_7_EBX_TSC_ADJUST));
}

/* @return false if the guest gets #GP. */
static bool msr_write(struct percpu *cpu, uint32_t msr, uint64_t value)
{
	bool ignored = msr_is_ignored(msr);

	if (msr == MSR_APIC_BASE) {
		if (apic_base_write(value))
			return true;
		log3(cpu, RV_REASON_APIC_BASE, value, 0, 0);
		return false;
	}
	if (msr == MSR_XSS && (value & ~(XSS_ALLOWED & cpuid(0xd, 1).ecx)) == 0) {
		wrmsr(msr, value);
		return true;
	}
	/* Only a real change is worth a record. */
	if (!ignored || (value != rdmsr(msr) && msr != MSR_MTRR_DEF_TYPE))
		log3(cpu, RV_REASON_MSR_REFUSED, msr, value, vmcs_read(VMCS_GUEST_RIP));
	return ignored || msr == MSR_BIOS_UPDT_TRIG; /* as a CPU does with an update that is not for it */
}

void emulate_wrmsr(struct percpu *cpu)
{
	const uint64_t *gpr = cpu->regs.gpr;

	instruction_end(msr_write(cpu, (uint32_t)gpr[RCX], (gpr[RAX] & 0xffffffff) | gpr[RDX] << 32));
}

/* The rules of XSETBV (vol. 1, 13.3): what the CPU would refuse must not be executed in root mode. */
static bool xcr0_is_valid(uint64_t v)
{
	uint64_t avx512 = v >> 5 & 7, mpx = v >> 3 & 3, amx = v >> 17 & 3;

	return (v & ~hv.xcr0_supported) == 0 && (v & 1) && (!(v & 4) || (v & 2)) && (mpx == 0 || mpx == 3) &&
	       (amx == 0 || amx == 3) && (avx512 == 0 || (avx512 == 7 && (v & 4)));
}

void emulate_xsetbv(struct percpu *cpu)
{
	uint64_t value = (cpu->regs.gpr[RAX] & 0xffffffff) | cpu->regs.gpr[RDX] << 32;

	bool ok = (uint32_t)cpu->regs.gpr[RCX] == 0 && guest_cpl() == 0 && xcr0_is_valid(value);

	if (ok)
		xsetbv(0, value);
	instruction_end(ok);
}

void emulate_io(struct percpu *cpu)
{
	uint64_t q = vmcs_read(VMCS_EXIT_QUALIFICATION);
	bool in = q & 1u << 3, string = q & 1u << 4;
	uint32_t port = q >> 16 & 0xffff, bytes = (q & 7) + 1;
	uint8_t al = (uint8_t)cpu->regs.gpr[RAX];

	/* The doorbell port is the SMI command port as well, whose other values are the firmware's. */
	if (string || port + bytes > 0x10000 || (bytes != 1 && RV_DOORBELL_PORT - port < bytes)) {
		guest_inject(VECTOR_GP, 0);
	} else if (port == RV_DOORBELL_PORT && !in && al == RV_DOORBELL_VALUE) {
		cpu->regs.gpr[RAX] = RV_HC_UPDATE;
		hypercall_handle(cpu);
	} else {
		device_io(cpu, port, bytes, in);
		guest_skip();
	}
}
