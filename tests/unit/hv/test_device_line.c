/* SPDX-License-Identifier: GPL-2.0-only */
/* test_device_line.c - interrupt lines that leave the guest: what the guest sees of its IOAPIC meanwhile, and what the FIMCE gets. */
#include "fake_device.h"

#include <string.h>

#define LINE 3u
#define AT (0x10u + 2 * LINE) /* its registers */
#define OTHER 9u
#define OTHER_AT (0x10u + 2 * OTHER)
#define VECTOR_BEFORE 0x33u
#define FLAGS (RFLAGS_FIXED | RFLAGS_IF)
#define SINGLE_STEP (VECTOR_DB | INTERRUPTION_TYPE_EXCEPTION | INTERRUPTION_VALID)
#define LINE_INDEX INDEX(VTD_MAX_DEVICES) /* of the first line */
#define HIGH(index) ((uint32_t)(index) << 17 | 1u << 16)

static struct fake_ioapic *io = &fake_ioapic[0];

/* --- the guest ------------------------------------------------------------------------------------------------------- */

static volatile uint32_t *page(void)
{
	return pa_pointer(pa_make(guest_leaf(FAKE_IOAPIC(0)) & EPT_ADDRESS));
}

static void violate(struct percpu *on, uint32_t offset, uint64_t access)
{
	assert_true(vmcs_load(on->guest_vmcs));
	vmcs_set(VMCS_GUEST_RFLAGS, FLAGS);
	fake_vmcs_set(VMCS_GUEST_PHYSICAL_ADDRESS, FAKE_IOAPIC(0) + offset);
	fake_exit(on, EXIT_EPT_VIOLATION, access);
}

static void single_step(struct regs *r)
{
	(void)r;
	fake_vmcs_set(VMCS_EXIT_INTERRUPTION_INFO, SINGLE_STEP);
}

static void step(struct percpu *on)
{
	assert_true(vmcs_load(on->guest_vmcs));
	vmcs_set(VMCS_GUEST_RIP, vmcs_read(VMCS_GUEST_RIP) + 3);
	fake_exit_state = single_step;
	fake_exit(on, EXIT_EXCEPTION_NMI, PENDING_DEBUG_BS);
	fake_exit_state = NULL;
	assert_int_equal(vmcs_read(VMCS_GUEST_RFLAGS), FLAGS);
}

/* A MOV of the guest to the page: violation, one instruction, trap. */
static void guest_stores(uint32_t offset, uint32_t value)
{
	violate(first_cpu, offset, EPT_W);
	assert_int_equal(guest_leaf(FAKE_IOAPIC(0)) & EPT_RWX, EPT_R | EPT_W);
	page()[offset / 4] = value;
	step(first_cpu);
	assert_int_equal(guest_leaf(FAKE_IOAPIC(0)) & EPT_RWX, EPT_R);
}

/* The same by another CPU while a FIMCE runs on this one, of which there is only one here. */
static void stores_meanwhile(uint32_t offset, uint32_t value)
{
	page()[offset / 4] = value;
	ioapic_stored(&hv.shown[VTD_MAX_UNITS], offset);
}

static uint32_t guest_reads(uint32_t at)
{
	guest_stores(0, at);
	assert_int_equal(page()[0], at);
	return page()[4];
}

static void guest_writes(uint32_t at, uint32_t value)
{
	guest_stores(0, at);
	guest_stores(0x10, value);
}

/* --- a life ---------------------------------------------------------------------------------------------------------- */

static struct rv_fimce_create *create_line(uint32_t gsi)
{
	struct rv_fimce_create *c = fake_create(0);

	c->grant_count = 2;
	c->grant[0] = (struct rv_grant){RV_GRANT_PORTS, 0, 0x2f8, 8, 0};
	c->grant[1] = (struct rv_grant){RV_GRANT_GSI, 0, gsi, 1, 0};
	return c;
}

