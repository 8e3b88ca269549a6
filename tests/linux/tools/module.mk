# SPDX-License-Identifier: GPL-2.0-only
# The Linux module, libravelin and the program ravelin in a guest.

LINUX_TOOLS_PROGRAMS := $(B)/tests/linux/tools/ioctls

# Static: an initramfs with them needs no libraries.
$(LINUX_TOOLS_PROGRAMS): $(B)/tests/linux/tools/%: tests/linux/tools/%.c tests/linux/tools/module.mk
	@mkdir -p $(@D)
	$(HOSTCC) $(HOST_CFLAGS) -MMD -MP -MF $@.d -static -o $@ $<

-include $(LINUX_TOOLS_PROGRAMS:%=%.d)

# A task that runs until it is killed.
$(B)/tests/linux/tools/spin-long.img: $(B)/tasks/spin.img tests/linux/tools/spin-long.fimce $(B)/mkfimce
	@mkdir -p $(@D)
	$(B)/mkfimce -d tests/linux/tools/spin-long.fimce -o $@ $(B)/tasks/spin.elf

ALL += $(LINUX_TOOLS_PROGRAMS) $(B)/tests/linux/tools/spin-long.img
RING_TESTS += tests/linux/tools/module-build tests/linux/tools/install tests/linux/tools/tools-2 tests/linux/tools/siblings tests/linux/tools/tools-generic
