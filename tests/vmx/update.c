/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * update.c - bare guest: plays a process that is updated by signed images, and the attacker who wants it otherwise. The process
 * is the executable target/old.c, loaded page by page at a bias of its own; its function is called to see which version runs.
 */
#include "lib/call.h"
#include "lib/cpu.h"
#include "lib/process.h"
#include "lib/report.h"

#include <ravelin/reason.h>

#define OLD_VALUE (7 * 3 + 1)
#define NEW_VALUE (7 * 5 + 2)
#define OLD_STATE 0x1111ull
#define NEW_STATE 0x3333ull
#define PATIENCE_US 3000000u
#define UPDATE_BUDGET_MS 1000u /* module.mk */

static void refused(struct call_result r, int64_t error, uint32_t reason, const char *what)
{
	if (!report(r.value == -error && call_reason(r) == reason, "%s is refused with errno %d and reason %u", what,
		    (int)error, reason))
		report_line("it returned %ld, reason %u, value 0x%lx", r.value, call_reason(r), r.refused);
}

static bool is_old(void)
{
	return process_call(7) == OLD_VALUE && *process_state() == OLD_STATE;
}

static void update_print(const char *what, uint64_t id)
{
	const struct rv_fimce_status *s = fimce_status(id);

	report_line("%s: state %u cause %u detail %u value 0x%lx rip 0x%lx result %ld update %u", what, s->state,
		    s->cause, s->detail, s->value, s->rip, s->result, s->update);
}

/* Creates and runs until PREPARED. @return the id, 0 after a failed check. */
static uint64_t prepare(const char *file)
{
	uint64_t id = update_prepare_run(file);

	if (!report(id != 0 && fimce_status(id)->update == RV_UPDATE_PREPARED, "%s is prepared", file)) {
		update_print(file, id);
		fimce_destroy(id);
		return 0;
	}
	return id;
}

static void finish(uint64_t id, uint64_t pool)
{
	report_equal((uint64_t)fimce_destroy(id).value, 0, "it is destroyed");
	report_equal(pool_free(), pool, "the pool is as before");
}

/* --- what must not even start */

static void refused_by_manager(const char *file, uint32_t damage, uint32_t reason, const char *what)
{
	uint64_t id = update_create_damaged(file, damage);
	const struct rv_fimce_status *s;

	if (id == 0) {
		report(false, "%s: it is created", what);
		return;
	}
	call(RV_HC_FIMCE_RUN, id, RV_RUN_BORROWED, 0);
	s = fimce_status(id);
	if (!report(s->state == RV_FIMCE_DEAD && s->cause == RV_CAUSE_REFUSED && s->detail == reason &&
			s->update == RV_UPDATE_NONE,
		    "%s is refused with reason %u", what, reason))
		update_print(what, id);
	report(is_old(), "and the target is as before");
	fimce_destroy(id);
}

