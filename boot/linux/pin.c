// SPDX-License-Identifier: GPL-2.0-only
/*
 * pin.c - finds and pins the pages of a target.
 *
 * Pages are pinned for writing although most are code: that gives the process a private copy, so that a change is seen by
 * this process only and never reaches the file's cached pages.
 */
#include "ravelin.h"
#include "compat.h"

#include <linux/bsearch.h>
#include <linux/io.h>
#include <linux/ptrace.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/sort.h>

/* Ranges may name a page more than once; there is room for that before duplicates go. */
#define LIST_MAX (2u * RV_FIMCE_MAX_TARGETS)

static atomic64_t pages_pinned;

u64 rv_pin_pages(void)
{
	return (u64)atomic64_read(&pages_pinned);
}

/** Stack pointers of all threads: the mappings that hold them are stacks. */
struct stacks {
	u32 count;
	unsigned long *sp;
};

static int stacks_get(struct rv_target *t, struct stacks *s)
{
	struct task_struct *leader = get_pid_task(t->pid, PIDTYPE_TGID);
	struct task_struct **thread;
	u32 i;

	if (!leader)
		return -ESRCH;
	thread = rv_threads_get(leader, &s->count);
	put_task_struct(leader);
	if (!thread)
		return -ENOMEM;
	s->sp = kvmalloc_array(s->count + 1, sizeof(*s->sp), GFP_KERNEL);
	/* Of a thread that runs just now this is where it last entered the kernel: the same mapping. */
	for (i = 0; s->sp && i < s->count; i++)
		s->sp[i] = READ_ONCE(task_pt_regs(thread[i])->sp);
	rv_threads_put(thread, s->count);
	return s->sp ? 0 : -ENOMEM;
}

static bool vma_is_heap(const struct rv_target *t, const struct vm_area_struct *vma, const struct stacks *s)
{
	const unsigned long never = VM_SHARED | VM_GROWSDOWN | VM_IO | VM_PFNMAP | VM_MIXEDMAP | VM_HUGETLB;
	u32 i;

	if (vma->vm_file || vma->vm_ops || !(vma->vm_flags & VM_WRITE) || (vma->vm_flags & never))
		return false;
	for (i = 0; i < t->fresh_count; i++) {
		if (vma->vm_start < t->fresh[i].address + t->fresh[i].bytes && t->fresh[i].address < vma->vm_end)
			return false;
	}
	/* The brk area stays the heap even if somebody's stack is inside, as with coroutines. */
	if (vma->vm_start <= t->mm->brk && vma->vm_end >= t->mm->start_brk)
		return true;
	for (i = 0; i < s->count; i++) {
		if (s->sp[i] >= vma->vm_start && s->sp[i] < vma->vm_end)
			return false;
	}
	return true;
}

static int list_add_page(struct rv_target *t, u64 va, u32 kind, struct rv_failure *why)
{
	if (t->count == LIST_MAX)
		return rv_refuse(why, -E2BIG, RV_REASON_DRIVER_PAGES, t->count);
	t->entry[t->count].va = va;
	t->entry[t->count].gpa = 0;
	t->entry[t->count].kind = kind;
	t->entry[t->count].reserved = 0;
	t->count++;
	return 0;
}

static int entry_compare(const void *a, const void *b)
{
	const struct rv_target_page *x = a, *y = b;

	if (x->va != y->va)
		return x->va < y->va ? -1 : 1;
	return x->kind < y->kind ? -1 : x->kind > y->kind;
}

static int entry_compare_va(const void *key, const void *element)
{
	const u64 va = *(const u64 *)key;
	const struct rv_target_page *e = element;

	return va < e->va ? -1 : va > e->va;
}

static bool list_has(const struct rv_target *t, u64 va)
{
	return bsearch(&va, t->entry, t->count, sizeof(*t->entry), entry_compare_va) != NULL;
}

/**
 * Walks the pages of the heap that hold something. @check: each must be in the list already; otherwise they are added. mmap_lock is held.
 */
