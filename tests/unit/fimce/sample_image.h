/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sample_image.h - a good image for tests to spoil: three segments, ranges of every kind.
 */
#ifndef TEST_SAMPLE_IMAGE_H
#define TEST_SAMPLE_IMAGE_H

#include <ravelin/fimce.h>
#include <ravelin/image.h>

#include <string.h>

#define SAMPLE_TEXT_BYTES 100u
#define SAMPLE_RODATA_BYTES 5000u
#define SAMPLE_DATA_BYTES 20u
#define SAMPLE_BYTES (sizeof(struct rv_image_header) + SAMPLE_TEXT_BYTES + SAMPLE_RODATA_BYTES + SAMPLE_DATA_BYTES)
#define SAMPLE_BIAS 0x555555554000ull

struct sample_image {
	struct rv_image_header h;
	uint8_t bytes[SAMPLE_TEXT_BYTES + SAMPLE_RODATA_BYTES + SAMPLE_DATA_BYTES];
};

static inline void sample_image_make(struct sample_image *s)
{
	struct rv_image_header *h = &s->h;
	uint32_t at = sizeof(*h);

	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < sizeof(s->bytes); i++)
		s->bytes[i] = (uint8_t)(i * 7 + 1);
	h->magic = RV_IMAGE_MAGIC;
	h->version = RV_IMAGE_VERSION;
	h->header_bytes = sizeof(*h);
	h->image_bytes = SAMPLE_BYTES;
	h->load_bytes = 5 * RV_PAGE_SIZE;
	h->stack_bytes = 8 * RV_PAGE_SIZE;
	h->output_bytes = RV_PAGE_SIZE;
	h->entry = RV_FIMCE_LOAD + 16;
	h->budget_us = 1000;
	h->segment_count = 3;
	strcpy(h->name, "sample");
	h->segment[0] =
	    (struct rv_image_segment){at, SAMPLE_TEXT_BYTES, 0, SAMPLE_TEXT_BYTES, RV_PERM_R | RV_PERM_X, 0};
	at += SAMPLE_TEXT_BYTES;
	h->segment[1] =
	    (struct rv_image_segment){at, SAMPLE_RODATA_BYTES, RV_PAGE_SIZE, SAMPLE_RODATA_BYTES, RV_PERM_R, 0};
	at += SAMPLE_RODATA_BYTES;
	h->segment[2] = (struct rv_image_segment){
	    at, SAMPLE_DATA_BYTES, 3 * RV_PAGE_SIZE, RV_PAGE_SIZE + 1, RV_PERM_R | RV_PERM_W, 0};
}

/** Makes the image one that updates a target, with one range of each kind. */
static inline void sample_image_add_target(struct sample_image *s)
{
	struct rv_image_header *h = &s->h;

	h->capabilities = RV_CAP_TARGET;
	strcpy(h->target_name, "kvd");
	memset(h->target_build_id, 0xbb, sizeof(h->target_build_id));
	h->range_count = 6;
	h->range[0] = (struct rv_image_range){RV_RANGE_TEXT, 0, 0x1ff0, 0x20};
	h->range[1] = (struct rv_image_range){RV_RANGE_DATA, 0, 0x4000, 0x1000};
	h->range[2] = (struct rv_image_range){RV_RANGE_HEAP, 0, 0, 0};
	h->range[3] = (struct rv_image_range){RV_RANGE_FRESH_RX, 0, 0x10000, 1};
	h->range[4] = (struct rv_image_range){RV_RANGE_FRESH_RW, 0, 0x11000, 0x1001};
	h->range[5] = (struct rv_image_range){RV_RANGE_OLD_RX, 0, 0x20000, 0x1000};
}

/** Makes the image one that gets devices: one of each kind, and two of ports. */
static inline void sample_image_add_devices(struct sample_image *s)
{
	struct rv_image_header *h = &s->h;

	h->capabilities |= RV_CAP_DEVICE;
	h->grant_count = 4;
	h->grant[0] = (struct rv_grant){RV_GRANT_PCI, RV_GRANT_INTERRUPT | RV_GRANT_CLEANED, 0x11e81234, 1, 0};
	h->grant[1] = (struct rv_grant){RV_GRANT_PORTS, 0, 0x2f8, 8, 0};
	h->grant[2] = (struct rv_grant){RV_GRANT_PORTS, 0, 0x300, 1, 0};
	h->grant[3] = (struct rv_grant){RV_GRANT_GSI, 0, 4, 1, 0};
}

#define SAMPLE_TARGETS 7u

/** The pages that these ranges need, and one more. */
static inline void sample_targets_make(struct rv_target_page *t)
{
	static const struct {
		uint64_t address;
		uint32_t kind;
	} pages[SAMPLE_TARGETS] = {
	    {0x1000, RV_TARGET_TEXT},   {0x2000, RV_TARGET_TEXT},   {0x4000, RV_TARGET_DATA},
	    {0x8000, RV_TARGET_DATA},   {0x10000, RV_TARGET_FRESH}, {0x11000, RV_TARGET_FRESH},
	    {0x12000, RV_TARGET_FRESH},
	};

	for (size_t i = 0; i < SAMPLE_TARGETS; i++)
		t[i] = (struct rv_target_page){SAMPLE_BIAS + pages[i].address, 0x100000 + i * RV_PAGE_SIZE,
					       pages[i].kind, 0};
}

static inline void sample_param_make(struct rv_fimce_param *p)
{
	memset(p, 0, sizeof(*p));
	p->abi_version = RV_ABI_VERSION;
	p->mode = RV_MODE_IMAGE;
	p->input_bytes = SAMPLE_BYTES;
	p->argument_offset = SAMPLE_BYTES;
	p->load_bytes = 5 * RV_PAGE_SIZE;
	p->stack_bytes = 8 * RV_PAGE_SIZE;
	p->output_bytes = RV_PAGE_SIZE;
	p->budget_us = 1000;
}

static inline void sample_param_add_targets(struct rv_fimce_param *p)
{
	p->target_count = SAMPLE_TARGETS;
	p->target_bias = SAMPLE_BIAS;
	p->target_bias_valid = 1;
}

#endif
