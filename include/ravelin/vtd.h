/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vtd.h - a VT-d remapping unit as its driver sees it: registers, interrupt entries, descriptors of the invalidation queue. Root
 * mode drives the real units by these names and shows the guest units of the same form (hv/vtd/virtual.h); test programs drive both.
 *
 * Names and sections are those of the Intel VT-d architecture specification: registers chapter 11, entries 9.10, descriptors 6.5.2.
 */
#ifndef RAVELIN_VTD_H
#define RAVELIN_VTD_H

#include <ravelin/types.h>

#define VTD_VER 0x00u
#define VTD_CAP 0x08u
#define CAP_ND 7ull
#define CAP_CM (1ull << 7)
#define CAP_SAGAW_39 (1ull << 9)
#define CAP_SAGAW_48 (1ull << 10)
#define CAP_FRO(cap) ((uint32_t)((cap) >> 24 & 0x3ff) * 16)
#define CAP_FAULT_RECORDS(cap) ((uint32_t)((cap) >> 40 & 0xff) + 1) /* NFR is one less than their number */
#define VTD_ECAP 0x10u
#define ECAP_C (1ull << 0)
#define ECAP_QI (1ull << 1)
#define ECAP_IR (1ull << 3)
#define ECAP_EIM (1ull << 4)
#define VTD_GCMD 0x18u
#define VTD_GSTS 0x1cu
/* The same bits in GCMD and GSTS. */
#define GCMD_TE (1u << 31)
#define GCMD_SRTP (1u << 30)
#define GCMD_QIE (1u << 26)
#define GCMD_IRE (1u << 25)
#define GCMD_SIRTP (1u << 24)
#define GCMD_CFI (1u << 23)
#define VTD_RTADDR 0x20u
#define VTD_FSTS 0x34u
#define FSTS_PFO (1u << 0)
#define FSTS_PPF (1u << 1)
#define FSTS_IQE (1u << 4)
#define FSTS_QUEUE (7u << 4) /* IQE, ICE, ITE */
#define VTD_FECTL 0x38u
#define VTD_IQH 0x80u
#define VTD_IQT 0x88u
#define VTD_IQA 0x90u
#define VTD_IECTL 0xa0u
#define EVENT_MASK (1u << 31) /* IM of FECTL and IECTL */
#define VTD_IRTA 0xb8u
#define IRTA_EIME (1ull << 11)
#define IRTA_SIZE 15u /* S: 2^(S + 1) entries */

/** An interrupt remapping table entry, a context entry, a descriptor: 128 bits. */
struct vtd_pair {
	uint64_t low, high;
};

/* Interrupt entries. */
#define IRTE_P (1ull << 0)
#define IRTE_FPD (1ull << 1)
#define IRTE_LOGICAL (1ull << 2)
#define IRTE_LEVEL (1ull << 4)
#define IRTE_DESTINATION_SHIFT 32
#define IRTE_XAPIC_SHIFT 40 /* where the 8 bits of an xAPIC destination stand */
#define IRTE_HIGH_ID (1ull << 18) /* verify the requester's id, which is in bits 15:0 */

/* Descriptors. */
#define DESCRIPTOR_INTERRUPT 4u
#define INTERRUPT_INDEXED (1ull << 4) /* else all */
#define INTERRUPT_MASK_SHIFT 27
#define INTERRUPT_INDEX_SHIFT 32
#define DESCRIPTOR_WAIT 5u
#define WAIT_STATUS (1ull << 5)
#define WAIT_STATUS_SHIFT 32

#endif
