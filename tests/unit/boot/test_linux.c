/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_linux.c - kernel image checks, module strings, placement, zero page.
 */
#include "boot_test.h"

#include "linux.h"

#define SETUP_SECTORS 27u
#define KERNEL_BYTES 0x8000u
#define IMAGE_BYTES ((SETUP_SECTORS + 1) * 512 + KERNEL_BYTES)
#define RUN_BYTES 0x3000000u
#define MIB (1ull << 20)

/* The fields of a current kernel's setup header; offsets from Documentation/arch/x86/boot.rst. */
static void image_make(uint8_t *image)
{
	memset(image, 0, IMAGE_BYTES);
	image[0x1f1] = SETUP_SECTORS;
	put16(image + 0x1fe, 0xaa55);
	image[0x200] = 0xeb;
	image[0x201] = 0x6a;
	memcpy(image + 0x202, "HdrS", 4);
	put16(image + 0x206, 0x20f);
	image[0x211] = 0xe1;
	put32(image + 0x22c, 0x7fffffff);
	put32(image + 0x230, 0x200000);
	image[0x234] = 1;
	put16(image + 0x236, 0x7f);
	put32(image + 0x238, 2047);
	put32(image + 0x248, 0x400);
	put32(image + 0x24c, 0x7000);
	put64(image + 0x258, 0x1000000);
	put32(image + 0x260, RUN_BYTES);
	image[0x26b] = 0x77; /* last byte of the header */
	image[0x26c] = 0x66; /* code behind it */
}

static bool image_read(const uint8_t *image, size_t bytes, struct bzimage *kernel, struct boot_error *error)
{
	uint8_t *copy = exact_copy(image, bytes);
	bool ok;

	memset(error, 0, sizeof(*error));
	ok = bzimage_read(copy, bytes, kernel, error);
	free(copy);
	return ok;
}

static void good_kernel(void **state)
{
	static uint8_t image[IMAGE_BYTES];
	struct bzimage kernel;
	struct boot_error error;

	(void)state;
	image_make(image);
	assert_true(image_read(image, IMAGE_BYTES, &kernel, &error));
	assert_int_equal(kernel.header_end, 0x26c);
	assert_int_equal(kernel.kernel_offset, (SETUP_SECTORS + 1) * 512);
	assert_int_equal(kernel.kernel_bytes, KERNEL_BYTES);
	assert_int_equal(kernel.run_bytes, RUN_BYTES);
	assert_int_equal(kernel.align, 0x200000);
	assert_int_equal(kernel.preferred, 0x1000000);
	assert_true(kernel.relocatable);
	assert_int_equal(kernel.initrd_limit, 0x80000000u);
	assert_int_equal(kernel.command_line_limit, 2047);
	/* An old build leaves 0 here and means 4 sectors. */
	image[0x1f1] = 0;
	assert_true(image_read(image, IMAGE_BYTES, &kernel, &error));
	assert_int_equal(kernel.kernel_offset, 5 * 512);
	/* The run size is never below what is loaded. */
	put32(image + 0x260, 1);
	assert_true(image_read(image, IMAGE_BYTES, &kernel, &error));
	assert_int_equal(kernel.run_bytes, kernel.kernel_bytes);
}