static void test_refusals(void)
{
	uint64_t pool = pool_free();
	uint32_t bytes;
	const uint8_t *spin = archive_need("spin.img", &bytes);
	struct fimce_wish wish = {.target_count = 1};
	struct rv_fimce_create *create;
	struct rv_target_page page = {
	    .va = process_text_page(), .gpa = process_gpa(process_text_page()), .kind = RV_TARGET_TEXT};
	struct call_result r;

	report_group("refusals");
	wish.target = &page;
	r = fimce_create_image(spin, bytes, &wish);
	if (report(r.value > 0, "an unsigned image with a target page is created")) {
		uint64_t id = (uint64_t)r.value;

		call(RV_HC_FIMCE_RUN, id, RV_RUN_BORROWED, 0);
		if (!report(fimce_status(id)->cause == RV_CAUSE_REFUSED &&
				fimce_status(id)->detail == RV_REASON_UPDATE_TARGET,
			    "but does not get the page"))
			update_print("unsigned", id);
		fimce_destroy(id);
	}
	refused_by_manager("code.img", 0, RV_REASON_FIMCE_CAPABILITY, "an update image without its envelope");
	refused_by_manager("other-key.suit", 0, RV_REASON_SUIT_KEY, "an update signed by another key");
	refused_by_manager("code.suit", 1000, RV_REASON_SUIT_PAYLOAD, "an update with one bit of the payload changed");
	refused_by_manager("code.suit", 300, RV_REASON_SUIT_DIGEST, "an update with one bit of the manifest changed");

	/* One microsecond more than its signer wants. */
	create = (struct rv_fimce_create *)update_create_fill("code.suit");
	create->budget_us++;
	r = call(RV_HC_FIMCE_CREATE, (uint64_t)create, 0, 0);
	if (report(r.value > 0, "an update with a larger time budget than it asks for is created")) {
		call(RV_HC_FIMCE_RUN, (uint64_t)r.value, RV_RUN_BORROWED, 0);
		if (!report(fimce_status((uint64_t)r.value)->detail == RV_REASON_IMAGE_BUDGET, "and refused"))
			update_print("budget", (uint64_t)r.value);
		fimce_destroy((uint64_t)r.value);
	}

	/* Lists of target pages that are not what they should be. */
	page.gpa = 0xfee00000;
	r = fimce_create_image(spin, bytes, &wish);
	if (r.value > 0) {
		call(RV_HC_FIMCE_RUN, (uint64_t)r.value, RV_RUN_BORROWED, 0);
		report_equal(fimce_status((uint64_t)r.value)->state, RV_FIMCE_DEAD, "a device page is not lent");
		fimce_destroy((uint64_t)r.value);
	}
	page.gpa = process_gpa(process_text_page());
	page.va |= 1ull << 47;
	refused(fimce_create_image(spin, bytes, &wish), RV_EINVAL, RV_REASON_FIMCE_TARGET,
		"a target page in the upper half");
	page.va = process_text_page() + 8;
	refused(fimce_create_image(spin, bytes, &wish), RV_EINVAL, RV_REASON_FIMCE_TARGET,
		"a target page that is not aligned");
	page.va = process_text_page();
	page.kind = 9;
	refused(fimce_create_image(spin, bytes, &wish), RV_EINVAL, RV_REASON_FIMCE_TARGET,
		"a target page of an unknown kind");
	report_equal(pool_free(), pool, "the pool is as before");
}

/* --- the good way */

static void test_rollback(void)
{
	uint64_t pool = pool_free(), id;
	struct call_result r;

	report_group("code");
	process_save();
	id = prepare("code.suit");
	if (id == 0)
		return;
	report(is_old(), "a prepared target runs the old version");
	audit_clean("with a prepared update");
	refused(call(RV_HC_UPDATE, id, RV_UPDATE_CONFIRM, 0), RV_EBUSY, RV_REASON_UPDATE_STATE,
		"a confirmation before it is applied");
	refused(call(RV_HC_UPDATE, id, RV_UPDATE_ROLLBACK, 0), RV_EBUSY, RV_REASON_UPDATE_STATE,
		"a rollback before it is applied");
	refused(call(RV_HC_UPDATE, id, 9, 0), RV_EINVAL, RV_REASON_HC_ARGUMENT, "an unknown operation");
	refused(update_apply(id, RV_UPDATE_MAX_DEADLINE_US + 1), RV_EINVAL, RV_REASON_HC_ARGUMENT,
		"a deadline over the limit");
	r = update_apply(id, 0);
	if (!report_equal((uint64_t)r.value, RV_UPDATE_APPLIED, "it is applied"))
		report_line("reason %u value 0x%lx", call_reason(r), r.refused);
	report_equal(process_call(7), NEW_VALUE, "the target runs the new version");
	audit_clean("with an applied update");
	refused(update_apply(id, 0), RV_EBUSY, RV_REASON_UPDATE_STATE, "a second apply");
	refused(call(RV_HC_FIMCE_DESTROY, id, 0, 0), RV_EBUSY, RV_REASON_UPDATE_STATE,
		"destroying it before it is confirmed");
	report_equal((uint64_t)call(RV_HC_UPDATE, id, RV_UPDATE_ROLLBACK, 0).value, RV_UPDATE_ROLLED_BACK,
		     "it is rolled back");
	report(is_old(), "the target runs the old version");
	report(process_same_text(), "its code is byte for byte as before");
	finish(id, pool);
}

