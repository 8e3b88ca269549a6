// SPDX-License-Identifier: GPL-2.0-only
/*
 * freezer.c - has the cgroup freezer stop a target and let it go.
 *
 * Through the file that the caller opened, as the caller would: no kernel function for that is open to modules. From here it is one call
 * into the kernel for the whole pause, in which no wakeup of a program is waited for.
 *
 * A thread that sleeps would be woken only to go to sleep in the freezer, which is most of what freezing costs. If it sleeps in one
 * of a few well-known waits, it is kept asleep instead, as the kernel's own freezer does for suspend: its state becomes one that
 * no wakeup asks for. It is told to freeze nevertheless, so if it ran it would go no further than the freezer. Thawing
 * wakes all threads, and so makes up for wakeups that did nothing meanwhile: each of these waits looks then whether it is over.
 */
#include "ravelin.h"
#include "compat.h"

#include <linux/compat.h>
#include <linux/futex.h>
#include <linux/file.h>
#include <linux/magic.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/sched/jobctl.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <asm/msr.h>
#include <asm/syscall.h>
#include <asm/unistd.h>

/* A modifier that means nothing by itself: no wakeup looks for it. */
#define STATE_HELD TASK_NOLOAD

struct rv_held {
	struct task_struct *task; /* with a reference */
	unsigned int state; /* that it sleeps in */
	unsigned long sleeps; /* how often it went to sleep, this one included */
};

/** True for a file cgroup.freeze of cgroup v2, open for writing. */
static bool is_freeze_file(const struct file *file)
{
	return (file->f_mode & FMODE_WRITE) && file_inode(file)->i_sb->s_magic == CGROUP2_SUPER_MAGIC &&
	       !strcmp(file->f_path.dentry->d_name.name, "cgroup.freeze");
}

static int freeze_write(struct file *file, const char *value)
{
	loff_t position = 0;
	ssize_t written = kernel_write(file, value, 1, &position);

	return written < 0 ? (int)written : 0;
}

/** True for a wait that holds no lock, has nothing done by halves, and looks at what it waits for whenever it is woken. */
static bool is_plain_wait(struct task_struct *t)
{
	const struct pt_regs *regs = task_pt_regs(t);

	/* Numbers of 32-bit calls mean others. */
	if (task_thread_info(t)->status & TS_COMPAT)
		return false;
	switch (regs->orig_ax) {
	case __NR_futex:
		return (regs->si & FUTEX_CMD_MASK) == FUTEX_WAIT || (regs->si & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET;
	case __NR_epoll_wait:
	case __NR_epoll_pwait:
	case __NR_poll:
	case __NR_ppoll:
	case __NR_select:
	case __NR_pselect6:
	case __NR_nanosleep:
	case __NR_clock_nanosleep:
		return true;
	default:
		return false;
	}
}

bool rv_freezer_holds(const struct task_struct *t)
{
	return READ_ONCE(t->__state) == STATE_HELD && !READ_ONCE(t->on_rq) && !READ_ONCE(t->on_cpu);
}

/** Keeps a thread asleep. Its pi_lock keeps those out who wake it; who is off the run queue and off the CPU changes nothing itself. */
static bool thread_hold(struct task_struct *t, struct rv_held *h)
{
	unsigned long flags;
	bool held = false;

	raw_spin_lock_irqsave(&t->pi_lock, flags);
	h->state = READ_ONCE(t->__state);
	smp_rmb(); /* as try_to_wake_up(): the state before where it is */
	/* With nothing demanded of it, the freezer would be the first thing that it meets. */
	if (rv_compat_is_sleeping(h->state) && !READ_ONCE(t->on_rq) && !smp_load_acquire(&t->on_cpu) &&
	    !(t->flags & (PF_EXITING | PF_IO_WORKER)) && !READ_ONCE(t->jobctl) && !t->ptrace && is_plain_wait(t)) {
		WRITE_ONCE(t->__state, STATE_HELD);
		h->sleeps = t->nvcsw;
		held = true;
	}
	raw_spin_unlock_irqrestore(&t->pi_lock, flags);
	return held;
}

/** From here on a wakeup wakes them, to go into the freezer or, when they are thawed, on. */
static void held_release(struct rv_freezer *f)
{
	unsigned long flags;
	u32 i;

	for (i = 0; i < f->held_count; i++) {
		struct rv_held *h = &f->held[i];

		raw_spin_lock_irqsave(&h->task->pi_lock, flags);
		if (READ_ONCE(h->task->__state) == STATE_HELD)
			WRITE_ONCE(h->task->__state, h->state);
		raw_spin_unlock_irqrestore(&h->task->pi_lock, flags);
	}
}

/** Forgets them. Thawing has woken them, but not if others thawed or froze the same cgroup: who still sleeps may have lost a wakeup. */
static void held_forget(struct rv_freezer *f)
{
	while (f->held_count > 0) {
		struct rv_held *h = &f->held[--f->held_count];

		if (READ_ONCE(h->task->nvcsw) == h->sleeps)
			wake_up_process(h->task);
		put_task_struct(h->task);
	}
	kvfree(f->held);
	f->held = NULL;
}

int rv_freezer_open(struct rv_freezer *f, const struct rv_ioctl_update *arg, struct rv_failure *why)
{
	memset(f, 0, sizeof(*f));
	if (arg->freeze_ms == 0)
		return 0;
	f->file = fget((unsigned int)arg->freezer);
	if (f->file && is_freeze_file(f->file)) {
		f->patience_ms = arg->freeze_ms;
		return 0;
	}
	rv_freezer_close(f);
	return rv_refuse(why, -EBADF, RV_REASON_DRIVER_ARGUMENT, offsetof(struct rv_ioctl_update, freezer));
}

int rv_freezer_freeze(struct rv_freezer *f, struct task_struct **thread, u32 count)
{
	u32 i;

	if (!f->file)
		return 0;
	f->held = kvmalloc_array(count, sizeof(*f->held), GFP_KERNEL);
	if (!f->held)
		return -ENOMEM;
	f->until_ns = ktime_get_ns() + (u64)f->patience_ms * NSEC_PER_MSEC;
	f->freezing = true;
	f->freeze_tsc = rdtsc_ordered();
	for (i = 0; i < count; i++) {
		struct rv_held *h = &f->held[f->held_count];

		if (thread_hold(thread[i], h)) {
			h->task = get_task_struct(thread[i]);
			f->held_count++;
		}
	}
	return freeze_write(f->file, "1");
}

void rv_freezer_thaw(struct rv_freezer *f)
{
	int error;

	if (!f->freezing)
		return;
	held_release(f);
	error = freeze_write(f->file, "0");
	f->thaw_tsc = rdtsc_ordered();
	f->freezing = false;
	held_forget(f);
	if (error)
		pr_err("a target could not be thawed: error %d; write 0 to its cgroup.freeze\n", error);
}

void rv_freezer_close(struct rv_freezer *f)
{
	rv_freezer_thaw(f);
	if (f->file)
		fput(f->file);
	f->file = NULL;
}
