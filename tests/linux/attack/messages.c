// SPDX-License-Identifier: GPL-2.0-only
/*
 * messages.c - attacks by interrupts of devices: at the core of a FIMCE, or with an interrupt entry of somebody else; see devices.h.
 *
 * A FIMCE lets ordinary interrupts wait (TPR) and ends with its result in any case, so most forms here are NMIs: one that
 * arrives makes the FIMCE leave for root mode, which its count of exits shows.
 */
#include "devices.h"

#include <stdio.h>
#include <string.h>

#define IOAPIC 0xfec00000ull
#define IOAPIC_WINDOW 0x10ull
#define IOAPIC_ENTRY 0x10u
#define MSIX_ENABLE (1u << 31)
#define MSIX_MASK (1u << 30)
#define BAR_INDEX 7u
/* Intel 82574 datasheet, 10.2.4: registers of the e1000e. */
#define E1000E_ICR 0xc0u
#define E1000E_ICS 0xc8u
#define E1000E_IMS 0xd0u
#define E1000E_IVAR 0xe4u
#define E1000E_CAUSE_QUEUE_0 (1u << 20)
#define E1000E_QUEUE_0_BY_0 8u
#define ICR_NMI 0x4400u

struct message {
	const char *name;
	uint64_t address;
	uint32_t data;
};

/** An MSI address in remappable format. */
static uint64_t remappable(uint32_t handle)
{
	return MSI_ADDRESS | (handle & 0x7fff) << 5 | (handle >> 15 & 1) << 2 | MSI_REMAPPABLE;
}

static uint64_t compatible(uint32_t apic_id)
{
	return MSI_ADDRESS | apic_id << 12;
}

/* --- four ways to send a message -------------------------------------------------------------------------------------- */

static void send_by_msi(struct devices *d, const void *argument)
{
	const struct message *m = argument;

	msi_set(&d->attacker, m->address, m->data, true);
	edu_raise(&d->attacker);
}

/* Its data are in the buffer already. */
static void send_by_dma(struct devices *d, const void *argument)
{
	const struct message *m = argument;

	edu_write(d, m->address);
}

static volatile uint32_t *msix_table(const struct devices *d)
{
	uint32_t place = pci_read(d->table.source_id, d->table.msix + 4);
	uint64_t bar = pci_read(d->table.source_id, 0x10 + 4 * (place & BAR_INDEX)) & ~0xfu;

	return (volatile uint32_t *)physical_at(d->a, bar + (place & ~BAR_INDEX), PAGE);
}

static void e1000e_raise(const struct devices *d)
{
	volatile uint8_t *bar = d->table.bar;

	*(volatile uint32_t *)(bar + E1000E_ICR) = ~0u;
	*(volatile uint32_t *)(bar + E1000E_IVAR) = E1000E_QUEUE_0_BY_0;
	*(volatile uint32_t *)(bar + E1000E_IMS) = E1000E_CAUSE_QUEUE_0;
	*(volatile uint32_t *)(bar + E1000E_ICS) = E1000E_CAUSE_QUEUE_0;
}

static void msix_write(volatile uint32_t *entry, const struct message *m)
{
	entry[3] = 1;
	entry[0] = (uint32_t)m->address;
	entry[1] = (uint32_t)(m->address >> 32);
	entry[2] = m->data;
	entry[3] = 0;
}

static void send_by_msix(struct devices *d, const void *argument)
{
	static volatile uint32_t *table;

	if (!table)
		table = msix_table(d);
	if (!table)
		return;
	msix_write(table, argument);
	e1000e_raise(d);
}

