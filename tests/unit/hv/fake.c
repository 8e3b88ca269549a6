/* SPDX-License-Identifier: GPL-2.0-only */
/* fake.c - see fake.h. */
#include "fake.h"

#include <sys/mman.h>

/* What entry.S and linker.ld give to a real image. */
struct percpu *ap_cpu;
uint8_t *ap_stack;

uint64_t fake_time, fake_tick, fake_xcr0, fake_vpid_flushes, fake_ept_flushes, fake_x87, fake_sse;
uint32_t fake_msr_writes, fake_nmis, fake_flushed_lines;
const void *fake_flushed_last;
uint16_t fake_port;
uint8_t fake_port_value;
uint32_t (*fake_guest)(struct regs *r);
uint32_t (*fake_agent)(struct regs *r);
static bool agent_runs;
void (*fake_ipi)(uint32_t apic_id, uint32_t command);
void (*fake_exit_state)(struct regs *r);
jmp_buf fake_stop_jump;
bool fake_stop_expected;

extern const uint8_t hv_text_start[], hv_end[];
extern const uint8_t trampoline[], trampoline_end[], trampoline_cr3[], trampoline_base[];
extern const uint8_t exception_stubs[], nmi_entry[], vmx_exit[];
const uint8_t hv_text_start[1], hv_end[1];
const uint8_t trampoline[1], trampoline_end[1], trampoline_cr3[1], trampoline_base[1];
const uint8_t exception_stubs[1], nmi_entry[1], vmx_exit[1];

static uint8_t *memory;
static uint32_t random_state;
static uint64_t entry_valid; /* bit 31 of the interruption information at the last VM entry */

/* The manager's binary: one page each of text, read-only data and data. */
struct manager_blob {
	struct rv_manager_header header;
	uint8_t rest[3 * RV_PAGE_SIZE - sizeof(struct rv_manager_header)];
};
extern const struct manager_blob fake_manager __asm__("manager_start");
const struct manager_blob fake_manager __attribute__((aligned(4096))) = {
    .header = {.magic = RV_MANAGER_MAGIC,
	       .text_pages = 1,
	       .rodata_pages = 1,
	       .data_pages = 2,
	       .data_file_bytes = 64,
	       .entry = RV_FIMCE_MANAGER + 0x100,
	       .idt = RV_FIMCE_MANAGER + 0x1000,
	       .gdt = RV_FIMCE_MANAGER + 0x1800,
	       .idt_limit = 0xfff,
	       .gdt_limit = 0x27,
	       .tss = RV_FIMCE_MANAGER + 0x1900,
	       .canary = RV_FIMCE_MANAGER + 0x2000},
};
const uint8_t manager_end[1];
const uint8_t manager_digest[RV_DIGEST_SIZE] = {0x42};

static _Noreturn void stopped(const char *what)
{
	if (fake_stop_expected) {
		fake_stop_expected = false;
		longjmp(fake_stop_jump, 1);
	}
	const struct rv_log_record *r = fake_log_last();

	fail_msg("root mode stopped: %s; last log record: reason %u, values %llx %llx %llx", what, r->reason,
		 (unsigned long long)r->value[0], (unsigned long long)r->value[1], (unsigned long long)r->value[2]);
	abort();
}

/* --- registers ------------------------------------------------------------------------------------------------- */

#define MSRS 256u
static struct {
	uint32_t msr;
	bool valid;
	uint64_t value;
} msrs[MSRS];
#define CPUIDS 32u
static struct {
	uint32_t leaf, subleaf;
	bool valid;
	struct cpuid value;
} cpuids[CPUIDS];
static uint64_t cr0, cr2, cr3, cr4, cr8, dr6, dr7;

static uint32_t msr_slot(uint32_t msr)
{
	uint32_t i = 0;

	while (i < MSRS && msrs[i].valid && msrs[i].msr != msr)
		i++;
	if (i == MSRS)
		abort();
	return i;
}