static void test_confirm(void)
{
	uint64_t pool = pool_free(), id = prepare("code.suit");

	report_group("confirm");
	if (id == 0)
		return;
	report_equal((uint64_t)update_apply(id, 600000000).value, RV_UPDATE_APPLIED, "it is applied");
	report_equal((uint64_t)call(RV_HC_UPDATE, id, RV_UPDATE_CONFIRM, 0).value, RV_UPDATE_CONFIRMED,
		     "it is confirmed");
	report_equal(process_call(7), NEW_VALUE, "the target runs the new version");
	report_equal(fimce_status(id)->sequence, 1, "the status tells the sequence number");
	refused(call(RV_HC_UPDATE, id, RV_UPDATE_ROLLBACK, 0), RV_EBUSY, RV_REASON_UPDATE_STATE,
		"a rollback after that");
	finish(id, pool);

	/* The same again, and what is below. */
	process_load();
	id = update_create_damaged("code.suit", 0);
	call(RV_HC_FIMCE_RUN, id, RV_RUN_BORROWED, 0);
	if (!report(fimce_status(id)->state == RV_FIMCE_DEAD && fimce_status(id)->detail == RV_REASON_UPDATE_SEQUENCE,
		    "the same sequence number again is refused"))
		update_print("again", id);
	fimce_destroy(id);
	id = prepare("code-2.suit");
	if (id != 0)
		finish(id, pool);
}

static void test_migrate(void)
{
	uint64_t pool = pool_free(), id = prepare("migrate.suit");

	report_group("data");
	if (id == 0)
		return;
	report_equal((uint64_t)update_apply(id, 0).value, RV_UPDATE_APPLIED, "it is applied");
	report(process_call(7) == NEW_VALUE && *process_state() == NEW_STATE, "code and data are new");
	*process_state() += 5; /* what the new version does */
	report_equal((uint64_t)call(RV_HC_UPDATE, id, RV_UPDATE_ROLLBACK, 0).value, RV_UPDATE_ROLLED_BACK,
		     "it is rolled back");
	report(process_call(7) == OLD_VALUE && *process_state() == OLD_STATE + 5,
	       "and data are migrated back, with what came since");
	*process_state() = OLD_STATE;
	finish(id, pool);
}

static void test_no_way_back(uint64_t end, uint64_t state, const char *what)
{
	uint64_t pool = pool_free(), id = prepare("no-way-back.suit");

	report_group(what);
	if (id == 0)
		return;
	report_equal((uint64_t)update_apply(id, 0).value, RV_UPDATE_APPLIED, "it is applied");
	refused(call(RV_HC_UPDATE, id, RV_UPDATE_ABANDON, 0), RV_EBUSY, RV_REASON_UPDATE_STATE,
		"to abandon it before a rollback");
	report(call(RV_HC_UPDATE, id, RV_UPDATE_ROLLBACK, 0).value < 0, "the rollback fails");
	report(process_call(7) == NEW_VALUE && *process_state() == NEW_STATE,
	       "and the target goes on with the whole new version");
	report_equal((uint64_t)call(RV_HC_UPDATE, id, end, 0).value, state, "which can be ended so");
	report(process_call(7) == NEW_VALUE && *process_state() == NEW_STATE, "and nothing changes by that");
	finish(id, pool);
	process_load();
}

/* --- what fails while it holds the target */

static void test_failure(const char *file, int64_t error, uint32_t reason)
{
	uint64_t pool = pool_free(), id, begin;
	struct call_result r;

	report_group(file);
	process_save();
	id = prepare(file);
	if (id == 0)
		return;
	begin = rdtsc();
	r = update_apply(id, 0);
	refused(r, error, reason, "apply");
	report(rdtsc() - begin < 2 * UPDATE_BUDGET_MS * cpu_tsc_khz, "before twice its budget is used up");
	report(process_same(), "every byte is as before");
	report(is_old(), "the target runs the old version");
	report_equal(fimce_status(id)->update, RV_UPDATE_ROLLED_BACK, "its state is ROLLED_BACK");
	finish(id, pool);
}

