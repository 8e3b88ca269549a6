/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * entry.S - Multiboot start of the IOMMU test kernel, the start of the second CPU, and trap stubs: see machine.h.
 */
#include "../lib/entry.inc"

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
	/* CR4: PAE, OSFXSR, OSXMMEXCPT; EFER: LME, NXE; CR0: PG, WP, NE, ET, MP, PE, no EM, no TS */
	long_mode_on cr4=0x620, efer=0x900, cr0=0x80010033, cr0_clear=0xc
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
	flat_segments
	.quad	0x00cf9b000000ffff	/* 0x18: 32-bit code */
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

	.globl	trap_stubs
	trap_entries trap_stubs, machine_trap

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
