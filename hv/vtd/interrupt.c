/* SPDX-License-Identifier: GPL-2.0-only */
/* interrupt.c - the interrupt remapping table and what the guest may have in it; see vtd.h. VT-d 9.10. */
#include <hv/vtd/vtd.h>
#include <hv/x86/regs.h>
#include <ravelin/reason.h>

#define DELIVERY_LOWEST 1u /* 0 is fixed, all others are more than an interrupt */
#define VECTOR_MIN 16u
#define IRTE_LOW_KNOWN                                                                                                 \
	(IRTE_P | IRTE_FPD | IRTE_LOGICAL | IRTE_RH | IRTE_LEVEL | IRTE_DELIVERY_MASK | IRTE_AVAILABLE | IRTE_POSTED | \
	 IRTE_VECTOR_MASK | 0xffffffffull << IRTE_DESTINATION_SHIFT)
#define BROADCAST_XAPIC 0xffu
#define BROADCAST_X2APIC 0xffffffffu

static struct vtd_pair *entry_at(const struct vtd *v, uint32_t index)
{
	return (struct vtd_pair *)pa_pointer(v->interrupts) + index;
}

/* Intel SDM vol. 3, 11.6.2 and 11.12.10: whether a message with this destination is for the core. */
static bool core_is_meant(const struct vtd_core *core, bool eime, bool logical, uint32_t destination)
{
	if (destination == (eime ? BROADCAST_X2APIC : BROADCAST_XAPIC))
		return true;
	if (!logical)
		return destination == core->apic_id;
	if (eime)
		return destination >> 16 == core->apic_id >> 4 && (destination >> (core->apic_id & 15) & 1) != 0;
	/* Flat model, or cluster model with the same cluster or all clusters: which one is the guest's choice (DFR). */
	return (destination & core->logical_id) != 0 ||
	       (destination >> 4 == 15 && (core->logical_id & 15 & destination) != 0);
}

/* Whether a request of this device passes the entry's verification. */
static bool source_is_meant(uint64_t high, uint16_t device)
{
	static const uint16_t compared[4] = {0xffff, 0xfffb, 0xfff9, 0xfff8}; /* by SQ */
	uint32_t sid = IRTE_SID(high), bus = device >> 8;

	if (IRTE_SVT(high) == SVT_BUS)
		return bus >= sid >> 8 && bus <= (sid & 0xff);
	return ((sid ^ device) & compared[IRTE_SQ(high)]) == 0;
}

static uint32_t entry_refusal(const struct vtd_policy *p, uint32_t index, struct vtd_pair e)
{
	uint32_t destination = (uint32_t)(e.low >> (p->eime ? IRTE_DESTINATION_SHIFT : IRTE_XAPIC_SHIFT));
	uint32_t svt = IRTE_SVT(e.high);

	if (!p->eime && (e.low >> IRTE_DESTINATION_SHIFT & ~(0xffull << 8)) != 0)
		return RV_REASON_VTD_ENTRY_FORMAT;
	if ((e.low & (~IRTE_LOW_KNOWN | IRTE_POSTED)) != 0 || (e.high & ~IRTE_HIGH_MASK) != 0)
		return RV_REASON_VTD_ENTRY_FORMAT;
	if (index >= p->entries)
		return RV_REASON_VTD_ENTRY_INDEX;
	if (IRTE_DELIVERY(e.low) > DELIVERY_LOWEST || IRTE_VECTOR(e.low) < VECTOR_MIN)
		return RV_REASON_VTD_ENTRY_DELIVERY;
	for (uint32_t i = 0; i < p->core_count; i++) {
		if (core_is_meant(&p->core[i], p->eime, (e.low & IRTE_LOGICAL) != 0, destination))
			return RV_REASON_VTD_ENTRY_TARGET;
	}
	if (svt != SVT_ID && svt != SVT_BUS)
		return RV_REASON_VTD_ENTRY_SOURCE;
	for (uint32_t i = 0; i < p->device_count; i++) {
		if (source_is_meant(e.high, p->device[i]))
			return RV_REASON_VTD_ENTRY_SOURCE;
	}
	return RV_REASON_NONE;
}

int vtd_entry_check(const struct vtd_policy *p, uint32_t index, struct vtd_pair guest, struct vtd_pair *to,
		    uint32_t *why)
{
	*to = (struct vtd_pair){0, 0};
	if (!(guest.low & IRTE_P))
		return 0;
	*why = entry_refusal(p, index, guest);
	if (*why != RV_REASON_NONE)
		return -RV_EACCES;
	*to = (struct vtd_pair){guest.low & ~(IRTE_FPD | IRTE_AVAILABLE), guest.high};
	return 0;
}

void vtd_entry_write(struct vtd *v, uint32_t index, struct vtd_pair entry)
{
	struct vtd_pair *at = entry_at(v, index);

	/* Vector, destination and P are one write; an interrupt that moves to another CPU is never lost. Another source takes
	 * the entry away first, so that the old target is never reached from the new source. */
	if (at->high != entry.high) {
		*(volatile uint64_t *)&at->low = 0;
		cpu_fence();
		*(volatile uint64_t *)&at->high = entry.high;
		cpu_fence();
	}
	*(volatile uint64_t *)&at->low = entry.low;
	vtd_table_written(v, at, sizeof(*at));
}

struct vtd_pair vtd_entry_read(const struct vtd *v, uint32_t index)
{
	return *entry_at(v, index);
}

int vtd_flush_interrupts(struct vtd *v)
{
	return vtd_invalidate(v, DESCRIPTOR_INTERRUPT);
}

uint32_t vtd_entries_recheck(struct vtd *v, const struct vtd_policy *p)
{
	uint32_t refused = 0, why;

	for (uint32_t i = 0; i < p->entries && v->unit_count != 0; i++) {
		struct vtd_pair entry = vtd_entry_read(v, i);

		if (vtd_entry_check(p, i, entry, &entry, &why) == 0)
			continue;
		vtd_entry_write(v, i, entry);
		refused++;
	}
	return refused;
}
