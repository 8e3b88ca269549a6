/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * uih.c - the steps of an update: check, apply, revert. See uih.h.
 *
 * The target stands still while uih_step_apply runs, so nothing is hashed there: prepare proves that the image's data have
 * the digests that the manifest names, apply compares bytes.
 */
#include <uih/uih.h>

#include <crypto/crypto.h>
#include <string.h>

/* A description can do without any of them. */
#pragma weak update_prepare
#pragma weak update_apply
#pragma weak update_self_check
#pragma weak update_revert

static bool uih_fail(struct uih_failure *why, int64_t status, uint32_t reason, uint64_t value)
{
	why->status = status;
	why->reason = reason;
	why->value = value;
	return false;
}

/** Passes on what a hook returned. A positive number is no success either. */
static bool uih_hook_result(int result, uint32_t reason, struct uih_failure *why)
{
	if (result == 0)
		return true;
	return uih_fail(why, result < 0 ? result : -RV_EINVAL, reason, (uint64_t)(int64_t)result);
}

/** A word from any address. The compiler's own memcpy is one instruction; -ffreestanding makes a call of the library's. */
static uint64_t uih_word(const uint8_t *at)
{
	uint64_t word;

	__builtin_memcpy(&word, at, sizeof(word));
	return word;
}

/** Offset of the first byte in which a and b differ, or bytes. Compares words, the pause of the target is counted. */
static uint64_t uih_first_difference(const uint8_t *a, const uint8_t *b, uint64_t bytes)
{
	uint64_t i = 0;

	while (bytes - i >= sizeof(uint64_t) && uih_word(a + i) == uih_word(b + i))
		i += sizeof(uint64_t);
	while (i < bytes && a[i] == b[i])
		i++;
	return i;
}

/** Offset of the first byte that is not zero, or bytes. */
static uint64_t uih_first_nonzero(const uint8_t *a, uint64_t bytes)
{
	uint64_t i = 0;

	while (bytes - i >= sizeof(uint64_t) && uih_word(a + i) == 0)
		i += sizeof(uint64_t);
	while (i < bytes && a[i] == 0)
		i++;
	return i;
}

/** Checks that the pages of [address, address + bytes) are there and of the kind given. */
static bool uih_check_pages(const struct uih *uih, uint64_t address, uint64_t bytes, uint32_t kind,
			    struct uih_failure *why)
{
	uint64_t va = address + uih->bias;
	uint64_t last = va + bytes - 1;
	uint32_t i = 0;

	if (bytes == 0)
		return true;
	if (last < va)
		return uih_fail(why, -RV_EFAULT, RV_REASON_UPDATE_MAPPING, va);
	va &= ~(uint64_t)(RV_PAGE_SIZE - 1);
	for (;;) {
		while (i < uih->page_count && uih->page[i].va < va)
			i++;
		if (i == uih->page_count || uih->page[i].va != va || uih->page[i].kind != kind)
			return uih_fail(why, -RV_EFAULT, RV_REASON_UPDATE_MAPPING, va);
		if (last - va < RV_PAGE_SIZE)
			return true;
		va += RV_PAGE_SIZE;
	}
}

static bool uih_check_mapping(const struct uih *uih, struct uih_failure *why)
{
	const struct uih_description *d = uih->description;

	for (uint32_t i = 0; i < d->patch_count; i++)
		if (!uih_check_pages(uih, d->patch[i].address, d->patch[i].bytes, RV_TARGET_TEXT, why))
			return false;
	for (uint32_t i = 0; i < d->region_count; i++)
		if (!uih_check_pages(uih, d->region[i].address, d->region[i].bytes, RV_TARGET_FRESH, why))
			return false;
	return true;
}

/** Checks that code is old and fresh memory is zero. */
static bool uih_check_old_content(const struct uih *uih, struct uih_failure *why)
{
	const struct uih_description *d = uih->description;

	for (uint32_t i = 0; i < d->patch_count; i++) {
		const struct uih_patch *p = &d->patch[i];
		uint64_t same = uih_first_difference(uih_pointer(uih, p->address), p->old_content, p->bytes);

		if (same < p->bytes)
			return uih_fail(why, -RV_EBADMSG, RV_REASON_UPDATE_OLD_CONTENT, p->address + uih->bias + same);
	}
	for (uint32_t i = 0; i < d->region_count; i++) {
		const struct uih_region *r = &d->region[i];
		uint64_t same = uih_first_nonzero(uih_pointer(uih, r->address), r->bytes);

		if (same < r->bytes)
			return uih_fail(why, -RV_EBADMSG, RV_REASON_UPDATE_OLD_CONTENT, r->address + uih->bias + same);
	}
	return true;
}

