/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ioctl.h - the interface of /dev/ravelin, between the Linux module ravelin.ko and user space.
 *
 * The device has mode 0600. Every argument begins with struct rv_ioctl_head. The caller sets size to the size of the
 * whole argument; the module refuses any other value. On failure the ioctl returns -1 with errno set and, where Ravelin or
 * the module has more to say, head.failure holds reason, CPU and value (reason.h); on success head.failure is zero.
 *
 * Ownership: a FIMCE, and a CPU taken from Linux, belongs to the open file that made it. When that file is closed, its
 * FIMCEs are destroyed and its CPUs go back to Linux. One thing stays: an update that has been applied. It lives until it is
 * confirmed, rolled back, expired, or until its target is gone; any open file may confirm it or roll it back.
 *
 * Addresses in user space are passed as uint64_t, so that the layout is the same for every caller.
 */
#ifndef RAVELIN_IOCTL_H
#define RAVELIN_IOCTL_H

#include <ravelin/abi.h>
#include <ravelin/image.h>

#ifdef __KERNEL__
#include <linux/ioctl.h>
#else
#include <sys/ioctl.h>
#endif

#define RV_DEVICE "/dev/ravelin"
#define RV_IOCTL_VERSION 3u

/** Why a call failed; all zero when there is nothing more to say than errno. */
struct rv_failure {
	uint32_t reason; /* RV_REASON_* */
	uint32_t cpu; /* index of the CPU that refused, or 0 */
	uint64_t value; /* $0 of the reason's sentence */
};

/** First member of every argument. */
struct rv_ioctl_head {
	uint32_t size; /* in: bytes of the whole argument */
	uint32_t flags; /* in: 0 */
	struct rv_failure failure; /* out */
};

/** What the module itself holds at the moment. All zero when nothing runs: the way to see a leak. */
struct rv_driver_info {
	uint32_t ioctl_version; /* RV_IOCTL_VERSION */
	uint32_t fimces; /* FIMCEs that the module knows, updates included */
	uint32_t updates; /* of these, updates */
	uint32_t cpus_taken; /* logical CPUs that Linux gave away */
	uint64_t pages_pinned; /* pages of target processes */
	uint64_t pages_buffer; /* pages of frame lists in flight */
};

struct rv_ioctl_info {
	struct rv_ioctl_head head;
	struct rv_info info;
	struct rv_driver_info driver;
};

/** Reads records from the log ring. */
struct rv_ioctl_log {
	struct rv_ioctl_head head;
	uint64_t first; /* in: first sequence number wanted */
	uint64_t buffer; /* in: struct rv_log_record[capacity] */
	uint32_t capacity; /* in: at least 1 */
	uint32_t count; /* out: records written */
};

struct rv_ioctl_stat {
	struct rv_ioctl_head head;
	uint32_t cpu; /* in: index as Ravelin counts. ENOENT: there is no such CPU */
	int32_t linux_cpu; /* out: Linux' number of this CPU, -1 if Linux does not know it */
	struct rv_stat stat;
};

/** EFAULT with reason RV_REASON_AUDIT_*: the audit found something, and says where. */
struct rv_ioctl_audit {
	struct rv_ioctl_head head;
	struct rv_audit audit;
};

/** What a FIMCE is made of: all in. For the limits see struct rv_fimce_create. */
struct rv_sizes {
	uint64_t input; /* address of image or envelope, and argument */
	uint32_t input_bytes; /* 1..RV_FIMCE_MAX_INPUT */
	uint32_t argument_offset;
	uint32_t load_bytes;
	uint32_t output_bytes;
	uint32_t stack_bytes;
	uint32_t reserved; /* 0 */
	uint64_t budget_us;
};

/**
 * Makes a FIMCE from an image or envelope. Devices: EBUSY if a Linux driver has the function, the ports or the interrupt line
 * (unbind it first); they stay claimed by the module until the FIMCE is destroyed.
 */
struct rv_ioctl_create {
	struct rv_ioctl_head head;
	struct rv_sizes sizes;
	uint32_t id; /* out */
	uint32_t grant_count; /* in: 0..RV_MAX_GRANTS */
	struct rv_grant grant[RV_MAX_GRANTS]; /* in: from the image's header, with source_id filled in */
};

#define RV_RUN_HERE (-1) /* borrow the CPU that the caller happens to run on */

struct rv_ioctl_run {
	struct rv_ioctl_head head;
	uint32_t id; /* in */
	int32_t cpu; /* in: RV_RUN_HERE, or Linux' number of a CPU taken by RV_IOCTL_CORE_TAKE */
	uint32_t state; /* out: enum rv_fimce_state */
	uint32_t reserved;
};

