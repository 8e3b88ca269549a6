/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * entry.S - Multiboot start of the harness, its way into 64-bit mode, and its exception entries: see harness.h.
 */
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
	mov	%cr4, %eax
	or	$0x6a0, %eax		/* PAE, PGE, OSFXSR, OSXMMEXCPT */
	mov	%eax, %cr4
	mov	$0xc0000080, %ecx
	mov	$0x901, %eax		/* SCE, LME, NXE */
	xor	%edx, %edx
	wrmsr
	mov	%cr0, %eax
	and	$~0xc, %eax		/* no EM, TS */
	or	$0x80010023, %eax	/* PG, WP, NE, MP, PE */
	mov	%eax, %cr0
	lgdt	V(boot_gdtr)
	ljmp	$8, $V(start64)
	.balign	8
boot_gdt:
	.quad	0, 0x00af9b000000ffff, 0x00cf93000000ffff
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

	.balign	16
	.globl	harness_vectors
harness_vectors:
	.set	n, 0
	.rept	256
	.balign	16
	.if	n != 8 && (n < 10 || n > 14) && n != 17
	push	$0
	.endif
	push	$n
	jmp	trap
	.set	n, n + 1
	.endr

trap:
	push	%rax
	push	%rbx
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%rbp
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	cld
	mov	%rsp, %rdi
	call	harness_trap
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rbp
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rbx
	pop	%rax
	add	$16, %rsp
	iretq

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
