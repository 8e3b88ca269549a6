// SPDX-License-Identifier: GPL-2.0-only
/*
 * image.c - finds the FIMCE image in a file and checks its header, so far as the host has to know it.
 *
 * Of an envelope only the outermost map is walked, to reach the integrated payload. Whether the envelope is any good is decided
 * inside the FIMCE; what is read here only sizes the FIMCE and the list of target pages.
 */
#include "ravelin.h"

#include <errno.h>
#include <string.h>

#define TAG_SUIT_ENVELOPE 107u

enum {
	CBOR_UNSIGNED,
	CBOR_NEGATIVE,
	CBOR_BYTES,
	CBOR_TEXT,
	CBOR_ARRAY,
	CBOR_MAP,
	CBOR_TAG,
	CBOR_SIMPLE
};

/** A position in CBOR data. at never exceeds size. */
struct scan {
	const uint8_t *data;
	size_t size, at;
};

/** Reads the head of one item. @return false: it ends early, or has a form that envelopes never use */
static bool scan_head(struct scan *s, unsigned int *major, uint64_t *value)
{
	unsigned int info, bytes;

	if (s->at == s->size)
		return false;
	*major = s->data[s->at] >> 5;
	info = s->data[s->at] & 31u;
	s->at++;
	if (info < 24) {
		*value = info;
		return true;
	}
	if (info > 27)
		return false;
	bytes = 1u << (info - 24);
	if (s->size - s->at < bytes)
		return false;
	for (*value = 0; bytes > 0; bytes--)
		*value = *value << 8 | s->data[s->at++];
	return true;
}

/** Takes the bytes of a string whose head was just read. */
static bool scan_bytes(struct scan *s, uint64_t bytes, const uint8_t **start)
{
	if (bytes > s->size - s->at)
		return false;
	*start = s->data + s->at;
	s->at += bytes;
	return true;
}

/** Skips one item with all that is inside, without recursion: counts the items that are still to come. */
static bool scan_skip(struct scan *s)
{
	const uint8_t *ignored;
	unsigned int major;
	uint64_t value, left = 1;

	while (left > 0) {
		if (!scan_head(s, &major, &value))
			return false;
		left--;
		switch (major) {
		case CBOR_BYTES:
		case CBOR_TEXT:
			if (!scan_bytes(s, value, &ignored))
				return false;
			break;
		case CBOR_ARRAY:
		case CBOR_MAP:
			/* Every item has at least one byte, so that a larger number cannot be true. */
			if (value > s->size - s->at)
				return false;
			left += major == CBOR_MAP ? 2 * value : value;
			break;
		case CBOR_TAG:
			left++;
			break;
		default:
			break;
		}
	}
	return true;
}

static int refuse(struct rv_failure *failure, uint32_t reason, uint64_t value)
{
	failure->reason = reason;
	failure->cpu = 0;
	failure->value = value;
	return -EBADMSG;
}

/** The value of the first text key that begins with '#', which is how SUIT names integrated payloads. */
static int envelope_payload(const uint8_t *data, size_t size, const uint8_t **payload, size_t *bytes,
			    struct rv_failure *failure)
{
	struct scan s = {data, size, 0};
	unsigned int major;
	uint64_t pairs, value;

	if (!scan_head(&s, &major, &pairs))
		return refuse(failure, RV_REASON_SUIT_CBOR, s.at);
	if (major == CBOR_TAG && pairs == TAG_SUIT_ENVELOPE && !scan_head(&s, &major, &pairs))
		return refuse(failure, RV_REASON_SUIT_CBOR, s.at);
	if (major != CBOR_MAP)
		return refuse(failure, RV_REASON_SUIT_CBOR, 0);
	for (; pairs > 0; pairs--) {
		const uint8_t *key;
		size_t start = s.at;
		bool wanted;

		if (!scan_head(&s, &major, &value))
			return refuse(failure, RV_REASON_SUIT_CBOR, s.at);
		if (major == CBOR_TEXT) {
			if (!scan_bytes(&s, value, &key))
				return refuse(failure, RV_REASON_SUIT_CBOR, s.at);
			wanted = value > 0 && key[0] == '#';
		} else {
			s.at = start;
			wanted = false;
			if (!scan_skip(&s))
				return refuse(failure, RV_REASON_SUIT_CBOR, s.at);
		}
		if (!wanted) {
			if (!scan_skip(&s))
				return refuse(failure, RV_REASON_SUIT_CBOR, s.at);
			continue;
		}
		if (!scan_head(&s, &major, &value) || major != CBOR_BYTES || !scan_bytes(&s, value, payload))
			return refuse(failure, RV_REASON_SUIT_CBOR, s.at);
		*bytes = value;
		return 0;
	}
	return refuse(failure, RV_REASON_SUIT_MISSING, 0);
}

