/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * main.c - the boot stub from the first C function to the jump into Linux: read what the loader gave, start Ravelin, boot
 * Linux as its guest.
 */
#include <ravelin/launch.h>

#include "../x86/msr.h"
#include "../x86/mtrr.h"
#include "../x86/state.h"
#include "../x86/tables.h"
#include "acpi.h"
#include "cmdline.h"
#include "console.h"
#include "cpu.h"
#include "hvimage.h"
#include "iommu.h"
#include "linux.h"
#include "paging.h"
#include "pci.h"
#include "reason.h"
#include "trap.h"
#include "tsc.h"

#define LOW_MEMORY_END 0xa0000u
#define LOW_MEMORY_FIRMWARE 0x10000u /* firmware is known to use memory below even later (Linux keeps off it, too) */
#define BIOS_ROM 0xe0000u
#define BIOS_ROM_BYTES 0x20000u
#define POOL_ALIGN (2u << 20)
#define POOL_LOWEST (1u << 20)
#define AP_TIMEOUT_US 200000u
#define CPUID_1_EDX_MTRR (1u << 12)
#define IOAPIC_DATA 0x10u
#define IOAPIC_VERSION 1u
#define LINUX_ENTRY_64 0x200u /* from the start of the protected-mode kernel */

struct boot {
	struct mbi mbi;
	struct cmdline options;
	struct linux_modules modules;
	struct bzimage kernel;
	struct linux_plan plan;
	struct rv_launch launch;
	struct rv_hv_header hv;
	struct memory_map memory; /* as the firmware gave it */
	struct memory_map guest; /* as Linux will see it */
	struct memory_map free; /* what may be overwritten */
	struct memory_map scratch;
	struct acpi_memory physical;
	uint8_t rsdp[ACPI_RSDP_BYTES];
	uint32_t rsdp_bytes; /* 0 = there is none */
	uint64_t rsdp_page; /* where Linux will find it */
	uint64_t information; /* physical address of the loader's boot information */
	uint64_t pool_cleared; /* bytes, from its start */
	uint16_t serial_port; /* in use, 0 = none */
};

extern const uint8_t boot_hv_image[];
extern const uint8_t boot_hv_image_end[];
extern const uint8_t boot_image_start[];
extern const uint8_t boot_image_end[];

void boot_main(uint32_t magic, uint32_t information);
__attribute__((noreturn)) void boot_linux_jump(uint64_t entry, void *boot_params);

static struct boot boot;
static char linux_command_line[LINUX_COMMAND_LINE_MAX];
static uint8_t linux_boot_params[LINUX_BOOT_PARAMS_BYTES] __attribute__((aligned(4096)));

static __attribute__((noreturn)) void stop(const char *what, const struct boot_error *error)
{
	console_say("%s: %s", what, error->text);
	console_say("stopped; nothing was started. Correct this and start again");
	cpu_stop();
}

/* Returns only if Linux may be booted without Ravelin. */
static void refuse(const struct boot_error *error)
{
	console_say("Ravelin did not start: %s", error->text);
	if (boot.options.fallback) {
		console_say("fallback=yes: booting Linux without Ravelin");
		return;
	}
	console_say(
	    "stopped; correct this, or add fallback=yes to Ravelin's command line to boot Linux without Ravelin");
	cpu_stop();
}

static uint64_t image_address(const uint8_t *symbol)
{
	return (uintptr_t)symbol;
}

/* The word at 0x40e of the BIOS data area is the segment of the extended BIOS data area. */
static uint64_t ebda_base(void)
{
	uintptr_t at = 0x40e;
	uint64_t base;

	__asm__("" : "+r"(at)); /* GCC takes objects in the first page for null pointers */
	base = (uint64_t) * (const volatile uint16_t *)at << 4;
	return base >= 0x80000 && base < LOW_MEMORY_END ? base : LOW_MEMORY_END;
}

