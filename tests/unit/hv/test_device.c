/* SPDX-License-Identifier: GPL-2.0-only */
/* test_device.c - PCI functions and ports that leave the guest for a FIMCE: checks, life, undo, and what the guest sees meanwhile. */
#include "fake_pci.h"
#include "fake_vtd.h"

#include <hv/iommu.h>
#include <hv/pci.h>

#include <string.h>

#define ID 0x11e81234u
#define SOURCE 0x0018u
#define BAR0 0xe0000000ull
#define BAR0_BYTES 0x4000ull
#define BAR2 0x2000100000ull /* above what the EPT was built for */
#define BAR2_BYTES 0x2000ull
#define BAR4 0xc100u
#define ECAM 0xb0000000ull
#define CONFIG_PAGE (ECAM + (SOURCE << 12))
#define IOAPIC 0xfec00000ull
#define GUEST_ADDRESS 0x80000810u /* what the guest has in 0xcf8 */
#define DOMAIN_FIRST VTD_DOMAIN_FIMCE(0)
#define INDEX(slot) (VTD_MAX_ENTRIES - VTD_RESERVED_ENTRIES + (slot))
#define CREATE() fake_vmcall(cpu, RV_HC_FIMCE_CREATE, FAKE_CREATE, 0, 0)
#define DESTROY(f) fake_vmcall(cpu, RV_HC_FIMCE_DESTROY, (f)->id, 0, 0)
#define REASON() ((uint32_t)cpu->regs.gpr[RDX])
#define PORT_EXIT(port, bytes, in) ((uint64_t)(port) << 16 | ((bytes)-1) | ((in) ? 8 : 0))

static struct percpu *cpu;
static struct fake_function *edu;
static uint8_t config_before[256];
static uint64_t free_bytes;
static uint32_t rows;
static uint32_t ran; /* checks made while a task ran */

static void vmcs_as_launched(void)
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
	vmcs_set(VMCS_MSR_BITMAP, hv.msr_bitmap.v);
	vmcs_set(VMCS_IO_BITMAP_A, hv.io_bitmap_a.v);
	vmcs_set(VMCS_IO_BITMAP_B, hv.io_bitmap_b.v);
	vmcs_set(VMCS_CR4_MASK, CR4_VMXE);
	vmcs_set(VMCS_HOST_CR3, hv.page_tables.v);
}

static void machine_make(uint32_t units)
{
	cpu = fake_machine();
	fake_units_reset();
	fake_tick = 100;
	hv.launch.vtd_count = units;
	for (uint32_t i = 0; i < units; i++)
		hv.launch.vtd[i] = (struct rv_launch_vtd){.base = FAKE_UNIT(i), .register_bytes = FAKE_UNIT_BYTES};
	hv.launch.ecam_count = 1;
	hv.launch.ecam[0] = (struct rv_launch_ecam){.base = ECAM, .last_bus = 255};
	hv.launch.ioapic_count = 1;
	hv.launch.ioapic[0].base = IOAPIC;
	assert_int_equal(iommu_probe(), 0);
	hv.ept.vtd = &hv.vtd;
	assert_int_equal(ept_build(&hv.ept, 4 * SIZE_1G), 0);
	assert_int_equal(iommu_build(), 0);
	assert_int_equal(vtd_start(&hv.vtd), 0);
	vmcs_as_launched();
	edu = fake_function_make(SOURCE, ID);
	fake_function_bar(edu, 0, BAR0, BAR0_BYTES, 0);
	fake_function_bar(edu, 2, BAR2, BAR2_BYTES, 4);
	fake_function_bar(edu, 4, BAR4, 32, 1);
	fake_config_set(edu, 0x30, 0xdff00001);
	fake_pci_address = GUEST_ADDRESS;
	/* What a change of these pages leaves behind in tables of the EPT is there already, and the bus has its context table. */
	assert_int_equal(ept_prepare(&hv.ept, gpa_make(BAR0)), 0);
	assert_int_equal(ept_prepare(&hv.ept, gpa_make(BAR2)), 0);
	assert_int_equal(ept_prepare(&hv.ept, gpa_make(CONFIG_PAGE)), 0);
	if (units != 0)
		assert_int_equal(vtd_device_prepare(&hv.vtd, SOURCE), 0);
	ran = 0;
}

static int setup(void **state)
{
	(void)state;
	machine_make(2);
	return 0;
}

static int setup_without_units(void **state)
{
	(void)state;
	machine_make(0);
	return 0;
}

static uint64_t leaf(uint64_t gpa)
{
	uint64_t size;

	return ept_leaf(&hv.ept, gpa_make(gpa), &size);
}

static bool port_exits(uint32_t port)
{
	const uint8_t *map = pa_pointer(port < 0x8000 ? hv.io_bitmap_a : hv.io_bitmap_b);

	return map[port % 0x8000 / 8] >> port % 8 & 1;
}

static void expect_audit_good(void)
{
	struct rv_audit a;

	vmcs_load(cpu->guest_vmcs);
	if (audit_run(cpu, &a) != 0)
		fail_msg("audit: table %llx, address %llx, entry %llx", (unsigned long long)a.bad_table,
			 (unsigned long long)a.bad_address, (unsigned long long)a.bad_entry);
}

static void expect_audit_bad(uint64_t table)
{
	struct rv_audit a;

	vmcs_load(cpu->guest_vmcs);
	assert_int_equal(audit_run(cpu, &a), -RV_EFAULT);
	assert_int_equal(a.bad_table, table);
}

static void remember(void)
{
	/* Large pages again where nothing keeps them small, as after any return. */
	pa_t table;

	for (uint32_t i = 0; i < 2; i++) {
		ept_merge(&hv.ept, gpa_make(i == 0 ? BAR0 : BAR2), &table);
		if (table.v != 0) {
			clear_pages(pa_pointer(table), 1);
			partition_release(&hv.partition, table, RV_PAGE_SIZE);
		}
	}
	ept_merge(&hv.ept, gpa_make(CONFIG_PAGE), &table);
	if (table.v != 0) {
		clear_pages(pa_pointer(table), 1);
		partition_release(&hv.partition, table, RV_PAGE_SIZE);
	}
	partition_merge(&hv.partition);
	rows = hv.partition.count;
	free_bytes = partition_bytes(&hv.partition, OWNER_POOL_FREE);
	memcpy(config_before, edu->config, sizeof(config_before));
}

