// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - the Linux module ravelin.ko: /dev/ravelin and its calls (include/ravelin/ioctl.h).
 *
 * The module carries requests to Ravelin and answers back. Nothing that Ravelin promises depends on it: a wrong or hostile
 * module can refuse service, not break an isolation.
 */
#include "ravelin.h"

#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

struct workqueue_struct *rv_workqueue;

static int ioctl_info(struct rv_ioctl_info *arg)
{
	struct rv_buffer buffer;
	long result;
	int error = rv_buffer_alloc(&buffer, sizeof(arg->info));

	if (error)
		return error;
	result = rv_call(RV_HC_GET_INFO, rv_buffer_address(&buffer), 0, 0, NULL, &arg->head.failure);
	if (result >= 0)
		rv_buffer_read(&buffer, &arg->info, sizeof(arg->info));
	rv_buffer_free(&buffer);
	if (result < 0)
		return (int)result;

	arg->driver.ioctl_version = RV_IOCTL_VERSION;
	rv_object_count(&arg->driver.fimces, &arg->driver.updates);
	arg->driver.cpus_taken = rv_core_count();
	arg->driver.pages_pinned = rv_pin_pages();
	arg->driver.pages_buffer = rv_buffer_pages();
	return 0;
}

/**
 * Reads records of @record bytes: as many as fit into a buffer of at most 128 KiB. Sets *count, and *total to the second result.
 */
static int records_read(u64 call, u64 first, u64 to, u32 capacity, u32 record, u32 *count, u64 *total,
			struct rv_failure *why)
{
	const u32 most = (128u << 10) / record;
	struct rv_buffer buffer;
	long result;
	int error;

	if (capacity == 0)
		return rv_refuse(why, -EINVAL, RV_REASON_DRIVER_ARGUMENT, offsetof(struct rv_ioctl_log, capacity));
	capacity = min(capacity, most);
	error = rv_buffer_alloc(&buffer, capacity * record);
	if (error)
		return error;
	result = rv_call(call, rv_buffer_address(&buffer), first, 0, total, why);
	if (result < 0) {
		error = (int)result;
	} else {
		*count = min_t(u32, (u32)result, capacity);
		error = rv_buffer_to_user(&buffer, to, (size_t)*count * record);
	}
	rv_buffer_free(&buffer);
	return error;
}

static int ioctl_stat(struct rv_ioctl_stat *arg)
{
	struct rv_buffer buffer;
	long result;
	int error = rv_buffer_alloc(&buffer, sizeof(arg->stat));

	if (error)
		return error;
	result = rv_call(RV_HC_GET_STAT, rv_buffer_address(&buffer), arg->cpu, 0, NULL, &arg->head.failure);
	if (result >= 0) {
		rv_buffer_read(&buffer, &arg->stat, sizeof(arg->stat));
		arg->linux_cpu = rv_core_linux(arg->stat.apic_id);
	}
	rv_buffer_free(&buffer);
	return result < 0 ? (int)result : 0;
}

static int ioctl_audit(struct rv_ioctl_audit *arg)
{
	struct rv_buffer buffer;
	long result;
	int error = rv_buffer_alloc(&buffer, sizeof(arg->audit));

	if (error)
		return error;
	result = rv_call(RV_HC_AUDIT, rv_buffer_address(&buffer), 0, 0, NULL, &arg->head.failure);
	if (result >= 0 || result == -RV_EFAULT)
		rv_buffer_read(&buffer, &arg->audit, sizeof(arg->audit));
	rv_buffer_free(&buffer);
	return result < 0 ? (int)result : 0;
}

static int ioctl_fold(struct rv_ioctl_fold *arg)
{
	struct rv_buffer buffer;
	long result;
	int error = rv_buffer_alloc(&buffer, sizeof(arg->journal));

	if (error)
		return error;
	result = rv_call(RV_HC_FOLD_JOURNAL, rv_buffer_address(&buffer), 0, 0, NULL, &arg->head.failure);
	if (result >= 0)
		rv_buffer_read(&buffer, &arg->journal, sizeof(arg->journal));
	rv_buffer_free(&buffer);
	return result < 0 ? (int)result : 0;
}

