/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_iommu.c - from the ACPI tables to the launch structure: IOAPICs, ECAM regions, DMAR, the option iommu=, and what each of them
 * refuses.
 */
#include "boot_test.h"

#include "dmar_tables.h"
#include "iommu.h"
#include "pci.h"

#define FIRST 0x1000u
#define BYTES 0x8000u
#define AT_ROOT 0x1000u
#define AT_MADT 0x1400u
#define AT_MCFG 0x1800u
#define AT_DMAR 0x2000u
#define AT_OTHER_DMAR 0x5000u
#define MAX_TABLES 8u

/* A machine's tables and memory map, and what came out of them. */
struct machine {
	uint8_t *bytes;
	struct acpi_memory memory;
	uint8_t rsdp[ACPI_RSDP_BYTES];
	uint32_t tables;
	struct memory_map map;
	enum cmdline_iommu mode;
	struct dmar dmar;
	struct rv_launch launch;
	struct boot_error note;
	struct boot_error error;
};

static struct machine machine;
static struct dmar_builder table;

static uint8_t *at(uint32_t address)
{
	return machine.bytes + (address - FIRST);
}

static void table_close(uint32_t address, const char *signature, uint32_t bytes)
{
	uint8_t *t = at(address);
	uint8_t sum = 0;

	memcpy(t, signature, 4);
	put32(t + 4, bytes);
	t[9] = 0;
	for (uint32_t i = 0; i < bytes; i++)
		sum = (uint8_t)(sum + t[i]);
	t[9] = (uint8_t)-sum;
}

static void table_add(uint32_t address)
{
	assert_true(machine.tables < MAX_TABLES);
	put64(at(AT_ROOT) + 36 + 8 * (size_t)machine.tables++, address);
	table_close(AT_ROOT, "XSDT", 36 + 8 * machine.tables);
}

/* Lines have numbers in the order of the IOAPICs, 32 for each. */
static void ioapic_add(uint8_t id, uint32_t base)
{
	uint32_t bytes = le32(at(AT_MADT) + 4);
	uint8_t *entry = at(AT_MADT) + bytes;

	entry[0] = 1;
	entry[1] = 12;
	entry[2] = id;
	put32(entry + 4, base);
	put32(entry + 8, (bytes - 44) / 12 * 32);
	table_close(AT_MADT, "APIC", bytes + 12);
}

static void ecam_add(uint64_t base, uint16_t segment, uint8_t first, uint8_t last)
{
	uint32_t bytes = le32(at(AT_MCFG) + 4);
	uint8_t *entry = at(AT_MCFG) + bytes;

	put64(entry, base);
	put16(entry + 8, segment);
	entry[10] = first;
	entry[11] = last;
	table_close(AT_MCFG, "MCFG", bytes + 16);
}

/* Copies the built table to where the machine has it. */
static void dmar_put(uint32_t address)
{
	memcpy(at(address), table.bytes, table.size);
}

static int setup(void **state)
{
	(void)state;
	memset(&machine, 0, sizeof(machine));
	machine.bytes = calloc(1, BYTES);
	if (!machine.bytes)
		return -1;
	machine.memory.view = machine.bytes;
	machine.memory.first = FIRST;
	machine.memory.bytes = BYTES;
	put64(machine.rsdp + 24, AT_ROOT);
	table_close(AT_ROOT, "XSDT", 36);
	table_close(AT_MADT, "APIC", 44);
	table_close(AT_MCFG, "MCFG", 44);
	table_add(AT_MADT);
	table_add(AT_MCFG);
	table_add(AT_DMAR);
	ioapic_add(2, 0xfec00000);
	ecam_add(0xe0000000, 0, 0, 63);
	dmar_table_make(&table, DMAR_TABLE_LAPTOP);
	dmar_put(AT_DMAR);
	return memory_set(&machine.map, 0x100000, 0x80000000, MEMORY_RAM) &&
		       memory_set(&machine.map, 0x7d3c8000, 0x7d3d5000, MEMORY_RESERVED) &&
		       memory_set(&machine.map, 0xfed90000, 0xfed92000, MEMORY_RESERVED)
		   ? 0
		   : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(machine.bytes);
	return 0;
}

