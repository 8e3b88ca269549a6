/* SPDX-License-Identifier: GPL-2.0-only */
/* launch.c - see launch.h. Reads like the manual's list: Intel SDM vol. 3, 24.7 and 32.5 to 32.7. */
#include <hv/exits.h>
#include <hv/launch.h>
#include <hv/iommu.h>
#include <hv/manager.h>
#include <hv/percpu.h>
#include <hv/reset.h>
#include <hv/x86/offsets.h>
#include <hv/x86/tables.h>

struct hv hv;

_Static_assert(offsetof(struct percpu, nmi_seen) == PERCPU_ATTENTION, "offsets.h: the first byte of attention");
_Static_assert(offsetof(struct percpu, stat.exit[EXIT_CPUID]) == PERCPU_CPUID_EXITS, "offsets.h");

#define PARTITION_ROWS 8192u

extern const uint8_t hv_text_start[], hv_end[];
extern const uint8_t trampoline[], trampoline_end[], trampoline_cr3[], trampoline_base[];
extern const uint8_t vmx_exit[];

static int launch_fail(struct rv_launch *l, int error, uint32_t reason, uint64_t value, uint64_t value2)
{
	l->reason = reason;
	l->reason_value = value;
	l->reason_value2 = value2;
	return error;
}

static int launch_pass(struct rv_launch *l, int error, const struct refusal *why)
{
	return launch_fail(l, error, why->reason, why->value[0], why->value[1]);
}

/* What the front end says was checked there (boot/x86/check.c): this only makes sure that both mean the same structure. */
static int launch_check(struct rv_launch *l)
{
	struct refusal why;
	int error;

	if (l->magic != RV_LAUNCH_MAGIC || l->abi_version != RV_ABI_VERSION || l->size != sizeof(*l))
		return launch_fail(l, -RV_EINVAL, RV_REASON_LAUNCH_ARGUMENT, offsetof(struct rv_launch, magic), 0);
	error = vmx_check(&hv.caps, &why);
	if (error)
		return launch_pass(l, error, &why);
	if (read_cr4() & CR4_VMXE)
		return launch_fail(l, -RV_EBUSY, RV_REASON_VMX_IN_USE, read_cr4(), 0);
	return 0;
}

/* Rows: image and row storage are the hypervisor's, the rest of the pool is free, everything else is the guest's. */
static int pool_init(uint64_t image_bytes)
{
	const struct rv_launch *l = &hv.launch;
	const struct row ours = {.owner = OWNER_HYPERVISOR, .perm = PERM_R | PERM_W};
	const struct row shared = {.owner = OWNER_HYPERVISOR, .shared = SHARED_ALL, .perm = PERM_R | PERM_X};
	struct partition *p = &hv.partition;
	uint64_t rows_bytes = page_align_up(PARTITION_ROWS * sizeof(struct row));
	pa_t base = pa_make(l->pool_base), rows = pa_add(base, image_bytes + l->table_bytes);
	pa_t manager = pa_add(base, (uint64_t)&manager_start - RV_HV_BASE);
	uint64_t manager_bytes = (uint64_t)(manager_start.text_pages + manager_start.rodata_pages) * RV_PAGE_SIZE;
	uint32_t bits = cpuid(0x80000008, 0).eax & 0xff;
	int error;

	/* Four levels of EPT translate 48 bits: what lies above is nobody's. */
	partition_init(p, pa_pointer(rows), PARTITION_ROWS,
		       1ull << (bits < EPT_ADDRESS_BITS ? bits : EPT_ADDRESS_BITS));
	error = partition_take(p, base, l->pool_bytes, OWNER_GUEST, &(struct row){.owner = OWNER_POOL_FREE});
	error = error ? error : partition_take(p, base, rows.v + rows_bytes - base.v, OWNER_POOL_FREE, &ours);
	error = error ? error : partition_take(p, manager, manager_bytes, OWNER_HYPERVISOR, &shared);
	return error ? error : partition_take(p, pa_make(l->trampoline), RV_PAGE_SIZE, OWNER_GUEST, &ours);
}

static int memory_new(pa_t *at, uint64_t bytes)
{
	return partition_allocate(&hv.partition, (uint32_t)(page_align_up(bytes) >> RV_PAGE_SHIFT), OWNER_HYPERVISOR,
				  at);
}

