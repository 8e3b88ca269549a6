/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * image_check.c - checks of a FIMCE image: see image_check.h.
 *
 * All numbers come from an attacker. Sums are made in 64 bits of 32-bit values, so that none can overflow.
 */
#include "image_check.h"

#include <ravelin/abi.h>

#include <string.h>

#define FIELD(name) offsetof(struct rv_image_header, name)
#define CAPABILITIES_KNOWN (RV_CAP_TARGET | RV_CAP_REVERT | RV_CAP_DEVICE)
#define PORTS 0x10000u
#define USER_ADDRESS_END ((uint64_t)1 << 47)

static int image_refuse_field(struct refusal *why, size_t offset)
{
	return refusal_set(why, -RV_EBADMSG, RV_REASON_IMAGE_FIELD, offset);
}

static bool image_is_zero(const void *data, size_t bytes)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < bytes; i++) {
		if (p[i] != 0)
			return false;
	}
	return true;
}

/** True if text is printable ASCII, terminated within size bytes, and nothing but zeros follows. Empty is fine. */
static bool image_is_name(const char *text, size_t size)
{
	size_t length = strnlen(text, size);

	if (length == size)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	}
	return image_is_zero(text + length, size - length);
}

static bool image_is_size(uint32_t bytes, uint32_t max)
{
	return bytes % RV_PAGE_SIZE == 0 && bytes <= max;
}

uint32_t image_segment_pages(const struct rv_image_segment *s)
{
	return (uint32_t)(((uint64_t)s->load_bytes + RV_PAGE_SIZE - 1) / RV_PAGE_SIZE);
}

static int image_check_sizes(const struct rv_image_header *h, size_t bytes, bool exact, struct refusal *why)
{
	if (h->magic != RV_IMAGE_MAGIC)
		return refusal_set(why, -RV_EBADMSG, RV_REASON_IMAGE_MAGIC, h->magic);
	if (h->version != RV_IMAGE_VERSION)
		return refusal_set(why, -RV_EBADMSG, RV_REASON_IMAGE_VERSION, h->version);
	if (h->header_bytes != sizeof(*h))
		return image_refuse_field(why, FIELD(header_bytes));
	if (h->image_bytes > bytes)
		return refusal_set(why, -RV_EBADMSG, RV_REASON_IMAGE_SHORT, bytes);
	if (h->image_bytes < sizeof(*h) || (exact && h->image_bytes != bytes))
		return image_refuse_field(why, FIELD(image_bytes));
	if (h->load_bytes == 0 || !image_is_size(h->load_bytes, RV_FIMCE_MAX_LOAD))
		return image_refuse_field(why, FIELD(load_bytes));
	if (h->stack_bytes == 0 || !image_is_size(h->stack_bytes, RV_FIMCE_MAX_STACK))
		return image_refuse_field(why, FIELD(stack_bytes));
	if (!image_is_size(h->output_bytes, RV_FIMCE_MAX_OUTPUT))
		return image_refuse_field(why, FIELD(output_bytes));
	if (h->budget_us == 0 || h->budget_us > RV_FIMCE_MAX_BUDGET_US)
		return image_refuse_field(why, FIELD(budget_us));
	return 0;
}

static bool image_is_segment(const struct rv_image_header *h, uint32_t index)
{
	const struct rv_image_segment *s = &h->segment[index];
	uint64_t end = (uint64_t)s->load_offset + (uint64_t)image_segment_pages(s) * RV_PAGE_SIZE;

	if (s->perm & ~(RV_PERM_R | RV_PERM_W | RV_PERM_X) || !(s->perm & RV_PERM_R))
		return false;
	if (s->perm & RV_PERM_W && s->perm & RV_PERM_X)
		return false;
	if (s->reserved != 0 || s->load_bytes == 0 || s->file_bytes > s->load_bytes)
		return false;
	if (s->load_offset % RV_PAGE_SIZE != 0 || end > h->load_bytes)
		return false;
	if (s->file_offset < sizeof(*h) || (uint64_t)s->file_offset + s->file_bytes > h->image_bytes)
		return false;
	/* Ascending addresses: one comparison each finds every overlap. */
	if (index > 0) {
		const struct rv_image_segment *before = &h->segment[index - 1];

		if (s->load_offset < before->load_offset + (uint64_t)image_segment_pages(before) * RV_PAGE_SIZE)
			return false;
	}
	return true;
}

