/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ravelin.h - libravelin: programs' way to a running Ravelin, by /dev/ravelin of the Linux module.
 *
 * Conventions
 *   - A function that returns int gives 0 (or a count, where it says so) on success and a negative errno on failure.
 *     After a failure ravelin_explain() gives one sentence that says why.
 *   - A handle may be used by one thread at a time; different handles are independent. FIMCEs and CPUs belong to the
 *     handle that made or took them and go with ravelin_close(); an applied update stays.
 *   - Structures named rv_* are those of the ABI (ravelin/abi.h, ravelin/ioctl.h).
 *   - Times are ticks of the TSC; ravelin_ticks_to_us() converts.
 * Manual page: libravelin(3).
 */
#ifndef RAVELIN_H
#define RAVELIN_H

#include <ravelin/abi.h>
#include <ravelin/image.h>
#include <ravelin/ioctl.h>
#include <ravelin/reason.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ravelin;

/* ---- the handle ---- */

/**
 * Opens /dev/ravelin. -ENOENT or -ENODEV: no module, or no Ravelin under this Linux. -EACCES: not root. -ENOMEM.
 * @param handle  receives the handle on success, NULL otherwise; ravelin_explain(NULL, ...) explains a failure
 */
int ravelin_open(struct ravelin **handle);

/** Closes a handle. NULL is fine. */
void ravelin_close(struct ravelin *h);

/** What the last failed call of this handle left: reason, CPU, value. All zero if there was only an errno. */
struct rv_failure ravelin_failure(const struct ravelin *h);

/**
 * One sentence, without a full stop, that says why the last call of the handle failed.
 * @param error  what the call returned
 * @return text, always terminated
 */
const char *ravelin_explain(const struct ravelin *h, int error, char *text, size_t size);

/* ---- words ---- */

/**
 * The sentence of a reason, with values in the places that ravelin/reason.h marks: numbers, names of errors, causes and states. One that is
 * not given appears as "...". An unknown reason gives "reason N (values...)".
 * @return text, cut to size and always terminated
 */
const char *ravelin_sentence(uint32_t reason, const uint64_t *value, unsigned int values, char *text, size_t size);

/** The sentence of a log record, the text of a RV_REASON_FIMCE_TEXT record included. */
const char *ravelin_log_sentence(const struct rv_log_record *record, char *text, size_t size);

/** Why a FIMCE is DEAD, as a sentence; "" if it isn't. */
const char *ravelin_cause_sentence(const struct rv_fimce_status *status, char *text, size_t size);

/** Names in lower case, "unknown" for a value out of range. Static strings. */
const char *ravelin_fimce_state_name(uint32_t state);
const char *ravelin_fimce_cause_name(uint32_t cause);
const char *ravelin_update_state_name(uint32_t state);
const char *ravelin_cpu_state_name(uint32_t state);
const char *ravelin_reason_name(uint32_t reason);
const char *ravelin_exit_reason_name(uint32_t reason);

/* ---- what runs here ---- */

int ravelin_info(struct ravelin *h, struct rv_info *info, struct rv_driver_info *driver);
/** @return records read, 0 if there are none from @p first on */
int ravelin_log_read(struct ravelin *h, uint64_t first, struct rv_log_record *record, uint32_t capacity);
/** @param linux_cpu  receives Linux' number of the CPU or -1; may be NULL. -ENOENT: no CPU with this index. */
int ravelin_stat(struct ravelin *h, uint32_t cpu, struct rv_stat *stat, int *linux_cpu);
/** -EFAULT with reason RV_REASON_AUDIT_*: the tables grant what they must not; audit is filled. */
int ravelin_audit(struct ravelin *h, struct rv_audit *audit);
uint64_t ravelin_ticks_to_us(uint64_t ticks, uint64_t tsc_khz);
uint64_t ravelin_ticks_now(void);

/* ---- journal of updates ---- */

/** @return records read; *total receives the number of records that there are. */
int ravelin_journal_read(struct ravelin *h, uint64_t first, struct rv_journal_record *record, uint32_t capacity,
			 uint64_t *total);
