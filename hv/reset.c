/* SPDX-License-Identifier: GPL-2.0-only */
/* reset.c - see reset.h. */
#include <hv/percpu.h>
#include <hv/reset.h>
#include <hv/x86/regs.h>

#define RESTART_PATIENCE_US 100u
#define RESTART_TRIES 1000u

extern struct percpu *ap_cpu; /* entry.S */
extern uint64_t ap_stack;

static uint8_t reset_stack[4096] __attribute__((aligned(16)));

void reset_clear_init(struct percpu *cpu, pa_t fimce_vmcs)
{
	percpu_hold_begin(cpu);
	if (__builtin_setjmp(cpu->reset_context) == 0) {
		__atomic_store_n(&hv.reset_helper, 0, __ATOMIC_SEQ_CST);
		__atomic_store_n(&cpu->stage, STAGE_NONE, __ATOMIC_SEQ_CST);
		__atomic_store_n(&hv.reset_cpu, cpu, __ATOMIC_SEQ_CST);
		while (!__atomic_load_n(&hv.reset_helper, __ATOMIC_SEQ_CST))
			cpu_pause();
		(void)vmcs_clear(cpu->guest_vmcs);
		if (fimce_vmcs.v != 0)
			(void)vmcs_clear(fimce_vmcs);
		vmx_off();
		for (uint32_t i = 0; i < RESTART_TRIES; i++)
			cpu_pause();
		hv_stop(cpu, RV_REASON_BAD_EXIT, EXIT_INIT, 0, 0); /* no INIT was pending after all */
	}
	cpu->launched = false;
	(void)vmcs_load(fimce_vmcs.v != 0 ? fimce_vmcs : cpu->guest_vmcs);
	hv.init_quirk = 1;
	percpu_hold_end();
	log3(cpu, RV_REASON_INIT_QUIRK, cpu->index, 0, 0);
}

_Noreturn void reset_return(struct percpu *cpu, bool ok)
{
	if (!ok)
		hv_stop(cpu, RV_REASON_VMXON_FAILED, 0, 0, 0);
	__atomic_store_n(&hv.reset_cpu, NULL, __ATOMIC_SEQ_CST);
	__atomic_store_n(&cpu->stage, STAGE_RUNNING, __ATOMIC_SEQ_CST);
	__builtin_longjmp(cpu->reset_context, 1);
}

void reset_help(void)
{
	struct percpu *cpu = __atomic_load_n(&hv.reset_cpu, __ATOMIC_SEQ_CST);

	if (cpu == NULL || __atomic_exchange_n(&hv.reset_helper, 1, __ATOMIC_SEQ_CST) != 0)
		return;
	ap_cpu = cpu;
	ap_stack = (uint64_t)(reset_stack + sizeof(reset_stack));
	for (uint32_t try = 0; try < RESTART_TRIES; try++) {
		uint64_t end = rdtsc() + RESTART_PATIENCE_US * hv.launch.tsc_khz / 1000;

		while (rdtsc() < end) {
			if (__atomic_load_n(&cpu->stage, __ATOMIC_SEQ_CST) != STAGE_NONE)
				return;
			cpu_pause();
		}
		apic_send(cpu->apic_id, APIC_SIPI | hv.launch.trampoline >> RV_PAGE_SHIFT);
	}
}