struct rv_ioctl_status {
	struct rv_ioctl_head head;
	uint32_t id; /* in */
	uint32_t reserved;
	struct rv_fimce_status status;
};

struct rv_ioctl_output {
	struct rv_ioctl_head head;
	uint64_t buffer; /* in: address of room for capacity bytes */
	uint32_t id; /* in */
	uint32_t offset; /* in */
	uint32_t capacity; /* in */
	uint32_t copied; /* out: bytes written */
};

/** Destroys a FIMCE, whoever made it. EBUSY: it is an applied update, to be confirmed or rolled back first. */
struct rv_ioctl_destroy {
	struct rv_ioctl_head head;
	uint32_t id; /* in */
	uint32_t reserved;
};

#define RV_LIST_MODULE (1u << 0) /* made through this module; without it the other fields are zero */
#define RV_LIST_UPDATE (1u << 1) /* an update: target is valid */

struct rv_list_entry {
	uint32_t id;
	uint32_t flags; /* RV_LIST_* */
	int32_t owner; /* process that made it */
	int32_t target; /* process it updates */
	uint32_t pages; /* pinned pages of the target */
	uint32_t reserved;
};

/** All FIMCEs of this machine. */
struct rv_ioctl_list {
	struct rv_ioctl_head head;
	uint32_t count; /* out */
	uint32_t reserved;
	struct rv_list_entry entry[RV_MAX_FIMCES];
};

struct rv_ioctl_journal {
	struct rv_ioctl_head head;
	uint64_t first; /* in: index of the first record wanted */
	uint64_t buffer; /* in: struct rv_journal_record[capacity] */
	uint32_t capacity; /* in: at least 1 */
	uint32_t count; /* out */
	uint64_t total; /* out: records in the journal */
};

struct rv_ioctl_fold {
	struct rv_ioctl_head head;
	struct rv_journal_head journal; /* out */
};

/**
 * RV_IOCTL_CORE_TAKE: Linux offlines the CPU and its hyper-thread siblings, and Ravelin takes them. RV_IOCTL_CORE_GIVE: the
 * way back. EINVAL: no such CPU, or CPU 0. EBUSY: Linux will not let it go, or a FIMCE runs there. ENOENT (give): it was not taken.
 */
struct rv_ioctl_core {
	struct rv_ioctl_head head;
	uint32_t cpu; /* in: Linux' number */
	uint32_t siblings; /* out: logical CPUs that went, at least 1 */
};

/**
 * Prepares an update while the target runs: maps the fresh memory, pins the pages that the ranges name, builds the FIMCE and
 * lets it verify everything. On success the update stands in RV_UPDATE_PREPARED.
 *
 * ESRCH: no such process. EINVAL: ranges that the target does not have. E2BIG: too many pages. EEXIST: the fresh memory's address is
 * in use. ENOMEM, EFAULT: a page could not be had. ECANCELED: the FIMCE refused or died; status says why.
 */
struct rv_ioctl_prepare {
	struct rv_ioctl_head head;
	struct rv_sizes sizes; /* of the envelope */
	int32_t pid; /* in: target, in the caller's PID namespace */
	uint32_t range_count; /* in: 1..RV_IMAGE_MAX_RANGES */
	struct rv_image_range range[RV_IMAGE_MAX_RANGES]; /* in: from the image's header */
	uint64_t bias; /* out: load bias of the target's executable */
	uint32_t pages; /* out: pages of the target in the list */
	uint32_t id; /* out */
	struct rv_fimce_status status; /* out: valid when id is not 0; the id itself is gone after a failure */
};

/**
 * RV_IOCTL_UPDATE_COMMIT applies a prepared update, RV_IOCTL_UPDATE_ROLLBACK takes an applied one back. Meanwhile every thread of the
 * target stands in the cgroup v2 freezer. With freeze_ms the module freezes it and lets it go in this call, which is the shortest pause;
 * the target is thawed at return, whatever happened. Without, the caller has frozen it, and thaws it.
 *
 * EBADF: freezer is no file cgroup.freeze that is open for writing. ETIME with reason RV_REASON_DRIVER_NOT_FROZEN: a thread did not stand in time.
 * EAGAIN: nothing happened; thaw and try again. Reason RV_REASON_DRIVER_NOT_FROZEN, _STACK, _SIGNAL_STACK or _DEEP: the same
 * prepared update may be committed again. RV_REASON_DRIVER_REMAPPED or RV_REASON_DRIVER_HEAP: prepare again. ESTALE: the
 * guest wrote to the code; prepare again. E2BIG: more than RV_UPDATE_MAX_THREADS threads. ESRCH: the target is gone.
 * ECANCELED: the update failed and was taken back; status says why.
 * RV_IOCTL_UPDATE_CONFIRM makes an applied update final. RV_IOCTL_UPDATE_STATUS only asks. When the deadline passes, Ravelin puts the old
 * code back; if the update has data, the module starts the command of its parameter rollback_helper until that has rolled it back.
 * ROLLBACK fails if the update's own way back fails: the update stays applied and can be confirmed. If it is overdue, nothing is left to be
 * done with it: ECANCELED with RV_REASON_UPDATE_ABANDONED. After CONFIRM and ROLLBACK, and when it is abandoned, the id is gone.
 */
