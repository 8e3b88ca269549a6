/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dmar.c - reads the ACPI table DMAR. Section numbers are those of the VT-d specification.
 */
#include "dmar.h"
#include <ravelin/pci.h>

#define TABLE_BYTES 48u /* fixed part, 8.1 */
#define TABLE_LENGTH 4u
#define TABLE_WIDTH 36u
#define TABLE_FLAGS 37u

#define STRUCTURE_BYTES 4u /* type and length, 8.2 */
#define UNIT_FLAGS 4u
#define UNIT_SIZE 5u
#define UNIT_BASE 8u
#define UNIT_INCLUDE_ALL 1u
#define SEGMENT 6u
#define RMRR_BASE 8u
#define RMRR_LIMIT 16u

#define SCOPE_BYTES 6u /* 8.3.1, without the path */

#define PAGE 4096u
#define ADDRESS_BITS_MIN 32u
#define ADDRESS_BITS_MAX 52u

/* PCI Local Bus Specification, 6.1; PCI-to-PCI Bridge Architecture Specification, 3.2 */
#define PCI_HEADER_MASK 0x7fu
#define PCI_HEADER_BRIDGE 1u
#define PCI_SECONDARY_BUS 0x19u

enum structure_type {
	STRUCTURE_UNIT = 0,
	STRUCTURE_RMRR = 1,
	STRUCTURE_KNOWN = 7 /* behind the last type that the specification has */
};

/* Smallest length of each type: DRHD, RMRR, ATSR, RHSA, ANDD, SATC, SIDP. */
static const uint8_t structure_bytes[STRUCTURE_KNOWN] = {16, 24, 8, 20, 8, 8, 8};

/* The parser's state: what it reads and what it fills. */
struct parser {
	const uint8_t *table;
	const struct dmar_pci *pci;
	struct dmar *dmar;
	struct dmar_error *error;
};

/* Where a list of scopes is in the table. */
struct scopes {
	uint32_t offset;
	uint32_t end;
	uint16_t segment;
};

/* Little-endian at any alignment, on any front end. The caller has checked the bounds. */
static uint64_t read_le(const uint8_t *at, uint32_t bytes)
{
	uint64_t value = 0;

	while (bytes--)
		value = value << 8 | at[bytes];
	return value;
}

static bool error_set(struct dmar_error *error, enum dmar_error_id id, uint32_t offset, uint64_t value)
{
	error->id = id;
	error->offset = offset;
	error->value = value;
	return false;
}

/*
 * Follows a path of @count (device, function) pairs: each but the last names a bridge, behind which the next one is (8.3.1).
 * A bridge that is not there is no error: tables list slots that may be empty.
 */
static void path_follow(const struct parser *p, const uint8_t *path, uint32_t count, uint8_t bus,
			struct dmar_scope *scope)
{
	scope->resolved = 1;
	for (uint32_t i = 0; i < count; i++) {
		uint8_t secondary;

		scope->source_id = (uint16_t)(bus << 8 | path[2 * i] << 3 | path[2 * i + 1]);
		if (i == count - 1)
			return;
		secondary = p->pci->read8(p->pci->context, scope->segment, scope->source_id, PCI_SECONDARY_BUS);
		/* An absent function reads as 0xff, which is no bridge. A bridge without a number leads nowhere. */
		if ((p->pci->read8(p->pci->context, scope->segment, scope->source_id, PCI_HEADER_TYPE) &
		     PCI_HEADER_MASK) != PCI_HEADER_BRIDGE ||
		    secondary <= bus) {
			scope->resolved = 0;
			scope->source_id = 0;
			return;
		}
		bus = secondary;
	}
}

