/* SPDX-License-Identifier: GPL-2.0-only */
/* call.S - int64_t launch_call(uint64_t entry, struct rv_launch *l): see state.h. */
	.text
	.globl launch_call
launch_call:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	subq $8, %rsp
	movq %rdi, %r12
	movq %rsi, %rbx
	movq %rbx, %rdi
	call launch_check
	testq %rax, %rax
	jnz 1f
	movq %rbx, %rdi
	leaq as_guest(%rip), %rsi
	movq %rsp, %rdx
	call state_capture
	movq %rbx, %rdi
	call *%r12
	/* Only after a failure. */
	movq %rax, %r12
	movq %rbx, %rdi
	call state_restore
	movq %r12, %rax
	jmp 1f
as_guest:
	xorl %eax, %eax
1:	addq $8, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret
	.section .note.GNU-stack, "", @progbits
