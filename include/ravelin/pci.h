/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci.h - configuration space of PCI functions (PCI Local Bus Specification 3.0, chapter 6 and appendix H), as far as more than one
 * part of Ravelin looks into it. Plain constants, no code.
 */
#ifndef RAVELIN_PCI_H
#define RAVELIN_PCI_H

/* The two ports that lead there: PCI_ENABLE, bus in 23:16, device in 15:11, function in 10:8, register in 7:2; then the data. */
#define PCI_ADDRESS 0xcf8u
#define PCI_ENABLE (1u << 31)
#define PCI_DATA 0xcfcu

#define PCI_COMMAND 0x04u
#define PCI_STATUS 0x06u
#define PCI_STATUS_CAPABILITIES (1u << 4)
#define PCI_HEADER_TYPE 0x0eu
#define PCI_BAR 0x10u
#define PCI_CAPABILITIES 0x34u /* where the first one is */
#define PCI_HEADER_END 0x40u
#define PCI_CAPABILITIES_MAX 48u /* as many as fit without two in the same place: a list that is longer is a ring */

#define PCI_CAPABILITY_MSI 0x05u
#define PCI_CAPABILITY_MSIX 0x11u
#define PCI_MSI_CONTROL 2u /* of both */

#endif
