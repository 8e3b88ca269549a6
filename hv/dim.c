/* SPDX-License-Identifier: GPL-2.0-only */
/* dim.c - see dim.h. */
#include <hv/dim.h>
#include <hv/fimce_tables.h>
#include <hv/hypercall.h>
#include <hv/iommu.h>
#include <hv/journal.h>
#include <hv/percpu.h>

static struct rv_target_page *target_list(const struct fimce *f)
{
	return pa_pointer(f->target_list);
}

static uint32_t target_count(const struct fimce *f)
{
	return f->values.target_count;
}

/* What the guest may do with a lent page: old code is write-protected, so that a change after prepare is noticed. Fresh memory
 * is written as a whole at apply, whatever the guest put there before. */
static uint8_t guest_perm(const struct rv_target_page *t)
{
	return t->kind == RV_TARGET_TEXT ? PERM_R | PERM_X : PERM_RWX;
}

/* The pages are the guest's again. */
static void pages_unlend(struct percpu *cpu, const struct rv_target_page *list, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		partition_change(&hv.partition, pa_make(list[i].gpa),
				 &(struct row){.owner = OWNER_GUEST, .perm = PERM_RWX});
		ept_set(&hv.ept, gpa_make(list[i].gpa), PERM_RWX);
	}
	partition_merge(&hv.partition); /* a large EPT entry is made from one row */
	for (uint32_t i = 0; i < count; i++)
		iommu_rejoin(cpu, list[i].gpa, RV_PAGE_SIZE);
}

static int64_t page_lend(struct percpu *cpu, const struct fimce *f, const struct rv_target_page *t)
{
	struct transition change;
	int error;

	if (!hypercall_is_guest_ram(t->gpa))
		return hypercall_refuse(cpu, -RV_EFAULT, RV_REASON_PARTITION_OWNER, t->gpa);
	error = partition_prepare(&hv.partition, &change, pa_make(t->gpa), RV_PAGE_SIZE, OWNER_GUEST);
	if (error)
		return hypercall_refuse(
		    cpu, error, error == -RV_ENOSPC ? RV_REASON_PARTITION_FULL : RV_REASON_PARTITION_OWNER, t->gpa);
	error = ept_prepare(&hv.ept, gpa_make(t->gpa));
	if (error) {
		partition_cancel(&hv.partition, &change);
		return hypercall_refuse(cpu, error, RV_REASON_TABLE_PAGES, t->gpa);
	}
	partition_commit(
	    &hv.partition, &change,
	    &(struct row){.owner = OWNER_GUEST, .shared = (uint16_t)f->id, .perm = guest_perm(t), .logical = t->va});
	ept_set(&hv.ept, gpa_make(t->gpa), guest_perm(t));
	return 0;
}

int64_t dim_lend(struct percpu *cpu, struct fimce *f)
{
	const struct rv_target_page *list = target_list(f);
	/* The second half is for the way back: what to restore if update_revert fails. */
	uint32_t count = target_count(f), pages = f->has_revert ? 2 * count : count, done = 0;
	int64_t error = 0;

	if (count == 0)
		return 0;
	if (partition_allocate(&hv.partition, pages, OWNER_SNAPSHOT(f->id), &f->snapshot) != 0)
		return hypercall_refuse(cpu, -RV_ENOMEM, RV_REASON_POOL_EMPTY, pages);
	f->snapshot_pages = pages;
	while (done < count && !error) {
		error = page_lend(cpu, f, &list[done]);
		done += !error;
	}
	error = error ? error : iommu_flush_guest(cpu);
	if (error) {
		pages_unlend(cpu, list, done);
		partition_release(&hv.partition, f->snapshot, (uint64_t)pages << RV_PAGE_SHIFT);
		f->snapshot_pages = 0;
		return error;
	}
	for (uint32_t i = 0; i < count; i++) {
		fimce_tables_map(f, list[i].va, pa_make(list[i].gpa), 1, FIMCE_PTE_RW);
		f->has_data |= list[i].kind == RV_TARGET_DATA;
	}
	f->lent = true;
	journal_reserve(f);
	return 0;
}

void dim_return(struct percpu *cpu, struct fimce *f)
{
	if (!f->lent)
		return;
	if (f->update == RV_UPDATE_PREPARED)
		journal_add(cpu, f, RV_JOURNAL_WITHDRAWN, 0, RV_REASON_UPDATE_WITHDRAWN, f->id);
	pages_unlend(cpu, target_list(f), target_count(f));
	partition_release(&hv.partition, f->snapshot, (uint64_t)f->snapshot_pages << RV_PAGE_SHIFT);
	f->snapshot_pages = 0;
	f->lent = false;
	journal_release(f);
}

