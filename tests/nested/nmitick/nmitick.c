// SPDX-License-Identifier: GPL-2.0-only
/*
 * nmitick.c - module for the outer machine: 250 non-maskable interrupts a second, from the PIT.
 *
 * Bochs 2.7 holds back external interrupts, which should make a VM exit at any time, while a guest runs with interrupts off and
 * has entered so. A guest that computes or waits like that (root mode of the hypervisor under test, a FIMCE) would keep the outer
 * machine from its clock and its scheduler for ever. NMIs are not held back: each makes a VM exit, after which KVM takes what is
 * pending.
 */
#include <linux/init.h>
#include <linux/io.h>
#include <linux/module.h>
#include <asm/nmi.h>

#define HERTZ 250u
#define PIT_HERTZ 1193182u
#define PIT_COMMAND 0x43
#define PIT_CHANNEL_0 0x40
#define PIT_RATE_GENERATOR 0x34 /* channel 0, low byte then high byte, mode 2 */

/* Where Bochs has its I/O APIC, and the input that the PIT is wired to. Linux needs neither after its boot. */
#define IOAPIC_BASE 0xfec00000ul
#define IOAPIC_BYTES 0x20
#define IOAPIC_SELECT 0x00
#define IOAPIC_WINDOW 0x10
#define IOAPIC_PIN 2u
#define IOAPIC_REDIRECTION(pin) (0x10u + 2u * (pin))
#define IOAPIC_MASKED 0x10000u
#define IOAPIC_NMI 0x400u /* delivery mode; physical destination, edge triggered */

/* There is no other source of NMIs in the outer machine. */
static int nmitick_nmi(unsigned int type, struct pt_regs *regs)
{
	return NMI_HANDLED;
}

static void ioapic_write(u8 __iomem *ioapic, u32 index, u32 value)
{
	writel(index, ioapic + IOAPIC_SELECT);
	writel(value, ioapic + IOAPIC_WINDOW);
}

static int __init nmitick_init(void)
{
	const u32 count = PIT_HERTZ / HERTZ;
	u8 __iomem *ioapic = ioremap(IOAPIC_BASE, IOAPIC_BYTES);
	int error;

	if (!ioapic)
		return -ENOMEM;
	error = register_nmi_handler(NMI_LOCAL, nmitick_nmi, 0, "nmitick");
	if (error) {
		iounmap(ioapic);
		return error;
	}
	ioapic_write(ioapic, IOAPIC_REDIRECTION(IOAPIC_PIN), IOAPIC_MASKED);
	ioapic_write(ioapic, IOAPIC_REDIRECTION(IOAPIC_PIN) + 1, 0);
	outb(PIT_RATE_GENERATOR, PIT_COMMAND);
	outb(count & 0xff, PIT_CHANNEL_0);
	outb(count >> 8, PIT_CHANNEL_0);
	ioapic_write(ioapic, IOAPIC_REDIRECTION(IOAPIC_PIN), IOAPIC_NMI);
	iounmap(ioapic);
	return 0;
}

/* Without an exit function it stays until the machine is switched off. */
module_init(nmitick_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Periodic NMIs for the outer machine of the nested tests");