/* The driver does not let it come to this; the update task looks by itself. */
static void test_thread_inside(void)
{
	uint64_t pool = pool_free(), id = prepare("code.suit"), function = (uint64_t)process_function();

	report_group("a thread inside the old code");
	if (id == 0)
		return;
	process_save();
	refused(call_4(RV_HC_UPDATE, id, RV_UPDATE_APPLY, 0, 8), RV_EFAULT, RV_REASON_HC_FRAMES_ADDRESS,
		"apply without a list of threads");
	report_equal(fimce_status(id)->update, RV_UPDATE_PREPARED, "the update is still prepared");
	refused(update_apply_at(id, 0, function + 1), RV_EAGAIN, RV_REASON_UPDATE_THREAD, "apply");
	report(process_same(), "every byte is as before");
	report_equal(fimce_status(id)->update, RV_UPDATE_ROLLED_BACK, "its state is ROLLED_BACK");
	finish(id, pool);
	pool = pool_free();
	id = prepare("code.suit");
	if (id == 0)
		return;
	report_equal((uint64_t)update_apply_at(id, 0, function).value, RV_UPDATE_APPLIED,
		     "with a thread that is about to enter it is applied");
	report_equal((uint64_t)call(RV_HC_UPDATE, id, RV_UPDATE_ROLLBACK, 0).value, RV_UPDATE_ROLLED_BACK,
		     "it is rolled back");
	finish(id, pool);
}

static void test_stale(void)
{
	uint64_t pool = pool_free(), id = prepare("code.suit"), since = 0;
	volatile uint8_t *byte = (volatile uint8_t *)process_text_page() + 1;
	uint8_t old = *byte;

	report_group("stale");
	if (id == 0)
		return;
	log_count(0, &since, NULL);
	*byte = (uint8_t)(old + 1);
	report_equal(log_count(RV_REASON_TEXT_WRITTEN, &since, NULL), 1, "a write to code after prepare is logged");
	report_equal(*byte, (uint8_t)(old + 1), "and done");
	*byte = old;
	refused(update_apply(id, 0), RV_EAGAIN, RV_REASON_UPDATE_STALE, "apply");
	report_equal(fimce_status(id)->update, RV_UPDATE_STALE, "its state is STALE");
	report(is_old(), "the target runs the old version");
	finish(id, pool);
}

static void test_old_content(void)
{
	uint64_t pool = pool_free(), id;
	volatile uint8_t *byte = process_function();
	uint8_t old = byte[3];

	report_group("other content");
	byte[3] = (uint8_t)(old ^ 1);
	id = update_create_damaged("code.suit", 0);
	call(RV_HC_FIMCE_RUN, id, RV_RUN_BORROWED, 0);
	const struct rv_fimce_status *s = fimce_status(id);

	if (!report(s->detail == RV_REASON_UPDATE_OLD_CONTENT && s->result < 0, "a target with other code is refused"))
		update_print("other content", id);
	report_equal(s->update, RV_UPDATE_NONE, "it is not prepared");
	byte[3] = old;
	finish(id, pool);
}

static void test_expired(void)
{
	uint64_t pool = pool_free(), id, end;

	report_group("deadline");
	process_save();
	id = prepare("code.suit");
	if (id == 0)
		return;
	report_equal((uint64_t)update_apply(id, 5000).value, RV_UPDATE_APPLIED, "it is applied");
	report_equal(process_call(7), NEW_VALUE, "the target runs the new version");
	/* No exit of our own: the deadline comes without help. */
	end = rdtsc() + (5000 + 3000000) * cpu_tsc_khz / 1000;
	while (process_call(7) == NEW_VALUE && rdtsc() < end)
		cpu_pause();
	report_equal(process_call(7), OLD_VALUE, "without confirmation the old version comes back");
	report(process_same_text(), "its code is byte for byte as before");
	report_equal(fimce_status(id)->update, RV_UPDATE_EXPIRED, "its state is EXPIRED");
	refused(call(RV_HC_UPDATE, id, RV_UPDATE_CONFIRM, 0), RV_EBUSY, RV_REASON_UPDATE_STATE,
		"a confirmation that comes too late");
	finish(id, pool);
}

