/* SPDX-License-Identifier: GPL-2.0-only */
/* hypercall.c - see hypercall.h. Every argument is checked here or in the function that it is handed to. */
#include <hv/agent.h>
#include <hv/audit.h>
#include <hv/dim.h>
#include <hv/exits.h>
#include <hv/hypercall.h>
#include <hv/iommu.h>
#include <hv/journal.h>
#include <hv/percpu.h>

#define TAKE_PATIENCE_US 100000u
#define RESEND_US 50u

int64_t hypercall_refuse(struct percpu *cpu, int64_t error, uint32_t reason, uint64_t value)
{
	cpu->refusal.reason = reason;
	cpu->refusal.value[0] = value;
	return error;
}

/* Pages next to each other share RAM extent and row: what was found for one is kept for the next. */
struct guest_ram {
	uint64_t low, high; /* all of it is RAM that the guest owns with all rights */
};

static __attribute__((noinline)) bool guest_ram_find(struct guest_ram *known, uint64_t page)
{
	if ((page & ~PAGE_MASK) != 0)
		return false;
	for (uint32_t i = 0; i < hv.launch.ram_count; i++) {
		const struct rv_launch_ram *r = &hv.launch.ram[i];
		uint64_t end = (r->base + r->bytes) & PAGE_MASK;
		const struct row *row;

		if (page < r->base || page >= end)
			continue;
		row = partition_find(&hv.partition, pa_make(page));
		if (row == NULL || row->owner != OWNER_GUEST || row->perm != PERM_RWX || row->isolated)
			return false;
		known->low = page;
		known->high = row->base + row->size < end ? row->base + row->size : end;
		return true;
	}
	return false;
}

static inline bool guest_ram_holds(struct guest_ram *known, uint64_t page)
{
	return (page - known->low < known->high - known->low && (page & ~PAGE_MASK) == 0) ||
	       guest_ram_find(known, page);
}

bool hypercall_is_guest_ram(uint64_t page)
{
	struct guest_ram known = {0, 0};

	return guest_ram_holds(&known, page);
}

int64_t frames_load(struct percpu *cpu, uint64_t gpa)
{
	struct rv_frames *f = &cpu->frames;
	struct guest_ram known = {0, 0};

	if (!hypercall_is_guest_ram(gpa))
		return hypercall_refuse(cpu, -RV_EFAULT, RV_REASON_HC_FRAMES_ADDRESS, gpa);
	copy_pages(f, pa_pointer(pa_make(gpa)), 1);
	if (f->count == 0 || f->count > 511 || f->bytes > f->count * RV_PAGE_SIZE)
		return hypercall_refuse(cpu, -RV_EINVAL, RV_REASON_HC_FRAMES_COUNT, f->count);
	for (uint32_t i = 0; i < f->count; i++) {
		if (!guest_ram_holds(&known, f->frame[i]))
			return hypercall_refuse(cpu, -RV_EFAULT, RV_REASON_HC_FRAME, f->frame[i]);
	}
	return 0;
}

void frames_read(const struct percpu *cpu, void *to, uint32_t bytes)
{
	uint32_t pages = bytes / RV_PAGE_SIZE;
	uint8_t *at = to;

	/* The start of a FIMCE is mostly this loop. */
	for (uint32_t i = 0; i < pages; i++, at += RV_PAGE_SIZE)
		copy_pages(at, pa_pointer(pa_make(cpu->frames.frame[i])), 1);
	if (bytes % RV_PAGE_SIZE != 0)
		memcpy(at, pa_pointer(pa_make(cpu->frames.frame[pages])), bytes % RV_PAGE_SIZE);
}

int64_t frames_write(struct percpu *cpu, const void *from, uint64_t bytes)
{
	if (bytes > cpu->frames.bytes)
		return hypercall_refuse(cpu, -RV_EINVAL, RV_REASON_HC_BUFFER_SMALL, bytes);
	for (uint64_t done = 0, i = 0; done < bytes; done += RV_PAGE_SIZE, i++) {
		uint64_t part = bytes - done < RV_PAGE_SIZE ? bytes - done : RV_PAGE_SIZE;

		memcpy(pa_pointer(pa_make(cpu->frames.frame[i])), (const uint8_t *)from + done, part);
	}
	return (int64_t)bytes;
}

