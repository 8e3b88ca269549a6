/* SPDX-License-Identifier: GPL-2.0-only */
/* exits.c - the guest's run loop and VM exits; see exits.h. Intel SDM vol. 3, chapters 26 to 28. */
#include <hv/audit.h>
#include <hv/dim.h>
#include <hv/emulate.h>
#include <hv/exits.h>
#include <hv/hypercall.h>
#include <hv/iommu.h>
#include <hv/launch.h>
#include <hv/percpu.h>
#include <hv/reset.h>

/* RIP at the end of an address space: outside 64-bit mode it wraps; in it, fetching on at a non-canonical address is #GP. VM
 * entry refuses both (27.3.1.4). */
static __attribute__((noinline)) uint64_t rip_wrap(uint64_t from, uint64_t to)
{
	uint32_t linear_bits = cpuid(0x80000008, 0).eax >> 8 & 0xff;
	int64_t upper = (int64_t)to >> (linear_bits - 1);

	if (!guest_is_64())
		return to & 0xffffffff;
	if (upper == 0 || upper == -1)
		return to;
	guest_inject(VECTOR_GP, 0);
	return from;
}

/* The single step that ends with the skipped instruction: this exit has dropped it (28.3.4). */
static __attribute__((noinline)) void step_pend(void)
{
	if (!(vmcs_read(VMCS_GUEST_DEBUGCTL) & DEBUGCTL_BTF))
		vmcs_set(VMCS_GUEST_PENDING_DEBUG, vmcs_read(VMCS_GUEST_PENDING_DEBUG) | PENDING_DEBUG_BS);
}

/* Inline: the cheapest exit needs it. */
inline void guest_skip(void)
{
	uint64_t from = vmcs_read(VMCS_GUEST_RIP), to = from + vmcs_read(VMCS_EXIT_INSTRUCTION_LENGTH), blocked;

	vmcs_set(VMCS_GUEST_RIP, (from ^ to) >> 31 == 0 ? to : rip_wrap(from, to));
	/* The skipped instruction ends a shadow of STI or MOV SS. */
	blocked = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);
	if (blocked & INTERRUPTIBILITY_SHADOW)
		vmcs_set(VMCS_GUEST_INTERRUPTIBILITY, blocked & ~INTERRUPTIBILITY_SHADOW);
	if (vmcs_read(VMCS_GUEST_RFLAGS) & RFLAGS_TF)
		step_pend();
}

void guest_inject(uint32_t vector, int64_t error)
{
	uint32_t info = vector | INTERRUPTION_TYPE_EXCEPTION | INTERRUPTION_VALID;

	/* Real mode knows no error codes, and VM entry refuses them there (27.2.1.3). */
	if (error >= 0 && (vmcs_read(VMCS_GUEST_CR0) & CR0_PE)) {
		info |= INTERRUPTION_ERROR_CODE;
		vmcs_set(VMCS_ENTRY_EXCEPTION_ERROR, (uint64_t)error);
	}
	vmcs_set(VMCS_ENTRY_INTERRUPTION_INFO, info);
}

uint32_t guest_cpl(void)
{
	return vmcs_read(VMCS_GUEST_ACCESS + 2 * SEG_SS) >> 5 & 3;
}

bool guest_is_64(void)
{
	/* Long mode is EFER.LMA and CS.L (pitfall 17). */
	return (vmcs_read(VMCS_GUEST_EFER) & EFER_LMA) && (vmcs_read(VMCS_GUEST_ACCESS + 2 * SEG_CS) & SEGMENT_L);
}

void guest_park(struct percpu *cpu)
{
	/* As short as can be: the SIPI may come 200 instructions after the INIT, and is lost before the VM entry. The rest of
	 * the state is written at the SIPI exit. */
	vmcs_set(VMCS_GUEST_ACTIVITY, ACTIVITY_WAIT_FOR_SIPI);
	vmcs_set(VMCS_GUEST_INTERRUPTIBILITY, 0);
	cpu->startup = STARTUP_WAITS;
	cpu->guest_nmi = 0;
	cpu->store_to = NULL;
}

void nmi_account(struct percpu *cpu)
{
	if (__atomic_exchange_n(&cpu->kicked, 0, __ATOMIC_SEQ_CST) == 0)
		cpu->guest_nmi = 1;
}

