/* SPDX-License-Identifier: GPL-2.0-only */
/* test_exits.c - the guest's run loop: exits, injection, NMIs, INIT and SIPI, what other CPUs want of this one. */
#include "fake.h"

#include <hv/reset.h>

#define RIP 0xffffffff81000000ull
#define EXCEPTION(vector) ((vector) | INTERRUPTION_TYPE_EXCEPTION | INTERRUPTION_VALID)
#define GP (EXCEPTION(VECTOR_GP) | INTERRUPTION_ERROR_CODE)
#define SHADOW (INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS)

static struct percpu *cpu;

static int setup(void **state)
{
	(void)state;
	cpu = fake_machine();
	vmcs_load(cpu->guest_vmcs);
	return 0;
}

static uint64_t injected(void)
{
	uint64_t info = vmcs_read(VMCS_ENTRY_INTERRUPTION_INFO);

	return info & INTERRUPTION_VALID ? info : 0;
}

static void alignment_check(struct regs *r)
{
	(void)r;
	fake_vmcs_set(VMCS_EXIT_INTERRUPTION_INFO, EXCEPTION(VECTOR_AC) | INTERRUPTION_ERROR_CODE);
	fake_vmcs_set(VMCS_EXIT_INTERRUPTION_ERROR, 0);
}

/* Every basic exit reason that there is, with nothing else to say: the machine goes on, and each one is counted. */
static void test_no_reason_stops_the_machine(void **state)
{
	(void)state;
	fake_exit_state = alignment_check;
	for (uint32_t reason = 0; reason < 80; reason++) {
		/* Hypervisor bugs and the guest's own end. */
		if (reason == EXIT_TRIPLE_FAULT || reason == EXIT_EPT_MISCONFIG)
			continue;
		vmcs_load(cpu->guest_vmcs);
		fake_guest_64();
		fake_exit(cpu, reason, 0);
		if (reason < RV_EXIT_REASONS)
			assert_int_equal(cpu->stat.exit[reason], 1);
	}
	FAKE_STOPS(fake_exit(cpu, EXIT_EPT_MISCONFIG, 0));
	FAKE_STOPS(fake_exit(cpu, 33 | EXIT_REASON_ENTRY_FAILURE, 0));
}

static void test_bits_above_the_basic_reason(void **state)
{
	(void)state;
	cpu->regs.gpr[RAX] = RV_CPUID_LEAF;
	fake_exit(cpu, EXIT_CPUID | 1u << 27, 0); /* from an enclave */
	assert_int_equal(cpu->regs.gpr[RAX], RV_CPUID_SIGNATURE);
	assert_int_equal(cpu->stat.exit[EXIT_CPUID], 1);
}

static void test_vmx_is_undefined(void **state)
{
	const uint32_t reasons[] = {EXIT_GETSEC, EXIT_VMCLEAR, 20, 21,         22,          23,
				    24,          25,           26, EXIT_VMXON, EXIT_INVEPT, EXIT_INVVPID};

	(void)state;
	for (uint32_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		fake_exit(cpu, reasons[i], 0);
		assert_int_equal(injected(), EXCEPTION(VECTOR_UD));
		assert_int_equal(vmcs_read(VMCS_GUEST_RIP), RIP);
	}
}

/* --- exceptions ---------------------------------------------------------------------------------------------------- */

static uint32_t exit_info;

static void debug_in_shadow(struct regs *r)
{
	(void)r;
	fake_vmcs_set(VMCS_EXIT_INTERRUPTION_INFO, exit_info);
	vmcs_set(VMCS_GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_TF);
	vmcs_set(VMCS_GUEST_INTERRUPTIBILITY, INTERRUPTIBILITY_MOV_SS);
	vmcs_set(VMCS_GUEST_PENDING_DEBUG, 0); /* as the CPU leaves it at an exit for #DB */
	vmcs_set(VMCS_GUEST_DR7, 1u << 13 | 0x400);
}

