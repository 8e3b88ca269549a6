/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * link.c - links a task with the pillars: see mkfimce.h.
 */
#include "mkfimce.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINKER "ld"

/** Paths of what a task is linked with. */
struct parts {
	char script[PATH_MAX];
	char pillars[PATH_MAX];
};

static bool link_try_parts(struct parts *p, const char *dir, const char *below)
{
	int a = snprintf(p->script, sizeof(p->script), "%s%s/task.ld", dir, below);
	int b = snprintf(p->pillars, sizeof(p->pillars), "%s%s/libpillars.a", dir, below);

	if (a < 0 || b < 0 || (size_t)a >= sizeof(p->script) || (size_t)b >= sizeof(p->pillars))
		return false;
	return access(p->script, R_OK) == 0 && access(p->pillars, R_OK) == 0;
}

static bool link_find_parts(struct parts *p, const char *lib_dir, struct mkfimce_error *e)
{
	char dir[PATH_MAX];
	ssize_t length;
	char *slash;

	if (lib_dir) {
		if (!link_try_parts(p, lib_dir, ""))
			return mkfimce_fail(e, "%s: task.ld and libpillars.a are not both there", lib_dir);
		return true;
	}
	length = readlink("/proc/self/exe", dir, sizeof(dir) - 1);
	if (length < 0)
		return mkfimce_fail(e, "/proc/self/exe: %s; give --lib-dir", strerror(errno));
	dir[length] = '\0';
	slash = strrchr(dir, '/');
	if (slash)
		*slash = '\0';
	if (link_try_parts(p, dir, "") || link_try_parts(p, dir, "/../lib/ravelin"))
		return true;
	return mkfimce_fail(e, "task.ld and libpillars.a are neither in %s nor in ../lib/ravelin; give --lib-dir", dir);
}

bool mkfimce_link(const char *output, char *const *objects, size_t count, const char *lib_dir, struct mkfimce_error *e)
{
	static const char *const options[] = {
	    LINKER,
	    "-m",
	    "elf_x86_64",
	    "-static",
	    "-nostdlib",
	    "--gc-sections",
	    "--build-id=none",
	    "-z",
	    "max-page-size=4096",
	    "-z",
	    "noexecstack",
	    "--fatal-warnings",
	    "-T",
	};
	const size_t fixed = sizeof(options) / sizeof(options[0]);
	struct parts p = {.script = "", .pillars = ""};
	const char **arguments;
	size_t n = 0;
	int status;
	pid_t child;

	if (!link_find_parts(&p, lib_dir, e))
		return false;
	arguments = calloc(fixed + count + 5, sizeof(*arguments));
	if (!arguments)
		return mkfimce_fail(e, "out of memory");
	for (size_t i = 0; i < fixed; i++)
		arguments[n++] = options[i];
	arguments[n++] = p.script;
	arguments[n++] = "-o";
	arguments[n++] = output;
	for (size_t i = 0; i < count; i++)
		arguments[n++] = objects[i];
	arguments[n++] = p.pillars;
	child = fork();
	if (child == 0) {
		/* execvp takes pointers to non-const for historical reasons and changes nothing. */
		execvp(LINKER, (char *const *)(uintptr_t)arguments);
		perror(LINKER);
		_exit(127);
	}
	free(arguments);
	if (child < 0)
		return mkfimce_fail(e, "fork: %s", strerror(errno));
	if (waitpid(child, &status, 0) != child)
		return mkfimce_fail(e, "waitpid: %s", strerror(errno));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return mkfimce_fail(e, LINKER " failed; its messages are above");
	return true;
}
