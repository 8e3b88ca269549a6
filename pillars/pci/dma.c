/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dma.c - where the DMA of a FIMCE's PCI functions reaches its memory: see pci.h.
 */
#include <pci/pci.h>

static bool pci_is_within(uint64_t va, uint64_t bytes, uint64_t begin, uint64_t size)
{
	return va >= begin && va - begin <= size && bytes <= size - (va - begin);
}

bool pci_dma_address(const struct rv_fimce_param *param, const volatile void *memory, size_t bytes, uint64_t *address)
{
	uint64_t va = (uint64_t)(uintptr_t)memory;

	/* Which part of the load area is writable is not said here; Ravelin refuses and logs the rest. */
	if (!pci_is_within(va, bytes, RV_FIMCE_INPUT, param->input_bytes) &&
	    !pci_is_within(va, bytes, RV_FIMCE_OUTPUT, param->output_bytes) &&
	    !pci_is_within(va, bytes, RV_FIMCE_LOAD, param->load_bytes))
		return false;
	*address = RV_FIMCE_DMA(va);
	return true;
}
