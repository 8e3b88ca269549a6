/* SPDX-License-Identifier: GPL-2.0-only */
/* unit.c - remapping units: what they can do, bring-up, invalidation queue, faults; see vtd.h. */
#include <hv/util.h>
#include <hv/vtd/vtd.h>
#include <hv/x86/regs.h>

#define CACHE_LINE 64u

int vtd_fail(struct vtd *v, const struct vtd_unit *u, int error, uint32_t reason, uint64_t value)
{
	v->failure = (struct refusal){reason, {value, u->base.v}};
	return error;
}

void vtd_init(struct vtd *v, struct partition *p, uint64_t tsc_khz)
{
	*v = (struct vtd){.partition = p, .timeout_ticks = VTD_TIMEOUT_US * tsc_khz / 1000};
}

int vtd_unit_add(struct vtd *v, pa_t base, uint32_t register_bytes, uint32_t segment)
{
	if (v->unit_count == VTD_MAX_UNITS)
		return -RV_ENOSPC;
	v->unit[v->unit_count++] =
	    (struct vtd_unit){.base = base, .register_bytes = register_bytes, .segment = segment};
	return 0;
}

int vtd_probe(struct vtd *v)
{
	uint64_t cap = ~0ull, ecap = ~0ull;

	for (uint32_t i = 0; i < v->unit_count; i++) {
		struct vtd_unit *u = &v->unit[i];
		uint32_t version = vtd_read32(u->base, VTD_VER);

		if (version == 0 || version == ~0u)
			return vtd_fail(v, u, -RV_ENODEV, RV_REASON_VTD_ABSENT, version);
		u->cap = vtd_read64(u->base, VTD_CAP);
		u->ecap = vtd_read64(u->base, VTD_ECAP);
		if (u->register_bytes < VTD_REGISTERS_MIN ||
		    u->register_bytes < CAP_FRO(u->cap) + 16 * CAP_FAULT_RECORDS(u->cap))
			return vtd_fail(v, u, -RV_ENODEV, RV_REASON_VTD_ABSENT, u->register_bytes);
		if ((u->ecap & (ECAP_QI | ECAP_IR)) != (ECAP_QI | ECAP_IR))
			return vtd_fail(v, u, -RV_ENODEV, RV_REASON_VTD_NO_INTERRUPTS, u->ecap);
		if (u->cap & CAP_RWBF)
			return vtd_fail(v, u, -RV_ENODEV, RV_REASON_VTD_WRITE_BUFFER, u->cap);
		/* The mode of the root table can't change while translation is on, and off would open the pool (11.4.6). */
		if ((vtd_read32(u->base, VTD_GSTS) & GCMD_TE) && (vtd_read64(u->base, VTD_RTADDR) & RTADDR_TTM))
			return vtd_fail(v, u, -RV_ENODEV, RV_REASON_VTD_SCALABLE, vtd_read64(u->base, VTD_RTADDR));
		cap &= u->cap;
		ecap &= u->ecap;
		if (!(cap & (CAP_SAGAW_39 | CAP_SAGAW_48)))
			return vtd_fail(v, u, -RV_ENODEV, RV_REASON_VTD_WIDTH, u->cap);
		u->before = (struct vtd_before){vtd_read32(u->base, VTD_GSTS), vtd_read64(u->base, VTD_RTADDR),
						vtd_read64(u->base, VTD_IRTA), vtd_read64(u->base, VTD_IQA)};
	}
	v->large_2m = (cap & CAP_SLLPS_2M) != 0;
	v->large_1g = (cap & CAP_SLLPS_1G) != 0;
	v->levels = cap & CAP_SAGAW_48 ? 4 : 3;
	v->coherent = (ecap & ECAP_C) != 0;
	v->eim = (ecap & ECAP_EIM) != 0;
	return 0;
}

void vtd_table_written(const struct vtd *v, const void *at, size_t bytes)
{
	uint64_t first = (uint64_t)at & ~(uint64_t)(CACHE_LINE - 1), end = (uint64_t)at + bytes;

	for (uint64_t line = first; v->unit_count != 0 && !v->coherent && line < end; line += CACHE_LINE)
		cpu_flush_line((const void *)line);
}

int vtd_pages(struct vtd *v, uint32_t count, pa_t *pages)
{
	int error = partition_allocate(v->partition, count, OWNER_HYPERVISOR, pages);

	if (!error)
		vtd_table_written(v, pa_pointer(*pages), (size_t)count * RV_PAGE_SIZE);
	return error;
}

/* --- commands -------------------------------------------------------------------------------------------------------- */