#define FIELD(name) offsetof(struct rv_image_header, name)

static int header_check(const struct rv_image_header *image, size_t bytes, struct rv_failure *failure)
{
	if (image->magic != RV_IMAGE_MAGIC)
		return refuse(failure, RV_REASON_IMAGE_MAGIC, image->magic);
	if (image->version != RV_IMAGE_VERSION)
		return refuse(failure, RV_REASON_IMAGE_VERSION, image->version);
	if (image->header_bytes != sizeof(*image))
		return refuse(failure, RV_REASON_IMAGE_FIELD, FIELD(header_bytes));
	if (image->image_bytes != bytes)
		return refuse(failure, RV_REASON_IMAGE_FIELD, FIELD(image_bytes));
	if (image->load_bytes == 0 || image->load_bytes % RV_PAGE_SIZE || image->load_bytes > RV_FIMCE_MAX_LOAD)
		return refuse(failure, RV_REASON_IMAGE_FIELD, FIELD(load_bytes));
	if (image->stack_bytes == 0 || image->stack_bytes % RV_PAGE_SIZE || image->stack_bytes > RV_FIMCE_MAX_STACK)
		return refuse(failure, RV_REASON_IMAGE_FIELD, FIELD(stack_bytes));
	if (image->output_bytes % RV_PAGE_SIZE || image->output_bytes > RV_FIMCE_MAX_OUTPUT)
		return refuse(failure, RV_REASON_IMAGE_FIELD, FIELD(output_bytes));
	if (image->budget_us == 0 || image->budget_us > RV_FIMCE_MAX_BUDGET_US)
		return refuse(failure, RV_REASON_IMAGE_FIELD, FIELD(budget_us));
	if (image->segment_count == 0 || image->segment_count > RV_IMAGE_MAX_SEGMENTS)
		return refuse(failure, RV_REASON_IMAGE_FIELD, FIELD(segment_count));
	if (image->range_count > RV_IMAGE_MAX_RANGES)
		return refuse(failure, RV_REASON_IMAGE_FIELD, FIELD(range_count));
	if (image->grant_count > RV_MAX_GRANTS)
		return refuse(failure, RV_REASON_IMAGE_FIELD, FIELD(grant_count));
	if (memchr(image->name, 0, sizeof(image->name)) == NULL)
		return refuse(failure, RV_REASON_IMAGE_FIELD, FIELD(name));
	if (memchr(image->target_name, 0, sizeof(image->target_name)) == NULL)
		return refuse(failure, RV_REASON_IMAGE_FIELD, FIELD(target_name));
	return 0;
}

int ravelin_image_find(const void *file, size_t bytes, struct rv_image_header *image, size_t *offset,
		       struct rv_failure *failure)
{
	const uint8_t *start = file;
	size_t image_bytes = bytes;
	uint64_t magic = 0;
	int error;

	memset(failure, 0, sizeof(*failure));
	if (bytes >= sizeof(magic))
		memcpy(&magic, file, sizeof(magic));
	if (magic != RV_IMAGE_MAGIC) {
		error = envelope_payload(file, bytes, &start, &image_bytes, failure);
		/* A file that is neither is more likely a wrong file than a broken envelope. */
		if (error && failure->reason == RV_REASON_SUIT_CBOR && failure->value == 0)
			return refuse(failure, RV_REASON_IMAGE_MAGIC, magic);
		if (error)
			return error;
	}
	if (image_bytes < sizeof(*image))
		return refuse(failure, RV_REASON_IMAGE_SHORT, image_bytes);
	/* A copy: the payload of an envelope has no alignment. */
	memcpy(image, start, sizeof(*image));
	*offset = (size_t)(start - (const uint8_t *)file);
	return header_check(image, image_bytes, failure);
}
