// SPDX-License-Identifier: GPL-2.0-only
/*
 * health.c - see health.h.
 */
#include "health.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_DEADLINE_MS 60000

int health_limit_ms(uint64_t deadline_us)
{
	uint64_t ms = deadline_us / 1000, reserve = ms / 10;

	if (deadline_us == 0)
		return NO_DEADLINE_MS;
	if (reserve > 1000)
		reserve = 1000;
	return ms - reserve > 0 ? (int)(ms - reserve) : 1;
}

static void child_run(const char *command)
{
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	/* A daemon's threads block what ends it, and whoever started it may have had it ignore these; a command wants to be ended as
	 * usual, and a shell can't undo what it inherits. */
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
	}
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

int health_run(const char *command, int limit_ms, char *why, size_t size)
{
	struct pollfd wait = {.events = POLLIN};
	pid_t pid = fork();
	int status, ready, error = 0;

	if (pid < 0) {
		error = -errno;
		snprintf(why, size, "it could not be started");
		return error;
	}
	if (pid == 0)
		child_run(command);
	wait.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	do {
		ready = wait.fd < 0 ? -1 : poll(&wait, 1, limit_ms);
	} while (ready < 0 && wait.fd >= 0 && errno == EINTR);
	if (ready == 0) {
		kill(-pid, SIGKILL);
		kill(pid, SIGKILL);
		error = -ETIME;
		snprintf(why, size, "no answer within %d ms", limit_ms);
	}
	if (wait.fd >= 0)
		close(wait.fd);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (error)
		return error;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status))
		snprintf(why, size, "exit status %d", WEXITSTATUS(status));
	else
		snprintf(why, size, "ended by signal %d", WTERMSIG(status));
	return -EPROTO;
}
