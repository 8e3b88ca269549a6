// SPDX-License-Identifier: GPL-2.0-only
/* dma.c - attacks by DMA: on the pool, a FIMCE, the remapping unit, and a page that an update holds; see devices.h. */
#include "devices.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGEMAP_PRESENT (1ull << 63)
#define PAGEMAP_FRAME ((1ull << 55) - 1)

static const uint8_t pattern[DMA_BYTES] = {'r', 'a', 'v', 'e', 'l', 'i', 'n', ' ',
					   'w', 'a', 's', ' ', 'h', 'e', 'r', 'e'};

/* A denied read brings nothing, or zeros, or ones. What is tried for has no such sixteen bytes where it matters. */
static bool buffer_is_empty(const struct devices *d)
{
	uint8_t got[DMA_BYTES];
	bool uniform = true;

	if (!edu_buffer(d, got))
		return false;
	for (unsigned int i = 1; i < DMA_BYTES; i++)
		uniform = uniform && got[i] == got[0];
	return memcmp(got, pattern, sizeof(got)) == 0 || (uniform && (got[0] == 0 || got[0] == 0xff));
}

bool dma_read_is_denied(struct devices *d, uint64_t address)
{
	bool done = edu_buffer_set(d, pattern), logged;

	attack_log_count(d->a, RV_REASON_NONE, NULL);
	done = done && edu_read(d, address);
	logged = dma_was_logged(d, address, false);
	return done && logged && buffer_is_empty(d);
}

static void try_read(struct devices *d, const char *where, uint64_t address)
{
	attack_report(dma_read_is_denied(d, address), 0, "a device reads %s by DMA", where);
}

bool dma_write_is_denied(struct devices *d, uint64_t address)
{
	bool done;

	attack_log_count(d->a, RV_REASON_NONE, NULL);
	done = edu_write(d, address);
	return dma_was_logged(d, address, true) && done;
}

static void try_write(struct devices *d, const char *where, uint64_t address)
{
	attack_report(dma_write_is_denied(d, address), 0, "a device writes to %s by DMA", where);
}

static void try_both(struct devices *d, const char *where, uint64_t address)
{
	try_read(d, where, address);
	try_write(d, where, address);
}

static void read_running(struct devices *d, const void *address)
{
	d->denied = dma_read_is_denied(d, *(const uint64_t *)address);
}

static void write_running(struct devices *d, const void *address)
{
	d->denied = dma_write_is_denied(d, *(const uint64_t *)address);
}

/* Each run of the victim is at the same place. */
static void try_running(struct devices *d, void (*strike)(struct devices *d, const void *address), const char *what,
			uint64_t address)
{
	uint64_t exits = victim_strike(d, strike, &address);

	attack_report(exits == 0 && d->denied, (long long)exits, "%s", what);
}

/* The unit's registers: the guest's own unit stands there, which a device may read as the guest's CPUs may. */
static void try_unit(struct devices *d)
{
	try_write(d, "the remapping unit's registers", d->unit);
}

void attack_dma(struct devices *d)
{
	const struct attack *a = d->a;
	struct victim *v = &d->victim;
	uint8_t got[DMA_BYTES] = {0};
	bool control = edu_buffer_set(d, pattern) && edu_write(d, d->memory + 512);

	for (unsigned int i = 0; i < DMA_BYTES; i++)
		got[i] = d->page[512 + i];
	/* Not an attack, but without it the others would show nothing. */
	attack_control(control && memcmp(got, pattern, sizeof(got)) == 0,
		       "DMA to a page of the guest works, both ways");

	try_both(d, "the hypervisor's image", a->pool);
	try_both(d, "the middle of the pool", a->pool + a->pool_bytes / 2);
	try_both(d, "the end of the pool", a->pool + a->pool_bytes - PAGE);
	try_unit(d);

	victim_run(d, NULL);
	try_running(d, read_running, "a device reads a running FIMCE's memory by DMA", v->memory);
	try_running(d, write_running, "a device writes to a running FIMCE's memory by DMA",
		    v->memory + v->memory_bytes / 2);
	try_both(d, "the end of a FIMCE's memory", v->memory + v->memory_bytes - PAGE);
	victim_end(d);
	attack_report(v->runs > 0 && v->wrong == 0, v->wrong, "the results of FIMCEs attacked by DMA are right");
}

