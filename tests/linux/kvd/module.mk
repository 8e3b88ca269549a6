# SPDX-License-Identifier: GPL-2.0-only
# kvd, the update target of ours, its clients and its unit test. The updates are in tests/linux/demo/module.mk.

KVD_DIR := $(B)/tests/linux/kvd
# Symbols and a build id are what an update is built from; whole functions are what it replaces.
KVD_CFLAGS := $(HOST_CFLAGS) -fno-inline-functions -fno-ipa-icf -fno-reorder-blocks-and-partition -MMD -MP
KVD_PROGRAMS := $(KVD_DIR)/kvd $(KVD_DIR)/kvclient $(KVD_DIR)/kvexploit
KVD_OBJ := $(addprefix $(KVD_DIR)/,kvd.o table.o kvclient.o kvexploit.o load.o)
KVD_TEST_OBJ := $(addprefix $(KVD_DIR)/test/,test_kvd.o table.o v2_code.o)

$(KVD_DIR)/%.o: tests/linux/kvd/%.c
	@mkdir -p $(@D)
	$(HOSTCC) $(KVD_CFLAGS) -c -o $@ $<

$(KVD_DIR)/load.o: tests/linux/demo/load.c
	@mkdir -p $(@D)
	$(HOSTCC) $(HOST_CFLAGS) -MMD -MP -c -o $@ $<

$(KVD_DIR)/kvd: $(KVD_DIR)/kvd.o $(KVD_DIR)/table.o
	$(HOSTCC) -pie -pthread -Wl,--build-id=sha1 -o $@ $^

$(KVD_DIR)/kvclient $(KVD_DIR)/kvexploit: %: %.o $(KVD_DIR)/load.o
	$(HOSTCC) -o $@ $^

$(KVD_DIR)/test/%.o: tests/linux/kvd/%.c
	@mkdir -p $(@D)
	$(HOSTCC) $(TEST_CFLAGS) -MMD -MP -c -o $@ $<

$(KVD_DIR)/test/test_kvd: $(KVD_TEST_OBJ)
	$(HOSTCC) -o $@ $^ $(TEST_LDFLAGS)

ALL += $(KVD_PROGRAMS)
UNIT_TESTS += $(KVD_DIR)/test/test_kvd
RING_TESTS += tests/linux/kvd/test-services

-include $(KVD_OBJ:.o=.d) $(KVD_TEST_OBJ:.o=.d)