/* --- another CPU, which looks and writes at the worst time */

static struct {
	volatile bool stop;
	volatile uint64_t looks, wrong, longest;
	volatile uint8_t *byte;
	volatile uint64_t *volatile word;
	uint64_t good, bad;
} other;

static void work_look(void *argument)
{
	(void)argument;
	while (!other.stop) {
		uint64_t begin = rdtsc(), seen = *process_state(), ticks = rdtsc() - begin;

		other.wrong += seen != OLD_STATE && seen != NEW_STATE;
		other.longest = ticks > other.longest ? ticks : other.longest;
		other.looks++;
	}
}

static void test_isolated(void)
{
	uint64_t pool = pool_free(), id, since = 0, apply;

	report_group("isolated");
	id = prepare("slow.suit");
	if (id == 0)
		return;
	memset(&other, 0, sizeof(other));
	smp_run(&cpus[1], work_look, NULL);
	while (other.looks < 10)
		cpu_pause();
	log_count(0, &since, NULL);
	apply = rdtsc();
	report_equal((uint64_t)update_apply(id, 0).value, RV_UPDATE_APPLIED, "it is applied");
	apply = rdtsc() - apply;
	other.stop = true;
	report(smp_wait(&cpus[1], PATIENCE_US), "the other CPU goes on");
	report_equal(other.wrong, 0, "the other CPU never sees the half-way state");
	report(other.longest > apply / 4, "its access waits while the pages are isolated");
	report(log_count(RV_REASON_ISOLATED_TOUCH, &since, NULL) >= 1, "the log tells of that");
	report_line("# apply took %lu ticks, the longest access %lu", apply, other.longest);
	report_equal((uint64_t)call(RV_HC_UPDATE, id, RV_UPDATE_ROLLBACK, 0).value, RV_UPDATE_ROLLED_BACK,
		     "it is rolled back");
	report(is_old(), "the target runs the old version");
	finish(id, pool);
}

static void work_write_text(void *argument)
{
	(void)argument;
	/* Fills this CPU's TLB with the right to write, then only reads until it is told to write. */
	for (int i = 0; i < 100; i++)
		*other.byte = (uint8_t)other.good;
	other.looks++;
	while (other.word == NULL)
		other.wrong += *other.byte != (uint8_t)other.good;
	*other.byte = (uint8_t)other.good;
}

/* Rights that are taken away are taken from every CPU, whatever is in its TLB. */
static void test_flush(void)
{
	uint64_t pool = pool_free();
	uint32_t noticed = 0;

	report_group("flush");
	for (uint32_t i = 0; i < 3; i++) {
		uint64_t id, word = 0;

		memset(&other, 0, sizeof(other));
		other.byte = (volatile uint8_t *)process_text_page() + 2;
		other.good = *other.byte;
		smp_run(&cpus[1], work_write_text, NULL);
		while (other.looks == 0)
			cpu_pause();
		id = prepare("code.suit");
		other.word = &word;
		if (report(smp_wait(&cpus[1], PATIENCE_US), "the other CPU writes"))
			noticed += call_reason(update_apply(id, 0)) == RV_REASON_UPDATE_STALE;
		fimce_destroy(id);
	}
	report_equal(noticed, 3, "a write by a CPU that had written there before is noticed");
	report(is_old(), "the target is as before");
	report_equal(pool_free(), pool, "the pool is as before");
}

static void work_flip_byte(void *argument)
{
	(void)argument;
	while (!other.stop) {
		*other.byte ^= 1;
		for (int i = 0; i < 50; i++)
			cpu_pause();
	}
}

