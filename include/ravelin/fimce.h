/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fimce.h - the world as code inside a FIMCE sees it: address space, parameters, VMCALLs.
 *
 * A FIMCE runs in ring 0, 64-bit mode, without EPT, on page tables that it can neither see nor change. Interrupts are held
 * back by the task priority, but for those of its own devices; SSE is usable (CR4.OSFXSR), AVX is not. It starts at the manager's entry with RSP at the top of the
 * stack, RDI = RV_FIMCE_PARAM, all other registers zero.
 */
#ifndef RAVELIN_FIMCE_H
#define RAVELIN_FIMCE_H

#include <ravelin/abi.h>

/* The upper 2 GiB belong to the FIMCE; the lower half shows the target's pages at the target's own addresses (RW, never X). */
#define RV_FIMCE_BASE 0xffffffff80000000ull
#define RV_FIMCE_MANAGER (RV_FIMCE_BASE) /* text RX, read-only data R: shared by all; data RW: private */
#define RV_FIMCE_MANAGER_MAX 0x100000u
#define RV_FIMCE_PARAM (RV_FIMCE_BASE + 0x100000) /* struct rv_fimce_param, R */
#define RV_FIMCE_MAILBOX (RV_FIMCE_BASE + 0x101000) /* one page RW: what VMCALLs hand over */
#define RV_FIMCE_TARGETS (RV_FIMCE_BASE + 0x110000) /* struct rv_target_page[target_count], R */
#define RV_FIMCE_THREADS                                                                                               \
	(RV_FIMCE_BASE + 0x120000) /* struct rv_threads, R; only with target pages, filled when RV_CMD_APPLY comes */
#define RV_FIMCE_DEVICES (RV_FIMCE_BASE + 0x130000) /* struct rv_fimce_devices, R; only with grants */
#define RV_FIMCE_STACK_TOP (RV_FIMCE_BASE + 0x800000) /* grows down, guard page below */
#define RV_FIMCE_INPUT (RV_FIMCE_BASE + 0x1000000) /* R */
#define RV_FIMCE_OUTPUT (RV_FIMCE_BASE + 0x2000000) /* RW */
#define RV_FIMCE_LOAD (RV_FIMCE_BASE + 0x4000000) /* RW without X until SEALED; then as the segments say */
#define RV_FIMCE_BARS                                                                                                  \
	(RV_FIMCE_BASE + 0x10000000) /* memory BARs of its PCI functions, RW, uncacheable, from the seal on */
#define RV_FIMCE_MAX_BARS (64u << 20) /* bytes of all of them */

/* What its devices may reach: input (read), output and writable segments (read, write), at this DMA address. */
#define RV_FIMCE_DMA(va) ((uint64_t)(va)-RV_FIMCE_BASE)

/* All its devices interrupt with this vector. Others of its class (0xf0 to 0xff) can come from the guest, too. */
#define RV_FIMCE_VECTOR 0xf3u
/* The last word of the mailbox: address of void handler(void), called by the manager's interrupt entry for RV_FIMCE_VECTOR, with
 * interrupts off, on a stack of 4 KiB; 0 = none. It must expect calls without cause. The manager says RV_FC_EOI after it. */
#define RV_FIMCE_HANDLER (RV_FIMCE_MAILBOX + RV_PAGE_SIZE - 8)

enum rv_fimce_mode {
	RV_MODE_IMAGE = 1, /* measure, verify and run the image in the input */
	RV_MODE_JOURNAL =
	    2 /* the input is struct rv_journal_record[]: put the new chain head into the mailbox and exit */
};

/** At RV_FIMCE_PARAM: filled by the hypervisor, read-only here. */
struct rv_fimce_param {
	uint32_t abi_version;
	uint32_t mode; /* enum rv_fimce_mode */
	uint32_t id;
	uint32_t input_bytes;
	uint32_t argument_offset; /* the image or envelope ends here at the latest; the task's argument begins here */
	uint32_t load_bytes;
	uint32_t output_bytes;
	uint32_t stack_bytes;
	uint64_t budget_us;
	uint32_t target_count;
	uint32_t target_bias_valid;
	uint64_t target_bias;
	uint8_t trust_anchor[RV_DIGEST_SIZE]; /* SHA-256 of the root public key; all zero: none */
	uint8_t journal_head[RV_DIGEST_SIZE]; /* RV_MODE_JOURNAL: chain head to continue from */
};