static void bad_kernels(void **state)
{
	static const struct {
		uint32_t offset;
		uint32_t bytes;
		uint32_t value;
		const char *says;
	} bad[] = {{0x1fe, 2, 0x1234, "no Linux bzImage"},
		   {0x202, 4, 0x12345678, "no Linux bzImage"},
		   {0x206, 2, 0x20b, "boot protocol 2.11; 2.12 or later is needed"},
		   {0x206, 2, 0x100, "boot protocol 1.00"},
		   {0x211, 1, 0, "zImage"},
		   {0x236, 2, 0x7e, "no 64-bit entry (xloadflags 0x7e)"},
		   {0x201, 1, 0x10, "setup header has a bad length"},
		   {0x1f1, 1, 0xff, "cut off: 255 setup sectors"},
		   {0x248, 4, 0xffffffff, "cut off: its payload ends at"},
		   {0x24c, 4, 0x7c01, "cut off: its payload ends at"},
		   {0x24c, 4, 0xffffffff, "cut off: its payload ends at"},
		   {0x260, 4, 0xffffffff, "too big"},
		   {0x230, 4, 0, "bad alignment"},
		   {0x230, 4, 0x800, "bad alignment"},
		   {0x230, 4, 0x201000, "bad alignment"},
		   {0x258, 4, 0x1001000, "preferred address 0x1001000 is not aligned"}};
	static uint8_t image[IMAGE_BYTES];
	struct bzimage kernel;
	struct boot_error error;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		image_make(image);
		memcpy(image + bad[i].offset, &bad[i].value, bad[i].bytes);
		assert_false(image_read(image, IMAGE_BYTES, &kernel, &error));
		assert_says(error.text, bad[i].says);
	}
	/* The longest jump leads behind the part of the zero page that is the header's. */
	image_make(image);
	image[0x201] = 0xff;
	assert_true(image_read(image, IMAGE_BYTES, &kernel, &error));
	assert_int_equal(kernel.header_end, 0x290);
}

static void kernels_cut_short(void **state)
{
	static uint8_t image[IMAGE_BYTES];
	struct bzimage kernel;
	struct boot_error error;

	(void)state;
	image_make(image);
	for (size_t bytes = 0; bytes < (SETUP_SECTORS + 1) * 512 + 0x7400; bytes += bytes < 0x300 ? 1 : 97) {
		assert_false(image_read(image, bytes, &kernel, &error));
		assert_true(error.text[0]);
	}
	assert_true(image_read(image, (SETUP_SECTORS + 1) * 512 + 0x7400, &kernel, &error));
}

static void random_headers(void **state)
{
	static uint8_t image[IMAGE_BYTES];
	uint32_t seed = 3;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct bzimage kernel;
		struct boot_error error;

		image_make(image);
		for (uint32_t n = random_next(&seed) % 5; n; n--)
			image[0x1f1 + random_next(&seed) % 0x80] = (uint8_t)random_next(&seed);
		if (!bzimage_read(image, IMAGE_BYTES, &kernel, &error))
			continue;
		assert_true(kernel.kernel_offset + kernel.kernel_bytes == IMAGE_BYTES);
		assert_true(kernel.kernel_bytes > 0x200);
		assert_in_range(kernel.header_end, 0x264, 0x290);
		assert_true(kernel.run_bytes >= kernel.kernel_bytes && kernel.run_bytes <= 1ull << 31);
	}
}

static struct mbi_module module_of(uint32_t start, uint32_t end, const char *string)
{
	struct mbi_module module = {.start = start, .end = end, .string = string, .length = strlen(string)};

	return module;
}

static void module_strings(void **state)
{
	struct mbi mbi;
	struct linux_modules modules;
	struct boot_error error;

	(void)state;
	memset(&mbi, 0, sizeof(mbi));
	assert_false(linux_modules_read(&mbi, &modules, &error));
	assert_says(error.text, "no kernel");

	mbi.module[0] = module_of(0x1000, 0x1003, "initrd");
	mbi.module[1] = module_of(0x2000, 0x3000, "kernel  console=ttyS0 quiet");
	mbi.module[2] = module_of(0x4000, 0x4004, "initrd some words");
	mbi.module_count = 3;
	assert_true(linux_modules_read(&mbi, &modules, &error));
	assert_ptr_equal(modules.kernel, &mbi.module[1]);
	assert_true(text_equals(modules.command_line, modules.command_line_length, " console=ttyS0 quiet"));
	assert_int_equal(modules.initrd_count, 2);
	assert_int_equal(modules.initrd_bytes, 8);

	mbi.module[1] = module_of(0x2000, 0x3000, "kernel");
	assert_true(linux_modules_read(&mbi, &modules, &error));
	assert_int_equal(modules.command_line_length, 0);

	mbi.module[2] = module_of(0x4000, 0x4004, "kernel");
	assert_false(linux_modules_read(&mbi, &modules, &error));
	assert_says(error.text, "module 3 is a second kernel");

	mbi.module[2] = module_of(0x4000, 0x4004, "ramdisk x");
	assert_false(linux_modules_read(&mbi, &modules, &error));
	assert_says(error.text, "module 3: its string begins with \"ramdisk\"");

	mbi.module[2] = module_of(0x4000, 0x4004, "");
	assert_false(linux_modules_read(&mbi, &modules, &error));
	assert_says(error.text, "module 3");
	mbi.module_count = 1;
	assert_false(linux_modules_read(&mbi, &modules, &error));
	assert_says(error.text, "no kernel");
}