/** Writes an entry of the IOAPIC, masked while it is half written; gives the old one. */
static void ioapic_entry(const struct devices *d, uint32_t pin, uint64_t entry, uint64_t *old)
{
	struct attack_accesses list = {0};
	uint32_t low = IOAPIC_ENTRY + 2 * pin, high = low + 1;
	struct attack_access *old_low, *old_high;

	access_add(&list, IOAPIC, 4, true, low);
	old_low = access_add(&list, IOAPIC + IOAPIC_WINDOW, 4, false, 0);
	access_add(&list, IOAPIC + IOAPIC_WINDOW, 4, true, 1u << 16);
	access_add(&list, IOAPIC, 4, true, high);
	old_high = access_add(&list, IOAPIC + IOAPIC_WINDOW, 4, false, 0);
	access_add(&list, IOAPIC + IOAPIC_WINDOW, 4, true, entry >> 32);
	access_add(&list, IOAPIC, 4, true, low);
	access_add(&list, IOAPIC + IOAPIC_WINDOW, 4, true, entry & 0xffffffff);
	if (!accesses_do(d->a, &list))
		printf("     the IOAPIC's entry %u was not written\n", pin);
	if (old)
		*old = old_low->value | old_high->value << 32;
}

/* The message says what the entry means: its address is the entry's high half, its data the low one. */
static void send_by_ioapic(struct devices *d, const void *argument)
{
	const struct message *m = argument;
	uint64_t old;

	msi_set(&d->attacker, 0, 0, false);
	ioapic_entry(d, d->attacker.line, m->address << 32 | m->data, &old);
	edu_raise(&d->attacker);
	settle();
	ioapic_entry(d, d->attacker.line, old, NULL);
}

/* --- at the core of a FIMCE ------------------------------------------------------------------------------------------- */

typedef void (*sender)(struct devices *d, const void *argument);

static uint64_t send(struct devices *d, sender by, const struct message *m)
{
	uint64_t exits = victim_strike(d, by, m);

	d->interrupt_faults += attack_log_count(d->a, RV_REASON_INTERRUPT_FAULT, NULL);
	return exits;
}

/* Remappable format: what the unit has no entry for goes nowhere. */
static void send_remappable(struct devices *d, sender by, const char *how, const struct message *m)
{
	uint64_t exits = send(d, by, m);

	attack_report(exits == 0, (long long)exits, "%s %s", how, m->name);
}

/** What a FIMCE's core lets wait whether it comes or not. */
static bool shows(const struct message *m)
{
	return (m->data & MSI_DELIVERY) != 0;
}

/*
 * Compatibility format names the core itself. Ravelin has told the unit to block it, which the audit reads back; a unit that does not
 * obey, as QEMU's before 10.1, disturbs a FIMCE's timing and no more.
 */
static void send_compatible(struct devices *d, sender by, const char *how, const struct message *m)
{
	struct rv_audit audit = {0};
	uint64_t exits = send(d, by, m);
	unsigned int wrong = d->victim.wrong;

	victim_end(d);
	attack_report(exits != ~0ull && d->victim.wrong == wrong, (long long)exits,
		      "%s %s: the FIMCE's result is right", how, m->name);
	if (!shows(m))
		return;
	if (exits == 0)
		attack_report(true, 0, "%s %s: the unit blocks it", how, m->name);
	else if (ravelin_audit(d->a->ravelin, &audit) == 0 && audit.vtd_units != 0)
		attack_skip("%s %s: this unit is told to block the compatibility format, and does not: %llu exits", how,
			    m->name, (unsigned long long)exits);
	else
		attack_report(false, (long long)exits, "%s %s: the unit is told to block it", how, m->name);
}

static void nmi_by_ipi(struct devices *d, const void *argument)
{
	struct attack_ipi ipi = {d->victim.apic_id, ICR_NMI, 1, 1};

	(void)argument;
	if (ioctl(d->a->device, ATTACK_IPI, &ipi) != 0)
		printf("     no IPI was sent\n");
}

