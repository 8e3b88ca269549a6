// SPDX-License-Identifier: GPL-2.0-only
/*
 * update.c - prepare, commit, confirm and roll back an update of a process.
 *
 * What happens to an update when its target ...
 *   exits, is killed, calls exec   an applied update is rolled back (which only the journal will show), or abandoned if its way
 *                                  back fails; the FIMCE is destroyed, the pages are unpinned
 *   forks                          the child gets copies as they are at that moment and does not belong to the update any more;
 *                                  pinned pages stay with the parent
 *   unmaps or remaps a page        commit fails with RV_REASON_DRIVER_REMAPPED; after commit the page is changed back
 *                                  where it is, seen by nobody
 */
#include "ravelin.h"

#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/umh.h>
#include <asm/msr.h>

/* How often to look whether Ravelin has taken back an update whose deadline is over, and to ask for it if Ravelin can't alone. */
#define EXPIRY_POLL_MS 100u
#define ROLLBACK_RETRY_MS 1000u

static char *rollback_helper = "ravelin update rollback";
module_param(rollback_helper, charp, 0444);
MODULE_PARM_DESC(
    rollback_helper,
    "command, to be followed by an update's id, that rolls an update with data back when its deadline has passed; "
    "empty: none");

static struct rv_object *object_of_target(struct rv_target *t)
{
	return container_of(t, struct rv_object, target);
}

/** The target's address space ends. Comes from the middle of exit or exec: only hands over. */
static void target_gone(struct rv_target *t)
{
	struct rv_object *o = object_of_target(t);

	/* No reference left: the object is on its way out and this call is a part of that. */
	if (!kref_get_unless_zero(&o->ref))
		return;
	if (!queue_work(rv_workqueue, &o->gone))
		rv_object_put(o);
}

/** The update is over: no deadline, no FIMCE, no pins. Called with o->lock. */
static void update_finish(struct rv_object *o)
{
	struct rv_failure why;

	/* Its deadline goes with it: the module may be unloaded before that, and its timer would find no queue. */
	if (cancel_delayed_work(&o->expiry))
		rv_object_put(o);
	if (rv_object_destroy(o, &why)) {
		/* Ravelin still has the pages. They stay pinned then, and the module stays with them. */
		pr_err("the FIMCE of update %u could not be destroyed: reason %u, value 0x%llx\n", o->id, why.reason,
		       why.value);
		return;
	}
	if (o->applied) {
		WRITE_ONCE(o->applied, false);
		module_put(THIS_MODULE);
	}
}

void rv_update_gone_work(struct work_struct *work)
{
	struct rv_object *o = container_of(work, struct rv_object, gone);
	struct rv_failure ignored;

	mutex_lock(&o->lock);
	/* Nobody can confirm it any more. The pages are ours alone by now, so that taking it back disturbs nobody. */
	if (o->applied && rv_call(RV_HC_UPDATE, o->id, RV_UPDATE_ROLLBACK, 0, NULL, &ignored) < 0)
		rv_call(RV_HC_UPDATE, o->id, RV_UPDATE_ABANDON, 0, NULL, &ignored);
	update_finish(o);
	mutex_unlock(&o->lock);
	rv_object_put(o);
}

/**
 * The update is overdue and has data: the way back needs the process frozen, which a program does by cgroup v2. Waits for that
 * program. Called without o->lock, which the rollback takes.
 */
static void rollback_ask(struct rv_object *o)
{
	static char *environment[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/",
				      NULL};
	char *argument[] = {"/bin/sh", "-c", NULL, NULL};
	int result;

	if (!o->asked)
		pr_warn("update %u of process %d was not confirmed in time and has changed data: %s\n", o->id,
			o->target.number,
			rollback_helper[0] ? "it is rolled back by a program" : "it is to be rolled back");
	if (rollback_helper[0]) {
		argument[2] = kasprintf(GFP_KERNEL, "exec %s %u", rollback_helper, o->id);
		result = argument[2] ? call_usermodehelper(argument[0], argument, environment, UMH_WAIT_PROC) : -ENOMEM;
		if (result && !o->asked && READ_ONCE(o->applied))
			pr_warn("'%s %u' ended with %d: it is tried again\n", rollback_helper, o->id, result);
		kfree(argument[2]);
	}
	o->asked = true;
}

