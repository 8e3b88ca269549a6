/* SPDX-License-Identifier: GPL-2.0-only */
/* test_vtd_virtual.c - the guest's remapping units: registers, queue, what of its interrupt table reaches the live one. */
#include "fake_vtd_case.h"

#include <agent/unit.h>
#include <hv/iommu.h>

#include <string.h>

#define TABLE 0x400000u
#define TABLE_ENTRIES 65536u
#define QUEUE 0x600000u
#define STATUS 0x601000u
#define POOL_PAGE (FAKE_POOL + FAKE_POOL_BYTES - RV_PAGE_SIZE) /* free */
#define NMI (4ull << 5)

static struct vtd_virtual g, other;
static union agent_mail mail;
static struct refusal refusal; /* the last one */
static uint32_t rounds; /* of the agent, for the last store */
static bool runs; /* the units run */
static uint32_t tail; /* of the guest's queue */
static uint32_t queue_length;

static uint32_t read32(uint32_t offset)
{
	return *(uint32_t *)((uint8_t *)pa_pointer(g.page) + offset);
}

static uint64_t read64(uint32_t offset)
{
	return *(uint64_t *)((uint8_t *)pa_pointer(g.page) + offset);
}

/* As iommu.c does it. */
static int unit_do(struct vtd_virtual *unit, enum agent_command command, uint32_t offset)
{
	int64_t more = 1;
	int error = 0;

	refusal.reason = 0;
	for (rounds = 0; more != 0 && !error; rounds++) {
		memset(&mail, 0, sizeof(mail));
		mail.unit.offset = offset;
		more = agent_do(command, (uint64_t)unit, &mail);
		assert_true(more == 0 || more == 1);
		error = vtd_virtual_apply(v, unit, &mail.unit, runs);
		if (mail.unit.refusal.reason != 0)
			refusal = mail.unit.refusal;
		command = AGENT_UNIT_CONTINUE;
	}
	return error;
}

/* As the guest's instruction does it. */
static int store(uint32_t offset, uint32_t bytes, uint64_t value)
{
	memcpy((uint8_t *)pa_pointer(g.page) + offset, &value, bytes);
	return unit_do(&g, AGENT_UNIT_STORED, offset);
}

static void write(uint32_t offset, uint32_t bytes, uint64_t value)
{
	assert_int_equal(store(offset, bytes, value), 0);
}

static struct vtd_pair *guest_table(void)
{
	return pa_pointer(pa_make(TABLE));
}

static struct vtd_pair live(uint32_t index)
{
	return *vtd_pair_at(v->unit[1].interrupts, index);
}

static void put(uint64_t low, uint64_t high)
{
	((struct vtd_pair *)pa_pointer(pa_make(QUEUE)))[tail] = (struct vtd_pair){low, high};
	tail = (tail + 1) % queue_length;
}

static void put_wait(uint32_t data)
{
	put(DESCRIPTOR_WAIT | WAIT_STATUS | (uint64_t)data << 32, STATUS);
}

static void put_index(uint32_t index, uint32_t mask)
{
	put(DESCRIPTOR_INTERRUPT | INTERRUPT_INDEXED | (uint64_t)mask << 27 | (uint64_t)index << 32, 0);
}

static void run(void)
{
	write(VTD_IQT, 4, tail * sizeof(struct vtd_pair));
}

static uint32_t status(void)
{
	return *(uint32_t *)pa_pointer(pa_make(STATUS));
}

static void machine(void)
{
	fake_units_setup(NULL);
	tail = 0;
	queue_length = 256;
	memset(&g, 0, sizeof(g));
	memset(&other, 0, sizeof(other));
}

static void unit_make(struct vtd_virtual *unit, struct vtd_unit *real)
{
	unit->unit = real;
	assert_int_equal(vtd_pages(v, 1, &unit->page), 0);
	real->eime = v->eim && (real->before.gsts & GCMD_SIRTP) && (real->before.irta & IRTA_EIME);
	assert_int_equal(unit_do(unit, AGENT_UNIT_BEGIN, 0), 0);
}

static void start(void)
{
	runs = false;
	assert_int_equal(vtd_probe(v), 0);
	assert_int_equal(vtd_build(v, hv.ept.root, ENTRIES), 0);
	unit_make(&other, &v->unit[0]);
	unit_make(&g, &v->unit[1]);
	assert_int_equal(vtd_start(v), 0);
	runs = true;
}

