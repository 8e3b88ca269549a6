/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_cbor.c - the CBOR pillar against RFC 8949, appendix A, and against hostile input.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hex.h"

#include <cbor/cbor.h>

#include <inttypes.h>
#include <stdbool.h>

/** Text that grows. */
struct text {
	char s[1024];
	size_t used;
};

static void text_add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void text_add(struct text *t, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(t->s + t->used, sizeof(t->s) - t->used, format, arguments);
	va_end(arguments);
	assert_true(n >= 0 && (size_t)n < sizeof(t->s) - t->used);
	t->used += (size_t)n;
}

/** Reads one item with the typed functions and writes it in diagnostic notation (RFC 8949, section 8). */
static bool diagnose(struct rv_cbor *c, struct text *t)
{
	struct rv_cbor_slice s;
	uint64_t u;
	int64_t i;
	size_t n;
	bool b;

	switch (rv_cbor_peek(c)) {
	case RV_CBOR_UINT:
		if (!rv_cbor_read_uint(c, &u))
			return false;
		text_add(t, "%" PRIu64, u);
		return true;
	case RV_CBOR_NEGINT:
		if (!rv_cbor_read_int(c, &i))
			return false;
		text_add(t, "%" PRId64, i);
		return true;
	case RV_CBOR_BYTES:
		if (!rv_cbor_read_bytes(c, &s))
			return false;
		text_add(t, "h'");
		for (n = 0; n < s.size; n++)
			text_add(t, "%02x", s.data[n]);
		text_add(t, "'");
		return true;
	case RV_CBOR_TEXT:
		if (!rv_cbor_read_text(c, &s))
			return false;
		text_add(t, "\"%.*s\"", (int)s.size, (const char *)s.data);
		return true;
	case RV_CBOR_ARRAY:
		if (!rv_cbor_read_array(c, &n))
			return false;
		text_add(t, "[");
		for (size_t k = 0; k < n; k++) {
			text_add(t, "%s", k > 0 ? ", " : "");
			if (!diagnose(c, t))
				return false;
		}
		text_add(t, "]");
		return true;
	case RV_CBOR_MAP:
		if (!rv_cbor_read_map(c, &n))
			return false;
		text_add(t, "{");
		for (size_t k = 0; k < n; k++) {
			text_add(t, "%s", k > 0 ? ", " : "");
			if (!diagnose(c, t))
				return false;
			text_add(t, ": ");
			if (!diagnose(c, t))
				return false;
		}
		text_add(t, "}");
		return true;
	case RV_CBOR_TAG:
		if (!rv_cbor_read_tag(c, &u))
			return false;
		text_add(t, "%" PRIu64 "(", u);
		if (!diagnose(c, t))
			return false;
		text_add(t, ")");
		return true;
	case RV_CBOR_SIMPLE:
		/* null is told apart by its only byte: reading it as a truth value must fail. */
		if (c->data[c->at] == 0xf6) {
			if (!rv_cbor_read_null(c))
				return false;
			text_add(t, "null");
			return true;
		}
		if (!rv_cbor_read_bool(c, &b))
			return false;
		text_add(t, b ? "true" : "false");
		return true;
	case RV_CBOR_END:
		break;
	}
	/* Let the reader say why. */
	return rv_cbor_skip(c, NULL);
}

