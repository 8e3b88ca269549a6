# SPDX-License-Identifier: GPL-2.0-only
# Tasks with devices of their own, in a guest. The part that needs VT-d is tests/nested/device-whole.

# Static: an initramfs with it needs no libraries.
$(B)/tests/linux/device/portwatch: tests/linux/device/portwatch.c tests/linux/device/module.mk
	@mkdir -p $(@D)
	$(HOSTCC) $(HOST_CFLAGS) -MMD -MP -MF $@.d -static -o $@ $<

-include $(B)/tests/linux/device/portwatch.d

ALL += $(B)/tests/linux/device/portwatch
RING_TESTS += tests/linux/device/prompt-2
