# SPDX-License-Identifier: GPL-2.0-only
# Every group of host unit tests has its own module.mk.

-include $(sort $(wildcard tests/unit/*/module.mk))
