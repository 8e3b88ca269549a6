/* SPDX-License-Identifier: GPL-2.0-only */
/* partition.c - a sorted array of rows; see partition.h. */
#include <hv/partition.h>
#include <hv/util.h>

#define ROWS_PER_CHANGE 2u /* splitting a row at both ends of the extent adds two */

void partition_init(struct partition *p, struct row *storage, uint32_t capacity, uint64_t limit)
{
	*p = (struct partition){.row = storage, .count = 1, .capacity = capacity};
	p->row[0] = (struct row){.base = 0, .size = limit, .owner = OWNER_GUEST, .perm = PERM_RWX};
}

static uint32_t row_index(const struct partition *p, uint64_t address)
{
	uint32_t low = 0, high = p->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct row *r = &p->row[middle];

		if (address < r->base)
			high = middle;
		else if (address - r->base >= r->size)
			low = middle + 1;
		else
			return middle;
	}
	return p->count;
}

const struct row *partition_find(const struct partition *p, pa_t pa)
{
	uint32_t i = row_index(p, pa.v);

	return i < p->count ? &p->row[i] : NULL;
}

int partition_prepare(struct partition *p, struct transition *t, pa_t base, uint64_t size, uint32_t owner)
{
	uint64_t end = base.v + size;
	uint32_t i = row_index(p, base.v);

	if (size == 0 || ((base.v | size) & ~PAGE_MASK) != 0 || end < base.v)
		return -RV_EINVAL;
	for (uint64_t at = base.v; at < end; at = p->row[i].base + p->row[i].size, i++) {
		if (i >= p->count || p->row[i].owner != owner || p->row[i].shared != 0 || p->row[i].isolated != 0)
			return -RV_EACCES;
	}
	if (p->capacity - p->count < p->reserved + ROWS_PER_CHANGE)
		return -RV_ENOSPC;
	p->reserved += ROWS_PER_CHANGE;
	*t = (struct transition){base.v, size};
	return 0;
}

void partition_cancel(struct partition *p, struct transition *t)
{
	p->reserved -= ROWS_PER_CHANGE;
	t->size = 0;
}

/* Makes a row begin at address, and returns its index. */
static uint32_t row_split(struct partition *p, uint64_t address)
{
	uint32_t i = row_index(p, address);

	if (i == p->count || p->row[i].base == address)
		return i;
	memmove(&p->row[i + 1], &p->row[i], (p->count - i) * sizeof(p->row[0]));
	p->count++;
	struct row *low = &p->row[i], *high = &p->row[i + 1];
	uint64_t low_size = address - low->base;

	low->size = low_size;
	high->base = address;
	high->size -= low_size;
	if (high->logical != 0)
		high->logical += low_size;
	return i + 1;
}

void partition_commit(struct partition *p, struct transition *t, const struct row *to)
{
	uint32_t first = row_split(p, t->base);
	uint32_t end = row_split(p, t->base + t->size);
	struct row *r = &p->row[first];

	*r = *to;
	r->base = t->base;
	r->size = t->size;
	if (end > first + 1) {
		memmove(&p->row[first + 1], &p->row[end], (p->count - end) * sizeof(p->row[0]));
		p->count -= end - first - 1;
	}
	p->reserved -= ROWS_PER_CHANGE;
	t->size = 0;
}

void partition_change(struct partition *p, pa_t base, const struct row *to)
{
	struct row *r = &p->row[row_index(p, base.v)];
	uint64_t size = r->size;

	*r = *to;
	r->base = base.v;
	r->size = size;
}

int partition_take(struct partition *p, pa_t base, uint64_t size, uint32_t owner, const struct row *to)
{
	struct transition t;
	int error = partition_prepare(p, &t, base, size, owner);

	if (!error)
		partition_commit(p, &t, to);
	return error;
}

static bool rows_join(const struct row *a, const struct row *b)
{
	bool logical = a->logical == 0 ? b->logical == 0 : b->logical == a->logical + a->size;

	/* What partition_allocate gave out stays one row, so that partition_release never has to split. */
	if (a->owner != OWNER_GUEST && a->owner != OWNER_POOL_FREE)
		return false;
	return a->base + a->size == b->base && a->owner == b->owner && a->shared == b->shared && a->perm == b->perm &&
	       a->isolated == b->isolated && a->shared == 0 && logical;
}

void partition_merge(struct partition *p)
{
	uint32_t last = 0;

	for (uint32_t i = 1; i < p->count; i++) {
		if (rows_join(&p->row[last], &p->row[i]))
			p->row[last].size += p->row[i].size;
		else
			p->row[++last] = p->row[i];
	}
	p->count = last + 1;
}

int partition_allocate(struct partition *p, uint32_t pages, uint32_t owner, pa_t *base)
{
	uint64_t size = (uint64_t)pages << RV_PAGE_SHIFT;

	for (uint32_t i = 0; i < p->count; i++) {
		if (p->row[i].owner != OWNER_POOL_FREE || p->row[i].size < size)
			continue;
		*base = pa_make(p->row[i].base);
		return partition_take(p, *base, size, OWNER_POOL_FREE,
				      &(struct row){.owner = owner, .perm = PERM_R | PERM_W});
	}
	return -RV_ENOMEM;
}

void partition_release(struct partition *p, pa_t base, uint64_t size)
{
	/* The extent was made by partition_allocate: it is whole rows, so that no split and no room is needed. */
	struct transition t = {base.v, size};

	memset(pa_pointer(base), 0, size);
	p->reserved += ROWS_PER_CHANGE;
	partition_commit(p, &t, &(struct row){.owner = OWNER_POOL_FREE, .perm = PERM_NONE});
	partition_merge(p);
}

uint64_t partition_bytes(const struct partition *p, uint32_t owner)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < p->count; i++) {
		if (p->row[i].owner == owner)
			sum += p->row[i].size;
	}
	return sum;
}
