// SPDX-License-Identifier: GPL-2.0-only
/*
 * device.c - the handle and the plain calls of /dev/ravelin.
 */
#include "handle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

int ravelin_open(struct ravelin **handle)
{
	struct ravelin *h = calloc(1, sizeof(*h));

	*handle = NULL;
	if (!h)
		return -ENOMEM;
	h->file = open(RV_DEVICE, O_RDWR | O_CLOEXEC);
	if (h->file < 0) {
		int error = -errno;

		free(h);
		return error;
	}
	*handle = h;
	return 0;
}

void ravelin_close(struct ravelin *h)
{
	if (!h)
		return;
	close(h->file);
	free(h);
}

struct rv_failure ravelin_failure(const struct ravelin *h)
{
	return h->failure;
}

void handle_clear(struct ravelin *h)
{
	memset(&h->failure, 0, sizeof(h->failure));
	h->text[0] = '\0';
}

int handle_fail(struct ravelin *h, int error, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(h->text, sizeof(h->text), format, list);
	va_end(list);
	return error;
}

int handle_refuse(struct ravelin *h, int error, uint32_t reason, uint64_t value)
{
	h->text[0] = '\0';
	h->failure.reason = reason;
	h->failure.cpu = 0;
	h->failure.value = value;
	return error;
}

int handle_call(struct ravelin *h, unsigned long command, struct rv_ioctl_head *head, size_t size)
{
	int result, error;

	handle_clear(h);
	head->size = (uint32_t)size;
	head->flags = 0;
	memset(&head->failure, 0, sizeof(head->failure));
	do {
		result = ioctl(h->file, command, head);
		error = result < 0 ? -errno : 0;
	} while (error == -EINTR);
	if (error)
		h->failure = head->failure;
	return error;
}

const char *ravelin_explain(const struct ravelin *h, int error, char *text, size_t size)
{
	if (h && h->text[0] != '\0') {
		snprintf(text, size, "%s", h->text);
	} else if (h && h->failure.reason != 0) {
		ravelin_sentence(h->failure.reason, &h->failure.value, 1, text, size);
	} else if (!h && (error == -ENOENT || error == -ENODEV || error == -ENXIO)) {
		snprintf(text, size,
			 "%s is not there: load the module ravelin (modprobe ravelin), on a machine that Ravelin has "
			 "started",
			 RV_DEVICE);
	} else if (!h && error == -EACCES) {
		snprintf(text, size, "%s may be used by root only", RV_DEVICE);
	} else if (error == -ENOTTY) {
		snprintf(text, size, "the module ravelin is of another version than this program");
	} else {
		snprintf(text, size, "%s", strerror(-error));
	}
	return text;
}

int ravelin_info(struct ravelin *h, struct rv_info *info, struct rv_driver_info *driver)
{
	struct rv_ioctl_info arg = {0};
	int error = handle_call(h, RV_IOCTL_INFO, &arg.head, sizeof(arg));

	if (error)
		return error;
	*info = arg.info;
	if (driver)
		*driver = arg.driver;
	return 0;
}

int ravelin_log_read(struct ravelin *h, uint64_t first, struct rv_log_record *record, uint32_t capacity)
{
	struct rv_ioctl_log arg = {.first = first, .buffer = (uintptr_t)record, .capacity = capacity};
	int error = handle_call(h, RV_IOCTL_LOG, &arg.head, sizeof(arg));

	return error ? error : (int)arg.count;
}

int ravelin_stat(struct ravelin *h, uint32_t cpu, struct rv_stat *stat, int *linux_cpu)
{
	struct rv_ioctl_stat arg = {.cpu = cpu};
	int error = handle_call(h, RV_IOCTL_STAT, &arg.head, sizeof(arg));

	if (error)
		return error;
	*stat = arg.stat;
	if (linux_cpu)
		*linux_cpu = arg.linux_cpu;
	return 0;
}

int ravelin_audit(struct ravelin *h, struct rv_audit *audit)
{
	struct rv_ioctl_audit arg = {0};
	int error = handle_call(h, RV_IOCTL_AUDIT, &arg.head, sizeof(arg));

	*audit = arg.audit;
	return error;
}

uint64_t ravelin_ticks_to_us(uint64_t ticks, uint64_t tsc_khz)
{
	if (tsc_khz == 0)
		return 0;
	return ticks / tsc_khz * 1000 + ticks % tsc_khz * 1000 / tsc_khz;
}

uint64_t ravelin_ticks_now(void)
{
	uint32_t low, high;

	/* LFENCE: not before what precedes it. */
	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
	return (uint64_t)high << 32 | low;
}

int input_build(struct ravelin *h, const void *file, size_t bytes, const void *argument, size_t argument_bytes,
		const struct rv_image_header *image, uint8_t **input, struct rv_sizes *sizes)
{
	/* The argument begins at a multiple of 16; zeros in between belong to neither. Without one the input is the file, so that
	 * its digest in the journal is that of the file. */
	size_t offset = argument_bytes != 0 ? (bytes + 15) & ~(size_t)15 : bytes;

	if (bytes > RV_FIMCE_MAX_INPUT || argument_bytes > RV_FIMCE_MAX_INPUT ||
	    offset + argument_bytes > RV_FIMCE_MAX_INPUT)
		return handle_fail(h, -EFBIG, "image and input together may have at most %u bytes", RV_FIMCE_MAX_INPUT);
	*input = calloc(1, offset + argument_bytes);
	if (!*input)
		return -ENOMEM;
	memcpy(*input, file, bytes);
	if (argument_bytes != 0)
		memcpy(*input + offset, argument, argument_bytes);
	*sizes = (struct rv_sizes){.input = (uintptr_t)*input,
				   .input_bytes = (uint32_t)(offset + argument_bytes),
				   .argument_offset = (uint32_t)offset,
				   .load_bytes = image->load_bytes,
				   .output_bytes = image->output_bytes,
				   .stack_bytes = image->stack_bytes,
				   .budget_us = image->budget_us};
	return 0;
}

