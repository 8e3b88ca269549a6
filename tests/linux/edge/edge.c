// SPDX-License-Identifier: GPL-2.0-only
/*
 * edge.c - runs in the guest: the edges of an update's life that tests/linux/life does not touch. After each case nothing may be
 * left behind: no page of the pool used, none of a process pinned, no row of the partition table, no entry of the EPT.
 *
 * usage: edge TARGET CODE.suit DATA.suit MODULE.ko; the first update changes code, the second data as well
 */
#include "attack-device.h"

#include <ravelin.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 20000
#define CYCLES 50
#define UNLOAD_DEADLINE_US 1000000u
#define OLD 1
#define NEW 1001
#define NEW_DATA 1101
#define TEXT_MAX (1u << 20)
#define ENVELOPE_MAX (1u << 20)

struct update {
	uint8_t *bytes; /* padded with zeros to a multiple of 16 */
	size_t size;
	struct rv_image_header image;
};

struct target {
	pid_t pid;
	FILE *in, *out;
	struct ravelin_freezer *freezer;
};

/** What must be the same before and after. */
struct balance {
	uint64_t pool_free, rows, leaves, pinned, buffers;
	uint32_t fimces;
};

static struct ravelin *ravelin;
static struct update code, data, stuck;
static const char *target_path;
static struct balance clean;
static int failures;

static void check(bool good, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void check(bool good, const char *name, const char *format, ...)
{
	va_list list;

	if (good) {
		printf("PASS %s\n", name);
	} else {
		printf("FAIL %s: ", name);
		va_start(list, format);
		vprintf(format, list);
		va_end(list);
		printf("\n");
		failures++;
	}
	fflush(stdout);
}

/** check() of a call's result, explained by libravelin. */
static void check_result(int got, int wanted, const char *name)
{
	char why[300];

	check(got == wanted, name, "%d, not %d: %s", got, wanted, ravelin_explain(ravelin, got, why, sizeof(why)));
}

/* ---- the target ---- */

/** Sends a letter, reads the number that comes back. @return -1000: none came */
static int ask(struct target *t, char letter)
{
	char line[40];

	if (fputc(letter, t->in) == EOF || fflush(t->in) != 0 || !fgets(line, sizeof(line), t->out))
		return -1000;
	return atoi(line);
}

static void target_start(struct target *t)
{
	int to[2], from[2];
	char line[40];

	if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0)
		exit(2);
	t->pid = fork();
	if (t->pid == 0) {
		dup2(to[0], STDIN_FILENO);
		dup2(from[1], STDOUT_FILENO);
		execl(target_path, target_path, (char *)NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	t->freezer = NULL;
	t->in = fdopen(to[1], "w");
	t->out = fdopen(from[0], "r");
	if (!t->in || !t->out || !fgets(line, sizeof(line), t->out)) {
		printf("FAIL set-up: the target does not start\n");
		exit(1);
	}
}

/** What an update does by itself, for those that this program makes step by step. @return 0 if all its threads stand. */
static int target_freeze(struct target *t)
{
	if (!t->freezer && ravelin_freezer_open(t->pid, &t->freezer) != 0)
		return -1;
	return ravelin_freezer_freeze(t->freezer, PATIENCE_MS);
}

static void target_end(struct target *t)
{
	kill(t->pid, SIGKILL);
	if (t->freezer)
		ravelin_freezer_close(t->freezer);
	waitpid(t->pid, NULL, 0);
	fclose(t->in);
	fclose(t->out);
}

/** Reads the target's code: the executable mapping of its own file. @return bytes */
static size_t text_read(const struct target *t, uint8_t *text)
{
	char path[64], line[512], permissions[8], name[256];
	unsigned long begin, end;
	ssize_t n = 0;
	FILE *maps;
	int memory;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)t->pid);
	maps = fopen(path, "r");
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)t->pid);
	memory = open(path, O_RDONLY);
	while (maps && memory >= 0 && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %255s", &begin, &end, permissions, name) != 4 ||
		    permissions[2] != 'x' || strcmp(name, target_path) != 0)
			continue;
		n = pread(memory, text, end - begin < TEXT_MAX ? end - begin : TEXT_MAX, (off_t)begin);
		break;
	}
	if (maps)
		fclose(maps);
	if (memory >= 0)
		close(memory);
	return n > 0 ? (size_t)n : 0;
}

/* ---- what is left behind ---- */