/* Waits until the bits under mask are as wanted. */
static int register_wait(struct vtd *v, const struct vtd_unit *u, uint32_t offset, uint32_t mask, uint32_t want)
{
	uint64_t begin = rdtsc();
	bool late;
	uint32_t value;

	/* The register is read once more after the last look at the clock: whoever waited may have been held up (SMI). */
	do {
		late = rdtsc() - begin > v->timeout_ticks;
		value = vtd_read32(u->base, offset);
		if ((value & mask) == want)
			return 0;
		cpu_pause();
	} while (!late);
	return vtd_fail(v, u, -RV_ETIME, RV_REASON_VTD_TIMEOUT, (uint64_t)offset << 32 | value);
}

/* One command at a time, lasting ones kept, and the answer awaited before anything else: 11.4.4. */
static int command(struct vtd *v, const struct vtd_unit *u, uint32_t bit, bool on)
{
	uint32_t keep = vtd_read32(u->base, VTD_GSTS) & GCMD_LASTING & ~bit;

	vtd_write32(u->base, VTD_GCMD, keep | (on ? bit : 0));
	return register_wait(v, u, VTD_GSTS, bit, on ? bit : 0);
}

/* An empty queue of our own; what firmware or the guest had in theirs is carried out first. */
static int queue_start(struct vtd *v, struct vtd_unit *u)
{
	int error = 0;

	if (vtd_read32(u->base, VTD_GSTS) & GCMD_QIE) {
		/* A queue that stopped at an error has nothing more to carry out. */
		if (!(vtd_read32(u->base, VTD_FSTS) & FSTS_IQE))
			error = register_wait(v, u, VTD_IQH, ~0u, vtd_read32(u->base, VTD_IQT));
		error = error ? error : command(v, u, GCMD_QIE, false);
	}
	if (error)
		return error;
	vtd_write32(u->base, VTD_FSTS, FSTS_QUEUE);
	u->tail = 0;
	vtd_write64(u->base, VTD_IQT, 0);
	vtd_write64(u->base, VTD_IQA, u->queue.v);
	return command(v, u, GCMD_QIE, true);
}

/* The descriptor, then one that writes a number to our memory when all before it is done (6.5.2.8). */
static int unit_invalidate(struct vtd *v, struct vtd_unit *u, uint64_t low)
{
	struct vtd_pair *slot = vtd_pair_at(u->queue, u->tail);
	pa_t status = pa_add(u->queue, RV_PAGE_SIZE);
	uint32_t number = ++u->waits, failed = 0;
	uint64_t begin = rdtsc();
	bool late, done;

	slot[0] = (struct vtd_pair){low, 0};
	slot[1] = (struct vtd_pair){DESCRIPTOR_WAIT | WAIT_STATUS | (uint64_t)number << WAIT_STATUS_SHIFT, status.v};
	u->tail = (u->tail + 2) % VTD_PAIRS_PER_PAGE;
	cpu_fence();
	vtd_write64(u->base, VTD_IQT, u->tail * sizeof(*slot));
	do {
		uint32_t fsts = vtd_read32(u->base, VTD_FSTS) & FSTS_QUEUE;

		late = rdtsc() - begin > v->timeout_ticks;
		done = *(volatile uint32_t *)pa_pointer(status) == number;
		if (fsts != 0) {
			/* It stopped at a descriptor that it does not like: the wait takes its place (6.5.2.10). */
			slot[0] = slot[1];
			cpu_fence();
			vtd_write32(u->base, VTD_FSTS, fsts);
		}
		failed |= fsts;
		cpu_pause();
	} while (!done && !late);
	if (failed)
		return vtd_fail(v, u, -RV_EIO, RV_REASON_VTD_QUEUE, failed);
	return done ? 0 : vtd_fail(v, u, -RV_ETIME, RV_REASON_VTD_TIMEOUT, (uint64_t)VTD_IQT << 32 | u->tail);
}

int vtd_invalidate(struct vtd *v, uint64_t low)
{
	int first = 0;

	for (uint32_t i = 0; i < v->unit_count; i++) {
		int error = unit_invalidate(v, &v->unit[i], low);

		first = first ? first : error;
	}
	return first;
}

/* --- bring-up -------------------------------------------------------------------------------------------------------- */

static int dma_start(struct vtd *v, struct vtd_unit *u)
{
	int error;

	vtd_write64(u->base, VTD_RTADDR, v->root.v);
	error = command(v, u, GCMD_SRTP, true);
	/* Context first: entries of the IOTLB are made from it (6.6). */
	error = error ? error : unit_invalidate(v, u, DESCRIPTOR_CONTEXT | INVALIDATE_GLOBAL);
	error = error ? error : unit_invalidate(v, u, DESCRIPTOR_IOTLB | INVALIDATE_GLOBAL);
	error = error ? error : command(v, u, GCMD_TE, true);
	/* Firmware's protected ranges are of no use any more, and would stop good DMA. */
	if (!error && (u->cap & CAP_PROTECTED)) {
		vtd_write32(u->base, VTD_PMEN, vtd_read32(u->base, VTD_PMEN) & ~PMEN_EPM);
		error = register_wait(v, u, VTD_PMEN, PMEN_PRS, 0);
	}
	return error;
}

