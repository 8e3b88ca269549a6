/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * registers.h - registers and table formats of a VT-d remapping unit, as far as Ravelin uses them.
 *
 * Names and sections are those of the Intel VT-d architecture specification: registers chapter 11, tables chapter 9,
 * descriptors 6.5.2. Every access to a unit goes through the four functions here, so that the rest compiles on the host.
 */
#ifndef HV_VTD_REGISTERS_H
#define HV_VTD_REGISTERS_H

#include <hv/address.h>

#define VTD_VER 0x00u
#define VTD_CAP 0x08u
#define CAP_ND 7ull
#define CAP_RWBF (1ull << 4)
#define CAP_PROTECTED (3ull << 5) /* PLMR, PHMR */
#define CAP_CM (1ull << 7)
#define CAP_SAGAW_39 (1ull << 9)
#define CAP_SAGAW_48 (1ull << 10)
#define CAP_FRO(cap) ((uint32_t)((cap) >> 24 & 0x3ff) * 16)
#define CAP_SLLPS_2M (1ull << 34)
#define CAP_SLLPS_1G (1ull << 35)
#define CAP_FAULT_RECORDS(cap) ((uint32_t)((cap) >> 40 & 0xff) + 1) /* NFR is one less than their number */
#define VTD_ECAP 0x10u
#define ECAP_C (1ull << 0)
#define ECAP_QI (1ull << 1)
#define ECAP_IR (1ull << 3)
#define ECAP_EIM (1ull << 4)
#define VTD_GCMD 0x18u
#define VTD_GSTS 0x1cu
/* The same bits in GCMD and GSTS. Commands that last keep their value; the others happen once. */
#define GCMD_TE (1u << 31)
#define GCMD_SRTP (1u << 30)
#define GCMD_QIE (1u << 26)
#define GCMD_IRE (1u << 25)
#define GCMD_SIRTP (1u << 24)
#define GCMD_CFI (1u << 23)
#define GCMD_LASTING (GCMD_TE | GCMD_QIE | GCMD_IRE | GCMD_CFI)
#define VTD_RTADDR 0x20u
#define RTADDR_TTM (3ull << 10) /* 0: legacy mode */
#define VTD_FSTS 0x34u
#define FSTS_PFO (1u << 0)
#define FSTS_PPF (1u << 1)
#define FSTS_IQE (1u << 4)
#define FSTS_QUEUE (7u << 4) /* IQE, ICE, ITE */
#define FSTS_FRI(fsts) ((fsts) >> 8 & 0xff)
#define VTD_FECTL 0x38u
#define VTD_PMEN 0x64u
#define PMEN_EPM (1u << 31)
#define PMEN_PRS (1u << 0)
#define VTD_IQH 0x80u
#define VTD_IQT 0x88u
#define VTD_IQA 0x90u
#define VTD_IECTL 0xa0u
#define EVENT_MASK (1u << 31) /* IM of FECTL and IECTL */
#define VTD_IRTA 0xb8u
#define IRTA_EIME (1ull << 11)
#define IRTA_SIZE 15u /* S: 2^(S + 1) entries */
#define VTD_REGISTERS_MIN 0xc0u

/* Fault record, 16 bytes. */
/* Low half: the address of the page, or the index of the interrupt entry; high half: it begins with the source id. */
#define FAULT_INDEX_SHIFT 48
#define FAULT_REASON(high) ((uint32_t)((high) >> 32) & 0xff)
#define FAULT_READ (1ull << 62)
#define FAULT_F (1ull << 63)
#define FAULT_REASON_INTERRUPT 0x20u /* to 0x2f */

/* Tables. */
#define ENTRY_P (1ull << 0)
#define ENTRY_ADDRESS 0x000ffffffffff000ull
#define CONTEXT_AW(levels) ((uint64_t)(levels)-2) /* in the high half */
#define CONTEXT_DID_SHIFT 8

#define IRTE_P (1ull << 0)
#define IRTE_FPD (1ull << 1)
#define IRTE_LOGICAL (1ull << 2)
#define IRTE_DELIVERY(low) ((uint32_t)((low) >> 5) & 7)
#define IRTE_AVAILABLE (0xfull << 8)
#define IRTE_VECTOR(low) ((uint32_t)((low) >> 16) & 0xff)
#define IRTE_LOW_KNOWN 0xffffffff00ff0fffull /* without posted format and reserved bits */
#define IRTE_DESTINATION_SHIFT 32
#define IRTE_XAPIC_SHIFT 40 /* where the 8 bits of an xAPIC destination stand */
#define IRTE_SID(high) ((uint32_t)(high)&0xffff)
#define IRTE_SQ(high) ((uint32_t)((high) >> 16) & 3)
#define IRTE_SVT(high) ((uint32_t)((high) >> 18) & 3)
#define SVT_ID 1u /* verify the requester's id, less the bits that SQ names */
#define SVT_BUS 2u /* verify that its bus is in a range: bits 15:8 of SID to bits 7:0 */
#define IRTE_HIGH_MASK 0xfffffull
#define IRTE_HIGH_ID (1ull << 18)

/** An interrupt remapping table entry, a context entry, a descriptor: 128 bits. */
struct vtd_pair {
	uint64_t low, high;
};

#define VTD_PAIRS_PER_PAGE (RV_PAGE_SIZE / (uint32_t)sizeof(struct vtd_pair))

static inline struct vtd_pair *vtd_pair_at(pa_t table, uint32_t index)
{
	return (struct vtd_pair *)pa_pointer(table) + index;
}

/* Invalidation descriptors. */
#define DESCRIPTOR_TYPE(low) ((uint32_t)(low)&0xf)
#define DESCRIPTOR_CONTEXT 1u
#define DESCRIPTOR_IOTLB 2u
#define DESCRIPTOR_INTERRUPT 4u
#define DESCRIPTOR_WAIT 5u
#define INVALIDATE_GLOBAL (1ull << 4) /* context and IOTLB */
#define INVALIDATE_DOMAIN (2ull << 4)
#define INVALIDATE_DRAIN (3ull << 6) /* writes and reads under way; ignored by units that can't */
#define INVALIDATE_DID_SHIFT 16
#define INTERRUPT_INDEXED (1ull << 4) /* else all */
#define INTERRUPT_MASK_SHIFT 27
#define INTERRUPT_INDEX_SHIFT 32
#define WAIT_STATUS (1ull << 5)
#define WAIT_STATUS_SHIFT 32

#ifndef HV_HOST_TEST
#define VTD_ACCESS(bits)                                                                                               \
	static inline uint##bits##_t vtd_read##bits(pa_t base, uint32_t offset)                                        \
	{                                                                                                              \
		return *(volatile uint##bits##_t *)pa_pointer(pa_add(base, offset));                                   \
	}                                                                                                              \
	static inline void vtd_write##bits(pa_t base, uint32_t offset, uint##bits##_t value)                           \
	{                                                                                                              \
		*(volatile uint##bits##_t *)pa_pointer(pa_add(base, offset)) = value;                                  \
	}
VTD_ACCESS(32)
VTD_ACCESS(64)
#endif

#endif
