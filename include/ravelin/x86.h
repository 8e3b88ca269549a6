/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86.h - registers of the processor, their bits, MSRs, exception vectors and the local APIC, by the names of the Intel SDM, as far
 * as more than one part of Ravelin needs them: root mode, FIMCE code, host tools and test programs. Plain constants, no code.
 */
#ifndef RAVELIN_X86_H
#define RAVELIN_X86_H

#define CR0_PE (1ull << 0)
#define CR0_MP (1ull << 1)
#define CR0_TS (1ull << 3)
#define CR0_ET (1ull << 4)
#define CR0_NE (1ull << 5)
#define CR0_WP (1ull << 16)
#define CR0_AM (1ull << 18)
#define CR0_PG (1ull << 31)
#define CR4_PAE (1ull << 5)
#define CR4_PGE (1ull << 7)
#define CR4_OSFXSR (1ull << 9)
#define CR4_OSXMMEXCPT (1ull << 10)
#define CR4_VMXE (1ull << 13)
#define CR4_OSXSAVE (1ull << 18)
#define RFLAGS_FIXED (1ull << 1)
#define RFLAGS_TF (1ull << 8)
#define RFLAGS_IF (1ull << 9)

/* Page-table entries. */
#define PTE_P (1ull << 0)
#define PTE_W (1ull << 1)
#define PTE_NX (1ull << 63)

#define MSR_KVM_WALL_CLOCK 0x11u /* KVM's first clock: it writes to the address in the MSR */
#define MSR_KVM_SYSTEM_TIME 0x12u
#define MSR_APIC_BASE 0x1bu
#define APIC_BASE_X2APIC (1ull << 10)
#define APIC_BASE_ENABLE (1ull << 11)
#define MSR_FEATURE_CONTROL 0x3au
#define FEATURE_CONTROL_LOCK (1ull << 0)
#define FEATURE_CONTROL_VMX (1ull << 2)
#define MSR_BIOS_UPDT_TRIG 0x79u
#define MSR_SMM_MONITOR_CTL 0x9bu
#define MSR_MTRRCAP 0xfeu
#define MSR_SYSENTER_EIP 0x176u
#define MSR_MTRR_PHYSBASE0 0x200u
#define MTRR_UC 0
#define MTRR_WC 1
#define MTRR_WT 4
#define MTRR_WP 5
#define MTRR_WB 6
#define MSR_MTRR_FIX64K 0x250u
#define MSR_MTRR_FIX16K 0x258u
#define MSR_MTRR_FIX4K 0x268u
#define MSR_PAT 0x277u
#define MSR_MTRR_DEF_TYPE 0x2ffu
#define MSR_VMX_BASIC 0x480u /* the first of the capability MSRs; those of the controls are in vmx.h */
#define MSR_VMX_LAST 0x491u
#define MSR_RTIT_FIRST 0x560u
#define MSR_X2APIC_ICR 0x830u
#define MSR_HW_FEEDBACK_PTR 0x17d0u
#define MSR_EFER 0xc0000080u
#define EFER_LME (1ull << 8)
#define EFER_LMA (1ull << 10)
#define EFER_NXE (1ull << 11)
#define MSR_FS_BASE 0xc0000100u
#define MSR_GS_BASE 0xc0000101u
#define MSR_KERNEL_GS_BASE 0xc0000102u

#define VECTOR_DB 1
#define VECTOR_NMI 2
#define VECTOR_UD 6
#define VECTOR_DF 8
#define VECTOR_GP 13
#define VECTOR_PF 14

/* Local APIC: registers, and commands for the ICR. */
#define APIC_ID 0x20u
#define APIC_EOI 0xb0u
#define APIC_SPURIOUS 0xf0u
#define APIC_ICR_LOW 0x300u
#define APIC_ICR_HIGH 0x310u
#define APIC_ICR_BUSY (1u << 12)
#define APIC_FIXED 0x4000u
#define APIC_NMI 0x4400u
#define APIC_INIT 0x4500u
#define APIC_SIPI 0x4600u
#define APIC_ALL_OTHERS 0xc0000u /* to all but this CPU */

#endif
