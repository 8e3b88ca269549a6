// SPDX-License-Identifier: GPL-2.0-only
/*
 * attack.c - runs in the guest: attacks on Ravelin, one line each.
 *
 *	attack IMAGE			all attacks; IMAGE is the task that prints the SHA-256 of its input
 *	attack devices IMAGE MODEXP EDUCOPY PID ADDRESS UPDATE	those by devices, on a machine with VT-d: with what the test tests/nested/attack-devices
 *					has put into it, and a process with a page that the update in this file holds for long
 *	attack watch PID ADDRESS	see attack_watch()
 *
 * Exit status: 0 if every attack was blocked.
 */
#include "devices.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define IMAGE_MAX (256u << 10)

static unsigned int tried, blocked_count, controls_failed, skipped;

void attack_skip(const char *format, ...)
{
	va_list list;

	skipped++;
	printf("SKIP attack: ");
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	printf("\n");
}

void attack_report(bool blocked, long long got, const char *format, ...)
{
	va_list list;

	tried++;
	blocked_count += blocked;
	printf(blocked ? "PASS attack: " : "FAIL attack: ");
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	if (!blocked)
		printf(": got %lld (0x%llx)", got, (unsigned long long)got);
	printf("\n");
	fflush(stdout);
}

void attack_control(bool good, const char *what)
{
	controls_failed += !good;
	printf("%s control: %s\n", good ? "PASS" : "FAIL", what);
	fflush(stdout);
}

unsigned int attack_log_count(struct attack *a, uint32_t reason, struct rv_log_record *record)
{
	static struct rv_log_record batch[64];
	unsigned int count = 0;
	int n;

	while ((n = ravelin_log_read(a->ravelin, a->log_next, batch, 64)) > 0) {
		for (int i = 0; i < n; i++) {
			if (batch[i].reason != reason)
				continue;
			count++;
			if (record)
				*record = batch[i];
		}
		a->log_next = batch[n - 1].sequence + 1;
	}
	return count;
}

bool attack_fimce_is_right(struct attack *a)
{
	/* FIPS 180-4's example: SHA-256 of "abc". */
	static const uint8_t want[RV_DIGEST_SIZE] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
						     0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
						     0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
	uint8_t got[RV_DIGEST_SIZE] = {0};
	uint32_t id;
	bool right;

	if (ravelin_fimce_create(a->ravelin, a->image, a->image_bytes, "abc", 3, &id))
		return false;
	right = ravelin_fimce_run(a->ravelin, id, RV_RUN_HERE) == RV_FIMCE_DONE &&
		ravelin_fimce_output(a->ravelin, id, 0, got, sizeof(got)) == (int)sizeof(got) &&
		memcmp(got, want, sizeof(want)) == 0;
	ravelin_fimce_destroy(a->ravelin, id);
	return right;
}

struct attack_call attack_hypercall(const struct attack *a, uint64_t number, uint64_t rdi, uint64_t rsi, uint64_t rdx)
{
	struct attack_call c = {.rax = number, .rdi = rdi, .rsi = rsi, .rdx = rdx};

	if (ioctl(a->device, ATTACK_CALL, &c) != 0)
		c.trap = VECTOR_UD;
	return c;
}

void attack_pin(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0)
		attack_report(false, errno, "a thread runs on CPU %u", cpu);
}

size_t attack_image_load(const char *path, uint8_t **image)
{
	FILE *f = fopen(path, "rb");
	size_t bytes = 0;

	*image = malloc(IMAGE_MAX);
	if (f && *image)
		bytes = fread(*image, 1, IMAGE_MAX, f);
	if (f)
		fclose(f);
	return bytes < IMAGE_MAX ? bytes : 0;
}

/** Where the pool is: Ravelin's first record says it. */
static bool pool_find(struct attack *a)
{
	struct rv_log_record record = {0};

	a->log_next = 1;
	if (attack_log_count(a, RV_REASON_LAUNCH_OK, &record) == 0)
		return false;
	a->pool = record.value[1];
	a->pool_bytes = record.value[2];
	return true;
}

static bool attack_open(struct attack *a, const char *image)
{
	char why[300];

	a->device = open(ATTACK_PATH, O_RDWR);
	a->image_bytes = attack_image_load(image, &a->image);
	if (a->device < 0 || ravelin_open(&a->ravelin) || a->image_bytes == 0 ||
	    ravelin_info(a->ravelin, &a->info, NULL) || !pool_find(a)) {
		printf("FAIL attack: set-up: %s\n", ravelin_explain(NULL, -errno, why, sizeof(why)));
		return false;
	}
	printf("     the pool is at 0x%llx, %llu bytes\n", (unsigned long long)a->pool,
	       (unsigned long long)a->pool_bytes);
	attack_pin(0);
	return true;
}

static int attack_end(struct attack *a)
{
	struct rv_info info;
	struct rv_audit audit = {0};

	attack_report(ravelin_audit(a->ravelin, &audit) == 0, (long long)audit.bad,
		      "after all that the live tables grant nothing that they must not");
	attack_report(attack_fimce_is_right(a), 0, "after all that a FIMCE computes what it should");
	attack_report(ravelin_info(a->ravelin, &info, NULL) == 0 && info.fimce_count == 0 &&
			  info.pool_free_bytes == a->info.pool_free_bytes,
		      (long long)info.pool_free_bytes, "after all that no byte of the pool is lost");
	printf("%s attack: %u of %u attacks blocked, %u not judged on this machine\n",
	       blocked_count == tried ? "PASS" : "FAIL", blocked_count, tried, skipped);
	return blocked_count != tried || controls_failed != 0;
}

static int attack_all(const char *image)
{
	static struct attack a;

	if (!attack_open(&a, image))
		return 1;
	attack_memory(&a);
	attack_instructions(&a);
	attack_hypercalls(&a);
	if (a.info.cpu_count > 1) {
		attack_race(&a);
		attack_storm(&a);
	} else {
		attack_skip("those that need a second CPU: this machine has one");
	}
	return attack_end(&a);
}

static int attack_devices(char **argument)
{
	static struct attack a;
	static struct devices d;

	if (!attack_open(&a, argument[0]))
		return 1;
	if (!devices_find(&d, &a)) {
		printf("FAIL attack: set-up: devices\n");
		return 1;
	}
	attack_armed_edu(&d, argument[2]);
	if (!victim_begin(&d, argument[1])) {
		printf("FAIL attack: set-up: a core for a FIMCE\n");
		return 1;
	}
	attack_dma(&d);
	attack_messages(&d);
	attack_unit(&d);
	attack_armed_source(&d, argument[6]);
	attack_passed(&d, argument[2]);
	victim_give_core(&d);
	attack_frozen(&d, atoi(argument[3]), strtoull(argument[4], NULL, 0), argument[5]);
	return attack_end(&a);
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "watch") == 0)
		return attack_watch(atoi(argv[2]), strtoull(argv[3], NULL, 0));
	if (argc == 9 && strcmp(argv[1], "devices") == 0)
		return attack_devices(argv + 2);
	if (argc != 2) {
		fprintf(stderr,
			"usage: attack IMAGE | attack devices IMAGE MODEXP EDUCOPY PID ADDRESS UPDATE RANDOM | attack "
			"watch PID ADDRESS\n");
		return 64;
	}
	return attack_all(argv[1]);
}