/* Copies the RSDP: the loader's copy of it will be overwritten. */
static void rsdp_read(void)
{
	const uint8_t *rsdp = boot.mbi.rsdp;
	uint64_t at = 0;

	boot.rsdp_bytes = rsdp ? acpi_rsdp_check(rsdp, boot.mbi.rsdp_bytes) : 0;
	if (!boot.rsdp_bytes && !boot.mbi.efi) {
		at = acpi_rsdp_scan(&boot.physical, ebda_base(), 1024);
		if (!at)
			at = acpi_rsdp_scan(&boot.physical, BIOS_ROM, BIOS_ROM_BYTES);
		if (at) {
			rsdp = boot.physical.view + (at - boot.physical.first);
			boot.rsdp_bytes = acpi_rsdp_check(rsdp, BIOS_ROM_BYTES);
		}
	}
	if (boot.rsdp_bytes)
		memcpy(boot.rsdp, rsdp, boot.rsdp_bytes);
}

/* Everything that Linux needs from the loader; without it there is nothing to boot. */
static bool linux_read(struct boot_error *error)
{
	const struct mbi_module *module;

	if (!memory_read(&boot.mbi, &boot.memory, error) || !linux_modules_read(&boot.mbi, &boot.modules, error))
		return false;
	module = boot.modules.kernel;
	if (!bzimage_read((const void *)(uintptr_t)module->start, module->end - module->start, &boot.kernel, error))
		return false;
	if (boot.modules.command_line_length > boot.kernel.command_line_limit ||
	    boot.modules.command_line_length >= sizeof(linux_command_line))
		return text_fail(error, "the kernel's command line has %u characters, it takes only %u",
				 (unsigned int)boot.modules.command_line_length, boot.kernel.command_line_limit);
	memcpy(linux_command_line, boot.modules.command_line, boot.modules.command_line_length);
	return true;
}

/* Takes a page below 640 KiB out of the guest's RAM. */
static bool low_page_take(uint32_t type, uint64_t *page)
{
	struct memory_request request = {
	    .bytes = RV_PAGE_SIZE, .align = RV_PAGE_SIZE, .lowest = LOW_MEMORY_FIRMWARE, .limit = LOW_MEMORY_END};

	if (!boot.mbi.efi)
		request.limit = ebda_base();
	if (!memory_find_low(&boot.free, &request, page)) {
		request.lowest = RV_PAGE_SIZE;
		if (!memory_find_low(&boot.free, &request, page))
			return false;
	}
	return memory_set(&boot.free, *page, *page + RV_PAGE_SIZE, MEMORY_BUSY) &&
	       memory_set(&boot.guest, *page, *page + RV_PAGE_SIZE, type);
}

static bool pool_place(struct boot_error *error)
{
	struct memory_request request = {
	    .bytes = boot.options.pool_bytes, .align = POOL_ALIGN, .lowest = POOL_LOWEST, .limit = MEMORY_4G};
	uint64_t page;
	bool ok;

	boot.scratch = boot.free;
	ok = memory_take(&boot.scratch, boot.information, boot.information + boot.mbi.bytes, MEMORY_BUSY);
	for (uint32_t i = 0; i < boot.mbi.module_count; i++)
		ok = ok && memory_take(&boot.scratch, boot.mbi.module[i].start, boot.mbi.module[i].end, MEMORY_BUSY);
	if (!ok)
		return text_fail(error, "the memory map has more than %u extents", MEMORY_MAX_EXTENTS - 2);
	if (!memory_find_high(&boot.scratch, &request, &boot.launch.pool_base))
		return text_fail(
		    error,
		    "too little memory: pool= wants %llu MiB in one piece below 4 GiB, the largest has %llu MiB%s",
		    (unsigned long long)request.bytes >> 20,
		    (unsigned long long)memory_largest(&boot.scratch, POOL_ALIGN, POOL_LOWEST, MEMORY_4G) >> 20,
		    boot.launch.rmrr_count ? ", without what the DMAR table reserves" : "");
	boot.launch.pool_bytes = request.bytes;
	if (!low_page_take(MEMORY_RESERVED, &page))
		return text_fail(error, "there is no free page of RAM below 640 KiB for the start of the other CPUs");
	boot.launch.trampoline = (uint32_t)page;
	if (!memory_set(&boot.free, boot.launch.pool_base, boot.launch.pool_base + request.bytes, MEMORY_BUSY) ||
	    !memory_set(&boot.guest, boot.launch.pool_base, boot.launch.pool_base + request.bytes, MEMORY_RESERVED))
		return text_fail(error, "the memory map has more than %u extents", MEMORY_MAX_EXTENTS - 2);
	return true;
}