void nmi_account_seen(struct percpu *cpu)
{
	if (!cpu->nmi_seen)
		return;
	cpu->nmi_seen = 0;
	nmi_account(cpu);
}

/* An event whose delivery was cut short by this exit is delivered again (28.2.4). */
static void event_requeue(void)
{
	uint32_t info = (uint32_t)vmcs_read(VMCS_IDT_VECTORING_INFO);

	if (!(info & INTERRUPTION_VALID))
		return;
	if (info & INTERRUPTION_ERROR_CODE)
		vmcs_set(VMCS_ENTRY_EXCEPTION_ERROR, vmcs_read(VMCS_IDT_VECTORING_ERROR));
	/* The NMI's delivery had begun and blocked NMIs: with that left so VM entry would refuse the injection (27.3.1.5). */
	if ((info & INTERRUPTION_TYPE_MASK) == INTERRUPTION_TYPE_NMI)
		vmcs_set(VMCS_GUEST_INTERRUPTIBILITY,
			 vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) & ~(uint64_t)INTERRUPTIBILITY_NMI);
	vmcs_set(VMCS_ENTRY_INSTRUCTION_LENGTH, vmcs_read(VMCS_EXIT_INSTRUCTION_LENGTH));
	vmcs_set(VMCS_ENTRY_INTERRUPTION_INFO, info & ~INTERRUPTION_NMI_UNBLOCKING);
}

static void nmi_window(bool on)
{
	uint64_t primary = vmcs_read(VMCS_PRIMARY_CONTROLS);

	vmcs_set(VMCS_PRIMARY_CONTROLS,
		 on ? primary | PRIMARY_NMI_WINDOW_EXITING : primary & ~(uint64_t)PRIMARY_NMI_WINDOW_EXITING);
}

static void guest_nmi_deliver(struct percpu *cpu)
{
	uint64_t blocked = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) & (INTERRUPTIBILITY_NMI | INTERRUPTIBILITY_SHADOW);

	if (blocked || (vmcs_read(VMCS_ENTRY_INTERRUPTION_INFO) & INTERRUPTION_VALID)) {
		nmi_window(true);
		return;
	}
	vmcs_set(VMCS_ENTRY_INTERRUPTION_INFO, VECTOR_NMI | INTERRUPTION_TYPE_NMI | INTERRUPTION_VALID);
	cpu->guest_nmi = 0;
}

static void timer_set(struct percpu *cpu, bool on, uint64_t ticks)
{
	uint64_t units = ticks >> hv.caps.timer_shift, pin = hv.caps.guest.pin, exit = hv.caps.guest.exit;

	/* "Save timer" without the timer itself fails the VM entry checks (27.2.1.2). */
	vmcs_set(VMCS_PIN_CONTROLS, on ? pin : pin & ~(uint64_t)PIN_PREEMPTION_TIMER);
	vmcs_set(VMCS_EXIT_CONTROLS, on ? exit : exit & ~(uint64_t)EXIT_SAVE_TIMER);
	vmcs_set(VMCS_GUEST_PREEMPTION_TIMER, units > 0xffffffff ? 0xffffffff : units);
	cpu->timer_armed = on;
}

/* While an update waits for its confirmation every CPU carries the deadline, so that no CPU can be taken away to escape it. The
 * timer stands still in root mode, during a FIMCE and in C-states below C2 (26.5.1): so each exit comes here as well. */
static void deadline_check(struct percpu *cpu)
{
	uint64_t deadline = __atomic_load_n(&hv.deadline_tsc, __ATOMIC_SEQ_CST), now = rdtsc();

	if (deadline != 0 && now >= deadline) {
		dim_deadline(cpu);
		deadline = __atomic_load_n(&hv.deadline_tsc, __ATOMIC_SEQ_CST);
		now = rdtsc();
	}
	/* One that has passed and is still there waits for a rollback in progress: look again in a millisecond. */
	timer_set(cpu, deadline != 0, deadline > now ? deadline - now : hv.launch.tsc_khz);
}

/*
 * Everything that others may want of this CPU. What may take a lock comes first, while in_guest is 0; what must not be
 * missed comes after in_guest is 1; see percpu.h for the order.
 */
