/* SPDX-License-Identifier: GPL-2.0-only */
/* fake_entry.c - the checks of VM entry; see fake.h. */
#include "fake.h"

static uint64_t segment(uint64_t field, enum segment s)
{
	return vmcs_read(field + 2 * (uint64_t)s);
}

/* 27.2.1.3 */
static const char *injection_refused(void)
{
	uint64_t info = vmcs_read(VMCS_ENTRY_INTERRUPTION_INFO), blocking = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);
	uint32_t type = info >> 8 & 7, vector = info & 0xff;
	bool pushes = vector == 8 || (vector >= 10 && vector <= 14 && vector != 9) || vector == 17;
	bool protected_mode = (vmcs_read(VMCS_GUEST_CR0) & CR0_PE) != 0;

	if (!(info & INTERRUPTION_VALID))
		return NULL;
	if (info & 0x7ffff000)
		return "reserved bits in the interruption information";
	if (type == 3 && ((info & INTERRUPTION_ERROR_CODE) != 0) != (pushes && protected_mode))
		return "error code bit does not fit vector and mode";
	if (type != 3 && (info & INTERRUPTION_ERROR_CODE))
		return "error code without an exception";
	if (type == 2 && (vector != 2 || (blocking & (INTERRUPTIBILITY_NMI | INTERRUPTIBILITY_MOV_SS))))
		return "NMI injected while NMIs are blocked";
	if (vmcs_read(VMCS_GUEST_ACTIVITY) == ACTIVITY_WAIT_FOR_SIPI)
		return "injection while waiting for SIPI";
	return NULL;
}

/* 27.3.1: what a guest's doing can bring about. */
const char *fake_entry_refused(void)
{
	uint64_t g0 = vmcs_read(VMCS_GUEST_CR0), g4 = vmcs_read(VMCS_GUEST_CR4), efer = vmcs_read(VMCS_GUEST_EFER);
	uint64_t rip = vmcs_read(VMCS_GUEST_RIP), flags = vmcs_read(VMCS_GUEST_RFLAGS);
	uint64_t blocking = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY), debug = vmcs_read(VMCS_GUEST_PENDING_DEBUG);
	uint64_t pin = vmcs_read(VMCS_PIN_CONTROLS);
	bool ia32e = (vmcs_read(VMCS_ENTRY_CONTROLS) & ENTRY_IA32E) != 0, pg = (g0 & CR0_PG) != 0;
	bool cs_l = (segment(VMCS_GUEST_ACCESS, SEG_CS) & 1u << 13) != 0;
	bool single_step = (flags & 1u << 8) && !(vmcs_read(VMCS_GUEST_DEBUGCTL) & 2);
	int64_t upper = (int64_t)rip >> 47;

	if (pg && !(g0 & CR0_PE))
		return "CR0.PG without CR0.PE";
	if (!(g0 & CR0_NE))
		return "CR0.NE is 0";
	if ((g4 & 1u << 23) && !(g0 & CR0_WP))
		return "CR4.CET without CR0.WP";
	if (!(g4 & CR4_VMXE))
		return "CR4.VMXE is 0";
	if (ia32e && (!pg || !(g4 & CR4_PAE)))
		return "IA-32e mode without paging or PAE";
	if (!ia32e && (g4 & CR4_PCIDE))
		return "CR4.PCIDE outside IA-32e mode";
	if (((efer & EFER_LMA) != 0) != ia32e || (pg && ((efer & EFER_LMA) != 0) != ((efer & EFER_LME) != 0)))
		return "EFER.LMA does not fit";
	if (ia32e && (segment(VMCS_GUEST_ACCESS, SEG_TR) & 15) != 11)
		return "TR is not a busy 64-bit TSS in IA-32e mode";
	if (ia32e && cs_l && (segment(VMCS_GUEST_ACCESS, SEG_CS) & 1u << 14))
		return "CS.D with CS.L";
	if (!(ia32e && cs_l) && rip >> 32 != 0)
		return "RIP above 4 GiB outside 64-bit mode";
	if (ia32e && cs_l && upper != 0 && upper != -1)
		return "RIP is not canonical";
	if ((blocking & INTERRUPTIBILITY_STI) && (blocking & INTERRUPTIBILITY_MOV_SS))
		return "blocking by STI and by MOV SS";
	if (blocking & ~(INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS | (uint64_t)INTERRUPTIBILITY_NMI))
		return "blocking by SMI or reserved bits";
	if ((blocking & (INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS)) && single_step != ((debug & 1u << 14) != 0))
		return "pending single-step does not fit RFLAGS.TF in a shadow";
	if ((pin & PIN_PREEMPTION_TIMER) == 0 && (vmcs_read(VMCS_EXIT_CONTROLS) & EXIT_SAVE_TIMER))
		return "save timer without timer";
	return injection_refused();
}
