/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * image.S - the hypervisor image inside the boot stub. BOOT_HV_IMAGE is its path, set by the build.
 */
	.section .rodata
	.globl boot_hv_image
	.globl boot_hv_image_end
	.balign 16
boot_hv_image:
	.incbin BOOT_HV_IMAGE
boot_hv_image_end:

	.section .note.GNU-stack, "", @progbits
