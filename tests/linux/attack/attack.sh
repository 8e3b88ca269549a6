#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest: the program attack, then a second CPU that reads what an update is changing.
# PATCHED (kernel command line): address in kvd's ELF file of a function that the updates replace.
cd /run || exit 1
# shellcheck source=tests/lib/guest.sh
. /test/guest.sh

touches()
{
	ravelin log | grep -c "touched isolated target memory"
}

insmod /modules/ravelin.ko && insmod /modules/attack.ko || exit 1
/test/attack /test/sha256.img || failed=1

# A CPU that was attacked goes to FIMCEs and back like any other.
cycle=0
while [ $cycle -lt 20 ] && ravelin run /test/sha256.img --cpu 1 >cycle.out 2>&1; do
	cycle=$((cycle + 1))
done
if [ $cycle = 20 ] && [ "$(taskset -c 1 nproc)" = 1 ] && [ "$(nproc)" = 2 ]; then
	passed "20 times a CPU to a FIMCE and back"
else
	fail "20 times a CPU to a FIMCE and back" "$cycle times, $(nproc) CPUs: $(tail -n 2 cycle.out)"
fi

start_service kvd "listening on" /test/kvd -p 7400
base=$(sed -n '1s/-.*//p' "/proc/$pid/maps")
address=$((0x$base + 0x$PATCHED))
/test/kvclient ask -p 7400 "SET account 1000" >/dev/null

# watched UPDATE: applies it on CPU 0 while CPU 1 reads the first bytes of a replaced function
watched()
{
	before=$(touches)
	taskset -c 1 /test/attack watch "$pid" "$address" >watch.out 2>&1 &
	watcher=$!
	wait_until grep -q watching watch.out
	taskset -c 0 ravelin update apply --pid "$pid" "/test/$1" >update.out 2>&1
	updated=$?
	kill -TERM $watcher
	wait $watcher
	after=$(touches)
	seen=$(sed -n 's/.*values=\([0-9]*\).*/\1/p' watch.out)
	echo "     $(tail -n 1 watch.out), $((after - before)) touches waited; $(tail -n 1 update.out)"
}

watched kvd-loses-key.suit
if [ $updated != 0 ] && [ "$seen" = 1 ] && [ "$after" -gt "$before" ]; then
	passed "attack: a page is read while a bad update patches it: only the old code is ever seen"
else
	fail "attack: a page is read while a bad update patches it" "$seen values, $before then $after touches, status $updated: $(tail -n 1 update.out)"
fi
watched kvd-2.suit
if [ $updated = 0 ] && [ "$seen" = 2 ] && [ "$after" -gt "$before" ]; then
	passed "attack: a page is read while an update patches it: the old code, then the new"
else
	fail "attack: a page is read while an update patches it" "$seen values, $before then $after touches, status $updated: $(tail -n 1 update.out)"
fi
kill "$pid"

dmesg >dmesg.out
# Linux itself warns once when it reads /dev/mem and meets a general protection fault: that is the attack.
if grep -v 'General protection fault in user access' dmesg.out | grep -E 'BUG|Oops|soft lockup|general protection fault:|Kernel panic' >complaints; then
	fail "the kernel lives through all that" "$(head -n 3 complaints | tr '\n' ';')"
else
	passed "the kernel lives through all that"
fi
exit $failed
