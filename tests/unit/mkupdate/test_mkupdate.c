/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_mkupdate.c - the tool from the outside: what it makes is accepted by the SUIT pillar and does its work in a running
 * program, and bad input is refused with a sentence and the right exit code.
 */
#include <ravelin/image.h>
#include <crypto/crypto.h>
#include <suit/suit.h>

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Exit codes of mkupdate(1). */
enum {
	DONE = 0,
	REFUSED = 1,
	USAGE = 2,
	TARGET = 3,
	CODE = 4,
	KEY = 5,
	SYSTEM = 6
};

/* SAMPLE is the directory of the sample sources; set by module.mk. */
#define SAMPLE_BUILD                                                                                                   \
	" --new " SAMPLE "/new.c -I " SAMPLE " --replace lookup=new_lookup --replace describe=new_describe -u " SAMPLE \
	"/update.c -d table -d first_table --name sample --sequence 7 --key key.pem"

static char build[PATH_MAX]; /* where mkupdate is */
static char here[PATH_MAX]; /* where this program and the victims are */
static char output[65536]; /* of the last command, both streams */

/** Runs a shell command in the scratch directory, with $MK, $HERE; returns its exit code. */
static int shell(const char *format, ...)
{
	char command[8192];
	va_list arguments;
	size_t size;
	FILE *f;
	int status;
	int n = snprintf(command, sizeof(command), "exec 2>&1; MK=%s/mkupdate; HERE=%s; ", build, here);

	va_start(arguments, format);
	vsnprintf(command + n, sizeof(command) - (size_t)n, format, arguments);
	va_end(arguments);
	f = popen(command, "r");
	assert_non_null(f);
	size = fread(output, 1, sizeof(output) - 1, f);
	output[size] = '\0';
	status = pclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void assert_said(const char *what)
{
	if (!strstr(output, what))
		fail_msg("'%s' is not in the output:\n%s", what, output);
}

#define assert_shell(code, said, ...)                                                                                  \
	do {                                                                                                           \
		int got = shell(__VA_ARGS__);                                                                          \
		if (got != (code))                                                                                     \
			fail_msg("exit code %d, not %d:\n%s", got, (code), output);                                    \
		assert_said(said);                                                                                     \
	} while (0)

static uint8_t file[1 << 20];

static size_t read_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t size;

	assert_non_null(f);
	size = fread(file, 1, sizeof(file), f);
	fclose(f);
	return size;
}

static int set_up(void **state)
{
	char scratch[PATH_MAX + 16];
	ssize_t length = readlink("/proc/self/exe", here, sizeof(here) - 1);

	(void)state;
	if (length < 0)
		return -1;
	here[length] = '\0';
	*strrchr(here, '/') = '\0';
	snprintf(build, sizeof(build), "%.*s", (int)(strstr(here, "/tests/unit/mkupdate") - here), here);
	snprintf(scratch, sizeof(scratch), "%s/scratch", here);
	if (mkdir(scratch, 0777) != 0 && errno != EEXIST)
		return -1;
	if (chdir(scratch) != 0 || shell("rm -rf ./* && $MK keygen -o key.pem && $MK keygen -o other.pem") != 0)
		return -1;
	/* An updated victim, for the tests that look at an envelope. */
	return shell("$MK build --target $HERE/victim-pie --keep keep" SAMPLE_BUILD " -o sample.suit");
}

static void makes_keys_once(void **state)
{
	struct stat s;

	(void)state;
	assert_shell(DONE, "trust=sha256:", "$MK anchor key.pem");
	assert_int_equal(stat("key.pem", &s), 0);
	assert_int_equal(s.st_mode & 07777, 0600);
	assert_shell(KEY, "never overwritten", "$MK keygen -o key.pem");
	assert_shell(SYSTEM, "no/such/place", "$MK keygen -o no/such/place/key.pem");
	assert_shell(DONE, "", "openssl pkey -in key.pem -pubout -out pub.pem");
	assert_shell(DONE, "", "test \"$($MK anchor key.pem)\" = \"$($MK anchor pub.pem)\"");
}

