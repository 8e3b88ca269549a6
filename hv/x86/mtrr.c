/* SPDX-License-Identifier: GPL-2.0-only */
/* mtrr.c - see mtrr.h. */
#include <hv/x86/mtrr.h>
#include <hv/x86/regs.h>

#define MASK_VALID (1ull << 11)
#define DEF_TYPE_FIXED (1u << 10)
#define DEF_TYPE_ENABLE (1u << 11)
#define MTRRCAP_FIXED (1u << 8)
#define FIXED_END 0x100000u

void mtrr_read(struct mtrr *m, uint32_t physical_bits)
{
	uint64_t cap = rdmsr(MSR_MTRRCAP), type = rdmsr(MSR_MTRR_DEF_TYPE);
	uint32_t n = 0;

	m->address_mask = (physical_bits >= 64 ? ~0ull : (1ull << physical_bits) - 1) & PAGE_MASK;
	m->enabled = (type & DEF_TYPE_ENABLE) != 0;
	m->fixed_enabled = m->enabled && (type & DEF_TYPE_FIXED) != 0 && (cap & MTRRCAP_FIXED) != 0;
	m->default_type = (uint8_t)type;
	m->variable_count = cap & 0xff;
	if (m->variable_count > MTRR_MAX_VARIABLE)
		m->variable_count = MTRR_MAX_VARIABLE;
	for (uint32_t i = 0; i < m->variable_count; i++) {
		m->variable[i].base = rdmsr(MSR_MTRR_PHYSBASE0 + 2 * i);
		m->variable[i].mask = rdmsr(MSR_MTRR_PHYSBASE0 + 2 * i + 1);
	}
	for (uint32_t i = 0; m->fixed_enabled && i < 11; i++) {
		uint32_t msr = i == 0 ? MSR_MTRR_FIX64K : i < 3 ? MSR_MTRR_FIX16K + i - 1 : MSR_MTRR_FIX4K + i - 3;
		uint64_t v = rdmsr(msr);

		for (uint32_t byte = 0; byte < 8; byte++)
			m->fixed[n++] = (uint8_t)(v >> (8 * byte));
	}
}

static uint8_t fixed_type(const struct mtrr *m, uint64_t address)
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
	if (a == -1 || a == b)
		return b;
	if ((a == MTRR_WT && b == MTRR_WB) || (a == MTRR_WB && b == MTRR_WT))
		return MTRR_WT;
	return MTRR_UC;
}

int mtrr_type(const struct mtrr *m, pa_t base, uint64_t size)
{
	int type = -1;

	if (!m->enabled)
		return MTRR_UC;
	if (m->fixed_enabled && base.v < FIXED_END)
		return size == RV_PAGE_SIZE ? fixed_type(m, base.v) : -1;
	for (uint32_t i = 0; i < m->variable_count; i++) {
		uint64_t mask = m->variable[i].mask & m->address_mask, low = m->variable[i].base & mask;

		if ((m->variable[i].mask & MASK_VALID) == 0)
			continue;
		/* The range is inside the register's if no mask bit is below the size; otherwise look if it straddles. */
		if ((base.v & mask & ~(size - 1)) != (low & ~(size - 1)))
			continue;
		if ((mask & (size - 1)) != 0)
			return -1;
		type = type_combine(type, (int)(m->variable[i].base & 0xff));
	}
	return type == -1 ? m->default_type : type;
}

bool mtrr_exists(const struct mtrr *m, uint32_t msr)
{
	return mtrr_is_msr(msr) &&
	       (msr >= MSR_MTRR_PHYSBASE0 + 2 * MTRR_MAX_VARIABLE || msr < MSR_MTRR_PHYSBASE0 + 2 * m->variable_count);
}

bool mtrr_is_msr(uint32_t msr)
{
	return (msr >= MSR_MTRR_PHYSBASE0 && msr < MSR_MTRR_PHYSBASE0 + 2 * MTRR_MAX_VARIABLE) ||
	       msr == MSR_MTRR_FIX64K || (msr >= MSR_MTRR_FIX16K && msr <= MSR_MTRR_FIX16K + 1) ||
	       (msr >= MSR_MTRR_FIX4K && msr <= MSR_MTRR_FIX4K + 7) || msr == MSR_MTRR_DEF_TYPE;
}
