/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * main.c - DMA and interrupt remapping by hv/vtd, with real (emulated) units and devices: tables, invalidation, faults.
 *
 * The kernel plays root mode: the same partition table, EPT and VT-d code as in the hypervisor, without VMX. Every denial has its
 * control: the same access by the same device succeeds when the protection is not there.
 */
#include "machine.h"

#include "../vmx/lib/report.h"

#include <agent/agent.h>
#include <agent/pci.h>
#include <agent/unit.h>
#include <hv/hypercall.h>
#include <hv/util.h>
#include <hv/vmx/ept.h>
#include <hv/x86/regs.h>

#define UNIT 0xfed90000ull
#define UNIT_BYTES 4096u
#define TSC_KHZ 1000000u
#define POOL 0x8000000ull
#define POOL_BYTES 0x4000000ull
#define LIMIT (1ull << 39)
#define ROWS 256u
#define ENTRIES 1024u
static uint32_t table_entries = ENTRIES; /* of each interrupt table */
#define BYTES 512u /* of each DMA */
#define PAGE_A 0x4000000ull /* guest pages */
#define PAGE_B 0x4001000ull
#define PAGE_C 0x4404000ull
#define SECRET (POOL + POOL_BYTES - RV_PAGE_SIZE) /* a page of the pool */
#define IOVA 0x40000000ull
#define FIMCE_DOMAIN VTD_DOMAIN_FIMCE(3)
#define READ_FAULT                                                                                                     \
	6u /* VT-d specification, appendix A: no right to read, to write, entry not present in the root table */
#define WRITE_FAULT 5u
#define VECTOR 0x61u
#define VECTOR_OTHER 0x62u
#define ENTRY 37u
#define GUEST_QUEUE 0x5000000ull
#define GUEST_STATUS 0x5001000ull
#define GUEST_TABLE 0x5100000ull
#define RAM_END 0x20000000ull
#define MSI_REMAPPED(index) (0xfee00010ull | ((index)&0x7fff) << 5 | ((index) >> 15) << 2)
#define MSI_COMPATIBLE(apic_id) (0xfee00000ull | (apic_id) << 12)

static struct row rows[ROWS];
static struct partition partition;
static const struct rv_launch_types types = {.default_type = MTRR_WB}; /* units do not look at it */
static struct ept ept;
static struct vtd vtd, former;
static struct edu edu, edu2;

static struct vtd_virtual virtual_unit;
static union agent_mail mail;
static uint32_t refused; /* why the last store to it was not carried out as asked */
static uint32_t guest_tail;

struct hv hv; /* what agent/pci.c asks of root mode: the clock */

/* What virtual.c asks of root mode. */
bool hypercall_is_guest_ram(uint64_t page)
{
	return page < RAM_END && partition_find(&partition, pa_make(page))->owner == OWNER_GUEST;
}

static uint8_t *memory(uint64_t pa)
{
	return pa_pointer(pa_make(pa));
}

static void fill(uint64_t pa, uint8_t seed)
{
	for (uint32_t i = 0; i < BYTES; i++)
		memory(pa)[i] = (uint8_t)(seed + i * 7);
}

static bool holds(uint64_t pa, uint8_t seed)
{
	for (uint32_t i = 0; i < BYTES; i++) {
		if (memory(pa)[i] != (uint8_t)(seed + i * 7))
			return false;
	}
	return true;
}

static void need(bool ok, const char *what)
{
	if (!report(ok, "%s", what))
		report_end();
}

/* Can the device write there, and read from there? Seen from the memory, not from the device. */
static bool can_write(const struct edu *e, uint64_t address, uint64_t lands_at)
{
	fill(PAGE_A, 0x11);
	fill(lands_at, 0x22);
	edu_read(e, PAGE_A, BYTES);
	edu_write(e, address, BYTES);
	if (!holds(lands_at, 0x11) && !holds(lands_at, 0x22))
		report(false, "DMA to %llx writes all or nothing", (unsigned long long)address);
	return holds(lands_at, 0x11);
}

static bool can_read(const struct edu *e, uint64_t address, uint64_t comes_from)
{
	fill(PAGE_A, 0x33);
	fill(comes_from, 0x44);
	edu_read(e, PAGE_A, BYTES);
	edu_read(e, address, BYTES);
	edu_write(e, PAGE_B, BYTES);
	return holds(PAGE_B, 0x44);
}

static int fault_next(struct vtd_fault *f)
{
	if (vtd_faults_find(&vtd.unit[0], f, 1) == 0)
		return 0;
	vtd_fault_clear(&vtd.unit[0], f->record);
	return 1;
}

static uint32_t faults_drop(void)
{
	struct vtd_fault f;
	uint32_t n = 0;

	while (n < 100 && fault_next(&f))
		n++;
	return n;
}

static void expect_fault(const struct edu *e, uint64_t address, bool read, const char *what)
{
	struct vtd_fault f = {0};

	if (!report(fault_next(&f) == 1, "%s: a fault is recorded", what))
		return;
	report(f.source_id == e->source_id && !f.interrupt && f.unit == UNIT, "%s: with the device", what);
	report_equal(f.address, address & PAGE_MASK, "%s: with the address", what);
	report(f.read == read, "%s: with the direction", what);
	report_equal(f.reason, read ? READ_FAULT : WRITE_FAULT, "%s: with the reason", what);
	report_equal(faults_drop(), 0, "%s: no other fault", what);
}

