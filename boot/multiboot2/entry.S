/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * entry.S - Multiboot2 header, the way from the loader's 32-bit protected mode to 64-bit C code, exceptions, and the jump
 * into Linux.
 */

#define MULTIBOOT2_MAGIC 0xe85250d6
#define SELECTOR_CODE 0x10 /* the Linux boot protocol wants these two */
#define SELECTOR_DATA 0x18
#define SELECTOR_TSS 0x20
#define STACK_BYTES 0x8000
#define TRAP_STACK_BYTES 0x2000

#define CR0_WANTED 0x80010033 /* PG, WP, NE, ET, MP, PE */
#define CR4_PAE 0x20
#define MSR_EFER 0xc0000080
#define EFER_LME 0x100
#define PAGE_PRESENT_WRITE 0x3
#define PAGE_LARGE 0x80

	.section .multiboot, "a"
	.balign 8
header:
	.long MULTIBOOT2_MAGIC
	.long 0 /* i386, 32-bit protected mode */
	.long header_end - header
	.long -(MULTIBOOT2_MAGIC + (header_end - header))
	.balign 8
	/* No framebuffer tag: with one, GRUB 2.06 asks the video BIOS for modes, and that of Bochs then overwrites GRUB's heap.
	 * On UEFI the loader hands over a framebuffer in any case. */
	.short 6, 0 /* modules page-aligned */
	.long 8
	.balign 8
	.short 0, 0
	.long 8
header_end:

	.text
	.code32
	.globl boot_entry
boot_entry:
	cli
	cld
	movl $stack_top, %esp
	movl %eax, %ebp /* Multiboot2 magic; %ebx stays the address of the boot information */
	movl %ebx, %edi

	/* 64-bit mode: CPUID 0x80000001, EDX bit 29. Every CPU with Multiboot2 loaders has CPUID. */
	movl $0x80000000, %eax
	cpuid
	cmpl $0x80000001, %eax
	jb no_long_mode
	movl $0x80000001, %eax
	cpuid
	btl $29, %edx
	jnc no_long_mode

	/* Identity map of the first 4 GiB with 2 MiB pages. */
	movl $paging_pd, %eax
	orl $PAGE_PRESENT_WRITE, %eax
	movl $paging_pdpt, %edx
	movl $4, %ecx
1:	movl %eax, (%edx)
	addl $0x1000, %eax
	addl $8, %edx
	loop 1b
	movl $paging_pdpt + PAGE_PRESENT_WRITE, %eax
	movl %eax, paging_pml4
	movl $PAGE_PRESENT_WRITE | PAGE_LARGE, %eax
	movl $paging_pd, %edx
	movl $2048, %ecx
2:	movl %eax, (%edx)
	addl $0x200000, %eax
	addl $8, %edx
	loop 2b

	/* The task state segment's address is split in its descriptor. */
	movl $tss, %eax
	movw %ax, gdt + SELECTOR_TSS + 2
	shrl $16, %eax
	movb %al, gdt + SELECTOR_TSS + 4
	movb %ah, gdt + SELECTOR_TSS + 7

	/* SDM vol. 3, 9.8.5: PAE, CR3, EFER.LME, then paging. */
	movl $CR4_PAE, %eax
	movl %eax, %cr4
	movl $paging_pml4, %eax
	movl %eax, %cr3
	movl $MSR_EFER, %ecx
	rdmsr
	orl $EFER_LME, %eax
	wrmsr
	movl $CR0_WANTED, %eax
	movl %eax, %cr0
	lgdt gdt_descriptor
	ljmp $SELECTOR_CODE, $start64

no_long_mode:
	movl $no_long_mode_text, %esi
	movw $0x3f8 + 5, %dx
3:	movl $100000, %ecx /* bounded: there may be no serial port */
4:	inb (%dx), %al
	testb $0x20, %al
	loopz 4b
	lodsb
	testb %al, %al
	jz 5f
	movw $0x3f8, %dx
	outb %al, (%dx)
	movw $0x3f8 + 5, %dx
	jmp 3b
5:	cli
	hlt
	jmp 5b

	.code64
start64:
	movl $SELECTOR_DATA, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl %eax, %fs
	movl %eax, %gs
	movl $SELECTOR_TSS, %eax
	ltr %ax
	xorl %eax, %eax
	lldt %ax
	movq $stack_top, %rsp
	movl %edi, %esi
	movl %ebp, %edi
	xorl %ebp, %ebp
	call boot_main
6:	cli
	hlt
	jmp 6b

/* void boot_linux_jump(uint64_t entry, void *boot_params): selectors and GDT are already what the protocol wants. */
	.globl boot_linux_jump
boot_linux_jump:
	cli
	cld
	movq %rdi, %rax
	xorl %ebx, %ebx
	xorl %ecx, %ecx
	xorl %edx, %edx
	xorl %ebp, %ebp
	xorl %edi, %edi
	jmp *%rax

/* One entry per exception, all of the same size. Vectors 8, 10 to 14, 17, 21, 29 and 30 push an error code by themselves. */
	.globl trap_entries
	.globl trap_entries_end
	.balign 16
trap_entries:
	.set vector, 0
	.rept 32
	.balign 16
	.if (1 << vector) & 0x60227d00
	.else
	pushq $0
	.endif
	pushq $vector
	jmp trap_common
	.set vector, vector + 1
	.endr
	.balign 16
trap_entries_end:

trap_common:
	pushq %r15
	pushq %r14
	pushq %r13
	pushq %r12
	pushq %r11
	pushq %r10
	pushq %r9
	pushq %r8
	pushq %rdi
	pushq %rsi
	pushq %rbp
	pushq %rbx
	pushq %rdx
	pushq %rcx
	pushq %rax
	cld
	movq %rsp, %rdi
	andq $-16, %rsp
	call trap_report

	.section .rodata
no_long_mode_text:
	.asciz "ravelin: Ravelin did not start: this CPU has no 64-bit mode\r\nravelin: stopped\r\n"

	.data
	.balign 16
gdt:
	.quad 0
	.quad 0
	.quad 0x00af9b000000ffff /* 64-bit code, flat */
	.quad 0x00cf93000000ffff /* data, flat */
	.quad 0x0000890000000067 /* 64-bit TSS; its address is filled in above */
	.quad 0
gdt_end:
gdt_descriptor:
	.short gdt_end - gdt - 1
	.quad gdt

	.balign 16
tss:
	.long 0
	.quad stack_top, 0, 0 /* RSP0 to RSP2 */
	.quad 0
	.quad trap_stack_top /* IST1 */
	.fill 56, 1, 0
	.short 0, 0x68 /* no I/O permission map */

	.bss
	.balign 16
	.skip STACK_BYTES
stack_top:
	.skip TRAP_STACK_BYTES
trap_stack_top:

	.section .note.GNU-stack, "", @progbits