static bool scope_parse(const struct parser *p, uint32_t offset, uint32_t bytes, uint16_t segment)
{
	const uint8_t *at = p->table + offset;
	struct dmar *d = p->dmar;
	struct dmar_scope *scope = &d->scope[d->scope_count];

	if (at[0] < DMAR_SCOPE_ENDPOINT || at[0] > DMAR_SCOPE_NAMESPACE) {
		d->unknown++;
		return true;
	}
	if (bytes == SCOPE_BYTES)
		return error_set(p->error, DMAR_ERROR_PATH_EMPTY, offset, 0);
	if (bytes % 2)
		return error_set(p->error, DMAR_ERROR_PATH_ODD, offset, bytes - SCOPE_BYTES);
	for (uint32_t i = SCOPE_BYTES; i < bytes; i += 2) {
		if (at[i] > 31)
			return error_set(p->error, DMAR_ERROR_PATH_NUMBER, offset + i, at[i]);
		if (at[i + 1] > 7)
			return error_set(p->error, DMAR_ERROR_PATH_NUMBER, offset + i + 1, at[i + 1]);
	}
	if (d->scope_count == DMAR_MAX_SCOPES)
		return error_set(p->error, DMAR_ERROR_SCOPES_MANY, offset, DMAR_MAX_SCOPES);
	d->scope_count++;
	*scope = (struct dmar_scope){.type = at[0], .id = at[4], .segment = segment};
	path_follow(p, at + SCOPE_BYTES, (bytes - SCOPE_BYTES) / 2, at[5], scope);
	return true;
}

static bool scopes_parse(const struct parser *p, const struct scopes *scopes)
{
	uint32_t bytes;

	for (uint32_t offset = scopes->offset; offset < scopes->end; offset += bytes) {
		if (scopes->end - offset < 2)
			return error_set(p->error, DMAR_ERROR_SCOPE_CUT, offset, 0);
		bytes = p->table[offset + 1];
		if (bytes < SCOPE_BYTES)
			return error_set(p->error, DMAR_ERROR_SCOPE_SHORT, offset, bytes);
		if (bytes > scopes->end - offset)
			return error_set(p->error, DMAR_ERROR_SCOPE_LONG, offset, bytes);
		if (!scope_parse(p, offset, bytes, scopes->segment))
			return false;
	}
	return true;
}

/* True if [a, a + a_bytes) and [b, b + b_bytes) have a byte in common; ends beyond 2^64 do no harm. */
static bool overlaps(uint64_t a, uint64_t a_bytes, uint64_t b, uint64_t b_bytes)
{
	return a <= b ? b - a < a_bytes && b_bytes : a - b < b_bytes && a_bytes;
}

static bool unit_check(const struct parser *p, const struct dmar_unit *unit)
{
	if (!unit->base || unit->base > (1ull << ADDRESS_BITS_MAX) - unit->bytes)
		return error_set(p->error, DMAR_ERROR_UNIT_BASE, unit->offset + UNIT_BASE, unit->base);
	if (unit->base % PAGE)
		return error_set(p->error, DMAR_ERROR_UNIT_ALIGN, unit->offset + UNIT_BASE, unit->base);
	for (const struct dmar_unit *other = p->dmar->unit; other < unit; other++) {
		if (overlaps(other->base, other->bytes, unit->base, unit->bytes))
			return error_set(p->error, DMAR_ERROR_UNIT_OVERLAP, unit->offset + UNIT_BASE, unit->base);
		if (unit->all && other->all && other->segment == unit->segment)
			return error_set(p->error, DMAR_ERROR_ALL_TWICE, unit->offset, unit->segment);
	}
	return true;
}

/*
 * What two scopes of units cannot both say: one device has one unit, one IOAPIC one source id and one unit. HPETs are left
 * out: firmware is known to name a timer block several times, once for each of its source ids.
 */
static enum dmar_error_id scopes_compare(const struct dmar_scope *a, const struct dmar_scope *b, bool one_unit)
{
	bool same = a->resolved && b->resolved && a->segment == b->segment && a->source_id == b->source_id;

