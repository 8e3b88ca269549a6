# SPDX-License-Identifier: GPL-2.0-only
# The pillars, compiled for the inside of a FIMCE, and with them the parts of BearSSL that they use: one archive
# build/libpillars.a that the manager and every task are linked with.

PILLARS_CFLAGS := $(FIMCE_CFLAGS) -Ipillars/libc/include -Ifimce/include -ffunction-sections -fdata-sections \
	-fno-tree-loop-distribute-patterns
PILLARS_BEARSSL ?= $(firstword $(wildcard $(shell $(CC) -print-file-name=libbearssl.a) /usr/lib/libbearssl.a))

PILLARS_SRC := $(sort $(wildcard pillars/*/*.c))
PILLARS_OBJ := $(PILLARS_SRC:%.c=$(B)/fimce-obj/%.o)

$(PILLARS_OBJ): $(B)/fimce-obj/%.o: %.c pillars/module.mk
	@mkdir -p $(@D)
	$(CC) $(PILLARS_CFLAGS) -MMD -MP -c -o $@ $<

# Objects of BearSSL and of the pillars in one archive, so that a task needs one file. D: no times or user ids inside.
$(B)/libpillars.a: $(PILLARS_OBJ) $(PILLARS_BEARSSL)
	@rm -f $@
	@printf 'create %s\naddlib %s\n%s\nsave\nend\n' '$@' '$(PILLARS_BEARSSL)' \
		"$$(printf 'addmod %s\n' $(PILLARS_OBJ))" | $(AR) -M
	@$(AR) sD $@

ALL += $(B)/libpillars.a

-include $(PILLARS_OBJ:.o=.d)
