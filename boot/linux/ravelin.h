/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ravelin.h - what the source files of the Linux module ravelin.ko share.
 *
 * Conventions: every function returns 0 or a negative errno unless it says otherwise; one that takes a struct rv_failure
 * fills it when there is more to say than errno. All functions run in process context and may sleep unless they say otherwise.
 *
 * Lock order: rv_core_lock, or struct rv_object.lock -> rv_objects_lock -> mmap_lock of a target.
 */
#ifndef RAVELIN_MODULE_H
#define RAVELIN_MODULE_H

/* Every source file includes this header first, so that its messages begin with the module's name. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>
#include <ravelin/ioctl.h>
#include <ravelin/reason.h>

/* ---- call.c: hypercalls and buffers ---- */

/** True if CPUID says that Ravelin runs here and speaks our ABI. Prints a sentence otherwise. */
bool rv_call_detect(void);

/**
 * One hypercall (abi.h). @second: receives RDX of a call that succeeded, or NULL. Any context in which the CPU may be away
 * for as long as the call takes.
 * @return RAX: the result, or a negative errno with @why filled (NULL: not wanted)
 */
long rv_call(u64 number, u64 a, u64 b, u64 c, u64 *second, struct rv_failure *why);

/** The same with a fourth argument. */
long rv_call_4(u64 number, u64 a, u64 b, u64 c, u64 d, u64 *second, struct rv_failure *why);

/** Pages of ours that Ravelin reads or fills, with the frame list that names them. */
struct rv_buffer {
	struct page **page;
	u32 count;
	u32 bytes;
	void *frames; /* struct rv_frames, one page */
};

/** Makes a buffer of zeroed pages. @bytes: 1..511 pages. -ENOMEM, -EINVAL. */
int rv_buffer_alloc(struct rv_buffer *b, u32 bytes);
/** Frees the pages; a zeroed or freed buffer is fine. */
void rv_buffer_free(struct rv_buffer *b);
/** Guest-physical address of the frame list, as hypercalls want it. */
u64 rv_buffer_address(const struct rv_buffer *b);
/** Copies @bytes from or to the start of the buffer. */
void rv_buffer_read(const struct rv_buffer *b, void *to, size_t bytes);
void rv_buffer_write(struct rv_buffer *b, const void *from, size_t bytes);
/** The same with the caller's memory. -EFAULT. */
int rv_buffer_from_user(struct rv_buffer *b, u64 from, size_t bytes);
int rv_buffer_to_user(const struct rv_buffer *b, u64 to, size_t bytes);
/** Pages in buffers at the moment, for struct rv_driver_info. */
u64 rv_buffer_pages(void);

/** Sets @why and returns @error: one line for a refusal. */
int rv_refuse(struct rv_failure *why, int error, u32 reason, u64 value);

/* ---- target.c, pin.c: the process that an update is for ---- */

/** New memory that was mapped into the target. */
struct rv_fresh {
	unsigned long address;
	unsigned long bytes;
	unsigned long prot; /* PROT_* */
	bool found; /* it was there already, and may belong to an update that is in force: not ours to unmap */
};

struct rv_target {
	struct mmu_notifier notifier; /* tells when the address space ends */
	bool registered;
	bool watched; /* entry[] is final: invalidations of its pages set touched */
	bool moved; /* seen at rollback: the process has put copies of its own in the place of changed code */
	bool touched; /* some page of the list may have been unmapped or replaced */
	struct mm_struct *mm; /* mmgrab()bed: the pages may go away, the structure not */
	struct pid *pid;
	pid_t number; /* in the namespace of the process that asked */
	u64 bias;
	u32 range_count;
	struct rv_image_range range[RV_IMAGE_MAX_RANGES]; /* addresses biased; FRESH ones rounded out to pages */
	u32 fresh_count;
	struct rv_fresh fresh[RV_IMAGE_MAX_RANGES];
	bool has_heap;
	u32 count; /* entries in entry[] and page[] */
	u32 pinned; /* of these, pinned */
	struct rv_target_page *entry; /* ascending addresses */
	struct page **page;
	void (*gone)(struct rv_target *t); /* called when the address space ends; must not sleep */
};

/**
 * Finds the process, maps the fresh memory, finds the pages of all ranges and pins them: private copies, which stay where they
 * are until rv_target_free(). The process keeps running.
 * @gone: called once, in atomic context, when the process exits or calls exec; may come as soon as this call has begun
 * Errors: see struct rv_ioctl_prepare.
 */
int rv_target_create(struct rv_target *t, pid_t number, const struct rv_image_range *range, u32 count,
		     void (*gone)(struct rv_target *t), struct rv_failure *why);

/** Undoes rv_target_create(), also a failed one. @keep_fresh: the new memory stays mapped. Not from within @gone. */
void rv_target_free(struct rv_target *t, bool keep_fresh);

