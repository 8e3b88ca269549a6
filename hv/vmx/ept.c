/* SPDX-License-Identifier: GPL-2.0-only */
/* ept.c - see ept.h. Intel SDM vol. 3, 29.3. */
#include <hv/util.h>
#include <hv/vmx/ept.h>

#define EPTP_WALK_4 (3ull << 3)
#define EPTP_WB 6ull
#define MIXED (~0ull) /* no entry */

static uint64_t level_size(int level) /* 1: 4 KiB, 2: 2 MiB, 3: 1 GiB, 4: 512 GiB */
{
	return 1ull << (RV_PAGE_SHIFT + 9 * (level - 1));
}

static uint64_t *entry_at(pa_t table, uint64_t address, int level)
{
	return (uint64_t *)pa_pointer(table) + (address / level_size(level) & 511);
}

static bool entry_is_leaf(uint64_t entry, int level)
{
	return level == 1 || (entry & EPT_LARGE) != 0;
}

static void entry_write(const struct ept *ept, uint64_t *entry, uint64_t value)
{
	*(volatile uint64_t *)entry = value;
	vtd_table_written(ept->vtd, entry, sizeof(*entry));
}

/* The memory type of [base, base + size), or -1 if it is not one type throughout. */
static int type_find(const struct rv_launch_types *t, uint64_t base, uint64_t size)
{
	for (const struct rv_launch_type *r = t->range; r < t->range + t->count && r->base < base + size; r++) {
		if (r->base + r->bytes > base)
			return r->base <= base && r->base + r->bytes >= base + size ? (int)r->type : -1;
	}
	return (int)t->default_type;
}

/* The entry for a whole page of the given level, or MIXED if it takes smaller pages. */
static uint64_t leaf_make(const struct ept *ept, uint64_t base, int level)
{
	uint64_t size = level_size(level);
	const struct row *row = partition_find(ept->partition, pa_make(base));
	int type;

	if (row == NULL)
		return 0;
	if (row->base + row->size < base + size)
		return MIXED;
	if (row->owner != OWNER_GUEST)
		return 0;
	type = type_find(ept->types, base, size);
	if (type < 0 || level > 3 || (level == 3 && !ept->large_1g) || (level > 1 && ept->small_pages))
		return MIXED;
	return base | row->perm | (uint64_t)type << EPT_TYPE_SHIFT | (level > 1 ? EPT_LARGE : 0);
}

/* Fills the part of a table that lies in [low, high). The tree has four levels, so the recursion is bounded. */
static int table_fill(struct ept *ept, pa_t table, int level, uint64_t low, uint64_t high)
{
	uint64_t size = level_size(level);

	for (uint64_t at = low & ~(size - 1); at < high; at += size) {
		uint64_t *entry = entry_at(table, at, level), leaf = *entry != 0 ? *entry : leaf_make(ept, at, level);
		pa_t next;
		int error;

		if (leaf == MIXED) {
			error = vtd_pages(ept->vtd, 1, &next);
			if (error)
				return error;
			leaf = next.v | EPT_RWX;
		}
		if (*entry != leaf)
			entry_write(ept, entry, leaf);
		if (leaf == 0 || entry_is_leaf(leaf, level))
			continue;
		next = pa_make(*entry & EPT_ADDRESS);
		error = table_fill(ept, next, level - 1, at > low ? at : low, at + size < high ? at + size : high);
		if (error)
			return error;
	}
	return 0;
}

int ept_build(struct ept *ept, uint64_t limit)
{
	int error = vtd_pages(ept->vtd, 1, &ept->root);

	if (error)
		return error;
	ept->eptp = ept->root.v | EPTP_WALK_4 | EPTP_WB;
	return table_fill(ept, ept->root, EPT_LEVELS, 0, limit);
}

int ept_fill(struct ept *ept, gpa_t gpa)
{
	uint64_t base = gpa.v & ~(SIZE_2M - 1);

	return table_fill(ept, ept->root, EPT_LEVELS, base, base + SIZE_2M);
}

/* The entry that maps gpa, or leads to what does, at the lowest level that there is from the given one on. */
static uint64_t *entry_find(const struct ept *ept, gpa_t gpa, int lowest, int *level)
{
	pa_t table = ept->root;

	for (*level = EPT_LEVELS;; (*level)--) {
		uint64_t *entry = entry_at(table, gpa.v, *level);

		if (*entry == 0 || *level == lowest || entry_is_leaf(*entry, *level))
			return entry;
		table = pa_make(*entry & EPT_ADDRESS);
	}
}

int ept_prepare(struct ept *ept, gpa_t gpa)
{
	int level;

	for (;;) {
		uint64_t *entry = entry_find(ept, gpa, 1, &level), part = level_size(level - 1);
		pa_t table;
		uint64_t *to;
		int error;

		if (level == 1)
			return 0;
		error = vtd_pages(ept->vtd, 1, &table);
		if (error)
			return error;
		to = pa_pointer(table);
		for (uint64_t i = 0; *entry != 0 && i < 512; i++)
			to[i] = (*entry + i * part) & (level == 2 ? ~EPT_LARGE : ~0ull);
		vtd_table_written(ept->vtd, to, RV_PAGE_SIZE);
		entry_write(ept, entry, table.v | EPT_RWX);
	}
}

void ept_alias(struct ept *ept, gpa_t gpa, pa_t page, uint8_t perm)
{
	int level;
	uint64_t *entry = entry_find(ept, gpa, 1, &level);
	int type = type_find(ept->types, page.v, RV_PAGE_SIZE);

	/* An absent entry keeps no address (pitfall 29: L1TF). */
	entry_write(ept, entry,
		    perm == PERM_NONE ? 0 : (page.v & EPT_ADDRESS) | perm | (uint64_t)type << EPT_TYPE_SHIFT);
}

void ept_set(struct ept *ept, gpa_t gpa, uint8_t perm)
{
	ept_alias(ept, gpa, pa_make(gpa.v), perm);
}

void ept_merge(struct ept *ept, gpa_t gpa, pa_t *table)
{
	int level;
	uint64_t *entry = entry_find(ept, gpa, 2, &level), leaf = leaf_make(ept, gpa.v & ~(SIZE_2M - 1), 2);

	*table = pa_make(0);
	if (*entry == 0 || entry_is_leaf(*entry, level) || leaf == MIXED || leaf == 0)
		return;
	*table = pa_make(*entry & EPT_ADDRESS);
	entry_write(ept, entry, leaf);
}
