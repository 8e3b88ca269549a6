/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vtd.h - DMA and interrupt remapping of the whole machine: what devices may reach, and whom they may interrupt.
 *
 * One root table and one domain for the guest serve all units, so nothing here needs to know which device is behind which
 * unit. Each unit has an interrupt table of its own, because the guest numbers its entries unit by unit. Every context entry points to the guest's second-level table, which *is* the EPT: both are one
 * to one and come from the same rows. A page that leaves the EPT leaves DMA with it, after vtd_flush_dma().
 *
 * Why one table can serve both (VT-d 9.8, Intel SDM vol. 3, 29.3): R, W, address and bit 7 (large page) stand at the same
 * places. What only EPT knows is ignored in a second-level entry: X (bit 2), memory type and "ignore PAT" (6:3; a unit without
 * ECAP.MTS takes the type from elsewhere), accessed and dirty (9:8, only used if switched on), bits 61:52 and 63. What
 * would be reserved is never set by ept.c: bit 11 (SNP, without ECAP.SC), bit 62, address bits beyond the machine's, and in
 * large entries the address bits below the size. vtd_probe() finds out what all units can do; ept_build() is to follow it.
 *
 * A unit with three levels only (39 bits) walks the first entry of the EPT's root: what lies above 512 GiB is then
 * out of reach for devices. A fault is the only consequence.
 *
 * Callers hold the hypervisor lock. Errors are negative errno; vtd->failure then says why, which unit, and the register's value.
 */
#ifndef HV_VTD_VTD_H
#define HV_VTD_VTD_H

#include <hv/partition.h>
#include <hv/util.h>
#include <hv/vtd/registers.h>
#include <ravelin/abi.h>

#define VTD_MAX_UNITS 8u
#define VTD_MAX_ENTRIES 65536u
#define VTD_RESERVED_ENTRIES 256u /* the last ones of each interrupt table: for FIMCE devices, not for the guest */
#define VTD_RESERVED_INDEX(v, slot) ((v)->entries - VTD_RESERVED_ENTRIES + (uint32_t)(slot))
#define VTD_MAX_DEVICES 16u
#define VTD_FAULT_OVERFLOW (~0u)
#define VTD_MAX_LINES (RV_MAX_FIMCES * RV_MAX_GRANTS)
#define VTD_TIMEOUT_US 10000u /* for each command; units answer within microseconds */
/* Domains: 0 is reserved by units with caching mode; a unit that cannot count so far blocks the device (ND = 0: 16 of them). */
#define VTD_DOMAIN_GUEST 1u
#define VTD_DOMAIN_FIMCE(slot) (2u + (slot))

struct vtd_unit {
	pa_t base;
	uint32_t register_bytes;
	uint32_t segment;
	uint64_t cap, ecap;
	/* A page of 256 descriptors, and one where the unit writes the number of the last wait that it did. */
	pa_t queue;
	uint32_t tail; /* next free descriptor */
	uint32_t waits; /* value of the last wait descriptor */
	pa_t interrupts; /* struct vtd_pair [vtd.entries] */
	bool eime; /* its interrupt destinations are x2APIC ids */
	struct vtd_before {
		uint64_t gsts, rtaddr, irta, iqa;
	} before; /* its registers, as vtd_probe found them */
};

struct vtd {
	uint32_t unit_count; /* 0: the machine has none; all calls but vtd_init and vtd_unit_add then do nothing */
	struct vtd_unit unit[VTD_MAX_UNITS];
	/* What all units can do, from vtd_probe. */
	bool large_2m, large_1g;
	bool coherent; /* they see what the CPU wrote without CLFLUSH */
	bool eim; /* 32-bit interrupt destinations are possible */
	uint32_t levels; /* of second-level tables: 3 or 4 */

