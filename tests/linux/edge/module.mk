# SPDX-License-Identifier: GPL-2.0-only
# Edges of an update's life: a target, three updates of it signed with the demonstration's key, and the program that plays with them.

EDGE_DIR := $(B)/tests/linux/edge
EDGE_UPDATES := $(EDGE_DIR)/edge-code.suit $(EDGE_DIR)/edge-data.suit $(EDGE_DIR)/edge-stuck.suit
EDGE_KEY := $(B)/tests/linux/demo/vendor.pem

$(EDGE_DIR)/edge-target: tests/linux/edge/edge-target.c tests/linux/edge/module.mk
	@mkdir -p $(@D)
	$(HOSTCC) $(HOST_CFLAGS) -pie -Wl,--build-id=sha1 -o $@ $<

$(EDGE_DIR)/edge: tests/linux/edge/edge.c $(LIBRAVELIN_A)
	@mkdir -p $(@D)
	$(HOSTCC) $(HOST_CFLAGS) -Itools/libravelin -Itests/linux/attack -pthread -MMD -MP -MF $@.d -o $@ $< $(LIBRAVELIN_A) -lcrypto

$(EDGE_DIR)/edge-data.suit: EDGE_OPTIONS := --update-code tests/linux/edge/data.c --data edge_number
$(EDGE_DIR)/edge-stuck.suit: EDGE_OPTIONS := --update-code tests/linux/edge/stuck.c --data edge_number
$(EDGE_UPDATES): $(EDGE_DIR)/edge-%.suit: $(EDGE_DIR)/edge-target tests/linux/edge/new.c tests/linux/edge/data.c tests/linux/edge/stuck.c $(EDGE_KEY) \
		$(B)/mkupdate $(B)/mkfimce $(B)/task.ld $(B)/libpillars.a $(MKUPDATE_INCLUDE)
	$(B)/mkupdate build --target $< --new tests/linux/edge/new.c --replace edge_answer --name edge-$* --sequence 1 \
		--key $(EDGE_KEY) $(EDGE_OPTIONS) -o $@

ALL += $(EDGE_DIR)/edge $(EDGE_DIR)/edge-target $(EDGE_UPDATES)
RING_TESTS += tests/linux/edge/edge-guest

-include $(EDGE_DIR)/edge.d