/* The guest has all that it had, and the pool, too. */
static void expect_clean(void)
{
	partition_merge(&hv.partition);
	assert_int_equal(hv.partition.count, rows);
	assert_int_equal(hv.partition.reserved, 0);
	assert_int_equal(partition_bytes(&hv.partition, OWNER_POOL_FREE), free_bytes);
	assert_int_equal(fake_pool_dirty(), 0);
	assert_memory_equal(edu->config, config_before, sizeof(config_before));
	assert_int_equal(fake_pci_address, GUEST_ADDRESS);
	for (uint32_t port = 0; port < 0x10000; port++)
		assert_int_equal(port_exits(port), port == RV_DOORBELL_PORT);
	for (uint32_t i = 0; i < VTD_MAX_DEVICES; i++)
		assert_int_equal(hv.device[i].fimce, 0);
	if (hv.vtd.unit_count != 0)
		assert_int_equal(fake_dma(0, SOURCE, FAKE_TARGET, true), FAKE_TARGET);
	expect_audit_good();
	assert_int_equal(hv.lock.next, hv.lock.owner);
}

static struct rv_fimce_create *create_pci(uint16_t flags)
{
	struct rv_fimce_create *c = fake_create(0);

	c->grant_count = 1;
	c->grant[0] = (struct rv_grant){RV_GRANT_PCI, flags, ID, 1, SOURCE};
	return c;
}

static struct fimce *created(void)
{
	struct fimce *f = fimce_find((uint32_t)CREATE());

	if (f == NULL)
		fail_msg("refused: reason %u, value %llx", REASON(), (unsigned long long)cpu->regs.gpr[R8]);
	return f;
}

static void measured(struct fimce *f)
{
	struct rv_measured *m = pa_pointer(f->mailbox);

	fake_measured(f);
	m->flags = RV_MEASURED_SIGNED;
	m->capabilities = RV_CAP_DEVICE;
	m->grant_count = f->grant_count;
	memcpy(m->grant, f->grant, sizeof(m->grant));
	for (uint32_t i = 0; i < f->grant_count; i++)
		m->grant[i].source_id = 0;
}

/* On a core that the guest does not have. */
static void run_dedicated(struct fimce *f, const struct fake_step *steps)
{
	struct percpu *core = hv.cpu[1];

	core->state = RV_CPU_TAKEN;
	iommu_core_taken(cpu, core);
	core->fimce_request = f->id;
	fake_task(f, steps);
	assert_true(vmcs_load(core->guest_vmcs));
	hypercall_serve_taken(core);
	assert_int_equal(core->state, RV_CPU_TAKEN);
	iommu_core_given(core);
	assert_true(vmcs_load(cpu->guest_vmcs));
}

/* --- a life ---------------------------------------------------------------------------------------------------------- */

static void expect_taken(const struct fimce *f)
{
	const struct rv_fimce_devices *d = pa_pointer(f->devices);

	assert_int_equal(leaf(BAR0), 0);
	assert_int_equal(leaf(BAR0 + BAR0_BYTES - RV_PAGE_SIZE), 0);
	assert_int_not_equal(leaf(BAR0 + BAR0_BYTES) & EPT_RWX, 0);
	assert_int_equal(leaf(BAR2 + RV_PAGE_SIZE), 0);
	/* Its page of configuration space shows ones, and nothing else. */
	assert_int_equal(leaf(CONFIG_PAGE) & EPT_RWX, EPT_R);
	assert_int_not_equal(leaf(CONFIG_PAGE) & EPT_ADDRESS, CONFIG_PAGE);
	assert_int_equal(*(uint64_t *)pa_pointer(pa_make(leaf(CONFIG_PAGE) & EPT_ADDRESS)), ~0ull);
	for (uint32_t port = 0; port < 0x10000; port++)
		assert_int_equal(port_exits(port), port == RV_DOORBELL_PORT || (port >= 0xcf8 && port < 0xd00) ||
						       (port >= BAR4 && port < BAR4 + 32));
	assert_int_equal(d->count, 1);
	assert_int_equal(d->device[0].source_id, SOURCE);
	assert_int_equal(d->device[0].bar[0].address, RV_FIMCE_BARS);
	assert_int_equal(d->device[0].bar[0].bytes, BAR0_BYTES);
	assert_int_equal(d->device[0].bar[1].address, 0);
	assert_int_equal(d->device[0].bar[2].address, RV_FIMCE_BARS + BAR0_BYTES);
	assert_int_equal(d->device[0].bar[2].bytes, BAR2_BYTES);
	assert_int_equal(d->device[0].bar[4].address, BAR4);
	assert_int_equal(d->device[0].bar[4].bytes, 32);
	assert_int_equal(d->device[0].bar[4].is_port, 1);
	assert_memory_equal(d->device[0].config, config_before, 256);
}

static void expect_blocked(void)
{
	for (uint32_t unit = 0; unit < 2; unit++) {
		assert_int_equal(fake_dma(unit, SOURCE, FAKE_TARGET, true), ~0ull);
		assert_int_equal(fake_dma(unit, SOURCE, RV_FIMCE_DMA(RV_FIMCE_INPUT), false), ~0ull);
		for (uint32_t i = 0; i < VTD_RESERVED_ENTRIES; i++)
			assert_int_equal(fake_interrupt(unit, SOURCE, INDEX(i)), 0);
	}
	assert_int_equal(edu->config[4] & 7, 0);
	assert_int_equal(edu->config[FAKE_MSI + 2] & 1, 0);
}

static uint64_t fimce_entry(const struct fimce *f, uint64_t va)
{
	const uint64_t *table = pa_pointer(fimce_tables_root(f));

	for (uint32_t shift = 39; shift > 12; shift -= 9) {
		if (table[va >> shift & 511] == 0)
			return 0;
		table = pa_pointer(pa_make(table[va >> shift & 511] & EPT_ADDRESS));
	}
	return table[va >> 12 & 511];
}

