/* SPDX-License-Identifier: GPL-2.0-only */
/* faults.c - what the remapping units have recorded; see agent.h. VT-d 11.4.14. */
#include <agent/agent.h>

#define FSTS_FRI(fsts) ((fsts) >> 8 & 0xff)
/* Low half of a record: the address of the page, or the index of the interrupt entry; high half: it begins with the source id. */
#define FAULT_INDEX_SHIFT 48
#define FAULT_REASON(high) ((uint32_t)((high) >> 32) & 0xff)
#define FAULT_READ (1ull << 62)
#define FAULT_REASON_INTERRUPT 0x20u /* to 0x2f */

static bool record_read(const struct vtd_unit *u, uint32_t record, struct vtd_fault *f)
{
	uint32_t offset = CAP_FRO(u->cap) + 16 * record, reason;
	uint64_t high = vtd_read64(u->base, offset + 8), low = vtd_read64(u->base, offset);
	bool interrupt;

	reason = FAULT_REASON(high);
	interrupt = (reason & 0xf0) == FAULT_REASON_INTERRUPT;
	*f = (struct vtd_fault){.record = record,
				.reason = reason,
				.source_id = (uint16_t)high,
				.interrupt = interrupt,
				.read = !interrupt && (high & FAULT_READ),
				.unit = u->base.v,
				.address = interrupt ? low >> FAULT_INDEX_SHIFT : low & PAGE_MASK};
	return (high & FAULT_F) != 0;
}

uint32_t vtd_faults_find(const struct vtd_unit *u, struct vtd_fault *f, uint32_t max)
{
	uint32_t fsts = vtd_read32(u->base, VTD_FSTS), records = CAP_FAULT_RECORDS(u->cap), n = 0;

	/* FRI is where the oldest was when PPF became 1; the unit fills the records in a ring from there. */
	for (uint32_t i = 0; (fsts & FSTS_PPF) && i < records && n < max; i++)
		n += record_read(u, (FSTS_FRI(fsts) + i) % records, &f[n]);
	/* Last, when all records are free: as long as PFO is set the unit records nothing. */
	if ((fsts & FSTS_PFO) && n < max)
		f[n++] = (struct vtd_fault){.record = VTD_FAULT_OVERFLOW, .unit = u->base.v};
	return n;
}

static uint32_t log_reason(const struct vtd_fault *f)
{
	if (f->record == VTD_FAULT_OVERFLOW)
		return RV_REASON_FAULTS_LOST;
	if (f->interrupt)
		return RV_REASON_INTERRUPT_FAULT;
	return f->read ? RV_REASON_DMA_READ_FAULT : RV_REASON_DMA_WRITE_FAULT;
}

void faults_read(const struct vtd *v, struct agent_faults *m)
{
	struct vtd_fault f[AGENT_FAULTS_MAX];

	for (uint32_t unit = 0; unit < v->unit_count; unit++) {
		uint32_t n = vtd_faults_find(&v->unit[unit], f, AGENT_FAULTS_MAX - m->count);

		for (uint32_t i = 0; i < n; i++)
			m->fault[m->count++] =
			    (struct agent_fault){unit,
						 f[i].record,
						 log_reason(&f[i]),
						 {f[i].source_id, f[i].address, f[i].reason, f[i].unit}};
	}
}