/* As a driver has left them. */
static void lines_used(uint32_t trigger)
{
	io->entry[LINE][0] = VECTOR_BEFORE | trigger;
	io->entry[LINE][1] = 1u << 24;
	io->entry[OTHER][0] = 0x39;
	io->entry[OTHER][1] = 2u << 24;
	io->selected = OTHER_AT;
	io->watched = 1u << LINE;
	remember();
}

static void expect_masked(uint32_t low)
{
	assert_int_equal(io->entry[LINE][0], low | ENTRY_MASKED);
	for (uint32_t unit = 0; unit < 2 && hv.vtd.unit_count != 0; unit++) {
		for (uint32_t i = 0; i < VTD_RESERVED_ENTRIES; i++)
			assert_int_equal(fake_interrupt(unit, FAKE_IOAPIC_SOURCE(0), INDEX(i)), 0);
	}
}

static void before_seal(struct fimce *f)
{
	expect_masked(VECTOR_BEFORE);
	expect_audit_good();
	vmcs_load(f->vmcs);
	measured(f);
}

static void while_sealed(struct fimce *f)
{
	uint64_t low = fake_interrupt(0, FAKE_IOAPIC_SOURCE(0), LINE_INDEX);

	/* Remappable format: the index is at 63:49 and 11. */
	assert_int_equal(io->entry[LINE][0], RV_FIMCE_VECTOR | 1u << 11);
	assert_int_equal(io->entry[LINE][1], HIGH(LINE_INDEX));
	assert_int_equal(low, IRTE_P | RV_FIMCE_VECTOR << 16 | (uint64_t)hv.cpu[1]->apic_id << 40);
	assert_int_equal(fake_interrupt(1, FAKE_IOAPIC_SOURCE(0), LINE_INDEX), low);
	assert_int_equal(fake_interrupt(0, SOURCE, LINE_INDEX), 0);
	assert_int_equal(read_cr8(), 14);
	/* Neither rewriting it nor its end of interrupt gets through. */
	stores_meanwhile(0, AT);
	stores_meanwhile(0x10, 0x34);
	stores_meanwhile(0, AT + 1);
	stores_meanwhile(0x10, 5u << 24);
	assert_int_equal(io->entry[LINE][0], RV_FIMCE_VECTOR | 1u << 11);
	assert_int_equal(io->entry[LINE][1], HIGH(LINE_INDEX));
	stores_meanwhile(0x40, RV_FIMCE_VECTOR);
	assert_int_equal(io->eois, 0);
	stores_meanwhile(0x40, 0x39);
	assert_int_equal(io->eoi, 0x39);
	expect_audit_good();
	vmcs_load(f->vmcs);
	fake_msr_set(0x817, 1ull << 0x13);
	ran++;
}

static void after_eoi(struct fimce *f)
{
	(void)f;
	assert_int_equal(fake_task_rax, 0);
	assert_int_equal(fake_msr_get(0x817), 0);
	ran++;
}

static const struct fake_step life[] = {{.call = RV_FC_MEASURED, .before = before_seal},
					{.call = RV_FC_EOI, .before = while_sealed},
					{.call = RV_FC_EXIT, .before = after_eoi},
					{0}};

static void test_life(void **state)
{
	struct fimce *f;

	(void)state;
	lines_used(0);
	create_line(LINE);
	f = created();
	assert_int_equal(guest_leaf(FAKE_IOAPIC(0)) & EPT_RWX, EPT_R);
	assert_int_not_equal(guest_leaf(FAKE_IOAPIC(0)) & EPT_ADDRESS, FAKE_IOAPIC(0));
	assert_int_equal(guest_leaf(FAKE_IOAPIC(1)) & EPT_RWX, EPT_RWX);
	expect_masked(VECTOR_BEFORE);
	expect_audit_good();
	assert_int_equal(fake_vmcall(first_cpu, RV_HC_FIMCE_RUN, f->id, RV_RUN_BORROWED, 0), -RV_EINVAL);
	assert_int_equal(REASON(), RV_REASON_DEVICE_CORE);
	run_dedicated(f, life);
	assert_int_equal(f->state, RV_FIMCE_DONE);
	assert_int_equal(ran, 2);
	expect_masked(RV_FIMCE_VECTOR | 1u << 11);
	/* What the guest has stored meanwhile. */
	assert_int_equal(guest_reads(AT), 0x34);
	assert_int_equal(guest_reads(AT + 1), 5u << 24);
	assert_int_equal(DESTROY(f), 0);
	ioapic_before[0].entry[LINE][0] = 0x34;
	ioapic_before[0].entry[LINE][1] = 5u << 24;
	ioapic_before[0].eoi = 0x39;
	ioapic_before[0].eois = 1;
	ioapic_before[0].selected = AT + 1;
	expect_returned();
}

