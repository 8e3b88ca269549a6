/* SPDX-License-Identifier: GPL-2.0-only */
/* interrupt.c - the interrupt remapping table and what the guest may have in it; see vtd.h. VT-d 9.10. */
#include <hv/vtd/vtd.h>
#include <hv/x86/regs.h>
#include <ravelin/reason.h>

#define DELIVERY_LOWEST 1u /* 0 is fixed, all others are more than an interrupt */
#define VECTOR_MIN 16u
#define BROADCAST_XAPIC 0xffu
#define BROADCAST_X2APIC 0xffffffffu

/* Intel SDM vol. 3, 11.6.2 and 11.12.10: whether a message with this destination is for the core. */
static bool core_is_meant(uint32_t apic_id, bool eime, bool logical, uint32_t destination)
{
	if (destination == (eime ? BROADCAST_X2APIC : BROADCAST_XAPIC))
		return true;
	if (!logical)
		return destination == apic_id;
	/* In xAPIC mode it has no logical id. */
	return eime && destination >> 16 == apic_id >> 4 && (destination >> (apic_id & 15) & 1) != 0;
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

static uint32_t entry_refusal(const struct vtd *v, const struct vtd_unit *u, uint32_t index, struct vtd_pair e)
{
	uint32_t destination = (uint32_t)(e.low >> (u->eime ? IRTE_DESTINATION_SHIFT : IRTE_XAPIC_SHIFT));
	uint32_t svt = IRTE_SVT(e.high);

	if ((e.low & ~IRTE_LOW_KNOWN) != 0 || (e.high & ~IRTE_HIGH_MASK) != 0 ||
	    (!u->eime && (e.low >> IRTE_DESTINATION_SHIFT & ~(0xffull << 8)) != 0))
		return RV_REASON_VTD_ENTRY_FORMAT;
	if (index >= v->entries - VTD_RESERVED_ENTRIES)
		return RV_REASON_VTD_ENTRY_INDEX;
	if (IRTE_DELIVERY(e.low) > DELIVERY_LOWEST || IRTE_VECTOR(e.low) < VECTOR_MIN)
		return RV_REASON_VTD_ENTRY_DELIVERY;
	for (uint32_t i = 0; i < v->core_count; i++) {
		if (core_is_meant(v->core[i], u->eime, (e.low & IRTE_LOGICAL) != 0, destination))
			return RV_REASON_VTD_ENTRY_TARGET;
	}
	if (svt != SVT_ID && svt != SVT_BUS)
		return RV_REASON_VTD_ENTRY_SOURCE;
	for (uint32_t i = 0; i < VTD_MAX_DEVICES; i++) {
		if (v->device[i].domain != 0 && source_is_meant(e.high, v->device[i].source_id))
			return RV_REASON_VTD_ENTRY_SOURCE;
	}
	return RV_REASON_NONE;
}

uint32_t vtd_entry_check(const struct vtd *v, const struct vtd_unit *u, uint32_t index, struct vtd_pair guest,
			 struct vtd_pair *to)
{
	uint32_t why = guest.low & IRTE_P ? entry_refusal(v, u, index, guest) : RV_REASON_NONE;

	*to = (struct vtd_pair){0, 0};
	if (why == RV_REASON_NONE && (guest.low & IRTE_P))
		*to = (struct vtd_pair){guest.low & ~(IRTE_FPD | IRTE_AVAILABLE), guest.high};
	return why;
}

void vtd_entry_write(const struct vtd *v, const struct vtd_unit *u, uint32_t index, struct vtd_pair entry)
{
	struct vtd_pair *at = vtd_pair_at(u->interrupts, index);

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

int vtd_flush_interrupts(struct vtd *v)
{
	return vtd_invalidate(v, DESCRIPTOR_INTERRUPT);
}

struct vtd_pair vtd_reserved_entry(const struct vtd *v, const struct vtd_unit *u, uint32_t index)
{
	uint32_t i = index - VTD_RESERVED_INDEX(v, 0), shift = u->eime ? IRTE_DESTINATION_SHIFT : IRTE_XAPIC_SHIFT;
	const struct vtd_message *m = &v->reserved[i];

	if (i >= VTD_MAX_DEVICES + VTD_MAX_LINES || m->vector == 0)
		return (struct vtd_pair){0, 0};
	return (struct vtd_pair){IRTE_P | (m->vector >> 11 & IRTE_LEVEL) | (uint64_t)(m->vector & 0xff) << 16 |
				     (uint64_t)m->apic_id << shift,
				 IRTE_HIGH_ID | m->source_id};
}

int vtd_interrupt_set(struct vtd *v, uint32_t slot, struct vtd_message m)
{
	uint32_t index = VTD_RESERVED_INDEX(v, slot);

	/* unit[0].eime is false where there are none. */
	for (uint32_t u = 0; m.apic_id >= BROADCAST_XAPIC && (u == 0 || u < v->unit_count); u++) {
		if (!v->unit[u].eime)
			return vtd_fail(v, &v->unit[u], -RV_ERANGE, RV_REASON_DEVICE_INTERRUPT, m.apic_id);
	}
	v->reserved[slot] = m;
	for (uint32_t u = 0; u < v->unit_count; u++)
		vtd_entry_write(v, &v->unit[u], index, vtd_reserved_entry(v, &v->unit[u], index));
	return vtd_flush_interrupts(v);
}
