/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_mkfimce.c - mkfimce: ELF files good and bad, descriptions, the link of a real task, and the way back from an image.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <mkfimce.h>

#include <ravelin/abi.h>
#include <ravelin/fimce.h>

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENTS 4

/** A hand-made executable: headers, then the content of the segments. */
struct sample_elf {
	Elf64_Ehdr header;
	Elf64_Phdr segment[SEGMENTS];
	uint8_t text[64];
	uint8_t rodata[64];
	uint8_t data[32];
};

static char directory[] = "/tmp/test_mkfimce.XXXXXX";
static struct sample_elf elf;
static struct mkfimce_image image;
static struct mkfimce_error error;

static const char *in_directory(const char *name)
{
	static char path[2][128];
	static unsigned int turn;

	turn ^= 1;
	(void)snprintf(path[turn], sizeof(path[turn]), "%s/%s", directory, name);
	return path[turn];
}

static int setup_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int teardown_directory(void **state)
{
	static const char *const files[] = {"task.elf", "task.img", "task.txt", "linked.elf"};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		(void)unlink(in_directory(files[i]));
	return rmdir(directory);
}

static Elf64_Phdr segment(uint32_t flags, uint64_t page, size_t offset, size_t bytes, size_t memory)
{
	return (Elf64_Phdr){.p_type = PT_LOAD,
			    .p_flags = flags,
			    .p_offset = offset,
			    .p_vaddr = RV_FIMCE_LOAD + page * RV_PAGE_SIZE,
			    .p_filesz = bytes,
			    .p_memsz = memory,
			    .p_align = RV_PAGE_SIZE};
}

static int setup(void **state)
{
	(void)state;
	memset(&elf, 0, sizeof(elf));
	memcpy(elf.header.e_ident, ELFMAG, SELFMAG);
	elf.header.e_ident[EI_CLASS] = ELFCLASS64;
	elf.header.e_ident[EI_DATA] = ELFDATA2LSB;
	elf.header.e_ident[EI_VERSION] = EV_CURRENT;
	elf.header.e_type = ET_EXEC;
	elf.header.e_machine = EM_X86_64;
	elf.header.e_version = EV_CURRENT;
	elf.header.e_entry = RV_FIMCE_LOAD + 8;
	elf.header.e_phoff = offsetof(struct sample_elf, segment);
	elf.header.e_ehsize = sizeof(elf.header);
	elf.header.e_phentsize = sizeof(elf.segment[0]);
	elf.header.e_phnum = SEGMENTS;
	elf.segment[0] = segment(PF_R | PF_X, 0, offsetof(struct sample_elf, text), sizeof(elf.text), 64);
	elf.segment[1] = segment(PF_R, 1, offsetof(struct sample_elf, rodata), sizeof(elf.rodata), 64);
	elf.segment[2] = segment(PF_R | PF_W, 2, offsetof(struct sample_elf, data), sizeof(elf.data), 5000);
	elf.segment[3].p_type = PT_GNU_STACK;
	memset(elf.text, 0x90, sizeof(elf.text));
	memset(elf.rodata, 0x11, sizeof(elf.rodata));
	memset(elf.data, 0x22, sizeof(elf.data));
	mkfimce_image_free(&image);
	mkfimce_image_begin(&image);
	memset(&error, 0, sizeof(error));
	assert_true(mkfimce_describe(&image, "name=sample", &error));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	mkfimce_image_free(&image);
	return 0;
}

static const char *write_file(const char *name, const void *bytes, size_t size)
{
	const char *path = in_directory(name);
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
	return path;
}

static bool read_sample(void)
{
	return mkfimce_read_elf(&image, write_file("task.elf", &elf, sizeof(elf)), true, &error);
}

static void assert_message(const char *part)
{
	if (!strstr(error.text, part))
		fail_msg("message is '%s', expected '%s' in it", error.text, part);
}

static void assert_bad(const char *part)
{
	assert_false(read_sample());
	assert_message(part);
}

