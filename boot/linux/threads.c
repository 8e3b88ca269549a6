// SPDX-License-Identifier: GPL-2.0-only
/*
 * threads.c - looks at the threads of a target: frozen, and outside the code that changes?
 */
#include "ravelin.h"
#include "compat.h"

#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/sched/jobctl.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <asm/msr.h>

#define STACK_MAX (8ul << 20)
/* How long to leave the CPU to threads on their way into the freezer, before sleeping between looks. */
#define EAGER_NS (2 * NSEC_PER_MSEC)

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

bool rv_threads_are_all(struct task_struct *leader, struct task_struct **thread, u32 count)
{
	struct task_struct *t;
	u32 seen = 0;
	bool same = true;

	rcu_read_lock();
	for_each_thread(leader, t)
	{
		if (seen == count || thread[seen] != t) {
			same = false;
			break;
		}
		seen++;
	}
	rcu_read_unlock();
	/* Threads that have gone away are missed by nobody, but a list that is older than that may lack others, too. */
	return same && seen == count;
}

int rv_threads_count_users(const struct mm_struct *mm, struct task_struct **thread, u32 count)
{
	int users = 0;

	while (count > 0)
		users += READ_ONCE(thread[--count]->mm) == mm;
	return users;
}

int rv_threads_check_shared(struct task_struct *leader, const struct mm_struct *mm, int users, struct rv_failure *why)
{
	struct task_struct *p, *t;
	pid_t other = 0;

	/* A process that shares it has a reference of its own. There are others who may have one: then only looking at all tells. */
	if (atomic_read(&mm->mm_users) == users)
		return 0;
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
 * again it must leave the trap. A thread that is kept asleep does nothing at all, and would have to go through the trap. A
 * thread that is on its way out never reaches user mode again.
 */
static bool thread_is_frozen(const struct task_struct *t)
{
	if (t->exit_state || (t->flags & PF_EXITING))
		return true;
	return (t->frozen || rv_freezer_holds(t)) && (READ_ONCE(t->jobctl) & JOBCTL_TRAP_FREEZE) &&
	       !READ_ONCE(t->on_cpu);
}

/** Waits for a thread to be frozen until the freezer's patience ends. */
static int thread_wait_frozen(struct task_struct *t, const struct rv_freezer *freezer, struct rv_failure *why)
{
	u64 began = 0, now;

	while (!thread_is_frozen(t)) {
		if (!freezer->freezing)
			return rv_refuse(why, -EAGAIN, RV_REASON_DRIVER_NOT_FROZEN, (u64)task_pid_vnr(t));
		now = ktime_get_ns();
		if (now >= freezer->until_ns)
			return rv_refuse(why, -ETIME, RV_REASON_DRIVER_NOT_FROZEN, (u64)task_pid_vnr(t));
		if (fatal_signal_pending(current))
			return -EINTR;
		if (!began)
			began = now;
		/* It needs some microseconds and a CPU, maybe this one; nobody would wake us when it is done. */
		if (now - began < EAGER_NS)
			yield();
		else
			usleep_range(50, 200);
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
	u32 high_half; /* of all its addresses, if one_half */
	bool one_half;
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
	if (high <= low)
		return (struct span){};
	return (struct span){.low = low,
			     .bytes = high - low,
			     .high_half = upper_32_bits(low),
			     .one_half = upper_32_bits(low) == upper_32_bits(high - 1)};
}

static bool word_is_inside(const struct rv_target *t, u64 word, bool rollback, const struct span *span)
{
	return word - span->low < span->bytes && address_is_inside(t, word, rollback);
}

/** True if one of the words is an address inside. The target stands still meanwhile: hardly ever a word has the high half of the span. */
static bool words_have_address_inside(const struct rv_target *t, const u64 *word, unsigned long count, bool rollback,
				      const struct span *span)
{
	const u32 *half = (const u32 *)word, high_half = span->high_half;
	unsigned long i = 0;

	for (; span->one_half && i + 8 <= count; i += 8, half += 16) {
		if (likely(half[1] != high_half && half[3] != high_half && half[5] != high_half &&
			   half[7] != high_half && half[9] != high_half && half[11] != high_half &&
			   half[13] != high_half && half[15] != high_half))
			continue;
		if (word_is_inside(t, word[i], rollback, span) || word_is_inside(t, word[i + 1], rollback, span) ||
		    word_is_inside(t, word[i + 2], rollback, span) || word_is_inside(t, word[i + 3], rollback, span) ||
		    word_is_inside(t, word[i + 4], rollback, span) || word_is_inside(t, word[i + 5], rollback, span) ||
		    word_is_inside(t, word[i + 6], rollback, span) || word_is_inside(t, word[i + 7], rollback, span))
			return true;
	}
	for (; i < count; i++) {
		if (word_is_inside(t, word[i], rollback, span))
			return true;
	}
	return false;
}

/** Looks at the part of a stack that is in one page. mmap_lock is held. @return true if it has an address inside or can't be read */
static bool stack_page_is_inside(const struct rv_target *t, unsigned long at, unsigned long bytes, bool rollback,
				 const struct span *span)
{
	struct page *page;
	spinlock_t *lock;
	bool inside;
	pte_t *entry = rv_compat_pte(t->mm, at, &lock);

	/* The short way: the page can't go away while its table is locked. */
	if (entry && pfn_valid(pte_pfn(*entry))) {
		inside = words_have_address_inside(t, page_address(pte_page(*entry)) + offset_in_page(at),
						   bytes / sizeof(u64), rollback, span);
		pte_unmap_unlock(entry, lock);
		return inside;
	}
	if (entry)
		pte_unmap_unlock(entry, lock);
	/* One that is swapped out, or a part of a large page. */
	if (rv_compat_get(t->mm, at & PAGE_MASK, FOLL_FORCE, &page) != 1)
		return true;
	inside =
	    words_have_address_inside(t, page_address(page) + offset_in_page(at), bytes / sizeof(u64), rollback, span);
	put_page(page);
	return inside;
}

/** True if the thread is on its stack for signals: the frames of what it was doing are on another one. As the kernel's on_sig_stack(). */
static bool thread_is_on_signal_stack(const struct task_struct *thread, unsigned long sp)
{
	return sp > thread->sas_ss_sp && sp - thread->sas_ss_sp <= thread->sas_ss_size;
}

/** Looks at one thread. mmap_lock is held. @return why it is in the way, also if its stack can't be read; 0: it is not */
static u32 thread_in_the_way(const struct rv_target *t, struct task_struct *thread, bool rollback,
			     const struct span *span)
{
	const struct pt_regs *regs = task_pt_regs(thread);
	unsigned long at = ALIGN(regs->sp, sizeof(u64)), end = at, part;
	struct vm_area_struct *vma;

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
		if (stack_page_is_inside(t, at, part, rollback, span))
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
			    struct rv_freezer *freezer, struct rv_failure *why)
{
	struct span span = span_of_ranges(t, rollback);
	u32 i, reason;
	int error;

	for (i = 0; i < count; i++) {
		error = thread_wait_frozen(thread[i], freezer, why);
		if (error)
			return error;
		freezer->frozen_tsc = rdtsc_ordered();
		if (!thread_goes_on(t, thread[i]))
			continue;
		/* Not held while waiting: a thread may need it on its way into the freezer. */
		error = mmap_read_lock_killable(t->mm);
		if (error)
			return error;
		reason = thread_in_the_way(t, thread[i], rollback, &span);
		mmap_read_unlock(t->mm);
		if (reason)
			return rv_refuse(why, -EAGAIN, reason, (u64)task_pid_vnr(thread[i]));
	}
	return 0;
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

int rv_threads_room(struct rv_buffer *b, u32 count, struct rv_failure *why)
{
	rv_buffer_free(b);
	if (count > RV_UPDATE_MAX_THREADS)
		return rv_refuse(why, -E2BIG, RV_REASON_DRIVER_THREADS, count);
	return rv_buffer_alloc(b, (u32)(offsetof(struct rv_threads, thread) + count * sizeof(struct rv_thread)));
}

int rv_threads_write(struct rv_buffer *b, const struct rv_target *t, struct task_struct **thread, u32 count,
		     struct rv_failure *why)
{
	struct rv_threads *list = kvzalloc(b->bytes, GFP_KERNEL);
	int error = 0;
	u32 i;

	if (!list)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		if (thread_goes_on(t, thread[i]))
			registers_get(&list->thread[list->count++], thread[i]);
	}
	if (list->count)
		rv_buffer_write(b, list, b->bytes);
	else
		error = rv_refuse(why, -ESRCH, RV_REASON_DRIVER_GONE, (u64)t->number);
	kvfree(list);
	return error;
}