void fake_msr_set(uint32_t msr, uint64_t value)
{
	uint32_t i = msr_slot(msr);

	msrs[i].msr = msr;
	msrs[i].valid = true;
	msrs[i].value = value;
}

void fake_msr_remove(uint32_t msr)
{
	uint32_t i = msr_slot(msr), last = i;

	while (last + 1 < MSRS && msrs[last + 1].valid)
		last++;
	msrs[i] = msrs[last];
	msrs[last].valid = false;
}

uint64_t fake_msr_get(uint32_t msr)
{
	return msrs[msr_slot(msr)].value;
}

uint64_t rdmsr(uint32_t msr)
{
	uint32_t i = msr_slot(msr);

	assert_false(agent_runs); /* RDMSR kills it */
	if (!msrs[i].valid)
		stopped("RDMSR of an MSR that does not exist");
	return msrs[i].value;
}

/* IA32_APIC_BASE goes through the transitions of figure 11-27 only; all else is #GP. */
static bool apic_base_ok(uint64_t old, uint64_t new)
{
	uint64_t from = old & (APIC_BASE_ENABLE | APIC_BASE_X2APIC), to = new &(APIC_BASE_ENABLE | APIC_BASE_X2APIC);

	if (to == APIC_BASE_X2APIC)
		return false;
	if ((to & APIC_BASE_X2APIC) && !(cpuid(1, 0).ecx & 1u << 21))
		return false;
	if (from == 0)
		return !(to & APIC_BASE_X2APIC);
	return !((from & APIC_BASE_X2APIC) && to == APIC_BASE_ENABLE);
}

void wrmsr(uint32_t msr, uint64_t value)
{
	uint32_t i = msr_slot(msr);

	fake_msr_writes++;
	if (msr == MSR_X2APIC_ICR) {
		fake_ipi((uint32_t)(value >> 32), (uint32_t)value);
		return;
	}
	if (!msrs[i].valid)
		stopped("WRMSR of an MSR that does not exist");
	if (msr == 0x80b) {
		uint32_t service = msr_slot(0x817);

		/* The highest vector in service is no longer. */
		assert_int_equal(value, 0);
		if (msrs[service].value != 0)
			msrs[service].value &= ~(1ull << (63 - __builtin_clzll(msrs[service].value)));
	}
	if (msr == MSR_APIC_BASE && !apic_base_ok(msrs[i].value, value))
		stopped("WRMSR of a forbidden value to IA32_APIC_BASE");
	msrs[i].value = value;
}

void fake_cpuid_set(uint32_t leaf, uint32_t subleaf, struct cpuid value)
{
	uint32_t i = 0;

	while (i < CPUIDS && cpuids[i].valid && (cpuids[i].leaf != leaf || cpuids[i].subleaf != subleaf))
		i++;
	if (i == CPUIDS)
		abort();
	cpuids[i].leaf = leaf;
	cpuids[i].subleaf = subleaf;
	cpuids[i].valid = true;
	cpuids[i].value = value;
}

struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
	for (uint32_t i = 0; i < CPUIDS; i++) {
		if (cpuids[i].valid && cpuids[i].leaf == leaf && cpuids[i].subleaf == subleaf)
			return cpuids[i].value;
	}
	return (struct cpuid){0};
}

uint64_t rdtsc(void)
{
	fake_time += fake_tick;
	return fake_time;
}

bool fake_helper;
void (*fake_vmx_off)(void);
uint32_t fake_vmx_offs;

void cpu_pause(void)
{
	fake_time += fake_tick;
	if (fake_helper)
		hv.reset_cpu = NULL;
}

void cpu_fence(void)
{
}

void cpu_flush_line(const void *at)
{
	fake_flushed_lines++;
	fake_flushed_last = at;
}

void cpu_halt(void)
{
	stopped("HLT in root mode");
}

void cpu_wbinvd(void)
{
}

