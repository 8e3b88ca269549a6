/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pci.h - configuration space of functions that have left the guest. PCI 3.0, chapter 6; PCI Express 5.0, chapters 6.6.2 and 7.5.
 *
 * It is reached by the two ports, which the agent's I/O bitmap leaves open, with the guest's address put back each time: no CPU may be in
 * the guest without exits at these ports (hv/device.c), and the lock is held.
 */
#ifndef AGENT_PCI_H
#define AGENT_PCI_H

#include <hv/agent.h>
#include <ravelin/pci.h>

/**
 * Copies its configuration space to to->config and says whether it may be given away.
 * @return 0; or an error, with to->reason and to->value: it is another one than d->id, is no single function whose requests bear its own
 *         id, can neither be reset nor is d->cleaned, or has no message signalled interrupt but d->interrupt.
 */
int64_t pci_look(const struct device *d, struct agent_pci *to);

/** No decoding, no DMA, no interrupt of any kind. This and all below go by the copy in d->shown.config. */
void pci_quiet(const struct device *d);

/** Makes it quiet and finds out what its BARs decode. */
void pci_size(const struct device *d, struct agent_pci *to);

/** Begins to reset a quiet function that can be reset: over after DEVICE_RESET_MS. */
void pci_reset(const struct device *d);

/** Switches the function on for its FIMCE, with the BARs as they were. d->shown.msi_address: where its interrupt is to be written to; 0: it
 * has none. */
void pci_start(const struct device *d);

/** Lets it be bus master as well. */
void pci_master(const struct device *d);

/** All as the guest had it. */
void pci_give_back(const struct device *d);

#endif
