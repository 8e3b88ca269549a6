/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * describe.c - what an image asks for, given as key=value lines: see mkfimce.h.
 */
#include "mkfimce.h"

#include <ravelin/abi.h>

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

bool mkfimce_fail(struct mkfimce_error *e, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(e->text, sizeof(e->text), format, arguments);
	va_end(arguments);
	return false;
}

void mkfimce_image_begin(struct mkfimce_image *image)
{
	memset(image, 0, sizeof(*image));
	image->header.magic = RV_IMAGE_MAGIC;
	image->header.version = RV_IMAGE_VERSION;
	image->header.header_bytes = sizeof(image->header);
	image->header.stack_bytes = 32 * 1024;
	image->header.budget_us = 1000000;
}

void mkfimce_image_free(struct mkfimce_image *image)
{
	for (size_t i = 0; i < image->symbol_count; i++)
		free(image->symbol[i].name);
	free(image->symbol);
	free(image->file);
	image->symbol = NULL;
	image->symbol_count = 0;
	image->file = NULL;
}

/** A number, decimal or with 0x; *end is what follows it. */
static bool describe_number(const char *text, uint64_t *value, const char **end)
{
	char *stop;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*value = strtoull(text, &stop, strncmp(text, "0x", 2) == 0 ? 16 : 10);
	*end = stop;
	return errno == 0;
}

static bool describe_bytes(const char *key, const char *text, uint32_t max, uint32_t *bytes, struct mkfimce_error *e)
{
	uint64_t value;
	uint64_t unit = 1;
	const char *end;

	if (!describe_number(text, &value, &end))
		return mkfimce_fail(e, "%s: '%s' is not a size", key, text);
	if (strcmp(end, "K") == 0)
		unit = 1024;
	else if (strcmp(end, "M") == 0)
		unit = 1048576;
	else if (*end != '\0')
		return mkfimce_fail(e, "%s: '%s' is not a size: only K or M may follow the number", key, text);
	if (value > max / unit)
		return mkfimce_fail(e, "%s: %s is more than the limit of %u bytes", key, text, max);
	value = (value * unit + RV_PAGE_SIZE - 1) / RV_PAGE_SIZE * RV_PAGE_SIZE;
	if (value > max)
		return mkfimce_fail(e, "%s: %s is more than the limit of %u bytes", key, text, max);
	*bytes = (uint32_t)value;
	return true;
}

static bool describe_budget(const char *text, uint64_t *budget_us, struct mkfimce_error *e)
{
	uint64_t value;
	uint64_t unit;
	const char *end;

	if (!describe_number(text, &value, &end))
		return mkfimce_fail(e, "budget: '%s' is not a time", text);
	if (strcmp(end, "us") == 0)
		unit = 1;
	else if (strcmp(end, "ms") == 0)
		unit = 1000;
	else if (strcmp(end, "s") == 0)
		unit = 1000000;
	else
		return mkfimce_fail(e, "budget: '%s' is not a time: us, ms or s must follow the number", text);
	if (value == 0 || value > RV_FIMCE_MAX_BUDGET_US / unit)
		return mkfimce_fail(e, "budget: %s is not between 1 us and %u us", text, RV_FIMCE_MAX_BUDGET_US);
	*budget_us = value * unit;
	return true;
}

static bool describe_text(const char *key, const char *text, char *to, size_t size, struct mkfimce_error *e)
{
	size_t length = strlen(text);

	if (length == 0 || length >= size)
		return mkfimce_fail(e, "%s: '%s' does not have 1 to %zu characters", key, text, size - 1);
	for (size_t i = 0; i < length; i++) {
		if (text[i] < 0x20 || text[i] > 0x7e)
			return mkfimce_fail(e, "%s: character %zu is not printable ASCII", key, i + 1);
	}
	memset(to, 0, size);
	memcpy(to, text, length);
	return true;
}

/** The capability device is not among them: it goes with the keys of devices. */
static bool describe_capabilities(const char *text, uint32_t *capabilities, struct mkfimce_error *e)
{
	static const struct {
		const char *name;
		uint32_t bit;
	} known[] = {{"target", RV_CAP_TARGET}, {"revert", RV_CAP_REVERT}};

	*capabilities &= RV_CAP_DEVICE;
	while (*text != '\0') {
		size_t length = strcspn(text, ",");
		uint32_t bit = 0;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
			if (strlen(known[i].name) == length && strncmp(text, known[i].name, length) == 0)
				bit = known[i].bit;
		}
		if (bit == 0)
			return mkfimce_fail(e, "capabilities: '%.*s' is unknown; there are target and revert",
					    (int)length, text);
		*capabilities |= bit;
		text += length;
		if (*text == ',')
			text++;
	}
	return true;
}