static int ioctl_dispatch(const struct file *file, unsigned int command, void *arg)
{
	struct rv_ioctl_log *log = arg;
	struct rv_ioctl_journal *journal = arg;
	struct rv_ioctl_status *status = arg;

	switch (command) {
	case RV_IOCTL_INFO:
		return ioctl_info(arg);
	case RV_IOCTL_LOG:
		return records_read(RV_HC_GET_LOG, log->first, log->buffer, log->capacity, sizeof(struct rv_log_record),
				    &log->count, NULL, &log->head.failure);
	case RV_IOCTL_STAT:
		return ioctl_stat(arg);
	case RV_IOCTL_AUDIT:
		return ioctl_audit(arg);
	case RV_IOCTL_CREATE:
		return rv_ioctl_create(file, arg);
	case RV_IOCTL_RUN:
		return rv_ioctl_run(arg);
	case RV_IOCTL_STATUS:
		return rv_fimce_status(status->id, &status->status, &status->head.failure);
	case RV_IOCTL_OUTPUT:
		return rv_ioctl_output(arg);
	case RV_IOCTL_DESTROY:
		return rv_ioctl_destroy(arg);
	case RV_IOCTL_LIST:
		return rv_ioctl_list(arg);
	case RV_IOCTL_JOURNAL:
		return records_read(RV_HC_GET_JOURNAL, journal->first, journal->buffer, journal->capacity,
				    sizeof(struct rv_journal_record), &journal->count, &journal->total,
				    &journal->head.failure);
	case RV_IOCTL_FOLD:
		return ioctl_fold(arg);
	case RV_IOCTL_CORE_TAKE:
		return rv_core_take(file, arg);
	case RV_IOCTL_CORE_GIVE:
		return rv_core_give(arg);
	case RV_IOCTL_UPDATE_PREPARE:
		return rv_update_prepare(file, arg);
	case RV_IOCTL_UPDATE_COMMIT:
		return rv_update_commit(arg);
	case RV_IOCTL_UPDATE_CONFIRM:
		return rv_update_confirm(arg);
	case RV_IOCTL_UPDATE_ROLLBACK:
		return rv_update_rollback(arg);
	case RV_IOCTL_UPDATE_STATUS:
		return rv_update_status(arg);
	default:
		return -ENOTTY;
	}
}

static long device_ioctl(struct file *file, unsigned int command, unsigned long address)
{
	void __user *user = (void __user *)address;
	const unsigned int size = _IOC_SIZE(command);
	struct rv_ioctl_head *head;
	long error;

	if (_IOC_TYPE(command) != RV_IOCTL_MAGIC || size < sizeof(*head) || size > PAGE_SIZE)
		return -ENOTTY;
	head = kzalloc(size, GFP_KERNEL);
	if (!head)
		return -ENOMEM;
	if (copy_from_user(head, user, size)) {
		error = -EFAULT;
		goto out;
	}
	memset(&head->failure, 0, sizeof(head->failure));
	if (head->size != size)
		error =
		    rv_refuse(&head->failure, -EINVAL, RV_REASON_DRIVER_ARGUMENT, offsetof(struct rv_ioctl_head, size));
	else if (head->flags != 0)
		error = rv_refuse(&head->failure, -EINVAL, RV_REASON_DRIVER_ARGUMENT,
				  offsetof(struct rv_ioctl_head, flags));
	else
		error = ioctl_dispatch(file, command, head);
	if (!error)
		memset(&head->failure, 0, sizeof(head->failure));
	/* Also after a failure: that is when the caller wants to know why. */
	if (error != -ENOTTY && copy_to_user(user, head, size) && !error)
		error = -EFAULT;
out:
	kfree(head);
	return error;
}

static int device_open(struct inode *inode, struct file *file)
{
	return stream_open(inode, file);
}

static int device_release(struct inode *inode, struct file *file)
{
	rv_object_close(file);
	rv_core_close(file);
	return 0;
}

static const struct file_operations device_operations = {
    .owner = THIS_MODULE,
    .open = device_open,
    .release = device_release,
    .unlocked_ioctl = device_ioctl,
    .compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice device = {
    .minor = MISC_DYNAMIC_MINOR,
    .name = "ravelin",
    .fops = &device_operations,
    .mode = 0600,
};

static int __init ravelin_init(void)
{
	u64 features = 0;
	long version;
	int error;

	if (!rv_call_detect())
		return -ENODEV;
	version = rv_call(RV_HC_INFO, 0, 0, 0, &features, NULL);
	if (version != RV_ABI_VERSION) {
		pr_err("Ravelin does not answer hypercalls: RV_HC_INFO gives %ld\n", version);
		return -ENODEV;
	}
	rv_workqueue = alloc_workqueue("ravelin", WQ_UNBOUND, 0);
	if (!rv_workqueue)
		return -ENOMEM;
	error = misc_register(&device);
	if (error) {
		destroy_workqueue(rv_workqueue);
		return error;
	}
	pr_info("Ravelin is here: ABI version %ld, features 0x%llx\n", version, features);
	return 0;
}

static void __exit ravelin_exit(void)
{
	/* Every object holds a reference to the module or belongs to an open file, so none is left. */
	misc_deregister(&device);
	destroy_workqueue(rv_workqueue);
}

module_init(ravelin_init);
module_exit(ravelin_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Access to the Ravelin hypervisor by /dev/ravelin");
