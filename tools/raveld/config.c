// SPDX-License-Identifier: GPL-2.0-only
/*
 * config.c - see config.h.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <libravelin/parse.h>
#include <ravelin/abi.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DEADLINE_US 10000000u

/** What is being read. */
struct reader {
	struct config *config;
	struct service_config *current; /* NULL before the first [service] */
	unsigned int line;
	char *why;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static int wrong(struct reader *r, const char *format, ...)
{
	int n = snprintf(r->why, r->size, "line %u: ", r->line);
	va_list list;

	va_start(list, format);
	if (n > 0 && (size_t)n < r->size)
		vsnprintf(r->why + n, r->size - (size_t)n, format, list);
	va_end(list);
	return -EINVAL;
}

/** Cuts blanks at both ends, in place. */
static char *trim(char *text)
{
	size_t n;

	while (isspace((unsigned char)*text))
		text++;
	for (n = strlen(text); n > 0 && isspace((unsigned char)text[n - 1]); n--)
		text[n - 1] = '\0';
	return text;
}

/** The service that was read last is complete? */
static int service_check(struct reader *r)
{
	const struct service_config *s = r->current;

	if (!s)
		return 0;
	if ((s->pid_file[0] != '\0') + (s->cgroup[0] != '\0') + (s->process[0] != '\0') != 1)
		return wrong(r, "service %s needs one of pid-file, cgroup and process", s->name);
	if (s->updates[0] != '/')
		return wrong(r, "service %s needs updates = DIRECTORY, from the root on", s->name);
	return 0;
}

/** "[service NAME]" */
static int section_begin(struct reader *r, char *line)
{
	size_t n = strlen(line);
	struct service_config *s;
	char *name;
	int error = service_check(r);

	if (error)
		return error;
	if (line[n - 1] != ']' || strncmp(line, "[service ", 9) != 0)
		return wrong(r, "expected [service NAME]");
	line[n - 1] = '\0';
	name = trim(line + 9);
	if (name[0] == '\0' || strlen(name) >= sizeof(s->name))
		return wrong(r, "a service's name has 1 to %zu characters", sizeof(s->name) - 1);
	for (unsigned int i = 0; i < r->config->services; i++) {
		if (strcmp(r->config->service[i].name, name) == 0)
			return wrong(r, "service %s is there twice", name);
	}
	if (r->config->services == CONFIG_SERVICES)
		return wrong(r, "more than %u services", CONFIG_SERVICES);
	s = &r->config->service[r->config->services++];
	memset(s, 0, sizeof(*s));
	memcpy(s->name, name, strlen(name) + 1);
	s->deadline_us = DEADLINE_US;
	r->current = s;
	return 0;
}

static int value_set(struct reader *r, const char *key, const char *value)
{
	struct service_config *s = r->current;
	const struct {
		const char *key;
		char *to;
		size_t size;
	} texts[] = {{"pid-file", s->pid_file, sizeof(s->pid_file)},
		     {"cgroup", s->cgroup, sizeof(s->cgroup)},
		     {"process", s->process, sizeof(s->process)},
		     {"health", s->health, sizeof(s->health)},
		     {"updates", s->updates, sizeof(s->updates)}};

	if (value[0] == '\0')
		return wrong(r, "%s has no value", key);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(texts[i].key, key) != 0)
			continue;
		if (strlen(value) >= texts[i].size)
			return wrong(r, "the value of %s is too long", key);
		memcpy(texts[i].to, value, strlen(value) + 1);
		return 0;
	}
	if (strcmp(key, "deadline") == 0) {
		if (!parse_deadline(value, &s->deadline_us) || s->deadline_us == 0)
			return wrong(r, "'%s' is no deadline; say 500ms or 5s, at most %us", value,
				     RV_UPDATE_MAX_DEADLINE_US / 1000000);
		return 0;
	}
	return wrong(r, "there is no setting %s", key);
}

static int line_read(struct reader *r, char *line)
{
	char *equals;

	line = trim(line);
	if (line[0] == '\0' || line[0] == '#')
		return 0;
	if (line[0] == '[')
		return section_begin(r, line);
	equals = strchr(line, '=');
	if (!equals)
		return wrong(r, "expected SETTING = VALUE");
	if (!r->current)
		return wrong(r, "a setting before the first [service NAME]");
	*equals = '\0';
	return value_set(r, trim(line), trim(equals + 1));
}

int config_read(const char *path, struct config *config, char *why, size_t size)
{
	struct reader r = {.config = config, .why = why, .size = size};
	char line[PATH_MAX + CONFIG_TEXT];
	FILE *file = fopen(path, "re");
	int error = 0;

	config->services = 0;
	if (!file) {
		error = -errno;
		snprintf(why, size, "%s", strerror(errno));
		return error;
	}
	while (!error && fgets(line, sizeof(line), file)) {
		r.line++;
		if (!strchr(line, '\n') && !feof(file))
			error = wrong(&r, "the line is too long");
		else
			error = line_read(&r, line);
	}
	if (!error)
		error = service_check(&r);
	if (!error && config->services == 0)
		error = wrong(&r, "there is no [service NAME]");
	fclose(file);
	return error;
}
