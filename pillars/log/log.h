/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * log.h - text from inside a FIMCE into the hypervisor's log ring.
 */
#ifndef PILLARS_LOG_H
#define PILLARS_LOG_H

#define RV_LOG_MAX_BYTES 40u /* of one record */

/**
 * Writes one log record RV_REASON_FIMCE_TEXT with the formatted text (conversions of the libc pillar's snprintf), cut
 * off after RV_LOG_MAX_BYTES bytes. Uses the first RV_LOG_MAX_BYTES bytes of the mailbox. May be called in any state
 * of a FIMCE. Costs one VM exit.
 */
void rv_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