static int heap_walk(struct rv_target *t, const struct stacks *s, bool check, struct rv_failure *why)
{
	struct vm_area_struct *vma;
	unsigned long at, next;
	struct page *page;
	int error;

	for (vma = find_vma(t->mm, 0); vma; vma = find_vma(t->mm, next)) {
		next = vma->vm_end;
		if (!vma_is_heap(t, vma, s))
			continue;
		for (at = vma->vm_start; at < next; at += PAGE_SIZE) {
			/* FOLL_DUMP fails where nothing was ever written, instead of making a page of zeros. */
			if (rv_compat_get(t->mm, at, FOLL_DUMP, &page) != 1)
				continue;
			put_page(page);
			if (check && !list_has(t, at))
				return rv_refuse(why, -EAGAIN, RV_REASON_DRIVER_HEAP, at);
			error = check ? 0 : list_add_page(t, at, RV_TARGET_DATA, why);
			if (error)
				return error;
		}
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static u32 kind_of_range(u32 kind)
{
	switch (kind) {
	case RV_RANGE_TEXT:
		return RV_TARGET_TEXT;
	case RV_RANGE_DATA:
		return RV_TARGET_DATA;
	default:
		return RV_TARGET_FRESH;
	}
}

/** Lists the pages of all ranges, in order of address, each once; of several kinds the first in enum rv_target_kind wins. */
static int list_fill(struct rv_target *t, const struct stacks *s, struct rv_failure *why)
{
	u32 i, kept;
	u64 va;
	int error;

	for (i = 0; i < t->range_count; i++) {
		const struct rv_image_range *r = &t->range[i];

		if (r->kind == RV_RANGE_HEAP) {
			error = heap_walk(t, s, false, why);
			if (error)
				return error;
			continue;
		}
		/* Only the threads stay clear of it. */
		if (r->kind == RV_RANGE_OLD_RX)
			continue;
		for (va = r->address & PAGE_MASK; va < r->address + r->bytes; va += PAGE_SIZE) {
			error = list_add_page(t, va, kind_of_range(r->kind), why);
			if (error)
				return error;
		}
	}
	sort(t->entry, t->count, sizeof(*t->entry), entry_compare, NULL);
	for (i = 0, kept = 0; i < t->count; i++) {
		if (kept == 0 || t->entry[kept - 1].va != t->entry[i].va)
			t->entry[kept++] = t->entry[i];
	}
	t->count = kept;
	if (t->count == 0 || t->count > RV_FIMCE_MAX_TARGETS)
		return rv_refuse(why, -E2BIG, RV_REASON_DRIVER_PAGES, t->count);
	return 0;
}

/** Pins all listed pages, one run of neighbours at a time. mmap_lock is held. */
static int list_pin(struct rv_target *t, struct rv_failure *why)
{
	long result;
	u32 run;

	while (t->pinned < t->count) {
		for (run = 1; t->pinned + run < t->count; run++) {
			if (t->entry[t->pinned + run].va != t->entry[t->pinned].va + (u64)run * PAGE_SIZE)
				break;
		}
		result = rv_compat_pin(t->mm, t->entry[t->pinned].va, run, &t->page[t->pinned]);
		if (result <= 0)
			return rv_refuse(why, result ? (int)result : -EFAULT, RV_REASON_DRIVER_PIN,
					 t->entry[t->pinned].va);
		atomic64_add(result, &pages_pinned);
		for (; result > 0; result--, t->pinned++) {
			t->entry[t->pinned].gpa = page_to_phys(t->page[t->pinned]);
			if (!PageAnon(t->page[t->pinned])) {
				/* Not a private copy: a change would be seen by others. */
				t->pinned += (u32)result;
				return rv_refuse(why, -EFAULT, RV_REASON_DRIVER_PIN,
						 t->entry[t->pinned - (u32)result].va);
			}
		}
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

bool rv_pin_overlaps(const struct rv_target *t, u64 start, u64 end)
{
	u32 low = 0, high = t->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (t->entry[middle].va + PAGE_SIZE <= start)
			low = middle + 1;
		else
			high = middle;
	}
	return low < t->count && t->entry[low].va < end;
}

/** True if this listed page is still mapped where it was. mmap_lock is held. */
static bool page_is_mapped(const struct rv_target *t, u32 i)
{
	struct page *page;

	/* With FOLL_DUMP a page that went away is an error and does not come back as a new one. */
	if (rv_compat_get(t->mm, t->entry[i].va, FOLL_FORCE | FOLL_DUMP, &page) != 1)
		return false;
	put_page(page);
	return page == t->page[i];
}

/** Checks that every listed page is still mapped where it was. mmap_lock is held. */
static int list_check(const struct rv_target *t, struct rv_failure *why)
{
	u32 i;

	for (i = 0; i < t->count; i++) {
		if (!page_is_mapped(t, i))
			return rv_refuse(why, -EAGAIN, RV_REASON_DRIVER_REMAPPED, t->entry[i].va);
	}
	return 0;
}

int rv_pin_all(struct rv_target *t, struct rv_failure *why)
{
	struct stacks stacks = {};
	int error;

	t->entry = kvcalloc(LIST_MAX, sizeof(*t->entry), GFP_KERNEL);
	t->page = kvcalloc(RV_FIMCE_MAX_TARGETS, sizeof(*t->page), GFP_KERNEL);
	if (!t->entry || !t->page)
		return -ENOMEM;
	if (t->has_heap) {
		error = stacks_get(t, &stacks);
		if (error)
			goto out;
	}
	error = mmap_read_lock_killable(t->mm);
	if (error)
		goto out;
	error = list_fill(t, &stacks, why);
	if (!error)
		error = list_pin(t, why);
	if (!error) {
		/* Pinning itself replaces pages. From here on whoever does is noticed, and up to here nobody has. */
		smp_store_release(&t->watched, true);
		error = list_check(t, why);
	}
	mmap_read_unlock(t->mm);
out:
	kvfree(stacks.sp);
	return error;
}

void rv_pin_release(struct rv_target *t)
{
	if (t->pinned) {
		unpin_user_pages_dirty_lock(t->page, t->pinned, true);
		atomic64_sub(t->pinned, &pages_pinned);
	}
	t->pinned = 0;
	t->count = 0;
	kvfree(t->page);
	kvfree(t->entry);
	t->page = NULL;
	t->entry = NULL;
}

int rv_pin_check(struct rv_target *t, bool heap, struct rv_failure *why)
{
	struct stacks stacks = {};
	int error;

	if (!heap && !READ_ONCE(t->touched))
		return 0;
	if (heap) {
		error = stacks_get(t, &stacks);
		if (error)
			goto out;
	}
	error = mmap_read_lock_killable(t->mm);
	if (error)
		goto out;
	if (READ_ONCE(t->touched))
		error = list_check(t, why);
	if (!error && heap)
		error = heap_walk(t, &stacks, true, why);
	mmap_read_unlock(t->mm);
out:
	kvfree(stacks.sp);
	return error;
}

bool rv_pin_text_is_mapped(struct rv_target *t)
{
	bool mapped = true;
	u32 i;

	if (!READ_ONCE(t->touched) || mmap_read_lock_killable(t->mm))
		return true;
	for (i = 0; i < t->count && mapped; i++)
		mapped = t->entry[i].kind != RV_TARGET_TEXT || page_is_mapped(t, i);
	mmap_read_unlock(t->mm);
	return mapped;
}
