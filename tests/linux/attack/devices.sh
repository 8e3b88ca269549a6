#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest, on a machine with VT-d: the attacks by devices.
# PATCHED (kernel command line): address in kvd's ELF file of a function that the update replaces.
cd /run || exit 1
# shellcheck source=tests/lib/guest.sh
. /test/guest.sh

insmod /modules/ravelin.ko && insmod /modules/attack.ko || exit 1
start_service kvd "listening on" /test/kvd -p 7400
base=$(sed -n '1s/-.*//p' "/proc/$pid/maps")
/test/kvclient ask -p 7400 "SET account 1000" >/dev/null

/test/attack devices /test/sha256.img /test/modexp.img /test/edu-copy.suit "$pid" $((0x$base + 0x$PATCHED)) /test/attack-loops.suit /test/random.suit || failed=1
answer=$(/test/kvclient ask -p 7400 "GET account")
if [ "$answer" = "VALUE 1000" ]; then
	passed "the attacked process has kept its data and answers"
else
	fail "the attacked process has kept its data and answers" "'$answer', $(tail -n 2 update.out)"
fi
kill "$pid"
[ "$(nproc)" = 2 ] && passed "both CPUs are Linux' again" || fail "both CPUs are Linux' again" "$(nproc)"
kernel_is_quiet
exit "$failed"