/* A question that the agent answers, with a structure of this size. */
static int64_t answer(struct percpu *cpu, enum agent_command command, uint64_t argument, uint32_t bytes)
{
	int64_t error;

	memset(agent_mail(), 0, bytes);
	error = agent_call(cpu, command, argument);
	return error ? error : frames_write(cpu, agent_mail(), bytes);
}

static int64_t get_log(struct percpu *cpu, uint64_t first)
{
	const uint32_t batch = RV_PAGE_SIZE / sizeof(struct rv_log_record);
	uint32_t room = cpu->frames.bytes / (uint32_t)sizeof(struct rv_log_record), total = 0, n = batch;

	/* A page of records at a time: record size divides the page size. */
	for (uint32_t page = 0; n == batch && total < room; page++) {
		n = log_read(pa_pointer(pa_make(cpu->frames.frame[page])), room - total < batch ? room - total : batch,
			     &first);
		total += n;
	}
	return total;
}

static int64_t get_journal(struct percpu *cpu, uint64_t first)
{
	const struct journal *j = &hv.journal;
	uint64_t room = cpu->frames.bytes / sizeof(j->record[0]), n;

	cpu->regs.gpr[RDX] = j->count;
	if (first >= j->count)
		return 0;
	n = j->count - first < room ? j->count - first : room;
	frames_write(cpu, &j->record[first], n * sizeof(j->record[0]));
	return (int64_t)n;
}

static struct percpu *cpu_by_index(uint64_t index)
{
	return index < hv.cpu_count ? hv.cpu[index] : NULL;
}

void hypercall_leave_guest(struct percpu *cpu)
{
	if (__atomic_exchange_n(&cpu->take_request, 0, __ATOMIC_SEQ_CST) == 0)
		return; /* withdrawn */
	guest_park(cpu);
	__atomic_store_n(&cpu->state, RV_CPU_TAKEN, __ATOMIC_SEQ_CST);
}

static int64_t core_take(struct percpu *cpu, uint64_t index)
{
	struct percpu *other = cpu_by_index(index);
	uint64_t end = rdtsc() + TAKE_PATIENCE_US * hv.launch.tsc_khz / 1000;

	if (other == NULL || other == cpu || other->state != RV_CPU_GUEST)
		return hypercall_refuse(cpu, -RV_EBUSY, RV_REASON_HC_CPU, index);
	__atomic_store_n(&other->take_request, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&other->startup, __ATOMIC_SEQ_CST) == STARTUP_WAITS) {
		/* It waits for SIPI outside root mode; the next SIPI exit finds it taken. */
		other->take_request = 0;
		__atomic_store_n(&other->state, RV_CPU_TAKEN, __ATOMIC_SEQ_CST);
	} else {
		percpu_kick(other);
	}
	while (__atomic_load_n(&other->state, __ATOMIC_SEQ_CST) != RV_CPU_TAKEN) {
		/* It does not come, because it runs a FIMCE for instance: the wish is withdrawn, unless it just took it up. */
		if (rdtsc() >= end && __atomic_exchange_n(&other->take_request, 0, __ATOMIC_SEQ_CST) != 0)
			return hypercall_refuse(cpu, -RV_ETIME, RV_REASON_CORE_BUSY, index);
		cpu_pause();
	}
	iommu_core_taken(cpu, other);
	log3(cpu, RV_REASON_CORE_TAKEN, index, 0, 0);
	return 0;
}

static int64_t core_give(struct percpu *cpu, uint64_t index)
{
	struct percpu *other = cpu_by_index(index);

	if (other == NULL)
		return hypercall_refuse(cpu, -RV_ENOENT, RV_REASON_HC_CPU, index);
	if (other->state != RV_CPU_TAKEN || other->fimce_request != 0)
		return hypercall_refuse(cpu, -RV_EBUSY, RV_REASON_CORE_BUSY, index);
	iommu_core_given(other);
	other->state = RV_CPU_GUEST;
	log3(cpu, RV_REASON_CORE_GIVEN, index, 0, 0);
	return 0;
}

void hypercall_serve_taken(struct percpu *cpu)
{
	struct fimce *f;

	lock_acquire(&hv.lock);
	f = fimce_find(cpu->fimce_request);
	cpu->fimce_request = 0;
	if (f != NULL && f->state == RV_FIMCE_BUILT) {
		cpu->state = RV_CPU_FIMCE;
		apic_forget_logical_id();
		fimce_run(cpu, f, 0);
		cpu->state = RV_CPU_TAKEN;
	}
	lock_release(&hv.lock);
}

