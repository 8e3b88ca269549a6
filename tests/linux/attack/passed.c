// SPDX-License-Identifier: GPL-2.0-only
/*
 * passed.c - attacks on a device that belongs to a FIMCE: the edu that was the guest's; see devices.h and docs/devices.md.
 *
 * Ravelin logs an access to configuration space through the ports if the one before was not to the same port: so each attempt uses another
 * port than the last one.
 */
#include "devices.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <unistd.h>

#define COMMAND_MEMORY 2u
#define COMMAND_MASTER 4u
#define MCFG_PATH "/sys/firmware/acpi/tables/MCFG"
#define MCFG_BASE 44 /* offset of the first base address; PCI Firmware Specification 3.3, 4.1.2 */
#define IDENTITY 0x010000edu /* of edu, in its first register */
#define INVERTED 0x04u /* returns the complement of what was written */
#define RAM 0x1000000ull /* somewhere in the guest's memory, aligned to the BAR's size */
#define COPY_BYTES (12u << 10)
#define GONE 0xffffffffu

struct passed {
	struct devices *d;
	struct function *f;
	struct task task;
	uint8_t argument[COPY_BYTES];
	uint64_t config; /* its page of configuration space in memory */
};

static void config_select(const struct passed *p, uint32_t offset)
{
	outl(PCI_ENABLE | p->f->source_id << 8 | offset, PCI_ADDRESS);
}

static bool config_logged(struct passed *p)
{
	struct rv_log_record r = {0};

	return attack_log_count(p->d->a, RV_REASON_DEVICE_CONFIG, &r) >= 1 && r.value[1] == p->f->source_id;
}

/* One touch by the guest's kernel. @return true if it was a general protection fault, and is in the log */
static bool touch_denied(struct passed *p, uint64_t address, bool write, uint64_t value)
{
	struct attack_touch t = {.address = address,
				 .bytes = sizeof(uint64_t),
				 .step = sizeof(uint64_t),
				 .mapping = ATTACK_MAP_IOREMAP,
				 .write = write,
				 .value = value};
	struct rv_log_record r = {0};

	attack_log_count(p->d->a, RV_REASON_NONE, NULL);
	return ioctl(p->d->a->device, ATTACK_TOUCH, &t) == 0 && t.general_protections == 1 &&
	       attack_log_count(p->d->a, RV_REASON_HIDDEN_TOUCH, &r) >= 1 &&
	       (r.value[0] & ~PAGE_OFFSETS) == (address & ~PAGE_OFFSETS);
}

static uint64_t config_read_by_memory(const struct passed *p)
{
	struct attack_touch t = {
	    .address = p->config, .bytes = sizeof(uint64_t), .step = sizeof(uint64_t), .mapping = ATTACK_MAP_IOREMAP};

	return ioctl(p->d->a->device, ATTACK_TOUCH, &t) == 0 && t.general_protections == 0 ? t.value : 0;
}

/* --- the attacks ------------------------------------------------------------------------------------------------------ */

/* Its BAR lies over something else when it is to be given away. */
static void bar_over(struct passed *p, const char *what, uint64_t address)
{
	struct rv_failure failure;
	uint32_t command = pci_read(p->f->source_id, PCI_COMMAND) & 0xffff;
	int error;

	pci_write(p->f->source_id, PCI_COMMAND, command & ~COMMAND_MEMORY);
	pci_write(p->f->source_id, PCI_BAR, (uint32_t)address);
	error = task_create(&p->task, p->f);
	failure = ravelin_failure(p->d->a->ravelin);
	if (error == 0)
		task_destroy(&p->task);
	pci_write(p->f->source_id, PCI_BAR, (uint32_t)p->f->registers);
	pci_write(p->f->source_id, PCI_COMMAND, command);
	attack_report(error == -RV_EINVAL && failure.reason == RV_REASON_DEVICE_BAR, error,
		      "a device is given to a FIMCE with its BAR over %s", what);
}

