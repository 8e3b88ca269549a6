# SPDX-License-Identifier: GPL-2.0-only
# The tests with Linux as the guest: each folder brings its own module.mk.

-include $(wildcard tests/linux/*/module.mk)
