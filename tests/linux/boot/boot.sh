#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest: is this an ordinary, healthy Linux on EXPECT_CPUS CPUs, and is Ravelin below it?
# EXPECT_POOL_MB: RAM that must be missing at least.

cd /run || exit 1
# shellcheck source=tests/lib/guest.sh
. /test/guest.sh

cpus_online()
{
	nproc
	[ "$(nproc)" = "$EXPECT_CPUS" ]
}
check "user space" true
check "$EXPECT_CPUS CPUs online" cpus_online

no_vmx_flag()
{
	! grep -m1 '^flags' /proc/cpuinfo | grep -qw vmx
}
check "no vmx flag in /proc/cpuinfo" no_vmx_flag

/test/probe || failed=1

pool_is_reserved()
{
	grep MemTotal /proc/meminfo
	total=$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)
	[ "$total" -le $((EXPECT_RAM_MB - EXPECT_POOL_MB)) ]
}
check "the pool is missing from the guest's RAM" pool_is_reserved

# Each CPU's own timer has to tick, and a process has to run there.
timers_tick()
{
	awk '/LOC:/ { print }' /proc/interrupts >timers
	sleep 1
	awk '/LOC:/ { print }' /proc/interrupts >>timers
	cat timers
	awk -v cpus="$EXPECT_CPUS" '
		{ for (i = 2; i < cpus + 2; i++) { if (NR == 2 && $i <= last[i]) exit 1; last[i] = $i } }' timers
}
check "local timers of all CPUs tick" timers_tick

runs_everywhere()
{
	cpu=0
	while [ "$cpu" -lt "$EXPECT_CPUS" ]; do
		[ "$(taskset -c "$cpu" sh -c 'cut -d" " -f39 /proc/self/stat')" = "$cpu" ] || return 1
		cpu=$((cpu + 1))
	done
}
check "a process runs on every CPU" runs_everywhere

# Work that uses memory, files, pipes, processes and FPU registers on all CPUs at once, with a known result.
work()
{
	dd if=/dev/zero bs=65536 count=32 2>/dev/null | tee "work.$1" | sha256sum | cut -d' ' -f1
	awk 'BEGIN { x = 0; for (i = 1; i <= 20000; i++) x += 1 / (i * i); printf "%.9f\n", x }'
}
parallel_work()
{
	cpu=0
	while [ "$cpu" -lt "$EXPECT_CPUS" ]; do
		(for round in 1 2 3; do work "$cpu"; done) >"result.$cpu" &
		cpu=$((cpu + 1))
	done
	wait
	cat result.* | sort | uniq -c | tee results
	awk -v want=$((EXPECT_CPUS * 3)) '
		{ lines++; if ($1 != want) exit 1 }
		$2 == "1.644884068" { sum = 1 }
		$2 == "5647f05ec18958947d32874eeb788fa396a05d0bab7c1b71f112ceb7e9b31eee" { hash = 1 }
		END { exit !(lines == 2 && sum && hash) }' results
}
check "parallel work gives the same result everywhere" parallel_work

# Linux sends INIT and SIPI to a CPU that it brings back.
if [ "$EXPECT_CPUS" -gt 1 ]; then
	last=/sys/devices/system/cpu/cpu$((EXPECT_CPUS - 1))/online
	# cycle_step STATE COUNT: writes STATE and wants COUNT CPUs afterwards; says what went wrong.
	cycle_step()
	{
		if ! echo "$1" >"$last"; then
			echo "round $round: the kernel refuses to write $1"
			return 1
		elif [ "$(nproc)" != "$2" ]; then
			echo "round $round: nproc says $(nproc) after $1 was written"
			return 1
		fi
	}
	cycle()
	{
		for round in 1 2 3; do
			cycle_step 0 $((EXPECT_CPUS - 1)) && cycle_step 1 "$EXPECT_CPUS" || return 1
		done
		runs_everywhere
	}
	check "the last CPU goes offline and online three times" cycle
fi

# The last word has the kernel.
kernel_is_quiet
[ "$failed" = 0 ] || tail -n 12 dmesg.out
exit "$failed"