static void give_back(struct fimce *f)
{
	for (uint32_t i = 0; i < target_count(f); i++) {
		const struct rv_target_page *t = &target_list(f)[i];

		partition_change(
		    &hv.partition, pa_make(t->gpa),
		    &(struct row){
			.owner = OWNER_GUEST, .shared = (uint16_t)f->id, .perm = guest_perm(t), .logical = t->va});
		ept_set(&hv.ept, gpa_make(t->gpa), guest_perm(t));
	}
	f->isolated = false;
	/* Rights that come back matter to units in caching mode only; the others do not need this. */
	(void)vtd_flush_dma(&hv.vtd, VTD_DOMAIN_GUEST);
}

/* @return 0, or a refusal if a device may still reach the pages: then they are the guest's again. */
static int64_t isolate(struct percpu *cpu, struct fimce *f)
{
	int64_t error;

	for (uint32_t i = 0; i < target_count(f); i++) {
		const struct rv_target_page *t = &target_list(f)[i];

		partition_change(&hv.partition, pa_make(t->gpa),
				 &(struct row){.owner = OWNER_FIMCE(f->id),
					       .shared = (uint16_t)f->id,
					       .perm = PERM_R | PERM_W,
					       .isolated = 1,
					       .logical = t->va});
		ept_set(&hv.ept, gpa_make(t->gpa), PERM_NONE);
	}
	f->isolated = true;
	error = iommu_flush_guest(cpu);
	if (error)
		give_back(f);
	return error;
}

static void snapshot_take(const struct fimce *f, uint32_t first_page)
{
	for (uint32_t i = 0; i < target_count(f); i++)
		copy_pages(pa_pointer(pa_add(f->snapshot, (uint64_t)(first_page + i) << RV_PAGE_SHIFT)),
			   pa_pointer(pa_make(target_list(f)[i].gpa)), 1);
}

static void snapshot_restore(const struct fimce *f, uint32_t first_page, bool text_only)
{
	for (uint32_t i = 0; i < target_count(f); i++) {
		if (!text_only || target_list(f)[i].kind == RV_TARGET_TEXT)
			copy_pages(pa_pointer(pa_make(target_list(f)[i].gpa)),
				   pa_pointer(pa_add(f->snapshot, (uint64_t)(first_page + i) << RV_PAGE_SHIFT)), 1);
	}
}

/* The earliest deadline of all updates; every CPU follows it (exits.c). */
static void deadline_update(void)
{
	uint64_t earliest = 0;

	for (uint32_t i = 0; i < RV_MAX_FIMCES; i++) {
		uint64_t d = hv.fimce[i].id != 0 ? hv.fimce[i].deadline_tsc : 0;

		if (d != 0 && (earliest == 0 || d < earliest))
			earliest = d;
	}
	/* Only for a change: CPUs come here when they look at the clock. */
	if (__atomic_exchange_n(&hv.deadline_tsc, earliest, __ATOMIC_SEQ_CST) != earliest)
		__atomic_add_fetch(&hv.generation, 1, __ATOMIC_SEQ_CST);
}

/* Ends an update that did not happen, or was undone: journal, pages back for good. */
static void update_end(struct percpu *cpu, struct fimce *f, uint32_t state, int64_t error, uint32_t reason,
		       uint64_t value)
{
	f->update = state;
	journal_add(cpu, f, state, error, reason, value);
	f->deadline_tsc = 0;
	deadline_update();
	dim_return(cpu, f);
}

void dim_after_run(struct percpu *cpu, struct fimce *f)
{
	if (f->isolated || target_count(f) == 0)
		return;
	if (f->state == RV_FIMCE_YIELDED && f->status.result == 0) {
		f->update = RV_UPDATE_PREPARED;
		return;
	}
	/* A task that refuses its target or dies in prepare, or an envelope that the manager refuses: no byte was changed. */
	int64_t error = f->status.result < 0 ? f->status.result : -RV_EIO;

	if (f->state == RV_FIMCE_YIELDED || f->status.cause == RV_CAUSE_REFUSED)
		journal_add(cpu, f, RV_JOURNAL_REFUSED, error, f->status.detail, f->status.value);
	else
		journal_add(cpu, f, RV_JOURNAL_REFUSED, error, RV_REASON_UPDATE_NOT_READY, f->status.cause);
	dim_return(cpu, f);
}

/* The state to be in for an operation, or a refusal. */
static int64_t state_want(struct percpu *cpu, const struct fimce *f, uint32_t update, bool yielded)
{
	/* Isolated: another CPU is in the middle of an operation on it, with the lock dropped while the task runs. */
	if (f->update != update || f->isolated)
		return hypercall_refuse(cpu, -RV_EBUSY, RV_REASON_UPDATE_STATE, f->update);
	if (yielded && f->state != RV_FIMCE_YIELDED)
		return hypercall_refuse(cpu, -RV_EBUSY, RV_REASON_FIMCE_STATE, f->state);
	return 0;
}

