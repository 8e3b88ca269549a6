// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_info.c - the commands that only look: check, info, stat, audit, log.
 */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOG_BATCH 256u
#define FOLLOW_PAUSE_NS 200000000L

int cmd_check(int argc, char **argv)
{
	struct ravelin_check_row row[RAVELIN_CHECK_ROWS];
	struct ravelin_machine machine;
	unsigned int rows, unknown = 0;
	struct json j;
	bool json, ready, missing;
	int status = cli_options_simple(argc, argv, &json);

	if (status >= 0)
		return status;
	ravelin_check_read(&machine);
	rows = ravelin_check_judge(&machine, row, &ready);
	for (unsigned int i = 0; i < rows; i++)
		unknown += row[i].result == RAVELIN_CHECK_UNKNOWN;
	/* "Ready" is a promise: what could not be seen is not promised. */
	missing = !ready;
	ready = ready && unknown == 0;
	if (json) {
		json_begin(&j, stdout);
		json_object(&j, NULL);
		json_bool(&j, "ready", ready);
		json_number(&j, "unknown", unknown);
		json_bool(&j, "running", machine.ravelin_runs);
		json_array(&j, "capabilities");
		for (unsigned int i = 0; i < rows; i++) {
			json_object(&j, NULL);
			json_string(&j, "name", row[i].name);
			json_string(&j, "result", ravelin_check_result_name(row[i].result));
			json_string(&j, "why", row[i].why);
			json_close(&j);
		}
		json_close(&j);
		json_close(&j);
		json_end(&j);
	} else {
		for (unsigned int i = 0; i < rows; i++)
			printf("%-9s %-22s %s\n", ravelin_check_result_name(row[i].result), row[i].name, row[i].why);
		printf("\n%s\n", machine.ravelin_runs ? "Ravelin runs here."
				 : ready              ? "This machine can run Ravelin."
				 : !missing ? "It can't be told whether this machine can run Ravelin: see above."
					    : "This machine can't run Ravelin: see what is missing above.");
	}
	return ready ? EXIT_DONE : EXIT_NO_RAVELIN;
}

static void info_json(const struct rv_info *info, const struct rv_driver_info *driver)
{
	struct json j;

	json_begin(&j, stdout);
	json_object(&j, NULL);
	json_string(&j, "version", info->version);
	json_number(&j, "abi_version", info->abi_version);
	json_hex(&j, "features", info->features);
	json_number(&j, "cpus", info->cpu_count);
	json_number(&j, "fimces", info->fimce_count);
	json_number(&j, "pool_bytes", info->pool_bytes);
	json_number(&j, "pool_free_bytes", info->pool_free_bytes);
	json_number(&j, "tsc_khz", info->tsc_khz);
	json_bytes(&j, "trust_anchor", info->trust_anchor, RV_DIGEST_SIZE);
	json_bytes(&j, "manager_digest", info->manager_digest, RV_DIGEST_SIZE);
	json_object(&j, "module");
	json_number(&j, "ioctl_version", driver->ioctl_version);
	json_number(&j, "fimces", driver->fimces);
	json_number(&j, "updates", driver->updates);
	json_number(&j, "cpus_taken", driver->cpus_taken);
	json_number(&j, "pages_pinned", driver->pages_pinned);
	json_number(&j, "pages_buffer", driver->pages_buffer);
	json_close(&j);
	json_close(&j);
	json_end(&j);
}

static bool digest_is_zero(const uint8_t *digest)
{
	for (size_t i = 0; i < RV_DIGEST_SIZE; i++) {
		if (digest[i] != 0)
			return false;
	}
	return true;
}

int cmd_info(int argc, char **argv)
{
	struct rv_driver_info driver;
	char text[2 * RV_DIGEST_SIZE + 1];
	struct rv_info info;
	struct ravelin *h;
	bool json;
	int error, status = cli_options_simple(argc, argv, &json);

	if (status >= 0)
		return status;
	h = cli_open();
	if (!h)
		return EXIT_NO_RAVELIN;
	error = ravelin_info(h, &info, &driver);
	if (error) {
		status = cli_fail(h, error, "info");
		ravelin_close(h);
		return status;
	}
	ravelin_close(h);
	info.version[sizeof(info.version) - 1] = '\0';
	if (json) {
		info_json(&info, &driver);
		return EXIT_DONE;
	}
	printf("Ravelin         %s, ABI version %u\n", info.version, info.abi_version);
	printf("features       %s%s\n", info.features & RV_FEATURE_DEDICATED ? " dedicated-cores" : "",
	       info.features & RV_FEATURE_UPDATE ? " updates" : "");
	printf("CPUs            %u, %u away from Linux\n", info.cpu_count, driver.cpus_taken);
	printf("pool            %" PRIu64 " KiB, %" PRIu64 " KiB free\n", info.pool_bytes >> 10,
	       info.pool_free_bytes >> 10);
	printf("FIMCEs          %u, %u of them updates\n", info.fimce_count, driver.updates);
	printf("TSC             %" PRIu64 " kHz\n", info.tsc_khz);
	printf("trust anchor    %s\n", digest_is_zero(info.trust_anchor) ? "none: nothing signed is accepted"
									 : digest_text(info.trust_anchor, text));
	printf("manager         %s\n", digest_text(info.manager_digest, text));
	printf("module          %" PRIu64 " pages pinned, %" PRIu64 " in buffers\n", driver.pages_pinned,
	       driver.pages_buffer);
	return EXIT_DONE;
}