static void work_flip_word(void *argument)
{
	(void)argument;
	while (!other.stop) {
		*other.word = other.bad;
		for (int i = 0; i < 20; i++)
			cpu_pause();
		*other.word = other.good;
		for (int i = 0; i < 20; i++)
			cpu_pause();
	}
}

/* The image changes while Ravelin copies, hashes and runs it: what was verified is what runs. */
static void test_toctou(void)
{
	enum {
		ROUNDS = 20
	};
	uint64_t pool = pool_free();
	uint32_t refusals = 0, runs = 0, wrong = 0;

	report_group("image changes while it is created");
	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint64_t page = update_create_fill("code.suit"), id;
		struct call_result r;

		memset(&other, 0, sizeof(other));
		other.byte = update_input_byte(update_new_code_offset());
		smp_run(&cpus[1], work_flip_byte, NULL);
		cpu_delay_us(i * 7);
		r = call(RV_HC_FIMCE_CREATE, page, 0, 0);
		id = (uint64_t)r.value;
		r = call(RV_HC_FIMCE_RUN, id, RV_RUN_BORROWED, 0);
		const struct rv_fimce_status *s = fimce_status(id);

		if (r.value == RV_FIMCE_YIELDED && s->result == 0) {
			runs++;
			wrong += update_apply(id, 0).value != RV_UPDATE_APPLIED;
			wrong += process_call(7) != NEW_VALUE;
			wrong += call(RV_HC_UPDATE, id, RV_UPDATE_ROLLBACK, 0).value != RV_UPDATE_ROLLED_BACK;
		} else {
			refusals++;
			wrong += s->detail != RV_REASON_SUIT_PAYLOAD;
		}
		wrong += !is_old();
		other.stop = true;
		wrong += !smp_wait(&cpus[1], PATIENCE_US);
		fimce_destroy(id);
	}
	report_line("# %u ran, %u were refused", runs, refusals);
	report_equal(wrong, 0, "in %u rounds it is refused, or runs as signed", ROUNDS);
	report(runs > 0 && refusals > 0, "both happened");
	report_equal(pool_free(), pool, "the pool is as before");
}

static void test_toctou_frames(void)
{
	enum {
		ROUNDS = 40
	};
	uint64_t pool = pool_free(), since = 0;
	struct rv_log_record launch = {0};
	uint32_t created = 0, refusals = 0, wrong = 0;

	report_group("frame list changes while it is used");
	log_count(RV_REASON_LAUNCH_OK, &since, &launch);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint64_t page = update_create_fill("code.suit");
		struct rv_frames *frames = (void *)((struct rv_fimce_create *)page)->input;
		struct call_result r;

		memset(&other, 0, sizeof(other));
		other.word = &frames->frame[2];
		other.good = frames->frame[2];
		other.bad = launch.value[1] + 0x10000;
		smp_run(&cpus[1], work_flip_word, NULL);
		cpu_delay_us(i * 3);
		r = call(RV_HC_FIMCE_CREATE, page, 0, 0);
		if (r.value > 0) {
			created++;
			call(RV_HC_FIMCE_RUN, (uint64_t)r.value, RV_RUN_BORROWED, 0);
			/* Were a page of the pool in it, the digest would not be right. */
			wrong += fimce_status((uint64_t)r.value)->update != RV_UPDATE_PREPARED;
			fimce_destroy((uint64_t)r.value);
		} else {
			refusals++;
			wrong += r.value != -RV_EFAULT || call_reason(r) != RV_REASON_HC_FRAME;
		}
		other.stop = true;
		wrong += !smp_wait(&cpus[1], PATIENCE_US);
	}
	report_line("# %u created, %u refused", created, refusals);
	report_equal(wrong, 0, "in %u rounds it is refused, or the guest's own page is used", ROUNDS);
	report(created > 0 && refusals > 0, "both happened");
	report_equal(pool_free(), pool, "the pool is as before");
}

/* --- afterwards */

