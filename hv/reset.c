/* SPDX-License-Identifier: GPL-2.0-only */
/* reset.c - see reset.h. */
#include <hv/launch.h>
#include <hv/percpu.h>
#include <hv/reset.h>

#define RESTART_PATIENCE_US 100u
#define HELPER_PATIENCE_US 10000u
#define RESTART_TRIES 1000u

static uint8_t reset_stack[4096] __attribute__((aligned(16)));

/* Waits for another CPU in root mode, which will send the SIPI. Without one a reset would be the CPU's end. */
static bool helper_find(struct percpu *cpu)
{
	uint64_t end = rdtsc() + HELPER_PATIENCE_US * hv.launch.tsc_khz / 1000;

	__atomic_store_n(&cpu->stage, STAGE_NONE, __ATOMIC_SEQ_CST);
	__atomic_store_n(&hv.reset_cpu, cpu, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&hv.reset_cpu, __ATOMIC_SEQ_CST) != NULL) {
		if (rdtsc() >= end && __atomic_exchange_n(&hv.reset_cpu, NULL, __ATOMIC_SEQ_CST) != NULL)
			return false;
		cpu_pause();
	}
	return true;
}

/* The reset was asked for and done, or not needed: the helper may stop. */
static void reset_end(struct percpu *cpu)
{
	__atomic_store_n(&cpu->stage, STAGE_RUNNING, __ATOMIC_SEQ_CST);
}

void reset_clear_init(struct percpu *cpu, pa_t fimce_vmcs)
{
	bool helped;

	percpu_hold_begin(cpu);
	helped = helper_find(cpu);
	if (!helped) {
		reset_end(cpu);
	} else if (__builtin_setjmp(cpu->reset_context) == 0) {
		(void)vmcs_clear(cpu->guest_vmcs);
		if (fimce_vmcs.v != 0)
			(void)vmcs_clear(fimce_vmcs);
		vmx_off();
		for (uint32_t i = 0; i < RESTART_TRIES; i++)
			cpu_pause();
		/* Still here: no INIT was pending. This CPU takes an INIT back with its VM exit, as all hardware does. One that
		 * comes in this moment resets it; it then goes on below. */
		if (!launch_vmx_enable(cpu))
			hv_stop(cpu, RV_REASON_VMXON_FAILED, 0, 0, 0);
		reset_end(cpu);
		hv.init_quirk = INIT_QUIRK_ABSENT;
	} else {
		hv.init_quirk = INIT_QUIRK_PRESENT;
	}
	if (helped)
		(void)vmcs_load(fimce_vmcs.v != 0 ? fimce_vmcs : cpu->guest_vmcs);
	percpu_hold_end();
	log3(cpu, RV_REASON_INIT_QUIRK, cpu->index, hv.init_quirk, 0);
}

_Noreturn void reset_return(struct percpu *cpu, bool ok)
{
	if (!ok)
		hv_stop(cpu, RV_REASON_VMXON_FAILED, 0, 0, 0);
	reset_end(cpu);
	__builtin_longjmp(cpu->reset_context, 1);
}

void reset_help(void)
{
	struct percpu *cpu = NULL;

	if (__atomic_load_n(&hv.reset_cpu, __ATOMIC_SEQ_CST) != NULL)
		cpu = __atomic_exchange_n(&hv.reset_cpu, NULL, __ATOMIC_SEQ_CST);
	if (cpu != NULL)
		(void)percpu_sipi(cpu, reset_stack + sizeof(reset_stack), RESTART_TRIES, RESTART_PATIENCE_US);
}