static void stat_json(struct json *j, const struct rv_stat *s, int linux_cpu)
{
	json_object(j, NULL);
	json_number(j, "cpu", s->cpu);
	json_signed(j, "linux_cpu", linux_cpu);
	json_number(j, "apic_id", s->apic_id);
	json_string(j, "state", ravelin_cpu_state_name(s->state));
	json_number(j, "fimce", s->fimce);
	json_number(j, "exits", s->exits);
	json_number(j, "fimce_exits", s->fimce_exits);
	json_object(j, "reasons");
	for (uint32_t i = 0; i < RV_EXIT_REASONS; i++) {
		if (s->exit[i] != 0)
			json_number(j, ravelin_exit_reason_name(i), s->exit[i]);
	}
	json_close(j);
	json_close(j);
}

static void stat_print(const struct rv_stat *s, int linux_cpu)
{
	printf("CPU %u (Linux %d, APIC id %u): %s", s->cpu, linux_cpu, s->apic_id, ravelin_cpu_state_name(s->state));
	if (s->fimce != 0)
		printf(", FIMCE %u", s->fimce);
	printf("\n  %-28s %12" PRIu64 "\n", "exits of the guest", s->exits);
	for (uint32_t i = 0; i < RV_EXIT_REASONS; i++) {
		if (s->exit[i] != 0)
			printf("    %-26s %12" PRIu64 "\n", ravelin_exit_reason_name(i), s->exit[i]);
	}
	printf("  %-28s %12" PRIu64 "\n", "exits of FIMCEs", s->fimce_exits);
}

/** Shows the CPUs from first to last; one that does not exist ends it, which is an error for the first only. */
static int stat_show(struct ravelin *h, uint32_t first, uint32_t last, bool json)
{
	struct rv_stat stat;
	struct json j;
	int linux_cpu, error = 0;

	if (json) {
		json_begin(&j, stdout);
		json_array(&j, NULL);
	}
	for (uint32_t cpu = first; cpu <= last; cpu++) {
		error = ravelin_stat(h, cpu, &stat, &linux_cpu);
		if (error)
			break;
		if (json)
			stat_json(&j, &stat, linux_cpu);
		else
			stat_print(&stat, linux_cpu);
		if (cpu == last)
			break;
	}
	if (json) {
		json_close(&j);
		json_end(&j);
	}
	return error == -ENOENT && first != last ? 0 : error;
}

int cmd_stat(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{"cpu", required_argument, NULL, 'c'},
						{NULL, 0, NULL, 0}};
	uint64_t first = 0, last = RV_MAX_CPUS - 1;
	bool json = false;
	struct ravelin *h;
	int c, error;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'j':
			json = true;
			break;
		case 'h':
			return cli_help("stat");
		case 'c':
			if (!parse_number(optarg, RV_MAX_CPUS - 1, &first))
				return cli_usage("stat", "'%s' is no CPU", optarg);
			last = first;
			break;
		default:
			return cli_usage("stat", "unknown option");
		}
	}
	h = cli_open();
	if (!h)
		return EXIT_NO_RAVELIN;
	error = stat_show(h, (uint32_t)first, (uint32_t)last, json);
	if (error)
		cli_fail(h, error, "stat");
	ravelin_close(h);
	return error ? EXIT_REFUSED : EXIT_DONE;
}

