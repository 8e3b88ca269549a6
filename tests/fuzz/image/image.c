/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * image.c - fuzz target: all that the manager does with the input of a FIMCE before the task runs. The input of the
 * target is: one byte of options, then the input of the FIMCE. Beside memory faults it looks for images that were
 * accepted and would not be safe to load.
 */
#include <image_check.h>
#include <measure.h>

#include <stdlib.h>
#include <string.h>

#define OPTION_TARGETS 1u
#define OPTION_SIGNED 2u
#define OPTION_SMALL 4u

#define LOAD_BYTES (64u * RV_PAGE_SIZE)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

/** No port and no interrupt line is named twice, and nothing is named that no machine has. */
static void require_safe_grants(const struct rv_image_header *h)
{
	static uint8_t port[0x10000];

	memset(port, 0, sizeof(port));
	for (uint32_t i = 0; i < RV_MAX_GRANTS; i++) {
		const struct rv_grant *g = &h->grant[i];

		require(g->source_id == 0);
		if (i >= h->grant_count) {
			require(g->kind == 0 && g->flags == 0 && g->first == 0 && g->count == 0);
			continue;
		}
		require(g->kind >= RV_GRANT_PCI && g->kind <= RV_GRANT_GSI);
		require(g->kind == RV_GRANT_PCI ? g->flags <= 3 : g->flags == 0);
		for (uint64_t p = g->first; g->kind == RV_GRANT_PORTS && p < (uint64_t)g->first + g->count; p++) {
			require(p < sizeof(port) && port[p] == 0);
			port[p] = 1;
		}
		for (uint32_t j = 0; j < i; j++)
			require(g->kind != RV_GRANT_GSI || h->grant[j].kind != RV_GRANT_GSI ||
				h->grant[j].first != g->first);
	}
}

/** What must hold for any image that is loaded, said once more in other words than in image_check.c. */
static void require_safe(const struct rv_image_header *h, size_t bytes, const struct rv_fimce_param *p, bool is_signed)
{
	static uint8_t owner[LOAD_BYTES / RV_PAGE_SIZE];
	bool has_entry = false;

	memset(owner, 0, sizeof(owner));
	require(h->image_bytes <= bytes && h->load_bytes <= p->load_bytes && h->stack_bytes <= p->stack_bytes &&
		h->output_bytes <= p->output_bytes);
	require(is_signed || h->capabilities == 0);
	require(((h->capabilities & RV_CAP_TARGET) != 0) == (p->target_count > 0));
	require(h->grant_count <= RV_MAX_GRANTS && (h->grant_count > 0) == ((h->capabilities & RV_CAP_DEVICE) != 0));
	require(!(h->capabilities & RV_CAP_DEVICE) || p->target_count == 0);
	require_safe_grants(h);
	require(memchr(h->name, 0, sizeof(h->name)) && memchr(h->target_name, 0, sizeof(h->target_name)));
	require(h->segment_count >= 1 && h->segment_count <= RV_IMAGE_MAX_SEGMENTS &&
		h->range_count <= RV_IMAGE_MAX_RANGES);
	for (uint32_t i = 0; i < h->segment_count; i++) {
		const struct rv_image_segment *s = &h->segment[i];

		require(s->file_bytes <= s->load_bytes && s->file_bytes <= h->image_bytes &&
			s->file_offset <= h->image_bytes - s->file_bytes);
		require((s->perm & (RV_PERM_W | RV_PERM_X)) != (RV_PERM_W | RV_PERM_X));
		for (uint64_t page = s->load_offset / RV_PAGE_SIZE;
		     page * RV_PAGE_SIZE < (uint64_t)s->load_offset + s->load_bytes; page++) {
			require(page < sizeof(owner) && owner[page] == 0);
			owner[page] = 1;
		}
		has_entry |= s->perm & RV_PERM_X && h->entry >= RV_FIMCE_LOAD + s->load_offset &&
			     h->entry < RV_FIMCE_LOAD + s->load_offset + s->file_bytes;
	}
	require(has_entry);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t load[LOAD_BYTES];
	static const struct rv_target_page targets[] = {
	    {0x400000, 0x1000, RV_TARGET_TEXT, 0},
	    {0x401000, 0x2000, RV_TARGET_DATA, 0},
	    {0x402000, 0x3000, RV_TARGET_FRESH, 0},
	};
	struct rv_fimce_param p = {.abi_version = RV_ABI_VERSION, .mode = RV_MODE_IMAGE, .load_bytes = LOAD_BYTES};
	struct measured_image m;
	struct rv_image_header h;
	struct refusal why = {0};
	uint8_t *input;
	uint8_t options;

	if (size < 1 || size / RV_PAGE_SIZE >= RV_FIMCE_MAX_INPUT / RV_PAGE_SIZE)
		return 0;
	options = data[0];
	size--;
	/* Memory of exactly the input's size. */
	input = malloc(size > 0 ? size : 1);
	if (!input)
		return 0;
	memcpy(input, data + 1, size);
	p.input_bytes = p.argument_offset = (uint32_t)size;
	p.stack_bytes = options & OPTION_SMALL ? RV_PAGE_SIZE : RV_FIMCE_MAX_STACK;
	p.output_bytes = options & OPTION_SMALL ? 0 : RV_FIMCE_MAX_OUTPUT & ~(RV_PAGE_SIZE - 1);
	p.target_count = options & OPTION_TARGETS ? sizeof(targets) / sizeof(targets[0]) : 0;
	p.target_bias = 0x400000;
	p.target_bias_valid = 1;
	/* The anchor of envelopes: nobody can sign in here, but the parser runs up to the signature. */
	memset(p.trust_anchor, 1, sizeof(p.trust_anchor));

	if (image_check(input, size, false, options & OPTION_SIGNED, &p, &h, &why) == 0) {
		require_safe(&h, size, &p, options & OPTION_SIGNED);
		image_load(input, &h, load);
		if (image_check_targets(&h, &p, targets, &why) != 0)
			require(why.error == -RV_EINVAL && why.reason != 0);
	} else {
		require(why.error < 0 && why.reason != 0);
	}
	if (measure_input(&p, input, targets, &m, &why) == 0) {
		require(!(m.measured.flags & RV_MEASURED_SIGNED));
		require_safe(&m.header, size, &p, false);
	} else {
		require(why.error < 0 && why.reason != 0);
	}
	free(input);
	return 0;
}