static __attribute__((noinline)) uint32_t enter_attentive(struct percpu *cpu)
{
	for (;;) {
		while (hv.panicked)
			cpu_halt();
		if ((cpu->timer_armed || hv.deadline_tsc != 0) && cpu->proved)
			deadline_check(cpu);
		if (cpu->take_request)
			hypercall_leave_guest(cpu);
		if (cpu->startup != STARTUP_WAITS)
			__atomic_exchange_n(&cpu->in_guest, 1, __ATOMIC_SEQ_CST);
		struct percpu *holder = __atomic_load_n(&hv.holder, __ATOMIC_SEQ_CST);
		uint64_t generation = __atomic_load_n(&hv.generation, __ATOMIC_SEQ_CST);

		if (holder == NULL && cpu->seen_generation == generation && !cpu->nmi_seen)
			break;
		if (cpu->seen_generation != generation) {
			if (cpu->audited != hv.audit_number)
				audit_own_vmcs(cpu);
			ept_invalidate(hv.ept.eptp);
			__atomic_store_n(&cpu->seen_generation, generation, __ATOMIC_SEQ_CST);
		}
		__atomic_store_n(&cpu->in_guest, 0, __ATOMIC_SEQ_CST);
		nmi_account_seen(cpu);
		while (__atomic_load_n(&hv.holder, __ATOMIC_SEQ_CST) != NULL) {
			reset_help();
			cpu_pause();
		}
	}
	if (cpu->guest_nmi && cpu->startup != STARTUP_WAITS)
		guest_nmi_deliver(cpu);
	return VMX_ENTER;
}

/* The short way into the guest: nobody wants anything. The exchange orders in_guest before the two looks. */
static inline uint32_t enter(struct percpu *cpu)
{
	__atomic_exchange_n(&cpu->in_guest, 1, __ATOMIC_SEQ_CST);
	if (cpu->attention == 0 && cpu->seen_generation == __atomic_load_n(&hv.generation, __ATOMIC_SEQ_CST))
		return VMX_ENTER;
	__atomic_store_n(&cpu->in_guest, 0, __ATOMIC_SEQ_CST);
	return enter_attentive(cpu);
}

uint32_t vmx_prepare(struct percpu *cpu)
{
	return cpu->runs_fimce ? fimce_prepare(cpu) : enter(cpu);
}

static void exit_debug(struct percpu *cpu, uint32_t info)
{
	uint64_t hits = vmcs_read(VMCS_EXIT_QUALIFICATION);

	if (cpu->store_to != NULL && (hits & PENDING_DEBUG_BS)) {
		/* KVM in Bochs: a step is pending, but the instruction met a fault that KVM repairs, and is still to come. */
		if (vmcs_read(VMCS_GUEST_RIP) == cpu->store_rip)
			return;
		if (!iommu_write_end(cpu))
			hits &= ~PENDING_DEBUG_BS;
		if (!(hits & (PENDING_DEBUG_BS | 0xf)))
			return;
	}
	write_dr6((read_dr6() & ~0xfull) | hits);
	vmcs_set(VMCS_GUEST_DR7, vmcs_read(VMCS_GUEST_DR7) & ~(1ull << 13));
	/* INT1 exits before it is executed, but its #DB is a trap. For all others: the CPU drops the pending single step at
	 * this exit, and VM entry insists on it in a shadow (27.3.1.5). */
	if ((info & INTERRUPTION_TYPE_MASK) == INTERRUPTION_TYPE_ICEBP)
		guest_skip();
	else if ((vmcs_read(VMCS_GUEST_RFLAGS) & RFLAGS_TF) &&
		 (vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) & INTERRUPTIBILITY_SHADOW))
		step_pend();
	guest_inject(VECTOR_DB, -1);
}

static void exit_exception_nmi(struct percpu *cpu)
{
	uint32_t info = (uint32_t)vmcs_read(VMCS_EXIT_INTERRUPTION_INFO);
	uint32_t vector = info & 0xff;

	event_requeue();
	if ((info & INTERRUPTION_TYPE_MASK) == INTERRUPTION_TYPE_NMI) {
		root_iret();
		nmi_account(cpu);
		return;
	}
	/* #DB and #AC are intercepted only so that the CPU's microcode can not loop delivering them (CVE-2015-5307, -8104). */
	if (vector == VECTOR_DB)
		exit_debug(cpu, info);
	else
		guest_inject(vector, (int64_t)vmcs_read(VMCS_EXIT_INTERRUPTION_ERROR));
}