static void balance_take(struct balance *b)
{
	struct rv_driver_info driver;
	struct rv_audit audit;
	struct rv_info info;

	memset(b, 0xff, sizeof(*b));
	if (ravelin_info(ravelin, &info, &driver) || ravelin_audit(ravelin, &audit))
		return;
	b->pool_free = info.pool_free_bytes;
	b->fimces = info.fimce_count;
	b->rows = audit.rows;
	b->leaves = audit.ept_leaves;
	b->pinned = driver.pages_pinned;
	b->buffers = driver.pages_buffer;
}

static bool balance_is_clean(const struct balance *b)
{
	return b->pool_free == clean.pool_free && b->rows == clean.rows && b->leaves == clean.leaves &&
	       b->pinned == clean.pinned && b->fimces == clean.fimces && b->buffers == clean.buffers;
}

/** What the module does when a process ends it does a moment later. */
static void check_clean(const char *name)
{
	struct balance b;
	char text[120];

	for (int i = 0; i < PATIENCE_MS / 10; i++) {
		balance_take(&b);
		if (balance_is_clean(&b))
			break;
		usleep(10000);
	}
	snprintf(text, sizeof(text), "%s: nothing is left behind", name);
	check(balance_is_clean(&b), text,
	      "pool %llu of %llu free, %llu of %llu rows, %llu of %llu EPT entries, %llu pages pinned, %u FIMCEs",
	      (unsigned long long)b.pool_free, (unsigned long long)clean.pool_free, (unsigned long long)b.rows,
	      (unsigned long long)clean.rows, (unsigned long long)b.leaves, (unsigned long long)clean.leaves,
	      (unsigned long long)b.pinned, b.fimces);
}

/* ---- updates ---- */

static int apply(struct target *t, const struct update *u, uint64_t deadline_us, uint32_t *id)
{
	struct ravelin_update_options options = {.pid = t->pid, .deadline_us = deadline_us};
	struct ravelin_update_report report;
	int error = ravelin_update_apply(ravelin, u->bytes, u->size, &options, &report);

	*id = report.id;
	return error;
}

/** Only the first half, by a device of its own. @return 0 or a negative errno */
static int prepare(int device, const struct target *t, const struct update *u, uint32_t *id)
{
	struct rv_ioctl_prepare p = {.head = {.size = sizeof(p)},
				     .sizes.input = (uintptr_t)u->bytes,
				     .sizes.input_bytes = (uint32_t)((u->size + 15) & ~(size_t)15),
				     .sizes.argument_offset = (uint32_t)((u->size + 15) & ~(size_t)15),
				     .sizes.load_bytes = u->image.load_bytes,
				     .sizes.output_bytes = u->image.output_bytes,
				     .sizes.stack_bytes = u->image.stack_bytes,
				     .sizes.budget_us = u->image.budget_us,
				     .pid = t->pid,
				     .range_count = u->image.range_count};

	memcpy(p.range, u->image.range, sizeof(p.range));
	if (ioctl(device, RV_IOCTL_UPDATE_PREPARE, &p) != 0)
		return -errno;
	*id = p.id;
	return 0;
}

static int commit(int device, uint32_t id)
{
	struct rv_ioctl_update u = {.head = {.size = sizeof(u)}, .id = id};

	return ioctl(device, RV_IOCTL_UPDATE_COMMIT, &u) ? -errno : 0;
}

/** The state of the last record of the journal. */
static uint32_t journal_last(void)
{
	struct rv_journal_record *record = NULL;
	struct rv_journal_head head;
	uint64_t count = 0;
	uint32_t event = 0;

	if (ravelin_journal_get(ravelin, &record, &count, &head) == 0 && count > 0)
		event = record[count - 1].event;
	free(record);
	return event;
}

/** Tries to unload the module while nobody has its device open: only an update can hold it. @return 0 or a negative errno */
static int module_unload(void)
{
	int error;

	ravelin_close(ravelin);
	error = syscall(SYS_delete_module, "ravelin", O_NONBLOCK) ? -errno : 0;
	if (ravelin_open(&ravelin) != 0) {
		printf("FAIL module unload: it is gone\n");
		exit(1);
	}
	return error;
}

/* ---- the cases ---- */

