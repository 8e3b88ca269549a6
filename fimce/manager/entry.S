/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * entry.S - first bytes of the manager, its entry, and the descriptor tables of every FIMCE.
 *
 * The hypervisor reads struct rv_manager_header here and loads GDTR, IDTR, TR and FS base from it; code in a FIMCE can
 * load none of them. All symbols named manager_*_pages, _lo, _mid, _hi come from manager.ld.
 */

#include "interrupt.h"

#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define GATE_INTERRUPT 0x8e00 /* present, DPL 0, 64-bit interrupt gate: Intel SDM vol. 3, 6.14.1 */
#define MXCSR_DEFAULT 0x1f80 /* all exceptions masked */
#define FXSAVE_BYTES 512

	.section .header, "a", @progbits
	.ascii	"RVLMGNR1"
	.long	manager_text_pages
	.long	manager_rodata_pages
	.long	manager_data_pages
	.long	manager_data_file_bytes
	.quad	manager_entry
	.quad	manager_idt
	.quad	manager_gdt
	.long	manager_idt_end - manager_idt - 1
	.long	manager_gdt_end - manager_gdt - 1
	.quad	manager_tss
	.quad	manager_canary

	.text
/*
 * Entered once, RDI = RV_FIMCE_PARAM, RSP = top of the stack. The floating-point state may still be that of the code
 * that ran on this core before: put the part that changes how instructions behave, and the registers, in a known state.
 */
	.globl	manager_entry
	.type	manager_entry, @function
manager_entry:
	cld
	fninit
	pushq	$MXCSR_DEFAULT
	ldmxcsr	(%rsp)
	popq	%rax
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	pxor	%xmm\n, %xmm\n
	.endr
	xorl	%eax, %eax
	xorl	%ebp, %ebp
	call	manager_main
	ud2
	.size	manager_entry, . - manager_entry

/* Vectors 32 to 239: an interrupt that reaches this core is not for us. */
	.globl	manager_ignore
	.type	manager_ignore, @function
manager_ignore:
	iretq
	.size	manager_ignore, . - manager_ignore

/*
 * Vectors 240 to 255: the class of the FIMCE's devices. The guest can send any of them by IPI, so each is ended at the local APIC:
 * one that stays in service would hold back the device's. A FIMCE without such a device is not told about interrupts, and may not
 * touch the local APIC.
 *
 * The CPU has aligned the stack to 16 bytes and pushed 40; the vector makes it 48, the registers 120.
 */
	.balign	INTERRUPT_VECTORS * INTERRUPT_STUB
	.globl	manager_class
	.type	manager_class, @function
manager_class:
	.set	vector, INTERRUPT_CLASS
	.rept	INTERRUPT_VECTORS
	.balign	INTERRUPT_STUB
	pushq	$vector
	jmp	manager_interrupt
	.set	vector, vector + 1
	.endr
	.size	manager_class, . - manager_class

	.type	manager_interrupt, @function
manager_interrupt:
	.irp	register, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11
	pushq	%\register
	.endr
	cld
	subq	$(FXSAVE_BYTES + 8), %rsp
	fxsave64 (%rsp)
	cmpl	$INTERRUPT_DEVICE, FXSAVE_BYTES + 8 + 72(%rsp)
	jne	1f
	movq	INTERRUPT_HANDLER, %rax
	testq	%rax, %rax
	jz	1f
	call	*%rax
1:	cmpb	$0, manager_has_interrupt
	je	2f
	movl	$INTERRUPT_CALL_EOI, %eax
	vmcall
2:	fxrstor64 (%rsp)
	addq	$(FXSAVE_BYTES + 8), %rsp
	.irp	register, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax
	popq	%\register
	.endr
	addq	$8, %rsp
	iretq
	.size	manager_interrupt, . - manager_interrupt

/* Vectors 0 to 31: the hypervisor ends the FIMCE at every exception before it gets here. HLT is an exit, too. */
	.globl	manager_never
	.type	manager_never, @function
manager_never:
	hlt
	jmp	manager_never
	.size	manager_never, . - manager_never

/*
 * Handlers run on a stack of their own (IST 1): code from Debian's static libraries keeps data below RSP (the red zone
 * of the System V ABI), which an interrupt on the same stack would overwrite.
 */
	.section .rodata.tables, "a", @progbits
	.balign	4096
	.globl	manager_idt
manager_idt:
	.rept	32
	.word	manager_never_lo, SELECTOR_CODE, GATE_INTERRUPT | 1, manager_never_mid
	.long	manager_never_hi, 0
	.endr
	.rept	INTERRUPT_CLASS - 32
	.word	manager_ignore_lo, SELECTOR_CODE, GATE_INTERRUPT | 1, manager_ignore_mid
	.long	manager_ignore_hi, 0
	.endr
	.set	stub, 0
	.rept	INTERRUPT_VECTORS
	.word	manager_class_lo + stub, SELECTOR_CODE, GATE_INTERRUPT | 1, manager_class_mid
	.long	manager_class_hi, 0
	.set	stub, stub + INTERRUPT_STUB
	.endr
manager_idt_end:

/* Accessed and busy bits are set: the CPU would fault when it sets them in read-only memory. */
	.balign	16
	.globl	manager_gdt
manager_gdt:
	.quad	0
	.quad	0x00af9b000000ffff
	.quad	0x00cf93000000ffff
	.word	103, manager_tss_lo
	.byte	manager_tss_mid, 0x8b, 0, manager_tss_mid2
	.long	manager_tss_hi, 0
manager_gdt_end:

	.data
	.balign	16
	.globl	manager_tss
manager_tss:
	.long	0
	.fill	3, 8, 0			/* RSP0 to RSP2: there is no ring 3 */
	.quad	0
	.quad	manager_interrupt_stack + 4096	/* IST 1 */
	.fill	6, 8, 0			/* IST 2 to 7 */
	.quad	0
	.word	0
	.word	104			/* I/O bitmap beyond the limit: none */

/*
 * FS base. The stack protector's word is at fs:0x28; a FIMCE has no source of random numbers, so it is a value that no
 * string copy can write: with NUL, line feed and 0xff bytes.
 */
	.balign	16
	.globl	manager_canary
manager_canary:
	.fill	0x28, 1, 0
	.quad	0x5ca1ab1eff0a0d00

	.bss
	.balign	4096
manager_interrupt_stack:
	.skip	4096

	.section .note.GNU-stack, "", @progbits