/* What a guest does with all registers but the two of the line reaches the IOAPIC. */
static void test_other_registers(void **state)
{
	struct fimce *f;

	(void)state;
	lines_used(0);
	create_line(LINE);
	f = created();
	/* It finds what it had selected. */
	assert_int_equal(page()[0], OTHER_AT);
	assert_int_equal(page()[4], 0x39);
	guest_stores(0x10, 0x3a);
	assert_int_equal(io->entry[OTHER][0], 0x3a);
	assert_int_equal(guest_reads(1), FAKE_IOAPIC_VERSION);
	guest_writes(0, 7u << 24);
	assert_int_equal(io->id, 7u << 24);
	guest_writes(OTHER_AT + 1, 6u << 24);
	assert_int_equal(io->entry[OTHER][1], 6u << 24);
	assert_int_equal(guest_reads(AT), VECTOR_BEFORE);
	assert_int_equal(guest_reads(AT + 1), 1u << 24);
	/* It has 8 bits; and there is nothing else in the page. */
	guest_stores(0, 0xffffff00 | OTHER_AT);
	assert_int_equal(page()[4], 0x3a);
	guest_stores(0x20, 0x1234);
	guest_stores(0xffc, 0x1234);
	guest_stores(0x12, 0x1234);
	assert_int_equal(io->entry[OTHER][0], 0x3a);
	assert_int_equal(io->eois, 0);
	/* An answer that the IOAPIC changes by itself is there when it is asked for again. */
	io->entry[OTHER][0] = 0x3a | ENTRY_IRR;
	assert_int_equal(guest_reads(OTHER_AT), 0x3a | ENTRY_IRR);
	assert_int_equal(DESTROY(f), 0);
	assert_int_equal(io->selected, OTHER_AT);
	assert_int_equal(io->entry[LINE][0], VECTOR_BEFORE);
	expect_audit_good();
}

/* Level triggered, active low: so it stays, and the remapping unit has to know. */
static void level_sealed(struct fimce *f)
{
	assert_int_equal(io->entry[LINE][0], RV_FIMCE_VECTOR | 1u << 11 | ENTRY_LOW | ENTRY_LEVEL);
	assert_int_equal(fake_interrupt(0, FAKE_IOAPIC_SOURCE(0), LINE_INDEX) & 0xffffffff,
			 IRTE_P | IRTE_LEVEL | RV_FIMCE_VECTOR << 16);
	expect_audit_good();
	vmcs_load(f->vmcs);
	ran++;
}

static void test_level(void **state)
{
	static const struct fake_step steps[] = {
	    {.call = RV_FC_MEASURED, .before = measured}, {.call = RV_FC_EXIT, .before = level_sealed}, {0}};
	struct fimce *f;

	(void)state;
	lines_used(ENTRY_LOW | ENTRY_LEVEL);
	/* An interrupt of it is in service. */
	io->entry[LINE][0] |= ENTRY_IRR;
	create_line(LINE);
	f = created();
	assert_int_equal(guest_reads(AT), VECTOR_BEFORE | ENTRY_LOW | ENTRY_LEVEL);
	run_dedicated(f, steps);
	assert_int_equal(ran, 1);
	expect_masked(RV_FIMCE_VECTOR | 1u << 11 | ENTRY_LOW | ENTRY_LEVEL);
	assert_int_equal(DESTROY(f), 0);
	ioapic_before[0].selected = AT;
	expect_returned();
}

