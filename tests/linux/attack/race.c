// SPDX-License-Identifier: GPL-2.0-only
/*
 * race.c - attacks by a second CPU: an image that changes while Ravelin takes it, a page that is read while it is patched.
 */
#include "attack.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096ull
#define INPUT_PAGES 2u
#define ROUNDS 300u
#define ROUNDS_MAX 3000u
#define VALUES_MAX 8u

/* The pages of the hypercall, in one piece of physical memory. */
enum layout {
	PAGE_CREATE,
	PAGE_INPUT_FRAMES,
	PAGE_RESULT_FRAMES,
	PAGE_RESULT,
	PAGE_INPUT, /* INPUT_PAGES of them */
	PAGES = PAGE_INPUT + INPUT_PAGES
};

struct race {
	struct attack *a;
	uint64_t physical;
	uint8_t *page;
	volatile uint8_t *byte; /* of the image, the one that changes */
	uint8_t value[2]; /* old and new */
	atomic_bool stop;
};

/** What a FIMCE is, and what it did. */
struct identity {
	uint8_t digest[RV_DIGEST_SIZE]; /* as Ravelin measured it */
	uint8_t output[RV_DIGEST_SIZE];
};

static uint64_t frame(const struct race *r, uint32_t page)
{
	return r->physical + page * PAGE;
}

/** The first constant of SHA-256 (FIPS 180-4, 4.2.2): with another one the task computes another digest. */
static uint8_t *constant_find(uint8_t *image, size_t bytes)
{
	static const uint8_t first[] = {0x98, 0x2f, 0x8a, 0x42, 0x91, 0x44, 0x37, 0x71};

	for (size_t i = 0; i + sizeof(first) <= bytes; i++) {
		if (memcmp(image + i, first, sizeof(first)) == 0)
			return image + i;
	}
	return NULL;
}

static bool race_prepare(struct race *r)
{
	const struct rv_image_header *h = (const struct rv_image_header *)(const void *)r->a->image;
	struct rv_fimce_create *c;
	struct rv_frames *f;
	uint32_t offset = (uint32_t)((r->a->image_bytes + 15) & ~(size_t)15);

	if (offset + 16 > INPUT_PAGES * PAGE)
		return false;
	memcpy(r->page + PAGE_INPUT * PAGE, r->a->image, r->a->image_bytes);
	r->byte = constant_find(r->page + PAGE_INPUT * PAGE, r->a->image_bytes);
	if (!r->byte)
		return false;
	r->value[0] = *r->byte;
	r->value[1] = *r->byte ^ 1;

	f = (struct rv_frames *)(void *)(r->page + PAGE_INPUT_FRAMES * PAGE);
	f->count = INPUT_PAGES;
	f->bytes = offset;
	for (uint32_t i = 0; i < INPUT_PAGES; i++)
		f->frame[i] = frame(r, PAGE_INPUT + i);
	f = (struct rv_frames *)(void *)(r->page + PAGE_RESULT_FRAMES * PAGE);
	f->count = 1;
	f->bytes = PAGE;
	f->frame[0] = frame(r, PAGE_RESULT);
	c = (struct rv_fimce_create *)(void *)(r->page + PAGE_CREATE * PAGE);
	c->size = sizeof(*c);
	c->input = frame(r, PAGE_INPUT_FRAMES);
	c->argument_offset = offset;
	c->load_bytes = h->load_bytes;
	c->output_bytes = h->output_bytes;
	c->stack_bytes = h->stack_bytes;
	c->budget_us = h->budget_us;
	return true;
}

