/* SPDX-License-Identifier: GPL-2.0-only */
/* iommu.c - see iommu.h. */
#include <hv/agent.h>
#include <hv/hypercall.h>
#include <hv/iommu.h>
#include <hv/percpu.h>

/* More than a table and a queue can take. */
#define UNIT_ROUNDS 4096u

static struct shown *shown_at(uint64_t gpa)
{
	for (struct shown *s = hv.shown; s < hv.shown + SHOWN_MAX; s++) {
		if (s->at != 0 && s->at == (gpa & PAGE_MASK))
			return s;
	}
	return NULL;
}

int iommu_probe(void)
{
	const struct rv_launch *l = &hv.launch;
	int error = 0;

	vtd_init(&hv.vtd, &hv.partition, l->tsc_khz);
	for (uint32_t i = 0; i < l->vtd_count && !error; i++)
		error = vtd_unit_add(&hv.vtd, pa_make(l->vtd[i].base), l->vtd[i].register_bytes, l->vtd[i].segment);
	error = error ? error : vtd_probe(&hv.vtd);
	for (uint32_t i = 0; i < l->vtd_count && !error; i++) {
		const struct vtd_unit *u = &hv.vtd.unit[i];

		error = partition_take(&hv.partition, u->base, u->register_bytes, OWNER_GUEST,
				       &(struct row){.owner = OWNER_HYPERVISOR, .perm = PERM_R | PERM_W});
		if (error)
			return vtd_fail(&hv.vtd, u, error, RV_REASON_PARTITION_OWNER, u->base.v);
	}
	return error;
}

/* The row of the copy says at which address the guest has it. */
static int guest_unit_build(struct vtd_virtual *g, struct vtd_unit *u)
{
	const struct row shown = {
	    .owner = OWNER_HYPERVISOR, .shared = SHARED_GUEST, .perm = PERM_R | PERM_W, .logical = u->base.v};
	int error = vtd_pages(&hv.vtd, 1, &g->page);

	g->unit = u;
	u->eime = hv.vtd.eim && (u->before.gsts & GCMD_SIRTP) && (u->before.irta & IRTA_EIME);
	error = error ? error : partition_take(&hv.partition, g->page, RV_PAGE_SIZE, OWNER_HYPERVISOR, &shown);
	error = error ? error : ept_prepare(&hv.ept, gpa_make(u->base.v));
	if (!error) {
		hv.shown[u - hv.vtd.unit] = (struct shown){u->base.v, g->page};
		ept_alias(&hv.ept, gpa_make(u->base.v), g->page, PERM_R);
	}
	return error;
}

int iommu_build(void)
{
	int error = vtd_build(&hv.vtd, hv.ept.root, VTD_MAX_ENTRIES);
	for (uint32_t i = 0; i < hv.vtd.unit_count && !error; i++)
		error = guest_unit_build(&hv.guest_unit[i], &hv.vtd.unit[i]);
	return error;
}

/*
 * The instruction that wrote is executed again, and then traps by TF. IF is off for it, so that no interrupt comes first and saves
 * these flags. It got here after its page walk, so it does not fault.
 */
bool iommu_write_begin(struct percpu *cpu, gpa_t gpa, uint64_t access)
{
	struct shown *s = shown_at(gpa.v);
	uint64_t flags = vmcs_read(VMCS_GUEST_RFLAGS);

	if (s == NULL || !(access & EPT_W) || (vmcs_read(VMCS_IDT_VECTORING_INFO) & INTERRUPTION_VALID))
		return false;
	/* It comes here twice if another CPU's write ended in between. */
	if (cpu->store_to == NULL)
		cpu->store_flags = flags & (RFLAGS_TF | RFLAGS_IF);
	cpu->store_to = s;
	cpu->store_offset = (uint32_t)(gpa.v & ~PAGE_MASK);
	cpu->store_rip = vmcs_read(VMCS_GUEST_RIP);
	ept_alias(&hv.ept, gpa, s->page, PERM_R | PERM_W);
	vmcs_set(VMCS_GUEST_RFLAGS, (flags | RFLAGS_TF) & ~RFLAGS_IF);
	vmcs_set(VMCS_GUEST_INTERRUPTIBILITY, vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) & ~INTERRUPTIBILITY_SHADOW);
	return true;
}

/* Has the agent find out what a unit of the guest is to do, and does it. Each round but the last has a full answer. */
static int64_t unit_do(struct percpu *cpu, struct vtd_virtual *g, enum agent_command command, uint32_t offset)
{
	struct agent_unit *m = &agent_mail()->unit;
	const struct refusal *r = &m->refusal;
	int64_t more = 1;

	for (uint32_t i = 0; more > 0 && i < UNIT_ROUNDS; i++) {
		memset(m, 0, sizeof(*m));
		m->offset = offset;
		more = agent_call(cpu, command, (uint64_t)g);
		if (more >= 0 && vtd_virtual_apply(&hv.vtd, g, m, hv.released != 0) != 0) {
			log3(cpu, hv.vtd.failure.reason, hv.vtd.failure.value[0], hv.vtd.failure.value[1], 0);
			more = -RV_EIO;
		}
		if (r->reason != 0)
			log3(cpu, r->reason, r->value[0], r->value[1], r->value[2]);
		command = AGENT_UNIT_CONTINUE;
	}
	return more;
}

