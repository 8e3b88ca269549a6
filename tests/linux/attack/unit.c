// SPDX-License-Identifier: GPL-2.0-only
/*
 * unit.c - attacks on the remapping unit that the guest sees: its registers, its queue, its table; see devices.h. What they do to the real
 * unit is read back by the audit.
 *
 * Linux goes on using its unit afterwards. So each attack and its repair is one list of accesses with the interrupts off, and the queue is led
 * to where Linux left it: over descriptors that do no harm.
 */
#include "devices.h"

#include <stdio.h>
#include <string.h>

/* VT-d specification, chapter 11. */
#define CAP 0x08u
#define CAP_SAGAW (0x1full << 8)
#define GCMD 0x18u
#define GSTS 0x1cu
#define TE (1u << 31)
#define SRTP (1u << 30)
#define QIE (1u << 26)
#define IRE (1u << 25)
#define SIRTP (1u << 24)
#define CFI (1u << 23)
#define RTADDR 0x20u
#define FSTS 0x34u
#define FSTS_IQE (1u << 4)
#define FSTS_ALL 0x7fu
#define IQT 0x88u
#define IQA 0x90u
#define IRTA 0xb8u
#define IRTA_EIME (1ull << 11)
#define REGISTERS_END 0x100u
/* 6.5.2 and 9.10. */
#define DESCRIPTOR_BYTES 16u
#define INVALIDATE_ENTRY (4u | 1u << 4)
#define WAIT_STATUS (5u | 1u << 5)
#define ENTRY_BYTES 16u
#define ENTRY_PRESENT 1ull
#define ENTRY_LOGICAL (1ull << 2)
#define ENTRY_NMI (4ull << 5)
#define ENTRY_POSTED (1ull << 15)
#define ENTRY_VECTOR(v) ((uint64_t)(v) << 16)
#define LAST_ENTRY 0xffffu
#define QUEUE_AT PAGE /* in our own memory: a queue of ours, and behind it where the unit answers */
#define ANSWER_AT (2 * PAGE)

struct pair {
	uint64_t low, high;
};

/** The unit as Linux has it. */
struct before {
	uint64_t commands, queue, tail, table;
};

static struct attack_access *set(struct attack_accesses *list, const struct devices *d, uint32_t offset, uint32_t bytes,
				 uint64_t value)
{
	return access_add(list, d->unit + offset, bytes, true, value);
}

static struct attack_access *get(struct attack_accesses *list, const struct devices *d, uint32_t offset, uint32_t bytes)
{
	return access_add(list, d->unit + offset, bytes, false, 0);
}

static uint64_t read_register(const struct devices *d, uint32_t offset, uint32_t bytes)
{
	struct attack_accesses list = {0};

	get(&list, d, offset, bytes);
	return accesses_do(d->a, &list) ? list.access[0].value : 0;
}

static struct before remember(const struct devices *d)
{
	return (struct before){.commands = read_register(d, GSTS, 4) & (QIE | IRE),
			       .queue = read_register(d, IQA, 8),
			       .tail = read_register(d, IQT, 4),
			       .table = read_register(d, IRTA, 8)};
}

/** Ends a list: the unit as before, its queue empty at the place where Linux goes on. */
static void repair(struct attack_accesses *list, const struct devices *d, const struct before *b)
{
	set(list, d, GCMD, 4, b->commands & ~QIE);
	set(list, d, FSTS, 4, FSTS_ALL);
	set(list, d, IRTA, 8, b->table);
	set(list, d, GCMD, 4, (b->commands & ~QIE) | SIRTP);
	set(list, d, IQA, 8, b->queue);
	set(list, d, IQT, 4, b->tail);
	set(list, d, GCMD, 4, b->commands);
}