static void refuses_other_keys(void **state)
{
	(void)state;
	assert_shell(DONE, "",
		     "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out p384.pem && "
		     "openssl genpkey -algorithm ED25519 -out ed.pem && echo garbage > garbage.pem");
	assert_shell(KEY, "only P-256", "$MK anchor p384.pem");
	assert_shell(KEY, "not an elliptic curve key", "$MK anchor ed.pem");
	assert_shell(KEY, "no private key", "$MK anchor garbage.pem");
	assert_shell(KEY, "No such file", "$MK anchor missing.pem");
	assert_shell(KEY, "no private key", "$MK sign --key pub.pem -o x.suit sample.suit");
}

static void envelope_and_image_agree(void **state)
{
	struct rv_image_header h;
	uint8_t anchor[RV_DIGEST_SIZE] = {0};
	struct suit_manifest m;
	struct suit_error err;
	size_t size = read_file("sample.suit");
	int kinds[6] = {0};

	(void)state;
	assert_int_equal(suit_parse(file, size, &m, &err), 0);
	memcpy(anchor, m.signer, sizeof(anchor));
	assert_int_equal(suit_verify(file, size, anchor, &m, &err), 0);
	assert_int_equal(m.sequence, 7);
	assert_true(m.payload.size >= sizeof(h));
	memcpy(&h, m.payload.data, sizeof(h));
	assert_int_equal(h.magic, RV_IMAGE_MAGIC);
	assert_int_equal(h.capabilities, RV_CAP_TARGET | RV_CAP_REVERT);
	assert_string_equal(h.name, "sample");
	assert_string_equal(h.target_name, "victim-pie");
	assert_true(suit_names_target(&m, h.target_name, h.target_build_id));
	for (uint32_t i = 0; i < h.range_count; i++) {
		assert_in_range(h.range[i].kind, RV_RANGE_TEXT, RV_RANGE_FRESH_RW);
		kinds[h.range[i].kind]++;
	}
	assert_int_equal(kinds[RV_RANGE_TEXT], 2);
	assert_in_range(kinds[RV_RANGE_DATA], 1, 2);
	assert_int_equal(kinds[RV_RANGE_FRESH_RX], 1);
	assert_int_equal(kinds[RV_RANGE_FRESH_RW], 1);
}

static void shows_an_envelope(void **state)
{
	(void)state;
	assert_shell(DONE, "target     victim-pie", "$MK show sample.suit");
	assert_said("sequence   7");
	assert_said("by the update's own code");
	assert_said("needs      fresh-rx");
	assert_shell(DONE, "7 victim-pie True\n",
		     "$MK show --json sample.suit | python3 -c 'import json,sys; d = json.load(sys.stdin); "
		     "print(d[\"sequence\"], d[\"target\"], d[\"revert\"])'");
	assert_shell(REFUSED, "not well-formed CBOR at offset 1", "$MK show key.pem");
}

static void verifies_as_ravelin_does(void **state)
{
	(void)state;
	assert_shell(DONE, "good signature", "$MK verify --anchor $($MK anchor key.pem) sample.suit");
	assert_shell(REFUSED, "not the trust anchor", "$MK verify --anchor $($MK anchor other.pem) sample.suit");
	assert_shell(REFUSED,
		     "Ravelin was started without trust=", "$MK verify --anchor $(printf '%%064d' 0) sample.suit");
	assert_shell(USAGE, "64 hexadecimal digits", "$MK verify --anchor abcd sample.suit");
	assert_shell(USAGE, "--anchor is missing", "$MK verify sample.suit");
	assert_shell(DONE, "", "cp sample.suit bad.suit && printf X | dd of=bad.suit bs=1 seek=3000 conv=notrunc");
	assert_shell(REFUSED, "payload does not have the digest", "$MK verify --anchor $($MK anchor key.pem) bad.suit");
}