static int setup(void **state)
{
	(void)state;
	machine();
	start();
	return 0;
}

static void guest_on(bool eime)
{
	write(VTD_IQT, 4, 0);
	write(VTD_IQA, 8, QUEUE);
	write(VTD_GCMD, 4, GCMD_QIE);
	write(VTD_IRTA, 8, TABLE | (eime ? IRTA_EIME : 0) | 15);
	write(VTD_GCMD, 4, GCMD_QIE | GCMD_SIRTP);
	write(VTD_GCMD, 4, GCMD_QIE | GCMD_IRE);
}

static int setup_on(void **state)
{
	setup(state);
	guest_on(false);
	return 0;
}

static void expect_refused(uint32_t reason, uint64_t a, uint64_t b)
{
	assert_int_equal(refusal.reason, reason);
	assert_int_equal(refusal.value[0], a);
	assert_int_equal(refusal.value[1], b);
}

/* --- registers ------------------------------------------------------------------------------------------------------- */

static void test_registers(void **state)
{
	(void)state;
	assert_int_equal(read32(VTD_VER) >> 4, 1);
	assert_int_equal(read64(VTD_CAP) & (0x1full << 8), 0); /* SAGAW */
	assert_true(read64(VTD_CAP) & CAP_CM);
	assert_int_equal(CAP_FAULT_RECORDS(read64(VTD_CAP)), 1);
	assert_true(CAP_FRO(read64(VTD_CAP)) >= VTD_REGISTERS_MIN && CAP_FRO(read64(VTD_CAP)) < RV_PAGE_SIZE - 16);
	assert_int_equal(read64(VTD_ECAP) & 0xff, ECAP_C | ECAP_QI | ECAP_IR | ECAP_EIM);
	assert_int_equal(read32(VTD_GSTS), 0);
	guest_on(true);
	assert_int_equal(read32(VTD_GSTS), GCMD_QIE | GCMD_IRE | GCMD_SIRTP);
	assert_int_equal(read64(VTD_IQA), QUEUE);
	assert_int_equal(read64(VTD_IRTA), TABLE | IRTA_EIME | 15);
	/* The real unit went into the same mode, the guest's other one did not ask. */
	assert_true(fake_unit[1].interrupts & IRTA_EIME);
	assert_false(fake_unit[0].interrupts & IRTA_EIME);
	write(VTD_GCMD, 4, GCMD_IRE);
	assert_int_equal(read32(VTD_GSTS), GCMD_IRE | GCMD_SIRTP);
	write(VTD_GCMD, 4, 0);
	assert_int_equal(read32(VTD_GSTS), GCMD_SIRTP);
	/* The real one stays as it is. */
	assert_int_equal(fake_unit[1].gsts & GCMD_LASTING, GCMD_TE | GCMD_QIE | GCMD_IRE);
}

static void test_registers_without_eim(void **state)
{
	(void)state;
	machine();
	fake_unit[2].ecap &= ~ECAP_EIM;
	start();
	assert_int_equal(read64(VTD_ECAP) & ECAP_EIM, 0);
	guest_on(true);
	assert_false(fake_unit[1].interrupts & IRTA_EIME);
}

/* Other CPUs store while one's store is carried out: none is lost, and what makes the unit act comes last. */
static void test_stores_together(void **state)
{
	const uint64_t queue = QUEUE + 0x10000, irta = TABLE | 15, tail_value = 16;
	uint8_t *page = pa_pointer(g.page);

	(void)state;
	((struct vtd_pair *)pa_pointer(pa_make(queue)))[0] =
	    (struct vtd_pair){DESCRIPTOR_WAIT | WAIT_STATUS | 77ull << 32, STATUS};
	guest_table()[2] = (struct vtd_pair){FIXED(0x40, 2), IRTE_HIGH_ID | DEVICE};
	memcpy(page + VTD_IQA, &queue, 8);
	memcpy(page + VTD_IRTA, &irta, 8);
	memcpy(page + VTD_IQT, &tail_value, 8);
	write(VTD_GCMD, 4, GCMD_QIE | GCMD_SIRTP);
	assert_int_equal(status(), 77);
	assert_int_equal(live(2).low, FIXED(0x40, 2));
	/* The trigger is another CPU's. */
	memcpy(page + VTD_IQT, &(uint64_t){32}, 8);
	((struct vtd_pair *)pa_pointer(pa_make(queue)))[1] =
	    (struct vtd_pair){DESCRIPTOR_WAIT | WAIT_STATUS | 78ull << 32, STATUS};
	write(VTD_FECTL, 4, 0);
	assert_int_equal(status(), 78);
	assert_int_equal(read32(VTD_GSTS), GCMD_QIE | GCMD_SIRTP);
	memset(page + VTD_GCMD, 0, 4);
	write(VTD_FECTL, 4, 0);
	assert_int_equal(read32(VTD_GSTS), GCMD_SIRTP);
}

