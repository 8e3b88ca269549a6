/* SPDX-License-Identifier: GPL-2.0-only */
/* dma.c - root and context tables; see vtd.h. */
#include <hv/util.h>
#include <hv/vtd/vtd.h>
#include <hv/x86/regs.h>

struct vtd_pair vtd_context(const struct vtd *v, uint16_t source_id)
{
	struct vtd_device d = {.table = v->guest_table, .domain = VTD_DOMAIN_GUEST};

	for (uint32_t i = 0; i < VTD_MAX_DEVICES; i++) {
		if (v->device[i].domain != 0 && v->device[i].source_id == source_id)
			d = v->device[i];
	}
	if (d.table.v == 0)
		return (struct vtd_pair){0, 0};
	/* Translation type 0: untranslated requests go through the table, all others are blocked (9.3). */
	return (struct vtd_pair){d.table.v | ENTRY_P, CONTEXT_AW(v->levels) | (uint64_t)d.domain << CONTEXT_DID_SHIFT};
}

int vtd_build(struct vtd *v, pa_t ept_root, uint32_t entries)
{
	uint64_t first = *(const uint64_t *)pa_pointer(ept_root);
	int error = 0;

	if (v->unit_count == 0)
		return 0;
	v->entries = entries;
	v->guest_table = v->levels == 4 ? ept_root : pa_make(first & ENTRY_ADDRESS);
	for (uint32_t i = 0; !error && i < v->unit_count; i++) {
		error = vtd_pages(v, 2, &v->unit[i].queue);
		error = error ? error : vtd_pages(v, entries / VTD_PAIRS_PER_PAGE, &v->unit[i].interrupts);
	}
	error = error ? error : vtd_pages(v, 1, &v->root);
	error = error ? error : vtd_pages(v, 1, &v->context);
	if (error)
		return error;
	for (uint32_t i = 0; i < VTD_PAIRS_PER_PAGE; i++) {
		*vtd_pair_at(v->context, i) = vtd_context(v, 0);
		*vtd_pair_at(v->root, i) = (struct vtd_pair){v->context.v | ENTRY_P, 0};
	}
	vtd_table_written(v, pa_pointer(v->context), RV_PAGE_SIZE);
	vtd_table_written(v, pa_pointer(v->root), RV_PAGE_SIZE);
	return 0;
}

int vtd_flush_dma(struct vtd *v, uint16_t domain)
{
	return vtd_invalidate(v, DESCRIPTOR_IOTLB | INVALIDATE_DOMAIN | INVALIDATE_DRAIN |
				     (uint64_t)domain << INVALIDATE_DID_SHIFT);
}

/* Where a device is noted, or could be; NULL if there is no room. */
static struct vtd_device *device_slot(struct vtd *v, uint16_t source_id)
{
	struct vtd_device *slot = NULL;

	for (uint32_t i = 0; i < VTD_MAX_DEVICES; i++) {
		if (v->device[i].domain == 0)
			slot = &v->device[i];
		else if (v->device[i].source_id == source_id)
			return &v->device[i];
	}
	return slot;
}

int vtd_device_prepare(struct vtd *v, uint16_t source_id)
{
	struct vtd_pair *bus = vtd_pair_at(v->root, source_id >> 8);
	pa_t table;
	int error;

	for (uint32_t i = 0; i < v->unit_count; i++) {
		if (v->unit[i].segment != v->unit[0].segment)
			return vtd_fail(v, &v->unit[i], -RV_ENODEV, RV_REASON_VTD_SEGMENTS, v->unit[i].segment);
	}
	if (device_slot(v, source_id) == NULL)
		return vtd_fail(v, &v->unit[0], -RV_ENOSPC, RV_REASON_VTD_DEVICES, VTD_MAX_DEVICES);
	if ((bus->low & ENTRY_ADDRESS) != v->context.v)
		return 0;
	error = vtd_pages(v, 1, &table);
	if (error)
		return error;
	memcpy(pa_pointer(table), pa_pointer(v->context), RV_PAGE_SIZE);
	vtd_table_written(v, pa_pointer(table), RV_PAGE_SIZE);
	/* The same entries in another place: whichever a unit has cached is right. */
	*(volatile uint64_t *)&bus->low = table.v | ENTRY_P;
	vtd_table_written(v, bus, sizeof(*bus));
	return 0;
}

int vtd_device_set(struct vtd *v, uint16_t source_id, pa_t table, uint16_t domain)
{
	pa_t bus = pa_make(vtd_pair_at(v->root, source_id >> 8)->low & ENTRY_ADDRESS);
	struct vtd_pair *entry = vtd_pair_at(bus, source_id & 0xff), to;
	struct vtd_device *slot = device_slot(v, source_id);
	int error;

	if (slot != NULL && domain == VTD_DOMAIN_GUEST)
		*slot = (struct vtd_device){0};
	else if (slot != NULL)
		*slot = (struct vtd_device){source_id, domain, table};
	to = vtd_context(v, source_id);
	/* Not present first: a unit must never see the halves of two entries (6.2.2.1). */
	*(volatile uint64_t *)&entry->low = 0;
	vtd_table_written(v, entry, sizeof(*entry));
	error = vtd_invalidate(v, DESCRIPTOR_CONTEXT | INVALIDATE_GLOBAL);
	error = error ? error : vtd_invalidate(v, DESCRIPTOR_IOTLB | INVALIDATE_GLOBAL | INVALIDATE_DRAIN);
	if (error)
		return error;
	*(volatile uint64_t *)&entry->high = to.high;
	cpu_fence();
	*(volatile uint64_t *)&entry->low = to.low;
	vtd_table_written(v, entry, sizeof(*entry));
	/* Units in caching mode keep absent entries, too. */
	return vtd_invalidate(v, DESCRIPTOR_CONTEXT | INVALIDATE_GLOBAL);
}
