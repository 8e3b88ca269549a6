// SPDX-License-Identifier: GPL-2.0-only
/*
 * sentence.c - turns ids into words.
 */
#include "ravelin.h"

#include <ravelin/vmx.h>

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	uint32_t id;
	const char *name, *text;
} reasons[] = {
#define REASON(id, name, text) {id, #name, text},
    RV_REASONS(REASON)
#undef REASON
};

/** Text that grows in a buffer of fixed size; what has no room is cut. */
struct writer {
	char *text;
	size_t size, used;
};

static void put(struct writer *w, char c)
{
	if (w->used + 1 < w->size)
		w->text[w->used++] = c;
}

/** What a task or a call returned: a negative errno by its name. */
static void result_text(int64_t result, char *text, size_t size)
{
	const char *name = result < 0 && result > -4096 ? strerrorname_np((int)-result) : NULL;

	if (name)
		snprintf(text, size, "-%s", name);
	else
		snprintf(text, size, "%lld", (long long)result);
}

static void put_value(struct writer *w, char mark, uint64_t value)
{
	uint32_t id = value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
	char text[48];

	switch (mark) {
	case '#':
		snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
		break;
	case '!':
		result_text((int64_t)value, text, sizeof(text));
		break;
	case '@':
		snprintf(text, sizeof(text), "%s", ravelin_fimce_cause_name(id));
		break;
	case '%':
		snprintf(text, sizeof(text), "%s", ravelin_fimce_state_name(id));
		break;
	case '&':
		snprintf(text, sizeof(text), "%s", ravelin_update_state_name(id));
		break;
	default:
		snprintf(text, sizeof(text), "0x%llx", (unsigned long long)value);
		break;
	}
	for (const char *c = text; *c; c++)
		put(w, *c);
}

const char *ravelin_sentence(uint32_t reason, const uint64_t *value, unsigned int values, char *text, size_t size)
{
	struct writer w = {text, size, 0};
	const char *c = NULL;

	if (size == 0)
		return text;
	for (size_t i = 0; i < COUNT(reasons); i++) {
		if (reasons[i].id == reason)
			c = reasons[i].text;
	}
	if (!c) {
		int n = snprintf(text, size, "reason %u", reason);

		for (unsigned int i = 0; i < values && n > 0 && (size_t)n < size; i++)
			n += snprintf(text + n, size - (size_t)n, "%s0x%llx%s", i ? ", " : " (",
				      (unsigned long long)value[i], i + 1 == values ? ")" : "");
		return text;
	}
	for (; *c; c++) {
		if (!strchr(RV_REASON_MARKS, *c) || c[1] < '0' || c[1] > '4') {
			put(&w, *c);
			continue;
		}
		if ((unsigned int)(c[1] - '0') < values)
			put_value(&w, *c, value[c[1] - '0']);
		else
			for (unsigned int i = 0; i < 3; i++)
				put(&w, '.');
		c++;
	}
	w.text[w.used] = '\0';
	return text;
}