static void expect_no_fault(const char *what)
{
	report_equal(faults_drop(), 0, "%s: no fault", what);
}

/* --- DMA ------------------------------------------------------------------------------------------------------------- */

static void test_unprotected(void)
{
	report_group("before");
	*(uint32_t *)memory(PAGE_A) = EVENT_MASK | 1u << 30;
	edu_read(&edu, PAGE_A, sizeof(uint32_t));
	vtd_write32(pa_make(UNIT), VTD_FECTL, 0);
	edu_write(&edu, UNIT + VTD_FECTL, sizeof(uint32_t));
	report((vtd_read32(pa_make(UNIT), VTD_FECTL) & EVENT_MASK) != 0, "a device writes to registers of the unit");
	report(can_write(&edu, SECRET, SECRET), "a device writes to the pool");
	report(can_read(&edu, SECRET, SECRET), "a device reads from the pool");
	edu_msi_set(&edu, MSI_COMPATIBLE(machine_apic_id(0)), VECTOR);
	edu_raise(&edu);
	report_equal(interrupts_wait(0, VECTOR), 1, "an MSI of compatibility format arrives");
}

static void machine_init(void)
{
	struct transition t;

	partition_init(&partition, rows, ROWS, LIMIT);
	need(partition_prepare(&partition, &t, pa_make(POOL), POOL_BYTES, OWNER_GUEST) == 0, "the pool is taken");
	partition_commit(&partition, &t, &(struct row){.owner = OWNER_POOL_FREE});
	need(partition_prepare(&partition, &t, pa_make(UNIT), UNIT_BYTES, OWNER_GUEST) == 0, "and the unit");
	partition_commit(&partition, &t, &(struct row){.owner = OWNER_HYPERVISOR});
	vtd_init(&vtd, &partition, TSC_KHZ);
	need(vtd_unit_add(&vtd, pa_make(UNIT), UNIT_BYTES, 0) == 0, "a unit is added");
}

static uint32_t unit_status(void)
{
	return vtd_read32(pa_make(UNIT), VTD_GSTS) & GCMD_LASTING;
}

/* A launch that fails at its very end: the former owner has the unit back, and it is off where that one found it off. */
static void test_way_back(void)
{
	const struct vtd_unit *u = &former.unit[0];

	need(vtd_stop(&vtd) == 0, "the unit is given back");
	report_equal(unit_status(), GCMD_TE | GCMD_QIE | GCMD_IRE, "all is on as it was");
	report(vtd_read64(u->base, VTD_RTADDR) == former.root.v && vtd_read64(u->base, VTD_IQA) == u->queue.v &&
		   vtd_read64(u->base, VTD_IRTA) == vtd_irta(&former, u),
	       "with the former owner's tables");
	report(!can_write(&edu, SECRET, SECRET), "which protect the pool");
	report(can_write(&edu, PAGE_C, PAGE_C), "and nothing else");
	need(vtd_flush_dma(&former, VTD_DOMAIN_GUEST) == 0, "the former owner's queue works");
	need(vtd_stop(&former) == 0, "the former owner gives it back");
	report_equal(unit_status(), 0, "all is off as it was");
	report(can_write(&edu, SECRET, SECRET), "a device writes to the pool again");
	need(vtd_start(&former) == 0 && vtd_start(&vtd) == 0, "both take the unit again");
}

static void test_bring_up(void)
{
	report_group("bring-up");
	vtd_init(&former, &partition, TSC_KHZ);
	vtd_unit_add(&former, pa_make(UNIT + 0x100000), UNIT_BYTES, 0);
	report_equal((uint64_t)-vtd_probe(&former), RV_ENODEV, "no unit where none is");
	need(vtd_probe(&vtd) == 0, "the unit can do what is needed");
	report_equal(vtd.levels, option_number("levels", 3), "levels of its tables");
	report_equal(vtd.eim, option_number("eim", 0), "32-bit destinations");
	report(vtd.large_2m && vtd.large_1g, "large pages");
	ept = (struct ept){.partition = &partition,
			   .types = &types,
			   .large_1g = vtd.large_1g,
			   .small_pages = !vtd.large_2m,
			   .vtd = &vtd};
	need(ept_build(&ept, 4 * SIZE_1G) == 0, "the EPT is built");
	/* A former owner, as firmware or a guest would be: its own tables and queue, everything on. */
	former = vtd;
	need(vtd_build(&former, ept.root, 512) == 0 && vtd_start(&former) == 0, "a former owner uses the unit");
	report(!can_write(&edu, SECRET, SECRET), "it protects the pool");
	need(vtd_probe(&vtd) == 0 && vtd_build(&vtd, ept.root, table_entries) == 0, "tables are built");
	vtd.unit[0].eime = vtd.eim;
	need(vtd_start(&vtd) == 0, "the unit is taken over");
	test_way_back();
	faults_drop();
	report_equal(vtd_read32(pa_make(UNIT), VTD_GSTS) & GCMD_LASTING, GCMD_TE | GCMD_QIE | GCMD_IRE,
		     "DMA, queue and interrupts are on, nothing else");
	report_equal(vtd_read64(pa_make(UNIT), VTD_RTADDR), vtd.root.v, "with our tables");
}

