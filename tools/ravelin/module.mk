# SPDX-License-Identifier: GPL-2.0-only
# The program ravelin: build/ravelin.

CLI_DIR := tools/ravelin
CLI_SOURCES := $(wildcard $(CLI_DIR)/*.c)
CLI_OBJECTS := $(CLI_SOURCES:%.c=$(B)/%.o)

$(CLI_OBJECTS): $(B)/%.o: %.c
	@mkdir -p $(@D)
	$(HOSTCC) $(HOST_CFLAGS) -Itools -pthread -MMD -MP -c -o $@ $<

$(B)/ravelin: $(CLI_OBJECTS) $(LIBRAVELIN_A)
	$(HOSTCC) -pthread -o $@ $(CLI_OBJECTS) $(LIBRAVELIN_LIBS)

ALL += $(B)/ravelin

.PHONY: cli-install
cli-install: $(B)/ravelin
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/share/man/man1 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install -m 755 $(B)/ravelin $(DESTDIR)$(PREFIX)/sbin/
	install -m 644 $(CLI_DIR)/ravelin.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 644 $(CLI_DIR)/ravelin.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/ravelin
INSTALL_TARGETS += cli-install

-include $(CLI_OBJECTS:.o=.d)