	struct partition *partition; /* pages for tables come from its pool */
	uint64_t timeout_ticks;
	pa_t root; /* 256 buses */
	pa_t context; /* 256 functions of every bus without a device of a FIMCE */
	pa_t guest_table;
	uint32_t entries; /* of each interrupt table */
	struct vtd_device {
		uint16_t source_id; /* bus in 15:8, device in 7:3, function in 2:0 */
		uint16_t domain; /* 0: free slot */
		pa_t table; /* 0: it has none, all its DMA is blocked */
	} device[VTD_MAX_DEVICES]; /* those that the guest does not have; vtd_device_set keeps this */
	struct vtd_message {
		uint16_t source_id; /* who sends it */
		uint32_t vector; /* as in a redirection entry: 7:0 (0: the entry is absent); level triggered in 15 */
		uint32_t apic_id;
	} reserved[VTD_MAX_DEVICES + VTD_MAX_LINES]; /* in the reserved entries; vtd_interrupt_set keeps this */
	uint32_t core_count;
	/* APIC ids of those that the guest's devices must not reach; kept by who takes them. Their xAPIC logical ids are cleared
	 * before they run anything: then no logical address but "all" means them. */
	uint32_t core[RV_MAX_CPUS];

	struct refusal failure; /* RV_REASON_VTD_*: value, base address of the unit */
};

/* --- bring-up, in this order ----------------------------------------------------------------------------------------- */

/** @param tsc_khz ticks of the TSC per millisecond, for time limits */
void vtd_init(struct vtd *v, struct partition *p, uint64_t tsc_khz);

/** Notes a unit. @return 0; -RV_ENOSPC if there are too many. */
int vtd_unit_add(struct vtd *v, pa_t base, uint32_t register_bytes, uint32_t segment);

/**
 * Reads what the units can do and fills large_2m, large_1g, coherent, eim and levels; keeps what vtd_stop puts back. Changes
 * nothing in them.
 * @return 0; -RV_ENODEV if one does not answer, lacks queued invalidation or interrupt remapping, wants its
 *         write buffer flushed (units without interrupt remapping did), has no page-table width in
 *         common with the others, is too small, or runs in scalable mode.
 */
int vtd_probe(struct vtd *v);

/**
 * Allocates and fills all tables.
 * @param ept_root  root of the EPT, built with no larger pages than vtd_probe allows
 * @param entries   of each interrupt table: a power of two, 512 to VTD_MAX_ENTRIES; all are absent
 * @return 0; -RV_ENOMEM if the pool has no room.
 */
int vtd_build(struct vtd *v, pa_t ept_root, uint32_t entries);

/**
 * Puts all units under these tables: DMA and interrupts are remapped, compatibility-format interrupts blocked. Translation that
 * firmware or the guest had on stays on throughout: the root pointer changes under it. Interrupt destinations have the width that
 * each unit's eime says (false at first). Faults that were recorded before are kept. May be called again.
 * @return 0; -RV_ETIME, -RV_EIO: a unit does not do as told. Some units may then be under the new tables.
 */
int vtd_start(struct vtd *v);

/**
 * Takes back a vtd_start, one that failed included: each unit does what it did at vtd_probe, with the tables that it had then
 * or off. A queue that was on begins anew at its first descriptor; events stay masked and protected ranges open. All units are tried.
 * @return 0; -RV_ETIME, -RV_EIO: a unit may still use our tables, and their memory must not become anybody's.
 */
int vtd_stop(struct vtd *v);

/* --- DMA ------------------------------------------------------------------------------------------------------------- */

/** Pages for tables: zero, from the pool. @return 0 or -RV_ENOMEM. */
int vtd_pages(struct vtd *v, uint32_t count, pa_t *pages);

/** After a table was written: makes it visible to units that do not snoop caches. */
void vtd_table_written(const struct vtd *v, const void *at, size_t bytes);

/**
 * Makes changes of the second-level table of a domain hold: returns when no unit uses older entries, and DMA under way is done.
 * Call it after rights were taken away and before a table page is released; with units in caching mode (emulators) also
 * after rights were added.
 * @return 0; -RV_ETIME, -RV_EIO: then old rights may still be in use.
 */