static void exit_init(struct percpu *cpu)
{
	cpu->init_storm++;
	/* An INIT right after a SIPI, before the guest's first instruction, is an old one that an emulator kept (reset.h). */
	if (hv.init_quirk == INIT_QUIRK_ABSENT || cpu->startup != STARTUP_FRESH || vmcs_read(VMCS_GUEST_RIP) != 0)
		guest_park(cpu);
	else if (cpu->init_storm >= (hv.init_quirk == INIT_QUIRK_PRESENT ? 1 : RESET_STORM))
		reset_clear_init(cpu, pa_make(0));
}

static void exit_sipi(struct percpu *cpu)
{
	uint8_t vector = (uint8_t)vmcs_read(VMCS_EXIT_QUALIFICATION);

	root_iret();
	/* Once seen, the bit is cleared before this function looks at it (run_once): a second SIPI must not forget it. */
	if (vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) & INTERRUPTIBILITY_SMI)
		cpu->smi_blocking = 1;
	/* An NMI that came in wait-for-SIPI is nobody's: a CPU that has not started takes none, and its first code, in real
	 * mode, must not be sent to the firmware's handler. A kick is not lost: the next entry looks at everything. */
	cpu->nmi_seen = 0;
	__atomic_store_n(&cpu->kicked, 0, __ATOMIC_SEQ_CST);
	if (cpu->state == RV_CPU_TAKEN) {
		guest_park(cpu);
		hypercall_serve_taken(cpu);
		return;
	}
	launch_real_mode(cpu, vector);
	vmcs_set(VMCS_GUEST_ACTIVITY, ACTIVITY_ACTIVE);
	cpu->startup = STARTUP_FRESH;
}

static void exit_triple_fault(struct percpu *cpu)
{
	log3(cpu, RV_REASON_GUEST_SHUTDOWN, vmcs_read(VMCS_GUEST_RIP), 0, 0);
	/* What a PC does with a shutdown cycle: reset. Port 0xcf9, then the keyboard controller. */
	outb(0xcf9, 0x02);
	outb(0xcf9, 0x06);
	delay_us(10000);
	outb(0x64, 0xfe);
	delay_us(100000);
	hv_stop(cpu, RV_REASON_GUEST_SHUTDOWN, vmcs_read(VMCS_GUEST_RIP), 0, 0);
}

static void exit_ept_violation(struct percpu *cpu)
{
	gpa_t gpa = gpa_make(vmcs_read(VMCS_GUEST_PHYSICAL_ADDRESS));
	uint64_t access = vmcs_read(VMCS_EXIT_QUALIFICATION), rip = vmcs_read(VMCS_GUEST_RIP);
	const struct row *row;
	bool refused = false;

	event_requeue();
	/* An IRET that was cut short had already unblocked NMIs (28.2.3). */
	if ((access & 1u << 12) && !(vmcs_read(VMCS_IDT_VECTORING_INFO) & INTERRUPTION_VALID))
		vmcs_set(VMCS_GUEST_INTERRUPTIBILITY, vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) | INTERRUPTIBILITY_NMI);
	lock_acquire(&hv.lock);
	row = partition_find(&hv.partition, pa_make(gpa.v));
	if (row != NULL && row->isolated) {
		/* The page comes back within the FIMCE's time budget: the guest tries again until then. */
		uint64_t touch = gpa.v ^ (uint64_t)row->shared << 48;

		/* One record for all tries during this isolation, and one for the next isolation. */
		if (cpu->isolated_touch != touch)
			log3(cpu, RV_REASON_ISOLATED_TOUCH, gpa.v, rip, 0);
		cpu->isolated_touch = touch;
	} else if (row == NULL || row->owner != OWNER_GUEST) {
		refused = !iommu_write_begin(cpu, gpa, access);
	} else if (row->perm != PERM_RWX) {
		/* Any other access met the page while it was isolated, and may go on. */
		if (access & EPT_W)
			dim_text_written(cpu, gpa, rip);
	} else {
		refused = ept_fill(&hv.ept, gpa) != 0;
	}
	lock_release(&hv.lock);
	if (refused) {
		log3(cpu, RV_REASON_HIDDEN_TOUCH, gpa.v, access & 7, rip);
		guest_inject(VECTOR_GP, 0);
	}
}

