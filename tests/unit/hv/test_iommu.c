/* SPDX-License-Identifier: GPL-2.0-only */
/* test_iommu.c - remapping units in the machine: launch, writes of the guest to its units, updates, cores, log, audit. */
#include "fake_vtd.h"

#include <hv/iommu.h>
#include <hv/percpu.h>

#include <string.h>

#define TABLE 0x700000ull /* of the guest's interrupt entries */
#define QUEUE 0x600000ull
#define DEVICE 0x0310u
#define ENTRY(vector, destination) (IRTE_P | (uint64_t)(vector) << 16 | (uint64_t)(destination) << 40)
#define FLAGS (RFLAGS_FIXED | RFLAGS_IF)
#define SINGLE_STEP (VECTOR_DB | INTERRUPTION_TYPE_EXCEPTION | INTERRUPTION_VALID)
#define VERIFIED (1ull << 18 | DEVICE)

static struct percpu *cpu;

static void launch(void)
{
	hv.launch.vtd_count = 2;
	for (uint32_t i = 0; i < 2; i++)
		hv.launch.vtd[i] = (struct rv_launch_vtd){.base = FAKE_UNIT(i), .register_bytes = FAKE_UNIT_BYTES};
	assert_int_equal(iommu_probe(), 0);
	hv.ept.vtd = &hv.vtd;
	assert_int_equal(ept_build(&hv.ept, 4 * SIZE_1G), 0);
	assert_int_equal(iommu_build(), 0);
	assert_int_equal(vtd_start(&hv.vtd), 0);
	vmcs_load(cpu->guest_vmcs);
	vmcs_set(VMCS_EPTP, hv.ept.eptp);
	vmcs_set(VMCS_GUEST_RFLAGS, FLAGS);
}

static int setup(void **state)
{
	(void)state;
	cpu = fake_machine();
	fake_units_reset();
	fake_tick = 1000;
	launch();
	return 0;
}

static uint64_t leaf(uint64_t gpa)
{
	uint64_t size;

	return ept_leaf(&hv.ept, gpa_make(gpa), &size);
}

/* What the guest sees. */
static uint32_t *shown(uint32_t unit, uint32_t offset)
{
	return (uint32_t *)(void *)((uint8_t *)pa_pointer(pa_make(leaf(FAKE_UNIT(unit)) & EPT_ADDRESS)) + offset);
}

static void violate(struct percpu *on, uint64_t gpa, uint64_t access)
{
	assert_true(vmcs_load(on->guest_vmcs));
	fake_vmcs_set(VMCS_GUEST_PHYSICAL_ADDRESS, gpa);
	fake_exit(on, EXIT_EPT_VIOLATION, access);
}

static void single_step(struct regs *r)
{
	(void)r;
	fake_vmcs_set(VMCS_EXIT_INTERRUPTION_INFO, SINGLE_STEP);
}

static void step(struct percpu *on, uint64_t hits)
{
	vmcs_set(VMCS_GUEST_RIP, vmcs_read(VMCS_GUEST_RIP) + 3);
	fake_exit_state = single_step;
	fake_exit(on, EXIT_EXCEPTION_NMI, hits);
	fake_exit_state = NULL;
}

/* A MOV of the guest to a register: violation, one instruction, trap. */
static void guest_write(uint32_t unit, uint32_t offset, uint32_t bytes, uint64_t value)
{
	violate(cpu, FAKE_UNIT(unit) + offset, EPT_W);
	assert_true(leaf(FAKE_UNIT(unit)) & EPT_W);
	assert_int_equal(vmcs_read(VMCS_GUEST_RFLAGS), RFLAGS_FIXED | RFLAGS_TF);
	memcpy(shown(unit, offset), &value, bytes);
	step(cpu, PENDING_DEBUG_BS);
	assert_int_equal(leaf(FAKE_UNIT(unit)) & EPT_RWX, EPT_R);
	/* The guest does not notice. */
	assert_int_equal(vmcs_read(VMCS_GUEST_RFLAGS), FLAGS);
	assert_int_equal(vmcs_read(VMCS_ENTRY_INTERRUPTION_INFO) & INTERRUPTION_VALID, 0);
}