int vtd_flush_dma(struct vtd *v, uint16_t domain);

/**
 * Makes sure that vtd_device_set for this device needs no memory: its bus gets a context table of its own, which it keeps.
 * @return 0; -RV_ENOMEM; -RV_ENODEV if source ids are not unique because units serve several segments; -RV_ENOSPC if
 *         VTD_MAX_DEVICES are away from the guest already.
 */
int vtd_device_prepare(struct vtd *v, uint16_t source_id);

/**
 * Gives a device another second-level table of v->levels levels, or none (table.v 0), or the guest's back (v->guest_table,
 * VTD_DOMAIN_GUEST). In between it has none. Returns when no unit uses the old one. Needs vtd_device_prepare.
 * @return 0, or as vtd_flush_dma.
 */
int vtd_device_set(struct vtd *v, uint16_t source_id, pa_t table, uint16_t domain);

/* --- interrupts ------------------------------------------------------------------------------------------------------ */

/**
 * What a guest's entry becomes in a unit's live table. The guest may have: an absent entry; or remapped format (not posted),
 * delivery fixed or lowest priority (NMI, SMI, INIT and ExtINT are refused: Linux sets none of them for a device), vector
 * 16 or higher, a destination that includes no core of v->core, a verified source (SVT 1 or 2; 0 would let any device
 * use it) that is no device of v->device, reserved bits zero. Fault recording is switched on and "available" bits are cleared.
 * @return RV_REASON_NONE and *to; or an RV_REASON_VTD_ENTRY_*, and *to is absent.
 */
uint32_t vtd_entry_check(const struct vtd *v, const struct vtd_unit *u, uint32_t index, struct vtd_pair guest,
			 struct vtd_pair *to);

/** Writes one entry so that the unit sees the old or the new one or none. Needs vtd_flush_interrupts to hold. */
void vtd_entry_write(const struct vtd *v, const struct vtd_unit *u, uint32_t index, struct vtd_pair entry);

/** Returns when all units look at their tables anew. Errors as vtd_flush_dma. */
int vtd_flush_interrupts(struct vtd *v);

/**
 * Sets the reserved entry for this slot of v->reserved in all units: fixed, to one CPU, verified to come from just this source. vector 0
 * takes it away. Its index, for the message that the source is to send, is VTD_RESERVED_INDEX. Without units it only looks at the APIC id.
 * @return 0; -RV_ERANGE: there is no room for the APIC id; else as vtd_flush_dma.
 */
int vtd_interrupt_set(struct vtd *v, uint32_t slot, struct vtd_message m);

/** Changes the width of a unit's destinations; all entries of its table become absent. Errors as vtd_start. */
int vtd_unit_set_eime(struct vtd *v, struct vtd_unit *u, bool eime);

/* --- faults ---------------------------------------------------------------------------------------------------------- */

/** Frees a fault record for the unit, or with one that it does not have (VTD_FAULT_OVERFLOW) lets it record again after an overflow. */
void vtd_fault_clear(const struct vtd_unit *u, uint32_t record);

/* --- between the files of this directory, and for the audit (agent/) --------------------------------------------------- */

/** Notes a failure and returns error. */
int vtd_fail(struct vtd *v, const struct vtd_unit *u, int error, uint32_t reason, uint64_t value);

/** Hands a descriptor (its low half; the high one is 0) to all units and waits until all have done it. */
int vtd_invalidate(struct vtd *v, uint64_t low);

/** What IRTA of a unit, and the context entry of a device, should be. */
uint64_t vtd_irta(const struct vtd *v, const struct vtd_unit *u);
struct vtd_pair vtd_context(const struct vtd *v, uint16_t source_id);

/** What the reserved interrupt entry with this index should be. */
struct vtd_pair vtd_reserved_entry(const struct vtd *v, const struct vtd_unit *u, uint32_t index);

#endif