struct rv_ioctl_update {
	struct rv_ioctl_head head;
	uint32_t id; /* in */
	uint32_t state; /* out: enum rv_update_state */
	uint64_t deadline_us; /* in, COMMIT: time for the confirmation, 0 = no limit; see RV_UPDATE_EXPIRED */
	uint64_t begin_tsc; /* out: call entered */
	uint64_t checked_tsc; /* out: threads and pages checked; the hypercall begins */
	uint64_t end_tsc; /* out: call about to return */
	int32_t target; /* out: target process */
	uint32_t pages; /* out: pinned pages */
	struct rv_fimce_status status; /* out */
	uint32_t freeze_ms; /* in, COMMIT, ROLLBACK: how long to wait for all threads; 0 = they stand already */
	int32_t freezer; /* in: cgroup.freeze of the target's own cgroup; not looked at without freeze_ms */
	uint64_t freeze_tsc; /* out, with freeze_ms: told to freeze; the pause begins */
	uint64_t frozen_tsc; /* out: the last thread was seen standing */
	uint64_t thaw_tsc; /* out: thawed; the pause is over */
};

#define RV_IOCTL_MAGIC 0xb5
#define RV_IOCTL_INFO _IOWR(RV_IOCTL_MAGIC, 0, struct rv_ioctl_info)
#define RV_IOCTL_LOG _IOWR(RV_IOCTL_MAGIC, 1, struct rv_ioctl_log)
#define RV_IOCTL_STAT _IOWR(RV_IOCTL_MAGIC, 2, struct rv_ioctl_stat)
#define RV_IOCTL_AUDIT _IOWR(RV_IOCTL_MAGIC, 3, struct rv_ioctl_audit)
#define RV_IOCTL_CREATE _IOWR(RV_IOCTL_MAGIC, 4, struct rv_ioctl_create)
#define RV_IOCTL_RUN _IOWR(RV_IOCTL_MAGIC, 5, struct rv_ioctl_run)
#define RV_IOCTL_STATUS _IOWR(RV_IOCTL_MAGIC, 6, struct rv_ioctl_status)
#define RV_IOCTL_OUTPUT _IOWR(RV_IOCTL_MAGIC, 7, struct rv_ioctl_output)
#define RV_IOCTL_DESTROY _IOWR(RV_IOCTL_MAGIC, 8, struct rv_ioctl_destroy)
#define RV_IOCTL_LIST _IOWR(RV_IOCTL_MAGIC, 9, struct rv_ioctl_list)
#define RV_IOCTL_JOURNAL _IOWR(RV_IOCTL_MAGIC, 10, struct rv_ioctl_journal)
#define RV_IOCTL_FOLD _IOWR(RV_IOCTL_MAGIC, 11, struct rv_ioctl_fold)
#define RV_IOCTL_CORE_TAKE _IOWR(RV_IOCTL_MAGIC, 12, struct rv_ioctl_core)
#define RV_IOCTL_CORE_GIVE _IOWR(RV_IOCTL_MAGIC, 13, struct rv_ioctl_core)
#define RV_IOCTL_UPDATE_PREPARE _IOWR(RV_IOCTL_MAGIC, 14, struct rv_ioctl_prepare)
#define RV_IOCTL_UPDATE_COMMIT _IOWR(RV_IOCTL_MAGIC, 15, struct rv_ioctl_update)
#define RV_IOCTL_UPDATE_CONFIRM _IOWR(RV_IOCTL_MAGIC, 16, struct rv_ioctl_update)
#define RV_IOCTL_UPDATE_ROLLBACK _IOWR(RV_IOCTL_MAGIC, 17, struct rv_ioctl_update)
#define RV_IOCTL_UPDATE_STATUS _IOWR(RV_IOCTL_MAGIC, 18, struct rv_ioctl_update)

#endif