/* What Linux does to switch interrupt remapping on. */
static void guest_enables(uint32_t unit)
{
	guest_write(unit, VTD_IRTA, 8, TABLE | 15);
	guest_write(unit, VTD_GCMD, 4, GCMD_SIRTP);
	guest_write(unit, VTD_IQT, 4, 0);
	guest_write(unit, VTD_IQA, 8, QUEUE);
	guest_write(unit, VTD_GCMD, 4, GCMD_QIE);
	guest_write(unit, VTD_GCMD, 4, GCMD_QIE | GCMD_IRE);
	assert_int_equal(*shown(unit, VTD_GSTS), GCMD_QIE | GCMD_IRE | GCMD_SIRTP);
}

static void guest_sets_entry(uint32_t unit, uint32_t index, uint64_t low, uint64_t high)
{
	uint32_t tail = *shown(unit, VTD_IQT);
	struct vtd_pair *e = pa_pointer(pa_make(TABLE)), *d = pa_pointer(pa_make(QUEUE + tail));

	e[index] = (struct vtd_pair){low, high};
	d[0] = (struct vtd_pair){DESCRIPTOR_INTERRUPT | INTERRUPT_INDEXED | (uint64_t)index << 32, 0};
	guest_write(unit, VTD_IQT, 4, tail + sizeof(*d));
}

static void expect_audit(int64_t result)
{
	struct rv_audit a;

	vmcs_load(cpu->guest_vmcs);
	(void)audit_run(cpu, &a);
	assert_int_equal(a.vtd_units, 2);
	/* The VMCS of this test is no launched one: only the tables count here. */
	assert_int_equal(a.bad != 0 && a.bad_table == 0, result != 0);
}

static void test_launch(void **state)
{
	(void)state;
	/* Devices reach the guest's memory, not the pool, not the units. */
	assert_int_equal(fake_dma(0, DEVICE, FAKE_TARGET, true), FAKE_TARGET);
	assert_int_equal(fake_dma(1, DEVICE, FAKE_POOL, false), ~0ull);
	assert_int_equal(fake_dma(1, DEVICE, FAKE_POOL + FAKE_POOL_BYTES - 8, true), ~0ull);
	/* The guest sees a unit that it can read, and that has no DMA translation. */
	assert_int_equal(leaf(FAKE_UNIT(0)) & EPT_RWX, EPT_R);
	assert_int_not_equal(leaf(FAKE_UNIT(0)) & EPT_ADDRESS, FAKE_UNIT(0));
	assert_int_equal(shown(0, VTD_CAP)[0] >> 8 & 31, 0);
	expect_audit(0);
}

static uint32_t entry_refused(struct regs *r)
{
	(void)r;
	return EXIT_REASON_ENTRY_FAILURE | 33;
}

/* The pool goes back to Linux: no unit may go on to walk tables in it. */
static void test_launch_fails_after_the_units(void **state)
{
	struct rv_launch l;

	(void)state;
	for (uint32_t i = 0; i < 2; i++)
		fake_unit[i].may_open = true;
	assert_int_equal(vtd_stop(&hv.vtd), 0); /* as before the end of the launch */
	cpu->proved = false;
	fake_guest = entry_refused;
	assert_int_equal(launch_enter(&l, cpu), -RV_EIO);
	assert_int_equal(l.reason, RV_REASON_VMLAUNCH_FAILED);
	assert_int_equal(l.reason_value, EXIT_REASON_ENTRY_FAILURE | 33);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(fake_unit[i].gsts & GCMD_LASTING, 0);
		assert_int_equal(fake_unit[i].rtaddr | fake_unit[i].irta | fake_unit[i].iqa, 0);
	}
	/* A unit that fails takes back those before it. */
	fake_guest = NULL;
	fake_unit[1].deaf = GCMD_IRE;
	assert_int_equal(launch_enter(&l, cpu), -RV_ETIME);
	assert_int_equal(l.reason, RV_REASON_VTD_TIMEOUT);
	assert_int_equal(l.reason_value2, FAKE_UNIT(1));
	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(fake_unit[i].gsts & GCMD_LASTING, 0);
	/* One that does not let go: that memory must not become anybody's. */
	fake_unit[1].queue_stuck = true;
	FAKE_STOPS(launch_enter(&l, cpu));
	assert_int_equal(fake_log_last()->reason, RV_REASON_VTD_TIMEOUT);
}