/* Registers that are read-only or not there stay as they are. */
static void test_read_only(void **state)
{
	uint8_t before[RV_PAGE_SIZE];

	(void)state;
	memcpy(before, pa_pointer(g.page), RV_PAGE_SIZE);
	for (uint32_t offset = 0; offset < VTD_REGISTERS_MIN; offset += 4) {
		bool kept = (offset >= 0x38 && offset < 0x48) || (offset >= 0x88 && offset < 0x98) ||
			    (offset >= 0xa0 && offset < 0xb0) || (offset >= 0xb8 && offset < 0xc0);

		if (kept || offset == VTD_GCMD)
			continue;
		for (uint32_t bytes = 1; bytes <= 4; bytes++)
			write(offset, bytes, 0xdeadbeef);
		assert_memory_equal(before, pa_pointer(g.page), RV_PAGE_SIZE);
	}
	/* Beyond the registers there is nothing, whatever is written. */
	write(VTD_REGISTERS_MIN, 8, ~0ull);
	write(RV_PAGE_SIZE - 8, 8, ~0ull);
	memset((uint8_t *)pa_pointer(g.page) + VTD_REGISTERS_MIN, 0, RV_PAGE_SIZE - VTD_REGISTERS_MIN);
	assert_memory_equal(before, pa_pointer(g.page), RV_PAGE_SIZE);
	/* Events are kept, for what that is worth. */
	for (uint32_t offset = 0x38; offset < 0xb0; offset += offset == 0x44 ? 0x5c : 4) {
		write(offset, 4, 0x12345600 + offset);
		assert_int_equal(read32(offset), 0x12345600 + offset);
	}
}

static void test_commands_refused(void **state)
{
	static const uint32_t bits[] = {GCMD_TE, GCMD_SRTP, GCMD_CFI};

	(void)state;
	guest_on(false);
	for (uint32_t i = 0; i < 3; i++) {
		write(VTD_GCMD, 4, GCMD_QIE | GCMD_IRE | bits[i]);
		expect_refused(RV_REASON_VTD_VIRTUAL, VTD_GCMD, GCMD_QIE | GCMD_IRE | bits[i]);
		assert_int_equal(read32(VTD_GSTS), GCMD_QIE | GCMD_IRE | GCMD_SIRTP);
	}
	write(VTD_GCMD, 4, GCMD_IRE);
	assert_int_equal(refusal.reason, 0);
	/* Queues that are wider, or longer than the limit. */
	write(VTD_IQA, 8, QUEUE | 1 << 11);
	write(VTD_GCMD, 4, GCMD_QIE | GCMD_IRE);
	expect_refused(RV_REASON_VTD_VIRTUAL, VTD_IQA, QUEUE | 1 << 11);
	assert_int_equal(read32(VTD_GSTS) & GCMD_QIE, 0);
	write(VTD_IQA, 8, QUEUE | 3);
	write(VTD_GCMD, 4, GCMD_QIE | GCMD_IRE);
	assert_int_equal(read32(VTD_GSTS) & GCMD_QIE, 0);
	write(VTD_IQA, 8, QUEUE | 2);
	write(VTD_GCMD, 4, GCMD_QIE | GCMD_IRE);
	assert_int_equal(read32(VTD_GSTS) & GCMD_QIE, GCMD_QIE);
}

/* --- entries --------------------------------------------------------------------------------------------------------- */

