/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * show.c - prints what an envelope says: see show.h.
 */
#include "show.h"

#include <ravelin/image.h>
#include <ravelin/reason.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	uint32_t id;
	const char *text;
} reasons[] = {
#define REASON_ROW(id, name, text) {id, text},
    RV_REASONS(REASON_ROW)
#undef REASON_ROW
};

char *show_reason(const struct suit_error *err)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		const char *text = reasons[i].text;
		const char *value = strstr(text, "$0");

		if (reasons[i].id != err->reason)
			continue;
		if (!value)
			return must_copy(text);
		/* Keys and algorithms may be negative; people know them in decimal. */
		return must_print("%.*s%lld%s", (int)(value - text), text, (long long)err->value, value + 2);
	}
	return must_print("reason %u", err->reason);
}

static const char *range_kind(uint32_t kind)
{
	switch (kind) {
	case RV_RANGE_TEXT:
		return "text";
	case RV_RANGE_DATA:
		return "data";
	case RV_RANGE_HEAP:
		return "heap";
	case RV_RANGE_FRESH_RX:
		return "fresh-rx";
	case RV_RANGE_FRESH_RW:
		return "fresh-rw";
	case RV_RANGE_OLD_RX:
		return "old-rx";
	default:
		return "unknown";
	}
}

/** Copies the image's header out of the payload; false if there is none. */
static bool read_header(const struct suit_manifest *m, struct rv_image_header *h)
{
	if (m->payload.size < sizeof(*h))
		return false;
	memcpy(h, m->payload.data, sizeof(*h));
	return h->magic == RV_IMAGE_MAGIC && h->version == RV_IMAGE_VERSION && h->range_count <= RV_IMAGE_MAX_RANGES &&
	       h->grant_count <= RV_MAX_GRANTS && memchr(h->name, 0, sizeof(h->name)) != NULL;
}

/** A device as mkfimce takes it: key, then value. */
static char *grant_text(const struct rv_grant *g, const char *format)
{
	char value[64];
	const char *key;

	switch (g->kind) {
	case RV_GRANT_PCI:
		key = "pci";
		snprintf(value, sizeof(value), "%04x:%04x%s%s", g->first & 0xffff, g->first >> 16,
			 g->flags & RV_GRANT_INTERRUPT ? " interrupt" : "",
			 g->flags & RV_GRANT_CLEANED ? " cleaned" : "");
		break;
	case RV_GRANT_PORTS:
		key = "ports";
		snprintf(value, sizeof(value), "0x%x+%u", g->first, g->count);
		break;
	case RV_GRANT_GSI:
		key = "gsi";
		snprintf(value, sizeof(value), "%u", g->first);
		break;
	default:
		key = "unknown";
		snprintf(value, sizeof(value), "%u", g->kind);
		break;
	}
	return must_print(format, key, value);
}

/** Prints a string that may hold anything as a JSON string. */
static void print_json_string(const char *s, size_t size)
{
	putchar('"');
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || c > 0x7e)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void print_json_digest(const char *name, const uint8_t *digest, size_t size, const char *end)
{
	char text[2 * RV_DIGEST_SIZE + 1];

	printf("  \"%s\": \"%s\"%s\n", name, hex_print(text, digest, size), end);
}

