// SPDX-License-Identifier: GPL-2.0-only
/*
 * armed.c - attacks by work that the guest has left in a device before it went to a FIMCE; see devices.h and docs/devices.md. An edu can't be
 * reset and begins a transfer EDU_DELAY_MS after it was told to. The virtio entropy device is reset by Ravelin; the machine lets it give no
 * more than BUFFER_BYTES each SOURCE_MS, so that a second buffer of the guest waits there when it leaves.
 */
#include "devices.h"

#include "../../lib/edu.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 5u
#define PATIENCE_MS 2000u
#define LOOK_US 1000u
#define VALUE 0x5a
#define FILLED_LOOKS 100u

/* The attacker's memory: what an edu writes, and how often it was told to; then the virtio queue and its two buffers. */
#define PAGE_AT 1024u
#define COUNT_AT 2048u
#define QUEUE_AT (3 * PAGE)
#define AVAILABLE_AT (QUEUE_AT + 256)
#define USED_AT (QUEUE_AT + 512)
#define BUFFER_AT (QUEUE_AT + 1024)
#define BUFFER_BYTES 16u

/* Virtual I/O Device (VIRTIO) Version 1.1, 4.1.4.3; where QEMU has these registers in BAR 4. */
#define SOURCE_MS 1000u
#define SOURCE_REGISTERS (16u << 10)
#define SOURCE_BAR 0x20u /* and the upper half behind it */
#define COMMON_TAKEN_SELECT 0x08u
#define COMMON_TAKEN 0x0cu
#define COMMON_STATUS 0x14u
#define COMMON_QUEUE 0x16u
#define COMMON_QUEUE_SIZE 0x18u
#define COMMON_QUEUE_ENABLE 0x1cu
#define COMMON_QUEUE_PLACES 0x20u /* descriptors, available ring, used ring: 64 bits each */
#define NOTIFY 0x3000u
#define FEATURES_MODERN_AND_REMAPPED 3u /* bits 32 and 33 */
#define DESCRIPTOR_FILL 2u
#define QUEUE_SIZE 4u

static uint64_t milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static bool memory_is(const struct devices *d, uint64_t at, uint8_t value)
{
	bool is = true;

	for (unsigned int i = 0; i < DMA_BYTES; i++)
		is = is && d->page[at + i] == value;
	return is;
}

static void memory_set(const struct devices *d, uint64_t at, uint8_t value)
{
	for (unsigned int i = 0; i < DMA_BYTES; i++)
		d->page[at + i] = value;
}

/* DMA of this device that was denied since the last look at the log. */
static unsigned int faults_of(struct devices *d, uint32_t source_id)
{
	uint64_t since = d->a->log_next;
	struct rv_log_record r = {0};
	unsigned int count = attack_log_count(d->a, RV_REASON_DMA_READ_FAULT, &r);
	bool is_own = count > 0 && r.value[0] == source_id;

	d->a->log_next = since;
	count += attack_log_count(d->a, RV_REASON_DMA_WRITE_FAULT, &r);
	return is_own || (count > 0 && r.value[0] == source_id) ? count : 0;
}

/* --- an edu, which has no reset --------------------------------------------------------------------------------------- */

/* Another CPU of the guest tells the edu to write, again and again: as soon as it has written. Ends when it does so no more. */
static pid_t edu_keep_busy(const struct devices *d)
{
	struct attack_touch run = {.address = d->other.registers + EDU_DMA_COMMAND,
				   .bytes = sizeof(uint64_t),
				   .step = sizeof(uint64_t),
				   .mapping = ATTACK_MAP_IOREMAP,
				   .write = 1,
				   .value = EDU_DMA_RUN | EDU_DMA_TO_MEMORY};
	uint64_t begin = 0;
	pid_t child = fork();

	if (child != 0)
		return child;
	attack_pin(CORE);
	while (begin == 0 || !memory_is(d, PAGE_AT, VALUE)) {
		d->page[COUNT_AT]++;
		memory_set(d, PAGE_AT, VALUE);
		/* The device may be gone: that is no fault of this program. */
		ioctl(d->a->device, ATTACK_TOUCH, &run);
		begin = milliseconds();
		while (memory_is(d, PAGE_AT, VALUE) && milliseconds() - begin < PATIENCE_MS)
			usleep(LOOK_US);
	}
	_exit(0);
}

