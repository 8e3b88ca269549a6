/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * call.h - hypercalls, their buffers, and the steps of a FIMCE's life, for bare guests. What is called static below is static
 * per CPU: all CPUs may work at the same time.
 */
#ifndef BARE_CALL_H
#define BARE_CALL_H

#include <ravelin/abi.h>

#include "x86.h"

/** What a hypercall gave back. */
struct call_result {
	int64_t value; /* RAX */
	uint64_t second; /* RDX: second result, or reason and CPU */
	uint64_t refused; /* R8 after a failure */
};

static inline uint32_t call_reason(struct call_result r)
{
	return r.value < 0 ? (uint32_t)r.second : 0;
}

struct call_result call(uint64_t number, uint64_t a, uint64_t b, uint64_t c);
/** With a fourth argument, which is 0 otherwise. */
struct call_result call_4(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d);

/** Up to pages * 4096 bytes, page aligned, and its frame list. */
struct call_buffer {
	struct rv_frames *frames;
	uint8_t *data;
	uint32_t pages;
};

/** Makes a buffer of new zero pages with a frame list that covers bytes of them. */
struct call_buffer buffer_make(uint32_t pages);
/** Sets the size that the frame list tells. */
void buffer_size(struct call_buffer *b, uint32_t bytes);

/** New zero pages, page aligned; they are never freed. Ends the test if there are none. */
void *memory_pages(uint32_t count);

/** A file of the archive that was booted as initrd; NULL if it is not there. */
const uint8_t *archive_file(const char *name, uint32_t *bytes);
/** The same, but a file that is not there ends the test. */
const uint8_t *archive_need(const char *name, uint32_t *bytes);

/** The value of NAME=number on the guest's command line, or the default. */
uint64_t option_number(const char *name, uint64_t or_else);

/** The first struct that GET_INFO fills; static, overwritten by the next call. */
const struct rv_info *info_get(void);
uint64_t pool_free(void);
/** One check that AUDIT finds nothing wrong. */
bool audit_clean(const char *when);
/** Number of log records with this reason that are newer than *since; *since becomes the newest record's number. *last, if
 * not NULL, gets the last one of them. */
uint32_t log_count(uint32_t reason, uint64_t *since, struct rv_log_record *last);
/** Prints the log records newer than since, for a failed check. */
void log_print(uint64_t since);

/** What fimce_create_image needs beyond the image. Zero fields take the values of the image's header. */
struct fimce_wish {
	const void *argument;
	uint32_t argument_bytes;
	uint64_t budget_us;
	const struct rv_target_page *target; /* sorted by va */
	uint32_t target_count;
	const void *envelope; /* in the place of the image; the image then only gives sizes */
	uint32_t envelope_bytes;
	const struct rv_grant *grant;
	uint32_t grant_count;
};

/** FIMCE_CREATE of an image (and its argument). */
struct call_result fimce_create_image(const uint8_t *image, uint32_t bytes, const struct fimce_wish *wish);
/** Fills in the input buffer and the create structure as fimce_create_image does, without the call. @return its address. */
uint64_t fimce_create_page(const uint8_t *image, uint32_t bytes, const struct fimce_wish *wish);
/** FIMCE_STATUS; static, overwritten by the next call. Zero id if the call failed. */
const struct rv_fimce_status *fimce_status(uint64_t id);
/** FIMCE_OUTPUT from offset 0; static buffer. @return bytes. */
int64_t fimce_output(uint64_t id, const uint8_t **data);
/** FIMCE_DESTROY, again while it is refused because the FIMCE still runs. */
struct call_result fimce_destroy(uint64_t id);

/* --- boot: bare.c */
extern const uint8_t *boot_params;
struct e820_entry {
	uint64_t base, size;
	uint32_t type;
} __attribute__((packed));
/** The memory map that the boot stub gave. */
const struct e820_entry *e820_map(uint32_t *count);

/** The test. Called on the first CPU with all of memory mapped; returns when all is done. */
void test_main(void);

#endif
