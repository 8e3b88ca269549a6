/* SPDX-License-Identifier: GPL-2.0-only */
/* fake_vtd.c - see fake_vtd.h. */
#include "fake_vtd.h"
#include "fake_ioapic.h"

#include <string.h>

#define RECORDS_AT 0x220u
#define ONE_SHOT (GCMD_SRTP | GCMD_SIRTP)
#define FAULT_READ (1ull << 62) /* in the high half of a record */
#define FAULT_ROOT_ABSENT 1u
#define FAULT_CONTEXT_ABSENT 2u
#define FAULT_WRITE 5u
#define FAULT_READ_DENIED 6u
#define FAULT_INDEX 0x21u
#define FAULT_ENTRY_ABSENT 0x22u
#define FAULT_SOURCE 0x26u

struct fake_unit fake_unit[FAKE_UNITS];

void fake_units_reset(void)
{
	memset(fake_unit, 0, sizeof(fake_unit));
	for (uint32_t i = 0; i < FAKE_UNITS; i++)
		fake_unit[i] = (struct fake_unit){.cap = FAKE_CAP,
						  .ecap = FAKE_ECAP,
						  .ver = 0x10,
						  .pmen = PMEN_EPM | PMEN_PRS,
						  .context_stale = true,
						  .iotlb_stale = true,
						  .interrupts_stale = true};
}

static struct fake_unit *unit_at(pa_t base)
{
	for (uint32_t i = 0; i < FAKE_UNITS; i++) {
		if (base.v == FAKE_UNIT(i))
			return &fake_unit[i];
	}
	return NULL;
}

void fake_fault(uint32_t n, uint16_t source_id, uint64_t information, uint32_t reason, bool read)
{
	struct fake_unit *u = &fake_unit[n];
	uint64_t *record = u->record[u->next_record];

	if (u->fsts & FSTS_PFO)
		return;
	if (record[1] & FAULT_F) {
		u->fsts |= FSTS_PFO;
		return;
	}
	if (!(u->fsts & FSTS_PPF))
		u->fsts = (u->fsts & ~0xff00u) | FSTS_PPF | u->next_record << 8;
	record[0] = information;
	record[1] = FAULT_F | (read ? FAULT_READ : 0) | (uint64_t)reason << 32 | source_id;
	u->next_record = (u->next_record + 1) % FAKE_RECORDS;
}

/* --- queue ----------------------------------------------------------------------------------------------------------- */

static bool descriptor_run(struct fake_unit *u, const struct vtd_pair *d)
{
	uint32_t type = DESCRIPTOR_TYPE(d->low);

	if (u->queue_fails != 0 && --u->queue_fails == 0)
		return false;
	if (type == DESCRIPTOR_CONTEXT) {
		assert_int_equal(d->low, DESCRIPTOR_CONTEXT | INVALIDATE_GLOBAL);
		u->context_stale = false;
	} else if (type == DESCRIPTOR_IOTLB) {
		/* An IOTLB that is emptied before the context cache is filled from it again. */
		assert_false(u->context_stale);
		if ((d->low & (3u << 4)) == INVALIDATE_GLOBAL)
			u->iotlb_stale = false;
	} else if (type == DESCRIPTOR_INTERRUPT) {
		u->interrupts_stale = false;
	} else if (type == DESCRIPTOR_WAIT) {
		assert_true(d->low & WAIT_STATUS);
		assert_int_equal(d->high & 3, 0);
		*(uint32_t *)pa_pointer(pa_make(d->high)) = (uint32_t)(d->low >> WAIT_STATUS_SHIFT);
	} else {
		return false;
	}
	u->done[type]++;
	u->last[type] = d->low;
	return true;
}

static void queue_run(struct fake_unit *u)
{
	const struct vtd_pair *queue = pa_pointer(pa_make(u->iqa & PAGE_MASK));

	while ((u->gsts & GCMD_QIE) && !u->queue_stuck && !(u->fsts & FSTS_IQE) && u->iqh != u->iqt) {
		if (!descriptor_run(u, &queue[u->iqh / sizeof(*queue)])) {
			u->fsts |= FSTS_IQE;
			return;
		}
		u->iqh = (u->iqh + sizeof(*queue)) % RV_PAGE_SIZE;
	}
}

/* --- commands -------------------------------------------------------------------------------------------------------- */

