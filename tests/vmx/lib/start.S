/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * start.S - setup header and entry of a bare test guest, start of the other CPUs, ring 3.
 * The setup header is that of Documentation/arch/x86/boot.rst, protocol 2.12.
 */
#include "../../lib/entry.inc"
#include "offsets.h"

	.section .setup, "a"
setup:
	.org 0x1f1
	.byte 1				/* setup_sects */
	.org 0x1fe
	.word 0xaa55
	.byte 0xeb, 0x66		/* jump; the second byte says where the header ends */
	.ascii "HdrS"
	.word 0x020c
	.org 0x211
	.byte 1				/* LOADED_HIGH */
	.org 0x214
	.long 0x1000000			/* code32_start */
	.org 0x22c
	.long 0x7fffffff		/* initrd_addr_max */
	.long 0x200000			/* kernel_alignment */
	.byte 0				/* not relocatable */
	.byte 21
	.word 1				/* XLF_KERNEL_64 */
	.long 2047			/* cmdline_size */
	.org 0x258
	.quad 0x1000000			/* pref_address */
	.long bare_run_bytes
	.org 0x400

	.section .entry, "ax"
	.code64
	hlt
	jmp .-1
	.org 0x200
	.globl entry_64
entry_64:
	cli
	cld
	mov $bare_bss_start, %rdi
	mov $bare_bss_end, %rcx
	sub %rdi, %rcx
	shr $3, %rcx
	xor %eax, %eax
	rep stosq
	mov $boot_stack_top, %rsp
	mov %rsi, %rdi
	xor %ebp, %ebp
	call bare_start
	ud2

	.text
/* Loads GDT, data segments, CS, TSS: void bare_segments_load(const void *gdt_pointer) */
	.globl bare_segments_load
bare_segments_load:
	lgdt (%rdi)
	mov $0x10, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	xor %eax, %eax
	mov %eax, %fs
	mov %eax, %gs
	pop %rdx
	push $0x08
	push %rdx
	lretq

	.globl trap_stubs
	trap_entries trap_stubs, trap_handle

/* void user_run(void (*code)(void), uint64_t stack_top): runs code in ring 3 until a trap, see trap.h */
	.globl user_run, user_done
user_run:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, %gs:CPU_USER_RSP
	push $0x23			/* SS */
	push %rsi
	push $0x002
	push $0x2b			/* CS */
	push %rdi
	iretq
user_done:
	mov $0x10, %eax			/* the way to ring 3 made them null, which only 64-bit mode forgives */
	mov %eax, %ds
	mov %eax, %es
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret

/* Start of the other CPUs: copied to a page below 1 MiB, CS = page >> 4, IP = 0. */
	.code16
	.globl ap_code, ap_code_end, ap_cr3, ap_argument
ap_code:
	cli
	cld
	mov %cs, %ax
	mov %ax, %ds
	movzwl %ax, %ebx
	shll $4, %ebx
	leal ap_gdt - ap_code(%ebx), %eax
	movl %eax, ap_gdt_pointer + 2 - ap_code
	lgdtl ap_gdt_pointer - ap_code
	movl ap_cr3 - ap_code, %eax
	movl %eax, %cr3
	/* CR4: PAE; EFER: LME; CR0: PG ET PE, no CD, NW, NE */
	long_mode_on cr4=0x20, efer=0x100, cr0=0x80000011, cr0_clear=0x60000020
	ljmpl $0x08, $ap_long
	.align 8
ap_gdt:
	flat_segments
ap_gdt_pointer:
	.word 0x17
	.long 0
ap_cr3:
	.long 0
ap_code_end:

	.code64
ap_long:
	mov $0x10, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov ap_argument(%rip), %rdi	/* struct cpu */
	mov CPU_STACK_TOP(%rdi), %rsp
	xor %ebp, %ebp
	call smp_main
	ud2

	.bss
	.align 16
	.skip 32768
	.globl boot_stack_top
boot_stack_top:
ap_argument:
	.skip 8
	.section .note.GNU-stack, "", @progbits
