# SPDX-License-Identifier: GPL-2.0-only
# Ordinary Linux as the guest: boot, CPUs, reboot, power-off.

LINUX_BOOT_PROBE := $(B)/tests/linux/boot/probe

$(LINUX_BOOT_PROBE): tests/linux/boot/probe.c tests/linux/boot/module.mk
	@mkdir -p $(@D)
	$(HOSTCC) $(HOST_CFLAGS) -MMD -MP -MF $@.d -static -o $@ $<

-include $(LINUX_BOOT_PROBE).d

ALL += $(LINUX_BOOT_PROBE)
RING_TESTS += tests/linux/boot/boot-1 tests/linux/boot/boot-2 tests/linux/boot/boot-4
