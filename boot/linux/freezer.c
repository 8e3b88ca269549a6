// SPDX-License-Identifier: GPL-2.0-only
/*
 * freezer.c - has the cgroup freezer stop a target and let it go.
 *
 * Through the file that the caller opened, as the caller would: no kernel function for that is open to modules. From here it is one call
 * into the kernel for the whole pause, in which no wakeup of a program is waited for.
 */
#include "ravelin.h"

#include <linux/file.h>
#include <linux/magic.h>
#include <linux/ktime.h>
#include <asm/msr.h>

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

int rv_freezer_freeze(struct rv_freezer *f)
{
	if (!f->file)
		return 0;
	f->until_ns = ktime_get_ns() + (u64)f->patience_ms * NSEC_PER_MSEC;
	f->freezing = true;
	f->freeze_tsc = rdtsc_ordered();
	return freeze_write(f->file, "1");
}

void rv_freezer_thaw(struct rv_freezer *f)
{
	int error;

	if (!f->freezing)
		return;
	error = freeze_write(f->file, "0");
	f->thaw_tsc = rdtsc_ordered();
	f->freezing = false;
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