static void plain_sealed(struct fimce *f)
{
	(void)f;
	assert_int_equal(io->entry[LINE][0], RV_FIMCE_VECTOR);
	assert_int_equal(io->entry[LINE][1], hv.cpu[1]->apic_id << 24);
	ran++;
}

static void test_without_units(void **state)
{
	static const struct fake_step steps[] = {
	    {.call = RV_FC_MEASURED, .before = measured}, {.call = RV_FC_EXIT, .before = plain_sealed}, {0}};
	struct fimce *f;

	(void)state;
	lines_used(0);
	create_line(LINE);
	f = created();
	run_dedicated(f, steps);
	assert_int_equal(f->state, RV_FIMCE_DONE);
	assert_int_equal(ran, 1);
	expect_masked(RV_FIMCE_VECTOR);
	expect_audit_good();
	assert_int_equal(DESTROY(f), 0);
	expect_returned();
}

/* A core that 8 bits can't name. */
static void test_core_out_of_reach(void **state)
{
	static const struct fake_step steps[] = {
	    {.call = RV_FC_MEASURED, .before = measured},
	    {.call = RV_FC_REFUSE, .rdi = (uint64_t)-RV_ERANGE, .rsi = RV_REASON_DEVICE_INTERRUPT},
	    {0}};
	uint32_t before = hv.cpu[1]->apic_id;
	struct fimce *f;

	(void)state;
	lines_used(0);
	create_line(LINE);
	f = created();
	hv.cpu[1]->apic_id = 255;
	run_dedicated(f, steps);
	hv.cpu[1]->apic_id = before;
	assert_int_equal(fake_task_rax, -RV_ERANGE);
	assert_int_equal(fake_task_rdx, RV_REASON_DEVICE_INTERRUPT);
	assert_int_equal(f->state, RV_FIMCE_DEAD);
	expect_masked(VECTOR_BEFORE);
	assert_int_equal(DESTROY(f), 0);
	expect_returned();
}

/* However it ends, the line is masked before anybody knows. */
static void test_dies(void **state)
{
	static const struct fake_step early[] = {{.call = FAKE_EXIT, .rdi = EXIT_TRIPLE_FAULT}, {0}};
	static const struct fake_step late[] = {
	    {.call = RV_FC_MEASURED, .before = measured}, {.call = FAKE_EXIT, .rdi = EXIT_TRIPLE_FAULT}, {0}};
	struct fimce *f;

	(void)state;
	lines_used(0);
	create_line(LINE);
	for (uint32_t i = 0; i < 2; i++) {
		f = created();
		run_dedicated(f, i == 0 ? early : late);
		assert_int_equal(f->state, RV_FIMCE_DEAD);
		expect_masked(i == 0 ? VECTOR_BEFORE : RV_FIMCE_VECTOR | 1u << 11);
		assert_int_equal(DESTROY(f), 0);
		expect_returned();
	}
	/* Never run. */
	f = created();
	assert_int_equal(DESTROY(f), 0);
	expect_returned();
}

static void unit_stops(struct fimce *f)
{
	(void)f;
	fake_tick = 100000;
	fake_unit[1].queue_fails = 1;
}

static void test_unit_does_not_answer(void **state)
{
	static const struct fake_step steps[] = {
	    {.call = RV_FC_MEASURED, .before = measured}, {.call = RV_FC_EXIT, .before = unit_stops}, {0}};

	(void)state;
	lines_used(0);
	create_line(LINE);
	run_dedicated(created(), steps);
	assert_true(fake_log_count(RV_REASON_VTD_QUEUE) > 0);
	assert_true(io->entry[LINE][0] & ENTRY_MASKED);
}

/* --- several --------------------------------------------------------------------------------------------------------- */