void xsetbv(uint32_t index, uint64_t value)
{
	/* The rules of the SDM, vol. 1, 13.3. */
	bool bad = index != 0 || (value & ~0xe7ull) != 0 || !(value & 1) || ((value & 4) && !(value & 2)) ||
		   ((value & 0xe0) != 0 && ((value & 0xe0) != 0xe0 || !(value & 4)));

	if (bad)
		stopped("XSETBV of a forbidden value");
	fake_xcr0 = value;
}

uint64_t xgetbv(uint32_t index)
{
	assert_int_equal(index, 0);
	return fake_xcr0;
}

/* Only the components that XCR0 enables; the first words of the area stand for x87 and SSE. */
void xsave_all(void *area)
{
	uint64_t *a = area;

	a[0] = fake_xcr0 & 1 ? fake_x87 : a[0];
	a[1] = fake_xcr0 & 2 ? fake_sse : a[1];
}

void xrstor_all(const void *area)
{
	const uint64_t *a = area;

	fake_x87 = fake_xcr0 & 1 ? a[0] : fake_x87;
	fake_sse = fake_xcr0 & 2 ? a[1] : fake_sse;
}

#define FAKE_REGISTER(name)                                                                                            \
	uint64_t read_##name(void)                                                                                     \
	{                                                                                                              \
		return name;                                                                                           \
	}
#define FAKE_WRITE(name)                                                                                               \
	void write_##name(uint64_t v)                                                                                  \
	{                                                                                                              \
		name = v;                                                                                              \
	}
FAKE_REGISTER(cr0)
FAKE_REGISTER(cr2)
FAKE_REGISTER(cr3)
FAKE_REGISTER(cr4)
FAKE_REGISTER(cr8)
FAKE_REGISTER(dr6)
FAKE_REGISTER(dr7)
FAKE_WRITE(cr0)
FAKE_WRITE(cr2)
FAKE_WRITE(cr3)
FAKE_WRITE(cr4)
FAKE_WRITE(cr8)
FAKE_WRITE(dr6)

void root_iret(void)
{
}

/* --- memory ------------------------------------------------------------------------------------------------------ */

void copy_pages(void *to, const void *from, uint32_t pages)
{
	memcpy(to, from, (size_t)pages * RV_PAGE_SIZE);
}

void *pa_pointer(pa_t a)
{
	if (a.v >= FAKE_RAM)
		stopped("access outside of memory");
	return memory + a.v;
}

uint32_t fake_pool_dirty(void)
{
	static const uint8_t zero[RV_PAGE_SIZE];
	uint32_t dirty = 0;

	for (uint32_t i = 0; i < hv.partition.count; i++) {
		const struct row *r = &hv.partition.row[i];

		for (uint64_t at = r->base; r->owner == OWNER_POOL_FREE && at < r->base + r->size; at += RV_PAGE_SIZE)
			dirty += memcmp(memory + at, zero, RV_PAGE_SIZE) != 0;
	}
	return dirty;
}

uint64_t ept_leaf(const struct ept *ept, gpa_t gpa, uint64_t *size)
{
	uint64_t entry = ept->root.v | EPT_RWX;

	for (uint32_t shift = 39;; shift -= 9) {
		const uint64_t *table = pa_pointer(pa_make(entry & EPT_ADDRESS));

		*size = 1ull << shift;
		entry = table[gpa.v >> shift & 511];
		if (entry == 0 || shift == 12 || (entry & EPT_LARGE))
			return entry;
	}
}

/* --- VMCS -------------------------------------------------------------------------------------------------------- */

#define VMCSS 24u
#define FIELDS 0x7000u
static struct vmcs {
	uint64_t pa;
	uint64_t field[FIELDS];
	bool written[FIELDS];
} * vmcss, *current;

static struct vmcs *vmcs_at(uint64_t pa)
{
	for (uint32_t i = 0; i < VMCSS; i++) {
		if (vmcss[i].pa == pa)
			return &vmcss[i];
		if (vmcss[i].pa == 0) {
			vmcss[i].pa = pa;
			return &vmcss[i];
		}
	}
	fail_msg("too many VMCSs");
	return NULL;
}

