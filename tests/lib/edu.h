/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * edu.h - registers of QEMU's "edu" (docs/specs/edu in its tree) for test programs that drive it themselves. Offsets in BAR 0; the pillar edu, which is
 * tested, has names of its own.
 */
#ifndef TESTS_LIB_EDU_H
#define TESTS_LIB_EDU_H

#define EDU_IDS 0x11e81234u /* device and vendor */
#define EDU_STATUS 0x24u /* why it interrupts */
#define EDU_RAISE 0x60u
#define EDU_ACKNOWLEDGE 0x64u
#define EDU_DMA_SOURCE 0x80u
#define EDU_DMA_TARGET 0x88u
#define EDU_DMA_COUNT 0x90u
#define EDU_DMA_COMMAND 0x98u
#define EDU_DMA_RUN 1u
#define EDU_DMA_TO_MEMORY 2u
#define EDU_BUFFER 0x40000u /* of the device, as its DMA engine counts */

#endif
