// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioctls.c - runs in the guest: what /dev/ravelin says to wrong arguments. The program ravelin never makes these mistakes.
 */
#include <ravelin/ioctl.h>
#include <ravelin/reason.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int device, failures;

static void check(const char *name, int good, int error, const struct rv_ioctl_head *head)
{
	if (good) {
		printf("PASS ioctl: %s\n", name);
		return;
	}
	printf("FAIL ioctl: %s: errno %d, reason %u, value 0x%llx\n", name, error, head->failure.reason,
	       (unsigned long long)head->failure.value);
	failures++;
}

/** Calls with the size filled in. @return 0 or errno */
static int call(unsigned long command, void *arg, uint32_t size)
{
	struct rv_ioctl_head *head = arg;

	head->size = size;
	return ioctl(device, command, arg) < 0 ? errno : 0;
}

static void refused(const char *name, unsigned long command, void *arg, uint32_t size, int error, uint32_t reason)
{
	const struct rv_ioctl_head *head = arg;
	int got = call(command, arg, size);

	check(name, got == error && head->failure.reason == reason, got, head);
}

int main(void)
{
	struct rv_ioctl_info info = {0};
	struct rv_ioctl_log log = {.capacity = 1, .buffer = 16};
	struct rv_ioctl_create create = {
	    .sizes = {.input_bytes = 4096, .input = 16, .load_bytes = 4096, .stack_bytes = 4096, .budget_us = 1}};
	struct rv_ioctl_run run = {.id = 12345, .cpu = RV_RUN_HERE};
	struct rv_ioctl_output output = {.id = 12345, .capacity = 16};
	struct rv_ioctl_core core = {.cpu = 1};
	struct rv_ioctl_prepare prepare = {.pid = 0x7ffffff0, .range_count = 1};
	struct rv_ioctl_update update = {.id = 12345};
	int got;

	device = open(RV_DEVICE, O_RDWR);
	if (device < 0) {
		printf("FAIL ioctl: open: %s\n", strerror(errno));
		return 1;
	}
	refused("a wrong size", RV_IOCTL_INFO, &info, sizeof(info) - 1, EINVAL, RV_REASON_DRIVER_ARGUMENT);
	info.head.flags = 1;
	refused("an unknown flag", RV_IOCTL_INFO, &info, sizeof(info), EINVAL, RV_REASON_DRIVER_ARGUMENT);
	info.head.flags = 0;
	got = call(RV_IOCTL_INFO, &info, sizeof(info));
	check("the right one", got == 0 && info.info.abi_version == RV_ABI_VERSION && info.info.cpu_count >= 1, got,
	      &info.head);
	got = call(_IOWR(RV_IOCTL_MAGIC, 99, struct rv_ioctl_info), &info, sizeof(info));
	check("an unknown number", got == ENOTTY, got, &info.head);
	got = ioctl(device, RV_IOCTL_INFO, (void *)16) < 0 ? errno : 0;
	check("an argument at a wild address", got == EFAULT, got, &info.head);
	got = call(RV_IOCTL_LOG, &log, sizeof(log));
	check("a buffer at a wild address", got == EFAULT, got, &log.head);
	log.capacity = 0;
	refused("no room for records", RV_IOCTL_LOG, &log, sizeof(log), EINVAL, RV_REASON_DRIVER_ARGUMENT);
	got = call(RV_IOCTL_CREATE, &create, sizeof(create));
	check("an image at a wild address", got == EFAULT, got, &create.head);
	create.sizes.reserved = 1;
	refused("a reserved field in use", RV_IOCTL_CREATE, &create, sizeof(create), EINVAL, RV_REASON_DRIVER_ARGUMENT);
	create.sizes.reserved = 0;
	create.sizes.input_bytes = RV_FIMCE_MAX_INPUT + 1;
	refused("too large an image", RV_IOCTL_CREATE, &create, sizeof(create), EINVAL, RV_REASON_FIMCE_SIZE);
	refused("run of no FIMCE", RV_IOCTL_RUN, &run, sizeof(run), ENOENT, RV_REASON_FIMCE_ID);
	refused("output of no FIMCE", RV_IOCTL_OUTPUT, &output, sizeof(output), ENOENT, RV_REASON_FIMCE_ID);
	refused("giving back a CPU that was not taken", RV_IOCTL_CORE_GIVE, &core, sizeof(core), ENOENT,
		RV_REASON_DRIVER_CPU);
	refused("an update of no process", RV_IOCTL_UPDATE_PREPARE, &prepare, sizeof(prepare), ESRCH,
		RV_REASON_DRIVER_TARGET);
	prepare.pid = getpid();
	refused("an update of the caller", RV_IOCTL_UPDATE_PREPARE, &prepare, sizeof(prepare), EINVAL,
		RV_REASON_DRIVER_TARGET);
	prepare.pid = 1;
	prepare.range[0].kind = RV_RANGE_TEXT;
	prepare.range[0].address = 0x7000000000;
	prepare.range[0].bytes = 16;
	refused("an update of what the target does not have", RV_IOCTL_UPDATE_PREPARE, &prepare, sizeof(prepare),
		EINVAL, RV_REASON_DRIVER_RANGE);
	prepare.range_count = RV_IMAGE_MAX_RANGES + 1;
	refused("too many ranges", RV_IOCTL_UPDATE_PREPARE, &prepare, sizeof(prepare), EINVAL,
		RV_REASON_DRIVER_ARGUMENT);
	refused("commit of no update", RV_IOCTL_UPDATE_COMMIT, &update, sizeof(update), ENOENT, RV_REASON_FIMCE_ID);
	refused("confirmation of no update", RV_IOCTL_UPDATE_CONFIRM, &update, sizeof(update), ENOENT,
		RV_REASON_FIMCE_ID);
	refused("rollback of no update", RV_IOCTL_UPDATE_ROLLBACK, &update, sizeof(update), ENOENT, RV_REASON_FIMCE_ID);
	got = call(RV_IOCTL_INFO, &info, sizeof(info));
	check("nothing is left behind",
	      got == 0 && info.driver.fimces == 0 && info.driver.pages_pinned == 0 && info.driver.pages_buffer <= 2,
	      got, &info.head);
	close(device);
	return failures != 0;
}
