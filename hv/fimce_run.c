/* SPDX-License-Identifier: GPL-2.0-only */
/* fimce_run.c - entering a FIMCE, and its few VM exits; see fimce.h. */
#include <hv/agent.h>
#include <hv/dim.h>
#include <hv/exits.h>
#include <hv/fimce_tables.h>
#include <hv/hypercall.h>
#include <hv/journal.h>
#include <hv/launch.h>
#include <hv/manager.h>
#include <hv/percpu.h>
#include <hv/reset.h>

#define CR0_VALUE (CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG)
#define CR4_VALUE (CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT)
#define TPR_HOLD_ALL 15u
#define TPR_OPEN_LAST 14u /* but for the class of RV_FIMCE_VECTOR */
#define L1D_FLUSH 1u

/* What of the CPU's owner is not in the VMCS and could leak into, or be changed by, a FIMCE. */
struct owner_state {
	uint64_t kernel_gs_base; /* SWAPGS does not exit */
	uint64_t cr2; /* MOV from CR2 does not exit */
	uint64_t tpr;
	uint64_t xcr0;
};

static void owner_save(struct percpu *cpu, struct owner_state *o, const struct fimce *f)
{
	o->kernel_gs_base = rdmsr(MSR_KERNEL_GS_BASE);
	o->cr2 = read_cr2();
	o->tpr = read_cr8();
	o->xcr0 = xgetbv(0);
	if (f->fpu.v != 0) {
		/* All components, whatever the owner enabled: code in a FIMCE can use SSE without XCR0. */
		xsetbv(0, hv.xcr0_supported);
		xsave_all(cpu->xsave_area);
		xrstor_all(pa_pointer(f->fpu));
	}
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	write_cr2(0);
	/* The owner's interrupts wait: whatever the task does with IF, none is delivered to it. */
	write_cr8(f->has_interrupt ? TPR_OPEN_LAST : TPR_HOLD_ALL);
	if (hv.has_flush_cmd && f->fpu.v != 0)
		wrmsr(MSR_FLUSH_CMD, L1D_FLUSH);
}

static void owner_restore(struct percpu *cpu, const struct owner_state *o, const struct fimce *f)
{
	if (f->fpu.v != 0) {
		xsave_all(pa_pointer(f->fpu));
		xrstor_all(cpu->xsave_area);
		xsetbv(0, o->xcr0);
	}
	write_cr8(o->tpr);
	write_cr2(o->cr2);
	wrmsr(MSR_KERNEL_GS_BASE, o->kernel_gs_base);
	if (hv.has_flush_cmd && f->fpu.v != 0)
		wrmsr(MSR_FLUSH_CMD, L1D_FLUSH);
}

static void guest_state_first(struct fimce *f, struct vmcs_writer *w)
{
	const struct rv_manager_header *m = &manager_start;

	for (uint64_t s = SEG_ES; s <= SEG_GS; s++)
		launch_vmcs_segment(w, s, 0x10, s == SEG_FS ? m->canary : 0, 0xffffffff, 0xc093);
	launch_vmcs_segment(w, SEG_CS, 0x08, 0, 0xffffffff, 0xa09b);
	launch_vmcs_segment(w, SEG_LDTR, 0, 0, 0, SEGMENT_UNUSABLE);
	launch_vmcs_segment(w, SEG_TR, 0x18, m->tss, 103, 0x8b);
	launch_vmcs_guest(w); /* SYSENTER is #GP */
	vmcs_write(w, VMCS_GUEST_GDTR_BASE, m->gdt);
	vmcs_write(w, VMCS_GUEST_GDTR_LIMIT, m->gdt_limit);
	vmcs_write(w, VMCS_GUEST_IDTR_BASE, m->idt);
	vmcs_write(w, VMCS_GUEST_IDTR_LIMIT, m->idt_limit);
	/* Without an area for it the FPU is another's: its instructions fault. */
	vmcs_write(w, VMCS_GUEST_CR0, CR0_VALUE | hv.caps.cr0_fixed0 | (f->fpu.v == 0 ? CR0_TS : 0));
	vmcs_write(w, VMCS_GUEST_CR3, f->tables.v);
	vmcs_write(w, VMCS_GUEST_CR4, CR4_VALUE | CR4_VMXE | hv.caps.cr4_fixed0);
	vmcs_write(w, VMCS_CR0_MASK, ~0ull);
	vmcs_write(w, VMCS_CR0_SHADOW, CR0_VALUE);
	vmcs_write(w, VMCS_CR4_MASK, ~0ull);
	vmcs_write(w, VMCS_CR4_SHADOW, CR4_VALUE);
	vmcs_write(w, VMCS_GUEST_EFER, EFER_LME | EFER_LMA | EFER_NXE); /* no SCE: SYSCALL is #UD */
	vmcs_write(w, VMCS_GUEST_RSP, RV_FIMCE_STACK_TOP);
	vmcs_write(w, VMCS_GUEST_RIP, f == &hv.agent ? (uint64_t)agent_main : m->entry);
	vmcs_write(w, VMCS_EXCEPTION_BITMAP, ~0ull & 0xffffffff);
	vmcs_write(w, VMCS_VPID, f->vpid);
}

