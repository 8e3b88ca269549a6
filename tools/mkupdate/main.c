/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * main.c - command line of mkupdate. See mkupdate.1.
 */
#include "build.h"
#include "envelope.h"
#include "key.h"
#include "show.h"
#include "task.h"

#include <suit/suit.h>

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: mkupdate keygen -o KEY.pem\n"
    "       mkupdate anchor KEY.pem\n"
    "       mkupdate build --target OLD.elf --new NEW.c... --replace OLD=NEW... --name NAME --sequence N --key "
    "KEY.pem\n"
    "                      [--update-code UPDATE.c] [OPTIONS] -o OUT.suit\n"
    "       mkupdate task --image IMAGE --key KEY.pem [--sequence N] -o OUT.suit\n"
    "       mkupdate show [--json] FILE.suit\n"
    "       mkupdate verify --anchor HEX FILE.suit\n"
    "       mkupdate sign --key KEY.pem [--sequence N] -o OUT.suit FILE.suit\n"
    "\n"
    "Makes signed updates of running programs, and signs tasks.\n"
    "\n"
    "keygen   makes a signing key and prints its trust anchor\n"
    "anchor   prints the trust anchor of a private or public key\n"
    "build    compiles new code for an executable and makes an update that puts it in place of old functions:\n"
    "  -t, --target FILE        the executable, the build that runs\n"
    "      --target-name NAME   what the process is called, if not as the file\n"
    "  -a, --after FILE         an update that the process has already; may be repeated, in their order\n"
    "      --symbols FILE       another file of the same build that has the symbols, if the target is stripped\n"
    "  -n, --new FILE           new code: .c, .S or .o; may be repeated\n"
    "  -r, --replace OLD=NEW    put NEW in place of OLD; may be repeated. --replace NAME: both have that name\n"
    "  -u, --update-code FILE   the update's own code (.c or .o): migration, self-check, revert\n"
    "  -d, --data SYMBOL        a variable of the target that the update code needs; may be repeated\n"
    "      --all-data           all variables of the executable\n"
    "      --heap               all anonymous memory of the process\n"
    "      --fresh-rw SIZE      least size of the new writable memory (K or M may follow)\n"
    "      --fresh-offset SIZE  where new memory begins, above the target's last segment (default: 512M or more)\n"
    "      --name NAME          name of the update, up to 31 characters\n"
    "  -s, --sequence N         sequence number, above that of every update applied before\n"
    "  -k, --key FILE           private key\n"
    "      --stack SIZE         stack of the update task (default 32K)\n"
    "      --budget TIME        limit of its run time, with us, ms or s (default 2s)\n"
    "  -I DIR, -D NAME[=VALUE]  for the compiler; may be repeated\n"
    "      --cc PROGRAM         compiler (default gcc)\n"
    "      --keep DIR           leave intermediate files (objects, linked new code, description) in DIR\n"
    "      --sdk DIR            where mkfimce, task.ld, libpillars.a and include/ are\n"
    "  -o, --output FILE        the envelope to write\n"
    "task     signs the image of a task that updates nothing; one that gets devices must be signed\n"
    "  -i, --image FILE         the image, as mkfimce makes it\n"
    "show     prints what an envelope says, without checking its signature\n"
    "verify   checks an envelope as Ravelin does\n"
    "sign     signs an envelope anew, with another key or sequence number\n"
    "\n"
    "exit codes: 0 done, 1 verify refused the envelope, 2 wrong use, 3 the target, 4 the new code, 5 the key,\n"
    "            6 files, processes or memory\n";

enum {
	OPTION_TARGET_NAME = 256,
	OPTION_SYMBOLS,
	OPTION_ALL_DATA,
	OPTION_HEAP,
	OPTION_FRESH_RW,
	OPTION_FRESH_OFFSET,
	OPTION_NAME,
	OPTION_STACK,
	OPTION_BUDGET,
	OPTION_CC,
	OPTION_SDK,
	OPTION_KEEP,
	OPTION_JSON,
	OPTION_ANCHOR
};

__attribute__((noreturn)) static void misuse(const char *what)
{
	fail(EXIT_USAGE, "%s; try mkupdate --help", what);
}

