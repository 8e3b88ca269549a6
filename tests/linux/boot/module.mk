# SPDX-License-Identifier: GPL-2.0-only
# Ordinary Linux as the guest: boot, CPUs, kexec, reset, power-off.

# Static: an initramfs with them needs no libraries.
LINUX_BOOT_PROGRAMS := $(B)/tests/linux/boot/probe $(B)/tests/linux/boot/kexec

$(LINUX_BOOT_PROGRAMS): $(B)/tests/linux/boot/%: tests/linux/boot/%.c tests/linux/boot/module.mk
	@mkdir -p $(@D)
	$(HOSTCC) $(HOST_CFLAGS) -MMD -MP -MF $@.d -static -o $@ $<

-include $(LINUX_BOOT_PROGRAMS:%=%.d)

ALL += $(LINUX_BOOT_PROGRAMS)
RING_TESTS += tests/linux/boot/boot-1 tests/linux/boot/boot-2 tests/linux/boot/boot-4 tests/linux/boot/boot-2-default \
	tests/linux/boot/restart
