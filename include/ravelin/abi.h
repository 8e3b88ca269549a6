/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * abi.h - the hypercall interface between a guest and Ravelin.
 *
 * Detection: CPUID with EAX = RV_CPUID_LEAF returns EAX = RV_CPUID_SIGNATURE, EBX = RV_ABI_VERSION, ECX = 0,
 * EDX = feature bits (RV_FEATURE_*). Without Ravelin the leaf is out of range and returns something else.
 * The leaves from 0x40000000 and the "hypervisor present" bit are left as the machine gives them.
 *
 * Call: VMCALL (Intel SDM vol. 3, 31.3) at CPL 0 in 64-bit mode, with
 *
 *     RAX = RV_HC_*      RDI, RSI, RDX, R8 = arguments, unused ones ignored
 *
 * Return:
 *
 *     RAX >= 0   success, the value is the result of the call; RDX is a second result where one is named below
 *     RAX <  0   failure: a negative errno (RV_E*); RDX = reason id (RV_REASON_*, see reason.h) in bits 31:0 and the
 *                index of the CPU in bits 63:32; R8 = the value that was refused
 *
 * All other registers are kept. A failed call changes nothing. RV_HC_INFO may be called at any CPL; every other call
 * from CPL > 0 fails with -RV_EPERM.
 *
 * Buffers are lists of guest frames, never virtual addresses: the caller passes the guest-physical address of one page
 * that holds a struct rv_frames. The hypervisor copies that page before it looks at it.
 */
#ifndef RAVELIN_ABI_H
#define RAVELIN_ABI_H

#include <ravelin/types.h>

#define RV_ABI_VERSION 3u
#define RV_CPUID_LEAF 0x52564c00u
#define RV_CPUID_SIGNATURE 0x6c657652u /* the letters R v e l, first one lowest */

#define RV_FEATURE_DEDICATED (1u << 0) /* RV_HC_CORE_TAKE and RV_HC_CORE_GIVE */
#define RV_FEATURE_UPDATE (1u << 1) /* RV_HC_UPDATE */
#define RV_FEATURE_DEVICES (1u << 2) /* a FIMCE may get PCI functions: there is a unit that guards their DMA */

/* errno values as Linux numbers them; returned negated */
#define RV_EPERM 1
#define RV_ENOENT 2
#define RV_EIO 5
#define RV_EAGAIN 11
#define RV_ENOMEM 12
#define RV_EACCES 13
#define RV_EFAULT 14
#define RV_EBUSY 16
#define RV_EEXIST 17
#define RV_ENODEV 19
#define RV_EINVAL 22
#define RV_ENOSPC 28
#define RV_ERANGE 34
#define RV_ENOSYS 38
#define RV_ETIME 62
#define RV_EBADMSG 74
#define RV_EOVERFLOW 75
#define RV_ESTALE 116
#define RV_EKEYREJECTED 129

/* The doorbell: OUT of RV_DOORBELL_VALUE to RV_DOORBELL_PORT at CPL 0 is the same as VMCALL with RAX = RV_HC_UPDATE. Other
 * values go to the machine's own port (it is the usual SMI command port). */
#define RV_DOORBELL_PORT 0xb2u
#define RV_DOORBELL_VALUE 0x52u