uint64_t vtd_irta(const struct vtd *v, const struct vtd_unit *u)
{
	uint32_t size = 0;

	while (2u << size < v->entries)
		size++;
	return u->interrupts.v | (u->eime ? IRTA_EIME : 0) | size;
}

static int interrupts_start(struct vtd *v, struct vtd_unit *u)
{
	int error;

	vtd_write64(u->base, VTD_IRTA, vtd_irta(v, u));
	error = command(v, u, GCMD_SIRTP, true);
	error = error ? error : unit_invalidate(v, u, DESCRIPTOR_INTERRUPT);
	if (!error && (vtd_read32(u->base, VTD_GSTS) & GCMD_CFI))
		error = command(v, u, GCMD_CFI, false);
	return error ? error : command(v, u, GCMD_IRE, true);
}

int vtd_unit_set_eime(struct vtd *v, struct vtd_unit *u, bool eime)
{
	/* In between no entry is present: none is ever read in the wrong format. */
	for (uint32_t i = 0; i < v->entries; i++)
		vtd_entry_write(v, u, i, (struct vtd_pair){0, 0});
	u->eime = eime;
	return interrupts_start(v, u);
}

int vtd_start(struct vtd *v)
{
	for (uint32_t i = 0; i < v->unit_count; i++) {
		struct vtd_unit *u = &v->unit[i];
		int error;

		/* Faults and queue errors are polled. */
		vtd_write32(u->base, VTD_FECTL, vtd_read32(u->base, VTD_FECTL) | EVENT_MASK);
		vtd_write32(u->base, VTD_IECTL, vtd_read32(u->base, VTD_IECTL) | EVENT_MASK);
		error = queue_start(v, u);
		error = error ? error : dma_start(v, u);
		error = error ? error : interrupts_start(v, u);
		if (error)
			return error;
	}
	return 0;
}

/* What was on gets its tables back and stays on throughout; what was off goes off. */
static int tables_back(struct vtd *v, const struct vtd_unit *u, uint32_t bit, uint32_t once, uint32_t offset,
		       uint64_t value)
{
	bool on = (u->before.gsts & bit) != 0;
	int error = on ? 0 : command(v, u, bit, false);

	vtd_write64(u->base, offset, value);
	return on ? command(v, u, once, true) : error;
}

static int unit_stop(struct vtd *v, struct vtd_unit *u)
{
	const struct vtd_before *b = &u->before;
	int error;

	/* The queue came first: where it is not ours, nothing is. */
	if (vtd_read64(u->base, VTD_IQA) != u->queue.v)
		return 0;
	error = tables_back(v, u, GCMD_TE, GCMD_SRTP, VTD_RTADDR, b->rtaddr);
	error = error ? error : tables_back(v, u, GCMD_IRE, GCMD_SIRTP, VTD_IRTA, b->irta);
	if (!error && (b->gsts & GCMD_CFI))
		error = command(v, u, GCMD_CFI, true);
	if (!error && (vtd_read32(u->base, VTD_GSTS) & GCMD_QIE)) {
		error = unit_invalidate(v, u, DESCRIPTOR_CONTEXT | INVALIDATE_GLOBAL);
		error = error ? error : unit_invalidate(v, u, DESCRIPTOR_IOTLB | INVALIDATE_GLOBAL | INVALIDATE_DRAIN);
		error = error ? error : unit_invalidate(v, u, DESCRIPTOR_INTERRUPT);
		error = error ? error : command(v, u, GCMD_QIE, false);
	}
	if (error)
		return error;
	vtd_write64(u->base, VTD_IQT, 0);
	vtd_write64(u->base, VTD_IQA, b->iqa);
	return b->gsts & GCMD_QIE ? command(v, u, GCMD_QIE, true) : 0;
}

int vtd_stop(struct vtd *v)
{
	int first = 0;

	for (uint32_t i = 0; i < v->unit_count; i++) {
		int error = unit_stop(v, &v->unit[i]);

		first = first ? first : error;
	}
	return first;
}

/* --- faults ---------------------------------------------------------------------------------------------------------- */

void vtd_fault_clear(const struct vtd_unit *u, uint32_t record)
{
	if (record < CAP_FAULT_RECORDS(u->cap))
		vtd_write32(u->base, CAP_FRO(u->cap) + 16 * record + 12, FAULT_F >> 32);
	else
		vtd_write32(u->base, VTD_FSTS, FSTS_PFO);
}