static void exec_after_commit(void)
{
	struct rv_fimce_status status;
	struct target t;
	uint32_t id;

	target_start(&t);
	check_result(apply(&t, &code, 0, &id), 0, "exec after commit: applied");
	check(ask(&t, 'a') == NEW && ask(&t, 'x') == 0 && ask(&t, 'a') == OLD,
	      "exec after commit: the new program is not updated", "it answers something else");
	check_clean("exec after commit");
	check_result(ravelin_update_confirm(ravelin, id, &status), -ENOENT, "exec after commit: nothing to confirm");
	check(journal_last() == RV_UPDATE_ROLLED_BACK, "exec after commit: the journal says rolled back", "it says %u",
	      journal_last());
	target_end(&t);
}

static void fork_after_commit(void)
{
	struct rv_fimce_status status;
	struct target t;
	uint32_t id;
	int child;

	target_start(&t);
	check_result(apply(&t, &code, 0, &id), 0, "fork after commit: applied");
	child = ask(&t, 'f');
	check(child > 0 && ask(&t, 'c') == NEW, "fork after commit: the child runs the new version", "it does not");
	check_result(ravelin_update_rollback(ravelin, id, &status), 0, "fork after commit: rolled back");
	check(ask(&t, 'a') == OLD, "fork after commit: the parent runs the old version", "it does not");
	check(ask(&t, 'c') == NEW, "fork after commit: the child keeps what it got", "it does not");
	check_clean("fork after commit");
	kill(child, SIGKILL);
	target_end(&t);
}

/* Its copy is the process's own: it has the jump into new code, which therefore stays mapped. */
static void remap_after_commit(void)
{
	struct rv_fimce_status status;
	struct target t;
	uint32_t id;

	target_start(&t);
	check_result(apply(&t, &code, 0, &id), 0, "remap after commit: applied");
	check(ask(&t, 'r') == 0 && ask(&t, 'a') == NEW, "remap after commit: the process has a copy of the new version",
	      "it has not");
	check_result(ravelin_update_rollback(ravelin, id, &status), 0,
		     "remap after commit: the pages that were pinned are rolled back");
	check(ask(&t, 'a') == NEW, "remap after commit: the copy goes on with the new version", "it does not");
	check_clean("remap after commit");
	target_end(&t);
}

static void killed_frozen(void)
{
	int device = open(RV_DEVICE, O_RDWR | O_CLOEXEC), error;
	struct target t;
	uint32_t id = 0;

	target_start(&t);
	check(prepare(device, &t, &code, &id) == 0, "killed while frozen: prepared", "%s", strerror(errno));
	check(target_freeze(&t) == 0, "killed while frozen: frozen", "it is not");
	kill(t.pid, SIGKILL);
	error = commit(device, id);
	/* At once it may still be there to be updated; what is certain is that nothing stays. */
	check(error == 0 || error == -ESRCH || error == -ENOENT || error == -EAGAIN,
	      "killed while frozen: commit has a defined answer", "%d", error);
	target_end(&t);
	close(device);
	check_clean("killed while frozen");
}

static void never_confirmed(void)
{
	static uint8_t before[TEXT_MAX], after[TEXT_MAX];
	struct rv_fimce_status status;
	size_t bytes, again;
	struct target t;
	uint32_t id;
	int answer = NEW;

	target_start(&t);
	bytes = text_read(&t, before);
	check_result(apply(&t, &code, 300000, &id), 0, "never confirmed: applied with a deadline of 0.3 s");
	again = text_read(&t, after);
	check(bytes > 0 && bytes == again && memcmp(before, after, bytes) != 0, "never confirmed: the code has changed",
	      "%zu and %zu bytes", bytes, again);
	for (int i = 0; i < PATIENCE_MS / 10 && answer != OLD; i++) {
		usleep(10000);
		answer = ask(&t, 'a');
	}
	again = text_read(&t, after);
	check(answer == OLD && bytes == again && memcmp(before, after, bytes) == 0,
	      "never confirmed: Ravelin takes it back, every byte of the code is as before", "it answers %d", answer);
	check_clean("never confirmed");
	check_result(ravelin_update_confirm(ravelin, id, &status), -ENOENT, "never confirmed: too late to confirm");
	target_end(&t);
}

