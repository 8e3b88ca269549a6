# SPDX-License-Identifier: GPL-2.0-only
# Host unit tests of the update task: build/tests/unit/uih/test_uih.

TEST_UIH_SRC := tests/unit/uih/test_uih.c pillars/uih/uih.c pillars/uih/uih_memory.c pillars/uih/uih_task.c \
	pillars/suit/suit.c pillars/cbor/cbor.c pillars/crypto/crypto.c \
	tools/mkupdate/envelope.c tools/mkupdate/key.c tools/mkupdate/util.c
TEST_UIH_OBJ := $(TEST_UIH_SRC:%.c=$(B)/test-obj/uih/%.o)

$(TEST_UIH_OBJ): $(B)/test-obj/uih/%.o: %.c tests/unit/uih/module.mk
	@mkdir -p $(@D)
	$(HOSTCC) $(TEST_CFLAGS) -Ipillars -Ifimce/include -DRV_HOST_TEST=1 -MMD -MP -c -o $@ $<

$(B)/tests/unit/uih/test_uih: $(TEST_UIH_OBJ)
	@mkdir -p $(@D)
	$(HOSTCC) -o $@ $^ $(TEST_LDFLAGS) -lcbor -lcrypto -lbearssl

UNIT_TESTS += $(B)/tests/unit/uih/test_uih

-include $(TEST_UIH_OBJ:.o=.d)
