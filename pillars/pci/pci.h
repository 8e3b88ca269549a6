/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pci.h - the PCI functions that a FIMCE has: finds them, their registers and capabilities, and addresses for their DMA.
 *
 * Configuration space can't be reached from inside a FIMCE: reads come from the copy that was made when the function left the guest, and
 * everything in it that a task could want to set (bus mastering, MSI, MSI-X enable) is Ravelin's. The guest may have written that
 * configuration space before, so that nothing in the copy but what Ravelin has checked (ids, BARs) is to be believed.
 *
 * No function allocates or keeps state; all may be called at any time after the start of the task.
 */
#ifndef PILLARS_PCI_H
#define PILLARS_PCI_H

#include <ravelin/fimce.h>
#include <ravelin/pci.h>
#include <vmcall.h>

#include <stdbool.h>
#include <stddef.h>

/** The devices of this FIMCE. Only an image that asks for PCI functions may look there. */
#define PCI_DEVICES ((const struct rv_fimce_devices *)RV_FIMCE_DEVICES)

/** The function with these ids, the nth (0...) if there are several; NULL: there is none. */
const struct rv_fimce_device *pci_find(const struct rv_fimce_devices *all, uint16_t vendor, uint16_t device,
				       unsigned int nth);

/** The function that the image's grant with this index got; NULL: it is not for a PCI function. */
const struct rv_fimce_device *pci_find_grant(const struct rv_fimce_devices *all, uint32_t grant);

/**
 * Reads the copy of configuration space.
 *
 * @param offset  multiple of bytes, below 256
 * @param bytes   1, 2 or 4
 * @return the value; all ones for an offset or size out of range
 */
uint32_t pci_config_read(const struct rv_fimce_device *d, uint32_t offset, uint32_t bytes);

/**
 * Offset of a capability in configuration space, the nth (0...) with this id; 0: there is none, or the list is broken. No list is so long
 * that this finds more than PCI_CAPABILITIES_MAX of them.
 */
uint32_t pci_capability_find(const struct rv_fimce_device *d, uint8_t id, unsigned int nth);

/** Registers in a memory BAR (0...5): bytes of them from offset on; NULL: it is no such BAR, or too small. */
volatile uint8_t *pci_bar_memory(const struct rv_fimce_device *d, unsigned int bar, uint64_t offset, uint64_t bytes);

/** The same for an I/O BAR: *port receives the first port. */
bool pci_bar_port(const struct rv_fimce_device *d, unsigned int bar, uint32_t offset, uint32_t count, uint16_t *port);

/**
 * Makes an entry of the function's MSI-X table send this FIMCE's interrupt, and unmasks it.
 *
 * @return 0; -RV_ENODEV: it has no MSI-X, or the image did not ask for its interrupt; -RV_EINVAL: it has no such entry;
 *	-RV_EFAULT: its table lies where this FIMCE has nothing of it
 */
int pci_msix_set(const struct rv_fimce_device *d, unsigned int entry);

/** Masks an entry again. Errors as pci_msix_set. */
int pci_msix_mask(const struct rv_fimce_device *d, unsigned int entry);

/**
 * The address at which the FIMCE's devices reach its memory: of input (read only), output, and writable segments of the image.
 * The stack and all else is out of their reach.
 *
 * @return false: not all of these bytes can be reached
 */
bool pci_dma_address(const struct rv_fimce_param *param, const volatile void *memory, size_t bytes, uint64_t *address);

/**
 * Lets the functions be bus masters that cannot be reset; to be called when all of them are known to be idle (RV_FC_DMA). Before that they
 * do no DMA and send no MSI; functions with a reset may from the start.
 *
 * @return 0, or a negative errno: a remapping unit does not answer
 */
static inline int pci_dma_open(void)
{
	return (int)rv_fimce_call(RV_FC_DMA, 0, 0, 0).value;
}

#endif