static void test_allowed(void)
{
	report_group("allowed");
	report(can_write(&edu, PAGE_C, PAGE_C), "a device writes to the guest's memory");
	report(can_read(&edu, PAGE_C, PAGE_C), "a device reads the guest's memory");
	expect_no_fault("guest memory");
}

static void test_denied(void)
{
	report_group("denied");
	report(!can_write(&edu, SECRET, SECRET), "pool memory is unchanged");
	expect_fault(&edu, SECRET, false, "write");
	report(!can_read(&edu, SECRET, SECRET), "pool memory is not read");
	expect_fault(&edu, SECRET, true, "read");
	report(!can_write(&edu2, SECRET + 64, SECRET + 64), "nor by another device");
	expect_fault(&edu2, SECRET + 64, false, "other device");
	edu_write(&edu, vtd.root.v, BYTES);
	expect_fault(&edu, vtd.root.v, false, "root table");
	edu_write(&edu, UNIT + VTD_RTADDR, sizeof(uint64_t));
	report_equal(vtd_read64(pa_make(UNIT), VTD_RTADDR), vtd.root.v, "the unit's registers are unchanged");
	expect_fault(&edu, UNIT, false, "registers");
	edu_write(&edu, ept.root.v, BYTES);
	expect_fault(&edu, ept.root.v, false, "EPT");
}

/* A device of a FIMCE: a table of its own, in which one address means another. */
static void test_remapped(void)
{
	pa_t page[4];
	bool ok = true;

	report_group("remapped");
	for (uint32_t i = 0; i < 4; i++)
		ok = ok && vtd_pages(&vtd, 1, &page[i]) == 0;
	need(ok, "pages for a table");
	/* page[0] is left out with three levels. */
	((uint64_t *)pa_pointer(page[0]))[IOVA >> 39 & 511] = page[1].v | EPT_R | EPT_W;
	((uint64_t *)pa_pointer(page[1]))[IOVA >> 30 & 511] = page[2].v | EPT_R | EPT_W;
	((uint64_t *)pa_pointer(page[2]))[IOVA >> 21 & 511] = page[3].v | EPT_R | EPT_W;
	((uint64_t *)pa_pointer(page[3]))[IOVA >> 12 & 511] = PAGE_C | EPT_R | EPT_W;
	((uint64_t *)pa_pointer(page[3]))[(IOVA >> 12 & 511) + 1] = PAGE_A | EPT_R;
	for (uint32_t i = 0; i < 4; i++)
		vtd_table_written(&vtd, pa_pointer(page[i]), RV_PAGE_SIZE);
	need(vtd_device_prepare(&vtd, edu.source_id) == 0, "a device is prepared");
	report(can_write(&edu, PAGE_C, PAGE_C), "that changes nothing");
	need(vtd_device_set(&vtd, edu.source_id, page[4 - vtd.levels], FIMCE_DOMAIN) == 0, "it gets its own table");

	fill(PAGE_A, 0x77);
	edu_write(&edu, IOVA + RV_PAGE_SIZE, BYTES);
	report(holds(PAGE_A, 0x77), "a page without the right to write is not written");
	expect_fault(&edu, IOVA + RV_PAGE_SIZE, false, "read-only page");
	fill(PAGE_A, 0x55);
	fill(PAGE_C, 0x66);
	edu_read(&edu, IOVA + RV_PAGE_SIZE, BYTES);
	edu_write(&edu, IOVA, BYTES);
	report(holds(PAGE_C, 0x55), "DMA goes where the table says");
	expect_no_fault("its own addresses");
	fill(PAGE_B, 0x78);
	edu_write(&edu, PAGE_B, BYTES);
	report(holds(PAGE_B, 0x78), "the guest's addresses are not its own");
	expect_fault(&edu, PAGE_B, false, "guest's page");
	report(can_write(&edu2, PAGE_C, PAGE_C), "another device of that bus still has the guest's");
	report_equal((uint64_t)-vtd_audit(&vtd, &(struct vtd_audit){0}), 0, "the audit knows the device");

	need(vtd_device_set(&vtd, edu.source_id, vtd.guest_table, VTD_DOMAIN_GUEST) == 0, "the device goes back");
	report(can_write(&edu, PAGE_C, PAGE_C), "it has the guest's memory again");
	expect_no_fault("after it went back");
	edu_write(&edu, IOVA, BYTES);
	report(holds(PAGE_C, 0x11), "its old addresses are gone");
	faults_drop();
}

static void page_set(uint64_t page, uint8_t perm, bool flush)
{
	need(ept_prepare(&ept, gpa_make(page)) == 0, "a page gets an entry of its own");
	ept_set(&ept, gpa_make(page), perm);
	if (flush)
		need(vtd_flush_dma(&vtd, VTD_DOMAIN_GUEST) == 0, "the change is flushed");
}