/* Linux' queue, full of descriptors that do no harm while it is led around. */
static bool with_harmless_queue(struct devices *d, const struct before *b, struct attack_accesses *list)
{
	static volatile struct pair *ring;
	struct pair saved[PAGE / DESCRIPTOR_BYTES];
	bool good;

	if (!ring)
		ring = (volatile struct pair *)physical_at(d->a, b->queue & ~PAGE_OFFSETS, PAGE);
	if (!ring)
		return false;
	for (size_t i = 0; i < PAGE / DESCRIPTOR_BYTES; i++) {
		saved[i] = (struct pair){ring[i].low, ring[i].high};
		ring[i].low = INVALIDATE_ENTRY;
		ring[i].high = 0;
	}
	good = accesses_do(d->a, list);
	for (size_t i = 0; i < PAGE / DESCRIPTOR_BYTES; i++) {
		ring[i].low = saved[i].low;
		ring[i].high = saved[i].high;
	}
	return good;
}

static bool logged(struct devices *d, uint32_t reason, uint64_t first)
{
	struct rv_log_record r = {0};

	return attack_log_count(d->a, reason, &r) >= 1 && r.value[0] == first;
}

/** The real unit is as it should be, and the attacker's own interrupt still works. */
static bool all_is_well(struct devices *d)
{
	struct rv_audit audit = {0};
	uint64_t before = interrupts_of(&d->attacker);

	edu_raise(&d->attacker);
	settle();
	return ravelin_audit(d->a->ravelin, &audit) == 0 && audit.vtd_units != 0 &&
	       interrupts_of(&d->attacker) == before + 1;
}

/* --- registers -------------------------------------------------------------------------------------------------------- */

static void command(struct devices *d, const char *name, uint32_t value, bool refused)
{
	struct before b = remember(d);
	struct attack_accesses list = {0};
	struct rv_audit audit = {0};
	bool good, log, denied, well;

	attack_log_count(d->a, RV_REASON_NONE, NULL);
	set(&list, d, RTADDR, 8, d->memory);
	set(&list, d, GCMD, 4, value);
	good = with_harmless_queue(d, &b, &list);
	log = !refused || logged(d, RV_REASON_VTD_VIRTUAL, GCMD);
	/* In that state, not after the repair. */
	denied = dma_read_is_denied(d, d->a->pool);
	well = ravelin_audit(d->a->ravelin, &audit) == 0 && audit.vtd_units != 0;
	list.count = 0;
	repair(&list, d, &b);
	good = with_harmless_queue(d, &b, &list) && good;
	attack_report(good && log && denied && well && all_is_well(d), good * 8 + log * 4 + denied * 2 + well,
		      "the guest gives its remapping unit a command: %s", name);
}

/* A table, or its size, that is not in the guest's memory. */
static void table(struct devices *d, const char *name, uint64_t value)
{
	struct before b = remember(d);
	struct attack_accesses list = {0};
	struct rv_audit audit = {0};
	bool good, well;

	set(&list, d, IRTA, 8, value);
	set(&list, d, GCMD, 4, b.commands | SIRTP);
	repair(&list, d, &b);
	good = with_harmless_queue(d, &b, &list);
	well = ravelin_audit(d->a->ravelin, &audit) == 0;
	attack_report(good && well && all_is_well(d), good * 2 + well, "the guest's interrupt table is %s", name);
}

static void registers(struct devices *d)
{
	struct before b = remember(d);
	struct attack_accesses list = {0};
	unsigned int changed = 0;

	attack_report((read_register(d, CAP, 8) & CAP_SAGAW) == 0 && !(read_register(d, GSTS, 4) & TE),
		      (long long)read_register(d, CAP, 8), "the guest looks for the real remapping unit");
	command(d, "translation off", QIE | IRE, false);
	command(d, "a root table of its own, translation on", QIE | IRE | TE | SRTP, true);
	command(d, "compatibility format let through", QIE | IRE | CFI, true);
	command(d, "all off", 0, false);
	table(d, "in the pool", d->a->pool | IRTA_EIME | 15);
	table(d, "nowhere, and of odd format", 0xfffffffffffff000ull | 7);

	/* The rest of them: what the guest's unit does not have stays as it is. */
	for (uint32_t offset = 0; offset < REGISTERS_END; offset += 8) {
		struct attack_access *old, *new;

		if (offset == (GCMD & ~7u) || offset == IQT || offset == IQA || offset == IRTA)
			continue;
		list.count = 0;
		old = get(&list, d, offset, 8);
		set(&list, d, offset, 8, ~0ull);
		new = get(&list, d, offset, 8);
		if (!accesses_do(d->a, &list))
			changed++;
		else if (old->value != new->value) {
			/* Linux' own: masks and addresses of events, which are never sent. */
			list.count = 0;
			set(&list, d, offset, 8, old->value);
			changed += !accesses_do(d->a, &list) || offset < RTADDR;
		}
	}
	list.count = 0;
	repair(&list, d, &b);
	changed += !with_harmless_queue(d, &b, &list);
	attack_report(changed == 0 && all_is_well(d), changed,
		      "the guest writes to all registers of its remapping unit");
}

