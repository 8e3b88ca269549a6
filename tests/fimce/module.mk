# SPDX-License-Identifier: GPL-2.0-only
# The harness that plays the hypervisor for manager and tasks on an emulator without VMX.

FIMCE_HARNESS_CFLAGS := -std=c11 -O2 -g $(WARN) -Iinclude -ffreestanding -fpie -mno-red-zone -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fcf-protection=none -mgeneral-regs-only -m64
FIMCE_HARNESS_OBJ := $(B)/tests/fimce/entry.o $(B)/tests/fimce/harness.o $(B)/tests/fimce/harness_edu.o

$(B)/tests/fimce/%.o: tests/fimce/%.c tests/fimce/module.mk
	@mkdir -p $(@D)
	$(CC) $(FIMCE_HARNESS_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/tests/fimce/%.o: tests/fimce/%.S tests/fimce/module.mk
	@mkdir -p $(@D)
	$(CC) $(FIMCE_HARNESS_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/tests/fimce-harness.bin: $(FIMCE_HARNESS_OBJ) tests/fimce/harness.ld
	$(LD) -m elf_x86_64 -static -nostdlib --build-id=none -z noexecstack -T tests/fimce/harness.ld \
		-o $(@:.bin=.elf) $(FIMCE_HARNESS_OBJ)
	$(OBJCOPY) -O binary $(@:.bin=.elf) $@

ALL += $(B)/tests/fimce-harness.bin
RING_TESTS += tests/fimce/run

-include $(FIMCE_HARNESS_OBJ:.o=.d)