static void test_invalidation(void)
{
	report_group("invalidation");
	report(can_write(&edu, PAGE_C, PAGE_C), "a page is in use");
	page_set(PAGE_C, PERM_NONE, false);
	if (can_write(&edu, PAGE_C, PAGE_C))
		report(true, "without invalidation the unit goes on to use the old entry");
	else
		report_skip("this unit does not keep entries",
			    "without invalidation the unit goes on to use the old entry");
	faults_drop();
	need(vtd_flush_dma(&vtd, VTD_DOMAIN_GUEST) == 0, "the change is flushed");
	report(!can_write(&edu, PAGE_C, PAGE_C), "after it the page is out of reach");
	expect_fault(&edu, PAGE_C, false, "removed page");
	report(can_write(&edu, PAGE_C + RV_PAGE_SIZE, PAGE_C + RV_PAGE_SIZE), "its neighbour is not");
	page_set(PAGE_C, PERM_R | PERM_X, true);
	report(can_read(&edu, PAGE_C, PAGE_C), "with R and X it can be read");
	report(!can_write(&edu, PAGE_C, PAGE_C), "and not written");
	faults_drop();
	page_set(PAGE_C, PERM_RWX, true);
	report(can_write(&edu, PAGE_C, PAGE_C), "given back it can be written");
	expect_no_fault("given back");
}

static void test_many_faults(void)
{
	struct vtd_fault f;
	uint32_t records = CAP_FAULT_RECORDS(vtd.unit[0].cap), n = 0;
	bool lost = false;

	report_group("faults");
	/* Units fold what one device does again and again into one record: take turns. */
	for (uint32_t i = 0; i <= records; i++)
		edu_write(i & 1 ? &edu2 : &edu, SECRET, BYTES);
	report((vtd_read32(pa_make(UNIT), VTD_FSTS) & FSTS_PFO) != 0, "the unit has more faults than records");
	edu_write(&edu, SECRET, BYTES);
	while (n < 2 * records + 2 && fault_next(&f)) {
		n++;
		lost = f.reason == 0;
	}
	report_equal(n, records + 1, "all records are read, and one says that there were more");
	report(lost, "that one comes last");
	report_equal(vtd_read32(pa_make(UNIT), VTD_FSTS) & (FSTS_PFO | FSTS_PPF), 0, "nothing is left");
	edu_write(&edu2, SECRET + RV_PAGE_SIZE / 2, BYTES);
	expect_fault(&edu2, SECRET + RV_PAGE_SIZE / 2, false, "after an overflow");
}

static void test_queue(void)
{
	int error = 0;

	report_group("queue");
	report_equal((uint64_t)-vtd_invalidate(&vtd, 0xf), RV_EIO, "a descriptor of unknown type is an error");
	report_equal(vtd.failure.reason, RV_REASON_VTD_QUEUE, "the reason says so");
	report(vtd.failure.value[1] == UNIT && (vtd.failure.value[0] & FSTS_IQE) != 0, "with the unit and its status");
	for (uint32_t i = 0; i < 1000 && !error; i++)
		error = vtd_flush_dma(&vtd, VTD_DOMAIN_GUEST);
	report_equal((uint64_t)-error, 0, "1000 invalidations after that, around the end of the queue");
}

/* --- interrupts ------------------------------------------------------------------------------------------------------ */

static struct vtd_pair entry_to(uint32_t cpu, uint32_t vector, const struct edu *from)
{
	uint64_t destination = (uint64_t)machine_apic_id(cpu)
			       << (vtd.unit[0].eime ? IRTE_DESTINATION_SHIFT : IRTE_XAPIC_SHIFT);

	return (struct vtd_pair){IRTE_P | vector << 16 | destination, IRTE_HIGH_ID | from->source_id};
}

static void entry_set(uint32_t index, struct vtd_pair entry)
{
	vtd_entry_write(&vtd, &vtd.unit[0], index, entry);
	if (vtd_flush_interrupts(&vtd) != 0)
		report(false, "interrupt entries are flushed");
}

/* After an interrupt that must not come, one of the same device that must: when that is there, the first would be, too. */
static bool is_blocked(void)
{
	uint32_t marker, wrong;

	edu_msi_set(&edu, MSI_REMAPPED(ENTRY + 1), 0);
	entry_set(ENTRY + 1, entry_to(0, VECTOR_OTHER, &edu));
	edu_raise(&edu);
	marker = interrupts_wait(0, VECTOR_OTHER);
	wrong = interrupts_take(0, VECTOR) + interrupts_take(1, VECTOR);
	faults_drop();
	edu_msi_set(&edu, MSI_REMAPPED(ENTRY), 0);
	return report_equal(marker, 1, "an MSI arrives meanwhile") && wrong == 0;
}

static void expect_blocked(const char *what)
{
	edu_raise(&edu);
	report(is_blocked(), "%s: blocked", what);
}

