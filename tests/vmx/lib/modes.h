/* SPDX-License-Identifier: GPL-2.0-only */
/* modes.h - a walk from long mode through unpaged, 32-bit paged and PAE paged protected mode, and back. */
#ifndef BARE_MODES_H
#define BARE_MODES_H

#include <stdint.h>

/** Offsets are known to modes.S. */
struct modes {
	/* in */
	uint32_t pae_cr3, pae_cr3_other, legacy_cr3;
	uint32_t pae_address, legacy_address; /* what to read in those modes */
	/* out */
	uint32_t vmcall_value, vmcall_reason; /* RV_HC_GET_INFO without long mode */
	uint32_t cr0_ne_clear, cr0_ne_set; /* CR0 as read after writing it so, unpaged */
	uint32_t legacy_read, pae_read, pae_read_again, pae_read_other;
	uint32_t pae_cr0; /* CR0 as read under PAE with NE clear */
	uint32_t efer_unpaged; /* low half of EFER */
};

/** Interrupts off, NMIs not expected; m below 4 GiB. */
void modes_walk(struct modes *m);

#endif
