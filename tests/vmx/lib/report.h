/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * report.h - serial output and check lines. Any CPU may call; lines of different CPUs do not mix.
 *
 * A check line is "PASS name", "FAIL name: why" or "SKIP name: reason", with the prefix of report_group before the name.
 */
#ifndef BARE_REPORT_H
#define BARE_REPORT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#define REPORT_FORMAT(n) __attribute__((format(printf, n, n + 1)))

/** Prints one line. Knows %s %c %d %u %x with l and ll, and %%. */
void report_line(const char *format, ...) REPORT_FORMAT(1);

/** Sets what stands before the names of the checks to come; "" = nothing. The string is not copied. */
void report_group(const char *prefix);

/** One check. @return ok. */
bool report(bool ok, const char *name, ...) REPORT_FORMAT(2);

/** One check that two numbers are equal; a failure prints both. @return equality. */
bool report_equal(uint64_t actual, uint64_t expected, const char *name, ...) REPORT_FORMAT(3);

/** Says that a check can not be done here. */
void report_skip(const char *reason, const char *name, ...) REPORT_FORMAT(2);

/** One figure for the bench table: "BENCH what | measured | bar | yes or no". REPORT_NO_BAR: there is none. */
#define REPORT_NO_BAR (~(uint64_t)0)
void report_bench(const char *what, uint64_t measured, uint64_t bar, const char *unit);

void report_begin(void);
/** Ends the test and powers the machine off. */
_Noreturn void report_end(void);

#endif
