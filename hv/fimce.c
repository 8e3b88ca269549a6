/* SPDX-License-Identifier: GPL-2.0-only */
/* fimce.c - building, sealing and ending FIMCEs; see fimce.h. Running them is in fimce_run.c. */
#include <hv/agent.h>
#include <hv/dim.h>
#include <hv/fimce_tables.h>
#include <hv/hypercall.h>
#include <hv/manager.h>

#define ID_MAX 0xfff0u /* struct row keeps 16 bits; SHARED_ALL is above */
#define AGENT_ID (ID_MAX + 1)
#define FIRST_VPID 2u /* 0 is root mode's, 1 the guest's */
#define AGENT_VPID (FIRST_VPID + RV_MAX_FIMCES)
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

static int64_t pages_get(struct percpu *cpu, uint32_t pages, uint32_t owner, pa_t *base, uint32_t *got)
{
	int error = partition_allocate(&hv.partition, pages, owner, base);

	*got = error ? 0 : pages;
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
	error = pages_get(cpu, ROUND_PAGES(bytes), OWNER_HYPERVISOR, &f->target_list, &f->target_list_pages);
	if (error)
		return error;
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

/* Its memory, and the page table before the seal: only the manager can be executed. */
static int64_t memory_get(struct percpu *cpu, struct fimce *f, const struct rv_fimce_create *c, uint32_t input_bytes)
{
	const struct rv_manager_header *m = &manager_start;
	pa_t text = pa_make((uint64_t)m - RV_HV_BASE + hv.launch.pool_base), at;
	uint64_t text_bytes = (uint64_t)m->text_pages << RV_PAGE_SHIFT;
	uint64_t rodata_bytes = (uint64_t)m->rodata_pages << RV_PAGE_SHIFT;
	const struct {
		pa_t *at;
		uint64_t va, flags;
		uint32_t pages;
	} piece[] = {
	    {&f->param, RV_FIMCE_PARAM, FIMCE_PTE_R, 1},
	    {&f->mailbox, RV_FIMCE_MAILBOX, FIMCE_PTE_RW, 1},
	    {&f->devices, RV_FIMCE_DEVICES, FIMCE_PTE_R, f->grant_count != 0},
	    {&f->targets, RV_FIMCE_TARGETS, FIMCE_PTE_R, ROUND_PAGES(c->target_count * sizeof(struct rv_target_page))},
	    {&f->threads, RV_FIMCE_THREADS, FIMCE_PTE_R,
	     c->target_count != 0 ? ROUND_PAGES(sizeof(struct rv_threads)) : 0},
	    {&f->data, RV_FIMCE_MANAGER + text_bytes + rodata_bytes, FIMCE_PTE_RW, m->data_pages},
	    {&f->stack, RV_FIMCE_STACK_TOP - c->stack_bytes, FIMCE_PTE_RW, ROUND_PAGES(c->stack_bytes)},
	    {&f->input, RV_FIMCE_INPUT, FIMCE_PTE_R, ROUND_PAGES(input_bytes)},
	    {&f->output, RV_FIMCE_OUTPUT, FIMCE_PTE_RW, ROUND_PAGES(c->output_bytes)},
	    {&f->load, RV_FIMCE_LOAD, FIMCE_PTE_RW, ROUND_PAGES(c->load_bytes)},
	};
	uint32_t fpu = ROUND_PAGES(hv.xsave_bytes), bitmaps = f->grant_count != 0 || f == &hv.agent ? 2 : 0, pages = 0;
	int64_t error;

	for (uint32_t i = 0; i < sizeof(piece) / sizeof(piece[0]); i++)
		pages += piece[i].pages;
	f->tables_total = fimce_tables_count(f, ROUND_PAGES(c->load_bytes));
	error = pages_get(cpu, 1 + fpu + f->tables_total + bitmaps, OWNER_HYPERVISOR, &f->control, &f->control_pages);
	error = error ? error : pages_get(cpu, pages, OWNER_FIMCE(f->id), &f->memory, &f->memory_pages);
	if (error)
		return error;
	f->vmcs = f->control;
	f->fpu = pa_add(f->vmcs, RV_PAGE_SIZE);
	f->tables = pa_add(f->fpu, (uint64_t)fpu << RV_PAGE_SHIFT);
	if (bitmaps != 0)
		f->io_bitmaps = pa_add(f->tables, (uint64_t)f->tables_total << RV_PAGE_SHIFT);
	fimce_tables_map(f, RV_FIMCE_MANAGER, text, m->text_pages, FIMCE_PTE_RX);
	fimce_tables_map(f, RV_FIMCE_MANAGER + text_bytes, pa_add(text, text_bytes), m->rodata_pages, FIMCE_PTE_R);
	at = f->memory;
	for (uint32_t i = 0; i < sizeof(piece) / sizeof(piece[0]); i++) {
		*piece[i].at = at;
		fimce_tables_map(f, piece[i].va, at, piece[i].pages, piece[i].flags);
		at = pa_add(at, (uint64_t)piece[i].pages << RV_PAGE_SHIFT);
	}
	return 0;
}

static int64_t build(struct percpu *cpu, struct fimce *f, const struct rv_fimce_create *c, uint32_t input_bytes,
		     uint32_t mode)
{
	const struct rv_manager_header *m = &manager_start;
	const uint8_t *data = (const uint8_t *)m + (uint64_t)(m->text_pages + m->rodata_pages) * RV_PAGE_SIZE;
	struct rv_fimce_param *p = &f->values;
	int64_t error = memory_get(cpu, f, c, input_bytes);

	if (error)
		return error;
	*p = (struct rv_fimce_param){.abi_version = RV_ABI_VERSION,
				     .mode = mode,
				     .id = f->id,
				     .input_bytes = input_bytes,
				     .argument_offset = c->argument_offset,
				     .load_bytes = c->load_bytes,
				     .output_bytes = c->output_bytes,
				     .stack_bytes = c->stack_bytes,
				     .budget_us = c->budget_us,
				     .target_count = c->target_count,
				     .target_bias_valid = c->target_bias_valid,
				     .target_bias = c->target_bias};
	memcpy(p->trust_anchor, hv.launch.trust_anchor, RV_DIGEST_SIZE);
	memcpy(p->journal_head, hv.journal.head.head, RV_DIGEST_SIZE);
	/* All pages are zero when they come from the pool. */
	memcpy(pa_pointer(f->param), p, sizeof(*p));
	memcpy(pa_pointer(f->targets), pa_pointer(f->target_list), c->target_count * sizeof(struct rv_target_page));
	memcpy(pa_pointer(f->data), data, m->data_file_bytes);
	((uint32_t *)pa_pointer(f->fpu))[6] = 0x1f80; /* MXCSR: all SIMD exceptions masked */
	f->regs.gpr[RDI] = RV_FIMCE_PARAM;
	f->state = RV_FIMCE_BUILT;
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
	int64_t error = create_check(cpu, c);
	struct fimce *f = slot_find();
	uint32_t bytes;

	if (error)
		return error;
	if (f == NULL)
		return hypercall_refuse(cpu, -RV_ENOSPC, RV_REASON_FIMCE_SLOTS, RV_MAX_FIMCES);
	f->id = id_new();
	error = targets_load(cpu, f, c);
	error = error ? error : frames_load(cpu, c->input);
	bytes = cpu->frames.bytes;
	if (!error &&
	    (bytes == 0 || c->argument_offset > bytes || (c->argument_offset % 16 != 0 && c->argument_offset != bytes)))
		error = hypercall_refuse(cpu, -RV_EINVAL, RV_REASON_FIMCE_SIZE, c->argument_offset);
	error = error ? error : device_take(cpu, f, c);
	if (!error) {
		error = build(cpu, f, c, bytes, RV_MODE_IMAGE);
		if (error)
			(void)device_return(cpu, f);
	}
	if (error) {
		memory_put(f);
		return error;
	}
	/* From here on the guest's copy of the input is never looked at again. */
	frames_read(cpu, pa_pointer(f->input), bytes);
	device_reset(cpu, f);
	return f->id;
}

/* One of root mode's own. */
static int64_t own_build(struct percpu *cpu, struct fimce *f, uint32_t mode, uint32_t input_bytes)
{
	const struct rv_fimce_create c = {.argument_offset = input_bytes,
					  .stack_bytes = 16 * RV_PAGE_SIZE,
					  .load_bytes = RV_PAGE_SIZE,
					  .budget_us = 1000000};
	int64_t error = build(cpu, f, &c, input_bytes, mode);

	if (error)
		memory_put(f);
	return error;
}

int64_t fimce_create_journal(struct percpu *cpu, const void *records, uint32_t bytes)
{
	struct fimce *f = slot_find();
	int64_t error;

	if (f == NULL)
		return hypercall_refuse(cpu, -RV_ENOSPC, RV_REASON_FIMCE_SLOTS, RV_MAX_FIMCES);
	f->id = id_new();
	error = own_build(cpu, f, RV_MODE_JOURNAL, bytes);
	if (error)
		return error;
	memcpy(pa_pointer(f->input), records, bytes);
	return f->id;
}

int fimce_create_agent(struct percpu *cpu)
{
	struct fimce *f = &hv.agent;
	int64_t error;

	f->id = AGENT_ID;
	f->vpid = AGENT_VPID;
	error = own_build(cpu, f, RV_MODE_IMAGE, 0);
	if (error)
		return (int)error;
	fimce_tables_view(f);
	f->sealed = true;
	f->fpu = pa_make(0);
	return 0;
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
