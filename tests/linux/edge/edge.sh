#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest: edge.c, then what Ravelin, its journal and the kernel say about it all.
cd /run || exit 1
failed=0
check() # NAME COMMAND...
{
	name=$1
	shift
	if "$@" >check.out 2>&1; then
		echo "PASS $name"
	else
		echo "FAIL $name: $(tail -n 4 check.out | tr '\n' ';')"
		failed=1
	fi
}

insmod /modules/ravelin.ko && insmod /modules/attack.ko || exit 1
/test/edge /test/edge-target /test/edge-code.suit /test/edge-data.suit /modules/ravelin.ko || failed=1
check "audit" ravelin audit
check "the journal's chain holds" ravelin update log
check "the module unloads when nothing is left" rmmod ravelin
dmesg >dmesg.out
if grep -E 'BUG|WARNING|Oops|soft lockup|general protection|unchecked MSR|Call Trace' dmesg.out >complaints; then
	echo "FAIL the kernel does not complain: $(head -n 3 complaints | tr '\n' ';')"
	failed=1
else
	echo "PASS the kernel does not complain"
fi
if [ $failed != 0 ]; then
	grep ravelin dmesg.out | tail -n 10
	insmod /modules/ravelin.ko
	ravelin log | tail -n 20
fi
exit $failed