/* The device is a FIMCE's, and does not run yet, or has run: nobody may wake it up. */
static void in_transit(struct passed *p, const char *when)
{
	struct attack *a = p->d->a;
	struct rv_audit audit = {0};
	uint64_t bar = p->f->registers;
	uint32_t byte;
	bool log;

	attack_log_count(a, RV_REASON_NONE, NULL);
	config_select(p, 0);
	byte = inb(PCI_DATA + 1);
	log = config_logged(p);
	attack_report(byte == 0xff && pci_read(p->f->source_id, 0) == GONE && log, byte,
		      "%s: the guest reads its configuration space by ports", when);
	attack_report(config_read_by_memory(p) == ~0ull, (long long)config_read_by_memory(p),
		      "%s: the guest reads its configuration space in memory", when);

	attack_log_count(a, RV_REASON_NONE, NULL);
	config_select(p, PCI_COMMAND);
	outw(COMMAND_MASTER | COMMAND_MEMORY, PCI_DATA);
	config_select(p, PCI_BAR);
	outw((uint16_t)(RAM >> 16), PCI_DATA + 2);
	log = config_logged(p);
	attack_report(log, log, "%s: the guest has it master the bus, by ports, and moves its BAR over its own memory",
		      when);
	attack_log_count(a, RV_REASON_NONE, NULL);
	config_select(p, PCI_BAR);
	outl((uint32_t)a->pool, PCI_DATA);
	log = config_logged(p);
	attack_report(log, log, "%s: the guest moves its BAR over the pool, by ports", when);
	attack_report(touch_denied(p, p->config, true, COMMAND_MASTER | COMMAND_MEMORY), 0,
		      "%s: the guest has it master the bus, in memory", when);
	attack_report(touch_denied(p, p->config + PCI_BAR, true, RAM), 0, "%s: the guest moves its BAR, in memory",
		      when);

	attack_report(touch_denied(p, bar, false, 0) && touch_denied(p, bar + INVERTED, true, 0x12345678), 0,
		      "%s: the guest reads and writes its registers", when);
	attack_report(dma_read_is_denied(p->d, bar) && dma_write_is_denied(p->d, bar), 0,
		      "%s: another device reads and writes its registers by DMA", when);
	attack_report(ravelin_audit(a->ravelin, &audit) == 0 && audit.bad == 0, (long long)audit.bad,
		      "%s: no table grants it to the guest", when);
}

static bool output_is_right(struct passed *p)
{
	static uint8_t got[COPY_BYTES];

	return task_output(&p->task, got, sizeof(got)) && memcmp(got, p->argument, sizeof(got)) == 0;
}

/* While the task works with it: every transfer takes 100 ms, so all of this is in time. */
static void while_running(struct passed *p)
{
	struct attack *a = p->d->a;
	bool log, denied;

	attack_log_count(a, RV_REASON_NONE, NULL);
	config_select(p, PCI_COMMAND);
	outw(0, PCI_DATA);
	config_select(p, PCI_BAR);
	outw((uint16_t)(RAM >> 16), PCI_DATA + 2);
	log = config_logged(p);
	denied = touch_denied(p, p->f->registers + 0x80, true, a->pool);
	denied = touch_denied(p, p->config, true, 0) && denied;
	denied = dma_write_is_denied(p->d, p->f->registers) && denied;
	attack_report(log && denied && task_is_running(&p->task), log * 2 + denied,
		      "a FIMCE works with its device: the guest stops the device, moves it, writes to its registers");
}

static bool works_again(struct passed *p)
{
	uint64_t before;
	bool good;

	/* As Linux had it: nobody has claimed it yet. */
	good = pci_read(p->f->source_id, PCI_BAR) == (uint32_t)p->f->registers &&
	       (pci_read(p->f->source_id, PCI_COMMAND) & COMMAND_MASTER) != 0;
	if (!function_claim(p->d, p->f, p->f->source_id))
		return false;
	*(volatile uint32_t *)(p->f->bar + INVERTED) = 0x12345678;
	good = good && *(volatile uint32_t *)p->f->bar == IDENTITY &&
	       *(volatile uint32_t *)(p->f->bar + INVERTED) == ~0x12345678u;
	before = interrupts_of(p->f);
	edu_raise(p->f);
	settle();
	return good && interrupts_of(p->f) == before + 1;
}