static void test_entry(void **state)
{
	const struct vtd_pair a = {FIXED(0x40, 2) | IRTE_AVAILABLE, IRTE_HIGH_ID | DEVICE};
	uint32_t flushes = fake_unit[1].done[DESCRIPTOR_INTERRUPT];

	(void)state;
	guest_table()[5] = a;
	guest_table()[6] = a;
	assert_int_equal(live(5).low, 0); /* nobody said so yet */
	put_index(5, 0);
	put_wait(2);
	run();
	assert_int_equal(status(), 2);
	assert_int_equal(live(5).low, FIXED(0x40, 2));
	assert_int_equal(live(5).high, a.high);
	assert_int_equal(live(6).low, 0);
	assert_int_equal(fake_interrupt(1, DEVICE, 5), FIXED(0x40, 2));
	assert_int_equal(fake_unit[1].done[DESCRIPTOR_INTERRUPT], flushes + 1);
	assert_int_equal(vtd_pair_at(v->unit[0].interrupts, 5)->low, 0); /* that unit's table is another */
	assert_int_equal(read64(VTD_IQH), 32);
	guest_table()[6].low = FIXED(0x43, 2);
	put_index(6, 0);
	run();
	assert_int_equal(live(6).low, FIXED(0x43, 2));
	assert_int_equal(fake_unit[1].done[DESCRIPTOR_INTERRUPT], flushes + 2); /* also when the guest does not wait */
	/* Nothing new: nothing to flush, and an answer all the same. */
	put_index(5, 0);
	put_wait(3);
	run();
	assert_int_equal(status(), 3);
	assert_int_equal(fake_unit[1].done[DESCRIPTOR_INTERRUPT], flushes + 2);
	/* A mask: an aligned range. */
	guest_table()[4] = a;
	guest_table()[7] = a;
	guest_table()[8] = a;
	put_index(6, 2);
	run();
	assert_true(live(4).low && live(6).low && live(7).low && !live(8).low);
	memset(guest_table(), 0, 16 * sizeof(struct vtd_pair));
	put(DESCRIPTOR_INTERRUPT, 0);
	run();
	assert_true(!live(4).low && !live(5).low);
}

static void test_entry_refused(void **state)
{
	const uint64_t high = IRTE_HIGH_ID | DEVICE;

	(void)state;
	guest_table()[5] = (struct vtd_pair){FIXED(0x40, 2), high};
	put_index(5, 0);
	run();
	assert_true(live(5).low & IRTE_P);
	guest_table()[5].low |= NMI;
	put_index(5, 0);
	put_wait(7);
	run();
	expect_refused(RV_REASON_VTD_ENTRY_DELIVERY, 5, FIXED(0x40, 2) | NMI);
	assert_int_equal(live(5).low, 0); /* not the old one: the guest believes that it is gone */
	assert_int_equal(status(), 7); /* and goes on */
	v->core_count = 1;
	v->core[0] = 2;
	guest_table()[5].low = FIXED(0x40, 2);
	put_index(5, 0);
	run();
	expect_refused(RV_REASON_VTD_ENTRY_TARGET, 5, FIXED(0x40, 2));
	assert_int_equal(live(5).low, 0);
	v->core_count = 0;
	/* A core or a device leaves while entries name it. */
	guest_table()[5].low = FIXED(0x40, 2);
	guest_table()[6] = (struct vtd_pair){FIXED(0x41, 3), IRTE_HIGH_ID | 0x0418};
	put_index(4, 2);
	run();
	assert_true(live(5).low != 0 && live(6).low != 0);
	iommu_revoke(hv.cpu[0]);
	v->core_count = 1;
	iommu_revoke(hv.cpu[0]);
	assert_true(live(5).low == 0 && live(6).low != 0);
	v->device[3] = (struct vtd_device){0x0418, 3, pa_make(0x1000)};
	iommu_revoke(hv.cpu[0]);
	assert_int_equal(live(6).low, 0);
	v->core_count = 0;
	guest_table()[5].high = DEVICE;
	put_index(5, 0);
	run();
	expect_refused(RV_REASON_VTD_ENTRY_SOURCE, 5, FIXED(0x40, 2));
}

