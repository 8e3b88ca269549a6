// SPDX-License-Identifier: GPL-2.0-only
/*
 * inner.c - inner JOB_DIRECTORY NUMBER PORT: runs in the outer machine, starts QEMU/KVM with the inner one and watches it.
 *
 * JOB_DIRECTORY holds `cd.iso` and `job` (lines KEY=VALUE, written by tests/lib/nested.py). What the inner machine writes to its
 * serial port goes to PORT in frames, so that nothing in it can be taken for a message of the outer machine:
 *
 *   @NUMBER LENGTH\n   followed by LENGTH bytes, as they were
 *   =NUMBER STATUS TEXT\n   the end of the job; STATUS is one of tests/lib/emulator.py
 *
 * Exit status: 0 if the frame with the end was written, whatever it says; 1 if not.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* As in tests/lib/emulator.py. */
enum status {
	POWER_OFF = 0,
	RESET = 3,
	FATAL = 4,
	STALLED = 5,
	TIMED_OUT = 124,
	UNDECIDED = -1
};

#define MAX_LIST 16
#define MAX_LINE 4096
#define MAX_ARGUMENTS 128
#define HEARTBEAT_SECONDS 5

struct job {
	char cpus[16], memory[16], reset[16], until[256];
	long timeout, stall, until_count;
	char *fatal[MAX_LIST], *device[MAX_LIST], *answer[MAX_LIST], *keys[MAX_LIST];
	unsigned fatals, devices, answers, keys_count;
	bool tpm;
};

/** Bytes up to the end of a line; longer lines are cut. */
struct line {
	char text[MAX_LINE];
	size_t length;
};

struct watch {
	const struct job *job;
	int port, monitor_port;
	const char *number;
	struct line serial, monitor;
	struct line com2; /* what it has said since the last answer */
	unsigned answered;
	long until_seen;
	char last_line[101];
	double last_output;
	enum status status;
	char why[512];
};

static double now_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

__attribute__((format(printf, 1, 2), noreturn)) static void die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("inner: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(EXIT_FAILURE);
}

static void list_add(char *list[MAX_LIST], unsigned *count, const char *value)
{
	if (*count == MAX_LIST)
		die("more than %d times the same key", MAX_LIST);
	list[*count] = strdup(value);
	if (list[(*count)++] == NULL)
		die("no memory");
}

static void job_set(struct job *job, const char *key, const char *value)
{
	if (strcmp(key, "cpus") == 0)
		snprintf(job->cpus, sizeof(job->cpus), "%s", value);
	else if (strcmp(key, "memory") == 0)
		snprintf(job->memory, sizeof(job->memory), "%s", value);
	else if (strcmp(key, "reset") == 0)
		snprintf(job->reset, sizeof(job->reset), "%s", value);
	else if (strcmp(key, "until") == 0)
		snprintf(job->until, sizeof(job->until), "%s", value);
	else if (strcmp(key, "until-count") == 0)
		job->until_count = strtol(value, NULL, 10);
	else if (strcmp(key, "timeout") == 0)
		job->timeout = strtol(value, NULL, 10);
	else if (strcmp(key, "stall") == 0)
		job->stall = strtol(value, NULL, 10);
	else if (strcmp(key, "tpm") == 0)
		job->tpm = strcmp(value, "1") == 0;
	else if (strcmp(key, "fatal") == 0)
		list_add(job->fatal, &job->fatals, value);
	else if (strcmp(key, "device") == 0)
		list_add(job->device, &job->devices, value);
	else if (strcmp(key, "answer") == 0 && strchr(value, '=') != NULL)
		list_add(job->answer, &job->answers, value);
	else if (strcmp(key, "keys") == 0 && strchr(value, '=') != NULL)
		list_add(job->keys, &job->keys_count, value);
	else
		die("unknown key %s", key);
}

static void job_read(struct job *job)
{
	FILE *file = fopen("job", "re");
	char text[MAX_LINE];

	if (file == NULL)
		die("job: %s", strerror(errno));
	while (fgets(text, sizeof(text), file) != NULL) {
		text[strcspn(text, "\n")] = '\0';
		char *value = strchr(text, '=');

		if (value == NULL)
			die("job: not KEY=VALUE: %s", text);
		*value = '\0';
		job_set(job, text, value + 1);
	}
	fclose(file);
	if (job->cpus[0] == '\0' || job->memory[0] == '\0' || job->timeout <= 0)
		die("job: cpus, memory and timeout are needed");
}

/** Writes all of it; the serial port takes a few bytes at a time. */
static void port_write(int port, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t written = write(port, data, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			die("serial port: %s", strerror(errno));
		data += written;
		length -= (size_t)written;
	}
}