static bool task_succeeded(const struct fimce *f)
{
	return f->state == RV_FIMCE_YIELDED && f->status.result == 0;
}

/* Why the task did not succeed, as a refusal. */
static int64_t task_refusal(struct percpu *cpu, const struct fimce *f, uint32_t died_reason)
{
	if (f->state == RV_FIMCE_YIELDED)
		return hypercall_refuse(cpu, f->status.result < 0 ? f->status.result : -RV_EIO, f->status.detail,
					f->status.value);
	return hypercall_refuse(cpu, f->status.cause == RV_CAUSE_WATCHDOG ? -RV_ETIME : -RV_EIO, died_reason,
				f->status.cause);
}

/* The other half of the snapshot: the registers of the target's threads, as the guest says that they are. */
static int64_t threads_take(struct percpu *cpu, struct fimce *f, uint64_t frames)
{
	int64_t error = frames_load(cpu, frames);

	if (error)
		return error;
	if (cpu->frames.bytes > sizeof(struct rv_threads))
		return hypercall_refuse(cpu, -RV_EINVAL, RV_REASON_HC_ARGUMENT, cpu->frames.bytes);
	frames_read(cpu, pa_pointer(f->threads), cpu->frames.bytes);
	return 0;
}

int64_t dim_apply(struct percpu *cpu, struct fimce *f, uint64_t deadline_us, uint64_t threads)
{
	uint64_t *phase = f->status.phase_tsc; /* isolate, snapshot, apply, give back */
	int64_t error = state_want(cpu, f, RV_UPDATE_PREPARED, true);

	if (error)
		return error;
	if (deadline_us > RV_UPDATE_MAX_DEADLINE_US)
		return hypercall_refuse(cpu, -RV_EINVAL, RV_REASON_HC_ARGUMENT, deadline_us);
	/* Nothing is changed that the journal could not tell of. */
	if (f->journal_reserved == 0)
		return hypercall_refuse(cpu, -RV_ENOSPC, RV_REASON_JOURNAL_FULL, hv.journal.count);
	if (f->stale) {
		update_end(cpu, f, RV_UPDATE_STALE, -RV_EAGAIN, RV_REASON_UPDATE_STALE, 0);
		return hypercall_refuse(cpu, -RV_EAGAIN, RV_REASON_UPDATE_STALE, 0);
	}
	/* Another process of the same program may have got a newer version since the seal. The same one is no way back. */
	if (f->status.sequence < sequence_get(f->component)) {
		update_end(cpu, f, RV_UPDATE_STALE, -RV_ESTALE, RV_REASON_UPDATE_SEQUENCE, f->status.sequence);
		return hypercall_refuse(cpu, -RV_ESTALE, RV_REASON_UPDATE_SEQUENCE, f->status.sequence);
	}
	error = threads_take(cpu, f, threads);
	if (error)
		return error;
	/* Set before the flush below, which makes every CPU look at it. */
	if (deadline_us != 0)
		f->deadline_tsc = rdtsc() + (deadline_us + f->values.budget_us) * hv.launch.tsc_khz / 1000;
	deadline_update();
	error = isolate(cpu, f);
	if (error) {
		update_end(cpu, f, RV_UPDATE_STALE, error, cpu->refusal.reason, cpu->refusal.value[0]);
		return error;
	}
	*phase++ = rdtsc();
	snapshot_take(f, 0);
	*phase++ = rdtsc();
	fimce_run(cpu, f, RV_CMD_APPLY);
	*phase++ = rdtsc();
	if (!task_succeeded(f)) {
		snapshot_restore(f, 0, false);
		give_back(f);
		*phase = rdtsc();
		error = task_refusal(cpu, f, RV_REASON_UPDATE_DIED);
		update_end(cpu, f, RV_UPDATE_ROLLED_BACK, error, cpu->refusal.reason, cpu->refusal.value[0]);
		return error;
	}
	give_back(f);
	*phase = rdtsc();
	f->update = RV_UPDATE_APPLIED;
	journal_add(cpu, f, RV_UPDATE_APPLIED, 0, RV_REASON_UPDATE_APPLIED, f->id);
	log3(cpu, RV_REASON_UPDATE_APPLIED, f->id, target_count(f), f->status.sequence);
	return RV_UPDATE_APPLIED;
}

/* Applied, and neither confirmed nor taken back. */
static int64_t state_want_open(struct percpu *cpu, const struct fimce *f)
{
	return state_want(cpu, f, f->lent && f->update == RV_UPDATE_EXPIRED ? RV_UPDATE_EXPIRED : RV_UPDATE_APPLIED,
			  false);
}

