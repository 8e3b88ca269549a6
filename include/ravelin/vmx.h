/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmx.h - what Ravelin needs of VMX, in one list: the hypervisor sets and requires it, `ravelin check` shows it.
 *
 * Controls: X(word, bit, users, "name", "flag", "purpose")
 *   word     enum rv_vmx_word: which control word; its capability MSR says in bits 63:32 which bits may be 1
 *   users    RV_VMX_GUEST, RV_VMX_FIMCE: the kinds of VMCS that set it
 *   flag     how /proc/cpuinfo calls it among "vmx flags"; "" = not at all
 *
 * Of IA32_VMX_EPT_VPID_CAP: X(bit, "name", "purpose").
 *
 * And the basic exit reasons, by which exits are counted (struct rv_stat of abi.h): X(number, NAME, "name").
 */
#ifndef RAVELIN_VMX_H
#define RAVELIN_VMX_H

/* Capability MSRs, Intel SDM vol. 3, appendix A. Those with TRUE_ in their name tell what may be 0, and nothing new of what may be 1. */
#define RV_MSR_VMX_PINBASED_CTLS 0x481u
#define RV_MSR_VMX_PROCBASED_CTLS 0x482u
#define RV_MSR_VMX_EXIT_CTLS 0x483u
#define RV_MSR_VMX_ENTRY_CTLS 0x484u
#define RV_MSR_VMX_MISC 0x485u
#define RV_MSR_VMX_PROCBASED_CTLS2 0x48bu
#define RV_MSR_VMX_EPT_VPID_CAP 0x48cu

enum rv_vmx_word {
	RV_VMX_PIN,
	RV_VMX_PRIMARY,
	RV_VMX_SECONDARY,
	RV_VMX_EXIT,
	RV_VMX_ENTRY,
	RV_VMX_WORDS
};

#define RV_VMX_WORD_MSRS                                                                                               \
	{                                                                                                              \
		RV_MSR_VMX_PINBASED_CTLS, RV_MSR_VMX_PROCBASED_CTLS, RV_MSR_VMX_PROCBASED_CTLS2, RV_MSR_VMX_EXIT_CTLS, \
		    RV_MSR_VMX_ENTRY_CTLS                                                                              \
	}

#define RV_VMX_GUEST 1u
#define RV_VMX_FIMCE 2u
#define RV_VMX_BOTH 3u

