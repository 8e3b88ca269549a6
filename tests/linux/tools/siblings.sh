#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest, on two cores with two hyper-threads each: a core is given away as a whole or not at all.
cd /run || exit 1
# shellcheck source=tests/lib/guest.sh
. /test/guest.sh

cpu=/sys/devices/system/cpu
# The hyper-thread beside CPU $last.
last=$(($(nproc) - 1))
check "four CPUs, two in each core" test "$(nproc) $(cat $cpu/cpu$last/topology/thread_siblings_list | tr ',-' '  ' | wc -w)" = "4 2"
sibling=$(tr ',-' '\n\n' <$cpu/cpu$last/topology/thread_siblings_list | grep -v "^$last$")
beside_zero=$(tr ',-' '\n\n' <$cpu/cpu0/topology/thread_siblings_list | grep -v '^0$')
check "the module loads" insmod /modules/ravelin.ko

ravelin run /test/spin-long.img --cpu "$last" >spin.out 2>&1 &
spinner=$!
wait_until says running ravelin ps
check "the sibling goes with the CPU" says "2 away from Linux" ravelin info
check "Linux has neither" test "$(cat $cpu/cpu$last/online) $(cat $cpu/cpu"$sibling"/online)" = "0 0"
check "Ravelin has both" test "$(ravelin stat | grep -c -E '^CPU .*: (taken|fimce)')" = 2
kill -9 $spinner
wait $spinner 2>/dev/null
check "both are back" test "$(nproc) $(cat $cpu/online)" = "4 0-3"
check "the sibling of CPU 0 stays" status 1 "Linux needs it" ravelin run /test/spin.img --cpu "$beside_zero"

# The second of the two refuses: a callback of Linux' CPU hot-plug fails for it, once.
higher=$last
[ "$sibling" -lt "$last" ] || higher=$sibling
state=$(awk -F ': ' '/workqueue:online/ { print $1 + 0 }' $cpu/hotplug/states)
check "hot-plug can be made to fail" sh -c "echo $state >$cpu/cpu$higher/hotplug/fail"
check "a core of which one CPU stays is not taken" status 1 "could not take CPU $higher offline" ravelin run /test/spin.img --cpu "$last"
check "then the other one is back" test "$(nproc) $(cat $cpu/online)" = "4 0-3"
check "and nothing is away" says "0 away from Linux" ravelin info
echo -1 >$cpu/cpu"$higher"/hotplug/fail
check "after that it works" status 4 "used up its time budget" ravelin run /test/spin.img --cpu "$last"
check "audit" says "grant nothing" ravelin audit
kernel_is_quiet
exit "$failed"
