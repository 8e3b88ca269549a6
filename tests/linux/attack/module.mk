# SPDX-License-Identifier: GPL-2.0-only
# Attacks on Ravelin by a Linux guest: a test module, a program, and the guest that runs them.

ATTACK_DIR := $(B)/tests/linux/attack
ATTACK_OBJ := $(patsubst tests/linux/attack/%.c,$(ATTACK_DIR)/%.o,$(wildcard tests/linux/attack/*.c))
ATTACK_MODULE := $(wildcard tests/linux/attack/module/*) tests/linux/attack/attack-device.h

$(ATTACK_OBJ): $(ATTACK_DIR)/%.o: tests/linux/attack/%.c
	@mkdir -p $(@D)
	$(HOSTCC) $(HOST_CFLAGS) -Itools/libravelin -pthread -MMD -MP -c -o $@ $<

$(ATTACK_DIR)/attack: $(ATTACK_OBJ) $(LIBRAVELIN_A)
	$(HOSTCC) -pthread -o $@ $^ -lcrypto

# Kbuild writes next to the sources, so it gets a copy of them.
$(ATTACK_DIR)/attack.ko: $(ATTACK_MODULE) include/ravelin/types.h
	rm -rf $(ATTACK_DIR)/module && mkdir -p $(ATTACK_DIR)/module && cp $(ATTACK_MODULE) $(ATTACK_DIR)/module/
	$(MAKE) --no-print-directory -s -C "$$(scripts/fetch-kernel --build $(B) --print KDIR cloud)" \
		M=$(abspath $(ATTACK_DIR))/module RAVELIN_INCLUDE=$(abspath include) \
		ATTACK_INCLUDE=$(abspath $(ATTACK_DIR))/module modules
	cp $(ATTACK_DIR)/module/attack.ko $@

# An update that holds its target for long: its code never ends, the watchdog comes after this budget.
$(ATTACK_DIR)/attack-loops.suit: $(B)/mkupdate $(B)/mkfimce $(B)/task.ld $(B)/libpillars.a $(B)/tests/linux/kvd/kvd \
		$(B)/tests/linux/demo/vendor.pem tests/linux/kvd/update-bad/loop.c $(wildcard tests/linux/kvd/update-v2/*)
	@mkdir -p $(@D)
	$(B)/mkupdate build --target $(B)/tests/linux/kvd/kvd --new tests/linux/kvd/update-v2/new.c $(addprefix --replace ,$(DEMO_FUNCTIONS)) \
		--update-code tests/linux/kvd/update-bad/loop.c --data kvd_arena --name attack-loops --sequence 2 \
		--key $(B)/tests/linux/demo/vendor.pem --budget 1500ms -o $@

# Tasks that have a device must be signed.
$(ATTACK_DIR)/edu-copy.suit $(ATTACK_DIR)/random.suit: $(ATTACK_DIR)/%.suit: $(B)/tasks/%.img $(B)/mkupdate $(B)/tests/linux/demo/vendor.pem
	$(B)/mkupdate task --image $< --key $(B)/tests/linux/demo/vendor.pem -o $@

ALL += $(ATTACK_DIR)/attack $(ATTACK_DIR)/attack.ko $(ATTACK_DIR)/attack-loops.suit $(ATTACK_DIR)/edu-copy.suit $(ATTACK_DIR)/random.suit
RING_TESTS += tests/linux/attack/attack-guest

-include $(ATTACK_OBJ:.o=.d)
