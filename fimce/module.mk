# SPDX-License-Identifier: GPL-2.0-only
# The manager (build/manager.bin, build/manager.sha256), mkfimce (build/mkfimce, build/task.ld) and the sample tasks
# (build/tasks/*.img).

FIMCE_OBJ_CFLAGS = $(PILLARS_CFLAGS)

# --- manager
FIMCE_MANAGER_SRC := $(sort $(wildcard fimce/manager/*.c)) fimce/manager/entry.S
FIMCE_MANAGER_OBJ := $(patsubst %,$(B)/fimce-obj/%.o,$(basename $(FIMCE_MANAGER_SRC)))

$(B)/fimce-obj/fimce/%.o: fimce/%.c fimce/module.mk pillars/module.mk
	@mkdir -p $(@D)
	$(CC) $(FIMCE_OBJ_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/fimce-obj/fimce/%.o: fimce/%.S fimce/module.mk pillars/module.mk
	@mkdir -p $(@D)
	$(CC) $(FIMCE_OBJ_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/manager.elf: $(FIMCE_MANAGER_OBJ) $(B)/libpillars.a fimce/manager/manager.ld
	$(LD) -m elf_x86_64 -static -nostdlib --gc-sections --build-id=none -z max-page-size=4096 -z noexecstack \
		--fatal-warnings -T fimce/manager/manager.ld -o $@ $(FIMCE_MANAGER_OBJ) $(B)/libpillars.a

$(B)/manager.bin: $(B)/manager.elf
	$(OBJCOPY) -O binary $< $@

# The digest that the hypervisor image carries: 32 raw bytes.
$(B)/manager.sha256: $(B)/manager.bin
	$(PYTHON3) -c 'import hashlib,sys; sys.stdout.buffer.write(hashlib.sha256(open(sys.argv[1],"rb").read()).digest())' $< > $@

ALL += $(B)/manager.bin $(B)/manager.sha256

-include $(FIMCE_MANAGER_OBJ:.o=.d)