static void test_interrupts(void)
{
	report_group("interrupts");
	edu_msi_set(&edu, MSI_REMAPPED(ENTRY), 0);
	expect_blocked("no entry");
	entry_set(ENTRY, entry_to(0, VECTOR, &edu));
	edu_raise(&edu);
	report_equal(interrupts_wait(0, VECTOR), 1, "an MSI arrives through an entry");
	entry_set(ENTRY, entry_to(1, VECTOR, &edu));
	edu_raise(&edu);
	report_equal(interrupts_wait(1, VECTOR), 1, "redirected to the other CPU");
	report_equal(interrupts_take(0, VECTOR), 0, "and to that one only");
	entry_set(ENTRY, entry_to(0, VECTOR, &edu2));
	expect_blocked("the entry of another device");
	entry_set(ENTRY, (struct vtd_pair){entry_to(0, VECTOR, &edu).low & ~IRTE_P, IRTE_HIGH_ID | edu.source_id});
	expect_blocked("an entry that is not present");
	edu_msi_set(&edu, MSI_REMAPPED(ENTRIES), 0);
	expect_blocked("an entry beyond the table");

	/* The same by DMA: an MSI is a write like any other. */
	*(uint32_t *)memory(PAGE_A) = 0;
	entry_set(ENTRY, entry_to(0, VECTOR, &edu));
	edu_read(&edu, PAGE_A, sizeof(uint32_t));
	edu_write(&edu, MSI_REMAPPED(ENTRY), sizeof(uint32_t));
	report_equal(interrupts_wait(0, VECTOR), 1, "a device writes an MSI by DMA");
	entry_set(ENTRY, (struct vtd_pair){0, 0});
	edu_write(&edu, MSI_REMAPPED(ENTRY), sizeof(uint32_t));
	report(is_blocked(), "by DMA, no entry: blocked");
	entry_set(ENTRY, entry_to(0, VECTOR, &edu2));
	edu_write(&edu, MSI_REMAPPED(ENTRY), sizeof(uint32_t));
	if (is_blocked())
		report(true, "by DMA, the entry of another device: blocked");
	else
		report_skip("this emulator does not know which device makes a DMA write to the interrupt range",
			    "by DMA, the entry of another device: blocked");

	report_equal(vtd_read32(pa_make(UNIT), VTD_GSTS) & GCMD_CFI, 0, "compatibility format is not let through");
	edu_msi_set(&edu, MSI_COMPATIBLE(machine_apic_id(0)), VECTOR);
	edu_raise(&edu);
	if (interrupts_wait(0, VECTOR) != 0)
		report_skip("this emulator lets it pass whatever GSTS.CFIS says", "compatibility format: blocked");
	else
		report(true, "compatibility format: blocked");
	faults_drop();
}

/* --- a device of a FIMCE ------------------------------------------------------------------------------------------------ */

static uint32_t raised(const struct edu *e, uint32_t vector)
{
	edu_raise(e);
	return interrupts_wait(1, vector);
}

/* Configuration space and entries as device.c uses them, with a real device. */
static void test_device(void)
{
	static struct device before;
	static struct agent_pci seen, after;

	report_group("device of a FIMCE");
	hv.launch.tsc_khz = TSC_KHZ;
	before.source_id = edu.source_id;
	before.id = 0x11e81235;
	outl(PCI_ADDRESS, 0x80001234);
	report(pci_look(&before, &seen) == -RV_ENODEV && seen.reason == RV_REASON_DEVICE_ID, "it is not another one");
	before.id = 0x11e81234;
	report(pci_look(&before, &seen) == -RV_EINVAL && seen.reason == RV_REASON_DEVICE_RESET, "it has no reset");
	before.cleaned = before.interrupt = true;
	report(pci_look(&before, &seen) == 0 && !seen.can_reset, "it can be given away, with an interrupt");
	memcpy(before.shown.config, seen.config, sizeof(seen.config));
	pci_size(&before, &seen);
	report_equal(seen.bar[0].bytes, 1u << 20, "the size of its BAR");
	report(pa_pointer(pa_make(seen.bar[0].base)) == (const void *)edu.bar && !seen.bar[0].is_port,
	       "and where it is");
	report_equal(seen.bar[1].bytes, 0, "it has no other");
	report(edu.bar[0] != 0xed, "it does not decode");
	report_equal(inl(PCI_ADDRESS), 0x80001234, "the address register is as before");

	need(vtd_device_prepare(&vtd, edu.source_id) == 0, "the device is prepared");
	need(vtd_device_set(&vtd, edu.source_id, pa_make(0), FIMCE_DOMAIN) == 0, "it gets no table");
	need(vtd_interrupt_set(&vtd, 0, (struct vtd_message){edu.source_id, VECTOR, machine_apic_id(1)}) == 0,
	     "and an interrupt");
	before.shown.msi_address = MSI_REMAPPED(VTD_RESERVED_INDEX(&vtd, 0));
	pci_start(&before);
	pci_master(&before);
	report(!can_write(&edu, PAGE_C, PAGE_C), "its DMA is blocked");
	report(faults_drop() != 0, "and recorded");
	report_equal(raised(&edu, VECTOR), 1, "its interrupt arrives");
	edu_msi_set(&edu2, MSI_REMAPPED(VTD_RESERVED_INDEX(&vtd, 0)), 0);
	edu_raise(&edu2);
	report_equal(raised(&edu, VECTOR), 1, "another device can't send it");
	entry_set(ENTRY, (struct vtd_pair){0, 0});
	report_equal((uint64_t)-vtd_audit(&vtd, &(struct vtd_audit){0}), RV_EFAULT,
		     "the audit finds a guest's entry for it");
	entry_set(ENTRY + 1, (struct vtd_pair){0, 0});
	report_equal((uint64_t)-vtd_audit(&vtd, &(struct vtd_audit){0}), 0, "the audit knows it");

	need(vtd_interrupt_set(&vtd, 0, (struct vtd_message){0}) == 0, "the interrupt is taken away");
	edu_raise(&edu);
	entry_set(ENTRY, entry_to(1, VECTOR_OTHER, &edu2));
	edu_msi_set(&edu2, MSI_REMAPPED(ENTRY), 0);
	report_equal(raised(&edu2, VECTOR_OTHER), 1, "an MSI of the other device arrives");
	report_equal(interrupts_take(1, VECTOR), 0, "and its own does not");
	entry_set(ENTRY, (struct vtd_pair){0, 0});
	pci_quiet(&before);
	need(vtd_device_set(&vtd, edu.source_id, vtd.guest_table, VTD_DOMAIN_GUEST) == 0, "it goes back");
	pci_give_back(&before);
	(void)pci_look(&before, &after);
	report(memcmp(before.shown.config, after.config, sizeof(after.config)) == 0,
	       "its configuration space is as before");
	report(can_write(&edu, PAGE_C, PAGE_C), "its DMA reaches the guest's memory again");
	entry_set(ENTRY + 1, entry_to(0, VECTOR_OTHER, &edu));
	faults_drop();
}