/* clang-format off */
#define RV_VMX_CONTROLS(X) \
	X(RV_VMX_PIN, 3, RV_VMX_BOTH, "NMI exiting", "", "calls CPUs to order and keeps NMIs out of a FIMCE") \
	X(RV_VMX_PIN, 5, RV_VMX_BOTH, "virtual NMIs", "vnmi", "gives the guest its own NMIs back") \
	X(RV_VMX_PIN, 6, RV_VMX_BOTH, "preemption timer", "preemption_timer", "is the watchdog of a FIMCE") \
	X(RV_VMX_PRIMARY, 7, RV_VMX_FIMCE, "HLT exiting", "", "a FIMCE can't stop its core") \
	X(RV_VMX_PRIMARY, 9, RV_VMX_FIMCE, "INVLPG exiting", "", "a FIMCE leaves translations alone") \
	X(RV_VMX_PRIMARY, 10, RV_VMX_FIMCE, "MWAIT exiting", "", "a FIMCE can't stop its core") \
	X(RV_VMX_PRIMARY, 11, RV_VMX_FIMCE, "RDPMC exiting", "", "a FIMCE does not see performance counters") \
	X(RV_VMX_PRIMARY, 15, RV_VMX_FIMCE, "CR3-load exiting", "", "a FIMCE keeps its page table") \
	X(RV_VMX_PRIMARY, 16, RV_VMX_FIMCE, "CR3-store exiting", "", "a FIMCE does not learn where its page table is") \
	X(RV_VMX_PRIMARY, 19, RV_VMX_FIMCE, "CR8-load exiting", "", "a FIMCE leaves the APIC alone") \
	X(RV_VMX_PRIMARY, 20, RV_VMX_FIMCE, "CR8-store exiting", "", "a FIMCE leaves the APIC alone") \
	X(RV_VMX_PRIMARY, 23, RV_VMX_FIMCE, "MOV-DR exiting", "", "a FIMCE does not see the guest's debug registers") \
	X(RV_VMX_PRIMARY, 24, RV_VMX_FIMCE, "I/O exiting", "", "a FIMCE has no ports") \
	X(RV_VMX_PRIMARY, 25, RV_VMX_GUEST, "I/O bitmaps", "", "lets the guest use its ports without exits") \
	X(RV_VMX_PRIMARY, 28, RV_VMX_GUEST, "MSR bitmaps", "", "lets the guest use its MSRs without exits") \
	X(RV_VMX_PRIMARY, 29, RV_VMX_FIMCE, "MONITOR exiting", "", "a FIMCE can't stop its core") \
	X(RV_VMX_PRIMARY, 31, RV_VMX_BOTH, "secondary controls", "", "switches on what follows") \
	X(RV_VMX_SECONDARY, 1, RV_VMX_GUEST, "EPT", "ept", "hides the pool from the guest") \
	X(RV_VMX_SECONDARY, 2, RV_VMX_FIMCE, "descriptor-table exiting", "", "a FIMCE keeps its descriptor tables") \
	X(RV_VMX_SECONDARY, 5, RV_VMX_BOTH, "VPID", "vpid", "keeps translations apart") \
	X(RV_VMX_SECONDARY, 6, RV_VMX_FIMCE, "WBINVD exiting", "", "a FIMCE leaves the caches alone") \
	X(RV_VMX_SECONDARY, 7, RV_VMX_GUEST, "unrestricted guest", "unrestricted_guest", \
	  "runs the real mode of starting CPUs") \
	X(RV_VMX_EXIT, 2, RV_VMX_BOTH, "save debug controls", "", "keeps the guest's DR7 and IA32_DEBUGCTL") \
	X(RV_VMX_EXIT, 9, RV_VMX_BOTH, "64-bit host", "", "root mode has 64 bits") \
	X(RV_VMX_EXIT, 18, RV_VMX_BOTH, "save IA32_PAT", "", "keeps the guest's memory types") \
	X(RV_VMX_EXIT, 19, RV_VMX_BOTH, "load IA32_PAT at exit", "", "root mode has memory types of its own") \
	X(RV_VMX_EXIT, 20, RV_VMX_BOTH, "save IA32_EFER", "", "keeps the guest's mode") \
	X(RV_VMX_EXIT, 21, RV_VMX_BOTH, "load IA32_EFER at exit", "", "root mode has 64 bits") \
	X(RV_VMX_EXIT, 22, RV_VMX_BOTH, "save preemption timer", "", "an exit does not wind up the watchdog") \
	X(RV_VMX_ENTRY, 2, RV_VMX_BOTH, "load debug controls", "", "gives DR7 and IA32_DEBUGCTL back") \
	X(RV_VMX_ENTRY, 9, RV_VMX_FIMCE, "64-bit guest", "", "FIMCEs and Linux have 64 bits") \
	X(RV_VMX_ENTRY, 14, RV_VMX_BOTH, "load IA32_PAT", "", "gives memory types back") \
	X(RV_VMX_ENTRY, 15, RV_VMX_BOTH, "load IA32_EFER", "", "gives the mode back")

#define RV_VMX_EPT_NEEDS(X) \
	X(6, "EPT 4-level walk", "the guest's addresses have 48 bits") \
	X(14, "EPT write-back", "the tables themselves are cached") \
	X(16, "EPT 2 MiB pages", "the tables of a large guest stay small") \
	X(20, "INVEPT", "ends the use of rights that were taken away") \
	X(25, "INVEPT single-context", "ends the use of rights that were taken away") \
	X(32, "INVVPID", "drops the translations of a FIMCE") \
	X(41, "INVVPID single-context", "drops the translations of a FIMCE")