/* A machine with @mib MiB of RAM, a kernel and one initrd of @initrd_bytes at the given places. */
struct placing {
	struct mbi_module kernel_module;
	struct mbi_module initrd_module;
	struct linux_modules modules;
	struct bzimage kernel;
	struct memory_map map;
};

static void placing_make(struct placing *p, uint64_t mib, uint32_t kernel_at, uint32_t initrd_at, uint32_t initrd_bytes)
{
	static uint8_t image[IMAGE_BYTES];
	struct boot_error error;

	memset(p, 0, sizeof(*p));
	image_make(image);
	assert_true(bzimage_read(image, IMAGE_BYTES, &p->kernel, &error));
	p->kernel_module = module_of(kernel_at, kernel_at + IMAGE_BYTES, "kernel");
	p->initrd_module = module_of(initrd_at, initrd_at + initrd_bytes, "initrd");
	p->modules.kernel = &p->kernel_module;
	p->modules.initrd[0] = &p->initrd_module;
	p->modules.initrd_count = 1;
	p->modules.initrd_bytes = (initrd_bytes + 3) & ~3u;
	assert_true(memory_set(&p->map, 0, 0xa0000, MEMORY_RAM));
	assert_true(memory_set(&p->map, MIB, mib * MIB, MEMORY_RAM));
}

static bool place(const struct placing *p, struct linux_plan *plan, struct boot_error *error)
{
	static struct memory_map scratch;
	bool ok = linux_plan_make(&p->map, &p->kernel, &p->modules, &scratch, plan, error);

	if (!ok)
		return false;
	/* What must hold whatever was chosen. */
	assert_true(memory_is_ram(&p->map, plan->kernel, plan->kernel + p->kernel.run_bytes));
	assert_int_equal(plan->kernel % p->kernel.align, 0);
	if (p->modules.initrd_bytes) {
		uint64_t end = plan->initrd + p->modules.initrd_bytes;

		assert_true(memory_is_ram(&p->map, plan->initrd, end));
		assert_true(end <= p->kernel.initrd_limit);
		assert_int_equal(plan->initrd % 4096, 0);
		assert_true(end <= plan->kernel || plan->initrd >= plan->kernel + p->kernel.run_bytes);
		if (!plan->initrd_stays) {
			assert_true(end <= p->kernel_module.start || plan->initrd >= p->kernel_module.end);
			assert_true(end <= p->initrd_module.start || plan->initrd >= p->initrd_module.end);
		}
	}
	return true;
}

static void usual_places(void **state)
{
	struct placing p;
	struct linux_plan plan;
	struct boot_error error;

	(void)state;
	/* Both where GRUB puts them: the initrd lies where the kernel is to run, so it moves to the top. */
	placing_make(&p, 512, 0x200000, 0x1000000, 5000);
	assert_true(place(&p, &plan, &error));
	assert_int_equal(plan.kernel, 0x1000000);
	assert_int_equal(plan.initrd, 512 * MIB - 0x2000);
	assert_false(plan.initrd_stays);

	placing_make(&p, 512, 0x1000000, 0x300000, 5000);
	assert_true(place(&p, &plan, &error));
	assert_int_equal(plan.kernel, 0x1000000);
	assert_int_equal(plan.initrd, 0x300000);
	assert_true(plan.initrd_stays);

	/* Above the limit of the kernel, or not page-aligned, it cannot stay. */
	placing_make(&p, 3000, 0x200000, 0x90000000, 5000);
	assert_true(place(&p, &plan, &error));
	assert_int_equal(plan.initrd, 0x80000000 - 0x2000);
	placing_make(&p, 512, 0x1000000, 0x300010, 5000);
	assert_true(place(&p, &plan, &error));
	assert_false(plan.initrd_stays);

	placing_make(&p, 512, 0x200000, 0x1000000, 0);
	assert_true(place(&p, &plan, &error));
	assert_int_equal(plan.initrd, 0);
}