static void test_launch_refuses(void **state)
{
	fake_teardown(state);
	fake_machine();
	fake_units_reset();
	hv.launch.vtd_count = 1;
	hv.launch.vtd[0] = (struct rv_launch_vtd){.base = FAKE_UNIT(0), .register_bytes = FAKE_UNIT_BYTES};
	fake_unit[0].ecap &= ~ECAP_IR;
	assert_int_equal(iommu_probe(), -RV_ENODEV);
	assert_int_equal(hv.vtd.failure.reason, RV_REASON_VTD_NO_INTERRUPTS);
}

static void test_guest_unit(void **state)
{
	(void)state;
	guest_enables(0);
	guest_sets_entry(0, 7, ENTRY(0x41, 2), VERIFIED);
	assert_int_equal(*shown(0, VTD_IQH), 16);
	assert_true(fake_interrupt(0, DEVICE, 7) & IRTE_P);
	assert_int_equal(fake_interrupt(0, DEVICE, 8), 0);
	/* Each unit has a table of its own. */
	assert_int_equal(fake_interrupt(1, DEVICE, 7), 0);
	expect_audit(0);
}

/* A guest that single-steps itself, or has a breakpoint on a register, gets its #DB. */
static void test_guest_debugs_its_write(void **state)
{
	(void)state;
	guest_enables(0);
	vmcs_set(VMCS_GUEST_RFLAGS, FLAGS | RFLAGS_TF);
	violate(cpu, FAKE_UNIT(0) + VTD_FECTL, EPT_W);
	step(cpu, PENDING_DEBUG_BS);
	assert_int_equal(vmcs_read(VMCS_GUEST_RFLAGS), FLAGS | RFLAGS_TF);
	assert_int_equal(vmcs_read(VMCS_ENTRY_INTERRUPTION_INFO), SINGLE_STEP);
	vmcs_set(VMCS_ENTRY_INTERRUPTION_INFO, 0);
	vmcs_set(VMCS_GUEST_RFLAGS, FLAGS);
	violate(cpu, FAKE_UNIT(0) + VTD_FECTL, EPT_W);
	step(cpu, PENDING_DEBUG_BS | 1);
	assert_int_equal(vmcs_read(VMCS_GUEST_RFLAGS), FLAGS);
	assert_int_equal(vmcs_read(VMCS_ENTRY_INTERRUPTION_INFO), SINGLE_STEP);
	assert_int_equal(read_dr6() & 0xf, 1);
}

/* A trap that comes before the instruction ends nothing. */
static void test_trap_too_early(void **state)
{
	(void)state;
	guest_enables(0);
	violate(cpu, FAKE_UNIT(0) + VTD_GCMD, EPT_W);
	fake_exit_state = single_step;
	fake_exit(cpu, EXIT_EXCEPTION_NMI, PENDING_DEBUG_BS);
	fake_exit_state = NULL;
	assert_true(leaf(FAKE_UNIT(0)) & EPT_W);
	assert_int_equal(vmcs_read(VMCS_GUEST_RFLAGS), RFLAGS_FIXED | RFLAGS_TF);
	assert_int_equal(vmcs_read(VMCS_ENTRY_INTERRUPTION_INFO) & INTERRUPTION_VALID, 0);
	*shown(0, VTD_GCMD) = GCMD_QIE;
	step(cpu, PENDING_DEBUG_BS);
	assert_int_equal(*shown(0, VTD_GSTS), GCMD_QIE | GCMD_SIRTP);
	assert_int_equal(vmcs_read(VMCS_GUEST_RFLAGS), FLAGS);
}