static int percpu_new(uint32_t index)
{
	pa_t state, vmcs, xsave;
	struct percpu *cpu;
	int error = memory_new(&state, sizeof(*cpu));

	error = error ? error : memory_new(&vmcs, 2 * RV_PAGE_SIZE);
	error = error ? error : memory_new(&xsave, hv.xsave_bytes);
	if (error)
		return error;
	cpu = pa_pointer(state);
	cpu->index = index;
	cpu->apic_id = hv.launch.apic_id[index];
	cpu->vmxon_region = vmcs;
	cpu->guest_vmcs = pa_add(vmcs, RV_PAGE_SIZE);
	cpu->xsave_area = pa_pointer(xsave);
	cpu->stat.cpu = index;
	cpu->stat.apic_id = cpu->apic_id;
	*(uint32_t *)pa_pointer(cpu->vmxon_region) = hv.caps.revision;
	*(uint32_t *)pa_pointer(cpu->guest_vmcs) = hv.caps.revision;
	hv.cpu[index] = cpu;
	return 0;
}

static int machine_init(struct rv_launch *l)
{
	uint64_t top = 4 * SIZE_1G; /* or the end of RAM */
	struct cpuid d = cpuid(0xd, 0);
	pa_t journal;
	int error;

	for (const struct rv_launch_ram *r = l->ram; r < l->ram + l->ram_count; r++)
		top = r->base + r->bytes > top ? r->base + r->bytes : top;
	hv.mtrr_count = (uint8_t)rdmsr(MSR_MTRRCAP);
	hv.xsave_bytes = d.ecx;
	hv.xcr0_supported = (uint64_t)d.edx << 32 | d.eax;
	hv.has_flush_cmd = cpuid(0, 0).eax >= 7 && (cpuid(7, 0).edx & 1u << 28) != 0;
	error = iommu_probe();
	hv.ept = (struct ept){.partition = &hv.partition,
			      .types = &hv.launch.types,
			      .vtd = &hv.vtd,
			      .large_1g = (hv.caps.ept_vpid & EPT_CAP_1G) != 0 && hv.vtd.large_1g,
			      .small_pages = !hv.vtd.large_2m};
	error = error ? error : ept_build(&hv.ept, top);
	error = error ? error : iommu_build();
	error = error ? error : memory_new(&hv.msr_bitmap, RV_PAGE_SIZE);
	error = error ? error : memory_new(&hv.io_bitmap_a, RV_PAGE_SIZE);
	error = error ? error : memory_new(&hv.io_bitmap_b, RV_PAGE_SIZE);
	error = error ? error : memory_new(&journal, JOURNAL_CAPACITY * sizeof(struct rv_journal_record));
	for (uint32_t i = 0; !error && i < l->cpu_count; i++)
		error = percpu_new(i);
	error = error ? error : fimce_create_agent(hv.cpu[0]);
	if (error && hv.vtd.failure.reason != 0)
		return launch_pass(l, error, &hv.vtd.failure);
	if (error)
		return launch_fail(l, error, RV_REASON_POOL_SMALL,
				   l->pool_bytes + partition_bytes(&hv.partition, OWNER_HYPERVISOR), 0);
	hv.journal.record = pa_pointer(journal);
	hv.cpu_count = hv.launch.cpu_count;
	exits_fill_bitmap(pa_pointer(hv.msr_bitmap), VMCS_MSR_BITMAP);
	exits_fill_bitmap(pa_pointer(hv.io_bitmap_a), VMCS_IO_BITMAP_A);
	exits_fill_bitmap(pa_pointer(hv.io_bitmap_b), VMCS_IO_BITMAP_B);
	return 0;
}

bool launch_vmx_enable(struct percpu *cpu)
{
	uint64_t feature = rdmsr(MSR_FEATURE_CONTROL);
	uint64_t cr4 = CR4_PAE | CR4_OSFXSR | CR4_VMXE | hv.caps.cr4_fixed0;

	if (cpuid(1, 0).ecx & 1u << 26)
		cr4 |= CR4_OSXSAVE;
	if (!(feature & FEATURE_CONTROL_LOCK))
		wrmsr(MSR_FEATURE_CONTROL, feature | FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX);
	write_cr0((CR0_PE | CR0_ET | CR0_NE | CR0_WP | CR0_PG | hv.caps.cr0_fixed0) & hv.caps.cr0_fixed1);
	write_cr4(cr4 & hv.caps.cr4_fixed1);
	return vmx_on(cpu->vmxon_region);
}

void vmcs_write(struct vmcs_writer *w, uint64_t field, uint64_t value)
{
	if (vmcs_write_raw(field, value) || w->failed_field != 0)
		return;
	w->failed_field = field == 0 ? 0x10000 : (uint32_t)field;
	w->error = (uint32_t)vmcs_read(VMCS_INSTRUCTION_ERROR);
}

