# SPDX-License-Identifier: GPL-2.0-only
# Tasks with devices of their own, in a guest. The part that needs VT-d is tests/nested/device-whole.

# Static: an initramfs with it needs no libraries.
DEVICE_SPIES := $(B)/tests/linux/device/portwatch $(B)/tests/linux/device/keywatch
$(DEVICE_SPIES): $(B)/tests/linux/device/%: tests/linux/device/%.c tests/linux/device/module.mk
	@mkdir -p $(@D)
	$(HOSTCC) $(HOST_CFLAGS) -MMD -MP -MF $@.d -static -o $@ $<

-include $(DEVICE_SPIES:=.d)

ALL += $(DEVICE_SPIES)
RING_TESTS += tests/linux/device/prompt-2
