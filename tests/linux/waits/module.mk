# SPDX-License-Identifier: GPL-2.0-only
# A target whose threads wait in different ways, an update of it signed with the demonstration's key, and the program that applies it.

WAITS_DIR := $(B)/tests/linux/waits
WAITS_KEY := $(B)/tests/linux/demo/vendor.pem

$(WAITS_DIR)/waits-target: tests/linux/waits/waits-target.c tests/linux/waits/waits.h tests/linux/waits/module.mk
	@mkdir -p $(@D)
	$(HOSTCC) $(HOST_CFLAGS) -pthread -pie -Wl,--build-id=sha1 -o $@ $<

$(WAITS_DIR)/waits: tests/linux/waits/waits.c $(LIBRAVELIN_A)
	@mkdir -p $(@D)
	$(HOSTCC) $(HOST_CFLAGS) -Itools/libravelin -MMD -MP -MF $@.d -o $@ $< $(LIBRAVELIN_A) -lcrypto

$(WAITS_DIR)/waits.suit: $(WAITS_DIR)/waits-target tests/linux/waits/new.c $(WAITS_KEY) $(B)/mkupdate $(B)/mkfimce $(B)/task.ld \
		$(B)/libpillars.a $(MKUPDATE_INCLUDE)
	$(B)/mkupdate build --target $< --new tests/linux/waits/new.c --replace waits_answer --name waits --sequence 1 \
		--key $(WAITS_KEY) -o $@

ALL += $(WAITS_DIR)/waits $(WAITS_DIR)/waits-target $(WAITS_DIR)/waits.suit
RING_TESTS += tests/linux/waits/waits-2

-include $(WAITS_DIR)/waits.d