/** Has Ravelin extend its hash chain over all records, and gives its head. */
int ravelin_journal_fold(struct ravelin *h, struct rv_journal_head *head);
/** All records of the journal and the head, which match if nothing was changed on the way. Free *record. */
int ravelin_journal_get(struct ravelin *h, struct rv_journal_record **record, uint64_t *count,
			struct rv_journal_head *head);
/**
 * Computes the chain over count records and compares with the head. -EBADMSG: they do not belong together: a record was
 * changed, left out or added. -ESTALE: the head is over another number of records. Needs no handle.
 */
int ravelin_journal_verify(const struct rv_journal_record *record, uint64_t count, const struct rv_journal_head *head);

/* ---- images and envelopes (no handle needed) ---- */

/**
 * Finds the FIMCE image in a file: the file itself, or the integrated payload of a SUIT envelope. Looks at the outermost
 * layer only and verifies nothing; that happens inside the FIMCE.
 * @param image    receives the image's header, checked as far as the host needs it
 * @param offset   receives where the image begins in the file
 * @param failure  receives the reason on -EBADMSG, the only error
 */
int ravelin_image_find(const void *file, size_t bytes, struct rv_image_header *image, size_t *offset,
		       struct rv_failure *failure);

/* ---- devices for a FIMCE ---- */

/**
 * Finds the PCI functions that an image asks for: of those that are named the first one with the right ids, otherwise of all that no driver
 * has. Ports and interrupt lines are as the image says.
 * @param source_id  functions that the caller names: bus in bits 15:8, device in 7:3, function in 2:0; may be NULL if named is 0
 * @param grant      receives image->grant_count grants
 * @return 0; -ENODEV: there is none; -EBUSY: a driver has it, and the sentence says how to unbind it; -EINVAL: a named function is not asked for
 */
int ravelin_devices_find(struct ravelin *h, const struct rv_image_header *image, const uint32_t *source_id,
			 unsigned int named, struct rv_grant grant[RV_MAX_GRANTS]);
/** True if one of the image's devices interrupts: then it runs on a CPU of its own only. */
bool ravelin_devices_interrupt(const struct rv_image_header *image);
#define RAVELIN_FUNCTION_NAME 16u
/** "BUS:DEV.FN". @return text */
const char *ravelin_function_name(uint32_t source_id, char text[RAVELIN_FUNCTION_NAME]);

/* ---- FIMCEs ---- */

/**
 * Makes a FIMCE from an image or envelope and the argument of its task. The sizes come from the image's header. If the image asks for
 * devices, they are those that ravelin_devices_find() finds.
 * @param argument  may be NULL if argument_bytes is 0
 * @param id        receives its id
 */
int ravelin_fimce_create(struct ravelin *h, const void *file, size_t bytes, const void *argument, size_t argument_bytes,
			 uint32_t *id);
/**
 * The same with these devices: the image's grants, with the places of PCI functions filled in. They leave Linux until the FIMCE is
 * destroyed. -EBUSY: a Linux driver has one of them.
 */
int ravelin_fimce_create_devices(struct ravelin *h, const void *file, size_t bytes, const void *argument,
				 size_t argument_bytes, const struct rv_grant *grant, uint32_t grant_count,
				 uint32_t *id);
/**
 * Runs it: on the caller's CPU (cpu is RV_RUN_HERE; returns when it is over), or on a CPU taken before (returns at once).
 * @return its enum rv_fimce_state
 */
int ravelin_fimce_run(struct ravelin *h, uint32_t id, int cpu);
int ravelin_fimce_status(struct ravelin *h, uint32_t id, struct rv_fimce_status *status);
/**
 * Waits until it does not run any more, at most timeout_ms (-1: no limit). -ETIME.
 */
int ravelin_fimce_wait(struct ravelin *h, uint32_t id, int timeout_ms, struct rv_fimce_status *status);
/** Reads output from offset on. @return bytes read */
int ravelin_fimce_output(struct ravelin *h, uint32_t id, uint32_t offset, void *buffer, uint32_t capacity);
int ravelin_fimce_destroy(struct ravelin *h, uint32_t id);
/** @param list  receives entries; @return their number */
int ravelin_fimce_list(struct ravelin *h, struct rv_list_entry list[RV_MAX_FIMCES]);