static void test_two_cpus_write(void **state)
{
	struct percpu *other = hv.cpu[1];

	(void)state;
	guest_enables(0);
	violate(cpu, FAKE_UNIT(0) + VTD_GCMD, EPT_W);
	violate(other, FAKE_UNIT(0) + VTD_IQT, EPT_W);
	*shown(0, VTD_GCMD) = GCMD_QIE;
	vmcs_load(cpu->guest_vmcs);
	step(cpu, PENDING_DEBUG_BS);
	assert_int_equal(*shown(0, VTD_GSTS) & GCMD_IRE, 0);
	/* The other one had not executed its instruction yet: it faults once more, and has its flags back in the end. */
	assert_int_equal(leaf(FAKE_UNIT(0)) & EPT_RWX, EPT_R);
	violate(other, FAKE_UNIT(0) + VTD_IQT, EPT_W);
	assert_true(vmcs_read(VMCS_GUEST_RFLAGS) & RFLAGS_TF);
	step(other, PENDING_DEBUG_BS);
	assert_int_equal(vmcs_read(VMCS_GUEST_RFLAGS) & RFLAGS_TF, 0);
	assert_int_equal(*shown(0, VTD_GSTS), GCMD_QIE | GCMD_SIRTP);
}

/* What another CPU stored to read-only registers meanwhile has no effect, and is not kept. */
static void test_other_registers_of_the_copy(void **state)
{
	(void)state;
	guest_enables(0);
	violate(cpu, FAKE_UNIT(0) + VTD_FECTL, EPT_W);
	*shown(0, VTD_IQH) = 3; /* would never meet the tail */
	*shown(0, VTD_GSTS) = 0;
	*shown(0, VTD_FECTL) = 0;
	step(cpu, PENDING_DEBUG_BS);
	assert_int_equal(*shown(0, VTD_IQH), 0);
	assert_int_equal(*shown(0, VTD_GSTS), GCMD_QIE | GCMD_IRE | GCMD_SIRTP);
	assert_int_equal(*shown(0, VTD_FECTL), 0);
}

/* Clearing a status bit stores the very value that stands there. */
static void test_status_is_cleared(void **state)
{
	(void)state;
	guest_enables(0);
	*(struct vtd_pair *)pa_pointer(pa_make(QUEUE)) = (struct vtd_pair){0xf, 0};
	guest_write(0, VTD_IQT, 4, 16);
	assert_int_equal(*shown(0, VTD_FSTS) & FSTS_IQE, FSTS_IQE);
	assert_int_equal(fake_log_count(RV_REASON_VTD_VIRTUAL), 1);
	guest_write(0, VTD_IQT, 4, 0);
	guest_write(0, VTD_FSTS, 4, *shown(0, VTD_FSTS));
	assert_int_equal(*shown(0, VTD_FSTS) & FSTS_IQE, 0);
}

/* Only writes to the first page of a unit: all else is hidden memory. */
static void test_unit_is_hidden_otherwise(void **state)
{
	(void)state;
	violate(cpu, FAKE_UNIT(0) + VTD_GCMD, EPT_X);
	assert_null(cpu->store_to);
	assert_int_equal(fake_log_count(RV_REASON_HIDDEN_TOUCH), 1);
	violate(cpu, FAKE_POOL, EPT_W);
	assert_int_equal(fake_log_count(RV_REASON_HIDDEN_TOUCH), 2);
}

