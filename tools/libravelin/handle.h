/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * handle.h - what the sources of libravelin share and programs don't see.
 */
#ifndef LIBRAVELIN_HANDLE_H
#define LIBRAVELIN_HANDLE_H

#include "ravelin.h"

struct ravelin {
	int file;
	struct rv_failure failure; /* of the last failed call */
	char text[256]; /* a sentence of the library's own, "" = none; goes before failure */
};

/**
 * Calls the module. Fills head.size and, on failure, the handle's failure from head.failure.
 * @return 0 or a negative errno
 */
int handle_call(struct ravelin *h, unsigned long command, struct rv_ioctl_head *head, size_t size);

/** Notes a failure of the library's own: a sentence, by printf rules. @return error */
int handle_fail(struct ravelin *h, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** Notes a failure with a reason. @return error */
int handle_refuse(struct ravelin *h, int error, uint32_t reason, uint64_t value);

/** Forgets the last failure: the first thing that a public function does. */
void handle_clear(struct ravelin *h);

/**
 * What a FIMCE is made of: *input is file and argument, with the padding between them, to be freed; *sizes names it and what
 * the image wants.
 */
int input_build(struct ravelin *h, const void *file, size_t bytes, const void *argument, size_t argument_bytes,
		const struct rv_image_header *image, uint8_t **input, struct rv_sizes *sizes);

/** Where devices.c looks; tests have their own. */
extern const char *devices_pci; /* a directory with one for each PCI function, as sysfs has it */
extern const char *devices_ports; /* who has which ports, as procfs has it */

/** Says in words why the module refused a grant, if it can be seen: who has the device. @return error */
int devices_explain(struct ravelin *h, int error, const struct rv_grant *grant, uint32_t count);

/** -EXDEV with a sentence unless the process runs the executable that the image names. */
int identity_check(struct ravelin *h, pid_t pid, const struct rv_image_header *image);

/** The GNU build-id note of an ELF file. -ENOENT: it has none of 20 bytes. */
int identity_build_id(const char *path, uint8_t id[20]);

#endif