static void test_debug_exception_in_a_shadow(void **state)
{
	(void)state;
	exit_info = EXCEPTION(VECTOR_DB);
	fake_exit_state = debug_in_shadow;
	fake_exit(cpu, EXIT_EXCEPTION_NMI, 1u << 14 | 2);
	assert_int_equal(injected(), EXCEPTION(VECTOR_DB));
	assert_int_equal(read_dr6() & 0x400f, 1u << 14 | 2);
	assert_int_equal(vmcs_read(VMCS_GUEST_DR7), 0x400);
	assert_int_equal(vmcs_read(VMCS_GUEST_RIP), RIP);
	/* INT1 is behind itself when its handler runs, and the shadow is over. */
	vmcs_load(cpu->guest_vmcs);
	fake_guest_64();
	exit_info = VECTOR_DB | INTERRUPTION_TYPE_ICEBP | INTERRUPTION_VALID;
	fake_exit(cpu, EXIT_EXCEPTION_NMI, 0);
	assert_int_equal(injected(), EXCEPTION(VECTOR_DB));
	assert_int_equal(vmcs_read(VMCS_GUEST_RIP), RIP + 3);
	assert_int_equal(vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) & SHADOW, 0);
}

static uint64_t debugctl;

static void cpuid_stepped(struct regs *r)
{
	r->gpr[RAX] = 0;
	vmcs_set(VMCS_GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_TF);
	vmcs_set(VMCS_GUEST_DEBUGCTL, debugctl);
	vmcs_set(VMCS_GUEST_PENDING_DEBUG, 0); /* as the CPU leaves it at all exits but a few */
}

static void test_single_step_over_a_skipped_instruction(void **state)
{
	(void)state;
	debugctl = 0;
	fake_exit_state = cpuid_stepped;
	fake_exit(cpu, EXIT_CPUID, 0);
	assert_int_equal(vmcs_read(VMCS_GUEST_RIP), RIP + 3);
	assert_int_equal(vmcs_read(VMCS_GUEST_PENDING_DEBUG), 1u << 14);
	/* Steps from branch to branch: CPUID is none. */
	debugctl = DEBUGCTL_BTF;
	fake_exit(cpu, EXIT_CPUID, 0);
	assert_int_equal(vmcs_read(VMCS_GUEST_PENDING_DEBUG), 0);
}

static void test_alignment_check(void **state)
{
	(void)state;
	fake_exit_state = alignment_check;
	fake_exit(cpu, EXIT_EXCEPTION_NMI, 0);
	assert_int_equal(injected(), EXCEPTION(VECTOR_AC) | INTERRUPTION_ERROR_CODE);
	assert_int_equal(vmcs_read(VMCS_ENTRY_EXCEPTION_ERROR), 0);
}

/* --- EPT violations -------------------------------------------------------------------------------------------------- */

static uint64_t touched;
static uint32_t vectoring;

static void touch(struct regs *r)
{
	(void)r;
	fake_vmcs_set(VMCS_GUEST_PHYSICAL_ADDRESS, touched);
	fake_vmcs_set(VMCS_IDT_VECTORING_INFO, vectoring);
	fake_vmcs_set(VMCS_IDT_VECTORING_ERROR, 0x77);
	if ((vectoring & INTERRUPTION_TYPE_MASK) == INTERRUPTION_TYPE_NMI && vectoring != 0)
		vmcs_set(VMCS_GUEST_INTERRUPTIBILITY, INTERRUPTIBILITY_NMI);
}

static void test_hidden_memory(void **state)
{
	(void)state;
	touched = FAKE_POOL + 0x5008;
	vectoring = 0;
	fake_exit_state = touch;
	fake_exit(cpu, EXIT_EPT_VIOLATION, 2);
	assert_int_equal(injected(), GP);
	assert_int_equal(fake_log_last()->reason, RV_REASON_HIDDEN_TOUCH);
	assert_int_equal(fake_log_last()->value[0], touched);
	assert_int_equal(fake_log_last()->value[1], 2);
	/* Behind the end of physical memory, and where four levels of EPT cannot look. */
	touched = FAKE_LIMIT;
	fake_exit(cpu, EXIT_EPT_VIOLATION, 1);
	assert_int_equal(injected(), GP);
	assert_int_equal(hv.lock.next, hv.lock.owner);
}

static void test_memory_above_the_built_tables(void **state)
{
	uint64_t size, leaf;

	(void)state;
	touched = 7 * SIZE_1G + 0x1234567;
	vectoring = 0;
	fake_exit_state = touch;
	fake_exit(cpu, EXIT_EPT_VIOLATION, 1);
	assert_int_equal(injected(), 0);
	leaf = ept_leaf(&hv.ept, gpa_make(touched), &size);
	assert_int_equal(leaf & EPT_ADDRESS & ~(size - 1), touched & ~(size - 1));
	assert_int_equal(leaf & EPT_RWX, EPT_RWX);
}

