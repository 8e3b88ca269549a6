# SPDX-License-Identifier: GPL-2.0-only
# Host unit tests of the manager, mkfimce and the pillars libc, cbor, crypto.

FIMCE_TEST_OBJ_DIR := $(B)/test-obj/fimce
FIMCE_TEST_CFLAGS := $(TEST_CFLAGS) -Ipillars -Ifimce/manager -Ifimce/mkfimce -Ifimce/include \
	-DTEST_BUILD_DIR='"$(B)"'
FIMCE_TEST_NAMES := cbor crypto libc image measure mkfimce
FIMCE_TEST_PROGRAMS := $(FIMCE_TEST_NAMES:%=$(B)/tests/unit/fimce/test_%)

# What each is linked with beside its own source.
FIMCE_TEST_SRC_cbor := pillars/cbor/cbor.c
FIMCE_TEST_SRC_crypto := pillars/crypto/crypto.c
FIMCE_TEST_SRC_libc := pillars/libc/string.c pillars/libc/stdio.c
FIMCE_TEST_SRC_image := fimce/manager/image_check.c
FIMCE_TEST_SRC_measure := fimce/manager/measure.c fimce/manager/journal.c fimce/manager/image_check.c \
	pillars/cbor/cbor.c pillars/crypto/crypto.c
FIMCE_TEST_SRC_mkfimce := fimce/mkfimce/describe.c fimce/mkfimce/elf.c fimce/mkfimce/link.c fimce/mkfimce/print.c \
	fimce/manager/image_check.c pillars/crypto/crypto.c

$(FIMCE_TEST_OBJ_DIR)/%.o: %.c tests/unit/fimce/module.mk
	@mkdir -p $(@D)
	$(HOSTCC) $(FIMCE_TEST_CFLAGS) -MMD -MP -c -o $@ $<

# The libc pillar beside the host's: with its own headers and other names.
$(FIMCE_TEST_OBJ_DIR)/pillars/libc/%.o: FIMCE_TEST_CFLAGS += -Ipillars/libc/include -fno-builtin \
	-include tests/unit/fimce/libc_rename.h

define FIMCE_TEST_RULE
$(B)/tests/unit/fimce/test_$(1): $$(patsubst %.c,$(FIMCE_TEST_OBJ_DIR)/%.o,tests/unit/fimce/test_$(1).c $(FIMCE_TEST_SRC_$(1)))
	@mkdir -p $$(@D)
	$$(HOSTCC) -o $$@ $$^ $$(TEST_LDFLAGS) -lbearssl -lelf
-include $$(patsubst %.c,$(FIMCE_TEST_OBJ_DIR)/%.d,tests/unit/fimce/test_$(1).c $(FIMCE_TEST_SRC_$(1)))
endef
$(foreach name,$(FIMCE_TEST_NAMES),$(eval $(call FIMCE_TEST_RULE,$(name))))

# It links a real task.
$(B)/tests/unit/fimce/test_mkfimce: | $(B)/fimce-obj/fimce/tasks/sha256.o $(B)/libpillars.a $(B)/task.ld

UNIT_TESTS += $(FIMCE_TEST_PROGRAMS)