int cmd_audit(int argc, char **argv)
{
	struct rv_audit audit;
	char text[300] = "";
	struct ravelin *h;
	struct json j;
	bool json;
	int error, status = cli_options_simple(argc, argv, &json);

	if (status >= 0)
		return status;
	h = cli_open();
	if (!h)
		return EXIT_NO_RAVELIN;
	error = ravelin_audit(h, &audit);
	if (error)
		ravelin_explain(h, error, text, sizeof(text));
	ravelin_close(h);
	/* -EFAULT is the audit's own verdict; all else means that there was none. */
	if (error && error != -EFAULT)
		return cli_error("audit: %s", text);
	if (json) {
		json_begin(&j, stdout);
		json_object(&j, NULL);
		json_bool(&j, "clean", error == 0);
		json_number(&j, "rows", audit.rows);
		json_number(&j, "ept_leaves", audit.ept_leaves);
		json_number(&j, "fimce_leaves", audit.fimce_leaves);
		json_number(&j, "vmcs", audit.vmcs);
		json_number(&j, "bad", audit.bad);
		if (error) {
			json_number(&j, "bad_table", audit.bad_table);
			json_hex(&j, "bad_address", audit.bad_address);
			json_hex(&j, "bad_entry", audit.bad_entry);
			json_string(&j, "why", text);
		}
		json_close(&j);
		json_end(&j);
	} else {
		printf("%" PRIu64 " rows of the partition table, %" PRIu64 " EPT entries, %" PRIu64
		       " FIMCE page table entries, %" PRIu64 " VMCSs compared\n",
		       audit.rows, audit.ept_leaves, audit.fimce_leaves, audit.vmcs);
		if (error)
			printf("%" PRIu64 " grant what they must not; first: %s\n", audit.bad, text);
		else
			printf("the live tables grant nothing that the partition table does not\n");
	}
	return error ? EXIT_EVIDENCE : EXIT_DONE;
}

static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

static void log_record_show(struct json *j, const struct rv_log_record *r, uint64_t tsc_khz)
{
	uint64_t us = ravelin_ticks_to_us(r->tsc, tsc_khz);
	char text[300];

	ravelin_log_sentence(r, text, sizeof(text));
	if (!j) {
		printf("[%6" PRIu64 ".%06" PRIu64 "] CPU %u: %s\n", us / 1000000, us % 1000000, r->cpu, text);
		return;
	}
	json_object(j, NULL);
	json_number(j, "sequence", r->sequence);
	json_number(j, "tsc", r->tsc);
	json_number(j, "microseconds", us);
	json_number(j, "cpu", r->cpu);
	json_number(j, "reason", r->reason);
	json_string(j, "name", ravelin_reason_name(r->reason));
	json_string(j, "text", text);
	json_array(j, "values");
	for (unsigned int i = 0; i < 5; i++)
		json_hex(j, NULL, r->value[i]);
	json_close(j);
	json_close(j);
}

/** Shows all records from *next on and moves *next behind them. */
static int log_show(struct ravelin *h, struct json *j, uint64_t *next, uint64_t tsc_khz)
{
	static struct rv_log_record record[LOG_BATCH];
	int n;

	while ((n = ravelin_log_read(h, *next, record, LOG_BATCH)) > 0) {
		for (int i = 0; i < n; i++) {
			if (!j && *next != 0 && record[i].sequence > *next)
				printf("(%" PRIu64 " records lost)\n", record[i].sequence - *next);
			log_record_show(j, &record[i], tsc_khz);
			*next = record[i].sequence + 1;
		}
	}
	fflush(stdout);
	return n;
}

static int log_run(struct ravelin *h, uint64_t next, bool follow, bool json)
{
	const struct timespec pause = {0, FOLLOW_PAUSE_NS};
	struct rv_info info;
	struct json j;
	int error = ravelin_info(h, &info, NULL);

	if (error)
		return error;
	if (json) {
		json_begin(&j, stdout);
		json_array(&j, NULL);
	}
	error = log_show(h, json ? &j : NULL, &next, info.tsc_khz);
	while (follow && !error && !interrupted) {
		nanosleep(&pause, NULL);
		error = log_show(h, json ? &j : NULL, &next, info.tsc_khz);
	}
	if (json) {
		json_close(&j);
		json_end(&j);
	}
	return error;
}

int cmd_log(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{"follow", no_argument, NULL, 'f'},
						{"since", required_argument, NULL, 's'},
						{NULL, 0, NULL, 0}};
	bool json = false, follow = false;
	struct ravelin *h;
	uint64_t next = 0;
	int c, error;

	while ((c = getopt_long(argc, argv, "f", options, NULL)) != -1) {
		switch (c) {
		case 'j':
			json = true;
			break;
		case 'f':
			follow = true;
			break;
		case 's':
			if (!parse_number(optarg, UINT64_MAX, &next))
				return cli_usage("log", "'%s' is no sequence number", optarg);
			break;
		case 'h':
			return cli_help("log");
		default:
			return cli_usage("log", "unknown option");
		}
	}
	h = cli_open();
	if (!h)
		return EXIT_NO_RAVELIN;
	if (follow) {
		struct sigaction action = {.sa_handler = interrupt};

		sigaction(SIGINT, &action, NULL);
		sigaction(SIGTERM, &action, NULL);
	}
	error = log_run(h, next, follow, json);
	if (error)
		cli_fail(h, error, "log");
	ravelin_close(h);
	return error ? EXIT_REFUSED : EXIT_DONE;
}