/* Where a page of a process is. It has been made a private one before, so that the update holds this very page. */
static uint64_t page_of(int pid, uint64_t address)
{
	uint64_t entry = 0;
	char path[64];
	int file;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	file = open(path, O_RDONLY);
	if (file < 0 || pread(file, &entry, sizeof(entry), (off_t)(address / PAGE * sizeof(entry))) != sizeof(entry))
		entry = 0;
	if (file >= 0)
		close(file);
	return entry & PAGEMAP_PRESENT ? (entry & PAGEMAP_FRAME) * PAGE : 0;
}

static pid_t update_start(int pid, const char *update)
{
	char number[16];
	pid_t child = fork();

	if (child != 0)
		return child;
	attack_pin(0);
	snprintf(number, sizeof(number), "%d", pid);
	if (!freopen("update.out", "w", stdout) || dup2(1, 2) < 0)
		_exit(126);
	execlp("ravelin", "ravelin", "update", "apply", "--pid", number, update, (char *)NULL);
	_exit(127);
}

void attack_frozen(struct devices *d, int pid, uint64_t address, const char *update)
{
	uint8_t before[DMA_BYTES], seen[DMA_BYTES], after[DMA_BYTES];
	bool control, read_denied = false, write_denied = false, empty = false;
	unsigned int reads = 0;
	uint64_t physical;
	char path[64];
	pid_t child;
	int memory, status = -1;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	memory = open(path, O_RDWR);
	/* The same bytes: all that it does is to make the page a private one. */
	if (memory < 0 || pread(memory, before, sizeof(before), (off_t)address) != sizeof(before) ||
	    pwrite(memory, before, sizeof(before), (off_t)address) != sizeof(before)) {
		attack_report(false, errno, "the memory of process %d", pid);
		return;
	}
	physical = page_of(pid, address) + (address & PAGE_OFFSETS);
	control = edu_read(d, physical) && edu_buffer(d, seen) && memcmp(seen, before, sizeof(seen)) == 0;
	attack_control(control, "DMA reads a page of a process, before an update");

	attack_pin(1);
	attack_log_count(d->a, RV_REASON_NONE, NULL);
	child = update_start(pid, update);
	while (waitpid(child, &status, WNOHANG) == 0) {
		if (read_denied) {
			/* The page is away. The update's code never ends: there is time until the watchdog comes. */
			empty = buffer_is_empty(d);
			write_denied =
			    edu_buffer_set(d, pattern) && edu_write(d, physical) && dma_was_logged(d, physical, true);
			waitpid(child, &status, 0);
			break;
		}
		read_denied = edu_read(d, physical) && dma_was_logged(d, physical, false);
		reads++;
	}
	attack_pin(0);
	if (pread(memory, after, sizeof(after), (off_t)address) != sizeof(after))
		memset(after, 0, sizeof(after));
	close(memory);
	attack_report(read_denied && empty, reads, "a device reads a page that an update holds, by DMA");
	attack_report(write_denied, status, "a device writes to a page that an update holds, by DMA");
	attack_report(WIFEXITED(status) && WEXITSTATUS(status) != 0 && memcmp(after, before, sizeof(after)) == 0,
		      status, "the update, which never ends, is taken back and leaves what was there");
	control = edu_buffer_set(d, pattern) && edu_read(d, physical) && edu_buffer(d, seen) &&
		  memcmp(seen, before, sizeof(seen)) == 0;
	attack_control(control, "DMA reads the page again, after the update");
}
