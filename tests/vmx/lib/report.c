/* SPDX-License-Identifier: GPL-2.0-only */
/* report.c - see report.h. */
#include "report.h"

#include "x86.h"

#define COM1 0x3f8
#define PM1A_BOCHS 0xb004 /* the ACPI control register where each emulator's firmware puts it */
#define PM1A_QEMU 0x604
#define ACPI_SLEEP 0x2000
#define LINE_BYTES 512u

static const char *group = "";
static uint32_t failures;
static uint32_t serial_lock;

/** A line under construction. */
struct line {
	uint32_t used;
	char text[LINE_BYTES];
};

static void serial_put(char c)
{
	while (!(inb(COM1 + 5) & 0x20))
		cpu_pause();
	outb(COM1, (uint8_t)c);
}

static void line_put(struct line *l, char c)
{
	if (l->used < sizeof(l->text))
		l->text[l->used++] = c;
}

static void line_text(struct line *l, const char *s)
{
	for (; *s; s++)
		line_put(l, *s);
}

static void line_number(struct line *l, uint64_t value, unsigned int base)
{
	char digit[20];
	int n = 0;

	do {
		digit[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	while (n > 0)
		line_put(l, digit[--n]);
}

static void line_format(struct line *l, const char *f, va_list arguments)
{
	for (; *f; f++) {
		int size = 0;

		if (*f != '%') {
			line_put(l, *f);
			continue;
		}
		while (*++f == 'l')
			size++;
		if (*f == 's') {
			line_text(l, va_arg(arguments, const char *));
		} else if (*f == 'c') {
			line_put(l, (char)va_arg(arguments, int));
		} else if (*f == 'd') {
			int64_t v = size ? va_arg(arguments, int64_t) : va_arg(arguments, int);

			if (v < 0)
				line_put(l, '-');
			line_number(l, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10);
		} else if (*f == 'u' || *f == 'x') {
			uint64_t v = size ? va_arg(arguments, uint64_t) : va_arg(arguments, unsigned int);

			line_number(l, v, *f == 'u' ? 10 : 16);
		} else {
			line_put(l, *f);
		}
	}
}

static void line_print(const struct line *l)
{
	while (__atomic_exchange_n(&serial_lock, 1, __ATOMIC_ACQUIRE) != 0)
		cpu_pause();
	for (uint32_t i = 0; i < l->used; i++)
		serial_put(l->text[i]);
	serial_put('\r');
	serial_put('\n');
	__atomic_store_n(&serial_lock, 0, __ATOMIC_RELEASE);
}

void report_line(const char *format, ...)
{
	struct line l = {0};
	va_list arguments;

	va_start(arguments, format);
	line_format(&l, format, arguments);
	va_end(arguments);
	line_print(&l);
}

void report_group(const char *prefix)
{
	group = prefix;
}

static void line_verdict(struct line *l, const char *verdict)
{
	line_text(l, verdict);
	if (*group) {
		line_text(l, group);
		line_text(l, ", ");
	}
}

bool report(bool ok, const char *name, ...)
{
	struct line l = {0};
	va_list arguments;

	line_verdict(&l, ok ? "PASS " : "FAIL ");
	va_start(arguments, name);
	line_format(&l, name, arguments);
	va_end(arguments);
	if (!ok) {
		line_text(&l, ": it is not so");
		__atomic_add_fetch(&failures, 1, __ATOMIC_SEQ_CST);
	}
	line_print(&l);
	return ok;
}

bool report_equal(uint64_t actual, uint64_t expected, const char *name, ...)
{
	struct line l = {0};
	va_list arguments;

	line_verdict(&l, actual == expected ? "PASS " : "FAIL ");
	va_start(arguments, name);
	line_format(&l, name, arguments);
	va_end(arguments);
	if (actual != expected) {
		line_text(&l, ": it is 0x");
		line_number(&l, actual, 16);
		line_text(&l, ", expected 0x");
		line_number(&l, expected, 16);
		__atomic_add_fetch(&failures, 1, __ATOMIC_SEQ_CST);
	}
	line_print(&l);
	return actual == expected;
}

void report_skip(const char *reason, const char *name, ...)
{
	struct line l = {0};
	va_list arguments;

	line_verdict(&l, "SKIP ");
	va_start(arguments, name);
	line_format(&l, name, arguments);
	va_end(arguments);
	line_text(&l, ": ");
	line_text(&l, reason);
	line_print(&l);
}

void report_bench(const char *what, uint64_t measured, uint64_t bar, const char *unit)
{
	if (bar == REPORT_NO_BAR)
		report_line("BENCH %s | %lu %s | - | -", what, measured, unit);
	else
		report_line("BENCH %s | %lu %s | <= %lu | %s", what, measured, unit, bar,
			    measured <= bar ? "yes" : "no");
}

void report_begin(void)
{
	report_line("%s", "");
	report_line("RAVELIN-TEST-BEGIN");
}

_Noreturn void report_end(void)
{
	report_line("RAVELIN-TEST-END %u", failures != 0);
	outw(PM1A_BOCHS, ACPI_SLEEP);
	outw(PM1A_QEMU, ACPI_SLEEP);
	for (;;)
		__asm__ volatile("cli; hlt");
}