/* ---- CPUs ---- */

/** Has Linux give the CPU and its siblings away, or take them back. @return number of logical CPUs */
int ravelin_core_take(struct ravelin *h, unsigned int cpu);
int ravelin_core_give(struct ravelin *h, unsigned int cpu);

/* ---- processes and their freezer ---- */

/** The one process whose executable or command has this name. -ESRCH: none; -EEXIST: several (pid gets the first). */
int ravelin_process_find(const char *name, pid_t *pid);

/** A process in a cgroup v2 of its own, to be frozen and thawed. */
struct ravelin_freezer;

/**
 * Finds the cgroup of the process; if others are in it too, makes a child of it and moves the process there.
 * -ESRCH: no such process. -EOPNOTSUPP: no cgroup v2 here. -EBUSY: the calling process would freeze itself, or another program
 * holds this one. From here to ravelin_freezer_close() a child of the caller watches over it: if the caller is killed, that
 * thaws the process and moves it back.
 */
int ravelin_freezer_open(pid_t pid, struct ravelin_freezer **freezer);
/** Freezes and waits until every thread stands, at most timeout_ms. -ETIME: they do not; the process runs again. */
int ravelin_freezer_freeze(struct ravelin_freezer *f, int timeout_ms);
int ravelin_freezer_thaw(struct ravelin_freezer *f);
/**
 * The open cgroup.freeze of the process's own cgroup, for RV_IOCTL_UPDATE_COMMIT; it belongs to the freezer. -EBUSY: the process was frozen
 * already when the freezer was opened, and has to stay so.
 */
int ravelin_freezer_file(const struct ravelin_freezer *f);
/** Thaws, moves the process back where it was, frees. NULL is fine. */
void ravelin_freezer_close(struct ravelin_freezer *f);
/**
 * Thaws what a program left frozen that was killed together with its child. ravelin_freezer_open() does that, too.
 * @return how many processes were found, or a negative errno
 */
int ravelin_freezer_recover(void);

/* ---- updates ---- */

struct ravelin_update_options {
	pid_t pid; /* target */
	uint64_t
	    deadline_us; /* time for ravelin_update_confirm(), after which it is rolled back; at most RV_UPDATE_MAX_DEADLINE_US; 0 = no limit */
	unsigned int attempts; /* how often to freeze until no thread is inside the old code; 0 = 100 */
	int freeze_timeout_ms; /* 0 = 2000 */
	bool any_target; /* leave it to the FIMCE to notice that this is not the right executable */
};

enum ravelin_phase_id {
	RAVELIN_PHASE_PREPARE, /* pages pinned, FIMCE built, everything verified; the target runs */
	RAVELIN_PHASE_FREEZE, /* until every thread stands; most of them are looked at meanwhile */
	RAVELIN_PHASE_THREADS, /* last thread and pages looked at */
	RAVELIN_PHASE_ISOLATE, /* pages taken from Linux */
	RAVELIN_PHASE_SNAPSHOT,
	RAVELIN_PHASE_APPLY, /* the update code, its self-check included */
	RAVELIN_PHASE_RETURN, /* pages given back */
	RAVELIN_PHASE_RESUME, /* until the target is thawed */
	RAVELIN_PHASES
};

/** Static string. */
const char *ravelin_phase_name(enum ravelin_phase_id id);

/** What happened, for a timeline. */
struct ravelin_update_report {
	uint32_t id; /* of the update, for confirm and rollback; 0: none */
	uint32_t state; /* enum rv_update_state */
	uint32_t pages; /* of the target that were pinned */
	uint32_t prepares; /* how often it was prepared */
	uint32_t freezes; /* how often the target was frozen */
	uint64_t bias; /* load bias of the target */
	uint64_t begin[RAVELIN_PHASES]; /* TSC; of the last attempt; 0: not reached */
	uint64_t end[RAVELIN_PHASES];
	uint64_t pause_ticks; /* last freeze to thaw, all of it */
	uint64_t total_ticks;
	struct rv_fimce_status status; /* of the update's FIMCE, as far as known */
};