int64_t dim_rollback(struct percpu *cpu, struct fimce *f)
{
	uint32_t count = target_count(f);
	int64_t error;

	error = state_want_open(cpu, f);
	if (error)
		return error;
	error = isolate(cpu, f);
	if (error)
		return error;
	if (f->has_revert) {
		snapshot_take(f, count);
		if (f->state == RV_FIMCE_YIELDED)
			fimce_run(cpu, f, RV_CMD_REVERT);
		if (!task_succeeded(f)) {
			/* Half a way back is no state to leave a service in: it goes on with the new version. */
			snapshot_restore(f, count, false);
			give_back(f);
			f->revert_failed = true;
			return task_refusal(cpu, f, RV_REASON_UPDATE_REVERT);
		}
	}
	snapshot_restore(f, 0, true);
	give_back(f);
	update_end(cpu, f, RV_UPDATE_ROLLED_BACK, 0, RV_REASON_UPDATE_ROLLED_BACK, f->id);
	log3(cpu, RV_REASON_UPDATE_ROLLED_BACK, f->id, count, f->status.sequence);
	return RV_UPDATE_ROLLED_BACK;
}

int64_t dim_abandon(struct percpu *cpu, struct fimce *f)
{
	int64_t error = state_want_open(cpu, f);

	if (error)
		return error;
	/* Nothing to get round a rollback with: there was one, and it is no use to try again. */
	if (!f->revert_failed)
		return hypercall_refuse(cpu, -RV_EBUSY, RV_REASON_UPDATE_STATE, f->update);
	update_end(cpu, f, RV_UPDATE_ABANDONED, -RV_EIO, RV_REASON_UPDATE_ABANDONED, f->id);
	log3(cpu, RV_REASON_UPDATE_ABANDONED, f->id, target_count(f), f->status.sequence);
	return RV_UPDATE_ABANDONED;
}

void dim_text_written(struct percpu *cpu, gpa_t gpa, uint64_t rip)
{
	gpa_t page = gpa_make(gpa.v & PAGE_MASK);
	const struct row *row = partition_find(&hv.partition, pa_make(page.v));
	struct fimce *f = fimce_find(row->shared);
	struct row to = {.owner = OWNER_GUEST, .shared = row->shared, .perm = PERM_RWX, .logical = row->logical};

	partition_change(&hv.partition, pa_make(row->base), &to);
	ept_set(&hv.ept, page, PERM_RWX);
	if (f != NULL)
		f->stale = true;
	log3(cpu, RV_REASON_TEXT_WRITTEN, page.v, rip, 0);
}

/*
 * No confirmation came. Threads may run anywhere in the target, and root mode can't freeze them: with all CPUs held, the old
 * code is put back. A thread inside new code finishes there, as that memory stays. Data that was migrated can't be changed
 * back under running threads: such an update stays until the guest freezes the target and asks for the rollback.
 */
static void expire(struct percpu *cpu, struct fimce *f)
{
	uint32_t reason = RV_REASON_UPDATE_EXPIRED;

	f->deadline_tsc = 0;
	if (f->has_data) {
		f->update = RV_UPDATE_EXPIRED;
		reason = RV_REASON_UPDATE_OVERDUE;
		journal_add(cpu, f, RV_UPDATE_EXPIRED, -RV_EAGAIN, reason, f->id);
		deadline_update();
	} else {
		percpu_hold_begin(cpu);
		snapshot_restore(f, 0, true);
		percpu_hold_end();
		update_end(cpu, f, RV_UPDATE_EXPIRED, 0, reason, f->id);
	}
	log3(cpu, reason, f->id, 0, 0);
}

/* One that is being rolled back at this moment needs no help. */
static bool is_late(const struct fimce *f)
{
	return f->update == RV_UPDATE_APPLIED && !f->isolated && f->deadline_tsc != 0 && rdtsc() >= f->deadline_tsc;
}

int64_t dim_confirm(struct percpu *cpu, struct fimce *f)
{
	int64_t error;

	/* It may come before any CPU has looked at the clock. */
	if (is_late(f))
		expire(cpu, f);
	error = state_want(cpu, f, RV_UPDATE_APPLIED, false);
	if (error)
		return error;
	update_end(cpu, f, RV_UPDATE_CONFIRMED, 0, RV_REASON_UPDATE_CONFIRMED, f->id);
	log3(cpu, RV_REASON_UPDATE_CONFIRMED, f->id, target_count(f), f->status.sequence);
	return RV_UPDATE_CONFIRMED;
}

void dim_deadline(struct percpu *cpu)
{
	lock_acquire(&hv.lock);
	for (uint32_t i = 0; i < RV_MAX_FIMCES; i++) {
		struct fimce *f = &hv.fimce[i];

		if (f->id != 0 && is_late(f))
			expire(cpu, f);
	}
	deadline_update();
	lock_release(&hv.lock);
}