static void test_several(void **state)
{
	struct fimce *a, *b;

	(void)state;
	lines_used(0);
	create_line(LINE)->grant[0] = (struct rv_grant){RV_GRANT_GSI, 0, 23, 1, 0};
	a = created();
	create_line(OTHER)->grant[0] = (struct rv_grant){RV_GRANT_GSI, 0, 24 + OTHER, 1, 0};
	b = created();
	/* A line has one owner at a time. */
	create_line(LINE);
	assert_int_equal(CREATE(), -RV_EBUSY);
	assert_int_equal(REASON(), RV_REASON_DEVICE_INTERRUPT);
	assert_int_equal(first_cpu->regs.gpr[R8], LINE);
	assert_int_equal(io->entry[OTHER][0], 0x39 | ENTRY_MASKED);
	guest_writes(OTHER_AT, 0x55);
	guest_writes(AT, 0x44);
	assert_int_equal(io->entry[OTHER][0], 0x39 | ENTRY_MASKED);
	expect_audit_good();
	/* One IOAPIC comes back with its last line. */
	assert_int_equal(DESTROY(a), 0);
	assert_int_equal(io->entry[LINE][0], 0x44);
	assert_int_equal(io->entry[OTHER][0], 0x39 | ENTRY_MASKED);
	assert_int_equal(guest_leaf(FAKE_IOAPIC(0)) & EPT_RWX, EPT_R);
	assert_int_equal(guest_leaf(FAKE_IOAPIC(1)) & EPT_RWX, EPT_R);
	guest_writes(AT, VECTOR_BEFORE);
	assert_int_equal(io->entry[LINE][0], VECTOR_BEFORE);
	expect_audit_good();
	assert_int_equal(DESTROY(b), 0);
	ioapic_before[0].entry[OTHER][0] = 0x55;
	ioapic_before[0].selected = AT;
	expect_returned();
}

/* Sixteen FIMCEs with eight lines each find room, if the IOAPICs have so many. */
static void test_all_lines(void **state)
{
	struct fimce *f[5];
	struct rv_fimce_create *c;

	(void)state;
	remember();
	for (uint32_t i = 0; i < 5; i++) {
		c = create_line(0);
		c->grant_count = RV_MAX_GRANTS;
		for (uint32_t n = 0; n < RV_MAX_GRANTS; n++)
			c->grant[n] = (struct rv_grant){RV_GRANT_GSI, 0, i * RV_MAX_GRANTS + n, 1, 0};
		f[i] = created();
	}
	expect_audit_good();
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(DESTROY(f[i]), 0);
	expect_returned();
}

/* --- stores and reads while the IOAPIC comes and goes ---------------------------------------------------------------- */

/* Another CPU's instruction has stored, and its trap is still to come, when the line goes back. */
static void test_store_under_way(void **state)
{
	struct percpu *other = hv.cpu[2];
	struct fimce *f;

	(void)state;
	lines_used(0);
	create_line(LINE);
	f = created();
	guest_stores(0, AT);
	violate(other, 0x10, EPT_W);
	page()[4] = 0x47;
	assert_int_equal(DESTROY(f), 0);
	assert_int_equal(io->entry[LINE][0], 0x47);
	assert_int_equal(io->selected, AT);
	step(other);
	assert_null(other->store_to);
	assert_int_equal(io->entry[LINE][0], 0x47);
	/* One that has not stored yet finds the IOAPIC. */
	f = created();
	guest_stores(0, OTHER_AT);
	violate(other, 0x10, EPT_W);
	assert_int_equal(DESTROY(f), 0);
	assert_int_equal(guest_leaf(FAKE_IOAPIC(0)) & EPT_RWX, EPT_RWX);
	assert_int_equal(io->selected, OTHER_AT);
	step(other);
	assert_int_equal(io->entry[OTHER][0], 0x39);
	ioapic_before[0].entry[LINE][0] = 0x47;
	ioapic_before[0].selected = OTHER_AT;
	expect_returned();
}