uint64_t vmcs_read(uint64_t field)
{
	assert_true(field < FIELDS);
	return current->field[field];
}

static bool is_read_only(uint64_t field)
{
	return (field >> 10 & 3) == 1;
}

bool vmcs_write_raw(uint64_t field, uint64_t value)
{
	assert_true(field < FIELDS);
	if (is_read_only(field))
		return false;
	current->field[field] = value;
	current->written[field] = true;
	return true;
}

void fake_vmcs_set(uint64_t field, uint64_t value)
{
	current->field[field] = value;
}

bool fake_vmcs_was_written(uint64_t field)
{
	return current->written[field];
}

pa_t fake_vmcs_current(void)
{
	return pa_make(current->pa);
}

bool vmx_on(pa_t region)
{
	return (region.v & (RV_PAGE_SIZE - 1)) == 0;
}

void vmx_off(void)
{
	fake_vmx_offs++;
	if (fake_vmx_off != NULL)
		fake_vmx_off();
}

bool vmcs_clear(pa_t pa)
{
	return (pa.v & (RV_PAGE_SIZE - 1)) == 0;
}

bool vmcs_load(pa_t pa)
{
	current = vmcs_at(pa.v);
	return true;
}

void ept_invalidate(uint64_t eptp)
{
	assert_int_equal(eptp, hv.ept.eptp);
	fake_ept_flushes++;
}

void vpid_invalidate(uint16_t vpid)
{
	assert_int_not_equal(vpid, 0);
	fake_vpid_flushes++;
}

static void enter_once(struct regs *r)
{
	const char *why = fake_entry_refused();

	if (why != NULL)
		fail_msg("VM entry would fail: %s", why);
	assert_non_null(fake_guest);
	entry_valid = current->field[VMCS_ENTRY_INTERRUPTION_INFO] & INTERRUPTION_VALID;
	/* The CPU clears the valid bit at each VM exit. */
	current->field[VMCS_ENTRY_INTERRUPTION_INFO] &= ~(uint64_t)INTERRUPTION_VALID;
	current->field[VMCS_EXIT_REASON] = fake_guest(r);
}

/* The agent is what it is. */
static uint32_t agent_run(struct regs *r)
{
	agent_runs = true;
	r->gpr[RDI] = (uint64_t)agent_do(r->gpr[RDI], r->gpr[RSI], agent_mail());
	agent_runs = false;
	r->gpr[RAX] = RV_FC_EXIT;
	current->field[VMCS_EXIT_INSTRUCTION_LENGTH] = 3;
	return EXIT_VMCALL;
}

uint32_t vmx_run(struct percpu *cpu, struct regs *r)
{
	uint32_t verdict = vmx_prepare(cpu);

	while (verdict == VMX_ENTER) {
		uint32_t (*guest)(struct regs *) = fake_guest;

		if (cpu->runs_fimce && cpu->running == &hv.agent)
			fake_guest = fake_agent != NULL ? fake_agent : agent_run;
		enter_once(r);
		fake_guest = guest;
		verdict = vmx_step(cpu, current->field[VMCS_EXIT_REASON]);
	}
	return verdict;
}

static void guest_common(void)
{
	current->field[VMCS_PIN_CONTROLS] = hv.caps.guest.pin & ~(uint64_t)PIN_PREEMPTION_TIMER;
	current->field[VMCS_EXIT_CONTROLS] = hv.caps.guest.exit & ~(uint64_t)EXIT_SAVE_TIMER;
	current->field[VMCS_GUEST_RFLAGS] = RFLAGS_FIXED;
	current->field[VMCS_GUEST_INTERRUPTIBILITY] = 0;
	current->field[VMCS_GUEST_PENDING_DEBUG] = 0;
	current->field[VMCS_GUEST_ACTIVITY] = ACTIVITY_ACTIVE;
	current->field[VMCS_ENTRY_INTERRUPTION_INFO] = 0;
	current->field[VMCS_EXIT_INSTRUCTION_LENGTH] = 3;
	current->field[VMCS_IDT_VECTORING_INFO] = 0;
}

