# SPDX-License-Identifier: GPL-2.0-only
# Measurements of a Linux guest; those of bare guests are in tests/vmx.

BENCH_TESTS += tests/bench/root-mode-lines tests/bench/linux-overhead tests/bench/linux-pause

ALL += $(B)/tests/bench/linux/workload

$(B)/tests/bench/linux/workload: tests/bench/linux/workload.c
	@mkdir -p $(@D)
	$(HOSTCC) $(HOST_CFLAGS) -static $< -o $@
