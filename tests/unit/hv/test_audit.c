/* SPDX-License-Identifier: GPL-2.0-only */
/* test_audit.c - the audit finds what is planted in the live tables, and nothing where nothing is. */
#include "fake.h"

#include <string.h>

#define NX (1ull << 63)

static struct percpu *cpu;
static struct rv_audit result;

static int setup(void **state)
{
	(void)state;
	cpu = fake_machine();
	fake_vmcs_as_launched(cpu);
	return 0;
}

static struct fimce *fimce_prepared(void)
{
	static const struct fake_step steps[] = {
	    {.call = RV_FC_MEASURED, .before = fake_measured_update}, {.call = RV_FC_YIELD}, {0}};
	struct fimce *f;

	fake_create(3);
	f = fimce_find((uint32_t)fake_vmcall(cpu, RV_HC_FIMCE_CREATE, FAKE_CREATE, 0, 0));
	assert_non_null(f);
	fake_task(f, steps);
	assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_RUN, f->id, RV_RUN_BORROWED, 0), RV_FIMCE_YIELDED);
	vmcs_load(cpu->guest_vmcs);
	return f;
}

static void expect_good(void)
{
	assert_int_equal(audit_run(cpu, &result), 0);
	assert_int_equal(result.bad, 0);
}

static void expect_bad(uint64_t table, uint64_t address, uint64_t entry, uint32_t reason)
{
	assert_int_equal(audit_run(cpu, &result), -RV_EFAULT);
	assert_true(result.bad >= 1);
	assert_int_equal(result.bad_table, table);
	assert_int_equal(result.bad_address, address);
	assert_int_equal(result.bad_entry, entry);
	assert_int_equal(cpu->refusal.reason, reason);
	assert_int_equal(fake_log_last()->reason, reason);
}

static void test_good(void **state)
{
	uint64_t agent_leaves;

	(void)state;
	expect_good();
	assert_int_equal(result.rows, hv.partition.count);
	assert_true(result.ept_leaves > 1000);
	/* Those of the agent, which does the looking. */
	agent_leaves = result.fimce_leaves;
	assert_true(agent_leaves > 10 && agent_leaves < 100);
	assert_int_equal(result.vmcs, 1);
	fimce_prepared();
	expect_good();
	assert_true(result.fimce_leaves > agent_leaves + 20);
}

static uint64_t *ept_entry(uint64_t gpa, int wanted)
{
	uint64_t table = hv.ept.root.v, *entry = NULL;

	for (int level = 4; level >= wanted; level--) {
		entry = (uint64_t *)pa_pointer(pa_make(table)) + (gpa >> (12 + 9 * (level - 1)) & 511);
		table = *entry & EPT_ADDRESS;
	}
	return entry;
}

static void test_ept_entries(void **state)
{
	uint64_t *hidden = ept_entry(FAKE_POOL + SIZE_2M, 2), *mapped = ept_entry(0x200000, 2), before = *mapped;

	(void)state;
	assert_int_equal(*hidden, 0);
	*hidden = (FAKE_POOL + SIZE_2M) | EPT_R | EPT_LARGE;
	expect_bad(0, FAKE_POOL + SIZE_2M, *hidden, RV_REASON_AUDIT_EPT);
	*hidden = 0;
	expect_good();
	/* An alias: an address of the guest that leads to the pool, or only somewhere else of its own. */
	*mapped = FAKE_POOL | EPT_RWX | EPT_LARGE;
	expect_bad(0, 0x200000, *mapped, RV_REASON_AUDIT_EPT);
	*mapped = 0x400000 | EPT_RWX | EPT_LARGE;
	expect_bad(0, 0x200000, *mapped, RV_REASON_AUDIT_EPT);
	*mapped = before;
	expect_good();
}