void fake_guest_64(void)
{
	guest_common();
	current->field[VMCS_GUEST_CR0] = CR0_PE | CR0_NE | CR0_WP | CR0_PG | CR0_ET;
	current->field[VMCS_CR0_SHADOW] = current->field[VMCS_GUEST_CR0];
	current->field[VMCS_GUEST_CR4] = CR4_PAE | CR4_VMXE | CR4_OSXSAVE;
	current->field[VMCS_GUEST_EFER] = EFER_LME | EFER_LMA | EFER_NXE;
	current->field[VMCS_ENTRY_CONTROLS] = hv.caps.guest.entry | ENTRY_IA32E;
	current->field[VMCS_GUEST_ACCESS + 2 * SEG_CS] = 0xa09b;
	current->field[VMCS_GUEST_ACCESS + 2 * SEG_SS] = 0xc093;
	current->field[VMCS_GUEST_ACCESS + 2 * SEG_TR] = 0x8b;
	current->field[VMCS_GUEST_RIP] = 0xffffffff81000000ull;
}

void fake_guest_real(void)
{
	guest_common();
	current->field[VMCS_GUEST_CR0] = CR0_NE | CR0_ET;
	current->field[VMCS_CR0_SHADOW] = CR0_NE | CR0_ET;
	current->field[VMCS_GUEST_CR4] = CR4_VMXE;
	current->field[VMCS_GUEST_EFER] = 0;
	current->field[VMCS_ENTRY_CONTROLS] = hv.caps.guest.entry;
	current->field[VMCS_GUEST_ACCESS + 2 * SEG_CS] = 0x9b;
	current->field[VMCS_GUEST_ACCESS + 2 * SEG_SS] = 0x93;
	current->field[VMCS_GUEST_ACCESS + 2 * SEG_TR] = 0x8b;
	current->field[VMCS_GUEST_RIP] = 0x7c00;
}

/* --- a machine ----------------------------------------------------------------------------------------------------- */

static void ipi_default(uint32_t id, uint32_t command)
{
	if (command != APIC_NMI)
		return;
	fake_nmis++;
	for (uint32_t i = 0; i < hv.cpu_count; i++) {
		if (hv.cpu[i]->apic_id == id)
			hv.cpu[i]->in_guest = 0;
	}
}