/* --- the queue -------------------------------------------------------------------------------------------------------- */

/** Has the unit do descriptors from another queue. @return FSTS, or ~0 */
static uint64_t queue_do(struct devices *d, uint64_t queue, uint32_t descriptors)
{
	struct before b = remember(d);
	struct attack_accesses list = {0};
	struct attack_access *faults;

	set(&list, d, GCMD, 4, b.commands & ~QIE);
	set(&list, d, IQT, 4, 0);
	set(&list, d, IQA, 8, queue);
	set(&list, d, GCMD, 4, b.commands);
	set(&list, d, IQT, 4, descriptors * DESCRIPTOR_BYTES);
	faults = get(&list, d, FSTS, 4);
	set(&list, d, GCMD, 4, b.commands & ~QIE);
	set(&list, d, FSTS, 4, FSTS_ALL);
	set(&list, d, IQA, 8, b.queue);
	set(&list, d, IQT, 4, b.tail);
	set(&list, d, GCMD, 4, b.commands);
	return with_harmless_queue(d, &b, &list) ? faults->value : ~0ull;
}

static void queue_attack(struct devices *d, const char *name, uint64_t queue, struct pair first)
{
	volatile struct pair *own = (volatile struct pair *)(d->page + QUEUE_AT);
	uint64_t faults;
	bool log;

	own[0].low = first.low;
	own[0].high = first.high;
	attack_log_count(d->a, RV_REASON_NONE, NULL);
	faults = queue_do(d, queue, 1);
	log = attack_log_count(d->a, RV_REASON_VTD_VIRTUAL, NULL) >= 1;
	attack_report(log && all_is_well(d), (long long)faults, "the guest's invalidation queue %s", name);
}

static void queues(struct devices *d)
{
	uint64_t own = d->memory + QUEUE_AT;

	queue_attack(d, "is in the pool", d->a->pool, (struct pair){0, 0});
	queue_attack(d, "is longer than its unit allows", own | 7, (struct pair){0, 0});
	queue_attack(d, "has an unknown descriptor", own, (struct pair){0xf, 0});
	queue_attack(d, "wants the answer in the pool", own,
		     (struct pair){WAIT_STATUS | 0x41414141ull << 32, d->a->pool});
}

/* --- the table -------------------------------------------------------------------------------------------------------- */

static void raise_attacker(struct devices *d, const void *argument)
{
	(void)argument;
	edu_raise(&d->attacker);
}

/** Changes one entry and tells the unit. @return false if it did not answer */
static bool entry_write(struct devices *d, volatile struct pair *entry, uint32_t index, struct pair to)
{
	volatile struct pair *own = (volatile struct pair *)(d->page + QUEUE_AT);
	volatile uint32_t *answer = (volatile uint32_t *)(d->page + ANSWER_AT);

	entry->low = to.low;
	entry->high = to.high;
	*answer = 0;
	own[0].low = INVALIDATE_ENTRY | (uint64_t)index << 32;
	own[0].high = 0;
	own[1].low = WAIT_STATUS | 1ull << 32;
	own[1].high = d->memory + ANSWER_AT;
	return queue_do(d, d->memory + QUEUE_AT, 2) == 0 && *answer == 1;
}