static void before_seal(struct fimce *f)
{
	expect_blocked();
	assert_int_equal(fimce_entry(f, RV_FIMCE_BARS), 0);
	assert_int_equal(((uint8_t *)pa_pointer(f->io_bitmaps))[0], 0xff);
	expect_audit_good();
	vmcs_load(f->vmcs);
	measured(f);
}

static void expect_dma(uint64_t va, pa_t pa, bool read, bool write)
{
	for (uint32_t unit = 0; unit < 2; unit++) {
		assert_int_equal(fake_dma(unit, SOURCE, RV_FIMCE_DMA(va) + 8, false), read ? pa.v + 8 : ~0ull);
		assert_int_equal(fake_dma(unit, SOURCE, RV_FIMCE_DMA(va) + 8, true), write ? pa.v + 8 : ~0ull);
	}
}

static void while_sealed(struct fimce *f)
{
	const struct rv_fimce_devices *d = pa_pointer(f->devices);
	const uint8_t *bitmap = pa_pointer(pa_add(f->io_bitmaps, RV_PAGE_SIZE));
	uint32_t index = INDEX(VTD_MAX_DEVICES - 1), address;
	uint64_t low;

	/* Its own memory, and only what a device may have of it. */
	expect_dma(RV_FIMCE_INPUT, f->input, true, false);
	expect_dma(RV_FIMCE_OUTPUT, f->output, true, true);
	expect_dma(RV_FIMCE_LOAD, f->load, false, false);
	expect_dma(RV_FIMCE_LOAD + 8 * RV_PAGE_SIZE, pa_add(f->load, 8 * RV_PAGE_SIZE), true, true);
	expect_dma(RV_FIMCE_LOAD + 12 * RV_PAGE_SIZE, pa_make(0), false, false);
	expect_dma(RV_FIMCE_MAILBOX, pa_make(0), false, false);
	expect_dma(RV_FIMCE_STACK_TOP - RV_PAGE_SIZE, pa_make(0), false, false);
	assert_int_equal(fake_dma(0, SOURCE, FAKE_TARGET, false), ~0ull);
	assert_int_equal(fake_dma(0, SOURCE, f->output.v, true), ~0ull);
	assert_int_equal(fake_dma(0, SOURCE + 8, FAKE_TARGET, false), FAKE_TARGET); /* its neighbour on the bus */
	/* One interrupt, from nobody else, to this core. */
	low = fake_interrupt(0, SOURCE, index);
	assert_int_equal(low, IRTE_P | RV_FIMCE_VECTOR << 16 | (uint64_t)hv.cpu[1]->apic_id << 40);
	assert_int_equal(fake_interrupt(1, SOURCE, index), low);
	assert_int_equal(fake_interrupt(0, SOURCE + 8, index), 0);
	address = fake_config(edu, FAKE_MSI + 4);
	assert_int_equal(d->device[0].msi_address, address);
	assert_int_equal(d->device[0].msi_data, 0);
	/* VT-d 5.1.2.2 */
	assert_int_equal(address & 0xfff00018, 0xfee00010);
	assert_int_equal((address >> 5 & 0x7fff) | (address >> 2 & 1) << 15, index);
	assert_int_equal(fake_config(edu, FAKE_MSI) >> 16 & 0x71, 1);
	assert_int_equal(
	    fake_config(edu, FAKE_MSI + 8) | fake_config(edu, FAKE_MSI + 12) | fake_config(edu, FAKE_MSI + 16), 0);
	assert_int_equal(edu->config[4] & 7, 7);
	assert_int_equal(edu->config[5] & 4, 4);
	assert_int_equal(fake_config(edu, 0x10), BAR0);
	assert_int_equal(fake_config(edu, 0x18), (uint32_t)BAR2 | 4);
	assert_int_equal(fake_config(edu, 0x30), 0); /* no ROM */
	/* Uncacheable, never executable. */
	assert_int_equal(fimce_entry(f, RV_FIMCE_BARS), BAR0 | 0x1b | 1ull << 63);
	assert_int_equal(fimce_entry(f, RV_FIMCE_BARS + BAR0_BYTES), BAR2 | 0x1b | 1ull << 63);
	assert_int_equal(fimce_entry(f, RV_FIMCE_BARS + BAR0_BYTES + BAR2_BYTES), 0);
	assert_int_equal(fimce_entry(f, RV_FIMCE_DEVICES), f->devices.v | 1 | 1ull << 63);
	for (uint32_t port = 0; port < 0x8000; port++)
		assert_int_equal(bitmap[port / 8] >> port % 8 & 1, port + 0x8000 < BAR4 || port + 0x8000 >= BAR4 + 32);
	assert_true(vmcs_read(VMCS_PRIMARY_CONTROLS) & PRIMARY_IO_BITMAPS);
	assert_int_equal(vmcs_read(VMCS_IO_BITMAP_B), f->io_bitmaps.v + RV_PAGE_SIZE);
	assert_int_equal(read_cr8(), 14);
	assert_int_equal(fake_msr_get(0x80f), 0x1ff);
	expect_audit_good();
	vmcs_load(f->vmcs);
	fake_msr_set(0x817, 1ull << 0x13 | 1ull << 0x1d); /* 0xf3 in service, and an IPI of the guest */
	ran++;
}

static void after_eoi(struct fimce *f)
{
	(void)f;
	assert_int_equal(fake_task_rax, 0);
	assert_int_equal(fake_msr_get(0x817), 1ull << 0x13);
	fake_msr_set(0x817, 1ull << 0x13 | 1ull << 0x1d | 1ull << 3);
	ran++;
}

static const struct fake_step life[] = {{.call = RV_FC_MEASURED, .before = before_seal},
					{.call = RV_FC_EOI, .before = while_sealed},
					{.call = RV_FC_EXIT, .rdi = 5, .before = after_eoi},
					{0}};