/* --- the guest's unit -------------------------------------------------------------------------------------------------- */

static uint32_t guest_read32(uint32_t offset)
{
	return *(uint32_t *)(memory(virtual_unit.page.v) + offset);
}

/* As hv/iommu.c does it. */
static bool unit_round(enum agent_command command, uint32_t offset)
{
	int64_t more;

	memset(&mail, 0, sizeof(mail));
	mail.unit.offset = offset;
	if (command == AGENT_UNIT_BEGIN)
		more = unit_begin(&vtd, &virtual_unit, &mail.unit);
	else if (command == AGENT_UNIT_STORED)
		more = unit_stored(&vtd, &virtual_unit, &mail.unit);
	else
		more = unit_continue(&vtd, &virtual_unit, &mail.unit);
	if (mail.unit.refusal.reason != 0)
		refused = mail.unit.refusal.reason;
	if (vtd_virtual_apply(&vtd, &virtual_unit, &mail.unit, true) != 0)
		report(false, "a write of register %x is carried out", offset);
	return more > 0;
}

static void guest_write(uint32_t offset, uint32_t bytes, uint64_t value)
{
	bool more;

	memcpy(memory(virtual_unit.page.v) + offset, &value, bytes);
	refused = 0;
	more = unit_round(AGENT_UNIT_STORED, offset);
	while (more)
		more = unit_round(AGENT_UNIT_CONTINUE, offset);
}

static void guest_command(uint32_t bit)
{
	guest_write(VTD_GCMD, 4, (guest_read32(VTD_GSTS) & (GCMD_QIE | GCMD_IRE)) | bit);
	report((guest_read32(VTD_GSTS) & bit) == bit, "command %x is answered", bit);
}

/* As a driver does it: the entry, a descriptor that names it, one that waits, the tail. */
static void guest_entry_set(uint32_t index, struct vtd_pair entry)
{
	struct vtd_pair *queue = (void *)memory(GUEST_QUEUE);
	volatile uint32_t *status = (void *)memory(GUEST_STATUS);

	((struct vtd_pair *)(void *)memory(GUEST_TABLE))[index] = entry;
	*status = 0;
	queue[guest_tail] =
	    (struct vtd_pair){DESCRIPTOR_INTERRUPT | INTERRUPT_INDEXED | (uint64_t)index << INTERRUPT_INDEX_SHIFT, 0};
	queue[guest_tail + 1] =
	    (struct vtd_pair){DESCRIPTOR_WAIT | WAIT_STATUS | 2ull << WAIT_STATUS_SHIFT, GUEST_STATUS};
	guest_tail = (guest_tail + 2) % 256;
	guest_write(VTD_IQT, 4, guest_tail * sizeof(struct vtd_pair));
	if (*status != 2)
		report(false, "the guest's invalidation ends");
}

static void virtual_begin(void)
{
	report_group("guest's unit");
	/* A new guest, which begins as after a reset. */
	memset(memory(GUEST_TABLE), 0, 256 * RV_PAGE_SIZE);
	virtual_unit = (struct vtd_virtual){.unit = &vtd.unit[0]};
	need(vtd_pages(&vtd, 1, &virtual_unit.page) == 0, "a register page");
	(void)unit_round(AGENT_UNIT_BEGIN, 0);
	virtual_unit.state.file[VTD_GSTS / 8] = 0;
	virtual_unit.state.table = 0;
	virtual_unit.state.next = 0;
	report_equal(*(uint64_t *)(memory(virtual_unit.page.v) + VTD_CAP) >> 8 & 31, 0, "it has no DMA translation");
	guest_write(VTD_IQT, 4, 0);
	guest_write(VTD_IQA, 8, GUEST_QUEUE);
	guest_command(GCMD_QIE);
	guest_write(VTD_IRTA, 8, GUEST_TABLE | (vtd.eim ? IRTA_EIME : 0) | 15);
	guest_command(GCMD_SIRTP);
	guest_command(GCMD_IRE);
}