static void entry_attack(struct devices *d, const char *name, uint32_t index, struct pair to, uint32_t reason)
{
	uint64_t table_at = read_register(d, IRTA, 8) & ~PAGE_OFFSETS, count = interrupts_of(&d->attacker), exits;
	volatile uint8_t *page = physical_at(d->a, table_at + index * ENTRY_BYTES / PAGE * PAGE, PAGE);
	volatile struct pair *entry = (volatile struct pair *)(page + index * ENTRY_BYTES % PAGE);
	bool answered, log, none;
	struct pair old;

	if (!page) {
		attack_report(false, 0, "the guest's interrupt table is there");
		return;
	}
	old = (struct pair){entry->low, entry->high};
	attack_log_count(d->a, RV_REASON_NONE, NULL);
	answered = entry_write(d, entry, index, to);
	log = logged(d, reason, index);
	exits = victim_strike(d, raise_attacker, NULL);
	/* An entry of another index leaves the attacker's own in order. */
	none = (interrupts_of(&d->attacker) == count) == (index != LAST_ENTRY);
	answered = entry_write(d, entry, index, old) && answered;
	attack_report(answered && log && exits == 0 && none && all_is_well(d),
		      answered * 8 + log * 4 + (exits == 0) * 2 + none, "the guest's interrupt table has an entry %s",
		      name);
}

static void entries(struct devices *d)
{
	const struct function *f = &d->attacker;
	uint32_t id = d->victim.apic_id;
	uint32_t index = (uint32_t)(f->message_address >> 5 & 0x7fff) | (f->message_address >> 2 & 1) << 15;
	bool wide = (read_register(d, IRTA, 8) & IRTA_EIME) != 0;
	uint64_t core = wide ? (uint64_t)id << 32 : (uint64_t)id << 40;
	uint64_t all = wide ? 0xffffffffull << 32 : 0xffull << 40;
	uint64_t logical = ((uint64_t)(id >> 4) << 16 | 1ull << (id & 15)) << 32;
	uint64_t fixed = ENTRY_PRESENT | ENTRY_VECTOR(0x31), source = 1ull << 18 | f->source_id;

	if (f->message_address & MSI_SUBHANDLE)
		index += f->message_data;
	entry_attack(d, "for the core of a FIMCE", index, (struct pair){fixed | core, source},
		     RV_REASON_VTD_ENTRY_TARGET);
	entry_attack(d, "for all cores", index, (struct pair){fixed | all, source}, RV_REASON_VTD_ENTRY_TARGET);
	/* In xAPIC mode the core has no logical address. */
	if (wide)
		entry_attack(d, "for the core by its logical address", index,
			     (struct pair){fixed | ENTRY_LOGICAL | logical, source}, RV_REASON_VTD_ENTRY_TARGET);
	entry_attack(d, "that is an NMI", index, (struct pair){fixed | ENTRY_NMI | core, source},
		     RV_REASON_VTD_ENTRY_DELIVERY);
	entry_attack(d, "with an exception's vector", index, (struct pair){ENTRY_PRESENT | ENTRY_VECTOR(8), source},
		     RV_REASON_VTD_ENTRY_DELIVERY);
	entry_attack(d, "for whatever device uses it", index, (struct pair){fixed, 0}, RV_REASON_VTD_ENTRY_SOURCE);
	entry_attack(d, "in posted format", index, (struct pair){fixed | ENTRY_POSTED, source},
		     RV_REASON_VTD_ENTRY_FORMAT);
	entry_attack(d, "among Ravelin's", LAST_ENTRY, (struct pair){fixed, source}, RV_REASON_VTD_ENTRY_INDEX);
}

void attack_unit(struct devices *d)
{
	registers(d);
	queues(d);
	entries(d);
	victim_end(d);
	attack_report(d->victim.wrong == 0, d->victim.wrong, "the results of all %u FIMCEs attacked so far are right",
		      d->victim.runs);
}