static void test_life(void **state)
{
	struct fimce *f;
	uint64_t before;

	(void)state;
	remember();
	/* The first read, for the record, sees them, and the reset waits until they are gone. */
	edu->pending = 3;
	config_before[FAKE_EXPRESS + 10] |= 0x20;
	create_pci(RV_GRANT_INTERRUPT);
	hv.cpu[1]->in_guest = 1;
	f = created();
	assert_int_equal(hv.cpu[1]->in_guest, 0); /* it was called out for the change of the bitmaps */
	assert_int_equal(fake_log_last()->reason, RV_REASON_DEVICE_TAKEN);
	assert_int_equal(edu->resets, 1);
	expect_taken(f);
	expect_audit_good();
	assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_RUN, f->id, RV_RUN_BORROWED, 0), -RV_EINVAL);
	assert_int_equal(REASON(), RV_REASON_DEVICE_CORE);
	before = fake_time;
	write_cr8(3);
	run_dedicated(f, life);
	assert_true(fake_time - before >= 100 * hv.launch.tsc_khz); /* the reset */
	assert_int_equal(ran, 2);
	assert_int_equal(f->state, RV_FIMCE_DONE);
	assert_int_equal(read_cr8(), 3);
	assert_int_equal(fake_msr_get(0x80f), 0xff);
	assert_int_equal(fake_msr_get(0x817), 1ull << 3); /* nothing of its class is left in service */
	/* Ended, and not yet returned. */
	assert_int_equal(edu->resets, 2);
	fake_time = edu->ready;
	expect_taken(f);
	config_before[FAKE_EXPRESS + 10] = edu->config[FAKE_EXPRESS + 10];
	expect_blocked();
	expect_audit_good();
	fake_time = edu->ready - 1000;
	assert_int_equal(DESTROY(f), -RV_EAGAIN);
	fake_time = edu->ready;
	assert_int_equal(DESTROY(f), 0);
	assert_int_equal(fake_log_count(RV_REASON_DEVICE_RETURNED), 1);
	expect_clean();
	assert_int_not_equal(leaf(BAR0) & EPT_RWX, 0);
}

/* Never run, or dead before the seal: nothing has touched it, nothing waits for it. */
static void test_never_sealed(void **state)
{
	static const struct fake_step dies[] = {{.call = FAKE_EXIT, .rdi = EXIT_TRIPLE_FAULT}, {0}};
	struct fimce *f;

	(void)state;
	remember();
	create_pci(RV_GRANT_INTERRUPT);
	f = created();
	assert_int_equal(DESTROY(f), -RV_EAGAIN);
	fake_time += 100 * hv.launch.tsc_khz;
	assert_int_equal(DESTROY(f), 0);
	expect_clean();
	f = created();
	run_dedicated(f, dies);
	assert_int_equal(f->state, RV_FIMCE_DEAD);
	fake_time += 100 * hv.launch.tsc_khz;
	expect_blocked();
	assert_int_equal(DESTROY(f), 0);
	expect_clean();
}

/* --- functions that can't be reset ----------------------------------------------------------------------------------- */

static void without_reset(void)
{
	fake_config_set(edu, FAKE_EXPRESS + 4, 0);
	remember();
}

static const struct fake_step exits[] = {
    {.call = RV_FC_MEASURED, .before = measured}, {.call = RV_FC_EXIT, .before = NULL}, {0}};

static void test_cleaned_comes_back(void **state)
{
	struct fimce *f;

	(void)state;
	without_reset();
	create_pci(RV_GRANT_CLEANED);
	f = created();
	/* Without an interrupt any core will do. */
	fake_task(f, exits);
	assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_RUN, f->id, RV_RUN_BORROWED, 0), RV_FIMCE_DONE);
	expect_blocked();
	assert_int_equal(DESTROY(f), 0);
	assert_int_equal(edu->resets, 0);
	expect_clean();
}

static void test_not_cleaned_is_kept(void **state)
{
	static const struct fake_step dies[] = {
	    {.call = RV_FC_MEASURED, .before = measured}, {.call = FAKE_EXIT, .rdi = EXIT_TRIPLE_FAULT}, {0}};
	struct fimce *f;

	(void)state;
	without_reset();
	create_pci(RV_GRANT_CLEANED);
	f = created();
	fake_task(f, dies);
	assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_RUN, f->id, RV_RUN_BORROWED, 0), RV_FIMCE_DEAD);
	assert_int_equal(DESTROY(f), 0);
	assert_int_equal(fake_log_last()->reason, RV_REASON_DEVICE_KEPT);
	assert_int_equal(hv.device[0].fimce, DEVICE_KEPT);
	/* Nobody has it. */
	expect_blocked();
	assert_int_equal(leaf(BAR0), 0);
	assert_int_equal(partition_find(&hv.partition, pa_make(BAR0))->owner, OWNER_HYPERVISOR);
	assert_true(port_exits(0xcfc) && port_exits(BAR4));
	expect_audit_good();
	assert_int_equal(CREATE(), -RV_EBUSY);
	assert_int_equal(REASON(), RV_REASON_DEVICE_ID);
	expect_audit_good();
}

/* --- checks ---------------------------------------------------------------------------------------------------------- */

static void expect_refused(int64_t error, uint32_t reason)
{
	remember();
	assert_int_equal(CREATE(), error);
	assert_int_equal(REASON(), reason);
	assert_int_equal(edu->resets, 0);
	expect_clean();
}

static void test_grants_are_checked(void **state)
{
	const struct rv_grant pci = {RV_GRANT_PCI, 0, ID, 1, SOURCE}, ports = {RV_GRANT_PORTS, 0, 0x2f8, 8, 0};
	struct rv_grant bad[9] = {pci, pci, pci, pci, ports, ports, pci, pci, pci};
	struct rv_fimce_create *c;

	(void)state;
	bad[0].kind = 0;
	bad[1].flags = 4;
	bad[2].count = 2;
	bad[3].source_id = 0x10000;
	bad[4].flags = RV_GRANT_INTERRUPT;
	bad[5].source_id = 1;
	bad[6].kind = RV_GRANT_GSI;
	bad[7].kind = 99;
	bad[8].count = 0;
	for (uint32_t i = 0; i < 9; i++) {
		c = create_pci(0);
		c->grant[1] = bad[i];
		c->grant_count = 2;
		expect_refused(-RV_EINVAL, RV_REASON_DEVICE_GRANT);
		assert_int_equal(cpu->regs.gpr[R8], 1);
	}
	assert_int_equal(fake_pci_accesses, 0);
	create_pci(0)->grant_count = RV_MAX_GRANTS + 1;
	expect_refused(-RV_EINVAL, RV_REASON_DEVICE_GRANT);
	create_pci(0)->reserved = 1;
	expect_refused(-RV_EINVAL, RV_REASON_FIMCE_SIZE);
	c = fake_create(2);
	c->grant_count = 1;
	c->grant[0] = pci;
	expect_refused(-RV_EINVAL, RV_REASON_DEVICE_GRANT);
	/* Twice the same. */
	c = create_pci(0);
	c->grant_count = 2;
	c->grant[1] = c->grant[0];
	expect_refused(-RV_EBUSY, RV_REASON_DEVICE_ID);
}

