# SPDX-License-Identifier: GPL-2.0-only
# Host unit tests of the hypervisor: its own files over a register file and memory that are arrays (fake*.c).

HV_TEST_NAMES := partition ept capability fimce_tables agent audit emulate exits hypercall fimce update update_guest journal launch check \
	vtd vtd_start vtd_virtual iommu device device_check device_line
HV_TEST_DIR := $(B)/test-obj/hv
HV_TEST_CFLAGS := $(TEST_CFLAGS) -I. -DHV_HOST_TEST=1 -include tests/unit/hv/machine.h -fno-strict-aliasing
HV_TEST_SRC := $(wildcard hv/*.c hv/*/*.c agent/*.c) $(wildcard tests/unit/hv/fake*.c)
HV_TEST_OBJ := $(HV_TEST_SRC:%.c=$(HV_TEST_DIR)/%.o)
HV_TEST_PROGRAMS := $(HV_TEST_NAMES:%=$(B)/tests/unit/hv/test_%)

# test_check compares the launch with the tool.
HV_TEST_TOOL := $(HV_TEST_DIR)/tools/libravelin/check.o
$(HV_TEST_DIR)/tests/unit/hv/test_check.o: HV_TEST_CFLAGS += -Itools
$(B)/tests/unit/hv/test_check: $(HV_TEST_TOOL)

$(HV_TEST_DIR)/%.o: %.c tests/unit/hv/module.mk
	@mkdir -p $(@D)
	$(HOSTCC) $(HV_TEST_CFLAGS) -MMD -MP -c -o $@ $<

$(HV_TEST_DIR)/hv.a: $(HV_TEST_OBJ)
	rm -f $@
	ar rcs $@ $^

$(HV_TEST_PROGRAMS): $(B)/tests/unit/hv/test_%: $(HV_TEST_DIR)/tests/unit/hv/test_%.o $(HV_TEST_DIR)/hv.a
	@mkdir -p $(@D)
	$(HOSTCC) -o $@ $^ $(TEST_LDFLAGS)

UNIT_TESTS += $(HV_TEST_PROGRAMS)

-include $(HV_TEST_OBJ:.o=.d) $(HV_TEST_TOOL:.o=.d) $(HV_TEST_NAMES:%=$(HV_TEST_DIR)/tests/unit/hv/test_%.d)
