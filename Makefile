# SPDX-License-Identifier: GPL-2.0-only
# Builds everything below build/, makes ISO images, runs the demonstration and the tests. See docs/building.md.
#
#   make             build all
#   make run         the main job, live, on this machine (installs missing Debian packages, says which)
#   make test        every test that this machine can run (same)
#   make unit        the host unit tests only
#   make test-nested the whole stack on KVM with VT-d and TPM only (a part of make test)
#   make lint        formatting and static analysis
#   make fuzz        libFuzzer targets, FUZZ_SECONDS each (default 60); fuzz-NAME: one of them; fuzz-merge-NAME: keeps what it found;
#                    fuzz-corpus: replays what is kept
#   make bench       the table of figures
#   make iso KERNEL=bzImage INITRD=cpio CMDLINE="..." [HVCMDLINE="..."] [BARE=1] ISO=out.iso
#   make install [DESTDIR=] [PREFIX=/usr/local] [KDIR=kernel-build-directory]
#   make packages    install the Debian packages that building and testing need
#   make format      clang-format all C files in place
#   make clean

B := build

# Tools. CC builds what runs in the hypervisor, in a FIMCE and in the boot stub; HOSTCC builds what runs on Linux.
CC := gcc
HOSTCC := gcc
LD := ld
OBJCOPY := objcopy
PYTHON3 := python3

WARN := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wconversion -Werror
HOST_CFLAGS := -std=c11 -O2 -g $(WARN) -Iinclude -D_GNU_SOURCE
TEST_SANITIZE := -fsanitize=address,undefined -fno-omit-frame-pointer
TEST_CFLAGS := -std=c11 -O1 -g $(WARN) -Iinclude -D_GNU_SOURCE $(TEST_SANITIZE)
TEST_LDFLAGS := -fsanitize=address,undefined -lcmocka
FIMCE_CFLAGS := -std=c11 -O2 -g $(WARN) -Iinclude -Ipillars -ffreestanding -fno-pic -mcmodel=kernel -mno-red-zone \
	-fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none -m64 -march=x86-64

# Debian's kernel headers, downloaded and unpacked below build/ when a rule first uses one of these (nothing is installed).
KDIR_CLOUD = $(shell scripts/fetch-kernel --build $(B) --print KDIR cloud)
KDIR_GENERIC = $(shell scripts/fetch-kernel --build $(B) --print KDIR generic)

# Where `make install` puts things.
PREFIX ?= /usr/local
DESTDIR ?=

# Lists that the modules add to: products of `make`, host unit test programs, test scripts that start an emulator (each is
# run as `SCRIPT BUILD_DIRECTORY`), measurements (same), and phony targets that `make install` runs.
ALL :=
UNIT_TESTS :=
RING_TESTS :=
BENCH_TESTS :=
INSTALL_TARGETS :=

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.PHONY: all run test test-nested unit lint bench iso install packages format clean

MODULES := $(wildcard hv/module.mk boot/multiboot2/module.mk boot/linux/module.mk fimce/module.mk pillars/module.mk \
	tools/module.mk tests/*/module.mk)
-include $(MODULES)

all: $(ALL)

# The lists for scripts/compile-commands, which asks for them with a dry run.
.PHONY: all-and-tests
all-and-tests: $(ALL) $(UNIT_TESTS)

packages:
	scripts/install-packages build test emulators

unit:
	scripts/install-packages build test
	$(MAKE) --no-print-directory unit-only

# tests/run calls make again, so that a compiler error is a failed check among the others and not the end of the run.
.PHONY: unit-only unit-programs
unit-programs: $(UNIT_TESTS)
unit-only:
	tests/run --build $(B) --make unit-programs --unit $(UNIT_TESTS)

lint:
	scripts/install-packages build test
	scripts/lint $(B)

test:
	scripts/install-packages build test emulators
	$(MAKE) --no-print-directory test-only

# Unit tests run first: they take seconds and say most.
.PHONY: test-only
test-only:
	tests/run --build $(B) --make unit-programs --unit $(UNIT_TESTS) --make all --lint scripts/lint --rings $(RING_TESTS)

test-nested:
	scripts/install-packages build test emulators
	tests/run --build $(B) --make all --rings tests/nested/whole-machine

bench:
	scripts/install-packages build test emulators
	$(MAKE) --no-print-directory bench-only

.PHONY: bench-only
bench-only: all
	tests/run --build $(B) --table $(BENCH_TESTS)

run:
	scripts/install-packages build emulators
	$(MAKE) --no-print-directory all
	scripts/run-demo $(B)

# CMDLINE and HVCMDLINE go through the environment so that quotes and dollars in them reach grub.cfg unchanged.
KERNEL ?=
INITRD ?=
CMDLINE ?=
HVCMDLINE ?=
ISO ?=
BARE ?=
export CMDLINE HVCMDLINE
iso:
	scripts/install-packages build emulators
	$(if $(BARE),,$(MAKE) --no-print-directory $(B)/ravelin.elf)
	scripts/mkiso $(if $(BARE),--bare,--stub $(B)/ravelin.elf) "$(KERNEL)" "$(INITRD)" "$(ISO)"

# The boot stub goes to where GRUB can read it: multiboot2 /boot/ravelin.elf
install: $(INSTALL_TARGETS) $(B)/ravelin.elf
	install -d $(DESTDIR)/boot
	install -m 644 $(B)/ravelin.elf $(DESTDIR)/boot/ravelin.elf

format:
	git ls-files -z -co --exclude-standard '*.c' '*.h' | xargs -0 clang-format -i

clean:
	rm -rf $(B)