/* Its work of the moment ends nowhere when it leaves. @return false: that could not be tried */
static bool edu_leaves(struct devices *d, struct task *t, bool *kept_out)
{
	uint64_t begin = milliseconds();
	bool given;
	pid_t child;

	d->page[COUNT_AT] = 0;
	child = edu_keep_busy(d);
	while (d->page[COUNT_AT] < 3 && milliseconds() - begin < PATIENCE_MS)
		usleep(LOOK_US);
	given = d->page[COUNT_AT] >= 3 && task_create(t, &d->other) == 0;
	if (!given)
		kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	*kept_out = given && memory_is(d, PAGE_AT, VALUE);
	return given;
}

void attack_armed_edu(struct devices *d, const char *copy)
{
	static const uint8_t argument[] = "what the task would have to copy";
	static struct task t = {.argument = argument, .argument_bytes = sizeof(argument)};
	unsigned int given = 0, kept_out = 0, stays_out = 0;

	/* Source, target and count are set by this; the child only starts it. */
	memory_set(d, PAGE_AT, VALUE);
	edu_write_later(&d->other, d->memory + PAGE_AT);
	usleep(2 * EDU_DELAY_MS * 1000);
	attack_control(!memory_is(d, PAGE_AT, VALUE), "an edu that the guest keeps writes what it was told to");
	function_release(&d->other);
	attack_control(task_load(&t, d->a, copy), "a task that wants an edu");
	for (unsigned int i = 0; i < ROUNDS; i++) {
		bool out;

		if (!edu_leaves(d, &t, &out))
			break;
		kept_out += out;
		given += task_destroy(&t);
		usleep(2 * EDU_DELAY_MS * 1000);
		stays_out += memory_is(d, PAGE_AT, VALUE);
	}
	attack_control(given == ROUNDS && function_claim(d, &d->other, d->other.source_id),
		       "an edu leaves the guest while another CPU keeps it busy, and comes back");
	attack_report(kept_out == ROUNDS, kept_out, "an edu that has left goes on with what the guest told it before");
	attack_report(stays_out == ROUNDS, stays_out,
		      "an edu that has come back goes on with what the guest told it before");
	/* The first device that leaves a bus costs tables, which stay. */
	ravelin_info(d->a->ravelin, &d->a->info, NULL);
}

/* --- a virtio device, which is reset ---------------------------------------------------------------------------------- */

static void source_write(const struct devices *d, uint32_t at, uint32_t bytes, uint32_t value)
{
	volatile uint8_t *to = d->source.bar + at;

	if (bytes == 1)
		*to = (uint8_t)value;
	else if (bytes == 2)
		*(volatile uint16_t *)to = (uint16_t)value;
	else
		*(volatile uint32_t *)to = value;
}

static void source_place(const struct devices *d, uint32_t which, uint64_t at)
{
	source_write(d, COMMON_QUEUE_PLACES + 8 * which, 4, (uint32_t)(d->memory + at));
	source_write(d, COMMON_QUEUE_PLACES + 8 * which + 4, 4, (uint32_t)((d->memory + at) >> 32));
}

static bool source_open(struct devices *d)
{
	struct function *f = &d->source;

	f->registers =
	    (uint64_t)pci_read(f->source_id, SOURCE_BAR + 4) << 32 | (pci_read(f->source_id, SOURCE_BAR) & ~0xfu);
	pci_write(f->source_id, PCI_COMMAND, (pci_read(f->source_id, PCI_COMMAND) & 0xffff) | PCI_COMMAND_ON);
	f->bar = f->registers ? physical_at(d->a, f->registers, SOURCE_REGISTERS) : NULL;
	return f->bar != NULL;
}

