/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_acpi.c - the CPU list from ACPI: both root tables, both kinds of APIC entries, and hostile tables.
 */
#include "boot_test.h"

#include "acpi.h"

#define FIRST 0x1000u
#define BYTES 0x4000u
#define AT_RSDP 0x1000u
#define AT_ROOT 0x1100u
#define AT_OTHER 0x1200u
#define AT_MADT 0x2000u
#define BOOT_APIC 4u

/* A small machine's memory, on the heap with its exact size. */
struct machine {
	uint8_t *bytes;
	struct acpi_memory memory;
	uint32_t madt_used;
};

static uint8_t *at(const struct machine *m, uint32_t address)
{
	return m->bytes + (address - FIRST);
}

static void checksum_set(uint8_t *table, uint32_t bytes, uint32_t where)
{
	uint8_t sum = 0;

	table[where] = 0;
	for (uint32_t i = 0; i < bytes; i++)
		sum = (uint8_t)(sum + table[i]);
	table[where] = (uint8_t)-sum;
}

static void table_set(const struct machine *m, uint32_t address, const char *signature, uint32_t bytes)
{
	memcpy(at(m, address), signature, 4);
	put32(at(m, address) + 4, bytes);
	checksum_set(at(m, address), bytes, 9);
}

static void rsdp_set(const struct machine *m, bool wide)
{
	uint8_t *rsdp = at(m, AT_RSDP);

	memcpy(rsdp, "RSD PTR ", 8);
	rsdp[15] = wide ? 2 : 0;
	put32(rsdp + 16, wide ? 0xffffff00u : AT_ROOT);
	put32(rsdp + 20, 36);
	put64(rsdp + 24, wide ? AT_ROOT : 0);
	checksum_set(rsdp, 20, 8);
	checksum_set(rsdp, 36, 32);
}

static void local_apic_add(struct machine *m, uint8_t apic_id, uint32_t flags)
{
	uint8_t *entry = at(m, AT_MADT) + m->madt_used;

	entry[0] = 0;
	entry[1] = 8;
	entry[3] = apic_id;
	put32(entry + 4, flags);
	m->madt_used += 8;
	table_set(m, AT_MADT, "APIC", m->madt_used);
}

static void x2apic_add(struct machine *m, uint32_t apic_id, uint32_t flags)
{
	uint8_t *entry = at(m, AT_MADT) + m->madt_used;

	entry[0] = 9;
	entry[1] = 16;
	put32(entry + 4, apic_id);
	put32(entry + 8, flags);
	m->madt_used += 16;
	table_set(m, AT_MADT, "APIC", m->madt_used);
}

static void other_add(struct machine *m, uint8_t type, uint8_t bytes)
{
	uint8_t *entry = at(m, AT_MADT) + m->madt_used;

	entry[0] = type;
	entry[1] = bytes;
	m->madt_used += bytes;
	table_set(m, AT_MADT, "APIC", m->madt_used);
}

static void machine_make(struct machine *m, bool wide)
{
	m->bytes = calloc(1, BYTES);
	assert_non_null(m->bytes);
	m->memory.view = m->bytes;
	m->memory.first = FIRST;
	m->memory.bytes = BYTES;
	m->madt_used = 44;
	rsdp_set(m, wide);
	table_set(m, AT_OTHER, "FACP", 60);
	if (wide) {
		put64(at(m, AT_ROOT) + 36, AT_OTHER);
		put64(at(m, AT_ROOT) + 44, AT_MADT);
		table_set(m, AT_ROOT, "XSDT", 52);
	} else {
		put32(at(m, AT_ROOT) + 36, AT_OTHER);
		put32(at(m, AT_ROOT) + 40, AT_MADT);
		table_set(m, AT_ROOT, "RSDT", 44);
	}
	table_set(m, AT_MADT, "APIC", m->madt_used);
}

static bool cpus_read(const struct machine *m, struct acpi_cpus *cpus, struct boot_error *error)
{
	uint32_t bytes = acpi_rsdp_check(at(m, AT_RSDP), 36);

	memset(error, 0, sizeof(*error));
	assert_int_not_equal(bytes, 0);
	return acpi_cpus_read(&m->memory, at(m, AT_RSDP), bytes, BOOT_APIC, cpus, error);
}