static void preferred_place_taken(void **state)
{
	struct placing p;
	struct linux_plan plan;
	struct boot_error error;

	(void)state;
	placing_make(&p, 512, 0x200000, 0x300000, 5000);
	assert_true(memory_set(&p.map, 0x1500000, 0x1501000, MEMORY_RESERVED));
	assert_true(place(&p, &plan, &error));
	assert_int_equal(plan.kernel, 0x1600000);
	p.kernel.relocatable = false;
	assert_false(place(&p, &plan, &error));
	assert_says(error.text, "not relocatable");
	assert_says(error.text, "0x1000000");
}

static void too_little_memory(void **state)
{
	struct placing p;
	struct linux_plan plan;
	struct boot_error error;

	(void)state;
	placing_make(&p, 40, 0x200000, 0x300000, 5000);
	assert_false(place(&p, &plan, &error));
	assert_says(error.text,
		    "too little memory for the kernel: it needs 49152 KiB above 0x1000000, the largest free "
		    "place has 24576 KiB");
	placing_make(&p, 80, 0x200000, 0x1000000, 40 << 20);
	assert_false(place(&p, &plan, &error));
	assert_says(error.text, "too little memory for the initrd: it needs 40960 KiB");
}

static void random_places(void **state)
{
	uint32_t seed = 11;
	int placed = 0;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct placing p;
		struct linux_plan plan;
		struct boot_error error;
		uint32_t mib = 64 + random_next(&seed) % 200;

		placing_make(&p, mib, (1 + random_next(&seed) % 60) << 20, (1 + random_next(&seed) % 60) << 20,
			     random_next(&seed) % (40u << 20));
		for (uint32_t n = random_next(&seed) % 6; n; n--) {
			uint64_t base = (uint64_t)(random_next(&seed) % (mib << 8)) << 12;

			assert_true(memory_take(&p.map, base, base + ((random_next(&seed) % 512) << 12), MEMORY_BUSY));
		}
		placed += place(&p, &plan, &error);
	}
	assert_in_range(placed, 1000, 2999);
}

static uint64_t get(const uint8_t *bp, uint32_t offset, uint32_t bytes)
{
	uint64_t value = 0;

	memcpy(&value, bp + offset, bytes);
	return value;
}