static void test_good(void **state)
{
	const struct rv_image_header *h = &image.header;

	(void)state;
	if (!read_sample())
		fail_msg("%s", error.text);
	assert_memory_equal(image.file, h, sizeof(*h));
	assert_int_equal(h->magic, RV_IMAGE_MAGIC);
	assert_int_equal(h->version, RV_IMAGE_VERSION);
	assert_int_equal(h->header_bytes, sizeof(*h));
	assert_int_equal(h->image_bytes, sizeof(*h) + 64 + 64 + 32);
	assert_int_equal(h->load_bytes, 4 * RV_PAGE_SIZE);
	assert_int_equal(h->stack_bytes, 32768);
	assert_int_equal(h->output_bytes, 0);
	assert_int_equal(h->budget_us, 1000000);
	assert_int_equal(h->entry, RV_FIMCE_LOAD + 8);
	assert_int_equal(h->capabilities, 0);
	assert_int_equal(h->segment_count, 3);
	assert_int_equal(h->segment[0].perm, RV_PERM_R | RV_PERM_X);
	assert_int_equal(h->segment[1].perm, RV_PERM_R);
	assert_int_equal(h->segment[2].perm, RV_PERM_R | RV_PERM_W);
	assert_int_equal(h->segment[2].load_offset, 2 * RV_PAGE_SIZE);
	assert_int_equal(h->segment[2].load_bytes, 5000);
	assert_memory_equal(image.file + h->segment[0].file_offset, elf.text, sizeof(elf.text));
	assert_memory_equal(image.file + h->segment[1].file_offset, elf.rodata, sizeof(elf.rodata));
	assert_memory_equal(image.file + h->segment[2].file_offset, elf.data, sizeof(elf.data));
	assert_string_equal(h->name, "sample");
}

static void test_empty_segment_is_left_out(void **state)
{
	(void)state;
	elf.segment[1].p_filesz = elf.segment[1].p_memsz = 0;
	assert_true(read_sample());
	assert_int_equal(image.header.segment_count, 2);
}

static void test_bad_header(void **state)
{
	(void)state;
	elf.header.e_ident[0] = 'X';
	assert_bad("not an ELF file");
	(void)setup(NULL);
	elf.header.e_ident[EI_CLASS] = ELFCLASS32;
	assert_bad("task.elf");
	(void)setup(NULL);
	elf.header.e_machine = EM_AARCH64;
	assert_bad("not for x86-64");
	(void)setup(NULL);
	elf.header.e_type = ET_REL;
	assert_bad("use --link");
	(void)setup(NULL);
	elf.header.e_type = ET_DYN;
	assert_bad("no executable with fixed addresses");
	(void)setup(NULL);
	elf.header.e_phnum = 0;
	assert_bad("nothing to load");
	(void)setup(NULL);
	elf.header.e_entry = RV_FIMCE_LOAD + RV_PAGE_SIZE;
	assert_bad("entry point 0xffffffff84001000 is not in an executable segment");
	(void)setup(NULL);
	assert_false(mkfimce_read_elf(&image, in_directory("absent"), false, &error));
	assert_message("No such file");
	(void)setup(NULL);
	assert_false(mkfimce_read_elf(&image, write_file("task.elf", "", 0), false, &error));
	assert_message("task.elf");
	(void)setup(NULL);
	assert_false(mkfimce_read_elf(&image, write_file("task.elf", &elf, 40), false, &error));
	assert_message("task.elf");
}

static void test_bad_segments(void **state)
{
	(void)state;
	elf.segment[2].p_flags = PF_R | PF_W | PF_X;
	assert_bad("both writable and executable");
	(void)setup(NULL);
	elf.segment[1].p_vaddr += 8;
	assert_bad("does not begin at a page");
	(void)setup(NULL);
	elf.segment[1].p_vaddr = 0x400000;
	assert_bad("not inside the load area");
	(void)setup(NULL);
	elf.segment[1].p_vaddr = RV_FIMCE_LOAD + RV_FIMCE_MAX_LOAD;
	assert_bad("not inside the load area");
	(void)setup(NULL);
	elf.segment[2].p_memsz = RV_FIMCE_MAX_LOAD;
	assert_bad("not inside the load area");
	(void)setup(NULL);
	elf.segment[2].p_memsz = UINT64_MAX;
	assert_bad("not inside the load area");
	(void)setup(NULL);
	elf.segment[2].p_filesz = sizeof(elf.data) + 1;
	assert_bad("beyond the end of the file");
	(void)setup(NULL);
	elf.segment[0].p_offset = UINT64_MAX - 8;
	assert_bad("beyond the end of the file");
	(void)setup(NULL);
	elf.segment[2].p_filesz = 32;
	elf.segment[2].p_memsz = 31;
	assert_bad("beyond the end of the file");
	(void)setup(NULL);
	elf.segment[2].p_vaddr = elf.segment[1].p_vaddr;
	assert_bad("segment 2 is malformed or overlaps another");
	(void)setup(NULL);
	elf.segment[3].p_type = PT_TLS;
	assert_bad("thread-local");
	(void)setup(NULL);
	elf.segment[3].p_type = PT_INTERP;
	assert_bad("dynamically linked");
	(void)setup(NULL);
	elf.segment[3].p_type = PT_DYNAMIC;
	assert_bad("dynamically linked");
}

