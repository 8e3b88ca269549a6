/* SPDX-License-Identifier: GPL-2.0-only */
/* fimce.c - bare guest: the hypercalls as such, and the life of borrowed FIMCEs with known results. */
#include "lib/call.h"
#include "lib/cpu.h"
#include "lib/report.h"

#include <ravelin/fimce.h>
#include <ravelin/image.h>
#include <ravelin/launch.h>
#include <ravelin/reason.h>

struct image {
	const uint8_t *data;
	uint32_t bytes;
};
static struct image sha256_image, modexp_image, spin_image;

static struct image image_open(const char *name)
{
	struct image i;

	i.data = archive_need(name, &i.bytes);
	return i;
}

static const uint8_t digest_abc[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
				       0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
				       0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};

static void refused(struct call_result r, int64_t error, uint32_t reason, const char *what)
{
	if (!report(r.value == -error && call_reason(r) == reason, "%s is refused with errno %d and reason %u", what,
		    (int)error, reason))
		report_line("it returned %ld, RDX 0x%lx, R8 0x%lx", r.value, r.second, r.refused);
}

/* Creates, runs on this CPU, and returns the id; 0 after a failed check. */
static uint64_t run(const char *what, struct image i, const struct fimce_wish *wish, int64_t state)
{
	struct call_result r = fimce_create_image(i.data, i.bytes, wish);
	uint64_t id = (uint64_t)r.value;

	if (!report(r.value > 0, "%s is created", what)) {
		report_line("it returned %ld, reason %u, value 0x%lx", r.value, call_reason(r), r.refused);
		return 0;
	}
	report_equal(fimce_status(id)->state, RV_FIMCE_BUILT, "%s is BUILT", what);
	r = call(RV_HC_FIMCE_RUN, id, RV_RUN_BORROWED, 0);
	report_equal((uint64_t)r.value, (uint64_t)state, "%s ends in state %d", what, (int)state);
	const struct rv_fimce_status *s = fimce_status(id);

	if (r.value != state || s->state != state)
		report_line("%s: state %u cause %u detail %u value 0x%lx rip 0x%lx cr2 0x%lx result %ld", what,
			    s->state, s->cause, s->detail, s->value, s->rip, s->cr2, s->result);
	return id;
}

static void destroy(uint64_t id, uint64_t free_before, const char *what)
{
	if (id == 0)
		return;
	report_equal((uint64_t)fimce_destroy(id).value, 0, "%s is destroyed", what);
	report_equal(pool_free(), free_before, "the pool is as before %s", what);
	refused(call(RV_HC_FIMCE_STATUS, id, 0, 0), RV_ENOENT, RV_REASON_FIMCE_ID, "the status of a destroyed FIMCE");
}

