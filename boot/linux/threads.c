// SPDX-License-Identifier: GPL-2.0-only
/*
 * threads.c - looks at the threads of a target: frozen, and outside the code that changes?
 */
#include "ravelin.h"
#include "compat.h"

#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/sched/jobctl.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>

#define STACK_MAX (8ul << 20)

struct task_struct **rv_threads_get(struct task_struct *leader, u32 *count)
{
	struct task_struct **thread, *t;
	u32 room, seen;

	for (room = 64;; room = seen + 64) {
		thread = kvmalloc_array(room, sizeof(struct task_struct *), GFP_KERNEL);
		if (!thread)
			return NULL;
		*count = 0;
		seen = 0;
		rcu_read_lock();
		for_each_thread(leader, t)
		{
			if (seen++ < room)
				thread[(*count)++] = get_task_struct(t);
		}
		rcu_read_unlock();
		if (seen <= room)
			return thread;
		rv_threads_put(thread, *count);
	}
}

void rv_threads_put(struct task_struct **thread, u32 count)
{
	while (count > 0)
		put_task_struct(thread[--count]);
	kvfree(thread);
}

int rv_threads_check_shared(struct task_struct *leader, const struct mm_struct *mm, struct rv_failure *why)
{
	struct task_struct *p, *t;
	pid_t other = 0;

	rcu_read_lock();
	for_each_process(p)
	{
		if (same_thread_group(p, leader) || (p->flags & PF_KTHREAD))
			continue;
		for_each_thread(p, t)
		{
			if (READ_ONCE(t->mm) == mm)
				other = task_tgid_vnr(p);
		}
	}
	rcu_read_unlock();
	return other ? rv_refuse(why, -EBUSY, RV_REASON_DRIVER_SHARED, (u64)other) : 0;
}

/**
 * A thread in the freezer has the bit frozen set, its trap is still demanded, and it is on no CPU: before it reaches user mode
 * again it must leave the trap. A thread that is on its way out never reaches user mode again.
 */
static bool thread_is_frozen(const struct task_struct *t)
{
	if (t->exit_state || (t->flags & PF_EXITING))
		return true;
	return t->frozen && (READ_ONCE(t->jobctl) & JOBCTL_TRAP_FREEZE) && !READ_ONCE(t->on_cpu);
}

int rv_threads_check_frozen(struct task_struct **thread, u32 count, struct rv_failure *why)
{
	u32 i;

	for (i = 0; i < count; i++) {
		if (!thread_is_frozen(thread[i]))
			return rv_refuse(why, -EAGAIN, RV_REASON_DRIVER_NOT_FROZEN, (u64)task_pid_vnr(thread[i]));
	}
	return 0;
}

/**
 * True if going on at @address would execute old code. The first byte of a range is the entry of a function: to go on there is to
 * call the function as it will be then, and a pointer to it on a stack is a plain function pointer.
 */
static bool address_is_inside(const struct rv_target *t, u64 address, bool rollback)
{
	const u32 leaving = rollback ? RV_RANGE_FRESH_RX : RV_RANGE_OLD_RX;
	u32 i;

	for (i = 0; i < t->range_count; i++) {
		const struct rv_image_range *r = &t->range[i];

		if (r->kind == RV_RANGE_TEXT && address > r->address && address - r->address < r->bytes)
			return true;
		/* No jump stands at the beginning of such code: its first byte is old code, too. */
		if (r->kind == leaving && address >= r->address && address - r->address < r->bytes)
			return true;
	}
	return false;
}

/** The span of all addresses that address_is_inside() has to look at: nearly all words of a stack are outside it. */
struct span {
	u64 low;
	u64 bytes;
};

static struct span span_of_ranges(const struct rv_target *t, bool rollback)
{
	const u32 leaving = rollback ? RV_RANGE_FRESH_RX : RV_RANGE_OLD_RX;
	u64 low = U64_MAX, high = 0;
	u32 i;

	for (i = 0; i < t->range_count; i++) {
		const struct rv_image_range *r = &t->range[i];

		if (r->kind != RV_RANGE_TEXT && r->kind != leaving)
			continue;
		low = min(low, r->address);
		high = max(high, r->address + r->bytes);
	}
	return (struct span){.low = low, .bytes = high > low ? high - low : 0};
}

/** True if a word of this page, from @offset up to @end, is an address inside. */
static bool page_has_address_inside(const struct rv_target *t, struct page *page, unsigned long offset,
				    unsigned long end, bool rollback, struct span span)
{
	const u64 *word = page_address(page);
	unsigned long i;

	for (i = offset / sizeof(u64); i < end / sizeof(u64); i++) {
		if (word[i] - span.low < span.bytes && address_is_inside(t, word[i], rollback))
			return true;
	}
	return false;
}