	if (a->type == DMAR_SCOPE_IOAPIC && b->type == DMAR_SCOPE_IOAPIC)
		return a->id == b->id && !(one_unit && same) ? DMAR_ERROR_IOAPIC_TWICE : DMAR_ERROR_NONE;
	if (a->type <= DMAR_SCOPE_BRIDGE && b->type <= DMAR_SCOPE_BRIDGE && same && !one_unit)
		return DMAR_ERROR_DEVICE_TWICE;
	return DMAR_ERROR_NONE;
}

/* Compares the scopes of the unit with those before them in the table, of its own and of the other units. */
static bool unit_scopes_check(const struct parser *p, const struct dmar_unit *unit)
{
	const struct dmar *d = p->dmar;

	for (const struct dmar_unit *u = d->unit; u <= unit; u++) {
		for (uint32_t k = u->scope_first; k < u->scope_first + u->scope_count; k++) {
			const struct dmar_scope *b = &d->scope[k];

			for (uint32_t i = unit->scope_first; i < d->scope_count; i++) {
				const struct dmar_scope *a = &d->scope[i];
				enum dmar_error_id id = i > k ? scopes_compare(a, b, u == unit) : DMAR_ERROR_NONE;

				if (id)
					return error_set(p->error, id, unit->offset,
							 id == DMAR_ERROR_IOAPIC_TWICE ? a->id : a->source_id);
			}
		}
	}
	return true;
}

/* DRHD structure, 8.3. @bytes: its checked length. */
static bool unit_parse(const struct parser *p, uint32_t offset, uint32_t bytes)
{
	const uint8_t *at = p->table + offset;
	struct dmar *d = p->dmar;
	struct dmar_unit *unit = &d->unit[d->unit_count];
	const struct scopes scopes = {offset + structure_bytes[STRUCTURE_UNIT], offset + bytes,
				      (uint16_t)read_le(at + SEGMENT, 2)};

	if (d->unit_count == DMAR_MAX_UNITS)
		return error_set(p->error, DMAR_ERROR_UNITS_MANY, offset, DMAR_MAX_UNITS);
	unit->base = read_le(at + UNIT_BASE, 8);
	unit->bytes = PAGE << (at[UNIT_SIZE] & 0xfu);
	unit->offset = offset;
	unit->segment = scopes.segment;
	unit->all = at[UNIT_FLAGS] & UNIT_INCLUDE_ALL;
	unit->scope_first = d->scope_count;
	unit->scope_count = 0;
	if (!unit_check(p, unit) || !scopes_parse(p, &scopes))
		return false;
	unit->scope_count = d->scope_count - unit->scope_first;
	d->unit_count++;
	return unit_scopes_check(p, unit);
}

/* RMRR structure, 8.4. @bytes: its checked length. */
static bool rmrr_parse(const struct parser *p, uint32_t offset, uint32_t bytes)
{
	const uint8_t *at = p->table + offset;
	struct dmar *d = p->dmar;
	struct dmar_rmrr *rmrr = &d->rmrr[d->rmrr_count];
	const struct scopes scopes = {offset + structure_bytes[STRUCTURE_RMRR], offset + bytes,
				      (uint16_t)read_le(at + SEGMENT, 2)};

	if (d->rmrr_count == DMAR_MAX_RMRRS)
		return error_set(p->error, DMAR_ERROR_RMRRS_MANY, offset, DMAR_MAX_RMRRS);
	rmrr->base = read_le(at + RMRR_BASE, 8);
	rmrr->limit = read_le(at + RMRR_LIMIT, 8);
	rmrr->offset = offset;
	rmrr->segment = scopes.segment;
	rmrr->scope_first = d->scope_count;
	if (rmrr->base % PAGE)
		return error_set(p->error, DMAR_ERROR_RMRR_ALIGN, offset + RMRR_BASE, rmrr->base);
	if (rmrr->limit % PAGE != PAGE - 1)
		return error_set(p->error, DMAR_ERROR_RMRR_ALIGN, offset + RMRR_LIMIT, rmrr->limit);
	if (rmrr->limit < rmrr->base)
		return error_set(p->error, DMAR_ERROR_RMRR_ORDER, offset + RMRR_LIMIT, rmrr->limit);
	if (rmrr->limit >> d->address_bits)
		return error_set(p->error, DMAR_ERROR_RMRR_RANGE, offset + RMRR_LIMIT, rmrr->limit);
	if (!scopes_parse(p, &scopes))
		return false;
	rmrr->scope_count = d->scope_count - rmrr->scope_first;
	d->rmrr_count++;
	return true;
}