static void vmcs_clear_fields(struct vmcs_writer *w, const uint16_t *field, size_t count)
{
	for (size_t i = 0; i < count; i++)
		vmcs_write(w, field[i], 0);
}

void launch_vmcs_controls(struct percpu *cpu, const struct vmx_controls *c, struct vmcs_writer *w)
{
	static const uint16_t zero[] = {VMCS_PF_ERROR_MASK,
					VMCS_PF_ERROR_MATCH,
					VMCS_CR3_TARGET_COUNT,
					VMCS_EXIT_MSR_STORE_COUNT,
					VMCS_EXIT_MSR_LOAD_COUNT,
					VMCS_ENTRY_MSR_LOAD_COUNT,
					VMCS_ENTRY_INTERRUPTION_INFO,
					VMCS_HOST_SELECTOR + 2 * SEG_FS,
					VMCS_HOST_SELECTOR + 2 * SEG_GS,
					VMCS_HOST_FS_BASE,
					VMCS_HOST_SYSENTER_CS,
					VMCS_HOST_SYSENTER_ESP,
					VMCS_HOST_SYSENTER_EIP};

	vmcs_clear_fields(w, zero, sizeof(zero) / sizeof(zero[0]));
	vmcs_write(w, VMCS_PIN_CONTROLS, c->pin);
	vmcs_write(w, VMCS_PRIMARY_CONTROLS, c->primary);
	vmcs_write(w, VMCS_SECONDARY_CONTROLS, c->secondary);
	vmcs_write(w, VMCS_EXIT_CONTROLS, c->exit);
	vmcs_write(w, VMCS_ENTRY_CONTROLS, c->entry);
	vmcs_write(w, VMCS_LINK_POINTER, ~0ull);

	for (uint64_t s = SEG_ES; s <= SEG_DS; s++)
		vmcs_write(w, VMCS_HOST_SELECTOR + 2 * s, s == SEG_CS ? HOST_CS : HOST_DS);
	vmcs_write(w, VMCS_HOST_TR_SELECTOR, HOST_TSS);
	vmcs_write(w, VMCS_HOST_CR0, read_cr0());
	vmcs_write(w, VMCS_HOST_CR3, hv.page_tables.v);
	vmcs_write(w, VMCS_HOST_CR4, read_cr4());
	vmcs_write(w, VMCS_HOST_EFER, EFER_LME | EFER_LMA | EFER_NXE);
	vmcs_write(w, VMCS_HOST_PAT, PAT_RESET);
	vmcs_write(w, VMCS_HOST_GS_BASE, (uint64_t)cpu);
	vmcs_write(w, VMCS_HOST_TR_BASE, (uint64_t)cpu->tables.tss);
	vmcs_write(w, VMCS_HOST_GDTR_BASE, (uint64_t)cpu->tables.gdt);
	vmcs_write(w, VMCS_HOST_IDTR_BASE, (uint64_t)cpu->tables.idt);
	vmcs_write(w, VMCS_HOST_RIP, (uint64_t)vmx_exit);
}

void launch_vmcs_guest(struct vmcs_writer *w)
{
	static const uint16_t zero[] = {VMCS_GUEST_DEBUGCTL,     VMCS_GUEST_SYSENTER_CS, VMCS_GUEST_SYSENTER_ESP,
					VMCS_GUEST_SYSENTER_EIP, VMCS_GUEST_ACTIVITY,    VMCS_GUEST_INTERRUPTIBILITY,
					VMCS_GUEST_PENDING_DEBUG};

	vmcs_clear_fields(w, zero, sizeof(zero) / sizeof(zero[0]));
	vmcs_write(w, VMCS_GUEST_PAT, PAT_RESET);
	vmcs_write(w, VMCS_GUEST_DR7, DR7_RESET);
	vmcs_write(w, VMCS_GUEST_RFLAGS, RFLAGS_FIXED);
}

void launch_vmcs_segment(struct vmcs_writer *w, uint64_t s, uint16_t selector, uint64_t base, uint32_t limit,
			 uint32_t access)
{
	vmcs_write(w, VMCS_GUEST_SELECTOR + 2 * s, selector);
	vmcs_write(w, VMCS_GUEST_BASE + 2 * s, base);
	vmcs_write(w, VMCS_GUEST_LIMIT + 2 * s, limit);
	vmcs_write(w, VMCS_GUEST_ACCESS + 2 * s, access);
}

