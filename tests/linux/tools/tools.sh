#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest: the module, the program ravelin and FIMCEs on borrowed and on dedicated CPUs.
# In /test: images. CYCLES (kernel command line): how often a CPU is given away and taken back.
cd /run || exit 1
# shellcheck source=tests/lib/guest.sh
. /test/guest.sh

check "without the module: exit status 3 and why" status 3 "load the module ravelin" ravelin info
check "check: Ravelin runs here" status 0 "Ravelin runs here" ravelin check
check "the module loads" insmod /modules/ravelin.ko
check "/dev/ravelin has mode 0600" test "$(stat -c %a /dev/ravelin)" = 600
check "dmesg says so" grep -q "Ravelin is here" <<DMESG
$(dmesg)
DMESG
check "info" says "trust anchor" ravelin info
check "info --json" says '"abi_version": 3' ravelin info --json
cpus=$(nproc)
check "info counts the CPUs" says "^CPUs *$cpus" ravelin info
free_before=$(ravelin info --json | grep pool_free_bytes)
pinned="pages_pinned\": 0"

check "log" says "Ravelin took over this CPU" ravelin log
check "log --json" says '"name": "LAUNCH_OK"' ravelin log --json
check "stat" says "exits of the guest" ravelin stat
check "stat: VMCALLs are counted" says "VMCALL" ravelin stat --cpu 0
check "stat of a CPU that is not there" status 1 "there is no CPU with index" ravelin stat --cpu 63
check "audit" says "grant nothing" ravelin audit
check "journal is empty and its chain holds" says "over 0 records holds" ravelin update log
check "unknown command" status 2 "there is no command" ravelin nonsense
check "unknown option" status 2 "try ravelin" ravelin stat --nonsense

# FIMCEs
head -c 100000 /dev/urandom >input
digest=$(sha256sum <input | cut -d' ' -f1)
check "run on a borrowed CPU: the digest is right" says "^$digest$" ravelin run /test/sha256.img --input input
cpu=0
while [ $cpu -lt "$cpus" ]; do
	check "run on CPU $cpu, borrowed" says "^$digest$" taskset -c $cpu ravelin run /test/sha256.img --input input
	cpu=$((cpu + 1))
done
check "run --output: 32 bytes" ravelin run /test/sha256.img --input input --output output
check "run --output: right" test "$(od -An -tx1 output | tr -d ' \n')" = "$digest"
check "run --json" says "\"output\": \"$digest\"" ravelin run --json /test/sha256.img -i input
check "run of an empty input" says "^e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855$" ravelin run /test/sha256.img
head -c 4096 /dev/zero >zeros
check "run of a file that is no image" status 1 "not a FIMCE image" ravelin run zeros
head -c 2000 /test/sha256.img >cut.img
check "run of a cut image" status 1 "header is malformed" ravelin run cut.img
check "an endless loop is ended by the watchdog" status 4 "used up its time budget" ravelin run /test/spin.img
check "ps is empty again" test "$(ravelin ps | wc -l)" = 1
check "kill of what is not there" status 1 "no FIMCE with id" ravelin kill 4711

# A FIMCE belongs to the program that made it.
if [ "$cpus" -gt 1 ]; then
	last=$((cpus - 1))
	check "run on a CPU of its own: the digest is right" says "^$digest$" ravelin run /test/sha256.img --input input --cpu $last
	check "the CPU is back" test "$(nproc)" = "$cpus"
	check "CPU 0 stays" status 1 "Linux needs it" ravelin run /test/sha256.img --cpu 0
	check "a CPU that is not there" status 1 "not known to Ravelin" ravelin run /test/sha256.img --cpu 40
	check "an endless loop on a CPU of its own" status 4 "used up its time budget" ravelin run /test/spin.img --cpu $last
	check "the CPU is back after that" test "$(nproc)" = "$cpus"

	ravelin run /test/spin-long.img --cpu $last >spin.out 2>&1 &
	spinner=$!
	wait_until says running ravelin ps
	id=$(ravelin ps | awk '/running/ { print $1 }')
	check "ps shows the running FIMCE" test -n "$id"
	check "info counts the CPU that is away" says "1 away from Linux" ravelin info
	check "Linux has one CPU less" test "$(nproc)" = $last
	kill -9 $spinner
	wait $spinner 2>/dev/null
	check "after the program's end its FIMCE is gone" test "$(ravelin ps | wc -l)" = 1
	check "after the program's end its CPU is back" test "$(nproc)" = "$cpus"

	cycle=0
	while [ $cycle -lt "${CYCLES:-50}" ]; do
		ravelin run /test/sha256.img --cpu $last >cycle.out 2>&1 || break
		cycle=$((cycle + 1))
		# A sign of life on the serial line.
		[ $((cycle % 50)) != 0 ] || echo "     $cycle times, uptime $(cut -d' ' -f1 /proc/uptime) s"
	done
	check "${CYCLES:-50} times a CPU to a FIMCE and back" test $cycle = "${CYCLES:-50}" -a "$(nproc)" = "$cpus"
	[ $cycle = "${CYCLES:-50}" ] || cat cycle.out
fi

# Steady state: processes, page faults, system calls and timer interrupts of a second and more are no business of root mode.
steady_state()
{
	timers=$(awk '/^ *LOC:/ { print $2 }' /proc/interrupts)
	faults=$(awk '$1 == "pgfault" { print $2 }' /proc/vmstat)
	exits=$(exits_counted)
	seq 60000 | sort -r | sha256sum >/dev/null
	dd if=/dev/zero of=steady bs=4k count=1000 2>/dev/null && rm steady
	usleep 200000
	exits=$(($(exits_counted) - exits))
	timers=$(($(awk '/^ *LOC:/ { print $2 }' /proc/interrupts) - timers))
	faults=$(($(awk '$1 == "pgfault" { print $2 }' /proc/vmstat) - faults))
	echo "timer interrupts on CPU 0: $timers, page faults: $faults, exits: $exits"
	[ "$timers" -ge 20 ] && [ "$faults" -ge 1000 ] && [ "$exits" = 0 ]
}
check "page faults, timers, system calls and processes cause no exit but CPUID" steady_state
check "no page of the pool is lost" test "$(ravelin info --json | grep pool_free_bytes)" = "$free_before"
check "no page is pinned" says "$pinned" ravelin info --json
check "audit after all that" says "grant nothing" ravelin audit
/test/ioctls || failed=1
check "the module unloads" rmmod ravelin
check "and loads again" insmod /modules/ravelin.ko
kernel_is_quiet
[ $failed = 0 ] || ravelin log | tail -n 20
exit $failed
