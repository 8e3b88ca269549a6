/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * log.c - text from inside a FIMCE into the hypervisor's log ring: see log.h.
 */
#include <log/log.h>
#include <vmcall.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void rv_log(const char *format, ...)
{
	char text[RV_LOG_MAX_BYTES + 1];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	memcpy((void *)RV_FIMCE_MAILBOX, text, strlen(text));
	(void)rv_fimce_call(RV_FC_LOG, strlen(text), 0, 0);
}
