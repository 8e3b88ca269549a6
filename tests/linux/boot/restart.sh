#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest: each of its boots has all CPUs and Ravelin below it. The first boot (ROUND=1) starts the second one with kexec, whose
# kernel command line makes it reset the machine.

cd /run || exit 1
# shellcheck source=tests/lib/guest.sh
. /test/guest.sh

cpus_online()
{
	nproc
	[ "$(nproc)" = "$EXPECT_CPUS" ]
}
check "round $ROUND: $EXPECT_CPUS CPUs online" cpus_online
/test/probe || failed=1
kernel_is_quiet

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
