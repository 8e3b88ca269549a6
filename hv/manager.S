/* SPDX-License-Identifier: GPL-2.0-only */
/* manager.S - embeds the manager, page-aligned, so that FIMCEs can share its text and constants. */
	.section .rodata
	.align 4096
	.globl manager_start, manager_digest
manager_start:
	.incbin MANAGER_BIN
	.align 4096
manager_digest:
	.incbin MANAGER_DIGEST
	.section .note.GNU-stack, "", @progbits