/** A task that updates nothing: mkfimce's image in, an envelope out whose component is the task's name. */
static void signs_a_task(void **state)
{
	static const uint8_t no_build_id[SUIT_BUILD_ID_SIZE];
	const char name[SUIT_NAME_MAX + 1] = "copy";
	uint8_t digest[RV_DIGEST_SIZE];
	struct suit_manifest m;
	struct suit_error err;
	size_t size;

	(void)state;
	assert_shell(DONE, "",
		     "M=$(dirname $MK)/mkfimce; O=$(dirname $MK)/fimce-obj/fimce/tasks/sha256.o; "
		     "$M --link -n copy -s 'pci=1234:11e8 interrupt' -s ports=0x2f8+8 -s gsi=4 -o copy.img $O && "
		     "$M --link -n 'a b' -o space.img $O && head -c 100 copy.img > short.img && "
		     "head -c -1 copy.img > cut.img && "
		     "$M --link -n up -s capabilities=target -s target-name=x -o target.img $O");
	assert_shell(DONE, "sequence 3", "$MK task --image copy.img --key key.pem --sequence 3 -o copy.suit");
	assert_shell(DONE, "good signature, sequence 3, for copy",
		     "$MK verify --anchor $($MK anchor key.pem) copy.suit");
	size = read_file("copy.suit");
	assert_int_equal(suit_parse(file, size, &m, &err), 0);
	assert_true(suit_names_target(&m, name, no_build_id));
	rv_sha256_digest(NULL, 0, digest);
	assert_memory_equal(m.before, digest, sizeof(digest));
	assert_memory_equal(m.after, digest, sizeof(digest));
	assert_int_equal(m.target_bytes, 0);
	assert_shell(DONE, "device     pci 1234:11e8 interrupt\ndevice     ports 0x2f8+8\ndevice     gsi 4\n",
		     "$MK show copy.suit");
	assert_shell(DONE, "task       copy\nsequence   3\n", "$MK show copy.suit");
	assert_shell(DONE, "3 pci 1234:11e8 interrupt",
		     "$MK show --json copy.suit | python3 -c 'import json,sys; d = json.load(sys.stdin); "
		     "print(len(d[\"devices\"]), d[\"devices\"][0][\"kind\"], d[\"devices\"][0][\"what\"])'");
	assert_shell(DONE, "",
		     "$MK task -i copy.img -k key.pem -o copy.suit && $MK sign --key other.pem --sequence 4 "
		     "-o copy2.suit copy.suit");
	assert_shell(DONE, "sequence 4, for copy", "$MK verify --anchor $($MK anchor other.pem) copy2.suit");
	assert_shell(USAGE, "are wanted", "$MK task --image copy.img -o x.suit");
	assert_shell(USAGE, "above 0", "$MK task --image copy.img --key key.pem --sequence 0 -o x.suit");
	assert_shell(SYSTEM, "No such file", "$MK task --image missing.img --key key.pem -o x.suit");
	assert_shell(CODE, "it has 100 bytes", "$MK task --image short.img --key key.pem -o x.suit");
	assert_shell(CODE, "its header says", "$MK task --image cut.img --key key.pem -o x.suit");
	assert_shell(CODE, "without space", "$MK task --image space.img --key key.pem -o x.suit");
	assert_shell(CODE, "is an update of x", "$MK task --image target.img --key key.pem -o x.suit");
	assert_shell(CODE, "no FIMCE image of version", "$MK task --image sample.suit --key key.pem -o x.suit");
	assert_shell(DONE, "", "test ! -e x.suit");
}

static void signs_anew(void **state)
{
	(void)state;
	assert_shell(DONE, "", "$MK sign --key other.pem --sequence 8 -o signed.suit sample.suit");
	assert_shell(DONE, "sequence 8", "$MK verify --anchor $($MK anchor other.pem) signed.suit");
	assert_shell(USAGE, "are wanted", "$MK sign --key other.pem sample.suit");
}

/** The same input gives the same manifest and image, and with them the same file but for the signature. */
static void is_reproducible(void **state)
{
	uint8_t digest[RV_DIGEST_SIZE];
	struct suit_manifest m;
	struct suit_error err;

	(void)state;
	assert_int_equal(suit_parse(file, read_file("sample.suit"), &m, &err), 0);
	memcpy(digest, m.manifest_digest, sizeof(digest));
	assert_shell(DONE, "new code",
		     "cd / && cd - >/dev/null && $MK build --target $HERE/victim-pie" SAMPLE_BUILD " -o again.suit");
	assert_int_equal(suit_parse(file, read_file("again.suit"), &m, &err), 0);
	assert_memory_equal(digest, m.manifest_digest, sizeof(digest));
}

/** Updates with different sequence numbers bring their new memory to different places, unless told where. */
static void keeps_new_memory_of_updates_apart(void **state)
{
	(void)state;
	assert_shell(DONE, "new code",
		     "$MK build --target $HERE/victim-pie" SAMPLE_BUILD " --sequence 8 -o eight.suit");
	assert_shell(
	    DONE, "apart\n",
	    "test \"$($MK show sample.suit | grep fresh-rx)\" != \"$($MK show eight.suit | grep fresh-rx)\" && "
	    "echo apart");
	assert_shell(USAGE, "cannot be 0", "$MK build --fresh-offset 0");
}