static int64_t run_dedicated(struct percpu *cpu, struct fimce *f, uint64_t index)
{
	struct percpu *other = cpu_by_index(index);
	uint64_t now, resend = 0, end = rdtsc() + TAKE_PATIENCE_US * hv.launch.tsc_khz / 1000;

	if (other == NULL || other->state != RV_CPU_TAKEN || other->fimce_request != 0)
		return hypercall_refuse(cpu, -RV_EBUSY, RV_REASON_CORE_BUSY, index);
	__atomic_store_n(&other->fimce_request, f->id, __ATOMIC_SEQ_CST);
	/* The other CPU needs the lock to start. A SIPI that comes before it waits for one is lost: send it again. */
	lock_release(&hv.lock);
	while ((now = rdtsc()) < end && __atomic_load_n(&other->fimce_request, __ATOMIC_SEQ_CST) == f->id) {
		if (now >= resend) {
			apic_send(other->apic_id, APIC_SIPI | 0xff);
			resend = now + RESEND_US * hv.launch.tsc_khz / 1000;
		}
		cpu_pause();
	}
	lock_acquire(&hv.lock);
	if (other->fimce_request != 0) {
		other->fimce_request = 0;
		return hypercall_refuse(cpu, -RV_ETIME, RV_REASON_CORE_BUSY, index);
	}
	return RV_FIMCE_RUNNING;
}

static int64_t fimce_call(struct percpu *cpu, uint64_t number, uint64_t id, uint64_t a, uint64_t b)
{
	struct fimce *f = id <= 0xffffffff ? fimce_find((uint32_t)id) : NULL;
	struct rv_fimce_status status;
	uint32_t state;
	int64_t error;

	if (f == NULL)
		return hypercall_refuse(cpu, -RV_ENOENT, RV_REASON_FIMCE_ID, id);
	state = fimce_state(f);
	if ((number == RV_HC_FIMCE_RUN && state != RV_FIMCE_BUILT) ||
	    (number == RV_HC_FIMCE_OUTPUT && state != RV_FIMCE_DONE) ||
	    (number == RV_HC_UPDATE && state == RV_FIMCE_RUNNING))
		return hypercall_refuse(cpu, -RV_EBUSY, RV_REASON_FIMCE_STATE, state);
	switch (number) {
	case RV_HC_FIMCE_RUN:
		if (a != RV_RUN_BORROWED)
			return run_dedicated(cpu, f, a);
		/* The guest's interrupts of the same class would be taken by the task, and lost. */
		if (f->has_interrupt)
			return hypercall_refuse(cpu, -RV_EINVAL, RV_REASON_DEVICE_CORE, a);
		fimce_run(cpu, f, 0);
		return f->state;
	case RV_HC_FIMCE_STATUS:
		fimce_status_fill(f, &status);
		error = frames_load(cpu, a);
		return error ? error : frames_write(cpu, &status, sizeof(status));
	case RV_HC_FIMCE_OUTPUT:
		error = frames_load(cpu, a);
		if (error)
			return error;
		if (b > f->status.output_bytes)
			return hypercall_refuse(cpu, -RV_EINVAL, RV_REASON_HC_ARGUMENT, b);
		a = f->status.output_bytes - b;
		return frames_write(cpu, pa_pointer(pa_add(f->output, b)),
				    a < cpu->frames.bytes ? a : cpu->frames.bytes);
	case RV_HC_FIMCE_DESTROY:
		if (state == RV_FIMCE_RUNNING) {
			f->kill = true;
			percpu_kick(f->cpu);
			return hypercall_refuse(cpu, -RV_EAGAIN, RV_REASON_FIMCE_STATE, state);
		}
		if (f->update == RV_UPDATE_APPLIED || (f->update == RV_UPDATE_EXPIRED && f->lent))
			return hypercall_refuse(cpu, -RV_EBUSY, RV_REASON_UPDATE_STATE, f->update);
		error = device_return(cpu, f);
		if (!error)
			fimce_destroy(cpu, f);
		return error;
	default: /* RV_HC_UPDATE */
		switch (a) {
		case RV_UPDATE_APPLY:
			return dim_apply(cpu, f, b, cpu->regs.gpr[R8]);
		case RV_UPDATE_CONFIRM:
			return dim_confirm(cpu, f);
		case RV_UPDATE_ROLLBACK:
			return dim_rollback(cpu, f);
		case RV_UPDATE_ABANDON:
			return dim_abandon(cpu, f);
		default:
			return hypercall_refuse(cpu, -RV_EINVAL, RV_REASON_HC_ARGUMENT, a);
		}
	}
}

