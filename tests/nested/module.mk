# SPDX-License-Identifier: GPL-2.0-only
# The whole stack on QEMU with nested VMX; see docs/nested.md.

# Runs in the outer machine; static, so that it brings no libraries.
$(B)/tests/nested/inner: tests/nested/inner.c tests/nested/module.mk
	@mkdir -p $(@D)
	$(HOSTCC) $(HOST_CFLAGS) -MMD -MP -MF $@.d -static -o $@ $<

-include $(B)/tests/nested/inner.d

# The outer machine's module; Kbuild writes next to the sources, so it gets a copy of them.
NESTED_TICK := $(B)/tests/nested/nmitick
$(NESTED_TICK)/nmitick.ko: tests/nested/nmitick/nmitick.c tests/nested/nmitick/Kbuild
	@mkdir -p $(@D)
	cp $^ $(@D)/
	$(MAKE) --no-print-directory -s -C "$$(scripts/fetch-kernel --build $(B) --print KDIR cloud)" M=$(abspath $(@D)) modules

ALL += $(B)/tests/nested/inner $(NESTED_TICK)/nmitick.ko
RING_TESTS += tests/nested/whole-machine
UNIT_TESTS += tests/nested/test-frames
BENCH_TESTS += tests/nested/bench