/* The IOAPIC in the last page before 0xfed00000 is broken. */
static uint32_t version_read(uint64_t base)
{
	return base == 0xfecff000 ? 0xffffffff : 0x00170020;
}

static bool read_all(void)
{
	const struct iommu_source source = {.memory = &machine.memory,
					    .rsdp = machine.rsdp,
					    .rsdp_bytes = ACPI_RSDP_BYTES,
					    .pci = &dmar_table_pci,
					    .map = &machine.map,
					    .mode = machine.mode,
					    .ioapic_version = version_read};

	memset(&machine.launch, 0xaa, sizeof(machine.launch));
	memset(&machine.note, 0xaa, sizeof(machine.note));
	memset(&machine.error, 0, sizeof(machine.error));
	return iommu_read(&source, &machine.dmar, &machine.launch, &machine.note, &machine.error);
}

static void refused(const char *says)
{
	assert_false(read_all());
	assert_says(machine.error.text, says);
}

static void whole_machine(void **state)
{
	const struct rv_launch *l = &machine.launch;

	(void)state;
	ioapic_add(3, 0xfec10000);
	assert_true(read_all());
	assert_string_equal(machine.note.text, "");
	assert_int_equal(l->vtd_count, 2);
	assert_int_equal(l->vtd_flags, RV_LAUNCH_VTD_INTR_REMAP);
	assert_int_equal(l->vtd_address_bits, 39);
	assert_int_equal(l->vtd[1].base, 0xfed91000);
	assert_int_equal(l->vtd[1].flags, RV_LAUNCH_VTD_ALL);
	assert_int_equal(l->rmrr_count, 2);
	assert_int_equal(l->rmrr[0].base, 0x7d3c8000);
	assert_int_equal(l->rmrr[0].bytes, 0xd000);
	assert_int_equal(l->ioapic_count, 2);
	assert_int_equal(l->ioapic[0].base, 0xfec00000);
	assert_int_equal(l->ioapic[0].id, 2);
	assert_int_equal(l->ioapic[0].source_id, 0xf0f8);
	assert_int_equal(l->ioapic[1].base, 0xfec10000);
	assert_int_equal(l->ioapic[1].source_id, RV_LAUNCH_NO_SOURCE);
	assert_int_equal(l->ioapic[0].gsi_base, 0);
	assert_int_equal(l->ioapic[0].line_count, 24);
	assert_int_equal(l->ioapic[1].gsi_base, 32);
	assert_int_equal(l->ioapic[1].line_count, 0); /* nobody knows its requests */
	assert_int_equal(l->ecam_count, 1);
	assert_int_equal(l->ecam[0].base, 0xe0000000);
	assert_int_equal(l->ecam[0].segment, 0);
	assert_int_equal(l->ecam[0].first_bus, 0);
	assert_int_equal(l->ecam[0].last_bus, 63);
	assert_int_equal(l->ecam[0].reserved, 0);
	machine.mode = CMDLINE_IOMMU_REQUIRE;
	assert_true(read_all());
	assert_int_equal(l->vtd_count, 2);
}

/* Nothing below the pool or the kernel is what devices of the firmware write to. */
static void reserved_regions(void **state)
{
	struct memory_request request = {.bytes = 64 << 20, .align = 2 << 20, .lowest = 1 << 20, .limit = MEMORY_4G};
	uint64_t base;

	(void)state;
	assert_true(memory_find_high(&machine.map, &request, &base));
	assert_true(base < 0x7d3c8000); /* the gap leaves less than that above */
	assert_true(read_all());
	assert_true(iommu_reserve(&machine.launch, &machine.map));
	assert_false(memory_is_ram(&machine.map, 0x7d800000, 0x7d801000));
	assert_false(memory_is_ram(&machine.map, 0x7ffff000, 0x80000000));
	assert_true(memory_is_ram(&machine.map, 0x7d3d5000, 0x7d800000));
	assert_true(memory_find_high(&machine.map, &request, &base));
	assert_int_equal(base, 0x79200000);
	/* A map that is full says so. */
	machine.map.count = MEMORY_MAX_EXTENTS - 1;
	for (uint32_t i = 0; i < machine.map.count; i++)
		machine.map.extent[i] =
		    (struct memory_extent){0x7d800000 + i * 0x2000, 0x7d801000 + i * 0x2000, MEMORY_RAM};
	assert_false(iommu_reserve(&machine.launch, &machine.map));
}