/** The host form of the update whose intermediate files are in keep-NAME: NAME.so. */
static void make_host_form(const char *name, const char *hooks)
{
	/* Symbolic: each update has symbols of the same names, and means its own. */
	assert_shell(DONE, "",
		     "gcc -shared -fPIC -O1 -DRV_HOST_TEST=1 -I" SOURCE "/include -I" SOURCE "/pillars -I" SOURCE
		     "/fimce/include -I" SAMPLE
		     " keep-%s/description.c %s $HERE/uih-host.a -lbearssl -u uih_run -Wl,-Bsymbolic -o %s.so",
		     name, hooks, name);
}

/** Builds an update for a victim, its host form, and lets the victim update itself with it. */
static void update_live(const char *victim, const char *options, const char *hooks)
{
	assert_shell(DONE, "replaces  lookup",
		     "$MK build --target $HERE/%s --keep keep-%s --new " SAMPLE "/new.c -I " SAMPLE
		     " --replace lookup=new_lookup --replace describe=new_describe %s --name live --sequence 1 "
		     "--key key.pem -o %s.suit",
		     victim, victim, options, victim);
	make_host_form(victim, hooks);
	assert_shell(DONE, "before: 1000 3000 version 1, 3 entries\n", "$HERE/%s ./%s.so %s.suit", victim, victim,
		     victim);
	assert_said("reverted: 1000 3000 version 1, 3 entries\nresult: 0\n");
}

static void updates_a_running_program(void **state)
{
	(void)state;
	update_live("victim-pie", "-u " SAMPLE "/update.c -d table -d first_table", SAMPLE "/update.c");
	assert_said("after: 600 1600 version 2, three of three, 1005/0\n");
}

/** No .symtab, a fixed address, no update code. */
static void updates_a_stripped_program_at_a_fixed_address(void **state)
{
	(void)state;
	update_live("victim-fixed", "", "");
	assert_said("after: 1100 3100 version 2, three of three, 5/0\n");
}

/* The second update of victim-pie replaces what the first one (of updates_a_running_program) has replaced. */
#define THIRD                                                                                                          \
	"$MK build --target $HERE/victim-pie --new " SAMPLE "/third.c -I " SAMPLE                                      \
	" --replace lookup=third_lookup --name third --key key.pem"

/** 1 -> 2 -> 3, and back to 2: with code and a variable of version 2 in use by version 3. */
static void updates_an_updated_program(void **state)
{
	(void)state;
	assert_shell(DONE, "replaces  lookup",
		     THIRD " --after victim-pie.suit -u " SAMPLE "/third-update.c -d calls --sequence 2 "
			   "--keep keep-third -o third.suit");
	assert_shell(DONE, "victim-pie", "$MK verify --anchor $($MK anchor key.pem) third.suit");
	assert_shell(DONE, "same\n",
		     "test \"$($MK show victim-pie.suit | sed -n 's/.*fresh-rx *//p')\" = "
		     "\"$($MK show third.suit | sed -n 's/.*old-rx *//p')\" && echo same");
	make_host_form("third", SAMPLE "/third-update.c");
	assert_shell(DONE,
		     "before: 1000 3000 version 1, 3 entries\nafter: 600 1600 version 2, three of three, 1005/0\n",
		     "$HERE/victim-pie ./victim-pie.so victim-pie.suit ./third.so third.suit");
	assert_said("result: 0\nbefore: 600 1600 version 2, three of three, 1007/4\n"
		    "after: 607 1607 version 2, three of three, 6009/8\n"
		    "reverted: 600 1600 version 2, three of three, 1011/12\nresult: 0\n");
	/* To a program that does not have the first update, the second one is for other code. */
	shell("$HERE/victim-pie ./third.so third.suit");
	assert_said("refused: -74 reason 130");
	assert_null(strstr(output, "after:"));
}