static void test_journal(void)
{
	struct call_buffer b = buffer_make(8);
	struct call_result r = call(RV_HC_GET_JOURNAL, (uint64_t)b.frames, 0, 0);
	const struct rv_journal_record *record = (const void *)b.data;
	uint32_t confirmed = 0, rolled_back = 0, expired = 0, stale = 0, refusals = 0, holes = 0;
	uint64_t total = r.second;

	report_group("journal");
	report(r.value > 0 && r.second >= (uint64_t)r.value, "it has records");
	for (int64_t i = 0; i < r.value; i++) {
		holes += record[i].index != (uint64_t)i;
		confirmed += record[i].event == RV_UPDATE_CONFIRMED;
		rolled_back += record[i].event == RV_UPDATE_ROLLED_BACK;
		expired += record[i].event == RV_UPDATE_EXPIRED;
		stale += record[i].event == RV_UPDATE_STALE;
		refusals += record[i].event == RV_JOURNAL_REFUSED;
	}
	report(holes == 0 && confirmed >= 1 && rolled_back >= 5 && expired >= 1 && stale >= 1 && refusals >= 4,
	       "every kind of attempt is there, in order");
	r = call(RV_HC_FOLD_JOURNAL, (uint64_t)b.frames, 0, 0);
	const struct rv_journal_head *head = (const void *)b.data;
	uint8_t first[32];

	report(r.value == sizeof(*head) && head->count == total, "the manager folds all of it");
	memcpy(first, head->head, 32);
	call(RV_HC_FOLD_JOURNAL, (uint64_t)b.frames, 0, 0);
	report(head->count == total && memcmp(first, head->head, 32) == 0, "folding again changes nothing");
}

/* Memory of the pool comes to a FIMCE as zeros, whatever it held before. */
static void test_scrubbed(void)
{
	struct fimce_wish wish = {.argument = "vmcall-exit", .argument_bytes = 11};
	uint32_t bytes, dirty = 0;
	const uint8_t *image = archive_need("hostile.img", &bytes), *output;
	uint64_t page = fimce_create_page(image, bytes, &wish);
	struct rv_fimce_create *c = (void *)page;
	static struct call_buffer b;
	uint64_t id;
	int64_t n;

	report_group("scrubbed");
	b = buffer_make(256);
	c->output_bytes = 256 * 4096;
	id = (uint64_t)call(RV_HC_FIMCE_CREATE, page, 0, 0).value;
	call(RV_HC_FIMCE_RUN, id, RV_RUN_BORROWED, 0);
	n = call(RV_HC_FIMCE_OUTPUT, id, (uint64_t)b.frames, 0).value;
	output = b.data;
	for (int64_t i = 0; i < n; i++)
		dirty += output[i] != 0;
	report(n == 256 * 4096, "a task may claim all of its output as it came");
	report_equal(dirty, 0, "all of it is zero");
	fimce_destroy(id);
}

void test_main(void)
{
	uint64_t before = pool_free();

	process_load();
	if (!report(is_old(), "the target runs"))
		return;
	test_refusals();
	test_rollback();
	test_migrate();
	test_failure("sick.suit", RV_EIO, RV_REASON_UPDATE_SELF_CHECK);
	test_failure("refuse.suit", RV_EBADMSG, RV_REASON_UPDATE_CODE);
	test_failure("crash.suit", RV_EIO, RV_REASON_UPDATE_DIED);
	test_failure("breach.suit", RV_EIO, RV_REASON_UPDATE_DIED);
	test_failure("loop.suit", RV_ETIME, RV_REASON_UPDATE_DIED);
	test_thread_inside();
	test_stale();
	test_old_content();
	test_expired();
	if (cpu_count > 1 && report(smp_start(&cpus[1]), "CPU 1 starts")) {
		test_isolated();
		test_flush();
		test_toctou();
		test_toctou_frames();
		test_expired();
	}
	test_confirm();
	test_no_way_back(RV_UPDATE_ABANDON, RV_UPDATE_ABANDONED, "revert fails, abandoned");
	test_no_way_back(RV_UPDATE_CONFIRM, RV_UPDATE_CONFIRMED, "revert fails, confirmed");
	test_journal();
	test_scrubbed();
	report_group("");
	report_equal(pool_free(), before, "the pool is as before");
	audit_clean("after all");
}
