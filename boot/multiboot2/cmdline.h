/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmdline.h - Ravelin's own command line, as the boot loader hands it over.
 *
 *     pool=SIZE            memory kept from the guest; K, M or G; multiple of 2M; default 64M
 *     console=ttyS0[,BAUD] messages on the first serial port, at 115200 baud unless told otherwise; the default
 *     console=none         no serial port
 *     trust=sha256:HEX     SHA-256 of the public key that signs updates, 64 digits; default: nothing signed is accepted
 *     iommu=auto           use the DMA remapping units that the machine has; go on, and say so, if it has none; the default
 *     iommu=require        do not start without one
 *     iommu=off            as if the machine had none; the tables about them are not read
 *     fallback=yes|no      boot Linux without Ravelin if Ravelin cannot start; default no
 */
#ifndef BOOT_CMDLINE_H
#define BOOT_CMDLINE_H

#include <ravelin/launch.h>

#include "text.h"

#define CMDLINE_SERIAL_PORT 0x3f8u

enum cmdline_iommu {
	CMDLINE_IOMMU_AUTO,
	CMDLINE_IOMMU_REQUIRE,
	CMDLINE_IOMMU_OFF
};

struct cmdline {
	uint64_t pool_bytes;
	uint16_t serial_port; /* I/O port, 0 = none */
	uint32_t baud;
	enum cmdline_iommu iommu;
	bool fallback;
	bool trusted; /* trust= was given */
	uint8_t trust_anchor[RV_DIGEST_SIZE];
};

/**
 * Reads the command line of @length characters at @text.
 * Fails, with the first bad option named in @error, on an unknown or malformed option, or one that is given twice.
 * @options is filled in any case: every well-formed option counts, also behind a bad one, and defaults fill the rest.
 */
bool cmdline_parse(const char *text, size_t length, struct cmdline *options, struct boot_error *error);

/**
 * Cuts the next word off the @length characters at @text: sets @word and @word_length, and moves @text and @length
 * behind it. Words are separated by blanks and tabs. Returns false if there is none.
 */
bool cmdline_word_next(const char **text, size_t *length, const char **word, size_t *word_length);

#endif
