/* SPDX-License-Identifier: GPL-2.0-only */
/* fimce.c - building, sealing and ending FIMCEs; see fimce.h. Running them is in fimce_run.c. */
#include <hv/dim.h>
#include <hv/fimce_tables.h>
#include <hv/hypercall.h>
#include <hv/manager.h>
#include <hv/x86/regs.h>

#define ID_MAX 0xfff0u /* struct row keeps 16 bits; SHARED_ALL is above */
#define FIRST_VPID 2u /* 0 is root mode's, 1 the guest's */
#define ROUND_PAGES(bytes) ((uint32_t)(((uint64_t)(bytes) + RV_PAGE_SIZE - 1) >> RV_PAGE_SHIFT))

struct fimce *fimce_find(uint32_t id)
{
	for (uint32_t i = 0; id != 0 && i < RV_MAX_FIMCES; i++) {
		if (hv.fimce[i].id == id)
			return &hv.fimce[i];
	}
	return NULL;
}

static struct fimce *slot_find(void)
{
	for (uint32_t i = 0; i < RV_MAX_FIMCES; i++) {
		if (hv.fimce[i].id == 0) {
			memset(&hv.fimce[i], 0, sizeof(hv.fimce[i]));
			hv.fimce[i].vpid = (uint16_t)(FIRST_VPID + i);
			return &hv.fimce[i];
		}
	}
	return NULL;
}

/* Ids stay below those that rows use for other things, and are used again only after all others. */
static uint32_t id_new(void)
{
	do {
		hv.next_fimce_id = hv.next_fimce_id >= ID_MAX ? 1 : hv.next_fimce_id + 1;
	} while (fimce_find(hv.next_fimce_id) != NULL);
	return hv.next_fimce_id;
}

static bool size_ok(uint64_t bytes, uint64_t max)
{
	return bytes <= max && bytes % RV_PAGE_SIZE == 0;
}

static int64_t create_check(struct percpu *cpu, const struct rv_fimce_create *c)
{
	uint64_t bad = ~0ull;

	if (c->size != sizeof(*c) || c->flags != 0 || c->reserved != 0)
		bad = c->size;
	else if (c->load_bytes == 0 || !size_ok(c->load_bytes, RV_FIMCE_MAX_LOAD))
		bad = c->load_bytes;
	else if (!size_ok(c->output_bytes, RV_FIMCE_MAX_OUTPUT))
		bad = c->output_bytes;
	else if (c->stack_bytes == 0 || !size_ok(c->stack_bytes, RV_FIMCE_MAX_STACK))
		bad = c->stack_bytes;
	else if (c->target_count > RV_FIMCE_MAX_TARGETS || (c->target_count != 0) != (c->targets != 0))
		bad = c->target_count;
	else if (c->budget_us == 0 || c->budget_us > RV_FIMCE_MAX_BUDGET_US)
		bad = (uint32_t)c->budget_us; /* never the mark for "nothing is bad" */
	if (bad != ~0ull)
		return hypercall_refuse(cpu, -RV_EINVAL, RV_REASON_FIMCE_SIZE, bad);
	return 0;
}

static int64_t pages_get(struct percpu *cpu, uint32_t pages, uint32_t owner, pa_t *base)
{
	int error = partition_allocate(&hv.partition, pages, owner, base);

	if (error)
		return hypercall_refuse(cpu, error,
					error == -RV_ENOMEM ? RV_REASON_POOL_EMPTY : RV_REASON_PARTITION_FULL, pages);
	return 0;
}

static void pages_put(pa_t base, uint32_t pages)
{
	if (pages != 0)
		partition_release(&hv.partition, base, (uint64_t)pages << RV_PAGE_SHIFT);
}

/* Copies the caller's list of target pages into the hypervisor's own and checks what does not need the partition table. */
static int64_t targets_load(struct percpu *cpu, struct fimce *f, const struct rv_fimce_create *c)
{
	uint32_t bytes = c->target_count * (uint32_t)sizeof(struct rv_target_page);
	struct rv_target_page *list;
	int64_t error;

	if (c->target_count == 0)
		return 0;
	error = frames_load(cpu, c->targets);
	if (error)
		return error;
	if (cpu->frames.bytes < bytes)
		return hypercall_refuse(cpu, -RV_EINVAL, RV_REASON_HC_BUFFER_SMALL, bytes);
	error = pages_get(cpu, ROUND_PAGES(bytes), OWNER_HYPERVISOR, &f->target_list);
	if (error)
		return error;
	f->target_list_pages = ROUND_PAGES(bytes);
	list = pa_pointer(f->target_list);
	frames_read(cpu, list, bytes);
	for (uint32_t i = 0; i < c->target_count; i++) {
		const struct rv_target_page *t = &list[i];
		bool ordered = i == 0 || t->va > list[i - 1].va;
		bool kind = t->kind >= RV_TARGET_TEXT && t->kind <= RV_TARGET_FRESH;

		if (!ordered || !kind || t->reserved != 0 || (t->va & ~PAGE_MASK) != 0 || t->va == 0 ||
		    t->va >> 47 != 0)
			return hypercall_refuse(cpu, -RV_EINVAL, RV_REASON_FIMCE_TARGET, i);
	}
	return 0;
}

