/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * registers.h - registers and table formats of a VT-d remapping unit that only root mode uses; the rest is in ravelin/vtd.h.
 *
 * Names and sections are those of the Intel VT-d architecture specification: registers chapter 11, tables chapter 9,
 * descriptors 6.5.2. Every access to a unit goes through the four functions here, so that the rest compiles on the host.
 */
#ifndef HV_VTD_REGISTERS_H
#define HV_VTD_REGISTERS_H

#include <hv/address.h>
#include <ravelin/vtd.h>

#define CAP_RWBF (1ull << 4)
#define CAP_PROTECTED (3ull << 5) /* PLMR, PHMR */
#define CAP_SLLPS_2M (1ull << 34)
#define CAP_SLLPS_1G (1ull << 35)
/* Commands that last keep their value in GSTS; the others happen once. */
#define GCMD_LASTING (GCMD_TE | GCMD_QIE | GCMD_IRE | GCMD_CFI)
#define RTADDR_TTM (3ull << 10) /* 0: legacy mode */
#define VTD_PMEN 0x64u
#define PMEN_EPM (1u << 31)
#define PMEN_PRS (1u << 0)
#define VTD_REGISTERS_MIN 0xc0u

#define FAULT_F (1ull << 63) /* in the high half of a fault record, 16 bytes */

/* Tables. */
#define ENTRY_P (1ull << 0)
#define ENTRY_ADDRESS 0x000ffffffffff000ull
#define CONTEXT_AW(levels) ((uint64_t)(levels)-2) /* in the high half */
#define CONTEXT_DID_SHIFT 8

#define IRTE_DELIVERY(low) ((uint32_t)((low) >> 5) & 7)
#define IRTE_AVAILABLE (0xfull << 8)
#define IRTE_VECTOR(low) ((uint32_t)((low) >> 16) & 0xff)
#define IRTE_LOW_KNOWN 0xffffffff00ff0fffull /* without posted format and reserved bits */
#define IRTE_SID(high) ((uint32_t)(high)&0xffff)
#define IRTE_SQ(high) ((uint32_t)((high) >> 16) & 3)
#define IRTE_SVT(high) ((uint32_t)((high) >> 18) & 3)
#define SVT_ID 1u /* verify the requester's id, less the bits that SQ names */
#define SVT_BUS 2u /* verify that its bus is in a range: bits 15:8 of SID to bits 7:0 */
#define IRTE_HIGH_MASK 0xfffffull

#define VTD_PAIRS_PER_PAGE (RV_PAGE_SIZE / (uint32_t)sizeof(struct vtd_pair))

static inline struct vtd_pair *vtd_pair_at(pa_t table, uint32_t index)
{
	return (struct vtd_pair *)pa_pointer(table) + index;
}

/* Invalidation descriptors. */
#define DESCRIPTOR_TYPE(low) ((uint32_t)(low)&0xf)
#define DESCRIPTOR_CONTEXT 1u
#define DESCRIPTOR_IOTLB 2u
#define INVALIDATE_GLOBAL (1ull << 4) /* context and IOTLB */
#define INVALIDATE_DOMAIN (2ull << 4)
#define INVALIDATE_DRAIN (3ull << 6) /* writes and reads under way; ignored by units that can't */
#define INVALIDATE_DID_SHIFT 16

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