static void command_run(struct fake_unit *u, uint32_t value)
{
	uint32_t changed = (value ^ u->gsts) & GCMD_LASTING, once = value & ONE_SHOT;

	assert_int_equal(value & ~(GCMD_LASTING | ONE_SHOT), 0);
	assert_true(__builtin_popcount(changed) + __builtin_popcount(once) <= 1);
	/* Off means open, if only for a moment. */
	assert_false((changed & u->gsts & GCMD_TE) && !u->may_open);
	u->gsts &= ~once; /* until it is done */
	if ((changed | once) & u->deaf)
		return;
	if (once & GCMD_SRTP) {
		u->root = u->rtaddr;
		u->context_stale = u->iotlb_stale = true;
	}
	if (once & GCMD_SIRTP) {
		u->interrupts = u->irta;
		u->interrupts_stale = true;
	}
	if (changed & value & GCMD_TE)
		assert_false(u->context_stale || u->iotlb_stale);
	if (changed & value & GCMD_IRE)
		assert_false(u->interrupts_stale);
	if (changed & GCMD_QIE) {
		if (value & GCMD_QIE)
			assert_int_equal(u->iqt, 0);
		else
			assert_true(u->iqh == u->iqt || (u->fsts & FSTS_IQE));
		u->iqh = 0;
	}
	u->gsts = (value & GCMD_LASTING) | (u->gsts & (GCMD_SRTP | GCMD_SIRTP)) | (once & (GCMD_SRTP | GCMD_SIRTP));
	queue_run(u);
}

static void status_write(struct fake_unit *u, uint32_t value)
{
	if (value & u->fsts & FSTS_PFO)
		assert_false(u->fsts & FSTS_PPF);
	u->fsts &= ~(value & (FSTS_PFO | FSTS_QUEUE));
	queue_run(u);
}

static void record_free(struct fake_unit *u, uint32_t n)
{
	u->record[n][1] &= ~FAULT_F;
	u->fsts &= ~FSTS_PPF;
	for (uint32_t i = 0; i < FAKE_RECORDS; i++) {
		if (u->record[i][1] & FAULT_F)
			u->fsts |= FSTS_PPF;
	}
}

/* --- registers ------------------------------------------------------------------------------------------------------- */

uint32_t vtd_read32(pa_t base, uint32_t offset)
{
	const struct fake_unit *u = unit_at(base);
	uint32_t value;

	if (u == NULL)
		return fake_ioapic_read(base, offset, &value) ? value : ~0u;
	switch (offset) {
	case VTD_VER:
		return u->ver;
	case VTD_GSTS:
		return u->gsts;
	case VTD_FSTS:
		return u->fsts;
	case VTD_FECTL:
		return u->fectl;
	case VTD_IECTL:
		return u->iectl;
	case VTD_PMEN:
		return u->pmen;
	case VTD_IQH:
		return (uint32_t)u->iqh;
	case VTD_IQT:
		return (uint32_t)u->iqt;
	default:
		fail_msg("32-bit read of register %x", offset);
	}
	return 0;
}

uint64_t vtd_read64(pa_t base, uint32_t offset)
{
	const struct fake_unit *u = unit_at(base);

	assert_non_null(u);
	if (offset >= RECORDS_AT && offset < RECORDS_AT + 16 * FAKE_RECORDS)
		return u->record[(offset - RECORDS_AT) / 16][offset / 8 % 2];
	switch (offset) {
	case VTD_CAP:
		return u->cap;
	case VTD_ECAP:
		return u->ecap;
	case VTD_RTADDR:
		return u->rtaddr;
	case VTD_IRTA:
		return u->irta;
	case VTD_IQA:
		return u->iqa;
	default:
		fail_msg("64-bit read of register %x", offset);
	}
	return 0;
}

void vtd_write32(pa_t base, uint32_t offset, uint32_t value)
{
	struct fake_unit *u = unit_at(base);

	if (fake_ioapic_write(base, offset, value))
		return;
	assert_non_null(u);
	if (offset >= RECORDS_AT && offset < RECORDS_AT + 16 * FAKE_RECORDS) {
		assert_int_equal(offset % 16, 12);
		assert_int_equal(value, 1u << 31);
		record_free(u, (offset - RECORDS_AT) / 16);
	} else if (offset == VTD_GCMD) {
		command_run(u, value);
	} else if (offset == VTD_FSTS) {
		status_write(u, value);
	} else if (offset == VTD_FECTL) {
		u->fectl = value;
	} else if (offset == VTD_IECTL) {
		u->iectl = value;
	} else if (offset == VTD_PMEN) {
		u->pmen = (u->pmen & ~(PMEN_EPM | PMEN_PRS)) | (value & PMEN_EPM) | (value & PMEN_EPM ? PMEN_PRS : 0);
	} else {
		fail_msg("32-bit write of register %x", offset);
	}
}