static void test_virtual(void)
{
	virtual_begin();
	edu_msi_set(&edu, MSI_REMAPPED(ENTRY), 0);
	expect_blocked("no entry");
	guest_entry_set(ENTRY + 1, (struct vtd_pair){0, 0});
	guest_entry_set(ENTRY, entry_to(1, VECTOR, &edu));
	edu_raise(&edu);
	report_equal(interrupts_wait(1, VECTOR), 1, "an MSI arrives through the guest's entry");
	guest_entry_set(ENTRY, entry_to(0, VECTOR, &edu));
	edu_raise(&edu);
	report_equal(interrupts_wait(0, VECTOR), 1, "it moves to the other CPU");
	((struct vtd_pair *)(void *)memory(GUEST_TABLE))[ENTRY].low |= 4ull << 5;
	edu_raise(&edu);
	report_equal(interrupts_wait(0, VECTOR), 1, "what the guest writes without a word to its unit has no effect");
	guest_entry_set(ENTRY, ((struct vtd_pair *)(void *)memory(GUEST_TABLE))[ENTRY]);
	report_equal(refused, RV_REASON_VTD_ENTRY_DELIVERY, "an NMI is refused");
	expect_blocked("the refused entry");

	/* A core leaves the guest: what targets it goes. */
	guest_entry_set(ENTRY, entry_to(1, VECTOR, &edu));
	edu_raise(&edu);
	report_equal(interrupts_wait(1, VECTOR), 1, "an entry targets a core");
	vtd.core_count = 1;
	vtd.core[0] = machine_apic_id(1);
	virtual_unit.state.next = 0;
	(void)unit_round(AGENT_UNIT_CONTINUE, 0);
	report_equal(refused, RV_REASON_VTD_ENTRY_TARGET, "the core leaves the guest");
	expect_blocked("a core outside the guest");
	guest_entry_set(ENTRY, entry_to(1, VECTOR, &edu));
	report_equal(refused, RV_REASON_VTD_ENTRY_TARGET, "it cannot be targeted again");
	expect_blocked("a core outside the guest");
	vtd.core_count = 0;
	for (uint32_t i = 0; i < 300; i++)
		guest_entry_set(ENTRY + 2 + i % 64, entry_to(0, VECTOR + 2, &edu2));
	report(vtd_audit(&vtd, &(struct vtd_audit){0}) == 0, "the audit agrees");
}

/* --- audit ----------------------------------------------------------------------------------------------------------- */

static void test_audit(void)
{
	struct vtd_audit a;

	report_group("audit");
	entry_set(ENTRY, entry_to(0, VECTOR, &edu));
	report(vtd_audit(&vtd, &a) == 0 && a.contexts == 65536 && a.entries == 2, "the tables are as they should be");
	entry_set(ENTRY, (struct vtd_pair){entry_to(0, VECTOR, &edu).low | 4ull << 5, IRTE_HIGH_ID | edu.source_id});
	report(vtd_audit(&vtd, &a) == -RV_EFAULT && a.bad_at == 0x10000 + ENTRY, "an NMI is found");
	entry_set(ENTRY, entry_to(0, VECTOR, &edu));
	vtd_write32(pa_make(UNIT), VTD_GCMD, vtd_read32(pa_make(UNIT), VTD_GSTS) & GCMD_LASTING & ~GCMD_TE);
	report(vtd_audit(&vtd, &a) == -RV_EFAULT && a.bad_unit == UNIT && a.bad_at == VTD_GSTS,
	       "a unit that is off is found");
	report(can_write(&edu, SECRET, SECRET), "and that is what it means");
	need(vtd_start(&vtd) == 0, "the unit is started again");
	report(vtd_audit(&vtd, &a) == 0, "all is well again");
	report(!can_write(&edu, SECRET, SECRET), "and the pool is closed");
	faults_drop();
}

/* --- figures --------------------------------------------------------------------------------------------------------- */

/*
 * What root mode does for VT-d when something changes hands, in instructions: with QEMU's instruction counter a tick of the TSC is
 * one. What it does besides (CPUs, EPT of other CPUs) is measured where VMX is: tests/vmx/bench.c.
 */
static bool extent_set(uint64_t base, uint64_t bytes, uint8_t perm)
{
	bool ok = true;

	for (uint64_t at = base; at < base + bytes; at += RV_PAGE_SIZE) {
		ok = ok && ept_prepare(&ept, gpa_make(at)) == 0;
		ept_set(&ept, gpa_make(at), perm);
	}
	return ok && vtd_flush_dma(&vtd, VTD_DOMAIN_GUEST) == 0;
}

/* As iommu_revoke of hv/iommu.c: no entry of the guest may be the device's any more. */
static bool entries_revoke(void)
{
	bool changed = false;

	for (uint32_t i = 0; i < vtd.entries - VTD_RESERVED_ENTRIES; i++) {
		struct vtd_pair entry = *vtd_pair_at(vtd.unit[0].interrupts, i), to;

		if (!(entry.low & IRTE_P) || vtd_entry_check(&vtd, &vtd.unit[0], i, entry, &to) == RV_REASON_NONE)
			continue;
		vtd_entry_write(&vtd, &vtd.unit[0], i, to);
		changed = true;
	}
	return !changed || vtd_flush_interrupts(&vtd) == 0;
}

