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

# --- mkfimce
FIMCE_MKFIMCE_SRC := $(sort $(wildcard fimce/mkfimce/*.c)) fimce/manager/image_check.c pillars/crypto/crypto.c
FIMCE_MKFIMCE_OBJ := $(FIMCE_MKFIMCE_SRC:%.c=$(B)/host-obj/mkfimce/%.o)

$(FIMCE_MKFIMCE_OBJ): $(B)/host-obj/mkfimce/%.o: %.c fimce/module.mk
	@mkdir -p $(@D)
	$(HOSTCC) $(HOST_CFLAGS) -Ipillars -MMD -MP -c -o $@ $<

$(B)/mkfimce: $(FIMCE_MKFIMCE_OBJ)
	$(HOSTCC) -o $@ $^ -lelf -lbearssl

$(B)/task.ld: fimce/task.ld
	cp $< $@

ALL += $(B)/mkfimce $(B)/task.ld

-include $(FIMCE_MKFIMCE_OBJ:.o=.d)

# --- sample tasks: fimce/tasks/NAME.c with its description fimce/tasks/NAME.fimce becomes build/tasks/NAME.img
FIMCE_TASKS := modexp sha256 spin selftest hostile edu-copy prompt random
FIMCE_TASK_IMG := $(FIMCE_TASKS:%=$(B)/tasks/%.img)

$(FIMCE_TASK_IMG): $(B)/tasks/%.img: $(B)/fimce-obj/fimce/tasks/%.o fimce/tasks/%.fimce $(B)/mkfimce $(B)/task.ld \
		$(B)/libpillars.a
	@mkdir -p $(@D)
	$(B)/mkfimce --link -d fimce/tasks/$*.fimce --keep-elf $(B)/tasks/$*.elf -o $@ $<

# The same task with other devices.
FIMCE_PROMPT_IMG := $(B)/tasks/prompt-keyboard.img $(B)/tasks/prompt-interrupt.img
$(FIMCE_PROMPT_IMG): $(B)/tasks/%.img: $(B)/fimce-obj/fimce/tasks/prompt.o fimce/tasks/%.fimce $(B)/mkfimce $(B)/task.ld \
		$(B)/libpillars.a
	@mkdir -p $(@D)
	$(B)/mkfimce --link -d fimce/tasks/$*.fimce --keep-elf $(B)/tasks/$*.elf -o $@ $<

# What each hostile attempt must end with, one line each, for the tests.
$(B)/tasks/hostile.tsv: fimce/tasks/hostile_list.h fimce/tasks/hostile_tsv.h
	@mkdir -p $(@D)
	$(HOSTCC) -E -P -x c -Ifimce/tasks fimce/tasks/hostile_tsv.h | \
		sed 's/ROW_END */\n/g' | sed -n 's/^ROW "\([^"]*\)" "\([^"]*\)" "\([^"]*\)" *$$/\1\t\2\t\3/p' > $@

ALL += $(FIMCE_TASK_IMG) $(FIMCE_PROMPT_IMG) $(B)/tasks/hostile.tsv

-include $(FIMCE_TASKS:%=$(B)/fimce-obj/fimce/tasks/%.d)
