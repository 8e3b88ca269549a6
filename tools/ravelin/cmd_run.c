// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_run.c - the commands that make, list and end FIMCEs: run, ps, kill.
 */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEX_SHOWN 4096u

struct run_options {
	const char *image, *input, *output;
	int cpu; /* RV_RUN_HERE: borrowed */
	bool borrow; /* as was asked for */
	uint32_t device[RV_MAX_GRANTS]; /* PCI functions as named */
	unsigned int devices;
	bool json;
};

/** The devices of the image, where they are. */
struct run_grants {
	struct rv_grant grant[RV_MAX_GRANTS];
	uint32_t count;
};

static int options_get(int argc, char **argv, struct run_options *o)
{
	static const struct option options[] = {
	    {"json", no_argument, NULL, 'j'},         {"help", no_argument, NULL, 'h'},
	    {"input", required_argument, NULL, 'i'},  {"output", required_argument, NULL, 'o'},
	    {"cpu", required_argument, NULL, 'c'},    {"borrow", no_argument, NULL, 'b'},
	    {"device", required_argument, NULL, 'd'}, {NULL, 0, NULL, 0}};
	bool cpu_given = false;
	uint64_t cpu = 0;
	int c;

	memset(o, 0, sizeof(*o));
	o->cpu = RV_RUN_HERE;
	while ((c = getopt_long(argc, argv, "i:o:", options, NULL)) != -1) {
		switch (c) {
		case 'j':
			o->json = true;
			break;
		case 'i':
			o->input = optarg;
			break;
		case 'o':
			o->output = optarg;
			break;
		case 'c':
			if (!parse_number(optarg, INT32_MAX, &cpu))
				return cli_usage("run", "'%s' is no CPU", optarg);
			cpu_given = true;
			o->cpu = (int)cpu;
			break;
		case 'b':
			o->borrow = true;
			break;
		case 'd':
			if (o->devices == RV_MAX_GRANTS)
				return cli_usage("run", "an image has at most %u devices", RV_MAX_GRANTS);
			if (!parse_function(optarg, &o->device[o->devices++]))
				return cli_usage("run", "'%s' is no PCI function: BUS:DEV.FN is wanted", optarg);
			break;
		case 'h':
			return cli_help("run");
		default:
			return cli_usage("run", "unknown option or missing value");
		}
	}
	if (cpu_given && o->borrow)
		return cli_usage("run", "--cpu and --borrow exclude each other");
	if (optind + 1 != argc)
		return cli_usage("run", "name one image");
	if (o->json && o->output && strcmp(o->output, "-") == 0)
		return cli_usage("run", "--json and --output - would both write to standard output");
	o->image = argv[optind];
	return -1;
}

/** Reads all output of a FIMCE that is done. Free *output. */
static int output_get(struct ravelin *h, const struct rv_fimce_status *status, uint8_t **output)
{
	uint32_t done = 0;
	int n;

	*output = malloc(status->output_bytes + 1u);
	if (!*output)
		return -ENOMEM;
	while (done < status->output_bytes) {
		n = ravelin_fimce_output(h, status->id, done, *output + done, status->output_bytes - done);
		if (n <= 0)
			return n ? n : -EPROTO;
		done += (uint32_t)n;
	}
	return 0;
}

static bool output_write(const char *path, const uint8_t *output, size_t bytes)
{
	bool to_stdout = strcmp(path, "-") == 0, ok;
	FILE *file = to_stdout ? stdout : fopen(path, "wbe");

	if (!file) {
		cli_error("%s: %s", path, strerror(errno));
		return false;
	}
	ok = fwrite(output, 1, bytes, file) == bytes && fflush(file) == 0;
	if (!to_stdout)
		ok = fclose(file) == 0 && ok;
	if (!ok)
		cli_error("%s: %s", path, strerror(errno));
	return ok;
}

