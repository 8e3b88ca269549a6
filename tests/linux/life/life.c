// SPDX-License-Identifier: GPL-2.0-only
/*
 * life.c - runs in the guest: what becomes of an update when its target exits, forks, calls exec, remaps, shares its memory, is inside
 * the old code, is written to, or nobody confirms. After each case nothing may be left behind: no page pinned, no FIMCE.
 *
 * usage: life TARGET UPDATE.suit THIRD.suit; the second update replaces what the first one has replaced
 */
#include <libravelin/ravelin.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 10000

static const char *target_path;
static uint8_t envelope[2 << 20];
static size_t envelope_bytes;
static struct rv_image_header image; /* of the envelope */
static int failures;

/** A running target. */
struct target {
	pid_t pid;
	FILE *in, *out;
};

static void check(const char *name, bool good, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void check(const char *name, bool good, const char *format, ...)
{
	va_list list;

	if (good) {
		printf("PASS %s\n", name);
	} else {
		printf("FAIL %s: ", name);
		va_start(list, format);
		vprintf(format, list);
		va_end(list);
		putchar('\n');
		failures++;
	}
	fflush(stdout);
}

/** Sends one letter and reads the number of the line that comes back. @return -1000: none came */
static int ask(struct target *t, char letter)
{
	char line[80];
	int number;

	fputc(letter, t->in);
	fflush(t->in);
	if (!fgets(line, sizeof(line), t->out) || sscanf(line, "%*s %d", &number) != 1)
		return -1000;
	return number;
}

static void target_start(struct target *t)
{
	int to[2], from[2];
	char line[80];

	if (pipe(to) != 0 || pipe(from) != 0)
		exit(2);
	t->pid = fork();
	if (t->pid == 0) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		for (int i = 3; i < 20; i++)
			close(i);
		execl(target_path, target_path, (char *)NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	t->in = fdopen(to[1], "w");
	t->out = fdopen(from[0], "r");
	if (!t->in || !t->out || !fgets(line, sizeof(line), t->out))
		exit(2);
}

static void target_end(struct target *t)
{
	kill(t->pid, SIGKILL);
	waitpid(t->pid, NULL, 0);
	fclose(t->in);
	fclose(t->out);
}

static struct ravelin *open_device(void)
{
	struct ravelin *h;
	int error = ravelin_open(&h);
	char text[300];

	if (error) {
		printf("FAIL life: %s\n", ravelin_explain(NULL, error, text, sizeof(text)));
		exit(1);
	}
	return h;
}

/** True once the module holds nothing any more; what ends elsewhere may take a moment. */
static bool is_clean(struct rv_driver_info *driver)
{
	struct ravelin *h = open_device();
	struct rv_info info;
	bool clean = false;

	for (int i = 0; i < PATIENCE_MS && !clean; i += 10) {
		if (ravelin_info(h, &info, driver))
			break;
		clean = driver->pages_pinned == 0 && driver->fimces == 0 && info.fimce_count == 0;
		if (!clean)
			usleep(10000);
	}
	ravelin_close(h);
	return clean;
}

static void check_clean(const char *name)
{
	struct rv_driver_info driver = {0};
	bool clean = is_clean(&driver);
	char text[120];

	snprintf(text, sizeof(text), "%s: nothing is left behind", name);
	check(text, clean, "%llu pages pinned, %u FIMCEs", (unsigned long long)driver.pages_pinned, driver.fimces);
}

/** Applies without confirmation. @return 0 or a negative errno */
static int apply(struct ravelin *h, pid_t pid, uint64_t deadline_us, struct ravelin_update_report *r)
{
	struct ravelin_update_options options = {.pid = pid, .deadline_us = deadline_us, .attempts = 5};

	return ravelin_update_apply(h, envelope, envelope_bytes, &options, r);
}

/* The two halves of an update one by one, so that something can happen in between. */

static int device;

static int prepare(pid_t pid, struct rv_ioctl_prepare *p)
{
	size_t padded = (envelope_bytes + 15) & ~(size_t)15;

	memset(p, 0, sizeof(*p));
	p->head.size = sizeof(*p);
	p->sizes.input = (uintptr_t)envelope;
	p->sizes.input_bytes = (uint32_t)padded;
	p->sizes.argument_offset = (uint32_t)padded;
	p->sizes.load_bytes = image.load_bytes;
	p->sizes.output_bytes = image.output_bytes;
	p->sizes.stack_bytes = image.stack_bytes;
	p->sizes.budget_us = image.budget_us;
	p->pid = pid;
	p->range_count = image.range_count;
	memcpy(p->range, image.range, sizeof(p->range));
	return ioctl(device, RV_IOCTL_UPDATE_PREPARE, p) ? -errno : 0;
}

static int commit(uint32_t id, struct rv_ioctl_update *u)
{
	memset(u, 0, sizeof(*u));
	u->head.size = sizeof(*u);
	u->id = id;
	return ioctl(device, RV_IOCTL_UPDATE_COMMIT, u) ? -errno : 0;
}

/** Commits with the target frozen. */
static int commit_frozen(pid_t pid, uint32_t id, struct rv_ioctl_update *u)
{
	struct ravelin_freezer *f;
	int error = ravelin_freezer_open(pid, &f);

	if (error)
		return error;
	error = ravelin_freezer_freeze(f, 5000);
	if (!error)
		error = commit(id, u);
	ravelin_freezer_close(f);
	return error;
}

static void prepared(const char *name, struct target *t, struct rv_ioctl_prepare *p)
{
	char text[120];
	int error;

	target_start(t);
	device = open(RV_DEVICE, O_RDWR | O_CLOEXEC);
	error = prepare(t->pid, p);
	snprintf(text, sizeof(text), "%s: prepared", name);
	check(text, error == 0 && p->pages > 0 && ask(t, 'a') == 1, "error %d, reason %u, value 0x%llx", error,
	      p->head.failure.reason, (unsigned long long)p->head.failure.value);
}

static void finish(const char *name, struct target *t)
{
	close(device);
	target_end(t);
	check_clean(name);
}

static void refused(const char *name, int error, int wanted, const struct rv_failure *why, uint32_t reason)
{
	check(name, error == wanted && why->reason == reason, "error %d, reason %u, value 0x%llx", error, why->reason,
	      (unsigned long long)why->value);
}

/* ---- the cases ---- */

static void rolled_back(void)
{
	struct ravelin *h = open_device();
	struct ravelin_update_report r;
	struct rv_fimce_status status;
	struct target t;
	char text[300];
	int error;

	target_start(&t);
	error = apply(h, t.pid, 0, &r);
	check("applied: the new function answers", error == 0 && ask(&t, 'a') == 2, "%s",
	      ravelin_explain(h, error, text, sizeof(text)));
	ravelin_close(h);
	h = open_device();
	check("an applied update outlives the program", ravelin_update_status(h, r.id, &status, NULL, NULL) == 0,
	      "it is gone");
	check("an applied update can't be destroyed", ravelin_fimce_destroy(h, r.id) == -EBUSY, "it could");
	error = ravelin_update_rollback(h, r.id, &status);
	check("rolled back: the old function answers", error == 0 && ask(&t, 'a') == 1, "%s",
	      ravelin_explain(h, error, text, sizeof(text)));
	check("rolled back twice is refused", ravelin_update_rollback(h, r.id, &status) == -ENOENT, "it is not");
	error = apply(h, t.pid, 0, &r);
	check("applied again after a rollback", error == 0 && ask(&t, 'a') == 2, "%s",
	      ravelin_explain(h, error, text, sizeof(text)));
	error = ravelin_update_rollback(h, r.id, &status);
	check("rolled back again", error == 0 && ask(&t, 'a') == 1, "%s",
	      ravelin_explain(h, error, text, sizeof(text)));
	ravelin_close(h);
	target_end(&t);
	check_clean("rollback");
}

static void expired(void)
{
	struct ravelin *h = open_device();
	struct ravelin_update_report r;
	struct rv_fimce_status status;
	struct target t;
	int answer = 2, error;
	char text[300];

	target_start(&t);
	error = apply(h, t.pid, 300000, &r);
	check("applied with a deadline", error == 0, "%s", ravelin_explain(h, error, text, sizeof(text)));
	for (int i = 0; i < PATIENCE_MS && answer == 2; i += 10) {
		answer = ask(&t, 'a');
		if (answer == 2)
			usleep(10000);
	}
	check("without confirmation the old function is back", answer == 1, "answer %d", answer);
	check_clean("expiry");
	check("too late to confirm", ravelin_update_confirm(h, r.id, &status) == -ENOENT, "it was confirmed");
	/* Some thread may still be in the new code, so that it stays where it is. */
	error = apply(h, t.pid, 0, &r);
	check("the same place is not used twice after expiry",
	      error == -EEXIST && ravelin_failure(h).reason == RV_REASON_DRIVER_FRESH && ask(&t, 'a') == 1,
	      "error %d: %s", error, ravelin_explain(h, error, text, sizeof(text)));
	ravelin_close(h);
	target_end(&t);
	check_clean("expiry, second");
}

static void killed_after_commit(void)
{
	struct ravelin *h = open_device();
	struct ravelin_update_report r;
	struct rv_fimce_status status;
	struct target t;
	int error;
	char text[300];

	target_start(&t);
	error = apply(h, t.pid, 0, &r);
	check("applied, then killed", error == 0, "%s", ravelin_explain(h, error, text, sizeof(text)));
	target_end(&t);
	check_clean("death after commit");
	check("no confirmation for the dead", ravelin_update_confirm(h, r.id, &status) == -ENOENT, "it was confirmed");
	ravelin_close(h);
}

static void killed_before_commit(void)
{
	struct rv_ioctl_prepare p = {0};
	struct rv_ioctl_update u = {0};
	struct target t;
	int error;

	prepared("death before commit", &t, &p);
	target_end(&t);
	check_clean("death before commit");
	error = commit(p.id, &u);
	refused("commit for the dead is refused", error, -ENOENT, &u.head.failure, RV_REASON_FIMCE_ID);
	close(device);
}

static void exec_before_commit(void)
{
	struct rv_ioctl_prepare p = {0};
	struct rv_ioctl_update u = {0};
	struct target t;
	int error;

	prepared("exec", &t, &p);
	ask(&t, 'x');
	check_clean("exec");
	error = commit_frozen(t.pid, p.id, &u);
	refused("commit after exec is refused", error, -ENOENT, &u.head.failure, RV_REASON_FIMCE_ID);
	check("the new program runs unchanged", ask(&t, 'a') == 1, "it does not");
	finish("exec, end", &t);
}

static void fork_before_commit(void)
{
	struct rv_ioctl_prepare p = {0};
	struct rv_ioctl_update u = {0};
	struct target t;
	pid_t child;
	int error;

	prepared("fork", &t, &p);
	child = ask(&t, 'f');
	error = commit_frozen(t.pid, p.id, &u);
	check("fork: the parent is updated", error == 0 && ask(&t, 'a') == 2, "error %d, reason %u, value 0x%llx",
	      error, u.head.failure.reason, (unsigned long long)u.head.failure.value);
	check("fork: the child, which is older, is not", ask(&t, 'c') == 1, "it is");
	kill(child, SIGKILL);
	finish("fork", &t);
}

static void remap_before_commit(void)
{
	struct rv_ioctl_prepare p = {0};
	struct rv_ioctl_update u = {0};
	struct target t;
	int error;

	prepared("remap", &t, &p);
	check("remap: the target did it", ask(&t, 'r') == 1, "it could not");
	error = commit_frozen(t.pid, p.id, &u);
	refused("commit after remapping is refused", error, -EAGAIN, &u.head.failure, RV_REASON_DRIVER_REMAPPED);
	error = prepare(t.pid, &p);
	refused("memory that is not the executable's is no target", error, -EINVAL, &p.head.failure,
		RV_REASON_DRIVER_RANGE);
	check("remap: the target runs on", ask(&t, 'a') == 1, "it does not");
	finish("remap", &t);
}

/** Has a thread enter the function that is replaced. It is inside once it waits: until then a commit may succeed. */
static void thread_enter(struct target *t, char how)
{
	ask(t, how);
	for (int i = 0; i < 100; i++)
		ask(t, 'a');
	usleep(200000);
}

/** A thread that is inside, though no word of the stack that it stands on says so. */
static void inside_unseen(void)
{
	struct rv_ioctl_prepare p = {0};
	struct rv_ioctl_update u = {0};
	struct target t;
	int error;

	prepared("unseen", &t, &p);
	thread_enter(&t, 'h');
	check("unseen: the thread handles a signal", ask(&t, 'g') == 1, "it does not");
	error = commit_frozen(t.pid, p.id, &u);
	refused("commit with a thread on a signal stack is refused", error, -EAGAIN, &u.head.failure,
		RV_REASON_DRIVER_SIGNAL_STACK);
	ask(&t, 'k');
	ask(&t, 'u');
	thread_enter(&t, 'd');
	error = commit_frozen(t.pid, p.id, &u);
	refused("commit with a thread on a deep stack is refused", error, -EAGAIN, &u.head.failure,
		RV_REASON_DRIVER_DEEP);
	ask(&t, 'u');
	error = commit_frozen(t.pid, p.id, &u);
	check("unseen: the same update goes in when the thread is out", error == 0 && ask(&t, 'a') == 2,
	      "error %d, reason %u, value 0x%llx", error, u.head.failure.reason,
	      (unsigned long long)u.head.failure.value);
	finish("unseen", &t);
}

static void running_or_inside(void)
{
	struct rv_ioctl_prepare p = {0};
	struct rv_ioctl_update u = {0};
	struct target t;
	int error;

	prepared("threads", &t, &p);
	error = commit(p.id, &u);
	refused("commit of a running target is refused", error, -EAGAIN, &u.head.failure, RV_REASON_DRIVER_NOT_FROZEN);
	thread_enter(&t, 'h');
	error = commit_frozen(t.pid, p.id, &u);
	refused("commit with a thread inside is refused", error, -EAGAIN, &u.head.failure, RV_REASON_DRIVER_STACK);
	check("the thread inside is named", u.head.failure.value > (uint64_t)t.pid, "it is %llu",
	      (unsigned long long)u.head.failure.value);
	ask(&t, 'u');
	error = commit_frozen(t.pid, p.id, &u);
	check("the same update goes in when the thread is out", error == 0 && ask(&t, 'a') == 2,
	      "error %d, reason %u, value 0x%llx", error, u.head.failure.reason,
	      (unsigned long long)u.head.failure.value);
	finish("threads", &t);
}

static void shared_memory(void)
{
	struct rv_ioctl_prepare p = {0};
	struct rv_ioctl_update u = {0};
	struct target t;
	pid_t other;
	int error;

	prepared("shared", &t, &p);
	other = ask(&t, 's');
	error = commit_frozen(t.pid, p.id, &u);
	refused("commit with memory shared by another process is refused", error, -EBUSY, &u.head.failure,
		RV_REASON_DRIVER_SHARED);
	kill(other, SIGKILL);
	finish("shared", &t);
}

static void written_before_commit(void)
{
	struct rv_ioctl_prepare p = {0};
	struct rv_ioctl_update u = {0};
	struct target t;
	uint64_t address;
	char path[64];
	uint8_t byte;
	int error, file;

	prepared("write", &t, &p);
	address = p.bias + image.range[0].address;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)t.pid);
	file = open(path, O_RDWR);
	check("write: the same byte again",
	      pread(file, &byte, 1, (off_t)address) == 1 && pwrite(file, &byte, 1, (off_t)address) == 1, "%s",
	      strerror(errno));
	close(file);
	error = commit_frozen(t.pid, p.id, &u);
	refused("commit after a write to the code is refused", error, -ESTALE, &u.head.failure, RV_REASON_UPDATE_STALE);
	check("write: the target runs on", ask(&t, 'a') == 1, "it does not");
	finish("write", &t);
}

