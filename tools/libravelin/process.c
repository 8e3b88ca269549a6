// SPDX-License-Identifier: GPL-2.0-only
/*
 * process.c - finds processes and tells what they run.
 */
#include "handle.h"

#include <ctype.h>
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DELETED " (deleted)"

/** Base name of the executable of a process, without the note that its file is gone. @return false: no such process, or a kernel thread */
static bool executable_name(pid_t pid, char *name, size_t size)
{
	char link[64], path[PATH_MAX];
	ssize_t n;
	char *base;

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return false;
	path[n] = '\0';
	if ((size_t)n > strlen(DELETED) && strcmp(path + n - strlen(DELETED), DELETED) == 0)
		path[(size_t)n - strlen(DELETED)] = '\0';
	base = strrchr(path, '/');
	snprintf(name, size, "%.*s", NAME_MAX, base ? base + 1 : path);
	return true;
}

static bool command_name(pid_t pid, char *name, size_t size)
{
	char path[64];
	FILE *file;
	bool ok;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	ok = fgets(name, (int)size, file) != NULL;
	fclose(file);
	if (ok)
		name[strcspn(name, "\n")] = '\0';
	return ok;
}

int ravelin_process_find(const char *name, pid_t *pid)
{
	char found[NAME_MAX + 1];
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	int count = 0;

	if (!proc)
		return -errno;
	while ((entry = readdir(proc)) != NULL) {
		pid_t p = (pid_t)atoi(entry->d_name);

		if (!isdigit((unsigned char)entry->d_name[0]) || p == getpid())
			continue;
		if (!(executable_name(p, found, sizeof(found)) && strcmp(found, name) == 0) &&
		    !(command_name(p, found, sizeof(found)) && strcmp(found, name) == 0))
			continue;
		if (count++ == 0 || p < *pid)
			*pid = p;
	}
	closedir(proc);
	return count == 0 ? -ESRCH : count == 1 ? 0 : -EEXIST;
}

/** Looks for the note in one PT_NOTE segment that was read whole. */
static bool note_find(const uint8_t *note, size_t size, uint8_t id[20])
{
	size_t at = 0;

	while (size - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr header;
		size_t name, text;

		memcpy(&header, note + at, sizeof(header));
		at += sizeof(header);
		name = ((size_t)header.n_namesz + 3) & ~(size_t)3;
		text = ((size_t)header.n_descsz + 3) & ~(size_t)3;
		if (name > size - at || text > size - at - name)
			return false;
		if (header.n_type == NT_GNU_BUILD_ID && header.n_namesz == 4 && header.n_descsz == 20 &&
		    memcmp(note + at, "GNU", 4) == 0) {
			memcpy(id, note + at + name, 20);
			return true;
		}
		at += name + text;
	}
	return false;
}

int identity_build_id(const char *path, uint8_t id[20])
{
	uint8_t note[4096];
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	int file = open(path, O_RDONLY | O_CLOEXEC), error = -ENOENT;

	if (file < 0)
		return -errno;
	if (pread(file, &header, sizeof(header), 0) != sizeof(header) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_phentsize != sizeof(segment))
		header.e_phnum = 0;
	for (unsigned int i = 0; i < header.e_phnum && error; i++) {
		off_t at = (off_t)(header.e_phoff + i * sizeof(segment));

		if (pread(file, &segment, sizeof(segment), at) != sizeof(segment))
			break;
		if (segment.p_type != PT_NOTE || segment.p_filesz > sizeof(note))
			continue;
		if (pread(file, note, segment.p_filesz, (off_t)segment.p_offset) == (ssize_t)segment.p_filesz &&
		    note_find(note, segment.p_filesz, id))
			error = 0;
	}
	close(file);
	return error;
}

static void hex(const uint8_t *bytes, size_t count, char *text)
{
	for (size_t i = 0; i < count; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

/* The build-id decides: a file may be reached by several names. */
int identity_check(struct ravelin *h, pid_t pid, const struct rv_image_header *image)
{
	char path[64], name[NAME_MAX + 1], has[41] = "", wants[41] = "";
	uint8_t id[20] = {0};
	int error;

	if (!executable_name(pid, name, sizeof(name)))
		return handle_fail(h, -ESRCH, "there is no process %d", (int)pid);
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	error = identity_build_id(path, id);
	if (error)
		return handle_fail(h, -EXDEV, "the executable of process %d has no build-id: %s", (int)pid,
				   strerror(-error));
	if (memcmp(id, image->target_build_id, sizeof(id)) != 0) {
		hex(id, sizeof(id), has);
		hex(image->target_build_id, sizeof(id), wants);
		return handle_fail(h, -EXDEV, "the update is for build %s of %s, process %d runs build %s of %.64s",
				   wants, image->target_name, (int)pid, has, name);
	}
	return 0;
}
