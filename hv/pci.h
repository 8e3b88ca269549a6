/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pci.h - configuration space of functions that have left the guest. PCI 3.0, chapter 6; PCI Express 5.0, chapters 6.6.2 and 7.5.
 *
 * It is reached by the two ports, with the guest's address put back each time: no CPU may be in the guest without exits at these
 * ports (device.c), and the lock is held.
 */
#ifndef HV_PCI_H
#define HV_PCI_H

#include <hv/device.h>
#include <ravelin/pci.h>

#define PCI_PORTS 8u /* from PCI_ADDRESS */
#define PCI_BARS 6u
#define PCI_RESET_MS 100u

/** Copies d's configuration space to d->shown.config and finds its capabilities. */
void pci_probe(struct device *d);

/** Vendor id in 15:0, device id in 31:16, as pci_probe found them. */
uint32_t pci_id(const struct device *d);

/** Whether it is a single function whose requests bear its own id. */
bool pci_is_plain(const struct device *d);

/** No decoding, no DMA, no interrupt of any kind. */
void pci_quiet(const struct device *d);

/**
 * What a BAR decodes; the function is quiet. With *is_64 the next one is a part of it.
 * @return 0 if there is none; else bytes, or ports with *is_port, from *base on. What can't be is returned as 1 byte.
 */
uint64_t pci_bar(const struct device *d, uint32_t i, uint64_t *base, bool *is_port, bool *is_64);

/** Whether it has a function level reset. */
bool pci_can_reset(const struct device *d);

/** Begins to reset a quiet function that can be reset: over after PCI_RESET_MS. */
void pci_reset(const struct device *d);

/** Switches the function on for its FIMCE, with the BARs as they were. msi: address that a message signalled interrupt is written to; 0: it has none. */
void pci_start(const struct device *d, uint32_t msi);

/** Lets it be bus master as well. */
void pci_master(const struct device *d);

/** All as the guest had it. */
void pci_give_back(const struct device *d);

#endif
