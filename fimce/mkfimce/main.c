/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * main.c - command line of mkfimce.
 */
#include "mkfimce.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	EXIT_REFUSED = 1, /* the input cannot become an image */
	EXIT_USAGE = 2,
	MAX_SETTINGS = 64
};

static const char usage[] =
    "usage: mkfimce [OPTIONS] -o IMAGE TASK.elf\n"
    "       mkfimce --link [OPTIONS] -o IMAGE TASK.o...\n"
    "       mkfimce --show IMAGE\n"
    "\n"
    "Makes a FIMCE image of an ELF file that was linked with task.ld, or links object files, "
    "the pillars (libpillars.a)\n"
    "and task.ld into one. Prints the image's SHA-256 digest.\n"
    "\n"
    "  -o, --output-file FILE   the image to write\n"
    "  -l, --link               the inputs are objects: link them\n"
    "  -d, --description FILE   file of key=value lines (docs/image-format.md)\n"
    "  -s, --set KEY=VALUE      one such line; after those of the file\n"
    "  -n, --name NAME          short for --set name=NAME\n"
    "  -m, --map                print header, segments and symbols, too\n"
    "      --lib-dir DIR        where task.ld and libpillars.a are\n"
    "      --keep-elf FILE      with --link: keep the linked ELF file\n"
    "      --show               print what an image says about itself\n"
    "  -h, --help               this text\n"
    "\n"
    "keys: name, stack, output, budget, capabilities, range, target-name, target-build-id, and for "
    "devices\n"
    "  pci=VENDOR:DEVICE [interrupt] [cleaned]   a PCI function: ids as lspci -n prints them\n"
    "  ports=FIRST[+COUNT]                       I/O ports\n"
    "  gsi=NUMBER                                an interrupt line\n"
    "An image with devices runs only when it is signed: mkupdate task.\n"
    "\n"
    "exit codes: 0 done, 1 the input cannot become an image, 2 wrong use\n";

/** The command line. */
struct options {
	const char *output;
	const char *description;
	const char *lib_dir;
	const char *keep_elf;
	bool link;
	bool map;
	bool show;
	const char *set[MAX_SETTINGS];
	size_t set_count;
	char name[64]; /* "name=..." */
};

static int main_fail(const char *message)
{
	(void)fprintf(stderr, "mkfimce: %s\n", message);
	return EXIT_REFUSED;
}

static int main_misuse(const char *message)
{
	(void)fprintf(stderr, "mkfimce: %s; try mkfimce --help\n", message);
	return EXIT_USAGE;
}

static bool main_add_setting(struct options *o, const char *setting)
{
	if (o->set_count == MAX_SETTINGS)
		return false;
	o->set[o->set_count++] = setting;
	return true;
}

/** Returns -1 to go on, otherwise the exit code. */
static int main_parse(struct options *o, int argc, char **argv)
{
	enum {
		OPTION_LIB_DIR = 256,
		OPTION_KEEP_ELF,
		OPTION_SHOW
	};
	static const struct option known[] = {
	    {"output-file", required_argument, NULL, 'o'},
	    {"link", no_argument, NULL, 'l'},
	    {"description", required_argument, NULL, 'd'},
	    {"set", required_argument, NULL, 's'},
	    {"name", required_argument, NULL, 'n'},
	    {"map", no_argument, NULL, 'm'},
	    {"lib-dir", required_argument, NULL, OPTION_LIB_DIR},
	    {"keep-elf", required_argument, NULL, OPTION_KEEP_ELF},
	    {"show", no_argument, NULL, OPTION_SHOW},
	    {"help", no_argument, NULL, 'h'},
	    {0},
	};
	bool ok = true;
	int c;

	while (ok && (c = getopt_long(argc, argv, "o:ld:s:n:mh", known, NULL)) != -1) {
		switch (c) {
		case 'o':
			o->output = optarg;
			break;
		case 'l':
			o->link = true;
			break;
		case 'd':
			o->description = optarg;
			break;
		case 's':
			ok = main_add_setting(o, optarg);
			break;
		case 'n':
			if ((size_t)snprintf(o->name, sizeof(o->name), "name=%s", optarg) >= sizeof(o->name))
				return main_misuse("the name is too long");
			ok = main_add_setting(o, o->name);
			break;
		case 'm':
			o->map = true;
			break;
		case OPTION_LIB_DIR:
			o->lib_dir = optarg;
			break;
		case OPTION_KEEP_ELF:
			o->keep_elf = optarg;
			break;
		case OPTION_SHOW:
			o->show = true;
			break;
		case 'h':
			(void)fputs(usage, stdout);
			return 0;
		default:
			(void)fputs("try mkfimce --help\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (!ok)
		return main_misuse("there are too many settings");
	return -1;
}

static bool main_describe(struct mkfimce_image *image, const struct options *o, struct mkfimce_error *e)
{
	if (o->description && !mkfimce_describe_file(image, o->description, e))
		return false;
	for (size_t i = 0; i < o->set_count; i++) {
		if (!mkfimce_describe(image, o->set[i], e))
			return false;
	}
	return true;
}

/** Links into a file that vanishes afterwards, unless it is to be kept. */
static bool main_make(struct mkfimce_image *image, const struct options *o, char **inputs, size_t count,
		      struct mkfimce_error *e)
{
	char temporary[] = "/tmp/mkfimce.XXXXXX";
	const char *elf = o->keep_elf;
	bool ok;
	int fd;

	if (!main_describe(image, o, e))
		return false;
	if (!o->link)
		return mkfimce_read_elf(image, inputs[0], o->map, e) && mkfimce_write(image, o->output, e);
	if (!elf) {
		fd = mkstemp(temporary);
		if (fd < 0)
			return mkfimce_fail(e, "%s: %s", temporary, strerror(errno));
		(void)close(fd);
		elf = temporary;
	}
	ok = mkfimce_link(elf, inputs, count, o->lib_dir, e) && mkfimce_read_elf(image, elf, o->map, e) &&
	     mkfimce_write(image, o->output, e);
	if (!o->keep_elf)
		(void)unlink(temporary);
	return ok;
}

int main(int argc, char **argv)
{
	struct options o = {0};
	struct mkfimce_image image;
	struct mkfimce_error e;
	size_t inputs;
	int code = main_parse(&o, argc, argv);
	bool ok;

	if (code >= 0)
		return code;
	inputs = (size_t)(argc - optind);
	if (o.show ? inputs != 1 : !o.output || inputs == 0)
		return main_misuse(o.show ? "--show takes one image" : "there is no -o IMAGE, or no input");
	if (!o.show && !o.link && inputs != 1)
		return main_misuse("there is more than one input; use --link to link objects");
	mkfimce_image_begin(&image);
	if (o.show) {
		ok = mkfimce_read_image(&image, argv[optind], &e);
		o.map = true;
	} else {
		ok = main_make(&image, &o, argv + optind, inputs, &e);
	}
	if (!ok) {
		code = main_fail(e.text);
	} else {
		code = 0;
		if (o.map) {
			mkfimce_print_map(&image, stdout);
		} else {
			mkfimce_print_digest(&image, stdout);
			(void)printf("  %s\n", o.output);
		}
		if (fflush(stdout) != 0)
			code = main_fail("writing to standard output failed");
	}
	mkfimce_image_free(&image);
	return code;
}
