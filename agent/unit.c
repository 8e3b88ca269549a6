/* SPDX-License-Identifier: GPL-2.0-only */
/* unit.c - the guest's remapping units; see unit.h. */
#include <agent/unit.h>
#include <hv/hypercall.h>

#define VERSION 0x10u
#define NO_COMMAND 1u /* a reserved bit: every store of a command shows, 0 included */
#define IOTLB_AT 0x10ull /* IRO, in 16 bytes: registers that the guest has no use for */
#define FAULTS_AT 0x22ull /* FRO, in 16 bytes: one record, never used */
#define QUEUE_SIZE 7u /* QS: 2^QS pages */
#define QUEUE_WIDE (1ull << 11) /* DW: descriptors of 256 bits */
/* Registers of four bytes that keep what is written: events (never sent) from FECTL and IECTL, IQT, IQA, IRTA. */
#define KEPT (0xfull << VTD_FECTL / 4 | 0xfull << VTD_IECTL / 4 | 0xfull << VTD_IQT / 4 | 3ull << VTD_IRTA / 4)
#define HANDLE_MASK_MAX 15ull
#define NO_PAGE (~0u)
#define RANGE_MAX 16u /* larger ranges: the whole table */

/* One round of work for a unit: what it is, and what comes of it. */
struct run {
	const struct vtd *v;
	const struct vtd_unit *unit;
	struct vtd_virtual_state *g;
	struct agent_unit *m;
	uint32_t end; /* of the guest's entries */
	/* A page of the guest's table, and which. */
	const volatile struct vtd_pair *page;
	uint32_t page_number;
	bool more; /* the answer is full, or root mode has something to do first: what is left is for the next round */
};

static uint32_t *reg32(const struct run *r, uint32_t offset)
{
	return (uint32_t *)r->g->file + offset / 4;
}

static uint64_t *reg64(const struct run *r, uint32_t offset)
{
	return &r->g->file[offset / 8];
}

static void refuse(const struct run *r, uint32_t reason, uint64_t a, uint64_t b, uint64_t c)
{
	r->m->refusal = (struct refusal){reason, {a, b, c}};
}

/* The guest's memory at this address, up to the end of the page; NULL if it is not the guest's RAM. */
static const volatile void *guest_at(uint64_t gpa)
{
	if (!hypercall_is_guest_ram(gpa & PAGE_MASK))
		return NULL;
	return pa_pointer(pa_make(gpa));
}

/* Reads an entry of the guest, once; it is absent where it has no table. */
static void shadow(struct run *r, uint32_t index)
{
	uint32_t size = r->g->table != 0 ? 2u << (r->g->table & IRTA_SIZE) : 0, why;
	struct vtd_pair wanted = {0, 0}, entry, live = *vtd_pair_at(r->unit->interrupts, index % r->v->entries);
	uint32_t page = index / VTD_PAIRS_PER_PAGE;

	if (r->page_number != page) {
		r->page = guest_at((r->g->table & ENTRY_ADDRESS) + (uint64_t)page * RV_PAGE_SIZE);
		r->page_number = page;
	}
	if (r->page != NULL && index < size)
		wanted = (struct vtd_pair){r->page[index % VTD_PAIRS_PER_PAGE].low,
					   r->page[index % VTD_PAIRS_PER_PAGE].high};
	/* By far the most. */
	if (!(wanted.low & IRTE_P) && live.low == 0 && live.high == 0)
		return;
	why = vtd_entry_check(r->v, r->unit, index, wanted, &entry);
	if (why != RV_REASON_NONE)
		refuse(r, why, index, wanted.low, wanted.high);
	if (index >= r->end)
		return;
	if (live.low != entry.low || live.high != entry.high)
		r->m->entry[r->m->entries++] = (struct agent_entry){index, entry};
}

static bool has_room(const struct run *r, uint32_t entries)
{
	return AGENT_ENTRIES - r->m->entries >= entries;
}

