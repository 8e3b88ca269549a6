/* SPDX-License-Identifier: GPL-2.0-only */
/* audit.c - see audit.h: what only root mode can look at. The tables are walked by the agent. */
#include <hv/agent.h>
#include <hv/audit.h>
#include <hv/exits.h>
#include <hv/hypercall.h>
#include <hv/percpu.h>

/* The fields of this CPU's guest VMCS, which is current, on which isolation rests. */
void audit_own_vmcs(struct percpu *cpu)
{
	const struct {
		uint64_t field, value, mask;
	} want[] = {
	    {VMCS_EPTP, hv.ept.eptp, ~0ull},
	    {VMCS_VPID, 1, ~0ull},
	    {VMCS_SECONDARY_CONTROLS, hv.caps.guest.secondary, ~0ull},
	    {VMCS_PRIMARY_CONTROLS, hv.caps.guest.primary, ~(uint64_t)PRIMARY_NMI_WINDOW_EXITING},
	    {VMCS_PIN_CONTROLS, hv.caps.guest.pin, ~(uint64_t)PIN_PREEMPTION_TIMER},
	    {VMCS_MSR_BITMAP, hv.msr_bitmap.v, ~0ull},
	    {VMCS_IO_BITMAP_A, hv.io_bitmap_a.v, ~0ull},
	    {VMCS_IO_BITMAP_B, hv.io_bitmap_b.v, ~0ull},
	    {VMCS_CR4_MASK, CR4_VMXE, ~0ull},
	    {VMCS_HOST_CR3, hv.page_tables.v, ~0ull},
	};

	cpu->audit_bad_fields = 0;
	for (uint32_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		uint64_t value = vmcs_read(want[i].field);

		if ((value & want[i].mask) == (want[i].value & want[i].mask))
			continue;
		if (cpu->audit_bad_fields++ == 0) {
			cpu->audit_field = want[i].field;
			cpu->audit_value = value;
		}
	}
	__atomic_store_n(&cpu->audited, hv.audit_number, __ATOMIC_SEQ_CST);
}

/* Each CPU in the guest looks at its own VMCS, because no other can. One in root mode, in a FIMCE or waiting for SIPI does so
 * before its guest goes on, and is not counted. */
static void vmcs_check(struct percpu *cpu, struct rv_audit *a)
{
	hv.audit_number++;
	audit_own_vmcs(cpu);
	percpu_flush_ept(cpu);
	for (uint32_t i = 0; i < hv.cpu_count; i++) {
		const struct percpu *other = hv.cpu[i];

		if (__atomic_load_n(&other->audited, __ATOMIC_SEQ_CST) != hv.audit_number)
			continue;
		a->vmcs++;
		if (a->bad == 0 && other->audit_bad_fields != 0) {
			a->bad_table = AUDIT_TABLE_VMCS;
			a->bad_address = other->audit_field;
			a->bad_entry = other->audit_value;
		}
		a->bad += other->audit_bad_fields;
	}
}

int64_t audit_run(struct percpu *cpu, struct rv_audit *a)
{
	union agent_mail *m = agent_mail();
	const uint64_t *value = m->audit.value;
	int64_t error;

	memset(m, 0, sizeof(*m));
	vmcs_check(cpu, &m->audit.result);
	error = agent_call(cpu, AGENT_AUDIT, 0);
	*a = m->audit.result;
	if (error || m->audit.reason == 0)
		return error;
	log3(cpu, m->audit.reason, value[0], value[1], value[2]);
	return hypercall_refuse(cpu, -RV_EFAULT, m->audit.reason, value[0]);
}
