# SPDX-License-Identifier: GPL-2.0-only
# Fuzzing of the SUIT pillar. `make fuzz-seed-suit` writes the envelopes of the unit tests into the working corpus, from which
# the kept one was made.

$(eval $(call FUZZ_TARGET,suit,pillars/suit/suit.c pillars/cbor/cbor.c pillars/crypto/crypto.c,))

FUZZ_SUIT_SEEDS_SRC := tests/fuzz/suit/seeds.c tests/unit/suit/envelope_builder.c pillars/cbor/cbor.c

$(B)/fuzz/suit/seeds: $(FUZZ_SUIT_SEEDS_SRC) tests/unit/suit/envelope_builder.h tests/fuzz/suit/module.mk
	@mkdir -p $(@D)
	$(HOSTCC) $(HOST_CFLAGS) -Ipillars -o $@ $(FUZZ_SUIT_SEEDS_SRC) -lcrypto

.PHONY: fuzz-seed-suit
fuzz-seed-suit: $(B)/fuzz/suit/seeds
	@mkdir -p $(B)/fuzz/suit/corpus
	$< $(B)/fuzz/suit/corpus
