/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * entry.S - Multiboot start of the IOMMU test kernel, the start of the second CPU, and trap stubs: see machine.h.
 */
#define HIGH 0xffff800000000000
#define V(symbol) ((symbol) - HIGH)
#define FLAGS 0x00010003	/* page-aligned modules, memory information, addresses in this header */
#define AP_PAGE 0x8000

	.section .boot, "awx", @progbits
	.balign	4
multiboot:
	.long	0x1badb002, FLAGS, -(0x1badb002 + FLAGS)
	.long	V(multiboot), V(multiboot), file_end_low, end_low, V(start)

	.code32
start:
	cld
	mov	%ebx, %edi
	/* Page tables: the first 4 GiB at 0 and at HIGH, in 2 MiB pages. */
	mov	$V(boot_pd), %ebx
	mov	$0x83, %eax
	xor	%ecx, %ecx
1:	mov	%eax, (%ebx, %ecx, 8)
	add	$0x200000, %eax
	inc	%ecx
	cmp	$2048, %ecx
	jne	1b
	mov	$V(boot_pd) + 3, %eax
	xor	%ecx, %ecx
2:	mov	%eax, V(boot_pdpt)(, %ecx, 8)
	add	$0x1000, %eax
	inc	%ecx
	cmp	$4, %ecx
	jne	2b
	movl	$V(boot_pdpt) + 3, V(boot_pml4)
	movl	$V(boot_pdpt) + 3, V(boot_pml4) + 256 * 8
	lgdt	V(boot_gdtr)
	mov	$V(start64), %ebp
long_mode:
	mov	$V(boot_pml4), %eax
	mov	%eax, %cr3
	mov	$0x620, %eax		/* PAE, OSFXSR, OSXMMEXCPT */
	mov	%eax, %cr4
	mov	$0xc0000080, %ecx
	mov	$0x900, %eax		/* LME, NXE */
	xor	%edx, %edx
	wrmsr
	mov	$0x80010033, %eax	/* PG, WP, NE, ET, MP, PE */
	mov	%eax, %cr0
	ljmp	$8, $V(in_long_mode)
	.code64
in_long_mode:
	mov	$0x10, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	%ebp, %eax
	jmp	*%rax
start64:
	movabs	$start_high, %rax
	jmp	*%rax
ap_start64:
	movabs	$ap_high, %rax
	jmp	*%rax
	.code32
ap_start32:
	mov	$0x10, %eax
	mov	%eax, %ds
	mov	$V(ap_start64), %ebp
	jmp	long_mode

	.balign	8
boot_gdt:
	.quad	0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cf9b000000ffff
boot_gdtr:
	.word	31
	.long	V(boot_gdt)

	/* Copied to AP_PAGE. */
	.code16
	.globl	ap_code, ap_code_end
ap_code:
	cli
	xor	%ax, %ax
	mov	%ax, %ds
	lgdtl	AP_PAGE + (ap_gdtr - ap_code)
	mov	$0x11, %eax
	mov	%eax, %cr0
	ljmpl	$0x18, $V(ap_start32)
ap_gdtr:
	.word	31
	.long	V(boot_gdt)
ap_code_end:

	.code64
	.text
start_high:
	lea	boot_stack_top(%rip), %rsp
	xor	%ebp, %ebp
	call	machine_start
1:	hlt
	jmp	1b

ap_high:
	lea	ap_stack_top(%rip), %rsp
	xor	%ebp, %ebp
	call	machine_start_ap
1:	hlt
	jmp	1b

	.balign	16
	.globl	trap_stubs
trap_stubs:
	.set	n, 0
	.rept	256
	.balign	16
	.if	n != 8 && (n < 10 || n > 14) && n != 17 && n != 21
	push	$0
	.endif
	push	$n
	jmp	trap
	.set	n, n + 1
	.endr

trap:
	push	%rax
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%rbx
	cld
	mov	88(%rsp), %rsi		/* error code */
	mov	80(%rsp), %rdi		/* vector */
	mov	96(%rsp), %rdx		/* RIP */
	mov	%rsp, %rbx
	and	$-16, %rsp
	call	machine_trap
	mov	%rbx, %rsp
	pop	%rbx
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rax
	add	$16, %rsp
	iretq

	.bss
	.balign	4096
boot_pml4:
	.skip	4096
boot_pdpt:
	.skip	4096
boot_pd:
	.skip	4 * 4096
	.skip	32768
boot_stack_top:
	.skip	16384
ap_stack_top:
	.section .note.GNU-stack, "", @progbits
