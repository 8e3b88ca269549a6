# SPDX-License-Identifier: GPL-2.0-only
# Bare guests: small 64-bit kernels, wrapped as bzImages, that the ordinary boot stub starts under Ravelin in Bochs.
# tests/vmx/NAME.c becomes build/tests/vmx/NAME.bz; tests/vmx/run-NAME boots it.

VMX_CFLAGS := -std=c11 -O2 -g $(WARN) -Iinclude -ffreestanding -fno-pic -mcmodel=small -mno-red-zone -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fcf-protection=none -mgeneral-regs-only -m64 -march=x86-64 -Ifimce/tasks
VMX_TESTS := fimce vmxhide memory hostile fuzz smp dedicated update device line owned bench
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

# A boot stub that sets up the remapping unit before it starts Ravelin.
VMX_OWNED := $(B)/tests/vmx/owned
$(VMX_OWNED)/owner.o: tests/vmx/owned/owner.c tests/vmx/module.mk
	@mkdir -p $(@D)
	$(CC) $(BOOT_CFLAGS) -MMD -MP -c -o $@ $<

$(VMX_OWNED)/main.o: $(B)/$(BOOT_DIR)/main.o
	@mkdir -p $(@D)
	$(OBJCOPY) --redefine-sym iommu_read=owner_iommu_read $< $@

$(VMX_OWNED)/stub.elf: $(VMX_OWNED)/main.o $(VMX_OWNED)/owner.o $(BOOT_OBJECTS) $(BOOT_DIR)/boot.ld
	$(LD) $(BOOT_LDFLAGS) -o $@ $(VMX_OWNED)/main.o $(VMX_OWNED)/owner.o $(filter-out %/main.o,$(BOOT_OBJECTS))

ALL += $(VMX_OWNED)/stub.elf
-include $(VMX_OWNED)/owner.d

# The target of the update test, and its updates. They differ in what they do while they hold the target.
VMX_TARGET := $(B)/tests/vmx/target
VMX_UPDATES := migrate sick refuse crash breach loop slow no-way-back
VMX_SUIT := $(VMX_UPDATES:%=$(VMX_TARGET)/%.suit) $(addprefix $(VMX_TARGET)/,code.suit code-2.suit other-key.suit big.suit)
VMX_MKUPDATE_NEEDS := tests/vmx/module.mk $(B)/mkupdate $(B)/mkfimce $(B)/task.ld $(B)/libpillars.a
VMX_MKUPDATE = $(B)/mkupdate build --target $(VMX_TARGET)/target --new tests/vmx/target/new.c \
	--replace target_compute=new_compute --key $(VMX_TARGET)/key.pem --name $(basename $(@F)) -o $@

$(VMX_TARGET)/target: tests/vmx/target/old.c
	@mkdir -p $(@D)
	$(HOSTCC) -std=c11 -O1 -fPIE -pie -Wl,--build-id=sha1 -o $@ $<

$(VMX_TARGET)/key.pem $(VMX_TARGET)/other.pem: $(B)/mkupdate
	@mkdir -p $(@D)
	rm -f $@
	$(B)/mkupdate keygen -o $@ >/dev/null

$(VMX_TARGET)/anchor: $(VMX_TARGET)/key.pem
	$(B)/mkupdate anchor $< > $@

# 4 KiB of code, nothing else. The image by itself is for the test that it is refused without its envelope.
$(VMX_TARGET)/code.suit: $(VMX_TARGET)/target $(VMX_TARGET)/key.pem tests/vmx/target/new.c $(VMX_MKUPDATE_NEEDS)
	$(VMX_MKUPDATE) --sequence 1 --keep $(VMX_TARGET)/code
	cp $(VMX_TARGET)/code/update.img $(VMX_TARGET)/code.img

$(VMX_TARGET)/code-2.suit: $(VMX_TARGET)/code.suit
	$(B)/mkupdate sign --key $(VMX_TARGET)/key.pem --sequence 2 -o $@ $<

$(VMX_TARGET)/other-key.suit: $(VMX_TARGET)/code.suit $(VMX_TARGET)/other.pem
	$(B)/mkupdate sign --key $(VMX_TARGET)/other.pem -o $@ $<

$(VMX_TARGET)/big.suit: $(VMX_TARGET)/target $(VMX_TARGET)/key.pem tests/vmx/target/new.c tests/vmx/target/update.c \
		$(VMX_MKUPDATE_NEEDS)
	$(VMX_MKUPDATE) --sequence 3 --update-code tests/vmx/target/update.c -DMODE_BIG --data target_big

$(VMX_UPDATES:%=$(VMX_TARGET)/%.suit): $(VMX_TARGET)/%.suit: $(VMX_TARGET)/target $(VMX_TARGET)/key.pem \
		tests/vmx/target/new.c tests/vmx/target/update.c $(VMX_MKUPDATE_NEEDS)
	$(VMX_MKUPDATE) --sequence 2 --budget 1s --update-code tests/vmx/target/update.c --data target_state \
		-DMODE_$(shell echo $* | tr a-z- A-Z_)

# Tasks: one that does nothing, for the measurements, and those with devices, which have to be signed.
$(B)/tests/vmx/task/%.o: tests/vmx/task/%.c tests/vmx/module.mk
	@mkdir -p $(@D)
	$(CC) $(PILLARS_CFLAGS) -MMD -MP -c -o $@ $<

VMX_TASK_IMG := $(B)/tests/vmx/nothing.img $(B)/tests/vmx/cmos.img $(B)/tests/vmx/clock.img
$(VMX_TASK_IMG): $(B)/tests/vmx/%.img: $(B)/tests/vmx/task/%.o tests/vmx/task/%.fimce $(B)/mkfimce $(B)/task.ld $(B)/libpillars.a
	$(B)/mkfimce --link -d tests/vmx/task/$*.fimce -o $@ $<

$(B)/tests/vmx/cmos.suit $(B)/tests/vmx/clock.suit: $(B)/tests/vmx/%.suit: $(B)/tests/vmx/%.img $(VMX_TARGET)/key.pem
	$(B)/mkupdate task --image $< --key $(VMX_TARGET)/key.pem --sequence 1 -o $@

ALL += $(VMX_TASK_IMG) $(B)/tests/vmx/cmos.suit $(B)/tests/vmx/clock.suit
BENCH_TESTS += tests/vmx/bench-figures

ALL += $(VMX_BZ) $(VMX_SUIT) $(VMX_TARGET)/anchor
RING_TESTS += $(addprefix tests/vmx/run-,fimce vmxhide memory hostile fuzz smp-2 smp-4 dedicated update device line)

-include $(VMX_OBJ:.o=.d)
