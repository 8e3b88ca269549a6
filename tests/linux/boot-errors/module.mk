# SPDX-License-Identifier: GPL-2.0-only
# The boot stub's error paths and fallback, on an emulator without VMX. The stub is linked with small images of ours as well.

BOOT_ERRORS := $(B)/tests/linux/boot-errors
BOOT_ERRORS_KINDS := OK REFUSE FAULT HUGE
BOOT_ERRORS_STUBS := $(patsubst %,$(BOOT_ERRORS)/stub-%.elf,$(BOOT_ERRORS_KINDS))

$(BOOT_ERRORS)/image-%.bin: tests/linux/boot-errors/image.S $(BOOT_ERRORS)/offset.o
	@mkdir -p $(@D)
	$(CC) -m64 -DTEST_IMAGE=IMAGE_$* -c -o $(@:.bin=.o) $<
	$(OBJCOPY) -O binary -j .text $(@:.bin=.o) $@

$(BOOT_ERRORS)/offset.o: tests/linux/boot-errors/offset.c
	@mkdir -p $(@D)
	$(HOSTCC) $(HOST_CFLAGS) -MMD -MP -c -o $@ $<

$(BOOT_ERRORS)/stub-%.o: boot/multiboot2/image.S $(BOOT_ERRORS)/image-%.bin
	$(CC) -m64 -DBOOT_HV_IMAGE='"$(BOOT_ERRORS)/image-$*.bin"' -c -o $@ $<

$(BOOT_ERRORS)/stub-%.elf: $(BOOT_ERRORS)/stub-%.o $(BOOT_OBJECTS) $(BOOT_DIR)/boot.ld
	$(LD) $(BOOT_LDFLAGS) -o $@ $< $(filter-out %/image.o,$(BOOT_OBJECTS))

ALL += $(BOOT_ERRORS_STUBS)
RING_TESTS += tests/linux/boot-errors/boot-errors

-include $(BOOT_ERRORS)/offset.d
