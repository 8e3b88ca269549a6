// SPDX-License-Identifier: GPL-2.0-only
/*
 * target.c - the process that an update is for: find it, map new memory into it, notice its end.
 */
#include "ravelin.h"

#include <linux/auxvec.h>
#include <linux/elf.h>
#include <linux/file.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

/** Memory to map into, or to unmap from, another address space: only a kernel thread can put one on. */
struct mapping {
	struct work_struct work;
	struct rv_target *target;
	bool unmap;
	int error;
	struct rv_failure why;
};

static void notifier_release(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	struct rv_target *t = container_of(notifier, struct rv_target, notifier);

	t->gone(t);
}

/** Something happens to mappings: only noted, the pages are looked at when it matters. May not sleep. */
static int notifier_invalidate(struct mmu_notifier *notifier, const struct mmu_notifier_range *range)
{
	struct rv_target *t = container_of(notifier, struct rv_target, notifier);

	if (smp_load_acquire(&t->watched) && rv_pin_overlaps(t, range->start, range->end))
		WRITE_ONCE(t->touched, true);
	return 0;
}

static const struct mmu_notifier_ops notifier_operations = {
    .release = notifier_release,
    .invalidate_range_start = notifier_invalidate,
};

/** The executable of @mm, with a reference, or NULL. */
static struct file *executable_of(struct mm_struct *mm)
{
	struct file *file;

	rcu_read_lock();
	file = rcu_dereference(mm->exe_file);
	if (file && !get_file_rcu(file))
		file = NULL;
	rcu_read_unlock();
	return file;
}

/** Load bias: what the kernel told the program its entry is, minus what its file says. */
static int bias_get(struct rv_target *t, struct file *executable, struct rv_failure *why)
{
	Elf64_Ehdr header;
	loff_t position = 0;
	unsigned int i;

	if (kernel_read(executable, &header, sizeof(header), &position) != sizeof(header) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) || header.e_ident[EI_CLASS] != ELFCLASS64)
		return rv_refuse(why, -EINVAL, RV_REASON_DRIVER_BIAS, 0);
	for (i = 0; i + 1 < AT_VECTOR_SIZE && t->mm->saved_auxv[i] != AT_NULL; i += 2) {
		if (t->mm->saved_auxv[i] != AT_ENTRY)
			continue;
		t->bias = t->mm->saved_auxv[i + 1] - header.e_entry;
		if (offset_in_page(t->bias))
			break;
		return 0;
	}
	return rv_refuse(why, -EINVAL, RV_REASON_DRIVER_BIAS, 0);
}

/** Takes over the ranges: load bias added, new memory rounded out to pages, everything below the end of user space. */
static int ranges_set(struct rv_target *t, const struct rv_image_range *range, u32 count, struct rv_failure *why)
{
	struct rv_image_range *r;
	u64 end;
	u32 i;

	for (i = 0; i < count; i++) {
		r = &t->range[i];
		*r = range[i];
		if (r->kind == RV_RANGE_HEAP) {
			t->has_heap = true;
			continue;
		}
		r->address += t->bias;
		if (r->kind < RV_RANGE_TEXT || r->kind > RV_RANGE_OLD_RX || r->bytes == 0 ||
		    r->bytes > (u64)RV_FIMCE_MAX_TARGETS * PAGE_SIZE || r->address < PAGE_SIZE ||
		    r->address >= TASK_SIZE_MAX - r->bytes)
			return rv_refuse(why, -EINVAL, RV_REASON_DRIVER_RANGE, r->address);
		if (r->kind != RV_RANGE_FRESH_RX && r->kind != RV_RANGE_FRESH_RW)
			continue;
		end = PAGE_ALIGN(r->address + r->bytes);
		r->address &= PAGE_MASK;
		r->bytes = end - r->address;
	}
	t->range_count = count;
	return 0;
}