static void test_appendix_a(void **state)
{
	static const struct {
		const char *hex;
		const char *text;
	} vectors[] = {
	    {"00", "0"},
	    {"01", "1"},
	    {"0a", "10"},
	    {"17", "23"},
	    {"1818", "24"},
	    {"1819", "25"},
	    {"1864", "100"},
	    {"1903e8", "1000"},
	    {"1a000f4240", "1000000"},
	    {"1b000000e8d4a51000", "1000000000000"},
	    {"1bffffffffffffffff", "18446744073709551615"},
	    {"20", "-1"},
	    {"29", "-10"},
	    {"3863", "-100"},
	    {"3903e7", "-1000"},
	    {"3b7fffffffffffffff", "-9223372036854775808"},
	    {"f4", "false"},
	    {"f5", "true"},
	    {"f6", "null"},
	    {"c249010000000000000000", "2(h'010000000000000000')"},
	    {"c074323031332d30332d32315432303a30343a30305a", "0(\"2013-03-21T20:04:00Z\")"},
	    {"c11a514b67b0", "1(1363896240)"},
	    {"d74401020304", "23(h'01020304')"},
	    {"d818456449455446", "24(h'6449455446')"},
	    {"d82076687474703a2f2f7777772e6578616d706c652e636f6d", "32(\"http://www.example.com\")"},
	    {"40", "h''"},
	    {"4401020304", "h'01020304'"},
	    {"60", "\"\""},
	    {"6161", "\"a\""},
	    {"6449455446", "\"IETF\""},
	    {"62225c", "\"\"\\\""},
	    {"62c3bc", "\"\u00fc\""},
	    {"63e6b0b4", "\"\u6c34\""},
	    {"64f0908591", "\"\U00010151\""},
	    {"80", "[]"},
	    {"83010203", "[1, 2, 3]"},
	    {"8301820203820405", "[1, [2, 3], [4, 5]]"},
	    {"98190102030405060708090a0b0c0d0e0f101112131415161718181819",
	     "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25]"},
	    {"a0", "{}"},
	    {"a201020304", "{1: 2, 3: 4}"},
	    {"a26161016162820203", "{\"a\": 1, \"b\": [2, 3]}"},
	    {"826161a161626163", "[\"a\", {\"b\": \"c\"}]"},
	    {"a56161614161626142616361436164614461656145",
	     "{\"a\": \"A\", \"b\": \"B\", \"c\": \"C\", \"d\": \"D\", \"e\": \"E\"}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct text t = {.used = 0};
		struct rv_cbor_slice item;
		struct rv_cbor c;
		size_t size;
		uint8_t *bytes = hex_decode(vectors[i].hex, &size);

		rv_cbor_open(&c, bytes, size);
		assert_true(diagnose(&c, &t));
		assert_true(rv_cbor_close(&c));
		assert_true(rv_cbor_at_end(&c));
		assert_string_equal(t.s, vectors[i].text);

		rv_cbor_open(&c, bytes, size);
		assert_true(rv_cbor_skip(&c, &item));
		assert_ptr_equal(item.data, bytes);
		assert_int_equal(item.size, size);
		assert_true(rv_cbor_check(bytes, size, NULL));
		/* Every proper prefix is truncated, and is refused without a read behind its end. */
		for (size_t cut = 0; cut < size; cut++) {
			uint8_t *part = malloc(cut > 0 ? cut : 1);

			assert_non_null(part);
			memcpy(part, bytes, cut);
			assert_false(rv_cbor_check(part, cut, NULL));
			free(part);
		}
		free(bytes);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *hex;
		enum rv_cbor_error error;
		size_t fault;
	} vectors[] = {
	    {"", RV_CBOR_TRUNCATED, 0},
	    {"18", RV_CBOR_TRUNCATED, 0},
	    {"1b00000000000000", RV_CBOR_TRUNCATED, 0},
	    {"41", RV_CBOR_TRUNCATED, 0},
	    {"5bffffffffffffffff00", RV_CBOR_TRUNCATED, 0},
	    {"7bffffffffffffffff00", RV_CBOR_TRUNCATED, 0},
	    {"9bffffffffffffffff00", RV_CBOR_TRUNCATED, 0},
	    {"bbffffffffffffffff0000", RV_CBOR_TRUNCATED, 0},
	    {"bb80000000000000000000", RV_CBOR_TRUNCATED, 0},
	    {"8201", RV_CBOR_TRUNCATED, 0},
	    {"83010203ff", RV_CBOR_TRAILING, 4},
	    {"0000", RV_CBOR_TRAILING, 1},
	    {"a10102ff", RV_CBOR_TRAILING, 3},
	    {"a2010203", RV_CBOR_TRUNCATED, 0},
	    {"8281", RV_CBOR_TRUNCATED, 0},
	    {"828101", RV_CBOR_TRUNCATED, 3},
	    {"c1", RV_CBOR_TRUNCATED, 1},
	    /* longer than needed */
	    {"1800", RV_CBOR_NOT_SHORTEST, 0},
	    {"1817", RV_CBOR_NOT_SHORTEST, 0},
	    {"1900ff", RV_CBOR_NOT_SHORTEST, 0},
	    {"1a0000ffff", RV_CBOR_NOT_SHORTEST, 0},
	    {"1b00000000ffffffff", RV_CBOR_NOT_SHORTEST, 0},
	    {"3817", RV_CBOR_NOT_SHORTEST, 0},
	    {"580100", RV_CBOR_NOT_SHORTEST, 0},
	    {"9800", RV_CBOR_NOT_SHORTEST, 0},
	    {"b80100", RV_CBOR_NOT_SHORTEST, 0},
	    {"d81700", RV_CBOR_NOT_SHORTEST, 0},
	    /* indefinite */
	    {"5f42010243030405ff", RV_CBOR_INDEFINITE, 0},
	    {"7f657374726561646d696e67ff", RV_CBOR_INDEFINITE, 0},
	    {"9fff", RV_CBOR_INDEFINITE, 0},
	    {"81bfff", RV_CBOR_INDEFINITE, 1},
	    {"ff", RV_CBOR_INDEFINITE, 0},
	    /* reserved */
	    {"1c", RV_CBOR_RESERVED, 0},
	    {"3d", RV_CBOR_RESERVED, 0},
	    {"5e", RV_CBOR_RESERVED, 0},
	    {"fc", RV_CBOR_RESERVED, 0},
	    /* floats, undefined, simple */
	    {"f90000", RV_CBOR_UNSUPPORTED, 0},
	    {"fa47c35000", RV_CBOR_UNSUPPORTED, 0},
	    {"fb3ff199999999999a", RV_CBOR_UNSUPPORTED, 0},
	    {"f7", RV_CBOR_UNSUPPORTED, 0},
	    {"e0", RV_CBOR_UNSUPPORTED, 0},
	    {"f0", RV_CBOR_UNSUPPORTED, 0},
	    {"f8ff", RV_CBOR_UNSUPPORTED, 0},
	    {"8201f7", RV_CBOR_UNSUPPORTED, 2},
	    /* not UTF-8: bare continuation, overlong, surrogate, too high, cut off */
	    {"6180", RV_CBOR_UTF8, 0},
	    {"62c080", RV_CBOR_UTF8, 0},
	    {"62c1bf", RV_CBOR_UTF8, 0},
	    {"63e08080", RV_CBOR_UTF8, 0},
	    {"63eda080", RV_CBOR_UTF8, 0},
	    {"64f0808080", RV_CBOR_UTF8, 0},
	    {"64f4908080", RV_CBOR_UTF8, 0},
	    {"64f5808080", RV_CBOR_UTF8, 0},
	    {"61c3", RV_CBOR_UTF8, 0},
	    {"62c341", RV_CBOR_UTF8, 0},
	    {"8200626180", RV_CBOR_UTF8, 2},
	    /* map keys out of order or twice; shorter encodings come first */
	    {"a202000100", RV_CBOR_ORDER, 3},
	    {"a201000100", RV_CBOR_ORDER, 3},
	    {"a22000181800", RV_CBOR_ORDER, 3},
	    {"a2616200616100", RV_CBOR_ORDER, 4},
	    {"a262616200616300", RV_CBOR_ORDER, 5},
	    {"81a201000100", RV_CBOR_ORDER, 4},
	    {"a28101008101f4", RV_CBOR_ORDER, 4},
	    {"a201a2020001000200", RV_CBOR_ORDER, 5},
	    /* 17 levels */
	    {"818181818181818181818181818181818100", RV_CBOR_DEPTH, 16},
	    {"c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c100", RV_CBOR_DEPTH, 16},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct rv_cbor c;
		size_t size;
		size_t fault = 999;
		uint8_t *bytes = hex_decode(vectors[i].hex, &size);
		bool ok;

		rv_cbor_open(&c, bytes, size);
		ok = rv_cbor_skip(&c, NULL) && rv_cbor_close(&c);
		if (ok || c.error != vectors[i].error || c.fault != vectors[i].fault)
			fail_msg("%s: error %d at %zu, expected %d at %zu", vectors[i].hex, (int)c.error, c.fault,
				 (int)vectors[i].error, vectors[i].fault);
		assert_false(rv_cbor_check(bytes, size, &fault));
		assert_int_equal(fault, vectors[i].fault);
		free(bytes);
	}
}

static void test_depth_limit_is_reached(void **state)
{
	size_t size;
	/* 16 levels are fine, also when an inner one is closed before another is opened. */
	uint8_t *bytes = hex_decode("82818181818181818181818181818181008181818181818181818181818181818100", &size);

	(void)state;
	assert_true(rv_cbor_check(bytes + 1, 16, NULL));
	assert_true(rv_cbor_check(bytes, size - 2, NULL) == false);
	free(bytes);
	bytes = hex_decode("828181818181818181818181818181810081818181818181818181818181818100", &size);
	assert_true(rv_cbor_check(bytes, size, NULL));
	free(bytes);
}

static void test_failed_cursor_stays(void **state)
{
	static const uint8_t bytes[] = {0x01, 0x61, 0x61, 0x02};
	struct rv_cbor_slice s = {NULL, 77};
	struct rv_cbor c;
	uint64_t u = 5;
	int64_t i = 6;
	size_t n = 7;
	bool b = true;

	(void)state;
	rv_cbor_open(&c, bytes, sizeof(bytes));
	assert_true(rv_cbor_read_uint(&c, &u));
	assert_int_equal(u, 1);
	assert_false(rv_cbor_read_bytes(&c, &s));
	assert_int_equal(c.error, RV_CBOR_TYPE);
	assert_int_equal(c.fault, 1);
	assert_int_equal(c.at, 1);
	assert_int_equal(rv_cbor_peek(&c), RV_CBOR_END);
	assert_false(rv_cbor_read_text(&c, &s));
	assert_false(rv_cbor_read_uint(&c, &u));
	assert_false(rv_cbor_read_int(&c, &i));
	assert_false(rv_cbor_read_array(&c, &n));
	assert_false(rv_cbor_read_map(&c, &n));
	assert_false(rv_cbor_read_tag(&c, &u));
	assert_false(rv_cbor_read_bool(&c, &b));
	assert_false(rv_cbor_read_null(&c));
	assert_false(rv_cbor_skip(&c, &s));
	assert_false(rv_cbor_close(&c));
	assert_false(rv_cbor_at_end(&c));
	assert_false(rv_cbor_fail(&c, RV_CBOR_RANGE));
	assert_int_equal(c.error, RV_CBOR_TYPE);
	assert_int_equal(c.at, 1);
	assert_int_equal(u, 1);
	assert_int_equal(i, 6);
	assert_int_equal(n, 7);
	assert_int_equal(s.size, 77);
	assert_true(b);
}

static void test_types_and_range(void **state)
{
	static const uint8_t big[] = {0x1b, 0x80, 0, 0, 0, 0, 0, 0, 0};
	static const uint8_t low[] = {0x3b, 0x80, 0, 0, 0, 0, 0, 0, 0};
	static const uint8_t nothing[] = {0xf6};
	static const uint8_t truth[] = {0xf5};
	struct rv_cbor c;
	int64_t i = 1;
	uint64_t u = 2;
	bool b = false;

	(void)state;
	rv_cbor_open(&c, big, sizeof(big));
	assert_false(rv_cbor_read_int(&c, &i));
	assert_int_equal(c.error, RV_CBOR_RANGE);
	rv_cbor_open(&c, low, sizeof(low));
	assert_false(rv_cbor_read_int(&c, &i));
	assert_int_equal(c.error, RV_CBOR_RANGE);
	rv_cbor_open(&c, low, sizeof(low));
	assert_false(rv_cbor_read_uint(&c, &u));
	assert_int_equal(c.error, RV_CBOR_TYPE);
	rv_cbor_open(&c, nothing, sizeof(nothing));
	assert_false(rv_cbor_read_bool(&c, &b));
	assert_int_equal(c.error, RV_CBOR_TYPE);
	rv_cbor_open(&c, truth, sizeof(truth));
	assert_false(rv_cbor_read_null(&c));
	assert_int_equal(c.error, RV_CBOR_TYPE);
	rv_cbor_open(&c, truth, sizeof(truth));
	assert_false(rv_cbor_fail(&c, RV_CBOR_RANGE));
	assert_int_equal(c.error, RV_CBOR_RANGE);
	assert_int_equal(i, 1);
	assert_int_equal(u, 2);
	rv_cbor_open(&c, NULL, 0);
	assert_true(rv_cbor_at_end(&c));
	assert_true(rv_cbor_close(&c));
}

static void test_inner_faults_are_absolute(void **state)
{
	/* [ h'01 ff' ] */
	static const uint8_t bytes[] = {0x81, 0x42, 0x01, 0xff};
	static const uint8_t elsewhere[1];
	struct rv_cbor_slice s;
	struct rv_cbor outer;
	struct rv_cbor inner;
	uint64_t u;
	size_t n;

	(void)state;
	rv_cbor_open(&outer, bytes, sizeof(bytes));
	assert_true(rv_cbor_read_array(&outer, &n));
	assert_true(rv_cbor_read_bytes(&outer, &s));
	assert_true(rv_cbor_close(&outer));
	rv_cbor_open_inner(&inner, &outer, s);
	assert_true(rv_cbor_read_uint(&inner, &u));
	assert_false(rv_cbor_skip(&inner, NULL));
	assert_int_equal(inner.error, RV_CBOR_INDEFINITE);
	assert_int_equal(inner.fault, 3);

	s.size = 3;
	rv_cbor_open_inner(&inner, &outer, s);
	assert_false(rv_cbor_read_uint(&inner, &u));
	assert_int_equal(inner.error, RV_CBOR_TRUNCATED);
	s.data = elsewhere;
	s.size = 1;
	rv_cbor_open_inner(&inner, &outer, s);
	assert_int_equal(inner.error, RV_CBOR_TRUNCATED);
}

static void test_slice_is(void **state)
{
	static const uint8_t text[] = "updates";
	struct rv_cbor_slice s = {text, 6};

	(void)state;
	assert_true(rv_cbor_slice_is(s, "update"));
	assert_false(rv_cbor_slice_is(s, "updates"));
	assert_false(rv_cbor_slice_is(s, "updata"));
	s.size = 0;
	assert_true(rv_cbor_slice_is(s, ""));
	assert_false(rv_cbor_slice_is(s, "u"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_appendix_a),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_depth_limit_is_reached),
	    cmocka_unit_test(test_failed_cursor_stays),
	    cmocka_unit_test(test_types_and_range),
	    cmocka_unit_test(test_inner_faults_are_absolute),
	    cmocka_unit_test(test_slice_is),
	};

	return cmocka_run_group_tests_name("fimce/cbor", tests, NULL, NULL);
}
