# SPDX-License-Identifier: GPL-2.0-only
# The client of Debian's redis-server. The update is in tests/linux/demo/module.mk.

REDIS_DIR := $(B)/tests/linux/redis

$(REDIS_DIR)/redisclient.o: tests/linux/redis/redisclient.c
	@mkdir -p $(@D)
	$(HOSTCC) $(HOST_CFLAGS) -MMD -MP -c -o $@ $<

$(REDIS_DIR)/redisclient: $(REDIS_DIR)/redisclient.o $(B)/tests/linux/kvd/load.o
	$(HOSTCC) -o $@ $^

ALL += $(REDIS_DIR)/redisclient

-include $(REDIS_DIR)/redisclient.d
