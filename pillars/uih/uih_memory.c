/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * uih_memory.c - safe access to the target's memory from update code: see uih.h.
 */
#include <uih/uih.h>

#include <string.h>

/** Index of the target page at va, or page_count. */
static uint32_t uih_find_page(const struct uih *uih, uint64_t va)
{
	uint32_t low = 0;
	uint32_t high = uih->page_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (uih->page[middle].va < va)
			low = middle + 1;
		else
			high = middle;
	}
	return low < uih->page_count && uih->page[low].va == va ? low : uih->page_count;
}

bool uih_range_check(const struct uih *uih, const volatile void *va, uint64_t bytes)
{
	uint64_t first = (uint64_t)(uintptr_t)va & ~(uint64_t)(RV_PAGE_SIZE - 1);
	uint64_t last;
	uint32_t index;

	if (bytes == 0)
		return true;
	if (bytes - 1 > UINT64_MAX - (uint64_t)(uintptr_t)va)
		return false;
	last = ((uint64_t)(uintptr_t)va + bytes - 1) & ~(uint64_t)(RV_PAGE_SIZE - 1);
	index = uih_find_page(uih, first);
	/* The list ascends: a run of pages in memory is a run in the list. */
	for (uint64_t page = first; index < uih->page_count && uih->page[index].va == page; index++) {
		if (page == last)
			return true;
		page += RV_PAGE_SIZE;
	}
	return false;
}

void *uih_object(const struct uih *uih, uint64_t elf_address, uint64_t bytes)
{
	void *va = uih_pointer(uih, elf_address);

	return uih_range_check(uih, va, bytes) ? va : NULL;
}

int uih_read(const struct uih *uih, void *to, const void *va, uint64_t bytes)
{
	if (!uih_range_check(uih, va, bytes))
		return -RV_EFAULT;
	memcpy(to, va, (size_t)bytes);
	return 0;
}

int uih_write(const struct uih *uih, void *va, const void *from, uint64_t bytes)
{
	if (!uih_range_check(uih, va, bytes))
		return -RV_EFAULT;
	memcpy(va, from, (size_t)bytes);
	return 0;
}
