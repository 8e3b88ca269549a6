/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmdline.c - reads Ravelin's own command line.
 */
#include "cmdline.h"

#define POOL_DEFAULT (64u << 20)
#define POOL_UNIT (2u << 20)
#define BAUD_DEFAULT 115200u

enum option {
	OPTION_POOL,
	OPTION_CONSOLE,
	OPTION_TRUST,
	OPTION_IOMMU,
	OPTION_FALLBACK,
	OPTION_COUNT
};

static const char option_name[OPTION_COUNT][10] = {"pool", "console", "trust", "iommu", "fallback"};

struct value {
	const char *text;
	size_t length;
};

bool cmdline_word_next(const char **text, size_t *length, const char **word, size_t *word_length)
{
	const char *at = *text;
	size_t left = *length;

	for (; left && (*at == ' ' || *at == '\t'); left--)
		at++;
	*word = at;
	for (; left && *at != ' ' && *at != '\t'; left--)
		at++;
	*word_length = (size_t)(at - *word);
	*text = at;
	*length = left;
	return *word_length > 0;
}

/* Cuts a decimal number off the value; at least one digit, at most what fits into 32 bits. */
static bool number_cut(struct value *value, uint32_t *number)
{
	uint64_t result = 0;
	size_t digits = 0;

	for (; value->length && *value->text >= '0' && *value->text <= '9'; digits++) {
		result = result * 10 + (uint64_t)(*value->text - '0');
		if (result > UINT32_MAX)
			return false;
		value->text++;
		value->length--;
	}
	*number = (uint32_t)result;
	return digits > 0;
}

static bool pool_read(struct value value, struct cmdline *options, struct boot_error *error)
{
	struct value rest = value;
	uint32_t number;
	uint64_t bytes;

	if (!number_cut(&rest, &number))
		return text_fail(error, "option pool=%.*s: not a number; use for example pool=64M", (int)value.length,
				 value.text);
	bytes = number;
	if (text_equals(rest.text, rest.length, "K") || text_equals(rest.text, rest.length, "k"))
		bytes <<= 10;
	else if (text_equals(rest.text, rest.length, "M") || text_equals(rest.text, rest.length, "m"))
		bytes <<= 20;
	else if (text_equals(rest.text, rest.length, "G") || text_equals(rest.text, rest.length, "g"))
		bytes <<= 30;
	else if (rest.length)
		return text_fail(error, "option pool=%.*s: the unit must be K, M or G", (int)value.length, value.text);
	if (bytes < RV_POOL_MIN || bytes > RV_POOL_MAX)
		return text_fail(error, "option pool=%.*s: must be from %uM to %uM", (int)value.length, value.text,
				 RV_POOL_MIN >> 20, RV_POOL_MAX >> 20);
	if (bytes % POOL_UNIT)
		return text_fail(error, "option pool=%.*s: must be a multiple of 2M", (int)value.length, value.text);
	options->pool_bytes = bytes;
	return true;
}

