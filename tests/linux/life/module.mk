# SPDX-License-Identifier: GPL-2.0-only
# The life of updates: a target to play with, two updates of it, and the program that plays. Signed with the demonstration's key.

LIFE_DIR := $(B)/tests/linux/life
LIFE_KEY := $(B)/tests/linux/demo/vendor.pem

$(LIFE_DIR)/target: tests/linux/life/target.c tests/linux/life/target.h tests/linux/life/module.mk
	@mkdir -p $(@D)
	$(HOSTCC) $(HOST_CFLAGS) -pie -pthread -Wl,--build-id=sha1 -o $@ $<

$(LIFE_DIR)/life: tests/linux/life/life.c $(LIBRAVELIN_A)
	@mkdir -p $(@D)
	$(HOSTCC) $(HOST_CFLAGS) -Itools -pthread -MMD -MP -MF $@.d -o $@ $< $(LIBRAVELIN_LIBS)

$(LIFE_DIR)/life-1.suit $(LIFE_DIR)/life-3.suit: $(LIFE_DIR)/life-%.suit: $(LIFE_DIR)/target tests/linux/life/new.c \
		tests/linux/life/target.h $(LIFE_KEY) $(B)/mkupdate $(B)/mkfimce $(B)/task.ld $(B)/libpillars.a $(MKUPDATE_INCLUDE)
	$(B)/mkupdate build --target $< --new tests/linux/life/new.c --replace answer --name life-$* --sequence $* \
		--key $(LIFE_KEY) -o $@

# What the first update has replaced, replaced once more: from version 2 to version 3.
$(LIFE_DIR)/life-2.suit: $(LIFE_DIR)/life-1.suit tests/linux/life/third.c
	$(B)/mkupdate build --target $(LIFE_DIR)/target --after $< --new tests/linux/life/third.c --replace answer --name life-2 \
		--sequence 2 --key $(LIFE_KEY) -o $@

ALL += $(addprefix $(LIFE_DIR)/,target life life-1.suit life-2.suit life-3.suit) $(B)/tests/linux/demo/vendor.anchor
RING_TESTS += tests/linux/life/life-2

-include $(LIFE_DIR)/life.d