static void enabled_cpus(void **state)
{
	struct machine m;
	struct acpi_cpus cpus;
	struct boot_error error;

	(void)state;
	for (int wide = 0; wide < 2; wide++) {
		machine_make(&m, wide);
		local_apic_add(&m, 0, 1);
		local_apic_add(&m, 2, 0); /* disabled */
		local_apic_add(&m, 3, 2); /* only online-capable */
		other_add(&m, 1, 12);
		local_apic_add(&m, BOOT_APIC, 1);
		x2apic_add(&m, 0x100, 1);
		x2apic_add(&m, 0x101, 0);
		x2apic_add(&m, 0, 1); /* listed a second time */
		assert_true(cpus_read(&m, &cpus, &error));
		assert_int_equal(cpus.count, 3);
		assert_int_equal(cpus.enabled, 3);
		assert_int_equal(cpus.apic_id[0], BOOT_APIC);
		assert_int_equal(cpus.apic_id[1], 0);
		assert_int_equal(cpus.apic_id[2], 0x100);
		free(m.bytes);
	}
}

static void too_many_cpus(void **state)
{
	struct machine m;
	struct acpi_cpus cpus;
	struct boot_error error;

	(void)state;
	machine_make(&m, true);
	for (uint32_t i = 0; i < RV_MAX_CPUS + 10; i++)
		x2apic_add(&m, 0x1000 + i, 1);
	local_apic_add(&m, BOOT_APIC, 1);
	assert_true(cpus_read(&m, &cpus, &error));
	assert_int_equal(cpus.count, RV_MAX_CPUS);
	assert_true(cpus.enabled > cpus.count);
	assert_int_equal(cpus.apic_id[0], BOOT_APIC);
	assert_int_equal(cpus.apic_id[RV_MAX_CPUS - 1], 0x1000 + RV_MAX_CPUS - 2);
	free(m.bytes);
}

static void boot_cpu_missing(void **state)
{
	struct machine m;
	struct acpi_cpus cpus;
	struct boot_error error;

	(void)state;
	machine_make(&m, true);
	local_apic_add(&m, 0, 1);
	local_apic_add(&m, BOOT_APIC, 0);
	assert_false(cpus_read(&m, &cpus, &error));
	assert_says(error.text, "does not list the boot CPU (APIC id 0x4)");
	free(m.bytes);
}

static void rsdp_checks(void **state)
{
	struct machine m;

	(void)state;
	machine_make(&m, true);
	assert_int_equal(acpi_rsdp_check(at(&m, AT_RSDP), 36), 36);
	assert_int_equal(acpi_rsdp_check(at(&m, AT_RSDP), 35), 0);
	assert_int_equal(acpi_rsdp_scan(&m.memory, FIRST, BYTES), AT_RSDP);
	assert_int_equal(acpi_rsdp_scan(&m.memory, FIRST, BYTES + 1), 0);
	assert_int_equal(acpi_rsdp_scan(&m.memory, FIRST + 16, BYTES - 16), 0);
	assert_int_equal(acpi_rsdp_scan(&m.memory, 0, 16), 0);
	for (uint32_t i = 0; i < 36; i++) {
		at(&m, AT_RSDP)[i] ^= 0x40;
		/* Revision 66 is a later one: only its checksum is wrong, as everywhere else. */
		assert_int_equal(acpi_rsdp_check(at(&m, AT_RSDP), 36), 0);
		at(&m, AT_RSDP)[i] ^= 0x40;
	}
	rsdp_set(&m, false);
	assert_int_equal(acpi_rsdp_check(at(&m, AT_RSDP), 20), 20);
	assert_int_equal(acpi_rsdp_check(at(&m, AT_RSDP), 19), 0);
	assert_int_equal(acpi_rsdp_check(at(&m, AT_RSDP), 0), 0);
	free(m.bytes);
}