static void words_add(struct words *w, char *word)
{
	w->word = must_grow(w->word, w->count + 1, sizeof(*w->word));
	w->word[w->count++] = word;
}

static uint64_t parse_number(const char *text, const char *option)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 0);
	if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || n > INT64_MAX)
		fail(EXIT_USAGE, "%s %s: not a number that can be used", option, text);
	return n;
}

static uint64_t parse_size(const char *text, const char *option)
{
	unsigned long long n;
	unsigned int shift = 0;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 0);
	if (*end == 'K' || *end == 'M')
		shift = *end++ == 'K' ? 10 : 20;
	if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || n > UINT32_MAX >> shift)
		fail(EXIT_USAGE, "%s %s: not a size that can be used", option, text);
	return n << shift;
}

/** A name for things that are printed and compared. */
static const char *parse_name(const char *text, size_t max, const char *option)
{
	size_t length = strlen(text);

	if (length == 0 || length > max)
		fail(EXIT_USAGE, "%s: a name has 1 to %zu characters", option, max);
	for (size_t i = 0; i < length; i++)
		if (text[i] <= ' ' || text[i] > '~' || text[i] == '/')
			fail(EXIT_USAGE, "%s %s: only printable ASCII without space and slash may be in a name", option,
			     text);
	return text;
}

static const char *only_operand(int argc, char **argv, const char *what)
{
	if (optind != argc - 1)
		fail(EXIT_USAGE, "one %s is wanted; try mkupdate --help", what);
	return argv[optind];
}

static void print_anchor(const EVP_PKEY *key)
{
	uint8_t anchor[RV_DIGEST_SIZE];
	char text[2 * RV_DIGEST_SIZE + 1];

	key_anchor(key, anchor);
	printf("trust=sha256:%s\n", hex_print(text, anchor, sizeof(anchor)));
}

static int run_keygen(int argc, char **argv)
{
	static const struct option known[] = {{"output", required_argument, NULL, 'o'}, {0}};
	const char *output = NULL;
	EVP_PKEY *key;
	int c;

	while ((c = getopt_long(argc, argv, "o:", known, NULL)) != -1) {
		if (c != 'o')
			return EXIT_USAGE;
		output = optarg;
	}
	if (!output || optind != argc)
		misuse("keygen: -o KEY.pem is wanted");
	key = key_generate(output);
	print_anchor(key);
	EVP_PKEY_free(key);
	return 0;
}

static int run_anchor(int argc, char **argv)
{
	EVP_PKEY *key;

	if (getopt_long(argc, argv, "", (const struct option[]){{0}}, NULL) != -1)
		return EXIT_USAGE;
	key = key_read_public(only_operand(argc, argv, "key"));
	print_anchor(key);
	EVP_PKEY_free(key);
	return 0;
}

static void check_build(const struct build_request *r)
{
	if (!r->target)
		misuse("build: --target is missing");
	if (r->new_code.count == 0)
		misuse("build: --new is missing");
	if (r->replace.count == 0)
		misuse("build: --replace is missing");
	if (!r->name)
		misuse("build: --name is missing");
	if (r->sequence == 0)
		misuse("build: --sequence is missing, or 0");
	if (!r->key)
		misuse("build: --key is missing");
	if (!r->output)
		misuse("build: -o is missing");
}