static void zero_page(void **state)
{
	static uint8_t image[IMAGE_BYTES];
	static struct memory_map map;
	uint8_t *bp = malloc(LINUX_BOOT_PARAMS_BYTES);
	struct bzimage kernel;
	struct boot_error error;
	struct linux_plan plan = {.kernel = 0x1200000, .initrd = 0x123456000};
	struct mbi_framebuffer framebuffer = {.present = true,
					      .address = 0x880000000,
					      .pitch = 4096,
					      .width = 1024,
					      .height = 768,
					      .bits_per_pixel = 32,
					      .type = MBI_FRAMEBUFFER_RGB,
					      .red_position = 16,
					      .red_size = 8,
					      .green_position = 8,
					      .green_size = 8,
					      .blue_size = 8};
	struct linux_start start = {.kernel = &kernel,
				    .plan = &plan,
				    .initrd_bytes = 0x1100000022,
				    .command_line = 0x2211223344,
				    .rsdp = 0x10000,
				    .framebuffer = &framebuffer,
				    .map = &map};

	(void)state;
	assert_non_null(bp);
	memset(bp, 0xaa, LINUX_BOOT_PARAMS_BYTES);
	image_make(image);
	put16(image + 0x224, 0x1234);
	assert_true(bzimage_read(image, IMAGE_BYTES, &kernel, &error));
	map.count = 0;
	assert_true(memory_set(&map, 0x1000, 0x9f000, MEMORY_RAM));
	assert_true(memory_set(&map, 0x100000, 0x8000000, MEMORY_RAM));
	assert_true(memory_set(&map, 0x4000000, 0x8000000, MEMORY_RESERVED));
	assert_true(linux_boot_params_fill(&start, bp, &error));

	assert_int_equal(get(bp, 0x202, 4), 0x53726448);
	assert_int_equal(get(bp, 0x26b, 1), 0x77);
	assert_int_equal(get(bp, 0x26c, 1), 0); /* nothing from behind the header */
	assert_int_equal(get(bp, 0x210, 1), 0xff);
	assert_int_equal(get(bp, 0x211, 1), 0x01);
	assert_int_equal(get(bp, 0x214, 4), 0x1200000);
	assert_int_equal(get(bp, 0x218, 4), 0x23456000);
	assert_int_equal(get(bp, 0x0c0, 4), 1);
	assert_int_equal(get(bp, 0x21c, 4), 0x22);
	assert_int_equal(get(bp, 0x0c4, 4), 0x11);
	assert_int_equal(get(bp, 0x224, 2), 0);
	assert_int_equal(get(bp, 0x228, 4), 0x11223344);
	assert_int_equal(get(bp, 0x0c8, 4), 0x22);
	assert_int_equal(get(bp, 0x070, 8), 0x10000);
	assert_int_equal(get(bp, 0x1c0, 8), 0); /* no EFI */
	assert_int_equal(get(bp, 0x1e8, 1), 3);
	assert_int_equal(get(bp, 0x2d0, 8), 0x1000);
	assert_int_equal(get(bp, 0x2d8, 8), 0x9e000);
	assert_int_equal(get(bp, 0x2e0, 4), 1);
	assert_int_equal(get(bp, 0x2d0 + 40, 8), 0x4000000);
	assert_int_equal(get(bp, 0x2d0 + 48, 8), 0x4000000);
	assert_int_equal(get(bp, 0x2d0 + 56, 4), 2);

	assert_int_equal(get(bp, 0x0f, 1), 0x23);
	assert_int_equal(get(bp, 0x12, 2), 1024);
	assert_int_equal(get(bp, 0x14, 2), 768);
	assert_int_equal(get(bp, 0x16, 2), 32);
	assert_int_equal(get(bp, 0x18, 4), 0x80000000u);
	assert_int_equal(get(bp, 0x1c, 4), 48);
	assert_int_equal(get(bp, 0x24, 2), 4096);
	assert_memory_equal(bp + 0x26, "\x08\x10\x08\x08\x08\x00\x08\x18", 8);
	assert_int_equal(get(bp, 0x3a, 4), 8);

	start.efi = true;
	assert_true(linux_boot_params_fill(&start, bp, &error));
	assert_int_equal(get(bp, 0x0f, 1), 0x70);
	assert_int_equal(get(bp, 0x1c, 4), 4096 * 768);
	start.efi = false;

	framebuffer.type = MBI_FRAMEBUFFER_TEXT;
	framebuffer.width = 80;
	framebuffer.height = 25;
	assert_true(linux_boot_params_fill(&start, bp, &error));
	assert_int_equal(get(bp, 0x06, 1), 3);
	assert_int_equal(get(bp, 0x07, 1), 80);
	assert_int_equal(get(bp, 0x0e, 1), 25);
	assert_int_equal(get(bp, 0x0f, 1), 0x22);

	map.count = 0;
	for (uint64_t i = 0; i < 129; i++)
		assert_true(memory_set(&map, i * 2, i * 2 + 1, MEMORY_RAM));
	assert_false(linux_boot_params_fill(&start, bp, &error));
	assert_says(error.text, "129 extents, Linux can take 128");
	free(bp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good_kernel),           cmocka_unit_test(bad_kernels),
	    cmocka_unit_test(kernels_cut_short),     cmocka_unit_test(random_headers),
	    cmocka_unit_test(module_strings),        cmocka_unit_test(usual_places),
	    cmocka_unit_test(preferred_place_taken), cmocka_unit_test(too_little_memory),
	    cmocka_unit_test(random_places),         cmocka_unit_test(zero_page),
	};

	return cmocka_run_group_tests_name("boot linux", tests, NULL, NULL);
}
