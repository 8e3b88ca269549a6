# SPDX-License-Identifier: GPL-2.0-only
# Fuzzing of the DMAR parser. `make fuzz-seed-dmar` writes the tables of the unit tests into the working corpus, from which the kept
# one was made.

FUZZ_DMAR_SRC := boot/acpi/dmar.c tests/unit/boot/dmar_tables.c

$(eval $(call FUZZ_TARGET,dmar,$(FUZZ_DMAR_SRC),))

$(B)/fuzz/dmar/dmar $(B)/tests/fuzz/corpus-dmar: boot/acpi/dmar.h tests/unit/boot/dmar_tables.h

$(B)/fuzz/dmar/seeds: tests/fuzz/dmar/seeds.c $(FUZZ_DMAR_SRC) boot/acpi/dmar.h tests/unit/boot/dmar_tables.h
	@mkdir -p $(@D)
	$(HOSTCC) $(HOST_CFLAGS) -o $@ tests/fuzz/dmar/seeds.c $(FUZZ_DMAR_SRC)

.PHONY: fuzz-seed-dmar
fuzz-seed-dmar: $(B)/fuzz/dmar/seeds
	@mkdir -p $(B)/fuzz/dmar/corpus
	$< $(B)/fuzz/dmar/corpus
