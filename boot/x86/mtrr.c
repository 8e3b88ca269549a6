/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mtrr.c - memory types from the MTRRs; see mtrr.h.
 */
#include "mtrr.h"

#define MASK_VALID (1ull << 11)
#define DEF_TYPE_FIXED (1u << 10)
#define DEF_TYPE_ENABLE (1u << 11)
#define MTRRCAP_FIXED (1u << 8)
#define FIXED_END 0x100000u
#define PAGE_MASK (~(uint64_t)(RV_PAGE_SIZE - 1))
#define MIXED (-1)

_Static_assert(RV_LAUNCH_MAX_TYPES >= MTRR_FIXED + 2 * MTRR_MAX_VARIABLE + 1,
	       "each fixed range, and what lies between the ends of the variable ones");

void mtrr_read(struct mtrr *m, uint64_t (*msr_read)(uint32_t msr), uint32_t physical_bits)
{
	uint64_t cap = msr_read(MSR_MTRRCAP), type = msr_read(MSR_MTRR_DEF_TYPE);
	uint32_t n = 0;

	m->physical_bits = physical_bits;
	m->enabled = (type & DEF_TYPE_ENABLE) != 0;
	m->fixed_enabled = m->enabled && (type & DEF_TYPE_FIXED) != 0 && (cap & MTRRCAP_FIXED) != 0;
	m->default_type = (uint8_t)type;
	m->variable_count = cap & 0xff;
	if (m->variable_count > MTRR_MAX_VARIABLE)
		m->variable_count = MTRR_MAX_VARIABLE;
	for (uint32_t i = 0; i < m->variable_count; i++) {
		m->variable[i].base = msr_read(MSR_MTRR_PHYSBASE0 + 2 * i);
		m->variable[i].mask = msr_read(MSR_MTRR_PHYSBASE0 + 2 * i + 1);
	}
	for (uint32_t i = 0; m->fixed_enabled && i < 11; i++) {
		uint32_t msr = i == 0 ? MSR_MTRR_FIX64K : i < 3 ? MSR_MTRR_FIX16K + i - 1 : MSR_MTRR_FIX4K + i - 3;
		uint64_t v = msr_read(msr);

		for (uint32_t byte = 0; byte < 8; byte++)
			m->fixed[n++] = (uint8_t)(v >> (8 * byte));
	}
}

/* The implemented address bits of a mask. */
static uint64_t mask_bits(const struct mtrr *m, uint32_t i)
{
	return m->variable[i].mask & PAGE_MASK & ((1ull << m->physical_bits) - 1);
}

static bool mask_has_holes(const struct mtrr *m, uint32_t i)
{
	uint64_t clear = ~mask_bits(m, i) & ((1ull << m->physical_bits) - 1);

	return (clear & (clear + 1)) != 0;
}

static int fixed_type(const struct mtrr *m, uint64_t address)
{
	if (address < 0x80000)
		return m->fixed[address >> 16];
	if (address < 0xc0000)
		return m->fixed[8 + ((address - 0x80000) >> 14)];
	return m->fixed[24 + ((address - 0xc0000) >> 12)];
}

/* Overlapping ranges: UC wins, WT wins over WB, every other mix is undefined and taken as UC (12.11.4.1). */
static int type_combine(int a, int b)
{
	if (a == MIXED || a == b)
		return b;
	if ((a == MTRR_WT && b == MTRR_WB) || (a == MTRR_WB && b == MTRR_WT))
		return MTRR_WT;
	return MTRR_UC;
}

/* The type of a block, or MIXED. Size is a power of two, at least 4096, and base a multiple of it. */
static int block_type(const struct mtrr *m, uint64_t base, uint64_t size)
{
	int type = MIXED;

	if (!m->enabled)
		return MTRR_UC;
	if (m->fixed_enabled && base < FIXED_END)
		return size == RV_PAGE_SIZE ? fixed_type(m, base) : MIXED;
	for (uint32_t i = 0; i < m->variable_count; i++) {
		uint64_t mask = mask_bits(m, i);

		if ((m->variable[i].mask & MASK_VALID) == 0 || ((base ^ m->variable[i].base) & mask & ~(size - 1)) != 0)
			continue;
		/* The block is inside the register's range if no mask bit is below its size, otherwise around it. */
		if ((mask & (size - 1)) != 0)
			return MIXED;
		type = type_combine(type, (int)(m->variable[i].base & 0xff));
	}
	return type == MIXED ? m->default_type : type;
}

/* Adds the block to the ranges, in halves as long as it is mixed. Both ends of a range lead down once, so the work is bounded. */
static bool block_add(const struct mtrr *m, struct rv_launch_types *t, uint64_t base, uint64_t size)
{
	struct rv_launch_type *last = t->count != 0 ? &t->range[t->count - 1] : NULL;
	int type = block_type(m, base, size);

	if (type == MIXED)
		return block_add(m, t, base, size / 2) && block_add(m, t, base + size / 2, size / 2);
	if ((uint32_t)type == t->default_type)
		return true;
	if (last != NULL && last->base + last->bytes == base && last->type == (uint32_t)type) {
		last->bytes += size;
		return true;
	}
	if (t->count == RV_LAUNCH_MAX_TYPES)
		return false;
	t->range[t->count++] = (struct rv_launch_type){base, size, (uint32_t)type, 0};
	return true;
}

bool mtrr_types_fill(const struct mtrr *m, struct rv_launch_types *types)
{
	*types = (struct rv_launch_types){.default_type = m->enabled ? m->default_type : MTRR_UC};
	for (uint32_t i = 0; i < m->variable_count; i++) {
		if ((m->variable[i].mask & MASK_VALID) != 0 && mask_has_holes(m, i))
			return false;
	}
	return block_add(m, types, 0, 1ull << m->physical_bits);
}