static void grants_json(struct json *j, const struct run_grants *grants)
{
	static const char *const kinds[] = {"unknown", "pci", "ports", "gsi"};
	char text[RAVELIN_FUNCTION_NAME];

	json_array(j, "devices");
	for (uint32_t i = 0; i < grants->count; i++) {
		const struct rv_grant *g = &grants->grant[i];

		json_object(j, NULL);
		json_string(j, "kind", kinds[g->kind <= RV_GRANT_GSI ? g->kind : 0]);
		if (g->kind == RV_GRANT_PCI) {
			json_string(j, "function", ravelin_function_name(g->source_id, text));
			snprintf(text, sizeof(text), "%04x:%04x", g->first & 0xffff, g->first >> 16);
			json_string(j, "ids", text);
		} else {
			json_number(j, "first", g->first);
			json_number(j, "count", g->count);
		}
		json_close(j);
	}
	json_close(j);
}

static void result_json(const struct run_options *o, const struct run_grants *grants, const struct rv_fimce_status *s,
			const uint8_t *output)
{
	static const char *const registers[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
						"r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
	char text[300];
	struct json j;

	json_begin(&j, stdout);
	json_object(&j, NULL);
	json_number(&j, "id", s->id);
	json_string(&j, "name", s->name);
	json_string(&j, "state", ravelin_fimce_state_name(s->state));
	json_signed(&j, "result", s->result);
	json_bool(&j, "signed", s->is_signed != 0);
	json_bytes(&j, "image_digest", s->image_digest, RV_DIGEST_SIZE);
	json_number(&j, "cpu", s->cpu);
	json_number(&j, "exits", s->exits);
	json_number(&j, "run_tsc", s->run_tsc);
	json_number(&j, "output_bytes", s->output_bytes);
	if (grants->count > 0)
		grants_json(&j, grants);
	if (s->state == RV_FIMCE_DEAD) {
		json_string(&j, "cause", ravelin_fimce_cause_name(s->cause));
		json_number(&j, "detail", s->detail);
		json_hex(&j, "value", s->value);
		json_hex(&j, "rip", s->rip);
		json_hex(&j, "cr2", s->cr2);
		json_object(&j, "registers");
		for (unsigned int i = 0; i < 16; i++)
			json_hex(&j, registers[i], s->gpr[i]);
		json_close(&j);
		json_string(&j, "why", ravelin_cause_sentence(s, text, sizeof(text)));
	} else if (!o->output && output) {
		json_bytes(&j, "output", output, s->output_bytes);
	}
	json_close(&j);
	json_end(&j);
}

static void result_print(const struct run_options *o, const struct rv_fimce_status *s, const uint8_t *output,
			 uint64_t tsc_khz)
{
	/* With the output on standard output, words about it go to the other place. */
	FILE *to = o->output && strcmp(o->output, "-") == 0 ? stderr : stdout;
	uint32_t shown = s->output_bytes < HEX_SHOWN ? s->output_bytes : HEX_SHOWN;
	const char *error = s->result < 0 && s->result > -4096 ? strerrorname_np((int)-s->result) : NULL;
	char text[300];

	if (s->state == RV_FIMCE_DEAD) {
		cli_error("%s died: %s", s->name[0] ? s->name : "the FIMCE",
			  ravelin_cause_sentence(s, text, sizeof(text)));
		return;
	}
	fprintf(to, "%s: result %" PRId64 "%s%s%s, %u bytes of output, %" PRIu64 " us, %" PRIu64 " exits\n", s->name,
		s->result, error ? " (-" : "", error ? error : "", error ? ")" : "", s->output_bytes,
		ravelin_ticks_to_us(s->run_tsc, tsc_khz), s->exits);
	if (o->output || !output)
		return;
	for (uint32_t i = 0; i < shown; i++)
		printf("%02x%s", output[i], i % 32 == 31 || i + 1 == shown ? "\n" : "");
	if (shown < s->output_bytes)
		printf("... and %u bytes more; --output FILE takes all\n", s->output_bytes - shown);
}

/** Shows what came of it. @return exit status */
static int result_show(struct ravelin *h, const struct run_options *o, const struct run_grants *grants,
		       struct rv_fimce_status *s)
{
	struct rv_info info = {0};
	uint8_t *output = NULL;
	int status = EXIT_DONE, error;

	s->name[sizeof(s->name) - 1] = '\0';
	if (s->state == RV_FIMCE_DONE) {
		error = output_get(h, s, &output);
		if (error) {
			free(output);
			return cli_fail(h, error, "output");
		}
		if (o->output && !output_write(o->output, output, s->output_bytes))
			status = EXIT_REFUSED;
	}
	ravelin_info(h, &info, NULL);
	if (o->json)
		result_json(o, grants, s, output);
	else
		result_print(o, s, output, info.tsc_khz);
	free(output);
	if (s->state == RV_FIMCE_DEAD)
		return s->cause == RV_CAUSE_REFUSED ? EXIT_REFUSED : EXIT_DIED;
	return s->state == RV_FIMCE_DONE && s->result >= 0 ? status : EXIT_REFUSED;
}

/** Runs FIMCE id where the options want it and waits for its end. */
static int run_and_wait(struct ravelin *h, const struct run_options *o, uint32_t id, struct rv_fimce_status *s)
{
	int result;

	progress_start("running");
	result = ravelin_fimce_run(h, id, o->cpu);
	if (result >= 0)
		result = ravelin_fimce_wait(h, id, -1, s);
	progress_stop();
	return result < 0 ? result : 0;
}

/** The CPU for an image whose devices interrupt, if none was named: the last one that Linux has. @return false: there is none, and it was said */
static bool run_choose_cpu(struct run_options *o)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (o->borrow || cpus < 2) {
		cli_error("%s: its devices interrupt, so it needs a CPU of its own%s", o->image,
			  o->borrow ? ": --cpu N, not --borrow" : ", and this machine has only one");
		return false;
	}
	o->cpu = (int)cpus - 1;
	fprintf(stderr, "ravelin: %s: its devices interrupt, so it runs on a CPU of its own: --cpu %d\n", o->image,
		o->cpu);
	return true;
}

