# SPDX-License-Identifier: GPL-2.0-only
# The Linux module ravelin.ko, built against Debian's current cloud and generic kernels, or against KDIR for `make install`.

LINUX_DIR := boot/linux
LINUX_SOURCES := $(wildcard $(LINUX_DIR)/*.c $(LINUX_DIR)/*.h) $(LINUX_DIR)/Kbuild
LINUX_HEADERS := $(wildcard include/ravelin/*.h)

# Kbuild writes next to the sources, so it gets a copy of them. $(1): a name for the copy, $(2): the kernel's build directory.
linux_build = rm -rf $(B)/$(LINUX_DIR)/$(1)/src && mkdir -p $(B)/$(LINUX_DIR)/$(1)/src && \
	cp $(LINUX_SOURCES) $(B)/$(LINUX_DIR)/$(1)/src/ && \
	$(MAKE) --no-print-directory -s -C "$(2)" M=$(abspath $(B))/$(LINUX_DIR)/$(1)/src \
		RAVELIN_INCLUDE=$(abspath include) modules && \
	cp $(B)/$(LINUX_DIR)/$(1)/src/ravelin.ko $(B)/$(LINUX_DIR)/$(1)/ravelin.ko

$(B)/$(LINUX_DIR)/cloud/ravelin.ko $(B)/$(LINUX_DIR)/generic/ravelin.ko: $(B)/$(LINUX_DIR)/%/ravelin.ko: $(LINUX_SOURCES) $(LINUX_HEADERS)
	$(call linux_build,$*,$$(scripts/fetch-kernel --build $(B) --print KDIR $*))

ALL += $(B)/$(LINUX_DIR)/cloud/ravelin.ko

# The module goes to the kernel that KDIR belongs to; without KDIR, to the running one if its headers are installed. systemd loads it
# at boot: raveld.service needs /dev/ravelin.
LINUX_KDIR := $(if $(KDIR),$(KDIR),$(wildcard /lib/modules/$(shell uname -r)/build))

.PHONY: linux-install
linux-install:
ifeq ($(LINUX_KDIR),)
	@echo "ravelin.ko is not installed: no headers of kernel $(shell uname -r) here; name a kernel with KDIR="
else
	$(call linux_build,installed,$(LINUX_KDIR))
	$(MAKE) --no-print-directory -s -C "$(LINUX_KDIR)" M=$(abspath $(B))/$(LINUX_DIR)/installed/src \
		RAVELIN_INCLUDE=$(abspath include) INSTALL_MOD_PATH=$(abspath $(DESTDIR)) $(if $(DESTDIR),DEPMOD=true) CONFIG_MODULE_SIG_ALL= modules_install
	install -d $(DESTDIR)$(PREFIX)/lib/modules-load.d
	install -m 644 $(LINUX_DIR)/modules-load.conf $(DESTDIR)$(PREFIX)/lib/modules-load.d/ravelin.conf
endif
INSTALL_TARGETS += linux-install