static int run_build(int argc, char **argv)
{
	static const struct option known[] = {
	    {"target", required_argument, NULL, 't'},
	    {"target-name", required_argument, NULL, OPTION_TARGET_NAME},
	    {"after", required_argument, NULL, 'a'},
	    {"symbols", required_argument, NULL, OPTION_SYMBOLS},
	    {"new", required_argument, NULL, 'n'},
	    {"replace", required_argument, NULL, 'r'},
	    {"update-code", required_argument, NULL, 'u'},
	    {"data", required_argument, NULL, 'd'},
	    {"all-data", no_argument, NULL, OPTION_ALL_DATA},
	    {"heap", no_argument, NULL, OPTION_HEAP},
	    {"fresh-rw", required_argument, NULL, OPTION_FRESH_RW},
	    {"fresh-offset", required_argument, NULL, OPTION_FRESH_OFFSET},
	    {"name", required_argument, NULL, OPTION_NAME},
	    {"sequence", required_argument, NULL, 's'},
	    {"key", required_argument, NULL, 'k'},
	    {"stack", required_argument, NULL, OPTION_STACK},
	    {"budget", required_argument, NULL, OPTION_BUDGET},
	    {"cc", required_argument, NULL, OPTION_CC},
	    {"sdk", required_argument, NULL, OPTION_SDK},
	    {"keep", required_argument, NULL, OPTION_KEEP},
	    {"output", required_argument, NULL, 'o'},
	    {0},
	};
	struct build_request r = {.stack = "32K", .budget = "2s", .compiler = "gcc"};
	int c;

	while ((c = getopt_long(argc, argv, "t:a:n:r:u:d:s:k:o:I:D:", known, NULL)) != -1) {
		switch (c) {
		case 't':
			r.target = optarg;
			break;
		case 'a':
			words_add(&r.after, optarg);
			break;
		case OPTION_TARGET_NAME:
			r.target_name = parse_name(optarg, SUIT_NAME_MAX, "--target-name");
			break;
		case OPTION_SYMBOLS:
			r.symbols = optarg;
			break;
		case 'n':
			words_add(&r.new_code, optarg);
			break;
		case 'r':
			words_add(&r.replace, optarg);
			break;
		case 'u':
			r.update_code = optarg;
			break;
		case 'd':
			words_add(&r.data, optarg);
			break;
		case OPTION_ALL_DATA:
			r.all_data = true;
			break;
		case OPTION_HEAP:
			r.heap = true;
			break;
		case OPTION_FRESH_RW:
			r.fresh_rw = parse_size(optarg, "--fresh-rw");
			break;
		case OPTION_FRESH_OFFSET:
			r.fresh_offset = parse_size(optarg, "--fresh-offset");
			if (r.fresh_offset == 0)
				misuse("build: --fresh-offset cannot be 0");
			break;
		case OPTION_NAME:
			r.name = parse_name(optarg, 31, "--name");
			break;
		case 's':
			r.sequence = parse_number(optarg, "--sequence");
			break;
		case 'k':
			r.key = optarg;
			break;
		case OPTION_STACK:
			r.stack = optarg;
			break;
		case OPTION_BUDGET:
			r.budget = optarg;
			break;
		case OPTION_CC:
			r.compiler = optarg;
			break;
		case OPTION_KEEP:
			scratch_keep(optarg);
			break;
		case OPTION_SDK:
			r.sdk = optarg;
			break;
		case 'o':
			r.output = optarg;
			break;
		case 'I':
		case 'D':
			arguments_print(&r.options, "-%c%s", c, optarg);
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind != argc)
		misuse("build: all files are given by options");
	check_build(&r);
	build_run(&r);
	return 0;
}

static int run_task(int argc, char **argv)
{
	static const struct option known[] = {{"image", required_argument, NULL, 'i'},
					      {"key", required_argument, NULL, 'k'},
					      {"sequence", required_argument, NULL, 's'},
					      {"output", required_argument, NULL, 'o'},
					      {0}};
	struct task_request r = {.sequence = 1};
	int c;

	while ((c = getopt_long(argc, argv, "i:k:s:o:", known, NULL)) != -1) {
		switch (c) {
		case 'i':
			r.image = optarg;
			break;
		case 'k':
			r.key = optarg;
			break;
		case 's':
			r.sequence = parse_number(optarg, "--sequence");
			break;
		case 'o':
			r.output = optarg;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (!r.image || !r.key || !r.output || r.sequence == 0 || optind != argc)
		misuse("task: --image, --key, -o and a sequence number above 0 are wanted");
	task_run(&r);
	return 0;
}

/** Ends the program with the reason why an envelope is no good. */
__attribute__((noreturn)) static void refuse(const char *path, const struct suit_error *err)
{
	fail(EXIT_REFUSED, "%s: %s", path, show_reason(err));
}

static int run_show(int argc, char **argv)
{
	static const struct option known[] = {{"json", no_argument, NULL, OPTION_JSON}, {0}};
	struct suit_manifest m;
	struct suit_error err;
	struct buffer file;
	const char *path;
	bool json = false;
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c != OPTION_JSON)
			return EXIT_USAGE;
		json = true;
	}
	path = only_operand(argc, argv, "envelope");
	file = file_read(path, EXIT_SYSTEM);
	if (suit_parse(file.data, file.size, &m, &err) != 0)
		refuse(path, &err);
	show_manifest(&m, json);
	buffer_free(&file);
	return 0;
}

static int run_verify(int argc, char **argv)
{
	static const struct option known[] = {{"anchor", required_argument, NULL, OPTION_ANCHOR}, {0}};
	static const char prefix[] = "sha256:";
	uint8_t anchor[RV_DIGEST_SIZE];
	bool has_anchor = false;
	struct suit_manifest m;
	struct suit_error err;
	struct buffer file;
	const char *path;
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c != OPTION_ANCHOR)
			return EXIT_USAGE;
		if (strncmp(optarg, "trust=", 6) == 0)
			optarg += 6;
		if (strncmp(optarg, prefix, sizeof(prefix) - 1) == 0)
			optarg += sizeof(prefix) - 1;
		has_anchor = hex_parse(optarg, anchor, sizeof(anchor));
		if (!has_anchor)
			misuse("verify: --anchor wants 64 hexadecimal digits, as mkupdate anchor prints them");
	}
	if (!has_anchor)
		misuse("verify: --anchor is missing");
	path = only_operand(argc, argv, "envelope");
	file = file_read(path, EXIT_SYSTEM);
	if (suit_verify(file.data, file.size, anchor, &m, &err) != 0)
		refuse(path, &err);
	printf("%s: good signature, sequence %llu, for %.*s\n", path, (unsigned long long)m.sequence, (int)m.name.size,
	       (const char *)m.name.data);
	buffer_free(&file);
	return 0;
}