/* Every entry of the guest's table is used, every index named: only the guest's part of the live one changes. */
static void test_entry_beyond(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < TABLE_ENTRIES; i++)
		guest_table()[i] = (struct vtd_pair){FIXED(0x40, 2), IRTE_HIGH_ID | DEVICE};
	vtd_entry_write(v, &v->unit[1], ENTRIES - 1, (struct vtd_pair){FIXED(0x66, 1), IRTE_HIGH_ID | 8});
	for (uint32_t mask = 0; mask < 32; mask++) {
		put_index(GUEST_ENTRIES, mask);
		put_index(0xffff, mask);
		put_index(ENTRIES - 1, mask);
	}
	put(DESCRIPTOR_INTERRUPT, 0);
	put_wait(9);
	run();
	assert_int_equal(status(), 9);
	for (uint32_t i = 0; i < ENTRIES - 1; i++)
		assert_int_equal(live(i).low, i < GUEST_ENTRIES ? FIXED(0x40, 2) : 0);
	assert_int_equal(live(ENTRIES - 1).low, FIXED(0x66, 1));
	put_index(GUEST_ENTRIES, 0);
	run();
	expect_refused(RV_REASON_VTD_ENTRY_INDEX, GUEST_ENTRIES, FIXED(0x40, 2));
	/* A table of 2 entries has no third one. */
	write(VTD_IRTA, 8, TABLE);
	write(VTD_GCMD, 4, GCMD_QIE | GCMD_IRE | GCMD_SIRTP);
	assert_true(live(1).low != 0);
	assert_int_equal(live(2).low, 0);
}

/* The table is not, or not all, the guest's RAM: what is not counts as absent. */
static void test_table_outside(void **state)
{
	static const uint64_t at[] = {POOL_PAGE, 0xfed90000ull, 1ull << 40, 0x000ffffffffff000ull};

	(void)state;
	guest_table()[0] = (struct vtd_pair){FIXED(0x40, 2), IRTE_HIGH_ID | DEVICE};
	put(DESCRIPTOR_INTERRUPT, 0);
	run();
	assert_true(live(0).low != 0);
	for (uint32_t i = 0; i < RV_PAGE_SIZE / 16; i++)
		((struct vtd_pair *)pa_pointer(pa_make(POOL_PAGE)))[i] =
		    (struct vtd_pair){FIXED(0x41, 2), IRTE_HIGH_ID | DEVICE};
	for (uint32_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		write(VTD_IRTA, 8, at[i] | 15);
		write(VTD_GCMD, 4, GCMD_QIE | GCMD_IRE | GCMD_SIRTP);
		for (uint32_t n = 0; n < GUEST_ENTRIES; n++)
			assert_int_equal(live(n).low, 0);
	}
	/* One page before the pool. */
	((struct vtd_pair *)pa_pointer(pa_make(FAKE_POOL - RV_PAGE_SIZE)))[255] =
	    (struct vtd_pair){FIXED(0x40, 2), IRTE_HIGH_ID | DEVICE};
	write(VTD_IRTA, 8, (FAKE_POOL - RV_PAGE_SIZE) | 15);
	write(VTD_GCMD, 4, GCMD_QIE | GCMD_IRE | GCMD_SIRTP);
	assert_true(live(255).low != 0);
	assert_int_equal(live(256).low, 0);
}

static void test_eime(void **state)
{
	(void)state;
	guest_table()[3] = (struct vtd_pair){FIXED(0x40, 2), IRTE_HIGH_ID | DEVICE};
	put_index(3, 0);
	run();
	guest_table()[3].low = WIDE(0x40, 0x12345);
	write(VTD_IRTA, 8, TABLE | IRTA_EIME | 15);
	write(VTD_GCMD, 4, GCMD_QIE | GCMD_IRE | GCMD_SIRTP);
	assert_int_equal(fake_interrupt(1, DEVICE, 3), WIDE(0x40, 0x12345));
	assert_true(v->unit[1].eime && (fake_unit[1].interrupts & IRTA_EIME));
	/* Back again: this entry means nothing there. */
	write(VTD_IRTA, 8, TABLE | 15);
	write(VTD_GCMD, 4, GCMD_QIE | GCMD_IRE | GCMD_SIRTP);
	assert_int_equal(refusal.reason, RV_REASON_VTD_ENTRY_FORMAT);
	assert_int_equal(fake_interrupt(1, DEVICE, 3), 0);
}

/* --- queue ----------------------------------------------------------------------------------------------------------- */

static void test_queue_wraps(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= 1000; i++) {
		guest_table()[i % 700] = (struct vtd_pair){FIXED(0x40 + i % 100, 2), IRTE_HIGH_ID | DEVICE};
		put_index(i % 700, 0);
		put(DESCRIPTOR_CONTEXT | INVALIDATE_GLOBAL, 0);
		put(DESCRIPTOR_IOTLB | INVALIDATE_GLOBAL, 0);
		put(3, 0); /* device TLB */
		put_wait(i);
		run();
		assert_int_equal(status(), i);
		assert_int_equal(live(i % 700).low, FIXED(0x40 + i % 100, 2));
		assert_int_equal(read64(VTD_IQH), tail * 16);
	}
	assert_int_equal(read32(VTD_FSTS), 0);
}