static void test_bad_description(void **state)
{
	static const struct {
		const char *line;
		const char *part;
	} rows[] = {
	    {"", "not key=value"},
	    {"name", "not key=value"},
	    {"=x", "not key=value"},
	    {"a-key-that-is-longer-than-any-that-exists=1", "not key=value"},
	    {"colour=red", "key 'colour' is unknown"},
	    {"name=", "1 to 31 characters"},
	    {"name=0123456789012345678901234567890x", "1 to 31 characters"},
	    {"name=tab\there", "character 4 is not printable"},
	    {"stack=", "not a size"},
	    {"stack=-1", "not a size"},
	    {"stack= 1", "not a size"},
	    {"stack=4G", "only K or M"},
	    {"stack=4KB", "only K or M"},
	    {"stack=257K", "more than the limit"},
	    {"stack=99999999999999999999", "not a size"},
	    {"stack=18446744073709551615", "more than the limit"},
	    {"stack=0", "needs a stack"},
	    {"output=2M", "more than the limit"},
	    {"budget=1", "us, ms or s"},
	    {"budget=0s", "not between"},
	    {"budget=11s", "not between"},
	    {"budget=18446744073709551615s", "not between"},
	    {"budget=soon", "not a time"},
	    {"capabilities=network", "'network' is unknown"},
	    {"capabilities=target,,revert", "'' is unknown"},
	    {"capabilities=targets", "'targets' is unknown"},
	    {"range=stack 1 1", "kind 'stack' is unknown"},
	    {"range=text", "not KIND ADDRESS BYTES"},
	    {"range=text 0x1000", "not KIND ADDRESS BYTES"},
	    {"range=text 0x1000 0", "not KIND ADDRESS BYTES"},
	    {"range=text 0x1000 16 x", "something behind it"},
	    {"range=heap 1 1", "something behind it"},
	    {"capabilities=device", "'device' is unknown"},
	    {"pci=", "does not begin with VENDOR:DEVICE"},
	    {"pci=1234", "does not begin with VENDOR:DEVICE"},
	    {"pci=1234:11e", "does not begin with VENDOR:DEVICE"},
	    {"pci=1234-11e8", "does not begin with VENDOR:DEVICE"},
	    {"pci=1234:11e80", "does not begin with VENDOR:DEVICE"},
	    {"pci=0x1234:11e8", "does not begin with VENDOR:DEVICE"},
	    {"pci=ffff:11e8", "no device has vendor id ffff"},
	    {"pci=1234:11e8 ", "'' is unknown"},
	    {"pci=1234:11e8 msi", "'msi' is unknown"},
	    {"pci=1234:11e8 interrupts", "'interrupts' is unknown"},
	    {"pci=1234:11e8 interrupt  cleaned", "'' is unknown"},
	    {"ports=", "not FIRST or FIRST+COUNT"},
	    {"ports=0x2f8-0x2ff", "not FIRST or FIRST+COUNT"},
	    {"ports=0x2f8+", "not FIRST or FIRST+COUNT"},
	    {"ports=0x2f8+8 ", "not FIRST or FIRST+COUNT"},
	    {"ports=0x2f8+0", "not within the ports"},
	    {"ports=0x10000", "not within the ports"},
	    {"ports=0xfff9+8", "not within the ports"},
	    {"ports=1+18446744073709551615", "not within the ports"},
	    {"gsi=", "not a number"},
	    {"gsi=4x", "not a number"},
	    {"gsi=4294967296", "not a number"},
	    {"target-build-id=12", "40 hexadecimal digits"},
	    {"target-build-id=zz00000000000000000000000000000000000000", "40 hexadecimal digits"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (mkfimce_describe(&image, rows[i].line, &error))
			fail_msg("'%s' was accepted", rows[i].line);
		assert_message(rows[i].part);
	}
	for (uint32_t i = 0; i < RV_IMAGE_MAX_RANGES; i++)
		assert_true(mkfimce_describe(&image, "range=data 0x1000 8", &error));
	assert_false(mkfimce_describe(&image, "range=data 0x1000 8", &error));
	assert_message("more than 16");
	for (uint32_t i = 0; i < RV_MAX_GRANTS; i++)
		assert_true(mkfimce_describe(&image, "pci=8086:10d3", &error));
	assert_false(mkfimce_describe(&image, "gsi=4", &error));
	assert_message("more than 8 devices");
}

/** Prints into memory. */
static char *print_map(void)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	mkfimce_print_map(&image, f);
	assert_int_equal(fclose(f), 0);
	return text;
}

