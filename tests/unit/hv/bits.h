/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bits.h - bits of the machine that the tests name and root mode's code does not: it has the controls from the list in
 * ravelin/vmx.h, which these names check (Intel SDM vol. 3, chapter 25 and appendix A).
 */
#ifndef TESTS_UNIT_HV_BITS_H
#define TESTS_UNIT_HV_BITS_H

#include <ravelin/vmx.h>

#define PIN_NMI_EXITING (1u << 3)
#define PIN_VIRTUAL_NMIS (1u << 5)
#define PRIMARY_HLT_EXITING (1u << 7)
#define PRIMARY_INVLPG_EXITING (1u << 9)
#define PRIMARY_MWAIT_EXITING (1u << 10)
#define PRIMARY_RDPMC_EXITING (1u << 11)
#define PRIMARY_CR8_LOAD_EXITING (1u << 19)
#define PRIMARY_CR8_STORE_EXITING (1u << 20)
#define PRIMARY_MOV_DR_EXITING (1u << 23)
#define PRIMARY_IO_EXITING (1u << 24)
#define PRIMARY_IO_BITMAPS (1u << 25)
#define PRIMARY_MSR_BITMAPS (1u << 28)
#define PRIMARY_MONITOR_EXITING (1u << 29)
#define PRIMARY_SECONDARY (1u << 31)
#define SECONDARY_EPT (1u << 1)
#define SECONDARY_DESCRIPTOR_EXITING (1u << 2)
#define SECONDARY_VPID (1u << 5)
#define SECONDARY_WBINVD_EXITING (1u << 6)
#define SECONDARY_UNRESTRICTED (1u << 7)
#define EXIT_SAVE_DEBUG (1u << 2)
#define EXIT_HOST_64 (1u << 9)
#define EXIT_SAVE_PAT (1u << 18)
#define EXIT_LOAD_PAT (1u << 19)
#define EXIT_SAVE_EFER (1u << 20)
#define EXIT_LOAD_EFER (1u << 21)
#define ENTRY_LOAD_DEBUG (1u << 2)
#define ENTRY_LOAD_PAT (1u << 14)
#define ENTRY_LOAD_EFER (1u << 15)

#define EPT_CAP_WALK_4 (1ull << 6)
#define EPT_CAP_WB (1ull << 14)
#define EPT_CAP_2M (1ull << 16)
#define EPT_CAP_INVEPT (1ull << 20)
#define EPT_CAP_INVEPT_SINGLE (1ull << 25)
#define EPT_CAP_INVVPID (1ull << 32)
#define EPT_CAP_INVVPID_SINGLE (1ull << 41)

#define CR4_PCIDE (1ull << 17)

#define APIC_BASE_BSP (1ull << 8)

#endif
