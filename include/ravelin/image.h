/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image.h - the FIMCE image: what mkfimce writes and the manager loads.
 *
 * An image is one file: a header, then the segments' bytes. All numbers are little endian. The digest of an image is the
 * SHA-256 of the whole file. The hypervisor never reads an image; the manager does, inside the FIMCE.
 */
#ifndef RAVELIN_IMAGE_H
#define RAVELIN_IMAGE_H

#include <ravelin/abi.h>

#define RV_IMAGE_MAGIC 0x31474d494e4c5652ull /* "RVLNIMG1" */
#define RV_IMAGE_VERSION 2u
#define RV_IMAGE_MAX_SEGMENTS 8u
#define RV_IMAGE_MAX_RANGES 16u

/* What the task asks for. All but RV_CAP_NONE need a signed image. */
#define RV_CAP_TARGET (1u << 0) /* pages of an update target */
#define RV_CAP_REVERT                                                                                                  \
	(1u << 1) /* answers RV_CMD_REVERT; only with RV_CAP_TARGET. The manager makes RV_MEASURED_HAS_REVERT of it */
#define RV_CAP_DEVICE (1u << 2) /* the header's grants; not with RV_CAP_TARGET */

#define RV_PERM_R 1u
#define RV_PERM_W 2u
#define RV_PERM_X 4u

/** One segment. No segment has both W and X. Segments are 4096-aligned in memory, ascend, and do not overlap. */
struct rv_image_segment {
	uint32_t file_offset;
	uint32_t file_bytes;
	uint32_t load_offset; /* from RV_FIMCE_LOAD, multiple of 4096 */
	uint32_t load_bytes; /* >= file_bytes; the rest is zero */
	uint32_t perm; /* RV_PERM_* */
	uint32_t reserved;
};

enum rv_range_kind {
	RV_RANGE_TEXT = 1, /* code of the target's executable: address, bytes */
	RV_RANGE_DATA = 2, /* .data/.bss of the target's executable: address, bytes */
	RV_RANGE_HEAP =
	    3, /* all of the target's private writable anonymous memory but stacks; address and bytes are 0 */
	RV_RANGE_FRESH_RX = 4, /* new executable memory at address */
	RV_RANGE_FRESH_RW = 5, /* new writable memory at address */
	RV_RANGE_OLD_RX = 6 /* new code of an earlier update that this one takes out of use: no thread may be inside */
};

/** A piece of the target that the update needs. Addresses are those of the target's ELF file, without load bias. */
struct rv_image_range {
	uint32_t kind; /* enum rv_range_kind */
	uint32_t reserved;
	uint64_t address;
	uint64_t bytes;
};

/** The first bytes of an image. */
struct rv_image_header {
	uint64_t magic;
	uint32_t version;
	uint32_t header_bytes; /* sizeof(struct rv_image_header) */
	uint32_t image_bytes; /* size of the whole file */
	uint32_t load_bytes; /* memory for all segments, multiple of 4096 */
	uint32_t stack_bytes; /* multiple of 4096 */
	uint32_t output_bytes; /* multiple of 4096, may be 0 */
	uint64_t entry; /* virtual address of the task's entry: int64_t task_main(const struct rv_fimce_param *) */
	uint64_t budget_us;
	uint32_t capabilities; /* RV_CAP_* */
	uint32_t segment_count;
	char name[32]; /* NUL-terminated */
	struct rv_image_segment segment[RV_IMAGE_MAX_SEGMENTS];
	uint32_t range_count;
	uint32_t reserved;
	struct rv_image_range range[RV_IMAGE_MAX_RANGES];
	/* Target identity, for RV_CAP_TARGET; must equal the signed manifest's component identifier. */
	char target_name[64]; /* base name of the executable, NUL-terminated */
	uint8_t target_build_id[20]; /* ELF NT_GNU_BUILD_ID */
	uint32_t grant_count; /* 0..RV_MAX_GRANTS; not 0 with RV_CAP_DEVICE, and only then */
	struct rv_grant grant[RV_MAX_GRANTS];
};

#endif