enum rv_hypercall {
	/* RAX = RV_ABI_VERSION, RDX = RV_FEATURE_* bits. Any CPL. */
	RV_HC_INFO = 0,
	/* RDI = frames: filled with one struct rv_info. Returns its size. */
	RV_HC_GET_INFO = 1,
	/* RDI = frames, RSI = first sequence number wanted. Filled with struct rv_log_record, oldest first; records that
	 * the ring has lost are skipped. Returns the number of records. */
	RV_HC_GET_LOG = 2,
	/* RDI = frames, RSI = CPU index. Filled with one struct rv_stat. Returns its size. -ENOENT: no such CPU. */
	RV_HC_GET_STAT = 3,
	/* RDI = frames: filled with one struct rv_audit. Returns 0 when the live tables grant nothing that the partition
	 * table does not, -EFAULT with the first offending entry otherwise. */
	RV_HC_AUDIT = 4,
	/* RDI = guest-physical address of a page with a struct rv_fimce_create. Returns the new FIMCE's id (1...). */
	RV_HC_FIMCE_CREATE = 5,
	/* RDI = id, RSI = RV_RUN_BORROWED or index of a taken CPU. Borrowed: returns when the FIMCE yields, ends or dies,
	 * RAX = its enum rv_fimce_state. Dedicated: starts it on that CPU and returns RV_FIMCE_RUNNING at once. */
	RV_HC_FIMCE_RUN = 6,
	/* RDI = id, RSI = frames: filled with one struct rv_fimce_status. Returns its size. */
	RV_HC_FIMCE_STATUS = 7,
	/* RDI = id, RSI = frames, RDX = offset. Copies the output of a FIMCE in state DONE. Returns the bytes copied. */
	RV_HC_FIMCE_OUTPUT = 8,
	/* RDI = id. Ends it wherever it is (a running one is killed), scrubs its memory, frees the id. */
	RV_HC_FIMCE_DESTROY = 9,
	/* RDI = CPU index. Takes a CPU that the guest has offlined; it leaves the guest until RV_HC_CORE_GIVE. */
	RV_HC_CORE_TAKE = 10,
	/* RDI = CPU index. The CPU waits for the guest's INIT/SIPI again. -EBUSY: a FIMCE runs there. */
	RV_HC_CORE_GIVE = 11,
	/* RDI = FIMCE id, RSI = enum rv_update_op. RV_UPDATE_APPLY only: RDX = deadline in microseconds, 0 = none; R8 =
	 * frames with a struct rv_threads, copied when the target is frozen. Returns the resulting enum rv_update_state. */
	RV_HC_UPDATE = 12,
	/* RDI = frames, RSI = index of the first record. Filled with struct rv_journal_record. Returns the number of
	 * records; RDX = total number of records in the journal. */
	RV_HC_GET_JOURNAL = 13,
	/* Runs the manager on the calling CPU to fold all journal records that are not yet in the hash chain. RDI = frames,
	 * filled with struct rv_journal_head. Returns its size. */
	RV_HC_FOLD_JOURNAL = 14,
	/* Does nothing and returns 0: the cost of a hypercall. */
	RV_HC_NULL = 15,
	RV_HC_COUNT
};

/** A buffer of up to 511 pages. Lives in one page of guest memory, aligned to it. */
struct rv_frames {
	uint32_t count; /* frames used, 1..511 */
	uint32_t bytes; /* size of the buffer, at most count * 4096; it begins at offset 0 of frame[0] */
	uint64_t frame[511]; /* guest-physical addresses, 4096-aligned */
};

#define RV_MAX_CPUS 64u
#define RV_MAX_FIMCES 16u

/** What runs here. */
struct rv_info {
	uint32_t abi_version;
	uint32_t features; /* RV_FEATURE_* */
	uint32_t cpu_count;
	uint32_t fimce_count;
	uint64_t pool_bytes; /* everything taken from the guest, hypervisor included */
	uint64_t pool_free_bytes;
	uint64_t tsc_khz;
	uint8_t trust_anchor
	    [RV_DIGEST_SIZE]; /* SHA-256 of the root public key; all zero: none, nothing signed is accepted */
	uint8_t manager_digest[RV_DIGEST_SIZE]; /* SHA-256 of the manager, computed at build time */
	char version[32]; /* NUL-terminated */
	uint32_t fimce_id[RV_MAX_FIMCES]; /* ids in use, 0 = free slot */
};

/** One record of the log ring: 64 bytes. */
struct rv_log_record {
	uint64_t sequence; /* 1... without holes; a hole seen by a reader means that the ring was overrun */
	uint64_t tsc;
	uint32_t cpu; /* index */
	uint32_t reason; /* RV_REASON_*, says what value[] means */
	uint64_t value[5];
};

#define RV_EXIT_REASONS 70u

/** Counters of one CPU since launch. */
struct rv_stat {
	uint32_t cpu; /* index */
	uint32_t apic_id;
	uint32_t state; /* enum rv_cpu_state */
	uint32_t fimce; /* id of the FIMCE it runs, or 0 */
	uint64_t exits; /* of the guest, all reasons */
	uint64_t fimce_exits;
	uint64_t exit[RV_EXIT_REASONS]; /* guest exits by basic exit reason, Intel SDM vol. 3, appendix C */
};

