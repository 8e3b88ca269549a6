/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dmar_tables.c - DMAR tables, a PCI machine for their paths, and the rules of what may come out of them.
 */
#include "dmar_tables.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t qemu_table[] = {
    0x44, 0x4d, 0x41, 0x52, 0x70, 0x00, 0x00, 0x00, 0x01, 0x28, 0x42, 0x4f, 0x43, 0x48, 0x53, 0x20, 0x42, 0x58, 0x50,
    0x43, 0x20, 0x20, 0x20, 0x20, 0x01, 0x00, 0x00, 0x00, 0x42, 0x58, 0x50, 0x43, 0x01, 0x00, 0x00, 0x00, 0x26, 0x01,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0xd9, 0xfe, 0x00, 0x00, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x00, 0xff, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x1f,
    0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x1f, 0x02, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x1f, 0x03};

static void put(uint8_t *at, uint64_t value, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

void dmar_builder_close(struct dmar_builder *b)
{
	uint8_t sum = 0;

	put(b->bytes + 4, b->size, 4);
	b->bytes[9] = 0;
	for (uint32_t i = 0; i < b->size; i++)
		sum = (uint8_t)(sum + b->bytes[i]);
	b->bytes[9] = (uint8_t)-sum;
}

void dmar_builder_open(struct dmar_builder *b, unsigned int address_bits, uint8_t flags)
{
	memset(b, 0, sizeof(*b));
	memcpy(b->bytes, "DMAR", 4);
	b->bytes[8] = 1;
	memcpy(b->bytes + 10, "TESTERTABLE   ", 14);
	b->bytes[36] = (uint8_t)(address_bits - 1);
	b->bytes[37] = flags;
	b->size = 48;
	dmar_builder_close(b);
}

static uint8_t *builder_add(struct dmar_builder *b, uint32_t bytes)
{
	uint8_t *at = b->bytes + b->size;

	if (bytes > sizeof(b->bytes) - b->size)
		abort();
	b->size += bytes;
	return at;
}

void dmar_builder_structure(struct dmar_builder *b, uint16_t type, uint16_t bytes)
{
	uint8_t *at = builder_add(b, bytes);

	b->structure = (uint32_t)(at - b->bytes);
	put(at, type, 2);
	put(at + 2, bytes, 2);
	dmar_builder_close(b);
}

void dmar_builder_unit(struct dmar_builder *b, uint8_t flags, uint16_t segment, uint64_t base)
{
	dmar_builder_structure(b, 0, 16);
	b->bytes[b->structure + 4] = flags;
	put(b->bytes + b->structure + 6, segment, 2);
	put(b->bytes + b->structure + 8, base, 8);
	dmar_builder_close(b);
}

void dmar_builder_rmrr(struct dmar_builder *b, uint16_t segment, uint64_t base, uint64_t limit)
{
	dmar_builder_structure(b, 1, 24);
	put(b->bytes + b->structure + 6, segment, 2);
	put(b->bytes + b->structure + 8, base, 8);
	put(b->bytes + b->structure + 16, limit, 8);
	dmar_builder_close(b);
}

uint32_t dmar_builder_scope(struct dmar_builder *b, uint8_t type, uint8_t id, uint8_t bus, const uint8_t *path,
			    uint8_t path_bytes)
{
	uint8_t bytes = (uint8_t)(6 + path_bytes);
	uint8_t *at = builder_add(b, bytes);

	at[0] = type;
	at[1] = bytes;
	at[4] = id;
	at[5] = bus;
	if (path_bytes)
		memcpy(at + 6, path, path_bytes);
	put(b->bytes + b->structure + 2, b->size - b->structure, 2);
	dmar_builder_close(b);
	return (uint32_t)(at - b->bytes);
}

/* A scope whose path has one pair. */
static void scope_add(struct dmar_builder *b, uint8_t type, uint8_t id, uint8_t bus, uint8_t device, uint8_t function)
{
	const uint8_t path[2] = {device, function};

	dmar_builder_scope(b, type, id, bus, path, sizeof(path));
}

static void laptop_make(struct dmar_builder *b)
{
	dmar_builder_open(b, 39, 1);
	dmar_builder_unit(b, 0, 0, 0xfed90000);
	scope_add(b, DMAR_SCOPE_ENDPOINT, 0, 0, 2, 0);
	dmar_builder_unit(b, 1, 0, 0xfed91000);
	scope_add(b, DMAR_SCOPE_IOAPIC, 2, 0xf0, 31, 0);
	for (uint8_t function = 0; function < 8; function++)
		scope_add(b, DMAR_SCOPE_HPET, 0, 0xf0, 15, function);
	scope_add(b, DMAR_SCOPE_NAMESPACE, 1, 0xf1, 21, 0);
	dmar_builder_rmrr(b, 0, 0x7d3c8000, 0x7d3d4fff);
	scope_add(b, DMAR_SCOPE_ENDPOINT, 0, 0, 20, 0);
	dmar_builder_rmrr(b, 0, 0x7d800000, 0x7fffffff);
	scope_add(b, DMAR_SCOPE_ENDPOINT, 0, 0, 2, 0);
	dmar_builder_structure(b, 4, 20);
	b->bytes[b->structure + 7] = 1;
	memcpy(b->bytes + b->structure + 8, "\\_SB.I2C0", 10);
	dmar_builder_close(b);
}

static void server_make(struct dmar_builder *b)
{
	static const uint8_t far[] = {28, 0, 1, 0, 0, 1}; /* 00:1c.0, 02:01.0, 03:00.1 */
	static const uint8_t other[] = {2, 0, 3, 1}; /* 0001:80:02.0, 90:03.1 */
	static const uint8_t empty[] = {28, 5, 0, 0};
	static const uint8_t back[] = {28, 6, 0, 0};
	static const uint8_t device[] = {31, 0, 0, 0};
	static const uint8_t absent[] = {29, 0, 0, 0};

	dmar_builder_open(b, 46, 7);
	/* Not last in its segment, as firmware should have it. */
	dmar_builder_unit(b, 1, 0, 0xc7ffc000);
	scope_add(b, DMAR_SCOPE_IOAPIC, 8, 0xf0, 31, 7);
	dmar_builder_scope(b, DMAR_SCOPE_IOAPIC, 9, 0, far, sizeof(far));
	dmar_builder_unit(b, 0, 0, 0xd37fc000);
	dmar_builder_scope(b, DMAR_SCOPE_BRIDGE, 0, 0, far, 4);
	dmar_builder_scope(b, DMAR_SCOPE_ENDPOINT, 0, 0, empty, sizeof(empty));
	dmar_builder_scope(b, DMAR_SCOPE_ENDPOINT, 0, 0, back, sizeof(back));
	dmar_builder_scope(b, DMAR_SCOPE_ENDPOINT, 0, 0, device, sizeof(device));
	dmar_builder_scope(b, DMAR_SCOPE_IOAPIC, 10, 0, absent, sizeof(absent));
	dmar_builder_scope(b, 77, 0, 0, absent, 0); /* of a later specification */
	dmar_builder_unit(b, 1, 1, 0x203ffff00000);
	b->bytes[b->structure + 5] = 0xf2; /* 16 KiB; the rest is reserved */
	dmar_builder_scope(b, DMAR_SCOPE_ENDPOINT, 0, 0x80, other, sizeof(other));
	for (uint8_t i = 3; i < DMAR_MAX_UNITS; i++) {
		dmar_builder_unit(b, 0, 1, 0xe0000000u + i * 0x1000u);
		scope_add(b, DMAR_SCOPE_BRIDGE, 0, (uint8_t)(0xa0 + i), 0, 0);
	}
	dmar_builder_rmrr(b, 0, 0x6d000, 0x6dfff);
	dmar_builder_structure(b, 2, 8); /* ATSR */
	scope_add(b, DMAR_SCOPE_BRIDGE, 0, 0, 1, 0);
	dmar_builder_structure(b, 3, 20); /* RHSA */
	dmar_builder_structure(b, 5, 8); /* SATC */
	dmar_builder_structure(b, 6, 8); /* SIDP */
	dmar_builder_structure(b, 0x1234, 4);
	dmar_builder_structure(b, 7, 100);
	memset(b->bytes + b->structure + 4, 0xff, 96);
	dmar_builder_close(b);
}

static void rmrrs_make(struct dmar_builder *b)
{
	dmar_builder_open(b, 52, 0);
	dmar_builder_unit(b, 1, 0, 0xfed90000);
	/* First the even ones, far apart if no odd one followed, then what joins them to groups of eight. */
	for (uint64_t i = 0; i < DMAR_MAX_RMRRS; i += 2) {
		dmar_builder_rmrr(b, 0, 0x10000 * (i / 8 + 1) + 0x1000 * (i % 8),
				  0x10000 * (i / 8 + 1) + 0x1000 * (i % 8) + 0xfff);
		scope_add(b, DMAR_SCOPE_ENDPOINT, 0, 1, (uint8_t)(i % 32), 0);
	}
	for (uint64_t i = 1; i < DMAR_MAX_RMRRS; i += 2) {
		uint64_t base = 0x10000 * (i / 8 + 1) + 0x1000 * (i % 8);

		/* Every second one also overlaps its neighbour. */
		dmar_builder_rmrr(b, 0, i % 4 == 1 ? base - 0x1000 : base, base + 0xfff);
	}
}

void dmar_table_make(struct dmar_builder *b, enum dmar_table table)
{
	switch (table) {
	case DMAR_TABLE_QEMU:
		dmar_builder_open(b, 39, 1);
		memcpy(b->bytes, qemu_table, sizeof(qemu_table));
		b->size = sizeof(qemu_table);
		b->structure = 48;
		return;
	case DMAR_TABLE_LAPTOP:
		laptop_make(b);
		return;
	case DMAR_TABLE_SERVER:
		server_make(b);
		return;
	case DMAR_TABLE_RMRRS:
		rmrrs_make(b);
		return;
	default:
		dmar_builder_open(b, 32, 0);
		return;
	}
}

static uint8_t machine_read8(void *context, uint16_t segment, uint16_t source_id, uint8_t offset)
{
	static const struct {
		uint32_t function; /* segment << 16 | source id */
		uint8_t header_type;
		uint8_t secondary;
	} present[] = {{0x00e0, 0x81, 2}, {0x0208, 1, 3},    {0x18010, 1, 0x90},
		       {0x00e5, 1, 0},    {0x00e6, 0x81, 0}, {0x00f8, 0x80, 7}};

	(void)context;
	for (size_t i = 0; i < sizeof(present) / sizeof(present[0]); i++) {
		if (present[i].function == ((uint32_t)segment << 16 | source_id))
			return offset == 0x0e ? present[i].header_type : offset == 0x19 ? present[i].secondary : 0;
	}
	return 0xff;
}

const struct dmar_pci dmar_table_pci = {machine_read8, NULL};

static const char *scopes_rule_broken(const struct dmar *d, uint32_t first, uint32_t count, uint32_t segment)
{
	if (first > d->scope_count || count > d->scope_count - first)
		return "scopes out of range";
	for (uint32_t i = first; i < first + count; i++) {
		const struct dmar_scope *s = &d->scope[i];

		if (s->type < 1 || s->type > 5 || s->resolved > 1 || s->segment != segment || s->reserved)
			return "a scope is not one";
		if (!s->resolved && s->source_id)
			return "an unresolved scope has a source id";
	}
	return NULL;
}

const char *dmar_rule_broken(const struct dmar *d, uint32_t table_bytes)
{
	const char *broken = NULL;

	if (d->address_bits < 32 || d->address_bits > 52 || d->flags > 7)
		return "address width or flags";
	if (d->unit_count > DMAR_MAX_UNITS || d->rmrr_count > DMAR_MAX_RMRRS || d->scope_count > DMAR_MAX_SCOPES)
		return "too many";
	if (48 + 16 * d->unit_count + 24 * d->rmrr_count + 8 * d->scope_count + 4 * d->skipped > table_bytes)
		return "more than the table has room for";
	for (uint32_t i = 0; i < d->unit_count && !broken; i++) {
		const struct dmar_unit *u = &d->unit[i];

		if (!u->base || u->base % 4096 || u->base >> 52 || (u->base + u->bytes - 1) >> 52 || u->all > 1)
			return "register base";
		if (u->bytes < 4096 || u->bytes > 4096u << 15 || (u->bytes & (u->bytes - 1)))
			return "register size";
		if (u->offset < 48 || u->offset + 16 > table_bytes)
			return "offset of a unit";
		for (uint32_t k = 0; k < i; k++) {
			const struct dmar_unit *o = &d->unit[k];

			if (o->base < u->base + u->bytes && u->base < o->base + o->bytes)
				return "units overlap";
			if (o->all && u->all && o->segment == u->segment)
				return "two units for all";
		}
		broken = scopes_rule_broken(d, u->scope_first, u->scope_count, u->segment);
	}
	for (uint32_t i = 0; i < d->rmrr_count && !broken; i++) {
		const struct dmar_rmrr *r = &d->rmrr[i];

		if (r->base % 4096 || (r->limit + 1) % 4096 || r->base >= r->limit || r->limit >> d->address_bits)
			return "reserved region";
		broken = scopes_rule_broken(d, r->scope_first, r->scope_count, r->segment);
	}
	return broken;
}

const char *dmar_launch_rule_broken(const struct dmar *d, const struct rv_launch *l)
{
	if (l->vtd_count != d->unit_count || l->rmrr_count > RV_LAUNCH_MAX_RMRR || l->rmrr_count > d->rmrr_count)
		return "counts";
	if (!l->vtd_count && (l->vtd_flags || l->vtd_address_bits || l->rmrr_count))
		return "something without a unit";
	for (uint32_t i = 0; i < l->rmrr_count; i++) {
		const struct rv_launch_extent *r = &l->rmrr[i];

		if (!r->bytes || (r->base | r->bytes) % 4096)
			return "reserved region";
		for (uint32_t k = 0; k < i; k++) {
			const struct rv_launch_extent *o = &l->rmrr[k];

			if (o->base <= r->base + r->bytes && r->base <= o->base + o->bytes)
				return "reserved regions touch";
		}
	}
	/* Each page of each region of the table is in one of the launch structure: both ends are enough, for they are whole. */
	for (uint32_t i = 0; i < d->rmrr_count && l->vtd_count; i++) {
		uint32_t k = 0;

		while (k < l->rmrr_count &&
		       !(l->rmrr[k].base <= d->rmrr[i].base && l->rmrr[k].base + l->rmrr[k].bytes > d->rmrr[i].limit))
			k++;
		if (k == l->rmrr_count)
			return "a reserved region is lost";
	}
	return NULL;
}
