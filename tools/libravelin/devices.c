// SPDX-License-Identifier: GPL-2.0-only
/*
 * devices.c - which PCI functions of this machine an image gets, and who has a device that it can't get.
 */
#include "handle.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *devices_pci = "/sys/bus/pci/devices";
const char *devices_ports = "/proc/ioports";

/** A PCI function as sysfs shows it. */
struct function {
	uint32_t source_id;
	uint32_t ids; /* as in struct rv_grant.first */
	char driver[64]; /* "" = none */
};

/** Reads a number in hexadecimal from a file of the function. */
static bool function_read(const char *name, const char *file, uint32_t *value)
{
	char path[PATH_MAX];
	unsigned int number;
	bool ok;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/%s", devices_pci, name, file);
	f = fopen(path, "re");
	if (!f)
		return false;
	ok = fscanf(f, "%x", &number) == 1;
	fclose(f);
	if (ok)
		*value = number;
	return ok;
}

/** @param name  0000:00:03.0; other segments than 0 can't be given away */
static bool function_get(const char *name, struct function *f)
{
	unsigned int segment, bus, device, number;
	char path[PATH_MAX], driver[256];
	uint32_t vendor, id;
	ssize_t length;
	const char *slash;

	if (sscanf(name, "%x:%x:%x.%x", &segment, &bus, &device, &number) != 4 || segment != 0 || bus > 255 ||
	    device > 31 || number > 7 || !function_read(name, "vendor", &vendor) || !function_read(name, "device", &id))
		return false;
	f->source_id = bus << 8 | device << 3 | number;
	f->ids = id << 16 | vendor;
	f->driver[0] = '\0';
	snprintf(path, sizeof(path), "%s/%s/driver", devices_pci, name);
	length = readlink(path, driver, sizeof(driver) - 1);
	if (length > 0) {
		driver[length] = '\0';
		slash = strrchr(driver, '/');
		snprintf(f->driver, sizeof(f->driver), "%.63s", slash ? slash + 1 : driver);
	}
	return true;
}

static int function_compare(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	return x->source_id < y->source_id ? -1 : x->source_id > y->source_id;
}

/** All PCI functions of the machine in ascending order; free *list. @return their number */
static size_t functions_get(struct function **list)
{
	DIR *directory = opendir(devices_pci);
	size_t count = 0;
	struct dirent *entry;

	*list = NULL;
	while (directory && (entry = readdir(directory))) {
		struct function f, *more;

		if (!function_get(entry->d_name, &f))
			continue;
		more = realloc(*list, (count + 1) * sizeof(f));
		if (!more)
			break;
		*list = more;
		more[count++] = f;
	}
	if (directory)
		closedir(directory);
	if (count > 0)
		qsort(*list, count, sizeof(**list), function_compare);
	return count;
}

static const struct function *functions_find(const struct function *list, size_t count, uint32_t source_id)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i].source_id == source_id)
			return &list[i];
	}
	return NULL;
}

const char *ravelin_function_name(uint32_t source_id, char text[RAVELIN_FUNCTION_NAME])
{
	snprintf(text, RAVELIN_FUNCTION_NAME, "%02x:%02x.%x", source_id >> 8 & 0xff, source_id >> 3 & 0x1f,
		 source_id & 7);
	return text;
}

static int busy(struct ravelin *h, const struct function *f)
{
	char name[RAVELIN_FUNCTION_NAME];

	ravelin_function_name(f->source_id, name);
	return handle_fail(h, -EBUSY,
			   "the driver %s has PCI function %s (%04x:%04x); unbind it first: echo 0000:%s "
			   ">/sys/bus/pci/drivers/%s/unbind",
			   f->driver, name, f->ids & 0xffff, f->ids >> 16, name, f->driver);
}

static bool is_used(const struct rv_grant *grant, uint32_t count, uint32_t source_id)
{
	for (uint32_t i = 0; i < count; i++) {
		if (grant[i].kind == RV_GRANT_PCI && grant[i].source_id == source_id)
			return true;
	}
	return false;
}