static void show_json(const struct suit_manifest *m)
{
	struct rv_image_header h;

	printf("{\n  \"target\": ");
	print_json_string((const char *)m->name.data, m->name.size);
	printf(",\n");
	print_json_digest("build_id", m->build_id.data, m->build_id.size, ",");
	printf("  \"sequence\": %llu,\n", (unsigned long long)m->sequence);
	print_json_digest("component", m->component_digest, RV_DIGEST_SIZE, ",");
	print_json_digest("signer", m->signer, RV_DIGEST_SIZE, ",");
	print_json_digest("before", m->before, RV_DIGEST_SIZE, ",");
	print_json_digest("after", m->after, RV_DIGEST_SIZE, ",");
	printf("  \"target_bytes\": %llu,\n", (unsigned long long)m->target_bytes);
	print_json_digest("image", m->payload_digest, RV_DIGEST_SIZE, ",");
	printf("  \"image_bytes\": %zu", m->payload.size);
	if (read_header(m, &h)) {
		printf(",\n  \"name\": ");
		print_json_string(h.name, strlen(h.name));
		printf(",\n  \"load_bytes\": %u,\n  \"stack_bytes\": %u,\n  \"output_bytes\": %u,\n  \"budget_us\": "
		       "%llu,\n"
		       "  \"revert\": %s,\n  \"ranges\": [",
		       h.load_bytes, h.stack_bytes, h.output_bytes, (unsigned long long)h.budget_us,
		       h.capabilities & RV_CAP_REVERT ? "true" : "false");
		for (uint32_t i = 0; i < h.range_count; i++)
			printf("%s\n    {\"kind\": \"%s\", \"address\": %llu, \"bytes\": %llu}", i ? "," : "",
			       range_kind(h.range[i].kind), (unsigned long long)h.range[i].address,
			       (unsigned long long)h.range[i].bytes);
		printf("%s],\n  \"devices\": [", h.range_count ? "\n  " : "");
		for (uint32_t i = 0; i < h.grant_count; i++) {
			char *text = grant_text(&h.grant[i], "{\"kind\": \"%s\", \"what\": \"%s\"}");

			printf("%s\n    %s", i ? "," : "", text);
			free(text);
		}
		printf("%s]", h.grant_count ? "\n  " : "");
	}
	printf("\n}\n");
}

static void print_digest(const char *name, const uint8_t *digest)
{
	char text[2 * RV_DIGEST_SIZE + 1];

	printf("%-10s sha256:%s\n", name, hex_print(text, digest, RV_DIGEST_SIZE));
}

static void show_text(const struct suit_manifest *m)
{
	char build_id[2 * SUIT_BUILD_ID_SIZE + 1];
	struct rv_image_header h;

	bool is_image = read_header(m, &h);
	bool is_task = is_image && !(h.capabilities & RV_CAP_TARGET);

	printf("%-10s %.*s\n", is_task ? "task" : "target", (int)m->name.size, (const char *)m->name.data);
	if (!is_task)
		printf("build-id   %s\n", hex_print(build_id, m->build_id.data, m->build_id.size));
	printf("sequence   %llu\n", (unsigned long long)m->sequence);
	print_digest("signer", m->signer);
	if (!is_task) {
		print_digest("before", m->before);
		print_digest("after", m->after);
	}
	print_digest("image", m->payload_digest);
	if (!is_image) {
		printf("payload    %zu bytes that are not a FIMCE image\n", m->payload.size);
		return;
	}
	printf("name       %s\n", h.name);
	printf("memory     %zu bytes of image, %u loaded, %u stack, %u output\n", m->payload.size, h.load_bytes,
	       h.stack_bytes, h.output_bytes);
	printf("budget     %llu us\n", (unsigned long long)h.budget_us);
	for (uint32_t i = 0; i < h.grant_count; i++) {
		char *text = grant_text(&h.grant[i], "device     %s %s\n");

		fputs(text, stdout);
		free(text);
	}
	if (is_task)
		return;
	printf("rollback   %s\n", h.capabilities & RV_CAP_REVERT ? "by the update's own code"
								 : "old code comes back, data stay as they are");
	for (uint32_t i = 0; i < h.range_count; i++) {
		if (h.range[i].kind == RV_RANGE_HEAP)
			printf("needs      heap\n");
		else
			printf("needs      %-8s 0x%llx, %llu bytes\n", range_kind(h.range[i].kind),
			       (unsigned long long)h.range[i].address, (unsigned long long)h.range[i].bytes);
	}
}

void show_manifest(const struct suit_manifest *m, bool json)
{
	if (json)
		show_json(m);
	else
		show_text(m);
}
