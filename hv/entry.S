/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * entry.S - the image header, the way in, the AP trampoline, VM entry and exit, root mode's exception stubs.
 */
#include "x86/offsets.h"

	.section .header, "a"
	.globl hv_header
hv_header:
	.quad 0x3130564856415652	/* RV_HV_MAGIC */
	.long 3				/* RV_ABI_VERSION */
	.long hv_image_bytes
	.quad hv_memory_bytes
	.quad hv_entry
	.long hv_text_bytes
	.long hv_constant_bytes

	.text
	.code64
/* int64_t hv_entry(struct rv_launch *l): see include/ravelin/launch.h */
hv_entry:
	push %rbx
	mov %rsp, %rbx
	lea first_stack_top(%rip), %rsp
	call launch_main
	mov %rbx, %rsp			/* only after a failure */
	pop %rbx
	ret

/* Where the trampoline arrives: hv.starting's stack, then C. */
	.globl ap_entry
ap_entry:
	mov ap_stack(%rip), %rsp
	mov ap_cpu(%rip), %rdi
	xor %ebp, %ebp
	call launch_ap
	ud2

/* Copied to the page below 1 MiB. The page is mapped one to one in the trampoline's tables. CS = page >> 4, IP = 0. */
	.code16
	.globl trampoline, trampoline_end, trampoline_cr3, trampoline_base
trampoline:
	cli
	cld
	mov %cs, %ax
	mov %ax, %ds
	movl trampoline_base - trampoline, %ebx
	leal trampoline_gdt - trampoline(%ebx), %eax
	movl %eax, trampoline_gdt_pointer + 2 - trampoline
	leal trampoline_64 - trampoline(%ebx), %eax
	movl %eax, trampoline_jump - trampoline
	lgdtl trampoline_gdt_pointer - trampoline
	movl $0x20, %eax		/* CR4.PAE */
	movl %eax, %cr4
	movl trampoline_cr3 - trampoline, %eax
	movl %eax, %cr3
	movl $0xc0000080, %ecx		/* IA32_EFER: LME, NXE */
	xorl %edx, %edx
	movl $0x900, %eax
	wrmsr
	movl $0x80010031, %eax		/* CR0: PG WP NE ET PE */
	movl %eax, %cr0
	ljmpl *(trampoline_jump - trampoline)
	.code64
trampoline_64:
	mov $0x10, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	movabs $ap_entry, %rax
	jmp *%rax
	.align 8
trampoline_gdt:
	.quad 0
	.quad 0x00af9b000000ffff
	.quad 0x00cf93000000ffff
trampoline_gdt_pointer:
	.word 0x17
	.long 0
trampoline_jump:
	.long 0
	.word 0x08
	.align 8
trampoline_cr3:
	.long 0
trampoline_base:
	.long 0
trampoline_end:

/* Puts the guest's registers into r, whose address is left in RDI. Its RDX is on the stack, and is taken off. */
	.macro SAVE_GUEST
	push %rdi
	mov 32(%rsp), %rdi
	mov %rax, 0x00(%rdi)
	mov %rcx, 0x08(%rdi)
	mov %rbx, 0x18(%rdi)
	mov %rbp, 0x28(%rdi)
	mov %rsi, 0x30(%rdi)
	popq 0x38(%rdi)
	popq 0x10(%rdi)
	.irp n, 8, 9, 10, 11, 12, 13, 14, 15
	mov %r\n, 8 * \n(%rdi)
	.endr
	.endm

/* VMREAD of a field into a register. */
	.macro READ field, register
	mov $\field, %e\register
	vmread %r\register, %r\register
	.endm

/*
 * uint32_t vmx_run(struct percpu *cpu, struct regs *r): see vmx/run.h. On the stack: cpu, above it r.
 *
 * An NMI between the check and the entry must not be lost: the NMI handler sends code interrupted in [critical_start,
 * critical_end) to vmx_abort, and in [cpuid_resume, cpuid_end) to cpuid_abort.
 *
 * The commonest exit by far has a short way, with nothing saved: CPUID leaves 2 and 4, which each program reads some fifty times
 * when it starts, and whose answers are the CPU's own. It does what emulate_cpuid does, or nothing. in_guest stays 1: to the
 * other CPUs this one is in its guest all the time, and who wants something sends an NMI.
 */
	.globl vmx_run, vmx_exit
vmx_run:
	.irp r, rbx, rbp, r12, r13, r14, r15, rsi, rdi
	push %\r
	.endr
	sub $8, %rsp
	mov $0x6c14, %eax		/* VMCS_HOST_RSP */
	vmwrite %rsp, %rax
