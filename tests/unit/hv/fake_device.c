/* SPDX-License-Identifier: GPL-2.0-only */
/* fake_device.c - see fake_device.h. */
#include "fake_device.h"

#include <string.h>

struct percpu *first_cpu;
struct fake_function *edu;
uint8_t config_before[256];
struct fake_ioapic ioapic_before[FAKE_IOAPICS];
static uint64_t free_bytes;
static uint32_t rows;
uint32_t ran;

static void machine_make(uint32_t units, uint32_t levels)
{
	first_cpu = fake_machine();
	fake_units_reset();
	for (uint32_t i = 0; levels == 3 && i < FAKE_UNITS; i++)
		fake_unit[i].cap &= ~CAP_SAGAW_48;
	fake_tick = 100;
	hv.launch.vtd_count = units;
	for (uint32_t i = 0; i < units; i++)
		hv.launch.vtd[i] = (struct rv_launch_vtd){.base = FAKE_UNIT(i), .register_bytes = FAKE_UNIT_BYTES};
	hv.launch.ecam_count = 1;
	hv.launch.ecam[0] = (struct rv_launch_ecam){.base = ECAM, .last_bus = 255};
	fake_ioapics_reset();
	assert_int_equal(iommu_probe(), 0);
	hv.ept.vtd = &hv.vtd;
	assert_int_equal(ept_build(&hv.ept, 4 * SIZE_1G), 0);
	assert_int_equal(iommu_build(), 0);
	assert_int_equal(vtd_start(&hv.vtd), 0);
	fake_vmcs_as_launched(first_cpu);
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
	assert_int_equal(ept_prepare(&hv.ept, gpa_make(FAKE_IOAPIC(0))), 0);
	if (units != 0)
		assert_int_equal(vtd_device_prepare(&hv.vtd, SOURCE), 0);
	ran = 0;
}

int fake_device_setup(void **state)
{
	(void)state;
	machine_make(2, 4);
	return 0;
}

int fake_device_setup_39(void **state)
{
	(void)state;
	machine_make(2, 3);
	return 0;
}

int fake_device_setup_without_units(void **state)
{
	(void)state;
	machine_make(0, 4);
	return 0;
}

uint64_t guest_leaf(uint64_t gpa)
{
	uint64_t size;

	return ept_leaf(&hv.ept, gpa_make(gpa), &size);
}

bool port_exits(uint32_t port)
{
	const uint8_t *map = pa_pointer(port < 0x8000 ? hv.io_bitmap_a : hv.io_bitmap_b);

	return map[port % 0x8000 / 8] >> port % 8 & 1;
}

void expect_audit_good(void)
{
	struct rv_audit a;

	vmcs_load(first_cpu->guest_vmcs);
	if (audit_run(first_cpu, &a) != 0)
		fail_msg("audit: table %llx, address %llx, entry %llx", (unsigned long long)a.bad_table,
			 (unsigned long long)a.bad_address, (unsigned long long)a.bad_entry);
}

void expect_audit_bad(uint64_t table)
{
	struct rv_audit a;

	vmcs_load(first_cpu->guest_vmcs);
	assert_int_equal(audit_run(first_cpu, &a), -RV_EFAULT);
	assert_int_equal(a.bad_table, table);
}

void expect_audit_of_entry(struct vtd_pair *entry)
{
	const struct vtd_pair was = *entry;

	entry->low ^= 1ull << 40;
	expect_audit_bad(~1ull);
	entry->low = was.low ^ 1u << 16;
	expect_audit_bad(~1ull);
	*entry = (struct vtd_pair){was.low, was.high ^ 8};
	expect_audit_bad(~1ull);
	*entry = was;
}

void remember(void)
{
	/* Large pages again where nothing keeps them small, as after any return. */
	const uint64_t large[] = {BAR0, BAR2, CONFIG_PAGE, FAKE_IOAPIC(0)};
	pa_t table;

	for (uint32_t i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
		ept_merge(&hv.ept, gpa_make(large[i]), &table);
		if (table.v != 0) {
			memset(pa_pointer(table), 0, RV_PAGE_SIZE);
			partition_release(&hv.partition, table, RV_PAGE_SIZE);
		}
	}
	partition_merge(&hv.partition);
	rows = hv.partition.count;
	free_bytes = partition_bytes(&hv.partition, OWNER_POOL_FREE);
	memcpy(config_before, edu->config, sizeof(config_before));
	memcpy(ioapic_before, fake_ioapic, sizeof(ioapic_before));
}

/* The guest has all that it had, and the pool, too. */
void expect_returned(void)
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
	for (uint32_t i = 0; i < VTD_MAX_LINES; i++)
		assert_null(hv.line[i].ioapic);
	assert_memory_equal(fake_ioapic, ioapic_before, sizeof(ioapic_before));
	for (uint32_t n = 0; n < FAKE_IOAPICS; n++) {
		assert_int_equal(guest_leaf(FAKE_IOAPIC(n)) & EPT_RWX, EPT_RWX);
		assert_int_equal(guest_leaf(FAKE_IOAPIC(n)) & EPT_ADDRESS & ~(SIZE_2M - 1),
				 FAKE_IOAPIC(n) & ~(SIZE_2M - 1));
	}
	if (hv.vtd.unit_count != 0)
		assert_int_equal(fake_dma(0, SOURCE, FAKE_TARGET, true), FAKE_TARGET);
	expect_audit_good();
	assert_int_equal(hv.lock.next, hv.lock.owner);
}

struct rv_fimce_create *create_pci(uint16_t flags)
{
	struct rv_fimce_create *c = fake_create(0);

	c->grant_count = 1;
	c->grant[0] = (struct rv_grant){RV_GRANT_PCI, flags, ID, 1, SOURCE};
	return c;
}

struct fimce *created(void)
{
	struct fimce *f = fimce_find((uint32_t)CREATE());

	if (f == NULL)
		fail_msg("refused: reason %u, value %llx", REASON(), (unsigned long long)first_cpu->regs.gpr[R8]);
	return f;
}

void measured(struct fimce *f)
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
void run_dedicated(struct fimce *f, const struct fake_step *steps)
{
	struct percpu *core = hv.cpu[1];

	core->state = RV_CPU_TAKEN;
	iommu_core_taken(first_cpu, core);
	core->fimce_request = f->id;
	fake_task(f, steps);
	assert_true(vmcs_load(core->guest_vmcs));
	hypercall_serve_taken(core);
	assert_int_equal(core->state, RV_CPU_TAKEN);
	iommu_core_given(core);
	assert_true(vmcs_load(first_cpu->guest_vmcs));
}

void without_reset(void)
{
	fake_config_set(edu, FAKE_EXPRESS + 4, 0);
	remember();
}

void expect_blocked(void)
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
