# SPDX-License-Identifier: GPL-2.0-only
# Host unit tests of the pillars that drive devices: each with a device that is made of memory.

TEST_PILLARS_DIR := $(B)/tests/unit/pillars
TEST_PILLARS_OBJ_DIR := $(B)/test-obj/pillars
TEST_PILLARS_NAMES := pci edu virtio serial keyboard
TEST_PILLARS_SRC_pci := pillars/pci/pci.c pillars/pci/dma.c pillars/interrupt/interrupt.c
TEST_PILLARS_SRC_edu := pillars/edu/edu.c pillars/pci/pci.c
TEST_PILLARS_SRC_virtio := pillars/virtio/virtio.c pillars/pci/pci.c
TEST_PILLARS_SRC_serial := pillars/serial/serial.c
TEST_PILLARS_SRC_keyboard := pillars/keyboard/keyboard.c

$(TEST_PILLARS_OBJ_DIR)/%.o: %.c tests/unit/pillars/module.mk
	@mkdir -p $(@D)
	$(HOSTCC) $(TEST_CFLAGS) -Ipillars -Ifimce/include -DRV_HOST_TEST=1 -MMD -MP -c -o $@ $<

define TEST_PILLARS_RULE
$(TEST_PILLARS_DIR)/test_$(1): $$(patsubst %.c,$(TEST_PILLARS_OBJ_DIR)/%.o,tests/unit/pillars/test_$(1).c $(TEST_PILLARS_SRC_$(1)))
	@mkdir -p $$(@D)
	$$(HOSTCC) -o $$@ $$^ $$(TEST_LDFLAGS)
-include $$(patsubst %.c,$(TEST_PILLARS_OBJ_DIR)/%.d,tests/unit/pillars/test_$(1).c $(TEST_PILLARS_SRC_$(1)))
endef
$(foreach name,$(TEST_PILLARS_NAMES),$(eval $(call TEST_PILLARS_RULE,$(name))))

UNIT_TESTS += $(TEST_PILLARS_NAMES:%=$(TEST_PILLARS_DIR)/test_%)