static void test_devices(void **state)
{
	static const char text[] = "pci=1234:11E8 interrupt cleaned\n"
				   "pci=8086:10d3\n"
				   "ports=0x2f8+8\n"
				   "ports=96\n"
				   "gsi=4\n";
	static const struct rv_grant expected[RV_MAX_GRANTS] = {
	    {RV_GRANT_PCI, RV_GRANT_INTERRUPT | RV_GRANT_CLEANED, 0x11e81234, 1, 0},
	    {RV_GRANT_PCI, 0, 0x10d38086, 1, 0},
	    {RV_GRANT_PORTS, 0, 0x2f8, 8, 0},
	    {RV_GRANT_PORTS, 0, 0x60, 1, 0},
	    {RV_GRANT_GSI, 0, 4, 1, 0},
	};
	char *map;

	(void)state;
	assert_true(mkfimce_describe_file(&image, write_file("task.txt", text, sizeof(text) - 1), &error));
	/* Saying the other capabilities does not take that of the devices away. */
	assert_true(mkfimce_describe(&image, "capabilities=", &error));
	if (!read_sample())
		fail_msg("%s", error.text);
	assert_int_equal(image.header.capabilities, RV_CAP_DEVICE);
	assert_int_equal(image.header.grant_count, 5);
	assert_memory_equal(image.header.grant, expected, sizeof(expected));
	map = print_map();
	assert_non_null(strstr(map, "capabilities device\n"
				    "pci          1234:11e8 interrupt cleaned\n"
				    "pci          8086:10d3\n"
				    "ports        0x2f8+8\n"
				    "ports        0x60+1\n"
				    "gsi          4\n"));
	free(map);
}

static void test_description_file(void **state)
{
	static const char text[] = "# An update.\n"
				   "name=kvd 2\n"
				   "\n"
				   "stack=20000\n"
				   "output=0x1001\n"
				   "budget=250ms\n"
				   "capabilities=target,revert\n"
				   "target-name=kvd\n"
				   "target-build-id=000102030405060708090A0b0c0d0e0f10111213\n"
				   "range=text 0x1234 0x10\n"
				   "range=heap\n"
				   "range=fresh-rx 0x20000 4096\r\n"
				   "range=fresh-rw 0x21000 1";
	const struct rv_image_header *h = &image.header;

	(void)state;
	if (!mkfimce_describe_file(&image, write_file("task.txt", text, sizeof(text) - 1), &error))
		fail_msg("%s", error.text);
	if (!read_sample())
		fail_msg("%s", error.text);
	assert_string_equal(h->name, "kvd 2");
	assert_int_equal(h->stack_bytes, 20480);
	assert_int_equal(h->output_bytes, 8192);
	assert_int_equal(h->budget_us, 250000);
	assert_int_equal(h->capabilities, RV_CAP_TARGET | RV_CAP_REVERT);
	assert_string_equal(h->target_name, "kvd");
	for (uint8_t i = 0; i < 20; i++)
		assert_int_equal(h->target_build_id[i], i);
	assert_int_equal(h->range_count, 4);
	assert_int_equal(h->range[0].kind, RV_RANGE_TEXT);
	assert_int_equal(h->range[0].address, 0x1234);
	assert_int_equal(h->range[0].bytes, 16);
	assert_int_equal(h->range[1].kind, RV_RANGE_HEAP);
	assert_int_equal(h->range[2].kind, RV_RANGE_FRESH_RX);
	assert_int_equal(h->range[3].kind, RV_RANGE_FRESH_RW);
	assert_int_equal(h->range[3].bytes, 1);

	assert_false(mkfimce_describe_file(&image, in_directory("absent"), &error));
	assert_message("No such file");
	assert_false(mkfimce_describe_file(&image, write_file("task.txt", "name=a\nstack=x\n", 15), &error));
	assert_message("task.txt:2: stack: 'x' is not a size");
}