/* All that hv/device.c does for one function, in its order, but for the rows, the I/O bitmaps, the other CPUs and
 * the way to the agent. */
static void bench_function(uint64_t empty, pa_t table)
{
	static struct device d;
	static struct agent_pci seen;
	uint64_t begin = rdtsc(), base, bytes, at;
	bool ok;

	d = (struct device){.source_id = edu.source_id, .id = 0x11e81234, .cleaned = true};
	ok = pci_look(&d, &seen) == 0;
	memcpy(d.shown.config, seen.config, sizeof(seen.config));
	pci_size(&d, &seen);
	base = seen.bar[0].base;
	bytes = seen.bar[0].bytes;
	ok = ok && extent_set(base, bytes, PERM_NONE);
	ok = ok && vtd_device_prepare(&vtd, d.source_id) == 0;
	ok = ok && vtd_device_set(&vtd, d.source_id, pa_make(0), FIMCE_DOMAIN) == 0;
	ok = ok && entries_revoke();
	ok = ok && vtd_interrupt_set(&vtd, 0, (struct vtd_message){d.source_id, VECTOR, machine_apic_id(1)}) == 0;
	ok = ok && vtd_device_set(&vtd, d.source_id, table, FIMCE_DOMAIN) == 0;
	d.shown.msi_address = MSI_REMAPPED(VTD_RESERVED_INDEX(&vtd, 0));
	pci_start(&d);
	pci_master(&d);
	at = rdtsc();
	need(ok, "a function is given away");
	report_bench("a PCI function with a BAR of 1 MiB is given to a FIMCE", at - begin - empty, REPORT_NO_BAR,
		     "instructions");
	begin = rdtsc();
	pci_quiet(&d);
	ok = vtd_interrupt_set(&vtd, 0, (struct vtd_message){0}) == 0;
	ok = ok && vtd_device_set(&vtd, d.source_id, pa_make(0), FIMCE_DOMAIN) == 0;
	ok = ok && vtd_device_set(&vtd, d.source_id, vtd.guest_table, VTD_DOMAIN_GUEST) == 0;
	pci_give_back(&d);
	ok = ok && extent_set(base, bytes, PERM_RWX);
	virtual_unit.state.next = 0;
	while (unit_round(AGENT_UNIT_CONTINUE, 0))
		;
	at = rdtsc();
	need(ok, "and comes back");
	report_bench("it is taken from the FIMCE and comes back, without the wait for a reset", at - begin - empty,
		     REPORT_NO_BAR, "instructions");
}

static void bench(void)
{
	uint64_t begin = rdtsc(), empty = rdtsc() - begin;
	pa_t table = pa_make(0);

	table_entries = VTD_MAX_ENTRIES;
	test_bring_up();
	virtual_begin();
	need(ept_prepare(&ept, gpa_make(PAGE_C)) == 0 && vtd_pages(&vtd, 1, &table) == 0, "pages");
	begin = rdtsc();
	ept_set(&ept, gpa_make(PAGE_C), PERM_NONE);
	need(vtd_flush_dma(&vtd, VTD_DOMAIN_GUEST) == 0, "a flush");
	report_bench("a target page leaves EPT and DMA: entry and VT-d flush", rdtsc() - begin - empty, REPORT_NO_BAR,
		     "instructions");
	begin = rdtsc();
	ept_set(&ept, gpa_make(PAGE_C), PERM_RWX);
	need(vtd_flush_dma(&vtd, VTD_DOMAIN_GUEST) == 0, "a flush");
	report_bench("a target page comes back: entry and VT-d flush", rdtsc() - begin - empty, REPORT_NO_BAR,
		     "instructions");
	begin = rdtsc();
	need(vtd_device_prepare(&vtd, edu.source_id) == 0, "a device is prepared");
	need(vtd_device_set(&vtd, edu.source_id, table, FIMCE_DOMAIN) == 0, "a device leaves");
	report_bench("a device leaves the guest's DMA", rdtsc() - begin - empty, REPORT_NO_BAR, "instructions");
	begin = rdtsc();
	need(vtd_device_set(&vtd, edu.source_id, vtd.guest_table, VTD_DOMAIN_GUEST) == 0, "a device comes back");
	report_bench("a device comes back to the guest's DMA", rdtsc() - begin - empty, REPORT_NO_BAR, "instructions");
	begin = rdtsc();
	guest_entry_set(ENTRY, (struct vtd_pair){IRTE_P | VECTOR << 16, IRTE_HIGH_ID | edu.source_id});
	report_bench("the guest changes an interrupt: entry checked, written, flushed", rdtsc() - begin - empty,
		     REPORT_NO_BAR, "instructions");
	bench_function(empty, table);
}

void iommu_main(void)
{
	need(edu_find(&edu, 0) && edu_find(&edu2, 1), "two devices");
	machine_init();
	if (option_number("bench", 0)) {
		bench();
		report_end();
	}
	test_unprotected();
	test_bring_up();
	test_allowed();
	test_denied();
	test_remapped();
	test_invalidation();
	test_many_faults();
	test_queue();
	test_interrupts();
	test_device();
	test_audit();
	test_virtual();
	report_end();
}