/* The whole table, as far as it was not looked at yet. */
static void sync_run(struct run *r)
{
	for (; r->g->next < r->end && has_room(r, 1); r->g->next++)
		shadow(r, r->g->next);
	r->more |= r->g->next < r->end;
}

/* The entries that a descriptor names. */
static void invalidate(struct run *r, uint64_t low)
{
	uint32_t count = 1u << (low >> INTERRUPT_MASK_SHIFT & 31), first = (uint32_t)(low >> INTERRUPT_INDEX_SHIFT);

	/* The whole table was looked at: it holds all that was asked for before this exit. */
	if (r->g->all)
		return;
	r->g->all = !(low & INTERRUPT_INDEXED) || count > RANGE_MAX;
	if (r->g->all) {
		r->g->next = 0;
		sync_run(r);
		return;
	}
	first &= 0xffff & ~(count - 1);
	for (uint32_t i = first; i < first + count && i < VTD_MAX_ENTRIES; i++)
		shadow(r, i);
}

/* @return false if the unit has to stop at this descriptor. */
static bool descriptor_run(struct run *r, struct vtd_pair d)
{
	uint32_t type = DESCRIPTOR_TYPE(d.low);

	if (type == DESCRIPTOR_INTERRUPT)
		invalidate(r, d.low);
	/* Context cache, IOTLB, device TLB: of tables that this unit does not have. */
	if (type != DESCRIPTOR_WAIT)
		return type >= DESCRIPTOR_CONTEXT && type <= DESCRIPTOR_INTERRUPT;
	if (!(d.low & WAIT_STATUS))
		return true;
	if (guest_at(d.high & ~3ull) == NULL)
		return false;
	/* Root mode writes it when all before it holds. */
	r->m->answer[r->m->answers++] = (struct agent_answer){d.high & ~3ull, (uint32_t)(d.low >> WAIT_STATUS_SHIFT)};
	return true;
}

static void queue_run(struct run *r)
{
	uint64_t bytes = (uint64_t)RV_PAGE_SIZE << (r->g->queue & QUEUE_SIZE), *head = reg64(r, VTD_IQH);
	uint64_t tail = *reg64(r, VTD_IQT) & (bytes - sizeof(struct vtd_pair));

	while (!r->more && *head != tail && (*reg32(r, VTD_GSTS) & GCMD_QIE) && !(*reg32(r, VTD_FSTS) & FSTS_IQE)) {
		const volatile struct vtd_pair *d = guest_at((r->g->queue & ENTRY_ADDRESS) + *head);

		if (!has_room(r, RANGE_MAX) || r->m->answers == AGENT_ANSWERS) {
			r->more = true;
			break;
		}
		if (d == NULL || !descriptor_run(r, (struct vtd_pair){d->low, d->high})) {
			refuse(r, RV_REASON_VTD_VIRTUAL, VTD_IQH, *head, 0);
			*reg32(r, VTD_FSTS) |= FSTS_IQE;
			break;
		}
		*head = (*head + sizeof(struct vtd_pair)) & (bytes - 1);
	}
}

/* GCMD: 11.4.4. Commands for what this unit does not have (DMA translation) get no answer. */
static void command(struct run *r, uint32_t value)
{
	uint32_t *gsts = reg32(r, VTD_GSTS), lasting = *gsts & (GCMD_QIE | GCMD_IRE);
	struct vtd_virtual_state *g = r->g;

	if (value & (GCMD_TE | GCMD_SRTP | GCMD_CFI))
		refuse(r, RV_REASON_VTD_VIRTUAL, VTD_GCMD, value, 0);
	if (value & ~lasting & GCMD_QIE) {
		g->queue = *reg64(r, VTD_IQA);
		if ((g->queue & QUEUE_WIDE) || 1u << (g->queue & QUEUE_SIZE) > UNIT_QUEUE_PAGES) {
			refuse(r, RV_REASON_VTD_VIRTUAL, VTD_IQA, g->queue, 0);
			value &= ~GCMD_QIE;
		}
	}
	if ((value ^ lasting) & GCMD_QIE)
		*reg64(r, VTD_IQH) = 0;
	if (value & GCMD_SIRTP) {
		g->table = *reg64(r, VTD_IRTA);
		g->next = 0;
		r->page_number = NO_PAGE;
		/* Entries are read in the format that the unit has: this first, if it is another one. */
		r->m->change_eime = ((g->table & IRTA_EIME) != 0 && r->v->eim) != r->unit->eime;
		r->more = r->m->change_eime;
		if (!r->more)
			sync_run(r);
	}
	*gsts = (*gsts & GCMD_SIRTP) | (value & (GCMD_QIE | GCMD_IRE | GCMD_SIRTP));
	queue_run(r);
}