enum rv_cpu_state {
	RV_CPU_OFF, /* never entered VMX operation */
	RV_CPU_GUEST, /* runs the guest, or waits for its SIPI */
	RV_CPU_TAKEN, /* taken by RV_HC_CORE_TAKE, idle */
	RV_CPU_FIMCE /* runs a FIMCE */
};

/** What RV_HC_AUDIT walked, and the first thing that it found wrong. */
struct rv_audit {
	uint64_t rows; /* rows of the partition table */
	uint64_t ept_leaves; /* EPT entries that map memory */
	uint64_t fimce_leaves; /* FIMCE page table entries that map memory, all FIMCEs */
	uint64_t vmcs; /* CPUs whose VMCS settings were compared */
	uint64_t vtd_units; /* remapping units whose registers were read back */
	uint64_t vtd_contexts; /* context entries of their tables that were looked at */
	uint64_t vtd_entries; /* interrupt entries that are present */
	uint64_t bad; /* entries that grant what no row does */
	uint64_t
	    bad_table; /* 0 = EPT, n = page table of FIMCE n, ~0 = VMCS: bad_address is the field, bad_entry its value; ~1 = VT-d: register offset, source id, or 0x10000 + interrupt entry */
	uint64_t bad_address; /* guest-physical (EPT) or virtual (FIMCE) address */
	uint64_t bad_entry; /* the table entry */
};

#define RV_RUN_BORROWED (~(uint64_t)0)

/** Limits of one FIMCE, checked by RV_HC_FIMCE_CREATE. */
#define RV_FIMCE_MAX_INPUT (511u * 4096u)
#define RV_FIMCE_MAX_LOAD (8u << 20)
#define RV_FIMCE_MAX_OUTPUT (511u * 4096u)
#define RV_FIMCE_MAX_STACK (256u << 10)
#define RV_FIMCE_MAX_TARGETS 2720u
#define RV_FIMCE_MAX_BUDGET_US 10000000u
#define RV_UPDATE_MAX_DEADLINE_US 600000000u

enum rv_grant_kind {
	RV_GRANT_PCI = 1, /* a PCI function: its memory, its ports, DMA to the FIMCE's own memory, its interrupt */
	RV_GRANT_PORTS = 2, /* a range of I/O ports */
	RV_GRANT_GSI = 3 /* an interrupt line of an IOAPIC, edge or level triggered as the guest has set it */
};

/* struct rv_grant.flags, for RV_GRANT_PCI */
#define RV_GRANT_INTERRUPT (1u << 0) /* its MSI or MSI-X goes to the FIMCE: only on a dedicated core */
#define RV_GRANT_CLEANED                                                                                               \
	(1u                                                                                                            \
	 << 1) /* the task itself leaves nothing in it: a function that cannot be reset goes back to the guest if the task \
		   * ended by RV_FC_EXIT, and never otherwise. Without this flag such a function is refused */

#define RV_MAX_GRANTS 8u

/** One device, or piece of one, that a FIMCE asks for. All but source_id is covered by the image's signature. */
struct rv_grant {
	uint16_t kind; /* enum rv_grant_kind */
	uint16_t flags; /* RV_GRANT_* */
	uint32_t first; /* PCI: vendor id in 15:0, device id in 31:16; ports: the first; GSI: its number */
	uint32_t count; /* ports: how many; otherwise 1 */
	uint32_t
	    source_id; /* PCI: which one, bus in 15:8, device in 7:3, function in 2:0 of segment 0. In an image: 0 */
};