static void refuses_what_was_not_there_before(void **state)
{
	static const char third[] = THIRD " --sequence 3 -o x.suit";

	(void)state;
	assert_shell(DONE, "", "test -e third.suit && rm -f x.suit");
	assert_shell(TARGET, "made for other code than this target has", "%s --after third.suit", third);
	assert_shell(TARGET, "give the updates in the order", "%s --after victim-pie.suit --after victim-pie.suit",
		     third);
	assert_shell(TARGET, "not well-formed CBOR", "%s --after key.pem", third);
	assert_shell(TARGET, "No such file", "%s --after missing.suit", third);
	assert_shell(USAGE, "needs a higher number than 2",
		     "%s --after victim-pie.suit --after third.suit --sequence 2", third);
	/* Version 3's code calls what only version 2 has. */
	assert_shell(CODE, "needs calls, which is neither", "%s", third);
	assert_shell(TARGET, "not for this build",
		     "$MK build --target $HERE/victim-pie" SAMPLE_BUILD " --after victim-fixed.suit -o x.suit");
	assert_shell(USAGE, "would lie in that of victim-pie.suit", "%s --after victim-pie.suit --fresh-offset 528M",
		     third);
	assert_int_not_equal(access("x.suit", F_OK), 0);
	/* 64 numbers later the place is the same one again, but it is taken. */
	assert_shell(
	    DONE, "apart\n",
	    "%s --after victim-pie.suit --sequence 65 -o place.suit && test \"$($MK show place.suit | grep fresh-rx)\" "
	    "!= \"$($MK show victim-pie.suit | grep fresh-rx)\" && echo apart",
	    third);
}

static void refuses_an_update_for_another_build(void **state)
{
	(void)state;
	/* The update of the fixed-address build, given to the position-independent one: other addresses, other code. */
	assert_shell(DONE, "", "test -e victim-fixed.so && test -e victim-fixed.suit");
	shell("$HERE/victim-pie ./victim-fixed.so victim-fixed.suit");
	assert_null(strstr(output, "after:"));
}

/** A program without any symbols, and the debug file that a distribution has for it. */
static void takes_symbols_from_a_debug_file(void **state)
{
	static const char options[] = "--new plain-new.c --replace f --name x --sequence 1 --key key.pem -o plain.suit";

	(void)state;
	assert_shell(
	    DONE, "",
	    "echo 'int v = 1; __attribute__((noipa)) int f(int x) { return x * v; } "
	    "int main(int n, char **a) { (void)a; return f(n); }' > plain.c && "
	    "echo 'extern int v; int f(int x); int f(int x) { return x + v; }' > plain-new.c && "
	    "gcc -O2 -Wl,--build-id plain.c -o plain && objcopy --only-keep-debug plain plain.debug && strip plain");
	assert_shell(TARGET, "give a file that has them with --symbols", "$MK build --target plain %s", options);
	assert_shell(DONE, "replaces  f", "$MK build --target plain --symbols plain.debug %s", options);
	assert_shell(TARGET, "not of the same build", "$MK build --target plain --symbols $HERE/victim-pie %s",
		     options);
	assert_shell(TARGET, "not an ELF file", "$MK build --target plain --symbols plain.c %s", options);
}

static void refuses_bad_targets(void **state)
{
	static const char rest[] = SAMPLE_BUILD " -o x.suit";

	(void)state;
	assert_shell(TARGET, "is not an ELF file", "$MK build --target key.pem%s", rest);
	assert_shell(TARGET, "No such file", "$MK build --target missing%s", rest);
	assert_shell(TARGET, "no build-id", "$MK build --target $HERE/victim-noid%s", rest);
	assert_shell(TARGET, "is not an executable", "$MK build --target keep/new0.o%s", rest);
	assert_shell(TARGET, "has no symbol nothing", "$MK build --target $HERE/victim-pie --replace nothing%s", rest);
	assert_shell(TARGET, "function of a shared library",
		     "$MK build --target $HERE/victim-pie --replace snprintf=new_lookup%s", rest);
	assert_shell(TARGET, "is not a function", "$MK build --target $HERE/victim-pie --replace table=new_lookup%s",
		     rest);
	assert_shell(TARGET, "only 1 bytes long", "$MK build --target $HERE/victim-pie --replace tiny=new_lookup%s",
		     rest);
	assert_shell(TARGET, "same code or overlap",
		     "$MK build --target $HERE/victim-pie --replace lookup=new_describe%s", rest);
	assert_shell(TARGET, "has no such symbol", "$MK build --target $HERE/victim-pie -d nothing%s", rest);
	assert_shell(TARGET, "not in writable memory", "$MK build --target $HERE/victim-pie -d table_version%s", rest);
	assert_shell(TARGET, "not a variable", "$MK build --target $HERE/victim-pie -d main%s", rest);
	assert_int_not_equal(access("x.suit", F_OK), 0);
}