/* Reads the structure at @offset, of which the type and length are checked first; puts its length into @bytes. */
static bool structure_parse(const struct parser *p, uint32_t offset, uint32_t end, uint32_t *bytes)
{
	uint32_t type;
	uint32_t smallest = STRUCTURE_BYTES;

	if (end - offset < STRUCTURE_BYTES)
		return error_set(p->error, DMAR_ERROR_STRUCTURE_CUT, offset, 0);
	type = (uint32_t)read_le(p->table + offset, 2);
	*bytes = (uint32_t)read_le(p->table + offset + 2, 2);
	if (type < STRUCTURE_KNOWN)
		smallest = structure_bytes[type];
	if (*bytes < smallest)
		return error_set(p->error, DMAR_ERROR_STRUCTURE_SHORT, offset, *bytes);
	if (*bytes > end - offset)
		return error_set(p->error, DMAR_ERROR_STRUCTURE_LONG, offset, *bytes);
	if (type == STRUCTURE_UNIT)
		return unit_parse(p, offset, *bytes);
	if (type == STRUCTURE_RMRR)
		return rmrr_parse(p, offset, *bytes);
	if (type < STRUCTURE_KNOWN)
		p->dmar->skipped++;
	else
		p->dmar->unknown++;
	return true;
}

bool dmar_parse(const uint8_t *table, size_t bytes, const struct dmar_pci *pci, struct dmar *dmar,
		struct dmar_error *error)
{
	const struct parser p = {table, pci, dmar, error};
	uint32_t structure = 0;

	*error = (struct dmar_error){0};
	*dmar = (struct dmar){0};
	if (bytes < TABLE_BYTES || table[0] != 'D' || table[1] != 'M' || table[2] != 'A' || table[3] != 'R' ||
	    read_le(table + TABLE_LENGTH, 4) != bytes)
		return error_set(error, DMAR_ERROR_HEADER, 0, bytes);
	dmar->address_bits = table[TABLE_WIDTH] + 1u;
	if (dmar->address_bits < ADDRESS_BITS_MIN || dmar->address_bits > ADDRESS_BITS_MAX)
		return error_set(error, DMAR_ERROR_WIDTH, TABLE_WIDTH, dmar->address_bits);
	dmar->flags =
	    table[TABLE_FLAGS] & (RV_LAUNCH_VTD_INTR_REMAP | RV_LAUNCH_VTD_X2APIC_OPT_OUT | RV_LAUNCH_VTD_DMA_OPT_IN);
	for (uint32_t offset = TABLE_BYTES; offset < bytes; offset += structure) {
		if (!structure_parse(&p, offset, (uint32_t)bytes, &structure))
			return false;
	}
	return true;
}

bool dmar_check_apart(const struct dmar *dmar, uint64_t base, uint64_t bytes, struct dmar_error *error)
{
	for (uint32_t i = 0; i < dmar->unit_count; i++) {
		const struct dmar_unit *unit = &dmar->unit[i];

		if (overlaps(unit->base, unit->bytes, base, bytes))
			return error_set(error, DMAR_ERROR_UNIT_TAKEN, unit->offset + UNIT_BASE, base);
	}
	return true;
}

