# SPDX-License-Identifier: GPL-2.0-only
# mkupdate (build/mkupdate) and the headers that update code is compiled with (build/include).

MKUPDATE_SRC := $(sort $(wildcard tools/mkupdate/*.c)) pillars/suit/suit.c pillars/cbor/cbor.c pillars/crypto/crypto.c
MKUPDATE_OBJ := $(MKUPDATE_SRC:%.c=$(B)/host-obj/mkupdate/%.o)

$(MKUPDATE_OBJ): $(B)/host-obj/mkupdate/%.o: %.c tools/mkupdate/module.mk
	@mkdir -p $(@D)
	$(HOSTCC) $(HOST_CFLAGS) -Ipillars -MMD -MP -c -o $@ $<

$(B)/mkupdate: $(MKUPDATE_OBJ)
	$(HOSTCC) -o $@ $^ -lcbor -lcrypto -lelf -lbearssl

# What update code may include, laid out as it is installed: the C library's names directly, the rest by directory.
MKUPDATE_HEADERS := $(sort $(wildcard include/ravelin/*.h pillars/*/*.h pillars/libc/include/*.h fimce/include/*.h))
mkupdate_header = $(patsubst include/%,%,$(patsubst fimce/include/%,%,$(patsubst pillars/libc/include/%,%,$(1:pillars/%=%))))
MKUPDATE_INCLUDE := $(foreach h,$(MKUPDATE_HEADERS),$(B)/include/$(patsubst libc/include/%,%,$(call mkupdate_header,$(h))))

define MKUPDATE_COPY
$(B)/include/$(patsubst libc/include/%,%,$(call mkupdate_header,$(1))): $(1)
	@mkdir -p $$(@D)
	@cp $$< $$@
endef
$(foreach h,$(MKUPDATE_HEADERS),$(eval $(call MKUPDATE_COPY,$(h))))

.PHONY: mkupdate-sdk
mkupdate-sdk: $(B)/mkupdate $(B)/mkfimce $(B)/task.ld $(B)/libpillars.a $(MKUPDATE_INCLUDE)

ALL += $(B)/mkupdate $(MKUPDATE_INCLUDE)

# mkupdate calls mkfimce and links what lies beside it, so all of that is installed together.
.PHONY: install-mkupdate
install-mkupdate: mkupdate-sdk
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/lib/ravelin
	install -m 755 $(B)/mkupdate $(B)/mkfimce $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(B)/task.ld $(B)/libpillars.a $(DESTDIR)$(PREFIX)/lib/ravelin
	install -m 644 tools/mkupdate/mkupdate.1 fimce/mkfimce/mkfimce.1 $(DESTDIR)$(PREFIX)/share/man/man1
	cp -rT $(B)/include $(DESTDIR)$(PREFIX)/lib/ravelin/include
INSTALL_TARGETS += install-mkupdate

-include $(MKUPDATE_OBJ:.o=.d)