static void no_dmar(void **state)
{
	(void)state;
	memcpy(at(AT_DMAR), "SSDT", 4);
	assert_true(read_all());
	assert_string_equal(machine.note.text, "no DMAR table: devices can reach isolated memory");
	assert_int_equal(machine.launch.vtd_count, 0);
	assert_int_equal(machine.launch.vtd_flags, 0);
	assert_int_equal(machine.launch.rmrr_count, 0);
	assert_int_equal(machine.launch.ioapic_count, 1);
	assert_int_equal(machine.launch.ioapic[0].source_id, RV_LAUNCH_NO_SOURCE);
	assert_int_equal(machine.launch.ioapic[0].line_count, 24);
	assert_int_equal(machine.launch.ecam_count, 1);
	machine.mode = CMDLINE_IOMMU_REQUIRE;
	refused("iommu=require: there is no DMAR table; switch VT-d on in the firmware setup");

	dmar_builder_open(&table, 39, 1);
	dmar_builder_rmrr(&table, 0, 0x1000, 0x1fff);
	dmar_put(AT_DMAR);
	refused("iommu=require: the DMAR table has no DMA remapping unit");
	machine.mode = CMDLINE_IOMMU_AUTO;
	assert_true(read_all());
	assert_string_equal(machine.note.text,
			    "no DMA remapping unit in the DMAR table: devices can reach isolated memory");
	assert_int_equal(machine.launch.vtd_count, 0);
	assert_int_equal(machine.launch.rmrr_count, 0);
}

/* With iommu=off no table about it is looked at, however broken. */
static void off(void **state)
{
	(void)state;
	at(AT_DMAR)[100]++;
	at(AT_MCFG)[40]++;
	machine.mode = CMDLINE_IOMMU_OFF;
	assert_true(read_all());
	assert_string_equal(machine.note.text, "iommu=off: devices can reach isolated memory");
	assert_int_equal(machine.launch.vtd_count, 0);
	assert_int_equal(machine.launch.ecam_count, 0);
	assert_int_equal(machine.launch.rmrr_count, 0);
	assert_int_equal(machine.launch.ioapic_count, 1);
	assert_int_equal(machine.launch.ioapic[0].line_count, 24);
}

/* Whose lines can be given away: an IOAPIC that has its page for itself. */
static void lines(void **state)
{
	const struct rv_launch_ioapic *l = machine.launch.ioapic;

	(void)state;
	machine.mode = CMDLINE_IOMMU_OFF;
	ioapic_add(3, 0xfec01000);
	ioapic_add(4, 0xfec01400);
	ioapic_add(5, 0xfec02100);
	ioapic_add(6, 0xfecff000);
	assert_true(read_all());
	assert_int_equal(machine.launch.ioapic_count, 5);
	assert_int_equal(l[0].line_count, 24);
	assert_int_equal(l[1].line_count, 0);
	assert_int_equal(l[2].line_count, 0);
	assert_int_equal(l[3].line_count, 0);
	assert_int_equal(l[4].gsi_base, 128);
	assert_int_equal(l[4].line_count, 120); /* no more can be selected */
}

