# SPDX-License-Identifier: GPL-2.0-only
# Bare guests: small 64-bit kernels, wrapped as bzImages, that the ordinary boot stub starts under Ravelin in Bochs.
# tests/vmx/NAME.c becomes build/tests/vmx/NAME.bz; tests/vmx/run-NAME boots it.

VMX_CFLAGS := -std=c11 -O2 -g $(WARN) -Iinclude -ffreestanding -fno-pic -mcmodel=small -mno-red-zone -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fcf-protection=none -mgeneral-regs-only -m64 -march=x86-64 -Ifimce/tasks
VMX_TESTS := fimce vmxhide memory hostile fuzz smp dedicated
VMX_LIB_OBJ := $(patsubst tests/vmx/lib/%,$(B)/tests/vmx/lib/%.o,$(basename $(wildcard tests/vmx/lib/*.c tests/vmx/lib/*.S)))
VMX_OBJ := $(VMX_TESTS:%=$(B)/tests/vmx/%.o) $(VMX_LIB_OBJ)
VMX_BZ := $(VMX_TESTS:%=$(B)/tests/vmx/%.bz)

$(B)/tests/vmx/%.o: tests/vmx/%.c tests/vmx/module.mk
	@mkdir -p $(@D)
	$(CC) $(VMX_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/tests/vmx/lib/%.o: tests/vmx/lib/%.S tests/vmx/module.mk
	@mkdir -p $(@D)
	$(CC) $(VMX_CFLAGS) -MMD -MP -c -o $@ $<

$(VMX_BZ): $(B)/tests/vmx/%.bz: $(B)/tests/vmx/%.o $(VMX_LIB_OBJ) tests/vmx/lib/bare.ld
	$(LD) -m elf_x86_64 -static -nostdlib --build-id=none -z noexecstack --no-warn-rwx-segments -T tests/vmx/lib/bare.ld \
		-o $(@:.bz=.elf) $< $(VMX_LIB_OBJ)
	$(OBJCOPY) -O binary $(@:.bz=.elf) $@

ALL += $(VMX_BZ)
RING_TESTS += $(addprefix tests/vmx/run-,fimce vmxhide memory hostile fuzz smp-2 smp-4 dedicated)

-include $(VMX_OBJ:.o=.d)