static void test_queue_errors(void **state)
{
	static const uint64_t bad_status[] = {POOL_PAGE, 0xfed90000ull, 1ull << 50, 0x100000000ull};

	(void)state;
	guest_table()[3] = (struct vtd_pair){FIXED(0x40, 2), IRTE_HIGH_ID | DEVICE};
	for (uint32_t type = 0; type < 16; type++) {
		bool known = type >= 1 && type <= 5;
		uint64_t head = read64(VTD_IQH);

		put(type, 0);
		put_index(3, 0);
		run();
		if (known)
			continue;
		/* The unit stands at it, and goes on when it is replaced. */
		assert_int_equal(read32(VTD_FSTS), FSTS_IQE);
		expect_refused(RV_REASON_VTD_VIRTUAL, VTD_IQH, head);
		assert_int_equal(read64(VTD_IQH), head);
		run();
		assert_int_equal(read64(VTD_IQH), head);
		((struct vtd_pair *)pa_pointer(pa_make(QUEUE + head)))->low = DESCRIPTOR_CONTEXT | INVALIDATE_GLOBAL;
		write(VTD_FSTS, 4, FSTS_IQE);
		assert_int_equal(read32(VTD_FSTS), 0);
		assert_int_equal(read64(VTD_IQH), tail * 16);
	}
	for (uint32_t i = 0; i < sizeof(bad_status) / sizeof(bad_status[0]); i++) {
		uint64_t head = read64(VTD_IQH);

		put(DESCRIPTOR_WAIT | WAIT_STATUS | 0x1234ull << 32, bad_status[i]);
		run();
		assert_int_equal(read32(VTD_FSTS), FSTS_IQE);
		((struct vtd_pair *)pa_pointer(pa_make(QUEUE + head)))->low = DESCRIPTOR_WAIT;
		write(VTD_FSTS, 4, FSTS_IQE);
		assert_int_equal(read64(VTD_IQH), tail * 16);
	}
	assert_int_equal(*(uint32_t *)pa_pointer(pa_make(POOL_PAGE)), 0);
}

static void test_queue_outside(void **state)
{
	(void)state;
	write(VTD_GCMD, 4, GCMD_IRE);
	write(VTD_IQA, 8, FAKE_POOL);
	write(VTD_IQT, 4, 0);
	write(VTD_GCMD, 4, GCMD_IRE | GCMD_QIE);
	assert_int_equal(read32(VTD_FSTS), 0); /* it is empty */
	write(VTD_IQT, 4, 16);
	assert_int_equal(read32(VTD_FSTS), FSTS_IQE);
	assert_int_equal(read64(VTD_IQH), 0);
}

/* A tail beyond the queue is one inside; a queue that is off does not move. */
static void test_tail(void **state)
{
	(void)state;
	put_wait(4);
	write(VTD_IQT, 8, 0xffffffffffff0000ull | 16);
	assert_int_equal(status(), 4);
	assert_int_equal(read64(VTD_IQH), 16);
	write(VTD_IQT, 4, 0x1000 | 0x13);
	assert_int_equal(read64(VTD_IQH), 16);
	write(VTD_GCMD, 4, GCMD_IRE);
	assert_int_equal(read64(VTD_IQH), 0);
	put_wait(5);
	run();
	assert_int_equal(status(), 4);
	write(VTD_GCMD, 4, GCMD_IRE | GCMD_QIE); /* now, from the start: the wait for 4, then that for 5 */
	assert_int_equal(status(), 5);
}