vmx_abort:
	mov 8(%rsp), %rdi
	call vmx_prepare
enter:
	test %eax, %eax			/* VMX_ENTER */
	jnz leave
	mov 16(%rsp), %rdi
critical_start:
	cmpb $0, %gs:PERCPU_ATTENTION	/* nmi_seen */
	jne vmx_abort
	mov 0x00(%rdi), %rax
	mov 0x08(%rdi), %rcx
	mov 0x10(%rdi), %rdx
	mov 0x18(%rdi), %rbx
	mov 0x28(%rdi), %rbp
	mov 0x30(%rdi), %rsi
	.irp n, 8, 9, 10, 11, 12, 13, 14, 15
	mov 8 * \n(%rdi), %r\n
	.endr
	mov 0x38(%rdi), %rdi
	vmresume
	vmlaunch			/* a VMCS that is not launched yet: VMRESUME has changed nothing */
critical_end:
	mov $2, %eax			/* VMX_FAILED */
	jmp leave
vmx_exit:
	push %rdx
	READ 0x4402, dx			/* VMCS_EXIT_REASON */
	cmp $10, %rdx			/* EXIT_CPUID */
	jne 3f
	cmpq $0, %gs:PERCPU_ATTENTION
	jne 2f
	lea -2(%rax), %edx		/* leaf 2 or 4 */
	test $~2, %edx
	jnz 2f
	READ 0x4824, dx			/* VMCS_GUEST_INTERRUPTIBILITY: in a shadow of STI or MOV SS? */
	test $3, %dl
	jnz 2f
	READ 0x6820, dx			/* VMCS_GUEST_RFLAGS: TF? */
	test $1, %dh
	jnz 2f
	push %rbx
	READ 0x681e, dx			/* VMCS_GUEST_RIP */
	READ 0x440c, bx			/* VMCS_EXIT_INSTRUCTION_LENGTH */
	add %rdx, %rbx
	xor %rbx, %rdx			/* may it wrap? see skip in exits.c */
	shr $31, %rdx
	jnz 1f
	mov $0x681e, %edx
	vmwrite %rbx, %rdx
	incq %gs:PERCPU_CPUID_EXITS
	add $16, %rsp
	cpuid
cpuid_resume:
	cmpq $0, %gs:PERCPU_ATTENTION
	jne cpuid_abort
	vmresume
cpuid_end:
	jmp critical_end
cpuid_abort:
	push %rdx
	SAVE_GUEST
	jmp vmx_abort
1:	pop %rbx
2:	mov $10, %edx
3:	SAVE_GUEST
	mov %rdx, %rsi
	mov 8(%rsp), %rdi
	call vmx_step
	jmp enter
leave:
	add $24, %rsp
	.irp r, r15, r14, r13, r12, rbp, rbx
	pop %\r
	.endr
	ret

/* void root_iret(void) */
	.globl root_iret
root_iret:
	mov %rsp, %rax
	push $0x10
	push %rax
	pushfq
	push $0x08
	lea 1f(%rip), %rax
	push %rax
	iretq
1:	ret

	.globl nmi_entry
nmi_entry:
	push %rax
	push %rcx
	mov 16(%rsp), %rax		/* interrupted RIP */
	lea critical_start(%rip), %rcx
	sub %rcx, %rax
	lea vmx_abort(%rip), %rcx
	cmp $critical_end - critical_start, %rax
	jb 1f
	lea cpuid_abort(%rip), %rcx
	sub $cpuid_resume - critical_start, %rax
	cmp $cpuid_end - cpuid_resume, %rax
	jae 2f
	/* What was interrupted had loaded guest registers over its own, but for RSP: it needs only that. */
1:	mov %rcx, 16(%rsp)
2:	movb $1, %gs:PERCPU_ATTENTION	/* nmi_seen */
	pop %rcx
	pop %rax
	iretq

/* Exceptions of root mode: vector and frame to C, which stops. */
	.align 16
	.globl exception_stubs
exception_stubs:
	.set i, 0
	.rept 32
	.align 16
	push $i
	jmp exception_common
	.set i, i + 1
	.endr
exception_common:
	pop %rdi
	mov %rsp, %rsi
	and $-16, %rsp
	call exception_stop
	ud2

	.bss
	.align 16
	.skip 8192
first_stack_top:
	.comm ap_stack, 8, 8
	.comm ap_cpu, 8, 8
	.section .note.GNU-stack, "", @progbits