void launch_real_mode(struct percpu *cpu, uint8_t vector)
{
	static const uint16_t zero[] = {VMCS_GUEST_GDTR_BASE,     VMCS_GUEST_IDTR_BASE,
					VMCS_GUEST_CR3,           VMCS_CR4_SHADOW,
					VMCS_GUEST_EFER,          VMCS_GUEST_RSP,
					VMCS_GUEST_RIP,           VMCS_GUEST_INTERRUPTIBILITY,
					VMCS_GUEST_PENDING_DEBUG, VMCS_ENTRY_INTERRUPTION_INFO};
	struct vmcs_writer w = {0};
	uint64_t cr0 = CR0_ET | (hv.caps.cr0_fixed0 & ~(CR0_PE | CR0_PG));

	vmcs_clear_fields(&w, zero, sizeof(zero) / sizeof(zero[0]));
	for (uint64_t s = 0; s < SEG_LDTR; s++)
		launch_vmcs_segment(&w, s, 0, 0, 0xffff, 0x93);
	launch_vmcs_segment(&w, SEG_CS, (uint16_t)(vector << 8), (uint64_t)vector << 12, 0xffff, 0x9b);
	launch_vmcs_segment(&w, SEG_LDTR, 0, 0, 0xffff, 0x82);
	launch_vmcs_segment(&w, SEG_TR, 0, 0, 0xffff, 0x8b);
	vmcs_write(&w, VMCS_GUEST_GDTR_LIMIT, 0xffff);
	vmcs_write(&w, VMCS_GUEST_IDTR_LIMIT, 0xffff);
	vmcs_write(&w, VMCS_GUEST_CR0, cr0);
	/* The shadow shows NE = 1 from the start: then Linux's own write of CR0.NE = 1 is no change and does not exit. */
	vmcs_write(&w, VMCS_CR0_SHADOW, CR0_NE);
	vmcs_write(&w, VMCS_GUEST_CR4, hv.caps.cr4_fixed0 | CR4_VMXE);
	vmcs_write(&w, VMCS_GUEST_DR7, DR7_RESET);
	vmcs_write(&w, VMCS_GUEST_RFLAGS, RFLAGS_FIXED);
	vmcs_write(&w, VMCS_ENTRY_CONTROLS, hv.caps.guest.entry);
	if (w.failed_field != 0)
		hv_stop(cpu, RV_REASON_VMCS_FAILED, w.failed_field, w.error, 0);
	vpid_invalidate(1); /* what was cached before the INIT has the same VPID */
	memset(cpu->regs.gpr, 0, sizeof(cpu->regs.gpr));
	cpu->regs.gpr[RDX] = cpuid(1, 0).eax;
}

/* What guest VMCSs have in common, apart from the guest's registers. */
static void vmcs_guest_common(struct percpu *cpu, struct vmcs_writer *w)
{
	launch_vmcs_controls(cpu, &hv.caps.guest, w);
	launch_vmcs_guest(w);
	vmcs_write(w, VMCS_EXCEPTION_BITMAP, 1u << VECTOR_AC | 1u << VECTOR_DB);
	vmcs_write(w, VMCS_EPTP, hv.ept.eptp);
	vmcs_write(w, VMCS_VPID, 1);
	vmcs_write(w, VMCS_MSR_BITMAP, hv.msr_bitmap.v);
	vmcs_write(w, VMCS_IO_BITMAP_A, hv.io_bitmap_a.v);
	vmcs_write(w, VMCS_IO_BITMAP_B, hv.io_bitmap_b.v);
	if (hv.caps.guest.secondary & SECONDARY_XSAVES)
		vmcs_write(w, VMCS_XSS_EXITING_BITMAP, ~XSS_ALLOWED); /* exits are only a second line: see emulate.c */
	vmcs_write(w, VMCS_CR0_MASK, CR0_NE);
	vmcs_write(w, VMCS_CR4_MASK, CR4_VMXE);
}