static int64_t create(struct percpu *cpu, uint64_t gpa)
{
	struct rv_fimce_create c;

	if (!hypercall_is_guest_ram(gpa))
		return hypercall_refuse(cpu, -RV_EFAULT, RV_REASON_HC_FRAMES_ADDRESS, gpa);
	memcpy(&c, pa_pointer(pa_make(gpa)), sizeof(c));
	return fimce_create(cpu, &c);
}

/* Lock held. */
static int64_t dispatch(struct percpu *cpu, uint64_t number, uint64_t a, uint64_t b, uint64_t c)
{
	const uint32_t takes_frames = 1u << RV_HC_GET_INFO | 1u << RV_HC_GET_LOG | 1u << RV_HC_GET_STAT |
				      1u << RV_HC_AUDIT | 1u << RV_HC_GET_JOURNAL | 1u << RV_HC_FOLD_JOURNAL;
	struct rv_audit audit;
	int64_t error = number < RV_HC_COUNT && (takes_frames >> number & 1) ? frames_load(cpu, a) : 0, result;

	if (error)
		return error;
	switch (number) {
	case RV_HC_GET_INFO:
		return answer(cpu, AGENT_INFO, 0, sizeof(struct rv_info));
	case RV_HC_GET_LOG:
		iommu_log_faults(cpu);
		return get_log(cpu, b);
	case RV_HC_GET_STAT:
		if (cpu_by_index(b) == NULL)
			return hypercall_refuse(cpu, -RV_ENOENT, RV_REASON_HC_CPU, b);
		return answer(cpu, AGENT_STAT, b, sizeof(struct rv_stat));
	case RV_HC_GET_JOURNAL:
		return get_journal(cpu, b);
	case RV_HC_AUDIT:
		result = audit_run(cpu, &audit);
		error = frames_write(cpu, &audit, sizeof(audit));
		return error < 0 ? error : result;
	case RV_HC_FOLD_JOURNAL:
		/* The lock was dropped meanwhile: the frames may have got another owner. */
		error = journal_fold(cpu);
		error = error ? error : frames_load(cpu, a);
		return error ? error : frames_write(cpu, &hv.journal.head, sizeof(hv.journal.head));
	case RV_HC_FIMCE_CREATE:
		return create(cpu, a);
	case RV_HC_FIMCE_RUN:
	case RV_HC_FIMCE_STATUS:
	case RV_HC_FIMCE_OUTPUT:
	case RV_HC_FIMCE_DESTROY:
	case RV_HC_UPDATE:
		return fimce_call(cpu, number, a, b, c);
	case RV_HC_CORE_TAKE:
		return core_take(cpu, a);
	case RV_HC_CORE_GIVE:
		return core_give(cpu, a);
	default:
		return hypercall_refuse(cpu, -RV_ENOSYS, RV_REASON_HC_NUMBER, number);
	}
}

void hypercall_handle(struct percpu *cpu)
{
	uint64_t *gpr = cpu->regs.gpr;
	uint32_t cpl = guest_cpl();
	int64_t result;

	guest_skip();
	if (gpr[RAX] == RV_HC_NULL && cpl == 0) {
		gpr[RAX] = 0;
		return;
	}
	if (gpr[RAX] == RV_HC_INFO) {
		gpr[RAX] = RV_ABI_VERSION;
		gpr[RDX] = HYPERCALL_FEATURES;
		return;
	}
	if (cpl != 0) {
		result = hypercall_refuse(cpu, -RV_EPERM, RV_REASON_HC_CPL, cpl);
	} else if (!guest_is_64()) {
		result = hypercall_refuse(cpu, -RV_EPERM, RV_REASON_HC_MODE, 0);
	} else {
		lock_acquire(&hv.lock);
		result = dispatch(cpu, gpr[RAX], gpr[RDI], gpr[RSI], gpr[RDX]);
		lock_release(&hv.lock);
	}
	gpr[RAX] = (uint64_t)result;
	if (result < 0) {
		gpr[RDX] = cpu->refusal.reason | (uint64_t)cpu->index << 32;
		gpr[R8] = cpu->refusal.value[0];
	}
}
