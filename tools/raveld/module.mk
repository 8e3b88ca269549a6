# SPDX-License-Identifier: GPL-2.0-only
# The monitor raveld: build/raveld.

RAVELD_DIR := tools/raveld
RAVELD_SOURCES := $(wildcard $(RAVELD_DIR)/*.c)
RAVELD_OBJECTS := $(RAVELD_SOURCES:%.c=$(B)/%.o)

$(RAVELD_OBJECTS): $(B)/%.o: %.c
	@mkdir -p $(@D)
	$(HOSTCC) $(HOST_CFLAGS) -Itools -pthread -MMD -MP -c -o $@ $<

$(B)/raveld: $(RAVELD_OBJECTS) $(LIBRAVELIN_A)
	$(HOSTCC) -pthread -o $@ $(RAVELD_OBJECTS) $(LIBRAVELIN_LIBS)

ALL += $(B)/raveld

.PHONY: raveld-install
raveld-install: $(B)/raveld
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/share/man/man8 $(DESTDIR)$(PREFIX)/lib/systemd/system \
		$(DESTDIR)/etc/ravelin
	install -m 755 $(B)/raveld $(DESTDIR)$(PREFIX)/sbin/
	install -m 644 $(RAVELD_DIR)/raveld.8 $(DESTDIR)$(PREFIX)/share/man/man8/
	sed 's|@PREFIX@|$(PREFIX)|' $(RAVELD_DIR)/raveld.service >$(DESTDIR)$(PREFIX)/lib/systemd/system/raveld.service
	test -e $(DESTDIR)/etc/ravelin/raveld.conf || install -m 644 $(RAVELD_DIR)/raveld.conf $(DESTDIR)/etc/ravelin/
INSTALL_TARGETS += raveld-install

-include $(RAVELD_OBJECTS:.o=.d)