/* ---- freezer.c: the pause of a target ---- */

/** One pause. Without a file somebody else has frozen the target: then none of the calls does anything. */
struct rv_held;
struct rv_freezer {
	struct file *file;
	struct rv_held *held; /* threads that are kept asleep, see rv_freezer_freeze() */
	u32 held_count;
	u32 patience_ms;
	bool freezing; /* it was told to freeze, and not yet to thaw */
	u64 until_ns; /* when the patience ends, as ktime_get_ns() counts */
	u64 freeze_tsc, frozen_tsc, thaw_tsc; /* 0: did not happen */
};

/** Takes over what the caller asks for. -EBADF: not a file that freezes. Close it also after a failure. */
int rv_freezer_open(struct rv_freezer *f, const struct rv_ioctl_update *arg, struct rv_failure *why);
/**
 * Tells all threads to freeze; rv_threads_check_stacks() waits for them. Thaw also after a failure. Those of @thread that sleep in a
 * wait which holds nothing are not woken for that: they are kept asleep, whatever wakes them, until they are thawed.
 */
int rv_freezer_freeze(struct rv_freezer *f, struct task_struct **thread, u32 count);
/** True if @t is kept asleep. */
bool rv_freezer_holds(const struct task_struct *t);
/** Lets them go. Nothing happens if they are not held. */
void rv_freezer_thaw(struct rv_freezer *f);
/** Thaws and gives up the file. */
void rv_freezer_close(struct rv_freezer *f);

/**
 * Freezes the target, if @freezer has a file, and makes sure that it can be changed now: it lives, every thread is in the freezer, every
 * pinned page is still the one that is mapped, the heap has no other pages, and no thread is inside code that changes.
 * @rollback: the code that goes away is the fresh one, too; the pages are not looked at, because the process may have freed some
 * @threads: made and filled with the struct rv_threads of the target, to be freed in any case; NULL: not wanted
 * Errors: see RV_IOCTL_UPDATE_COMMIT.
 */
int rv_target_check(struct rv_target *t, bool rollback, struct rv_freezer *freezer, struct rv_buffer *threads,
		    struct rv_failure *why);

/** Fills t->entry[] for all ranges and pins the pages. The caller holds a reference that keeps the mm in use. */
int rv_pin_all(struct rv_target *t, struct rv_failure *why);
/** Unpins and frees what rv_pin_all() did. */
void rv_pin_release(struct rv_target *t);
/**
 * Checks that the pinned pages are still mapped where they were, which takes no time as long as nothing has touched their mappings, and with
 * @heap that the heap has no others.
 */
int rv_pin_check(struct rv_target *t, bool heap, struct rv_failure *why);
/** True if all pinned pages of old code are still mapped where they were, or if that can't be told. */
bool rv_pin_text_is_mapped(struct rv_target *t);
/** True if some listed page lies in [start, end). Any context; the list must be final. */
bool rv_pin_overlaps(const struct rv_target *t, u64 start, u64 end);
/** Pages pinned at the moment, for struct rv_driver_info. */
u64 rv_pin_pages(void);

/* ---- threads.c: may this process be changed now? ---- */

/** No process but @leader's uses @mm, of which @users are known: its threads, and the caller's reference. -EBUSY. */
int rv_threads_check_shared(struct task_struct *leader, const struct mm_struct *mm, int users, struct rv_failure *why);
/**
 * Every thread is in the cgroup freezer and on no CPU, and none of them executes, or will return into, code that changes. Waits for each until
 * @freezer->until_ns, and looks at it while the others are still on their way. Looks at the instruction pointer and at every word of the
 * stack; a word that only looks like a return address counts as one. A thread whose stack can't be seen as a whole is in the way, too: it
 * handles a signal on an alternate stack, or has more above its stack pointer than is looked at. -EAGAIN with the thread; -ETIME: it did not
 * freeze in time.
 */
int rv_threads_check_stacks(const struct rv_target *t, struct task_struct **thread, u32 count, bool rollback,
			    struct rv_freezer *freezer, struct rv_failure *why);
/** True if these are all threads that @leader has now. */
bool rv_threads_are_all(struct task_struct *leader, struct task_struct **thread, u32 count);
/** How many of the threads use @mm. */
int rv_threads_count_users(const struct mm_struct *mm, struct task_struct **thread, u32 count);
/** Makes @b anew, with room for so many threads. -E2BIG: more than RV_UPDATE_MAX_THREADS. */
int rv_threads_room(struct rv_buffer *b, u32 count, struct rv_failure *why);
/** Fills @b, which has room for @count, with the registers of all threads that will go back to user mode. -ESRCH: none. */
int rv_threads_write(struct rv_buffer *b, const struct rv_target *t, struct task_struct **thread, u32 count,
		     struct rv_failure *why);