static void bad_dmar(void **state)
{
	(void)state;
	at(AT_DMAR)[100]++;
	refused("the ACPI table DMAR at 0x2000 has a bad checksum");
	dmar_put(AT_DMAR);
	put16(at(AT_DMAR) + 50, 0);
	table_close(AT_DMAR, "DMAR", table.size);
	refused("the ACPI table DMAR is malformed at offset 48: a structure has only 0 bytes, which is too short for "
		"its type "
		"(iommu=off: start without it)");
	dmar_put(AT_DMAR);
	put64(at(AT_DMAR) + 56, 0xfed90010);
	table_close(AT_DMAR, "DMAR", table.size);
	refused("offset 56: the register base 0xfed90010 of a DMA remapping unit is not page aligned");

	/* Two tables; but the same one listed twice is only one. */
	dmar_put(AT_DMAR);
	table_add(AT_DMAR);
	assert_true(read_all());
	dmar_put(AT_OTHER_DMAR);
	table_add(AT_OTHER_DMAR);
	refused("there are two ACPI tables DMAR, at 0x2000 and 0x5000");
}

static void units_are_apart(void **state)
{
	struct memory_map map = machine.map;

	(void)state;
	for (uint32_t type = MEMORY_RAM; type <= MEMORY_PERSISTENT; type++) {
		machine.map = map;
		assert_true(memory_set(&machine.map, 0xfed91000, 0xfed92000, type));
		if (type == MEMORY_RESERVED)
			assert_true(read_all());
		else
			refused(
			    "offset 80: the registers of a DMA remapping unit overlap what is at 0xfed91000: RAM or "
			    "another device");
	}
	machine.map = map;
	ioapic_add(7, 0xfed91000);
	refused("overlap what is at 0xfed91000");
	table_close(AT_MADT, "APIC", 44);
	/* Bus 9 of the second region is where the first unit is. */
	ecam_add(0xfe400000, 1, 9, 10);
	refused("overlap what is at 0xfed00000");
	table_close(AT_MCFG, "MCFG", 44);
	ecam_add(0xfe400000, 1, 10, 20);
	assert_true(read_all());
	table_close(AT_MCFG, "MCFG", 44);

	dmar_builder_open(&table, 39, 1);
	dmar_builder_unit(&table, 1, 0, 0xfee00000);
	dmar_put(AT_DMAR);
	refused("overlap what is at 0xfee00000");
}

static void cover(void **state)
{
	(void)state;
	ecam_add(0xd0000000, 1, 0, 63);
	assert_true(read_all());
	assert_says(machine.note.text, "names the devices of PCI segment 1 one by one");
	dmar_table_make(&table, DMAR_TABLE_QEMU);
	dmar_put(AT_DMAR);
	assert_true(read_all());
	assert_int_equal(machine.launch.vtd_count, 1);
	assert_says(machine.note.text, "names the devices of PCI segment 0 one by one");
}

static void ioapics(void **state)
{
	(void)state;
	for (uint8_t i = 1; i < RV_LAUNCH_MAX_IOAPIC; i++)
		ioapic_add((uint8_t)(i + 10), 0xfec01000 + i * 0x1000u);
	assert_true(read_all());
	assert_int_equal(machine.launch.ioapic_count, RV_LAUNCH_MAX_IOAPIC);
	ioapic_add(99, 0xfec30000);
	refused("the ACPI table MADT lists more than 16 IOAPICs");
	table_close(AT_MADT, "APIC", 44);
	ioapic_add(1, 0xfec00000);
	at(AT_MADT)[45] = 11; /* too short for an IOAPIC; the last byte is too short for an entry */
	table_close(AT_MADT, "APIC", 56);
	assert_true(read_all());
	assert_int_equal(machine.launch.ioapic_count, 0);
	at(AT_MADT)[45] = 13;
	table_close(AT_MADT, "APIC", 56);
	refused("the ACPI table MADT has an entry of 13 bytes at offset 44");
}

