# SPDX-License-Identifier: GPL-2.0-only
# libFuzzer targets. Each is a directory tests/fuzz/NAME with NAME.c (LLVMFuzzerTestOneInput), a corpus in
# tests/fuzz/NAME/corpus, and one line here or in tests/fuzz/NAME/module.mk:
#
#     $(eval $(call FUZZ_TARGET,NAME,SOURCES TO LINK,MORE FLAGS))
#
#   make fuzz                       all targets, FUZZ_SECONDS each (default 60)
#   make fuzz-NAME FUZZ_SECONDS=600 one target
#   make fuzz-corpus                replays the kept corpora once: quick, part of `make test` as the unit test corpus-NAME
#
# New inputs go to build/fuzz/NAME/corpus, findings to build/fuzz/NAME; `make fuzz-merge-NAME` adds to the kept corpus
# what reaches new code.

FUZZ_SECONDS ?= 60
FUZZ_CC ?= clang
FUZZ_CFLAGS := -std=c11 -O1 -g -Wall -Wextra -Werror -Iinclude -Ipillars -Ifimce/manager -Ifimce/include -D_GNU_SOURCE \
	-fno-omit-frame-pointer -fno-sanitize-recover=all
FUZZ_TARGETS :=

.PHONY: fuzz fuzz-corpus

# A second build without libFuzzer replays the corpus with the compiler and the sanitizers of the unit tests.
define FUZZ_TARGET
FUZZ_TARGETS += $(1)

$(B)/fuzz/$(1)/$(1): tests/fuzz/$(1)/$(1).c $(2) $$(wildcard fimce/manager/*.h pillars/*/*.h include/ravelin/*.h)
	@mkdir -p $$(@D)
	$$(FUZZ_CC) $$(FUZZ_CFLAGS) $(3) -fsanitize=fuzzer,address,undefined -o $$@ tests/fuzz/$(1)/$(1).c $(2) -lbearssl

$(B)/tests/fuzz/corpus-$(1): tests/fuzz/$(1)/$(1).c tests/fuzz/replay.c $(2) \
		$$(wildcard fimce/manager/*.h pillars/*/*.h include/ravelin/*.h)
	@mkdir -p $$(@D)
	$$(HOSTCC) $$(TEST_CFLAGS) -Wno-missing-prototypes -Ipillars -Ifimce/manager -Ifimce/include $(3) \
		-DREPLAY_NAME='"$(1)"' -o $$@ tests/fuzz/$(1)/$(1).c tests/fuzz/replay.c $(2) $$(TEST_LDFLAGS) -lbearssl

UNIT_TESTS += $(B)/tests/fuzz/corpus-$(1)

.PHONY: fuzz-$(1) fuzz-merge-$(1)
fuzz-$(1): $(B)/fuzz/$(1)/$(1)
	@mkdir -p $(B)/fuzz/$(1)/corpus
	cd $(B)/fuzz/$(1) && ./$(1) -max_total_time=$$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
		corpus $$(CURDIR)/tests/fuzz/$(1)/corpus

fuzz-merge-$(1): $(B)/fuzz/$(1)/$(1)
	$(B)/fuzz/$(1)/$(1) -merge=1 tests/fuzz/$(1)/corpus $(B)/fuzz/$(1)/corpus
endef

$(eval $(call FUZZ_TARGET,cbor,pillars/cbor/cbor.c,))
$(eval $(call FUZZ_TARGET,image,fimce/manager/image_check.c fimce/manager/measure.c pillars/cbor/cbor.c \
	pillars/crypto/crypto.c pillars/suit/suit.c,))

-include $(sort $(wildcard tests/fuzz/*/module.mk))

fuzz: $(FUZZ_TARGETS:%=fuzz-%)
fuzz-corpus: $(FUZZ_TARGETS:%=$(B)/tests/fuzz/corpus-%)
	set -e; for program in $^; do $$program; done
