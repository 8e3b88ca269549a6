// SPDX-License-Identifier: GPL-2.0-only
/*
 * fake_device.c - see fake_device.h.
 */
#include "fake_device.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdarg.h>
#include <string.h>
#include <sys/types.h>

struct fake_device fake;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_close(int file);
int __wrap_close(int file);
int __wrap_ioctl(int file, unsigned long command, ...);

struct rv_image_header fake_image(bool is_update)
{
	struct rv_image_header h = {
	    .magic = RV_IMAGE_MAGIC,
	    .version = RV_IMAGE_VERSION,
	    .header_bytes = sizeof(h),
	    .image_bytes = sizeof(h),
	    .load_bytes = 8192,
	    .stack_bytes = 16384,
	    .output_bytes = 4096,
	    .entry = 0xffffffff84000000,
	    .budget_us = 200000,
	    .segment_count = 1,
	    .name = "sample",
	};

	if (is_update) {
		h.capabilities = RV_CAP_TARGET;
		h.range_count = 1;
		h.range[0].kind = RV_RANGE_TEXT;
		h.range[0].address = 0x1000;
		h.range[0].bytes = 64;
		strcpy(h.target_name, "kvd");
	}
	return h;
}

void fake_reset(void)
{
	uint8_t link[RV_DIGEST_SIZE + sizeof(fake.journal[0])];

	memset(&fake, 0, sizeof(fake));
	fake.info.abi_version = RV_ABI_VERSION;
	fake.info.cpu_count = 2;
	fake.info.tsc_khz = 1000000;
	fake.info.pool_bytes = 64 << 20;
	strcpy(fake.info.version, "test \"quoted\"");
	fake.log_count = 3;
	for (uint32_t i = 0; i < 3; i++) {
		fake.log[i].sequence = i + 1;
		fake.log[i].tsc = 1000000ull * (i + 1);
		fake.log[i].reason = RV_REASON_CORE_TAKEN;
		fake.log[i].value[0] = i;
	}
	for (uint32_t i = 0; i < 2; i++) {
		fake.stat[i].cpu = i;
		fake.stat[i].state = RV_CPU_GUEST;
		fake.stat[i].exits = 10 + i;
		fake.stat[i].exit[10] = 10 + i;
	}
	fake.audit.rows = 7;
	for (uint32_t i = 0; i < 3; i++) {
		fake.journal[i].index = i;
		fake.journal[i].event = i == 0 ? RV_JOURNAL_REFUSED : RV_UPDATE_APPLIED;
		fake.journal[i].reason = i == 0 ? RV_REASON_UPDATE_OLD_CONTENT : 0;
		fake.journal[i].value = i == 0 ? 0xabc123 : 0;
		fake.journal[i].sequence = i;
		fake.journal[i].flags = i == 0 ? RV_JOURNAL_INPUT : 0;
		memcpy(link, fake.head.head, RV_DIGEST_SIZE);
		memcpy(link + RV_DIGEST_SIZE, &fake.journal[i], sizeof(fake.journal[i]));
		SHA256(link, sizeof(link), fake.head.head);
	}
	fake.head.count = 3;
	fake.status.id = 5;
	fake.status.state = RV_FIMCE_DONE;
	strcpy(fake.status.name, "sample");
	fake.status.output_bytes = 4;
	memcpy(fake.output, "\xde\xad\xbe\xef", 4);
	fake.run_state = RV_FIMCE_DONE;
}

int __wrap_open(const char *path, int flags, ...)
{
	va_list list;
	mode_t mode;

	va_start(list, flags);
	mode = va_arg(list, mode_t);
	va_end(list);
	if (strcmp(path, RV_DEVICE) != 0)
		return __real_open(path, flags, mode);
	if (fake.open_error) {
		errno = fake.open_error;
		return -1;
	}
	fake.opened++;
	return FAKE_FILE;
}

int __wrap_close(int file)
{
	if (file != FAKE_FILE)
		return __real_close(file);
	fake.closed++;
	return 0;
}

/** True if this call shall fail; errno and failure are set then. */
static bool fails(unsigned long command, struct rv_ioctl_head *head)
{
	for (size_t i = 0; i < sizeof(fake.failure) / sizeof(fake.failure[0]); i++) {
		struct fake_failure *f = &fake.failure[i];

		if (f->command != command || f->times == 0)
			continue;
		if (f->times > 0)
			f->times--;
		head->failure.reason = f->reason;
		head->failure.value = f->value;
		errno = f->error;
		return true;
	}
	return false;
}

static int refuse(struct rv_ioctl_head *head, int error, uint32_t reason, uint64_t value)
{
	head->failure.reason = reason;
	head->failure.value = value;
	errno = error;
	return -1;
}

static void log_fill(struct rv_ioctl_log *arg)
{
	struct rv_log_record *to = (struct rv_log_record *)(uintptr_t)arg->buffer;

	for (uint32_t i = 0; i < fake.log_count && arg->count < arg->capacity; i++) {
		if (fake.log[i].sequence >= arg->first)
			to[arg->count++] = fake.log[i];
	}
}

static void journal_fill(struct rv_ioctl_journal *arg)
{
	struct rv_journal_record *to = (struct rv_journal_record *)(uintptr_t)arg->buffer;

	arg->total = 3;
	/* One at a time, so that the reader has to come again. */
	if (arg->first < 3 && arg->capacity > 0)
		to[arg->count++] = fake.journal[arg->first];
}