static void test_no_unit(void **state)
{
	(void)state;
	create_pci(0);
	expect_refused(-RV_ENODEV, RV_REASON_DEVICE_NO_UNIT);
	assert_int_equal(fake_pci_accesses, 0);
	assert_int_equal(HYPERCALL_FEATURES & RV_FEATURE_DEVICES, 0);
}

static void test_functions_are_checked(void **state)
{
	struct rv_fimce_create *c = create_pci(0);
	uint8_t good[256];

	(void)state;
	assert_true(HYPERCALL_FEATURES & RV_FEATURE_DEVICES);
	memcpy(good, edu->config, sizeof(good));
	c->grant[0].first++;
	expect_refused(-RV_ENODEV, RV_REASON_DEVICE_ID);
	create_pci(0)->grant[0].source_id = SOURCE + 8;
	expect_refused(-RV_ENODEV, RV_REASON_DEVICE_ID);
	c->grant[0].first = ~0u;
	expect_refused(-RV_ENODEV, RV_REASON_DEVICE_ID);
	create_pci(0);
	edu->config[0x0e] = 0x80; /* one of several */
	expect_refused(-RV_EINVAL, RV_REASON_DEVICE_KIND);
	edu->config[0x0e] = 1; /* a bridge */
	expect_refused(-RV_EINVAL, RV_REASON_DEVICE_KIND);
	edu->config[0x0e] = 0;
	edu->config[FAKE_EXPRESS + 2] = 0x72; /* from PCI to PCI Express */
	expect_refused(-RV_EINVAL, RV_REASON_DEVICE_KIND);
	/* Behind a bridge what is no PCI Express function has the bridge's id. */
	edu->source_id = 0x0300;
	c->grant[0].source_id = 0x0300;
	edu->config[FAKE_EXPRESS] = 9;
	assert_int_equal(vtd_device_prepare(&hv.vtd, 0x0300), 0);
	expect_refused(-RV_EINVAL, RV_REASON_DEVICE_KIND);
	edu->source_id = SOURCE + 1;
	c->grant[0].source_id = SOURCE + 1;
	memcpy(edu->config, good, sizeof(good));
	expect_refused(-RV_EINVAL, RV_REASON_DEVICE_KIND);
	edu->source_id = SOURCE;
	create_pci(RV_GRANT_INTERRUPT);
	edu->config[FAKE_MSI] = 9;
	expect_refused(-RV_EINVAL, RV_REASON_DEVICE_INTERRUPT);
	create_pci(0);
	edu->config[FAKE_EXPRESS + 7] = 0;
	expect_refused(-RV_EINVAL, RV_REASON_DEVICE_RESET);
	/* Capabilities that lead in a circle end. */
	edu->config[FAKE_EXPRESS + 1] = FAKE_MSI;
	expect_refused(-RV_EINVAL, RV_REASON_DEVICE_RESET);
}

static void test_bars_are_checked(void **state)
{
	const struct {
		uint64_t base, bytes;
		uint32_t type;
	} bad[] = {
	    {0xe0000000, 2048, 0}, /* less than a page */
	    {0x1000000, 0x1000, 0}, /* RAM */
	    {FAKE_POOL + 0x800000, 0x1000, 0},
	    {0x0, 0x1000, 0}, /* never set */
	    {FAKE_UNIT(1), 0x1000, 0},
	    {IOAPIC, 0x1000, 0},
	    {0xfee00000, 0x1000, 0},
	    {0xfe000000, 0x1000000, 0}, /* local APIC inside */
	    {ECAM + 0x200000, 0x1000, 0},
	    {0x40000000, 0x8000000, 0}, /* 128 MiB */
	    {1ull << 45, 0x1000, 4}, /* beyond the machine */
	    {0xfffffffffffff000, 0x1000, 4},
	};

	(void)state;
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&edu->config[0x10], 0, 24);
		memset(edu->bar_mask, 0, sizeof(edu->bar_mask));
		fake_function_bar(edu, 0, 0xe0000000, 0x1000, 0);
		fake_function_bar(edu, 1, bad[i].base, bad[i].bytes, bad[i].type);
		create_pci(0);
		remember();
		assert_true(CREATE() < 0);
		if (REASON() != RV_REASON_DEVICE_BAR)
			fail_msg("case %u: reason %u", i, REASON());
		expect_clean();
	}
	/* The upper half of a 64-bit BAR would be the next register. */
	memset(&edu->config[0x10], 0, 24);
	memset(edu->bar_mask, 0, sizeof(edu->bar_mask));
	fake_config_set(edu, 0x24, 0xe0000004);
	edu->bar_mask[5] = 0xfffff000;
	create_pci(0);
	expect_refused(-RV_EINVAL, RV_REASON_DEVICE_BAR);
}

static void test_ports_are_checked(void **state)
{
	const struct {
		uint32_t first, count;
	} bad[] = {{0xb0, 8},  {0xcf0, 9}, {0xcff, 1},       {0xcf8, 4}, {0x10000, 1},    {0xfff8, 9},
		   {0x2f8, 0}, {0x3f8, 1}, {0x2f8, 0x10000}, {0x3ff, 2}, {0, 0xffffffff}, {0x2f8, 0xffffffff}};
	struct rv_fimce_create *c;

	(void)state;
	hv.log.serial_port = 0x3f8;
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		c = create_pci(0);
		c->grant_count = 2;
		c->grant[1] = (struct rv_grant){RV_GRANT_PORTS, 0, bad[i].first, bad[i].count, 0};
		remember();
		assert_true(CREATE() < 0);
		assert_int_equal(REASON(), RV_REASON_DEVICE_PORTS);
		expect_clean();
	}
	/* What another one has, by grant or by BAR. */
	c->grant[1] = (struct rv_grant){RV_GRANT_PORTS, 0, BAR4 + 31, 2, 0};
	expect_refused(-RV_EBUSY, RV_REASON_DEVICE_PORTS);
	hv.log.serial_port = 0;
}