static int image_check_segments(const struct rv_image_header *h, struct refusal *why)
{
	bool entry_ok = false;

	if (h->segment_count == 0 || h->segment_count > RV_IMAGE_MAX_SEGMENTS)
		return image_refuse_field(why, FIELD(segment_count));
	for (uint32_t i = 0; i < RV_IMAGE_MAX_SEGMENTS; i++) {
		const struct rv_image_segment *s = &h->segment[i];
		uint64_t begin = RV_FIMCE_LOAD + s->load_offset;

		if (i >= h->segment_count) {
			if (!image_is_zero(s, sizeof(*s)))
				return refusal_set(why, -RV_EBADMSG, RV_REASON_IMAGE_SEGMENT, i);
			continue;
		}
		if (!image_is_segment(h, i))
			return refusal_set(why, -RV_EBADMSG, RV_REASON_IMAGE_SEGMENT, i);
		/* Only bytes of the file are code; the zeros behind them are not. */
		if (s->perm & RV_PERM_X && h->entry >= begin && h->entry - begin < s->file_bytes)
			entry_ok = true;
	}
	if (!entry_ok)
		return refusal_set(why, -RV_EBADMSG, RV_REASON_IMAGE_ENTRY, h->entry);
	return 0;
}

static bool image_is_range(const struct rv_image_range *r)
{
	if (r->reserved != 0)
		return false;
	switch (r->kind) {
	case RV_RANGE_HEAP:
		return r->address == 0 && r->bytes == 0;
	case RV_RANGE_TEXT:
	case RV_RANGE_DATA:
	case RV_RANGE_FRESH_RX:
	case RV_RANGE_FRESH_RW:
	case RV_RANGE_OLD_RX:
		return r->bytes > 0 && r->address < USER_ADDRESS_END && r->bytes <= USER_ADDRESS_END - r->address;
	default:
		return false;
	}
}

static int image_check_update(const struct rv_image_header *h, struct refusal *why)
{
	bool has_target = h->capabilities & RV_CAP_TARGET;

	if (h->range_count > (has_target ? RV_IMAGE_MAX_RANGES : 0))
		return image_refuse_field(why, FIELD(range_count));
	for (uint32_t i = 0; i < RV_IMAGE_MAX_RANGES; i++) {
		const struct rv_image_range *r = &h->range[i];

		if (i < h->range_count ? !image_is_range(r) : !image_is_zero(r, sizeof(*r)))
			return image_refuse_field(why, FIELD(range) + i * sizeof(*r));
	}
	if (!image_is_name(h->target_name, sizeof(h->target_name)) || (h->target_name[0] != '\0') != has_target)
		return image_refuse_field(why, FIELD(target_name));
	if (!has_target && !image_is_zero(h->target_build_id, sizeof(h->target_build_id)))
		return image_refuse_field(why, FIELD(target_build_id));
	return 0;
}

static bool image_is_grant(const struct rv_grant *g)
{
	if (g->source_id != 0)
		return false;
	switch (g->kind) {
	case RV_GRANT_PCI:
		/* Vendor 0xffff is what an empty slot reads. */
		return !(g->flags & ~(RV_GRANT_INTERRUPT | RV_GRANT_CLEANED)) && (g->first & 0xffff) != 0xffff &&
		       g->count == 1;
	case RV_GRANT_PORTS:
		return g->flags == 0 && g->count > 0 && g->first < PORTS && g->count <= PORTS - g->first;
	case RV_GRANT_GSI:
		return g->flags == 0 && g->count == 1;
	default:
		return false;
	}
}

/** Two functions with the same ids are two devices; a port or a line is there only once. */
static bool image_do_grants_overlap(const struct rv_grant *a, const struct rv_grant *b)
{
	return a->kind == b->kind && a->kind != RV_GRANT_PCI && a->first < b->first + (uint64_t)b->count &&
	       b->first < a->first + (uint64_t)a->count;
}

static int image_check_grants(const struct rv_image_header *h, struct refusal *why)
{
	if (h->grant_count > RV_MAX_GRANTS || (h->grant_count != 0) != ((h->capabilities & RV_CAP_DEVICE) != 0))
		return image_refuse_field(why, FIELD(grant_count));
	for (uint32_t i = 0; i < RV_MAX_GRANTS; i++) {
		const struct rv_grant *g = &h->grant[i];

		if (i < h->grant_count ? !image_is_grant(g) : !image_is_zero(g, sizeof(*g)))
			return refusal_set(why, -RV_EBADMSG, RV_REASON_DEVICE_GRANT, i);
		for (uint32_t j = 0; j < i && i < h->grant_count; j++) {
			if (image_do_grants_overlap(&h->grant[j], g))
				return refusal_set(why, -RV_EBADMSG, RV_REASON_DEVICE_GRANT, i);
		}
	}
	return 0;
}

