/* SPDX-License-Identifier: GPL-2.0-only */
/* modes.S - see modes.h. EBP holds the struct modes; there is no stack on the way. */
	.text
	.code64
	.globl modes_walk
modes_walk:
	push %rbx
	push %rbp
	push %r12
	mov %rsp, modes_rsp(%rip)
	mov %cr3, %rax
	mov %rax, modes_cr3(%rip)
	mov %rdi, %rbp
	push $0x18
	push $modes_32
	lretq

	.code32
modes_32:
	mov %cr0, %eax
	btr $31, %eax			/* PG: long mode ends */
	mov %eax, %cr0
	mov $0xc0000080, %ecx
	rdmsr
	mov %eax, 56(%ebp)
	btr $8, %eax			/* LME */
	wrmsr

	mov $1, %eax			/* RV_HC_GET_INFO */
	xor %edi, %edi
	vmcall
	mov %eax, 20(%ebp)
	mov %edx, 24(%ebp)

	mov %cr0, %eax
	btr $5, %eax			/* NE */
	mov %eax, %cr0
	mov %cr0, %eax
	mov %eax, 28(%ebp)
	bts $5, %eax
	mov %eax, %cr0
	mov %cr0, %eax
	mov %eax, 32(%ebp)

	mov $0x10, %eax			/* CR4.PSE */
	mov %eax, %cr4
	mov 8(%ebp), %eax
	mov %eax, %cr3
	mov %cr0, %eax
	bts $31, %eax
	mov %eax, %cr0
	jmp 1f
1:	mov 16(%ebp), %esi
	mov (%esi), %eax
	mov %eax, 36(%ebp)
	mov %cr0, %eax
	btr $31, %eax
	mov %eax, %cr0

	mov $0x20, %eax			/* CR4.PAE */
	mov %eax, %cr4
	mov 0(%ebp), %eax
	mov %eax, %cr3
	mov %cr0, %eax
	bts $31, %eax
	btr $5, %eax			/* paging on and NE off in one write */
	mov %eax, %cr0
	jmp 1f
1:	mov 12(%ebp), %esi
	mov (%esi), %eax
	mov %eax, 40(%ebp)
	mov %cr0, %eax
	mov %eax, 52(%ebp)
	bts $5, %eax			/* NE on under PAE */
	mov %eax, %cr0
	mov %cr3, %eax
	mov %eax, %cr3			/* flushes the TLB */
	mov (%esi), %eax
	mov %eax, 44(%ebp)
	mov 4(%ebp), %eax
	mov %eax, %cr3			/* other PDPTEs */
	mov %cr0, %eax
	btr $5, %eax
	mov %eax, %cr0
	mov (%esi), %eax
	mov %eax, 48(%ebp)

	mov %cr0, %eax
	btr $31, %eax
	bts $5, %eax			/* paging off and NE on in one write */
	mov %eax, %cr0
	mov modes_cr3, %eax
	mov %eax, %cr3
	mov $0xc0000080, %ecx
	rdmsr
	bts $8, %eax
	wrmsr
	mov %cr0, %eax
	bts $31, %eax
	btr $5, %eax			/* long mode and NE off in one write */
	mov %eax, %cr0
	ljmp $0x08, $modes_64

	.code64
modes_64:
	mov modes_rsp(%rip), %rsp
	mov %cr0, %rax
	bts $5, %rax
	mov %rax, %cr0
	pop %r12
	pop %rbp
	pop %rbx
	ret

	.bss
	.align 8
modes_rsp:
	.skip 8
modes_cr3:
	.skip 8
	.section .note.GNU-stack, "", @progbits
