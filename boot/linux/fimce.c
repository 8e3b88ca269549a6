// SPDX-License-Identifier: GPL-2.0-only
/*
 * fimce.c - the FIMCEs that were made through this module: create, run, output, destroy, list.
 */
#include "ravelin.h"

#include <linux/sched.h>
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/slab.h>

/* How long a FIMCE that runs elsewhere may take to end after it was told to. */
#define DESTROY_PATIENCE_MS 2000u

DEFINE_MUTEX(rv_objects_lock);
static LIST_HEAD(objects);

struct rv_object *rv_object_new(const struct file *owner)
{
	struct rv_object *o = kzalloc(sizeof(*o), GFP_KERNEL);

	if (!o)
		return NULL;
	kref_init(&o->ref);
	INIT_LIST_HEAD(&o->link);
	mutex_init(&o->lock);
	INIT_WORK(&o->gone, rv_update_gone_work);
	INIT_DELAYED_WORK(&o->expiry, rv_update_expiry_work);
	o->owner = owner;
	o->owner_pid = task_tgid_nr(current);
	return o;
}

static void object_free(struct kref *ref)
{
	struct rv_object *o = container_of(ref, struct rv_object, ref);

	if (o->is_update)
		rv_target_free(&o->target, o->keep_fresh);
	/* The last reference goes after Ravelin has let go of the FIMCE, and with it of the devices. */
	rv_devices_release(&o->devices);
	kfree(o);
}

void rv_object_get(struct rv_object *o)
{
	kref_get(&o->ref);
}

void rv_object_put(struct rv_object *o)
{
	kref_put(&o->ref, object_free);
}

struct rv_object *rv_object_find(u32 id)
{
	struct rv_object *o, *found = NULL;

	mutex_lock(&rv_objects_lock);
	list_for_each_entry(o, &objects, link)
	{
		if (o->id == id) {
			kref_get(&o->ref);
			found = o;
			break;
		}
	}
	mutex_unlock(&rv_objects_lock);
	return found;
}

void rv_object_count(u32 *all, u32 *updates)
{
	struct rv_object *o;

	*all = 0;
	*updates = 0;
	mutex_lock(&rv_objects_lock);
	list_for_each_entry(o, &objects, link)
	{
		(*all)++;
		if (o->is_update)
			(*updates)++;
	}
	mutex_unlock(&rv_objects_lock);
}

/** Puts the target's page list into @buffer. */
static int targets_write(struct rv_buffer *buffer, const struct rv_target *t)
{
	u32 bytes = t->count * sizeof(*t->entry);
	int error = rv_buffer_alloc(buffer, bytes);

	if (!error)
		rv_buffer_write(buffer, t->entry, bytes);
	return error;
}

int rv_object_build(struct rv_object *o, const struct rv_sizes *s, struct rv_failure *why)
{
	struct rv_buffer input = {}, targets = {};
	struct rv_fimce_create *create = NULL;
	long result;
	u32 i;
	int error;

	if (s->reserved)
		return rv_refuse(why, -EINVAL, RV_REASON_DRIVER_ARGUMENT,
				 offsetof(struct rv_ioctl_create, sizes.reserved));
	if (s->input_bytes == 0 || s->input_bytes > RV_FIMCE_MAX_INPUT)
		return rv_refuse(why, -EINVAL, RV_REASON_FIMCE_SIZE, s->input_bytes);
	error = rv_buffer_alloc(&input, s->input_bytes);
	if (error)
		goto out;
	error = rv_buffer_from_user(&input, s->input, s->input_bytes);
	if (error)
		goto out;
	if (o->is_update) {
		error = targets_write(&targets, &o->target);
		if (error)
			goto out;
	}
	create = (struct rv_fimce_create *)get_zeroed_page(GFP_KERNEL);
	if (!create) {
		error = -ENOMEM;
		goto out;
	}
	create->size = sizeof(*create);
	create->input = rv_buffer_address(&input);
	create->argument_offset = s->argument_offset;
	create->load_bytes = s->load_bytes;
	create->output_bytes = s->output_bytes;
	create->stack_bytes = s->stack_bytes;
	create->budget_us = s->budget_us;
	create->grant_count = o->devices.count;
	for (i = 0; i < o->devices.count; i++)
		create->grant[i] = o->devices.claim[i].grant;
	if (o->is_update) {
		create->targets = rv_buffer_address(&targets);
		create->target_count = o->target.count;
		create->target_bias_valid = 1;
		create->target_bias = o->target.bias;
	}

	/* The lock makes sure that a freed id, used again by Ravelin, is not in the list twice. */
	mutex_lock(&rv_objects_lock);
	result = rv_call(RV_HC_FIMCE_CREATE, virt_to_phys(create), 0, 0, NULL, why);
	if (result > 0) {
		o->id = (u32)result;
		kref_get(&o->ref);
		list_add_tail(&o->link, &objects);
	} else {
		error = result ? (int)result : -EIO;
	}
	mutex_unlock(&rv_objects_lock);
out:
	free_page((unsigned long)create);
	rv_buffer_free(&targets);
	rv_buffer_free(&input);
	return error;
}