/** Root mode can't change data back under running threads: the module starts a program that freezes the target and asks for it. */
static void never_confirmed_data(void)
{
	struct rv_fimce_status status;
	struct target t;
	uint32_t id;
	int answer = NEW_DATA;

	target_start(&t);
	check_result(apply(&t, &data, 300000, &id), 0, "never confirmed, with data: applied");
	check(ask(&t, 'a') == NEW_DATA, "never confirmed, with data: code and data are new", "they are not");
	for (int i = 0; i < PATIENCE_MS / 10 && answer != OLD; i++) {
		usleep(10000);
		answer = ask(&t, 'a');
		if (answer != NEW_DATA && answer != OLD)
			break;
	}
	check(answer == OLD, "never confirmed, with data: the guest rolls it back by itself", "it answers %d", answer);
	check_clean("never confirmed, with data");
	check(journal_last() == RV_UPDATE_ROLLED_BACK, "never confirmed, with data: the journal says rolled back",
	      "it says %u", journal_last());
	check_result(ravelin_update_confirm(ravelin, id, &status), -ENOENT,
		     "never confirmed, with data: too late to confirm");
	target_end(&t);
}

/** The update's own way back fails: it can still be confirmed, and the end of the process ends it. Nothing is left behind. */
static void no_way_back(void)
{
	struct rv_fimce_status status;
	struct target t;
	uint32_t id;
	int error;

	target_start(&t);
	check_result(apply(&t, &stuck, 0, &id), 0, "no way back: applied");
	error = ravelin_update_rollback(ravelin, id, &status);
	check(error == -EIO && status.update == RV_UPDATE_APPLIED && ask(&t, 'a') == NEW_DATA,
	      "no way back: the rollback fails and changes nothing", "%d, state %u", error, status.update);
	check(ravelin_update_rollback(ravelin, id, &status) == -EIO, "no way back: nor does the next", "it does");
	check_result(ravelin_fimce_destroy(ravelin, id), -EBUSY, "no way back: it can't be destroyed");
	target_end(&t);
	check_clean("no way back, and the process ends");
	check(journal_last() == RV_UPDATE_ABANDONED, "no way back: the journal says abandoned", "it says %u",
	      journal_last());
	check_result(ravelin_update_confirm(ravelin, id, &status), -ENOENT, "no way back: nothing to confirm");
	target_start(&t);
	check_result(apply(&t, &stuck, 0, &id), 0, "no way back: applied to another process");
	ravelin_update_rollback(ravelin, id, &status);
	kill(t.pid, SIGKILL);
	target_end(&t);
	check_clean("no way back, and the process is killed");
}

/** The same when the deadline passes: nobody can confirm it and it can't go back, so it ends as it is, by itself. */
static void no_way_back_in_time(void)
{
	struct target t;
	uint32_t id;

	target_start(&t);
	check_result(apply(&t, &stuck, 300000, &id), 0, "no way back, overdue: applied");
	check_clean("no way back, overdue");
	check(journal_last() == RV_UPDATE_ABANDONED, "no way back, overdue: the journal says abandoned", "it says %u",
	      journal_last());
	check(ask(&t, 'a') == NEW_DATA, "no way back, overdue: the process goes on with the new version",
	      "it does not");
	target_end(&t);
	check_clean("no way back, overdue, end");
}

/** The same in a guest that has no such program: the update stays, can't be confirmed, and waits to be rolled back. */
static void never_confirmed_data_alone(void)
{
	struct rv_fimce_status status = {0};
	struct target t;
	uint32_t id;
	int error;

	target_start(&t);
	check_result(apply(&t, &data, 300000, &id), 0, "overdue: applied");
	check(ask(&t, 'a') == NEW_DATA, "overdue: code and data are new", "they are not");
	for (int i = 0; i < PATIENCE_MS / 10 && status.update != RV_UPDATE_EXPIRED; i++) {
		usleep(10000);
		if (ravelin_update_status(ravelin, id, &status, NULL, NULL) != 0)
			break;
	}
	check(status.update == RV_UPDATE_EXPIRED, "overdue: the update has expired", "state %u", status.update);
	/* Longer than the module waits before it looks. */
	usleep(500000);
	check(ask(&t, 'a') == NEW_DATA, "overdue: code and data stay together", "they do not");
	check_result(ravelin_update_confirm(ravelin, id, &status), -EBUSY, "overdue: too late to confirm");
	error = module_unload();
	check(error == -EWOULDBLOCK || error == -EBUSY, "overdue: the module stays", "%d", error);
	check_result(ravelin_update_rollback(ravelin, id, &status), 0, "overdue: rolled back on request");
	check(ask(&t, 'a') == OLD, "overdue: code and data are as before", "they are not");
	check_clean("overdue");
	target_end(&t);
}