/** TEXT and DATA must lie in private mappings of the executable; DATA also in anonymous memory (.bss). */
static int ranges_check(struct rv_target *t, const struct file *executable, struct rv_failure *why)
{
	const struct inode *inode = file_inode(executable);
	struct vm_area_struct *vma;
	u64 at, end;
	int error = 0;
	u32 i;

	mmap_read_lock(t->mm);
	for (i = 0; i < t->range_count && !error; i++) {
		if (t->range[i].kind != RV_RANGE_TEXT && t->range[i].kind != RV_RANGE_DATA)
			continue;
		end = t->range[i].address + t->range[i].bytes;
		for (at = t->range[i].address; at < end; at = vma->vm_end) {
			vma = find_vma(t->mm, at);
			if (vma && vma->vm_start <= at && !(vma->vm_flags & VM_SHARED) &&
			    ((vma->vm_file && file_inode(vma->vm_file) == inode) ||
			     (t->range[i].kind == RV_RANGE_DATA && !vma->vm_file && !vma->vm_ops)))
				continue;
			error = rv_refuse(why, -EINVAL, RV_REASON_DRIVER_RANGE, at);
			break;
		}
	}
	mmap_read_unlock(t->mm);
	return error;
}

/**
 * True if exactly such memory is there already: left by an update that Ravelin took back on its own, or the new code of one that
 * is in force. The update code tells them apart: it wants all of it to be zero.
 */
static bool fresh_is_there(struct rv_target *t, const struct rv_fresh *fresh)
{
	const unsigned long wanted = VM_READ | (fresh->prot & PROT_WRITE ? VM_WRITE : VM_EXEC);
	struct vm_area_struct *vma;
	bool there;

	mmap_read_lock(t->mm);
	vma = find_vma(t->mm, fresh->address);
	there = vma && vma->vm_start <= fresh->address && vma->vm_end >= fresh->address + fresh->bytes &&
		!vma->vm_file && !vma->vm_ops && (vma->vm_flags & (VM_READ | VM_WRITE | VM_EXEC | VM_SHARED)) == wanted;
	mmap_read_unlock(t->mm);
	return there;
}

static void mapping_map(struct mapping *m)
{
	struct rv_target *t = m->target;
	unsigned long address;
	u32 i;

	for (i = 0; i < t->range_count && !m->error; i++) {
		const struct rv_image_range *r = &t->range[i];
		struct rv_fresh *fresh = &t->fresh[t->fresh_count];

		if (r->kind != RV_RANGE_FRESH_RX && r->kind != RV_RANGE_FRESH_RW)
			continue;
		fresh->address = r->address;
		fresh->bytes = r->bytes;
		fresh->prot = PROT_READ | (r->kind == RV_RANGE_FRESH_RX ? PROT_EXEC : PROT_WRITE);
		address = vm_mmap(NULL, fresh->address, fresh->bytes, fresh->prot,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, 0);
		fresh->found = (long)address == -EEXIST && fresh_is_there(t, fresh);
		if (address == fresh->address || fresh->found)
			t->fresh_count++;
		else
			m->error = rv_refuse(&m->why, IS_ERR_VALUE(address) ? (int)address : -EEXIST,
					     RV_REASON_DRIVER_FRESH, fresh->address);
	}
}

static void mapping_unmap(struct mapping *m)
{
	struct rv_target *t = m->target;

	while (t->fresh_count > 0) {
		t->fresh_count--;
		/* What else the process has put there meanwhile is its own. */
		if (!t->fresh[t->fresh_count].found && fresh_is_there(t, &t->fresh[t->fresh_count]))
			vm_munmap(t->fresh[t->fresh_count].address, t->fresh[t->fresh_count].bytes);
	}
}

static void mapping_work(struct work_struct *work)
{
	struct mapping *m = container_of(work, struct mapping, work);

	kthread_use_mm(m->target->mm);
	if (m->unmap)
		mapping_unmap(m);
	else
		mapping_map(m);
	kthread_unuse_mm(m->target->mm);
}

/** Maps or unmaps the fresh memory. The caller holds a reference that keeps the mm in use. */
static int mapping_do(struct rv_target *t, bool unmap, struct rv_failure *why)
{
	struct mapping m = {.target = t, .unmap = unmap};

	INIT_WORK_ONSTACK(&m.work, mapping_work);
	queue_work(system_unbound_wq, &m.work);
	flush_work(&m.work);
	destroy_work_on_stack(&m.work);
	if (m.error)
		*why = m.why;
	return m.error;
}

static int target_fill(struct rv_target *t, struct file *executable, const struct rv_image_range *range, u32 count,
		       struct rv_failure *why)
{
	int error = bias_get(t, executable, why);

	if (!error)
		error = ranges_set(t, range, count, why);
	if (!error)
		error = ranges_check(t, executable, why);
	if (error)
		return error;
	t->notifier.ops = &notifier_operations;
	error = mmu_notifier_register(&t->notifier, t->mm);
	if (error)
		return error;
	t->registered = true;
	error = mapping_do(t, false, why);
	return error ? error : rv_pin_all(t, why);
}