static void at_the_core(struct devices *d)
{
	uint64_t core = compatible(d->victim.apic_id), exits;
	const struct message in_order[] = {
	    {"a message for an absent entry", remappable(0x8000), 0},
	    {"a message for an entry of Ravelin's", remappable(0xff01), 0},
	    {"a message for the last entry", remappable(0xffff), 0},
	    {"a message beyond the last entry", remappable(0xffff) | MSI_SUBHANDLE, 0x7fff},
	};
	const struct message nmi = {"an NMI in compatibility format", core, MSI_NMI};
	const struct message by_address[] = {
	    {"an interrupt in compatibility format", core, 0x31},
	    {"an INIT in compatibility format", core, MSI_INIT},
	    {"an NMI to a logical destination in compatibility format",
	     MSI_ADDRESS | 1u << (12 + d->victim.apic_id % 8) | 1u << 2, MSI_NMI},
	};
	const struct message entry_nmi = {"an NMI in compatibility format", d->victim.apic_id << 24, MSI_NMI};
	const struct message entry_absent = {"an entry for an absent handle", 1u << 16 | 0x7000u << 17, 0x31};
	uint8_t data[DMA_BYTES] = {0, MSI_NMI >> 8};

	exits = victim_strike(d, nmi_by_ipi, NULL);
	attack_control(exits != 0 && exits != ~0ull, "an NMI at a FIMCE's core shows in its exits");
	for (size_t i = 0; i < sizeof(in_order) / sizeof(in_order[0]); i++)
		send_remappable(d, send_by_msi, "a device sends", &in_order[i]);
	send_compatible(d, send_by_msi, "a device sends", &nmi);
	for (size_t i = 0; i < sizeof(by_address) / sizeof(by_address[0]); i++)
		send_compatible(d, send_by_msi, "a device sends", &by_address[i]);

	memset(data + 2, 0, sizeof(data) - 2);
	if (!edu_buffer_set(d, data))
		printf("     the device's buffer was not written\n");
	send_remappable(d, send_by_dma, "DMA writes", &in_order[0]);
	send_compatible(d, send_by_dma, "DMA writes", &nmi);

	send_remappable(d, send_by_msix, "the MSI-X table is made to send", &in_order[0]);
	send_compatible(d, send_by_msix, "the MSI-X table is made to send", &nmi);
	send_remappable(d, send_by_ioapic, "the IOAPIC gets", &entry_absent);
	send_compatible(d, send_by_ioapic, "the IOAPIC gets", &entry_nmi);
}

/* --- with an entry of somebody else ----------------------------------------------------------------------------------- */

static void somebody_elses(struct devices *d)
{
	const struct function *me = &d->attacker, *other = &d->other;
	const struct message others = {"", other->message_address, other->message_data};
	uint64_t before = interrupts_of(other), mine;

	send_by_msi(d, &others);
	settle();
	attack_report(interrupts_of(other) == before, (long long)(interrupts_of(other) - before),
		      "a device sends another one's interrupt");
	send_by_msix(d, &others);
	settle();
	attack_report(interrupts_of(other) == before, (long long)(interrupts_of(other) - before),
		      "the MSI-X table is made to send another device's interrupt");
	d->interrupt_faults += attack_log_count(d->a, RV_REASON_INTERRUPT_FAULT, NULL);

	edu_raise(other);
	settle();
	attack_control(interrupts_of(other) == before + 1, "that interrupt is let through if its owner sends it");
	mine = interrupts_of(me);
	msi_set(me, me->message_address, me->message_data, true);
	edu_raise(me);
	settle();
	attack_control(interrupts_of(me) == mine + 1, "the attacker's own interrupt is let through");
}

void attack_messages(struct devices *d)
{
	uint64_t before = interrupts_of(&d->table);
	volatile uint32_t *table = msix_table(d);
	struct message own;

	if (!table) {
		attack_control(false, "the MSI-X table is there");
		return;
	}
	own = (struct message){"", table[0] | (uint64_t)table[1] << 32, table[2]};
	e1000e_raise(d);
	settle();
	attack_control(interrupts_of(&d->table) > before, "a device with MSI-X interrupts");
	at_the_core(d);
	msi_set(&d->attacker, d->attacker.message_address, d->attacker.message_data, true);
	somebody_elses(d);
	msix_write(table, &own);
	if (d->interrupt_faults != 0)
		attack_report(true, 0, "interrupts that were blocked are in the log: %u", d->interrupt_faults);
	else
		attack_skip("interrupts that were blocked are in the log: this unit records no faults of interrupts "
			    "(QEMU before 8.2)");
}