static void capable_cpu(void)
{
	const uint64_t all = 0xffffffffull << 32;
	const uint64_t caps = EPT_CAP_WALK_4 | EPT_CAP_WB | EPT_CAP_2M | EPT_CAP_1G | EPT_CAP_INVEPT |
			      EPT_CAP_INVEPT_SINGLE | EPT_CAP_INVVPID | EPT_CAP_INVVPID_SINGLE;

	fake_cpuid_set(0, 0, (struct cpuid){.eax = 0xd});
	/* VMX, SMX, x2APIC, XSAVE, OSXSAVE, DTES64; MTRR, DS */
	fake_cpuid_set(1, 0,
		       (struct cpuid){.eax = 0x306c3,
				      .ecx = 1u << 5 | 1u << 6 | 1u << 2 | 1u << 21 | 1u << 26 | 1u << 27,
				      .edx = 1u << 12 | 1u << 21});
	fake_cpuid_set(0x80000001, 0, (struct cpuid){.edx = 1u << 20 | 1u << 29}); /* NX, long mode */
	fake_cpuid_set(0xd, 0, (struct cpuid){.eax = 0xe7, .ecx = 2696});
	fake_msr_set(MSR_FEATURE_CONTROL, FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX);
	fake_msr_set(MSR_VMX_BASIC, 1ull << 55 | 0x12);
	fake_msr_set(RV_MSR_VMX_PINBASED_CTLS, all | 0x16);
	fake_msr_set(RV_MSR_VMX_PROCBASED_CTLS, all | 0x401e172);
	fake_msr_set(0x48e, all | 0x4006172); /* IA32_VMX_TRUE_PROCBASED_CTLS: CR3 exiting may be 0 */
	fake_msr_set(RV_MSR_VMX_EXIT_CTLS, all | 0x36dff);
	fake_msr_set(RV_MSR_VMX_ENTRY_CTLS, all | 0x11ff);
	fake_msr_set(RV_MSR_VMX_MISC, 1u << 8 | 5);
	fake_msr_set(MSR_VMX_CR0_FIXED0, CR0_PE | CR0_NE | CR0_PG);
	fake_msr_set(MSR_VMX_CR0_FIXED1, 0xffffffff);
	fake_msr_set(MSR_VMX_CR4_FIXED0, CR4_VMXE);
	fake_msr_set(MSR_VMX_CR4_FIXED1, 0x3727ff);
	fake_msr_set(RV_MSR_VMX_PROCBASED_CTLS2, all);
	fake_msr_set(RV_MSR_VMX_EPT_VPID_CAP, caps);
	fake_msr_set(MSR_APIC_BASE, 0xfee00000ull | APIC_BASE_ENABLE | APIC_BASE_X2APIC | APIC_BASE_BSP);
	fake_msr_set(MSR_KERNEL_GS_BASE, 0);
	fake_msr_set(0x80b, ~0ull); /* x2APIC: EOI, SVR (switched off), ISR of the last vectors */
	fake_msr_set(0x80f, 0xff);
	fake_msr_set(0x817, 0);
	fake_msr_set(MSR_MTRR_DEF_TYPE, 0xc06);
	fake_msr_set(MSR_MTRR_PHYSBASE0, 0xc0000000);
}

