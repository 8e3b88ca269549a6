# SPDX-License-Identifier: GPL-2.0-only
# libravelin: build/tools/libravelin.so.1, .so, .a and the pkg-config file.

LIBRAVELIN_DIR := tools/libravelin
LIBRAVELIN_OUT := $(B)/$(LIBRAVELIN_DIR)
LIBRAVELIN_SOURCES := $(wildcard $(LIBRAVELIN_DIR)/*.c)
LIBRAVELIN_OBJECTS := $(LIBRAVELIN_SOURCES:%.c=$(B)/%.o)
LIBRAVELIN_VERSION := 1.0
# Programs of this tree link the static library: they run from build/ without further ado.
LIBRAVELIN_A := $(LIBRAVELIN_OUT)/libravelin.a
LIBRAVELIN_LIBS := $(LIBRAVELIN_A) -lcrypto

$(LIBRAVELIN_OBJECTS): $(B)/%.o: %.c
	@mkdir -p $(@D)
	$(HOSTCC) $(HOST_CFLAGS) -I$(LIBRAVELIN_DIR) -fPIC -pthread -MMD -MP -c -o $@ $<

$(LIBRAVELIN_A): $(LIBRAVELIN_OBJECTS)
	rm -f $@
	ar rcs $@ $^

$(LIBRAVELIN_OUT)/libravelin.so.1: $(LIBRAVELIN_OBJECTS) $(LIBRAVELIN_DIR)/libravelin.map
	$(HOSTCC) -shared -Wl,-soname,libravelin.so.1 -Wl,--version-script=$(LIBRAVELIN_DIR)/libravelin.map -Wl,-z,defs \
		-o $@ $(LIBRAVELIN_OBJECTS) -lcrypto
	ln -sf libravelin.so.1 $(LIBRAVELIN_OUT)/libravelin.so

$(LIBRAVELIN_OUT)/libravelin.pc: $(LIBRAVELIN_DIR)/libravelin.pc.in
	@mkdir -p $(@D)
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(LIBRAVELIN_VERSION)|' $< >$@

LIBRAVELIN_PRODUCTS := $(LIBRAVELIN_A) $(LIBRAVELIN_OUT)/libravelin.so.1 $(LIBRAVELIN_OUT)/libravelin.pc
ALL += $(LIBRAVELIN_PRODUCTS)

.PHONY: libravelin-install
libravelin-install: $(LIBRAVELIN_PRODUCTS)
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include/ravelin $(DESTDIR)$(PREFIX)/share/man/man3
	install -m 644 $(LIBRAVELIN_A) $(DESTDIR)$(PREFIX)/lib/
	install -m 755 $(LIBRAVELIN_OUT)/libravelin.so.1 $(DESTDIR)$(PREFIX)/lib/
	ln -sf libravelin.so.1 $(DESTDIR)$(PREFIX)/lib/libravelin.so
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(LIBRAVELIN_VERSION)|' $(LIBRAVELIN_DIR)/libravelin.pc.in \
		>$(DESTDIR)$(PREFIX)/lib/pkgconfig/libravelin.pc
	install -m 644 $(LIBRAVELIN_DIR)/ravelin.h $(DESTDIR)$(PREFIX)/include/
	install -m 644 include/ravelin/*.h $(DESTDIR)$(PREFIX)/include/ravelin/
	install -m 644 $(LIBRAVELIN_DIR)/libravelin.3 $(DESTDIR)$(PREFIX)/share/man/man3/
INSTALL_TARGETS += libravelin-install

-include $(LIBRAVELIN_OBJECTS:.o=.d)