static void test_calls(void)
{
	struct call_result r = call(RV_HC_INFO, 0, 0, 0);
	struct call_buffer b = buffer_make(1);
	struct rv_frames *f = b.frames;
	const struct rv_info *info = info_get();

	report_group("calls");
	report(r.value == RV_ABI_VERSION &&
		   (r.second & ~RV_FEATURE_DEVICES) == (RV_FEATURE_DEDICATED | RV_FEATURE_UPDATE),
	       "INFO tells version and features");
	report_equal((uint64_t)call(RV_HC_NULL, 0, 0, 0).value, 0, "NULL returns 0");
	report(info->cpu_count >= 1 && info->pool_bytes >= RV_POOL_MIN && info->pool_free_bytes < info->pool_bytes,
	       "GET_INFO tells CPUs and pool");
	report(info->tsc_khz > 1000 && info->version[0] != 0 && info->fimce_count == 0,
	       "GET_INFO tells TSC, version, no FIMCE");
	refused(call(RV_HC_COUNT, 0, 0, 0), RV_ENOSYS, RV_REASON_HC_NUMBER, "an unknown number");
	refused(call(~0ull, 0, 0, 0), RV_ENOSYS, RV_REASON_HC_NUMBER, "number -1");
	refused(call(RV_HC_GET_INFO, (uint64_t)f + 8, 0, 0), RV_EFAULT, RV_REASON_HC_FRAMES_ADDRESS,
		"a frame list that is not aligned");
	refused(call(RV_HC_GET_INFO, 0xfee00000, 0, 0), RV_EFAULT, RV_REASON_HC_FRAMES_ADDRESS,
		"a frame list in the local APIC");
	refused(call(RV_HC_GET_INFO, ~0xfffull, 0, 0), RV_EFAULT, RV_REASON_HC_FRAMES_ADDRESS,
		"a frame list beyond all memory");
	f->count = 0;
	refused(call(RV_HC_GET_INFO, (uint64_t)f, 0, 0), RV_EINVAL, RV_REASON_HC_FRAMES_COUNT, "a list of 0 frames");
	f->count = 512;
	refused(call(RV_HC_GET_INFO, (uint64_t)f, 0, 0), RV_EINVAL, RV_REASON_HC_FRAMES_COUNT, "a list of 512 frames");
	f->count = 1;
	f->bytes = 4097;
	refused(call(RV_HC_GET_INFO, (uint64_t)f, 0, 0), RV_EINVAL, RV_REASON_HC_FRAMES_COUNT,
		"more bytes than frames");
	f->bytes = 8;
	refused(call(RV_HC_GET_INFO, (uint64_t)f, 0, 0), RV_EINVAL, RV_REASON_HC_BUFFER_SMALL, "a buffer of 8 bytes");
	f->bytes = 4096;
	f->frame[0] = (uint64_t)b.data + 16;
	refused(call(RV_HC_GET_INFO, (uint64_t)f, 0, 0), RV_EFAULT, RV_REASON_HC_FRAME, "a frame that is not aligned");
	f->frame[0] = 0xfee00000;
	refused(call(RV_HC_GET_INFO, (uint64_t)f, 0, 0), RV_EFAULT, RV_REASON_HC_FRAME, "a frame in the local APIC");
	f->frame[0] = (uint64_t)b.data;
	refused(call(RV_HC_GET_STAT, (uint64_t)f, cpu_count, 0), RV_ENOENT, RV_REASON_HC_CPU,
		"the counters of a CPU that is not there");

	const struct rv_stat *stat = (const void *)b.data;
	uint64_t before;

	report(call(RV_HC_GET_STAT, (uint64_t)f, 0, 0).value == sizeof(*stat) && stat->state == RV_CPU_GUEST &&
		   stat->exits > 0,
	       "GET_STAT of CPU 0");
	before = stat->exit[18];
	for (int i = 0; i < 10; i++)
		call(RV_HC_NULL, 0, 0, 0);
	call(RV_HC_GET_STAT, (uint64_t)f, 0, 0);
	report_equal(stat->exit[18] - before, 11, "ten NULL calls and one GET_STAT are eleven VMCALL exits");

	uint64_t since = 0;
	uint32_t launches = log_count(RV_REASON_LAUNCH_OK, &since, NULL);

	report(launches == 1 && since >= 1, "the log tells of the launch once");
	report(call(RV_HC_GET_LOG, (uint64_t)f, since + 1, 0).value == 0, "there is no log record after the last");

	/* Registers other than the results are kept. */
	uint64_t kept = 0;

	__asm__ volatile(
	    "mov $0x1111, %%ebx\n\tmov $0x2222, %%ecx\n\tmov $0x3333, %%r9d\n\tmov $0x4444, %%r10d\n\t"
	    "mov $0x5555, %%r12d\n\tmov $0x6666, %%r15d\n\tmov $0x7777, %%edi\n\tmov $0x8888, %%esi\n\t"
	    "mov $99, %%eax\n\tvmcall\n\t"
	    "cmp $0x1111, %%ebx\n\tjne 1f\n\tcmp $0x2222, %%ecx\n\tjne 1f\n\tcmp $0x3333, %%r9d\n\tjne 1f\n\t"
	    "cmp $0x4444, %%r10d\n\tjne 1f\n\tcmp $0x5555, %%r12d\n\tjne 1f\n\tcmp $0x6666, %%r15d\n\tjne 1f\n\t"
	    "cmp $0x7777, %%edi\n\tjne 1f\n\tcmp $0x8888, %%esi\n\tjne 1f\n\tmovq $1, %0\n1:"
	    : "+m"(kept)
	    :
	    : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r15", "cc", "memory");
	report_equal(kept, 1, "a failed call keeps all other registers");
}

static void test_sha256(void)
{
	uint64_t before = pool_free(), id;
	const uint8_t *output;
	struct fimce_wish wish = {.argument = "abc", .argument_bytes = 3};

	report_group("sha256");
	id = run("sha256", sha256_image, &wish, RV_FIMCE_DONE);
	if (id == 0)
		return;
	const struct rv_fimce_status *s = fimce_status(id);

	report(s->result == 0 && s->output_bytes == 32 && s->cause == RV_CAUSE_NONE, "result 0 and 32 bytes of output");
	report(s->is_signed == 0 && s->capabilities == 0, "an unsigned image has no capability");
	report(s->exits > 0 && s->run_tsc > 0 && s->cpu == 0, "exits, time and CPU are told");
	report_equal((uint64_t)fimce_output(id, &output), 32, "OUTPUT gives 32 bytes");
	report(memcmp(output, digest_abc, 32) == 0, "the digest is that of FIPS 180-2");
	report(output[32] == 0xa5, "OUTPUT writes no more than that");
	refused(call(RV_HC_FIMCE_RUN, id, RV_RUN_BORROWED, 0), RV_EBUSY, RV_REASON_FIMCE_STATE, "a second run");
	refused(call(RV_HC_UPDATE, id, RV_UPDATE_APPLY, 0), RV_EBUSY, RV_REASON_UPDATE_STATE,
		"an update by something else");
	audit_clean("with a FIMCE that is done");
	destroy(id, before, "sha256");
}

/* modexp: three sizes, then base, exponent, modulus; the prime 2^521 - 1 and Fermat's theorem. */
static void test_modexp(void)
{
	enum {
		N = 66
	};
	uint8_t argument[12 + 3 * N] = {0};
	const uint32_t sizes[3] = {N, N, N};
	struct fimce_wish wish = {.argument = argument, .argument_bytes = sizeof(argument)};
	uint64_t before = pool_free(), id;
	const uint8_t *output;
	bool one = true;
	uint8_t digest[32];

	report_group("modexp");
	memcpy(argument, sizes, sizeof(sizes));
	argument[12 + N - 1] = 3;
	memset(argument + 12 + N, 0xff, 2 * N);
	argument[12 + N] = argument[12 + 2 * N] = 1;
	argument[12 + 2 * N - 1] = 0xfe;
	id = run("modexp", modexp_image, &wish, RV_FIMCE_DONE);
	if (id == 0)
		return;
	report_equal((uint64_t)fimce_output(id, &output), N, "OUTPUT gives 66 bytes");
	for (uint32_t i = 0; i < N; i++)
		one &= output[i] == (i == N - 1);
	report(one, "3^(p-1) mod p = 1");
	memcpy(digest, fimce_status(id)->image_digest, 32);
	destroy(id, before, "modexp");

	wish = (struct fimce_wish){.argument = modexp_image.data, .argument_bytes = modexp_image.bytes};
	id = run("sha256 of modexp's image", sha256_image, &wish, RV_FIMCE_DONE);
	fimce_output(id, &output);
	report(memcmp(output, digest, 32) == 0, "it is the digest that the manager measured");
	destroy(id, before, "sha256");
}

static void test_watchdog(void)
{
	struct fimce_wish wish = {.budget_us = 3000};
	uint64_t before = pool_free(), id, begin, ticks;

	report_group("spin");
	begin = rdtsc();
	id = run("spin", spin_image, &wish, RV_FIMCE_DEAD);
	ticks = rdtsc() - begin;
	if (id == 0)
		return;
	report_equal(fimce_status(id)->cause, RV_CAUSE_WATCHDOG, "the watchdog ends it");
	/* Two seconds: KVM in an emulator takes its time over each page that is touched first. */
	report(fimce_status(id)->run_tsc >= 3 * cpu_tsc_khz * 9 / 10, "not before its budget is over");
	report(ticks < 2000 * cpu_tsc_khz, "soon after that");
	refused(call(RV_HC_FIMCE_OUTPUT, id, 0, 0), RV_EBUSY, RV_REASON_FIMCE_STATE, "the output of a dead FIMCE");
	destroy(id, before, "spin");
}

static void create_refused(uint64_t page, size_t field, uint64_t value, uint32_t size, int64_t error, uint32_t reason,
			   const char *what)
{
	uint8_t saved[sizeof(struct rv_fimce_create)];

	memcpy(saved, (void *)page, sizeof(saved));
	memcpy((void *)(page + field), &value, size);
	refused(call(RV_HC_FIMCE_CREATE, page, 0, 0), error, reason, what);
	memcpy((void *)page, saved, sizeof(saved));
}

#define CREATE_REFUSED(field, value, error, reason, what)                                                              \
	create_refused(page, offsetof(struct rv_fimce_create, field), value,                                           \
		       sizeof(((struct rv_fimce_create *)0)->field), error, reason, what)

static void test_create_checks(void)
{
	struct fimce_wish wish = {0};
	uint64_t before = pool_free(), page = fimce_create_page(spin_image.data, spin_image.bytes, &wish);

	report_group("create");
	refused(call(RV_HC_FIMCE_CREATE, 0xfee00000, 0, 0), RV_EFAULT, RV_REASON_HC_FRAMES_ADDRESS,
		"an argument page that is no RAM");
	CREATE_REFUSED(size, 8, RV_EINVAL, RV_REASON_FIMCE_SIZE, "another size of the structure");
	CREATE_REFUSED(flags, 1, RV_EINVAL, RV_REASON_FIMCE_SIZE, "a flag");
	CREATE_REFUSED(load_bytes, 0, RV_EINVAL, RV_REASON_FIMCE_SIZE, "no load area");
	CREATE_REFUSED(load_bytes, RV_FIMCE_MAX_LOAD + 4096, RV_EINVAL, RV_REASON_FIMCE_SIZE,
		       "a load area over the limit");
	CREATE_REFUSED(output_bytes, 100, RV_EINVAL, RV_REASON_FIMCE_SIZE, "an output of 100 bytes");
	CREATE_REFUSED(output_bytes, RV_FIMCE_MAX_OUTPUT + 4096, RV_EINVAL, RV_REASON_FIMCE_SIZE,
		       "an output over the limit");
	CREATE_REFUSED(stack_bytes, 0, RV_EINVAL, RV_REASON_FIMCE_SIZE, "no stack");
	CREATE_REFUSED(stack_bytes, RV_FIMCE_MAX_STACK + 4096, RV_EINVAL, RV_REASON_FIMCE_SIZE,
		       "a stack over the limit");
	CREATE_REFUSED(budget_us, 0, RV_EINVAL, RV_REASON_FIMCE_SIZE, "no budget");
	CREATE_REFUSED(budget_us, RV_FIMCE_MAX_BUDGET_US + 1, RV_EINVAL, RV_REASON_FIMCE_SIZE,
		       "a budget over the limit");
	CREATE_REFUSED(argument_offset, 0xfffffff0, RV_EINVAL, RV_REASON_FIMCE_SIZE, "an argument behind the input");
	CREATE_REFUSED(argument_offset, 8, RV_EINVAL, RV_REASON_FIMCE_SIZE, "an argument that is not aligned");
	CREATE_REFUSED(target_count, 1, RV_EINVAL, RV_REASON_FIMCE_SIZE, "a target count without targets");
	CREATE_REFUSED(input, 0xfee00000, RV_EFAULT, RV_REASON_HC_FRAMES_ADDRESS, "an input list that is no RAM");
	report_equal(pool_free(), before, "refused creates leave the pool as it was");

	/* Every slot, and one more. */
	uint64_t id[RV_MAX_FIMCES];
	uint32_t made = 0;

	while (made < RV_MAX_FIMCES) {
		struct call_result r = call(RV_HC_FIMCE_CREATE, page, 0, 0);

		if (r.value <= 0)
			break;
		id[made++] = (uint64_t)r.value;
	}
	report_equal(made, RV_MAX_FIMCES, "all FIMCE slots can be used");
	refused(call(RV_HC_FIMCE_CREATE, page, 0, 0), RV_ENOSPC, RV_REASON_FIMCE_SLOTS, "one more");
	report_equal(info_get()->fimce_count, made, "GET_INFO counts them");
	audit_clean("with all slots in use");
	while (made > 0)
		call(RV_HC_FIMCE_DESTROY, id[--made], 0, 0);
	report_equal(pool_free(), before, "the pool is as before");
}

/* The manager refuses what is not an image; the reason comes through. */
static void refused_by_manager(const char *what, size_t offset, uint8_t value, uint32_t reason)
{
	static uint8_t *copy;
	struct fimce_wish wish = {0};
	uint64_t before = pool_free(), id;

	if (copy == NULL)
		copy = memory_pages((spin_image.bytes + 4095) / 4096);
	memcpy(copy, spin_image.data, spin_image.bytes);
	copy[offset] = value;
	wish.envelope = copy;
	wish.envelope_bytes = spin_image.bytes;
	id = run(what, spin_image, &wish, RV_FIMCE_DEAD);
	const struct rv_fimce_status *s = fimce_status(id);

	report(s->cause == RV_CAUSE_REFUSED && s->detail == reason, "the manager refuses %s with reason %u", what,
	       reason);
	if (s->detail != reason)
		report_line("reason %u", s->detail);
	destroy(id, before, what);
}

void test_main(void)
{
	sha256_image = image_open("sha256.img");
	modexp_image = image_open("modexp.img");
	spin_image = image_open("spin.img");
	test_calls();
	audit_clean("before all");
	test_sha256();
	test_modexp();
	test_watchdog();
	test_create_checks();
	report_group("image");
	refused_by_manager("a wrong magic", 0, 0x40, RV_REASON_IMAGE_MAGIC);
	refused_by_manager("an unknown version", offsetof(struct rv_image_header, version), 1, RV_REASON_IMAGE_VERSION);
	refused_by_manager("a segment W and X", offsetof(struct rv_image_header, segment[0].perm), 7,
			   RV_REASON_IMAGE_SEGMENT);
	report_group("");
	audit_clean("after all");
	report_equal(info_get()->fimce_count, 0, "no FIMCE is left");
}