/* A delivery that was cut short is done again, unless the guest gets #GP for it; an NMI unblocked, or VM entry fails. */
static void test_event_is_delivered_again(void **state)
{
	const uint32_t events[] = {VECTOR_NMI | INTERRUPTION_TYPE_NMI | INTERRUPTION_VALID, 0x30 | INTERRUPTION_VALID,
				   EXCEPTION(14) | INTERRUPTION_ERROR_CODE, 0x80 | 4u << 8 | INTERRUPTION_VALID};

	(void)state;
	fake_exit_state = touch;
	touched = 7 * SIZE_1G;
	for (uint32_t i = 0; i < 4; i++) {
		touched += SIZE_1G;
		vectoring = events[i];
		vmcs_load(cpu->guest_vmcs);
		fake_guest_64();
		fake_exit(cpu, EXIT_EPT_VIOLATION, 2);
		assert_int_equal(injected(), events[i]);
		if (events[i] & INTERRUPTION_ERROR_CODE)
			assert_int_equal(vmcs_read(VMCS_ENTRY_EXCEPTION_ERROR), 0x77);
	}
}

/* --- NMI, INIT, SIPI ---------------------------------------------------------------------------------------------------- */

static void nmi(struct regs *r)
{
	(void)r;
	fake_vmcs_set(VMCS_EXIT_INTERRUPTION_INFO, VECTOR_NMI | INTERRUPTION_TYPE_NMI | INTERRUPTION_VALID);
}

static void nmi_blocked(struct regs *r)
{
	nmi(r);
	vmcs_set(VMCS_GUEST_INTERRUPTIBILITY, INTERRUPTIBILITY_NMI);
}

static void nmi_unblocked(struct regs *r)
{
	(void)r;
	vmcs_set(VMCS_GUEST_INTERRUPTIBILITY, 0);
}

static void test_nmi_goes_to_the_guest(void **state)
{
	const uint64_t guest_nmi = VECTOR_NMI | INTERRUPTION_TYPE_NMI | INTERRUPTION_VALID;

	(void)state;
	fake_exit_state = nmi;
	fake_exit(cpu, EXIT_EXCEPTION_NMI, 0);
	assert_int_equal(injected(), guest_nmi);
	/* Blocked: when the window opens. */
	vmcs_set(VMCS_ENTRY_INTERRUPTION_INFO, 0);
	fake_exit_state = nmi_blocked;
	fake_exit(cpu, EXIT_EXCEPTION_NMI, 0);
	assert_int_equal(injected(), 0);
	assert_true(vmcs_read(VMCS_PRIMARY_CONTROLS) & PRIMARY_NMI_WINDOW_EXITING);
	fake_exit_state = nmi_unblocked;
	fake_exit(cpu, EXIT_NMI_WINDOW, 0);
	assert_int_equal(injected(), guest_nmi);
	assert_false(vmcs_read(VMCS_PRIMARY_CONTROLS) & PRIMARY_NMI_WINDOW_EXITING);
}

static void test_kick_does_not(void **state)
{
	(void)state;
	cpu->kicked = 1;
	fake_exit_state = nmi;
	fake_exit(cpu, EXIT_EXCEPTION_NMI, 0);
	assert_int_equal(injected(), 0);
	assert_int_equal(cpu->kicked, 0);
	/* One that arrived in root mode. */
	cpu->kicked = 1;
	cpu->nmi_seen = 1;
	fake_exit_state = NULL;
	fake_exit(cpu, EXIT_CPUID, 0);
	assert_int_equal(injected(), 0);
	assert_int_equal(cpu->kicked | cpu->nmi_seen, 0);
}

static void test_init_and_sipi(void **state)
{
	(void)state;
	fake_exit(cpu, EXIT_INIT, 0);
	assert_int_equal(vmcs_read(VMCS_GUEST_ACTIVITY), ACTIVITY_WAIT_FOR_SIPI);
	fake_vpid_flushes = 0;
	cpu->regs.gpr[RAX] = 1;
	fake_exit(cpu, EXIT_SIPI, 0x9a);
	assert_int_equal(vmcs_read(VMCS_GUEST_ACTIVITY), ACTIVITY_ACTIVE);
	assert_int_equal(vmcs_read(VMCS_GUEST_SELECTOR + 2 * SEG_CS), 0x9a00);
	assert_int_equal(vmcs_read(VMCS_GUEST_BASE + 2 * SEG_CS), 0x9a000);
	assert_int_equal(vmcs_read(VMCS_GUEST_RIP), 0);
	assert_int_equal(vmcs_read(VMCS_GUEST_CR0) & (CR0_PE | CR0_PG), 0);
	assert_int_equal(vmcs_read(VMCS_GUEST_EFER), 0);
	assert_int_equal(vmcs_read(VMCS_ENTRY_CONTROLS) & ENTRY_IA32E, 0);
	assert_int_equal(cpu->regs.gpr[RAX], 0);
	assert_int_equal(cpu->regs.gpr[RDX], 0x306c3); /* CPU signature, as after a reset */
	/* Linear translations of before the INIT carry the same VPID. */
	assert_true(fake_vpid_flushes != 0);
}