/** True if a thread that goes on at rip would execute code that is replaced, or that no entry leads to any more. */
static bool uih_is_inside(const struct uih *uih, uint64_t rip)
{
	const struct uih_description *d = uih->description;
	uint64_t address = rip - uih->bias;

	/* A thread at the first byte has not entered: it will find the jump there. */
	for (uint32_t i = 0; i < d->patch_count; i++)
		if (address > d->patch[i].address && address - d->patch[i].address < d->patch[i].bytes)
			return true;
	for (uint64_t i = 0; i < d->old_code_count; i++)
		if (address - d->old_code[i].address < d->old_code[i].bytes)
			return true;
	return false;
}

static bool uih_check_threads(const struct uih *uih, struct uih_failure *why)
{
	uint32_t count = uih->threads->count;

	if (count == 0 || count > RV_UPDATE_MAX_THREADS)
		return uih_fail(why, -RV_EINVAL, RV_REASON_UPDATE_THREADS, count);
	for (uint32_t i = 0; i < count; i++)
		if (uih_is_inside(uih, uih->threads->thread[i].rip))
			return uih_fail(why, -RV_EAGAIN, RV_REASON_UPDATE_THREAD, uih->threads->thread[i].rip);
	return true;
}

static void uih_fill_region(const struct uih *uih, const struct uih_region *r)
{
	uint8_t *to = uih_pointer(uih, r->address);

	memcpy(to, r->content, (size_t)r->content_bytes);
	for (uint32_t i = 0; i < r->fixup_count; i++) {
		uint64_t word = uih_word(to + r->fixup[i]) + uih->bias;

		__builtin_memcpy(to + r->fixup[i], &word, sizeof(word));
	}
}

/** True if a region holds its content, biased, and zeros behind it. */
static bool uih_region_is_filled(const struct uih *uih, const struct uih_region *r)
{
	const uint8_t *at = uih_pointer(uih, r->address);
	uint64_t done = 0;

	for (uint32_t i = 0; i < r->fixup_count; i++) {
		uint64_t offset = r->fixup[i];

		if (uih_word(at + offset) != uih_word(r->content + offset) + uih->bias ||
		    uih_first_difference(at + done, r->content + done, offset - done) < offset - done)
			return false;
		done = offset + sizeof(uint64_t);
	}
	return uih_first_difference(at + done, r->content + done, r->content_bytes - done) == r->content_bytes - done &&
	       uih_first_nonzero(at + r->content_bytes, r->bytes - r->content_bytes) == r->bytes - r->content_bytes;
}

static bool uih_check_new_content(const struct uih *uih, struct uih_failure *why)
{
	const struct uih_description *d = uih->description;

	for (uint32_t i = 0; i < d->patch_count; i++) {
		const struct uih_patch *p = &d->patch[i];
		const uint8_t *at = uih_pointer(uih, p->address);
		uint32_t kept = p->bytes - p->new_bytes;

		if (uih_first_difference(at, p->new_content, p->new_bytes) < p->new_bytes ||
		    uih_first_difference(at + p->new_bytes, p->old_content + p->new_bytes, kept) < kept)
			return uih_fail(why, -RV_EBADMSG, RV_REASON_UPDATE_AFTER, i);
	}
	for (uint32_t i = 0; i < d->region_count; i++)
		if (d->region[i].is_code && !uih_region_is_filled(uih, &d->region[i]))
			return uih_fail(why, -RV_EBADMSG, RV_REASON_UPDATE_AFTER, d->patch_count + i);
	return true;
}