/** A list of one thread that is nowhere near the target's code, and its frames. @return where they are, 0 on failure */
static uint64_t threads_make(int device)
{
	const uint64_t bytes = offsetof(struct rv_threads, thread) + sizeof(struct rv_thread);
	struct attack_memory memory = {.bytes = 2 * RV_PAGE_SIZE};
	struct attack_touch touch = {.bytes = 8, .step = 8, .write = 1};
	bool failed = ioctl(device, ATTACK_MEMORY, &memory) != 0;
	const uint64_t word[3][2] = {{memory.address, 1 | bytes << 32},
				     {memory.address + 8, memory.address + RV_PAGE_SIZE},
				     {memory.address + RV_PAGE_SIZE, 1}};

	for (int i = 0; i < 3; i++) {
		touch.address = word[i][0];
		touch.value = word[i][1];
		failed |= ioctl(device, ATTACK_TOUCH, &touch) != 0 || touch.touches != 1;
	}
	return failed ? 0 : memory.address;
}

static int64_t doorbell(int device, uint8_t value, uint32_t id, uint32_t what, uint64_t threads)
{
	/* Only AL counts. */
	struct attack_call c = {
	    .rax = 0x1122334455667700ull | value, .rdi = id, .rsi = what, .r8 = threads, .doorbell = 1};

	if (ioctl(device, ATTACK_CALL, &c) != 0 || c.trap != ATTACK_NO_TRAP)
		return -1000;
	return (int64_t)c.rax;
}

static void doorbell_rings(void)
{
	int device = open(RV_DEVICE, O_RDWR | O_CLOEXEC), port = open(ATTACK_PATH, O_RDWR | O_CLOEXEC);
	struct target t;
	uint64_t threads;
	uint32_t id = 0;
	int64_t got;

	if (port < 0) {
		check(false, "doorbell: the module attack.ko is there", "%s", strerror(errno));
		return;
	}
	threads = threads_make(port);
	target_start(&t);
	check(threads != 0 && prepare(device, &t, &code, &id) == 0, "doorbell: prepared", "%s", strerror(errno));
	got = doorbell(port, 0x53, id, RV_UPDATE_APPLY, threads);
	check(got == 0x1122334455667753ll && ask(&t, 'a') == OLD, "doorbell: another value is not for Ravelin",
	      "RAX %llx", (unsigned long long)got);
	/* Its thread waits in read(), so that nothing of the old code is on its stack. */
	target_freeze(&t);
	got = doorbell(port, RV_DOORBELL_VALUE, id, RV_UPDATE_APPLY, threads);
	ravelin_freezer_thaw(t.freezer);
	check(got == RV_UPDATE_APPLIED && ask(&t, 'a') == NEW, "doorbell: an update is applied by OUT to port 0xb2",
	      "RAX %llx", (unsigned long long)got);
	got = doorbell(port, RV_DOORBELL_VALUE, id + 100, RV_UPDATE_APPLY, threads);
	check(got == -RV_ENOENT, "doorbell: an unknown update is refused", "RAX %lld", (long long)got);
	target_freeze(&t);
	got = doorbell(port, RV_DOORBELL_VALUE, id, RV_UPDATE_ROLLBACK, threads);
	ravelin_freezer_thaw(t.freezer);
	check(got == RV_UPDATE_ROLLED_BACK && ask(&t, 'a') == OLD, "doorbell: and rolled back by another", "RAX %llx",
	      (unsigned long long)got);
	close(port);
	close(device);
	target_end(&t);
	check_clean("doorbell");
}

/** Two services at the same time: while one stands still the other answers. */
static void two_services(void)
{
	int device = open(RV_DEVICE, O_RDWR | O_CLOEXEC);
	struct target t[2];
	uint32_t id[2] = {0, 0};
	int other[2] = {0, 0}, error[2];

	target_start(&t[0]);
	target_start(&t[1]);
	for (int i = 0; i < 2; i++)
		error[i] = prepare(device, &t[i], &code, &id[i]);
	check(error[0] == 0 && error[1] == 0, "two services: both are prepared", "%d, %d", error[0], error[1]);
	for (int i = 0; i < 2; i++) {
		target_freeze(&t[i]);
		other[i] = ask(&t[1 - i], 'a');
		error[i] = commit(device, id[i]);
		ravelin_freezer_thaw(t[i].freezer);
	}
	check(other[0] == OLD && other[1] == NEW, "two services: one answers while the other stands still", "%d, %d",
	      other[0], other[1]);
	check(error[0] == 0 && error[1] == 0 && ask(&t[0], 'a') == NEW && ask(&t[1], 'a') == NEW,
	      "two services: both are updated", "%d, %d", error[0], error[1]);
	close(device);
	target_end(&t[0]);
	target_end(&t[1]);
	check_clean("two services");
}