static bool describe_range(const char *text, struct rv_image_header *h, struct mkfimce_error *e)
{
	static const struct {
		const char *name;
		uint32_t kind;
	} known[] = {
	    {"text", RV_RANGE_TEXT},         {"data", RV_RANGE_DATA},         {"heap", RV_RANGE_HEAP},
	    {"fresh-rx", RV_RANGE_FRESH_RX}, {"fresh-rw", RV_RANGE_FRESH_RW}, {"old-rx", RV_RANGE_OLD_RX},
	};
	struct rv_image_range r = {0};
	size_t length = strcspn(text, " ");
	const char *end = text + length;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strlen(known[i].name) == length && strncmp(text, known[i].name, length) == 0)
			r.kind = known[i].kind;
	}
	if (r.kind == 0)
		return mkfimce_fail(e,
				    "range: kind '%.*s' is unknown; there are text, data, heap, fresh-rx, fresh-rw, "
				    "old-rx",
				    (int)length, text);
	if (r.kind != RV_RANGE_HEAP) {
		if (*end != ' ' || !describe_number(end + 1, &r.address, &end) || *end != ' ' ||
		    !describe_number(end + 1, &r.bytes, &end) || r.bytes == 0)
			return mkfimce_fail(e, "range: '%s' is not KIND ADDRESS BYTES", text);
	}
	if (*end != '\0')
		return mkfimce_fail(e, "range: '%s' has something behind it that does not belong there", text);
	if (h->range_count == RV_IMAGE_MAX_RANGES)
		return mkfimce_fail(e, "range: there are more than %u", RV_IMAGE_MAX_RANGES);
	h->range[h->range_count++] = r;
	return true;
}

/** Adds a grant and, with it, the capability. */
static bool describe_add_grant(struct rv_image_header *h, const struct rv_grant *g, struct mkfimce_error *e)
{
	if (h->grant_count == RV_MAX_GRANTS)
		return mkfimce_fail(e, "there are more than %u devices", RV_MAX_GRANTS);
	h->grant[h->grant_count++] = *g;
	h->capabilities |= RV_CAP_DEVICE;
	return true;
}