static void uih_hash_number(struct rv_sha256 *s, uint64_t number)
{
	uint8_t bytes[8];

	for (unsigned int i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(number >> (8 * i));
	rv_sha256_add(s, bytes, sizeof(bytes));
}

static void uih_hash_zeros(struct rv_sha256 *s, uint64_t bytes)
{
	static const uint8_t zeros[256];

	for (uint64_t chunk; bytes > 0; bytes -= chunk) {
		chunk = bytes < sizeof(zeros) ? bytes : sizeof(zeros);
		rv_sha256_add(s, zeros, (size_t)chunk);
	}
}

uint64_t uih_digest(const struct uih *uih, bool after, uint8_t digest[RV_DIGEST_SIZE])
{
	const struct uih_description *d = uih->description;
	struct rv_sha256 s;
	uint64_t hashed = 0;

	rv_sha256_begin(&s);
	for (uint32_t i = 0; i < d->patch_count; i++) {
		const struct uih_patch *p = &d->patch[i];

		uih_hash_number(&s, p->address);
		uih_hash_number(&s, p->bytes);
		if (after) {
			rv_sha256_add(&s, p->new_content, p->new_bytes);
			rv_sha256_add(&s, p->old_content + p->new_bytes, p->bytes - p->new_bytes);
		} else {
			rv_sha256_add(&s, uih_pointer(uih, p->address), p->bytes);
		}
		hashed += 16 + p->bytes;
	}
	for (uint32_t i = 0; i < d->region_count; i++) {
		const struct uih_region *r = &d->region[i];

		if (!r->is_code)
			continue;
		uih_hash_number(&s, r->address);
		uih_hash_number(&s, r->bytes);
		if (after) {
			rv_sha256_add(&s, r->content, (size_t)r->content_bytes);
			uih_hash_zeros(&s, r->bytes - r->content_bytes);
		} else {
			rv_sha256_add(&s, uih_pointer(uih, r->address), (size_t)r->bytes);
		}
		hashed += 16 + r->bytes;
	}
	rv_sha256_end(&s, digest);
	return hashed;
}

bool uih_step_prepare(const struct uih *uih, const struct uih_expected *expected, struct uih_failure *why)
{
	const struct uih_description *d = uih->description;
	uint8_t digest[RV_DIGEST_SIZE];

	if (!uih_check_mapping(uih, why) || !uih_check_old_content(uih, why))
		return false;
	if (uih_digest(uih, false, digest) != expected->bytes || memcmp(digest, expected->before, RV_DIGEST_SIZE) != 0)
		return uih_fail(why, -RV_EBADMSG, RV_REASON_UPDATE_OLD_CONTENT, 0);
	if (uih_digest(uih, true, digest) != expected->bytes || memcmp(digest, expected->after, RV_DIGEST_SIZE) != 0)
		return uih_fail(why, -RV_EBADMSG, RV_REASON_UPDATE_AFTER, d->patch_count + d->region_count);
	return !update_prepare || uih_hook_result(update_prepare(uih), RV_REASON_UPDATE_CODE, why);
}

bool uih_step_apply(const struct uih *uih, struct uih_failure *why)
{
	const struct uih_description *d = uih->description;

	if (!uih_check_threads(uih, why) || !uih_check_old_content(uih, why))
		return false;
	for (uint32_t i = 0; i < d->region_count; i++)
		uih_fill_region(uih, &d->region[i]);
	if (update_apply && !uih_hook_result(update_apply(uih), RV_REASON_UPDATE_CODE, why))
		return false;
	for (uint32_t i = 0; i < d->patch_count; i++)
		memcpy(uih_pointer(uih, d->patch[i].address), d->patch[i].new_content, d->patch[i].new_bytes);
	if (!uih_check_new_content(uih, why))
		return false;
	return !update_self_check || uih_hook_result(update_self_check(uih), RV_REASON_UPDATE_SELF_CHECK, why);
}

bool uih_step_revert(const struct uih *uih, struct uih_failure *why)
{
	const struct uih_description *d = uih->description;

	if (update_revert && !uih_hook_result(update_revert(uih), RV_REASON_UPDATE_CODE, why))
		return false;
	for (uint32_t i = 0; i < d->patch_count; i++)
		memcpy(uih_pointer(uih, d->patch[i].address), d->patch[i].old_content, d->patch[i].new_bytes);
	for (uint32_t i = 0; i < d->region_count; i++)
		memset(uih_pointer(uih, d->region[i].address), 0, (size_t)d->region[i].bytes);
	return true;
}