const char *ravelin_log_sentence(const struct rv_log_record *record, char *text, size_t size)
{
	char words[sizeof(record->value) + 1];
	size_t used;

	ravelin_sentence(record->reason, record->value, 5, text, size);
	if (record->reason != RV_REASON_FIMCE_TEXT)
		return text;
	/* The values are text that a task has written; nothing of it may reach a terminal but printable characters. */
	memcpy(words, record->value, sizeof(record->value));
	words[sizeof(record->value)] = '\0';
	for (char *c = words; *c; c++) {
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
	used = strlen(text);
	snprintf(text + used, size - used, "%s", words);
	return text;
}

static const char *exception_name(uint32_t vector)
{
	static const char *const names[] = {"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM",
					    "#DF", "9",   "#TS", "#NP", "#SS", "#GP", "#PF", "15",
					    "#MF", "#AC", "#MC", "#XM", "#VE", "#CP"};

	return vector < COUNT(names) ? names[vector] : "an exception";
}

const char *ravelin_cause_sentence(const struct rv_fimce_status *status, char *text, size_t size)
{
	char sentence[200];

	if (size == 0)
		return text;
	text[0] = '\0';
	if (status->state != RV_FIMCE_DEAD)
		return text;
	switch (status->cause) {
	case RV_CAUSE_EXCEPTION:
		snprintf(text, size, "it caused %s (vector %u, error code 0x%llx, CR2 0x%llx) at RIP 0x%llx",
			 exception_name(status->detail), status->detail, (unsigned long long)status->value,
			 (unsigned long long)status->cr2, (unsigned long long)status->rip);
		break;
	case RV_CAUSE_WATCHDOG:
		snprintf(text, size, "it used up its time budget, last at RIP 0x%llx", (unsigned long long)status->rip);
		break;
	case RV_CAUSE_BREACH:
		snprintf(text, size,
			 "it tried what it must not: %s (exit reason %u, qualification 0x%llx) at RIP 0x%llx",
			 ravelin_exit_reason_name(status->detail), status->detail, (unsigned long long)status->value,
			 (unsigned long long)status->rip);
		break;
	case RV_CAUSE_KILLED:
		snprintf(text, size, "it was killed");
		break;
	case RV_CAUSE_REFUSED:
		snprintf(text, size, "%s",
			 ravelin_sentence(status->detail, &status->value, 1, sentence, sizeof(sentence)));
		break;
	case RV_CAUSE_PROTOCOL:
		snprintf(text, size, "it made VMCALL %u out of turn, at RIP 0x%llx", status->detail,
			 (unsigned long long)status->rip);
		break;
	case RV_CAUSE_TRIPLE_FAULT:
		snprintf(text, size, "it caused a triple fault, at RIP 0x%llx", (unsigned long long)status->rip);
		break;
	default:
		snprintf(text, size, "cause %u, detail %u, value 0x%llx", status->cause, status->detail,
			 (unsigned long long)status->value);
		break;
	}
	return text;
}

static const char *name_of(const char *const *names, size_t count, uint32_t value)
{
	return value < count && names[value] ? names[value] : "unknown";
}

const char *ravelin_fimce_state_name(uint32_t state)
{
	static const char *const names[] = {"empty",   "built", "measured", "sealed",  "running",
					    "yielded", "done",  "dead",     "scrubbed"};

	return name_of(names, COUNT(names), state);
}

const char *ravelin_fimce_cause_name(uint32_t cause)
{
	static const char *const names[] = {"none",   "exception", "watchdog", "breach",
					    "killed", "refused",   "protocol", "triple fault"};

	return name_of(names, COUNT(names), cause);
}

const char *ravelin_update_state_name(uint32_t state)
{
	static const char *const names[] = {"none",        "prepared", "applied", "confirmed",
					    "rolled back", "expired",  "stale",   "abandoned"};

	if (state == RV_JOURNAL_WITHDRAWN)
		return "withdrawn";
	return state == RV_JOURNAL_REFUSED ? "refused" : name_of(names, COUNT(names), state);
}

const char *ravelin_cpu_state_name(uint32_t state)
{
	static const char *const names[] = {"off", "guest", "taken", "fimce"};

	return name_of(names, COUNT(names), state);
}

const char *ravelin_reason_name(uint32_t reason)
{
	for (size_t i = 0; i < COUNT(reasons); i++) {
		if (reasons[i].id == reason)
			return reasons[i].name;
	}
	return "unknown";
}

const char *ravelin_exit_reason_name(uint32_t reason)
{
	static const char *const names[RV_EXIT_REASONS] = {
#define NAME(number, name, text) [(number)] = (text),
	    RV_VMX_EXITS(NAME)
#undef NAME
	};

	return name_of(names, COUNT(names), reason);
}

const char *ravelin_phase_name(enum ravelin_phase_id id)
{
	static const char *const names[RAVELIN_PHASES] = {"prepare",  "freeze", "threads", "isolate",
							  "snapshot", "apply",  "return",  "resume"};

	return name_of(names, COUNT(names), id);
}

const char *ravelin_check_result_name(enum ravelin_check_result result)
{
	static const char *const names[] = {"ok", "missing", "optional", "unknown"};

	return name_of(names, COUNT(names), result);
}
