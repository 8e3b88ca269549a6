/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fimce.h - fully isolated micro-computing environments: build, run, end.
 *
 * EMPTY -> BUILT        fimce_create (guest, by hypercall)
 * BUILT -> MEASURED -> SEALED -> RUNNING   the manager's VMCALL RV_FC_MEASURED
 * RUNNING -> YIELDED    the task's VMCALL RV_FC_YIELD;  YIELDED -> RUNNING  fimce_run with a command (dim.c)
 * RUNNING -> DONE       VMCALL RV_FC_EXIT
 * any -> DEAD           fault, watchdog, forbidden action, refusal by the manager, kill
 * DONE, DEAD, YIELDED, BUILT -> SCRUBBED -> EMPTY   fimce_destroy (guest, by hypercall)
 */
#ifndef HV_FIMCE_H
#define HV_FIMCE_H

#include <hv/address.h>
#include <hv/vmx/run.h>
#include <hv/vmx/vmcs.h>
#include <ravelin/fimce.h>
#include <ravelin/image.h>

struct percpu;

struct fimce {
	uint32_t id; /* 0 = EMPTY slot */
	uint32_t state; /* enum rv_fimce_state */
	struct rv_fimce_status status;
	struct regs regs;
	uint16_t vpid;
	bool vmcs_ready; /* the VMCS holds its guest state */
	bool sealed; /* the page table is final */
	uint64_t end_tsc; /* of the time budget of this run */
	bool input_refused; /* status.image_digest is that of the whole input */
	bool kill; /* asked for by RV_HC_FIMCE_DESTROY while it runs */
	struct percpu *cpu; /* on which it runs */

	/* Two extents: what only root mode may touch, and what the FIMCE sees. */
	pa_t control; /* VMCS, XSAVE area, table of target pages, page tables */
	uint32_t control_pages;
	uint32_t tables_used, tables_total;
	pa_t memory;
	uint32_t memory_pages;

	/* Pieces of control and memory. */
	pa_t vmcs, target_list, tables; /* tables: the top one first */
	pa_t fpu; /* its XSAVE area; 0: the agent, which has no FPU */
	pa_t param, mailbox, targets, threads, data, stack, input, output, load;
	uint32_t target_list_pages;
	struct rv_fimce_param values; /* what the param page was filled with */

	/* Update (dim.c). */
	uint32_t update; /* enum rv_update_state */
	bool stale;
	bool has_revert;
	bool has_data; /* pages of RV_TARGET_DATA are lent */
	bool isolated;
	bool revert_failed;
	bool lent; /* the target pages are shared with it */
	pa_t snapshot; /* target_count pages; twice that with has_revert */
	uint32_t snapshot_pages;
	uint64_t deadline_tsc;
	uint32_t journal_reserved; /* records in the journal that are kept free for it */
	uint8_t component[RV_DIGEST_SIZE];

	/* Devices (device.c). */
	uint32_t grant_count;
	struct rv_grant grant[RV_MAX_GRANTS];
	uint32_t bar_bytes; /* of all memory BARs */
	bool has_interrupt;
	pa_t io_bitmaps; /* two control pages; 0 = it has no grants */
	pa_t devices; /* struct rv_fimce_devices, if it has grants */
	pa_t dma; /* top of its devices' second-level table, of as many levels as the units have; 0 before the seal */
	uint64_t reset_tsc; /* before this its devices are not to be touched */
};

/** The FIMCE with this id, or NULL. */
struct fimce *fimce_find(uint32_t id);

/**
 * RV_HC_FIMCE_CREATE. create is root mode's own copy.
 * @return the id, or a negative errno with a reason noted in the CPU by hypercall_refuse.
 */
int64_t fimce_create(struct percpu *cpu, const struct rv_fimce_create *create);

/** Builds a FIMCE for RV_MODE_JOURNAL whose input is bytes bytes at records. Errors as fimce_create. */
int64_t fimce_create_journal(struct percpu *cpu, const void *records, uint32_t bytes);

/** Launch: builds hv.agent (agent.h). Errors as fimce_create. */
int fimce_create_agent(struct percpu *cpu);

/**
 * Runs a BUILT or YIELDED FIMCE on this CPU until it yields, ends or dies. The lock is held at call and return, not while
 * it runs, but for the agent, which may also run while another FIMCE of this CPU waits for root mode. command: what RV_FC_YIELD
 * returns to a YIELDED one. Keeps the FPU, debug and MSR state of whatever ran before.
 */
void fimce_run(struct percpu *cpu, struct fimce *f, uint64_t command);

/** vmx_prepare and vmx_step (vmx/run.h) for a CPU that runs a FIMCE. reason: the exit reason as it stands in the VMCS. */
uint32_t fimce_prepare(struct percpu *cpu);
uint32_t fimce_step(struct percpu *cpu, uint64_t reason);

/** Marks it DEAD. @return false: it does not go on */
bool fimce_die(struct percpu *cpu, struct fimce *f, uint32_t cause, uint32_t detail, uint64_t value);

/** Scrubs and frees. Not for a running one. */
void fimce_destroy(struct percpu *cpu, struct fimce *f);

/** Its state as others may act on it: RUNNING until the CPU that ran it is out of its memory. Lock held. */
uint32_t fimce_state(const struct fimce *f);

/** Fills the status record from the live state. */
void fimce_status_fill(const struct fimce *f, struct rv_fimce_status *to);

#endif