/** Finds a function for grant[index]; those before it have theirs. */
static int grant_fill(struct ravelin *h, struct rv_grant *grant, uint32_t index, const struct function *list,
		      size_t count, const uint32_t *source_id, unsigned int named)
{
	struct rv_grant *g = &grant[index];
	const struct function *taken = NULL;

	for (unsigned int i = 0; i < named; i++) {
		const struct function *f = functions_find(list, count, source_id[i]);

		if (!f || f->ids != g->first || is_used(grant, index, f->source_id))
			continue;
		if (f->driver[0] != '\0')
			return busy(h, f);
		g->source_id = f->source_id;
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		if (list[i].ids != g->first || is_used(grant, index, list[i].source_id))
			continue;
		if (list[i].driver[0] == '\0') {
			g->source_id = list[i].source_id;
			return 0;
		}
		if (!taken)
			taken = &list[i];
	}
	if (taken)
		return busy(h, taken);
	return handle_fail(h, -ENODEV, "the image asks for a PCI function %04x:%04x, and this machine has none%s",
			   g->first & 0xffff, g->first >> 16, index > 0 && count > 0 ? " left" : "");
}

int ravelin_devices_find(struct ravelin *h, const struct rv_image_header *image, const uint32_t *source_id,
			 unsigned int named, struct rv_grant grant[RV_MAX_GRANTS])
{
	char name[RAVELIN_FUNCTION_NAME];
	struct function *list;
	size_t count = functions_get(&list);
	int error = 0;

	handle_clear(h);
	memcpy(grant, image->grant, sizeof(image->grant));
	for (unsigned int i = 0; !error && i < named; i++) {
		if (!functions_find(list, count, source_id[i]))
			error = handle_fail(h, -ENODEV, "this machine has no PCI function %s",
					    ravelin_function_name(source_id[i], name));
	}
	for (uint32_t i = 0; !error && i < image->grant_count; i++) {
		if (grant[i].kind == RV_GRANT_PCI)
			error = grant_fill(h, grant, i, list, count, source_id, named);
	}
	for (unsigned int i = 0; !error && i < named; i++) {
		if (!is_used(grant, image->grant_count, source_id[i]))
			error = handle_fail(h, -EINVAL, "the image does not ask for PCI function %s: %04x:%04x",
					    ravelin_function_name(source_id[i], name),
					    functions_find(list, count, source_id[i])->ids & 0xffff,
					    functions_find(list, count, source_id[i])->ids >> 16);
	}
	free(list);
	return error;
}

bool ravelin_devices_interrupt(const struct rv_image_header *image)
{
	for (uint32_t i = 0; i < image->grant_count && i < RV_MAX_GRANTS; i++) {
		const struct rv_grant *g = &image->grant[i];

		if (g->kind == RV_GRANT_GSI || (g->kind == RV_GRANT_PCI && g->flags & RV_GRANT_INTERRUPT))
			return true;
	}
	return false;
}

/** The innermost owner of one of these ports, as Linux knows it. */
static bool ports_owner(const struct rv_grant *g, char *owner, size_t size)
{
	FILE *file = fopen(devices_ports, "re");
	unsigned int first, last;
	bool found = false;
	char line[256];
	int end;

	while (file && fgets(line, sizeof(line), file)) {
		end = 0;
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, " %x-%x : %n", &first, &last, &end) != 2 || end == 0 || first >= g->first + g->count ||
		    last < g->first || strncmp(line + end, "PCI Bus", 7) == 0)
			continue;
		snprintf(owner, size, "%s", line + end);
		found = true;
	}
	if (file)
		fclose(file);
	return found;
}

int devices_explain(struct ravelin *h, int error, const struct rv_grant *grant, uint32_t count)
{
	const struct rv_grant *g;
	char owner[64];

	if (error != -EBUSY || h->failure.reason != RV_REASON_DRIVER_DEVICE || h->failure.value >= count)
		return error;
	g = &grant[h->failure.value];
	if (g->kind == RV_GRANT_PORTS && ports_owner(g, owner, sizeof(owner)))
		return handle_fail(h, error, "Linux uses ports 0x%x to 0x%x for '%s'; unbind that driver first",
				   g->first, g->first + g->count - 1, owner);
	if (g->kind == RV_GRANT_GSI)
		return handle_fail(h, error,
				   "Linux uses interrupt line %u; unbind the driver that /proc/interrupts names first",
				   g->first);
	return error;
}