static int port_open(const char *path)
{
	struct termios mode;
	int port = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (port < 0 || tcgetattr(port, &mode) != 0)
		die("%s: %s", path, strerror(errno));
	cfmakeraw(&mode);
	cfsetspeed(&mode, B115200);
	if (tcsetattr(port, TCSANOW, &mode) != 0)
		die("%s: %s", path, strerror(errno));
	return port;
}

/** Starts a program; the child keeps the descriptors that are not close-on-exec. */
static pid_t start(char *const arguments[])
{
	pid_t child = fork();

	if (child < 0)
		die("fork: %s", strerror(errno));
	if (child == 0) {
		execvp(arguments[0], arguments);
		fprintf(stderr, "inner: %s: %s\n", arguments[0], strerror(errno));
		_exit(127);
	}
	return child;
}

/* swtpm becomes a daemon when its socket is there, and ends when QEMU closes it. */
static void tpm_start(void)
{
	char *const arguments[] = {
	    "swtpm",       "socket", "--tpm2", "--tpmstate", "dir=/run/tpm", "--ctrl", "type=unixio,path=/run/tpm/sock",
	    "--terminate", "-d",     NULL};
	int status;

	if (mkdir("/run/tpm", 0700) != 0 && errno != EEXIST)
		die("/run/tpm: %s", strerror(errno));
	pid_t child = start(arguments);

	if (waitpid(child, &status, 0) != child || status != 0)
		die("swtpm did not start");
}

static pid_t qemu_start(const struct job *job, int serial, int monitor, int com2)
{
	char serial_text[64], monitor_text[64], com2_text[64];
	char *arguments[MAX_ARGUMENTS] = {"qemu-system-x86_64",
					  "-M",
					  "q35,kernel-irqchip=split,smm=off",
					  "-accel",
					  "kvm",
					  "-cpu",
					  "host",
					  "-smp",
					  (char *)job->cpus,
					  "-m",
					  (char *)job->memory,
					  "-device",
					  "intel-iommu,intremap=on",
					  "-device",
					  "edu",
					  "-chardev",
					  serial_text,
					  "-serial",
					  "chardev:serial",
					  "-chardev",
					  monitor_text,
					  "-mon",
					  "chardev=monitor,mode=control",
					  "-cdrom",
					  "cd.iso",
					  "-boot",
					  "d",
					  "-nic",
					  "none",
					  "-vga",
					  "none",
					  "-display",
					  "none",
					  "-nodefaults",
					  "-action",
					  "shutdown=pause"};
	unsigned count = 0;

	snprintf(serial_text, sizeof(serial_text), "socket,id=serial,fd=%d", serial);
	snprintf(monitor_text, sizeof(monitor_text), "socket,id=monitor,fd=%d", monitor);
	while (arguments[count] != NULL)
		count++;
	if (job->tpm) {
		arguments[count++] = "-chardev";
		arguments[count++] = "socket,id=tpm,path=/run/tpm/sock";
		arguments[count++] = "-tpmdev";
		arguments[count++] = "emulator,id=tpm,chardev=tpm";
		arguments[count++] = "-device";
		arguments[count++] = "tpm-tis,tpmdev=tpm";
	}
	if (strcmp(job->reset, "continue") != 0) {
		arguments[count++] = "-action";
		arguments[count++] = "reboot=shutdown";
	}
	if (job->answers > 0) {
		snprintf(com2_text, sizeof(com2_text), "socket,id=com2,fd=%d", com2);
		arguments[count++] = "-chardev";
		arguments[count++] = com2_text;
		arguments[count++] = "-serial";
		arguments[count++] = "chardev:com2";
	}
	for (unsigned i = 0; i < job->devices; i++) {
		arguments[count++] = "-device";
		arguments[count++] = job->device[i];
	}
	arguments[count] = NULL;
	return start(arguments);
}

__attribute__((format(printf, 3, 4))) static void decide(struct watch *watch, enum status status, const char *format,
							 ...)
{
	va_list arguments;

	if (watch->status != UNDECIDED)
		return;
	watch->status = status;
	va_start(arguments, format);
	vsnprintf(watch->why, sizeof(watch->why), format, arguments);
	va_end(arguments);
}

/* Presses a key of the machine's keyboard: a letter, a digit, space; any other one is Enter. */
static void key_press(const struct watch *watch, char c)
{
	char name[4] = {c, '\0'}, command[160];

	if (c == ' ')
		strcpy(name, "spc");
	else if (!islower((unsigned char)c) && !isdigit((unsigned char)c))
		strcpy(name, "ret");
	int length = snprintf(command, sizeof(command),
			      "{\"execute\":\"send-key\",\"arguments\":{\"hold-time\":20,\"keys\":"
			      "[{\"type\":\"qcode\",\"data\":\"%s\"}]}}\n",
			      name);

	port_write(watch->monitor_port, command, (size_t)length);
}