/** Four hexadecimal digits, as lspci -n prints ids. */
static bool describe_id(const char *text, uint32_t *id)
{
	if (strspn(text, "0123456789abcdefABCDEF") < 4)
		return false;
	*id = 0;
	for (int i = 0; i < 4; i++) {
		char digit = (char)tolower((unsigned char)text[i]);

		*id = *id << 4 | (uint32_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
	}
	return true;
}

static bool describe_pci(const char *text, struct rv_image_header *h, struct mkfimce_error *e)
{
	struct rv_grant g = {.kind = RV_GRANT_PCI, .count = 1};
	uint32_t vendor;
	uint32_t device;
	const char *word;

	if (!describe_id(text, &vendor) || text[4] != ':' || !describe_id(text + 5, &device) ||
	    (text[9] != ' ' && text[9] != '\0'))
		return mkfimce_fail(e, "pci: '%s' does not begin with VENDOR:DEVICE, four hexadecimal digits each",
				    text);
	if (vendor == 0xffff)
		return mkfimce_fail(e, "pci: no device has vendor id ffff");
	g.first = device << 16 | vendor;
	for (word = text + 9; *word == ' '; word += strcspn(word, " ")) {
		size_t length = strcspn(++word, " ");

		if (length == 9 && strncmp(word, "interrupt", length) == 0)
			g.flags |= RV_GRANT_INTERRUPT;
		else if (length == 7 && strncmp(word, "cleaned", length) == 0)
			g.flags |= RV_GRANT_CLEANED;
		else
			return mkfimce_fail(e, "pci: '%.*s' is unknown; there are interrupt and cleaned", (int)length,
					    word);
	}
	return describe_add_grant(h, &g, e);
}

static bool describe_ports(const char *text, struct rv_image_header *h, struct mkfimce_error *e)
{
	struct rv_grant g = {.kind = RV_GRANT_PORTS};
	uint64_t first;
	uint64_t count = 1;
	const char *end;

	if (!describe_number(text, &first, &end) || (*end == '+' && !describe_number(end + 1, &count, &end)) ||
	    *end != '\0')
		return mkfimce_fail(e, "ports: '%s' is not FIRST or FIRST+COUNT", text);
	if (count == 0 || first > 0xffff || count > 0x10000 - first)
		return mkfimce_fail(e, "ports: '%s' is not within the ports 0 to 0xffff", text);
	g.first = (uint32_t)first;
	g.count = (uint32_t)count;
	return describe_add_grant(h, &g, e);
}

static bool describe_gsi(const char *text, struct rv_image_header *h, struct mkfimce_error *e)
{
	struct rv_grant g = {.kind = RV_GRANT_GSI, .count = 1};
	uint64_t number;
	const char *end;

	if (!describe_number(text, &number, &end) || *end != '\0' || number > UINT32_MAX)
		return mkfimce_fail(e, "gsi: '%s' is not a number", text);
	g.first = (uint32_t)number;
	return describe_add_grant(h, &g, e);
}

static bool describe_build_id(const char *text, uint8_t *id, size_t size, struct mkfimce_error *e)
{
	if (strlen(text) != 2 * size || strspn(text, "0123456789abcdefABCDEF") != 2 * size)
		return mkfimce_fail(e, "target-build-id: '%s' does not have %zu hexadecimal digits", text, 2 * size);
	for (size_t i = 0; i < size; i++) {
		char byte[3] = {text[2 * i], text[2 * i + 1], '\0'};

		id[i] = (uint8_t)strtoul(byte, NULL, 16);
	}
	return true;
}

bool mkfimce_describe(struct mkfimce_image *image, const char *line, struct mkfimce_error *e)
{
	struct rv_image_header *h = &image->header;
	const char *value = strchr(line, '=');
	char key[32];

	if (!value || value == line || (size_t)(value - line) >= sizeof(key))
		return mkfimce_fail(e, "'%s' is not key=value", line);
	memcpy(key, line, (size_t)(value - line));
	key[value - line] = '\0';
	value++;
	if (strcmp(key, "name") == 0)
		return describe_text(key, value, h->name, sizeof(h->name), e);
	if (strcmp(key, "stack") == 0) {
		if (!describe_bytes(key, value, RV_FIMCE_MAX_STACK, &h->stack_bytes, e))
			return false;
		return h->stack_bytes > 0 || mkfimce_fail(e, "stack: a task needs a stack");
	}
	if (strcmp(key, "output") == 0)
		return describe_bytes(key, value, RV_FIMCE_MAX_OUTPUT, &h->output_bytes, e);
	if (strcmp(key, "budget") == 0)
		return describe_budget(value, &h->budget_us, e);
	if (strcmp(key, "capabilities") == 0)
		return describe_capabilities(value, &h->capabilities, e);
	if (strcmp(key, "range") == 0)
		return describe_range(value, h, e);
	if (strcmp(key, "pci") == 0)
		return describe_pci(value, h, e);
	if (strcmp(key, "ports") == 0)
		return describe_ports(value, h, e);
	if (strcmp(key, "gsi") == 0)
		return describe_gsi(value, h, e);
	if (strcmp(key, "target-name") == 0)
		return describe_text(key, value, h->target_name, sizeof(h->target_name), e);
	if (strcmp(key, "target-build-id") == 0)
		return describe_build_id(value, h->target_build_id, sizeof(h->target_build_id), e);
	return mkfimce_fail(e, "key '%s' is unknown", key);
}

bool mkfimce_describe_file(struct mkfimce_image *image, const char *path, struct mkfimce_error *e)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t room = 0;
	size_t number = 0;
	bool ok = true;

	if (!f)
		return mkfimce_fail(e, "%s: %s", path, strerror(errno));
	while (ok && getline(&line, &room, f) >= 0) {
		struct mkfimce_error why = {.text = ""};

		number++;
		line[strcspn(line, "\r\n")] = '\0';
		if (line[0] == '\0' || line[0] == '#')
			continue;
		ok = mkfimce_describe(image, line, &why);
		if (!ok)
			mkfimce_fail(e, "%s:%zu: %.400s", path, number, why.text);
	}
	if (ok && ferror(f))
		ok = mkfimce_fail(e, "%s: cannot be read", path);
	free(line);
	(void)fclose(f);
	return ok;
}