/* What a FIMCE's memory consists of, in pages. */
struct layout {
	uint32_t devices, targets, threads, data, stack, input, output, load;
	uint32_t argument_offset, input_bytes;
};

static int64_t memory_get(struct percpu *cpu, struct fimce *f, const struct layout *l)
{
	uint32_t fpu = ROUND_PAGES(hv.xsave_bytes), bitmaps = f->grant_count != 0 ? 2 : 0;
	int64_t error;
	pa_t at;

	f->tables_total = fimce_tables_count(f, l->load);
	f->control_pages = 1 + fpu + f->tables_total + bitmaps;
	f->memory_pages =
	    2 + l->devices + l->targets + l->threads + l->data + l->stack + l->input + l->output + l->load;
	error = pages_get(cpu, f->control_pages, OWNER_HYPERVISOR, &f->control);
	if (error) {
		f->control_pages = 0;
		f->memory_pages = 0;
		return error;
	}
	error = pages_get(cpu, f->memory_pages, OWNER_FIMCE(f->id), &f->memory);
	if (error) {
		f->memory_pages = 0;
		return error;
	}
	f->vmcs = f->control;
	f->fpu = pa_add(f->vmcs, RV_PAGE_SIZE);
	f->tables = pa_add(f->fpu, (uint64_t)fpu << RV_PAGE_SHIFT);
	if (bitmaps != 0)
		f->io_bitmaps = pa_add(f->tables, (uint64_t)f->tables_total << RV_PAGE_SHIFT);
	at = f->memory;
	pa_t *piece[] = {&f->param, &f->mailbox, &f->devices, &f->targets, &f->threads,
			 &f->data,  &f->stack,   &f->input,   &f->output,  &f->load};
	const uint32_t pages[] = {1,       1,        l->devices, l->targets, l->threads,
				  l->data, l->stack, l->input,   l->output,  l->load};

	for (uint32_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		*piece[i] = at;
		at = pa_add(at, (uint64_t)pages[i] << RV_PAGE_SHIFT);
	}
	return 0;
}

static pa_t manager_pa(uint32_t page)
{
	return pa_make((uint64_t)&manager_start - RV_HV_BASE + hv.launch.pool_base + ((uint64_t)page << RV_PAGE_SHIFT));
}

/* The page table before the seal: only the manager can be executed. */
static void memory_map(struct fimce *f, const struct layout *l)
{
	const struct rv_manager_header *m = &manager_start;
	uint64_t at = RV_FIMCE_MANAGER;

	fimce_tables_map(f, at, manager_pa(0), m->text_pages, FIMCE_PTE_RX);
	at += (uint64_t)m->text_pages << RV_PAGE_SHIFT;
	fimce_tables_map(f, at, manager_pa(m->text_pages), m->rodata_pages, FIMCE_PTE_R);
	at += (uint64_t)m->rodata_pages << RV_PAGE_SHIFT;
	fimce_tables_map(f, at, f->data, l->data, FIMCE_PTE_RW);
	fimce_tables_map(f, RV_FIMCE_PARAM, f->param, 1, FIMCE_PTE_R);
	fimce_tables_map(f, RV_FIMCE_MAILBOX, f->mailbox, 1, FIMCE_PTE_RW);
	fimce_tables_map(f, RV_FIMCE_DEVICES, f->devices, l->devices, FIMCE_PTE_R);
	fimce_tables_map(f, RV_FIMCE_TARGETS, f->targets, l->targets, FIMCE_PTE_R);
	fimce_tables_map(f, RV_FIMCE_THREADS, f->threads, l->threads, FIMCE_PTE_R);
	fimce_tables_map(f, RV_FIMCE_STACK_TOP - ((uint64_t)l->stack << RV_PAGE_SHIFT), f->stack, l->stack,
			 FIMCE_PTE_RW);
	fimce_tables_map(f, RV_FIMCE_INPUT, f->input, l->input, FIMCE_PTE_R);
	fimce_tables_map(f, RV_FIMCE_OUTPUT, f->output, l->output, FIMCE_PTE_RW);
	fimce_tables_map(f, RV_FIMCE_LOAD, f->load, l->load, FIMCE_PTE_RW);
}