/** Makes the FIMCE, with the devices that its image asks for. @return EXIT_DONE, or what to end with */
static int run_create(struct ravelin *h, struct run_options *o, const uint8_t *image, size_t image_bytes,
		      const uint8_t *input, size_t input_bytes, struct run_grants *grants, uint32_t *id)
{
	struct rv_image_header header;
	struct rv_failure failure;
	size_t offset;
	int error;

	grants->count = 0;
	/* What is wrong with the image itself, ravelin_fimce_create_devices says. */
	if (ravelin_image_find(image, image_bytes, &header, &offset, &failure) == 0) {
		error = ravelin_devices_find(h, &header, o->device, o->devices, grants->grant);
		if (error)
			return cli_fail(h, error, o->image);
		grants->count = header.grant_count;
		if (ravelin_devices_interrupt(&header) && o->cpu == RV_RUN_HERE && !run_choose_cpu(o))
			return EXIT_REFUSED;
	}
	error =
	    ravelin_fimce_create_devices(h, image, image_bytes, input, input_bytes, grants->grant, grants->count, id);
	return error ? cli_fail(h, error, o->image) : EXIT_DONE;
}

static int run(struct ravelin *h, struct run_options *o, const uint8_t *image, size_t image_bytes, const uint8_t *input,
	       size_t input_bytes)
{
	struct rv_fimce_status s = {0};
	struct run_grants grants;
	uint32_t id = 0;
	int error, status;

	status = run_create(h, o, image, image_bytes, input, input_bytes, &grants, &id);
	if (status != EXIT_DONE)
		return status;
	if (o->cpu != RV_RUN_HERE) {
		error = ravelin_core_take(h, (unsigned int)o->cpu);
		if (error < 0) {
			status = cli_fail(h, error, "taking the CPU");
			ravelin_fimce_destroy(h, id);
			return status;
		}
	}
	error = run_and_wait(h, o, id, &s);
	status = error ? cli_fail(h, error, o->image) : result_show(h, o, &grants, &s);
	error = ravelin_fimce_destroy(h, id);
	if (error)
		status = cli_fail(h, error, "destroying the FIMCE");
	if (o->cpu != RV_RUN_HERE) {
		error = ravelin_core_give(h, (unsigned int)o->cpu);
		if (error < 0)
			status = cli_fail(h, error, "giving the CPU back");
	}
	return status;
}