static void test_accesses(void **state)
{
	(void)state;
	lines_used(0);
	create_line(LINE);
	(void)created();
	/* Code is not run there. */
	violate(first_cpu, 0x10, EPT_X);
	assert_int_equal(fake_log_count(RV_REASON_HIDDEN_TOUCH), 1);
	assert_null(first_cpu->store_to);
	/* Devices can't write there. */
	assert_int_equal(fake_dma(0, SOURCE, FAKE_IOAPIC(0), true), ~0ull);
}

/* --- refusals -------------------------------------------------------------------------------------------------------- */

static void expect_refused(int64_t error, uint32_t reason)
{
	remember();
	assert_int_equal(CREATE(), error);
	assert_int_equal(REASON(), reason);
	expect_returned();
}

static void test_lines_are_checked(void **state)
{
	static const uint32_t absent[] = {48, 0x80000000, 0xffffffff};
	struct rv_fimce_create *c;

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		create_line(absent[i]);
		expect_refused(-RV_ENODEV, RV_REASON_DEVICE_INTERRUPT);
		assert_int_equal(first_cpu->regs.gpr[R8], absent[i]);
	}
	/* The boot code has found that it can't be given away. */
	create_line(LINE);
	hv.launch.ioapic[0].line_count = 0;
	expect_refused(-RV_ENODEV, RV_REASON_DEVICE_INTERRUPT);
	hv.launch.ioapic[0].line_count = FAKE_IOAPIC_LINES;
	hv.launch.ioapic_count = 1;
	create_line(24);
	expect_refused(-RV_ENODEV, RV_REASON_DEVICE_INTERRUPT);
	/* Twice the same. */
	c = create_line(LINE);
	c->grant[0] = c->grant[1];
	expect_refused(-RV_EBUSY, RV_REASON_DEVICE_INTERRUPT);
	for (uint32_t i = 0; i < 3; i++) {
		c = create_line(LINE);
		if (i == 0)
			c->grant[1].flags = RV_GRANT_INTERRUPT;
		else if (i == 1)
			c->grant[1].count = 0;
		else
			c->grant[1].source_id = FAKE_IOAPIC_SOURCE(0);
		expect_refused(-RV_EINVAL, RV_REASON_DEVICE_GRANT);
	}
}

/* Its page belongs to somebody else. */
static void test_page_is_not_the_guests(void **state)
{
	const struct row taken = {.owner = OWNER_HYPERVISOR, .perm = PERM_R | PERM_W};

	(void)state;
	assert_int_equal(partition_take(&hv.partition, pa_make(FAKE_IOAPIC(0)), RV_PAGE_SIZE, OWNER_GUEST, &taken), 0);
	create_line(LINE);
	assert_int_equal(CREATE(), -RV_EACCES);
	assert_int_equal(REASON(), RV_REASON_DEVICE_BAR);
	assert_int_equal(first_cpu->regs.gpr[R8], FAKE_IOAPIC(0));
	assert_int_equal(hv.shown[VTD_MAX_UNITS].at, 0);
}

static struct {
	pa_t base;
	uint64_t bytes;
} hog[256];

