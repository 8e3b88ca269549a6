# SPDX-License-Identifier: GPL-2.0-only
# Host unit tests of the SUIT pillar: build/tests/unit/suit/test_suit.

TEST_SUIT_SRC := $(sort $(wildcard tests/unit/suit/*.c)) pillars/suit/suit.c pillars/cbor/cbor.c pillars/crypto/crypto.c
TEST_SUIT_OBJ := $(TEST_SUIT_SRC:%.c=$(B)/test-obj/suit/%.o)

$(TEST_SUIT_OBJ): $(B)/test-obj/suit/%.o: %.c tests/unit/suit/module.mk
	@mkdir -p $(@D)
	$(HOSTCC) $(TEST_CFLAGS) -Ipillars -MMD -MP -c -o $@ $<

$(B)/tests/unit/suit/test_suit: $(TEST_SUIT_OBJ)
	@mkdir -p $(@D)
	$(HOSTCC) -o $@ $^ $(TEST_LDFLAGS) -lcrypto -lbearssl

UNIT_TESTS += $(B)/tests/unit/suit/test_suit

-include $(TEST_SUIT_OBJ:.o=.d)