static void bad_root(void **state)
{
	static const uint64_t address[] = {0, FIRST - 1, FIRST + BYTES - 35, FIRST + BYTES, UINT64_MAX - 3};
	struct machine m;
	struct acpi_cpus cpus;
	struct boot_error error;

	(void)state;
	machine_make(&m, true);
	local_apic_add(&m, BOOT_APIC, 1);
	for (uint32_t i = 1; i < sizeof(address) / sizeof(address[0]); i++) {
		put64(at(&m, AT_RSDP) + 24, address[i]);
		checksum_set(at(&m, AT_RSDP), 36, 32);
		assert_false(cpus_read(&m, &cpus, &error));
		assert_says(error.text, "XSDT");
		assert_says(error.text, "out of reach");
	}
	rsdp_set(&m, true);
	at(&m, AT_ROOT)[20] ^= 1;
	assert_false(cpus_read(&m, &cpus, &error));
	assert_says(error.text, "XSDT at 0x1100 has a bad checksum");
	table_set(&m, AT_ROOT, "XSDT", 35);
	assert_false(cpus_read(&m, &cpus, &error));
	assert_says(error.text, "bad length: 35");
	put32(at(&m, AT_ROOT) + 4, UINT32_MAX);
	assert_false(cpus_read(&m, &cpus, &error));
	assert_says(error.text, "bad length");
	table_set(&m, AT_ROOT, "RSDT", 52);
	assert_false(cpus_read(&m, &cpus, &error));
	assert_says(error.text, "no ACPI table XSDT at 0x1100");
	table_set(&m, AT_ROOT, "XSDT", 36);
	assert_false(cpus_read(&m, &cpus, &error));
	assert_says(error.text, "no MADT");
	put64(at(&m, AT_ROOT) + 44, UINT64_MAX);
	table_set(&m, AT_ROOT, "XSDT", 52);
	assert_false(cpus_read(&m, &cpus, &error));
	assert_says(error.text, "no MADT");
	free(m.bytes);
}

static void bad_madt(void **state)
{
	struct machine m;
	struct acpi_cpus cpus;
	struct boot_error error;

	(void)state;
	machine_make(&m, true);
	local_apic_add(&m, BOOT_APIC, 1);
	at(&m, AT_MADT)[40]++;
	assert_false(cpus_read(&m, &cpus, &error));
	assert_says(error.text, "APIC at 0x2000 has a bad checksum");
	table_set(&m, AT_MADT, "APIC", 43);
	assert_false(cpus_read(&m, &cpus, &error));
	assert_says(error.text, "too short: 43");

	/* An entry of length 0 must not loop, one of length 1 has no content, one that is too long ends behind the table. */
	for (uint32_t size = 0; size < 256; size++) {
		if (size >= 2 && size <= 8)
			continue;
		table_set(&m, AT_MADT, "APIC", 52);
		at(&m, AT_MADT)[45] = (uint8_t)size;
		table_set(&m, AT_MADT, "APIC", 52);
		assert_false(cpus_read(&m, &cpus, &error));
		assert_says(error.text, "offset 44");
	}
	/* Entries that are too short for their type are not CPUs. */
	for (uint32_t size = 2; size < 8; size++) {
		at(&m, AT_MADT)[45] = (uint8_t)size;
		table_set(&m, AT_MADT, "APIC", 44 + size);
		assert_false(cpus_read(&m, &cpus, &error));
		assert_says(error.text, "does not list the boot CPU");
	}
	free(m.bytes);
}

static void random_changes(void **state)
{
	uint32_t seed = 5;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct machine m;
		struct acpi_cpus cpus;
		struct boot_error error;

		machine_make(&m, round & 1);
		local_apic_add(&m, BOOT_APIC, 1);
		x2apic_add(&m, 77, 1);
		other_add(&m, 4, 6);
		for (uint32_t n = random_next(&seed) % 5; n; n--)
			at(&m, AT_ROOT)[random_next(&seed) % 52] = (uint8_t)random_next(&seed);
		for (uint32_t n = random_next(&seed) % 5; n; n--)
			at(&m, AT_MADT)[random_next(&seed) % m.madt_used] = (uint8_t)random_next(&seed);
		/* Good checksums, where the lengths allow it, or hardly any of this would be looked at. */
		if (le32(at(&m, AT_ROOT) + 4) < 0x100)
			checksum_set(at(&m, AT_ROOT), le32(at(&m, AT_ROOT) + 4), 9);
		if (le32(at(&m, AT_MADT) + 4) < 0x100)
			checksum_set(at(&m, AT_MADT), le32(at(&m, AT_MADT) + 4), 9);
		if (cpus_read(&m, &cpus, &error)) {
			assert_in_range(cpus.count, 1, RV_MAX_CPUS);
			assert_int_equal(cpus.apic_id[0], BOOT_APIC);
		} else {
			assert_true(error.text[0]);
		}
		free(m.bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(enabled_cpus),   cmocka_unit_test(too_many_cpus), cmocka_unit_test(boot_cpu_missing),
	    cmocka_unit_test(rsdp_checks),    cmocka_unit_test(bad_root),      cmocka_unit_test(bad_madt),
	    cmocka_unit_test(random_changes),
	};

	return cmocka_run_group_tests_name("boot acpi", tests, NULL, NULL);
}