/* A table that the guest can write is a hole, whatever is in it now. */
static void test_ept_table_in_guest_memory(void **state)
{
	uint64_t *mapped = ept_entry(0x200000, 2), before = *mapped, *copy = pa_pointer(pa_make(0x300000));

	(void)state;
	for (uint64_t i = 0; i < 512; i++)
		copy[i] = (0x200000 + i * RV_PAGE_SIZE) | EPT_RWX | 6u << EPT_TYPE_SHIFT;
	*mapped = 0x300000 | EPT_RWX;
	expect_bad(0, 0x200000, *mapped, RV_REASON_AUDIT_EPT);
	*mapped = before;
	expect_good();
}

static void test_rights_of_lent_pages(void **state)
{
	uint64_t *entry;

	(void)state;
	fimce_prepared();
	entry = ept_entry(FAKE_TARGET, 1);
	assert_int_equal(*entry & EPT_RWX, EPT_R | EPT_X);
	*entry |= EPT_W;
	expect_bad(0, FAKE_TARGET, *entry, RV_REASON_AUDIT_EPT);
}

static uint64_t *fimce_entry(const struct fimce *f, uint64_t va)
{
	uint64_t table = f->tables.v, *entry = NULL;

	for (int level = 4; level >= 1; level--) {
		entry = (uint64_t *)pa_pointer(pa_make(table)) + (va >> (12 + 9 * (level - 1)) & 511);
		table = *entry & EPT_ADDRESS;
	}
	return entry;
}

static void plant(const struct fimce *f, uint64_t va, uint64_t value)
{
	uint64_t *entry = fimce_entry(f, va), before = *entry;

	*entry = value;
	expect_bad(f->id, va, value, RV_REASON_AUDIT_FIMCE);
	*entry = before;
	expect_good();
}

static void test_fimce_entries(void **state)
{
	struct fimce *f, *other;

	(void)state;
	f = fimce_prepared();
	fake_create(0);
	other = fimce_find((uint32_t)fake_vmcall(cpu, RV_HC_FIMCE_CREATE, FAKE_CREATE, 0, 0));
	assert_non_null(other);
	expect_good();
	plant(f, RV_FIMCE_LOAD, f->load.v | 3); /* W and X */
	plant(f, RV_FIMCE_OUTPUT, f->tables.v | 3 | NX); /* its own page table */
	plant(f, RV_FIMCE_OUTPUT, f->vmcs.v | 1 | NX); /* its VMCS */
	plant(f, RV_FIMCE_OUTPUT, other->memory.v | 1 | NX); /* another FIMCE */
	plant(f, RV_FIMCE_OUTPUT, 0x100000 | 1 | NX); /* the guest's, not lent */
	plant(f, RV_FIMCE_OUTPUT, 0xfee00000ull | 3 | NX); /* the APIC */
	plant(f, RV_FIMCE_OUTPUT, f->snapshot.v | 3 | NX); /* the snapshot */
	plant(f, FAKE_TARGET_VA, FAKE_TARGET | 1); /* the target's code, executable here */
	plant(f, RV_FIMCE_MANAGER, (*fimce_entry(f, RV_FIMCE_MANAGER) & EPT_ADDRESS) | 3 | NX); /* shared, writable */
}

/* The target while it is isolated: still not executable for the task. */
static void test_isolated_target(void **state)
{
	struct fimce *f;
	struct row to;

	(void)state;
	f = fimce_prepared();
	to = (struct row){.owner = OWNER_FIMCE(f->id),
			  .shared = (uint16_t)f->id,
			  .perm = PERM_R | PERM_W,
			  .isolated = 1,
			  .logical = FAKE_TARGET_VA};
	partition_change(&hv.partition, pa_make(FAKE_TARGET), &to);
	expect_bad(0, FAKE_TARGET, *ept_entry(FAKE_TARGET, 1), RV_REASON_AUDIT_EPT);
	ept_set(&hv.ept, gpa_make(FAKE_TARGET), PERM_NONE);
	expect_good();
	plant(f, FAKE_TARGET_VA, FAKE_TARGET | 1);
}