/** True if the thread is on its stack for signals: the frames of what it was doing are on another one. As the kernel's on_sig_stack(). */
static bool thread_is_on_signal_stack(const struct task_struct *thread, unsigned long sp)
{
	return sp > thread->sas_ss_sp && sp - thread->sas_ss_sp <= thread->sas_ss_size;
}

/** Looks at one thread. mmap_lock is held. @return why it is in the way, also if its stack can't be read; 0: it is not */
static u32 thread_in_the_way(const struct rv_target *t, struct task_struct *thread, bool rollback, struct span span)
{
	const struct pt_regs *regs = task_pt_regs(thread);
	unsigned long at = ALIGN(regs->sp, sizeof(u64)), end = at, part;
	struct vm_area_struct *vma;
	struct page *page;
	bool inside;

	if (address_is_inside(t, regs->ip, rollback))
		return RV_REASON_DRIVER_STACK;
	if (thread_is_on_signal_stack(thread, regs->sp))
		return RV_REASON_DRIVER_SIGNAL_STACK;
	vma = find_vma(t->mm, at);
	if (vma && vma->vm_start <= at)
		end = vma->vm_end;
	if (end - at > STACK_MAX)
		return RV_REASON_DRIVER_DEEP;
	for (; at < end; at += part) {
		part = min(end - at, PAGE_SIZE - offset_in_page(at));
		if (rv_compat_get(t->mm, at & PAGE_MASK, FOLL_FORCE, &page) != 1)
			return RV_REASON_DRIVER_STACK;
		inside =
		    page_has_address_inside(t, page, offset_in_page(at), offset_in_page(at) + part, rollback, span);
		put_page(page);
		if (inside)
			return RV_REASON_DRIVER_STACK;
	}
	return 0;
}

/** True if this thread will execute code of the target again. Without an address space of its own it is exiting. */
static bool thread_goes_on(const struct rv_target *t, const struct task_struct *thread)
{
	return READ_ONCE(thread->mm) == t->mm && !(thread->flags & PF_EXITING);
}

int rv_threads_check_stacks(const struct rv_target *t, struct task_struct **thread, u32 count, bool rollback,
			    struct rv_failure *why)
{
	struct span span = span_of_ranges(t, rollback);
	int error = mmap_read_lock_killable(t->mm);
	u32 i, reason;

	if (error)
		return error;
	for (i = 0; i < count; i++) {
		if (!thread_goes_on(t, thread[i]))
			continue;
		reason = thread_in_the_way(t, thread[i], rollback, span);
		if (reason) {
			error = rv_refuse(why, -EAGAIN, reason, (u64)task_pid_vnr(thread[i]));
			break;
		}
	}
	mmap_read_unlock(t->mm);
	return error;
}

static void registers_get(struct rv_thread *to, struct task_struct *thread)
{
	const struct pt_regs *r = task_pt_regs(thread);
	const u64 gpr[] = {r->ax, r->cx, r->dx,  r->bx,  r->sp,  r->bp,  r->si,  r->di,
			   r->r8, r->r9, r->r10, r->r11, r->r12, r->r13, r->r14, r->r15};

	to->tid = (u32)task_pid_vnr(thread);
	to->reserved = 0;
	to->rip = r->ip;
	to->rflags = r->flags;
	memcpy(to->gpr, gpr, sizeof(gpr));
}

int rv_threads_write(struct rv_buffer *b, const struct rv_target *t, struct task_struct **thread, u32 count,
		     struct rv_failure *why)
{
	const size_t head = offsetof(struct rv_threads, thread);
	struct rv_threads *list;
	u32 i;
	int error;

	if (count > RV_UPDATE_MAX_THREADS)
		return rv_refuse(why, -E2BIG, RV_REASON_DRIVER_THREADS, count);
	list = kvzalloc(head + count * sizeof(list->thread[0]), GFP_KERNEL);
	if (!list)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		if (thread_goes_on(t, thread[i]))
			registers_get(&list->thread[list->count++], thread[i]);
	}
	error = list->count ? rv_buffer_alloc(b, (u32)(head + list->count * sizeof(list->thread[0])))
			    : rv_refuse(why, -ESRCH, RV_REASON_DRIVER_GONE, (u64)t->number);
	if (!error)
		rv_buffer_write(b, list, b->bytes);
	kvfree(list);
	return error;
}
