// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory.c - attacks on hidden memory: the pool with the hypervisor and the FIMCEs, and the trampoline page.
 */
#include "attack.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096ull
#define LOW_MEMORY 0xa0000ull
#define ACCESS_READ 1u
#define ACCESS_WRITE 2u
#define ACCESS_FETCH 4u
#define JUNK 0x4141414141414141ull

static const char *const mapping_name[ATTACK_MAPPINGS] = {"memremap", "ioremap", "ioremap_wc"};

/** True if the last touch, of this kind and at this place, is in the log. */
static bool logged(struct attack *a, uint64_t address, uint64_t access)
{
	struct rv_log_record r;

	return attack_log_count(a, RV_REASON_HIDDEN_TOUCH, &r) >= 1 && (r.value[0] & ~(PAGE - 1)) == address &&
	       (r.value[1] & access) == access;
}

static void module_touch(struct attack *a, const char *where, uint64_t address)
{
	for (uint32_t mapping = 0; mapping < ATTACK_MAPPINGS; mapping++) {
		for (uint32_t write = 0; write < 2; write++) {
			struct attack_touch t = {.address = address,
						 .bytes = PAGE,
						 .step = PAGE,
						 .mapping = mapping,
						 .write = write,
						 .value = JUNK};
			int error = ioctl(a->device, ATTACK_TOUCH, &t) ? errno : 0;

			attack_report(error == 0 && t.general_protections == 1 &&
					  logged(a, address, write ? ACCESS_WRITE : ACCESS_READ),
				      error ? error : (long long)t.value, "the kernel %s %s through %s",
				      write ? "writes to" : "reads", where, mapping_name[mapping]);
		}
	}
}

static sigjmp_buf trap_return;

static void trap_handler(int number)
{
	siglongjmp(trap_return, number);
}

enum access {
	READ,
	WRITE,
	FETCH
};

/** @return the signal that came, or 0 */
static int program_touch(void *at, enum access access)
{
	volatile uint64_t *word = at;
	int number = sigsetjmp(trap_return, 1);

	if (number != 0)
		return number;
	if (access == READ)
		(void)*word;
	else if (access == WRITE)
		*word = JUNK;
	else
		((void (*)(void))at)();
	return 0;
}

/** Maps a page by a device whose offsets are physical addresses, and touches it from ring 3. */
static void program_map(struct attack *a, const char *how, int device, bool may_refuse, const char *where,
			uint64_t address)
{
	static const char *const verb[] = {"reads", "writes to", "jumps to"};
	static const uint64_t bit[] = {ACCESS_READ, ACCESS_WRITE, ACCESS_FETCH};
	void *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED, device, (off_t)address);

	if (at == MAP_FAILED) {
		/* Linux keeps /dev/mem closed by itself for what it thinks is memory. */
		attack_report(may_refuse, errno, "a program maps %s by %s: Linux says %s", where, how, strerror(errno));
		return;
	}
	for (int access = READ; access <= FETCH; access++) {
		int got = program_touch(at, (enum access)access);

		attack_report(got == SIGSEGV && logged(a, address, bit[access]), got, "a program %s %s mapped by %s",
			      verb[access], where, how);
	}
	munmap(at, PAGE);
}

static void dev_mem(struct attack *a, const char *where, uint64_t address)
{
	int device = open("/dev/mem", O_RDWR);
	uint64_t word = JUNK;
	ssize_t n;

	if (device < 0) {
		attack_skip("/dev/mem: %s", strerror(errno));
		return;
	}
	/* Not write(): Linux zeroes what it could not copy, outside its exception table, and the #GP there ends in an oops. */
	n = pread(device, &word, sizeof(word), (off_t)address);
	attack_report(n < 0, n, "read() of %s from /dev/mem: %s", where, n < 0 ? strerror(errno) : "done");
	program_map(a, "/dev/mem", device, true, where, address);
	close(device);
}

/** Every page of a range. @return how many were let through */
static uint64_t sweep(struct attack *a, uint64_t address, uint64_t bytes, uint64_t step, bool write,
		      struct attack_touch *t)
{
	*t = (struct attack_touch){.address = address,
				   .bytes = bytes,
				   .step = step,
				   .mapping = ATTACK_MAP_IOREMAP_WC,
				   .write = write,
				   .value = JUNK};
	if (ioctl(a->device, ATTACK_TOUCH, t) != 0)
		return bytes / step;
	return t->touches - t->general_protections;
}

/** The trampoline is the one page of low memory that raises #GP; Linux does not know it. Each page is mapped by itself. */
static uint64_t trampoline_find(struct attack *a)
{
	uint64_t found = 0, count = 0;

	for (uint64_t at = 0; at < LOW_MEMORY; at += PAGE) {
		struct attack_touch t = {
		    .address = at, .bytes = PAGE, .step = PAGE, .mapping = ATTACK_MAP_MEMREMAP, .write = 0};

		if (ioctl(a->device, ATTACK_TOUCH, &t) != 0 || t.general_protections == 0)
			continue;
		found = at;
		count++;
	}
	attack_report(count == 1, (long long)count, "all pages of low memory are read: one is hidden, the trampoline");
	return found;
}

void attack_memory(struct attack *a)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP};
	struct sigaction action = {.sa_handler = trap_handler};
	uint64_t trampoline = trampoline_find(a), open_pages;
	struct attack_touch t;
	uint32_t id = 0;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
	module_touch(a, "the hypervisor's image", a->pool);
	module_touch(a, "the end of the pool", a->pool + a->pool_bytes - PAGE);
	program_map(a, "a driver", a->device, false, "the hypervisor's image", a->pool);
	dev_mem(a, "the hypervisor's image", a->pool);
	if (trampoline != 0) {
		module_touch(a, "the trampoline", trampoline);
		program_map(a, "a driver", a->device, false, "the trampoline", trampoline);
	}

	/* One that stands there built: its memory is somewhere in the pool, too. */
	attack_report(ravelin_fimce_create(a->ravelin, a->image, a->image_bytes, "abc", 3, &id) == 0, id,
		      "a FIMCE is there to be attacked");
	open_pages = sweep(a, a->pool, a->pool_bytes, PAGE, false, &t);
	attack_report(open_pages == 0, (long long)open_pages,
		      "every page of the pool is read, %llu with that FIMCE's among them",
		      (unsigned long long)t.touches);
	open_pages = sweep(a, a->pool, a->pool_bytes, PAGE, true, &t);
	attack_report(open_pages == 0, (long long)open_pages, "every page of the pool is written to");
	attack_report(ravelin_fimce_run(a->ravelin, id, RV_RUN_HERE) == RV_FIMCE_DONE, 0,
		      "the FIMCE runs to its end after that");
	ravelin_fimce_destroy(a->ravelin, id);
	attack_report(attack_fimce_is_right(a), 0, "its image and the manager are unchanged: the next one is right");
	attack_log_count(a, RV_REASON_NONE, NULL);
}