/* KEYS is ASK=TEXT; see Keyboard in tests/lib/emulator.py. */
static void keys_type(const struct watch *watch, const char *keys, const char *text)
{
	const char *type = strchr(keys, '=') + 1;
	size_t ask = (size_t)(type - 1 - keys);

	if (memmem(text, strlen(text), keys, ask) == NULL)
		return;
	while (*type != '\0')
		key_press(watch, *type++);
	key_press(watch, '\n');
}

static void serial_line(struct watch *watch, const char *text)
{
	const struct job *job = watch->job;

	snprintf(watch->last_line, sizeof(watch->last_line), "%.100s", text);

	for (unsigned i = 0; i < job->fatals; i++) {
		if (strstr(text, job->fatal[i]) != NULL)
			decide(watch, FATAL, "the guest says '%.200s'", text);
	}
	for (unsigned i = 0; i < job->keys_count; i++)
		keys_type(watch, job->keys[i], text);
	if (job->until[0] != '\0' && strstr(text, job->until) != NULL && ++watch->until_seen == job->until_count)
		decide(watch, POWER_OFF, "marker '%s' seen", job->until);
}

/* QEMU reports events as one line of JSON each. */
static void monitor_line(struct watch *watch, const char *text)
{
	const struct job *job = watch->job;

	if (strstr(text, "\"event\": \"SHUTDOWN\"") == NULL)
		return;
	if (strstr(text, "\"reason\": \"guest-shutdown\"") != NULL)
		decide(watch, job->until[0] == '\0' ? POWER_OFF : FATAL, "power-off%s",
		       job->until[0] == '\0' ? "" : ", but the marker was not seen");
	else if (strstr(text, "\"reason\": \"guest-reset\"") != NULL && strcmp(job->reset, "end") == 0)
		decide(watch, POWER_OFF, "reset by the guest");
	else if (strstr(text, "\"reason\": \"guest-reset\"") != NULL)
		decide(watch, RESET, "the guest reset the machine (a triple fault looks the same)");
	else
		decide(watch, FATAL, "QEMU stopped: %.200s", text);
}

static void lines_feed(struct watch *watch, struct line *line, void (*use)(struct watch *, const char *),
		       const char *data, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (data[i] == '\n') {
			line->text[line->length] = '\0';
			line->text[strcspn(line->text, "\r")] = '\0';
			use(watch, line->text);
			line->length = 0;
		} else if (data[i] != '\0' && line->length < sizeof(line->text) - 1) {
			line->text[line->length++] = data[i];
		}
	}
}

/* Returns false at the end of the stream. */
static bool serial_forward(struct watch *watch, int serial)
{
	char data[512], head[64];
	ssize_t length = read(serial, data, sizeof(data));

	if (length <= 0)
		return length < 0 && errno == EINTR;
	int head_length = snprintf(head, sizeof(head), "@%s %zd\n", watch->number, length);

	port_write(watch->port, head, (size_t)head_length);
	port_write(watch->port, data, (size_t)length);
	watch->last_output = now_seconds();
	lines_feed(watch, &watch->serial, serial_line, data, (size_t)length);
	return true;
}

static bool monitor_read(struct watch *watch, int monitor)
{
	char data[512];
	ssize_t length = read(monitor, data, sizeof(data));

	if (length <= 0)
		return length < 0 && errno == EINTR;
	lines_feed(watch, &watch->monitor, monitor_line, data, (size_t)length);
	return true;
}

/* Types the reply of the current answer, ASK=REPLY, when the port has said ASK; see Typist in tests/lib/emulator.py. */
static bool com2_answer(struct watch *watch, int com2)
{
	const struct job *job = watch->job;
	struct line *said = &watch->com2;
	char data[256];
	ssize_t length = read(com2, data, sizeof(data));

	if (length <= 0)
		return length < 0 && errno == EINTR;
	for (ssize_t i = 0; i < length; i++) {
		const char *answer = job->answer[watch->answered], *reply = strchr(answer, '=');
		size_t ask = (size_t)(reply - answer);

		if (data[i] == '\n' || said->length == sizeof(said->text) - 1)
			said->length = 0;
		if (data[i] != '\0')
			said->text[said->length++] = data[i];
		if (said->length < ask || memcmp(said->text + said->length - ask, answer, ask) != 0)
			continue;
		port_write(com2, reply + 1, strlen(reply + 1));
		port_write(com2, "\r", 1);
		said->length = 0;
		if (watch->answered + 1 < job->answers)
			watch->answered++;
	}
	return true;
}