bool dmar_covers_all(const struct dmar *dmar, uint16_t segment)
{
	for (uint32_t i = 0; i < dmar->unit_count; i++) {
		if (dmar->unit[i].all && dmar->unit[i].segment == segment)
			return true;
	}
	return false;
}

/* Source id of the requests of an IOAPIC. Only the scopes of units count: those of RMRRs name memory for devices. */
static uint32_t ioapic_source(const struct dmar *dmar, uint32_t id)
{
	for (uint32_t u = 0; u < dmar->unit_count; u++) {
		const struct dmar_scope *scope = &dmar->scope[dmar->unit[u].scope_first];

		for (uint32_t k = 0; k < dmar->unit[u].scope_count; k++, scope++) {
			if (scope->type == DMAR_SCOPE_IOAPIC && scope->id == id && scope->resolved)
				return scope->source_id;
		}
	}
	return RV_LAUNCH_NO_SOURCE;
}

/* The region joined with all that it touches, and with all that those touch. */
static struct rv_launch_extent rmrr_join(const struct dmar *dmar, uint32_t index)
{
	uint64_t base = dmar->rmrr[index].base;
	uint64_t limit = dmar->rmrr[index].limit;

	for (uint32_t i = 0; i < dmar->rmrr_count; i++) {
		const struct dmar_rmrr *r = &dmar->rmrr[i];

		if (r->base > limit + 1 || r->limit + 1 < base || (r->base >= base && r->limit <= limit))
			continue;
		base = r->base < base ? r->base : base;
		limit = r->limit > limit ? r->limit : limit;
		/* The larger region may touch one that the smaller one did not; it grows at most rmrr_count times. */
		i = UINT32_MAX;
	}
	return (struct rv_launch_extent){base, limit + 1 - base};
}

static bool rmrr_add(const struct dmar *dmar, uint32_t index, struct rv_launch *launch)
{
	const struct rv_launch_extent extent = rmrr_join(dmar, index);

	for (uint32_t i = 0; i < launch->rmrr_count; i++) {
		if (launch->rmrr[i].base == extent.base)
			return true;
	}
	if (launch->rmrr_count == RV_LAUNCH_MAX_RMRR)
		return false;
	launch->rmrr[launch->rmrr_count++] = extent;
	return true;
}

bool dmar_launch_fill(const struct dmar *dmar, struct rv_launch *launch, struct dmar_error *error)
{
	launch->vtd_flags = dmar->unit_count ? dmar->flags : 0;
	launch->vtd_address_bits = dmar->unit_count ? dmar->address_bits : 0;
	launch->vtd_count = dmar->unit_count;
	launch->rmrr_count = 0;
	for (uint32_t i = 0; i < dmar->unit_count; i++) {
		launch->vtd[i].base = dmar->unit[i].base;
		launch->vtd[i].register_bytes = dmar->unit[i].bytes;
		launch->vtd[i].segment = dmar->unit[i].segment;
		launch->vtd[i].flags = dmar->unit[i].all ? RV_LAUNCH_VTD_ALL : 0;
		launch->vtd[i].reserved = 0;
	}
	for (uint32_t i = 0; i < dmar->rmrr_count && dmar->unit_count; i++) {
		if (!rmrr_add(dmar, i, launch))
			return error_set(error, DMAR_ERROR_RMRRS_MANY, dmar->rmrr[i].offset, RV_LAUNCH_MAX_RMRR);
	}
	for (uint32_t i = 0; i < launch->ioapic_count; i++)
		launch->ioapic[i].source_id = ioapic_source(dmar, launch->ioapic[i].id);
	return true;
}

const char *dmar_error_sentence(uint32_t id)
{
	static const char *const sentence[] = {
#define DMAR_ERROR_TEXT(name, text) text,
	    DMAR_ERRORS(DMAR_ERROR_TEXT)
#undef DMAR_ERROR_TEXT
	};

	return id < sizeof(sentence) / sizeof(sentence[0]) ? sentence[id] : "unknown error";
}