static int run_sign(int argc, char **argv)
{
	static const struct option known[] = {{"key", required_argument, NULL, 'k'},
					      {"sequence", required_argument, NULL, 's'},
					      {"output", required_argument, NULL, 'o'},
					      {0}};
	const char *key_path = NULL;
	const char *output = NULL;
	uint64_t sequence = 0;
	struct suit_manifest m;
	struct suit_error err;
	struct envelope e = {0};
	struct buffer file;
	struct buffer manifest;
	struct buffer envelope;
	char name[SUIT_NAME_MAX + 1] = "";
	const char *path;
	EVP_PKEY *key;
	int c;

	while ((c = getopt_long(argc, argv, "k:s:o:", known, NULL)) != -1) {
		switch (c) {
		case 'k':
			key_path = optarg;
			break;
		case 's':
			sequence = parse_number(optarg, "--sequence");
			break;
		case 'o':
			output = optarg;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (!key_path || !output)
		misuse("sign: --key and -o are wanted");
	path = only_operand(argc, argv, "envelope");
	key = key_read_private(key_path);
	file = file_read(path, EXIT_SYSTEM);
	if (suit_parse(file.data, file.size, &m, &err) != 0)
		refuse(path, &err);
	/* The profile has one shape: all that can differ is in these fields. */
	memcpy(name, m.name.data, m.name.size);
	e.name = name;
	e.build_id = m.build_id.data;
	e.sequence = sequence ? sequence : m.sequence;
	e.payload = m.payload.data;
	e.payload_size = m.payload.size;
	memcpy(e.before, m.before, sizeof(e.before));
	memcpy(e.after, m.after, sizeof(e.after));
	e.target_bytes = m.target_bytes;
	manifest = envelope_manifest(&e);
	envelope = envelope_sign(manifest.data, manifest.size, e.payload, e.payload_size, key);
	file_write(output, envelope.data, envelope.size, 0644);
	EVP_PKEY_free(key);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} commands[] = {{"keygen", run_keygen}, {"anchor", run_anchor}, {"build", run_build}, {"task", run_task},
			{"show", run_show},     {"verify", run_verify}, {"sign", run_sign}};

	if (argc < 2)
		misuse("a command is wanted");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	fail(EXIT_USAGE, "there is no command %s; try mkupdate --help", argv[1]);
}
