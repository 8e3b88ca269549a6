# SPDX-License-Identifier: GPL-2.0-only
# Host unit tests of libravelin, the program ravelin and raveld, with a fake /dev/ravelin.

UNIT_TOOLS_DIR := tests/unit/tools
UNIT_TOOLS_OUT := $(B)/$(UNIT_TOOLS_DIR)
UNIT_TOOLS_LIB := $(LIBRAVELIN_SOURCES:%.c=$(UNIT_TOOLS_OUT)/%.o)
UNIT_TOOLS_CLI := $(patsubst %.c,$(UNIT_TOOLS_OUT)/%.o,$(filter-out %/main.c,$(CLI_SOURCES)))
UNIT_TOOLS_RAVELD := $(patsubst %.c,$(UNIT_TOOLS_OUT)/%.o,$(filter-out %/main.c,$(RAVELD_SOURCES)))
UNIT_TOOLS_FAKE := $(UNIT_TOOLS_OUT)/$(UNIT_TOOLS_DIR)/fake_device.o
# Runs the program ravelin; only for tests that bring it.
UNIT_TOOLS_RUN := $(UNIT_TOOLS_OUT)/$(UNIT_TOOLS_DIR)/run_cli.o
UNIT_TOOLS_OBJECTS := $(UNIT_TOOLS_LIB) $(UNIT_TOOLS_CLI) $(UNIT_TOOLS_RAVELD) $(UNIT_TOOLS_FAKE) $(UNIT_TOOLS_RUN) \
	$(patsubst %,$(UNIT_TOOLS_OUT)/$(UNIT_TOOLS_DIR)/%.o,test_lib test_update test_cli test_raveld test_guard test_devices)
UNIT_TOOLS_WRAP := -Wl,--wrap=open,--wrap=close,--wrap=ioctl
UNIT_TOOLS_WRAP_FREEZER := -Wl,--wrap=ravelin_freezer_open,--wrap=ravelin_freezer_freeze \
	-Wl,--wrap=ravelin_freezer_thaw,--wrap=ravelin_freezer_close,--wrap=ravelin_freezer_file
UNIT_TOOLS_TESTS := $(patsubst %,$(UNIT_TOOLS_OUT)/%,test_lib test_update test_cli test_raveld test_guard test_devices)

$(UNIT_TOOLS_OBJECTS): $(UNIT_TOOLS_OUT)/%.o: %.c
	@mkdir -p $(@D)
	$(HOSTCC) $(TEST_CFLAGS) -Itools -Itools/libravelin -pthread -MMD -MP -c -o $@ $<

# Which wrapped functions a test needs differs; what it does not call of the program is left out.
$(UNIT_TOOLS_OUT)/test_update $(UNIT_TOOLS_OUT)/test_raveld: UNIT_TOOLS_MORE := $(UNIT_TOOLS_WRAP_FREEZER)
$(UNIT_TOOLS_OUT)/test_cli $(UNIT_TOOLS_OUT)/test_devices: $(UNIT_TOOLS_CLI) $(UNIT_TOOLS_RUN)
$(UNIT_TOOLS_OUT)/test_raveld: $(UNIT_TOOLS_RAVELD)
$(UNIT_TOOLS_TESTS): $(UNIT_TOOLS_OUT)/%: $(UNIT_TOOLS_OUT)/$(UNIT_TOOLS_DIR)/%.o $(UNIT_TOOLS_LIB) $(UNIT_TOOLS_FAKE)
	$(HOSTCC) -pthread $(UNIT_TOOLS_WRAP) $(UNIT_TOOLS_MORE) -Wl,--build-id=sha1 -o $@ $(sort $^) $(TEST_LDFLAGS) -lcrypto

UNIT_TESTS += $(UNIT_TOOLS_TESTS) $(UNIT_TOOLS_DIR)/manuals

-include $(UNIT_TOOLS_OBJECTS:.o=.d)