/** One FIMCE from the memory as it is. @return true if it came to its end */
static bool race_once(struct race *r, struct identity *who)
{
	const uint8_t *result = r->page + PAGE_RESULT * PAGE;
	struct attack_call c = attack_hypercall(r->a, RV_HC_FIMCE_CREATE, frame(r, PAGE_CREATE), 0, 0);
	uint64_t id = c.rax;
	bool good;

	if ((int64_t)id <= 0)
		return false;
	c = attack_hypercall(r->a, RV_HC_FIMCE_RUN, id, RV_RUN_BORROWED, 0);
	good = c.rax == RV_FIMCE_DONE;
	c = attack_hypercall(r->a, RV_HC_FIMCE_STATUS, id, frame(r, PAGE_RESULT_FRAMES), 0);
	memcpy(who->digest, result + offsetof(struct rv_fimce_status, image_digest), RV_DIGEST_SIZE);
	good = good && (int64_t)c.rax > 0;
	c = attack_hypercall(r->a, RV_HC_FIMCE_OUTPUT, id, frame(r, PAGE_RESULT_FRAMES), 0);
	memcpy(who->output, result, RV_DIGEST_SIZE);
	good = good && c.rax == RV_DIGEST_SIZE;
	attack_hypercall(r->a, RV_HC_FIMCE_DESTROY, id, 0, 0);
	return good;
}

/** The attacker on the other CPU. */
static void *race_change(void *argument)
{
	struct race *r = argument;
	uint32_t random = 12345;

	attack_pin(1);
	while (!atomic_load(&r->stop)) {
		*r->byte = r->value[random >> 31];
		random = random * 1664525u + 1013904223u;
	}
	return NULL;
}

void attack_race(struct attack *a)
{
	static struct race r;
	struct attack_memory m = {.bytes = PAGES * PAGE};
	struct identity pure[2] = {0}, got;
	unsigned int seen[2] = {0, 0}, mixed = 0, failed = 0, round;
	int device = open(ATTACK_PATH, O_RDWR);
	pthread_t thread;

	r.a = a;
	if (device < 0 || ioctl(device, ATTACK_MEMORY, &m) != 0) {
		attack_report(false, errno, "memory for an image that changes");
		return;
	}
	r.physical = m.address;
	r.page = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, device, (off_t)m.address);
	if (r.page == MAP_FAILED || !race_prepare(&r)) {
		attack_report(false, errno, "an image that changes");
		return;
	}
	for (int i = 0; i < 2; i++) {
		*r.byte = r.value[i];
		failed += !race_once(&r, &pure[i]);
	}
	attack_report(failed == 0 && memcmp(pure[0].digest, pure[1].digest, RV_DIGEST_SIZE) != 0 &&
			  memcmp(pure[0].output, pure[1].output, RV_DIGEST_SIZE) != 0,
		      failed, "one changed byte of an image changes its digest, and what it does");

	pthread_create(&thread, NULL, race_change, &r);
	for (round = 0; round < ROUNDS || (round < ROUNDS_MAX && (seen[0] == 0 || seen[1] == 0)); round++) {
		int which;

		if (!race_once(&r, &got)) {
			failed++;
			continue;
		}
		which = memcmp(got.digest, pure[1].digest, RV_DIGEST_SIZE) == 0;
		if (memcmp(&got, &pure[which], sizeof(got)) == 0)
			seen[which]++;
		else
			mixed++;
	}
	atomic_store(&r.stop, true);
	pthread_join(thread, NULL);
	attack_report(failed == 0 && mixed == 0 && seen[0] > 0 && seen[1] > 0, failed + mixed,
		      "another CPU changes an image while it is taken: %u times the old one ran, %u times the new one, "
		      "as measured",
		      seen[0], seen[1]);
	munmap(r.page, PAGES * PAGE);
	close(device);
}

static volatile sig_atomic_t watch_over;

static void watch_end(int number)
{
	(void)number;
	watch_over = 1;
}

int attack_watch(int pid, uint64_t address)
{
	struct sigaction action = {.sa_handler = watch_end};
	uint64_t value[VALUES_MAX], word = 0;
	unsigned long reads = 0;
	unsigned int count = 0, i;
	char path[64];
	int memory;

	sigaction(SIGTERM, &action, NULL);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	memory = open(path, O_RDONLY);
	if (memory < 0) {
		perror(path);
		return 1;
	}
	printf("watching\n");
	fflush(stdout);
	while (!watch_over) {
		if (pread(memory, &word, sizeof(word), (off_t)address) != (ssize_t)sizeof(word)) {
			perror("pread");
			return 1;
		}
		reads++;
		for (i = 0; i < count && value[i] != word; i++)
			;
		if (i == count && count < VALUES_MAX)
			value[count++] = word;
	}
	printf("%lu reads, values=%u, last=%016llx\n", reads, count, (unsigned long long)word);
	return 0;
}