/** Takes @o from the list once Ravelin has let go of it. @return Ravelin's answer */
static long object_destroy_once(struct rv_object *o, struct rv_failure *why)
{
	long result = 0;

	mutex_lock(&rv_objects_lock);
	if (!list_empty(&o->link)) {
		result = rv_call(RV_HC_FIMCE_DESTROY, o->id, 0, 0, NULL, why);
		if (result >= 0 || result == -RV_ENOENT) {
			list_del_init(&o->link);
			rv_object_put(o);
			result = 0;
		}
	}
	mutex_unlock(&rv_objects_lock);
	return result;
}

int rv_object_destroy(struct rv_object *o, struct rv_failure *why)
{
	const unsigned long end = jiffies + msecs_to_jiffies(DESTROY_PATIENCE_MS);
	long result;

	/* -EAGAIN: it runs on another CPU, and the call has told that CPU to end it. */
	while ((result = object_destroy_once(o, why)) == -RV_EAGAIN && time_before(jiffies, end))
		usleep_range(50, 200);
	return (int)result;
}

/** The first object of @owner, with a reference, or NULL. */
static struct rv_object *object_of(const struct file *owner)
{
	struct rv_object *o, *found = NULL;

	mutex_lock(&rv_objects_lock);
	list_for_each_entry(o, &objects, link)
	{
		if (o->owner == owner) {
			kref_get(&o->ref);
			found = o;
			break;
		}
	}
	mutex_unlock(&rv_objects_lock);
	return found;
}

void rv_object_close(const struct file *owner)
{
	struct rv_failure why;
	struct rv_object *o;

	while ((o = object_of(owner))) {
		mutex_lock(&o->lock);
		o->owner = NULL;
		if (!o->applied && rv_object_destroy(o, &why))
			pr_err("FIMCE %u could not be destroyed: reason %u, value 0x%llx\n", o->id, why.reason,
			       why.value);
		mutex_unlock(&o->lock);
		rv_object_put(o);
	}
}

int rv_fimce_status(u32 id, struct rv_fimce_status *status, struct rv_failure *why)
{
	struct rv_buffer buffer;
	long result;
	int error = rv_buffer_alloc(&buffer, sizeof(*status));

	if (error)
		return error;
	result = rv_call(RV_HC_FIMCE_STATUS, id, rv_buffer_address(&buffer), 0, NULL, why);
	if (result >= 0)
		rv_buffer_read(&buffer, status, sizeof(*status));
	rv_buffer_free(&buffer);
	return result < 0 ? (int)result : 0;
}

int rv_ioctl_create(const struct file *file, struct rv_ioctl_create *arg)
{
	struct rv_object *o = rv_object_new(file);
	int error;

	if (!o)
		return -ENOMEM;
	error = rv_devices_claim(&o->devices, arg->grant, arg->grant_count, &arg->head.failure);
	if (!error)
		error = rv_object_build(o, &arg->sizes, &arg->head.failure);
	if (!error)
		arg->id = o->id;
	rv_object_put(o);
	return error;
}

