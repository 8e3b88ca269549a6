/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * entry.S - Multiboot start of the harness, into 64-bit mode and FIMCE code: see harness.h.
 */
#include "../lib/entry.inc"

#define V(symbol) ((symbol) - 0xffff800000000000)
#define FLAGS 0x00010003	/* page-aligned modules, memory information, addresses in this header */

	.section .boot, "awx", @progbits
	.balign	4
multiboot:
	.long	0x1badb002, FLAGS, -(0x1badb002 + FLAGS)
	.long	V(multiboot), V(multiboot), harness_file_end_low, harness_end_low, V(start)

	.code32
start:
	cld
	mov	%ebx, %edi
	/* Page tables: the first GiB at 0 (until we have left it) and at HARNESS_VIRTUAL, in 2 MiB pages. */
	mov	$V(boot_pd), %ebx
	mov	$0x83, %eax
	xor	%ecx, %ecx
1:	mov	%eax, (%ebx, %ecx, 8)
	add	$0x200000, %eax
	inc	%ecx
	cmp	$512, %ecx
	jne	1b
	movl	$V(boot_pd) + 3, V(boot_pdpt)
	movl	$V(boot_pdpt) + 3, V(harness_pml4)
	movl	$V(boot_pdpt) + 3, V(harness_pml4) + 256 * 8
	mov	$V(harness_pml4), %eax
	mov	%eax, %cr3
	/* CR4: PAE, PGE, OSFXSR, OSXMMEXCPT; EFER: SCE, LME, NXE; CR0: PG, WP, NE, MP, PE, no EM, no TS */
	long_mode_on cr4=0x6a0, efer=0x901, cr0=0x80010023, cr0_clear=0xc
	lgdt	V(boot_gdtr)
	ljmp	$8, $V(start64)
	.balign	8
boot_gdt:
	flat_segments
boot_gdtr:
	.word	23
	.long	V(boot_gdt)

	.code64
start64:
	movabs	$start_high, %rax
	jmp	*%rax

	.text
start_high:
	mov	$0x10, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	movabs	$harness_stack + 16384, %rsp
	xor	%ebp, %ebp
	call	harness_main
1:	hlt
	jmp	1b

/* void harness_enter(uint64_t cr3, uint64_t entry, uint64_t stack, uint64_t param) */
	.globl	harness_enter
harness_enter:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, saved_rsp(%rip)
	mov	%rdi, %cr3
	mov	%rdx, %rsp
	mov	%rcx, %rdi
	sti
	jmp	*%rsi

	.globl	harness_leave
harness_leave:
	cli
	cld
	mov	saved_rsp(%rip), %rsp
	lea	harness_pml4(%rip), %rax
	movabs	$0xffff800000000000, %rcx
	sub	%rcx, %rax
	mov	%rax, %cr3
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

	.globl	harness_vectors
	trap_entries harness_vectors, harness_trap

	.data
	.balign	4096
	.globl	harness_pml4
harness_pml4:
	.skip	4096
boot_pdpt:
	.skip	4096
boot_pd:
	.skip	4096
saved_rsp:
	.quad	0

	.bss
	.balign	16
harness_stack:
	.skip	16384
	.section .note.GNU-stack, "", @progbits
