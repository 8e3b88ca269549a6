/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fake_device.h - a /dev/ravelin made of memory: open, ioctl and close of the code under test come here (linker option --wrap).
 */
#ifndef FAKE_DEVICE_H
#define FAKE_DEVICE_H

#include <libravelin/ravelin.h>

#define FAKE_FILE 1000
#define FAKE_RECORDS 8u

/** What one ioctl number shall do: fail so often, or always (times < 0). */
struct fake_failure {
	unsigned long command;
	int times;
	int error; /* positive errno */
	uint32_t reason;
	uint64_t value;
};

struct fake_device {
	int open_error; /* positive errno of the next opens, 0 = they work */
	int opened, closed;
	struct rv_info info;
	struct rv_driver_info driver;
	struct rv_log_record log[FAKE_RECORDS];
	uint32_t log_count;
	struct rv_stat stat[2];
	struct rv_audit audit;
	struct rv_journal_record journal[FAKE_RECORDS];
	struct rv_journal_head head;
	struct rv_fimce_status status; /* of every FIMCE */
	uint8_t output[64];
	struct rv_list_entry list[2];
	uint32_t list_count;
	uint32_t run_state; /* what a run and a commit give */
	struct fake_failure failure[4];
	/* What was seen. */
	unsigned int calls[32]; /* by _IOC_NR */
	uint8_t input[8192];
	struct rv_ioctl_create create;
	struct rv_ioctl_prepare prepare;
	struct rv_ioctl_update update;
	uint32_t destroyed;
	unsigned int freezes; /* by commit and rollback */
	int freezer; /* the file that they were to freeze with */
	uint32_t freeze_ms;
	unsigned int bad_heads; /* arguments whose head was not filled in as the interface wants */
};

extern struct fake_device fake;

/** An idle machine with two CPUs, three log records and a journal of three whose chain holds. */
void fake_reset(void);

/** A valid image, optionally for an update. */
struct rv_image_header fake_image(bool is_update);

#endif
