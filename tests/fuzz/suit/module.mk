# SPDX-License-Identifier: GPL-2.0-only
# Fuzzing of the SUIT pillar: build/tests/fuzz/suit/fuzz_suit, and fuzz-suit, which runs it on its corpus for FUZZ_SECONDS.

FUZZ_SUIT_CC ?= clang
FUZZ_SUIT_SRC := tests/fuzz/suit/fuzz_suit.c pillars/suit/suit.c pillars/cbor/cbor.c pillars/crypto/crypto.c
FUZZ_SUIT_SEEDS_SRC := tests/fuzz/suit/seeds.c tests/unit/suit/envelope_builder.c pillars/cbor/cbor.c
FUZZ_SUIT_DEPS := $(wildcard pillars/suit/*.h pillars/cbor/*.h pillars/crypto/*.h include/ravelin/*.h tests/unit/suit/*.h)

$(B)/tests/fuzz/suit/fuzz_suit: $(FUZZ_SUIT_SRC) $(FUZZ_SUIT_DEPS) tests/fuzz/suit/module.mk
	@mkdir -p $(@D)
	$(FUZZ_SUIT_CC) -std=c11 -O1 -g $(WARN) -Iinclude -Ipillars -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -o $@ $(FUZZ_SUIT_SRC) -lbearssl

$(B)/tests/fuzz/suit/seeds: $(FUZZ_SUIT_SEEDS_SRC) $(FUZZ_SUIT_DEPS) tests/fuzz/suit/module.mk
	@mkdir -p $(@D)
	$(HOSTCC) $(HOST_CFLAGS) -Ipillars -o $@ $(FUZZ_SUIT_SEEDS_SRC) -lcrypto

FUZZ_SECONDS ?= 600

# New finds go below build/; merge them into tests/fuzz/suit/corpus by hand with -merge=1.
.PHONY: fuzz-suit
fuzz-suit: $(B)/tests/fuzz/suit/fuzz_suit $(B)/tests/fuzz/suit/seeds
	@mkdir -p $(B)/tests/fuzz/suit/corpus $(B)/tests/fuzz/suit/seed
	$(B)/tests/fuzz/suit/seeds $(B)/tests/fuzz/suit/seed
	$< -max_len=4096 -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 \
		-artifact_prefix=$(B)/tests/fuzz/suit/ $(B)/tests/fuzz/suit/corpus tests/fuzz/suit/corpus \
		$(B)/tests/fuzz/suit/seed