/** What the header asks for against what this FIMCE has. */
static int image_check_fimce(const struct rv_image_header *h, bool is_signed, const struct rv_fimce_param *p,
			     struct refusal *why)
{
	if (h->capabilities != 0 && !is_signed)
		return refusal_set(why, -RV_EACCES, RV_REASON_FIMCE_CAPABILITY, h->capabilities);
	if ((h->capabilities & RV_CAP_TARGET) != 0 ? p->target_count == 0 : p->target_count != 0)
		return refusal_set(why, -RV_EINVAL, RV_REASON_UPDATE_TARGET, p->target_count);
	/* A time limit that the signer has set, so that the guest can't make it hold the target for longer. */
	if (is_signed && p->budget_us > h->budget_us)
		return refusal_set(why, -RV_EINVAL, RV_REASON_IMAGE_BUDGET, p->budget_us);
	if (h->load_bytes > p->load_bytes)
		return refusal_set(why, -RV_EINVAL, RV_REASON_IMAGE_MEMORY, FIELD(load_bytes));
	if (h->stack_bytes > p->stack_bytes)
		return refusal_set(why, -RV_EINVAL, RV_REASON_IMAGE_MEMORY, FIELD(stack_bytes));
	if (h->output_bytes > p->output_bytes)
		return refusal_set(why, -RV_EINVAL, RV_REASON_IMAGE_MEMORY, FIELD(output_bytes));
	return 0;
}

int image_check(const uint8_t *image, size_t bytes, bool exact, bool is_signed, const struct rv_fimce_param *param,
		struct rv_image_header *header, struct refusal *why)
{
	struct rv_image_header h;
	int error;

	if (bytes < sizeof(h))
		return refusal_set(why, -RV_EBADMSG, RV_REASON_IMAGE_SHORT, bytes);
	memcpy(&h, image, sizeof(h));
	error = image_check_sizes(&h, bytes, exact, why);
	if (error)
		return error;
	/* A task that can be reverted needs something to revert. Devices and target never come together. */
	if (h.capabilities & ~CAPABILITIES_KNOWN ||
	    (h.capabilities & RV_CAP_REVERT && !(h.capabilities & RV_CAP_TARGET)) ||
	    (h.capabilities & RV_CAP_DEVICE && h.capabilities & RV_CAP_TARGET))
		return image_refuse_field(why, FIELD(capabilities));
	if (h.name[0] == '\0' || !image_is_name(h.name, sizeof(h.name)))
		return image_refuse_field(why, FIELD(name));
	if (h.reserved != 0)
		return image_refuse_field(why, FIELD(reserved));
	error = image_check_segments(&h, why);
	if (!error)
		error = image_check_update(&h, why);
	if (!error)
		error = image_check_grants(&h, why);
	if (!error)
		error = image_check_fimce(&h, is_signed, param, why);
	if (!error)
		*header = h;
	return error;
}

/** The entry for the page at va, or NULL; the list ascends. */
static const struct rv_target_page *image_find_target(const struct rv_target_page *targets, uint32_t count, uint64_t va)
{
	uint32_t low = 0;

	while (low < count) {
		uint32_t middle = low + (count - low) / 2;

		if (targets[middle].va == va)
			return &targets[middle];
		if (targets[middle].va < va)
			low = middle + 1;
		else
			count = middle;
	}
	return NULL;
}

static bool image_is_kind(uint32_t range_kind, uint32_t page_kind)
{
	switch (range_kind) {
	case RV_RANGE_TEXT:
		return page_kind == RV_TARGET_TEXT;
	case RV_RANGE_DATA:
		return page_kind == RV_TARGET_DATA;
	case RV_RANGE_FRESH_RX:
		return page_kind == RV_TARGET_FRESH;
	case RV_RANGE_FRESH_RW:
		/* Writable memory may change while the service runs, so a driver may list it as data, too. */
		return page_kind == RV_TARGET_FRESH || page_kind == RV_TARGET_DATA;
	default:
		return false;
	}
}

int image_check_targets(const struct rv_image_header *header, const struct rv_fimce_param *param,
			const struct rv_target_page *targets, struct refusal *why)
{
	for (uint32_t i = 0; i < header->range_count; i++) {
		const struct rv_image_range *r = &header->range[i];
		uint64_t page;
		uint64_t end;

		if (r->kind == RV_RANGE_HEAP || r->kind == RV_RANGE_OLD_RX)
			continue;
		if (!param->target_bias_valid)
			return refusal_set(why, -RV_EINVAL, RV_REASON_UPDATE_TARGET, param->target_count);
		/* A bias that wraps leads to an address that is in no list. */
		page = (r->address + param->target_bias) & ~(uint64_t)(RV_PAGE_SIZE - 1);
		end = r->address + param->target_bias + r->bytes - 1;
		do {
			const struct rv_target_page *t = image_find_target(targets, param->target_count, page);

			if (!t || !image_is_kind(r->kind, t->kind))
				return refusal_set(why, -RV_EINVAL, RV_REASON_UPDATE_MAPPING, page);
			page += RV_PAGE_SIZE;
		} while (page <= end);
	}
	return 0;
}

void image_load(const uint8_t *image, const struct rv_image_header *header, uint8_t *load)
{
	for (uint32_t i = 0; i < header->segment_count; i++) {
		const struct rv_image_segment *s = &header->segment[i];
		uint8_t *to = load + s->load_offset;

		memcpy(to, image + s->file_offset, s->file_bytes);
		memset(to + s->file_bytes, 0, (size_t)image_segment_pages(s) * RV_PAGE_SIZE - s->file_bytes);
	}
}