static void test_description_does_not_fit(void **state)
{
	(void)state;
	mkfimce_image_begin(&image);
	assert_bad("give --name");
	(void)setup(NULL);
	assert_true(mkfimce_describe(&image, "capabilities=revert", &error));
	assert_bad("needs the capability target");
	(void)setup(NULL);
	assert_true(mkfimce_describe(&image, "capabilities=target", &error));
	assert_bad("needs a target-name");
	(void)setup(NULL);
	assert_true(mkfimce_describe(&image, "gsi=4", &error));
	assert_true(mkfimce_describe(&image, "capabilities=target", &error));
	assert_true(mkfimce_describe(&image, "target-name=x", &error));
	assert_bad("never both");
	(void)setup(NULL);
	assert_true(mkfimce_describe(&image, "ports=0x60+5", &error));
	assert_true(mkfimce_describe(&image, "ports=0x64", &error));
	assert_bad("device 1 is malformed or overlaps another");
	(void)setup(NULL);
	assert_true(mkfimce_describe(&image, "range=text 1 1", &error));
	assert_bad("go with the capability target");
	(void)setup(NULL);
	assert_true(mkfimce_describe(&image, "capabilities=target", &error));
	assert_true(mkfimce_describe(&image, "target-name=x", &error));
	assert_true(mkfimce_describe(&image, "range=text 0x7fffffffffff 2", &error));
	assert_bad("addresses end below 2^47");
}

static void test_round_trip(void **state)
{
	struct mkfimce_image back;
	struct stat st;
	const char *path;

	(void)state;
	assert_true(read_sample());
	path = in_directory("task.img");
	assert_true(mkfimce_write(&image, path, &error));
	mkfimce_image_begin(&back);
	if (!mkfimce_read_image(&back, path, &error))
		fail_msg("%s", error.text);
	assert_int_equal(back.header.image_bytes, image.header.image_bytes);
	assert_memory_equal(back.file, image.file, image.header.image_bytes);
	mkfimce_image_free(&back);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0400, 0400);

	/* What reading an image refuses. */
	mkfimce_image_begin(&back);
	image.file[0] ^= 1;
	assert_false(mkfimce_read_image(&back, write_file("task.img", image.file, image.header.image_bytes), &error));
	assert_message("not a FIMCE image");
	mkfimce_image_free(&back);
	image.file[0] ^= 1;
	assert_false(
	    mkfimce_read_image(&back, write_file("task.img", image.file, image.header.image_bytes - 1), &error));
	assert_message("its header says");
	mkfimce_image_free(&back);
	assert_false(mkfimce_read_image(&back, write_file("task.img", image.file, 100), &error));
	assert_message("too small or too large");
	mkfimce_image_free(&back);
	assert_false(mkfimce_read_image(&back, in_directory("absent"), &error));
	assert_message("No such file");
	assert_false(mkfimce_write(&image, in_directory("absent/task.img"), &error));
	assert_message("absent/task.img");
}

static void test_link_is_reproducible(void **state)
{
	static char object[] = TEST_BUILD_DIR "/fimce-obj/fimce/tasks/sha256.o";
	char *const objects[] = {object};
	uint8_t *first;
	uint32_t bytes;
	char *map;

	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		const char *path = in_directory("linked.elf");

		if (!mkfimce_link(path, objects, 1, TEST_BUILD_DIR, &error) ||
		    !mkfimce_read_elf(&image, path, true, &error))
			fail_msg("%s", error.text);
		if (turn == 0) {
			map = print_map();
			assert_non_null(strstr(map, "name         sample\n"));
			assert_non_null(strstr(map, " task_main\n"));
			assert_non_null(strstr(map, " rv_sha256_digest\n"));
			assert_non_null(strstr(map, " r-x  0xffffffff84000000"));
			free(map);
			bytes = image.header.image_bytes;
			first = image.file;
			image.file = NULL;
			mkfimce_image_free(&image);
			(void)setup(NULL);
		}
	}
	assert_int_equal(image.header.image_bytes, bytes);
	assert_memory_equal(image.file, first, bytes);
	free(first);
}

static void test_link_needs_its_parts(void **state)
{
	char *const none[] = {NULL};

	(void)state;
	assert_false(mkfimce_link(in_directory("linked.elf"), none, 0, directory, &error));
	assert_message("task.ld and libpillars.a are not both there");
}

static void test_digest(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *f;

	(void)state;
	image.file = malloc(3);
	assert_non_null(image.file);
	memcpy(image.file, "abc", 3);
	image.header.image_bytes = 3;
	f = open_memstream(&text, &size);
	assert_non_null(f);
	mkfimce_print_digest(&image, f);
	assert_int_equal(fclose(f), 0);
	assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_good, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_empty_segment_is_left_out, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_bad_header, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_bad_segments, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_bad_description, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_devices, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_description_file, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_description_does_not_fit, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_link_is_reproducible, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_link_needs_its_parts, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_digest, setup, teardown),
	};

	return cmocka_run_group_tests_name("fimce/mkfimce", tests, setup_directory, teardown_directory);
}