/*
 * Decides where everything goes; nothing is written yet. The loader's information is not kept free for Linux: all that
 * matters of it has been copied.
 */
static bool places_find(bool with_pool, struct boot_error *error)
{
	bool ok;

	boot.guest = boot.memory;
	boot.free = boot.memory;
	ok = memory_take(&boot.free, image_address(boot_image_start), image_address(boot_image_end), MEMORY_BUSY) &&
	     memory_take(&boot.free, 0, RV_PAGE_SIZE, MEMORY_BUSY) && iommu_reserve(&boot.launch, &boot.free);
	if (!ok)
		return text_fail(error, "the memory map has more than %u extents", MEMORY_MAX_EXTENTS - 2);
	boot.rsdp_page = 0;
	if (boot.rsdp_bytes && !low_page_take(MEMORY_ACPI, &boot.rsdp_page))
		return text_fail(error, "there is no free page of RAM below 640 KiB for the ACPI root pointer");
	if (with_pool && !pool_place(error))
		return false;
	return linux_plan_make(&boot.free, &boot.kernel, &boot.modules, &boot.scratch, &boot.plan, error);
}

static uint32_t boot_cpu_apic_id(void)
{
	if (cpu_id(0, 0).eax >= 0xb) {
		struct cpuid id = cpu_id(0xb, 0);

		if (id.ecx >> 8 & 0xff)
			return id.edx;
	}
	return cpu_id(1, 0).ebx >> 24;
}

static bool launch_cpus_fill(struct boot_error *error)
{
	static struct acpi_cpus cpus;

	if (!boot.rsdp_bytes)
		return text_fail(error, "there are no ACPI tables: the CPUs cannot be found");
	if (!acpi_cpus_read(&boot.physical, boot.rsdp, boot.rsdp_bytes, boot_cpu_apic_id(), &cpus, error))
		return false;
	if (cpus.enabled > cpus.count)
		console_say("this machine has %u CPUs; only the first %u are used", cpus.enabled, cpus.count);
	boot.launch.cpu_count = cpus.count;
	memcpy(boot.launch.apic_id, cpus.apic_id, sizeof(boot.launch.apic_id));
	return true;
}

/* Interrupts are off, and no other CPU runs. */
static uint32_t ioapic_version(uint64_t base)
{
	volatile uint32_t *registers = (volatile uint32_t *)(uintptr_t)base;
	uint32_t selected = registers[0], version;

	registers[0] = IOAPIC_VERSION;
	version = registers[IOAPIC_DATA / 4];
	registers[0] = selected;
	return version;
}

static bool launch_iommu_fill(struct boot_error *error)
{
	static struct dmar dmar;
	struct pci pci = {.memory = &boot.physical, .launch = &boot.launch};
	const struct dmar_pci dmar_pci = {.read8 = pci_read8, .context = &pci};
	const struct iommu_source source = {.memory = &boot.physical,
					    .rsdp = boot.rsdp,
					    .rsdp_bytes = boot.rsdp_bytes,
					    .pci = &dmar_pci,
					    .map = &boot.memory,
					    .mode = boot.options.iommu,
					    .ioapic_version = ioapic_version};
	struct boot_error note;

	if (!iommu_read(&source, &dmar, &boot.launch, &note, error))
		return false;
	for (uint32_t i = 0; i < boot.launch.vtd_count; i++) {
		const struct rv_launch_vtd *unit = &boot.launch.vtd[i];

		console_say("DMA remapping unit %u at 0x%llx: segment %u, %u scopes%s", i,
			    (unsigned long long)unit->base, unit->segment, dmar.unit[i].scope_count,
			    unit->flags & RV_LAUNCH_VTD_ALL ? ", all other devices" : "");
	}
	for (uint32_t i = 0; i < boot.launch.ioapic_count && boot.launch.vtd_count; i++) {
		const struct rv_launch_ioapic *ioapic = &boot.launch.ioapic[i];

		if (ioapic->source_id == RV_LAUNCH_NO_SOURCE)
			console_say("IOAPIC %u: named by no unit", ioapic->id);
		else
			console_say("IOAPIC %u: source id 0x%x", ioapic->id, ioapic->source_id);
	}
	if (boot.launch.vtd_count)
		console_say("DMAR: %u-bit addresses, interrupt remapping: %s, reserved regions: %u",
			    boot.launch.vtd_address_bits,
			    boot.launch.vtd_flags & RV_LAUNCH_VTD_INTR_REMAP ? "yes" : "no", boot.launch.rmrr_count);
	if (note.text[0])
		console_say("%s", note.text);
	return true;
}

