/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat.h - what differs between kernel versions, in one place.
 */
#ifndef RAVELIN_COMPAT_H
#define RAVELIN_COMPAT_H

#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/version.h>
#include <asm/processor.h>

/** Pins @count pages of another address space at @start for long, as private writable copies. mmap_lock is held for reading. */
static inline long rv_compat_pin(struct mm_struct *mm, unsigned long start, unsigned long count, struct page **page)
{
	const unsigned int flags = FOLL_WRITE | FOLL_FORCE | FOLL_LONGTERM;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
	return pin_user_pages_remote(mm, start, count, flags, page, NULL);
#else
	return pin_user_pages_remote(mm, start, count, flags, page, NULL, NULL);
#endif
}

/** Takes a reference to the page at @address as it is mapped now. mmap_lock is held for reading. */
static inline long rv_compat_get(struct mm_struct *mm, unsigned long address, unsigned int flags, struct page **page)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
	return get_user_pages_remote(mm, address, 1, flags, page, NULL);
#else
	return get_user_pages_remote(mm, address, 1, flags, page, NULL, NULL);
#endif
}

/**
 * The entry that maps @address to a present small page, with its page table locked; NULL: none, or this kernel has no such function.
 * mmap_lock is held for reading.
 */
static inline pte_t *rv_compat_pte(struct mm_struct *mm, unsigned long address, spinlock_t **lock)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
	pte_t *entry;

	return follow_pte(mm, address, &entry, lock) ? NULL : entry;
#else
	return NULL;
#endif
}

/** The name that a driver of this function must have, NULL: any. device_lock is held. */
static inline const char *rv_compat_override(const struct pci_dev *pci)
{
	return pci->driver_override;
}

/** Sets that name, "" = none, as by sysfs. device_lock is not held. -ENOMEM. */
static inline int rv_compat_set_override(struct pci_dev *pci, const char *name)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 0, 0)
	return driver_set_override(&pci->dev, &pci->driver_override, name, strlen(name));
#else
	char *set = *name ? kstrdup(name, GFP_KERNEL) : NULL;

	if (*name && !set)
		return -ENOMEM;
	device_lock(&pci->dev);
	swap(set, pci->driver_override);
	device_unlock(&pci->dev);
	kfree(set);
	return 0;
#endif
}

/** True if a thread in this state sleeps, and a signal would wake it. With PREEMPT_RT the state alone doesn't tell: never. */
static inline bool rv_compat_is_sleeping(unsigned int state)
{
#ifdef TASK_FREEZABLE
	state &= ~TASK_FREEZABLE;
#endif
	return state == TASK_INTERRUPTIBLE && !IS_ENABLED(CONFIG_PREEMPT_RT);
}

static inline u32 rv_compat_apic_id(unsigned int cpu)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	return cpu_data(cpu).topo.apicid;
#else
	return cpu_data(cpu).apicid;
#endif
}

#endif