/** Argument of RV_HC_FIMCE_CREATE; the first bytes of one page. */
struct rv_fimce_create {
	uint32_t size; /* sizeof(struct rv_fimce_create) */
	uint32_t flags; /* 0 */
	uint64_t input; /* guest-physical address of struct rv_frames: an image (image.h) or a SUIT envelope with one,
				 * then, at argument_offset, the argument of the task */
	uint32_t
	    argument_offset; /* from the start of the input, multiple of 16; equal to the input's size if there is none */
	uint32_t load_bytes; /* memory for the image's segments, multiple of 4096 */
	uint32_t output_bytes; /* multiple of 4096, may be 0 */
	uint32_t stack_bytes; /* multiple of 4096 */
	uint64_t
	    budget_us; /* run time limit of each run, 1..RV_FIMCE_MAX_BUDGET_US; for a signed image at most its own */
	uint64_t targets; /* guest-physical address of struct rv_frames with struct rv_target_page[], or 0 */
	uint32_t target_count; /* 0..RV_FIMCE_MAX_TARGETS */
	uint32_t target_bias_valid;
	uint64_t target_bias; /* load bias of the target's executable: run-time address minus ELF address */
	uint32_t grant_count; /* 0..RV_MAX_GRANTS; not together with targets */
	uint32_t reserved; /* 0 */
	struct rv_grant
	    grant[RV_MAX_GRANTS]; /* as in the image, in the same order; the devices leave the guest at once */
};

enum rv_target_kind {
	RV_TARGET_TEXT =
	    1, /* holds code; write-protected for the guest from SEALED on, a write makes the update stale */
	RV_TARGET_DATA = 2, /* live data; contents are not checked before the freeze */
	RV_TARGET_FRESH = 3 /* new memory that the guest mapped for this update; written as a whole at apply */
};

/** One page of an update target. */
struct rv_target_page {
	uint64_t va; /* address in the target process, 4096-aligned, below 2^47; the FIMCE sees the page there, too */
	uint64_t gpa; /* guest-physical address, 4096-aligned */
	uint32_t kind; /* enum rv_target_kind */
	uint32_t reserved; /* 0 */
};

#define RV_UPDATE_MAX_THREADS 512u

/** What a frozen thread of an update target goes on with in user mode. The guest says so; Ravelin can't know better. */
struct rv_thread {
	uint32_t tid;
	uint32_t reserved; /* 0 */
	uint64_t rip;
	uint64_t rflags;
	uint64_t gpr[16]; /* rax rcx rdx rbx rsp rbp rsi rdi r8...r15 */
};

/** All threads of an update target. A list may be cut off behind thread[count - 1]. */
struct rv_threads {
	uint32_t count; /* 1..RV_UPDATE_MAX_THREADS */
	uint32_t reserved; /* 0 */
	struct rv_thread thread[RV_UPDATE_MAX_THREADS];
};

/** The life of a FIMCE. */
enum rv_fimce_state {
	RV_FIMCE_EMPTY = 0,
	RV_FIMCE_BUILT = 1, /* all pages copied from the guest; the guest's copy is not looked at again */
	RV_FIMCE_MEASURED = 2, /* the manager hashed the image and, if signed, verified it */
	RV_FIMCE_SEALED = 3, /* grants added, page tables final */
	RV_FIMCE_RUNNING = 4,
	RV_FIMCE_YIELDED = 5, /* a RUNNING task stands in RV_FC_YIELD, no CPU is in it */
	RV_FIMCE_DONE = 6,
	RV_FIMCE_DEAD = 7, /* see struct rv_fimce_status.cause */
	RV_FIMCE_SCRUBBED = 8 /* memory is zero; seen only inside RV_HC_FIMCE_DESTROY */
};

/** Why a FIMCE is DEAD. */
enum rv_fimce_cause {
	RV_CAUSE_NONE = 0,
	RV_CAUSE_EXCEPTION = 1, /* vector in detail, error code in value */
	RV_CAUSE_WATCHDOG = 2, /* budget used up */
	RV_CAUSE_BREACH = 3, /* tried what it must not: exit reason in detail, exit qualification in value */
	RV_CAUSE_KILLED = 4, /* RV_HC_FIMCE_DESTROY */
	RV_CAUSE_REFUSED = 5, /* the manager refused the image: reason id in detail, value in value */
	RV_CAUSE_PROTOCOL = 6, /* VMCALL out of turn: its number in detail */
	RV_CAUSE_TRIPLE_FAULT = 7
};