static struct {
	pa_t base;
	uint64_t bytes;
} hog[256];

/* Leaves so many pages in the pool, in one run. @return the hogs that have all others. */
static uint32_t pool_leave(uint32_t pages)
{
	uint32_t n = 0;
	pa_t left;

	assert_int_equal(partition_allocate(&hv.partition, pages, OWNER_SNAPSHOT(9), &left), 0);
	for (uint32_t size = 4096; size > 0; size /= 2) {
		while (partition_allocate(&hv.partition, size, OWNER_SNAPSHOT(9), &hog[n].base) == 0)
			hog[n++].bytes = (uint64_t)size * RV_PAGE_SIZE;
	}
	partition_release(&hv.partition, left, (uint64_t)pages * RV_PAGE_SIZE);
	return n;
}

/* Each allocation and each row fails once: nothing is changed. */
static void test_every_failure_undoes_all(void **state)
{
	uint32_t failures = 0, capacity = hv.partition.capacity;

	(void)state;
	create_pci(0);
	remember();
	for (uint32_t room = 0;; room++) {
		hv.partition.capacity = hv.partition.count + room;
		int64_t id = CREATE();

		hv.partition.capacity = capacity;
		if (id > 0) {
			fake_time += 100 * hv.launch.tsc_khz;
			assert_int_equal(DESTROY(fimce_find((uint32_t)id)), 0);
			expect_clean();
			break;
		}
		failures++;
		expect_clean();
	}
	assert_true(failures > 5);
	failures = 0;
	for (uint32_t pages = 1, done = 0; !done; pages++) {
		uint32_t hogs = pool_leave(pages);
		int64_t id = CREATE();

		done = id > 0;
		if (done) {
			fake_time += 100 * hv.launch.tsc_khz;
			assert_int_equal(DESTROY(fimce_find((uint32_t)id)), 0);
		} else {
			assert_true(REASON() == RV_REASON_POOL_EMPTY || REASON() == RV_REASON_TABLE_PAGES);
			failures++;
		}
		assert_int_equal(partition_bytes(&hv.partition, OWNER_POOL_FREE), (uint64_t)pages * RV_PAGE_SIZE);
		while (hogs-- > 0)
			partition_release(&hv.partition, hog[hogs].base, hog[hogs].bytes);
		expect_clean();
	}
	assert_true(failures > 30);
}

static void test_unit_does_not_answer(void **state)
{
	(void)state;
	create_pci(0);
	remember();
	fake_tick = 100000;
	fake_unit[1].queue_fails = 1;
	assert_int_equal(CREATE(), -RV_EIO);
	assert_int_equal(REASON(), RV_REASON_VTD_QUEUE);
	fake_tick = 100;
	expect_clean();
}

static struct rv_grant other_grant;
static uint32_t other_capabilities, other_flags, other_count;

static void measured_otherwise(struct fimce *f)
{
	struct rv_measured *m = pa_pointer(f->mailbox);

	measured(f);
	m->grant[0] = other_grant;
	m->grant_count = other_count;
	m->capabilities = other_capabilities;
	m->flags = other_flags;
}

static void test_image_has_to_ask(void **state)
{
	static const struct fake_step steps[] = {
	    {.call = RV_FC_MEASURED, .before = measured_otherwise},
	    {.call = RV_FC_REFUSE, .rdi = (uint64_t)-RV_EACCES, .rsi = RV_REASON_DEVICE_GRANTS},
	    {0}};
	const struct rv_grant good = {RV_GRANT_PCI, RV_GRANT_CLEANED, ID, 1, 0};

	(void)state;
	without_reset();
	create_pci(RV_GRANT_CLEANED);
	for (uint32_t i = 0; i < 7; i++) {
		struct fimce *f = created();

		other_grant = good;
		other_count = 1;
		other_flags = RV_MEASURED_SIGNED;
		other_capabilities = RV_CAP_DEVICE;
		if (i == 0)
			other_grant.kind = RV_GRANT_PORTS;
		else if (i == 1)
			other_grant.flags = 0;
		else if (i == 2)
			other_grant.first++;
		else if (i == 3)
			other_grant.count++;
		else if (i == 4)
			other_count = 2;
		else if (i == 5)
			other_capabilities = 0;
		else
			other_flags = 0;
		fake_task(f, steps);
		assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_RUN, f->id, RV_RUN_BORROWED, 0), RV_FIMCE_DEAD);
		assert_int_equal(fake_task_rax, -RV_EACCES);
		assert_int_equal(fake_task_rdx, i == 6 ? RV_REASON_FIMCE_CAPABILITY : RV_REASON_DEVICE_GRANTS);
		expect_blocked();
		/* It was never the FIMCE's: back it goes, though nobody cleaned it. */
		assert_int_equal(DESTROY(f), 0);
		expect_clean();
	}
}

/* An image that asks, and a caller that gives nothing. */
static void test_nothing_given(void **state)
{
	static const struct fake_step steps[] = {
	    {.call = RV_FC_MEASURED, .before = measured_otherwise}, {.call = RV_FC_EOI}, {0}};
	struct fimce *f;

	(void)state;
	remember();
	fake_create(0);
	f = created();
	other_grant = (struct rv_grant){RV_GRANT_PCI, RV_GRANT_CLEANED, ID, 1, 0};
	other_count = 1;
	other_flags = RV_MEASURED_SIGNED;
	other_capabilities = RV_CAP_DEVICE;
	fake_task(f, steps);
	assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_RUN, f->id, RV_RUN_BORROWED, 0), RV_FIMCE_DEAD);
	assert_int_equal(fake_task_rdx, RV_REASON_DEVICE_GRANTS);
	assert_int_equal(f->status.cause, RV_CAUSE_PROTOCOL); /* RV_FC_EOI */
	assert_int_equal(DESTROY(f), 0);
	expect_clean();
}

/* --- the guest meanwhile --------------------------------------------------------------------------------------------- */