/* All pages are zero when they come from the pool. */
static void memory_fill(struct fimce *f, const struct layout *l, const struct rv_fimce_create *c, uint32_t mode)
{
	const struct rv_manager_header *m = &manager_start;
	const uint8_t *data = (const uint8_t *)m + (uint64_t)(m->text_pages + m->rodata_pages) * RV_PAGE_SIZE;
	struct rv_fimce_param *p = &f->values;
	uint8_t *fpu = pa_pointer(f->fpu);

	*p = (struct rv_fimce_param){.abi_version = RV_ABI_VERSION,
				     .mode = mode,
				     .id = f->id,
				     .input_bytes = l->input_bytes,
				     .argument_offset = l->argument_offset,
				     .load_bytes = l->load * RV_PAGE_SIZE,
				     .output_bytes = l->output * RV_PAGE_SIZE,
				     .stack_bytes = l->stack * RV_PAGE_SIZE,
				     .budget_us = c->budget_us,
				     .target_count = c->target_count,
				     .target_bias_valid = c->target_bias_valid,
				     .target_bias = c->target_bias};
	memcpy(p->trust_anchor, hv.launch.trust_anchor, RV_DIGEST_SIZE);
	memcpy(p->journal_head, hv.journal.head.head, RV_DIGEST_SIZE);
	memcpy(pa_pointer(f->param), p, sizeof(*p));
	memcpy(pa_pointer(f->targets), pa_pointer(f->target_list), c->target_count * sizeof(struct rv_target_page));
	memcpy(pa_pointer(f->data), data, m->data_file_bytes);
	*(uint32_t *)(void *)(fpu + 24) = 0x1f80; /* MXCSR: all SIMD exceptions masked */
	f->regs.gpr[RDI] = RV_FIMCE_PARAM;
	f->state = RV_FIMCE_BUILT;
}

static int64_t build(struct percpu *cpu, struct fimce *f, const struct rv_fimce_create *c, struct layout *l,
		     uint32_t mode)
{
	int64_t error;

	l->devices = f->grant_count != 0;
	l->targets = ROUND_PAGES(c->target_count * sizeof(struct rv_target_page));
	l->threads = c->target_count != 0 ? ROUND_PAGES(sizeof(struct rv_threads)) : 0;
	l->data = manager_start.data_pages;
	l->stack = ROUND_PAGES(c->stack_bytes);
	l->input = ROUND_PAGES(l->input_bytes);
	l->output = ROUND_PAGES(c->output_bytes);
	l->load = ROUND_PAGES(c->load_bytes);
	error = memory_get(cpu, f, l);
	if (error)
		return error;
	memory_fill(f, l, c, mode);
	memory_map(f, l);
	device_build(f);
	return 0;
}

static void memory_put(struct fimce *f)
{
	pages_put(f->memory, f->memory_pages);
	pages_put(f->control, f->control_pages);
	pages_put(f->target_list, f->target_list_pages);
	f->id = 0;
	f->state = RV_FIMCE_EMPTY;
}

int64_t fimce_create(struct percpu *cpu, const struct rv_fimce_create *c)
{
	struct layout l = {0};
	int64_t error = create_check(cpu, c);
	struct fimce *f = slot_find();

	if (error)
		return error;
	if (f == NULL)
		return hypercall_refuse(cpu, -RV_ENOSPC, RV_REASON_FIMCE_SLOTS, RV_MAX_FIMCES);
	f->id = id_new();
	error = targets_load(cpu, f, c);
	if (!error)
		error = frames_load(cpu, c->input);
	if (!error) {
		l.input_bytes = cpu->frames.bytes;
		l.argument_offset = c->argument_offset;
		if (l.input_bytes == 0 || l.argument_offset > l.input_bytes ||
		    (l.argument_offset % 16 != 0 && l.argument_offset != l.input_bytes))
			error = hypercall_refuse(cpu, -RV_EINVAL, RV_REASON_FIMCE_SIZE, l.argument_offset);
	}
	error = error ? error : device_take(cpu, f, c);
	if (!error) {
		error = build(cpu, f, c, &l, RV_MODE_IMAGE);
		if (error)
			(void)device_return(cpu, f);
	}
	if (error) {
		memory_put(f);
		return error;
	}
	/* From here on the guest's copy of the input is never looked at again. */
	frames_read(cpu, pa_pointer(f->input), l.input_bytes);
	device_reset(cpu, f);
	return f->id;
}

int64_t fimce_create_journal(struct percpu *cpu, const void *records, uint32_t bytes)
{
	struct rv_fimce_create c = {.stack_bytes = 16 * RV_PAGE_SIZE, .load_bytes = RV_PAGE_SIZE, .budget_us = 1000000};
	struct layout l = {.input_bytes = bytes, .argument_offset = bytes};
	struct fimce *f = slot_find();
	int64_t error;

	if (f == NULL)
		return hypercall_refuse(cpu, -RV_ENOSPC, RV_REASON_FIMCE_SLOTS, RV_MAX_FIMCES);
	f->id = id_new();
	error = build(cpu, f, &c, &l, RV_MODE_JOURNAL);
	if (error) {
		memory_put(f);
		return error;
	}
	memcpy(pa_pointer(f->input), records, bytes);
	return f->id;
}

void fimce_destroy(struct percpu *cpu, struct fimce *f)
{
	dim_return(cpu, f);
	f->state = RV_FIMCE_SCRUBBED;
	memory_put(f);
}

uint32_t fimce_state(const struct fimce *f)
{
	return f->cpu != NULL ? RV_FIMCE_RUNNING : f->state;
}

void fimce_status_fill(const struct fimce *f, struct rv_fimce_status *to)
{
	*to = f->status;
	to->id = f->id;
	to->state = fimce_state(f);
	to->update = f->update;
	to->target_pages = f->values.target_count;
}