/** Looks what has become of an applied update whose deadline has passed. Called with o->lock. @return true: it is overdue */
static bool expiry_look(struct rv_object *o, struct rv_fimce_status *status)
{
	struct rv_failure why;

	if (!rv_fimce_status(o->id, status, &why) && status->update == RV_UPDATE_APPLIED)
		return false;
	/* Ravelin does not let go of one that changed data, which only a rollback with the target frozen can change back. */
	if (status->update == RV_UPDATE_EXPIRED && rv_object_destroy(o, &why))
		return true;
	/* Nobody looked at the threads: some may be in the new code, so it stays mapped. */
	o->keep_fresh = true;
	pr_info("update %u of process %d was not confirmed in time: Ravelin took it back\n", o->id, o->target.number);
	update_finish(o);
	return false;
}

void rv_update_expiry_work(struct work_struct *work)
{
	struct rv_object *o = container_of(to_delayed_work(work), struct rv_object, expiry);
	struct rv_fimce_status *status = kzalloc(sizeof(*status), GFP_KERNEL);
	bool overdue = false, again;

	mutex_lock(&o->lock);
	if (o->applied && status)
		overdue = expiry_look(o, status);
	mutex_unlock(&o->lock);
	kfree(status);
	if (overdue)
		rollback_ask(o);
	/* Under the lock: whoever ends the update finds either this work or its timer. */
	mutex_lock(&o->lock);
	again = o->applied && queue_delayed_work(rv_workqueue, &o->expiry,
						 msecs_to_jiffies(overdue ? ROLLBACK_RETRY_MS : EXPIRY_POLL_MS));
	mutex_unlock(&o->lock);
	if (!again)
		rv_object_put(o);
}

/** True if @address is in memory that was there before: what is in it now is of an earlier update. */
static bool is_in_found_memory(const struct rv_target *t, u64 address)
{
	u32 i;

	for (i = 0; i < t->fresh_count; i++) {
		if (t->fresh[i].found && address - t->fresh[i].address < t->fresh[i].bytes)
			return true;
	}
	return false;
}

/** Has the prepared FIMCE verify everything. */
static int prepare_run(struct rv_object *o, struct rv_ioctl_prepare *arg)
{
	struct rv_failure *why = &arg->head.failure;
	long result;
	int error;

	result = rv_call(RV_HC_FIMCE_RUN, o->id, RV_RUN_BORROWED, 0, NULL, why);
	if (result < 0)
		return (int)result;
	error = rv_fimce_status(o->id, &arg->status, why);
	if (error)
		return error;
	if (result == RV_FIMCE_YIELDED && arg->status.result == 0 && arg->status.update == RV_UPDATE_PREPARED)
		return 0;
	/* Refused by the manager, or by the update code, which yields with a failure. */
	if (arg->status.detail == RV_REASON_UPDATE_OLD_CONTENT && is_in_found_memory(&o->target, arg->status.value))
		return rv_refuse(why, -EEXIST, RV_REASON_DRIVER_FRESH, arg->status.value);
	if (arg->status.cause == RV_CAUSE_REFUSED || (result == RV_FIMCE_YIELDED && arg->status.result < 0))
		return rv_refuse(why, -ECANCELED, arg->status.detail, arg->status.value);
	return rv_refuse(why, -ECANCELED, RV_REASON_UPDATE_STATE, arg->status.update);
}