void fake_reset(void)
{
	if (memory == NULL) {
		memory =
		    mmap(NULL, FAKE_RAM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		assert_true(memory != MAP_FAILED);
	} else {
		assert_int_equal(madvise(memory, FAKE_RAM, MADV_DONTNEED), 0);
	}
	free(vmcss);
	vmcss = calloc(VMCSS, sizeof(*vmcss));
	assert_non_null(vmcss);
	current = NULL;
	memset(&hv, 0, sizeof(hv));
	memset(msrs, 0, sizeof(msrs));
	memset(cpuids, 0, sizeof(cpuids));
	cr0 = CR0_PE | CR0_NE | CR0_WP | CR0_PG | CR0_ET;
	cr4 = CR4_PAE;
	cr2 = cr3 = cr8 = dr6 = 0;
	dr7 = 0x400;
	fake_time = 1000000;
	fake_tick = 10;
	fake_xcr0 = 7;
	fake_x87 = fake_sse = 0;
	fake_vpid_flushes = fake_ept_flushes = 0;
	fake_msr_writes = fake_nmis = 0;
	fake_port = 0;
	fake_guest = NULL;
	fake_agent = NULL;
	fake_exit_state = NULL;
	fake_sequence = 1;
	fake_measured_flags = 0;
	fake_ipi = ipi_default;
	fake_helper = false;
	fake_vmx_off = NULL;
	fake_vmx_offs = 0;
	fake_stop_expected = false;
	random_state = 12345;
	capable_cpu();
}

static void row_take(uint64_t base, uint64_t bytes, uint32_t from, const struct row *to)
{
	struct transition t;

	assert_int_equal(partition_prepare(&hv.partition, &t, pa_make(base), bytes, from), 0);
	partition_commit(&hv.partition, &t, to);
}

static void cpu_make(uint32_t index)
{
	struct percpu *cpu = aligned_alloc(64, (sizeof(*cpu) + 63) & ~(size_t)63);

	assert_non_null(cpu);
	memset(cpu, 0, sizeof(*cpu));
	cpu->index = index;
	cpu->apic_id = 2 * index;
	cpu->state = RV_CPU_GUEST;
	cpu->proved = true;
	cpu->xsave_area = calloc(1, RV_PAGE_SIZE);
	assert_int_equal(partition_allocate(&hv.partition, 1, OWNER_HYPERVISOR, &cpu->guest_vmcs), 0);
	hv.cpu[index] = cpu;
	hv.cpu_count++;
	assert_true(vmcs_load(cpu->guest_vmcs));
	fake_guest_64();
}

struct percpu *fake_machine(void)
{
	struct refusal why;
	struct row *rows =
	    malloc(FAKE_ROWS * sizeof(*rows)); /* exactly, so that the sanitizer sees the first row too many */
	uint64_t manager = FAKE_POOL + 0x100000;

	fake_reset();
	assert_non_null(rows);
	assert_int_equal(vmx_check(&hv.caps, &why), 0);
	hv.launch.tsc_khz = 1000000;
	/* The manager's text appears in the pool where the launch would have put it. */
	hv.launch.pool_base = manager - ((uint64_t)&fake_manager - RV_HV_BASE);
	hv.launch.pool_bytes = FAKE_POOL_BYTES;
	hv.launch.ram_count = 2;
	hv.launch.ram[0].bytes = 0xa0000;
	hv.launch.ram[1] = (struct rv_launch_ram){0x100000, FAKE_RAM - 0x100000};
	hv.xsave_bytes = 2696;
	hv.xcr0_supported = 0xe7;
	hv.mtrr_count = 2;
	/* Write-back, the last GiB below 4 GiB uncached. */
	hv.launch.types = (struct rv_launch_types){.count = 3,
						   .default_type = MTRR_WB,
						   .range = {{.base = 0xa0000, .bytes = 0x20000, .type = MTRR_UC},
							     {.base = 0xc0000, .bytes = 0x40000, .type = MTRR_WP},
							     {.base = 3 * SIZE_1G, .bytes = SIZE_1G, .type = MTRR_UC}}};
	partition_init(&hv.partition, rows, FAKE_ROWS, FAKE_LIMIT);
	row_take(FAKE_POOL, FAKE_POOL_BYTES, OWNER_GUEST, &(struct row){.owner = OWNER_POOL_FREE});
	row_take(manager, 2 * RV_PAGE_SIZE, OWNER_POOL_FREE,
		 &(struct row){.owner = OWNER_HYPERVISOR, .shared = SHARED_ALL, .perm = PERM_R | PERM_X});
	vtd_init(&hv.vtd, &hv.partition, 1000000);
	hv.ept = (struct ept){.partition = &hv.partition, .types = &hv.launch.types, .vtd = &hv.vtd, .large_1g = true};
	assert_int_equal(ept_build(&hv.ept, 4 * SIZE_1G), 0);
	hv.journal.record = calloc(JOURNAL_CAPACITY, sizeof(struct rv_journal_record));
	assert_non_null(hv.journal.record);
	for (uint32_t i = FAKE_CPUS; i-- > 0;)
		cpu_make(i);
	assert_int_equal(partition_allocate(&hv.partition, 1, OWNER_HYPERVISOR, &hv.page_tables), 0);
	assert_int_equal(fimce_create_agent(hv.cpu[0]), 0);
	hv.released = 1;
	return hv.cpu[0];
}

void fake_vmcs_as_launched(struct percpu *cpu)
{
	hv.msr_bitmap = pa_make(0x1000);
	hv.io_bitmap_a = pa_make(0x2000);
	hv.io_bitmap_b = pa_make(0x3000);
	exits_fill_bitmap(pa_pointer(hv.msr_bitmap), VMCS_MSR_BITMAP);
	exits_fill_bitmap(pa_pointer(hv.io_bitmap_a), VMCS_IO_BITMAP_A);
	exits_fill_bitmap(pa_pointer(hv.io_bitmap_b), VMCS_IO_BITMAP_B);
	vmcs_load(cpu->guest_vmcs);
	vmcs_set(VMCS_EPTP, hv.ept.eptp);
	vmcs_set(VMCS_VPID, 1);
	vmcs_set(VMCS_PRIMARY_CONTROLS, hv.caps.guest.primary);
	vmcs_set(VMCS_SECONDARY_CONTROLS, hv.caps.guest.secondary);
	vmcs_set(VMCS_PIN_CONTROLS, hv.caps.guest.pin);
	vmcs_set(VMCS_EXIT_CONTROLS, hv.caps.guest.exit);
	vmcs_set(VMCS_MSR_BITMAP, hv.msr_bitmap.v);
	vmcs_set(VMCS_IO_BITMAP_A, hv.io_bitmap_a.v);
	vmcs_set(VMCS_IO_BITMAP_B, hv.io_bitmap_b.v);
	vmcs_set(VMCS_CR0_MASK, CR0_NE);
	vmcs_set(VMCS_CR4_MASK, CR4_VMXE);
	vmcs_set(VMCS_HOST_CR3, hv.page_tables.v);
}

int fake_teardown(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < RV_MAX_CPUS && hv.cpu[i] != NULL; i++) {
		free(hv.cpu[i]->xsave_area);
		free(hv.cpu[i]);
		hv.cpu[i] = NULL;
	}
	free(hv.journal.record);
	free(hv.partition.row);
	hv.journal.record = NULL;
	hv.partition.row = NULL;
	return 0;
}