/* Makes the FIMCE's VMCS current and gives it this CPU's host state. The controls are written anew each time. */
static void vmcs_enter(struct percpu *cpu, struct fimce *f)
{
	uint64_t budget = f->values.budget_us * hv.launch.tsc_khz / 1000, ticks = budget >> hv.caps.timer_shift;
	struct vmcs_writer w = {0};

	*(uint32_t *)pa_pointer(f->vmcs) = hv.caps.revision;
	if (!f->vmcs_ready)
		(void)vmcs_clear(f->vmcs);
	if (!vmcs_load(f->vmcs))
		hv_stop(cpu, RV_REASON_VMCS_FAILED, 0, f->id, 0);
	launch_vmcs_controls(cpu, &hv.caps.fimce, &w);
	if (!f->vmcs_ready)
		guest_state_first(f, &w);
	if (f->io_bitmaps.v != 0) {
		vmcs_write(&w, VMCS_PRIMARY_CONTROLS, hv.caps.fimce.primary | PRIMARY_IO_BITMAPS);
		vmcs_write(&w, VMCS_IO_BITMAP_A, f->io_bitmaps.v);
		vmcs_write(&w, VMCS_IO_BITMAP_B, f->io_bitmaps.v + RV_PAGE_SIZE);
	}
	vmcs_write(&w, VMCS_GUEST_PREEMPTION_TIMER, ticks > 0xffffffff ? 0xffffffff : ticks);
	f->end_tsc = rdtsc() + budget;
	if (w.failed_field != 0)
		hv_stop(cpu, RV_REASON_VMCS_FAILED, w.failed_field, w.error, f->id);
	f->vmcs_ready = true;
	vpid_invalidate(f->vpid);
}

bool fimce_die(struct percpu *cpu, struct fimce *f, uint32_t cause, uint32_t detail, uint64_t value)
{
	struct rv_fimce_status *s = &f->status;

	f->state = RV_FIMCE_DEAD;
	s->cause = cause;
	s->detail = detail;
	s->value = value;
	s->rip = vmcs_read(VMCS_GUEST_RIP);
	/* The guest chooses the moment of a kill and, by the budget, that of the watchdog: it must not read what a signed task
	 * works on by that. */
	if (!s->is_signed || (cause != RV_CAUSE_KILLED && cause != RV_CAUSE_WATCHDOG)) {
		memcpy(s->gpr, f->regs.gpr, sizeof(s->gpr));
		s->gpr[RSP] = vmcs_read(VMCS_GUEST_RSP);
	}
	log_write(cpu, RV_REASON_FIMCE_DIED, f->id, cause, detail, value, s->rip);
	return false;
}

static bool segments_ok(struct percpu *cpu, const struct fimce *f, const struct rv_measured *m)
{
	uint32_t end = 0, pages = f->values.load_bytes / RV_PAGE_SIZE;

	for (uint32_t i = 0; i < m->segment_count; i++) {
		const struct rv_measured_segment *s = &m->segment[i];

		if (s->first_page < end || s->pages > pages || s->first_page > pages - s->pages || s->perm > 7 ||
		    (s->perm & (RV_PERM_W | RV_PERM_X)) == (RV_PERM_W | RV_PERM_X)) {
			hypercall_refuse(cpu, -RV_EINVAL, RV_REASON_FIMCE_SEGMENT, i);
			return false;
		}
		end = s->first_page + s->pages;
	}
	return true;
}

