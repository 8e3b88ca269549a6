/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * measure.c - measures and verifies the input of a FIMCE: see measure.h.
 */
#include "measure.h"

#include <crypto/crypto.h>
#include <suit/suit.h>

#include <string.h>

/** True if the first byte can begin a SUIT envelope (CBOR map or tag); an image begins with 'R', a CBOR byte string. */
static bool measure_is_envelope(const uint8_t *input, size_t bytes)
{
	struct rv_cbor c;
	enum rv_cbor_type type;

	rv_cbor_open(&c, input, bytes);
	type = rv_cbor_peek(&c);
	return type == RV_CBOR_MAP || type == RV_CBOR_TAG;
}

static void measure_fill(struct measured_image *m, const struct suit_manifest *manifest)
{
	struct rv_measured *out = &m->measured;
	const struct rv_image_header *h = &m->header;

	memset(out, 0, sizeof(*out));
	out->size = sizeof(*out);
	if (manifest) {
		/* The digest of the payload that suit_verify computed is the digest of the image: they have one size. */
		memcpy(out->image_digest, manifest->payload_digest, sizeof(out->image_digest));
		memcpy(out->signer, manifest->signer, sizeof(out->signer));
		memcpy(out->component, manifest->component_digest, sizeof(out->component));
		out->flags = RV_MEASURED_SIGNED;
		out->sequence = manifest->sequence;
	} else {
		rv_sha256_digest(m->image, h->image_bytes, out->image_digest);
	}
	/* Whether the task reverts is a property that the hypervisor wants as a flag, not something that it grants. */
	if (h->capabilities & RV_CAP_REVERT)
		out->flags |= RV_MEASURED_HAS_REVERT;
	out->capabilities = h->capabilities & ~RV_CAP_REVERT;
	out->segment_count = h->segment_count;
	for (uint32_t i = 0; i < h->segment_count; i++) {
		out->segment[i].first_page = h->segment[i].load_offset / RV_PAGE_SIZE;
		out->segment[i].pages = image_segment_pages(&h->segment[i]);
		out->segment[i].perm = h->segment[i].perm;
	}
	memcpy(out->name, h->name, sizeof(out->name));
	out->grant_count = h->grant_count;
	memcpy(out->grant, h->grant, sizeof(out->grant));
}

/** The signed component is the target of an update, or a task: its name, and a build-id of zeros, which image_check has seen to. */
static bool measure_is_named(const struct suit_manifest *manifest, const struct rv_image_header *h)
{
	char name[sizeof(h->target_name)] = "";

	if (h->capabilities & RV_CAP_TARGET)
		memcpy(name, h->target_name, sizeof(h->target_name));
	else
		memcpy(name, h->name, sizeof(h->name));
	return suit_names_target(manifest, name, h->target_build_id);
}

static int measure_image(const struct rv_fimce_param *param, const uint8_t *input, size_t bytes,
			 struct measured_image *out, struct refusal *why)
{
	int error = image_check(input, bytes, false, false, param, &out->header, why);

	if (error)
		return error;
	/* Nothing that is not measured may hide between the image and the argument. */
	for (size_t i = out->header.image_bytes; i < bytes; i++) {
		if (input[i] != 0)
			return refusal_set(why, -RV_EBADMSG, RV_REASON_IMAGE_FIELD,
					   offsetof(struct rv_image_header, image_bytes));
	}
	out->image = input;
	measure_fill(out, NULL);
	return 0;
}

static int measure_envelope(const struct rv_fimce_param *param, const uint8_t *input, size_t bytes,
			    const struct rv_target_page *targets, struct measured_image *out, struct refusal *why)
{
	struct suit_manifest manifest;
	struct suit_error suit_error;
	int error = suit_verify(input, bytes, param->trust_anchor, &manifest, &suit_error);

	if (error)
		return refusal_set(why, error, (enum rv_reason)suit_error.reason, suit_error.value);
	memcpy(out->measured.component, manifest.component_digest, sizeof(out->measured.component));
	out->measured.sequence = manifest.sequence;
	error = image_check(manifest.payload.data, manifest.payload.size, true, true, param, &out->header, why);
	if (error)
		return error;
	if (!measure_is_named(&manifest, &out->header))
		return refusal_set(why, -RV_EBADMSG, RV_REASON_SUIT_COMPONENT, 0);
	error = image_check_targets(&out->header, param, targets, why);
	if (error)
		return error;
	out->image = manifest.payload.data;
	measure_fill(out, &manifest);
	return 0;
}

static size_t measure_size(const struct rv_fimce_param *param)
{
	return param->argument_offset < param->input_bytes ? param->argument_offset : param->input_bytes;
}

void measure_refused(const struct rv_fimce_param *param, const uint8_t *input, const struct measured_image *refused,
		     struct rv_refused *out)
{
	memset(out, 0, sizeof(*out));
	out->size = sizeof(*out);
	rv_sha256_digest(input, measure_size(param), out->input_digest);
	memcpy(out->component, refused->measured.component, sizeof(out->component));
	out->sequence = refused->measured.sequence;
}

int measure_input(const struct rv_fimce_param *param, const uint8_t *input, const struct rv_target_page *targets,
		  struct measured_image *out, struct refusal *why)
{
	size_t bytes = measure_size(param);

	memset(out, 0, sizeof(*out));
	if (measure_is_envelope(input, bytes))
		return measure_envelope(param, input, bytes, targets, out, why);
	return measure_image(param, input, bytes, out, why);
}
