#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest: each of its boots has all CPUs and Ravelin below it. The first boot (ROUND=1) starts the second one with kexec, whose
# kernel command line makes it reset the machine.

failed=0
if [ "$(nproc)" = "$EXPECT_CPUS" ]; then
	echo "PASS round $ROUND: $EXPECT_CPUS CPUs online"
else
	echo "FAIL round $ROUND: $EXPECT_CPUS CPUs online: nproc says $(nproc)"
	failed=1
fi
/test/probe || failed=1

dmesg >/tmp/dmesg
if grep -E 'BUG|WARNING|Oops|soft lockup|general protection|rcu.*stall|Call Trace' /tmp/dmesg >/tmp/complaints; then
	echo "FAIL round $ROUND: the kernel does not complain: $(head -n 3 /tmp/complaints | tr '\n' ';')"
	failed=1
else
	echo "PASS round $ROUND: the kernel does not complain"
fi

# /init would end this boot in its own way; kexec does not return if it works, so the end marker is printed before.
if [ "$ROUND" = 1 ]; then
	echo
	echo "RAVELIN-TEST-END $failed"
	stty -echo
	echo "round $ROUND: loading the other kernel"
	sed 's/ROUND=1/ROUND=2 AFTER=reboot/' /proc/cmdline >/tmp/cmdline
	/test/kexec /test/vmlinuz /test/initrd "$(cat /tmp/cmdline)"
	echo "FAIL kexec: it returned"
	exit 1
fi
exit "$failed"
