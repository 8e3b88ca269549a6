// SPDX-License-Identifier: GPL-2.0-only
/*
 * device.c - devices that Linux gives away to a FIMCE: makes sure that no driver has them or gets them meanwhile.
 *
 * Ravelin takes the devices and gives them back by itself; it would do so under a driver's feet, too. This keeps Linux sane, not the FIMCE
 * safe.
 */
#include "ravelin.h"
#include "compat.h"

#include <linux/acpi.h>
#include <linux/interrupt.h>
#include <linux/ioport.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>

/* No driver has this name: a PCI function that asks for it is bound by none, neither when one is loaded nor by hand. */
static const char claimed[] = "ravelin-fimce";

/* Two callers can't claim the same function at a time. */
static DEFINE_MUTEX(claim_lock);

static int busy(u32 index, struct rv_failure *why)
{
	return rv_refuse(why, -EBUSY, RV_REASON_DRIVER_DEVICE, index);
}

static void pci_restore(const struct rv_claim *c, struct pci_dev *pci)
{
	if (rv_compat_set_override(pci, c->override ? c->override : ""))
		pr_err("%s keeps its driver_override: no memory\n", pci_name(pci));
}

/** Sets driver_override, so that from then on nothing can bind, and looks then whether something has. */
static int pci_override(struct rv_claim *c, struct pci_dev *pci, u32 index, struct rv_failure *why)
{
	const char *before;
	int error = 0;

	device_lock(&pci->dev);
	before = rv_compat_override(pci);
	/* Another FIMCE has it already. */
	if (before && strcmp(before, claimed) == 0)
		error = busy(index, why);
	else if (before && !(c->override = kstrdup(before, GFP_KERNEL)))
		error = -ENOMEM;
	device_unlock(&pci->dev);
	if (!error)
		error = rv_compat_set_override(pci, claimed);
	if (error)
		return error;
	device_lock(&pci->dev);
	if (pci->dev.driver || pci->msi_enabled || pci->msix_enabled)
		error = busy(index, why);
	device_unlock(&pci->dev);
	if (error)
		pci_restore(c, pci);
	return error;
}

static int pci_claim(struct rv_claim *c, u32 index, struct rv_failure *why)
{
	const u32 source_id = c->grant.source_id;
	struct pci_dev *pci;
	int error;

	if (source_id > 0xffff)
		return rv_refuse(why, -EINVAL, RV_REASON_DEVICE_GRANT, index);
	pci = pci_get_domain_bus_and_slot(0, PCI_BUS_NUM(source_id), source_id & 0xff);
	if (!pci)
		return busy(index, why);
	mutex_lock(&claim_lock);
	error = pci_override(c, pci, index, why);
	mutex_unlock(&claim_lock);
	if (error) {
		kfree(c->override);
		c->override = NULL;
		pci_dev_put(pci);
		return error;
	}
	c->pci = pci;
	/* Awake, and kept so. */
	pm_runtime_get_sync(&pci->dev);
	pci_set_power_state(pci, PCI_D0);
	return 0;
}

static void pci_release(struct rv_claim *c)
{
	pm_runtime_put(&c->pci->dev);
	pci_restore(c, c->pci);
	kfree(c->override);
	pci_dev_put(c->pci);
}

static irqreturn_t line_handler(int irq, void *cookie)
{
	return IRQ_NONE;
}

/** Takes a line as its only user and leaves it masked; who shares it can't be told from who has it. */
static int line_claim(struct rv_claim *c, u32 index, struct rv_failure *why)
{
	int irq = acpi_register_gsi(NULL, c->grant.first, ACPI_EDGE_SENSITIVE, ACPI_ACTIVE_HIGH);

	if (irq < 0)
		return busy(index, why);
	if (request_irq(irq, line_handler, IRQF_NO_AUTOEN, claimed, c)) {
		acpi_unregister_gsi(c->grant.first);
		return busy(index, why);
	}
	c->irq = irq;
	return 0;
}

/**
 * The two ports of the keyboard's controller: Linux has reserved them for good, whether a driver has the controller or not. One that is bound
 * later finds no controller as long as the FIMCE has it.
 */
static bool is_keyboard(const struct rv_grant *g)
{
	return g->count == 1 && (g->first == 0x60 || g->first == 0x64);
}

static bool keyboard_is_free(void)
{
	struct device *controller = bus_find_device_by_name(&platform_bus_type, NULL, "i8042");
	bool is_free = !controller || !controller->driver;

	put_device(controller);
	return is_free;
}

static int ports_claim(const struct rv_claim *c, u32 index, struct rv_failure *why)
{
	const struct rv_grant *g = &c->grant;

	if (g->count == 0 || g->count > 0x10000 || g->first > 0x10000 - g->count)
		return rv_refuse(why, -EINVAL, RV_REASON_DEVICE_GRANT, index);
	if (is_keyboard(g))
		return keyboard_is_free() ? 0 : busy(index, why);
	return request_region(g->first, g->count, claimed) ? 0 : busy(index, why);
}

static int claim(struct rv_claim *c, u32 index, struct rv_failure *why)
{
	switch (c->grant.kind) {
	case RV_GRANT_PCI:
		return pci_claim(c, index, why);
	case RV_GRANT_PORTS:
		return ports_claim(c, index, why);
	case RV_GRANT_GSI:
		return line_claim(c, index, why);
	default:
		return rv_refuse(why, -EINVAL, RV_REASON_DEVICE_GRANT, index);
	}
}

int rv_devices_claim(struct rv_devices *d, const struct rv_grant *grant, u32 count, struct rv_failure *why)
{
	u32 i;
	int error;

	if (count > RV_MAX_GRANTS)
		return rv_refuse(why, -EINVAL, RV_REASON_DRIVER_ARGUMENT,
				 offsetof(struct rv_ioctl_create, grant_count));
	for (i = 0; i < count; i++) {
		d->claim[i].grant = grant[i];
		error = claim(&d->claim[i], i, why);
		if (error) {
			rv_devices_release(d);
			return error;
		}
		d->count++;
	}
	return 0;
}

void rv_devices_release(struct rv_devices *d)
{
	while (d->count > 0) {
		struct rv_claim *c = &d->claim[--d->count];

		if (c->grant.kind == RV_GRANT_PCI) {
			pci_release(c);
		} else if (c->grant.kind == RV_GRANT_PORTS) {
			if (!is_keyboard(&c->grant))
				release_region(c->grant.first, c->grant.count);
		} else {
			free_irq(c->irq, c);
			acpi_unregister_gsi(c->grant.first);
		}
		memset(c, 0, sizeof(*c));
	}
}