int cmd_run(int argc, char **argv)
{
	uint8_t *image = NULL, *input = NULL;
	size_t image_bytes, input_bytes = 0;
	struct run_options o;
	struct ravelin *h;
	int status = options_get(argc, argv, &o);

	if (status >= 0)
		return status;
	status = EXIT_REFUSED;
	if (file_read(o.image, RV_FIMCE_MAX_INPUT, &image, &image_bytes) &&
	    (!o.input || file_read(o.input, RV_FIMCE_MAX_INPUT, &input, &input_bytes))) {
		h = cli_open();
		status = h ? run(h, &o, image, image_bytes, input, input_bytes) : EXIT_NO_RAVELIN;
		ravelin_close(h);
	}
	free(image);
	free(input);
	return status;
}

static void entry_json(struct json *j, const struct rv_list_entry *e, const struct rv_fimce_status *s)
{
	json_object(j, NULL);
	json_number(j, "id", e->id);
	json_string(j, "name", s->name);
	json_string(j, "state", ravelin_fimce_state_name(s->state));
	json_string(j, "cause", ravelin_fimce_cause_name(s->cause));
	json_bool(j, "signed", s->is_signed != 0);
	json_bool(j, "update", e->flags & RV_LIST_UPDATE);
	json_string(j, "update_state", ravelin_update_state_name(s->update));
	json_number(j, "cpu", s->cpu);
	json_signed(j, "owner", e->owner);
	json_signed(j, "target", e->target);
	json_number(j, "pages", e->pages);
	json_number(j, "run_tsc", s->run_tsc);
	json_close(j);
}

int cmd_ps(int argc, char **argv)
{
	struct rv_list_entry list[RV_MAX_FIMCES];
	struct rv_fimce_status s;
	struct ravelin *h;
	struct json j;
	bool json;
	int n, status = cli_options_simple(argc, argv, &json);

	if (status >= 0)
		return status;
	h = cli_open();
	if (!h)
		return EXIT_NO_RAVELIN;
	n = ravelin_fimce_list(h, list);
	if (n < 0) {
		status = cli_fail(h, n, "ps");
		ravelin_close(h);
		return status;
	}
	if (json) {
		json_begin(&j, stdout);
		json_array(&j, NULL);
	} else {
		printf("%6s %-20s %-8s %-11s %4s %8s %8s\n", "ID", "NAME", "STATE", "UPDATE", "CPU", "OWNER", "TARGET");
	}
	for (int i = 0; i < n; i++) {
		memset(&s, 0, sizeof(s));
		/* It may be gone since the list was made. */
		if (ravelin_fimce_status(h, list[i].id, &s))
			continue;
		s.name[sizeof(s.name) - 1] = '\0';
		if (json)
			entry_json(&j, &list[i], &s);
		else
			printf("%6u %-20s %-8s %-11s %4u %8d %8d\n", list[i].id, s.name[0] ? s.name : "-",
			       ravelin_fimce_state_name(s.state),
			       list[i].flags & RV_LIST_UPDATE ? ravelin_update_state_name(s.update) : "-", s.cpu,
			       list[i].owner, list[i].target);
	}
	if (json) {
		json_close(&j);
		json_end(&j);
	}
	ravelin_close(h);
	return EXIT_DONE;
}

int cmd_kill(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	int c, error, status = EXIT_DONE;
	struct ravelin *h;
	char what[40];
	uint64_t id;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		return c == 'h' ? cli_help("kill") : cli_usage("kill", "unknown option");
	if (optind == argc)
		return cli_usage("kill", "name at least one FIMCE");
	for (int i = optind; i < argc; i++) {
		if (!parse_number(argv[i], UINT32_MAX, &id))
			return cli_usage("kill", "'%s' is no id", argv[i]);
	}
	h = cli_open();
	if (!h)
		return EXIT_NO_RAVELIN;
	for (int i = optind; i < argc; i++) {
		parse_number(argv[i], UINT32_MAX, &id);
		error = ravelin_fimce_destroy(h, (uint32_t)id);
		if (error) {
			snprintf(what, sizeof(what), "FIMCE %u", (uint32_t)id);
			status = cli_fail(h, error, what);
		}
	}
	ravelin_close(h);
	return status;
}