/**
 * Applies an update from an envelope: prepares it while the target runs, freezes the target, has it applied, thaws. The
 * target is thawed at return, whatever happened. Signals that would end the program are held back while it is frozen.
 *
 * After success the update is applied but not final: call ravelin_update_confirm() or ravelin_update_rollback().
 * -EAGAIN: threads were inside the old code at every attempt, or the target's memory kept changing. -EXDEV: the update is for another
 * executable. -ERANGE: the deadline is too long. -ECANCELED: refused or failed inside the FIMCE; every byte of the target is as before. Other errors: struct rv_ioctl_prepare.
 */
int ravelin_update_apply(struct ravelin *h, const void *envelope, size_t bytes,
			 const struct ravelin_update_options *options, struct ravelin_update_report *report);
/** Makes an applied update final. -ENOENT: there is no such update (any more): rolled back, expired, or its target is gone. -EBUSY with
 * status->update RV_UPDATE_EXPIRED: the deadline is over, and the update has changed data: roll it back. */
int ravelin_update_confirm(struct ravelin *h, uint32_t id, struct rv_fimce_status *status);
/** Takes an applied update back, with the target frozen. Errors as confirm; -EAGAIN: threads stay in the new code. */
int ravelin_update_rollback(struct ravelin *h, uint32_t id, struct rv_fimce_status *status);
/** The state of one update. target and pages may be NULL. */
int ravelin_update_status(struct ravelin *h, uint32_t id, struct rv_fimce_status *status, pid_t *target,
			  uint32_t *pages);

/* ---- can this machine run Ravelin? (no handle needed) ---- */

enum ravelin_check_result {
	RAVELIN_CHECK_OK,
	RAVELIN_CHECK_MISSING,
	RAVELIN_CHECK_OPTIONAL,
	RAVELIN_CHECK_UNKNOWN
};

struct ravelin_check_row {
	const char *name; /* static */
	enum ravelin_check_result result; /* OPTIONAL: absent, and Ravelin runs without it */
	char why[160]; /* what was seen, and what it is needed for */
};
#define RAVELIN_CHECK_ROWS 80u

/** What the checks look at; raw, so that the judgement can be tested without the machine. */
struct ravelin_machine {
	bool ravelin_runs; /* the CPUID leaf of Ravelin answers */
	bool intel;
	bool vmx;
	bool xsave;
	bool nx;
	bool long_mode;
	bool rdtscp, invpcid, xsaves, waitpkg; /* the CPU has the instruction, so VMX must let the guest use it */
	bool msrs; /* msr[] is valid */
	bool msrs_differ; /* not the same on all CPUs */
	uint64_t feature_control; /* MSR 0x3a, the most restrictive of all CPUs */
	uint64_t msr[18]; /* 0x480..0x491 of CPU 0; 0 where the CPU lacks it */
	bool kvm_in_use; /* a KVM module holds VMX */
	bool hypervisor; /* CPUID says that this is a virtual machine */
	bool dmar; /* ACPI table of VT-d */
	int tpm; /* major version of the TPM, 0 = none */
	bool cgroup2;
	bool module_loaded;
	unsigned int cpus;
	uint64_t memory_bytes;
	char vmx_flags[512]; /* of /proc/cpuinfo, for kernels without the msr device; "" = not there */
};

/** Reads all that from this machine. What cannot be read is absent. */
void ravelin_check_read(struct ravelin_machine *machine);
/**
 * The rows about VMX are those of ravelin/vmx.h, which the hypervisor requires, too.
 * @return number of rows; *ready: nothing that Ravelin needs is missing, or it runs here; what is UNKNOWN may still be missing
 */
unsigned int ravelin_check_judge(const struct ravelin_machine *machine,
				 struct ravelin_check_row row[RAVELIN_CHECK_ROWS], bool *ready);
/** "ok", "missing", "optional", "unknown". */
const char *ravelin_check_result_name(enum ravelin_check_result result);

#ifdef __cplusplus
}
#endif

#endif