static void guest_out(uint32_t port, uint32_t bytes, uint64_t value)
{
	cpu->regs.gpr[RAX] = value;
	fake_exit(cpu, EXIT_IO, PORT_EXIT(port, bytes, false));
	assert_int_equal(vmcs_read(VMCS_ENTRY_INTERRUPTION_INFO) & INTERRUPTION_VALID, 0);
}

static uint64_t guest_in(uint32_t port, uint32_t bytes)
{
	cpu->regs.gpr[RAX] = 0x1122334455667788;
	fake_exit(cpu, EXIT_IO, PORT_EXIT(port, bytes, true));
	assert_int_equal(vmcs_read(VMCS_ENTRY_INTERRUPTION_INFO) & INTERRUPTION_VALID, 0);
	return cpu->regs.gpr[RAX];
}

static void test_configuration_ports(void **state)
{
	struct fake_function *other = &fake_function[1];
	struct fimce *f;

	(void)state;
	create_pci(0);
	f = created();
	fake_time += 100 * hv.launch.tsc_khz;
	*other = (struct fake_function){.source_id = 0x0020};
	fake_config_set(other, 0, 0xabcd8086);
	assert_int_equal(fake_pci_address, GUEST_ADDRESS);
	guest_out(0xcf8, 4, 0x80002004);
	assert_int_equal(guest_in(0xcf8, 4), 0x80002004);
	guest_out(0xcfc, 2, 0x7);
	assert_int_equal(other->config[4], 7);
	guest_out(0xcf8, 4, 0x80002000);
	assert_int_equal(guest_in(0xcfc, 4), 0xabcd8086);
	assert_int_equal(guest_in(0xcfe, 2), 0x112233445566abcd);
	assert_int_equal(guest_in(0xcfd, 1), 0x1122334455667780);
	/* The one that is away. */
	guest_out(0xcf8, 4, 0x80001800);
	assert_int_equal(guest_in(0xcfc, 4), 0xffffffff);
	assert_int_equal(guest_in(0xcfc, 2), 0x112233445566ffff);
	assert_int_equal(guest_in(0xcff, 1), 0x11223344556677ff);
	assert_int_equal(fake_log_last()->reason, RV_REASON_DEVICE_CONFIG);
	assert_int_equal(fake_log_last()->value[1], SOURCE);
	guest_out(0xcf8, 4, 0x80001804);
	guest_out(0xcfc, 4, ~0u);
	guest_out(0xcfc, 2, 7);
	guest_out(0xcfa, 4, ~0u); /* across the two registers */
	assert_int_equal(edu->config[4] & 7, 0);
	/* Without the enable bit it is no configuration access; 0xcf9 is the reset register. */
	guest_out(0xcf8, 4, 0x1800);
	fake_pci_accesses = 0;
	(void)guest_in(0xcfc, 4);
	assert_int_equal(fake_pci_accesses, 1);
	guest_out(0xcf9, 1, 0x04);
	assert_int_equal(fake_port, 0xcf9);
	assert_int_equal(fake_port_value, 4);
	assert_int_equal(fake_pci_address, 0x1800);
	/* Polling is told once. */
	guest_out(0xcf8, 4, 0x80001800);
	(void)guest_in(0xcfc, 4);
	uint32_t records = fake_log_count(RV_REASON_DEVICE_CONFIG);

	for (uint32_t i = 0; i < 100; i++)
		(void)guest_in(0xcfc, 4);
	assert_int_equal(fake_log_count(RV_REASON_DEVICE_CONFIG), records);
	/* Its ports. */
	fake_port = 0;
	guest_out(BAR4 + 3, 1, 0x55);
	guest_out(BAR4 - 1, 2, 0x5555);
	assert_int_equal(fake_port, 0);
	assert_int_equal(guest_in(BAR4 + 28, 4), 0xffffffff);
	assert_int_equal(fake_log_last()->value[0], BAR4 + 28);
	/* Strings, and ports that wrap. */
	fake_exit(cpu, EXIT_IO, PORT_EXIT(0xcfc, 4, true) | 1u << 4);
	assert_int_equal(vmcs_read(VMCS_ENTRY_INTERRUPTION_INFO) & 0x800000ff, INTERRUPTION_VALID | VECTOR_GP);
	fake_exit(cpu, EXIT_IO, PORT_EXIT(0xfffe, 4, true));
	assert_int_equal(vmcs_read(VMCS_ENTRY_INTERRUPTION_INFO) & 0x800000ff, INTERRUPTION_VALID | VECTOR_GP);
	assert_int_equal(DESTROY(f), 0);
}

static void test_memory_is_hidden(void **state)
{
	(void)state;
	create_pci(0);
	(void)created();
	vmcs_load(cpu->guest_vmcs);
	for (uint32_t i = 0; i < 2; i++) {
		fake_vmcs_set(VMCS_GUEST_PHYSICAL_ADDRESS, i == 0 ? BAR0 + 0x20 : CONFIG_PAGE + 4);
		fake_exit(cpu, EXIT_EPT_VIOLATION, i == 0 ? EPT_R : EPT_W);
		assert_int_equal(vmcs_read(VMCS_ENTRY_INTERRUPTION_INFO) & 0x800000ff, INTERRUPTION_VALID | VECTOR_GP);
		assert_int_equal(fake_log_last()->reason, RV_REASON_HIDDEN_TOUCH);
	}
	/* Nor by other devices' DMA: it is the same table. */
	assert_int_equal(fake_dma(0, 0x0100, BAR0, true), ~0ull);
	assert_int_equal(fake_dma(0, 0x0100, BAR0 + BAR0_BYTES, true), BAR0 + BAR0_BYTES);
}

/* --- ports alone: no unit is needed, and any core will do --------------------------------------------------------------- */

static void ports_open(struct fimce *f)
{
	const uint8_t *bitmap = pa_pointer(f->io_bitmaps);

	assert_int_equal(bitmap[0x2f8 / 8], 0);
	assert_int_equal(bitmap[0x2f8 / 8 - 1], 0xff);
	assert_int_equal(bitmap[0x2f8 / 8 + 1], 0xff);
	assert_int_equal(read_cr8(), 15);
	assert_int_equal(fake_msr_get(0x80f), 0xff);
	expect_audit_good();
	vmcs_load(f->vmcs);
	ran++;
}