static bool launch_ram_fill(struct boot_error *error)
{
	for (uint32_t i = 0; i < boot.memory.count; i++) {
		const struct memory_extent *e = &boot.memory.extent[i];
		uint64_t base = (e->base + RV_PAGE_SIZE - 1) / RV_PAGE_SIZE * RV_PAGE_SIZE;
		uint64_t end = e->end / RV_PAGE_SIZE * RV_PAGE_SIZE;

		if (e->type != MEMORY_RAM || base >= end)
			continue;
		if (boot.launch.ram_count == RV_LAUNCH_MAX_RAM)
			return text_fail(error, "the memory map has more than %u extents of RAM", RV_LAUNCH_MAX_RAM);
		boot.launch.ram[boot.launch.ram_count].base = base;
		boot.launch.ram[boot.launch.ram_count].bytes = end - base;
		boot.launch.ram_count++;
	}
	return true;
}

/* The other CPUs have the same MTRRs: firmware sees to that (SDM vol. 3, 12.11.8). */
static bool launch_types_fill(struct boot_error *error)
{
	static struct mtrr mtrr;

	if (!(cpu_id(1, 0).edx & CPUID_1_EDX_MTRR))
		return text_fail(error, "the CPU has no MTRRs (CPUID.1:EDX[12] is 0)");
	mtrr_read(&mtrr, msr_read, cpu_id(0x80000008, 0).eax & 0xff);
	if (!mtrr_types_fill(&mtrr, &boot.launch.types))
		return text_fail(error, "the mask of a variable MTRR has holes; firmware should not do that");
	return true;
}

static bool ravelin_prepare(struct boot_error *error)
{
	boot.launch.magic = RV_LAUNCH_MAGIC;
	boot.launch.abi_version = RV_ABI_VERSION;
	boot.launch.size = sizeof(boot.launch);
	boot.launch.ap_timeout_us = AP_TIMEOUT_US;
	boot.launch.serial_port = boot.serial_port;
	memcpy(boot.launch.trust_anchor, boot.options.trust_anchor, sizeof(boot.launch.trust_anchor));
	return hvimage_read(boot_hv_image, image_address(boot_hv_image_end) - image_address(boot_hv_image),
			    boot.options.pool_bytes, &boot.hv, error) &&
	       launch_cpus_fill(error) && launch_iommu_fill(error) && launch_ram_fill(error) &&
	       launch_types_fill(error) && places_find(true, error);
}

/* Clears one more page of the pool. */
static void pool_clear_page(void)
{
	if (boot.pool_cleared == boot.launch.pool_bytes)
		return;
	memset((void *)(uintptr_t)(boot.launch.pool_base + boot.pool_cleared), 0, RV_PAGE_SIZE);
	boot.pool_cleared += RV_PAGE_SIZE;
}

/* After success this code runs as the guest, and nothing else has changed. */
static bool ravelin_launch(struct boot_error *error)
{
	char sentence[BOOT_SENTENCE_MAX];
	uint8_t *pool = (uint8_t *)(uintptr_t)boot.launch.pool_base;
	int64_t result;

	/* The wait for the timer and the clearing of the pool each take milliseconds: one is done during the other. */
	if (!tsc_measure(&boot.launch.tsc_khz, pool_clear_page, error))
		return false;
	console_say("starting: %u CPUs, pool of %llu MiB at 0x%llx, trampoline 0x%x, TSC %llu kHz",
		    boot.launch.cpu_count, (unsigned long long)boot.launch.pool_bytes >> 20,
		    (unsigned long long)boot.launch.pool_base, boot.launch.trampoline,
		    (unsigned long long)boot.launch.tsc_khz);
	memset(pool + boot.pool_cleared, 0, boot.launch.pool_bytes - boot.pool_cleared);
	memcpy(pool, boot_hv_image, boot.hv.image_bytes);
	boot.launch.table_bytes = tables_bytes(&boot.launch);
	if (!tables_build(&boot.launch, &boot.hv, (uint64_t *)(void *)(pool + boot.hv.memory_bytes)))
		return text_fail(error, "root mode can't map an image of %llu bytes, or RAM beyond 512 GiB",
				 (unsigned long long)boot.hv.memory_bytes);
	paging_map_hypervisor(boot.launch.pool_base, boot.hv.memory_bytes);
	result = launch_call(boot.hv.entry, &boot.launch);
	if (!result)
		return true;
	reason_format(sentence, sizeof(sentence), boot.launch.reason, boot.launch.reason_value,
		      boot.launch.reason_value2);
	return text_fail(error, "%s, CPU %u, error %d", sentence, boot.launch.reason_cpu, (int)result);
}