/* Two buffers of the guest: the device fills the first one, and has to wait before it may fill the second. @return when they were given, in ms */
static uint64_t source_arm(struct devices *d)
{
	volatile uint16_t *available = (volatile uint16_t *)(d->page + AVAILABLE_AT);
	uint64_t begin;

	for (uint64_t i = 0; i < 2; i++) {
		volatile uint64_t *descriptor = (volatile uint64_t *)(d->page + QUEUE_AT + 16 * i);

		memory_set(d, BUFFER_AT + i * BUFFER_BYTES, VALUE);
		descriptor[0] = d->memory + BUFFER_AT + i * BUFFER_BYTES;
		descriptor[1] = BUFFER_BYTES | (uint64_t)DESCRIPTOR_FILL << 32;
		available[2 + i] = (uint16_t)i;
	}
	source_write(d, COMMON_STATUS, 1, 0);
	source_write(d, COMMON_STATUS, 1, 1);
	source_write(d, COMMON_STATUS, 1, 3);
	source_write(d, COMMON_TAKEN_SELECT, 4, 1);
	source_write(d, COMMON_TAKEN, 4, FEATURES_MODERN_AND_REMAPPED);
	source_write(d, COMMON_STATUS, 1, 0xb);
	source_write(d, COMMON_QUEUE, 2, 0);
	source_write(d, COMMON_QUEUE_SIZE, 2, QUEUE_SIZE);
	source_place(d, 0, QUEUE_AT);
	source_place(d, 1, AVAILABLE_AT);
	source_place(d, 2, USED_AT);
	source_write(d, COMMON_QUEUE_ENABLE, 2, 1);
	source_write(d, COMMON_STATUS, 1, 0xf);
	begin = milliseconds();
	available[1] = 2;
	source_write(d, NOTIFY, 2, 0);
	for (unsigned int i = 0; i < FILLED_LOOKS && memory_is(d, BUFFER_AT, VALUE); i++)
		usleep(LOOK_US);
	return begin;
}

static bool second_waits(const struct devices *d)
{
	return memory_is(d, BUFFER_AT + BUFFER_BYTES, VALUE);
}

static void armed_source(struct devices *d, struct task *t)
{
	uint8_t got[BUFFER_BYTES];
	uint64_t begin;
	bool right;

	if (!source_open(d)) {
		attack_control(false, "a virtio device that has a reset");
		return;
	}
	begin = source_arm(d);
	attack_control(!memory_is(d, BUFFER_AT, VALUE), "a virtio device fills a buffer of the guest");
	attack_control(task_create(t, &d->source) == 0 && second_waits(d) && milliseconds() - begin < SOURCE_MS,
		       "the device leaves the guest before it has filled another one");
	usleep(2 * SOURCE_MS * 1000);
	attack_report(second_waits(d), 0, "a virtio device that a FIMCE has fills the guest's buffer");
	attack_log_count(d->a, RV_REASON_NONE, NULL);
	right = task_run(t) == RV_FIMCE_RUNNING && task_output(t, got, sizeof(got));
	attack_report(right && faults_of(d, d->source.source_id) == 0, right,
		      "a virtio device goes on with the guest's queue in its FIMCE");
	attack_control(task_destroy(t), "that device comes back");
	source_write(d, NOTIFY, 2, 0);
	usleep(2 * SOURCE_MS * 1000);
	attack_report(second_waits(d) && d->source.bar[COMMON_STATUS] == 0, d->source.bar[COMMON_STATUS],
		      "a virtio device that has come back goes on with the guest's queue");
	(void)source_arm(d);
	usleep(2 * SOURCE_MS * 1000);
	attack_control(!second_waits(d), "a virtio device that the guest keeps fills both buffers");
}

void attack_armed_source(struct devices *d, const char *random)
{
	static const uint32_t count = BUFFER_BYTES;
	static struct task t = {.argument = &count, .argument_bytes = sizeof(count)};

	if (!task_load(&t, d->a, random)) {
		attack_control(false, "a task that wants a virtio device");
		return;
	}
	armed_source(d, &t);
	/* Another bus. */
	ravelin_info(d->a->ravelin, &d->a->info, NULL);
}
