// SPDX-License-Identifier: GPL-2.0-only
/*
 * call.c - hypercalls, and the buffers that go with them.
 */
#include "ravelin.h"

#include <linux/io.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/processor.h>

static atomic64_t buffer_pages;

bool rv_call_detect(void)
{
	u32 eax, ebx, ecx, edx;

	cpuid(RV_CPUID_LEAF, &eax, &ebx, &ecx, &edx);
	if (eax != RV_CPUID_SIGNATURE) {
		pr_err("Ravelin does not run on this machine (CPUID leaf 0x%x); boot it first\n", RV_CPUID_LEAF);
		return false;
	}
	if (ebx != RV_ABI_VERSION) {
		pr_err("Ravelin speaks ABI version %u, this module version %u; build both from the same tree\n", ebx,
		       RV_ABI_VERSION);
		return false;
	}
	return true;
}

long rv_call(u64 number, u64 a, u64 b, u64 c, u64 *second, struct rv_failure *why)
{
	return rv_call_4(number, a, b, c, 0, second, why);
}

long rv_call_4(u64 number, u64 a, u64 b, u64 c, u64 d, u64 *second, struct rv_failure *why)
{
	register u64 r8 asm("r8") = d;
	u64 rax = number, rdx = c;

	asm volatile("vmcall" : "+a"(rax), "+d"(rdx), "+r"(r8) : "D"(a), "S"(b) : "memory", "cc");

	if ((s64)rax < 0) {
		if (why) {
			why->reason = lower_32_bits(rdx);
			why->cpu = upper_32_bits(rdx);
			why->value = r8;
		}
		return (long)rax;
	}
	if (second)
		*second = rdx;
	return (long)rax;
}

int rv_refuse(struct rv_failure *why, int error, u32 reason, u64 value)
{
	why->reason = reason;
	why->cpu = 0;
	why->value = value;
	return error;
}

int rv_buffer_alloc(struct rv_buffer *b, u32 bytes)
{
	struct rv_frames *frames;
	u32 count = DIV_ROUND_UP(bytes, PAGE_SIZE);

	memset(b, 0, sizeof(*b));
	if (count == 0 || count > ARRAY_SIZE(frames->frame))
		return -EINVAL;
	b->page = kcalloc(count, sizeof(*b->page), GFP_KERNEL);
	frames = (struct rv_frames *)get_zeroed_page(GFP_KERNEL);
	b->frames = frames;
	if (!b->page || !frames)
		goto fail;
	for (; b->count < count; b->count++) {
		b->page[b->count] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!b->page[b->count])
			goto fail;
		frames->frame[b->count] = page_to_phys(b->page[b->count]);
		atomic64_inc(&buffer_pages);
	}
	frames->count = count;
	frames->bytes = bytes;
	b->bytes = bytes;
	return 0;
fail:
	rv_buffer_free(b);
	return -ENOMEM;
}

void rv_buffer_free(struct rv_buffer *b)
{
	while (b->count > 0) {
		__free_page(b->page[--b->count]);
		atomic64_dec(&buffer_pages);
	}
	kfree(b->page);
	free_page((unsigned long)b->frames);
	memset(b, 0, sizeof(*b));
}

u64 rv_buffer_address(const struct rv_buffer *b)
{
	return virt_to_phys(b->frames);
}

u64 rv_buffer_pages(void)
{
	return (u64)atomic64_read(&buffer_pages);
}

void rv_buffer_read(const struct rv_buffer *b, void *to, size_t bytes)
{
	size_t done, part;

	for (done = 0; done < bytes; done += part) {
		part = min_t(size_t, bytes - done, PAGE_SIZE);
		memcpy((u8 *)to + done, page_address(b->page[done / PAGE_SIZE]), part);
	}
}

void rv_buffer_write(struct rv_buffer *b, const void *from, size_t bytes)
{
	size_t done, part;

	for (done = 0; done < bytes; done += part) {
		part = min_t(size_t, bytes - done, PAGE_SIZE);
		memcpy(page_address(b->page[done / PAGE_SIZE]), (const u8 *)from + done, part);
	}
}

int rv_buffer_from_user(struct rv_buffer *b, u64 from, size_t bytes)
{
	size_t done, part;

	for (done = 0; done < bytes; done += part) {
		part = min_t(size_t, bytes - done, PAGE_SIZE);
		if (copy_from_user(page_address(b->page[done / PAGE_SIZE]), u64_to_user_ptr(from + done), part))
			return -EFAULT;
	}
	return 0;
}

int rv_buffer_to_user(const struct rv_buffer *b, u64 to, size_t bytes)
{
	size_t done, part;

	for (done = 0; done < bytes; done += part) {
		part = min_t(size_t, bytes - done, PAGE_SIZE);
		if (copy_to_user(u64_to_user_ptr(to + done), page_address(b->page[done / PAGE_SIZE]), part))
			return -EFAULT;
	}
	return 0;
}