/* Each row and each page that is missing: nothing is changed. */
static void test_every_failure_undoes_all(void **state)
{
	uint32_t capacity = hv.partition.capacity, failures = 0, hogs = 0;
	int64_t id = -1;

	(void)state;
	lines_used(0);
	create_line(LINE);
	for (uint32_t room = 0; id < 0; room++) {
		hv.partition.capacity = hv.partition.count + room;
		id = CREATE();
		hv.partition.capacity = capacity;
		if (id > 0)
			assert_int_equal(DESTROY(fimce_find((uint32_t)id)), 0);
		else
			failures++;
		expect_returned();
	}
	assert_true(failures > 3);
	for (uint32_t size = 4096; size > 0; size /= 2) {
		while (partition_allocate(&hv.partition, size, OWNER_SNAPSHOT(9), &hog[hogs].base) == 0)
			hog[hogs++].bytes = (uint64_t)size * RV_PAGE_SIZE;
	}
	assert_int_equal(CREATE(), -RV_ENOMEM);
	assert_int_equal(hv.shown[VTD_MAX_UNITS].at, 0);
	assert_int_equal(guest_leaf(FAKE_IOAPIC(0)) & EPT_RWX, EPT_RWX);
	/* Room for the page, not for the FIMCE. */
	partition_release(&hv.partition, hog[hogs - 1].base, hog[hogs - 1].bytes);
	hogs--;
	assert_int_equal(CREATE(), -RV_ENOMEM);
	while (hogs-- > 0)
		partition_release(&hv.partition, hog[hogs].base, hog[hogs].bytes);
	expect_returned();
	/* A unit that does not answer when the page has gone. */
	fake_tick = 100000;
	fake_unit[1].queue_fails = 1;
	assert_int_equal(CREATE(), -RV_EIO);
	assert_int_equal(REASON(), RV_REASON_VTD_QUEUE);
	fake_tick = 100;
	assert_int_equal(io->entry[LINE][0], VECTOR_BEFORE);
	assert_int_equal(io->selected, OTHER_AT);
	expect_returned();
}

/* --- audit ----------------------------------------------------------------------------------------------------------- */

static void plant(struct fimce *f)
{
	struct vtd_pair *entry = vtd_pair_at(hv.vtd.unit[0].interrupts, LINE_INDEX), was = *entry;
	pa_t shown = hv.shown[VTD_MAX_UNITS].page;

	expect_audit_good();
	expect_audit_of_entry(entry);
	/* One more. */
	entry[1] = was;
	expect_audit_bad(~1ull);
	entry[1] = (struct vtd_pair){0, 0};
	/* The real registers again; the page at another place, or as code. */
	ept_set(&hv.ept, gpa_make(FAKE_IOAPIC(0)), PERM_R);
	expect_audit_bad(0);
	ept_alias(&hv.ept, gpa_make(FAKE_IOAPIC(0)), shown, PERM_RWX);
	expect_audit_bad(0);
	ept_alias(&hv.ept, gpa_make(FAKE_IOAPIC(0)), shown, PERM_R);
	ept_alias(&hv.ept, gpa_make(FAKE_IOAPIC(0) + RV_PAGE_SIZE), shown, PERM_R);
	expect_audit_bad(0);
	ept_set(&hv.ept, gpa_make(FAKE_IOAPIC(0) + RV_PAGE_SIZE), PERM_RWX);
	expect_audit_good();
	vmcs_load(f->vmcs);
	ran++;
}

static void test_audit_finds(void **state)
{
	static const struct fake_step steps[] = {
	    {.call = RV_FC_MEASURED, .before = measured}, {.call = RV_FC_EXIT, .before = plant}, {0}};

	(void)state;
	lines_used(0);
	create_line(LINE);
	run_dedicated(created(), steps);
	assert_int_equal(ran, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_device_setup, fake_teardown)
#define TEST_WITHOUT_UNITS(name) cmocka_unit_test_setup_teardown(name, fake_device_setup_without_units, fake_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_life),
	    TEST(test_other_registers),
	    TEST_WITHOUT_UNITS(test_other_registers),
	    TEST(test_level),
	    TEST_WITHOUT_UNITS(test_without_units),
	    TEST_WITHOUT_UNITS(test_core_out_of_reach),
	    TEST(test_core_out_of_reach),
	    TEST(test_dies),
	    TEST(test_unit_does_not_answer),
	    TEST(test_several),
	    TEST(test_all_lines),
	    TEST(test_store_under_way),
	    TEST_WITHOUT_UNITS(test_store_under_way),
	    TEST(test_accesses),
	    TEST(test_lines_are_checked),
	    TEST_WITHOUT_UNITS(test_lines_are_checked),
	    TEST(test_page_is_not_the_guests),
	    TEST(test_every_failure_undoes_all),
	    TEST(test_audit_finds),
	};

	return cmocka_run_group_tests_name("hv device_line", tests, NULL, NULL);
}