/** VMCALL numbers of FIMCE code: RAX = number, RDI, RSI, RDX = arguments, result in RAX. */
enum rv_fimce_call {
	/* The mailbox holds struct rv_measured. Only in state BUILT, thus only from the manager. Returns 0 with the task's
	 * segments now mapped as asked, or a negative errno and in RDX the reason. */
	RV_FC_MEASURED = 1,
	/* RDI = status: 0 = as wanted, negative errno = failed (RSI = reason id, RDX = value for its sentence). Gives the
	 * CPU back until the next enum rv_fimce_command, which is returned. Only with RV_CAP_TARGET. */
	RV_FC_YIELD = 2,
	/* RDI = result (signed), RSI = bytes of output. Ends the FIMCE: DONE. Does not return. */
	RV_FC_EXIT = 3,
	/* RDI = negative errno, RSI = reason id, RDX = value. Ends the FIMCE: DEAD with RV_CAUSE_REFUSED. The mailbox may hold
	 * struct rv_refused. */
	RV_FC_REFUSE = 4,
	/* RDI = bytes (at most 40) of text in the mailbox: one log record RV_REASON_FIMCE_TEXT. Returns 0. */
	RV_FC_LOG = 5,
	/* End of interrupt, at the local APIC. Only with a grant that has an interrupt. Returns 0. */
	RV_FC_EOI = 6,
	/* Only with grants. Its PCI functions that cannot be reset are idle, says the task: from now on they may be bus masters, for DMA and
	 * MSI. Before that, a transfer that the guest has left in them could still go. Others may from the seal on. Returns 0, or a
	 * negative errno and in RDX the reason. */
	RV_FC_DMA = 7
};

/** What RV_FC_YIELD returns. After the last one it does not: Ravelin ends the FIMCE where it stands. */
enum rv_fimce_command {
	RV_CMD_APPLY = 1, /* the target is isolated and snapshotted: patch it, check yourself, yield with the outcome */
	RV_CMD_REVERT = 2 /* the target is isolated again: undo (migrate back), yield with the outcome */
};

/** One run of pages inside the load area that becomes visible to the task. */
struct rv_measured_segment {
	uint32_t first_page; /* from RV_FIMCE_LOAD */
	uint32_t pages;
	uint32_t perm; /* RV_PERM_*, never W and X */
	uint32_t reserved;
};

struct rv_fimce_bar {
	uint64_t address; /* virtual, or the first port; 0 = there is none */
	uint32_t bytes; /* or number of ports */
	uint32_t is_port; /* 1: I/O ports */
};

/** A PCI function that the FIMCE has. */
struct rv_fimce_device {
	uint32_t grant; /* its index in the image's grants */
	uint32_t source_id;
	uint64_t
	    msi_address; /* with RV_GRANT_INTERRUPT: what an MSI-X entry has to hold. Plain MSI is programmed already */
	uint32_t msi_data;
	uint32_t reserved;
	struct rv_fimce_bar bar[6];
	uint8_t config[256]; /* configuration space when it left the guest */
};

/** At RV_FIMCE_DEVICES: filled by the hypervisor. Devices do not answer, and DMA is blocked, before the seal. */
struct rv_fimce_devices {
	uint32_t count;
	uint32_t reserved;
	struct rv_fimce_device device[RV_MAX_GRANTS];
};

#define RV_MEASURED_SIGNED (1u << 0)
#define RV_MEASURED_HAS_REVERT                                                                                         \
	(1u << 1) /* answers RV_CMD_REVERT; otherwise a rollback after APPLY restores the old code only */

/** In the mailbox at RV_FC_MEASURED. Filled by the manager, which is as trusted as the hypervisor. */
struct rv_measured {
	uint32_t size; /* sizeof(struct rv_measured) */
	uint32_t flags; /* RV_MEASURED_* */
	uint8_t image_digest[RV_DIGEST_SIZE];
	uint8_t signer[RV_DIGEST_SIZE];
	uint8_t component[RV_DIGEST_SIZE]; /* SHA-256 of the SUIT component identifier; zero if unsigned */
	uint64_t sequence;
	uint32_t capabilities; /* asked for, and covered by the signature */
	uint32_t segment_count;
	struct rv_measured_segment segment[8];
	char name[32];
	uint32_t grant_count;
	uint32_t reserved;
	struct rv_grant grant[RV_MAX_GRANTS]; /* of the image's header */
};

/** In the mailbox at RV_FC_REFUSE: what was refused, if that was before RV_FC_MEASURED. Filled by the manager. */
struct rv_refused {
	uint32_t size; /* sizeof(struct rv_refused) */
	uint32_t reserved;
	uint8_t input_digest[RV_DIGEST_SIZE]; /* SHA-256 of the input up to the argument */
	uint8_t component[RV_DIGEST_SIZE]; /* as in struct rv_measured if the signature was verified; otherwise zero */
	uint64_t sequence; /* the same */
};

/** First bytes of the manager's binary, which is a part of the hypervisor image. Filled at build time. */
struct rv_manager_header {
	uint64_t magic; /* RV_MANAGER_MAGIC */
	uint32_t text_pages; /* RX, from the start of the binary, this header included */
	uint32_t rodata_pages; /* R, next */
	uint32_t data_pages; /* RW, next: the binary's last pages, then zeros */
	uint32_t data_file_bytes; /* bytes of data in the binary */
	uint64_t entry; /* virtual address */
	uint64_t idt; /* virtual address and limit of the tables that the hypervisor loads for it */
	uint64_t gdt;
	uint32_t idt_limit;
	uint32_t gdt_limit;
	uint64_t tss; /* 64-bit TSS, 104 bytes; selectors: CS 0x08, data 0x10, TSS 0x18 */
	uint64_t canary; /* FS base: fs:0x28 is the stack protector's word */
};
#define RV_MANAGER_MAGIC 0x31524e474d4c5652ull /* "RVLMGNR1" */

#endif