int rv_update_prepare(const struct file *file, struct rv_ioctl_prepare *arg)
{
	struct rv_object *o = rv_object_new(file);
	struct rv_failure ignored;
	int error;

	if (!o)
		return -ENOMEM;
	o->is_update = true;
	mutex_lock(&o->lock);
	error = rv_target_create(&o->target, arg->pid, arg->range, arg->range_count, target_gone, &arg->head.failure);
	if (error)
		goto out;
	arg->bias = o->target.bias;
	arg->pages = o->target.count;
	error = rv_object_build(o, &arg->sizes, &arg->head.failure);
	if (error)
		goto out;
	arg->id = o->id;
	error = prepare_run(o, arg);
	if (error && rv_object_destroy(o, &ignored))
		pr_err("the FIMCE of refused update %u could not be destroyed: reason %u\n", o->id, ignored.reason);
out:
	mutex_unlock(&o->lock);
	rv_object_put(o);
	return error;
}

/** Finds an update and locks it. */
static struct rv_object *update_lock(u32 id, struct rv_failure *why)
{
	struct rv_object *o = rv_object_find(id);

	if (o && o->is_update) {
		mutex_lock(&o->lock);
		return o;
	}
	if (o)
		rv_object_put(o);
	rv_refuse(why, -ENOENT, RV_REASON_FIMCE_ID, id);
	return NULL;
}

static void update_unlock(struct rv_object *o)
{
	mutex_unlock(&o->lock);
	rv_object_put(o);
}

/** Fills the output fields that every update call has. */
static void update_report(struct rv_object *o, struct rv_ioctl_update *arg)
{
	struct rv_failure ignored;

	arg->target = o->target.number;
	arg->pages = o->target.pinned;
	if (!rv_fimce_status(o->id, &arg->status, &ignored))
		arg->state = arg->status.update;
}

/** The update is applied: from now on it belongs to no file, and the module stays. Called with o->lock. */
static void update_set_applied(struct rv_object *o, u64 deadline_us)
{
	o->owner = NULL;
	WRITE_ONCE(o->applied, true);
	__module_get(THIS_MODULE);
	if (deadline_us) {
		rv_object_get(o);
		queue_delayed_work(rv_workqueue, &o->expiry,
				   usecs_to_jiffies((unsigned int)min_t(u64, deadline_us, U32_MAX)) +
				       msecs_to_jiffies(EXPIRY_POLL_MS));
	}
}

/** The times of a pause, for the caller. */
static void freezer_report(const struct rv_freezer *f, struct rv_ioctl_update *arg)
{
	arg->freeze_tsc = f->freeze_tsc;
	arg->frozen_tsc = f->freeze_tsc ? f->frozen_tsc : 0;
	arg->thaw_tsc = f->thaw_tsc;
}

/** What APPLY gave, as an error and for the caller. The target runs already. Called with o->lock. */
static int commit_finish(struct rv_object *o, struct rv_ioctl_update *arg, long result)
{
	struct rv_failure *why = &arg->head.failure;
	int error = 0;

	update_report(o, arg);
	if (result == RV_UPDATE_APPLIED) {
		update_set_applied(o, arg->deadline_us);
	} else if (result >= 0) {
		arg->state = (u32)result;
		error = result == RV_UPDATE_STALE
			    ? rv_refuse(why, -ESTALE, RV_REASON_UPDATE_STALE, arg->id)
			    : rv_refuse(why, -ECANCELED, RV_REASON_UPDATE_SELF_CHECK, (u64)arg->status.result);
	} else {
		/* Taken back by Ravelin, or not even begun; the state says which. */
		error = arg->state == RV_UPDATE_PREPARED ? (int)result
			: arg->state == RV_UPDATE_STALE  ? -ESTALE
							 : -ECANCELED;
	}
	if (error && arg->state != RV_UPDATE_PREPARED)
		update_finish(o);
	return error;
}

int rv_update_confirm(struct rv_ioctl_update *arg)
{
	struct rv_failure *why = &arg->head.failure;
	struct rv_object *o;
	long result;

	arg->begin_tsc = rdtsc_ordered();
	o = update_lock(arg->id, why);
	if (!o)
		return -ENOENT;
	arg->checked_tsc = rdtsc_ordered();
	result = rv_call(RV_HC_UPDATE, o->id, RV_UPDATE_CONFIRM, 0, NULL, why);
	arg->end_tsc = rdtsc_ordered();
	update_report(o, arg);
	if (result >= 0) {
		arg->state = (u32)result;
		o->keep_fresh = true;
		update_finish(o);
	}
	update_unlock(o);
	return result < 0 ? (int)result : 0;
}