static void vmcs_first_cpu(const struct rv_launch_state *c, struct vmcs_writer *w)
{
	vmcs_write(w, VMCS_ENTRY_CONTROLS, hv.caps.guest.entry | ENTRY_IA32E);
	vmcs_write(w, VMCS_GUEST_GDTR_BASE, c->gdt_base);
	vmcs_write(w, VMCS_GUEST_GDTR_LIMIT, c->gdt_limit);
	vmcs_write(w, VMCS_GUEST_IDTR_BASE, c->idt_base);
	vmcs_write(w, VMCS_GUEST_IDTR_LIMIT, c->idt_limit);
	vmcs_write(w, VMCS_GUEST_CR0, c->cr0 | hv.caps.cr0_fixed0);
	vmcs_write(w, VMCS_CR0_SHADOW, c->cr0);
	vmcs_write(w, VMCS_GUEST_CR3, c->cr3);
	vmcs_write(w, VMCS_GUEST_CR4, c->cr4 | CR4_VMXE | hv.caps.cr4_fixed0);
	vmcs_write(w, VMCS_CR4_SHADOW, c->cr4);
	vmcs_write(w, VMCS_GUEST_EFER, c->efer);
	/* Nothing has changed these since the call. */
	vmcs_write(w, VMCS_GUEST_DR7, read_dr7());
	vmcs_write(w, VMCS_GUEST_DEBUGCTL, rdmsr(MSR_DEBUGCTL));
	vmcs_write(w, VMCS_GUEST_PAT, rdmsr(MSR_PAT));
	vmcs_write(w, VMCS_GUEST_SYSENTER_CS, rdmsr(MSR_SYSENTER_CS));
	vmcs_write(w, VMCS_GUEST_SYSENTER_ESP, rdmsr(MSR_SYSENTER_ESP));
	vmcs_write(w, VMCS_GUEST_SYSENTER_EIP, rdmsr(MSR_SYSENTER_EIP));
	vmcs_write(w, VMCS_GUEST_RSP, c->rsp);
	vmcs_write(w, VMCS_GUEST_RIP, c->rip);
	/* Exit before the first instruction: the proof that the entry works. */
	vmcs_write(w, VMCS_GUEST_PREEMPTION_TIMER, 0);
	for (uint64_t i = 0; i < SEG_COUNT; i++) {
		const struct rv_launch_segment *s = &c->segment[i];

		launch_vmcs_segment(w, i, s->selector, s->base, s->limit, s->access);
	}
}

static void vmcs_waiting_cpu(struct percpu *cpu, struct vmcs_writer *w)
{
	/* No deadline, no timer. */
	vmcs_write(w, VMCS_PIN_CONTROLS, hv.caps.guest.pin & ~PIN_PREEMPTION_TIMER);
	vmcs_write(w, VMCS_EXIT_CONTROLS, hv.caps.guest.exit & ~EXIT_SAVE_TIMER);
	vmcs_write(w, VMCS_GUEST_ACTIVITY, ACTIVITY_WAIT_FOR_SIPI);
	launch_real_mode(cpu, 0);
}

/*
 * VMX on, and the guest's VMCS made and current. c: the guest's state; NULL: it waits for SIPI.
 * Returns false if that is not possible: cpu->refusal says why, and VMX is off. (In VMX operation the INIT of aps_stop
 * would not reach the CPU.)
 */
static bool guest_vmcs_make(struct percpu *cpu, const struct rv_launch_state *c)
{
	struct vmcs_writer w = {0};

	if (!launch_vmx_enable(cpu)) {
		cpu->refusal = (struct refusal){RV_REASON_VMXON_FAILED, {cpu->apic_id}};
		return false;
	}
	if (vmcs_clear(cpu->guest_vmcs) && vmcs_load(cpu->guest_vmcs)) {
		vmcs_guest_common(cpu, &w);
		if (c != NULL)
			vmcs_first_cpu(c, &w);
		else
			vmcs_waiting_cpu(cpu, &w);
		if (w.failed_field == 0)
			return true;
	}
	cpu->refusal = (struct refusal){RV_REASON_VMCS_FAILED, {w.failed_field, w.error}};
	vmx_off();
	return false;
}

bool launch_ap_prepare(struct percpu *cpu)
{
	struct vmx_caps caps;

	return vmx_check(&caps, &cpu->refusal) == 0 && guest_vmcs_make(cpu, NULL);
}

_Noreturn void launch_ap(struct percpu *cpu)
{
	tables_load(cpu);
	if (cpu->proved) /* a reset that cleared a pending INIT: the VMCS still holds the guest's state */
		reset_return(cpu, launch_vmx_enable(cpu));
	bool ok = launch_ap_prepare(cpu);

	__atomic_store_n(&cpu->stage, ok ? STAGE_READY : STAGE_FAILED, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&hv.released, __ATOMIC_ACQUIRE)) {
		/* One that failed stands here, too, until the first CPU has seen it. */
		if (__atomic_load_n(&hv.abandoned, __ATOMIC_ACQUIRE)) {
			if (ok)
				vmx_off();
			__atomic_store_n(&cpu->stage, STAGE_NONE, __ATOMIC_RELEASE);
			for (;;)
				cpu_halt();
		}
		cpu_pause();
	}
	cpu->proved = true;
	cpu->startup = STARTUP_WAITS;
	(void)exits_run(cpu); /* proved: does not come back */
	for (;;)
		cpu_halt();
}