static __attribute__((noreturn)) void linux_boot(void)
{
	const struct linux_start start = {.kernel = &boot.kernel,
					  .plan = &boot.plan,
					  .initrd_bytes = boot.modules.initrd_bytes,
					  .command_line = (uintptr_t)linux_command_line,
					  .rsdp = boot.rsdp_page,
					  .framebuffer = &boot.mbi.framebuffer,
					  .efi = boot.mbi.efi,
					  .map = &boot.guest};
	uint8_t *to = (uint8_t *)(uintptr_t)boot.plan.initrd;
	struct boot_error error;

	if (boot.rsdp_page)
		memcpy((void *)(uintptr_t)boot.rsdp_page, boot.rsdp, boot.rsdp_bytes);
	if (!linux_boot_params_fill(&start, linux_boot_params, &error))
		stop("Linux cannot be booted", &error);
	/* The initrd first: the kernel may go where it lies now. */
	for (uint32_t i = 0; i < boot.modules.initrd_count && !boot.plan.initrd_stays; i++) {
		const struct mbi_module *module = boot.modules.initrd[i];
		uint32_t bytes = module->end - module->start;

		memcpy(to, (const void *)(uintptr_t)module->start, bytes);
		memset(to + bytes, 0, (4 - bytes % 4) % 4);
		to += (bytes + 3) & ~3u;
	}
	console_say("booting Linux at 0x%llx, initrd of %llu KiB at 0x%llx", (unsigned long long)boot.plan.kernel,
		    (unsigned long long)boot.modules.initrd_bytes >> 10, (unsigned long long)boot.plan.initrd);
	memmove((void *)(uintptr_t)boot.plan.kernel, boot.kernel.image + boot.kernel.kernel_offset,
		boot.kernel.kernel_bytes);
	boot_linux_jump(boot.plan.kernel + LINUX_ENTRY_64, linux_boot_params);
}

/* Called once by entry.S. @magic and @information: EAX and EBX as the loader set them. */
void boot_main(uint32_t magic, uint32_t information)
{
	struct boot_error error;
	struct boot_error option_error;
	bool options_ok;
	bool started = false;

	trap_init();
	boot.information = information;
	/* Address 0 is no object for C, so the view begins one page above. */
	boot.physical.view = (const uint8_t *)(uintptr_t)RV_PAGE_SIZE;
	boot.physical.first = RV_PAGE_SIZE;
	boot.physical.bytes = paging_extend() - RV_PAGE_SIZE;
	if (magic != MBI_MAGIC) {
		console_serial_open(CMDLINE_SERIAL_PORT, 115200);
		text_fail(&error, "not started by a Multiboot2 boot loader (EAX is 0x%x); use multiboot2 in GRUB",
			  magic);
		stop("Ravelin did not start", &error);
	}
	if (!mbi_parse((const void *)(uintptr_t)information, MBI_MAX_BYTES, &boot.mbi, &error)) {
		console_serial_open(CMDLINE_SERIAL_PORT, 115200);
		stop("Ravelin did not start", &error);
	}
	options_ok = cmdline_parse(boot.mbi.command_line, boot.mbi.command_line_length, &boot.options, &option_error);
	boot.serial_port = console_serial_open(boot.options.serial_port, boot.options.baud);
	console_screen_open(&boot.mbi.framebuffer);
	if (!linux_read(&error))
		stop("Linux cannot be booted", &error);
	rsdp_read();

	if (!options_ok)
		refuse(&option_error);
	else if (!ravelin_prepare(&error) || !ravelin_launch(&error))
		refuse(&error);
	else
		started = true;
	if (!started && !places_find(false, &error))
		stop("Linux cannot be booted", &error);
	linux_boot();
}