static void test_core_without_interrupts(void **state)
{
	(void)state;
	guest_enables(0);
	guest_sets_entry(0, 7, ENTRY(0x41, hv.cpu[2]->apic_id), VERIFIED);
	assert_true(fake_interrupt(0, DEVICE, 7) != 0);
	iommu_core_taken(cpu, hv.cpu[2]);
	assert_int_equal(fake_interrupt(0, DEVICE, 7), 0);
	/* Nor can the guest set a new one, until it has the core again. */
	guest_sets_entry(0, 8, ENTRY(0x42, hv.cpu[2]->apic_id), VERIFIED);
	assert_int_equal(fake_interrupt(0, DEVICE, 8), 0);
	assert_int_equal(fake_log_count(RV_REASON_VTD_ENTRY_TARGET), 2);
	iommu_core_given(hv.cpu[2]);
	assert_int_equal(hv.vtd.core_count, 0);
	guest_sets_entry(0, 8, ENTRY(0x42, hv.cpu[2]->apic_id), VERIFIED);
	assert_true(fake_interrupt(0, DEVICE, 8) != 0);
}

static void test_faults_in_the_log(void **state)
{
	(void)state;
	(void)fake_dma(0, DEVICE, FAKE_POOL, true);
	(void)fake_dma(1, DEVICE, FAKE_POOL, false);
	(void)fake_interrupt(1, DEVICE, 99);
	iommu_log_faults(cpu);
	assert_int_equal(fake_log_count(RV_REASON_DMA_WRITE_FAULT), 1);
	assert_int_equal(fake_log_count(RV_REASON_DMA_READ_FAULT), 1);
	assert_int_equal(fake_log_count(RV_REASON_INTERRUPT_FAULT), 1);
	for (uint32_t i = 0; i < 3 * FAKE_RECORDS; i++)
		(void)fake_dma(0, DEVICE, FAKE_POOL, true);
	iommu_log_faults(cpu);
	assert_int_equal(fake_log_count(RV_REASON_FAULTS_LOST), 1);
}

/* The refusal and the record name the unit. */
static void test_audit_names_the_unit(void **state)
{
	struct rv_audit a;

	(void)state;
	fake_unit[1].irta ^= 1;
	fake_vmcs_as_launched(cpu);
	assert_int_equal(audit_run(cpu, &a), -RV_EFAULT);
	assert_int_equal(a.bad_table, ~1ull);
	assert_int_equal(a.bad_address, VTD_IRTA);
	assert_int_equal(cpu->refusal.reason, RV_REASON_AUDIT_VTD);
	assert_int_equal(cpu->refusal.value[0], FAKE_UNIT(1));
	assert_int_equal(fake_log_last()->value[0], FAKE_UNIT(1));
}

static void test_flush(void **state)
{
	(void)state;
	ept_prepare(&hv.ept, gpa_make(FAKE_TARGET));
	assert_int_equal(fake_dma(0, DEVICE, FAKE_TARGET, true), FAKE_TARGET);
	ept_set(&hv.ept, gpa_make(FAKE_TARGET), PERM_NONE);
	assert_int_equal(iommu_flush_guest(cpu), 0);
	assert_int_equal(fake_dma(0, DEVICE, FAKE_TARGET, true), ~0ull);
	/* A unit that does not answer: a refusal that names it. */
	fake_unit[1].queue_stuck = true;
	assert_true(iommu_flush_guest(cpu) < 0);
	assert_int_equal(cpu->refusal.reason, RV_REASON_VTD_TIMEOUT);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, fake_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_launch),
	    T(test_launch_fails_after_the_units),
	    T(test_launch_refuses),
	    T(test_guest_unit),
	    T(test_guest_debugs_its_write),
	    T(test_trap_too_early),
	    T(test_two_cpus_write),
	    T(test_other_registers_of_the_copy),
	    T(test_status_is_cleared),
	    T(test_unit_is_hidden_otherwise),
	    T(test_core_without_interrupts),
	    T(test_faults_in_the_log),
	    T(test_audit_names_the_unit),
	    T(test_flush),
	};

	return cmocka_run_group_tests_name("hv iommu", tests, NULL, NULL);
}