static void closed_before_commit(void)
{
	struct rv_ioctl_prepare p = {0};
	struct target t;

	prepared("close", &t, &p);
	close(device);
	check_clean("close");
	check("close: the target runs on", ask(&t, 'a') == 1, "it does not");
	target_end(&t);
}

/** Commits and has the module freeze with this file. */
static int commit_freezing(uint32_t id, int file, struct rv_ioctl_update *u)
{
	memset(u, 0, sizeof(*u));
	u->head.size = sizeof(*u);
	u->id = id;
	u->freezer = file;
	u->freeze_ms = 200;
	return ioctl(device, RV_IOCTL_UPDATE_COMMIT, u) ? -errno : 0;
}

static void frozen_by_the_module(void)
{
	struct rv_ioctl_prepare p = {0};
	struct rv_ioctl_update u = {0};
	struct ravelin_freezer *f;
	struct target t;
	int error, file;

	prepared("frozen by the module", &t, &p);
	file = open("/dev/null", O_WRONLY | O_CLOEXEC);
	error = commit_freezing(p.id, file, &u);
	refused("a file that can't freeze is refused", error, -EBADF, &u.head.failure, RV_REASON_DRIVER_ARGUMENT);
	close(file);
	error = commit_freezing(p.id, -1, &u);
	refused("no file is refused", error, -EBADF, &u.head.failure, RV_REASON_DRIVER_ARGUMENT);

	/* One that freezes nobody: the threads never stand. */
	mkdir("/sys/fs/cgroup/empty", 0755);
	file = open("/sys/fs/cgroup/empty/cgroup.freeze", O_WRONLY | O_CLOEXEC);
	error = commit_freezing(p.id, file, &u);
	refused("threads that do not freeze in time", error, -ETIME, &u.head.failure, RV_REASON_DRIVER_NOT_FROZEN);
	check("they were waited for", u.thaw_tsc > u.freeze_tsc && u.freeze_tsc != 0 && ask(&t, 'a') == 1,
	      "from %llu to %llu", (unsigned long long)u.freeze_tsc, (unsigned long long)u.thaw_tsc);
	close(file);
	rmdir("/sys/fs/cgroup/empty");

	error = ravelin_freezer_open(t.pid, &f);
	if (!error) {
		error = commit_freezing(p.id, ravelin_freezer_file(f), &u);
		check("frozen by the module: applied, and it runs", error == 0 && ask(&t, 'a') == 2,
		      "error %d, reason %u", error, u.head.failure.reason);
		ravelin_freezer_close(f);
	}
	check("frozen by the module: times in order",
	      u.freeze_tsc < u.frozen_tsc && u.frozen_tsc < u.checked_tsc && u.checked_tsc < u.thaw_tsc,
	      "%llu %llu %llu %llu", (unsigned long long)u.freeze_tsc, (unsigned long long)u.frozen_tsc,
	      (unsigned long long)u.checked_tsc, (unsigned long long)u.thaw_tsc);
	finish("frozen by the module", &t);
}