static void write_32(struct run *r, uint32_t offset, uint32_t value)
{
	if (offset == VTD_GCMD)
		command(r, value);
	else if (offset == VTD_FSTS)
		*reg32(r, VTD_FSTS) &= ~(value & FSTS_QUEUE);
	else if (KEPT >> (offset / 4) & 1)
		*reg32(r, offset) = value;
	if (offset == VTD_FSTS || offset == VTD_IQT)
		queue_run(r);
}

static struct run run_begin(const struct vtd *v, const struct vtd_virtual *g, struct agent_unit *m)
{
	m->state = g->state;
	return (struct run){v, g->unit, &m->state, m, v->entries - VTD_RESERVED_ENTRIES, NULL, NO_PAGE, false};
}

int64_t unit_stored(const struct vtd *v, const struct vtd_virtual *g, struct agent_unit *m)
{
	struct run r = run_begin(v, g, m);
	uint32_t seen[VTD_REGISTERS_MIN / 4];

	memcpy(seen, pa_pointer(g->page), sizeof(seen));
	r.g->all = false;
	/* Downwards: addresses and sizes before what makes the unit use them. */
	for (uint32_t i = VTD_REGISTERS_MIN / 4; i-- > 0;) {
		if (i == m->offset / 4 || seen[i] != *reg32(&r, i * 4))
			write_32(&r, i * 4, seen[i]);
	}
	return r.more;
}

int64_t unit_continue(const struct vtd *v, const struct vtd_virtual *g, struct agent_unit *m)
{
	struct run r = run_begin(v, g, m);

	sync_run(&r);
	queue_run(&r);
	return r.more;
}

int64_t unit_begin(const struct vtd *v, const struct vtd_virtual *g, struct agent_unit *m)
{
	struct run r = run_begin(v, g, m);
	pa_t base = g->unit->base;
	uint32_t real = vtd_read32(base, VTD_GSTS);

	*reg32(&r, VTD_VER) = VERSION;
	*reg64(&r, VTD_CAP) = CAP_CM | FAULTS_AT << 24 | (g->unit->cap & CAP_ND);
	*reg64(&r, VTD_ECAP) =
	    ECAP_C | ECAP_QI | ECAP_IR | (v->eim ? ECAP_EIM : 0) | IOTLB_AT << 8 | HANDLE_MASK_MAX << 20;
	*reg32(&r, VTD_GCMD) = NO_COMMAND;
	*reg32(&r, VTD_FECTL) = EVENT_MASK;
	*reg32(&r, VTD_IECTL) = EVENT_MASK;
	/* What the guest did with the real unit before the launch. */
	*reg64(&r, VTD_IQA) = r.g->queue = vtd_read64(base, VTD_IQA);
	*reg64(&r, VTD_IRTA) = vtd_read64(base, VTD_IRTA);
	*reg64(&r, VTD_IQT) = vtd_read32(base, VTD_IQT);
	*reg64(&r, VTD_IQH) = *reg64(&r, VTD_IQT); /* vtd_start has the real unit finish what is in the queue */
	*reg32(&r, VTD_GSTS) = real & (GCMD_QIE | GCMD_IRE | GCMD_SIRTP);
	r.page_number = NO_PAGE;
	r.g->table = real & GCMD_SIRTP ? *reg64(&r, VTD_IRTA) : 0;
	sync_run(&r);
	return r.more;
}
