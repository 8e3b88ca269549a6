// SPDX-License-Identifier: GPL-2.0-only
/* victim.c - a FIMCE that is attacked while it runs on a core of its own; see devices.h. */
#include "devices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long it should run: several DMAs of the edu device, 100 ms each. */
#define RUN_MS 700
#define WAIT_MS 60000
#define TRIES 4
#define LOOKS 500u

static bool victim_create(struct devices *d)
{
	struct rv_info before, after;
	struct victim *v = &d->victim;

	if (ravelin_info(d->a->ravelin, &before, NULL) ||
	    ravelin_fimce_create(d->a->ravelin, v->image, v->image_bytes, v->argument, v->argument_bytes, &v->id)) {
		v->id = 0;
		return false;
	}
	/* The pool is given out from below, and no hole is in it while no other FIMCE is there. */
	if (ravelin_info(d->a->ravelin, &after, NULL) == 0) {
		v->memory = d->a->pool + d->a->pool_bytes - before.pool_free_bytes;
		v->memory_bytes = before.pool_free_bytes - after.pool_free_bytes;
	}
	return true;
}

static void victim_remove(struct devices *d, const struct rv_fimce_status *status)
{
	struct victim *v = &d->victim;
	uint8_t got[NUMBER_BYTES] = {0};
	bool right = status->state == RV_FIMCE_DONE &&
		     ravelin_fimce_output(d->a->ravelin, v->id, 0, got, sizeof(got)) == (int)sizeof(got) &&
		     memcmp(got, v->want, sizeof(got)) == 0;

	v->runs++;
	v->wrong += !right;
	if (!right)
		printf("     the victim ended in state %u, cause %u, detail %u\n", status->state, status->cause,
		       status->detail);
	ravelin_fimce_destroy(d->a->ravelin, v->id);
	v->id = 0;
}

/* An even modulus takes the task long: the time goes with the exponent's bits. */
static void argument_make(struct victim *v, uint32_t exponent_bytes)
{
	const uint32_t size[] = {NUMBER_BYTES, exponent_bytes, NUMBER_BYTES};

	memcpy(v->argument, size, sizeof(size));
	v->argument_bytes = sizeof(size) + 2 * NUMBER_BYTES + exponent_bytes;
	for (size_t i = sizeof(size); i < v->argument_bytes; i++)
		v->argument[i] = (uint8_t)(i * 7 | 1);
	v->argument[v->argument_bytes - NUMBER_BYTES] = 0xff;
	v->argument[v->argument_bytes - 1] = 0xf0;
}

/* Runs it alone, here. @return how long it took; 0: it did not end well */
static uint64_t run_ms(struct devices *d)
{
	struct victim *v = &d->victim;
	uint64_t begin = ravelin_ticks_now(), ms = 0;

	if (!victim_create(d))
		return 0;
	if (ravelin_fimce_run(d->a->ravelin, v->id, RV_RUN_HERE) == RV_FIMCE_DONE &&
	    ravelin_fimce_output(d->a->ravelin, v->id, 0, v->want, sizeof(v->want)) == (int)sizeof(v->want))
		ms = 1 + ravelin_ticks_to_us(ravelin_ticks_now() - begin, d->a->info.tsc_khz) / 1000;
	ravelin_fimce_destroy(d->a->ravelin, v->id);
	v->id = 0;
	return ms;
}

bool victim_begin(struct devices *d, const char *path)
{
	struct victim *v = &d->victim;
	uint64_t ms = 0;
	struct rv_stat stat;
	int cpu;

	v->image_bytes = attack_image_load(path, &v->image);
	for (uint32_t bytes = 1; bytes <= EXPONENT_MAX && ms < RUN_MS; bytes *= 2) {
		argument_make(v, bytes);
		ms = run_ms(d);
		if (ms == 0)
			return false;
	}
	printf("     a FIMCE runs for %llu ms\n", (unsigned long long)ms);
	if (ravelin_stat(d->a->ravelin, CORE, &stat, &cpu) || cpu != CORE)
		return false;
	v->apic_id = stat.apic_id;
	return ravelin_core_take(d->a->ravelin, CORE) > 0;
}

void victim_give_core(struct devices *d)
{
	victim_end(d);
	ravelin_core_give(d->a->ravelin, CORE);
	free(d->victim.image);
}

bool victim_look(struct devices *d, uint64_t *exits)
{
	struct rv_fimce_status status;

	if (d->victim.id == 0 || ravelin_fimce_status(d->a->ravelin, d->victim.id, &status))
		return false;
	if (exits)
		*exits = status.exits;
	d->victim.measured = status.name[0] != 0;
	if (status.state == RV_FIMCE_RUNNING)
		return true;
	victim_remove(d, &status);
	return false;
}

bool victim_run(struct devices *d, uint64_t *exits)
{
	if (victim_look(d, exits))
		return true;
	if (!victim_create(d) || ravelin_fimce_run(d->a->ravelin, d->victim.id, CORE) != RV_FIMCE_RUNNING)
		return false;
	/* What the manager has to say, which is an exit, comes before the task runs. */
	for (unsigned int i = 0; i < LOOKS && victim_look(d, exits); i++) {
		if (d->victim.measured)
			return true;
		settle();
	}
	return false;
}

void victim_end(struct devices *d)
{
	struct rv_fimce_status status = {0};

	if (d->victim.id == 0)
		return;
	ravelin_fimce_wait(d->a->ravelin, d->victim.id, WAIT_MS, &status);
	victim_remove(d, &status);
}

uint64_t victim_strike(struct devices *d, void (*strike)(struct devices *d, const void *argument), const void *argument)
{
	uint64_t before, after;

	/* One that came too late, or when the task was at its end, does not count. */
	for (int try = 0; try < TRIES; try++) {
		if (!victim_run(d, &before))
			continue;
		strike(d, argument);
		settle();
		if (victim_look(d, &after))
			return after - before;
	}
	return ~0ull;
}