static int64_t measured_check(struct percpu *cpu, const struct fimce *f, const struct rv_measured *m)
{
	bool wants_target = (m->capabilities & RV_CAP_TARGET) != 0, is_signed = (m->flags & RV_MEASURED_SIGNED) != 0;

	if (m->size != sizeof(*m) || m->segment_count > sizeof(m->segment) / sizeof(m->segment[0]))
		return hypercall_refuse(cpu, -RV_EINVAL, RV_REASON_FIMCE_SEGMENT, m->segment_count);
	if (!segments_ok(cpu, f, m))
		return -RV_EINVAL;
	if (m->capabilities != 0 && !is_signed)
		return hypercall_refuse(cpu, -RV_EACCES, RV_REASON_FIMCE_CAPABILITY, m->capabilities);
	if (wants_target != (f->values.target_count != 0))
		return hypercall_refuse(cpu, -RV_EACCES, RV_REASON_UPDATE_TARGET, f->values.target_count);
	if (wants_target && m->sequence <= sequence_get(m->component))
		return hypercall_refuse(cpu, -RV_ESTALE, RV_REASON_UPDATE_SEQUENCE, m->sequence);
	if (wants_target && !journal_has_room())
		return hypercall_refuse(cpu, -RV_ENOSPC, RV_REASON_JOURNAL_FULL, hv.journal.count);
	return device_check(cpu, f, m);
}

/* MEASURED -> SEALED: the load area gets the segments' rights, the grants are added; the page table is final after this. */
static int64_t seal(struct percpu *cpu, struct fimce *f)
{
	struct rv_measured m = *(const struct rv_measured *)pa_pointer(f->mailbox);
	struct rv_fimce_status *s = &f->status;
	int64_t error = measured_check(cpu, f, &m);

	memcpy(s->image_digest, m.image_digest, RV_DIGEST_SIZE);
	memcpy(s->signer, m.signer, RV_DIGEST_SIZE);
	memcpy(f->component, m.component, RV_DIGEST_SIZE);
	memcpy(s->name, m.name, sizeof(s->name));
	s->name[sizeof(s->name) - 1] = 0;
	s->sequence = m.sequence;
	s->is_signed = (m.flags & RV_MEASURED_SIGNED) != 0;
	if (error)
		return error;
	f->state = RV_FIMCE_MEASURED;
	f->has_revert = (m.flags & RV_MEASURED_HAS_REVERT) != 0;
	error = dim_lend(cpu, f);
	if (error)
		return error;
	s->capabilities = m.capabilities;
	fimce_tables_map(f, RV_FIMCE_LOAD, f->load, f->values.load_bytes / RV_PAGE_SIZE, FIMCE_PTE_NONE);
	for (uint32_t i = 0; i < m.segment_count; i++) {
		uint64_t offset = (uint64_t)m.segment[i].first_page << RV_PAGE_SHIFT;
		uint32_t perm = m.segment[i].perm;

		fimce_tables_map(f, RV_FIMCE_LOAD + offset, pa_add(f->load, offset), m.segment[i].pages,
				 perm & RV_PERM_X   ? FIMCE_PTE_RX
				 : perm & RV_PERM_W ? FIMCE_PTE_RW
						    : FIMCE_PTE_R);
	}
	error = device_seal(cpu, f, &m);
	if (error)
		return error;
	f->state = RV_FIMCE_SEALED;
	vpid_invalidate(f->vpid);
	return 0;
}

static void text_log(struct percpu *cpu, struct fimce *f, uint64_t bytes)
{
	uint64_t text[5] = {0};

	memcpy(text, pa_pointer(f->mailbox), bytes < sizeof(text) ? bytes : sizeof(text));
	log_write(cpu, RV_REASON_FIMCE_TEXT, text[0], text[1], text[2], text[3], text[4]);
}