/* A guest that sends INITs to a CPU right after its SIPI, at RIP 0. */
static void inits_at_zero(uint32_t count)
{
	fake_exit(cpu, EXIT_INIT, 0);
	fake_exit(cpu, EXIT_SIPI, 0x9a);
	for (uint32_t i = 0; i < count; i++)
		fake_exit(cpu, EXIT_INIT, 0);
}

/* Hardware takes an INIT back with its VM exit: leaving VMX for a reset that does not come must not be the end. */
static void test_inits_that_are_not_pending(void **state)
{
	(void)state;
	fake_tick = 1000;
	fake_helper = true;
	inits_at_zero(RESET_STORM);
	assert_int_equal(fake_vmx_offs, 1);
	assert_int_equal(hv.init_quirk, INIT_QUIRK_ABSENT);
	assert_null(hv.holder);
	assert_null(hv.reset_cpu);
	assert_int_equal(cpu->stage, STAGE_RUNNING);
	/* From now on an INIT is an INIT. */
	inits_at_zero(RESET_STORM);
	assert_int_equal(fake_vmx_offs, 1);
	assert_int_equal(vmcs_read(VMCS_GUEST_ACTIVITY), ACTIVITY_WAIT_FOR_SIPI);
}

static void test_inits_without_another_cpu(void **state)
{
	(void)state;
	fake_tick = 1000;
	inits_at_zero(2 * RESET_STORM);
	assert_int_equal(fake_vmx_offs, 0);
	assert_int_equal(hv.init_quirk, INIT_QUIRK_UNKNOWN);
	assert_null(hv.holder);
	assert_null(hv.reset_cpu);
}

static void reset_comes(void)
{
	reset_return(hv.cpu[0], true);
}

static void test_inits_that_stay_pending(void **state)
{
	(void)state;
	fake_tick = 1000;
	fake_helper = true;
	fake_vmx_off = reset_comes;
	inits_at_zero(RESET_STORM - 1);
	assert_int_equal(fake_vmx_offs, 1);
	assert_int_equal(hv.init_quirk, INIT_QUIRK_PRESENT);
	assert_null(hv.holder);
	assert_int_equal(vmcs_read(VMCS_GUEST_ACTIVITY), ACTIVITY_ACTIVE);
	/* Now it is known: the next one at once. */
	fake_exit(cpu, EXIT_INIT, 0);
	assert_int_equal(fake_vmx_offs, 2);
}

/* --- other CPUs ----------------------------------------------------------------------------------------------------------- */

static void test_flush_waits_for_all_in_the_guest(void **state)
{
	(void)state;
	hv.cpu[1]->in_guest = 1;
	hv.cpu[2]->in_guest = 0;
	uint64_t begin = fake_time;

	percpu_flush_ept(cpu);
	assert_int_equal(fake_nmis, 1);
	assert_true(fake_time - begin < 1000); /* at once, not when patience ends */
	/* A CPU in root mode needs no kick: it invalidates before it enters. */
	fake_ept_flushes = 0;
	fake_exit(hv.cpu[2], EXIT_CPUID, 0);
	assert_true(fake_ept_flushes >= 1);
	assert_int_equal(hv.cpu[2]->seen_generation, hv.generation);
	assert_int_equal(fake_nmis, 1);
}

static uint32_t lost;

static void lose_all_with_an_id(uint32_t id, uint32_t command)
{
	(void)id;
	lost++;
	if (command != (APIC_NMI | APIC_ALL_OTHERS))
		return;
	for (uint32_t i = 1; i < hv.cpu_count; i++) {
		assert_int_equal(hv.cpu[i]->kicked, 1);
		hv.cpu[i]->in_guest = 0;
	}
}