/** References to all threads of @leader; *count of them, to be given to rv_threads_put(). NULL: no memory. */
struct task_struct **rv_threads_get(struct task_struct *leader, u32 *count);
void rv_threads_put(struct task_struct **thread, u32 count);

/* ---- device.c: devices that Linux gives away ---- */

/** One device that is claimed. */
struct rv_claim {
	struct rv_grant grant;
	struct pci_dev *pci;
	char *override; /* driver_override as it was, or NULL */
	int irq;
};

struct rv_devices {
	u32 count; /* claimed */
	struct rv_claim claim[RV_MAX_GRANTS];
};

/**
 * Claims the devices of these grants: no driver has them now or gets them until rv_devices_release(). All or none of them.
 * -EBUSY with RV_REASON_DRIVER_DEVICE: a driver has one of them, or it is not there. -EINVAL, -ENOMEM.
 */
int rv_devices_claim(struct rv_devices *d, const struct rv_grant *grant, u32 count, struct rv_failure *why);
/** Gives them back to Linux; Ravelin must have done so before. */
void rv_devices_release(struct rv_devices *d);

/* ---- fimce.c: the FIMCEs that this module made ---- */

struct rv_object {
	struct kref ref;
	struct list_head link; /* in the list of objects; under rv_objects_lock */
	u32 id;
	const struct file *owner; /* NULL: outlives the file */
	pid_t owner_pid;
	struct mutex lock; /* one update operation at a time */
	bool is_update;
	bool applied; /* under lock */
	bool keep_fresh; /* under lock */
	bool asked; /* the rollback helper was started; only its work function looks */
	u64 deadline_us;
	struct work_struct gone;
	struct delayed_work expiry;
	struct rv_target target; /* is_update only */
	struct rv_devices devices;
};

extern struct mutex rv_objects_lock;

/** A new object, not yet in the list, with one reference. NULL: no memory. */
struct rv_object *rv_object_new(const struct file *owner);
/** Copies the input from the caller, has Ravelin build the FIMCE, puts the object into the list (which takes a reference). */
int rv_object_build(struct rv_object *o, const struct rv_sizes *s, struct rv_failure *why);
/** The object with this id, with a reference, or NULL. */
struct rv_object *rv_object_find(u32 id);
void rv_object_get(struct rv_object *o);
void rv_object_put(struct rv_object *o);
/**
 * Has Ravelin destroy the FIMCE, a running one too, and takes the object from the list. -RV_ENOENT from Ravelin counts as success; any
 * other refusal leaves everything as it was.
 */
int rv_object_destroy(struct rv_object *o, struct rv_failure *why);
/** What Ravelin says about a FIMCE. */
int rv_fimce_status(u32 id, struct rv_fimce_status *status, struct rv_failure *why);
/** Destroys all that @owner made, except applied updates, which from then on belong to nobody. */
void rv_object_close(const struct file *owner);
/** Number of objects, and of updates among them. */
void rv_object_count(u32 *all, u32 *updates);

int rv_ioctl_create(const struct file *file, struct rv_ioctl_create *arg);
int rv_ioctl_run(struct rv_ioctl_run *arg);
int rv_ioctl_output(struct rv_ioctl_output *arg);
int rv_ioctl_destroy(struct rv_ioctl_destroy *arg);
int rv_ioctl_list(struct rv_ioctl_list *arg);

/* ---- update.c ---- */

int rv_update_prepare(const struct file *file, struct rv_ioctl_prepare *arg);
int rv_update_commit(struct rv_ioctl_update *arg);
int rv_update_confirm(struct rv_ioctl_update *arg);
int rv_update_rollback(struct rv_ioctl_update *arg);
int rv_update_status(struct rv_ioctl_update *arg);
/** Work functions of struct rv_object: the target is gone; look whether the deadline has passed. */
void rv_update_gone_work(struct work_struct *work);
void rv_update_expiry_work(struct work_struct *work);

/* Runs what must not run where an address space ends, and what waits for deadlines. */
extern struct workqueue_struct *rv_workqueue;

/* ---- core.c: CPUs that Linux gives away ---- */

int rv_core_take(const struct file *owner, struct rv_ioctl_core *arg);
int rv_core_give(struct rv_ioctl_core *arg);
/** Gives all back that @owner took. */
void rv_core_close(const struct file *owner);
/** Ravelin's index of a CPU that Linux calls @cpu, or a negative errno with @why. */
int rv_core_index(u32 cpu, struct rv_failure *why);
/** Linux' number of the CPU with this APIC id, or -1. */
int rv_core_linux(u32 apic_id);
/** Logical CPUs that are away. */
u32 rv_core_count(void);

#endif