static void ecam(void **state)
{
	static const struct {
		uint64_t base;
		uint8_t first, last;
	} bad[] = {{0, 0, 255}, {0xe0080000, 0, 255}, {0xe0000001, 0, 255}, {1ull << 52, 0, 255}, {0xe0000000, 2, 1}};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		table_close(AT_MCFG, "MCFG", 44);
		ecam_add(bad[i].base, 0, bad[i].first, bad[i].last);
		refused("the ACPI table MCFG has a bad entry at offset 44");
	}
	table_close(AT_MCFG, "MCFG", 43);
	refused("the ACPI table MCFG has a bad length: 43");
	table_close(AT_MCFG, "MCFG", 59);
	refused("the ACPI table MCFG has a bad length: 59");
	table_close(AT_MCFG, "MCFG", 44);
	for (uint16_t i = 0; i < RV_LAUNCH_MAX_ECAM; i++)
		ecam_add(0x100000000 + i * 0x10000000ull, i, 0, 255);
	assert_true(read_all());
	assert_int_equal(machine.launch.ecam_count, RV_LAUNCH_MAX_ECAM);
	assert_int_equal(machine.launch.ecam[3].segment, 3);
	ecam_add(0x200000000, 9, 0, 255);
	refused("the ACPI table MCFG has more than 4 regions");
	memcpy(at(AT_MCFG), "SSDT", 4);
	assert_true(read_all());
	assert_int_equal(machine.launch.ecam_count, 0);
	at(AT_MADT)[43]++;
	refused("the ACPI table APIC at 0x1400 has a bad checksum");
}

/* Configuration space of segments other than 0 is memory; what is not there reads as ones. */
static void config_space(void **state)
{
	static const struct {
		uint16_t segment, source_id;
		uint8_t value;
	} reads[] = {{5, 0x2100, 0x10}, {5, 0x2103, 0x13}, {5, 0x2107, 0x17}, {5, 0x2108, 0xff},
		     {5, 0x20ff, 0xff}, {5, 0x2200, 0xff}, {6, 0x2100, 0xff}, {7, 0x0000, 0xff},
		     {8, 0x1000, 0xff}, {8, 0x1100, 0x10}, {8, 0x1200, 0xff}};
	struct rv_launch launch = {.ecam_count = 3};
	struct pci pci = {.memory = &machine.memory, .launch = &launch};

	(void)state;
	/* Eight functions of bus 0x21 in segment 5, and of bus 0x11 in segment 8, lie where there is memory to read. */
	machine.memory.first = 0xe2100000;
	launch.ecam[0] = (struct rv_launch_ecam){.base = 0xe0000000, .segment = 5, .first_bus = 0x21, .last_bus = 0x21};
	launch.ecam[1] = (struct rv_launch_ecam){.base = 0xe1000000, .segment = 8, .first_bus = 0x10, .last_bus = 0x30};
	launch.ecam[2] = (struct rv_launch_ecam){.base = 1ull << 51, .segment = 7, .first_bus = 0, .last_bus = 0xff};
	for (uint32_t i = 0; i < BYTES / 0x1000; i++)
		machine.bytes[i * 0x1000 + 0x19] = (uint8_t)(0x10 + i);
	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++)
		assert_int_equal(pci_read8(&pci, reads[i].segment, reads[i].source_id, 0x19), reads[i].value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(whole_machine, setup, teardown),
	    cmocka_unit_test_setup_teardown(reserved_regions, setup, teardown),
	    cmocka_unit_test_setup_teardown(no_dmar, setup, teardown),
	    cmocka_unit_test_setup_teardown(off, setup, teardown),
	    cmocka_unit_test_setup_teardown(bad_dmar, setup, teardown),
	    cmocka_unit_test_setup_teardown(units_are_apart, setup, teardown),
	    cmocka_unit_test_setup_teardown(cover, setup, teardown),
	    cmocka_unit_test_setup_teardown(ioapics, setup, teardown),
	    cmocka_unit_test_setup_teardown(lines, setup, teardown),
	    cmocka_unit_test_setup_teardown(ecam, setup, teardown),
	    cmocka_unit_test_setup_teardown(config_space, setup, teardown),
	};

	return cmocka_run_group_tests_name("boot iommu", tests, NULL, NULL);
}