void vtd_write64(pa_t base, uint32_t offset, uint64_t value)
{
	struct fake_unit *u = unit_at(base);

	assert_non_null(u);
	switch (offset) {
	case VTD_RTADDR:
		u->rtaddr = value;
		break;
	case VTD_IRTA:
		u->irta = value;
		break;
	case VTD_IQA:
		assert_false(u->gsts & GCMD_QIE);
		u->iqa = value;
		break;
	case VTD_IQT:
		assert_true(value < RV_PAGE_SIZE && value % 16 == 0);
		u->iqt = value;
		queue_run(u);
		break;
	default:
		fail_msg("64-bit write of register %x", offset);
	}
}

/* --- what devices get ------------------------------------------------------------------------------------------------ */

static uint64_t dma_fault(uint32_t n, uint16_t source_id, uint64_t address, uint32_t reason, bool write)
{
	fake_fault(n, source_id, address & PAGE_MASK, reason, !write);
	return ~0ull;
}

uint64_t fake_dma(uint32_t n, uint16_t source_id, uint64_t address, bool write)
{
	const struct fake_unit *u = &fake_unit[n];
	const struct vtd_pair *root = pa_pointer(pa_make(u->root & PAGE_MASK)), *context;
	uint64_t table, rights = write ? 2 : 1;
	int shift;

	if (!(u->gsts & GCMD_TE))
		return address;
	root += source_id >> 8;
	if (!(root->low & 1))
		return dma_fault(n, source_id, address, FAULT_ROOT_ABSENT, write);
	assert_true((root->low & 0xffe) == 0 && root->high == 0);
	context = (const struct vtd_pair *)pa_pointer(pa_make(root->low & PAGE_MASK)) + (source_id & 0xff);
	if (!(context->low & 1))
		return dma_fault(n, source_id, address, FAULT_CONTEXT_ABSENT, write);
	assert_int_equal(context->low & 0xffe, 0); /* reserved bits, FPD, translation type 0 */
	assert_int_equal(context->high & ~0xffff07ull, 0);
	assert_true(context->high >> 8 < 16u << 2 * (u->cap & CAP_ND) && context->high >> 8 != 0);
	/* AW 1: 39 bits, 3 levels; 2: 48 bits, 4 levels. The unit must have it. */
	assert_true((context->high & 7) == 1 || (context->high & 7) == 2);
	assert_true(u->cap >> 8 & 1u << (context->high & 7));
	shift = (context->high & 7) == 2 ? 39 : 30;
	if (address >> (shift + 9))
		return dma_fault(n, source_id, address, 4, write);
	for (table = context->low & PAGE_MASK;; shift -= 9) {
		uint64_t entry = ((uint64_t *)pa_pointer(pa_make(table)))[address >> shift & 511];
		uint64_t mask = (1ull << shift) - 1;

		if (!(entry & rights))
			return dma_fault(n, source_id, address, write ? FAULT_WRITE : FAULT_READ_DENIED, write);
		assert_int_equal(entry & (1ull << 11 | 1ull << 62), 0);
		if (shift == 12 || (entry & 1u << 7)) {
			assert_true(shift == 12 || (shift == 21 && (u->cap & CAP_SLLPS_2M)) ||
				    (shift == 30 && (u->cap & CAP_SLLPS_1G)));
			assert_int_equal(entry & ENTRY_ADDRESS & mask, 0);
			return (entry & ENTRY_ADDRESS) | (address & mask);
		}
		table = entry & ENTRY_ADDRESS;
	}
}

static uint64_t interrupt_fault(uint32_t n, uint16_t source_id, uint32_t index, uint32_t reason)
{
	fake_fault(n, source_id, (uint64_t)index << 48, reason, false);
	return 0;
}

uint64_t fake_interrupt(uint32_t n, uint16_t source_id, uint32_t index)
{
	const struct fake_unit *u = &fake_unit[n];
	const struct vtd_pair *e = (const struct vtd_pair *)pa_pointer(pa_make(u->interrupts & PAGE_MASK)) + index;

	assert_true(u->gsts & GCMD_IRE);
	if (index >= 2u << (u->interrupts & 15))
		return interrupt_fault(n, source_id, index, FAULT_INDEX);
	if (!(e->low & 1))
		return interrupt_fault(n, source_id, index, FAULT_ENTRY_ABSENT);
	assert_int_equal(e->low & 0xff00f000ull, 0);
	if ((e->high >> 18 & 3) == 1 && (e->high & 0xffff) == source_id)
		return e->low;
	if ((e->high >> 18 & 3) == 2 && source_id >> 8 >= (e->high >> 8 & 0xff) && source_id >> 8 <= (e->high & 0xff))
		return e->low;
	return interrupt_fault(n, source_id, index, FAULT_SOURCE);
}