/* Intel SDM vol. 3, appendix C, table C-1. */
#define RV_VMX_EXITS(X) \
	X(0, EXCEPTION_NMI, "exception or NMI") \
	X(1, EXTERNAL_INTERRUPT, "external interrupt") \
	X(2, TRIPLE_FAULT, "triple fault") \
	X(3, INIT, "INIT") \
	X(4, SIPI, "SIPI") \
	X(5, IO_SMI, "I/O SMI") \
	X(6, OTHER_SMI, "other SMI") \
	X(7, INTERRUPT_WINDOW, "interrupt window") \
	X(8, NMI_WINDOW, "NMI window") \
	X(9, TASK_SWITCH, "task switch") \
	X(10, CPUID, "CPUID") \
	X(11, GETSEC, "GETSEC") \
	X(12, HLT, "HLT") \
	X(13, INVD, "INVD") \
	X(14, INVLPG, "INVLPG") \
	X(15, RDPMC, "RDPMC") \
	X(16, RDTSC, "RDTSC") \
	X(17, RSM, "RSM") \
	X(18, VMCALL, "VMCALL") \
	X(19, VMCLEAR, "VMCLEAR") \
	X(20, VMLAUNCH, "VMLAUNCH") \
	X(21, VMPTRLD, "VMPTRLD") \
	X(22, VMPTRST, "VMPTRST") \
	X(23, VMREAD, "VMREAD") \
	X(24, VMRESUME, "VMRESUME") \
	X(25, VMWRITE, "VMWRITE") \
	X(26, VMXOFF, "VMXOFF") \
	X(27, VMXON, "VMXON") \
	X(28, CR_ACCESS, "control-register access") \
	X(29, MOV_DR, "MOV DR") \
	X(30, IO, "I/O instruction") \
	X(31, RDMSR, "RDMSR") \
	X(32, WRMSR, "WRMSR") \
	X(33, ENTRY_FAILURE_GUEST_STATE, "entry failure: guest state") \
	X(34, ENTRY_FAILURE_MSR_LOADING, "entry failure: MSR loading") \
	X(36, MWAIT, "MWAIT") \
	X(37, MONITOR_TRAP_FLAG, "monitor trap flag") \
	X(39, MONITOR, "MONITOR") \
	X(40, PAUSE, "PAUSE") \
	X(41, ENTRY_FAILURE_MACHINE_CHECK, "entry failure: machine check") \
	X(43, TPR_BELOW_THRESHOLD, "TPR below threshold") \
	X(44, APIC_ACCESS, "APIC access") \
	X(45, VIRTUALIZED_EOI, "virtualized EOI") \
	X(46, GDTR_OR_IDTR_ACCESS, "GDTR or IDTR access") \
	X(47, LDTR_OR_TR_ACCESS, "LDTR or TR access") \
	X(48, EPT_VIOLATION, "EPT violation") \
	X(49, EPT_MISCONFIG, "EPT misconfiguration") \
	X(50, INVEPT, "INVEPT") \
	X(51, RDTSCP, "RDTSCP") \
	X(52, PREEMPTION_TIMER, "preemption timer") \
	X(53, INVVPID, "INVVPID") \
	X(54, WBINVD, "WBINVD") \
	X(55, XSETBV, "XSETBV") \
	X(56, APIC_WRITE, "APIC write") \
	X(57, RDRAND, "RDRAND") \
	X(58, INVPCID, "INVPCID") \
	X(59, VMFUNC, "VMFUNC") \
	X(60, ENCLS, "ENCLS") \
	X(61, RDSEED, "RDSEED") \
	X(62, PAGE_MODIFICATION_LOG_FULL, "page-modification log full") \
	X(63, XSAVES, "XSAVES") \
	X(64, XRSTORS, "XRSTORS") \
	X(66, SPP_EVENT, "SPP event") \
	X(67, UMWAIT, "UMWAIT") \
	X(68, TPAUSE, "TPAUSE") \
	X(69, LOADIWKEY, "LOADIWKEY")
/* clang-format on */

/* IA32_VMX_MISC: a guest CPU may be in the state "wait for SIPI", in which further CPUs start and to which INIT leads. */
#define RV_VMX_MISC_WAIT_FOR_SIPI (1u << 8)

#endif