/* Killed in the middle of its work. The device can't be reset and may hold what it was given: it must stay away. */
static void killed(struct passed *p)
{
	struct attack *a = p->d->a;
	uint64_t bar = p->f->registers;
	bool running, kept;

	function_release(p->f);
	running = task_create(&p->task, p->f) == 0 && task_run(&p->task) == RV_FIMCE_RUNNING &&
		  task_has_device(&p->task) && task_is_running(&p->task);
	attack_control(running && task_destroy(&p->task), "a FIMCE is killed while it works with its device");
	kept = attack_log_count(a, RV_REASON_DEVICE_KEPT, NULL) == 1;
	attack_report(kept && touch_denied(p, bar, false, 0) && dma_read_is_denied(p->d, bar) &&
			  config_read_by_memory(p) == ~0ull && pci_read(p->f->source_id, 0) == GONE,
		      kept, "what the device of a killed FIMCE holds is read: the device stays away");
	/* With the page that the guest sees in the place of its configuration space. */
	ravelin_info(a->ravelin, &a->info, NULL);
}

static bool mcfg_read(uint64_t *base)
{
	int file = open(MCFG_PATH, O_RDONLY);
	bool good = file >= 0 && pread(file, base, sizeof(*base), MCFG_BASE) == sizeof(*base);

	if (file >= 0)
		close(file);
	return good;
}

static bool prepare(struct passed *p, const char *path)
{
	uint64_t ecam;

	if (!mcfg_read(&ecam) || !task_load(&p->task, p->d->a, path))
		return false;
	p->config = ecam + ((uint64_t)p->f->source_id << 12);
	for (uint32_t i = 0; i < COPY_BYTES; i++)
		p->argument[i] = (uint8_t)(i * 13 + (i >> 8));
	p->task.argument = p->argument;
	p->task.argument_bytes = sizeof(p->argument);
	return true;
}

/* The first device that leaves the guest costs a context table, which stays. */
static bool first_time(struct passed *p)
{
	return task_create(&p->task, p->f) == 0 && task_destroy(&p->task) &&
	       ravelin_info(p->d->a->ravelin, &p->d->a->info, NULL) == 0;
}

void attack_passed(struct devices *d, const char *image)
{
	static struct passed p;
	int error;

	p.d = d;
	p.f = &d->other;
	if (!prepare(&p, image)) {
		attack_control(false, "a task that wants a device");
		return;
	}
	attack_control((uint32_t)config_read_by_memory(&p) == pci_read(p.f->source_id, 0),
		       "ports and memory show the same configuration space");
	function_release(p.f);
	bar_over(&p, "the guest's memory", RAM);
	bar_over(&p, "the pool", d->a->pool);
	bar_over(&p, "the interrupt range", MSI_ADDRESS);
	attack_control(first_time(&p), "a device is given to a FIMCE, and comes back");

	error = task_create(&p.task, p.f);
	if (error) {
		char why[300];

		printf("     %s\n", ravelin_explain(d->a->ravelin, error, why, sizeof(why)));
		attack_control(false, "a device is given to a FIMCE");
		return;
	}
	in_transit(&p, "a device in transit");
	error = task_run(&p.task);
	if (error == RV_FIMCE_RUNNING && task_has_device(&p.task))
		while_running(&p);
	attack_report(output_is_right(&p), error, "its task is done with it, and has the right result");
	in_transit(&p, "a device after its task");
	attack_control(task_destroy(&p.task) && works_again(&p),
		       "the device is the guest's again, as it was, and interrupts");
	killed(&p);
}