/** Reads the update that the next calls apply. */
static void envelope_load(const char *path)
{
	struct rv_failure why;
	size_t offset;
	FILE *file = fopen(path, "rb");

	memset(envelope, 0, sizeof(envelope));
	envelope_bytes = file ? fread(envelope, 1, sizeof(envelope) - 16, file) : 0;
	if (file)
		fclose(file);
	if (ravelin_image_find(envelope, envelope_bytes, &image, &offset, &why)) {
		printf("FAIL life: %s is no update\n", path);
		exit(1);
	}
}

/** 1 -> 2 -> 3: no thread may be in version 2 when version 3 comes; the way back leads to version 2. */
static void updated_again(struct ravelin *h, struct target *t)
{
	struct ravelin_update_report r;
	struct rv_ioctl_prepare p = {0};
	struct rv_ioctl_update u = {0};
	struct rv_fimce_status status;
	char text[300];
	int error;

	device = open(RV_DEVICE, O_RDWR | O_CLOEXEC);
	error = prepare(t->pid, &p);
	check("again: prepared", error == 0, "error %d, reason %u, value 0x%llx", error, p.head.failure.reason,
	      (unsigned long long)p.head.failure.value);
	thread_enter(t, 'h');
	error = commit_frozen(t->pid, p.id, &u);
	refused("again: refused while a thread is in version 2", error, -EAGAIN, &u.head.failure,
		RV_REASON_DRIVER_STACK);
	ask(t, 'u');
	error = commit_frozen(t->pid, p.id, &u);
	check("again: version 3 answers", error == 0 && ask(t, 'a') == 3, "error %d, reason %u, value 0x%llx", error,
	      u.head.failure.reason, (unsigned long long)u.head.failure.value);
	error = ravelin_update_rollback(h, p.id, &status);
	check("again: rolled back to version 2", error == 0 && ask(t, 'a') == 2, "%s",
	      ravelin_explain(h, error, text, sizeof(text)));
	close(device);
	error = apply(h, t->pid, 0, &r);
	if (!error)
		error = ravelin_update_confirm(h, r.id, &status);
	check("again: version 3 is confirmed", error == 0 && ask(t, 'a') == 3, "%s",
	      ravelin_explain(h, error, text, sizeof(text)));
}

