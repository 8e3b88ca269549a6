# SPDX-License-Identifier: GPL-2.0-only
# The Multiboot2 boot stub, build/ravelin.elf, and its host unit tests.

# The hypervisor image to embed; tests of the stub embed small images of their own.
BOOT_HV_IMAGE ?= $(B)/ravelin-hv.bin

BOOT_DIR := boot/multiboot2
BOOT_PURE := acpi bzimage cmdline hvimage iommu linux mbi memory reason text
BOOT_CFLAGS := -std=c11 -O2 -g $(WARN) -Iinclude -ffreestanding -fno-pic -mno-red-zone -mgeneral-regs-only \
	-fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none -m64 -march=x86-64
BOOT_LDFLAGS := -m elf_x86_64 -nostdlib -static --no-dynamic-linker -z noexecstack -z max-page-size=4096 --build-id=none \
	-T $(BOOT_DIR)/boot.ld

# What all front ends share.
BOOT_SHARED := $(B)/boot/acpi/dmar.o $(B)/boot/x86/mtrr.o $(B)/boot/x86/state.o $(B)/boot/x86/tables.o \
	$(B)/boot/x86/check.o
BOOT_OBJECTS := $(patsubst %,$(B)/$(BOOT_DIR)/%.o,entry image main bytes console paging pci trap tsc $(BOOT_PURE)) \
	$(BOOT_SHARED) $(B)/boot/x86/call.o

$(B)/$(BOOT_DIR)/%.o: $(BOOT_DIR)/%.c
	@mkdir -p $(@D)
	$(CC) $(BOOT_CFLAGS) -MMD -MP -c -o $@ $<

$(BOOT_SHARED): $(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(BOOT_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/boot/x86/%.o: boot/x86/%.S
	@mkdir -p $(@D)
	$(CC) -m64 -MMD -MP -c -o $@ $<

$(B)/$(BOOT_DIR)/%.o: $(BOOT_DIR)/%.S
	@mkdir -p $(@D)
	$(CC) -m64 -MMD -MP -DBOOT_HV_IMAGE='"$(BOOT_HV_IMAGE)"' -c -o $@ $<

$(B)/$(BOOT_DIR)/image.o: $(BOOT_HV_IMAGE)

$(B)/ravelin.elf: $(BOOT_OBJECTS) $(BOOT_DIR)/boot.ld
	$(LD) $(BOOT_LDFLAGS) -o $@ $(BOOT_OBJECTS)

ALL += $(B)/ravelin.elf

-include $(wildcard $(B)/$(BOOT_DIR)/*.d) $(BOOT_SHARED:.o=.d)

# The same sources on the host, with sanitizers. The stub's own memory functions stay out: the host has some.
BOOT_TEST_DIR := tests/unit/boot
BOOT_TEST_OBJECTS := $(patsubst %,$(B)/$(BOOT_TEST_DIR)/pure/%.o,$(BOOT_PURE) pci tsc dmar mtrr check tables) $(B)/$(BOOT_TEST_DIR)/dmar_tables.o
BOOT_TESTS := $(patsubst %,$(B)/$(BOOT_TEST_DIR)/test_%,acpi check cmdline dmar iommu linux mbi memory mtrr tables text)

$(B)/$(BOOT_TEST_DIR)/pure/%.o: $(BOOT_DIR)/%.c
	@mkdir -p $(@D)
	$(HOSTCC) $(TEST_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/$(BOOT_TEST_DIR)/pure/%.o: boot/x86/%.c
	@mkdir -p $(@D)
	$(HOSTCC) $(TEST_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/$(BOOT_TEST_DIR)/pure/%.o: boot/acpi/%.c
	@mkdir -p $(@D)
	$(HOSTCC) $(TEST_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/$(BOOT_TEST_DIR)/%.o: $(BOOT_TEST_DIR)/%.c
	@mkdir -p $(@D)
	$(HOSTCC) $(TEST_CFLAGS) -I$(BOOT_DIR) -MMD -MP -c -o $@ $<

$(BOOT_TESTS): %: %.o $(BOOT_TEST_OBJECTS)
	$(HOSTCC) -o $@ $^ $(TEST_LDFLAGS)

UNIT_TESTS += $(BOOT_TESTS)

-include $(wildcard $(B)/$(BOOT_TEST_DIR)/*.d $(B)/$(BOOT_TEST_DIR)/pure/*.d)