int64_t iommu_begin(struct percpu *cpu)
{
	int64_t error = 0;

	for (uint32_t i = 0; !error && i < hv.vtd.unit_count; i++)
		error = unit_do(cpu, &hv.guest_unit[i], AGENT_UNIT_BEGIN, 0);
	return error;
}

bool iommu_write_end(struct percpu *cpu)
{
	struct shown *s = cpu->store_to;
	uint32_t i = (uint32_t)(s - hv.shown);
	uint64_t flags = vmcs_read(VMCS_GUEST_RFLAGS) & ~(RFLAGS_TF | RFLAGS_IF);

	vmcs_set(VMCS_GUEST_RFLAGS, flags | cpu->store_flags);
	/* Another instruction may have come to be the one that traps (a fault of the store, BTF): STI with IF off again is no state to
	 * enter with (27.3.1.5). */
	vmcs_set(VMCS_GUEST_INTERRUPTIBILITY, vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) & ~INTERRUPTIBILITY_SHADOW);
	lock_acquire(&hv.lock);
	/* Only now: who gives an IOAPIC back meanwhile carries out what was stored (ioapic_return). */
	cpu->store_to = NULL;
	/* An IOAPIC may have come back meanwhile. */
	if (s->at != 0) {
		/* No CPU may keep the right: what it stored would not be seen, and it would wait for the answer for ever. */
		ept_alias(&hv.ept, gpa_make(s->at), s->page, PERM_R);
		percpu_flush_ept(cpu);
		if (i < VTD_MAX_UNITS)
			(void)unit_do(cpu, &hv.guest_unit[i], AGENT_UNIT_STORED, cpu->store_offset);
		else
			ioapic_stored(s, cpu->store_offset);
	}
	lock_release(&hv.lock);
	return (cpu->store_flags & RFLAGS_TF) != 0;
}

void iommu_core_taken(struct percpu *cpu, const struct percpu *core)
{
	hv.vtd.core[hv.vtd.core_count++] = core->apic_id;
	iommu_revoke(cpu);
}

/* @return whether something was taken away. */
static bool unit_revoke(struct percpu *cpu, const struct vtd_unit *u)
{
	bool changed = false;

	for (uint32_t i = 0; i < hv.vtd.entries - VTD_RESERVED_ENTRIES; i++) {
		struct vtd_pair entry = *vtd_pair_at(u->interrupts, i), to;
		uint32_t why = entry.low & IRTE_P ? vtd_entry_check(&hv.vtd, u, i, entry, &to) : RV_REASON_NONE;

		if (why == RV_REASON_NONE)
			continue;
		log3(cpu, why, i, entry.low, entry.high);
		vtd_entry_write(&hv.vtd, u, i, to);
		changed = true;
	}
	return changed;
}

/* By root mode itself: this must not rest on the agent. */
void iommu_revoke(struct percpu *cpu)
{
	bool changed = false;

	for (uint32_t i = 0; i < hv.vtd.unit_count; i++)
		changed |= unit_revoke(cpu, &hv.vtd.unit[i]);
	if (changed && vtd_flush_interrupts(&hv.vtd) != 0)
		log3(cpu, hv.vtd.failure.reason, hv.vtd.failure.value[0], hv.vtd.failure.value[1], 0);
}

void iommu_restore(struct percpu *cpu)
{
	for (uint32_t i = 0; i < hv.vtd.unit_count; i++) {
		hv.guest_unit[i].state.next = 0;
		(void)unit_do(cpu, &hv.guest_unit[i], AGENT_UNIT_CONTINUE, 0);
	}
}

void iommu_core_given(const struct percpu *core)
{
	uint32_t i = 0;

	while (i < hv.vtd.core_count && hv.vtd.core[i] != core->apic_id)
		i++;
	if (i < hv.vtd.core_count)
		hv.vtd.core[i] = hv.vtd.core[--hv.vtd.core_count];
}

int64_t iommu_flush_guest(struct percpu *cpu)
{
	percpu_flush_ept(cpu);
	if (vtd_flush_dma(&hv.vtd, VTD_DOMAIN_GUEST) == 0)
		return 0;
	return hypercall_refuse(cpu, -RV_EIO, hv.vtd.failure.reason, hv.vtd.failure.value[0]);
}

void iommu_rejoin(struct percpu *cpu, uint64_t base, uint64_t bytes)
{
	for (uint64_t at = base & ~(SIZE_2M - 1); at < base + bytes; at += SIZE_2M) {
		pa_t table;

		ept_merge(&hv.ept, gpa_make(at), &table);
		/* A unit that does not answer may still walk it: then it is never used again. */
		if (table.v != 0 && iommu_flush_guest(cpu) == 0)
			partition_release(&hv.partition, table, RV_PAGE_SIZE);
	}
}

void iommu_log_faults(struct percpu *cpu)
{
	struct agent_faults *m = &agent_mail()->faults;

	memset(m, 0, sizeof(*m));
	if (hv.vtd.unit_count != 0)
		(void)agent_call(cpu, AGENT_FAULTS, 0);
	for (uint32_t i = 0; i < m->count && i < AGENT_FAULTS_MAX; i++) {
		const struct agent_fault *f = &m->fault[i];

		log_write(cpu, f->reason, f->value[0], f->value[1], f->value[2], f->value[3], 0);
		if (f->unit < hv.vtd.unit_count)
			vtd_fault_clear(&hv.vtd.unit[f->unit], f->record);
	}
}
