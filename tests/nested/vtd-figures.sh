#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the inner machine's Linux: what it has taken, in exits and in ticks of the TSC, from Ravelin's launch to here.

cd /run || exit 1
# shellcheck source=tests/lib/guest.sh
. /test/guest.sh

check "the module loads" insmod /modules/ravelin.ko
# Before anything else: each program that runs adds to them.
exits=$(ravelin stat | awk '/exits of the guest/ { n += $NF } END { print n }')
now=$(/test/workload boot | awk '{ print $3 }')
launched=$(ravelin log --json | awk -F '[:,]' '/"tsc"/ && !n { n = $2 + 0 } END { printf "%d\n", n }')
echo "now $now, launched at $launched" >figures.out
check "the launch is in the log" test "${launched:-0}" -gt 0 -a "${now:-0}" -gt "${launched:-0}"
echo "FIGURE exits $exits"
echo "FIGURE ticks $((now - launched))"
exit "$failed"