/* What the manager says of an input that it refuses before it has measured an image. */
static void refused_take(struct fimce *f)
{
	const struct rv_refused *r = pa_pointer(f->mailbox);

	if (r->size != sizeof(*r))
		return;
	memcpy(f->status.image_digest, r->input_digest, RV_DIGEST_SIZE);
	memcpy(f->component, r->component, RV_DIGEST_SIZE);
	f->status.sequence = r->sequence;
	f->input_refused = true;
}

/* A VMCALL of FIMCE code. @return true if the FIMCE goes on. */
static bool fimce_vmcall(struct percpu *cpu, struct fimce *f)
{
	uint64_t number = f->regs.gpr[RAX], rdi = f->regs.gpr[RDI], rsi = f->regs.gpr[RSI];
	struct rv_fimce_status *s = &f->status;

	guest_skip();
	/* Before the seal only the manager runs, and it has three things to say. */
	bool sealed = f->state == RV_FIMCE_RUNNING && f->sealed;

	switch (number) {
	case RV_FC_MEASURED:
		if (sealed || f->values.mode != RV_MODE_IMAGE)
			break;
		lock_acquire(&hv.lock);
		f->regs.gpr[RAX] = (uint64_t)seal(cpu, f);
		f->sealed = f->regs.gpr[RAX] == 0;
		f->state = RV_FIMCE_RUNNING;
		lock_release(&hv.lock);
		f->regs.gpr[RDX] = cpu->refusal.reason;
		f->regs.gpr[R8] = cpu->refusal.value[0];
		return true;
	case RV_FC_YIELD:
		if (!sealed || !(s->capabilities & RV_CAP_TARGET))
			break;
		s->result = (int64_t)rdi;
		s->detail = (uint32_t)rsi;
		s->value = f->regs.gpr[RDX];
		f->state = RV_FIMCE_YIELDED;
		return false;
	case RV_FC_EXIT:
		if (!sealed && f->values.mode != RV_MODE_JOURNAL)
			break;
		s->result = (int64_t)rdi;
		s->output_bytes = rsi <= f->values.output_bytes ? (uint32_t)rsi : f->values.output_bytes;
		f->state = RV_FIMCE_DONE;
		return false;
	case RV_FC_REFUSE:
		if (sealed)
			break;
		s->result = (int64_t)rdi;
		refused_take(f);
		return fimce_die(cpu, f, RV_CAUSE_REFUSED, (uint32_t)rsi, f->regs.gpr[RDX]);
	case RV_FC_LOG:
		text_log(cpu, f, rdi);
		f->regs.gpr[RAX] = 0;
		return true;
	case RV_FC_DMA:
		if (!sealed || f->grant_count == 0)
			break;
		lock_acquire(&hv.lock);
		f->regs.gpr[RAX] = (uint64_t)device_open_dma(cpu, f);
		lock_release(&hv.lock);
		f->regs.gpr[RDX] = cpu->refusal.reason;
		return true;
	case RV_FC_EOI:
		if (!sealed || !f->has_interrupt)
			break;
		apic_eoi();
		f->regs.gpr[RAX] = 0;
		return true;
	default:
		break;
	}
	return fimce_die(cpu, f, RV_CAUSE_PROTOCOL, (uint32_t)number, 0);
}

/* @return true if the FIMCE goes on. */
static bool fimce_exit(struct percpu *cpu, struct fimce *f, uint32_t reason)
{
	uint32_t info;

	switch (reason) {
	case EXIT_VMCALL:
		return fimce_vmcall(cpu, f);
	case EXIT_EXCEPTION_NMI:
		info = (uint32_t)vmcs_read(VMCS_EXIT_INTERRUPTION_INFO);
		if ((info & INTERRUPTION_TYPE_MASK) == INTERRUPTION_TYPE_NMI) {
			root_iret();
			nmi_account(cpu);
			return true;
		}
		f->status.cr2 = vmcs_read(VMCS_EXIT_QUALIFICATION);
		return fimce_die(cpu, f, RV_CAUSE_EXCEPTION, info & 0xff,
				 info & INTERRUPTION_ERROR_CODE ? vmcs_read(VMCS_EXIT_INTERRUPTION_ERROR) : 0);
	case EXIT_PREEMPTION_TIMER:
		return fimce_die(cpu, f, RV_CAUSE_WATCHDOG, 0, f->values.budget_us);
	case EXIT_TRIPLE_FAULT:
		return fimce_die(cpu, f, RV_CAUSE_TRIPLE_FAULT, 0, 0);
	case EXIT_INIT:
		/* An attack by the guest, which may deny service but no more: ignored. One that meets the agent may be for the guest. */
		cpu->agent_init |= f == &hv.agent;
		if (hv.init_quirk != INIT_QUIRK_ABSENT && ++cpu->init_storm >= RESET_STORM) {
			reset_clear_init(cpu, f->vmcs);
			cpu->init_storm = 0;
		}
		return true;
	default:
		return fimce_die(cpu, f, RV_CAUSE_BREACH, reason, vmcs_read(VMCS_EXIT_QUALIFICATION));
	}
}

