#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest: edge.c, then what Ravelin, its journal and the kernel say about it all.
cd /run || exit 1
# shellcheck source=tests/lib/guest.sh
. /test/guest.sh

insmod /modules/ravelin.ko && insmod /modules/attack.ko || exit 1
/test/edge /test/edge-target /test/edge-code.suit /test/edge-data.suit /test/edge-stuck.suit /modules/ravelin.ko || failed=1
check "audit" ravelin audit
check "the journal's chain holds" ravelin update log
check "the module unloads when nothing is left" rmmod ravelin
kernel_is_quiet
if [ $failed != 0 ]; then
	grep ravelin dmesg.out | tail -n 10
	insmod /modules/ravelin.ko
	ravelin log | tail -n 20
fi
exit $failed
