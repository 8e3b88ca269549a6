# SPDX-License-Identifier: GPL-2.0-only
# The demonstration: its keys and its updates, good and bad. scripts/run-demo puts everything into an image and boots it.

DEMO_DIR := $(B)/tests/linux/demo
DEMO_UPDATES := $(DEMO_DIR)/updates
DEMO_KVD := $(B)/tests/linux/kvd/kvd
DEMO_MKUPDATE := $(B)/mkupdate
# What an update of kvd depends on besides its own sources: mkupdate calls mkfimce and links the pillars.
DEMO_TOOLS := $(DEMO_MKUPDATE) $(B)/mkfimce $(B)/task.ld $(B)/libpillars.a $(MKUPDATE_INCLUDE) \
	tests/linux/kvd/kvd.h $(wildcard tests/linux/kvd/update-v2/*) tests/linux/demo/module.mk
DEMO_FUNCTIONS := kvd_table_set kvd_table_get kvd_table_delete kvd_table_count kvd_table_check kvd_version

# Made once and kept in the build directory: the key whose updates are accepted, and someone else's.
$(DEMO_DIR)/vendor.pem $(DEMO_DIR)/stranger.pem: | $(DEMO_MKUPDATE)
	@mkdir -p $(@D)
	$(DEMO_MKUPDATE) keygen -o $@

$(DEMO_DIR)/vendor.anchor: $(DEMO_DIR)/vendor.pem
	$(DEMO_MKUPDATE) anchor $< > $@

# $(1): name, $(2): sequence number, $(3): target, $(4): new code, $(5): update code, $(6): options. Each attempt of a vendor has a
# number of its own; the older one has the lowest.
define DEMO_KVD_UPDATE
$(DEMO_UPDATES)/$(1).suit: $(3) $(4) $(5) $(DEMO_DIR)/vendor.pem $(DEMO_TOOLS)
	@mkdir -p $$(@D)
	$(DEMO_MKUPDATE) build --target $(3) --new $(4) $(addprefix --replace ,$(DEMO_FUNCTIONS)) --update-code $(5) \
		--data kvd_arena --name $(1) --sequence $(2) --key $(DEMO_DIR)/vendor.pem $(6) -o $$@
endef

DEMO_V2 := tests/linux/kvd/update-v2
DEMO_BAD := tests/linux/kvd/update-bad
$(eval $(call DEMO_KVD_UPDATE,kvd-2,6,$(DEMO_KVD),$(DEMO_V2)/new.c,$(DEMO_V2)/update.c))
$(eval $(call DEMO_KVD_UPDATE,kvd-other-code,2,$(DEMO_DIR)/other/kvd,$(DEMO_V2)/new.c,$(DEMO_V2)/update.c))
$(eval $(call DEMO_KVD_UPDATE,kvd-loses-key,3,$(DEMO_KVD),$(DEMO_V2)/new.c,$(DEMO_BAD)/lose-key.c))
$(eval $(call DEMO_KVD_UPDATE,kvd-loops,4,$(DEMO_KVD),$(DEMO_V2)/new.c,$(DEMO_BAD)/loop.c,--budget 300ms))
$(eval $(call DEMO_KVD_UPDATE,kvd-sick,5,$(DEMO_KVD),$(DEMO_BAD)/sick.c,$(DEMO_V2)/update.c))

# From version 2 to version 3: what version 2 has replaced is replaced once more.
$(DEMO_UPDATES)/kvd-3.suit: $(DEMO_UPDATES)/kvd-2.suit $(wildcard tests/linux/kvd/update-v3/*)
	$(DEMO_MKUPDATE) build --target $(DEMO_KVD) --after $< --new tests/linux/kvd/update-v3/new.c \
		$(addprefix --replace ,kvd_table_set kvd_table_delete kvd_table_check kvd_version) \
		--update-code tests/linux/kvd/update-v3/update.c --data kvd_arena --name kvd-3 --sequence 7 \
		--key $(DEMO_DIR)/vendor.pem -o $@

# The package redis-tools has the server under this name; it is redis-server when it is called so.
DEMO_REDIS := /usr/bin/redis-check-rdb
$(DEMO_UPDATES)/redis-2.suit: $(DEMO_REDIS) tests/linux/redis/update/new.c $(DEMO_DIR)/vendor.pem $(DEMO_TOOLS)
	@mkdir -p $(@D)
	$(DEMO_MKUPDATE) build --target $< --new tests/linux/redis/update/new.c --replace flushallCommand --name redis-2 \
		--sequence 2 --key $(DEMO_DIR)/vendor.pem -o $@

$(DEMO_UPDATES)/kvd-older.suit: $(DEMO_UPDATES)/kvd-2.suit $(DEMO_DIR)/vendor.pem
	$(DEMO_MKUPDATE) sign --key $(DEMO_DIR)/vendor.pem --sequence 1 -o $@ $<

# New enough, but made for version 1.
$(DEMO_UPDATES)/kvd-again.suit: $(DEMO_UPDATES)/kvd-2.suit $(DEMO_DIR)/vendor.pem
	$(DEMO_MKUPDATE) sign --key $(DEMO_DIR)/vendor.pem --sequence 8 -o $@ $<

$(DEMO_UPDATES)/kvd-wrong-key.suit: $(DEMO_UPDATES)/kvd-2.suit $(DEMO_DIR)/stranger.pem
	$(DEMO_MKUPDATE) sign --key $(DEMO_DIR)/stranger.pem -o $@ $<

$(DEMO_UPDATES)/kvd-tampered.suit: $(DEMO_UPDATES)/kvd-2.suit tests/linux/demo/flip-bit
	tests/linux/demo/flip-bit $< $@

# Another build of the same program that calls itself by the same build id: only its code tells them apart.
$(DEMO_DIR)/other/kvd: tests/linux/kvd/kvd.c tests/linux/kvd/table.c tests/linux/kvd/kvd.h $(DEMO_KVD)
	@mkdir -p $(@D)
	$(HOSTCC) $(filter-out -MMD -MP,$(KVD_CFLAGS)) -O1 -pie -pthread -o $@ tests/linux/kvd/kvd.c tests/linux/kvd/table.c \
		-Wl,--build-id=0x$$(readelf -n $(DEMO_KVD) | sed -n 's/.*Build ID: //p')

DEMO_FILES := $(addprefix $(DEMO_UPDATES)/,$(addsuffix .suit,kvd-2 kvd-3 kvd-again kvd-older kvd-wrong-key kvd-other-code kvd-loses-key \
	kvd-loops kvd-sick kvd-tampered)) $(DEMO_DIR)/vendor.anchor
# Without it there is nothing to build its update from; `make run` and `make test` install it first.
DEMO_FILES += $(if $(wildcard $(DEMO_REDIS)),$(DEMO_UPDATES)/redis-2.suit)

ALL += $(DEMO_FILES)
RING_TESTS += tests/linux/demo/demo-live