/* An NMI can get lost with a reset, or because the guest has changed an xAPIC id: no kick may wait for ever. */
static void test_lost_kick_goes_to_all(void **state)
{
	(void)state;
	lost = 0;
	fake_ipi = lose_all_with_an_id;
	fake_tick = 100000;
	hv.cpu[1]->in_guest = 1;
	percpu_flush_ept(cpu);
	assert_true(lost >= 2);
	lost = 0;
	hv.cpu[1]->kicked = 0;
	hv.cpu[1]->in_guest = 1;
	percpu_hold_begin(cpu);
	assert_true(lost >= 2);
	percpu_hold_end();
}

static void test_panic_stops_all(void **state)
{
	(void)state;
	hv.panicked = true;
	hv.generation++;
	FAKE_STOPS(fake_exit(cpu, EXIT_CPUID, 0));
}

static uint32_t stop_ipis;

static void stop_ipi(uint32_t id, uint32_t command)
{
	(void)id;
	assert_int_equal(command, APIC_NMI | APIC_ALL_OTHERS);
	/* Whoever exits by it sees why. */
	assert_true(hv.panicked);
	assert_int_not_equal(hv.generation, hv.cpu[1]->seen_generation);
	stop_ipis++;
}

/* In the steady state nobody exits by himself. */
static void test_stop_calls_all(void **state)
{
	(void)state;
	stop_ipis = 0;
	fake_ipi = stop_ipi;
	hv.released = 0;
	/* During the launch the others are in root mode already, or not even able to take an NMI. */
	FAKE_STOPS(hv_stop(cpu, RV_REASON_ROOT_EXCEPTION, 13, 0, 0));
	assert_int_equal(stop_ipis, 0);
	hv.panicked = false;
	hv.released = 1;
	FAKE_STOPS(hv_stop(cpu, RV_REASON_ROOT_EXCEPTION, 13, 0, 0));
	assert_int_equal(stop_ipis, 1);
	fake_exit_state = nmi;
	FAKE_STOPS(fake_exit(hv.cpu[1], EXIT_EXCEPTION_NMI, 0));
	/* A fault in the middle of all that does not begin it anew. */
	FAKE_STOPS(hv_stop(cpu, RV_REASON_ROOT_EXCEPTION, 13, 0, 0));
	assert_int_equal(stop_ipis, 1);
}

static void test_triple_fault_resets(void **state)
{
	(void)state;
	FAKE_STOPS(fake_exit(cpu, EXIT_TRIPLE_FAULT, 0));
	assert_int_equal(fake_log_count(RV_REASON_GUEST_SHUTDOWN), 2);
}

/* A timer that nobody armed expired after 2^32 ticks, stayed at zero and exited before every instruction of the guest. */
static void test_timer_without_deadline_is_switched_off(void **state)
{
	(void)state;
	cpu->proved = true;
	fake_vmcs_set(VMCS_PIN_CONTROLS, hv.caps.guest.pin | PIN_PREEMPTION_TIMER);
	fake_exit(cpu, EXIT_PREEMPTION_TIMER, 0);
	fake_exit(cpu, EXIT_CPUID, 0);
	assert_int_equal(vmcs_read(VMCS_PIN_CONTROLS) & PIN_PREEMPTION_TIMER, 0);
	assert_int_equal(vmcs_read(VMCS_EXIT_CONTROLS) & EXIT_SAVE_TIMER, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, fake_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_timer_without_deadline_is_switched_off),
	    T(test_no_reason_stops_the_machine),
	    T(test_bits_above_the_basic_reason),
	    T(test_vmx_is_undefined),
	    T(test_debug_exception_in_a_shadow),
	    T(test_single_step_over_a_skipped_instruction),
	    T(test_alignment_check),
	    T(test_hidden_memory),
	    T(test_memory_above_the_built_tables),
	    T(test_event_is_delivered_again),
	    T(test_nmi_goes_to_the_guest),
	    T(test_kick_does_not),
	    T(test_init_and_sipi),
	    T(test_inits_that_are_not_pending),
	    T(test_inits_without_another_cpu),
	    T(test_inits_that_stay_pending),
	    T(test_flush_waits_for_all_in_the_guest),
	    T(test_lost_kick_goes_to_all),
	    T(test_panic_stops_all),
	    T(test_stop_calls_all),
	    T(test_triple_fault_resets),
	};

	return cmocka_run_group_tests_name("hv exits", tests, NULL, NULL);
}