uint64_t fake_r8;

int64_t fake_vmcall(struct percpu *cpu, uint64_t number, uint64_t rdi, uint64_t rsi, uint64_t rdx)
{
	struct vmcs *before = current;

	assert_true(vmcs_load(cpu->guest_vmcs));
	cpu->regs.gpr[RAX] = number;
	cpu->regs.gpr[RDI] = rdi;
	cpu->regs.gpr[RSI] = rsi;
	cpu->regs.gpr[RDX] = rdx;
	cpu->regs.gpr[R8] = fake_r8;
	hypercall_handle(cpu);
	assert_ptr_equal(current, vmcs_at(cpu->guest_vmcs.v));
	assert_null(fake_entry_refused());
	current = before;
	return (int64_t)cpu->regs.gpr[RAX];
}

static uint32_t exit_reason, exit_runs;
static uint64_t exit_qualification;
static jmp_buf exit_done;

static uint32_t guest_exit_once(struct regs *r)
{
	if (exit_runs++ != 0)
		longjmp(exit_done, 1);
	current->field[VMCS_EXIT_QUALIFICATION] = exit_qualification;
	if (fake_exit_state != NULL)
		fake_exit_state(r);
	return exit_reason;
}

void fake_exit(struct percpu *cpu, uint32_t reason, uint64_t qualification)
{
	assert_true(vmcs_load(cpu->guest_vmcs));
	exit_reason = reason;
	exit_qualification = qualification;
	exit_runs = 0;
	fake_guest = guest_exit_once;
	if (setjmp(exit_done) == 0)
		exits_run(cpu);
	cpu->in_guest = 0;
	/* The test looks at the state in the moment of the entry: undo what vmx_run does after its checks. */
	current->field[VMCS_ENTRY_INTERRUPTION_INFO] |= entry_valid;
}

void fake_frames(uint64_t list, uint64_t first, uint32_t count, uint32_t bytes)
{
	struct rv_frames *f = pa_pointer(pa_make(list));

	f->count = count;
	f->bytes = bytes;
	for (uint32_t i = 0; i < count && i < 511; i++)
		f->frame[i] = first + (uint64_t)i * RV_PAGE_SIZE;
}

const struct rv_log_record *fake_log_last(void)
{
	return &hv.log.record[hv.log.next % LOG_RECORDS];
}

uint32_t fake_log_count(uint32_t reason)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < LOG_RECORDS; i++)
		n += hv.log.record[i].sequence != 0 && hv.log.record[i].reason == reason;
	return n;
}

uint32_t fake_random(uint32_t n)
{
	random_state = random_state * 1103515245u + 12345u;
	return (random_state >> 8) % n;
}