static void unloaded(void)
{
	struct rv_fimce_status status;
	struct target t;
	uint32_t id;
	int error;

	target_start(&t);
	check_result(apply(&t, &code, 0, &id), 0, "module unload: an update is applied");
	error = module_unload();
	check(error == -EWOULDBLOCK || error == -EBUSY, "module unload: refused while an update is not confirmed", "%d",
	      error);
	check_result(ravelin_update_rollback(ravelin, id, &status), 0, "module unload: the update can be rolled back");
	target_end(&t);
	check_clean("module unload");
}

/** An update with a deadline that ends before it: when the deadline comes the module is not there any more. */
static void unloaded_before_deadline(const char *module, const char *parameters)
{
	struct rv_fimce_status status;
	struct target t;
	uint32_t id;
	int error, file = open(module, O_RDONLY | O_CLOEXEC);

	target_start(&t);
	check_result(apply(&t, &code, UNLOAD_DEADLINE_US, &id), 0, "unload before a deadline: applied");
	check_result(ravelin_update_rollback(ravelin, id, &status), 0, "unload before a deadline: rolled back");
	ravelin_close(ravelin);
	error = syscall(SYS_delete_module, "ravelin", O_NONBLOCK) ? -errno : 0;
	check(error == 0, "unload before a deadline: the module unloads", "%d", error);
	/* The kernel would die in this time. */
	usleep(2 * UNLOAD_DEADLINE_US);
	error = syscall(SYS_finit_module, file, parameters, 0) ? -errno : 0;
	check(error == 0 && ravelin_open(&ravelin) == 0, "unload before a deadline: it loads again", "%d", error);
	if (error)
		exit(1);
	close(file);
	target_end(&t);
	check_clean("unload before a deadline");
}

static void many_times(void)
{
	struct rv_fimce_status status;
	struct target t;
	uint32_t id;
	int done = 0, error = 0;
	char text[80], why[300];

	target_start(&t);
	while (done < CYCLES && !error) {
		error = apply(&t, &code, 0, &id);
		if (!error && ask(&t, 'a') != NEW)
			error = -EPROTO;
		if (!error)
			error = ravelin_update_rollback(ravelin, id, &status);
		if (!error && ask(&t, 'a') != OLD)
			error = -EPROTO;
		done += !error;
	}
	snprintf(text, sizeof(text), "%d times applied and rolled back", CYCLES);
	check(done == CYCLES, text, "%d times: %s", done, ravelin_explain(ravelin, error, why, sizeof(why)));
	check_clean(text);
	target_end(&t);
}

static bool update_load(struct update *u, const char *path)
{
	struct rv_failure why;
	FILE *file = fopen(path, "rb");
	size_t offset;

	u->bytes = calloc(1, ENVELOPE_MAX);
	if (!file || !u->bytes)
		return false;
	u->size = fread(u->bytes, 1, ENVELOPE_MAX - 16, file);
	fclose(file);
	return ravelin_image_find(u->bytes, u->size, &u->image, &offset, &why) == 0;
}

int main(int argc, char **argv)
{
	int error;
	char why[300];

	if (argc != 6) {
		fprintf(stderr, "usage: edge TARGET CODE.suit DATA.suit STUCK.suit MODULE.ko\n");
		return 64;
	}
	signal(SIGPIPE, SIG_IGN);
	target_path = argv[1];
	error = ravelin_open(&ravelin);
	if (error || !update_load(&code, argv[2]) || !update_load(&data, argv[3]) || !update_load(&stuck, argv[4])) {
		printf("FAIL set-up: %s\n", ravelin_explain(ravelin, error, why, sizeof(why)));
		return 1;
	}
	balance_take(&clean);
	exec_after_commit();
	fork_after_commit();
	remap_after_commit();
	killed_frozen();
	never_confirmed();
	never_confirmed_data();
	no_way_back();
	no_way_back_in_time();
	doorbell_rings();
	two_services();
	many_times();
	unloaded();
	unloaded_before_deadline(argv[5], "rollback_helper=");
	never_confirmed_data_alone();
	ravelin_close(ravelin);
	return failures != 0;
}
