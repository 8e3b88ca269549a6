/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmcall.h - how code inside a FIMCE calls the hypervisor (include/ravelin/fimce.h, enum rv_fimce_call).
 *
 * Inside a FIMCE rv_fimce_call is the instruction itself. Host unit tests define RV_HOST_TEST and bring a function of
 * that name which plays the hypervisor.
 */
#ifndef FIMCE_VMCALL_H
#define FIMCE_VMCALL_H

#include <ravelin/fimce.h>

/** What a call returned. */
struct rv_fimce_answer {
	int64_t value; /* RAX: result, or a negative errno */
	uint64_t second; /* RDX: on failure the reason id */
	uint64_t refused; /* R8: on failure the value that was refused */
};

#ifdef RV_HOST_TEST
struct rv_fimce_answer rv_fimce_call(enum rv_fimce_call number, uint64_t a, uint64_t b, uint64_t c);
#else
/**
 * Calls the hypervisor with RAX = number, RDI = a, RSI = b, RDX = c. May be called in the states that enum
 * rv_fimce_call names; out of turn it ends the FIMCE with RV_CAUSE_PROTOCOL. The mailbox is read and written by the
 * call: it counts as a memory access.
 */
static inline struct rv_fimce_answer rv_fimce_call(enum rv_fimce_call number, uint64_t a, uint64_t b, uint64_t c)
{
	struct rv_fimce_answer answer = {.value = (int64_t)number, .second = c};
	register uint64_t refused __asm__("r8") = 0;

	__asm__ volatile("vmcall"
			 : "+a"(answer.value), "+d"(answer.second), "+D"(a), "+S"(b), "+r"(refused)
			 :
			 : "rcx", "r9", "r10", "r11", "cc", "memory");
	answer.refused = refused;
	return answer;
}
#endif

#endif