/** Result of RV_HC_FIMCE_STATUS. */
struct rv_fimce_status {
	uint32_t id;
	uint32_t state; /* enum rv_fimce_state */
	uint32_t cause; /* enum rv_fimce_cause */
	uint32_t detail;
	uint64_t value;
	int64_t result; /* of the task, in state DONE; status of the last yield in state YIELDED */
	uint64_t rip; /* where it died */
	uint64_t
	    gpr[16]; /* registers then: rax rcx rdx rbx rsp rbp rsi rdi r8...r15; zero if it is a signed image that was
				 * stopped from outside: killed, or by the watchdog */
	uint64_t cr2;
	uint64_t exits; /* VM exits while it ran */
	uint64_t run_tsc; /* ticks spent in it */
	uint32_t output_bytes; /* valid bytes of output */
	uint32_t capabilities; /* granted: RV_CAP_* of image.h */
	uint32_t is_signed;
	uint32_t cpu; /* index of the CPU it runs or last ran on */
	uint32_t update; /* enum rv_update_state */
	uint32_t target_pages;
	uint64_t sequence; /* of the manifest */
	uint8_t image_digest[RV_DIGEST_SIZE]; /* of the whole input if the manager refused that */
	uint8_t signer[RV_DIGEST_SIZE]; /* SHA-256 of the public key that signed it */
	char name[32]; /* from the image header */
	uint64_t phase_tsc[8]; /* TSC at the end of: isolate, snapshot, apply, give back; the rest 0 */
};

enum rv_update_op {
	RV_UPDATE_APPLY = 1, /* isolate, snapshot, let the task apply, give back. Needs YIELDED with status 0. */
	RV_UPDATE_CONFIRM = 2, /* healthy: drop the snapshot, remember the sequence number */
	RV_UPDATE_ROLLBACK = 3, /* isolate, revert or restore byte-exact, give back. The target must be frozen. */
	RV_UPDATE_ABANDON = 4 /* gives the pages back as they are. Only after a rollback whose way back failed. */
};

enum rv_update_state {
	RV_UPDATE_NONE = 0,
	RV_UPDATE_PREPARED = 1, /* the task verified everything and waits */
	RV_UPDATE_APPLIED = 2, /* target runs the new version, not yet confirmed */
	RV_UPDATE_CONFIRMED = 3,
	RV_UPDATE_ROLLED_BACK =
	    4, /* the task failed or died in APPLY: every byte as before; or by request: the code as before,
				    * the data as the update's own way back left it (see RV_CAP_REVERT) */
	RV_UPDATE_EXPIRED =
	    5, /* the deadline passed without confirmation. An update that has no pages of RV_TARGET_DATA is over, the old
		* code is back. Of one that has some, code and data stay: it can't be confirmed, only be rolled back. */
	RV_UPDATE_STALE = 6, /* the guest wrote to a TEXT page after prepare */
	RV_UPDATE_ABANDONED = 7 /* its way back failed and nobody confirmed it: the target keeps the new version */
};

/** One record of the update journal: 128 bytes, each in the hash chain head[n] = SHA-256(head[n-1] || record[n]),
 * head[-1] = 32 zero bytes. */
struct rv_journal_record {
	uint64_t index; /* 0... */
	uint64_t tsc;
	uint32_t event; /* enum rv_update_state, or RV_JOURNAL_* */
	int32_t error; /* 0 or negative errno */
	uint32_t reason; /* RV_REASON_* */
	uint32_t cpu;
	uint8_t image_digest[RV_DIGEST_SIZE];
	uint8_t component
	    [RV_DIGEST_SIZE]; /* SHA-256 of the SUIT component identifier; zero if no trusted signature vouches for it */
	uint64_t sequence; /* the same */
	uint64_t value; /* $0 of the reason's sentence */
	uint64_t reserved;
	uint64_t flags; /* RV_JOURNAL_INPUT */
};
#define RV_JOURNAL_REFUSED 100u /* never prepared: by the manager, by the update task, or it ended before */
#define RV_JOURNAL_WITHDRAWN 101u /* prepared, and destroyed without an attempt to apply it */
#define RV_JOURNAL_INPUT                                                                                               \
	(1u << 0) /* image_digest is that of the whole input, which is no image that could be trusted */

struct rv_journal_head {
	uint64_t count; /* records in the chain */
	uint8_t head[RV_DIGEST_SIZE];
	uint64_t lost; /* refused attempts that got no record because the journal was full; not in the chain */
};

#endif