static bool console_read(struct value value, struct cmdline *options, struct boot_error *error)
{
	static const char port[] = "ttyS0";
	struct value rest = value;
	uint32_t baud = BAUD_DEFAULT;

	if (text_equals(value.text, value.length, "none")) {
		options->serial_port = 0;
		return true;
	}
	if (value.length < sizeof(port) - 1 || !text_equals(value.text, sizeof(port) - 1, port))
		return text_fail(error, "option console=%.*s: use console=ttyS0, console=ttyS0,BAUD or console=none",
				 (int)value.length, value.text);
	rest.text += sizeof(port) - 1;
	rest.length -= sizeof(port) - 1;
	if (rest.length) {
		bool ok = *rest.text == ',';

		rest.text++;
		rest.length--;
		ok = ok && number_cut(&rest, &baud);
		/* Linux users write the frame format, too; ours is always 8 bits without parity. */
		ok = ok && (!rest.length || text_equals(rest.text, rest.length, "n8"));
		if (!ok || !baud || BAUD_DEFAULT % baud || BAUD_DEFAULT / baud > UINT16_MAX)
			return text_fail(error,
					 "option console=%.*s: the baud rate must divide 115200, for example "
					 "console=ttyS0,9600",
					 (int)value.length, value.text);
	}
	options->serial_port = CMDLINE_SERIAL_PORT;
	options->baud = baud;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool trust_read(struct value value, struct cmdline *options, struct boot_error *error)
{
	static const char prefix[] = "sha256:";
	const size_t skip = sizeof(prefix) - 1;
	uint8_t digest[RV_DIGEST_SIZE];

	if (value.length != skip + 2 * sizeof(digest) || !text_equals(value.text, skip, prefix))
		return text_fail(error, "option trust=%.*s: must be sha256: and 64 hexadecimal digits",
				 (int)value.length, value.text);
	for (size_t i = 0; i < sizeof(digest); i++) {
		int high = hex_digit(value.text[skip + 2 * i]);
		int low = hex_digit(value.text[skip + 2 * i + 1]);

		if (high < 0 || low < 0)
			return text_fail(error, "option trust=%.*s: digit %u is not hexadecimal", (int)value.length,
					 value.text, (unsigned int)(2 * i + (high < 0 ? 1 : 2)));
		digest[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(options->trust_anchor, digest, sizeof(digest));
	options->trusted = true;
	return true;
}

static bool iommu_read(struct value value, struct cmdline *options, struct boot_error *error)
{
	if (text_equals(value.text, value.length, "auto"))
		options->iommu = CMDLINE_IOMMU_AUTO;
	else if (text_equals(value.text, value.length, "require"))
		options->iommu = CMDLINE_IOMMU_REQUIRE;
	else if (text_equals(value.text, value.length, "off"))
		options->iommu = CMDLINE_IOMMU_OFF;
	else
		return text_fail(error, "option iommu=%.*s: must be auto, require or off", (int)value.length,
				 value.text);
	return true;
}

static bool fallback_read(struct value value, struct cmdline *options, struct boot_error *error)
{
	if (text_equals(value.text, value.length, "yes"))
		options->fallback = true;
	else if (text_equals(value.text, value.length, "no"))
		options->fallback = false;
	else
		return text_fail(error, "option fallback=%.*s: must be yes or no", (int)value.length, value.text);
	return true;
}

static bool option_read(const char *word, size_t length, unsigned int *seen, struct cmdline *options,
			struct boot_error *error)
{
	size_t name = 0;

	while (name < length && word[name] != '=')
		name++;
	for (unsigned int i = 0; i < OPTION_COUNT; i++) {
		struct value value;

		if (!text_equals(word, name, option_name[i]))
			continue;
		if (name == length)
			return text_fail(error, "option %.*s: needs a value, as in %s=...", (int)length, word,
					 option_name[i]);
		if (*seen & 1u << i)
			return text_fail(error, "option %s= is given twice", option_name[i]);
		*seen |= 1u << i;
		value.text = word + name + 1;
		value.length = length - name - 1;
		switch ((enum option)i) {
		case OPTION_POOL:
			return pool_read(value, options, error);
		case OPTION_CONSOLE:
			return console_read(value, options, error);
		case OPTION_TRUST:
			return trust_read(value, options, error);
		case OPTION_IOMMU:
			return iommu_read(value, options, error);
		default:
			return fallback_read(value, options, error);
		}
	}
	return text_fail(error, "unknown option %.*s; the options are pool=, console=, trust=, iommu= and fallback=",
			 (int)length, word);
}

bool cmdline_parse(const char *text, size_t length, struct cmdline *options, struct boot_error *error)
{
	struct boot_error ignored;
	const char *word;
	size_t word_length;
	unsigned int seen = 0;
	bool ok = true;

	memset(options, 0, sizeof(*options));
	options->pool_bytes = POOL_DEFAULT;
	options->serial_port = CMDLINE_SERIAL_PORT;
	options->baud = BAUD_DEFAULT;
	while (cmdline_word_next(&text, &length, &word, &word_length)) {
		/* fallback= and console= must be known even if an option before them is bad. */
		if (!option_read(word, word_length, &seen, options, ok ? error : &ignored))
			ok = false;
	}
	return ok;
}
