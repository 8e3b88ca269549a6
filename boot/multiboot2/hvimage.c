/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hvimage.c - checks the embedded hypervisor image.
 */
#include "hvimage.h"

/* The addresses from RV_HV_BASE to the top, which is what one page directory entry run can map. */
#define HV_ADDRESS_BYTES (256u << 20)

bool hvimage_read(const void *image, uint64_t bytes, uint64_t pool_bytes, struct rv_hv_header *header,
		  struct boot_error *error)
{
	if (bytes < sizeof(*header))
		return text_fail(error, "the hypervisor image is only %llu bytes long", (unsigned long long)bytes);
	memcpy(header, image, sizeof(*header));
	if (header->magic != RV_HV_MAGIC)
		return text_fail(error, "the hypervisor image has no Ravelin header");
	if (header->abi_version != RV_ABI_VERSION)
		return text_fail(error, "the hypervisor image has ABI version %u, the boot stub %u",
				 header->abi_version, RV_ABI_VERSION);
	if (header->image_bytes < sizeof(*header) || header->image_bytes > bytes ||
	    header->memory_bytes < header->image_bytes || header->memory_bytes % RV_PAGE_SIZE ||
	    header->memory_bytes > HV_ADDRESS_BYTES || header->text_bytes > header->constant_bytes ||
	    header->constant_bytes > header->image_bytes ||
	    (header->text_bytes | header->constant_bytes) % RV_PAGE_SIZE)
		return text_fail(
		    error, "the hypervisor image has bad sizes: %u bytes in the file of %llu, %llu in memory",
		    header->image_bytes, (unsigned long long)bytes, (unsigned long long)header->memory_bytes);
	if (header->entry < RV_HV_BASE || header->entry - RV_HV_BASE >= header->image_bytes)
		return text_fail(error, "the hypervisor image has its entry outside itself: 0x%llx",
				 (unsigned long long)header->entry);
	if (header->memory_bytes > pool_bytes)
		return text_fail(error,
				 "the pool is too small: the hypervisor alone needs %llu KiB, pool= gives %llu KiB",
				 (unsigned long long)header->memory_bytes >> 10, (unsigned long long)pool_bytes >> 10);
	return true;
}