static void refuses_bad_code(void **state)
{
	static const struct {
		const char *fault;
		const char *said;
	} faults[] = {
	    {"FAULT_UNKNOWN", "needs no_such_function, which is neither"},
	    {"FAULT_TLS", "thread-local"},
	    {"FAULT_CONSTRUCTOR", "constructors"},
	    {"FAULT_SYNTAX", "cannot compile the new code"},
	    {"FAULT_NAME", "defines no global symbol new_lookup"},
	    {"FAULT_IMPORTED_OBJECT", "needs program_invocation_name_of_nobody, which is neither"},
	};
	static const char options[] = " -I " SAMPLE " --replace lookup=new_lookup --name x --sequence 1 --key key.pem "
				      "-o x.suit";

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		assert_shell(CODE, faults[i].said,
			     "$MK build --target $HERE/victim-pie --new " SAMPLE "/faults.c -D %s%s", faults[i].fault,
			     options);
	assert_shell(CODE, "defines none of update_prepare",
		     "$MK build --target $HERE/victim-pie --new " SAMPLE "/new.c -u keep/new0.o%s", options);
	assert_shell(CODE, "No such file", "$MK build --target $HERE/victim-pie --new missing.o%s", options);
	assert_int_not_equal(access("x.suit", F_OK), 0);
}

static void refuses_wrong_use(void **state)
{
	static const char *const missing[] = {"--target", "--new", "--replace", "--name", "--sequence", "--key", "-o"};

	(void)state;
	assert_shell(USAGE, "a command is wanted", "$MK");
	assert_shell(USAGE, "no command bild", "$MK bild");
	assert_shell(DONE, "exit codes:", "$MK --help");
	for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
		char command[1024] = "$MK build";
		static const char *const value[] = {"t", "n.c", "a=b", "n", "1", "k", "o"};

		for (size_t j = 0; j < sizeof(missing) / sizeof(missing[0]); j++)
			if (j != i)
				snprintf(command + strlen(command), sizeof(command) - strlen(command), " %s %s",
					 missing[j], value[j]);
		assert_shell(USAGE, "is missing", "%s", command);
		assert_said(missing[i]);
	}
	assert_shell(USAGE, "not a number", "$MK build --sequence seven");
	assert_shell(USAGE, "not a number", "$MK build --sequence -1");
	assert_shell(USAGE, "not a size", "$MK build --fresh-rw 4T");
	assert_shell(USAGE, "1 to 31", "$MK build --name 01234567890123456789012345678901");
	assert_shell(USAGE, "slash", "$MK build --name a/b");
	assert_shell(USAGE, "must be on a page",
		     "$MK build --target $HERE/victim-pie --fresh-offset 100" SAMPLE_BUILD " -o x.suit");
}

static void refuses_a_file_without_end(void **state)
{
	int status = shell("$MK show /dev/zero");

	(void)state;
	assert_said("is larger than 256 MiB");
	assert_int_not_equal(status, DONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(makes_keys_once),
	    cmocka_unit_test(refuses_other_keys),
	    cmocka_unit_test(envelope_and_image_agree),
	    cmocka_unit_test(shows_an_envelope),
	    cmocka_unit_test(verifies_as_ravelin_does),
	    cmocka_unit_test(signs_anew),
	    cmocka_unit_test(signs_a_task),
	    cmocka_unit_test(is_reproducible),
	    cmocka_unit_test(keeps_new_memory_of_updates_apart),
	    cmocka_unit_test(updates_a_running_program),
	    cmocka_unit_test(updates_a_stripped_program_at_a_fixed_address),
	    cmocka_unit_test(updates_an_updated_program),
	    cmocka_unit_test(refuses_what_was_not_there_before),
	    cmocka_unit_test(refuses_an_update_for_another_build),
	    cmocka_unit_test(takes_symbols_from_a_debug_file),
	    cmocka_unit_test(refuses_bad_targets),
	    cmocka_unit_test(refuses_bad_code),
	    cmocka_unit_test(refuses_wrong_use),
	    cmocka_unit_test(refuses_a_file_without_end),
	};

	return cmocka_run_group_tests_name("mkupdate", tests, set_up, NULL);
}
