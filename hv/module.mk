# SPDX-License-Identifier: GPL-2.0-only
# The hypervisor image build/ravelin-hv.bin: root mode (hv/) and the agent (agent/), which runs in non-root mode.

HV_CFLAGS := -std=c11 -O2 -g $(WARN) -I. -Iinclude -ffreestanding -fno-pic -mcmodel=kernel -mno-red-zone -mgeneral-regs-only \
	-fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none -fno-strict-aliasing -m64 -march=x86-64
HV_C := $(wildcard hv/*.c hv/*/*.c agent/*.c)
HV_S := $(wildcard hv/*.S)
HV_OBJ := $(HV_C:%.c=$(B)/%.o) $(HV_S:%.S=$(B)/%.o)

ALL += $(B)/ravelin-hv.bin

$(B)/hv/%.o: hv/%.c
	@mkdir -p $(@D)
	$(CC) $(HV_CFLAGS) -MMD -MP -c $< -o $@

$(B)/agent/%.o: agent/%.c
	@mkdir -p $(@D)
	$(CC) $(HV_CFLAGS) -MMD -MP -c $< -o $@

$(B)/hv/%.o: hv/%.S
	@mkdir -p $(@D)
	$(CC) $(HV_CFLAGS) -Ihv -DMANAGER_BIN='"$(B)/manager.bin"' -DMANAGER_DIGEST='"$(B)/manager.sha256"' -MMD -MP -c $< -o $@

$(B)/hv/manager.o: $(B)/manager.bin $(B)/manager.sha256

$(B)/ravelin-hv.elf: $(HV_OBJ) linker.ld
	$(LD) -nostdlib -static -z noexecstack -z max-page-size=4096 --no-warn-rwx-segments -T linker.ld -o $@ $(HV_OBJ)

$(B)/ravelin-hv.bin: $(B)/ravelin-hv.elf
	$(OBJCOPY) -O binary -j .text -j .rodata -j .data $< $@

-include $(HV_OBJ:.o=.d)