/* The trampoline page stays ours: the guest never sees it (row OWNER_HYPERVISOR). */
static void trampoline_install(void)
{
	uint8_t *page = pa_pointer(pa_make(hv.launch.trampoline));

	memcpy(page, trampoline, (size_t)(trampoline_end - trampoline));
	*(uint32_t *)(void *)(page + (trampoline_cr3 - trampoline)) = (uint32_t)hv.page_tables.v;
	*(uint32_t *)(void *)(page + (trampoline_base - trampoline)) = hv.launch.trampoline;
}

int launch_aps_start(struct rv_launch *l)
{
	for (uint32_t i = 1; i < hv.cpu_count; i++) {
		struct percpu *cpu = hv.cpu[i];

		l->reason_cpu = i;
		if (percpu_start(cpu, hv.launch.ap_timeout_us) != 0)
			return launch_fail(l, -RV_ETIME, RV_REASON_AP_TIMEOUT, cpu->apic_id, 0);
		if (__atomic_load_n(&cpu->stage, __ATOMIC_ACQUIRE) != STAGE_READY)
			return launch_pass(l, -RV_ENODEV, &cpu->refusal);
	}
	l->reason_cpu = 0;
	return 0;
}

static void aps_stop(void)
{
	__atomic_store_n(&hv.abandoned, 1, __ATOMIC_RELEASE);
	for (uint32_t i = 1; i < hv.cpu_count; i++) {
		uint64_t end = rdtsc() + 100 * hv.launch.tsc_khz;

		while (__atomic_load_n(&hv.cpu[i]->stage, __ATOMIC_ACQUIRE) != STAGE_NONE && rdtsc() < end)
			cpu_pause();
		apic_send(hv.cpu[i]->apic_id, APIC_INIT); /* back to wait-for-SIPI, out of our memory */
	}
}

int launch_enter(struct rv_launch *l, struct percpu *cpu)
{
	int error = (int)iommu_begin(cpu);

	if (error)
		return launch_pass(l, error, &cpu->refusal);
	error = vtd_start(&hv.vtd);
	error = error ? launch_pass(l, error, &hv.vtd.failure)
		      : launch_fail(l, -RV_EIO, RV_REASON_VMLAUNCH_FAILED, exits_run(cpu), 0);
	if (vtd_stop(&hv.vtd) != 0)
		hv_stop(cpu, hv.vtd.failure.reason, hv.vtd.failure.value[0], hv.vtd.failure.value[1], 0);
	return error;
}

/* From here on in root mode's own page tables. Returns only on failure. */
static int launch_first_cpu(struct rv_launch *l, const struct rv_launch_state *c)
{
	struct percpu *cpu;
	int error = pool_init((uint64_t)(hv_end - hv_text_start));

	if (error)
		return launch_fail(l, error, RV_REASON_POOL_ALIGN, hv.launch.pool_base, 0);
	error = machine_init(l);
	if (error)
		return error;
	cpu = hv.cpu[0];
	trampoline_install();
	error = launch_aps_start(l);
	if (error)
		return error;
	tables_load(cpu);
	if (!guest_vmcs_make(cpu, c))
		return launch_pass(l, -RV_EIO, &cpu->refusal);
	error = launch_enter(l, cpu);
	vmx_off();
	return error;
}

int64_t launch_main(struct rv_launch *caller)
{
	struct rv_launch *l = &hv.launch;
	int error;

	*l = *caller;
	l->reason_cpu = 0;
	error = launch_check(l);
	if (!error) {
		hv.page_tables = pa_make(l->pool_base + (uint64_t)(hv_end - hv_text_start));
		wrmsr(MSR_EFER, l->state.efer | EFER_NXE);
		write_cr3(hv.page_tables.v);
		error = launch_first_cpu(l, &l->state);
		aps_stop();
		write_cr4(l->state.cr4);
		write_cr3(l->state.cr3);
		wrmsr(MSR_EFER, l->state.efer);
		write_cr0(l->state.cr0);
	}
	*caller = *l; /* only the reason has changed */
	return error;
}