static void exit_timer(struct percpu *cpu)
{
	if (!cpu->proved) {
		cpu->proved = true;
		timer_set(cpu, false, 0);
		log3(cpu, RV_REASON_LAUNCH_OK, hv.cpu_count, hv.launch.pool_base, hv.launch.pool_bytes);
		__atomic_store_n(&hv.released, 1, __ATOMIC_RELEASE);
	}
	/* The next entry looks at the clock, and switches the timer off if no deadline is left: a timer that stays at zero exits
	 * before every instruction. */
	cpu->timer_armed = true;
}

static void exit_handle(struct percpu *cpu, uint32_t reason)
{
	switch (reason) {
	case EXIT_VMCALL:
		hypercall_handle(cpu);
		break;
	case EXIT_CPUID:
		emulate_cpuid(cpu);
		break;
	case EXIT_EXCEPTION_NMI:
		exit_exception_nmi(cpu);
		break;
	case EXIT_INIT:
		exit_init(cpu);
		break;
	case EXIT_SIPI:
		exit_sipi(cpu);
		break;
	case EXIT_NMI_WINDOW:
		nmi_window(false);
		break;
	case EXIT_PREEMPTION_TIMER:
		exit_timer(cpu);
		break;
	case EXIT_EPT_VIOLATION:
		exit_ept_violation(cpu);
		break;
	case EXIT_CR_ACCESS:
		emulate_cr_access(cpu);
		break;
	case EXIT_RDMSR:
		emulate_rdmsr(cpu);
		break;
	case EXIT_WRMSR:
		emulate_wrmsr(cpu);
		break;
	case EXIT_XSETBV:
		emulate_xsetbv(cpu);
		break;
	case EXIT_IO:
		emulate_io(cpu);
		break;
	case EXIT_INVD:
		/* Dropping dirty lines would undo root mode's own writes: write them back instead. */
		cpu_wbinvd();
		guest_skip();
		break;
	case EXIT_TRIPLE_FAULT:
		exit_triple_fault(cpu);
		break;
	case EXIT_EPT_MISCONFIG:
		hv_stop(cpu, RV_REASON_BAD_EXIT, reason, vmcs_read(VMCS_GUEST_PHYSICAL_ADDRESS),
			vmcs_read(VMCS_GUEST_RIP));
	case EXIT_VMCLEAR ... EXIT_VMXON:
	case EXIT_GETSEC:
	case EXIT_INVEPT:
	case EXIT_INVVPID:
		guest_inject(VECTOR_UD, -1);
		break;
	default:
		/* Something that this guest can do and no operating system does, such as a 32-bit task switch. */
		log3(cpu, RV_REASON_BAD_EXIT, reason, vmcs_read(VMCS_EXIT_QUALIFICATION), vmcs_read(VMCS_GUEST_RIP));
		guest_inject(VECTOR_GP, 0);
	}
}

static __attribute__((noinline)) uint32_t step_attentive(struct percpu *cpu, uint64_t reason)
{
	if (cpu->smi_blocking)
		vmcs_set(VMCS_GUEST_INTERRUPTIBILITY,
			 vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) & ~(uint64_t)INTERRUPTIBILITY_SMI);
	if (cpu->runs_fimce)
		return fimce_step(cpu, reason);
	if (reason & EXIT_REASON_ENTRY_FAILURE)
		return VMX_LEAVE;
	reason &= EXIT_REASON_BASIC;
	if (reason < RV_EXIT_REASONS)
		cpu->stat.exit[reason]++;
	else
		cpu->stat.exits++;
	exit_handle(cpu, (uint32_t)reason);
	if (reason != EXIT_INIT && reason != EXIT_SIPI) {
		cpu->init_storm = 0;
		if (cpu->startup == STARTUP_FRESH)
			cpu->startup = STARTUP_DONE;
	}
	return enter(cpu);
}

static __attribute__((noinline)) uint32_t step_common(struct percpu *cpu, uint64_t reason)
{
	exit_handle(cpu, (uint32_t)reason);
	return enter(cpu);
}