/* The whole of the longest queue, each descriptor asking for everything: each entry is looked at once. */
static void test_queue_full(void **state)
{
	uint32_t flushes;

	(void)state;
	write(VTD_GCMD, 4, GCMD_IRE);
	write(VTD_IQA, 8, QUEUE + 0x10000 + 2);
	queue_length = UNIT_QUEUE_PAGES * 256;
	for (uint32_t i = 0; i < queue_length - 1; i++)
		((struct vtd_pair *)pa_pointer(pa_make(QUEUE + 0x10000)))[i] =
		    i & 1 ? (struct vtd_pair){DESCRIPTOR_WAIT | WAIT_STATUS | (uint64_t)i << 32, STATUS}
			  : (struct vtd_pair){DESCRIPTOR_INTERRUPT, 0};
	for (uint32_t i = 0; i < GUEST_ENTRIES; i++)
		guest_table()[i] = (struct vtd_pair){FIXED(0x40, 2), IRTE_HIGH_ID | DEVICE};
	/* The first wait's answer changes an entry that is not looked at again. */
	((struct vtd_pair *)pa_pointer(pa_make(QUEUE + 0x10000)))[1] =
	    (struct vtd_pair){DESCRIPTOR_WAIT | WAIT_STATUS | (FIXED(0x41, 0) & 0xffffffff) << 32, TABLE + 16};
	write(VTD_IQT, 4, (queue_length - 1) * 16);
	flushes = fake_unit[1].done[DESCRIPTOR_INTERRUPT];
	write(VTD_GCMD, 4, GCMD_IRE | GCMD_QIE);
	assert_int_equal(status(), queue_length - 3);
	/* The table is looked at once, and what came of it told to the unit, in as many rounds as the agent's answers take. */
	assert_int_equal(fake_unit[1].done[DESCRIPTOR_INTERRUPT], flushes + GUEST_ENTRIES / AGENT_ENTRIES);
	assert_true(rounds <= GUEST_ENTRIES / AGENT_ENTRIES + queue_length / 2 / AGENT_ANSWERS + 2);
	assert_int_equal(live(GUEST_ENTRIES - 1).low, FIXED(0x40, 2));
	assert_int_equal(guest_table()[1].low, FIXED(0x41, 2));
	assert_int_equal(live(1).low, FIXED(0x40, 2));
}

/* What root mode makes of an agent that is wrong: entries are checked again, answers go to the guest's RAM only, counts end. */
static void test_wrong_agent(void **state)
{
	struct agent_unit *m = &mail.unit;

	(void)state;
	memset(&mail, 0, sizeof(mail));
	vtd_entry_write(v, &v->unit[1], ENTRIES - 1, (struct vtd_pair){FIXED(0x66, 1), IRTE_HIGH_ID | 8});
	m->state = g.state;
	m->entries = ~0u;
	m->answers = ~0u;
	for (uint32_t i = 0; i < AGENT_ENTRIES; i++)
		m->entry[i] = (struct agent_entry){i, {FIXED(0x40, 2) | NMI, IRTE_HIGH_ID | DEVICE}};
	m->entry[0].index = ENTRIES - 1;
	m->entry[1].index = ~0u;
	m->entry[2].pair.low = FIXED(0x40, 2);
	for (uint32_t i = 0; i < AGENT_ANSWERS; i++)
		m->answer[i] = (struct agent_answer){i & 1 ? POOL_PAGE : 0xfed90000ull + i, 0x1234};
	assert_int_equal(vtd_virtual_apply(v, &g, m, true), 0);
	assert_int_equal(live(ENTRIES - 1).low, FIXED(0x66, 1));
	assert_int_equal(live(2).low, FIXED(0x40, 2));
	for (uint32_t i = 3; i < AGENT_ENTRIES; i++)
		assert_int_equal(live(i).low, 0);
	assert_int_equal(*(uint32_t *)pa_pointer(pa_make(POOL_PAGE)), 0);
}

/* The answer comes after the real unit's, and not without it. */
static void test_real_unit_fails(void **state)
{
	(void)state;
	guest_table()[3] = (struct vtd_pair){FIXED(0x40, 2), IRTE_HIGH_ID | DEVICE};
	put_index(3, 0);
	put_wait(8);
	fake_unit[1].queue_stuck = true;
	assert_int_equal(store(VTD_IQT, 4, tail * 16), -RV_ETIME);
	assert_int_equal(status(), 0);
}

/* --- a guest that uses the real unit before the launch --------------------------------------------------------------- */