int rv_target_create(struct rv_target *t, pid_t number, const struct rv_image_range *range, u32 count,
		     void (*gone)(struct rv_target *t), struct rv_failure *why)
{
	struct task_struct *leader;
	struct file *executable;
	struct mm_struct *mm;
	int error;

	if (count == 0 || count > RV_IMAGE_MAX_RANGES)
		return rv_refuse(why, -EINVAL, RV_REASON_DRIVER_ARGUMENT,
				 offsetof(struct rv_ioctl_prepare, range_count));
	t->number = number;
	t->gone = gone;
	t->pid = find_get_pid(number);
	leader = t->pid ? get_pid_task(t->pid, PIDTYPE_TGID) : NULL;
	mm = leader ? get_task_mm(leader) : NULL;
	if (leader)
		put_task_struct(leader);
	if (!mm || mm == current->mm) {
		/* Our own process would wait for itself to freeze. */
		if (mm)
			mmput(mm);
		return rv_refuse(why, mm ? -EINVAL : -ESRCH, RV_REASON_DRIVER_TARGET, (u64)number);
	}
	mmgrab(mm);
	t->mm = mm;
	executable = executable_of(mm);
	if (executable) {
		error = target_fill(t, executable, range, count, why);
		fput(executable);
	} else {
		error = rv_refuse(why, -EINVAL, RV_REASON_DRIVER_BIAS, 0);
	}
	mmput(mm);
	return error;
}

void rv_target_free(struct rv_target *t, bool keep_fresh)
{
	struct rv_failure ignored;

	/* Copies of changed code lead to the new code, and nobody changes them back. */
	if (!keep_fresh && !t->moved && t->fresh_count > 0 && mmget_not_zero(t->mm)) {
		mapping_do(t, true, &ignored);
		mmput(t->mm);
	}
	/* First no more calls to us, then no more list for them to look at. */
	if (t->registered)
		mmu_notifier_unregister(&t->notifier, t->mm);
	t->registered = false;
	rv_pin_release(t);
	if (t->mm)
		mmdrop(t->mm);
	t->mm = NULL;
	put_pid(t->pid);
	t->pid = NULL;
}

/**
 * Freezes the target and looks at all its threads; writes them into @list unless that is NULL. The caller holds a reference that keeps the mm
 * in use.
 */
static int threads_check(struct rv_target *t, struct task_struct *leader, bool rollback, struct rv_freezer *freezer,
			 struct rv_buffer *list, struct rv_failure *why)
{
	struct task_struct **thread;
	u32 count = 0;
	bool all;
	int error;

	/* All memory is there before they freeze: the list is made while they run, and anew if it is not theirs any more when they stand. */
	do {
		thread = rv_threads_get(leader, &count);
		if (!thread)
			return -ENOMEM;
		error = list ? rv_threads_room(list, count, why) : 0;
		if (!error && !freezer->freezing)
			error = rv_freezer_freeze(freezer, thread, count);
		if (!error)
			error = rv_threads_check_stacks(t, thread, count, rollback, freezer, why);
		all = error || rv_threads_are_all(leader, thread, count);
		if (!error && all)
			error = rv_threads_check_shared(leader, t->mm, rv_threads_count_users(t->mm, thread, count) + 1,
							why);
		if (!error && all && list)
			error = rv_threads_write(list, t, thread, count, why);
		rv_threads_put(thread, count);
	} while (!all);
	return error;
}

int rv_target_check(struct rv_target *t, bool rollback, struct rv_freezer *freezer, struct rv_buffer *threads,
		    struct rv_failure *why)
{
	struct task_struct *leader = get_pid_task(t->pid, PIDTYPE_TGID);
	int error;

	if (!leader)
		return rv_refuse(why, -ESRCH, RV_REASON_DRIVER_GONE, (u64)t->number);
	if (!mmget_not_zero(t->mm)) {
		put_task_struct(leader);
		return rv_refuse(why, -ESRCH, RV_REASON_DRIVER_GONE, (u64)t->number);
	}
	error = threads_check(t, leader, rollback, freezer, threads, why);
	/* On the way back the pages are written whether or not the process still maps them; it may have freed some. */
	if (!error && !rollback)
		error = rv_pin_check(t, t->has_heap, why);
	if (!error && rollback)
		t->moved = !rv_pin_text_is_mapped(t);
	mmput(t->mm);
	put_task_struct(leader);
	return error;
}
