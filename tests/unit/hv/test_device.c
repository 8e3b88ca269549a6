/* SPDX-License-Identifier: GPL-2.0-only */
/* test_device.c - the life of a FIMCE with PCI functions and ports, and what the guest sees meanwhile. */
#include "fake_device.h"

#include <string.h>

/* --- a life ---------------------------------------------------------------------------------------------------------- */

static void expect_taken(const struct fimce *f)
{
	const struct rv_fimce_devices *d = pa_pointer(f->devices);

	assert_int_equal(guest_leaf(BAR0), 0);
	assert_int_equal(guest_leaf(BAR0 + BAR0_BYTES - RV_PAGE_SIZE), 0);
	assert_int_not_equal(guest_leaf(BAR0 + BAR0_BYTES) & EPT_RWX, 0);
	assert_int_equal(guest_leaf(BAR2 + RV_PAGE_SIZE), 0);
	/* Its page of configuration space shows ones, and nothing else. */
	assert_int_equal(guest_leaf(CONFIG_PAGE) & EPT_RWX, EPT_R);
	assert_int_not_equal(guest_leaf(CONFIG_PAGE) & EPT_ADDRESS, CONFIG_PAGE);
	assert_int_equal(*(uint64_t *)pa_pointer(pa_make(guest_leaf(CONFIG_PAGE) & EPT_ADDRESS)), ~0ull);
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

static uint64_t fimce_entry(const struct fimce *f, uint64_t va)
{
	const uint64_t *table = pa_pointer(f->tables);

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
	uint32_t index = INDEX(0), address;
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
	assert_int_equal(fake_vmcall(first_cpu, RV_HC_FIMCE_RUN, f->id, RV_RUN_BORROWED, 0), -RV_EINVAL);
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
	assert_true(f->reset_tsc >= edu->ready && f->reset_tsc < edu->ready + 10000);
	fake_time = f->reset_tsc - 1000;
	assert_int_equal(DESTROY(f), -RV_EAGAIN);
	fake_time = f->reset_tsc;
	assert_int_equal(DESTROY(f), 0);
	assert_int_equal(fake_log_count(RV_REASON_DEVICE_RETURNED), 1);
	expect_returned();
	assert_int_not_equal(guest_leaf(BAR0) & EPT_RWX, 0);
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
	expect_returned();
	f = created();
	run_dedicated(f, dies);
	assert_int_equal(f->state, RV_FIMCE_DEAD);
	fake_time += 100 * hv.launch.tsc_khz;
	expect_blocked();
	assert_int_equal(DESTROY(f), 0);
	expect_returned();
}

/* --- functions that can't be reset ----------------------------------------------------------------------------------- */

static const struct fake_step exits[] = {
    {.call = RV_FC_MEASURED, .before = measured}, {.call = RV_FC_EXIT, .before = NULL}, {0}};

/* What the guest has left in it must not reach the FIMCE, before the task says that there is nothing. */
static void no_dma_yet(struct fimce *f)
{
	for (uint32_t unit = 0; unit < 2; unit++)
		assert_int_equal(fake_dma(unit, SOURCE, RV_FIMCE_DMA(RV_FIMCE_OUTPUT), true), ~0ull);
	assert_int_equal(edu->config[4] & 7, 3);
	vmcs_load(f->vmcs);
}

static void dma_at_last(struct fimce *f)
{
	assert_int_equal(fake_task_rax, 0);
	expect_dma(RV_FIMCE_OUTPUT, f->output, true, true);
	assert_int_equal(edu->config[4] & 7, 7);
	expect_audit_good();
	vmcs_load(f->vmcs);
	ran++;
}

static void test_dma_waits_for_the_task(void **state)
{
	static const struct fake_step steps[] = {{.call = RV_FC_MEASURED, .before = measured},
						 {.call = RV_FC_DMA, .before = no_dma_yet},
						 {.call = RV_FC_EXIT, .before = dma_at_last},
						 {0}};
	struct fimce *f;

	(void)state;
	without_reset();
	create_pci(RV_GRANT_CLEANED);
	f = created();
	fake_task(f, steps);
	assert_int_equal(fake_vmcall(first_cpu, RV_HC_FIMCE_RUN, f->id, RV_RUN_BORROWED, 0), RV_FIMCE_DONE);
	assert_int_equal(ran, 1);
	expect_blocked();
	assert_int_equal(DESTROY(f), 0);
	expect_returned();
}

static void test_cleaned_comes_back(void **state)
{
	struct fimce *f;

	(void)state;
	without_reset();
	create_pci(RV_GRANT_CLEANED);
	f = created();
	/* Without an interrupt any core will do. */
	fake_task(f, exits);
	assert_int_equal(fake_vmcall(first_cpu, RV_HC_FIMCE_RUN, f->id, RV_RUN_BORROWED, 0), RV_FIMCE_DONE);
	expect_blocked();
	assert_int_equal(DESTROY(f), 0);
	assert_int_equal(edu->resets, 0);
	expect_returned();
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
	assert_int_equal(fake_vmcall(first_cpu, RV_HC_FIMCE_RUN, f->id, RV_RUN_BORROWED, 0), RV_FIMCE_DEAD);
	assert_int_equal(DESTROY(f), 0);
	assert_int_equal(fake_log_last()->reason, RV_REASON_DEVICE_KEPT);
	assert_int_equal(hv.device[0].fimce, DEVICE_KEPT);
	/* Nobody has it. */
	expect_blocked();
	assert_int_equal(guest_leaf(BAR0), 0);
	assert_int_equal(partition_find(&hv.partition, pa_make(BAR0))->owner, OWNER_HYPERVISOR);
	assert_true(port_exits(0xcfc) && port_exits(BAR4));
	expect_audit_good();
	assert_int_equal(CREATE(), -RV_EBUSY);
	assert_int_equal(REASON(), RV_REASON_DEVICE_ID);
	expect_audit_good();
}

/* --- the guest meanwhile --------------------------------------------------------------------------------------------- */

static void guest_out(uint32_t port, uint32_t bytes, uint64_t value)
{
	first_cpu->regs.gpr[RAX] = value;
	fake_exit(first_cpu, EXIT_IO, PORT_EXIT(port, bytes, false));
	assert_int_equal(vmcs_read(VMCS_ENTRY_INTERRUPTION_INFO) & INTERRUPTION_VALID, 0);
}

static uint64_t guest_in(uint32_t port, uint32_t bytes)
{
	first_cpu->regs.gpr[RAX] = 0x1122334455667788;
	fake_exit(first_cpu, EXIT_IO, PORT_EXIT(port, bytes, true));
	assert_int_equal(vmcs_read(VMCS_ENTRY_INTERRUPTION_INFO) & INTERRUPTION_VALID, 0);
	return first_cpu->regs.gpr[RAX];
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
	fake_exit(first_cpu, EXIT_IO, PORT_EXIT(0xcfc, 4, true) | 1u << 4);
	assert_int_equal(vmcs_read(VMCS_ENTRY_INTERRUPTION_INFO) & 0x800000ff, INTERRUPTION_VALID | VECTOR_GP);
	fake_exit(first_cpu, EXIT_IO, PORT_EXIT(0xfffe, 4, true));
	assert_int_equal(vmcs_read(VMCS_ENTRY_INTERRUPTION_INFO) & 0x800000ff, INTERRUPTION_VALID | VECTOR_GP);
	assert_int_equal(DESTROY(f), 0);
}

static void test_memory_is_hidden(void **state)
{
	(void)state;
	create_pci(0);
	(void)created();
	vmcs_load(first_cpu->guest_vmcs);
	for (uint32_t i = 0; i < 2; i++) {
		fake_vmcs_set(VMCS_GUEST_PHYSICAL_ADDRESS, i == 0 ? BAR0 + 0x20 : CONFIG_PAGE + 4);
		fake_exit(first_cpu, EXIT_EPT_VIOLATION, i == 0 ? EPT_R : EPT_W);
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
	assert_int_equal(fake_vmcall(first_cpu, RV_HC_FIMCE_RUN, f->id, RV_RUN_BORROWED, 0), RV_FIMCE_DONE);
	assert_int_equal(ran, 1);
	assert_int_equal(guest_in(0x2fd, 1), 0x11223344556677ff); /* until it is returned */
	assert_int_equal(DESTROY(f), 0);
	assert_int_equal(fake_pci_accesses, 0);
	expect_returned();
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
	edu->config[0x34] = FAKE_EXPRESS;
	edu->config[FAKE_EXPRESS + 1] = FAKE_MSIX;
	memset(&edu->config[FAKE_MSI], 0, FAKE_EXPRESS - FAKE_MSI);
	fake_config_set(edu, FAKE_MSIX, 0x11 | 0x4003u << 16);
	remember();
	create_pci(RV_GRANT_INTERRUPT);
	f = created();
	run_dedicated(f, steps);
	assert_int_equal(f->state, RV_FIMCE_DONE);
	assert_int_equal(ran, 1);
	fake_time += 100 * hv.launch.tsc_khz;
	assert_int_equal(edu->resets, 2);
	assert_int_equal(DESTROY(f), 0);
	expect_returned();
}

static uint32_t agent_dies(struct regs *r)
{
	(void)r;
	return EXIT_PREEMPTION_TIMER;
}

static void agent_goes(struct fimce *f)
{
	(void)f;
	fake_agent = agent_dies;
}

/* The agent is starved while the function is to be made quiet and reset: nobody knows what is in it. */
static void test_agent_dies_at_the_end(void **state)
{
	static const struct fake_step steps[] = {
	    {.call = RV_FC_MEASURED, .before = measured}, {.call = RV_FC_EXIT, .before = agent_goes}, {0}};
	struct fimce *f;

	(void)state;
	create_pci(RV_GRANT_INTERRUPT);
	f = created();
	run_dedicated(f, steps);
	fake_agent = NULL;
	assert_int_equal(f->state, RV_FIMCE_DONE);
	fake_time = f->reset_tsc;
	assert_int_equal(DESTROY(f), 0);
	assert_int_equal(fake_log_count(RV_REASON_DEVICE_KEPT), 1);
	assert_int_equal(fake_dma(0, SOURCE, FAKE_TARGET, true), ~0ull);
	expect_audit_good();
}

/* The same when it is given: it is not given, and comes back. */
static void test_agent_dies_at_the_reset(void **state)
{
	static const struct fake_step steps[] = {
	    {.call = RV_FC_MEASURED, .before = measured}, {.call = RV_FC_REFUSE}, {0}};
	struct fimce *f;

	(void)state;
	remember();
	create_pci(0);
	f = created();
	for (struct device *d = hv.device; d < hv.device + VTD_MAX_DEVICES; d++)
		d->failed = d->fimce == f->id;
	run_dedicated(f, steps);
	assert_int_equal(fake_task_rdx, RV_REASON_AGENT_DIED);
	assert_int_equal(f->state, RV_FIMCE_DEAD);
	fake_time = f->reset_tsc;
	assert_int_equal(DESTROY(f), 0);
	expect_returned();
}

static void plant(struct fimce *f)
{
	uint8_t *bitmap = pa_pointer(f->io_bitmaps), *guest = pa_pointer(hv.io_bitmap_a);
	uint64_t *table = pa_pointer(f->dma), saved;
	struct vtd_pair *entry = vtd_pair_at(hv.vtd.unit[0].interrupts, INDEX(0));
	struct vtd_pair *context = vtd_pair_at(pa_make(vtd_pair_at(hv.vtd.root, 0)->low & ENTRY_ADDRESS), SOURCE);
	uint32_t planted = 0;

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
	expect_audit_of_entry(entry);
	saved = context->low;
	context->low = hv.vtd.guest_table.v | 1;
	expect_audit_bad(~1ull);
	context->low = saved;
	/* What root mode believes that the device walks, and what it walks, agree, but nobody looks at that table. */
	for (uint32_t i = 0; i < VTD_MAX_DEVICES; i++) {
		struct vtd_device *d = &hv.vtd.device[i];

		if (d->table.v == 0)
			continue;
		d->table = pa_add(d->table, RV_PAGE_SIZE);
		context->low = saved + RV_PAGE_SIZE;
		expect_audit_bad(~1ull);
		d->table = pa_make(d->table.v - RV_PAGE_SIZE);
		context->low = saved;
		planted++;
	}
	assert_int_equal(planted, 1);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_device_setup, fake_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_life),
	    cmocka_unit_test_setup_teardown(test_life, fake_device_setup_39, fake_teardown),
	    TEST(test_never_sealed),
	    TEST(test_dma_waits_for_the_task),
	    TEST(test_cleaned_comes_back),
	    TEST(test_not_cleaned_is_kept),
	    TEST(test_configuration_ports),
	    TEST(test_memory_is_hidden),
	    cmocka_unit_test_setup_teardown(test_ports, fake_device_setup_without_units, fake_teardown),
	    TEST(test_msix),
	    TEST(test_agent_dies_at_the_end),
	    TEST(test_agent_dies_at_the_reset),
	    TEST(test_audit_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