int ravelin_fimce_create_devices(struct ravelin *h, const void *file, size_t bytes, const void *argument,
				 size_t argument_bytes, const struct rv_grant *grant, uint32_t grant_count,
				 uint32_t *id)
{
	struct rv_image_header image;
	struct rv_ioctl_create arg = {0};
	uint8_t *input = NULL;
	size_t offset;
	int error;

	handle_clear(h);
	error = ravelin_image_find(file, bytes, &image, &offset, &h->failure);
	if (error)
		return error;
	if (grant_count > RV_MAX_GRANTS)
		return handle_fail(h, -EINVAL, "a FIMCE has at most %u devices", RV_MAX_GRANTS);
	error = input_build(h, file, bytes, argument, argument_bytes, &image, &input, &arg.sizes);
	if (error)
		return error;
	arg.grant_count = grant_count;
	if (grant_count > 0)
		memcpy(arg.grant, grant, grant_count * sizeof(*grant));
	error = handle_call(h, RV_IOCTL_CREATE, &arg.head, sizeof(arg));
	free(input);
	if (error)
		return devices_explain(h, error, arg.grant, grant_count);
	*id = arg.id;
	return 0;
}

int ravelin_fimce_create(struct ravelin *h, const void *file, size_t bytes, const void *argument, size_t argument_bytes,
			 uint32_t *id)
{
	struct rv_grant grant[RV_MAX_GRANTS];
	struct rv_image_header image;
	size_t offset;
	int error;

	handle_clear(h);
	error = ravelin_image_find(file, bytes, &image, &offset, &h->failure);
	if (!error)
		error = ravelin_devices_find(h, &image, NULL, 0, grant);
	return error ? error
		     : ravelin_fimce_create_devices(h, file, bytes, argument, argument_bytes, grant, image.grant_count,
						    id);
}

int ravelin_fimce_run(struct ravelin *h, uint32_t id, int cpu)
{
	struct rv_ioctl_run arg = {.id = id, .cpu = cpu};
	int error = handle_call(h, RV_IOCTL_RUN, &arg.head, sizeof(arg));

	return error ? error : (int)arg.state;
}

int ravelin_fimce_status(struct ravelin *h, uint32_t id, struct rv_fimce_status *status)
{
	struct rv_ioctl_status arg = {.id = id};
	int error = handle_call(h, RV_IOCTL_STATUS, &arg.head, sizeof(arg));

	if (!error)
		*status = arg.status;
	return error;
}

static int64_t milliseconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int ravelin_fimce_wait(struct ravelin *h, uint32_t id, int timeout_ms, struct rv_fimce_status *status)
{
	const int64_t end = milliseconds_now() + timeout_ms;
	struct timespec pause = {0, 100000};
	int error;

	/* Ravelin sends the guest no interrupt when a FIMCE ends, so this asks, ever less often: 0.1 ms up to 10 ms. */
	for (;;) {
		error = ravelin_fimce_status(h, id, status);
		if (error)
			return error;
		if (status->state >= RV_FIMCE_YIELDED)
			return 0;
		if (timeout_ms >= 0 && milliseconds_now() >= end)
			return handle_fail(h, -ETIME, "FIMCE %u still runs after %d ms", id, timeout_ms);
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < 10000000)
			pause.tv_nsec *= 2;
	}
}

int ravelin_fimce_output(struct ravelin *h, uint32_t id, uint32_t offset, void *buffer, uint32_t capacity)
{
	struct rv_ioctl_output arg = {.id = id, .offset = offset, .buffer = (uintptr_t)buffer, .capacity = capacity};
	int error = handle_call(h, RV_IOCTL_OUTPUT, &arg.head, sizeof(arg));

	return error ? error : (int)arg.copied;
}

int ravelin_fimce_destroy(struct ravelin *h, uint32_t id)
{
	struct rv_ioctl_destroy arg = {.id = id};

	return handle_call(h, RV_IOCTL_DESTROY, &arg.head, sizeof(arg));
}

int ravelin_fimce_list(struct ravelin *h, struct rv_list_entry list[RV_MAX_FIMCES])
{
	struct rv_ioctl_list arg = {0};
	int error = handle_call(h, RV_IOCTL_LIST, &arg.head, sizeof(arg));

	if (error)
		return error;
	if (arg.count > RV_MAX_FIMCES)
		return handle_fail(h, -EPROTO, "the module lists %u FIMCEs, more than there can be", arg.count);
	memcpy(list, arg.entry, arg.count * sizeof(arg.entry[0]));
	return (int)arg.count;
}

int ravelin_core_take(struct ravelin *h, unsigned int cpu)
{
	struct rv_ioctl_core arg = {.cpu = cpu};
	int error = handle_call(h, RV_IOCTL_CORE_TAKE, &arg.head, sizeof(arg));

	return error ? error : (int)arg.siblings;
}

int ravelin_core_give(struct ravelin *h, unsigned int cpu)
{
	struct rv_ioctl_core arg = {.cpu = cpu};
	int error = handle_call(h, RV_IOCTL_CORE_GIVE, &arg.head, sizeof(arg));

	return error ? error : (int)arg.siblings;
}