uint32_t fimce_prepare(struct percpu *cpu)
{
	struct fimce *f = cpu->running;

	while (hv.panicked)
		cpu_halt();
	nmi_account_seen(cpu);
	/* The timer stands still in root mode: a task that keeps calling would outlive its budget. */
	if (f->kill)
		fimce_die(cpu, f, RV_CAUSE_KILLED, 0, 0);
	else if (rdtsc() >= f->end_tsc)
		fimce_die(cpu, f, RV_CAUSE_WATCHDOG, 0, f->values.budget_us);
	else
		return VMX_ENTER;
	return VMX_LEAVE;
}

uint32_t fimce_step(struct percpu *cpu, uint64_t reason)
{
	struct fimce *f = cpu->running;

	if (reason & EXIT_REASON_ENTRY_FAILURE) {
		/* The agent's is the machine's first VM entry, when the launch can still be undone. */
		if (!cpu->proved)
			return VMX_LEAVE;
		hv_stop(cpu, RV_REASON_ENTRY_FAILED, reason, 0, f->id);
	}
	f->status.exits++;
	cpu->stat.fimce_exits++;
	return fimce_exit(cpu, f, (uint32_t)reason) ? fimce_prepare(cpu) : VMX_LEAVE;
}

void fimce_run(struct percpu *cpu, struct fimce *f, uint64_t command)
{
	struct fimce *outer = cpu->running;
	bool agent = f == &hv.agent;
	struct owner_state owner;
	uint64_t begin = rdtsc();
	uint32_t apic = 0;

	if (f->state == RV_FIMCE_YIELDED)
		f->regs.gpr[RAX] = command;
	f->state = RV_FIMCE_RUNNING;
	f->cpu = cpu;
	f->status.cpu = cpu->index;
	if (!agent) {
		cpu->fimce = f->id;
		lock_release(&hv.lock);
	}

	while (rdtsc() < f->reset_tsc)
		cpu_pause();
	owner_save(cpu, &owner, f);
	if (f->has_interrupt)
		apic = apic_listen();
	/* A reset that clears an INIT switches VMX off. */
	if (outer != NULL)
		(void)vmcs_clear(outer->vmcs);
	vmcs_enter(cpu, f);
	cpu->init_storm = 0;
	cpu->running = f;
	cpu->runs_fimce = 1;
	if (vmx_run(cpu, &f->regs) == VMX_FAILED && cpu->proved)
		hv_stop(cpu, RV_REASON_ENTRY_FAILED, 0, vmcs_read(VMCS_INSTRUCTION_ERROR), f->id);
	cpu->running = outer;
	cpu->runs_fimce = outer != NULL;
	(void)vmcs_clear(f->vmcs);
	(void)vmcs_load(outer != NULL ? outer->vmcs : cpu->guest_vmcs);
	owner_restore(cpu, &owner, f);

	if (agent)
		return;
	lock_acquire(&hv.lock);
	device_stop(cpu, f);
	if (f->has_interrupt)
		apic_unlisten(apic);
	f->status.run_tsc += rdtsc() - begin;
	f->cpu = NULL;
	cpu->fimce = 0;
	if (f->state == RV_FIMCE_DONE)
		log3(cpu, RV_REASON_FIMCE_DONE, f->id, (uint64_t)f->status.result, f->status.output_bytes);
	dim_after_run(cpu, f);
}
