# SPDX-License-Identifier: GPL-2.0-only
# Tests of mkupdate from the outside: build/tests/unit/mkupdate/test_mkupdate, and the programs that it updates.

TEST_MKUPDATE_DIR := $(B)/tests/unit/mkupdate
TEST_MKUPDATE_SRC := tests/unit/mkupdate/test_mkupdate.c pillars/suit/suit.c pillars/cbor/cbor.c pillars/crypto/crypto.c
TEST_MKUPDATE_OBJ := $(TEST_MKUPDATE_SRC:%.c=$(B)/test-obj/mkupdate/%.o)

$(TEST_MKUPDATE_OBJ): $(B)/test-obj/mkupdate/%.o: %.c tests/unit/mkupdate/module.mk
	@mkdir -p $(@D)
	$(HOSTCC) $(TEST_CFLAGS) -Ipillars -DSOURCE='"$(CURDIR)"' -DSAMPLE='"$(CURDIR)/tests/unit/mkupdate/sample"' \
		-MMD -MP -c -o $@ $<

# The program to be updated: position-independent with symbols; at a fixed address and stripped; without build-id.
TEST_MKUPDATE_VICTIM = $(HOSTCC) $(HOST_CFLAGS) -DRV_HOST_TEST=1 -Ipillars -Ifimce/include -rdynamic \
	tests/unit/mkupdate/sample/victim.c -ldl
TEST_MKUPDATE_VICTIM_DEPS := tests/unit/mkupdate/sample/victim.c tests/unit/mkupdate/sample/victim.h pillars/uih/uih.h \
	pillars/uih/uih_task.h fimce/include/vmcall.h tests/unit/mkupdate/module.mk $(wildcard include/ravelin/*.h)

$(TEST_MKUPDATE_DIR)/victim-pie: $(TEST_MKUPDATE_VICTIM_DEPS)
	@mkdir -p $(@D)
	$(TEST_MKUPDATE_VICTIM) -fPIE -pie -Wl,--build-id -o $@

$(TEST_MKUPDATE_DIR)/victim-fixed: $(TEST_MKUPDATE_VICTIM_DEPS)
	@mkdir -p $(@D)
	$(TEST_MKUPDATE_VICTIM) -fno-pie -no-pie -Wl,--build-id -s -o $@

$(TEST_MKUPDATE_DIR)/victim-noid: $(TEST_MKUPDATE_VICTIM_DEPS)
	@mkdir -p $(@D)
	$(TEST_MKUPDATE_VICTIM) -fPIE -pie -Wl,--build-id=none -o $@

# The update task for the host, that the victims run on themselves.
TEST_MKUPDATE_UIH_SRC := $(sort $(wildcard pillars/uih/*.c)) pillars/suit/suit.c pillars/cbor/cbor.c \
	pillars/crypto/crypto.c
TEST_MKUPDATE_UIH_OBJ := $(TEST_MKUPDATE_UIH_SRC:%.c=$(B)/test-obj/mkupdate-uih/%.o)

$(TEST_MKUPDATE_UIH_OBJ): $(B)/test-obj/mkupdate-uih/%.o: %.c tests/unit/mkupdate/module.mk
	@mkdir -p $(@D)
	$(HOSTCC) $(HOST_CFLAGS) -fPIC -DRV_HOST_TEST=1 -Ipillars -Ifimce/include -MMD -MP -c -o $@ $<

$(TEST_MKUPDATE_DIR)/uih-host.a: $(TEST_MKUPDATE_UIH_OBJ)
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcsD $@ $^

$(TEST_MKUPDATE_DIR)/test_mkupdate: $(TEST_MKUPDATE_OBJ) | mkupdate-sdk $(TEST_MKUPDATE_DIR)/victim-pie \
		$(TEST_MKUPDATE_DIR)/victim-fixed $(TEST_MKUPDATE_DIR)/victim-noid $(TEST_MKUPDATE_DIR)/uih-host.a $(B)/fimce-obj/fimce/tasks/sha256.o
	@mkdir -p $(@D)
	$(HOSTCC) -o $@ $(TEST_MKUPDATE_OBJ) $(TEST_LDFLAGS) -lbearssl

UNIT_TESTS += $(TEST_MKUPDATE_DIR)/test_mkupdate

-include $(TEST_MKUPDATE_OBJ:.o=.d) $(TEST_MKUPDATE_UIH_OBJ:.o=.d)
