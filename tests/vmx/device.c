/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * device.c - bare guest: I/O ports that leave it for a FIMCE, and come back. The ports are those of the CMOS memory; the task is
 * tests/vmx/task/cmos.c.
 */
#include "lib/call.h"
#include "lib/cpu.h"
#include "lib/report.h"
#include "task/cmos.h"

#include <ravelin/image.h>
#include <ravelin/reason.h>

static const uint8_t *image, *envelope;
static uint32_t image_bytes, envelope_bytes;

static const struct rv_grant cmos = {RV_GRANT_PORTS, 0, CMOS_INDEX, CMOS_PORTS, 0};

static struct call_result create(const struct rv_grant *grant, uint32_t count, bool is_signed, uint32_t argument_bytes)
{
	const struct fimce_wish wish = {.envelope = is_signed ? envelope : NULL,
					.envelope_bytes = envelope_bytes,
					.grant = grant,
					.grant_count = count,
					.argument = "x",
					.argument_bytes = argument_bytes};

	return fimce_create_image(image, image_bytes, &wish);
}

static void refused(struct call_result r, int64_t error, uint32_t reason, const char *what)
{
	if (!report(r.value == -error && call_reason(r) == reason, "%s is refused", what))
		report_line("it returned %ld, reason %u, value 0x%lx", r.value, call_reason(r), r.refused);
}

static uint8_t cmos_read(void)
{
	outb(CMOS_INDEX, CMOS_AT);
	return inb(CMOS_DATA);
}

static void cmos_write(uint8_t value)
{
	outb(CMOS_INDEX, CMOS_AT);
	outb(CMOS_DATA, value);
}

static uint64_t exits_of_ports(void)
{
	struct call_buffer b = buffer_make(1);

	call(RV_HC_GET_STAT, (uint64_t)b.frames, 0, 0);
	return ((const struct rv_stat *)(const void *)b.data)->exit[30];
}

static void test_life(void)
{
	uint64_t free_before = pool_free(), since = 0, exits, id;
	struct rv_log_record record = {0};
	struct call_result r;

	report_group("life");
	cmos_write(CMOS_GUEST);
	exits = exits_of_ports();
	report_equal(cmos_read(), CMOS_GUEST, "the guest has the ports");
	report_equal(exits_of_ports(), exits, "and no exit for them");
	(void)log_count(RV_REASON_DEVICE_CONFIG, &since, NULL);
	r = create(&cmos, 1, true, 0);
	id = (uint64_t)r.value;
	if (!report(r.value > 0, "a FIMCE with them is created")) {
		report_line("it returned %ld, reason %u, value 0x%lx", r.value, call_reason(r), r.refused);
		return;
	}
	audit_clean("while it is BUILT");
	report_equal(cmos_read(), 0xff, "the guest reads ones");
	cmos_write(CMOS_LOST);
	report_equal(exits_of_ports() - exits, 4, "each access exits");
	report(log_count(RV_REASON_DEVICE_CONFIG, &since, &record) >= 2 && record.value[0] == CMOS_DATA,
	       "and is logged, with the port");
	cpu_trap_clear();
	__asm__ volatile(TRAP_TRY "inw %%dx, %%ax" TRAP_END : : "d"(CMOS_INDEX - 1) : "rax", "r11", "memory");
	report_equal(cpu_trapped(), CPU_NO_TRAP, "a wide access that meets one is no trap");
	__asm__ volatile(TRAP_TRY "insb" TRAP_END : : "d"(CMOS_DATA), "D"(buffer_make(1).data) : "r11", "memory");
	report_equal(cpu_trapped(), VECTOR_GP, "INS from one is #GP");
	refused(create(&cmos, 1, true, 0), RV_EBUSY, RV_REASON_DEVICE_PORTS, "a second FIMCE with them");

	r = call(RV_HC_FIMCE_RUN, id, RV_RUN_BORROWED, 0);
	report_equal((uint64_t)r.value, RV_FIMCE_DONE, "it ends by itself");
	report_equal((uint64_t)fimce_status(id)->result, CMOS_GUEST,
		     "it has read what stood there, not what the guest wrote meanwhile");
	report_equal(cmos_read(), 0xff, "the guest reads ones until it is destroyed");
	audit_clean("while it is DONE");
	report_equal((uint64_t)fimce_destroy(id).value, 0, "it is destroyed");
	report_equal(cmos_read(), CMOS_TASK, "the guest has the ports again, as the task left them");
	exits = exits_of_ports();
	cmos_write(CMOS_GUEST);
	report_equal(exits_of_ports(), exits, "without exits");
	report_equal(pool_free(), free_before, "the pool is as before");
	audit_clean("afterwards");
}

/* @return the id of one that has run to its end, DEAD. */
static void dies(const struct rv_grant *grant, uint32_t count, bool is_signed, uint32_t argument_bytes, uint32_t cause,
		 uint32_t detail, const char *what)
{
	struct call_result r = create(grant, count, is_signed, argument_bytes);
	const struct rv_fimce_status *s;
	uint64_t id = (uint64_t)r.value;

	if (!report(r.value > 0, "%s: created", what))
		return;
	(void)call(RV_HC_FIMCE_RUN, id, RV_RUN_BORROWED, 0);
	s = fimce_status(id);
	if (!report(s->state == RV_FIMCE_DEAD && s->cause == cause && s->detail == detail, "%s: dead", what))
		report_line("state %u cause %u detail %u value 0x%lx", s->state, s->cause, s->detail, s->value);
	report_equal((uint64_t)fimce_destroy(id).value, 0, "%s: destroyed", what);
	report_equal(cmos_read(), CMOS_GUEST, "%s: the ports are the guest's", what);
}

static void test_refusals(void)
{
	const struct rv_grant wide = {RV_GRANT_PORTS, 0, CMOS_INDEX, CMOS_PORTS + 1, 0};
	const struct rv_grant config = {RV_GRANT_PORTS, 0, 0xcfc, 4, 0};
	const struct rv_grant doorbell = {RV_GRANT_PORTS, 0, RV_DOORBELL_PORT, 1, 0};
	const struct rv_grant function = {RV_GRANT_PCI, RV_GRANT_CLEANED, 0x12378086, 1, 0};

	report_group("refusals");
	cmos_write(CMOS_GUEST);
	refused(create(&config, 1, true, 0), RV_EBUSY, RV_REASON_DEVICE_PORTS, "configuration ports");
	refused(create(&doorbell, 1, true, 0), RV_EBUSY, RV_REASON_DEVICE_PORTS, "the doorbell");
	if (call(RV_HC_INFO, 0, 0, 0).second & RV_FEATURE_DEVICES)
		report_skip("this machine has a unit", "a PCI function without a unit");
	else
		refused(create(&function, 1, true, 0), RV_ENODEV, RV_REASON_DEVICE_NO_UNIT,
			"a PCI function without a unit");
	dies(&cmos, 1, false, 0, RV_CAUSE_REFUSED, RV_REASON_FIMCE_CAPABILITY, "unsigned");
	dies(&wide, 1, true, 0, RV_CAUSE_REFUSED, RV_REASON_DEVICE_GRANTS, "more than the image asks for");
	dies(NULL, 0, true, 0, RV_CAUSE_REFUSED, RV_REASON_DEVICE_GRANTS, "nothing given");
	dies(&cmos, 1, true, 1, RV_CAUSE_BREACH, 30, "a port that it does not have");
	audit_clean("after refusals");
}

void test_main(void)
{
	image = archive_need("cmos.img", &image_bytes);
	envelope = archive_need("cmos.suit", &envelope_bytes);
	test_life();
	test_refusals();
}