static void test_vmcs(void **state)
{
	const uint64_t fields[] = {VMCS_EPTP,       VMCS_VPID,        VMCS_SECONDARY_CONTROLS, VMCS_PRIMARY_CONTROLS,
				   VMCS_MSR_BITMAP, VMCS_IO_BITMAP_A, VMCS_IO_BITMAP_B,        VMCS_CR4_MASK,
				   VMCS_HOST_CR3};

	(void)state;
	for (uint32_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		uint64_t before = vmcs_read(fields[i]);

		vmcs_set(fields[i], before ^ 0x80);
		expect_bad(~0ull, fields[i], before ^ 0x80, RV_REASON_AUDIT_VMCS);
		vmcs_set(fields[i], before);
	}
	expect_good();
	/* What changes while the guest runs. */
	vmcs_set(VMCS_PRIMARY_CONTROLS, hv.caps.guest.primary | PRIMARY_NMI_WINDOW_EXITING);
	vmcs_set(VMCS_PIN_CONTROLS, hv.caps.guest.pin & ~(uint64_t)PIN_PREEMPTION_TIMER);
	expect_good();
}

/* The bitmaps that all VMCSs point at: an MSR or a port that no longer exits. */
static void test_bitmaps(void **state)
{
	uint8_t *msr = pa_pointer(hv.msr_bitmap), *a = pa_pointer(hv.io_bitmap_a), *b = pa_pointer(hv.io_bitmap_b);

	(void)state;
	msr[2048 + MSR_XSS / 8] ^= 1u << MSR_XSS % 8;
	expect_bad(~0ull, VMCS_MSR_BITMAP, 2048 + MSR_XSS / 8, RV_REASON_AUDIT_VMCS);
	msr[2048 + MSR_XSS / 8] ^= 1u << MSR_XSS % 8;
	a[RV_DOORBELL_PORT / 8] = 0;
	expect_bad(~0ull, VMCS_IO_BITMAP_A, RV_DOORBELL_PORT / 8, RV_REASON_AUDIT_VMCS);
	a[RV_DOORBELL_PORT / 8] = 1u << RV_DOORBELL_PORT % 8;
	b[4095] = 1;
	expect_bad(~0ull, VMCS_IO_BITMAP_B, 4095, RV_REASON_AUDIT_VMCS);
	b[4095] = 0;
	expect_good();
}

static void other_looks(uint32_t id, uint32_t command)
{
	assert_int_equal(command, APIC_NMI);
	assert_int_equal(id, hv.cpu[1]->apic_id);
	/* What the kicked CPU does before it enters again. */
	vmcs_load(hv.cpu[1]->guest_vmcs);
	hv.cpu[1]->in_guest = 0;
	fake_exit_state = NULL;
	fake_exit(hv.cpu[1], EXIT_CPUID, 0);
	vmcs_load(cpu->guest_vmcs);
}

/* No CPU can read another's VMCS: the one in the guest is made to look at its own. */
static void test_vmcs_of_another_cpu(void **state)
{
	(void)state;
	fake_vmcs_as_launched(hv.cpu[1]);
	vmcs_set(VMCS_SECONDARY_CONTROLS, hv.caps.guest.secondary & ~(uint64_t)SECONDARY_EPT);
	vmcs_load(cpu->guest_vmcs);
	/* In root mode: it will look before it enters. */
	expect_good();
	assert_int_equal(result.vmcs, 1);
	fake_ipi = other_looks;
	hv.cpu[1]->in_guest = 1;
	assert_int_equal(audit_run(cpu, &result), -RV_EFAULT);
	assert_int_equal(result.vmcs, 2);
	assert_int_equal(result.bad, 1);
	assert_int_equal(result.bad_address, VMCS_SECONDARY_CONTROLS);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, fake_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_good),
	    T(test_ept_entries),
	    T(test_ept_table_in_guest_memory),
	    T(test_rights_of_lent_pages),
	    T(test_fimce_entries),
	    T(test_isolated_target),
	    T(test_vmcs),
	    T(test_bitmaps),
	    T(test_vmcs_of_another_cpu),
	};

	return cmocka_run_group_tests_name("hv audit", tests, NULL, NULL);
}