/* Until something decides how the job ended. QEMU's end shows as the end of its streams. */
static void watch_run(struct watch *watch, int serial, int monitor, int com2)
{
	const struct job *job = watch->job;
	double started = now_seconds(), heartbeat = started + HEARTBEAT_SECONDS;

	watch->last_output = started;
	while (watch->status == UNDECIDED) {
		struct pollfd polls[3] = {{.fd = monitor, .events = POLLIN},
					  {.fd = serial, .events = POLLIN},
					  {.fd = com2, .events = POLLIN}};

		if (poll(polls, job->answers > 0 ? 3 : 2, 1000) < 0 && errno != EINTR)
			die("poll: %s", strerror(errno));
		double now = now_seconds();

		/* The serial port first: what was written before a power-off belongs to the output. */
		if ((polls[1].revents && !serial_forward(watch, serial)) ||
		    (!polls[1].revents && polls[0].revents && !monitor_read(watch, monitor)) ||
		    (polls[2].revents && !com2_answer(watch, com2)))
			decide(watch, FATAL, "QEMU ended by itself");
		if (now - started > (double)job->timeout)
			decide(watch, TIMED_OUT, "no end within %ld s of the outer machine", job->timeout);
		else if (job->stall != 0 && now - watch->last_output > (double)job->stall)
			decide(watch, STALLED, "serial line silent for %ld s of the outer machine", job->stall);
		/* On the outer machine's console, so that its watcher sees a difference between a slow job and a dead machine. */
		if (now >= heartbeat) {
			printf("nested: job %s runs for %.0f s: %s\n", watch->number, now - started, watch->last_line);
			fflush(stdout);
			heartbeat += HEARTBEAT_SECONDS;
		}
	}
	printf("nested: job %s ended after %.1f s: %s\n", watch->number, now_seconds() - started, watch->why);
	fflush(stdout);
}

/* Where the machine stands that does not go on: QEMU's view of all registers, on the outer machine's console. */
static void registers_show(int monitor)
{
	static const char command[] =
	    "{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"info registers -a\"}}\n";
	struct pollfd poll_monitor = {.fd = monitor, .events = POLLIN};
	char data[512];
	bool escaped = false;

	if (write(monitor, command, sizeof(command) - 1) < 0)
		return;
	while (poll(&poll_monitor, 1, 2000) > 0) {
		ssize_t length = read(monitor, data, sizeof(data));

		if (length <= 0)
			break;
		for (ssize_t i = 0; i < length; i++) {
			if (escaped)
				putchar(data[i] == 'n' ? '\n' : data[i] == 'r' ? ' ' : data[i]);
			else if (data[i] != '\\')
				putchar(data[i]);
			escaped = !escaped && data[i] == '\\';
		}
	}
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static struct job job = {.until_count = 1, .reset = "error"};
	static struct watch watch = {.job = &job, .status = UNDECIDED};
	int serial[2], monitor[2], com2[2];
	char text[640];

	if (argc != 4 || chdir(argv[1]) != 0)
		die("usage: inner JOB_DIRECTORY NUMBER PORT");
	job_read(&job);
	watch.number = argv[2];
	watch.port = port_open(argv[3]);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, serial) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, monitor) != 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, com2) != 0)
		die("socketpair: %s", strerror(errno));
	fcntl(serial[0], F_SETFD, FD_CLOEXEC);
	fcntl(monitor[0], F_SETFD, FD_CLOEXEC);
	fcntl(com2[0], F_SETFD, FD_CLOEXEC);
	if (job.tpm)
		tpm_start();
	pid_t qemu = qemu_start(&job, serial[1], monitor[1], com2[1]);

	close(serial[1]);
	close(monitor[1]);
	close(com2[1]);
	/* The one command that QEMU wants before it reports events. */
	if (write(monitor[0], "{\"execute\":\"qmp_capabilities\"}\n", 31) != 31)
		decide(&watch, FATAL, "QEMU ended by itself");
	watch.monitor_port = monitor[0];
	watch_run(&watch, serial[0], monitor[0], com2[0]);
	if (watch.status == STALLED || watch.status == TIMED_OUT)
		registers_show(monitor[0]);
	kill(qemu, SIGKILL);
	waitpid(qemu, NULL, 0);
	int length = snprintf(text, sizeof(text), "=%s %d %s\n", watch.number, (int)watch.status, watch.why);

	port_write(watch.port, text, (size_t)length);
	tcdrain(watch.port);
	return EXIT_SUCCESS;
}
