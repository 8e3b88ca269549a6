# SPDX-License-Identifier: GPL-2.0-only
# Every tool and library below tools/ has its own module.mk.

-include $(sort $(wildcard tools/*/module.mk))