int rv_ioctl_run(struct rv_ioctl_run *arg)
{
	u64 where = RV_RUN_BORROWED;
	struct rv_object *o = rv_object_find(arg->id);
	long result;
	int index;

	if (!o)
		return rv_refuse(&arg->head.failure, -ENOENT, RV_REASON_FIMCE_ID, arg->id);
	/* An update runs by RV_IOCTL_UPDATE_* only; a run in between would confuse its state. */
	if (o->is_update) {
		rv_object_put(o);
		return rv_refuse(&arg->head.failure, -EBUSY, RV_REASON_UPDATE_STATE, RV_UPDATE_PREPARED);
	}
	if (arg->cpu != RV_RUN_HERE) {
		index = arg->cpu < 0 ? rv_refuse(&arg->head.failure, -EINVAL, RV_REASON_DRIVER_ARGUMENT,
						 offsetof(struct rv_ioctl_run, cpu))
				     : rv_core_index((u32)arg->cpu, &arg->head.failure);
		if (index < 0) {
			rv_object_put(o);
			return index;
		}
		where = (u64)index;
	}
	result = rv_call(RV_HC_FIMCE_RUN, arg->id, where, 0, NULL, &arg->head.failure);
	rv_object_put(o);
	if (result < 0)
		return (int)result;
	arg->state = (u32)result;
	return 0;
}

int rv_ioctl_output(struct rv_ioctl_output *arg)
{
	struct rv_buffer buffer;
	long result;
	int error;

	if (arg->capacity == 0)
		return rv_refuse(&arg->head.failure, -EINVAL, RV_REASON_DRIVER_ARGUMENT,
				 offsetof(struct rv_ioctl_output, capacity));
	error = rv_buffer_alloc(&buffer, min_t(u32, arg->capacity, RV_FIMCE_MAX_OUTPUT));
	if (error)
		return error;
	result =
	    rv_call(RV_HC_FIMCE_OUTPUT, arg->id, rv_buffer_address(&buffer), arg->offset, NULL, &arg->head.failure);
	if (result < 0) {
		error = (int)result;
	} else {
		arg->copied = min_t(u32, (u32)result, buffer.bytes);
		error = rv_buffer_to_user(&buffer, arg->buffer, arg->copied);
	}
	rv_buffer_free(&buffer);
	return error;
}

int rv_ioctl_destroy(struct rv_ioctl_destroy *arg)
{
	struct rv_object *o = rv_object_find(arg->id);
	long result;
	int error;

	if (!o) {
		/* Made by somebody else, say by an earlier instance of this module. */
		result = rv_call(RV_HC_FIMCE_DESTROY, arg->id, 0, 0, NULL, &arg->head.failure);
		return result < 0 ? (int)result : 0;
	}
	/* Not under o->lock: the FIMCE that keeps that lock busy is the one to be killed. */
	if (READ_ONCE(o->applied))
		error = rv_refuse(&arg->head.failure, -EBUSY, RV_REASON_UPDATE_STATE, RV_UPDATE_APPLIED);
	else
		error = rv_object_destroy(o, &arg->head.failure);
	rv_object_put(o);
	return error;
}

int rv_ioctl_list(struct rv_ioctl_list *arg)
{
	struct rv_list_entry *e;
	struct rv_buffer buffer;
	struct rv_object *o;
	struct rv_info *info;
	long result;
	u32 i;
	int error = rv_buffer_alloc(&buffer, sizeof(*info));

	if (error)
		return error;
	result = rv_call(RV_HC_GET_INFO, rv_buffer_address(&buffer), 0, 0, NULL, &arg->head.failure);
	if (result < 0) {
		rv_buffer_free(&buffer);
		return (int)result;
	}
	BUILD_BUG_ON(sizeof(*info) > PAGE_SIZE);
	info = page_address(buffer.page[0]);
	arg->count = 0;
	mutex_lock(&rv_objects_lock);
	for (i = 0; i < RV_MAX_FIMCES; i++) {
		if (info->fimce_id[i] == 0)
			continue;
		e = &arg->entry[arg->count++];
		memset(e, 0, sizeof(*e));
		e->id = info->fimce_id[i];
		list_for_each_entry(o, &objects, link)
		{
			if (o->id != e->id)
				continue;
			e->flags = RV_LIST_MODULE;
			e->owner = o->owner_pid;
			if (o->is_update) {
				e->flags |= RV_LIST_UPDATE;
				e->target = o->target.number;
				e->pages = o->target.pinned;
			}
		}
	}
	mutex_unlock(&rv_objects_lock);
	rv_buffer_free(&buffer);
	return 0;
}