/** What ROLLBACK gave. The target runs already. Called with o->lock. */
static int rollback_finish(struct rv_object *o, struct rv_ioctl_update *arg, long result)
{
	struct rv_failure *why = &arg->head.failure, ignored;
	int error = 0;

	update_report(o, arg);
	if (result >= 0) {
		arg->state = (u32)result;
		update_finish(o);
	} else {
		error = (int)result;
		/* It can't be confirmed any more, and the next try would fail, too: threads may be in the new code for ever. */
		if (arg->state == RV_UPDATE_EXPIRED &&
		    rv_call(RV_HC_UPDATE, o->id, RV_UPDATE_ABANDON, 0, NULL, &ignored) == RV_UPDATE_ABANDONED) {
			arg->state = RV_UPDATE_ABANDONED;
			arg->status.update = RV_UPDATE_ABANDONED;
			error = rv_refuse(why, -ECANCELED, RV_REASON_UPDATE_ABANDONED, o->id);
			o->keep_fresh = true;
			update_finish(o);
		}
	}
	return error;
}

/** Both ways of an update, RV_UPDATE_APPLY and RV_UPDATE_ROLLBACK: freeze, look, have it done, thaw. */
static int update_frozen(struct rv_ioctl_update *arg, u32 op)
{
	struct rv_failure *why = &arg->head.failure;
	bool apply = op == RV_UPDATE_APPLY;
	struct rv_buffer threads = {};
	struct rv_freezer freezer;
	struct rv_object *o;
	long result;
	int error;

	arg->begin_tsc = rdtsc_ordered();
	o = update_lock(arg->id, why);
	if (!o)
		return -ENOENT;
	if (o->applied == apply) {
		update_unlock(o);
		return rv_refuse(why, -EBUSY, RV_REASON_UPDATE_STATE, apply ? RV_UPDATE_APPLIED : RV_UPDATE_PREPARED);
	}
	error = rv_freezer_open(&freezer, arg, why);
	if (!error)
		error = rv_target_check(&o->target, !apply, &freezer, apply ? &threads : NULL, why);
	arg->checked_tsc = rdtsc_ordered();
	if (!error) {
		if (apply)
			result = rv_call_4(RV_HC_UPDATE, o->id, op, arg->deadline_us, rv_buffer_address(&threads), NULL,
					   why);
		else
			result = rv_call(RV_HC_UPDATE, o->id, op, 0, NULL, why);
		/* Nothing that can wait comes before this. */
		rv_freezer_thaw(&freezer);
		error = apply ? commit_finish(o, arg, result) : rollback_finish(o, arg, result);
	}
	rv_freezer_close(&freezer);
	freezer_report(&freezer, arg);
	arg->end_tsc = rdtsc_ordered();
	if (apply)
		rv_buffer_free(&threads);
	update_unlock(o);
	return error;
}

int rv_update_commit(struct rv_ioctl_update *arg)
{
	return update_frozen(arg, RV_UPDATE_APPLY);
}

int rv_update_rollback(struct rv_ioctl_update *arg)
{
	return update_frozen(arg, RV_UPDATE_ROLLBACK);
}

int rv_update_status(struct rv_ioctl_update *arg)
{
	struct rv_object *o = rv_object_find(arg->id);

	/* Without o->lock: whoever holds it may take long, and nothing is changed here. */
	if (!o || !o->is_update) {
		if (o)
			rv_object_put(o);
		return rv_refuse(&arg->head.failure, -ENOENT, RV_REASON_FIMCE_ID, arg->id);
	}
	arg->begin_tsc = rdtsc_ordered();
	update_report(o, arg);
	arg->end_tsc = rdtsc_ordered();
	rv_object_put(o);
	return 0;
}