static void confirmed(const char *third)
{
	struct ravelin *h = open_device();
	struct ravelin_update_report r;
	struct rv_fimce_status status;
	struct target t;
	char text[300];
	int error;

	target_start(&t);
	error = apply(h, t.pid, 5000000, &r);
	if (!error)
		error = ravelin_update_confirm(h, r.id, &status);
	check("confirmed: the new function answers", error == 0 && ask(&t, 'a') == 2, "%s",
	      ravelin_explain(h, error, text, sizeof(text)));
	check_clean("confirmation");
	check("confirmed: it still does without pins", ask(&t, 'a') == 2, "it does not");
	error = apply(h, t.pid, 0, &r);
	check("the same update once more is refused", error == -ECANCELED, "error %d", error);
	check("and the confirmed one stays", ask(&t, 'a') == 2, "it does not");
	envelope_load(third);
	updated_again(h, &t);
	ravelin_close(h);
	target_end(&t);
	check_clean("confirmation, end");
}

/** An update of version 2 is none of version 1. */
static void version_left_out(const char *third)
{
	struct ravelin *h = open_device();
	struct ravelin_update_report r;
	struct target t;
	char text[300];
	int error;

	target_start(&t);
	envelope_load(third);
	error = apply(h, t.pid, 0, &r);
	check("an update of version 2 is refused by version 1",
	      error == -ECANCELED && ravelin_failure(h).reason == RV_REASON_UPDATE_OLD_CONTENT && ask(&t, 'a') == 1,
	      "error %d: %s", error, ravelin_explain(h, error, text, sizeof(text)));
	ravelin_close(h);
	target_end(&t);
	check_clean("a version left out");
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	target_path = argv[1];
	version_left_out(argv[3]);
	envelope_load(argv[2]);
	rolled_back();
	expired();
	killed_after_commit();
	killed_before_commit();
	exec_before_commit();
	fork_before_commit();
	remap_before_commit();
	running_or_inside();
	inside_unseen();
	shared_memory();
	written_before_commit();
	closed_before_commit();
	frozen_by_the_module();
	confirmed(argv[3]);
	return failures != 0;
}