static void test_ports(void **state)
{
	static const struct fake_step steps[] = {
	    {.call = RV_FC_MEASURED, .before = measured}, {.call = RV_FC_EXIT, .before = ports_open}, {0}};
	struct rv_fimce_create *c;
	struct fimce *f;

	(void)state;
	remember();
	c = fake_create(0);
	c->grant_count = 1;
	c->grant[0] = (struct rv_grant){RV_GRANT_PORTS, 0, 0x2f8, 8, 0};
	f = created();
	for (uint32_t port = 0; port < 0x10000; port++)
		assert_int_equal(port_exits(port), port == RV_DOORBELL_PORT || (port >= 0x2f8 && port < 0x300));
	assert_int_equal(CREATE(), -RV_EBUSY);
	assert_int_equal(REASON(), RV_REASON_DEVICE_PORTS);
	assert_int_equal(guest_in(0x2fd, 1), 0x11223344556677ff);
	fake_task(f, steps);
	assert_int_equal(fake_vmcall(cpu, RV_HC_FIMCE_RUN, f->id, RV_RUN_BORROWED, 0), RV_FIMCE_DONE);
	assert_int_equal(ran, 1);
	assert_int_equal(guest_in(0x2fd, 1), 0x11223344556677ff); /* until it is returned */
	assert_int_equal(DESTROY(f), 0);
	assert_int_equal(fake_pci_accesses, 0);
	expect_clean();
}

/* --- MSI-X, and the audit -------------------------------------------------------------------------------------------- */

static void msix_on(struct fimce *f)
{
	const struct rv_fimce_devices *d = pa_pointer(f->devices);

	assert_int_equal(fake_config(edu, FAKE_MSIX) >> 30, 2); /* enabled, not masked */
	assert_int_equal(d->device[0].msi_address & 0xfff00018, 0xfee00010);
	ran++;
}

static void test_msix(void **state)
{
	static const struct fake_step steps[] = {
	    {.call = RV_FC_MEASURED, .before = measured}, {.call = RV_FC_EXIT, .before = msix_on}, {0}};
	struct fimce *f;

	(void)state;
	edu->config[0x34] = FAKE_ADVANCED;
	memset(&edu->config[FAKE_MSI], 0, 0x60);
	fake_config_set(edu, FAKE_ADVANCED, 0x03000013u | FAKE_MSIX << 8);
	fake_config_set(edu, FAKE_MSIX, 0x11 | 0x4003u << 16);
	remember();
	create_pci(RV_GRANT_INTERRUPT);
	f = created();
	run_dedicated(f, steps);
	assert_int_equal(f->state, RV_FIMCE_DONE);
	assert_int_equal(ran, 1);
	fake_time += 100 * hv.launch.tsc_khz;
	assert_int_equal(edu->resets, 2); /* by "advanced features" */
	assert_int_equal(DESTROY(f), 0);
	expect_clean();
}

static void plant(struct fimce *f)
{
	uint8_t *bitmap = pa_pointer(f->io_bitmaps), *guest = pa_pointer(hv.io_bitmap_a);
	uint64_t *table = pa_pointer(f->dma), saved;
	struct vtd_pair *entry = vtd_pair_at(hv.vtd.unit[0].interrupts, INDEX(VTD_MAX_DEVICES - 1)), was = *entry;
	struct vtd_pair *context = vtd_pair_at(pa_make(vtd_pair_at(hv.vtd.root, 0)->low & ENTRY_ADDRESS), SOURCE);

	expect_audit_good();
	/* A leaf for the pool, for the guest's memory, for a page of the FIMCE that can be run. */
	for (uint32_t shift = 39; shift > 12; shift -= 9)
		table = pa_pointer(pa_make(table[RV_FIMCE_DMA(RV_FIMCE_OUTPUT) >> shift & 511] & EPT_ADDRESS));
	saved = table[0];
	table[0] = FAKE_TARGET | 3 | 1ull << 63;
	expect_audit_bad(f->id);
	table[0] = hv.ept.root.v | 1 | 1ull << 63;
	expect_audit_bad(f->id);
	table[0] = saved;
	/* A port. */
	bitmap[0x60 / 8] &= 0xfe;
	expect_audit_bad(~0ull);
	bitmap[0x60 / 8] |= 1;
	guest[0xcfc / 8] = 0;
	expect_audit_bad(~0ull);
	guest[0xcfc / 8] = 0xff;
	/* Another core, another vector, another device. */
	entry->low ^= 1ull << 40;
	expect_audit_bad(~1ull);
	entry->low = was.low ^ 1u << 16;
	expect_audit_bad(~1ull);
	*entry = (struct vtd_pair){was.low, was.high ^ 8};
	expect_audit_bad(~1ull);
	*entry = was;
	saved = context->low;
	context->low = hv.vtd.guest_table.v | 1;
	expect_audit_bad(~1ull);
	context->low = saved;
	expect_audit_good();
	vmcs_load(f->vmcs);
	ran++;
}

static void test_audit_finds(void **state)
{
	static const struct fake_step steps[] = {
	    {.call = RV_FC_MEASURED, .before = measured}, {.call = RV_FC_EXIT, .before = plant}, {0}};

	(void)state;
	create_pci(RV_GRANT_INTERRUPT);
	run_dedicated(created(), steps);
	assert_int_equal(ran, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fake_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_life),
	    TEST(test_never_sealed),
	    TEST(test_cleaned_comes_back),
	    TEST(test_not_cleaned_is_kept),
	    TEST(test_grants_are_checked),
	    cmocka_unit_test_setup_teardown(test_no_unit, setup_without_units, fake_teardown),
	    TEST(test_functions_are_checked),
	    TEST(test_bars_are_checked),
	    TEST(test_ports_are_checked),
	    TEST(test_every_failure_undoes_all),
	    TEST(test_unit_does_not_answer),
	    TEST(test_image_has_to_ask),
	    TEST(test_nothing_given),
	    TEST(test_configuration_ports),
	    TEST(test_memory_is_hidden),
	    cmocka_unit_test_setup_teardown(test_ports, setup_without_units, fake_teardown),
	    TEST(test_msix),
	    TEST(test_audit_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