static void output_fill(struct rv_ioctl_output *arg)
{
	uint32_t left = fake.status.output_bytes - arg->offset;

	arg->copied = left < arg->capacity ? left : arg->capacity;
	if (arg->copied > 3)
		arg->copied = 3; /* the reader has to come again */
	memcpy((void *)(uintptr_t)arg->buffer, fake.output + arg->offset, arg->copied);
}

static int answer(unsigned long command, void *arg)
{
	struct rv_ioctl_stat *stat = arg;
	struct rv_ioctl_create *create = arg;
	struct rv_ioctl_prepare *prepare = arg;
	struct rv_ioctl_update *update = arg;

	switch (command) {
	case RV_IOCTL_INFO:
		((struct rv_ioctl_info *)arg)->info = fake.info;
		((struct rv_ioctl_info *)arg)->driver = fake.driver;
		return 0;
	case RV_IOCTL_LOG:
		log_fill(arg);
		return 0;
	case RV_IOCTL_STAT:
		if (stat->cpu >= 2)
			return refuse(arg, ENOENT, RV_REASON_HC_CPU, stat->cpu);
		stat->stat = fake.stat[stat->cpu];
		stat->linux_cpu = (int32_t)stat->cpu;
		return 0;
	case RV_IOCTL_AUDIT:
		((struct rv_ioctl_audit *)arg)->audit = fake.audit;
		return fake.audit.bad ? refuse(arg, EFAULT, RV_REASON_AUDIT_EPT, fake.audit.bad_address) : 0;
	case RV_IOCTL_CREATE:
		fake.create = *create;
		memcpy(fake.input, (const void *)(uintptr_t)create->sizes.input,
		       create->sizes.input_bytes < sizeof(fake.input) ? create->sizes.input_bytes : sizeof(fake.input));
		create->id = 5;
		return 0;
	case RV_IOCTL_RUN:
		((struct rv_ioctl_run *)arg)->state = fake.run_state;
		return 0;
	case RV_IOCTL_STATUS:
		((struct rv_ioctl_status *)arg)->status = fake.status;
		return 0;
	case RV_IOCTL_OUTPUT:
		output_fill(arg);
		return 0;
	case RV_IOCTL_DESTROY:
		fake.destroyed = ((struct rv_ioctl_destroy *)arg)->id;
		return 0;
	case RV_IOCTL_LIST:
		((struct rv_ioctl_list *)arg)->count = fake.list_count;
		memcpy(((struct rv_ioctl_list *)arg)->entry, fake.list, sizeof(fake.list));
		return 0;
	case RV_IOCTL_JOURNAL:
		journal_fill(arg);
		return 0;
	case RV_IOCTL_FOLD:
		((struct rv_ioctl_fold *)arg)->journal = fake.head;
		return 0;
	case RV_IOCTL_CORE_TAKE:
	case RV_IOCTL_CORE_GIVE:
		((struct rv_ioctl_core *)arg)->siblings = 1;
		return 0;
	case RV_IOCTL_UPDATE_PREPARE:
		fake.prepare = *prepare;
		prepare->id = 5;
		prepare->pages = 3;
		prepare->status = fake.status;
		return 0;
	case RV_IOCTL_UPDATE_COMMIT:
		fake.update = *update;
		update->begin_tsc = 100;
		update->checked_tsc = 200;
		update->end_tsc = 1000;
		update->state = RV_UPDATE_APPLIED;
		update->status = fake.status;
		for (unsigned int i = 0; i < 4; i++)
			update->status.phase_tsc[i] = 300 + 100 * i;
		return 0;
	case RV_IOCTL_UPDATE_CONFIRM:
		update->state = RV_UPDATE_CONFIRMED;
		update->status = fake.status;
		return 0;
	case RV_IOCTL_UPDATE_ROLLBACK:
		update->state = RV_UPDATE_ROLLED_BACK;
		update->status = fake.status;
		return 0;
	case RV_IOCTL_UPDATE_STATUS:
		update->state = RV_UPDATE_APPLIED;
		update->status = fake.status;
		update->target = 77;
		return 0;
	default:
		errno = ENOTTY;
		return -1;
	}
}

/** The target is frozen and thawed by commit and rollback, also by those that fail. */
static void freeze_as_asked(struct rv_ioctl_update *arg)
{
	if (arg->freeze_ms == 0)
		return;
	fake.freezes++;
	fake.freezer = arg->freezer;
	fake.freeze_ms = arg->freeze_ms;
	arg->freeze_tsc = 110;
	arg->frozen_tsc = 150;
	arg->thaw_tsc = 900;
}

int __wrap_ioctl(int file, unsigned long command, ...)
{
	struct rv_ioctl_head *head;
	va_list list;

	va_start(list, command);
	head = va_arg(list, struct rv_ioctl_head *);
	va_end(list);
	if (file != FAKE_FILE) {
		errno = EBADF;
		return -1;
	}
	fake.calls[_IOC_NR(command) % 32]++;
	if (head->size != _IOC_SIZE(command) || head->flags != 0 || head->failure.reason != 0)
		fake.bad_heads++;
	if (command == RV_IOCTL_UPDATE_COMMIT || command == RV_IOCTL_UPDATE_ROLLBACK)
		freeze_as_asked((struct rv_ioctl_update *)(void *)head);
	if (fails(command, head)) {
		/* The module says what state the update is in also when it refuses. */
		if (command == RV_IOCTL_UPDATE_CONFIRM)
			((struct rv_ioctl_update *)(void *)head)->status = fake.status;
		return -1;
	}
	return answer(command, head);
}