uint32_t vmx_step(struct percpu *cpu, uint64_t reason)
{
	__atomic_store_n(&cpu->in_guest, 0, __ATOMIC_RELEASE);
	if (cpu->attention != 0 || reason >= RV_EXIT_REASONS)
		return step_attentive(cpu, reason);
	cpu->stat.exit[reason]++;
	/* The cheapest call, and the measure of what any exit costs at least: nothing here may need the stack. */
	if (reason == EXIT_VMCALL && cpu->regs.gpr[RAX] == RV_HC_NULL && guest_cpl() == 0) {
		cpu->regs.gpr[RAX] = 0;
		guest_skip();
		return enter(cpu);
	}
	return step_common(cpu, reason);
}

uint64_t exits_run(struct percpu *cpu)
{
	uint32_t verdict;
	uint64_t reason, error;

	cpu->state = RV_CPU_GUEST;
	cpu->stage = STAGE_RUNNING;
	verdict = vmx_run(cpu, &cpu->regs);
	reason = vmcs_read(VMCS_EXIT_REASON);
	error = vmcs_read(VMCS_INSTRUCTION_ERROR);
	if (cpu->proved)
		hv_stop(cpu, RV_REASON_ENTRY_FAILED, reason, error, vmcs_read(VMCS_GUEST_RIP));
	return verdict == VMX_LEAVE ? reason : error;
}

void exception_stop(uint64_t vector, const uint64_t *frame);

/** Called by entry.S for an exception in root mode. frame: error code (if the vector has one), RIP, CS, ... */
void exception_stop(uint64_t vector, const uint64_t *frame)
{
	bool has_error = vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21;

	hv_stop((struct percpu *)rdmsr(MSR_GS_BASE), RV_REASON_ROOT_EXCEPTION, vector, frame[has_error ? 1 : 0],
		read_cr2());
}

static void bit_set(uint8_t *map, uint32_t bit)
{
	map[bit / 8] = (uint8_t)(map[bit / 8] | 1u << bit % 8);
}

static void msr_bitmap_fill(uint8_t map[RV_PAGE_SIZE])
{
	/* Debug store records (PEBS, DS area) go to linear addresses, those of root mode while root mode runs. */
	static const uint16_t writes[] = {MSR_KVM_WALL_CLOCK,
					  MSR_KVM_SYSTEM_TIME,
					  MSR_APIC_BASE,
					  MSR_TSC,
					  MSR_TSC_ADJUST,
					  MSR_MISC_ENABLE,
					  MSR_XSS,
					  MSR_PEBS_ENABLE,
					  MSR_DS_AREA,
					  MSR_BIOS_UPDT_TRIG,
					  MSR_SMM_MONITOR_CTL,
					  MSR_HW_FEEDBACK_PTR,
					  MSR_HW_FEEDBACK_THREAD};
	uint8_t *read_low = map, *write_low = map + 2048;

	/* Hidden: VMX. */
	bit_set(read_low, MSR_FEATURE_CONTROL);
	bit_set(write_low, MSR_FEATURE_CONTROL);
	for (uint32_t i = MSR_VMX_BASIC; i <= MSR_VMX_LAST; i++) {
		bit_set(read_low, i);
		bit_set(write_low, i);
	}
	/* Writes that could reach isolated memory or change memory types under the EPT's feet (pitfall 19). */
	for (uint32_t i = 0; i < 0x300; i++) {
		if (emulate_is_mtrr(i))
			bit_set(write_low, i);
	}
	for (uint32_t i = MSR_RTIT_FIRST; i <= MSR_RTIT_LAST; i++)
		bit_set(write_low, i);
	for (uint32_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++)
		bit_set(write_low, writes[i]);
}

void exits_fill_bitmap(uint8_t map[RV_PAGE_SIZE], enum vmcs_field which)
{
	memset(map, 0, RV_PAGE_SIZE);
	if (which == VMCS_MSR_BITMAP) {
		msr_bitmap_fill(map);
		return;
	}
	if (which == VMCS_IO_BITMAP_A)
		bit_set(map, RV_DOORBELL_PORT);
	device_fill_bitmap(map, which, NULL);
}