static void test_adopt(void **state)
{
	struct fake_unit *u = &fake_unit[1];

	(void)state;
	machine();
	for (uint32_t i = 0; i < 3; i++)
		guest_table()[i] = (struct vtd_pair){WIDE(0x40 + i, 0x300), IRTE_HIGH_ID | DEVICE};
	guest_table()[1].low |= NMI;
	u->irta = u->interrupts = TABLE | IRTA_EIME | 15;
	u->iqa = QUEUE;
	u->iqh = u->iqt = tail = 32;
	tail = 2;
	u->gsts = GCMD_QIE | GCMD_IRE | GCMD_SIRTP;
	u->interrupts_stale = false;
	start();
	assert_int_equal(fake_interrupt(1, DEVICE, 0), WIDE(0x40, 0x300));
	assert_int_equal(fake_interrupt(1, DEVICE, 1), 0);
	assert_int_equal(fake_interrupt(1, DEVICE, 2), WIDE(0x42, 0x300));
	expect_refused(RV_REASON_VTD_ENTRY_DELIVERY, 1, WIDE(0x41, 0x300) | NMI);
	assert_int_equal(read32(VTD_GSTS), GCMD_QIE | GCMD_IRE | GCMD_SIRTP);
	assert_int_equal(read64(VTD_IQA), QUEUE);
	assert_int_equal(read64(VTD_IQH), 32);
	assert_int_equal(read64(VTD_IRTA), TABLE | IRTA_EIME | 15);
	/* It goes on where it was. */
	guest_table()[1].low = WIDE(0x55, 0x300);
	put_index(1, 0);
	put_wait(6);
	run();
	assert_int_equal(status(), 6);
	assert_int_equal(fake_interrupt(1, DEVICE, 1), WIDE(0x55, 0x300));
}

/* A guest that does what it likes: nothing that it must not have ever reaches the live table, nor its memory the pool. */
static void test_random(void **state)
{
	struct vtd_audit a;

	(void)state;
	v->core_count = 1;
	v->core[0] = 3;
	for (uint32_t round = 0; round < 3000; round++) {
		static const uint32_t offsets[] = {VTD_GCMD, VTD_IQT, VTD_IQA, VTD_IRTA, VTD_FSTS, VTD_IQT, VTD_IQT};
		static const uint64_t bases[] = {QUEUE, TABLE, FAKE_POOL - RV_PAGE_SIZE, FAKE_POOL, 0, ~0ull};
		uint32_t offset = offsets[fake_random(7)];
		uint64_t value = fake_random(1u << 31) * 2ull;

		if (offset == VTD_IQA || offset == VTD_IRTA)
			value = bases[fake_random(6)] ^ (fake_random(4) == 0 ? fake_random(4096) : 15);
		for (uint32_t i = 0; i < 64; i++) {
			struct vtd_pair *d = (struct vtd_pair *)pa_pointer(pa_make(QUEUE)) + fake_random(256);
			struct vtd_pair *e = guest_table() + fake_random(ENTRIES);

			*d = (struct vtd_pair){fake_random(8) | (uint64_t)fake_random(1u << 16) << 32 |
						   fake_random(2) << 4,
					       bases[fake_random(6)] + fake_random(5000)};
			*e = (struct vtd_pair){FIXED(fake_random(256), fake_random(5)) | fake_random(256) << 1,
					       IRTE_HIGH_ID + (fake_random(8) << 17) + DEVICE};
		}
		write(offset, fake_random(2) ? 4 : 8, value);
		if (round % 16 == 0)
			assert_int_equal(vtd_audit(v, &a), 0);
		assert_true(read64(VTD_IQH) < UNIT_QUEUE_PAGES * RV_PAGE_SIZE && read64(VTD_IQH) % 16 == 0);
		if (round % 8 == 0)
			guest_on(fake_random(2));
	}
	assert_int_equal(vtd_audit(v, &a), 0);
	assert_true(a.entries > 0);
}

int main(void)
{
#define P(f) cmocka_unit_test_setup_teardown(f, setup, fake_teardown)
#define S(f) cmocka_unit_test_setup_teardown(f, setup_on, fake_teardown)
	const struct CMUnitTest tests[] = {
	    P(test_registers),        cmocka_unit_test_teardown(test_registers_without_eim, fake_teardown),
	    P(test_stores_together),  P(test_read_only),
	    P(test_commands_refused), S(test_entry),
	    S(test_entry_refused),    S(test_entry_beyond),
	    S(test_table_outside),    S(test_eime),
	    S(test_queue_wraps),      S(test_queue_errors),
	    S(test_queue_outside),    S(test_tail),
	    S(test_queue_full),       S(test_wrong_agent),
	    S(test_real_unit_fails),  cmocka_unit_test_teardown(test_adopt, fake_teardown),
	    S(test_random),
	};

	return cmocka_run_group_tests_name("hv vtd virtual", tests, NULL, NULL);
}
