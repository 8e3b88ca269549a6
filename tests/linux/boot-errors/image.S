/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * image.S - a hypervisor image for tests of the boot stub: it has the header of a real one, and its entry does only what
 * TEST_IMAGE says, without VMX. So the stub's way can be tested on emulators that have none.
 */
#define IMAGE_OK 1 /* returns 0 as if it had taken over the CPU */
#define IMAGE_REFUSE 2 /* says that the CPU with index 3 (APIC id 0x1f) did not start */
#define IMAGE_FAULT 3 /* raises an invalid-opcode exception */
#define IMAGE_HUGE 4 /* wants more memory than any pool has */

#define HV_BASE 0xfffffffff0000000
#define LAUNCH_REASON 6416 /* offsetof(struct rv_launch, reason); offset.c checks it */
#define REASON_AP_TIMEOUT 11
#define ETIME 62

	.code64
	.text
start:
	.quad 0x3130564856415652 /* RV_HV_MAGIC */
	.long 3 /* RV_ABI_VERSION */
	.long end - start
#if TEST_IMAGE == IMAGE_HUGE
	.quad 0x8000000
#else
	.quad 0x200000
#endif
	.quad HV_BASE + (entry - start)
	.long 0, 0 /* all is data */

entry:
#if TEST_IMAGE == IMAGE_FAULT
	movq $0x1122334455667788, %r15
	ud2
#elif TEST_IMAGE == IMAGE_REFUSE
	movl $REASON_AP_TIMEOUT, LAUNCH_REASON(%rdi)
	movl $3, LAUNCH_REASON + 4(%rdi)
	movq $0x1f, LAUNCH_REASON + 8(%rdi)
	movq $-ETIME, %rax
	ret
#else
	xorl %eax, %eax
	ret
#endif
end:

	.section .note.GNU-stack, "", @progbits
